"""Clips: what the library holds, in which state, and where each copy lies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine import clock
from engine.errors import NotFound, WrongUse
from engine.jobs.store import resolve
from engine.library import Library
from engine.names import display, from_blob, json_name
from engine.storage import audit, holdings
from engine.storage.database import Row, parts, rows, scalar, write
from engine.storage.schema.views import states_of_clips
from engine.volumes import places, store

STATE_ORDER = {"online": 0, "offline": 1, "damaged": 2, "missing": 3}
ROLE_ORDER = {"managed": 0, "reference": 1, "backup": 2, "export": 3, "source": 4}


@dataclass(frozen=True)
class Filters:
    """Which clips to list; None or False means no condition.

    Attributes:
        state: ``online``, ``offline``, ``missing`` or ``damaged``.
        volume: name, id or mount point; only clips with a copy there. The
            state is then that of the copy there, not of the clip as a whole.
        text: part of the title, reel, camera model or a tag, in any letter case.
        since: recorded, or else taken in, at or after this moment (ISO 8601).
        favourite: only favourites.
        tags: only clips with every one of these tags, in any letter case.
    """

    state: str | None = None
    volume: str | None = None
    text: str | None = None
    since: str | None = None
    favourite: bool = False
    tags: tuple[str, ...] = ()


def list_clips(
    library: Library, filters: Filters | None = None, *, limit: int | None = None, offset: int = 0
) -> list[dict[str, Any]]:
    """The document of ``clips list``, in the order of recording.

    Args:
        library: the library.
        filters: which clips; None is all.
        limit: at most this many; None is all.
        offset: leave out so many first.

    Raises:
        NotFound: there is no such volume.
        WrongUse: ``since`` is no moment, or there is no such state.
    """
    filters = filters or Filters()
    if filters.state is not None and filters.state not in STATE_ORDER:
        raise WrongUse(f"A clip's state is one of: {', '.join(STATE_ORDER)}.")
    db = library.db()
    where, params = _conditions(library, filters)
    # Which clips comes first: what a clip is and where its copies lie is asked for those of the page alone.
    numbers = [
        found[0]
        for found in db.conn.execute(
            f"SELECT clips.rowid FROM clips WHERE {' AND '.join(where)}"
            " ORDER BY coalesce(recorded_at, clips.created_at), title, clip_id LIMIT ? OFFSET ?",
            (*params, -1 if limit is None else limit, offset),
        ).fetchall()
    ]
    documents: list[dict[str, Any]] = []
    for part in parts(numbers):
        documents += _documents(library, _clips(library, part))
    return documents


def _conditions(library: Library, filters: Filters) -> tuple[list[str], list[Any]]:
    where, params = ["1"], list[Any]()
    if filters.volume or filters.state:
        chosen = _sets(library, filters)
        where.append(f"clips.set_id IN ({', '.join(str(one) for one in chosen)})")
    if filters.favourite:
        where.append("clips.favourite")
    if filters.text:
        # The index on titles is read in place of the clips.
        where.append("clips.rowid IN (SELECT rowid FROM clips AS titled WHERE words LIKE ? ESCAPE '\\')")
        escaped = filters.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        params.append(f"%{escaped}%")
    for tag in filters.tags:
        where.append(
            "clips.clip_id IN (SELECT clip_id FROM clip_tags JOIN tags USING (tag_id)"
            " WHERE name = ? COLLATE NOCASE)"
        )
        params.append(tag.strip())
    if filters.since:
        try:
            moment = clock.stamp(clock.parse(filters.since))
        except ValueError as error:
            raise WrongUse(
                f"{display(filters.since)} is no moment; give one like 2026-11-20 or 2026-11-20T18:00."
            ) from error
        where.append("coalesce(clips.recorded_at, clips.created_at) >= ?")
        params.append(moment)
    return where, params


def _sets(library: Library, filters: Filters) -> list[int]:
    """The sets of clips on a volume, in a state, or in that state on that volume."""
    db = library.db()
    here = holdings.volumes(db)
    wanted = filters.state
    volume_id = store.find_id(db, filters.volume) if filters.volume else None

    def fits(clip: tuple[holdings.Part, ...]) -> bool:
        if volume_id is None:
            return holdings.state(clip, here) == wanted
        return any(
            part.kind == "e"
            and copy.volume_id == volume_id
            and (wanted is None or holdings.seen_as(copy, here) == wanted)
            for part in clip
            for copy in part.copies
        )

    return holdings.sets(db, fits)[0]


def _clips(library: Library, numbers: Sequence[int]) -> list[Row]:
    """Rows of these clips with their state and card, in this order."""
    marks = ", ".join("?" * len(numbers))
    among = f"SELECT clip_id FROM clips WHERE rowid IN ({marks})"
    states = dict(library.db().conn.execute(states_of_clips(among), numbers).fetchall())
    found = {
        clip["number"]: clip
        for clip in rows(
            library.db(),
            "SELECT clips.rowid AS number, clips.*, cards.label AS card FROM clips"
            f" LEFT JOIN cards USING (card_id) WHERE clips.rowid IN ({marks})",
            numbers,
        )
    }
    return [
        {**found[number], "state": states.get(found[number]["clip_id"])}
        for number in numbers
        if number in found
    ]


def show(library: Library, given: str) -> dict[str, Any]:
    """One clip with every part, sidecars and proxies included, and every copy of each.

    Raises:
        NotFound: no clip has this id, beginning of an id, or title.
    """
    db = library.db()
    clip_id = find(library, given)
    number = scalar(db, "SELECT rowid FROM clips WHERE clip_id = ?", (clip_id,))
    (clip,) = _clips(library, [number])
    document = _documents(library, [clip])[0]
    parts = []
    for part in rows(
        db,
        "SELECT clip_files.role, clip_files.name, assets.* FROM clip_files JOIN assets USING (asset_id)"
        " WHERE clip_id = ? ORDER BY clip_files.role <> 'essence', clip_files.role, position",
        (clip_id,),
    ):
        copies = rows(db, "SELECT * FROM copy_states WHERE asset_id = ?", (part["asset_id"],))
        parts.append(
            {
                "role": part["role"],
                **json_name("name", from_blob(part["name"])),
                "size": part["size"],
                "blake3": part["blake3"],
                "xxh128": part["xxh128"],
                "copies": [_copy(copy) for copy in sorted(copies, key=_preference)],
            }
        )
    return {
        **document,
        "parts": parts,
        "notes": clip["notes"],
        "timecode": clip["timecode"],
        "reel": clip["reel"],
        "camera_serial": clip["camera_serial"],
        "recorded_at_source": clip["recorded_at_source"],
    }


def find(library: Library, given: str) -> str:
    """Return the full id of the clip with this id, beginning of an id (8 or more), or title.

    Raises:
        NotFound: none fits, or the title fits several clips.
    """
    db = library.db()
    titled = rows(db, "SELECT clip_id FROM clips WHERE title = ? LIMIT 2", (given,))
    if len(titled) == 1:
        return str(titled[0]["clip_id"])
    if titled:
        raise NotFound(f"Several clips are called {display(given)}; give the id: rushes clips list")
    return resolve(db, "clips", "clip_id", given, "clip")


def tag(library: Library, given: str, add: tuple[str, ...], remove: tuple[str, ...]) -> dict[str, Any]:
    """Add and remove tags of a clip; both may be repeated without harm.

    Raises:
        WrongUse: a blank tag.
    """
    if any(not name.strip() for name in (*add, *remove)):
        raise WrongUse("A tag cannot be blank.")
    clip_id = find(library, given)
    with write(library.db()) as db:
        for name in add:
            db.execute("INSERT OR IGNORE INTO tags (name) VALUES (?)", (name.strip(),))
            db.execute(
                "INSERT OR IGNORE INTO clip_tags SELECT ?, tag_id, ? FROM tags WHERE name = ?",
                (clip_id, clock.now(), name.strip()),
            )
        for name in remove:
            db.execute(
                "DELETE FROM clip_tags WHERE clip_id = ?"
                " AND tag_id IN (SELECT tag_id FROM tags WHERE name = ?)",
                (clip_id, name.strip()),
            )
        audit.record(db, "clips tag", target=clip_id, why=f"+{list(add)} -{list(remove)}")
    return show(library, clip_id)


def favourite(library: Library, given: str, *, on: bool) -> dict[str, Any]:
    """Mark or unmark a clip as a favourite."""
    clip_id = find(library, given)
    with write(library.db()) as db:
        db.execute("UPDATE clips SET favourite = ? WHERE clip_id = ?", (int(on), clip_id))
        audit.record(db, "clips favourite", target=clip_id, to_state="yes" if on else "no")
    return show(library, clip_id)


def _documents(library: Library, clips: list[Row]) -> list[dict[str, Any]]:
    db = library.db()
    marks = ", ".join("?" * len(clips))
    copies: dict[str, list[Row]] = {}
    for copy in rows(
        db,
        "SELECT clip_files.clip_id, clip_files.role AS part, clip_files.position, copy_states.*"
        f" FROM clip_files JOIN copy_states USING (asset_id) WHERE clip_files.clip_id IN ({marks})"
        " AND clip_files.role IN ('essence', 'span')",
        [clip["clip_id"] for clip in clips],
    ):
        copies.setdefault(copy["clip_id"], []).append(copy)
    sizes = {
        found["clip_id"]: found["size"]
        for found in rows(
            db,
            "SELECT clip_id, sum(size) AS size FROM clip_files JOIN assets USING (asset_id)"
            f" WHERE clip_id IN ({marks}) AND role IN ('essence', 'span') GROUP BY clip_id",
            [clip["clip_id"] for clip in clips],
        )
    }
    tags: dict[str, list[str]] = {}
    for found in rows(
        db,
        f"SELECT clip_id, name FROM clip_tags JOIN tags USING (tag_id) WHERE clip_id IN ({marks})"
        " ORDER BY name",
        [clip["clip_id"] for clip in clips],
    ):
        tags.setdefault(found["clip_id"], []).append(found["name"])
    return [
        {
            **_document(clip, copies.get(clip["clip_id"], []), sizes.get(clip["clip_id"])),
            "tags": tags.get(clip["clip_id"], []),
        }
        for clip in clips
    ]


def _document(clip: Row, copies: list[Row], size: int | None) -> dict[str, Any]:
    ordered = sorted(copies, key=_preference)
    best = ordered[0] if ordered else None
    return {
        "clip_id": clip["clip_id"],
        "title": clip["title"],
        "state": clip["state"] or "missing",
        "kind": clip["kind"],
        "duration_ms": clip["duration_ms"],
        "width": clip["width"],
        "height": clip["height"],
        "fps": clip["fps"],
        "codec": clip["codec"],
        "size": size,
        "volume": best["volume_name"] if best else None,
        **json_name("path", from_blob(best["path"]) if best else None),
        **json_name("absolute_path", _absolute(best) if best else None),
        "card": clip["card"],
        "camera_make": clip["camera_make"],
        "camera_model": clip["camera_model"],
        "recorded_at": clip["recorded_at"],
        "favourite": bool(clip["favourite"]),
        "warnings": json.loads(clip["warnings"]) if clip["warnings"] else [],
        "copies": [_copy(copy) for copy in ordered],
    }


def _copy(copy: Row) -> dict[str, Any]:
    return {
        "copy_id": copy["copy_id"],
        "volume": copy["volume_name"],
        "volume_id": copy["volume_id"],
        **json_name("path", from_blob(copy["path"])),
        **json_name("absolute_path", _absolute(copy)),
        "role": copy["role"],
        "state": copy["seen_as"],
        "verified_at": copy["verified_at"],
        "verify_level": copy["verify_level"],
        "seen_at": copy["seen_at"],
    }


def _absolute(copy: Row) -> str | None:
    found: str | None = places.absolute(copy, from_blob(copy["path"]))
    return found


def _preference(copy: Row) -> tuple[Any, ...]:
    """Which copy a person means by default: the essence, online, where it belongs."""
    return (
        copy.get("position", 0)
        if copy.get("part", "essence") == "essence"
        else 1000 + copy.get("position", 0),
        copy["role"] == "source",
        STATE_ORDER.get(copy["seen_as"], 9),
        ROLE_ORDER.get(copy["role"], 9),
        copy["copy_id"],
    )
