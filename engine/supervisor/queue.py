"""Which waiting jobs may start now: a pure decision over plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.jobs.store import Job

RUNNING_AT_MOST = 4
"""Jobs that run at the same time; each one reads or writes at full speed."""


def startable(waiting: Sequence[Job], running: Iterable[Job]) -> list[Job]:
    """Choose the jobs to start, in queue order.

    A job starts when none of its resources (a device, the encoder) is in use.
    A job that must wait keeps its resources from jobs behind it in the queue,
    so that a stream of small jobs cannot starve it.
    """
    running = list(running)
    taken = {resource for job in running for resource in job.resources}
    free = RUNNING_AT_MOST - len(running)
    chosen: list[Job] = []
    for job in waiting:
        if not taken & set(job.resources) and len(chosen) < free:
            chosen.append(job)
        taken |= set(job.resources)
    return chosen
