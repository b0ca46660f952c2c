"""What the places beside the four queues see: clips, damaged copies, notices, watch folders, history.

Units, times, names and None as in :mod:`engine.api.rows`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClipScope:
    """Which clips are looked at.

    Attributes:
        state: ``online``, ``offline``, ``missing`` or ``damaged``; ``risk`` for clips with too few
            proven copies, ``favourite`` for favourites; empty is every clip.
        volume_id: only clips with a copy on this volume; None is any.
        only: only clips of which no other volume holds a copy; needs ``volume_id``.
    """

    state: str = ""
    volume_id: str | None = None
    only: bool = False


@dataclass(frozen=True)
class LostClips:
    """How many clips cannot be read: files are gone from a drive that is here, or the drive is away."""

    missing: int
    offline: int


@dataclass(frozen=True)
class ClipRow:
    """A clip.

    Attributes:
        row_id: its number in the list; ``clip_id`` names it for good.
        state: ``online offline missing damaged``: of its worst part, seen through the best copy.
        verified, devices: verified copies that count, of the file that has fewest, and their devices.
        safe: whether that is what the policy asks for.
        places: names of the volumes that hold it, each with its volume's state.
    """

    row_id: int
    clip_id: str
    title: str
    state: str
    kind: str
    duration_ms: int | None
    width: int | None
    height: int | None
    fps: float | None
    codec: str | None
    camera: str | None
    recorded_at: str | None
    size_bytes: int
    favourite: bool
    tags: tuple[str, ...]
    verified: int
    devices: int
    safe: bool
    places: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> int:
        """The row's id."""
        return self.row_id


@dataclass(frozen=True)
class CopyLine:
    """One copy of a file: where it is, or was last seen. ``counts`` is whether the policy counts it."""

    volume: str
    path: str
    role: str
    state: str
    seen_at: str
    verified_at: str | None
    level: str | None
    counts: bool


@dataclass(frozen=True)
class PartLines:
    """One file of a clip with all its copies, online or not."""

    name: str
    role: str | None
    size_bytes: int
    blake3: str | None
    verified: int
    devices: int
    safe: bool
    copies: tuple[CopyLine, ...]


@dataclass(frozen=True)
class ClipDetail:
    """A clip, where each of its files is, and the picture taken of it (an absolute path, or None)."""

    row: ClipRow
    card: str | None
    timecode: str | None
    reel: str | None
    notes: str | None
    warnings: tuple[str, ...]
    parts: tuple[PartLines, ...]
    thumbnail: str | None
    wanted_copies: int
    wanted_devices: int


@dataclass(frozen=True)
class DamagedRow:
    """A copy whose bytes are others than recorded, or whose file is gone from a drive that is here.

    ``good`` are copies elsewhere that it can be made anew from now; ``good_away`` those on drives
    that are away. ``path`` is that on its volume, ``place`` absolute, now or last known; both exact.
    """

    copy_id: int
    state: str
    title: str
    volume: str
    volume_state: str
    path: str
    size_bytes: int
    good: int
    good_away: int
    verified_at: str | None
    seen_at: str
    place: str = ""

    @property
    def id(self) -> int:
        """The row's id."""
        return self.copy_id


@dataclass(frozen=True)
class Notice:
    """Something that a person should know of. ``level``: ``info``, ``warning`` or ``error``.

    ``place`` is the screen where something can be done about it.
    """

    notice_id: str
    at: str
    level: str
    text: str
    place: str

    @property
    def id(self) -> str:
        """The row's id."""
        return self.notice_id


@dataclass(frozen=True)
class WatchRow:
    """A watched folder; see :class:`engine.watch.folders.WatchFolder`."""

    watch_id: int
    path: str
    destinations: tuple[str, ...]
    mode: str | None
    enabled: bool
    taken: int
    looked_at: str | None
    error: str | None

    @property
    def id(self) -> int:
        """The row's id."""
        return self.watch_id


@dataclass(frozen=True)
class PastRow:
    """Something that happened to the device under a volume; ``bad`` when it was an error."""

    number: int
    at: str
    volume: str
    what: str
    text: str
    bad: bool

    @property
    def id(self) -> int:
        """The row's id."""
        return self.number


@dataclass(frozen=True)
class SessionRow:
    """A relink scan or mapping and what became of it; ``applied`` links of it stand.

    ``kind`` as of :class:`engine.relink.sessions.Session`.
    """

    session_id: str
    kind: str
    path: str
    status: str
    files_scanned: int
    files_hashed: int
    offline: int
    candidates: int
    waiting: int
    applied: int
    created_at: str
    completed_at: str | None
    error: str | None

    @property
    def id(self) -> str:
        """The row's id."""
        return self.session_id


@dataclass(frozen=True)
class RuleRow:
    """A prefix mapping that is kept."""

    rule_id: int
    old: str
    new: str
    created_at: str

    @property
    def id(self) -> int:
        """The row's id."""
        return self.rule_id


@dataclass(frozen=True)
class Prefixes:
    """A mapping that confirmed links speak for, with the number of those links."""

    old: str
    new: str
    votes: int


@dataclass(frozen=True)
class Claim:
    """A mounted file system that claims the identity of a volume: one answer to "which is it?".

    ``volume_id`` None: it is a drive of its own, a clone of the volume ``name``. ``clips`` are those of
    the volume.
    """

    volume_id: str | None
    name: str
    mount_point: str
    clips: int


@dataclass(frozen=True)
class OfferRow:
    """New footage on a tracked volume; see :class:`engine.relink.offers.Offer`.

    ``path`` is absolute, now or where it was last seen, for the eye.
    """

    offer_id: int
    volume: str
    path: str
    whole: bool
    online: bool
    files: int
    size_bytes: int
    found_at: str

    @property
    def id(self) -> int:
        """The row's id."""
        return self.offer_id


@dataclass(frozen=True)
class LyingRow:
    """One copy of one file.

    Attributes:
        name: of the file, as its clip has it; ``part`` is what it is for the clip.
        path: absolute and exact; None while it cannot be opened. ``shown`` is where it was last seen.
        counts: whether the policy counts it.
        verified: copies of this content that count, on ``devices``; ``safe`` whether that is enough.
    """

    copy_id: int
    name: str
    part: str | None
    size_bytes: int
    blake3: str | None
    volume: str
    path: str | None
    shown: str
    role: str
    state: str
    seen_at: str
    verified_at: str | None
    level: str | None
    counts: bool
    verified: int
    devices: int
    safe: bool

    @property
    def id(self) -> int:
        """The row's id."""
        return self.copy_id


@dataclass(frozen=True)
class TwiceRow:
    """A content that lies in several files: bytes of one, and at most ``wasted`` beyond one.

    ``places`` are volume, escaped path and state of each. Of a content in very many files only the first are
    counted and told; ``more`` says so. ``asset_id`` is its number in the library.
    """

    blake3: str
    name: str
    size_bytes: int
    files: int
    devices: int
    wasted: int
    places: tuple[tuple[str, str, str], ...]
    asset_id: int | None = None
    more: bool = False

    @property
    def id(self) -> int | str:
        """The row's id."""
        return self.blake3 if self.asset_id is None else self.asset_id


@dataclass(frozen=True)
class TrashRow:
    """A file in the trash of its volume: where it lay and where it is kept, both escaped."""

    trash_id: int
    volume: str
    path: str
    kept: str
    size_bytes: int
    at: str
    by: str
    reachable: bool

    @property
    def id(self) -> int:
        """The row's id."""
        return self.trash_id
