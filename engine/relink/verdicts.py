"""Rejecting a file, putting it off, taking that back: the verdict is on the file, whatever scan found it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from engine import clock, names
from engine.relink import sessions
from engine.relink.candidates import Candidate
from engine.storage.database import Row, rows, scalar


def give(db: Database, candidate: Candidate, after: str, by: str) -> None:
    """Give an open candidate, and all that say the same of that file, the state ``rejected`` or ``later``.

    Joins the open transaction. What they were is kept for :func:`take_back`.
    """
    moment = clock.now()
    act = int(scalar(db, "SELECT coalesce(max(act), 0) + 1 FROM verdicts_before"))
    for held in _of_the_pair(db, candidate, sessions.OPEN):
        db.execute(
            "INSERT INTO verdicts_before VALUES (?, ?, ?, ?, ?)",
            (act, held["candidate_id"], held["status"], held["decided_at"], held["decided_by"]),
        )
        _set(db, held["candidate_id"], after, moment, by)


def take_back(db: Database, candidate: Candidate) -> None:
    """Take back a rejection, or that a verdict was put off, with all that was decided by it.

    Joins the open transaction.
    """
    act = scalar(db, "SELECT max(act) FROM verdicts_before WHERE candidate_id = ?", (candidate.candidate_id,))
    before = rows(db, "SELECT * FROM verdicts_before WHERE act = ? ORDER BY candidate_id", (act,))
    for held in before:
        _set(db, held["candidate_id"], held["status"], held["decided_at"], held["decided_by"])
    db.execute("DELETE FROM verdicts_before WHERE act = ?", (act,))
    if not before:  # a scan took it over from the scan before, where it is taken back as well
        for held in _of_the_pair(db, candidate, (candidate.status,)):
            _set(db, held["candidate_id"], "pending", None, None)


def _of_the_pair(db: Database, candidate: Candidate, statuses: Sequence[str]) -> list[Row]:
    """The candidates in these states that hold this very file against this copy, from whatever scan."""
    return rows(
        db,
        "SELECT candidate_id, status, decided_at, decided_by FROM candidates"
        " WHERE copy_id = ? AND volume_id = ? AND path = ? AND size = ? AND mtime_ns = ?"
        f" AND status IN ({', '.join('?' * len(statuses))}) ORDER BY candidate_id",
        (
            candidate.copy_id, candidate.volume_id, names.to_blob(candidate.path), candidate.size,
            candidate.mtime_ns, *statuses,
        ),
    )  # fmt: skip


def _set(db: Database, candidate_id: int, status: str, at: str | None, by: str | None) -> None:
    db.execute(
        "UPDATE candidates SET status = ?, decided_at = ?, decided_by = ? WHERE candidate_id = ?",
        (status, at, by, candidate_id),
    )
