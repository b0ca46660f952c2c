"""What is told of a job's end: which ends, in which sentence, as which JSON object. Pure."""

from __future__ import annotations

import socket
from typing import Any

from engine import clock
from engine.jobs import states
from engine.jobs.store import Job
from engine.library import Library

QUIET_KINDS = frozenset({"sweep", "relink_prove"})
"""Kinds of jobs that the engine starts by itself; nobody waits for them."""

_SAYS_IT_ITSELF = frozenset(
    {"deliver", "mhl_verify", "relink_prove", "relink_scan", "repair", "speed", "sweep"}
)
"""Kinds whose title says what is done: ``Look for lost files in /mnt/x``."""

_UNWELL = frozenset({"failed", "completed_with_warnings"})

SCHEMA = 1
"""Version of the object's shape."""


def is_told(kind: str, status: str, policy: str) -> bool:
    """Whether this end is told under ``notify.after`` (``off``, ``failures``, ``all``)."""
    if kind in QUIET_KINDS or status not in states.ENDED or status == "cancelled":
        return False
    return policy == "all" or (policy == "failures" and status in _UNWELL)


def sentence(kind: str, title: str, status: str, error: str | None) -> str:
    """``Export film (share): completed.``, with the job's own words when something was wrong."""
    word = kind.replace("_", " ").capitalize()
    what = "" if kind in _SAYS_IT_ITSELF or title.startswith(f"{word} ") else f"{word} "
    said = f"{what}{title}: {states.spoken(status)}."
    return f"{said} {error}" if error else said


def document(library: Library, job: Job, reports: dict[str, str]) -> dict[str, Any]:
    """The object that a command and a webhook get. ``result`` is what ``--wait`` prints for that job."""
    seconds = (
        round(clock.seconds_between(job.started_at, job.ended_at), 3)
        if job.started_at and job.ended_at
        else None
    )
    return {
        "schema": SCHEMA,
        "event": "job ended",
        "host": socket.gethostname(),
        "library_id": library.library_id,
        "library": library.name,
        "job_id": job.job_id,
        "kind": job.kind,
        "title": job.title,
        "status": job.status,
        "error": job.error,
        "sentence": sentence(job.kind, job.title, job.status, job.error),
        "created_by": job.created_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "seconds": seconds,
        "result": job.result,
        "reports": reports,
    }
