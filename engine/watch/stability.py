"""Which files have come to rest, and what of a folder is ready to be taken in. Pure decisions."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """The stability rule, and how often is looked (seconds).

    Attributes:
        age: a file's modification time lies at least this far back.
        step: between two looks that count.
        looks: so many looks in a row found the same size and time.
        poll: between two looks at a folder that sends no events (network, unknown).
        net: between two looks at one that does, in case an event was lost.
    """

    age: float = 10.0
    step: float = 5.0
    looks: int = 3
    poll: float = 15.0
    net: float = 30.0


@dataclass(frozen=True)
class File:
    """A file of a watched folder: relative path, bytes, modification time in ns."""

    path: str
    size: int
    mtime_ns: int


@dataclass
class _Seen:
    file: File
    looks: int
    at: float


class Patience:
    """Counts, for one folder, in how many looks each file was the same. One thread."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._seen: dict[str, _Seen] = {}

    def look(self, files: Iterable[File], now: float, wall: float) -> set[str]:
        """Take note of a look; return the paths of files that have come to rest.

        Args:
            files: what is not taken yet.
            now: monotonic seconds.
            wall: seconds since the epoch, to compare with modification times.
        """
        before, self._seen = self._seen, {}
        still: set[str] = set()
        for file in files:
            known = before.get(file.path)
            if known is None or known.file != file:
                known = _Seen(file, 1, now)
            elif now - known.at >= self._times.step:
                known = _Seen(file, known.looks + 1, now)
            self._seen[file.path] = known
            # A time in the future (a camera's clock) is as old as the looks say.
            old = wall - file.mtime_ns / 1e9
            if known.looks >= self._times.looks and (old >= self._times.age or old < 0):
                still.add(file.path)
        return still

    @property
    def waiting(self) -> bool:
        """Whether something was seen that is not taken yet."""
        return bool(self._seen)


def units(
    files: Iterable[File],
    taken: Mapping[str, tuple[int, int]],
    still: set[str],
    is_media: Callable[[str], bool],
) -> dict[str, list[File]]:
    """What can be taken in now: entry of the folder -> its files.

    A subfolder is taken as a whole (a card keeps its structure), once every
    file in it has come to rest and something in it is new. A file at the top is
    taken when it is media, with those beside it that share its name but for the
    extension. What is not media by itself waits for it.
    """
    groups: dict[str, list[File]] = defaultdict(list)
    for file in files:
        groups[file.path.partition("/")[0]].append(file)
    stems = {
        os.path.splitext(top)[0] for top, held in groups.items() if held[0].path == top and is_media(top)
    }
    ready: dict[str, list[File]] = {}
    for top, held in groups.items():
        new = [file for file in held if taken.get(file.path) != (file.size, file.mtime_ns)]
        if not new or not all(file.path in still for file in new):
            continue
        alone = held[0].path == top
        if os.path.splitext(top)[0] in stems if alone else any(is_media(file.path) for file in held):
            ready[top] = held
    return ready
