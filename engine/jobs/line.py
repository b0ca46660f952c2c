"""The line of waiting jobs: who is next, and moving a job within it."""

from __future__ import annotations

from typing import Literal, get_args

from sqlite_utils import Database

from engine.errors import IllegalTransition, WrongUse
from engine.jobs import states, store
from engine.jobs.store import QUEUE_ORDER, Job
from engine.storage import audit
from engine.storage.database import rows, write

Move = Literal["up", "down", "top", "bottom"]

MOVES: tuple[str, ...] = get_args(Move)
"""Where a waiting job can be moved to."""


def waiting(db: Database) -> list[Job]:
    """Jobs that have not been started, also held ones, in the order in which they will be."""
    found = rows(db, f"SELECT * FROM jobs WHERE status = 'pending' ORDER BY {QUEUE_ORDER}")
    return [store.from_row(entry) for entry in found]


def places(db: Database) -> dict[str, int]:
    """Place in the line, from 1, by id of job."""
    return {job.job_id: number for number, job in enumerate(waiting(db), 1)}


def move(db: Database, job_id: str, where: str) -> int:
    """Move a waiting job ``up`` or ``down`` by one, to the ``top`` or the ``bottom``; return its new place.

    A job that passes one of another priority takes that priority over: the line is what counts.

    Raises:
        WrongUse: another word.
        IllegalTransition: the job does not wait in the line.
        NotFound: there is no such job.
    """
    if where not in MOVES:
        raise WrongUse(f"A job is moved {', '.join(MOVES[:-1])} or {MOVES[-1]}.")
    with write(db):
        job = store.get(db, job_id)
        line = waiting(db)
        order = [entry.job_id for entry in line]
        if job_id not in order:
            raise IllegalTransition(
                f"This job is {states.spoken(job.status)}; only a job that waits for its turn can be moved."
            )
        before = order.index(job_id)
        last = len(line) - 1
        after = {"up": max(0, before - 1), "down": min(last, before + 1), "top": 0, "bottom": last}[where]
        if after != before:
            priority = line[after].priority
            order.insert(after, order.pop(before))
            db.execute("UPDATE jobs SET priority = ? WHERE job_id = ?", (priority, job_id))
            db.conn.executemany(
                "UPDATE jobs SET place = ? WHERE job_id = ?",
                [(place, entry) for place, entry in enumerate(order, 1)],
            )
            audit.record(db, "jobs move", target=job.title, job_id=job_id, why=f"{where}: {after + 1}")
    return after + 1
