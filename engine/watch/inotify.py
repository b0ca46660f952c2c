"""The kernel's own events of single folders, through one descriptor. Linux; elsewhere there are none.

watchdog watches trees, one thread and one instance for each. Here the folders
are many and chosen one by one, and what is wanted of each is little: inotify(7).
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
from typing import NamedTuple

# sys/inotify.h
CLOSE_WRITE = 0x00000008
MOVED_FROM = 0x00000040
MOVED_TO = 0x00000080
CREATE = 0x00000100
DELETE = 0x00000200
Q_OVERFLOW = 0x00004000
IGNORED = 0x00008000
ISDIR = 0x40000000
_ONLYDIR = 0x01000000
_DONT_FOLLOW = 0x02000000
_EXCL_UNLINK = 0x04000000

_WANTED = CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | _ONLYDIR | _DONT_FOLLOW | _EXCL_UNLINK
_HEAD = struct.Struct("iIII")


class Event(NamedTuple):
    """One event. ``watch`` is what :meth:`Inotify.add` gave, -1 for :data:`Q_OVERFLOW`; ``name`` in it."""

    watch: int
    mask: int
    name: str


class Inotify:
    """One instance. A watch neither keeps a mount busy nor reads the disk once it is made.

    One thread, but for :meth:`wake`.
    """

    def __init__(self) -> None:
        """Open it.

        Raises:
            OSError: there is no inotify here, or no instance to be had.
        """
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise self._error()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poller = select.poll()
        self._poller.register(self._descriptor, select.POLLIN)
        self._poller.register(self._wake_read, select.POLLIN)

    def add(self, folder: str) -> int:
        """Watch a folder, not what lies in its folders; return the watch's number, the same one when it is.

        Raises:
            OSError: it is no folder, or ``ENOSPC``: no more watches are to be had.
        """
        number = int(self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _WANTED))
        if number < 0:
            raise self._error()
        return number

    def remove(self, watch: int) -> None:
        """Watch it no longer; one that the kernel has ended already is no error."""
        self._libc.inotify_rm_watch(self._descriptor, watch)

    def read(self, seconds: float) -> list[Event]:
        """Events; waits at most ``seconds`` for the first, and not longer than until :meth:`wake`."""
        if not self._poller.poll(seconds * 1000):
            return []
        try:
            data = os.read(self._descriptor, 1 << 18)
        except BlockingIOError:
            return []
        found = []
        position = 0
        while position < len(data):
            watch, mask, _, length = _HEAD.unpack_from(data, position)
            position += _HEAD.size
            name = data[position : position + length].split(b"\0", 1)[0]
            position += length
            found.append(Event(watch, mask, os.fsdecode(name)))
        return found

    def wake(self) -> None:
        """End the waiting of :meth:`read`, now and for good. Any thread."""
        os.write(self._wake_write, b".")

    def close(self) -> None:
        """End it and all its watches."""
        for descriptor in (self._descriptor, self._wake_read, self._wake_write):
            os.close(descriptor)

    @staticmethod
    def _error() -> OSError:
        number = ctypes.get_errno()
        return OSError(number, os.strerror(number))
