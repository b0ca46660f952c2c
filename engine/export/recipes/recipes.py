"""Recipes: what to export, in which order and shape, with which preset, to where.

A recipe is a JSON object (its *spec*), checked when it is made and when it is
changed. It is a wish, not a result: clips are looked up when a run is queued,
and the run keeps a copy of everything.

Modes: ``all`` clips; ``by_date``, all clips by the day and time of recording;
``by_event``, the same, but within an event (recordings less than two hours
apart) one camera after the other; ``by_favorites``, favourites only;
``filter``, what the filter fits; ``list``, the clips listed, in that order,
each with its own in and out points. Every mode gives *one* film in that order
(``joined``), or one file per clip (``per-clip``).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NameTaken, NotFound, Refused, WrongUse
from engine.export.recipes import files
from engine.export.recipes.spec import DEFAULTS, SCHEMA, checked
from engine.jobs.store import resolve
from engine.names import display
from engine.storage import audit
from engine.storage.database import Row, execute, row, rows, write

NAME_LIMIT = 100
"""Longest name of a recipe, in characters."""


@dataclass(frozen=True)
class Recipe:
    """A named spec. See :func:`engine.export.recipes.spec.checked` for the fields."""

    recipe_id: str
    name: str
    spec: dict[str, Any]
    created_at: str
    updated_at: str

    def to_json(self) -> dict[str, Any]:
        """The form that is shown."""
        return {
            "recipe_id": self.recipe_id,
            "name": self.name,
            **self.spec,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


# -- stored --------------------------------------------------------------------


def create(db: Database, name: str, spec: Mapping[str, Any]) -> Recipe:
    """Store a new recipe.

    Raises:
        WrongUse: bad name or spec.
        NotFound: its filter names a volume, a card or a batch that this library does not know.
        Refused: the name is taken.
    """
    name = checked_name(name)
    full = checked(spec)
    check_names(db, full["filter"])
    recipe_id, moment = str(uuid.uuid4()), clock.now()
    with write(db):
        if row(db, "SELECT 1 FROM recipes WHERE name = ?", (name,)):
            raise NameTaken(
                f"There is a recipe {display(name)} already. Choose another name, or edit that one."
            )
        db.execute(
            "INSERT INTO recipes (recipe_id, name, spec, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
            (recipe_id, name, json.dumps(full), moment, moment),
        )
        audit.record(db, "recipe create", target=display(name))
    return Recipe(recipe_id, name, full, moment, moment)


def list_recipes(db: Database) -> list[Recipe]:
    """All recipes, by name."""
    return [_from_row(found) for found in rows(db, "SELECT * FROM recipes ORDER BY name COLLATE NOCASE")]


def get(db: Database, given: str) -> Recipe:
    """Return the recipe of this name (letter case ignored), id, or beginning of an id.

    Raises:
        NotFound: there is none.
    """
    found = row(db, "SELECT * FROM recipes WHERE name = ?", (given.strip(),))
    if found is None:
        try:
            recipe_id = resolve(db, "recipes", "recipe_id", given, "recipe")
        except NotFound:
            known = ", ".join(recipe.name for recipe in list_recipes(db)) or "none yet"
            raise NotFound(f"There is no recipe {display(given)}; known: {display(known)}.") from None
        found = row(db, "SELECT * FROM recipes WHERE recipe_id = ?", (recipe_id,))
        assert found is not None
    return _from_row(found)


def edit(db: Database, given: str, changes: Mapping[str, Any], *, new_name: str | None = None) -> Recipe:
    """Change fields of a recipe; a value of None sets the default. Runs that were queued are not touched.

    Raises:
        NotFound, WrongUse, Refused: as :func:`get` and :func:`create`.
    """
    with write(db):
        recipe = get(db, given)
        merged = {**recipe.spec, **changes}
        full = checked({key: value for key, value in merged.items() if value is not None})
        if full["filter"] != recipe.spec["filter"]:
            check_names(db, full["filter"])
        name = checked_name(new_name) if new_name is not None else recipe.name
        clash = row(db, "SELECT 1 FROM recipes WHERE name = ? AND recipe_id != ?", (name, recipe.recipe_id))
        if clash:
            raise Refused(f"There is a recipe {display(name)} already.")
        db.execute(
            "UPDATE recipes SET name = ?, spec = ?, updated_at = ? WHERE recipe_id = ?",
            (name, json.dumps(full), clock.now(), recipe.recipe_id),
        )
        audit.record(db, "recipe edit", target=display(name))
    return get(db, recipe.recipe_id)


def delete(db: Database, given: str) -> None:
    """Delete a recipe. Its runs stay, with their own copy of it.

    Raises:
        NotFound: there is none.
    """
    recipe = get(db, given)
    with write(db):
        execute(db, "DELETE FROM recipes WHERE recipe_id = ?", (recipe.recipe_id,))
        audit.record(db, "recipe delete", target=display(recipe.name))


def export_text(recipe: Recipe) -> str:
    """The recipe as the text of a file. Listed clips are known in this library only."""
    return json.dumps({"name": recipe.name, **recipe.spec}, indent=2) + "\n"


def import_text(db: Database, text: str, name: str | None = None) -> Recipe:
    """Store the recipe that a file holds, under its own name or ``name``.

    Raises:
        WrongUse: the text is no recipe of a schema that is known.
        Refused: the name is taken.
    """
    found = files.read(text, "recipe", SCHEMA)
    own_name = str(found.pop("name", ""))
    return create(db, name or own_name, found)


def checked_name(name: str) -> str:
    """A recipe's name without blanks around it.

    Raises:
        WrongUse: it is empty, too long, or holds control characters.
    """
    name = name.strip()
    if not name or len(name) > NAME_LIMIT:
        raise WrongUse(f"A recipe's name has 1 to {NAME_LIMIT} characters.")
    if display(name) != name:
        raise WrongUse("A recipe's name holds no control characters.")
    return name


def _from_row(found: Row) -> Recipe:
    return Recipe(
        found["recipe_id"],
        found["name"],
        {**DEFAULTS, **json.loads(found["spec"])},
        found["created_at"],
        found["updated_at"],
    )


def check_names(db: Database, wanted: Mapping[str, Any]) -> None:
    """See that the volume, card and batch that a filter names are known to this library.

    Raises:
        NotFound: one is not.
    """
    volume = wanted.get("volume")
    if volume and not row(db, "SELECT 1 FROM volumes WHERE volume_id = ? OR name = ?", (volume, volume)):
        names = [display(str(found["name"])) for found in rows(db, "SELECT name FROM volumes ORDER BY name")]
        raise NotFound(f"There is no volume {display(volume)}; known: {', '.join(names) or 'none yet'}.")
    for field, table in (("card", "cards"), ("batch", "batches")):
        given = wanted.get(field)
        if given and not row(db, f"SELECT 1 FROM {table} WHERE {field}_id = ?", (given,)):
            raise NotFound(f"This library has no {field} {display(str(given))}.")
