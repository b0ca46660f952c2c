"""A source that was given up because it did not answer answers again: the job that waits for it goes on."""

from __future__ import annotations

import threading

from engine.errors import RushesError
from engine.jobs import store
from engine.jobs.waiting import go_on
from engine.library import Library

LOOK_SECONDS = 0.5
"""How often is looked whether the job that gave the source up has written its pause down."""


def tell(library: Library, job_id: str, volume_id: str, shown: str) -> None:
    """Resume a job that waits for this volume. Called by the thread that was parked; it ends after this.

    The source may answer before the job has come to rest, because it still
    works on other sources: then this waits for it, without holding anything.
    """
    db = library.db()
    rest = threading.Event()
    try:
        while (job := store.get(db, job_id)).status == "running" and job.intent is None:
            rest.wait(LOOK_SECONDS)
        if volume_id in (job.waiting_for or "").split(","):
            go_on(db, job_id, f"{shown} answers again")
    except RushesError:
        return  # it was removed, resumed or cancelled in the meantime
    finally:
        library.close()
