"""The engine's loop: sees intents, starts jobs, follows the mounts, and leaves in order."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time

from engine import __version__, clock
from engine.errors import IllegalTransition, RushesError
from engine.jobs import states, store
from engine.jobs.waiting import SPACE, go_on, has_come
from engine.library import Library
from engine.storage import audit, config, opening
from engine.storage.database import execute, row, rows, scalar, write
from engine.supervisor import housekeeping
from engine.supervisor.aftermath import Aftermath
from engine.supervisor.lock import EngineLock
from engine.supervisor.packing import Packing
from engine.supervisor.queue import startable
from engine.supervisor.runner import Runner, cancel_idle
from engine.volumes import monitor, stand_ins
from engine.watch.drives import ROUND_SECONDS, Drives
from engine.watch.notices import Notices
from engine.watch.watcher import Watcher

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
"""How often the loop asks whether a client wrote something. One look is a few microseconds."""

HEARTBEAT_SECONDS = 5.0
"""How often the engine's row is stamped, and the lock looked at."""

TROUBLE_SECONDS = 1.0
"""How long the loop rests after the catalogue could not be written."""

TIDY_SECONDS = 24 * 3600.0
"""How often old looks that found nothing are forgotten, and parts of exports removed; at the start, too."""

STOP_GRACE_SECONDS = 10.0
"""How long a stop lets files and segments in hand reach their checkpoint."""


