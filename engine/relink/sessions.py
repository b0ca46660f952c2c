"""Relink sessions and their candidates, as they are stored."""

from __future__ import annotations

import itertools
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
from engine.storage import deciding, moving
from engine.storage.database import Row, execute, parts, row, rows, scalar, write
from engine.storage.schema.finding import WORDS_OF

BATCH = 10_000
"""Candidates stored per transaction: it holds the database for less than a second."""

OPEN = ("pending", "later")
"""Candidate states that still wait for a verdict."""

TRANSITIONS: dict[str, frozenset[str]] = {
    "pending": frozenset({"applied", "rejected", "later", "skipped"}),
    "later": frozenset({"applied", "rejected", "pending", "skipped"}),
    "applied": frozenset({"pending", "later"}),
    "rejected": frozenset({"pending", "later"}),
    "skipped": frozenset({"pending", "later"}),
}
"""The states a candidate may change to; back from ``applied`` and ``skipped`` only by an undo."""


@dataclass(frozen=True)
class Session:
    """One scan for lost files, or one mapping of a prefix. Numbers are counted, not kept.

    ``kind`` is ``scan`` (somebody asked for it), ``return`` (a drive that came was looked
    through by itself), ``sweep`` (what moved on its own volume) or ``mapping``; ``status`` is
    ``scanning``, ``matching``, ``completed``, ``cancelled`` or ``failed``; ``offline`` is the
    number of clips that were looked for.
    """

    session_id: str
    kind: str
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
           (SELECT CASE WHEN jobs.kind = 'sweep' THEN 'sweep'
                        WHEN jobs.params ->> 'origin' = 'mount' THEN 'return' ELSE 'scan' END
              FROM jobs WHERE jobs.job_id = session.job_id) AS kind,
           count(candidate_id) FILTER (WHERE candidate.status IN ('pending', 'later')
               AND NOT candidate.shadowed) AS waiting,
           count(candidate_id) FILTER (WHERE candidate.status = 'applied') AS applied
    FROM ({which}) AS session LEFT JOIN candidates AS candidate USING (session_id)
    GROUP BY session_id ORDER BY session.created_at DESC, session_id
"""


def get(db: Database, given: str) -> Session:
    """Return one session by its id, or by an unambiguous prefix of 8 characters or more.

    Raises:
        NotFound: there is none.
        Refused: the prefix fits several.
    """
    session_id = resolve(db, "relink_sessions", "session_id", given, "relink session")
    found = row(
        db, _SESSIONS.format(which="SELECT * FROM relink_sessions WHERE session_id = ?"), (session_id,)
    )
    if found is None:
        raise NotFound(f"There is no relink session {names.display(given)}.")
    return _session(found)


def list_sessions(db: Database, limit: int = 100) -> list[Session]:
    """The newest sessions, newest first."""
    return [
        _session(found)
        for found in rows(
            db,
            _SESSIONS.format(which="SELECT * FROM relink_sessions ORDER BY created_at DESC LIMIT ?"),
            (limit,),
        )
    ]


def _session(found: Row) -> Session:
    # A mapping has no job and walks no tree; the job of an old scan may have been pruned.
    kind = found["kind"] or ("scan" if found["files_scanned"] else "mapping")
    return Session(**{**found, "kind": kind, "scan_path": names.from_blob(found["scan_path"])})


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
    for start in range(0, max(1, len(matches)), BATCH):
        part = matches[start : start + BATCH]
        last = start + BATCH >= len(matches)
        with moving.roomy(db), write(db):
            said = _said_before(db, session_id, part)
            verdicts = [_UNSAID] * len(part)
            if said:
                verdicts = [said.get(_pair(match), _UNSAID) for match in part]
            copies = {match.lost.copy_id for match in part}
            if last:  # a newer scan sets aside what older ones have found, for all of its copies
                copies |= {match.lost.copy_id for match in matches} | _copies_of(db, session_id)
            with deciding.touching(db, copies):
                ids += _store(db, session_id, part, verdicts)
                if last:
                    _set_aside(db, session_id)
    return ids


def _copies_of(db: Database, session_id: str) -> set[int]:
    found = db.conn.execute("SELECT copy_id FROM candidates WHERE session_id = ?", (session_id,))
    return {copy_id for (copy_id,) in found.fetchall()}


def _set_aside(db: Database, session_id: str) -> None:
    """Close what earlier sessions propose for the copies of this one."""
    db.conn.execute(
        "UPDATE candidates SET status = 'skipped', decided_at = ?, decided_by = 'a newer scan'"
        " WHERE status IN ('pending', 'later') AND session_id <> ?"
        " AND copy_id IN (SELECT copy_id FROM candidates WHERE session_id = ?)",
        (clock.now(), session_id, session_id),
    )


def store_applied(db: Database, session_id: str, matches: Sequence[Match], by: str) -> list[int]:
    """Store candidates that are applied in this very transaction and return their ids, in the order given."""
    with deciding.touching(db, (match.lost.copy_id for match in matches)):
        return _store(db, session_id, matches, [("applied", clock.now(), by)] * len(matches))


_to_json = json.JSONEncoder(separators=(",", ":")).encode


class _Writer:
    """Evidence as it is stored. A scan writes very many, and most differ in the size alone."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[str, str]] = {}

    def text(self, evidence: dict[str, Any]) -> str:
        """The JSON of one candidate's evidence."""
        key = (*evidence, *[value for name, value in evidence.items() if name != "lost_size"])
        try:
            before, after = self._known[key]
        except KeyError:
            mark = "\x00"
            before, _, after = _to_json({**evidence, "lost_size": mark}).partition(_to_json(mark))
            self._known[key] = before, after
        except TypeError:  # it was read in full, and tells when
            return _to_json(evidence)
        return f"{before}{evidence['lost_size']}{after}"


