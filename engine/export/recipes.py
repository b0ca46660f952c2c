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
from engine.errors import NotFound, Refused, WrongUse
from engine.export.naming import check_template
from engine.export.presets import fps_text
from engine.jobs.store import resolve
from engine.names import display
from engine.storage import audit
from engine.storage.database import Row, execute, row, rows, write

SCHEMA = 1
"""Version of the spec's shape and of the exported file."""

MODES = ("all", "by_date", "by_event", "by_favorites", "filter", "list")
LAYOUTS = ("joined", "per-clip")
ORDERS = ("time", "title", "added")
TRANSITIONS = ("cut", "crossfade")
UNUSABLE = ("refuse", "skip")
DEFAULT_PRESET = "share"
DEFAULT_CROSSFADE_MS = 500
DEFAULT_SEGMENT_SECONDS = 20
NAME_LIMIT = 100
"""Longest name of a recipe, in characters."""

_DEFAULTS: dict[str, Any] = {
    "schema": SCHEMA,
    "mode": "all",
    "filter": {},
    "items": [],
    "order": "time",
    "layout": "joined",
    "preset": DEFAULT_PRESET,
    "destination": None,
    "template": None,
    "transition": "cut",
    "transition_ms": DEFAULT_CROSSFADE_MS,
    "width": None,
    "height": None,
    "fps": None,
    "lut": None,
    "loudness": None,
    "timecode": None,
    "offline": "refuse",
    "unreadable": "skip",
    "single": False,
    "segment_seconds": DEFAULT_SEGMENT_SECONDS,
}

FILTER_FIELDS = frozenset({"text", "tags", "since", "until", "volume", "card", "batch", "favourite"})
ITEM_FIELDS = frozenset({"clip_id", "in_frame", "out_frame"})


@dataclass(frozen=True)
class Recipe:
    """A named spec. See :func:`checked` for the fields."""

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


