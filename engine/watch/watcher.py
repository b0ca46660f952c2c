"""The thread that looks at watch folders, and queues what is new and has come to rest.

Events only say when to look; the look is the truth. A folder is looked at in a
thread of its own, so that one on a dead server stops no other.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import RushesError
from engine.ingest.planning import plan, queue
from engine.ingest.planning.scan import left_out, scan
from engine.library import Library
from engine.media.cards import Listed, recognise
from engine.media.kinds import is_media
from engine.names import display
from engine.storage.database import write
from engine.volumes import mounts, places, unmounted
from engine.watch import folders
from engine.watch.folders import WatchFolder
from engine.watch.signals import Signals
from engine.watch.stability import File, Parcel, Patience, Times, units

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
    signals: Signals | None = None
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
                error = look(self._library, folder, state.patience)
                error = error or (state.signals.limit if state.signals is not None else None)
            except (RushesError, OSError) as problem:
                error = str(problem)
            if folders.note(db, folder.watch_id, error) and error is not None:
                logger.warning("watch folder %s: %s", display(folder.path), error)
            heard = state.signals is not None and state.signals.alive and state.signals.limit is None
            quiet = self._times.net if heard else self._times.poll
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
        if state.signals is not None and state.armed == (facts.st_dev, facts.st_ino):
            was_limited = state.signals.limit is not None
            state.signals.check()
            if state.signals.alive and not (was_limited and state.signals.limit is None):
                return
        _disarm(state)
        state.armed = (facts.st_dev, facts.st_ino)

        def soon() -> None:
            # A steady stream of events costs a look now and then, not one per event.
            moment = max(time.monotonic() + SETTLE_SECONDS, state.looked + self._times.step / 5)
            state.due = min(state.due, moment)

        def lost() -> None:
            logger.warning("watch folder %s: events were lost; all of it is looked at", display(folder.path))
            state.armed = None  # folders made meanwhile are watched by nobody
            state.due = 0.0

        state.signals = Signals(folder.path, soon, lost, self._times.poll)


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
    now = time.monotonic()

    def in_parts(top: str, held: Sequence[File]) -> bool:
        return not patience.holds(top, held, still, now) and not _is_card(held)

    ready: dict[str, list[Parcel]] = defaultdict(list)
    for parcel in units(files, taken, still, is_media, in_parts):
        ready[parcel.below].append(parcel)
    problems = [sentence for _, sentence in listing.unreadable]
    for below, parcels in ready.items():
        # Together where that can be; where one is refused, the others go without it.
        if _queue(library, folder, below, parcels) is not None:
            for parcel in parcels:
                problem = _queue(library, folder, below, [parcel])
                if problem is not None:
                    problems.append(problem)
    return " ".join(problems) or None


def _is_card(held: Sequence[File]) -> bool:
    """Whether a camera's structure is recognised: its files belong together, whatever their names."""
    return recognise([Listed(file.path, file.size, file.mtime_ns) for file in held]).kind != "folder"


def _queue(library: Library, folder: WatchFolder, below: str, parcels: Sequence[Parcel]) -> str | None:
    """Queue one ingest, and remember its files in the same transaction; return why not."""
    sources = [os.path.join(folder.path, source) for parcel in parcels for source in parcel.sources]
    try:
        planned = plan.plan(
            library,
            sources,
            _destinations(library, folder, below),
            mode=folder.mode,
            name=f"Watch {display(os.path.basename(folder.path))}",
        )
        with write(library.db()) as db:
            queued = queue.queue(library, planned)
            for parcel in parcels:
                folders.remember(db, folder.watch_id, parcel.files)
    except (RushesError, OSError) as error:
        return str(error)
    logger.info("watch folder %s: job %s", display(folder.path), queued.job_id)
    return None


def _destinations(library: Library, folder: WatchFolder, below: str) -> Sequence[str]:
    """Where files go: with the folder they come from, when they are a part of it."""
    if not below or (folder.mode or library.mode) == "reference":
        return folder.destinations
    found = [os.path.join(target, below) for target in folder.destinations or (str(library.root),)]
    for target, home in zip(found, folder.destinations or (str(library.root),), strict=True):
        # Only what lies between: a destination that is away is refused, not made.
        if os.path.isdir(home) and unmounted.of_folder(library.db(), home) is None:
            os.makedirs(os.path.dirname(target), exist_ok=True)
    return found


def _left_out(relative: str) -> bool:
    """Rubbish, and hidden files: what tools call their unfinished copies."""
    return relative.rpartition("/")[2].startswith(".") or left_out(relative)


def _disarm(state: _State) -> None:
    signals, state.signals, state.armed = state.signals, None, None
    if signals is not None:
        signals.stop()
