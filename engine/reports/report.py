"""What a report says, as plain data: gathered once from the catalogue, then written in any format.

Names and paths are exact (``str`` with surrogate escapes); every writer escapes
them for its own format. Sizes are bytes, times are in the stored form (UTC),
lengths are in the unit that the name says. None means unknown or not applicable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Weight = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """Something that a reader has to know first.

    Attributes:
        weight: ``error`` = bytes are missing, wrong or unproven; ``warning`` = to be looked at;
            ``note`` = said for completeness.
        where: card, file or clip that it is about; empty when it is about all.
        sentence: what happened, safe to print.
    """

    weight: Weight
    where: str
    sentence: str


@dataclass(frozen=True)
class Placed:
    """One file at one destination.

    Attributes:
        volume: its name.
        path: on the volume, relative to its root.
        status: ``verified``, ``present`` (was there already, proven), ``failed``, ``waiting``,
            ``cancelled``; of a copy looked at later ``online``, ``offline``, ``missing``, ``damaged``.
        level: how far the proof went; None when there is none.
        verified_at: when.
        error: the sentence of a failure.
    """

    volume: str
    path: str
    status: str
    level: str | None = None
    verified_at: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class FileRow:
    """One file.

    Attributes:
        name: path on its card, or on its volume.
        role: in its clip (``essence``, ``span``, ``sidecar`` ..); None when it belongs to no clip.
        status: ``completed``, ``skipped`` (all destinations held it), ``failed`` ..
        copies, devices: verified copies in the catalogue now, and the devices they lie on.
        enough: whether that fulfils the policy; None when nothing is known about its content.
    """

    name: str
    role: str | None
    size: int | None
    status: str
    error: str | None = None
    blake3: str | None = None
    xxh128: str | None = None
    md5: str | None = None
    sha1: str | None = None
    c4: str | None = None
    copies: int = 0
    devices: int = 0
    enough: bool | None = None
    places: tuple[Placed, ...] = ()


@dataclass(frozen=True)
class ClipRow:
    """One clip with its files, essence first; ``thumbnail`` is the path of a JPEG that exists."""

    clip_id: str
    title: str
    kind: str
    reel: str | None
    timecode: str | None
    duration_ms: int | None
    width: int | None
    height: int | None
    fps: float | None
    codec: str | None
    camera: str | None
    recorded_at: str | None
    thumbnail: str | None
    warnings: tuple[str, ...]
    files: tuple[FileRow, ...]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size or 0 for file in self.files)

    @property
    def main(self) -> FileRow | None:
        """The essence; None when it is not part of this report."""
        return self.files[0] if self.files else None


@dataclass(frozen=True)
class Target:
    """One destination of a card: how many files reached it, and how far they were proven.

    Attributes:
        path: folder on the volume, relative to its root.
        verified, present, failed, waiting: files.
        size: bytes of the verified ones.
        levels: (level, files) of the proofs.
        identity: what the volume is known by (file system, label, UUID), safe to print; may be empty.
        second_stage: copied to from the first verified copies, not from the source.
    """

    volume: str
    volume_id: str
    path: str
    fs_type: str | None
    verified: int
    present: int
    failed: int
    waiting: int
    size: int
    levels: tuple[tuple[str, int], ...]
    identity: str = ""
    second_stage: bool = False


@dataclass(frozen=True)
class Section:
    """One card, source, run or volume.

    Attributes:
        title: its label, safe to print.
        kind: kind of card, or what else it is.
        source: where it came from, absolute; None when it came from nowhere.
        status: as in the catalogue.
        seconds: from its start to its end, pauses included.
        facts: further (word, value), safe to print.
        clips: with their files.
        files: files that belong to no clip.
    """

    title: str
    kind: str
    source: str | None
    status: str
    camera: str | None = None
    first_timecode: str | None = None
    last_timecode: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    seconds: float | None = None
    facts: tuple[tuple[str, str], ...] = ()
    targets: tuple[Target, ...] = ()
    clips: tuple[ClipRow, ...] = ()
    files: tuple[FileRow, ...] = ()

    def rows(self) -> Iterator[tuple[ClipRow | None, FileRow]]:
        """Every file with its clip, clips first."""
        for clip in self.clips:
            for file in clip.files:
                yield clip, file
        for file in self.files:
            yield None, file

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size or 0 for _, file in self.rows())

    @property
    def rate(self) -> float | None:
        """Bytes a second over all files, from start to end."""
        return self.size / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Totals:
    """Sums over the whole report; ``duration_ms`` is the length of all clips of known length."""

    cards: int
    clips: int
    files: int
    size: int
    duration_ms: int


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        kind: ``ingest``, ``export``, ``verify`` or another kind of job; ``batch``, ``day``, ``card``,
            ``volume``.
        ident: id of the thing, or the date.
        title: one line, safe to print.
        production: the library's name.
        operator: who queued the work; several are joined.
        made_at: when the report was made.
        timezone: of the host, e.g. ``UTC+02:00``, by which people are told times; those of machines stay UTC.
        verdict: one sentence: is all well?
        good: whether it is.
        copies, devices: the policy that files are held against.
        facts: further (word, value), safe to print.
    """

    kind: str
    ident: str
    title: str
    production: str
    operator: str
    tool: str
    version: str
    host: str
    made_at: str
    timezone: str
    status: str
    verdict: str
    good: bool
    started_at: str | None
    ended_at: str | None
    copies: int
    devices: int
    totals: Totals
    problems: tuple[Problem, ...]
    sections: tuple[Section, ...]
    facts: tuple[tuple[str, str], ...] = ()


def totals_of(sections: tuple[Section, ...]) -> Totals:
    """Add up the sections."""
    return Totals(
        cards=len(sections),
        clips=sum(len(section.clips) for section in sections),
        files=sum(1 for section in sections for _ in section.rows()),
        size=sum(section.size for section in sections),
        duration_ms=sum(clip.duration_ms or 0 for section in sections for clip in section.clips),
    )
