"""A preset's new name, carried to the recipes that name it, in every library that can be reached."""

from __future__ import annotations

import json

from sqlite_utils import Database

from engine import clock
from engine.errors import RushesError
from engine.export.recipes import uses
from engine.library import list_known
from engine.names import display
from engine.storage import audit
from engine.storage.database import execute, rows, scalar, write


def keep(settings: Database, before: str, after: str) -> None:
    """Let a preset be found by the name that it had, in the transaction that renames it.

    A crash before :func:`carry` has done its work then breaks no recipe.

    Args:
        settings: the config database, in which the preset has its new name already.
        before: its old name.
        after: its new one.
    """
    execute(settings, "DELETE FROM preset_names WHERE was = ?", (after,))
    if before.casefold() != after.casefold():
        execute(
            settings,
            "INSERT OR REPLACE INTO preset_names (was, preset_id) SELECT ?, preset_id FROM presets"
            " WHERE name = ?",
            (before, after),
        )


def carry(settings: Database, before: str, after: str) -> None:
    """Let the recipes of all known libraries name a preset by its new name. After :func:`keep`.

    When a library is away or cannot be written, the preset is still found by its old name.
    """
    if before.casefold() == after.casefold():
        return
    reached = [_carry_into(entry.cache_root, before, after) for entry in list_known()]
    if all(reached):
        execute(settings, "DELETE FROM preset_names WHERE was = ?", (before,))


def known_as(settings: Database, name: str) -> str | None:
    """The name today of a preset that had the name ``name``; None when there is none."""
    found = scalar(
        settings,
        "SELECT presets.name FROM preset_names JOIN presets USING (preset_id) WHERE was = ?",
        (name.strip(),),
    )
    return str(found) if found is not None else None


def taken_by(settings: Database, name: str, preset: str | None = None) -> str | None:
    """Why a preset cannot have a name that another one had; None when it can.

    ``preset`` is the one that is to have it: its own earlier name it may have again.
    """
    now = known_as(settings, name)
    if now is None or (preset is not None and now.casefold() == preset.casefold()):
        return None
    return (
        f"{display(name)} was the name of {display(now)}, and recipes of a library that is away may "
        "still name it so. Choose another name."
    )


def _carry_into(cache_root: str, before: str, after: str) -> bool:
    """Change the recipes of one library. False when it cannot be reached or written."""
    with uses.reached(cache_root) as library:
        try:
            return library is not None and not library.read_only and _rename_in(library.db(), before, after)
        except RushesError:
            return False


def _rename_in(db: Database, before: str, after: str) -> bool:
    with write(db):
        for recipe in rows(db, "SELECT recipe_id, name, spec FROM recipes"):
            spec = json.loads(recipe["spec"])
            if not uses.names(spec, before):
                continue
            db.execute(
                "UPDATE recipes SET spec = ?, updated_at = ? WHERE recipe_id = ?",
                (json.dumps({**spec, "preset": after}), clock.now(), recipe["recipe_id"]),
            )
            why = f"preset {display(before)} is called {display(after)} now"
            audit.record(db, "recipe edit", target=display(recipe["name"]), why=why)
    return True
