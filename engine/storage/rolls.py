"""Makes rolls of clips, see :mod:`engine.storage.schema.rolls`; ``rolled`` looks into them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from engine.storage import packs
from engine.storage.database import write
from engine.storage.packs import END
from engine.storage.schema.rolls import ROWS

Key = tuple[str, str, str]
"""Time (empty, or ``t`` and the time), title and id of a clip: its place in an order.

In that of titles the time is empty.
"""

LISTS = ("time", "title")

START: Key = ("", "", "")

SETS = 256
"""Different sets that the clips of one roll lie in, at most."""

MANY = 16 * ROWS
"""Fewer clips need no rolls."""

ENOUGH = 2
"""So many rolls have to be open, or rolls' worth of clips in one, before they are made again."""

AT_ONCE = 8
"""Rolls made in one transaction: some milliseconds for whoever waits to write."""

_FOLD = bytes.maketrans(b"\0\x02", b"\x03\x03")


@dataclass(frozen=True)
class Roll:
    """Clips in an order, see the schema."""

    sets: bytes
    set_ids: Sequence[int]
    favourites: bytes
    words: bytes
    ids: Sequence[int]


@dataclass(frozen=True)
class Clip:
    """What a roll holds of a clip, and its place."""

    key: Key
    row_id: int
    set_id: int
    favourite: int
    words: bytes


def fold(text: bytes) -> bytes:
    """Words as they are compared: ASCII letters small, and without the signs that a search uses."""
    return packs.fold(text).translate(_FOLD)


def made(clips: Sequence[Clip]) -> Iterator[tuple[Key, Roll]]:
    """The rolls of clips that follow one another, each with the place of its first clip."""
    start = 0
    while start < len(clips):
        places: dict[int, int] = {}
        end = start
        while end < len(clips) and end - start < ROWS:
            if places.setdefault(clips[end].set_id, len(places)) >= SETS:
                break
            end += 1
        part = clips[start:end]
        yield (
            part[0].key,
            Roll(
                bytes(places[clip.set_id] for clip in part),
                tuple(places)[:SETS],
                bytes(clip.favourite for clip in part),
                b"".join(fold(clip.words) + END for clip in part),
                [clip.row_id for clip in part],
            ),
        )
        start = end


def roll(db: Database) -> bool:
    """Make some rolls anew that are open, in one transaction; False when there is nothing to do.

    Call it until it says so. Where there are few clips, or few of open rolls, nothing is done.
    """
    if _is_short(db):
        return False
    for name in LISTS:
        waiting = _waiting(db, name)
        if waiting:
            with write(db):
                room = AT_ONCE
                for run in waiting:
                    room -= _roll_up(db, name, run, room)
                    if room <= 0:
                        break
            return True
    return False


def _is_short(db: Database) -> bool:
    return db.conn.execute("SELECT 1 FROM clips LIMIT 1 OFFSET ?", (MANY,)).fetchone() is None


Run = tuple[Key, Key | None]
"""Places of the first clip of some rolls that are open, and of the first one after them."""


def _waiting(db: Database, name: str) -> list[Run]:
    """The runs of open rolls; none when they are too few to be worth it."""
    runs = [(first, until) for first, until, roll_id in fences(db, name) if roll_id is None]
    clips = 0
    for first, until in runs:
        if clips < ENOUGH * ROWS:
            clips += len(clips_of(db, name, first, until, ENOUGH * ROWS - clips))
    return runs if len(runs) >= ENOUGH or clips >= ENOUGH * ROWS else []


