"""Waiting for drives: the word that mounts changed, watchdog on the parents of stand-ins, a safety net."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from engine.names import display
from engine.volumes import mounts, platforms
from engine.volumes.platforms import Poller
from engine.volumes.refresh import refresh
from engine.volumes.store import Change

__all__ = ["Change", "MountWatcher", "refresh"]

SETTLE_SECONDS = 0.2
"""After the last event of a burst; several mounts at once are one change."""

BURST_SECONDS = 0.8
"""After the first event of a burst, so that a steady stream is still acted on within a second."""

NET_SECONDS = 30.0
"""A full comparison at least this often: a FUSE server that dies wakes nobody."""

WANTED: list[type[FileSystemEvent]] = [DirCreatedEvent, DirDeletedEvent, DirMovedEvent]
"""What the kernel is asked to tell of the parents; not of each file that is opened in them."""

log = logging.getLogger(__name__)


class MountWatcher:
    """Calls back within a second of a mount, unmount, remount, or a stand-in that comes or goes.

    One thread of its own, from :meth:`start` to :meth:`stop`; the callback
    runs in it. What the callback raises is logged, and watching goes on.

    Attributes:
        warnings: what cannot be watched and is polled instead, in words.
    """

    def __init__(
        self,
        parents: Callable[[], Sequence[str]] | None = None,
        *,
        net_seconds: float = NET_SECONDS,
    ) -> None:
        """Watch the mount table, and the folders that ``parents`` names.

        Args:
            parents: asked in the watcher's thread after every change; its folders are watched one level deep.
            net_seconds: longest time without a callback.
        """
        self.warnings: tuple[str, ...] = ()
        self._parents = parents
        self._net = net_seconds
        self._thread: threading.Thread | None = None
        self._observer: BaseObserver | None = None
        self._watched: tuple[tuple[str, int], ...] | None = None
        self._wake_read, self._wake_write = -1, -1
        self._stop = threading.Event()
        self._ready = threading.Event()

    def start(self, on_change: Callable[[], None]) -> None:
        """Begin. When this returns no later change is missed; the start itself is no change.

        Raises:
            OSError: there is no mount table to wait for.
        """
        self._wake_read, self._wake_write = os.pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        try:
            poller = platforms.system().poller(self._wake_read)
        except OSError:
            self._close_pipe()
            raise
        self._stop.clear()
        self._ready.clear()
        self._thread = threading.Thread(
            target=self._run, args=(poller, on_change), name="mount-watcher", daemon=True
        )
        self._thread.start()
        self._ready.wait(5)

    def stop(self) -> None:
        """End the thread and the watches; waits at most 5 s for a callback in the middle of its work."""
        self._stop.set()
        self._poke()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)
        self._thread = None

    def wake(self) -> None:
        """Look again soon, and at the parents too: another process has written of a volume. Any thread."""
        self._poke()

    # -- the thread ----------------------------------------------------------
    def _run(self, poller: Poller, on_change: Callable[[], None]) -> None:
        try:
            self._rearm()
            self._ready.set()
            while not self._stop.is_set():
                self._wait_for_burst(poller)
                if self._stop.is_set():
                    return
                try:
                    on_change()
                except Exception:
                    # One failing refresh (a full disk under the database) must not end the watching.
                    log.exception("acting on a change of mounts failed")
                if self._rearm():
                    # What happened in the new folders before the watch began was not seen.
                    self._poke()
        finally:
            self._unwatch()
            poller.close()
            self._close_pipe()

    def _close_pipe(self) -> None:
        read, write = self._wake_read, self._wake_write
        self._wake_read = self._wake_write = -1
        os.close(read)
        os.close(write)

    def _wait_for_burst(self, poller: Poller) -> None:
        """Return when a burst of events has settled, or the safety net is due, or it is time to stop."""
        first: float | None = None
        until = time.monotonic() + self._net
        while not self._stop.is_set():
            # The event is taken by poll, not by reading: poll first, read the table afterwards.
            events = poller.poll(max(0.0, until - time.monotonic()) * 1000)
            if not events:
                return
            self._drain()
            moment = time.monotonic()
            first = moment if first is None else first
            until = min(moment + SETTLE_SECONDS, first + BURST_SECONDS)

    def _poke(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake already; closed: it has ended
            if self._wake_write >= 0:
                os.write(self._wake_write, b".")

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass

    # -- watchdog --------------------------------------------------------------
    def _rearm(self) -> bool:
        """Watch the parents of stand-ins as they are now; return whether that changed anything.

        A watch does not survive a mount over its folder, and says nothing of
        it: when a parent's device number changes, all are made anew.
        """
        if self._parents is None:
            return False
        try:
            wanted = self._identified(self._parents())
        except Exception:
            # The list comes from the database of whoever watches; without it the safety net still looks.
            log.exception("the folders to watch could not be listed")
            return False
        if wanted == self._watched:
            return False
        self._unwatch()
        self._watched = wanted
        self.warnings = ()
        if not wanted:
            return True
        observer = Observer()
        handler = _Poker(self._poke)
        problems: list[str] = []
        try:
            observer.start()
        except OSError as error:
            self._warn([_sentence("folders", error)])
            return True
        self._observer = observer
        for folder, _ in wanted:
            try:
                observer.schedule(handler, folder, recursive=False, event_filter=WANTED)
            except OSError as error:
                problems.append(_sentence(display(folder), error))
        self._warn(problems)
        return True

    def _warn(self, problems: list[str]) -> None:
        self.warnings = tuple(problems)
        for problem in problems:
            log.warning("%s", problem)

    @staticmethod
    def _identified(parents: Sequence[str]) -> tuple[tuple[str, int], ...]:
        """The parents that can be watched, each with the number of the device it shows now."""
        table = mounts.read()
        found = []
        for folder in parents:
            mount = mounts.locate(table, folder)
            # inotify sees nothing of what a server or another client does, and asking may hang.
            if mount is not None and mount.is_trusted and os.path.isdir(folder):
                found.append((folder, os.stat(folder).st_dev))
        return tuple(found)

    def _unwatch(self) -> None:
        observer, self._observer = self._observer, None
        self._watched = None
        if observer is not None:
            observer.stop()
            observer.join(2)


class _Poker(FileSystemEventHandler):
    """Wakes the watcher when a folder comes, goes or is renamed; what files do is no sign of a stand-in."""

    def __init__(self, poke: Callable[[], None]) -> None:
        self._poke = poke

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called in watchdog's thread."""
        if event.is_directory and event.event_type in ("created", "deleted", "moved"):
            self._poke()


def _sentence(what: str, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        limit = "max_user_watches" if error.errno == errno.ENOSPC else "max_user_instances"
        return (
            f"{what} cannot be watched: the limit fs.inotify.{limit} is reached. It is looked at every "
            f"{NET_SECONDS:.0f} s instead; raise the limit with sysctl to be quicker."
        )
    return f"{what} cannot be watched: {error.strerror}. It is looked at every {NET_SECONDS:.0f} s instead."
