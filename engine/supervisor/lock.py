"""One engine per library: a lock with the owner's evidence in it, never stolen silently.

``.rushes/lock`` holds the owner's :class:`~engine.supervisor.identity.Identity`
as JSON; where the file system has OS locks the owner holds one on it, so that
a crash frees it. The lock is free when nobody holds the OS lock and the
recorded owner is known to be dead: same host, and another boot or no process
with that pid and start time. An owner on another host cannot be asked; its
lock is refused at any age, and only ``engine start --take-over`` takes it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path

from engine import clock
from engine.errors import LibraryInUse, Refused
from engine.library import Library
from engine.names import display
from engine.supervisor import identity
from engine.supervisor.identity import Identity


class EngineLock:
    """The lock of one library, held by this process from :meth:`take` to :meth:`release`."""

    def __init__(self, library: Library) -> None:
        self._path = library.folder / "lock"
        self._library_id = library.library_id
        self._descriptor: int | None = None
        self.owner: Identity | None = None

    def take(self, *, take_over: bool = False) -> Identity:
        """Take the lock and return the identity written into it.

        Args:
            take_over: take it although its owner cannot be asked. A live owner
                on this host is refused all the same.

        Raises:
            LibraryInUse: somebody else holds it; the sentence says who, where and since when.
            Refused: the lock file cannot be written.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Refused(
                f"The engine cannot write its lock {display(str(self._path))}: {error.strerror}."
            ) from error
        try:
            held = _os_lock(descriptor)
            recorded = read(self._path)
            if not held:
                raise LibraryInUse(_sentence(recorded))
            if recorded is not None:
                alive = identity.is_alive(recorded)
                if alive or (alive is None and not take_over):
                    raise LibraryInUse(_sentence(recorded))
            mine = identity.own(self._library_id, clock.now())
            text = json.dumps(mine.to_json()).encode()
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, text, 0)
            os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self.owner = mine
        return mine

    def is_ours(self) -> bool:
        """Whether the lock file still is the one we hold: the library is there and was not taken over."""
        if self._descriptor is None:
            return False
        try:
            there = self._path.stat()
        except OSError:
            return False
        held = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino) and read(self._path) == self.owner

    def release(self) -> None:
        """Empty the lock if it still is ours, and let go of it."""
        if self._descriptor is None:
            return
        if self.is_ours():
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None


def read(path: Path) -> Identity | None:
    """The owner recorded in a lock file; None when it is empty, absent or unreadable."""
    try:
        data = json.loads(path.read_bytes() or b"null")
    except (OSError, ValueError):
        return None
    return identity.from_json(data) if isinstance(data, dict) else None


def holder(library: Library) -> Identity | None:
    """The engine that holds the library's lock, or None when none lives.

    An owner on another host is returned although it cannot be asked.
    """
    recorded = read(library.folder / "lock")
    if recorded is None or identity.is_alive(recorded) is False:
        return None
    return recorded


def _os_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without OS locks leaves the recorded evidence to decide.
        return error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
    return True


def _sentence(owner: Identity | None) -> str:
    if owner is None:
        return "An engine is starting for this library; it is never run twice."
    here = owner.host_id == identity.host_id()
    where = "on this machine" if here else f"on {display(owner.host)}"
    text = f"This library has an engine {where} (process {owner.pid}, since {owner.since})."
    if here:
        return text
    return text + (
        " It cannot be asked from here. If that machine is gone for good: rushes engine start --take-over"
    )
