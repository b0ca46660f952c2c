"""Samples of many files: opened some way ahead of their reading, so that a drive has many requests at once.

One file after the other leaves a drive idle between two answers: of ten thousand
samples most of the time is waiting. What is not in memory is asked for when
the file is opened, and read when as many others have been asked for.

Run as a module it is the child of :mod:`engine.relink.sampling`: its one argument is
the descriptor of a folder, standard input holds batches of :data:`Wanted`, standard output
gets lists of :data:`Sample`, all as :mod:`marshal` writes them, until its input ends.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator

from engine.media.hashing import FAST_WINDOW, READ_FLAGS, fast_hash

DEPTH = 64
"""Most files open at once."""

Wanted = tuple[str, int]
"""A file's path relative to the folder, and the size that it was seen with (bytes, above ``FAST_WHOLE``)."""

Sample = tuple[str | None, str | None, tuple[int, int, int] | None]
"""The fast hash; else the reason why there is none; and size, mtime and inode after the reading.

The last is None when the file could not be opened. Only where it is what was seen before
is the hash that file's.
"""

_NOWAIT: int = getattr(os, "RWF_NOWAIT", 0)

_ONE_BYTE = [bytearray(1)]
"""Room for a byte that nobody looks at."""


def take(folder: int, wanted: Iterable[Wanted]) -> Iterator[Sample]:
    """Give the sample of each file, in their order; links as the last part of a path are refused."""
    waiting: deque[tuple[int | OSError, int]] = deque()
    try:
        for path, size in wanted:
            waiting.append((_open(folder, path, size), size))
            if len(waiting) > DEPTH:
                yield _read(*waiting.popleft())
        while waiting:
            yield _read(*waiting.popleft())
    finally:
        for held, _ in waiting:
            if isinstance(held, int):
                os.close(held)


def _open(folder: int, path: str, size: int) -> int | OSError:
    try:
        descriptor = os.open(path, READ_FLAGS, dir_fd=folder)
    except OSError as error:
        return error
    _ask_for_windows(descriptor, size)
    return descriptor


def _ask_for_windows(descriptor: int, size: int) -> None:
    """Have the kernel fetch what the fast hash reads, and nothing around it, unless it is in memory."""
    if _NOWAIT:
        try:
            if os.preadv(descriptor, _ONE_BYTE, size - 1, _NOWAIT):
                return
        except OSError:
            pass  # not in memory, or a file system that cannot tell
    if not hasattr(os, "posix_fadvise"):
        return
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        for offset in (0, size // 2 - FAST_WINDOW // 2, size - FAST_WINDOW):
            os.posix_fadvise(descriptor, offset, FAST_WINDOW, os.POSIX_FADV_WILLNEED)
    except OSError:
        pass  # advice; the reading says what is wrong


def _read(held: int | OSError, size: int) -> Sample:
    """The sample of one file, which is closed afterwards."""
    if isinstance(held, OSError):
        return None, held.strerror, None
    value = reason = None
    try:
        try:
            value = fast_hash(held, size)
        except OSError as error:
            reason = error.strerror
        except ValueError as error:
            reason = str(error)
        facts = os.fstat(held)
    except OSError as error:
        return None, error.strerror, None
    finally:
        os.close(held)
    return value, reason, (facts.st_size, facts.st_mtime_ns, facts.st_ino)


def main() -> None:
    """Answer batches until there are no more."""
    folder = int(sys.argv[1])
    asked, told = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            wanted = marshal.load(asked)  # noqa: S302 - from the process that started this one
        except EOFError:
            return
        marshal.dump(list(take(folder, wanted)), told)
        told.flush()


if __name__ == "__main__":
    main()
