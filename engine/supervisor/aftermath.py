"""What follows the end of a job: report, delivery, command, webhook. One thread of the engine.

The row says whether a job's end was told (``jobs.told``), so that an end which
the engine did not live to tell is told by the next one: at least once, in the
order of the ends.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading

from engine import clock
from engine.errors import RushesError
from engine.export.runs import pruning
from engine.jobs import store
from engine.jobs.store import Job
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.storage.database import execute, scalar
from engine.supervisor import tidings

logger = logging.getLogger(__name__)

REPORT_FORMATS = ("csv", "json", "txt")

_REST_SECONDS = 1.0
"""How long it rests after the catalogue could not be read or written."""

_LEAVE_SECONDS = 5.0


class Aftermath:
    """Follows up the ends of jobs. :meth:`wake` may be called from any thread."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._news = threading.Event()
        self._stop = threading.Event()
        self._untidy = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aftermath", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier engine left untold."""
        self._news.set()
        self._thread.start()

    def wake(self) -> None:
        """A job has ended."""
        self._news.set()

    def tidy(self) -> None:
        """Remove rendered parts that nobody needs any more, when there is nothing else to do. Any thread."""
        self._untidy.set()
        self._news.set()

    def stop(self) -> None:
        """Leave soon; what is not told by then is told by the next engine."""
        self._stop.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        try:
            while True:
                self._news.wait()
                self._news.clear()
                if self._stop.is_set():
                    return
                try:
                    self.work_off()
                    self._tidy()
                except sqlite3.Error as error:
                    logger.error("what follows a job had to wait: %s", error)  # noqa: TRY400 - a full disk passes
                    self._stop.wait(_REST_SECONDS)
                    self._news.set()
        finally:
            self._library.close()

    def _tidy(self) -> None:
        if not self._untidy.is_set():
            return
        self._untidy.clear()
        try:
            pruning.prune(self._library, self._check)
        except RushesError as error:
            logger.warning("rendered parts that are not needed were not removed: %s", error)

    def _check(self) -> None:
        """Between two runs' parts: leave, or tell the end of a job that has ended meanwhile."""
        if self._stop.is_set():
            raise RushesError("The engine leaves.")
        self.work_off()

    def work_off(self) -> None:
        """Follow up every end that was not told yet, the oldest first."""
        db = self._library.db()
        while not self._stop.is_set():
            job_id = scalar(
                db,
                "SELECT job_id FROM jobs WHERE told = 0 AND ended_at IS NOT NULL ORDER BY ended_at LIMIT 1",
            )
            if job_id is None:
                return
            job = store.get(db, str(job_id))
            try:
                self._follow(job)
            except sqlite3.Error:
                raise
            except Exception as error:  # the boundary: one job's trouble must not silence the others
                logger.exception("what follows job %s went wrong", job_id)
                self._warn(
                    job,
                    f"What follows the job's end went wrong ({type(error).__name__}: {display(str(error))}).",
                )
            if self._stop.is_set():
                return  # cut off in the middle: told anew
            execute(
                db, "UPDATE jobs SET told = 1 WHERE job_id = ? AND ended_at = ?", (job.job_id, job.ended_at)
            )

    def _follow(self, job: Job) -> None:
        cancelled = job.status == "cancelled"  # the operator's own word: only an ingest leaves its report
        if job.kind in tidings.QUIET_KINDS or (cancelled and (job.kind != "ingest" or not job.started_at)):
            return
        chosen = config.values(
            "report.after", "notify.after", "hook.command", "hook.seconds", "webhook.url", "webhook.seconds",
            "webhook.tries",
        )  # fmt: skip
        reports = self._report(job, str(chosen["report.after"]))
        self._deliver(job)
        self._let_go(job)
        if not tidings.is_told(job.kind, job.status, str(chosen["notify.after"])):
            return
        from engine.supervisor import outward  # the network's modules: not before there is something to tell

        told = tidings.document(self._library, job, reports)
        words = config.words_of(str(chosen["hook.command"]))
        if words:
            wrong = outward.run_command(words, told, float(chosen["hook.seconds"]), self._stop)
            self._warn(job, wrong)
        if chosen["webhook.url"]:
            wrong = outward.post(
                str(chosen["webhook.url"]),
                told,
                float(chosen["webhook.seconds"]),
                int(chosen["webhook.tries"]),
                self._stop,
            )
            self._warn(job, wrong)

    def _report(self, job: Job, policy: str) -> dict[str, str]:
        """Write the report of a job; its paths go into the job's result."""
        if job.kind == "ingest":
            return self._report_ingest(job)
        if policy == "off" or (policy == "exports" and job.kind != "export"):
            return {}
        from engine.reports import gather, writing

        try:
            report = gather.of_job(self._library, job.job_id, clock.now())
            made = writing.save(self._library, report, REPORT_FORMATS, str(self._library.logs))
        except RushesError as error:
            self._warn(job, f"No report could be written: {error}")
            return {}
        return self._remember(job, made)

    def _report_ingest(self, job: Job) -> dict[str, str]:
        """An ingest leaves its report by settings of its own, also when it failed or was cancelled."""
        from engine.reports import automatic

        try:
            made = automatic.after_ingest(self._library, job)
        except RushesError as error:
            self._warn(job, f"No report could be written: {error}")
            return {}
        return self._remember(job, made) if made else {}

    def _remember(self, job: Job, made: dict[str, str]) -> dict[str, str]:
        """Put the paths of a job's reports into its result."""
        shown = {form: display(path) for form, path in made.items()}
        execute(
            self._library.db(),
            "UPDATE jobs SET result = json_set(coalesce(result, '{}'), '$.reports', json(?))"
            " WHERE job_id = ?",
            (json.dumps(shown), job.job_id),
        )
        return shown

    def _deliver(self, job: Job) -> None:
        """Queue the copy or move of finished films that their recipe asks for."""
        if job.kind != "export" or job.status == "failed":
            return
        from engine.files import delivery

        try:
            delivery.queue_after(self._library, job.job_id)
        except RushesError as error:
            self._warn(job, f"The finished files could not be delivered: {error}")

    def _let_go(self, job: Job) -> None:
        """Put aside the files that were moved to another volume by this job."""
        if job.kind == "ingest" and job.params.get("leaving"):
            from engine.files import leaving

            leaving.settle(self._library.db(), job.job_id)

    def _warn(self, job: Job, said: str | None) -> None:
        if said is not None:
            store.log(self._library.db(), job.job_id, "warning", said)
