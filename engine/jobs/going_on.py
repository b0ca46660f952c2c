"""How a job that waits for a drive goes on when that is back, and what it is told then."""

from __future__ import annotations

from sqlite_utils import Database

from engine.jobs import store
from engine.storage import audit
from engine.storage.database import write


def go_on(db: Database, job_id: str, sentence: str) -> None:
    """Let a paused job go on and write down why, in its log and in its history.

    Args:
        db: the calling thread's connection.
        job_id: a job that waits.
        sentence: what came back, without the full stop (``NAS is back at /mnt/nas``).

    A job that does not wait any more, or has an intent already, is left alone.

    Raises:
        NotFound: there is no such job.
    """
    with write(db):
        job = store.get(db, job_id)
        if job.status != "paused" or job.intent is not None:
            return  # somebody was quicker
        store.request(db, job_id, "resume")
        store.log(db, job_id, "info", f"{sentence}; the job goes on.")
        audit.record(
            db,
            f"{job.kind} goes on",
            target=job.title,
            job_id=job_id,
            from_state=job.status,
            why=sentence,
            by="engine",
        )