def checked(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``spec`` with every field present, or raise with what is wrong.

    Fields: ``mode``, ``order`` (``time``, ``title``, ``added``) and ``layout``,
    see the module; ``filter`` (``text`` in the title, ``tags`` all of them,
    ``since`` and ``until`` of recording, ``volume``, ``card``, ``batch`` ids,
    ``favourite``); ``items`` of mode ``list`` (``clip_id``, ``in_frame`` and
    ``out_frame`` in the clip's own frames, the out frame is not included);
    ``preset``; ``destination`` (absolute folder; None is ``exports`` in the
    library's cache root); ``template`` of file names (see :mod:`engine.export.naming`);
    ``transition`` with ``transition_ms``; ``width``, ``height``, ``fps`` of the
    film (None takes the first clip's); ``lut`` (path of a ``.cube`` file);
    ``loudness`` (target in LUFS, e.g. -23; None leaves the sound as it is); ``timecode`` of the
    film's first frame; ``offline`` clips (``refuse`` the run, or ``skip`` them with
    a warning) and ``unreadable`` ones (the same choice; ``skip`` by default: they
    do not get better by waiting); ``single`` (one piece instead of segments: no
    checkpoints); ``segment_seconds`` (about how long a segment is, 1 to 180).

    Raises:
        WrongUse: naming the unknown or unfitting value.
    """
    for field in spec:
        if field not in _DEFAULTS:
            raise WrongUse(
                f"There is no recipe field {display(str(field))}; known: {', '.join(sorted(_DEFAULTS))}."
            )
    if spec.get("schema", SCHEMA) != SCHEMA:
        raise WrongUse(f"This recipe has schema {spec['schema']}; this rushes knows schema {SCHEMA}.")
    full = {**_DEFAULTS, **{key: value for key, value in spec.items() if value is not None}}
    for field, known in (
        ("mode", MODES),
        ("layout", LAYOUTS),
        ("order", ORDERS),
        ("transition", TRANSITIONS),
        ("offline", UNUSABLE),
        ("unreadable", UNUSABLE),
    ):
        if full[field] not in known:
            raise WrongUse(f"There is no {field} {display(str(full[field]))}; known: {', '.join(known)}.")
    full["filter"] = _filter(full["filter"])
    full["items"] = _items(full["items"], full["mode"])
    full["fps"] = fps_text(full["fps"])
    _size(full)
    _text_fields(full)
    if full["layout"] == "per-clip" and full["transition"] != "cut":
        raise WrongUse("A recipe with one file per clip has no transitions.")
    if not _whole(full["transition_ms"]) or not 1 <= full["transition_ms"] <= 10_000:
        raise WrongUse("transition_ms is a whole number of milliseconds from 1 to 10000.")
    if not _whole(full["segment_seconds"]) or not 1 <= full["segment_seconds"] <= 180:
        raise WrongUse("segment_seconds is a whole number from 1 to 180.")
    loudness = full["loudness"]
    if loudness is not None and not (isinstance(loudness, int | float) and -40 <= loudness <= -5):
        raise WrongUse("loudness is a target in LUFS from -40 to -5, such as -23.")
    full["single"] = bool(full["single"])
    return full


def _filter(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise WrongUse("filter is no JSON object.")
    for field in given:
        if field not in FILTER_FIELDS:
            raise WrongUse(
                f"There is no filter field {display(str(field))}; known: {', '.join(sorted(FILTER_FIELDS))}."
            )
    tags = given.get("tags", [])
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise WrongUse("filter.tags is a list of tag names.")
    for field in ("since", "until"):
        if given.get(field) is not None:
            try:
                clock.parse(str(given[field]))
            except ValueError as error:
                raise WrongUse(f"filter.{field} is no date: {display(str(given[field]))}.") from error
    return {key: value for key, value in given.items() if value not in (None, [], "")}


def _items(given: Any, mode: str) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise WrongUse("items is a list.")
    if mode == "list" and not given:
        raise WrongUse("A recipe of mode list needs clips in items.")
    items = []
    for entry in given:
        if not isinstance(entry, Mapping) or not set(entry) <= ITEM_FIELDS or not entry.get("clip_id"):
            raise WrongUse("An item has a clip_id and may have in_frame and out_frame.")
        begin, end = entry.get("in_frame"), entry.get("out_frame")
        for value in (begin, end):
            if value is not None and (not _whole(value) or value < 0):
                raise WrongUse("in_frame and out_frame are whole numbers, 0 or more.")
        if end is not None and end <= (begin or 0):
            raise WrongUse("out_frame lies after in_frame.")
        items.append({"clip_id": str(entry["clip_id"]), "in_frame": begin, "out_frame": end})
    return items


def _size(full: Mapping[str, Any]) -> None:
    for field in ("width", "height"):
        value = full[field]
        if value is not None and (not _whole(value) or not 16 <= value <= 16384 or value % 2):
            raise WrongUse(f"{field} is an even number of pixels from 16 to 16384.")
    if (full["width"] is None) != (full["height"] is None):
        raise WrongUse("width and height are given together, or both left out.")


def _text_fields(full: dict[str, Any]) -> None:
    for field in ("preset", "destination", "template", "lut", "timecode"):
        value = full[field]
        if value is not None and (not isinstance(value, str) or not value or "\0" in value):
            raise WrongUse(f"{field} is a text that is not empty.")
    for field in ("destination", "lut"):
        if full[field] is not None and not full[field].startswith("/"):
            raise WrongUse(f"{field} is an absolute path.")
    if full["template"] is not None:
        check_template(full["template"])


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# -- stored --------------------------------------------------------------------


def create(db: Database, name: str, spec: Mapping[str, Any]) -> Recipe:
    """Store a new recipe.

    Raises:
        WrongUse: bad name or spec.
        Refused: the name is taken.
    """
    name = _checked_name(name)
    full = checked(spec)
    recipe_id, moment = str(uuid.uuid4()), clock.now()
    with write(db):
        if row(db, "SELECT 1 FROM recipes WHERE name = ?", (name,)):
            raise Refused(
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
        name = _checked_name(new_name) if new_name is not None else recipe.name
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
    try:
        found = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"This is no recipe file: it is not JSON ({error}).") from error
    if not isinstance(found, dict) or "schema" not in found:
        raise WrongUse("This is no recipe file: it has no schema version.")
    own_name = str(found.pop("name", ""))
    return create(db, name or own_name, found)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LIMIT:
        raise WrongUse(f"A recipe's name has 1 to {NAME_LIMIT} characters.")
    if display(name) != name:
        raise WrongUse("A recipe's name holds no control characters.")
    return name


def _from_row(found: Row) -> Recipe:
    return Recipe(
        found["recipe_id"], found["name"], json.loads(found["spec"]), found["created_at"], found["updated_at"]
    )
