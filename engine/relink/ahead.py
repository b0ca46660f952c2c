"""Files opened some way ahead of their reading, so that a drive has many requests at once.

One file after the other leaves a drive idle between two answers: of ten thousand
samples most of the time is waiting. What is not in memory is asked for when
the file is opened, and read when as many others have been asked for.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import NamedTuple

from engine.media.hashing import FAST_WHOLE, FAST_WINDOW
from engine.media.rereading import Reread
from engine.relink.match import Found
from engine.relink.tree import Tree

DEPTH = 64
"""Most files open at once."""

AHEAD_BYTES = 32 << 20
"""Most bytes asked for and not read yet."""

_NOWAIT: int = getattr(os, "RWF_NOWAIT", 0)


_ONE_BYTE = [bytearray(1)]
"""Room for a byte that nobody looks at."""


class Opened(NamedTuple):
    """A file whose turn has come.

    Attributes:
        number: its place in the sequence given.
        file: as it was found.
        held: a descriptor of a file that is to be sampled, or one that is to be read in full; the
            error when it could not be opened; None when it needs no hash. Closed when the next is asked for.
    """

    number: int
    file: Found
    held: int | Reread | OSError | None


def opened(tree: Tree, files: Sequence[Found], hashed_sizes: Collection[int]) -> Generator[Opened]:
    """Give all files, in the order in which they were made, those of ``hashed_sizes`` open for hashing.

    By inode number: on most file systems neighbours in number lie near each other
    on the disk, and a folder's own order is none.
    """
    waiting: deque[Opened] = deque()
    asked = 0
    try:
        for number in sorted(range(len(files)), key=lambda number: files[number].inode or 0):
            file = files[number]
            held = _open(tree, file) if file.size in hashed_sizes else None
            waiting.append(Opened(number, file, held))
            asked += _bytes(file)
            while len(waiting) > DEPTH or (asked > AHEAD_BYTES and len(waiting) > 1):
                asked -= _bytes(waiting[0].file)
                yield from _turn(waiting)
        while waiting:
            yield from _turn(waiting)
    finally:
        for left in waiting:
            _close(left.held)


def _turn(waiting: deque[Opened]) -> Iterator[Opened]:
    try:
        yield waiting[0]
    finally:
        _close(waiting.popleft().held)


def _bytes(file: Found) -> int:
    return file.size if file.size <= FAST_WHOLE else 3 * FAST_WINDOW


def _open(tree: Tree, file: Found) -> int | Reread | OSError:
    try:
        if file.size <= FAST_WHOLE:
            return tree.reread(file.path, ahead=True)
        descriptor = tree.open_file(file.path)
    except OSError as error:
        return error
    _ask_for_windows(descriptor, file.size)
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


def _close(held: int | Reread | OSError | None) -> None:
    if isinstance(held, Reread):
        held.close()
    elif isinstance(held, int):
        os.close(held)
