"""The thread that looks at watch folders, and queues what is new and has come to rest.

Events only say when to look; the look is the truth. A folder is looked at in a
thread of its own, so that one on a dead server stops no other.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from engine.errors import RushesError
from engine.ingest import plan, queue
from engine.ingest.scan import left_out, scan
from engine.library import Library
from engine.media.kinds import is_media
from engine.names import display
from engine.storage.database import write
from engine.volumes import mounts, places
from engine.watch import folders
from engine.watch.folders import WatchFolder
from engine.watch.stability import File, Patience, Times, units

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How often the thread asks whether something is due. One round is one small query."""

SETTLE_SECONDS = 0.5
"""From an event to the look, so that a burst is one look."""


@dataclass
class _State:
    """What is known of one folder between looks."""

    patience: Patience
    due: float = 0.0
    armed: tuple[int, int] | None = None
    observer: BaseObserver | None = None
    limit: str | None = None
    thread: threading.Thread | None = None
    looked: float = 0.0


class Watcher:
    """Looks at the enabled watch folders of a library, from :meth:`start` to :meth:`stop`."""

    def __init__(self, library: Library, times: Times | None = None) -> None:
        self._library = library
        self._times = times or Times()
        self._states: dict[int, _State] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; folders added, disabled or removed later are obeyed within a second."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="watch-folders", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the watches; a look that hangs is left behind."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)
        self._thread = None

    def wake(self) -> None:
        """Look at every folder soon: a drive came, or went. Any thread."""
        for state in list(self._states.values()):
            state.due = 0.0

    # -- the thread ----------------------------------------------------------
    def _run(self) -> None:
        try:
            while not self._stop.wait(TICK_SECONDS):
                try:
                    self._round()
                except Exception:
                    # A full disk under the database, say, must not end the watching.
                    logger.exception("the watch folders could not be looked at")
        finally:
            for state in self._states.values():
                _disarm(state)
            self._library.close()

    def _round(self) -> None:
        wanted = {folder.watch_id: folder for folder in _enabled(self._library)}
        for gone in self._states.keys() - wanted.keys():
            _disarm(self._states.pop(gone))
        for watch_id, folder in wanted.items():
            state = self._states.setdefault(watch_id, _State(Patience(self._times)))
            busy = state.thread is not None and state.thread.is_alive()
            if not busy and time.monotonic() >= state.due:
                state.due = math.inf  # an event or a wake in the middle of the look brings the next one
                state.thread = threading.Thread(
                    target=self._look, args=(folder, state), name=f"watch-{watch_id}", daemon=True
                )
                state.thread.start()

    def _look(self, folder: WatchFolder, state: _State) -> None:
        db = self._library.db()
        try:
            try:
                self._arm(folder, state)
                error = look(self._library, folder, state.patience) or state.limit
            except (RushesError, OSError) as problem:
                error = str(problem)
            if folders.note(db, folder.watch_id, error) and error is not None:
                logger.warning("watch folder %s: %s", display(folder.path), error)
            quiet = self._times.net if state.observer is not None else self._times.poll
            pause = self._times.step if state.patience.waiting else quiet
            state.looked = time.monotonic()
            state.due = min(state.due, state.looked + pause)
        except Exception:
            # The database of a library that was taken away; the next round tries again.
            logger.exception("watch folder %s could not be looked at", display(folder.path))
            state.due = time.monotonic() + self._times.poll
        finally:
            self._library.close()

    def _arm(self, folder: WatchFolder, state: _State) -> None:
        """Have events from the folder as it is now; a mount over it ends a watch without a word."""
        mount = mounts.locate(mounts.read(), folder.path)
        if mount is None or not mount.is_trusted or not os.path.isdir(folder.path):
            _disarm(state)  # inotify sees nothing of what a server or another client does
            return
        facts = os.stat(folder.path)
        if state.armed == (facts.st_dev, facts.st_ino):
            return
        _disarm(state)
        state.armed, state.limit = (facts.st_dev, facts.st_ino), None
        observer = Observer()

        def soon() -> None:
            # A steady stream of events costs a look now and then, not one per event.
            moment = max(time.monotonic() + SETTLE_SECONDS, state.looked + self._times.step / 5)
            state.due = min(state.due, moment)

        try:
            observer.schedule(_Poker(soon), folder.path, recursive=True)
            observer.start()
        except OSError as error:
            state.limit = _limit(folder.path, error, self._times.poll)
            return
        state.observer = observer


def _enabled(library: Library) -> list[WatchFolder]:
    return [folder for folder in folders.list_folders(library.db()) if folder.enabled]


def look(library: Library, folder: WatchFolder, patience: Patience) -> str | None:
    """Look at a folder once and queue what is ready; return what stands in the way, in a sentence.

    Raises:
        NotFound, VolumeGone: the folder cannot be reached.
        RushesError: it cannot be listed.
    """
    db = library.db()
    places.place_of(db, folder.path)  # has a deadline where listing has none
    listing = scan(folder.path, is_junk=_left_out)
    files = [File(found.path, found.size, found.mtime_ns) for found in listing.files]
    taken = folders.taken(db, folder.watch_id)
    new = [file for file in files if taken.get(file.path) != (file.size, file.mtime_ns)]
    still = patience.look(new, time.monotonic(), time.time())
    ready = units(files, taken, still, is_media)
    problems = [sentence for _, sentence in listing.unreadable]
    # Together where that can be; where one is refused, the others go without it.
    if ready and _queue(library, folder, ready) is not None:
        for top, held in ready.items():
            problem = _queue(library, folder, {top: held})
            if problem is not None:
                problems.append(problem)
    return " ".join(problems) or None


def _queue(library: Library, folder: WatchFolder, ready: dict[str, list[File]]) -> str | None:
    """Queue one ingest, and remember its files in the same transaction; return why not."""
    sources = [os.path.join(folder.path, top) for top in ready]
    try:
        planned = plan.plan(
            library,
            sources,
            folder.destinations,
            mode=folder.mode,
            name=f"Watch {display(os.path.basename(folder.path))}",
        )
        with write(library.db()) as db:
            queued = queue.queue(library, planned)
            for held in ready.values():
                folders.remember(db, folder.watch_id, held)
    except (RushesError, OSError) as error:
        return str(error)
    logger.info("watch folder %s: job %s", display(folder.path), queued.job_id)
    return None


def _left_out(relative: str) -> bool:
    """Rubbish, and hidden files: what tools call their unfinished copies."""
    return relative.rpartition("/")[2].startswith(".") or left_out(relative)


def _disarm(state: _State) -> None:
    observer, state.observer, state.armed = state.observer, None, None
    if observer is not None:
        observer.stop()


def _limit(path: str, error: OSError, poll: float) -> str:
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        limit = "max_user_watches" if error.errno == errno.ENOSPC else "max_user_instances"
        return (
            f"{display(path)} sends no events: the limit fs.inotify.{limit} is reached. It is looked at every"
            f" {poll:.0f} s instead; raise the limit with sysctl to be quicker."
        )
    return f"{display(path)} sends no events: {error.strerror}. It is looked at every {poll:.0f} s instead."


class _Poker(FileSystemEventHandler):
    """Any event is a reason to look soon; opening and reading is none."""

    def __init__(self, poke: Callable[[], None]) -> None:
        self._poke = poke

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called in watchdog's thread."""
        if event.event_type in ("created", "deleted", "moved", "modified", "closed"):
            self._poke()
