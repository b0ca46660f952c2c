"""What is told of one volume beside its row: the hardware under it, and how it is mounted now."""

from __future__ import annotations

from sqlite_utils import Database

from engine.storage.database import Row, row
from engine.volumes import mounts
from engine.volumes.mounts import Mount


def hardware(db: Database, device_id: str | None) -> Row:
    """``serial wwn model vendor size_bytes`` of a device; a value that nobody could find out is None."""
    found = row(
        db, "SELECT serial, wwn, model, vendor, size_bytes FROM devices WHERE device_id = ?", (device_id,)
    )
    return found or dict.fromkeys(("serial", "wwn", "model", "vendor", "size_bytes"))


def mounted(pairs: tuple[tuple[str, str], ...]) -> tuple[Mount, ...]:
    """The mounts at which a volume shows now, the one that shows most first. No mount is touched.

    Args:
        pairs: (mount root, mount point) of each, as its row has them.
    """
    try:
        return mounts.shown(mounts.read(), pairs)
    except OSError:  # no mount table: nothing can be said
        return ()


def options(mount: Mount) -> list[str]:
    """Options of a mount and its file system, each once, in the order of the alphabet; the access first."""
    found = mount.options | mount.super_options
    access = "ro" if mount.read_only else "rw"
    return [access, *sorted(found - {"ro", "rw", mounts.NOT_LOCAL})]
