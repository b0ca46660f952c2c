"""Whether anything changed, and the numbers at the head of every screen."""

from __future__ import annotations

from engine.api.rows import Counts
from engine.api.views.asides import unseen
from engine.library import Library
from engine.storage.database import row, scalar
from engine.volumes.store import OF_INTEREST


class Changes:
    """Tells whether anything was written since the last look, by another process or by this connection."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._seen: tuple[int, int] | None = None

    def changed(self) -> bool:
        """Whether something was written since the last call; True the first time."""
        db = self._library.db()
        now = (int(scalar(db, "PRAGMA data_version")), db.conn.total_changes)
        before, self._seen = self._seen, now
        return now != before


def counts(library: Library) -> Counts:
    """Numbers for the head of every screen."""
    db = library.db()
    jobs: dict[tuple[bool, str], int] = {
        (bool(found[0]), str(found[1])): int(found[2])
        for found in db.conn.execute(
            "SELECT kind = 'export', status, count(*) FROM jobs WHERE status IN"
            " ('pending', 'running', 'paused', 'interrupted', 'failed') GROUP BY 1, 2"
        ).fetchall()
    }
    volumes = row(
        db,
        f"SELECT count(*) AS n, coalesce(sum(state <> 'online'), 0) AS away FROM volumes WHERE {OF_INTEREST}",
    )
    assert volumes is not None
    return Counts(
        volumes=volumes["n"],
        volumes_away=volumes["away"],
        jobs_active=sum(n for (export, state), n in jobs.items() if not export and state != "failed"),
        jobs_failed=jobs.get((False, "failed"), 0),
        exports_active=sum(n for (export, state), n in jobs.items() if export and state != "failed"),
        exports_failed=jobs.get((True, "failed"), 0),
        candidates_open=int(
            scalar(
                db, "SELECT count(*) FROM candidates WHERE status IN ('pending', 'later') AND NOT shadowed"
            )
            or 0
        ),
        damaged=int(scalar(db, "SELECT sum(damaged) FROM volume_counts") or 0),
        notices=unseen(library),
    )


def running(library: Library) -> tuple[int, float | None]:
    """Jobs that run now, and the bytes per second of those that count bytes (None when none does)."""
    found = row(
        library.db(),
        "SELECT count(*) AS n, sum(CASE WHEN bytes_total IS NOT NULL THEN rate END) AS rate"
        " FROM jobs WHERE status = 'running'",
    )
    assert found is not None
    return int(found["n"]), found["rate"]
