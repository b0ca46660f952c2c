"""What a form asks for: fields in words, and how an answer is checked field by field. Pure.

A form's values are flat: one entry per field, by the field's dotted key
(``video.codec``), in the form in which the spec holds them; a field that is
left to its default has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import RushesError, WrongUse
from engine.names import display

Kind = Literal["text", "number", "choice", "flag", "folder", "file", "words", "clips"]
"""How a field is answered: ``words`` are separated by commas; ``clips`` are chosen in a list."""

Values = Mapping[str, Any]

YES = frozenset({"yes", "true", "on", "1"})
NO = frozenset({"no", "false", "off", "0"})
"""How a flag is answered in words."""


@dataclass(frozen=True)
class Field:
    """One question of a form.

    Attributes:
        key: dotted place in the spec.
        label: a word or two.
        kind: see :data:`Kind`.
        hint: a sentence: what it does, which values it takes.
        group: heading it stands under.
        choices: values that can be chosen, and their words.
        empty: what it means to leave it out, in words.
        default: of a choice, the value that holds when nothing is answered; None: ``empty`` says it.
        asked: whether the other answers make it meaningful; None is always.
        ending: of a file, how its name ends, in small letters.
    """

    key: str
    label: str
    kind: Kind
    hint: str
    group: str
    choices: tuple[tuple[Any, str], ...] = ()
    empty: str = ""
    default: Any = None
    asked: Callable[[Values], bool] | None = None
    ending: str = ""

    def is_asked(self, values: Values) -> bool:
        """Whether the form shows it with these answers."""
        return self.asked is None or self.asked(values)


@dataclass(frozen=True)
class Fact:
    """A line of what the answers come to. ``tone`` is ``""``, ``good``, ``warn`` or ``bad``."""

    label: str
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Check:
    """What is wrong with the answers, and what they come to.

    Attributes:
        problems: sentence by field key; the key ``""`` holds what belongs to no single field.
        facts: the outcome, line by line.
        command: the ffmpeg command that will run, one argument each; empty while there is none.
    """

    problems: Mapping[str, str]
    facts: tuple[Fact, ...] = ()
    command: tuple[str, ...] = ()


def nested(values: Values) -> dict[str, Any]:
    """Flat values as the spec nests them: ``{"video.codec": x}`` becomes ``{"video": {"codec": x}}``."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        *outer, last = key.split(".")
        place = found
        for name in outer:
            place = place.setdefault(name, {})
        place[last] = value
    return found


def flat(spec: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The values that a spec has for these keys; None and what is empty is left out."""
    found: dict[str, Any] = {}
    for key in keys:
        value: Any = spec
        for name in key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value not in (None, "", [], {}):
            found[key] = value
    return found


def problems(
    values: Values,
    frame: Sequence[str],
    check: Callable[[Values], object],
    beside: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, str]:
    """Which fields are wrong, each with the sentence that says why.

    Args:
        values: the answers.
        frame: keys that others depend on; each field is looked at together with them.
        check: raises a RushesError for values that do not fit.
        beside: of a field, others without which it says nothing; it is looked at together with those too,
            and what is wrong with them is not laid at it.

    Returns:
        an empty dict when all is well.
    """

    def wrong(part: Values) -> str | None:
        try:
            check(part)
        except RushesError as error:
            return str(error)
        return None

    whole = wrong(values)
    if whole is None:
        return {}
    basis = {key: values[key] for key in frame if key in values}
    found: dict[str, str] = {}
    while (sentence := wrong(basis)) is not None:
        culprit = next((key for key in basis if wrong(_without(basis, key)) is None), None)
        culprit = culprit or next(iter(basis), None)
        if culprit is None:
            return {"": whole}
        found[culprit] = sentence
        basis = _without(basis, culprit)
    for key in values:
        if key not in frame:
            near = {other: values[other] for other in (beside or {}).get(key, ()) if other in values}
            sentence = wrong({**basis, **near, key: values[key]})
            if sentence is not None and sentence != wrong({**basis, **near}):
                found[key] = sentence
    if found:
        return found
    # Each alone is well: the culprit is the one without which the others are.
    for key in reversed(list(values)):
        if wrong(_without(values, key)) is None:
            return {key: whole}
    return {"": whole}


def _without(values: Values, key: str) -> dict[str, Any]:
    return {other: value for other, value in values.items() if other != key}


def text_of(field: Field, value: Any) -> str:
    """An answer as it is typed."""
    if value is None:
        return ""
    if field.kind == "words":
        return ", ".join(str(word) for word in value)
    return str(value)


def value_of(field: Field, text: str) -> Any:
    """What was typed as an answer; None for nothing. What does not fit stays text: the check says why."""
    text = text.strip()
    if not text:
        return None
    if field.kind == "words":
        return [word.strip() for word in text.split(",") if word.strip()]
    if field.kind == "flag" and text.lower() in YES | NO:
        return text.lower() in YES
    if field.kind == "choice":
        return next((value for value, _ in field.choices if str(value) == text), text)
    if field.kind == "number":
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def field_json(field: Field) -> dict[str, Any]:
    """A field as a document tells it."""
    return {
        "key": field.key,
        "label": field.label,
        "kind": field.kind,
        "hint": field.hint,
        "group": field.group,
        "choices": [value for value, _ in field.choices],
        "default": field.default,
    }


def answers_of(pairs: Sequence[str], known: Mapping[str, Field]) -> dict[str, Any]:
    """Answers from ``KEY=VALUE`` texts; an empty value is None, the default.

    Raises:
        WrongUse: a text without ``=``, or an unknown key.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise WrongUse(f"{display(pair)} is no setting; write KEY=VALUE.")
        if key == "name":
            raise WrongUse("The name is no setting: it is the command's argument; edit renames with --name.")
        if key not in known:
            raise WrongUse(f"There is no field {display(key)}; known: {', '.join(sorted(known))}.")
        found[key] = value_of(known[key], text)
    return found
