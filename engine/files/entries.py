"""What is in the trash, as rows: found by number or by path, and where each file is now."""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from sqlite_utils import Database

from engine.errors import NotFound, RushesError
from engine.names import display, from_blob
from engine.storage.database import Row, execute, row, rows, scalar
from engine.volumes import places


@dataclass(frozen=True)
class Trashed:
    """One file in the trash.

    Attributes:
        trash_id: its number.
        volume: name of its volume.
        path: where it lay: absolute, now or last known.
        kept: where it lies now: absolute, now or last known.
        reachable: whether its volume is here.
    """

    trash_id: int
    volume: str
    path: str
    kept: str
    size: int
    trashed_at: str
    trashed_by: str
    reachable: bool


COPY = (
    "copy_id", "asset_id", "volume_id", "path", "role", "state", "size", "mtime_ns", "inode", "seen_at",
    "verified_at", "verify_level", "batch_id", "created_at",
)  # fmt: skip
"""The columns of ``copies``, kept with an entry: the copy comes back as it was."""

_ENTRY = (
    "SELECT trash.*, volumes.name AS volume_name, volumes.state AS volume_state, volumes.mount_point,"
    " volumes.mount_root, volumes.mounts FROM trash JOIN volumes USING (volume_id)"
)


def count(db: Database) -> int:
    """How many files are in the trash."""
    return int(scalar(db, "SELECT count(*) FROM trash WHERE state = 'trashed'"))


def newest(db: Database, limit: int | None, offset: int) -> list[Trashed]:
    """The ``limit`` newest (None is all) but ``offset`` of them, the newest last."""
    found = rows(
        db,
        f"{_ENTRY} WHERE trash.state = 'trashed' ORDER BY trash_id DESC LIMIT ? OFFSET ?",
        (-1 if limit is None else limit, offset),
    )
    return [trashed(entry) for entry in reversed(found)]


def of(db: Database, numbers: Sequence[int | str]) -> list[Trashed]:
    """Entries by number, in this order; those that are gone are left out."""
    entries = rows(
        db,
        f"{_ENTRY} WHERE trash.state = 'trashed' AND trash_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )
    found = {entry["trash_id"]: entry for entry in entries}
    return [trashed(found[number]) for number in numbers if number in found]


def set_state(db: Database, entry: Row, state: str) -> None:
    """Write down what is about to happen to an entry, or that it rests (``trashed``)."""
    execute(db, "UPDATE trash SET state = ? WHERE trash_id = ?", (state, entry["trash_id"]))


def is_what_went(entry: Row, path: str) -> bool:
    """Whether the file at ``path`` has the size and the time of the copy that was put aside."""
    copy = json.loads(entry["copy"])
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (copy["size"], copy["mtime_ns"])


def is_here(db: Database, entry: Row) -> bool:
    """Whether the volume is mounted now, by a look: its row may be older than a pulled cable.

    Else an empty mount point would look like an emptied trash, and another drive's trash like ours.
    """
    kept = places.absolute(_volume(entry), from_blob(entry["kept"]))
    if kept is None:
        return False
    try:
        top = os.path.dirname(os.path.dirname(os.path.dirname(kept)))  # of .Trash-<uid>/files/<name>
        return bool(places.place_of(db, top).volume_id == entry["volume_id"])
    except RushesError:
        return False


def every(db: Database) -> list[Row]:
    """All that is in the trash, the oldest first."""
    return rows(db, f"{_ENTRY} WHERE trash.state = 'trashed' ORDER BY trash_id")


def entry_of(db: Database, trash_id: int) -> Row:
    """One row, whatever its state, with its volume's."""
    found = row(db, f"{_ENTRY} WHERE trash_id = ?", (trash_id,))
    assert found is not None
    return found


def now(entry: Row) -> tuple[str | None, str]:
    """Where the file lay (None: no mount shows that part of its volume) and where it is kept. See is_here."""
    kept = places.absolute(_volume(entry), from_blob(entry["kept"]))
    assert kept is not None
    return places.absolute(_volume(entry), from_blob(entry["path"])), kept


def _volume(entry: Row) -> Row:
    """Only the columns of the volume: ``state`` of the trash row means something else."""
    return {key: entry[key] for key in ("volume_state", "mount_point", "mount_root", "mounts")}


def trashed(entry: Row) -> Trashed:
    """An entry as it is shown."""
    volume = _volume(entry)
    kept = from_blob(entry["kept"])
    return Trashed(
        trash_id=int(entry["trash_id"]),
        volume=str(entry["volume_name"]),
        path=display(places.last_known(volume, from_blob(entry["path"])) or from_blob(entry["path"])),
        kept=display(places.last_known(volume, kept) or kept),
        size=int(entry["size"]),
        trashed_at=str(entry["trashed_at"]),
        trashed_by=str(entry["trashed_by"]),
        reachable=places.absolute(volume, kept) is not None,
    )


def chosen(db: Database, wanted: Sequence[str]) -> list[Row]:
    """Entries by number, or by the path where the files lay (a folder: all from below it).

    Raises:
        NotFound: one of them is not in the trash.
    """
    by_number: dict[str, Row] = {}
    by_path: list[tuple[str, int]] = []
    for entry in every(db):
        by_number[str(entry["trash_id"])] = entry
        path = places.last_known(_volume(entry), from_blob(entry["path"]))
        if path is not None:
            by_path.append((path, int(entry["trash_id"])))
    by_path.sort()
    found: dict[int, Row] = {}
    for given in wanted:
        numbers = [given] if given in by_number else _at_or_below(by_path, os.path.abspath(given))
        if not numbers:
            raise NotFound(f"{display(given)} is not in the trash. rushes files trash --list shows what is.")
        found.update({int(number): by_number[number] for number in numbers})
    return list(found.values())


def _at_or_below(by_path: Sequence[tuple[str, int]], path: str) -> list[str]:
    """Numbers of what lay at ``path``, and of what lay below it, by their paths in order."""
    below = path.rstrip("/") + "/"
    at = bisect_left(by_path, (path,))
    found = [number for shown, number in takewhile(lambda one: one[0] == path, islice(by_path, at, None))]
    at = bisect_left(by_path, (below,))
    found += [
        number for shown, number in takewhile(lambda one: one[0].startswith(below), islice(by_path, at, None))
    ]
    return [str(number) for number in found]
