"""A folder that should show a drive, but does not: the mount failed, so it lies on the disk below.

Writing there fills the system disk with footage that everybody believes to be
on the NAS, and hides it as soon as the mount succeeds.
"""

from __future__ import annotations

import re

from sqlite_utils import Database

from engine.names import display, from_blob
from engine.storage.database import rows
from engine.volumes import mounts, places

FSTAB = "/etc/fstab"
"""What this machine wants mounted where, see fstab(5)."""

_ESCAPE = re.compile(rb"\\([0-7]{3})")


def problem(db: Database, path: str, mounted_at: str) -> str | None:
    """Why ``path`` should lie on another volume than it does, as a sentence; None when it does not.

    Two witnesses are asked: the catalogue, whether a volume that is away
    was last mounted at that folder or above it; and the machine's fstab.

    Args:
        db: the library.
        path: absolute, links resolved; it need not exist.
        mounted_at: mount point of the file system that the path lies on now.
    """
    for entry in rows(
        db,
        "SELECT name, mount_point FROM volumes WHERE state = 'offline' AND kind = 'file_system'"
        " AND mount_point IS NOT NULL AND (class NOT IN ('system', 'virtual') OR tracked_at IS NOT NULL)",
    ):
        point = from_blob(entry["mount_point"])
        if _hidden(path, point, mounted_at):
            return (
                f"{display(path)} should lie on {display(entry['name'])}, which is not mounted at "
                f"{display(point)}; the folder lies on the disk below. Nothing was written. Mount it, or "
                "give another folder."
            )
    for point in wanted_mounts():
        if _hidden(path, point, mounted_at):
            return (
                f"{display(path)} lies below {display(point)}, which {FSTAB} names as a mount point, but "
                "nothing is mounted there; the folder lies on the disk below. Nothing was written. Mount it."
            )
    return None


def of_folder(db: Database, folder: str) -> str | None:
    """As :func:`problem`, of a folder as it is named: with links, and perhaps not made yet.

    Raises:
        VolumeGone: a mount on the way does not answer.
    """
    real = places.reach(folder)
    mount = mounts.locate(mounts.read(), real)
    return None if mount is None else problem(db, real, mount.mount_point)


def _hidden(path: str, point: str, mounted_at: str) -> bool:
    """Whether a mount at ``point`` would lie between ``path`` and the mount that it is on now."""
    inside = path == point or path.startswith(point.rstrip("/") + "/")
    deeper = point != mounted_at and point.startswith(mounted_at.rstrip("/") + "/")
    return inside and deeper


def wanted_mounts() -> list[str]:
    """Mount points of fstab at which nothing is mounted now; [] when there is no fstab to be read."""
    try:
        with open(FSTAB, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    there = {mount.mount_point for mount in mounts.read()}
    found = []
    for line in lines:
        fields = line.split(b"#", 1)[0].split()
        if len(fields) < 3 or not fields[1].startswith(b"/") or fields[1] == b"/":
            continue
        raw = _ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), fields[1])
        point = from_blob(raw).rstrip("/")
        if point and point not in there:
            found.append(point)
    return found
