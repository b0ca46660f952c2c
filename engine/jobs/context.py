"""What a job's handler gets: its job, a database connection, a way to report, and the operator's word."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sqlite_utils import Database

from engine import clock
from engine.jobs import store
from engine.jobs.rates import Rate
from engine.jobs.store import Job
from engine.library import Library

REPORT_SECONDS = 0.25
"""Progress is written at most this often per job (4 times a second); the last state is always written."""

_ADVANCES = ("stage", "message", "done", "bytes_done")
"""What shows that a job advances; a report that repeats itself does not."""

Signal = Literal["pause", "cancel", "stop"]
"""``pause``: reach a checkpoint. ``cancel``: stop at once, temps away. ``stop``: the engine leaves."""


class JobPaused(Exception):
    """Raised by a handler that has reached a checkpoint after a pause, or that has to wait.

    ``reason`` is None for an operator's pause, else a sentence (a drive that is away).
    """

    def __init__(self, reason: str | None = None, waiting_for: str | None = None) -> None:
        super().__init__(reason or "paused")
        self.reason = reason
        self.waiting_for = waiting_for


class JobCancelled(Exception):
    """Raised by a handler that has stopped and cleaned its temps after a cancel."""


class JobStopped(Exception):
    """Raised by a handler that was cut off because the engine stops: the job becomes interrupted."""


@dataclass(frozen=True)
class Outcome:
    """How a handler ended.

    Attributes:
        status: ``completed``, ``completed_with_warnings`` or ``failed``.
        result: what ``--wait`` prints, by kind of job.
        error: a sentence when it failed.
    """

    status: str
    result: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


class Handler(Protocol):
    """Runs one job. Called in a thread of its own; called again on resume and retry.

    It must find out from the database what is done already. It returns an
    Outcome, raises one of the signals above, or raises a RushesError whose
    sentence becomes the job's error.
    """

    def __call__(self, job: JobContext) -> Outcome:
        """Run the job to its end, or to a signal."""
        ...


class JobContext:
    """A running job, seen from its handler. Made and used by one thread; signals come from others."""

    def __init__(self, library: Library, record: Job) -> None:
        self.library = library
        self.record = record
        self.job_id = record.job_id
        self.params = record.params
        self.released: frozenset[str] = frozenset()
        self._signal: Signal | None = None
        self._changed = threading.Event()
        self._word = threading.Lock()
        self._pauses = False
        self._pending: dict[str, Any] = {}
        self._written_at = 0.0
        self._rate: Rate | None = None

    @property
    def db(self) -> Database:
        """The calling thread's connection."""
        return self.library.db()

    @property
    def retrying(self) -> bool:
        """Whether this start is a retry: failed tasks are to be queued again."""
        return self.record.intent == "retry"

    # -- the operator's word -------------------------------------------------
    def send(self, signal: Signal) -> None:
        """Tell the handler to pause, cancel or stop. Any thread. A pause never softens a cancel or a stop."""
        with self._word:
            if self._signal is None or self._signal == "pause":
                self._signal = signal
        self._changed.set()

    def take_back_pause(self) -> bool:
        """Let the job go on as if no pause had been sent. Any thread.

        Returns:
            False when it is too late: the handler has obeyed, or another signal came. The job then
            pauses, and has to be started again.
        """
        with self._word:
            if self._pauses or self._signal not in (None, "pause"):
                return False
            self._signal = None
            self._changed.clear()
            return True

    @property
    def signal(self) -> Signal | None:
        """The signal that is waiting, or None."""
        return self._signal

    def check_now(self) -> None:
        """Raise when the job must stop at once (cancel, stop). Called between buffers."""
        if self._signal == "cancel":
            raise JobCancelled
        if self._signal == "stop":
            raise JobStopped

    def checkpoint(self) -> None:
        """Raise when the job must stop before the next task (pause, cancel, stop). Called between tasks."""
        self.check_now()
        with self._word:
            self._pauses = self._pauses or self._signal == "pause"
            if self._pauses:
                raise JobPaused

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until a signal comes."""
        self._changed.wait(seconds)

    def release(self, resources: Iterable[str]) -> None:
        """Give up things that this job had the only use of; another job may start on them at once.

        Only for this run: a resumed or retried job asks for all of them again.
        """
        self.released = self.released | frozenset(resources)

    # -- reporting -----------------------------------------------------------
    def progress(self, *, force: bool = False, **changes: Any) -> None:
        """Report columns of the job row: ``stage message done total bytes_done bytes_total``.

        Collected and written at most four times a second; ``force`` writes now.
        Rate and time left follow from ``bytes_done``, or from ``done`` when no
        bytes are counted, unless ``eta_seconds`` is given. ``progress_at`` tells when one of them last
        changed. ``free_eta_seconds`` and ``parts`` are an ingest's own.
        """
        self._pending.update(changes)
        moment = time.monotonic()
        if force or moment - self._written_at >= REPORT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was reported and not yet stored."""
        if not self._pending:
            return
        moment = time.monotonic()
        before = self._known()
        known = {**before, **self._pending}
        measure = "bytes" if known["bytes_total"] else "items"
        done = float(known["bytes_done"] if measure == "bytes" else known["done"])
        total = known["bytes_total"] if measure == "bytes" else known["total"]
        if self._rate is None:
            self._rate = Rate(moment, done)
        else:
            self._rate.add(moment, done)
        self._pending["rate"] = self._rate.per_second()
        if "eta_seconds" not in self._pending:  # else the handler knows better
            self._pending["eta_seconds"] = self._rate.seconds_left(total - done) if total else None
        if self._last is None or any(known.get(name) != before.get(name) for name in _ADVANCES):
            self._pending["progress_at"] = clock.now()
        store.write_progress(self.db, self.job_id, **self._pending)
        self._last = known
        self._pending = {}
        self._written_at = moment

    def restart_rate(self) -> None:
        """Measure the rate from here on: what was counted before was not made in this session."""
        self._rate = None

    _last: dict[str, Any] | None = None

    def _known(self) -> dict[str, Any]:
        if self._last is not None:
            return self._last
        record = self.record
        return {
            "done": record.done,
            "total": record.total,
            "bytes_done": record.bytes_done,
            "bytes_total": record.bytes_total,
        }

    def log(
        self, level: Literal["info", "warning", "error"], message: str, task_id: int | None = None
    ) -> None:
        """Add a line to the job's log."""
        store.log(self.db, self.job_id, level, message, task_id)
