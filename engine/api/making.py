"""Recipes and presets as the screens see them: rows, forms, and the verbs for their keys.

Reads belong to the thread that made the object, checks and verbs may be called from any.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.api import (
    compose_form,
    exports,
    preset_fields,
    preset_form,
    recipe_fields,
    recipe_form,
    views,
)
from engine.api import presets as preset_verbs
from engine.api import recipes as recipe_verbs
from engine.api.forms import Check, Fact, Field, Values
from engine.api.rows import Filter, Id
from engine.errors import NotFound, Refused, WrongUse
from engine.export import body as body_rules
from engine.export import presets, recipes
from engine.export.presets import Preset
from engine.export.recipes import Recipe
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.storage.database import row, rows


@dataclass(frozen=True)
class RecipeEntry:
    """A recipe in the list. ``last_run_at`` and ``last_status`` are of its newest run; None: never run."""

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

    @property
    def id(self) -> str:
        """The row's id."""
        return self.name


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
    """

    clip_id: str
    title: str | None
    fps: float | None
    frames: int | None
    in_frame: int | None
    out_frame: int | None


R = TypeVar("R", bound=RecipeEntry | PresetEntry)


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


class Making:
    """Recipes of one library and presets of this machine."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._tried: dict[str, str | None] = {}

    # -- recipes ---------------------------------------------------------------
    def recipes(self) -> Listed[RecipeEntry]:
        """All recipes."""
        return Listed(
            self._recipe_rows,
            lambda entry: f"{entry.name} {entry.preset} {entry.mode}",
            {
                "name": lambda entry: entry.name.casefold(),
                "newest": lambda entry: [-ord(char) for char in entry.last_run_at or ""],
                "preset": lambda entry: (entry.preset.casefold(), entry.name.casefold()),
            },
            {
                "active": lambda entry: entry.last_status in ("pending", "running", "paused", "interrupted"),
                "failed": lambda entry: entry.last_status in ("failed", "completed_with_warnings"),
            },
            self._recipe_detail,
        )

    def _recipe_rows(self) -> list[RecipeEntry]:
        db = self._library.db()
        newest = {
            entry["recipe_id"]: entry
            for entry in rows(
                db,
                "SELECT recipe_id, count(*) AS runs, max(runs.created_at) AS at, jobs.status"
                " FROM runs JOIN jobs USING (job_id) WHERE recipe_id IS NOT NULL GROUP BY recipe_id",
            )
        }
        return [self._recipe_row(recipe, newest.get(recipe.recipe_id)) for recipe in recipes.list_recipes(db)]

    def _recipe_row(self, recipe: Recipe, newest: Mapping[str, Any] | None) -> RecipeEntry:
        spec = recipe.spec
        return RecipeEntry(
            recipe.recipe_id,
            recipe.name,
            spec["mode"],
            spec["layout"],
            spec["preset"],
            spec["destination"],
            recipe.updated_at,
            newest["runs"] if newest else 0,
            newest["at"] if newest else None,
            newest["status"] if newest else None,
        )

    def _recipe_detail(self, entry: RecipeEntry) -> Answers:
        values = recipe_form.values_of(self._library, entry.recipe_id)
        return Answers(entry.name, tuple(in_words(self.recipe_fields(values), values)))

    def recipe_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a recipe's form for these answers."""
        del values
        return recipe_fields.fields([(entry.name, f"{entry.name}  {entry.description}") for entry in _all()])

    def recipe_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a recipe (by name or id); None begins a new one.

        Raises:
            NotFound: there is none.
        """
        return recipe_form.values_of(self._library, name)

    def check_recipe(self, values: Values, was: str | None) -> Check:
        """What is wrong with the answers, and what they would come to. May take a while with many clips."""
        return recipe_form.check(self._library, values, was)

    def save_recipe(self, values: Values, was: str | None) -> str:
        """Store a new recipe, or change the one called ``was``. Returns its name."""
        return recipe_form.save(self._library, values, was)

    def delete_recipe(self, name: str) -> None:
        """Delete a recipe; its runs and films stay."""
        recipe_verbs.delete_recipe(self._library, name)

    def write_recipe(self, name: str, path: str) -> str:
        """Write a recipe to a new file. Returns the path.

        Raises:
            Refused: the file exists, or cannot be written.
        """
        return write_new(path, recipe_verbs.recipe_text(self._library, name), f"{name}.recipe.json")

    def read_recipe(self, path: str) -> str:
        """Make a recipe from a file. Returns its name."""
        return str(recipe_verbs.import_recipe(self._library, path)["name"])

    def items(self, given: Sequence[Mapping[str, Any]]) -> list[ItemLine]:
        """The clips of an explicit list, with what is known of them."""
        return [self._item(entry) for entry in given]

    def clips(self) -> views.Clips:
        """All clips of the library, to choose from."""
        return views.Clips(self._library)

    def write_timeline(self, name: str, path: str) -> list[str]:
        """Write a recipe's timeline for editing programs; the path's ending says which.

        Returns:
            sentences: where it lies, and what the format could not carry.

        Raises:
            WrongUse: an ending of no known format.
            Refused: the file exists, or nothing can be written.
        """
        return list(recipe_verbs.write_timeline(self._library, name, path))

    def _item(self, entry: Mapping[str, Any]) -> ItemLine:
        found = row(
            self._library.db(),
            "SELECT title, fps, duration_ms FROM clips WHERE clip_id = ?",
            (entry["clip_id"],),
        )
        fps = float(found["fps"]) if found and found["fps"] else None
        length = found["duration_ms"] if found else None
        return ItemLine(
            entry["clip_id"],
            found["title"] if found else None,
            fps,
            round(length * fps / 1000) if fps and length else None,
            entry.get("in_frame"),
            entry.get("out_frame"),
        )

    # -- presets ---------------------------------------------------------------
    def presets(self) -> Listed[PresetEntry]:
        """All presets, by category."""
        places = {category: at for at, category in enumerate(body_rules.CATEGORIES)}
        return Listed(
            lambda: [_preset_row(preset, self._tried.get(_key(preset))) for preset in _all()],
            lambda entry: (
                f"{entry.name} {entry.description} {entry.category} {entry.video} {entry.container}"
            ),
            {
                "category": lambda entry: places.get(entry.category, len(places)),
                "name": lambda entry: entry.name.casefold(),
            },
            {"active": lambda entry: not entry.is_system, "failed": lambda entry: entry.unable is not None},
            self._preset_detail,
        )

    def _preset_detail(self, entry: PresetEntry) -> Answers:
        preset = _get(entry.name)
        if preset.composed is not None:
            values = compose_form.values_of(entry.name)
            answers = in_words(compose_form.fields(), values)
        else:
            values = preset_form.values_of(entry.name)
            answers = in_words(preset_fields.fields(values), values)
        return Answers(
            entry.name,
            tuple(answers),
            preset_form.facts_of(preset),
            (entry.unable,) if entry.unable else (),
            preset_form.command_of(preset),
        )

    def try_presets(self, seconds: float = 0.7) -> bool:
        """Try presets on this ffmpeg that were not tried yet, for about so long; True when all are.

        Each costs some tenths of a second once: a picture is really encoded. Any thread but the screen's.
        """
        end = time.monotonic() + seconds
        for preset in _all():
            if _key(preset) in self._tried:
                continue
            if time.monotonic() > end:
                return False
            self._tried[_key(preset)] = " ".join(preset_form.unable(preset)) or None
        return True

    def preset_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a preset's form for these answers."""
        return preset_fields.fields(values)

    def preset_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a preset; None begins a new one.

        Raises:
            NotFound: there is none.
        """
        return preset_form.values_of(name)

    def check_preset(self, values: Values, was: str | None) -> Check:
        """What is wrong with the answers, and the arguments that they stand for."""
        return preset_form.check(values, was)

    def save_preset(self, values: Values, was: str | None) -> str:
        """Store a new preset, or change the one called ``was``. Returns its name."""
        return preset_form.save(values, was)

    def compose_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a preset that is put together from parts."""
        del values
        return compose_form.fields()

    def compose_values(self, name: str | None) -> dict[str, Any]:
        """The answers of a composed preset; None begins a new one."""
        return compose_form.values_of(name)

    def check_composed(self, values: Values, was: str | None) -> Check:
        """What is wrong with the parts, and what they make."""
        return compose_form.check(values, was)

    def save_composed(self, values: Values, was: str | None) -> str:
        """Store a composed preset. Returns its name."""
        return compose_form.save(values, was)

    def part_fields(self, values: Values) -> Sequence[Field]:
        """The fields of a new part for composed presets."""
        return compose_form.part_fields(values)

    def check_part(self, values: Values) -> Check:
        """What is wrong with a new part."""
        return compose_form.check_part(values)

    def save_part(self, values: Values) -> str:
        """Store a new part. Returns its name."""
        return compose_form.save_part(values)

    def delete_preset(self, name: str) -> None:
        """Delete a preset of one's own."""
        preset_verbs.delete_preset(name)

    def write_preset(self, name: str, path: str) -> str:
        """Write a preset to a new file. Returns the path."""
        return write_new(path, preset_verbs.preset_text(name), f"{name}.preset.json")

    def read_preset(self, path: str) -> str:
        """Make a preset from a file. Returns its name."""
        return str(preset_verbs.import_preset(path)["name"])

    # -- runs ------------------------------------------------------------------
    def resume_run(self, run_id: str) -> str:
        """Go on with a cancelled run as a new one that takes over its finished segments. Returns its id."""
        return str(exports.again(self._library, run_id, "resume")["runs"][0]["run_id"])

    def log_file(self, run_id: str) -> str | None:
        """The file with everything that ffmpeg said during a run, or None."""
        return exports.log_file(self._library, run_id)

    def compare(self, one: str, other: str) -> dict[str, Any]:
        """Two runs side by side, see :func:`engine.export.runs.compare`."""
        return exports.compare(self._library, one, other)


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


