"""Recipes as a form: what is wrong with the answers, and what they would come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.api.forms import Check, Values, flat, nested, problems
from engine.api.recipe_fields import DEFAULTS, fields
from engine.errors import RushesError
from engine.export.recipes import cube, presets, recipes, stamps
from engine.export.recipes import spec as spec_rules
from engine.export.runs import orders
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.storage.database import row

BESIDE = {
    "mode": ("items",),
    "width": ("height",),
    "height": ("width",),
    "transition": ("layout",),
    "title.text": ("layout",),
    "title.seconds": ("title.text",),
    "timecode": ("fps",),
    "quality_metric": ("verify",),
    "quality_min": ("verify", "quality_metric"),
    "deliver": ("deliver_to",),
    "deliver_to": ("deliver",),
}
"""Answers that are looked at together, see :func:`engine.api.forms.problems`."""

MISSING = {
    "mode": ("items", "The list is empty: choose the clips that go in."),
    "deliver": ("deliver_to", "Say which folder the finished files go to."),
}
"""Choices that ask for one more answer, and what is said below it while it is not given."""


def values_of(library: Library, given: str | None) -> dict[str, Any]:
    """The answers that a stored recipe gives; None begins a new one.

    Raises:
        NotFound: there is no such recipe.
    """
    if given is None:
        return {"preset": spec_rules.DEFAULT_PRESET, "mode": "all", "layout": "joined"}
    recipe = recipes.get(library.db(), given)
    keys = [field.key for field in fields() if field.key != "name"]
    values = {"name": recipe.name, **flat(recipe.spec, keys)}
    if "burn_in" in values:
        values["burn_in"] = stamps.text_of(values["burn_in"])
    return values


def spec_of(values: Values) -> dict[str, Any]:
    """The spec that the answers make: only what is asked with them, nothing that was left out."""
    asked = {field.key for field in fields() if field.is_asked(values)}
    given = {key: value for key, value in values.items() if key in asked and key != "name"}
    return nested({key: value for key, value in given.items() if value not in (None, "", [])})


def check(library: Library, values: Values, was: str | None) -> Check:
    """Check the answers and tell what they would come to now. Reads; any thread.

    Args:
        library: the library.
        values: the answers.
        was: name of the recipe that is edited; None for a new one.
    """
    spec = spec_of(values)
    whole = {key: value for key, value in values.items() if key == "name" or _has(spec, key)}
    found = problems(
        {key: value for key, value in whole.items() if key != "name"},
        (),
        lambda part: spec_rules.checked(nested(part)),
        BESIDE,
    )
    for key, (empty, sentence) in MISSING.items():
        if key in found and empty not in values and not _is_unknown(key, values[key]):
            del found[key]
            found[empty] = sentence
    name_problem = _name_problem(library, str(values.get("name", "")), was)
    if name_problem:
        found["name"] = name_problem
    found |= _world_problems(library, spec, found)
    if found:
        return Check(found)
    from engine.api import preview

    try:
        facts, command = preview.of(library, str(values["name"]).strip(), spec_rules.checked(spec))
    except RushesError as error:
        return Check({"": str(error)})
    return Check({}, facts, command)


def _is_unknown(key: str, value: object) -> bool:
    """Whether a choice is none of those that there are."""
    return all(key != field or value not in known for field, known in spec_rules.CHOICES)


def _has(spec: Mapping[str, Any], key: str) -> bool:
    place: Any = spec
    for name in key.split("."):
        if not isinstance(place, Mapping) or name not in place:
            return False
        place = place[name]
    return True


def _name_problem(library: Library, name: str, was: str | None) -> str | None:
    try:
        name = recipes.checked_name(name)
    except RushesError as error:
        return str(error)
    taken = row(library.db(), "SELECT name FROM recipes WHERE name = ?", (name,))
    if taken is not None and (was is None or taken["name"].lower() != was.lower()):
        return f"There is a recipe {display(name)} already."
    return None


def _world_problems(library: Library, spec: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """What the spec asks of this machine and cannot have: a folder, a table, a preset."""
    found: dict[str, str] = {}
    for key in ("destination", "deliver_to"):
        folder = spec.get(key)
        sentences = orders.destination_problems(folder) if folder and key not in known else []
        if sentences:
            found[key] = " ".join(sentences)
    if "filter.volume" not in known:
        try:
            recipes.check_names(library.db(), spec.get("filter") or {})
        except RushesError as error:
            found["filter.volume"] = str(error)
    lut = spec.get("lut")
    sentence = cube.problem(lut) if lut and "lut" not in known else None
    if sentence:
        found["lut"] = sentence
    if "preset" not in known:
        sentence = preset_problem(str(spec.get("preset") or spec_rules.DEFAULT_PRESET))
        if sentence:
            found["preset"] = sentence
    return found


def preset_problem(name: str) -> str | None:
    """Why this machine cannot encode with a preset, as a sentence; None when it can."""
    from engine.media.tools import find_tools

    try:
        db = config.open_config()
        try:
            preset = presets.get(db, name)
        finally:
            db.close()
        _, sentences = orders.resolved(find_tools(), preset)
    except RushesError as error:
        return str(error)
    return " ".join(sentences) or None


def save(library: Library, values: Values, was: str | None) -> str:
    """Store the answers: a new recipe, or changes of the one called ``was``. Returns its name.

    Raises:
        WrongUse, NotFound, Refused: see :mod:`engine.export.recipes.recipes`.
    """
    spec, name = spec_of(values), str(values.get("name", ""))
    if was is None:
        return recipes.create(library.db(), name, spec).name
    # What is not asked any more goes back to its default.
    empty = {key: None for key in DEFAULTS if key != "schema"}
    return recipes.edit(library.db(), was, {**empty, **spec}, new_name=name).name
