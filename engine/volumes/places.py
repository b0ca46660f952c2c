"""From a path to (volume, relative path), and back. Every copy in the catalogue lies at such a place."""

from __future__ import annotations

import errno
import functools
import json
import os
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine.errors import NotFound, Refused, VolumeGone
from engine.names import display, from_blob
from engine.storage.database import Row, row, rows
from engine.volumes import mounts, stand_ins, touch, workers
from engine.volumes.devices import Seen, observe
from engine.volumes.mounts import Mount
from engine.volumes.refresh import refresh, volume_at

PLACE_SECONDS = 2.0
"""A path on a mount that does not answer is given up after this time."""

DEAD = frozenset({errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENODEV})
"""What a mount answers whose server or device is gone."""

LINKS_MAX = 40
"""Symbolic links followed in one path, as in the kernel."""


@dataclass(frozen=True)
class Place:
    """Where a path lies.

    Attributes:
        volume_id: the volume's row.
        path: relative to the file system's root (a stand-in's: to its folder); no leading slash, ``''``
            is the root.
        mount_point: where the volume shows that path, absolute.
        mount_root: the folder of the file system that shows there; ``/`` is all of it.
        fs_type: as the mount table names it.
        device: key of the queue that all files of this disk or share have in common.
        is_network: None when unknown.
        read_only: the mount or the file system refuses writes.
        dev: st_dev of the mount point (below it a Btrfs subvolume has its own).
        mounted_at: mount point of the mount below (a stand-in's folder lies deeper).
        session: what tells the file system apart while it stays mounted.
        fs_uuid: of the file system, or None when it does not tell.
        hardware: identity of the disk and partition, or None when it hides it.
        marker_id: of a stand-in; None for a file system.
    """

    volume_id: str
    path: str
    mount_point: str
    mount_root: str
    fs_type: str
    device: str
    is_network: bool | None
    read_only: bool
    dev: int
    mounted_at: str = ""
    session: str | None = None
    fs_uuid: str | None = None
    hardware: str | None = None
    marker_id: str | None = None


def place_of(db: Database, path: str) -> Place:
    """Return the place of an existing file or folder, entering its volume when it is new.

    Args:
        db: the calling thread's connection.
        path: absolute or relative; links are followed.

    Raises:
        NotFound: it does not exist, or cannot be reached (the sentence says why).
        VolumeGone: its mount does not answer within :data:`PLACE_SECONDS`.
        Refused: the volume is in conflict; nothing is attached to it until that is settled.
    """
    deadline = time.monotonic() + PLACE_SECONDS
    table = mounts.read()
    real, dev = _resolve(path, table, deadline)
    mount = mounts.locate(table, real)
    if mount is None:
        raise NotFound(f"{display(real)} lies on no mounted file system.")
    group = next((group for group in mounts.file_systems(table) if mount in group), (mount,))
    folder = _stand_in_above(db, real, mount)
    seen = observe((mount, *(other for other in group if other is not mount)))
    if seen is None or not seen.answering:
        raise VolumeGone(_silent(mount))
    if folder is not None:
        return _in_stand_in(db, real, folder, mount, seen, dev)
    # A file bound by itself is shown by a mount that is no folder: the volume is the same.
    found = volume_at(db, mount, seen.evidence.session)
    if found is None or _contradicts(found, seen):
        refresh(db, frozenset({mount.device}))
        found = volume_at(db, mount)
    if found is None:
        raise VolumeGone(f"{display(mount.mount_point)} was unmounted in the meantime. Nothing was changed.")
    if found["state"] == "conflict":
        raise Refused(
            f"{display(real)} lies on {display(found['name'])}, and another mounted volume claims the same "
            "identity. Nothing is attached to either until that is settled: "
            "rushes volumes settle VOLUME MOUNT_POINT"
        )
    if found["state"] != "online":
        raise VolumeGone(_silent(mount))
    return Place(
        volume_id=found["volume_id"],
        path=mount.relative(real),
        mount_point=mount.mount_point,
        mount_root=mount.root,
        fs_type=mount.fs_type,
        device=seen.queue,
        is_network=mount.is_network,
        read_only=seen.read_only,
        dev=dev if seen.dev is None else seen.dev,
        mounted_at=mount.mount_point,
        session=seen.evidence.session,
        fs_uuid=seen.evidence.fs_uuid,
        hardware=seen.evidence.hardware,
    )


def absolute(volume: Mapping[str, Any], relative: str) -> str | None:
    """Return where ``relative`` can be opened now.

    None: the volume is away, in conflict, does not answer, or shows another part of its files.

    Args:
        volume: a row of ``volumes`` or of the view ``copy_states``: columns ``mount_point``, ``mount_root``,
            ``mounts`` when there, and ``volume_state`` or ``state``.
        relative: path in the volume, exact.
    """
    state = volume.get("volume_state", volume.get("state"))
    if state != "online":
        return None
    return _join(volume, relative)


