"""What kind of drive is this, for people? Decided from device facts, never from the mount point's name."""

from __future__ import annotations

import re
from collections.abc import Collection

from engine.volumes.mounts import VIRTUAL_TYPES, is_within

CARD_FOLDERS = frozenset(
    {
        "DCIM", "PRIVATE", "M4ROOT", "XDROOT", "BPAV", "CONTENTS", "CLIPS001", "AVCHD", "CRM", "CONTENT",
        "MP_ROOT", "ARRIRAW", "AVF_INFO", "MISC", "THMBNL",
    }
)  # fmt: skip
"""Folders that cameras make in the root of their media, upper case."""

CARD_PATTERN = re.compile(r"\w+\.(RDM|RDC)", re.IGNORECASE)
"""A RED magazine or clip in the root."""

SYSTEM_POINTS = frozenset({"/", "/usr", "/var", "/etc", "/nix", "/nix/store", "/recovery"})
SYSTEM_FOLDERS = ("/boot", "/efi", "/System/Volumes", "/private/var/vm", "/snap", "/var/lib/snapd")
"""Of Linux, and from ``/System`` on of macOS."""

CONTAINER_FOLDERS = (
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/run/containerd",
    "/var/lib/kubelet",
    "/var/lib/lxc",
    "/var/lib/incus",
)
"""Where containers keep what they show: a file system that shows nowhere else is no drive of anybody."""


def looks_like_card(names: Collection[str]) -> bool:
    """Whether some ``names`` of a root are those of a camera's medium."""
    return any(name.upper() in CARD_FOLDERS or CARD_PATTERN.fullmatch(name) for name in names)


def classify(
    fs_type: str,
    mount_points: Collection[str],
    *,
    is_network: bool | None,
    is_removable: bool | None,
    has_device: bool,
    names: Collection[str] = (),
) -> str:
    """Return ``system``, ``virtual``, ``network``, ``card``, ``removable``, ``pool`` or ``unknown``.

    Args:
        fs_type: as the mount table names it.
        mount_points: all places where it shows.
        is_network: None when unknown.
        is_removable: None when unknown.
        has_device: a block device (or ZFS pool) lies below it.
        names: names in its root.
    """
    if fs_type in VIRTUAL_TYPES:
        return "virtual"
    if any(_is_system(point) for point in mount_points) or _only_containers(mount_points):
        return "system"
    if is_network:
        return "network"
    if is_removable:
        return "card" if looks_like_card(names) else "removable"
    if is_removable is False and (has_device or fs_type in ("zfs", "btrfs")):
        return "pool"
    return "pool" if fs_type == "zfs" else "unknown"


def _only_containers(points: Collection[str]) -> bool:
    return bool(points) and all(
        any(is_within(point, folder) for folder in CONTAINER_FOLDERS) for point in points
    )


def _is_system(point: str) -> bool:
    return point in SYSTEM_POINTS or any(is_within(point, folder) for folder in SYSTEM_FOLDERS)
