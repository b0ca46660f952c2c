"""What an ingest has before it: sources that are not listed yet, and a stage that has not begun."""

from __future__ import annotations

from dataclasses import dataclass

from engine.jobs.context import JobContext
from engine.storage.database import row, scalar

RECENT_TRANSFERS = 500
"""Proven files of a volume that tell how fast it is."""

LOOKED_BACK = 20_000
"""Among so many of the newest transfers of all volumes those of one are looked for."""


@dataclass(frozen=True)
class Ahead:
    """Files, and bytes of work by stage, of sources that are not listed yet, as the plan saw them."""

    files: int = 0
    first: int = 0
    second: int = 0


def unlisted(job: JobContext) -> Ahead:
    """What the plan foresaw for the sources of a job that are not listed yet."""
    hops = [int(target.get("hop", 1)) for target in job.params.get("destinations", ())]
    files = size = 0
    for position, source in enumerate(job.params.get("sources", ())):
        listed = scalar(
            job.db,
            "SELECT 1 FROM batch_items AS item WHERE job_id = ? AND position = ?"
            " AND (status NOT IN ('pending', 'running')"
            " OR EXISTS (SELECT 1 FROM tasks WHERE tasks.job_id = item.job_id"
            " AND tasks.item_id = item.item_id))",
            (job.job_id, position),
        )
        if listed is None:
            files += int(source.get("files", 0))
            size += int(source.get("fresh", 0))
    # Every byte is written and read back at each destination; in reference mode it is only read.
    first = size * 2 * hops.count(1) if hops else size
    return Ahead(files, first, size * 2 * hops.count(2))


def seconds_per_byte(job: JobContext) -> float | None:
    """Seconds that a byte takes in the second stage: written and read back by its slowest destination.

    By what was proven on these volumes before; None when nothing was proven on one of them yet.
    """
    slowest = 0.0
    for target in job.params.get("destinations", ()):
        if int(target.get("hop", 1)) != 2:
            continue
        known = row(
            job.db,
            "SELECT SUM(written) AS written, SUM(write_seconds) AS writing, SUM(reread) AS reread,"
            " SUM(read_seconds) AS reading FROM (SELECT written, write_seconds, reread, read_seconds"
            " FROM transfers WHERE transfer_id > (SELECT max(transfer_id) FROM transfers) - ?"
            " AND volume_id = ? AND status = 'completed' AND written > 0 AND reread > 0"
            " ORDER BY transfer_id DESC LIMIT ?)",
            (LOOKED_BACK, target["volume_id"], RECENT_TRANSFERS),
        )
        if known is None or not known["written"] or not known["reread"]:
            return None
        one = known["writing"] / known["written"] + known["reading"] / known["reread"]
        slowest = max(slowest, one)
    return slowest or None