def last_known(volume: Mapping[str, Any], relative: str) -> str | None:
    """Return where ``relative`` is, or was when the volume was last here. For eyes, not for opening."""
    return _join(volume, relative)


def still_there(place: Place) -> bool:
    """Whether the same file system is still mounted at ``place``. Blocks at most a second; False when unsure.

    Guards against writing into an empty mount point, and against another
    drive at the same one.
    """
    try:
        table = mounts.read()
    except OSError:
        return False
    below = place.mounted_at or place.mount_point
    mount = mounts.locate(table, place.mount_point)
    if mount is None or mount.mount_point != below or mount.fs_type != place.fs_type:
        return False
    seen = observe((mount,))
    if seen is None or not seen.answering:
        return False
    if place.marker_id is not None and _marker(mount, place.mount_point) != place.marker_id:
        return False
    if place.session is not None and seen.evidence.session != place.session:
        return False
    evidence = seen.evidence
    return (place.fs_uuid is None or evidence.fs_uuid in (None, place.fs_uuid)) and (
        place.hardware is None or evidence.hardware in (None, place.hardware)
    )


def resolve(path: str, table: Sequence[Mount] | None = None, deadline: float | None = None) -> str:
    """Return ``path`` absolute and without links, never waiting for a mount that does not answer.

    Names on mounts that the kernel answers for are looked up here; the rest
    of a path that enters another kind of mount is asked in a child process.

    Args:
        path: of an existing file or folder.
        table: the mount table, read when None.
        deadline: monotonic moment to give up; None is :data:`PLACE_SECONDS` from now.

    Raises:
        NotFound: it does not exist, or cannot be reached.
        VolumeGone: a mount on the way does not answer.
    """
    table = mounts.read() if table is None else table
    deadline = time.monotonic() + PLACE_SECONDS if deadline is None else deadline
    return _resolve(path, table, deadline)[0]


def reach(path: str, deadline: float | None = None) -> str:
    """Like ``os.path.realpath``, also for what does not exist yet, but never waiting for a dead mount.

    Raises:
        VolumeGone: a mount on the way does not answer.
    """
    deadline = time.monotonic() + PLACE_SECONDS if deadline is None else deadline
    try:
        return resolve(path, None, deadline)
    except NotFound:
        head, tail = os.path.split(os.path.join(os.getcwd(), path).rstrip("/"))
        if not tail:
            return "/"
        above = reach(head, deadline)
        if tail in (".", ".."):
            return above if tail == "." else os.path.dirname(above)
        return os.path.join(above, tail)


def folder(path: str, seconds: float = PLACE_SECONDS) -> dict[str, bool]:
    """Look at a folder that files are to be put into, never waiting long for a mount that does not answer.

    Args:
        path: absolute; it need not exist.
        seconds: when to give up, for each of two questions.

    Returns:
        As :func:`engine.volumes.touch.folder`.

    Raises:
        VolumeGone: a mount on the way does not answer, or is dead.
    """
    real = reach(path, time.monotonic() + seconds)
    mount = mounts.locate(mounts.read(), real)
    if mount is None or mount.is_trusted:
        return touch.folder(real)
    try:
        answer: dict[str, bool] = workers.ask(mount, "folder", seconds, path=real)
    except (workers.NotAnswering, OSError) as error:
        raise VolumeGone(
            f"{display(path)} lies on a mount that does not answer. Nothing was changed."
        ) from error
    return answer


def _resolve(path: str, table: Sequence[Mount], deadline: float) -> tuple[str, int]:
    """Resolve a path and say on which device (st_dev) it lies. See :func:`resolve`."""
    here = os.getcwd() if not path.startswith("/") else "/"
    todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
    at = "/"
    todo.extend(part for part in here.split("/")[::-1] if part)
    links = 0
    try:
        while todo:
            part = todo.pop()
            if part == "..":
                at = os.path.dirname(at)
                continue
            step = os.path.join(at, part)
            mount = mounts.locate(table, step)
            if mount is not None and not mount.is_trusted:
                rest = "/".join([step, *todo[::-1]])
                left = max(0.05, deadline - time.monotonic())
                answer = workers.ask(mount, "resolve", left, path=rest)
                return str(answer["path"]), int(answer["dev"])
            found = os.lstat(step)
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if links > LINKS_MAX:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                target = os.readlink(step)
                at = "/" if target.startswith("/") else at
                todo.extend(name for name in target.split("/")[::-1] if name not in ("", "."))
            else:
                if todo and not stat.S_ISDIR(found.st_mode):
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                at = step
        return at, os.stat(at).st_dev
    except workers.NotAnswering as error:
        raise VolumeGone(
            f"{display(path)} lies on a mount that does not answer. Nothing was changed; "
            "try again when it is back."
        ) from error
    except FileNotFoundError as error:
        raise NotFound(f"{display(path)} does not exist.") from error
    except OSError as error:
        if error.errno in DEAD:
            raise VolumeGone(
                f"{display(path)} lies on a mount that is dead: {error.strerror}. Nothing was changed."
            ) from error
        raise NotFound(f"{display(path)} cannot be reached: {error.strerror}.") from error


