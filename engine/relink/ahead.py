"""Small files opened some way ahead of their reading in full, see :mod:`engine.relink.sampler` for why."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import NamedTuple

from engine.media.hashing import FAST_WHOLE
from engine.media.rereading import Reread
from engine.relink.match import Found
from engine.relink.sampler import DEPTH
from engine.relink.tree import Tree

AHEAD_BYTES = 32 << 20
"""Most bytes asked for and not read yet."""


class Opened(NamedTuple):
    """A file whose turn has come.

    Attributes:
        number: its place in the sequence given.
        file: as it was found.
        held: the file, to be read in full; the error when it could not be opened; None when it is not to
            be read. Closed when the next is asked for.
    """

    number: int
    file: Found
    held: Reread | OSError | None


def opened(tree: Tree, files: Sequence[Found], whole: Collection[int]) -> Generator[Opened]:
    """Give all files, in the order in which they were made, those of the sizes in ``whole`` open for reading.

    By inode number: on most file systems neighbours in number lie near each other
    on the disk, and a folder's own order is none. Sizes in ``whole`` are ``FAST_WHOLE`` or less.
    """
    waiting: deque[Opened] = deque()
    asked = 0
    try:
        for number in sorted(range(len(files)), key=lambda number: files[number].inode or 0):
            file = files[number]
            held = _open(tree, file) if file.size in whole else None
            waiting.append(Opened(number, file, held))
            asked += _bytes(waiting[-1])
            while len(waiting) > DEPTH or (asked > AHEAD_BYTES and len(waiting) > 1):
                asked -= _bytes(waiting[0])
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


def _bytes(each: Opened) -> int:
    return 0 if each.held is None else min(each.file.size, FAST_WHOLE)


def _open(tree: Tree, file: Found) -> Reread | OSError:
    try:
        return tree.reread(file.path, ahead=True)
    except OSError as error:
        return error


def _close(held: Reread | OSError | None) -> None:
    if isinstance(held, Reread):
        held.close()
