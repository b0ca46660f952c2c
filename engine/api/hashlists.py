"""ASC MHL hash lists: verify an incoming drive against its own, begin or continue one of a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from engine.api import jobs
from engine.ingest.hashlists import hashlists as _hashlists
from engine.ingest.hashlists import incoming as _incoming
from engine.ingest.hashlists import incoming_job
from engine.jobs.store import Job
from engine.library import Library
from engine.supervisor import process

OnFile = Callable[[int, int, str], None]
"""Gets (number, of how many, path) before each file."""


def verify(path: str, on_file: OnFile | None = None) -> dict[str, Any]:
    """Read everything below a folder and hold it against the lists there: the document of ``mhl verify``.

    Needs no library and writes nothing.

    Raises:
        NotFound: there is no such folder, or no hash list in it.
        Refused: it is no folder.
    """
    return _incoming.verify(os.path.abspath(path), on_file=on_file).to_json()


def queue_verify(library: Library, path: str) -> str:
    """Have the engine verify a folder against its lists, so that it goes on without the client. The job's id.

    Raises:
        NotFound: there is no such folder.
    """
    process.ensure(library)
    return incoming_job.queue_incoming(library, os.path.abspath(path))


def follow(library: Library, job_id: str, on_change: Callable[[Job], None] | None = None) -> dict[str, Any]:
    """Wait for such a job: the document of ``mhl verify`` with ``job_id``, ``status`` and ``error``."""
    job = jobs.follow(library, job_id, on_change)
    return {
        "good": False,
        "findings": [],
        **(job.result or {}),
        "job_id": job_id,
        "status": job.status,
        "message": job.message,
        "error": job.error,
    }


def create(library: Library, path: str, on_file: OnFile | None = None) -> dict[str, Any]:
    """Begin or continue the hash list of a folder: the document of ``mhl create``.

    Raises:
        NotFound: there is no such folder.
        Refused: it is no folder, or lies on a card.
        RushesError: it cannot be read or written, or its lists are not whole.
    """
    return _hashlists.create(library, os.path.abspath(path), on_file=on_file)
