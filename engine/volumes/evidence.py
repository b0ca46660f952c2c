"""What is known of who a file system is, and what a look at some of its files says. Plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass

POOL = "pool:"
"""How :attr:`Evidence.share` begins of a pool that tells its branches. It stays itself with another disk."""

ENOUGH = 4
"""So many known files, looked at, say something of a volume that has no id of its own."""

_FAMILIES = {
    "ntfs3": "ntfs", "fuseblk": "", "msdos": "vfat", "smb3": "cifs", "smbfs": "cifs", "nfs4": "nfs",
    "ext2": "ext", "ext3": "ext", "ext4": "ext", "fuse.exfat": "exfat", "fuse": "",
}  # fmt: skip
"""Names under which one format appears; the empty family may be any."""


@dataclass(frozen=True)
class Evidence:
    """Who a file system is. None: not known, which neither proves nor contradicts.

    Attributes:
        fs_type: as the mount table names it.
        fs_uuid: as ``blkid`` prints it. 32 or 64 bits (FAT, exFAT, NTFS) count less than 128.
        part_uuid: UUID of the partition.
        hardware: identity of the disk and the partition's number on it.
        partition_bytes: exact size of the partition.
        label: of the file system.
        marker_id: id in a marker file in its root.
        share: server and export, data set: for a file system without a device.
        session: start of the machine, device number, fsid: tells file systems apart while they stay mounted.
    """

    fs_type: str | None = None
    fs_uuid: str | None = None
    part_uuid: str | None = None
    hardware: str | None = None
    partition_bytes: int | None = None
    label: str | None = None
    marker_id: str | None = None
    share: str | None = None
    session: str | None = None


@dataclass(frozen=True)
class Spot:
    """A look at some known files: counts. ``touched``: size fits, mtime does not. ``other``: another size."""

    fit: int = 0
    touched: int = 0
    other: int = 0
    absent: int = 0

    @property
    def sampled(self) -> int:
        """Files looked at."""
        return self.fit + self.touched + self.other + self.absent

    @property
    def contradicts(self) -> bool:
        """Files are there under the known names, and none has its size: another content."""
        return self.other > 0 and self.fit + self.touched == 0

    @property
    def is_elsewhere(self) -> bool:
        """Enough files were looked for, and none is there: what goes by this name may be something else."""
        return self.sampled >= ENOUGH and self.fit + self.touched == 0

    @property
    def proves(self) -> bool:
        """Enough files are there with size and time, few are absent and none is another."""
        return self.other == 0 and self.fit >= ENOUGH and 4 * self.fit >= 3 * self.sampled


def is_pool(evidence: Evidence) -> bool:
    """Whether what names it are the branches of a pool, which may be others tomorrow."""
    return (evidence.share or "").startswith(POOL)


def is_weak(fs_uuid: str) -> bool:
    """Whether an id is short enough to collide: 32 bits (FAT, exFAT) or 64 (NTFS)."""
    return len(fs_uuid.replace("-", "")) < 32


def family(fs_type: str | None) -> str:
    """Group the names of one format; empty when the name does not tell."""
    return _FAMILIES.get(fs_type or "", fs_type or "")


_PART = re.compile(r"#\d+(/.*)?$")
"""What :attr:`Evidence.hardware` says beyond the disk: the partition's number, and the layer on it."""

DISKS = ("wwn:", "serial:", "loop:")
"""Identities of one disk. A pool of several is named by what it holds, whatever disks it is on."""


def disk_of(hardware: str) -> str:
    """The disk that :attr:`Evidence.hardware` names."""
    return _PART.sub("", hardware)


def other_disk(known: str | None, seen: str | None) -> bool:
    """Whether two values of :attr:`Evidence.hardware` name two disks: another enclosure, or another drive."""
    if known is None or seen is None:
        return False
    return known.startswith(DISKS) and seen.startswith(DISKS) and disk_of(known) != disk_of(seen)
