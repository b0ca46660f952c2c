"""What the engine wrote of its own looks, and nobody needs any more, goes after a while.

A drive on which somebody works all day is looked through hundreds of times.
Each look that found everything as recorded leaves a job and an event; what it
found, and all that an operator asked for, stays for good.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlite_utils import Database

from engine import clock
from engine.storage.database import write

KEEP_DAYS = 30
"""How long a look that found nothing is remembered. The newest such of each volume stays in any case."""

AT_ONCE = 500
"""Rows per transaction."""

_FOUND = ("newly_missing", "back", "changed", "damaged", "moved", "unknown")
_NOTHING = " AND ".join(f"ifnull(detail ->> '{key}', 0) = 0" for key in _FOUND)

_LOOKS = f"""
    SELECT event_id FROM volume_events AS look
     WHERE kind = 'swept' AND at < :limit AND {_NOTHING}
       AND EXISTS (SELECT 1 FROM volume_events AS later WHERE later.volume_id = look.volume_id
                   AND later.kind = 'swept' AND later.event_id > look.event_id
                   AND {_NOTHING.replace("detail", "later.detail")})
     LIMIT {AT_ONCE}
"""

_JOBS = f"""
    SELECT job_id FROM jobs
     WHERE status = 'completed' AND told = 1 AND ended_at < :limit
       AND (kind IN ('sweep', 'relink_prove')
            OR (kind = 'relink_scan' AND params ->> 'origin' = 'mount' AND result ->> 'candidates' = 0))
       AND NOT EXISTS (SELECT 1 FROM relink_sessions JOIN candidates USING (session_id)
                       WHERE relink_sessions.job_id = jobs.job_id)
     LIMIT {AT_ONCE}
"""


def tidy(db: Database) -> int:
    """Forget looks that found nothing and are older than :data:`KEEP_DAYS`; return how many rows went.

    In small transactions; may be ended between any two of them.
    """
    limit = clock.stamp(datetime.now(UTC) - timedelta(days=KEEP_DAYS))
    gone = 0
    for found, statements in (
        (_LOOKS, ("DELETE FROM volume_events WHERE event_id = ?",)),
        (_JOBS, ("DELETE FROM relink_sessions WHERE job_id = ?", "DELETE FROM jobs WHERE job_id = ?")),
    ):
        while ids := db.conn.execute(found, {"limit": limit}).fetchall():
            with write(db):
                for statement in statements:
                    db.conn.executemany(statement, ids)
            gone += len(ids)
    return gone
