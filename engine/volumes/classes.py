"""What kind of drive is this, for people? Decided from device facts, never from the mount point's name."""

from __future__ import annotations

import re
from collections.abc import Collection

from engine.volumes.mounts import UNION_TYPES, Mount, is_within

CARD_FOLDERS = frozenset(
    {
        "DCIM", "PRIVATE", "M4ROOT", "XDROOT", "BPAV", "CONTENTS", "CLIPS001", "AVCHD", "CRM", "CONTENT",
        "MP_ROOT", "ARRIRAW", "AVF_INFO", "MISC", "THMBNL",
    }
)  # fmt: skip
"""Folders that cameras make in the root of their media, upper case."""

CARD_PATTERN = re.compile(r"\w+\.(RDM|RDC)", re.IGNORECASE)
"""A RED magazine or clip in the root."""

CARD_TYPES = frozenset(
    {"exfat", "fuse.exfat", "fuseblk", "hfsplus", "msdos", "texfat", "udf", "ufsd", "vfat"}
)
"""What cameras format with; ``fuseblk`` and ``ufsd`` may be exFAT. In a reader on the PCIe bus
(CFexpress) such a medium comes up as a disk that is built in, and nothing may be written to it either."""

SYSTEM_POINTS = frozenset(
    {"/", "/usr", "/var", "/etc", "/nix", "/nix/store", "/recovery", "/mnt/HDA_ROOT", "/volume0"}
)
"""The last two are where makers of NAS keep the system's own disk (QTS, ADM)."""

SYSTEM_FOLDERS = ("/boot", "/efi", "/System/Volumes", "/private/var/vm", "/snap", "/var/lib/snapd")
"""Of Linux, and from ``/System`` on of macOS."""

HOUSE_FOLDERS = (
    "/dev",
    "/etc",
    "/lib",
    "/nix",
    "/proc",
    "/sys",
    "/usr",
    "/var/cache",
    "/var/db",
    "/var/log",
    "/mnt/.ix-apps",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/run/containerd",
    "/var/lib/kubelet",
    "/var/lib/lxc",
    "/var/lib/incus",
)
"""What the system and containers keep for themselves: a file system that shows nowhere else is no drive.

In a container ``/etc/hosts`` lies on the disk whose folder of footage shows beside it.
"""


def looks_like_card(names: Collection[str]) -> bool:
    """Whether some ``names`` of a root are those of a camera's medium."""
    return any(name.upper() in CARD_FOLDERS or CARD_PATTERN.fullmatch(name) for name in names)


def classify(
    mount: Mount,
    mount_points: Collection[str],
    *,
    is_removable: bool | None,
    has_device: bool,
    names: Collection[str] = (),
) -> str:
    """Return ``system``, ``virtual``, ``network``, ``card``, ``removable``, ``pool`` or ``unknown``.

    Args:
        mount: the one of its mounts that shows most.
        mount_points: all places where it shows.
        is_removable: None when unknown.
        has_device: a block device (or ZFS pool) lies below it.
        names: names in its root.
    """
    fs_type = mount.fs_type
    if mount.is_virtual:
        return "virtual"
    if any(_is_system(point) for point in mount_points) or _is_housekeeping(mount_points):
        return "system"
    if fs_type == "zfs" and _is_system_data_set(mount.source):
        return "system"
    if mount.is_network:
        return "network"
    if looks_like_card(names) and (is_removable or fs_type in CARD_TYPES):
        return "card"
    if is_removable:
        return "removable"
    if is_removable is False and (has_device or fs_type in ("zfs", "btrfs")):
        return "pool"
    return "pool" if fs_type == "zfs" or fs_type in UNION_TYPES else "unknown"


def _is_housekeeping(points: Collection[str]) -> bool:
    return bool(points) and all(any(is_within(point, folder) for folder in HOUSE_FOLDERS) for point in points)


def _is_system_data_set(source: str) -> bool:
    """Whether a ZFS data set is a boot environment (``pool/ROOT``), or hidden (``pool/.system``)."""
    _, *below = source.split("/")
    return below[:1] == ["ROOT"] or any(part.startswith(".") for part in below)


def _is_system(point: str) -> bool:
    return point in SYSTEM_POINTS or any(is_within(point, folder) for folder in SYSTEM_FOLDERS)
