"""Before an ingest goes on, and after a cancel: rows are put right, leftover temporary files go."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.ingest.carrying import journal
from engine.ingest.carrying.parcels import RESUMED
from engine.ingest.ends import folders
from engine.ingest.ends.ends import Destination
from engine.jobs.context import JobContext
from engine.names import display, from_blob
from engine.storage.database import execute, rows, write


def take_up(job: JobContext, *, retrying: bool) -> None:
    """Queue again what was under way, what a cancel left open, and on a retry what had failed.

    Reads nothing but the database. What is verified stays verified.
    """
    db = job.db
    states = "('running', 'cancelled', 'failed')" if retrying else "('running', 'cancelled')"
    mine = "task_id IN (SELECT task_id FROM tasks WHERE job_id = ?)"
    with write(db):
        db.execute(
            f"UPDATE transfers SET stage = ? WHERE status = 'running' AND {mine}", (RESUMED, job.job_id)
        )
        db.execute(
            "UPDATE transfers SET status = 'queued', error = NULL, error_kind = NULL"
            f" WHERE status IN {states} AND {mine}",
            (job.job_id,),
        )
        db.execute(
            "UPDATE tasks SET status = 'queued', stage = NULL, error = NULL, error_kind = NULL,"
            f" ended_at = NULL WHERE job_id = ? AND status IN {states}"
            " AND error_kind IS NOT 'unreadable_folder'",
            (job.job_id,),
        )
        db.execute(
            "UPDATE batch_items SET status = 'pending', error = NULL, ended_at = NULL WHERE job_id = ?"
            " AND (status IN ('running', 'cancelled') OR (? AND status = 'failed') OR item_id IN"
            " (SELECT item_id FROM tasks WHERE job_id = ? AND status = 'queued'))",
            (job.job_id, retrying, job.job_id),
        )
        recount(job)


def recount(job: JobContext) -> None:
    """Derive the numbers of every item from its tasks."""
    job.db.execute(
        "UPDATE batch_items SET"
        " files_ingested = (SELECT count(*) FROM tasks WHERE tasks.job_id = batch_items.job_id"
        "  AND tasks.item_id = batch_items.item_id AND status = 'completed'),"
        " duplicates = (SELECT count(*) FROM tasks WHERE tasks.job_id = batch_items.job_id"
        "  AND tasks.item_id = batch_items.item_id AND status = 'skipped'),"
        " failed = (SELECT count(*) FROM tasks WHERE tasks.job_id = batch_items.job_id"
        "  AND tasks.item_id = batch_items.item_id AND status = 'failed'),"
        " bytes = (SELECT COALESCE(SUM(size), 0) FROM tasks WHERE tasks.job_id = batch_items.job_id"
        "  AND tasks.item_id = batch_items.item_id AND status = 'completed') WHERE job_id = ?",
        (job.job_id,),
    )


def remove_temps(job: JobContext, destinations: Sequence[Destination], *, resumable: bool) -> int:
    """Remove the temporary files that this job left behind; return how many.

    Those on a volume that is away keep their row and go when it is back. With
    ``resumable`` a large file that can be continued from its journal stays.
    """
    db = job.db
    removed = 0
    found = rows(
        db,
        "SELECT transfer_id, task_id, volume_id, path, temp FROM transfers JOIN tasks USING (task_id)"
        " WHERE job_id = ? AND temp IS NOT NULL",
        (job.job_id,),
    )
    for entry in found:
        if resumable and journal.holds(db, int(entry["task_id"])):
            continue
        temp = from_blob(entry["temp"])
        target = _destination(destinations, str(entry["volume_id"]), temp)
        if target is None or target.root is None:
            continue
        prefix = target.order.relative
        relative = temp[len(prefix) + 1 :] if prefix else temp
        *parts, name = relative.split("/")
        try:
            removed += folders.remove_temp(target.root.folder(tuple(parts), make=False), name)
        except FileNotFoundError:
            pass  # its folder was never made
        except OSError as error:
            job.log(
                "warning",
                f"{display(os.path.join(target.path, relative))} cannot be removed: {error.strerror}.",
            )
            continue
        execute(db, "UPDATE transfers SET temp = NULL WHERE transfer_id = ?", (entry["transfer_id"],))
    return removed


def _destination(destinations: Sequence[Destination], volume_id: str, path: str) -> Destination | None:
    fits = [
        target
        for target in destinations
        if target.order.volume_id == volume_id
        and (not target.order.relative or path.startswith(target.order.relative + "/"))
    ]
    return max(fits, key=lambda target: len(target.order.relative), default=None)


def cancel_open(job: JobContext) -> None:
    """Mark everything that was not decided as cancelled. What is verified stays in the catalogue."""
    db = job.db
    with write(db):
        db.execute(
            "UPDATE transfers SET status = 'cancelled' WHERE status IN ('queued', 'running') AND task_id IN"
            " (SELECT task_id FROM tasks WHERE job_id = ?)",
            (job.job_id,),
        )
        db.execute(
            "UPDATE tasks SET status = 'cancelled' WHERE job_id = ? AND status IN ('queued', 'running')",
            (job.job_id,),
        )
        db.execute(
            "DELETE FROM task_blocks WHERE task_id IN (SELECT task_id FROM tasks WHERE job_id = ?)",
            (job.job_id,),
        )
        db.execute(
            "UPDATE batch_items SET status = 'cancelled' WHERE job_id = ?"
            " AND status IN ('pending', 'running')",
            (job.job_id,),
        )
        recount(job)