def write_new(path: str, text: str, name: str) -> str:
    """Write text to a new file; a folder gets a file called ``name`` in it. Returns the path.

    Raises:
        Refused: a file is there already, or it cannot be written.
    """
    if os.path.isdir(path):
        path = os.path.join(path, name.replace("/", "_"))
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Refused(f"{display(path)} exists already and was left as it is; give another name.") from error
    except OSError as error:
        raise Refused(f"{display(path)} cannot be written: {error.strerror}.") from error
    return path


def _all() -> list[Preset]:
    db = config.open_config()
    try:
        return presets.list_presets(db)
    finally:
        db.close()


def _get(name: str) -> Preset:
    db = config.open_config()
    try:
        return presets.get(db, name)
    finally:
        db.close()


def _key(preset: Preset) -> str:
    """What decides whether this machine can encode with a preset."""
    return f"{preset.name} {json.dumps(preset.body, sort_keys=True)}"


def _preset_row(preset: Preset, unable: str | None) -> PresetEntry:
    body = preset.body
    return PresetEntry(
        preset.name,
        preset.description,
        body["category"],
        preset.is_system,
        body["video"]["codec"] if body["video"] else None,
        body["audio"]["codec"] if body["audio"] else None,
        preset.container,
        unable,
        preset.composed is not None,
    )