class Supervisor:
    """One library's engine. Made, run and ended by one thread; :meth:`ask_to_stop` may come from any."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = EngineLock(library)
        self._runners: dict[str, Runner] = {}
        self._ended = threading.Event()
        self._stop = threading.Event()
        self._watcher: monitor.MountWatcher | None = None
        self._watch_folders = Watcher(library)
        self._notices = Notices(library)
        self._aftermath = Aftermath(library)
        self._packing = Packing(library)
        self._drives = Drives(library, self._watch_folders.wake)

    def run(self, *, take_over: bool = False) -> None:
        """Take the lock, run until asked to stop, and leave everything at a checkpoint.

        Raises:
            LibraryInUse: another engine holds the library.
            DatabaseRefused: the catalogue is damaged.
        """
        owner = self._lock.take(take_over=take_over)
        try:
            opening.check(self._library.database)
            self._announce(owner.since, take_over)
            self._recover()
            self._watcher = monitor.MountWatcher(lambda: stand_ins.watched_parents(self._library.db()))
            self._drives.start()
            self._watcher.start(self._drives.changed)
            self._watch_folders.start()
            self._notices.start()
            self._aftermath.start()
            self._packing.start()
            execute(self._library.db(), "UPDATE engine SET ready = 1")
            logger.info("engine %s ready for %s", __version__, self._library.root)
            self._loop()
        finally:
            self._leave()

    def ask_to_stop(self) -> None:
        """Leave at the next look. Any thread, also a signal handler."""
        self._stop.set()

    # -- start ---------------------------------------------------------------
    def _announce(self, since: str, take_over: bool) -> None:
        owner = self._lock.owner
        assert owner is not None
        db = self._library.db()
        with write(db):
            db.execute("DELETE FROM engine")
            db.execute(
                "INSERT INTO engine (only, host, boot_id, pid, start_time, started_at, heartbeat_at, version)"
                " VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                (owner.host, owner.boot_id, owner.pid, owner.start_time, since, clock.now(), __version__),
            )
            audit.record(db, "engine started", why="taken over" if take_over else None)

    def _recover(self) -> None:
        """What ran when the last engine died becomes interrupted; nothing is guessed."""
        db = self._library.db()
        cut_off = store.interrupt_running(db)
        settings = config.open_config()
        try:
            policy = config.get(settings, "recovery.policy")
        finally:
            settings.close()
        for job_id in cut_off:
            logger.warning("job %s was cut off; it is interrupted", job_id)
            if policy == "resume":
                store.request(db, job_id, "resume", by="engine")

    # -- the loop ------------------------------------------------------------
    def _loop(self) -> None:
        seen: int | None = -1
        beat = 0.0
        rounds, tidied = time.monotonic(), float("-inf")
        while not self._stop.is_set():
            try:
                version = int(scalar(self._library.db(), "PRAGMA data_version"))
                if version != seen or self._ended.is_set():
                    seen = version
                    self._ended.clear()
                    self._look()
                if time.monotonic() - beat >= HEARTBEAT_SECONDS:
                    beat = time.monotonic()
                    if not self._lock.is_ours():
                        logger.error("the library is gone or was taken over; the engine leaves")
                        return
                    execute(self._library.db(), "UPDATE engine SET heartbeat_at = ?", (clock.now(),))
                if time.monotonic() - rounds >= ROUND_SECONDS:
                    rounds = time.monotonic()
                    self._drives.due()
                if time.monotonic() - tidied >= TIDY_SECONDS:
                    tidied = time.monotonic()
                    housekeeping.tidy(self._library.db())
                    self._aftermath.tidy()
            except (sqlite3.Error, RushesError) as error:
                # A full disk under the catalogue or the settings passes; an engine that died of it would
                # not come back, and its jobs would be cut off.
                what = "the catalogue" if isinstance(error, sqlite3.Error) else "what is needed"
                logger.error("%s cannot be read or written: %s", what, error)  # noqa: TRY400 - every second
                seen = None
                self._stop.wait(TROUBLE_SECONDS)
            self._ended.wait(LOOK_SECONDS)

    def _look(self) -> None:
        """Something was written, or a job's thread ended: draw every consequence."""
        self._reap()
        self._obey()
        self._let_go_on()
        self._start_jobs()
        if self._watcher is not None and self._drives.behind:
            # A client noticed something, or made a stand-in whose parent is not watched yet.
            self._watcher.wake()

    def _reap(self) -> None:
        """Forget jobs whose thread has ended; one that could not write its end down is interrupted."""
        db = self._library.db()
        for job_id in [key for key, runner in self._runners.items() if not runner.thread.is_alive()]:
            if scalar(db, "SELECT status FROM jobs WHERE job_id = ?", (job_id,)) == "running":
                store.transition(
                    db, job_id, "interrupted", why="its end could not be written down", by="engine"
                )
            del self._runners[job_id]
            self._aftermath.wake()

    def _obey(self) -> None:
        """Carry out the intents that clients wrote."""
        db = self._library.db()
        engine = row(db, "SELECT intent FROM engine")
        if engine and engine["intent"] == "stop":
            self._stop.set()
        elif engine and engine["intent"] == "rescan":
            execute(db, "UPDATE engine SET intent = NULL")
            self._drives.changed()
        for asked in rows(
            db,
            "SELECT * FROM jobs WHERE intent IN ('pause', 'cancel')"
            " OR (intent = 'resume' AND status = 'running')",
        ):
            job = store.from_row(asked)
            runner = self._runners.get(job.job_id)
            if job.intent == "resume":
                # Told to go on while it still pauses. Too late, and the intent stays: it pauses and goes on.
                if runner is not None and runner.context.take_back_pause():
                    store.taken_back(db, job.job_id)
            elif runner is not None:
                runner.context.send("cancel" if job.intent == "cancel" else "pause")
            elif job.intent == "cancel" and job.status in states.ACTIVE and job.status != "running":
                cancel_idle(self._library, job)

    def _let_go_on(self) -> None:
        """Resume jobs that rested for another one which does not run any more, or for room that is there."""
        db = self._library.db()
        for waiting in rows(
            db,
            "SELECT job_id, waiting_for FROM jobs WHERE status = 'paused' AND intent IS NULL"
            " AND (waiting_for LIKE 'job:%' OR waiting_for LIKE 'space:%')",
        ):
            if waiting["waiting_for"].startswith(SPACE):
                if has_come(db, waiting["waiting_for"]):
                    go_on(db, waiting["job_id"], "There is room again")
                continue
            other = waiting["waiting_for"].removeprefix("job:")
            if scalar(db, "SELECT status FROM jobs WHERE job_id = ?", (other,)) != "running":
                store.request(db, waiting["job_id"], "resume", by="engine")

    def _start_jobs(self) -> None:
        db = self._library.db()
        if self._stop.is_set():
            return
        waiting = [job for job in store.claimable(db) if job.job_id not in self._runners]
        for job in startable(waiting, [runner.holds for runner in self._runners.values()]):
            try:
                store.transition(db, job.job_id, "running", why=job.intent, by="engine")
            except IllegalTransition:
                continue  # a client changed its mind between the look and the start
            runner = Runner(self._library, job, self._ended.set)
            self._runners[job.job_id] = runner
            runner.start()

    # -- leaving -------------------------------------------------------------
    def _leave(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
        self._watch_folders.stop()
        self._notices.stop()
        self._aftermath.stop()
        self._packing.stop()
        runners = list(self._runners.values())
        for runner in runners:
            runner.stop_soon()
        deadline = time.monotonic() + STOP_GRACE_SECONDS
        for runner in runners:
            runner.thread.join(max(0.0, deadline - time.monotonic()))
        for runner in runners:
            runner.stop_now()
        for runner in runners:
            runner.thread.join(STOP_GRACE_SECONDS)
        if self._lock.is_ours():
            db = self._library.db()
            try:
                with write(db):
                    db.execute("DELETE FROM engine")
                    audit.record(db, "engine stopped")
            except sqlite3.Error as error:
                logger.error("leaving without a last word in the catalogue: %s", error)  # noqa: TRY400
        self._lock.release()
        self._library.close()
