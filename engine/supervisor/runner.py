"""One running job: its thread, its signals, and how its end is written down."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace

from engine.errors import RushesError
from engine.jobs import store
from engine.jobs.context import JobCancelled, JobContext, JobPaused, JobStopped
from engine.jobs.store import Job
from engine.jobs.waiting import go_on
from engine.library import Library
from engine.names import display
from engine.storage.database import execute, write
from engine.supervisor.handlers import cleanup_of, conclude, handler_of
from engine.volumes import store as volumes
from engine.watch import drives

logger = logging.getLogger(__name__)


class Runner:
    """Runs one job in a thread of its own, from claimed to its next state.

    The thread lives as long as the job runs, so that children which die with
    the thread that started them live as long as the job.
    """

    def __init__(self, library: Library, record: Job, on_end: Callable[[], None]) -> None:
        self.record = record
        self.context = JobContext(library, record)
        self._library = library
        self._on_end = on_end
        self.stopping = False
        self._since = 0
        self.thread = threading.Thread(target=self._run, name=f"job-{record.job_id[:8]}", daemon=True)

    @property
    def holds(self) -> Job:
        """The job as the queue has to see it: with what it still keeps from others."""
        kept = tuple(name for name in self.record.resources if name not in self.context.released)
        return replace(self.record, resources=kept)

    def start(self) -> None:
        """Start the thread. The job's row says ``running`` already."""
        self.thread.start()

    def stop_soon(self) -> None:
        """The engine leaves: let the file or segment in hand reach its checkpoint."""
        self.stopping = True
        self.context.send("pause")

    def stop_now(self) -> None:
        """The engine leaves and has no more time."""
        self.stopping = True
        self.context.send("stop")

    def _run(self) -> None:
        try:
            self._run_to_an_end()
        except sqlite3.Error:  # the end could not be written; the loop will, when the catalogue can be again
            logger.exception("the end of job %s could not be written", self.record.job_id)
        finally:
            self._library.close()
            self._on_end()

    def _run_to_an_end(self) -> None:
        job, db = self.record, self._library.db()
        self._since = volumes.last_event(db)
        try:
            outcome = handler_of(job.kind, job.version)(self.context)
            self.context.flush()
            conclude(job.kind, db)
            store.transition(
                db, job.job_id, outcome.status, result=outcome.result, error=outcome.error, by="engine"
            )
        except JobPaused as pause:
            self.context.flush()
            if self.stopping:
                store.transition(db, job.job_id, "interrupted", why="the engine was stopped", by="engine")
            else:
                pause_job(self._library, job.job_id, pause.reason, pause.waiting_for)
                self._not_missed(pause.waiting_for)
        except JobCancelled:
            cancel_rest(self._library, job.job_id)
            store.transition(db, job.job_id, "cancelled", by="engine")
        except JobStopped:
            store.transition(db, job.job_id, "interrupted", why="the engine was stopped", by="engine")
        except RushesError as error:
            self._fail(str(error))
        except Exception as error:  # the boundary: whatever a handler did not foresee ends its own job only
            logger.exception("job %s ended by an unforeseen error", job.job_id)
            self._fail(
                f"An unforeseen error ended this job ({type(error).__name__}: {display(str(error))}). "
                "What was verified stays verified; the engine's log has the details. Retry goes on."
            )

    def _not_missed(self, waiting_for: str | None) -> None:
        """A drive may have come back while the job still worked on other things: then it goes on at once."""
        db = self._library.db()
        back = drives.came_since(db, (waiting_for or "").split(","), self._since)
        if back:
            go_on(db, self.record.job_id, volumes.is_back(db, back[0]))

    def _fail(self, sentence: str) -> None:
        db = self._library.db()
        self.context.flush()
        store.log(db, self.record.job_id, "error", sentence)
        with write(db):
            db.execute(
                "UPDATE batch_items SET status = 'failed', error = ? WHERE job_id = ? AND status IN"
                " ('pending', 'running')",
                (sentence, self.record.job_id),
            )
            db.execute(
                "UPDATE tasks SET status = 'failed', error = ? WHERE job_id = ? AND status = 'running'",
                (sentence, self.record.job_id),
            )
        store.transition(db, self.record.job_id, "failed", error=sentence, by="engine")


def pause_job(library: Library, job_id: str, reason: str | None, waiting_for: str | None) -> None:
    """Write a pause down, with what the job waits for, if it is not a person's pause."""
    db = library.db()
    with write(db):
        store.transition(db, job_id, "paused", why=reason, by="engine")
        execute(
            db,
            "UPDATE jobs SET message = COALESCE(?, message), waiting_for = ? WHERE job_id = ?",
            (reason, waiting_for, job_id),
        )
        said = [line["message"] for line in store.log_lines(db, job_id, limit=1)]
        if reason and said != [reason]:  # the handler may have told it when it happened
            store.log(db, job_id, "warning", reason)


def cancel_rest(library: Library, job_id: str) -> None:
    """Mark everything of a job that has not ended as cancelled."""
    db = library.db()
    with write(db):
        db.execute(
            "UPDATE transfers SET status = 'cancelled' WHERE status IN ('queued', 'running') AND task_id IN"
            " (SELECT task_id FROM tasks WHERE job_id = ?)",
            (job_id,),
        )
        db.execute(
            "UPDATE tasks SET status = 'cancelled' WHERE job_id = ? AND status IN ('queued', 'running')",
            (job_id,),
        )
        db.execute(
            "UPDATE batch_items SET status = 'cancelled' WHERE job_id = ?"
            " AND status IN ('pending', 'running')",
            (job_id,),
        )
        db.execute(
            "UPDATE segments SET status = 'cancelled' WHERE status IN ('queued', 'running') AND run_id IN"
            " (SELECT run_id FROM runs WHERE job_id = ?)",
            (job_id,),
        )
        db.execute(
            "UPDATE run_outputs SET status = 'cancelled' WHERE status IN ('queued', 'running') AND run_id IN"
            " (SELECT run_id FROM runs WHERE job_id = ?)",
            (job_id,),
        )


def cancel_idle(library: Library, record: Job) -> None:
    """Cancel a job that does not run: its temps go, then its rows say so."""
    cleanup = cleanup_of(record.kind)
    if cleanup is not None and record.status != "pending":
        try:
            cleanup(JobContext(library, record))
        except (RushesError, OSError) as error:
            store.log(
                library.db(), record.job_id, "warning", f"Temporary files could not be removed: {error}"
            )
    cancel_rest(library, record.job_id)
    store.transition(library.db(), record.job_id, "cancelled", by="engine")
