"""Which files have come to rest, and what of a folder is ready to be taken in. Pure decisions."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """The stability rule, and how often is looked (seconds).

    Attributes:
        age: a file's modification time lies at least this far back.
        step: between two looks that count.
        looks: so many looks in a row found the same size and time.
        hold: what has come to rest in a folder waits at most so long for what goes on growing there.
        poll: between two looks at a folder that sends no events (network, unknown).
        net: between two looks at one that does, in case an event was lost.
    """

    age: float = 10.0
    step: float = 5.0
    looks: int = 3
    hold: float = 30.0
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
        self._held: dict[str, float] = {}

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

    def holds(self, top: str, files: Iterable[File], still: Collection[str], now: float) -> bool:
        """Whether what has come to rest in a subfolder may go on waiting for the rest of it.

        The time runs from the first look at which a part of it, and only a part, is at rest.
        """
        if not any(file.path in still for file in files):
            self._held.pop(top, None)
            return True
        return now - self._held.setdefault(top, now) < self._times.hold

    @property
    def waiting(self) -> bool:
        """Whether something was seen that is not taken yet."""
        return bool(self._seen)


@dataclass(frozen=True)
class Parcel:
    """What is taken in together.

    Attributes:
        sources: entries of the watched folder, or files below it, relative to it.
        files: all files in them.
        below: the folder they come from when they are a part of it; it is kept at the destination.
    """

    sources: tuple[str, ...]
    files: tuple[File, ...]
    below: str = ""


def units(
    files: Iterable[File],
    taken: Mapping[str, tuple[int, int]],
    still: Collection[str],
    is_media: Callable[[str], bool],
    in_parts: Callable[[str, Sequence[File]], bool] | None = None,
) -> list[Parcel]:
    """What can be taken in now.

    A subfolder is taken as a whole once every new file in it has come to rest:
    a card keeps its structure. Where something goes on growing, ``in_parts``
    decides whether what is finished goes without it, group by group. At the top
    the groups are always taken one by one.

    A group is a media file with what lies beside it and begins with its name but
    for the extension; it is taken once all of it has come to rest. What is not
    media, and belongs to none, waits until the whole folder is taken.

    Args:
        files: what lies in the watched folder.
        taken: what was taken already, with size and mtime.
        still: what has come to rest.
        is_media: decides by name.
        in_parts: asked with a subfolder's name and files; None never takes a part.
    """
    tops: dict[str, list[File]] = defaultdict(list)
    loose: list[File] = []
    for file in files:
        top, slash, _ = file.path.partition("/")
        if slash:
            tops[top].append(file)
        else:
            loose.append(file)
    parcels = [Parcel(tuple(file.path for file in group), tuple(group)) for group in
               groups(loose, taken, still, is_media)]  # fmt: skip
    for top, held in tops.items():
        new = [file for file in held if taken.get(file.path) != (file.size, file.mtime_ns)]
        if not new or not any(is_media(file.path) for file in held):
            continue
        if all(file.path in still for file in new):
            parcels.append(Parcel((top,), tuple(held)))
        elif in_parts is not None and in_parts(top, held):
            for group in groups(held, taken, still, is_media):
                names = tuple(file.path for file in group)
                parcels.append(Parcel(names, tuple(group), group[0].path.rpartition("/")[0]))
    return parcels


def groups(
    files: Iterable[File],
    taken: Mapping[str, tuple[int, int]],
    still: Collection[str],
    is_media: Callable[[str], bool],
) -> list[list[File]]:
    """Groups that are at rest as a whole and hold something new; see :func:`units`."""
    by_folder: dict[str, list[File]] = defaultdict(list)
    for file in files:
        by_folder[file.path.rpartition("/")[0]].append(file)
    ready: list[list[File]] = []
    for held in by_folder.values():
        by_stem: dict[str, list[File]] = {_stem(file): [] for file in held if is_media(file.path)}
        for file in held:
            owner = _owner(_stem(file), by_stem)
            if owner is not None:
                by_stem[owner].append(file)
        for group in by_stem.values():
            new = [file for file in group if taken.get(file.path) != (file.size, file.mtime_ns)]
            if new and all(file.path in still for file in new):
                ready.append(group)
    return ready


def _owner(stem: str, stems: Collection[str]) -> str | None:
    """The media file to which a name belongs: its own, else the longest that it begins with."""
    if stem in stems:
        return stem
    return max((other for other in stems if stem.startswith(other)), key=len, default=None)


def _stem(file: File) -> str:
    return os.path.splitext(file.path.rpartition("/")[2])[0]
