"""Watch folders as they are stored, and what was taken from them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused, WrongUse
from engine.ingest.planning.plan import MODES
from engine.names import display, from_blob, to_blob
from engine.storage import audit
from engine.storage.database import Row, row, rows, write
from engine.watch.stability import File


@dataclass(frozen=True)
class WatchFolder:
    """One watched folder.

    Attributes:
        watch_id: its number.
        path: absolute; whatever is mounted there is looked at.
        destinations: absolute folders; none means the library's root.
        mode: ``copy``, ``reference``, or None for the library's.
        error: why the last look took nothing, in a sentence; None when all is well.
        looked_at: when it was last looked at; None: not yet.
        taken: files queued from it so far.
    """

    watch_id: int
    path: str
    destinations: tuple[str, ...]
    mode: str | None
    enabled: bool
    created_at: str
    error: str | None
    looked_at: str | None
    taken: int


def add(db: Database, path: str, destinations: Sequence[str] = (), mode: str | None = None) -> WatchFolder:
    """Watch a folder from now on.

    Raises:
        NotFound: there is no such folder.
        WrongUse: an unknown mode, or destinations in reference mode.
        Refused: it is watched already, or lies in a watched folder, or holds one or a destination.
    """
    if mode is not None and mode not in MODES:
        raise WrongUse(f"A mode is one of: {', '.join(MODES)}.")
    if mode == "reference" and destinations:
        raise WrongUse("In reference mode nothing is copied: leave the destinations out.")
    real = os.path.realpath(path)
    if not os.path.isdir(real):
        raise NotFound(f"There is no folder {display(path)}.")
    targets = [os.path.realpath(target) for target in destinations]
    for target in targets:
        if _holds(real, target):
            raise Refused(
                f"{display(target)} lies in {display(real)}: what arrives there would be taken again."
            )
    with write(db):
        for known in list_folders(db):
            if _holds(known.path, real) or _holds(real, known.path):
                raise Refused(
                    f"{display(known.path)} is watched already; two watches would take a file twice."
                )
        cursor = db.conn.execute(
            "INSERT INTO watch_folders (path, params, created_at) VALUES (?, ?, ?)",
            (to_blob(real), json.dumps({"destinations": targets, "mode": mode}), clock.now()),
        )
        audit.record(db, "watch add", target=display(real))
    return get(db, int(cursor.lastrowid or 0))


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")


_SELECT = """
    SELECT watch_folders.*, (SELECT count(*) FROM watch_taken AS taken
                             WHERE taken.watch_id = watch_folders.watch_id) AS taken
    FROM watch_folders
"""


def list_folders(db: Database) -> list[WatchFolder]:
    """All watched folders, in the order in which they were added."""
    return [_from_row(found) for found in rows(db, f"{_SELECT} ORDER BY watch_id")]


def get(db: Database, watch_id: int) -> WatchFolder:
    """One watched folder.

    Raises:
        NotFound: there is none with this number.
    """
    found = row(db, f"{_SELECT} WHERE watch_id = ?", (watch_id,))
    if found is None:
        raise NotFound(f"There is no watch folder {watch_id}.")
    return _from_row(found)


def find(db: Database, given: str) -> WatchFolder:
    """The watched folder with this number or path.

    Raises:
        NotFound: there is none.
    """
    path = os.path.realpath(given)
    for known in list_folders(db):
        if given == str(known.watch_id) or known.path in (given, path):
            return known
    raise NotFound(f"{display(given)} is not watched. See: rushes watch list")


def remove(db: Database, given: str) -> WatchFolder:
    """Watch a folder no longer, and forget what was taken from it. No file and no copy is touched."""
    folder = find(db, given)
    with write(db):
        db.execute("DELETE FROM watch_folders WHERE watch_id = ?", (folder.watch_id,))
        audit.record(db, "watch remove", target=display(folder.path))
    return folder


def enable(db: Database, given: str, *, on: bool) -> WatchFolder:
    """Go on watching a folder, or rest; what was taken stays remembered."""
    folder = find(db, given)
    with write(db):
        db.execute("UPDATE watch_folders SET enabled = ? WHERE watch_id = ?", (int(on), folder.watch_id))
        audit.record(db, f"watch {'enable' if on else 'disable'}", target=display(folder.path))
    return get(db, folder.watch_id)


def taken(db: Database, watch_id: int) -> dict[str, tuple[int, int]]:
    """What was queued from a folder: relative path -> (size, mtime in ns)."""
    found = rows(db, "SELECT path, size, mtime_ns FROM watch_taken WHERE watch_id = ?", (watch_id,))
    return {from_blob(entry["path"]): (entry["size"], entry["mtime_ns"]) for entry in found}


def remember(db: Database, watch_id: int, files: Iterable[File]) -> None:
    """Remember files as queued; joins the open transaction, so that both stand or fall together."""
    with write(db):
        db.conn.executemany(
            "INSERT INTO watch_taken (watch_id, path, size, mtime_ns) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns",
            [(watch_id, to_blob(file.path), file.size, file.mtime_ns) for file in files],
        )


def note(db: Database, watch_id: int, error: str | None) -> bool:
    """Write down how a look went; return whether that is news."""
    with write(db):
        before = row(db, "SELECT error FROM watch_folders WHERE watch_id = ?", (watch_id,))
        db.execute(
            "UPDATE watch_folders SET error = ?, looked_at = ? WHERE watch_id = ?",
            (error, clock.now(), watch_id),
        )
    return before is not None and before["error"] != error


def _from_row(found: Row) -> WatchFolder:
    params: dict[str, Any] = json.loads(found["params"])
    return WatchFolder(
        found["watch_id"],
        from_blob(found["path"]),
        tuple(params.get("destinations") or ()),
        params.get("mode"),
        bool(found["enabled"]),
        found["created_at"],
        found["error"],
        found["looked_at"],
        found["taken"],
    )
