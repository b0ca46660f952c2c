"""Which clips a recipe takes now, in order, and from which copies they can be read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.media.facts import MediaFacts
from engine.names import display, from_blob
from engine.storage import holdings
from engine.storage.database import Row, row, rows
from engine.volumes import places

EVENT_GAP_SECONDS = 2 * 3600
"""Recordings further apart than this belong to different events."""

_ROLE_ORDER = ("managed", "backup", "reference", "source", "export")


@dataclass(frozen=True)
class File:
    """One essence file of a clip: its content, and what is known of it."""

    asset_id: int
    size: int
    identity: str
    media: MediaFacts | None


@dataclass(frozen=True)
class Chosen:
    """A clip that is exported.

    Attributes:
        clip_id, title, kind, reel, camera, recorded_at: from the catalogue.
        files: the essence and the span parts that continue it, in order.
        in_frame, out_frame: in the clip's own frames; None is its beginning or end.
    """

    clip_id: str
    title: str
    kind: str
    reel: str
    camera: str
    recorded_at: str
    files: tuple[File, ...]
    in_frame: int | None = None
    out_frame: int | None = None


@dataclass(frozen=True)
class Available:
    """A copy that can be opened now."""

    path: str
    volume_id: str


def select(db: Database, spec: Mapping[str, Any], kinds: tuple[str, ...]) -> tuple[list[Chosen], list[str]]:
    """Return the clips that a checked spec takes, in the order of the film, and problems found.

    Args:
        db: the library's database.
        spec: a checked recipe spec.
        kinds: kinds of clips that the preset can use: ``video``, ``audio``.

    Returns:
        the clips, and sentences about listed clips that cannot be used.
    """
    if spec["mode"] == "list":
        return _listed(db, spec, kinds)
    where, values = _conditions(spec, kinds)
    found = rows(db, f"SELECT * FROM clips WHERE {where}", values)
    if spec["filter"].get("event"):
        found = event_at(found, str(spec["filter"]["event"]))
    return [_chosen(db, entry) for entry in ordered(found, spec["mode"], spec["order"])], []


@dataclass(frozen=True)
class Glance:
    """Very many clips that a recipe takes, as far as it is known without a look at each.

    Attributes:
        clips: the first of them by their time of recording, in the order of the film.
        total: how many they are.
        online: how many of them can be read by the places of their files; None where each is to be asked.
        problems: sentences about listed clips that cannot be used.
    """

    clips: list[Chosen]
    total: int
    online: int | None
    problems: list[str]


def glance(db: Database, spec: Mapping[str, Any], kinds: tuple[str, ...], most: int) -> Glance:
    """The same as :func:`select`, but of more than ``most`` clips, unless they are listed, only the first."""
    where, values = _conditions(spec, kinds)
    count = f"SELECT count(*) FROM clips WHERE {where}"
    total = int(db.conn.execute(count, values).fetchone()[0])
    if spec["mode"] == "list" or spec["filter"].get("event") or total <= most:
        clips, problems = select(db, spec, kinds)
        return Glance(clips, len(clips), None, problems)
    here = holdings.volumes(db)
    sets, _ = holdings.sets(db, lambda clip: holdings.state(clip, here) == "online")
    among = f"set_id IN ({', '.join(str(one) for one in sets)})"
    online = int(db.conn.execute(f"{count} AND {among}", values).fetchone()[0])
    first = rows(
        db,
        f"SELECT * FROM clips WHERE {where} ORDER BY recorded_at IS NULL, recorded_at, title LIMIT {most}",
        values,
    )
    return Glance(
        [_chosen(db, entry) for entry in ordered(first, spec["mode"], spec["order"])], total, online, []
    )


def ordered(found: Sequence[Row], mode: str, order: str) -> list[Row]:
    """Put clips into the order of the film. Pure.

    Clips without a time of recording come last, by title, with numbers in
    titles counted as numbers.
    """
    if mode == "by_event":
        return _by_event(found)
    if order == "title" and mode != "by_date":
        return sorted(found, key=lambda entry: (natural(entry["title"]), entry["clip_id"]))
    if order == "added" and mode != "by_date":
        return sorted(
            found, key=lambda entry: (entry["created_at"], natural(entry["title"]), entry["clip_id"])
        )
    return sorted(found, key=_time_key)


def _time_key(entry: Row) -> tuple[Any, ...]:
    time = entry["recorded_at"]
    return (time is None, time or "", natural(entry["title"]), entry["clip_id"])


def _by_event(found: Sequence[Row]) -> list[Row]:
    return [entry for event in events(found) for entry in _by_camera(event)]


def events(found: Sequence[Row]) -> list[list[Row]]:
    """Clips by event, in the order of time: recordings with less than :data:`EVENT_GAP_SECONDS` between.

    Those without a time of recording are one last event. Pure.
    """
    grouped: list[list[Row]] = []
    last: str | None = None
    for entry in sorted(found, key=_time_key):
        time = entry["recorded_at"]
        if not grouped or (last is not None and (time is None or _gap(last, time) > EVENT_GAP_SECONDS)):
            grouped.append([])
        grouped[-1].append(entry)
        last = time
    return grouped


def event_at(found: Sequence[Row], moment: str) -> list[Row]:
    """The clips of the event that ``moment`` lies in, or at whose edge it lies. None fits: empty. Pure.

    The event is nearer than the gap that parts events; a day alone (``2026-11-20``) is its first event.
    """
    best: tuple[float, list[Row]] = (EVENT_GAP_SECONDS, [])
    for event in events([entry for entry in found if entry["recorded_at"]]):
        first, last = event[0]["recorded_at"], event[-1]["recorded_at"]
        if len(moment) == 10:
            if first[:10] == moment:
                return event
            continue
        before, after = _gap(moment, first), _gap(last, moment)
        away = max(before, after, 0.0)
        if away < best[0]:
            best = (away, event)
    return best[1]


def _gap(before: str, after: str) -> float:
    try:
        return clock.seconds_between(before, after)
    except ValueError:  # a camera's clock in a form of its own
        return 0.0


def _by_camera(event: Sequence[Row]) -> list[Row]:
    def camera(entry: Row) -> str:
        return f"{entry['camera_serial'] or ''}\0{entry['camera_model'] or ''}\0{entry['reel'] or ''}"

    first: dict[str, int] = {}
    for entry in event:
        first.setdefault(camera(entry), len(first))
    return sorted(event, key=lambda entry: first[camera(entry)])


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key that counts: ``C2`` before ``C10``."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part.casefold())
        for part in re.split(r"([0-9]+)", text)
        if part
    ]


def _conditions(spec: Mapping[str, Any], kinds: tuple[str, ...]) -> tuple[str, list[Any]]:
    wanted = spec["filter"]
    where = [f"kind IN ({', '.join('?' * len(kinds))})"]
    values: list[Any] = list(kinds)
    if spec["mode"] == "by_favorites" or wanted.get("favourite"):
        where.append("favourite = 1")
    if wanted.get("text"):
        where.append("instr(lower(title), lower(?)) > 0")
        values.append(wanted["text"])
    for tag in wanted.get("tags", []):
        where.append(
            "clip_id IN (SELECT clip_id FROM clip_tags JOIN tags USING (tag_id)"
            " WHERE name = ? COLLATE NOCASE)"
        )
        values.append(tag)
    for field, comparison, rest in (("since", ">=", "T00:00:00"), ("until", "<=", "T23:59:59")):
        if wanted.get(field):
            # To the second: cameras write their clock with and without fraction and zone. A day is all of it.
            where.append(f"substr(recorded_at, 1, 19) {comparison} ?")
            text = str(wanted[field])
            values.append(text + rest if len(text) == 10 else clock.parse(text).isoformat()[:19])
    if wanted.get("volume"):
        where.append(
            "asset_id IN (SELECT asset_id FROM copies JOIN volumes USING (volume_id)"
            " WHERE volumes.volume_id = ? OR volumes.name = ?)"
        )
        values += [wanted["volume"]] * 2
    for field, column in (("card", "card_id"), ("batch", "batch_id")):
        if wanted.get(field):
            where.append(f"{column} = ?")
            values.append(wanted[field])
    return " AND ".join(where), values


def _listed(db: Database, spec: Mapping[str, Any], kinds: tuple[str, ...]) -> tuple[list[Chosen], list[str]]:
    chosen, problems = [], []
    for item in spec["items"]:
        entry = row(db, "SELECT * FROM clips WHERE clip_id = ?", (item["clip_id"],))
        if entry is None:
            problems.append(f"Clip {display(item['clip_id'])} of the recipe is not in this library.")
        elif entry["kind"] not in kinds:
            problems.append(f"Clip {display(entry['title'])} has no {kinds[0]} to export.")
        else:
            chosen.append(_chosen(db, entry, item["in_frame"], item["out_frame"]))
    return chosen, problems


def _chosen(db: Database, entry: Row, in_frame: int | None = None, out_frame: int | None = None) -> Chosen:
    parts = rows(
        db,
        "SELECT assets.* FROM clip_files JOIN assets USING (asset_id) WHERE clip_id = ?"
        " AND role IN ('essence', 'span') ORDER BY role, position",
        (entry["clip_id"],),
    )
    if not parts:
        parts = rows(db, "SELECT * FROM assets WHERE asset_id = ?", (entry["asset_id"],))
    return Chosen(
        clip_id=entry["clip_id"],
        title=entry["title"],
        kind=entry["kind"],
        reel=entry["reel"] or "",
        camera=entry["camera_model"] or entry["camera_make"] or "",
        recorded_at=entry["recorded_at"] or "",
        files=tuple(_file(part) for part in parts),
        in_frame=in_frame,
        out_frame=out_frame,
    )


def _file(asset: Row) -> File:
    if asset["blake3"]:
        identity = f"blake3:{asset['blake3']}"
    elif asset["fast_hash"]:
        identity = f"{asset['fast_scheme']}:{asset['fast_hash']}"
    else:
        identity = f"asset:{asset['asset_id']}"
    media = None
    if asset["media"]:
        try:
            media = MediaFacts.from_json(asset["media"])
        except (ValueError, TypeError):
            media = None  # written by another version: the file is probed again
    return File(asset["asset_id"], asset["size"], identity, media)


def available(db: Database, asset_id: int) -> Available | None:
    """Where an asset can be read now: a copy on a volume that is here, managed ones first. None: nowhere."""
    found = rows(db, "SELECT * FROM copy_states WHERE asset_id = ? AND seen_as = 'online'", (asset_id,))
    for entry in sorted(found, key=lambda entry: (_ROLE_ORDER.index(entry["role"]), entry["copy_id"])):
        path = places.absolute(entry, from_blob(entry["path"]))
        if path is not None and os.path.isfile(path):
            return Available(path, entry["volume_id"])
    return None


def home_of(db: Database, asset_id: int) -> tuple[str, str] | None:
    """The volume that an asset is waited for on, ``(volume_id, name)``: the first that is not here."""
    found = row(
        db,
        "SELECT volume_id, volume_name FROM copy_states WHERE asset_id = ? AND seen_as = 'offline'"
        " ORDER BY role = 'managed' DESC, copy_id",
        (asset_id,),
    )
    return (found["volume_id"], found["volume_name"]) if found else None
