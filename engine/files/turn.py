"""One at a time: a file goes into the trash or comes out of it by one thread of one process.

Else whoever looks at the list between a row and its rename would take the one
that is at work for one that was killed. Held for one file at a time.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator

from sqlite_utils import Database

from engine.errors import Refused

PATIENCE_SECONDS = 60.0
"""How long it waits for another: a rename waits for a disk that sleeps, and not for ever."""

_LOOK_SECONDS = 0.01

_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""A file system without OS locks: what is done there is done as if nobody else were at it."""


@contextlib.contextmanager
def taken(db: Database, seconds: float = PATIENCE_SECONDS, what: str = "trash") -> Iterator[bool]:
    """Let the block have the turn of this library; yields whether it has.

    Args:
        db: the library's database; the lock lies beside it.
        seconds: how long another is waited for; 0 tries once and yields False.
        what: which turn: of one file (``trash``), or of all that leaves with a job.

    Raises:
        Refused: another had it all that time.
        OSError: there can be no lock file.
    """
    descriptor = os.open(_path(db, what), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield _has_come(descriptor, seconds)
    finally:
        os.close(descriptor)


def forget(db: Database, what: str) -> None:
    """Take the file of a turn away that nobody needs any more: there is nothing left to be done in it."""
    with contextlib.suppress(OSError):
        os.unlink(_path(db, what))


def _path(db: Database, what: str) -> str:
    file = next(file for _, name, file in db.conn.execute("PRAGMA database_list") if name == "main")
    return f"{file}-{what}.lock"


def _has_come(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return True
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
        else:
            return True
        if time.monotonic() >= deadline:
            if seconds:
                raise Refused("Another process is moving files into or out of the trash; try again.")
            return False
        time.sleep(_LOOK_SECONDS)
