"""Jobs: list, look into, pause, resume, cancel, retry, and follow to the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from engine import clock
from engine.errors import RushesError, WrongUse
from engine.ingest.carrying import pace
from engine.jobs import line, states, store
from engine.jobs.store import Job
from engine.library import Library
from engine.names import from_blob, json_name
from engine.storage.database import rows, scalar
from engine.supervisor import process

LOOK_SECONDS = 0.05
"""How often a waiting client looks for changes."""

STALLED_SECONDS = 30.0
"""A running job that has not advanced for so long is called stalled."""


def is_stalled(job: Job) -> bool:
    """Whether a job runs and has not advanced for :data:`STALLED_SECONDS`."""
    if job.status != "running" or job.progress_at is None:
        return False
    return clock.seconds_between(job.progress_at, clock.now()) > STALLED_SECONDS


def describe(job: Job) -> dict[str, Any]:
    """One entry of the document of ``jobs list``."""
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "title": job.title,
        "status": job.status,
        "intent": job.intent,
        "stage": job.stage,
        "message": job.message,
        "progress": job.progress,
        "done": job.done,
        "total": job.total,
        "bytes_done": job.bytes_done,
        "bytes_total": job.bytes_total,
        "rate": job.rate,
        "eta_seconds": job.eta_seconds,
        "free_eta_seconds": job.free_eta_seconds,
        "parts": pace.parts(job.parts),
        "priority": job.priority,
        "waiting_for": job.waiting_for,
        "error": job.error,
        "created_by": job.created_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "progress_at": job.progress_at,
        "stalled": is_stalled(job),
        "ended_at": job.ended_at,
    }


def list_jobs(library: Library, statuses: tuple[str, ...] = (), limit: int = 1000) -> list[dict[str, Any]]:
    """Jobs, the newest first. ``queue_place`` is the place among those that wait, from 1; None for others.

    Raises:
        WrongUse: an unknown state.
    """
    check_statuses(statuses)
    db = library.db()
    places = line.places(db)
    return [
        {**describe(job), "queue_place": places.get(job.job_id)}
        for job in store.list_jobs(db, statuses, limit)
    ]


def check_statuses(statuses: tuple[str, ...]) -> None:
    """Raise WrongUse when one of these is no state of a job."""
    if any(state not in states.JOB_TRANSITIONS for state in statuses):
        raise WrongUse(f"A state is one of: {', '.join(states.JOB_TRANSITIONS)}.")


def show(library: Library, given: str) -> dict[str, Any]:
    """One job with its parameters, result and tasks (the first 1000, failed ones first)."""
    db = library.db()
    job = store.find(db, given)
    tasks: list[dict[str, Any]] = []
    for index, state, order in (  # each from an index: a job may have a million
        ("tasks_by_job", "= 'failed'", "position"),
        ("tasks_by_position", "<> 'failed'", "item_id, position"),
    ):
        tasks += rows(
            db,
            "SELECT task_id, name, size, status, stage, error_kind, error, started_at, ended_at"
            f" FROM tasks INDEXED BY {index} WHERE job_id = ? AND status {state} ORDER BY {order} LIMIT ?",
            (job.job_id, 1000 - len(tasks)),
        )
    return {
        **describe(job),
        "params": job.params,
        "result": job.result,
        "task_counts": store.task_counts(db, job.job_id),
        "tasks": [
            {**{k: v for k, v in task.items() if k != "name"}, **json_name("name", from_blob(task["name"]))}
            for task in tasks
        ],
    }


def logs(library: Library, given: str, limit: int = 500) -> list[dict[str, Any]]:
    """The newest log lines of a job, oldest first."""
    job = store.find(library.db(), given)
    return [
        {key: line[key] for key in ("at", "level", "message", "task_id")}
        for line in store.log_lines(library.db(), job.job_id, limit)
    ]


def request(library: Library, given: str, verb: str) -> dict[str, Any]:
    """Ask for ``pause``, ``resume``, ``cancel`` or ``retry``; the engine obeys. Returns the job.

    Raises:
        IllegalTransition: the job's state does not allow it.
    """
    job = store.find(library.db(), given)
    process.ensure(library)  # first: a new engine finds what was cut off, and says so in its state
    store.request(library.db(), job.job_id, verb)
    return describe(store.get(library.db(), job.job_id))


def set_priority(library: Library, given: str, word: str) -> dict[str, Any]:
    """Change a job's place in the queue: ``low``, ``normal``, ``high`` or ``urgent``.

    Raises:
        WrongUse: another word.
    """
    if word not in store.PRIORITIES:
        raise WrongUse(f"A priority is one of: {', '.join(store.PRIORITIES)}.")
    job = store.find(library.db(), given)
    store.set_priority(library.db(), job.job_id, store.PRIORITIES[word])
    return describe(store.get(library.db(), job.job_id))


def move(library: Library, given: str, where: str) -> dict[str, Any]:
    """Move a job that waits for its turn: ``up``, ``down``, ``top`` or ``bottom`` of the line.

    Returns the job with ``queue_place``, its place from 1.

    Raises:
        WrongUse: another word.
        IllegalTransition: it does not wait for its turn.
        NotFound: there is no such job.
    """
    db = library.db()
    job = store.find(db, given)
    place = line.move(db, job.job_id, where)
    return {**describe(store.get(db, job.job_id)), "queue_place": place}


def settle(library: Library, job_id: str, *, seconds: float = 15.0) -> dict[str, Any]:
    """Wait until the engine has obeyed the job's intent (or ``seconds`` have gone), and return the job."""
    deadline = time.monotonic() + seconds
    while (job := store.get(library.db(), job_id)).intent is not None and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return describe(job)


def follow(library: Library, job_id: str, on_change: Callable[[Job], None] | None = None) -> Job:
    """Wait for a job's end, or until it stands still (paused, interrupted); return it.

    Args:
        library: the job's library.
        job_id: full id.
        on_change: called with the job whenever its row has changed.

    Raises:
        RushesError: the engine is gone; the job's state is kept and it can be resumed.
    """
    db = library.db()
    seen = -1
    looked = 0.0
    while True:
        version = scalar(db, "PRAGMA data_version")
        if version != seen:
            seen = version
            job = store.get(db, job_id)
            if on_change is not None:
                on_change(job)
            # A job that waits for a drive goes on by itself; a waiting client would never end.
            stands_still = job.status in ("paused", "interrupted") and not job.intent
            if job.status in states.ENDED or stands_still:
                return job
        if time.monotonic() - looked > 1.0:
            looked = time.monotonic()
            if not process.status(library).running:
                raise RushesError(
                    "The engine is gone. Nothing that was verified is lost; the job is interrupted and "
                    f"goes on with: rushes jobs resume {job_id[:8]}"
                )
        time.sleep(LOOK_SECONDS)
