"""Recipes: what to export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.api.rows import RecipeRow
from engine.api.texts import text_of
from engine.errors import WrongUse
from engine.export.recipes import presets, recipes
from engine.export.runs import timelines
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.storage.database import row, rows


def create_recipe(library: Library, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Make a recipe; see :func:`engine.export.recipes.spec.checked` for its fields."""
    _check_preset(spec)
    given = {key: value for key, value in spec.items() if key != "title" or value != {"text": None}}
    return recipes.create(library.db(), name, given).to_json()


def list_recipes(library: Library) -> list[dict[str, Any]]:
    """All recipes, by name, with ``preset_missing``, ``runs``, ``last_run_at`` and ``last_status``."""
    listed = recipes.list_recipes(library.db())
    ran, lost = newest_runs(library), lost_presets(recipe.spec["preset"] for recipe in listed)
    return [
        {
            **recipe.to_json(),
            "preset_missing": recipe.spec["preset"] in lost,
            **ran.get(recipe.recipe_id, {"runs": 0, "last_run_at": None, "last_status": None}),
        }
        for recipe in listed
    ]


def newest_runs(library: Library) -> dict[str, dict[str, Any]]:
    """By recipe that ever ran: ``runs``, how many; ``last_run_at`` and ``last_status`` of the newest."""
    found = rows(
        library.db(),
        "SELECT recipe_id, count(*) AS runs, max(runs.created_at) AS last_run_at, jobs.status AS last_status"
        " FROM runs JOIN jobs USING (job_id) WHERE recipe_id IS NOT NULL GROUP BY recipe_id",
    )
    return {
        run["recipe_id"]: {key: run[key] for key in ("runs", "last_run_at", "last_status")} for run in found
    }


def lost_presets(names: Iterable[str]) -> set[str]:
    """Those of these presets that are not there."""
    db = config.open_config()
    try:
        return {name for name in set(names) if not presets.is_there(db, name)}
    finally:
        db.close()


def recipe_rows(library: Library) -> list[RecipeRow]:
    """Recipes as the screens list them."""
    return [
        RecipeRow(
            recipe.name,
            recipe.spec["mode"],
            recipe.spec["layout"],
            recipe.spec["preset"],
            recipe.spec["destination"],
        )
        for recipe in recipes.list_recipes(library.db())
    ]


def show_recipe(library: Library, given: str) -> dict[str, Any]:
    """One recipe by name or id."""
    return recipes.get(library.db(), given).to_json()


def edit_recipe(
    library: Library, given: str, changes: Mapping[str, Any], new_name: str | None = None
) -> dict[str, Any]:
    """Change fields of a recipe; runs that exist keep their own snapshot.

    Of the filter and the title card only what is given changes; None takes it away.
    """
    _check_preset(changes)
    db = library.db()
    spec = recipes.get(db, given).spec
    merged = dict(changes)
    for key in ("filter", "title"):
        if isinstance(changes.get(key), Mapping):
            whole = {**(spec[key] or {}), **changes[key]}
            kept = {name: value for name, value in whole.items() if value is not None}
            merged[key] = kept if kept and (key == "filter" or "text" in kept) else None
    return recipes.edit(db, given, merged, new_name=new_name).to_json()


def fields() -> list[dict[str, Any]]:
    """Every field of a recipe: ``key label kind hint group choices default``."""
    from engine.api import recipe_fields as module
    from engine.api.forms import field_json

    return [field_json(field) for field in module.fields()]


def settings_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Fields of a recipe from ``KEY=VALUE`` texts, nested as in its spec; an empty value is the default.

    Raises:
        WrongUse: a text without ``=``, or an unknown key.
    """
    from engine.api import recipe_fields as module
    from engine.api.forms import answers_of, nested

    return nested(answers_of(pairs, {field.key: field for field in module.fields()}))


def preview_recipe(library: Library, given: str) -> dict[str, Any]:
    """What a recipe would come to now: ``problems``, ``facts``, ``command``.

    Raises:
        NotFound: there is no such recipe.
    """
    from engine.api import recipe_form

    values = recipe_form.values_of(library, given)
    found = recipe_form.check(library, values, str(values["name"]))
    return {
        "problems": dict(found.problems),
        "facts": [{"label": fact.label, "text": fact.text, "tone": fact.tone} for fact in found.facts],
        "command": list(found.command),
    }


def copy_recipe(library: Library, given: str, name: str) -> dict[str, Any]:
    """Make a recipe like ``given`` under another name."""
    return recipes.create(library.db(), name, recipes.get(library.db(), given).spec).to_json()


def item_of(library: Library, text: str) -> dict[str, Any]:
    """One entry of an explicit list from ``CLIP`` or ``CLIP@IN-OUT``; a clip is named by id or title.

    Raises:
        NotFound: there is no such clip.
        WrongUse: the points fit no frames of it, see :mod:`engine.api.points`.
    """
    from engine.api import clips, points

    db = library.db()
    name, at, span = text.rpartition("@")
    if not at or row(db, "SELECT 1 FROM clips WHERE title = ?", (text,)):
        return {"clip_id": clips.find(library, text)}
    begin, dash, end = span.partition("-")
    if not dash:
        raise WrongUse(f"{display(span)} is no range; write IN-OUT, such as 25-100 or 1s-4.5s.")
    clip_id = clips.find(library, name)
    found = row(db, "SELECT fps, duration_ms FROM clips WHERE clip_id = ?", (clip_id,))
    assert found is not None
    fps = float(found["fps"]) if found["fps"] else None
    frames = round(found["duration_ms"] * fps / 1000) if fps and found["duration_ms"] else None
    first, last = points.range_of(begin, end, fps, frames)
    return {"clip_id": clip_id, "in_frame": first, "out_frame": last}


def delete_recipe(library: Library, given: str) -> None:
    """Delete a recipe; its runs and films stay."""
    recipes.delete(library.db(), given)


def recipe_text(library: Library, given: str) -> str:
    """A recipe as a file, with its schema version."""
    return recipes.export_text(recipes.get(library.db(), given))


def import_recipe(library: Library, file: str, name: str | None = None) -> dict[str, Any]:
    """Make a recipe from a file that :func:`recipe_text` wrote."""
    return recipes.import_text(library.db(), text_of(file), name).to_json()


def write_timeline(library: Library, given: str, file: str) -> list[str]:
    """Write a recipe's timeline for editing programs; the file's ending says which.

    Returns:
        sentences: where it lies, and what the format could not carry.

    Raises:
        WrongUse: an ending of no known format.
        Refused: the file exists, or nothing can be written.
    """
    return timelines.write(library, given, file)


def _check_preset(spec: Mapping[str, Any]) -> None:
    """Raise NotFound when a recipe names a preset that does not exist: better now than at night."""
    if spec.get("preset") is not None:
        db = config.open_config()
        try:
            presets.get(db, str(spec["preset"]))
        finally:
            db.close()