_Said = tuple[str, str | None, str | None]
"""Status, when it was decided, by whom."""

_UNSAID: _Said = ("pending", None, None)

_Pair = tuple[int, str, bytes, int, int]
"""Copy, volume, path, size, mtime: a file held against a copy."""


def _pair(match: Match) -> _Pair:
    found = match.found
    return match.lost.copy_id, found.volume_id, names.to_blob(found.path), found.size, found.mtime_ns


def _said_before(db: Database, session_id: str, matches: Sequence[Match]) -> dict[_Pair, _Said]:
    """What was said of these very pairs in other sessions, the newest last."""
    copy_ids = list({match.lost.copy_id for match in matches})
    said: dict[_Pair, _Said] = {}
    for part in parts(copy_ids):
        found = db.conn.execute(
            "SELECT copy_id, volume_id, path, size, mtime_ns, status, decided_at, decided_by FROM candidates"
            f" WHERE copy_id IN ({', '.join('?' * len(part))}) AND status IN ('rejected', 'later')"
            " AND session_id <> ? ORDER BY candidate_id",
            (*part, session_id),
        )
        said |= {entry[:5]: entry[5:] for entry in found.fetchall()}
    return said


_COLUMNS = (
    "candidate_id", "session_id", "clip_id", "copy_id", "volume_id", "path", "size", "mtime_ns", "inode",
    "match_type", "confidence", "certain", "evidence", "created_at", "status", "decided_at", "decided_by",
)  # fmt: skip

_WORDS = WORDS_OF.format(
    clip_id=f"column{_COLUMNS.index('clip_id') + 1}", path=f"column{_COLUMNS.index('path') + 1}"
)


def _store(db: Database, session_id: str, matches: Sequence[Match], said: Sequence[_Said]) -> list[int]:
    # Nobody else writes within this transaction, so the ids are known beforehand.
    first = int(scalar(db, "SELECT coalesce(max(candidate_id), 0) + 1 FROM candidates"))
    moment = clock.now()
    written = _Writer().text
    listed = [
        (
            first + number,
            session_id,
            match.lost.clip_id,
            *_pair(match),
            match.found.inode,
            match.match_type,
            match.confidence,
            int(match.certain),
            written(match.evidence),
            moment,
            *verdict,
        )
        for number, (match, verdict) in enumerate(zip(matches, said, strict=True))
    ]
    # Many rows to a statement: beside triggers, even resting ones, each statement costs as much as its row.
    given = ", ".join(f"column{number + 1}" for number in range(len(_COLUMNS)))
    each = f"({', '.join('?' * len(_COLUMNS))})"
    for part in parts(listed):
        db.conn.execute(
            f"INSERT INTO candidates ({', '.join(_COLUMNS)}, words)"
            f" SELECT {given}, {_WORDS} FROM (VALUES {', '.join([each] * len(part))})",
            list(itertools.chain.from_iterable(part)),
        )
    return list(range(first, first + len(matches)))
