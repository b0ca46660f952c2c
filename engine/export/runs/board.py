"""The progress of a run in which several parts are made at the same time."""

from __future__ import annotations

import threading

from engine.export.runs import ledger
from engine.jobs.context import JobContext


class Board:
    """Adds up what is finished and what is being made, and reports it. Any thread.

    ``done`` never goes back and stays one frame short of the total until the
    last file has its name: a bar that is full means that all is done.
    """

    def __init__(self, job: JobContext, run_id: str, total: int) -> None:
        self._job = job
        self._run_id = run_id
        self._total = total
        self._lock = threading.Lock()
        self._making: dict[int, int] = {}
        self._finished = ledger.frames_of_finished(job.db, run_id)
        self._shown = 0
        job.restart_rate()
        self.show("rendering")

    def show(self, stage: str, message: str | None = None) -> None:
        """Report a stage and what is done now, in words."""
        with self._lock:
            self._report(stage, message)

    def aside(self, stage: str, message: str) -> None:
        """As :meth:`show`, of something that is told only while no part is made."""
        with self._lock:
            if not self._making:
                self._report(stage, message)

    def making(self, part: int, frames: int, stage: str, message: str) -> None:
        """``frames`` of a part (any number that tells it from the others) are made."""
        with self._lock:
            self._making[part] = frames
            self._report(stage, message)

    def made(self, part: int) -> None:
        """A part has ended, well or not: from now on only what is recorded of it counts."""
        finished = ledger.frames_of_finished(self._job.db, self._run_id)
        with self._lock:
            self._making.pop(part, None)
            self._finished = max(self._finished, finished)

    def _report(self, stage: str, message: str | None) -> None:
        done = min(self._finished + sum(self._making.values()), self._total - 1)
        self._shown = max(self._shown, done)
        if message is None:
            self._job.progress(stage=stage, done=self._shown, total=self._total)
        else:
            self._job.progress(stage=stage, done=self._shown, total=self._total, message=message)
