"""A recipe and a preset as a row, with its detail in words; and lists of them that filter and order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.api.forms import Fact, Field, Values
from engine.api.rows import Filter, Id
from engine.errors import NotFound, WrongUse
from engine.names import display


@dataclass(frozen=True)
class RecipeEntry:
    """A recipe in the list. ``last_run_at`` and ``last_status`` are of its newest run; None: never run.

    ``is_lost``: its preset is not there.
    """

    recipe_id: str
    name: str
    mode: str
    layout: str
    preset: str
    destination: str | None
    updated_at: str
    runs: int
    last_run_at: str | None
    last_status: str | None
    is_lost: bool = False

    @property
    def id(self) -> str:
        """The row's id."""
        return self.recipe_id


@dataclass(frozen=True)
class PresetEntry:
    """A preset in the list. ``unable`` says why this machine cannot encode with it.

    None when it can, or was not tried yet, see :meth:`Making.try_presets`.
    """

    name: str
    description: str
    category: str
    is_system: bool
    video: str | None
    audio: str | None
    container: str
    unable: str | None
    is_composed: bool = False
    is_broken: bool = False
    """Its parts make no preset any more; ``unable`` says why."""

    @property
    def id(self) -> str:
        """The row's id."""
        return self.name


@dataclass(frozen=True)
class PartEntry:
    """A part of composed presets in the list; ``used_by`` names the presets that are put together from it.

    ``settings`` is in words, ``given`` holds the answers of its form.
    """

    concern: str
    name: str
    is_system: bool
    settings: str
    used_by: tuple[str, ...]
    given: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The row's id: two concerns may have a part of one name."""
        return f"{self.concern}/{self.name}"


@dataclass(frozen=True)
class Answers:
    """One recipe or preset in words: every field that is answered, and what it comes to."""

    name: str
    answers: tuple[tuple[str, str, str], ...]
    """Group, label and value of each field."""

    facts: tuple[Fact, ...] = ()
    problems: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class ItemLine:
    """One clip of an explicit list; ``fps`` and ``frames`` are None when the clip was never looked at.

    ``title`` is None when the clip is not in this library. ``out_frame`` is not included; None is an end.
    ``state`` is that of the clip, see :class:`engine.api.facts.ClipRow`; None when it is not in this library.
    """

    clip_id: str
    title: str | None
    fps: float | None
    frames: int | None
    in_frame: int | None
    out_frame: int | None
    state: str | None


R = TypeVar("R", bound=RecipeEntry | PresetEntry | PartEntry)


class Listed(Generic[R]):
    """A list that is read whole: there are dozens of these, not thousands."""

    def __init__(
        self,
        read: Callable[[], Sequence[R]],
        text: Callable[[R], str],
        sorts: Mapping[str, Callable[[R], Any] | None],
        shows: Mapping[str, Callable[[R], bool]],
        detail: Callable[[R], Answers],
    ) -> None:
        self._read, self._text, self._sorts, self._shows, self._detail = read, text, sorts, shows, detail
        self._rows: dict[Id, R] = {}

    @property
    def orders(self) -> tuple[str, ...]:
        """Names of the orders it knows, the default first."""
        return tuple(self._sorts)

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """Ids of all rows that pass, in order; reads anew.

        Raises:
            WrongUse: an order that this source does not know.
        """
        order = wanted.order or self.orders[0]
        if order not in self._sorts:
            raise WrongUse(f"Rows can be ordered by: {', '.join(self.orders)}.")
        found = list(self._read())
        self._rows = {entry.id: entry for entry in found}
        text = wanted.text.strip().lower()
        negated, text = text.startswith("!"), text.removeprefix("!")
        if text:
            found = [entry for entry in found if (text in self._text(entry).lower()) != negated]
        if wanted.show != "all":
            found = [entry for entry in found if self._shows[wanted.show](entry)]
        key = self._sorts[order]
        if key is not None:
            found.sort(key=key)
        ids: list[Id] = [entry.id for entry in found]
        return ids[::-1] if wanted.reverse else ids

    def rows(self, ids: Sequence[Id]) -> Sequence[R]:
        """Rows by id, in the order given."""
        if any(row_id not in self._rows for row_id in ids):
            self._rows = {entry.id: entry for entry in self._read()}
        return [self._rows[row_id] for row_id in ids if row_id in self._rows]

    def detail(self, row_id: Id) -> Answers:
        """All that one row says.

        Raises:
            NotFound: it is gone.
        """
        found = self.rows([row_id])
        if not found:
            raise NotFound("It is no longer there.")
        return self._detail(found[0])


def in_words(fields: Sequence[Field], values: Values) -> list[tuple[str, str, str]]:
    """Group, label and value of each field that is asked and answered."""
    found = []
    for field in fields:
        if (
            field.key == "name"
            or not field.is_asked(values)
            or values.get(field.key) in (None, "", [], False)
        ):
            continue
        found.append((field.group, field.label, spoken(field, values[field.key])))
    return found


def spoken(field: Field, value: Any) -> str:
    """An answer in words, escaped; empty when there is none."""
    if value in (None, "", []):
        return ""
    if field.kind == "flag":
        return "yes" if value else "no"
    if field.kind == "clips":
        count = len(value)
        return f"{count:,} clip{'s' if count != 1 else ''}"
    if field.kind == "words":
        return display(", ".join(str(word) for word in value))
    word = dict(field.choices).get(value)
    return display(str(value if word is None or "  " in word else word))
