"""Exports stand back while footage is taken in: cards are waited for, films are not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from typing import cast

from sqlite_utils import Database

from engine.errors import RushesError
from engine.jobs.context import JobContext, JobPaused
from engine.media.courtesy import Courtesy, Io
from engine.storage import config
from engine.storage.database import rows
from engine.volumes import places

YIELDING = Courtesy(10, "idle")
"""What an encoder is lowered to while an ingest works."""

LOOK_SECONDS = 1.0
"""How often it is looked whether an ingest works."""

WAITS_FOR_JOB = "job:"
"""In front of a job's id in ``waiting_for``: the engine resumes the waiting one when that job has ended."""


def ingests(db: Database) -> list[tuple[str, str, frozenset[str]]]:
    """Ingests that work now: id, title, and the things of which they have the only use."""
    return [
        (found["job_id"], found["title"], frozenset(json.loads(found["resources"])))
        for found in rows(
            db, "SELECT job_id, title, resources FROM jobs WHERE status = 'running' AND kind = 'ingest'"
        )
    ]


def devices(db: Database, paths: Iterable[str]) -> frozenset[str]:
    """The devices that these paths lie on, as resources of jobs; what cannot be told is left out."""
    found = set()
    for path in paths:
        try:
            found.add(f"device:{places.place_of(db, path).device}")
        except (OSError, RushesError):
            continue  # away: then no ingest works there either
    return frozenset(found)


class Yielding:
    """How one run behaves towards ingests, by the settings at its start. Any thread."""

    def __init__(self, job: JobContext) -> None:
        chosen = config.values("export.nice", "export.io", "export.yield")
        self._job = job
        self._base = Courtesy(int(chosen["export.nice"]), cast("Io", chosen["export.io"]))
        self._policy = str(chosen["export.yield"])
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._seen: list[tuple[str, str, frozenset[str]]] = []
        self._own: frozenset[str] = frozenset()

    def works_on(self, paths: Iterable[str]) -> None:
        """Say which files and folders the run needs, so that their devices are known."""
        if self._policy == "pause":
            self._own = devices(self._job.db, paths)

    def courtesy(self) -> Courtesy:
        """What an encoder may take now."""
        if self._policy == "never" or not self._ingests():
            return self._base
        return YIELDING if YIELDING.is_below(self._base) else self._base

    def checkpoint(self) -> None:
        """Rest when an ingest works on a device of ours and the settings ask for that.

        Raises:
            JobPaused: the engine resumes the run when that ingest has ended.
        """
        if self._policy != "pause":
            return
        for job_id, title, taken in self._ingests():
            if taken & self._own:
                raise JobPaused(
                    f"The ingest {title} works on the same drive. The export goes on when it has ended.",
                    waiting_for=f"{WAITS_FOR_JOB}{job_id}",
                )

    def _ingests(self) -> list[tuple[str, str, frozenset[str]]]:
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._seen = ingests(self._job.db)
                self._looked = time.monotonic()
            return self._seen
