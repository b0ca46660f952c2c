"""What a front end sees of volumes; see :mod:`engine.api.rows`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VolumeRow:
    """A volume. Facts of one that is away are those last seen.

    ``clips`` have a copy on it; ``offline_clips`` are those of them whose copy
    cannot be read there now. ``new_files`` media files on it were never taken in;
    all of them lie below the folder ``new_files_in``, which is escaped for the eye.
    """

    volume_id: str
    name: str
    state: str
    volume_class: str
    kind: str
    fs_type: str | None
    is_network: bool | None
    is_removable: bool | None
    read_only: bool
    size_bytes: int | None
    free_bytes: int | None
    mount_point: str | None
    clips: int
    offline_clips: int
    first_seen_at: str
    last_seen_at: str
    offline_since: str | None
    tracked: bool
    favourite: bool
    read_rate: int | None = None
    write_rate: int | None = None
    speed_at: str | None = None
    colour: str | None = None
    low_space: bool = False
    new_files: int = 0
    new_files_in: str | None = None

    @property
    def id(self) -> str:
        """The row's id."""
        return self.volume_id


@dataclass(frozen=True)
class VolumeEvent:
    """Something that happened to a volume; ``text`` tells it in words, see :func:`views.happened.told`."""

    at: str
    kind: str
    text: str


@dataclass(frozen=True)
class VolumeDetail:
    """A volume, the evidence it is known by, and its newest events first.

    ``rotational``: whether its disk spins; None: unknown. ``mounted``: source and options of each mount
    at which it shows now, escaped for the eye. ``other_disk``: it came back on another disk than the one
    that it was on, and nobody has said yet whether that is an enclosure or a clone.
    ``shows_files_of``: names of the volumes whose files it shows; empty: it does not say; None: its own.
    """

    row: VolumeRow
    label: str | None
    fs_uuid: str | None
    serial: str | None
    model: str | None
    share: str | None
    copies: int
    copies_bytes: int
    missing: int
    damaged: int
    events: tuple[VolumeEvent, ...] = ()
    part_uuid: str | None = None
    wwn: str | None = None
    marker_id: str | None = None
    rotational: bool | None = None
    mounted: tuple[tuple[str, str], ...] = ()
    other_disk: bool = False
    shows_files_of: tuple[str, ...] | None = None