def _roll_up(db: Database, name: str, run: Run, room: int) -> int:
    """Make up to ``room`` rolls of a run, and leave an open one where it goes on; says how many were made."""
    first, until = run
    clips = clips_of(db, name, first, until, room * ROWS + 1)
    beyond = clips.pop().key if len(clips) > room * ROWS else None
    db.conn.execute(
        f"DELETE FROM clip_rolls WHERE list = :list AND {_KEY} >= (:time, :title, :clip)"
        + (f" AND {_KEY} < (:time_2, :title_2, :clip_2)" if until else ""),
        {"list": name, **_values(first), **_values(until or START, "_2")},
    )
    found = list(made(clips))
    for at, (key, one) in enumerate(found):
        db.conn.execute(_FENCE, (name, *(key if at else first), 1))
        sets, ids = array("q", one.set_ids).tobytes(), array("q", one.ids).tobytes()
        db.conn.execute(_CONTENTS, (one.sets, sets, one.favourites, one.words, ids))
    if beyond is not None:
        db.conn.execute(_FENCE, (name, *beyond, 0))
    elif not found and first == START:
        db.conn.execute(_FENCE, (name, *first, 0))
    return max(1, len(found))


_KEY = "(first_time, first_title, first_clip)"
_FENCE = "INSERT INTO clip_rolls (list, first_time, first_title, first_clip, made) VALUES (?, ?, ?, ?, ?)"
_CONTENTS = "INSERT INTO clip_roll_contents VALUES (last_insert_rowid(), ?, ?, ?, ?, ?)"


def _values(key: Key, tail: str = "") -> dict[str, str]:
    return dict(zip((f"time{tail}", f"title{tail}", f"clip{tail}"), key, strict=True))


def fences(db: Database, name: str) -> list[tuple[Key, Key | None, int | None]]:
    """The rolls of an order: first place, the first after it, and number; None is an open run of rolls."""
    found = db.conn.execute(
        "SELECT first_time, first_title, first_clip, roll_id, made FROM clip_rolls"
        " WHERE list = ? ORDER BY 1, 2, 3",
        (name,),
    ).fetchall()
    runs: list[tuple[Key, int | None]] = [] if found else [(START, None)]
    for time, title, clip, roll_id, is_made in found:
        if is_made or not runs or runs[-1][1] is not None:
            runs.append(((time, title, clip), roll_id if is_made else None))
    ends = [key for key, _ in runs[1:]]
    return [(key, until, roll_id) for (key, roll_id), until in zip(runs, [*ends, None], strict=True)]


def clips_of(db: Database, name: str, first: Key, until: Key | None, most: int) -> list[Clip]:
    """Clips from one place to before another in an order, at most so many: from its index."""
    ranges = _of_titles(until) if name == "title" else _of_times(first, until)
    values = {**_values(first), **_values(until or START, "_2")}
    time = "''" if name == "title" else "coalesce('t' || recorded_at, '')"
    found: list[Clip] = []
    for where in ranges:
        entries = db.conn.execute(
            f"SELECT {time}, title, clip_id, rowid, coalesce(set_id, -1), favourite <> 0,"
            f" CAST(coalesce(words, '') AS BLOB) FROM clips INDEXED BY clips_by_{name} WHERE {where}"
            f" ORDER BY {'' if name == 'title' else 'recorded_at, '}title, clip_id LIMIT {most - len(found)}",
            values,
        )
        found += [Clip(entry[:3], *entry[3:]) for entry in entries]
    return found


def _of_titles(until: Key | None) -> list[str]:
    return [
        "(title, clip_id) >= (:title, :clip)"
        + (" AND (title, clip_id) < (:title_2, :clip_2)" if until else "")
    ]


def _of_times(first: Key, until: Key | None) -> list[str]:
    """Conditions for the clips without a time, and for those with one."""
    ranges = []
    if not first[0]:
        end = " AND (title, clip_id) < (:title_2, :clip_2)" if until and not until[0] else ""
        ranges.append(f"recorded_at IS NULL AND (title, clip_id) >= (:title, :clip){end}")
    if until is None or until[0]:
        begin = (
            "(recorded_at, title, clip_id) >= (substr(:time, 2), :title, :clip)"
            if first[0]
            else "recorded_at >= ''"
        )
        end = " AND (recorded_at, title, clip_id) < (substr(:time_2, 2), :title_2, :clip_2)" if until else ""
        ranges.append(begin + end)
    return ranges
