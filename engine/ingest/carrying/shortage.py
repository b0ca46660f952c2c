"""A destination that ran full in the middle: it pauses by itself, and gets the rest when there is room.

Every file is tried, so that small ones still find their place. What did not
fit is not a failure of the file: it waits, as for a drive that is away, and
everything else of the ingest goes on.
"""

from __future__ import annotations

from humanize import naturalsize

from engine.ingest.carrying import recovery
from engine.ingest.records.results import OF_ITEM
from engine.jobs.context import JobContext
from engine.jobs.waiting import for_space, has_come
from engine.names import display
from engine.storage.database import rows, write

NO_ROOM = "no room"
"""Stage of a transfer that waits for room."""

_SHORT = "transfers.status = 'failed' AND transfers.error_kind = 'no_space'"


def set_aside(job: JobContext, item_id: int) -> int:
    """Let what found no room on its destination wait for it; return how many files that are."""
    with write(job.db):
        short = [
            int(entry["task_id"])
            for entry in rows(
                job.db,
                f"SELECT DISTINCT task_id FROM tasks JOIN transfers USING (task_id) WHERE {OF_ITEM}"
                f" AND {_SHORT}",
                (item_id,),
            )
        ]
        if not short:
            return 0
        job.db.conn.executemany(
            "UPDATE transfers SET status = 'queued', stage = ?, error = NULL, error_kind = NULL"
            f" WHERE task_id = ? AND {_SHORT}",
            [(NO_ROOM, task_id) for task_id in short],
        )
        job.db.conn.executemany(
            "UPDATE tasks SET status = 'queued', stage = NULL, error = NULL, error_kind = NULL,"
            " ended_at = NULL WHERE task_id = ?",
            [(task_id,) for task_id in short],
        )
        recovery.recount(job)
    return len(short)


def waits(job: JobContext) -> list[tuple[str, str | None]]:
    """(sentence, what the job waits for) of each destination that is full.

    None when the volume has room after all, by its last look: then nobody can tell when to go on.
    """
    found = rows(
        job.db,
        "SELECT volume_id, volumes.name, count(*) AS files, COALESCE(SUM(tasks.size), 0) AS size"
        " FROM tasks JOIN transfers USING (task_id) JOIN volumes USING (volume_id)"
        " WHERE tasks.job_id = ? AND tasks.status = 'queued' AND transfers.status = 'queued'"
        " AND transfers.stage = ? GROUP BY volume_id ORDER BY min(transfer_id)",
        (job.job_id, NO_ROOM),
    )
    made: list[tuple[str, str | None]] = []
    for entry in found:
        files = "1 file" if entry["files"] == 1 else f"{entry['files']:,} files"
        amount = naturalsize(entry["size"], binary=True)
        head = f"{display(entry['name'])} is full: {files} ({amount}) found no room there. "
        wanted = for_space(str(entry["volume_id"]), int(entry["size"]))
        if has_come(job.db, wanted):
            made.append((f"{head}{_LIMITED}", None))
        else:
            made.append((f"{head}{_SHORT_OF}", wanted))
    return made


_SHORT_OF = "Everything verified is kept. Make room; the ingest goes on by itself then."
_LIMITED = (
    "Everything verified is kept. The volume itself has room, so a quota or its number of files is used up. "
    "Mend that, then resume."
)
