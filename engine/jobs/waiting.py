"""Jobs that wait: what for, in their row and in words, and how they go on when it has come.

``waiting_for`` of a paused job names volumes (their ids, with commas between),
another job (``job:`` and its id), or room on a volume (``space:``, the bytes
that must be free there, and its id). When that has come the engine resumes the job.
"""

from __future__ import annotations

from sqlite_utils import Database

from engine.jobs import store
from engine.storage import audit
from engine.storage.database import row, write

SPACE = "space:"

SHOWN = (
    "CASE WHEN jobs.waiting_for LIKE 'space:%' THEN 'space on ' || COALESCE((SELECT name FROM volumes"
    " WHERE volume_id = substr(jobs.waiting_for, instr(substr(jobs.waiting_for, 7), ':') + 7)), 'its volume')"
    " WHEN jobs.waiting_for LIKE 'job:%' THEN COALESCE((SELECT title FROM jobs AS others"
    " WHERE others.job_id = substr(jobs.waiting_for, 5)), 'another job')"
    " ELSE COALESCE((SELECT group_concat(name, ', ') FROM volumes"
    " WHERE instr(',' || jobs.waiting_for || ',', ',' || volume_id || ',')), jobs.waiting_for) END"
)
"""SQL for what a row of ``jobs`` waits for in words: names, not ids. NULL when it waits for nothing."""


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
        store.request(db, job_id, "resume", by="engine")
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


def for_space(volume_id: str, free: int) -> str:
    """What a job waits for that goes on when ``free`` bytes are free on a volume."""
    return f"{SPACE}{free}:{volume_id}"


def has_come(db: Database, waiting_for: str) -> bool:
    """Whether the room that a job waits for is there, by what is known of the volume."""
    wanted, _, volume_id = waiting_for.removeprefix(SPACE).partition(":")
    found = row(db, "SELECT free_bytes, state FROM volumes WHERE volume_id = ?", (volume_id,))
    return (
        found is not None
        and found["state"] == "online"
        and found["free_bytes"] is not None
        and int(found["free_bytes"]) >= int(wanted)
    )
