"""A shot in the making: clips, their parts, and which file is taken by which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.media.kinds import kind_of
from engine.media.listing import Entry, Listing, Reader
from engine.names import display

Role = Literal["essence", "span", "audio", "sidecar", "proxy", "thumbnail", "derivative"]

_TAKEN, _LONELY = 1, 2
"""What a file has come to: part of a clip, or a sidecar without its recording. 0 is neither yet."""

_NAMED = 5
"""How many files a warning names before it only counts them."""


@dataclass(frozen=True)
class Part:
    """One file of a clip.

    Attributes:
        role: ``essence`` = the recording; ``span`` = its continuation or second lens; ``audio`` = sound in a
            file of its own; ``sidecar``, ``proxy``, ``thumbnail``.
        path: below the source, exact.
    """

    role: Role
    path: str


@dataclass(frozen=True)
class Clip:
    """What a person calls a shot.

    Attributes:
        title: the name on the card without its extension, exact (may hold any bytes).
        kind: ``video``, ``audio``, ``image`` or ``other``.
        parts: the essence first, then spans in order, then the rest.
    """

    title: str
    kind: Literal["video", "audio", "image", "other"]
    parts: tuple[Part, ...]

    @property
    def essence(self) -> str:
        """Path of the file that is probed and shown."""
        return self.parts[0].path

    def of(self, *roles: Role) -> tuple[str, ...]:
        """Paths of the parts with one of these roles, in order."""
        return tuple(part.path for part in self.parts if part.role in roles)


class Grouping:
    """The work in progress: which file is taken, which clips exist, what has to be told."""

    def __init__(
        self, listing: Listing, read: Reader | None = None, take: Callable[[Clip], None] | None = None
    ) -> None:
        """``take`` gets every clip as soon as it is made; without it they are collected in :attr:`clips`."""
        self.listing = listing
        self.clips: list[Clip] = []
        self.warnings: list[str] = []
        self._settled = bytearray(len(listing) + 1)  # one for each file: paths would fill the memory
        self._take = take or self.clips.append
        self._read = read

    def read(self, entry: Entry) -> bytes | None:
        """The content of a small file; ``None`` when no reader was given or it cannot be had."""
        return self._read(entry.path) if self._read is not None else None

    def free(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of ``entries`` that are in no clip yet and were not told of as orphans."""
        return [e for e in entries if not self._settled[e.number]]

    def add(
        self,
        title: str,
        essence: Entry,
        rest: Iterable[tuple[Role, Entry]] = (),
        *,
        kind: Literal["video", "audio", "image", "other"] = "video",
    ) -> None:
        """Make a clip of ``essence`` and ``rest``; parts that another clip has taken are left out."""
        parts = [Part("essence", essence.path)]
        self._settled[essence.number] = _TAKEN
        for role, entry in sorted(rest, key=lambda part: _ROLE_ORDER[part[0]]):
            if self._settled[entry.number] != _TAKEN:
                self._settled[entry.number] = _TAKEN
                parts.append(Part(role, entry.path))
        self._take(Clip(title, kind, tuple(parts)))

    def warn(self, sentence: str) -> None:
        """Tell the operator something; the same sentence once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def warn_orphans(self, entries: Iterable[Entry]) -> None:
        """Tell of sidecars whose recording is not here, each once. They stay without a clip."""
        count = 0
        first: list[Entry] = []
        for entry in entries:
            if self._settled[entry.number]:
                continue
            self._settled[entry.number] = _LONELY
            count += 1
            if len(first) < _NAMED:
                first.append(entry)
        if count:
            what = "sidecar belongs" if count == 1 else "sidecars belong"
            self.warn(f"{count} {what} to a recording that is not here: {names(first, count)}.")


_ROLE_ORDER: dict[Role, int] = {
    "essence": 0, "span": 1, "audio": 2, "sidecar": 3, "proxy": 4, "thumbnail": 5, "derivative": 6,
}  # fmt: skip


def names(entries: Sequence[Entry] | Sequence[str], count: int | None = None) -> str:
    """Write a few paths for a sentence: the first five, then a count of the rest.

    ``count``: of how many ``entries`` are the first; None when they are all.
    """
    paths = [display(e if isinstance(e, str) else e.path) for e in entries[:_NAMED]]
    count = len(entries) if count is None else count
    more = f" and {count - _NAMED} more" if count > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def role_beside(entry: Entry) -> Role:
    """The role of a file that is not the recording itself, by its kind."""
    kind = kind_of(entry.name)
    if entry.extension == "thm":
        return "thumbnail"
    if kind in {"proxy", "video"}:
        return "proxy"
    if kind == "audio":
        return "audio"
    return "thumbnail" if kind == "image" else "sidecar"
