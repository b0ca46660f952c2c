"""When a device that gives no answer is given up: limits that grow with what it was asked to do."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence

STALL_SECONDS = 60.0
"""A single call may take so long whatever it moves: drives spin up, a NAS fails over."""

SLOWEST = 2 << 20
"""Bytes per second below which a device counts as not answering; a flush may have a whole file to write."""


def limit(size: int) -> float:
    """Seconds that a call which moves ``size`` bytes may take."""
    return STALL_SECONDS + size / SLOWEST


class Watch:
    """Since when a worker is in one call, seen from the thread that waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._limit = 0.0
        self.given_up = False

    def begin(self, size: int) -> None:
        """The worker enters a call that moves ``size`` bytes."""
        with self._lock:
            self._since, self._limit = time.monotonic(), limit(size)

    def end(self) -> bool:
        """The call has returned; False when nobody waits for it any more: touch nothing then."""
        with self._lock:
            self._since = None
            return not self.given_up

    def give_up(self, *, at_once: bool = False) -> bool:
        """Stop waiting when the call is over its limit (``at_once``: when there is one); whether that was so.

        True is said once.
        """
        with self._lock:
            if self.given_up or self._since is None:
                return False
            if not at_once and time.monotonic() - self._since <= self._limit:
                return False
            self.given_up = True
            return True


CLOSE_SECONDS = 5.0
"""How long the closing of a file that is given up may take on a network share."""


def close(fd: int, *, at_once: bool) -> bool:
    """Close a file that is given up; False when its volume did not answer in :data:`CLOSE_SECONDS`.

    What was written and not yet sent makes a close wait for the server; nobody
    waits for ever. ``at_once``: it is a local file. Errors do not matter any more.
    """
    if at_once:
        _close(fd)
        return True
    closer = threading.Thread(target=_close, args=(fd,), name="let go", daemon=True)
    closer.start()
    closer.join(CLOSE_SECONDS)
    return not closer.is_alive()


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        pass  # a share that is gone says so here too; the file is removed or copied anew in any case


NULL_SECONDS = 1.0
"""How long to wait for a descriptor to be replaced; that takes microseconds."""


def let_children_start(fds: Sequence[int]) -> None:
    """Put ``/dev/null`` in the place of open files on a volume that does not answer.

    A new process closes the files that it inherits before its program starts,
    and a close asks the volume: with such a file open no child of this process
    could be started any more, no encoder and no probe. The call that hangs
    keeps the file itself; its number stays taken until that call has returned.
    """
    for fd in fds:
        threading.Thread(target=_replace, args=(fd,), name="let go", daemon=True).start()
        deadline = time.monotonic() + NULL_SECONDS
        while time.monotonic() < deadline and os.readlink(f"/proc/self/fd/{fd}") != os.devnull:
            time.sleep(0.001)


def _replace(fd: int) -> None:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.dup2(null, fd, inheritable=False)  # replaces at once, then waits for the old file's close
    finally:
        os.close(null)
