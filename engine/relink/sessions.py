"""Relink sessions and their candidates, as they are stored."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import NotFound
from engine.jobs.store import resolve
from engine.relink.match import Match
from engine.storage.database import Row, execute, row, rows, write

BATCH = 1000
"""Candidates stored per transaction."""

OPEN = ("pending", "later")
"""Candidate states that still wait for a verdict."""

TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"applied", "rejected", "later", "skipped"}),
    "later": frozenset({"applied", "rejected", "pending", "skipped"}),
    "applied": frozenset({"pending", "later"}),
    "rejected": frozenset({"pending"}),
    "skipped": frozenset({"pending", "later"}),
}
"""The states a candidate may change to; back from ``applied`` and ``skipped`` only by an undo."""


@dataclass(frozen=True)
class Session:
    """One scan for lost files, or one mapping of a prefix. Numbers are counted, not kept.

    ``status`` is ``scanning``, ``matching``, ``completed``, ``cancelled`` or
    ``failed``; ``offline`` is the number of clips that were looked for.
    """

    session_id: str
    job_id: str | None
    volume_id: str | None
    scan_path: str
    status: str
    files_scanned: int
    files_hashed: int
    offline: int
    candidates: int
    waiting: int
    applied: int
    error: str | None
    created_at: str
    completed_at: str | None


def create(
    db: Database,
    scan_path: str,
    *,
    job_id: str | None = None,
    volume_id: str | None = None,
    status: str = "scanning",
    session_id: str | None = None,
) -> str:
    """Add a session and return its id. Joins the open transaction."""
    session_id = session_id or str(uuid.uuid4())
    execute(
        db,
        "INSERT INTO relink_sessions (session_id, job_id, volume_id, scan_path, status, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (session_id, job_id, volume_id, names.to_blob(scan_path), status, clock.now()),
    )
    return session_id


def update(db: Database, session_id: str, **changes: Any) -> None:
    """Change columns of a session; a final ``status`` stamps ``completed_at``. Joins the open transaction."""
    status = changes.get("status")
    if status in ("completed", "cancelled", "failed"):
        changes["completed_at"] = clock.now()
    elif status is not None:
        changes["completed_at"] = None
    sets = ", ".join(f"{column} = :{column}" for column in changes)
    execute(
        db,
        f"UPDATE relink_sessions SET {sets} WHERE session_id = :session_id",
        {**changes, "session_id": session_id},
    )


_SESSIONS = """
    SELECT session.*, count(candidate_id) AS candidates,
           count(candidate_id) FILTER (WHERE candidate.status IN ('pending', 'later')) AS waiting,
           count(candidate_id) FILTER (WHERE candidate.status = 'applied') AS applied
    FROM relink_sessions AS session LEFT JOIN candidates AS candidate USING (session_id)
"""


def get(db: Database, given: str) -> Session:
    """Return one session by its id, or by an unambiguous prefix of 8 characters or more.

    Raises:
        NotFound: there is none.
        Refused: the prefix fits several.
    """
    session_id = resolve(db, "relink_sessions", "session_id", given, "relink session")
    found = row(db, _SESSIONS + " WHERE session_id = ? GROUP BY session_id", (session_id,))
    if found is None:
        raise NotFound(f"There is no relink session {names.display(given)}.")
    return _session(found)


def list_sessions(db: Database, limit: int = 100) -> list[Session]:
    """The newest sessions, newest first."""
    return [
        _session(found)
        for found in rows(
            db,
            _SESSIONS
            + " WHERE session_id IN (SELECT session_id FROM relink_sessions ORDER BY created_at DESC LIMIT ?)"
            " GROUP BY session_id ORDER BY session.created_at DESC, session_id",
            (limit,),
        )
    ]


def _session(found: Row) -> Session:
    return Session(**{**found, "scan_path": names.from_blob(found["scan_path"])})


def store_matches(db: Database, session_id: str, matches: Sequence[Match]) -> list[int]:
    """Store a session's candidates and return their ids, in the order given.

    Candidates of an earlier, cut off attempt of the same session go first.
    What was said before holds: a pair that was rejected, or put off, and whose
    file has not changed since, comes back in that state. Older undecided
    candidates of the same copy are superseded (``skipped``).
    """
    execute(
        db, "DELETE FROM candidates WHERE session_id = ? AND status IN ('pending', 'later')", (session_id,)
    )
    ids: list[int] = []
    for start in range(0, len(matches), BATCH):
        with write(db):
            ids += [_store(db, session_id, match) for match in matches[start : start + BATCH]]
    with write(db):
        db.execute(
            "UPDATE candidates SET status = 'skipped', decided_at = ?, decided_by = 'a newer scan'"
            " WHERE status IN ('pending', 'later') AND session_id <> ?"
            " AND copy_id IN (SELECT copy_id FROM candidates WHERE session_id = ?)",
            (clock.now(), session_id, session_id),
        )
    return ids


def _store(db: Database, session_id: str, match: Match) -> int:
    found = match.found
    path = names.to_blob(found.path)
    before = row(
        db,
        "SELECT status, decided_at, decided_by FROM candidates"
        " WHERE copy_id = ? AND volume_id = ? AND path = ? AND size = ? AND mtime_ns = ?"
        " AND session_id <> ? AND status IN ('rejected', 'later')"
        " ORDER BY candidate_id DESC LIMIT 1",
        (match.lost.copy_id, found.volume_id, path, found.size, found.mtime_ns, session_id),
    )
    cursor = db.conn.execute(
        "INSERT INTO candidates (session_id, clip_id, copy_id, volume_id, path, size, mtime_ns, inode,"
        " match_type, confidence, certain, evidence, status, created_at, decided_at, decided_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_id,
            match.lost.clip_id,
            match.lost.copy_id,
            found.volume_id,
            path,
            found.size,
            found.mtime_ns,
            found.inode,
            match.match_type,
            match.confidence,
            int(match.certain),
            json.dumps(match.evidence),
            before["status"] if before else "pending",
            clock.now(),
            before["decided_at"] if before else None,
            before["decided_by"] if before else None,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid
