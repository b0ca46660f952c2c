"""Marking a volume on request: the only thing that rushes ever writes to a volume for its own sake."""

from __future__ import annotations

from sqlite_utils import Database

from engine.errors import Refused, VolumeGone
from engine.names import display
from engine.volumes import mounts, store
from engine.volumes.devices import observe
from engine.volumes.markers import write_marker
from engine.volumes.refresh import refresh
from engine.volumes.store import VolumeRow


def mark(db: Database, given: str) -> VolumeRow:
    """Write a marker file into the root of a mounted volume, so that it is told from its clones for good.

    The caller has asked the operator. A usable marker that is there is kept.

    Raises:
        NotFound: no such volume.
        Refused: it is a camera card, read-only, in conflict, away, shows only a part of itself, or holds
            a marker that is not usable; nothing was written.
        VolumeGone: something else is mounted in its place.
    """
    refresh(db)
    volume = store.find(db, given)
    name = display(volume.name)
    if volume.volume_class == "card":
        raise Refused(f"{name} is a camera card; nothing is ever written to one.")
    if volume.volume_class in ("system", "virtual"):
        raise Refused(f"{name} is part of this system and needs no marker.")
    if volume.state == "conflict":
        raise Refused(
            f"{name} is in conflict with another mounted volume. Settle that first, then mark both."
        )
    if volume.state != "online" or volume.mount_point is None:
        raise Refused(f"{name} is not online; it is marked while it is there.")
    if volume.read_only:
        raise Refused(f"{name} is read-only; nothing can be written to it.")
    if volume.mount_root != "/" and volume.kind == "file_system":
        raise Refused(f"{name} shows only a folder of itself here; its root cannot be marked.")
    if volume.kind == "file_system":
        mount = mounts.locate(mounts.read(), volume.mount_point)
        seen = observe((mount,)) if mount is not None else None
        if seen is None or not seen.answering or seen.evidence.fs_uuid not in (None, volume.fs_uuid):
            raise VolumeGone(f"{name} is no longer at {display(volume.mount_point)}. Nothing was written.")
    write_marker(volume.mount_point, volume.name)
    refresh(db)
    return store.get(db, volume.volume_id)
