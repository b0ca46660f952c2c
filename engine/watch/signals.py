"""Events from a watched folder: a reason to look, never more. What they cannot tell is said in words.

The kernel's queue of events may overflow, and the number of watches is limited
per user; of neither does an event handler hear. An overflow is a reason to look
at everything; at the limit folders below go unwatched without a word, so that
whether another watch can be had is tried.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from typing import Any

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from engine.names import display

WANTED: list[type[FileSystemEvent]] = [
    DirCreatedEvent, DirDeletedEvent, DirMovedEvent, FileClosedEvent, FileCreatedEvent, FileDeletedEvent,
    FileMovedEvent,
]  # fmt: skip
"""What is a reason to look. Reading is none: the kernel would tell of each folder that a look opens, and the
looks at a tree of ten thousand folders would overflow its queue, each overflow leading to the next look.
Nor is each write to a file that grows."""

IN_DELETE_SELF = 0x00000400  # sys/inotify.h
IN_MASK_ADD = 0x20000000


class Signals:
    """Events from one folder and all below it.

    Attributes:
        limit: why there are none, or not from everywhere, in a sentence; None when all is well.
    """

    def __init__(self, path: str, soon: Callable[[], None], lost: Callable[[], None], poll: float) -> None:
        """Watch from now on.

        Args:
            path: absolute.
            soon: called in a thread of its own after events.
            lost: called after the kernel has thrown events away.
            poll: seconds between two looks without events, for the sentence.
        """
        self.limit: str | None = None
        self._path = path
        self._poll = poll
        self._observer: BaseObserver | None = None
        self._overflow: _Overflow | None = None
        observer = Observer()
        try:
            observer.schedule(_Poker(soon), path, recursive=True, event_filter=WANTED)
            observer.start()
        except OSError as error:
            self.limit = self._sentence(error)
            return
        self._observer = observer
        self._overflow = _Overflow.on(observer, path, lost)
        self.check()

    @property
    def alive(self) -> bool:
        """Whether events come."""
        return self._observer is not None

    def check(self) -> None:
        """Find out whether watches can still be had; :attr:`limit` says so."""
        if self._observer is not None:
            error = one_more_watch(self._path)
            self.limit = None if error is None else self._sentence(error)

    def stop(self) -> None:
        """Watch no longer."""
        observer, self._observer = self._observer, None
        overflow, self._overflow = self._overflow, None
        if overflow is not None:
            overflow.stop()
        if observer is not None:
            observer.stop()

    def _sentence(self, error: OSError) -> str:
        shown, poll = display(self._path), f"{self._poll:.0f} s"
        if error.errno in (errno.ENOSPC, errno.EMFILE):
            limit = "max_user_watches" if error.errno == errno.ENOSPC else "max_user_instances"
            where = "sends no events" if self._observer is None else "sends no events from some folders"
            return (
                f"{shown} {where}: the limit fs.inotify.{limit} is reached. It is looked at every"
                f" {poll} instead; raise the limit with sysctl to be quicker."
            )
        return f"{shown} sends no events: {error.strerror}. It is looked at every {poll} instead."


def one_more_watch(path: str) -> OSError | None:
    """Try to have one more watch; return what stands in the way, None when nothing does."""
    try:
        from watchdog.observers import inotify_c
    except ImportError:
        return None  # no inotify on this system
    watcher = inotify_c.inotify_init()
    if watcher < 0:
        return _errno()
    try:
        if inotify_c.inotify_add_watch(watcher, os.fsencode(path), IN_DELETE_SELF) < 0:
            error = _errno()
            return error if error.errno == errno.ENOSPC else None
        return None
    finally:
        os.close(watcher)


def _errno() -> OSError:
    import ctypes

    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


class _Overflow:
    """Hears of it when the kernel's queue overflows, where the library that reads it tells (since 7.1)."""

    def __init__(self, reader: Any, lost: Callable[[], None]) -> None:
        self._reader = reader
        self._lost = lost
        self.descriptor: int | None = None

    @classmethod
    def on(cls, observer: BaseObserver, path: str, lost: Callable[[], None]) -> _Overflow | None:
        """Listen beside an observer's watch of ``path``; None where that is not to be had."""
        reader = getattr(observer, "_inotify_fd", None)
        made = cls(reader, lost)
        try:
            # The mask of the watch that is there is added to, not replaced.
            made.descriptor = made._reader.add_callback(
                os.fsencode(path), IN_MASK_ADD | IN_DELETE_SELF, made, id(made)
            )
        except (AttributeError, TypeError, OSError):
            return None
        return made

    def stop(self) -> None:
        """Listen no longer."""
        with contextlib.suppress(OSError):
            self._reader.remove_callbacks([(self.descriptor, id(self))])

    def on_event(self, event: object) -> None:
        """Nothing: the watch beside this one sends what there is to hear."""

    def on_watch_deleted(self, descriptor: int) -> None:
        """Nothing: the next look finds out."""

    def on_queue_overflow(self) -> None:
        """Called in the reader's thread."""
        self._lost()


class _Poker(FileSystemEventHandler):
    """Any event is a reason to look soon; opening and reading is none."""

    def __init__(self, poke: Callable[[], None]) -> None:
        self._poke = poke

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called in watchdog's thread."""
        if event.event_type in ("created", "deleted", "moved", "closed"):
            self._poke()
