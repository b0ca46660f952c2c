"""Many candidates entered and decided by few statements: what triggers do for one is done once for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlite_utils import Database

from engine.storage.database import write
from engine.storage.schema import finding

Verdict = tuple[str, str | None, str | None, int]
"""Status, when it was decided, by whom, and the candidate's id."""


@contextmanager
def touching(db: Database, copy_ids: Iterable[int]) -> Iterator[None]:
    """Let the block enter and decide candidates of these copies, and no others, without their triggers.

    At its end one row of each file is shown. A transaction of its own, or part of the open one.
    """
    with write(db):
        run = db.conn.execute
        run("CREATE TEMP TABLE IF NOT EXISTS touched (copy_id INTEGER PRIMARY KEY)")
        db.conn.executemany(
            "INSERT OR IGNORE INTO temp.touched VALUES (?)", ((copy_id,) for copy_id in copy_ids)
        )
        run("INSERT INTO candidates_in_bulk VALUES (1)")
        yield
        run(finding.SHADOWED)
        run("DELETE FROM candidates_in_bulk")
        run("DELETE FROM temp.touched")


def decide(db: Database, verdicts: Iterable[Verdict]) -> None:
    """Give many candidates their verdicts; of two for one candidate the later. Joins the open transaction."""
    with write(db):
        run = db.conn.execute
        run(
            "CREATE TEMP TABLE IF NOT EXISTS verdicts"
            " (candidate_id INTEGER PRIMARY KEY, status, decided_at, decided_by)"
        )
        db.conn.executemany(
            "INSERT OR REPLACE INTO temp.verdicts (status, decided_at, decided_by, candidate_id)"
            " VALUES (?, ?, ?, ?)",
            verdicts,
        )
        copies = "SELECT DISTINCT copy_id FROM temp.verdicts CROSS JOIN candidates USING (candidate_id)"
        with touching(db, (copy_id for (copy_id,) in run(copies).fetchall())):
            # The plus: each verdict looks its candidate up, see :mod:`engine.storage.moving`.
            run(
                "UPDATE candidates SET status = verdict.status, decided_at = verdict.decided_at,"
                " decided_by = verdict.decided_by FROM temp.verdicts AS verdict"
                " WHERE candidates.candidate_id = +verdict.candidate_id"
            )
        run("DELETE FROM temp.verdicts")