def _join(volume: Mapping[str, Any], relative: str) -> str | None:
    for root, point in showings(volume):
        inside = root.strip("/")
        if inside and relative != inside and not relative.startswith(f"{inside}/"):
            continue
        rest = relative[len(inside) :].strip("/") if inside else relative
        return os.path.join(point, rest) if rest else point
    return None


def showings(volume: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what of a volume shows where, now or when it was last here: (its folder, absolute path).

    The first that shows a path is where :func:`last_known` says it is. See
    :func:`absolute` for the columns.
    """
    shown = _shown(volume.get("mounts") or "[]")
    if not shown and volume["mount_point"] is not None:
        shown = ((_text(volume["mount_root"]), _text(volume["mount_point"])),)
    return shown


@functools.lru_cache(maxsize=256)
def _shown(column: str) -> tuple[tuple[str, str], ...]:
    """The column ``mounts``, read once: a list of 1000 copies asks for the same few volumes."""
    return tuple((root, point) for root, point in json.loads(column))


def _text(name: str | bytes) -> str:
    return from_blob(name) if isinstance(name, bytes) else name


def _stand_in_above(db: Database, real: str, mount: Mount) -> str | None:
    """The nearest folder at or above ``real``, below the mount's root, that a marker makes a stand-in."""
    known = {
        from_blob(entry["mount_point"])
        for entry in rows(db, "SELECT mount_point FROM volumes WHERE kind = 'stand_in'")
        if entry["mount_point"] is not None
    }
    folder = real
    while folder != mount.mount_point and folder != "/":
        if mount.is_trusted:
            if touch.read_marker(os.path.join(folder, touch.MARKER))[0] is not None:
                return folder
        elif folder in known:
            return folder
        folder = os.path.dirname(folder)
    return None


def _in_stand_in(db: Database, real: str, folder: str, mount: Mount, seen: Seen, dev: int) -> Place:
    marker_id = _marker(mount, folder)
    if marker_id is None:
        raise VolumeGone(f"{display(folder)} is no longer the volume that it was: its marker is gone.")
    found = row(db, "SELECT * FROM volumes WHERE kind = 'stand_in' AND marker_id = ?", (marker_id,))
    if found is not None and found["state"] == "online" and from_blob(found["mount_point"]) != folder:
        stand_ins.refresh(db, mounts.read())  # moved, or a second folder with the same marker
        found = row(db, "SELECT * FROM volumes WHERE kind = 'stand_in' AND marker_id = ?", (marker_id,))
    if found is not None and found["state"] == "conflict":
        raise Refused(
            f"Several folders are marked as {display(found['name'])}. Nothing is attached to "
            "either until all but one are gone."
        )
    volume_id = stand_ins.adopt(db, folder, marker_id)
    return Place(
        volume_id=volume_id,
        path=real[len(folder) :].strip("/"),
        mount_point=folder,
        mount_root="/",
        fs_type=mount.fs_type,
        device=seen.queue,
        is_network=mount.is_network,
        read_only=seen.read_only,
        dev=dev,
        mounted_at=mount.mount_point,
        session=seen.evidence.session,
        fs_uuid=seen.evidence.fs_uuid,
        hardware=seen.evidence.hardware,
        marker_id=marker_id,
    )


def _marker(mount: Mount, folder: str) -> str | None:
    """The id in the marker of ``folder``; None when there is none, or no answer."""
    try:
        marker_id, _ = workers.ask(mount, "marker_at", folder=folder)
    except (workers.NotAnswering, OSError):
        return None
    return None if marker_id is None else str(marker_id)


def _contradicts(found: Row, seen: Seen) -> bool:
    """Whether a row of this session is certainly of another file system (device numbers are reused)."""
    pairs = (
        (found["fs_uuid"], seen.evidence.fs_uuid),
        (found["hardware"], seen.evidence.hardware),
        (found["part_uuid"], seen.evidence.part_uuid),
        (found["marker_id"], seen.evidence.marker_id),
    )
    return any(ours is not None and theirs is not None and ours != theirs for ours, theirs in pairs)


def _silent(mount: Mount) -> str:
    return f"{display(mount.mount_point)} is mounted, but does not answer. Nothing was changed."
