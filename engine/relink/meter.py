"""Progress of reading files in full: bytes count when they are read, and never fall."""

from __future__ import annotations

from engine.jobs.context import JobContext
from engine.names import display


class Meter:
    """Reports the bytes read by one job. Used by the job's thread."""

    def __init__(self, job: JobContext, total: int) -> None:
        """Begin at 0 of ``total`` bytes."""
        self._job = job
        self._done = 0
        self._in_file = 0
        job.progress(stage="reading in full", bytes_done=0, bytes_total=total, force=True)

    def begin(self, path: str) -> None:
        """The file at ``path`` is in hand."""
        self._in_file = 0
        self._job.progress(message=display(path))

    def add(self, count: int) -> None:
        """``count`` bytes of it were read."""
        self._in_file += count
        self._job.progress(bytes_done=self._done + self._in_file)

    def end(self, size: int) -> None:
        """The file of ``size`` bytes is done, read to its end or not."""
        self._done += size
        self._in_file = 0
        self._job.progress(bytes_done=self._done)
