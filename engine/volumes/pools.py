"""Mounts that show files of other mounts: pools (mergerfs, Unraid, unionfs), bindfs, overlays, encryption.

A file below such a view lies in a folder of another volume. Recorded in both
places it is still one file, on one device; what counts copies has to know.
Which folders a mount shows is asked of the mount or of the mount table; which
volumes those are is looked up in the rows, and kept while a branch is away.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine.names import display, from_blob
from engine.storage.database import Row, rows, scalar, write
from engine.storage.pools import UNTOLD, branches_of, may_be_one
from engine.storage.pools import shadows as shadows_of
from engine.volumes import mounts
from engine.volumes.devices import Seen
from engine.volumes.mounts import UNION_TYPES, UNRAID, Mount

UNRAID_FOLDER = "/mnt"
"""The disks and pools of Unraid are mounted directly below it."""

STACKED = frozenset({"fuse", "ecryptfs", "wrapfs"})
"""With those of the ``fuse.`` family: may name the folder that they show as their source."""


@dataclass(frozen=True)
class Shown:
    """A volume, as :func:`shadows` needs it.

    Attributes:
        volume_id: the volume.
        device: the hardware below it, or its own id.
        branches: ids of the volumes whose files it shows; None: it shows its own.
        any_fixed: it shows those of others, and does not say of which.
        is_fixed: a disk of this machine that may be a branch of a pool which does not say.
    """

    volume_id: str
    device: str
    branches: frozenset[str] | None = None
    any_fixed: bool = False
    is_fixed: bool = False


def folders(mount: Mount, table: Sequence[Mount], told: Sequence[str] = ()) -> tuple[str, ...] | None:
    """Which folders of this machine a mount shows. Pure.

    Args:
        mount: the mount.
        table: all mounts.
        told: what the mount itself said.

    Returns:
        None: it holds its own files. Empty: it shows others, and does not say which.
    """
    if told:
        return tuple(told)
    if mount.fs_type == UNRAID:
        return _unraid(mount, table)
    if mount.fs_type == "overlay":
        return _layers(mount) or None
    if mount.is_network or not (mount.fs_type.startswith("fuse.") or mount.fs_type in STACKED | UNION_TYPES):
        return None
    named = _named(mount.source)
    return named if named or mount.fs_type in UNION_TYPES else None


def _unraid(mount: Mount, table: Sequence[Mount]) -> tuple[str, ...]:
    """The array's disks, and for what is not ``/mnt/user0`` the pools as well."""
    below = [
        other.mount_point
        for other in table
        if other.mount_point.rpartition("/")[0] == UNRAID_FOLDER
        and not (other.is_pseudo or other.is_virtual or other.is_network or other.fs_type.startswith("fuse"))
    ]
    disks = tuple(point for point in below if re.fullmatch(r"disk\d+", point.rpartition("/")[2]))
    return disks if mount.mount_point.endswith("/user0") else tuple(below)


def _layers(mount: Mount) -> tuple[str, ...]:
    found: list[str] = []
    for option in mount.super_options:
        key, _, value = option.partition("=")
        if key.startswith(("lowerdir", "upperdir")):
            found += [path for path in value.split(":") if path.startswith("/")]
    return tuple(sorted(found))


def _named(source: str) -> tuple[str, ...]:
    """Folders that a FUSE file system names as its source: ``/a``, ``/a:/b``, ``/a;/b``, ``cryfs@/a``."""
    text = source.partition("@")[2] if re.match(r"\w+@/", source) else source
    if not text.startswith("/") or mounts.is_within(text, "/dev"):
        return ()
    parts = re.split("[:;]", text)
    return tuple(parts) if all(part.startswith("/") for part in parts) else (text,)


def shadows(volumes: Sequence[Shown]) -> frozenset[tuple[str, str]]:
    """Pairs (view, other): a copy on the view may be the file that is recorded on the other. Pure.

    It may, or it lies on the same device, where one of the view's branches
    shares a device with the other. Of two views that share a branch one counts.
    """
    by_id = {volume.volume_id: volume for volume in volumes}
    fixed = frozenset(volume.volume_id for volume in volumes if volume.is_fixed and volume.branches is None)

    def homes(volume: Shown, above: frozenset[str] = frozenset()) -> frozenset[str]:
        if volume.branches is None:
            return frozenset({volume.device})
        found: set[str] = set()
        for branch in volume.branches | (fixed if volume.any_fixed else frozenset()):
            if branch in by_id and branch not in above:
                found |= homes(by_id[branch], above | {volume.volume_id})
        return frozenset(found)

    lying = {volume.volume_id: homes(volume) for volume in volumes}
    return frozenset(
        (view.volume_id, other.volume_id)
        for view in volumes
        if view.branches is not None
        for other in volumes
        if other is not view
        and (other.branches is None or other.volume_id < view.volume_id)
        and lying[view.volume_id] & lying[other.volume_id]
    )


def merged(
    shown: Sequence[str], known: str | None, volume_at: Callable[[str], str | None]
) -> tuple[tuple[str, str], ...]:
    """What is to be kept of a view: (folder, volume) pairs. Pure but for ``volume_at``.

    Args:
        shown: the folders that it shows now.
        known: what was kept before, the column ``view_of``. A folder whose disk is away, or was
            changed for another, keeps the volumes that were seen there.
        volume_at: which volume a folder lies on now; None: on none that is known.
    """
    before: list[tuple[str, str]] = [(folder, volume) for folder, volume in json.loads(known or "[]")]
    if not shown:
        return (UNTOLD,)
    pairs = {pair for pair in before if pair[0] in shown}
    pairs |= {(folder, volume) for folder in shown if (volume := volume_at(folder)) is not None}
    return tuple(sorted(pairs))


def shown_names(db: Database, volume_id: str) -> list[str] | None:
    """Names of the volumes whose files a volume shows; empty: it does not say; None: it shows its own."""
    ids = branches_of(scalar(db, "SELECT view_of FROM volumes WHERE volume_id = ?", (volume_id,)))
    if ids is None:
        return None
    found = rows(
        db,
        f"SELECT name FROM volumes WHERE volume_id IN ({', '.join('?' * len(ids))})"
        " ORDER BY name COLLATE NOCASE",
        ids,
    )
    return [str(entry["name"]) for entry in found]


def shown_by(db: Database, volume_id: str) -> list[tuple[str, str]]:
    """Pools that are here and show files of a volume: name and mount point, exact."""
    found = rows(
        db, "SELECT name, mount_point, view_of FROM volumes WHERE view_of IS NOT NULL AND state <> 'offline'"
    )
    return [
        (str(entry["name"]), from_blob(entry["mount_point"]))
        for entry in found
        if volume_id in (branches_of(entry["view_of"]) or ())
    ]


def without(db: Database, volume_id: str) -> list[str]:
    """Names of the volumes that a pool showed and cannot show now; what it does not show may lie on them.

    A disk that was changed for another counts no more.
    """
    column = scalar(db, "SELECT view_of FROM volumes WHERE volume_id = ?", (volume_id,))
    folders: dict[str, list[str]] = {}
    for folder, branch in json.loads(column or "[]"):
        folders.setdefault(folder, []).append(branch)
    known = {entry["volume_id"]: entry for entry in rows(db, "SELECT volume_id, name, state FROM volumes")}
    return sorted(
        {
            str(known[branch]["name"])
            for branches in folders.values()
            if not any(branch in known and known[branch]["state"] == "online" for branch in branches)
            for branch in branches
            if branch in known
        }
    )


def nested(db: Database, one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    """Whether one folder holds the other by what a pool shows of its branches.

    Args:
        db: the library's database.
        one: id of a volume, where it shows, and an absolute path below that.
        other: another.
    """
    return any(
        mounts.is_within(first, second) or mounts.is_within(second, first)
        for first in (one[2], *_behind(db, *one))
        for second in (other[2], *_behind(db, *other))
    )


def _behind(db: Database, volume_id: str, mount_point: str, path: str) -> list[str]:
    """Where a path on a pool may lie in its branches, absolute; none for what is no pool."""
    column = scalar(db, "SELECT view_of FROM volumes WHERE volume_id = ?", (volume_id,))
    folders = dict.fromkeys(folder for folder, _ in json.loads(column or "[]") if folder)
    rest = os.path.relpath(path, mount_point)
    return [os.path.normpath(os.path.join(folder, rest)) for folder in folders]


def overlap(db: Database, one: str, other: str) -> str | None:
    """A sentence of two volumes on which one file may show, without a full stop; None: on these it cannot.

    Args:
        db: the library's database.
        one: a volume's id.
        other: another's.
    """
    found = {
        entry["volume_id"]: (display(entry["name"]), branches_of(entry["view_of"]))
        for entry in rows(
            db, "SELECT volume_id, name, view_of FROM volumes WHERE volume_id IN (?, ?)", (one, other)
        )
    }
    if one == other or len(found) < 2:
        return None
    shadowed = shadows_of(db)
    for view, shown in ((one, other), (other, one)):
        (name, branches), (shown_name, others) = found[view], found[shown]
        if branches is None:
            continue
        untold = UNTOLD[1] in branches and may_be_one(view, shown, shadowed)
        if shown in branches or untold or set(branches) & set(others or ()):
            return (
                f"{name} shows the files of {shown_name}"
                if others is None
                else (f"{name} and {shown_name} show files of one disk")
            )
    return None


def note(db: Database, table: Sequence[Mount], seen: Sequence[Seen]) -> None:
    """Write down which volumes show the files of which, when that has changed.

    Args:
        db: the calling thread's connection.
        table: the mount table.
        seen: what is mounted and answers; its rows are up to date.
    """
    views = {
        (item.mount.root, item.mount.mount_point): shown
        for item in seen
        if (shown := folders(item.mount, table, item.branches)) is not None
    }
    current = _load(db)
    if not views and not any(entry["view_of"] for entry in current):
        return
    told = _told(current, table, views)
    wanted = shadows([_shown(entry, told) for entry in current])
    held = _held(db)
    if held == wanted and all(entry["view_of"] == told.get(entry["volume_id"]) for entry in current):
        return
    with write(db):
        for volume_id, value in told.items():
            db.execute("UPDATE volumes SET view_of = ? WHERE volume_id = ?", (value, volume_id))
        held = _held(db)
        for pair in held - wanted:
            db.execute("DELETE FROM volume_shadows WHERE view_id = ? AND other_id = ?", pair)
        for pair in wanted - held:
            db.execute("INSERT INTO volume_shadows (view_id, other_id) VALUES (?, ?)", pair)


def _load(db: Database) -> list[Row]:
    return rows(
        db,
        "SELECT volume_id, device_id, class, state, is_network, is_removable, mounts, view_of FROM volumes"
        " WHERE kind = 'file_system'",
    )


def _held(db: Database) -> frozenset[tuple[str, str]]:
    return frozenset(map(tuple, db.execute("SELECT view_id, other_id FROM volume_shadows")))


def _told(
    current: Sequence[Row], table: Sequence[Mount], views: Mapping[tuple[str, str], Sequence[str]]
) -> dict[str, str]:
    """The column ``view_of`` of each volume that is a view, as it is now."""
    at: dict[tuple[str, str], str] = {}
    for entry in current:
        if entry["state"] != "offline":
            points = [tuple(pair) for pair in json.loads(entry["mounts"])]
            at.update(dict.fromkeys(points, entry["volume_id"]))
    told = {entry["volume_id"]: entry["view_of"] for entry in current if entry["view_of"] is not None}
    root = mounts.locate(table, "/")
    system = at.get((root.root, root.mount_point)) if root is not None else None
    for pair, shown in views.items():
        view = at.get(pair)
        if view is None:
            continue

        before = {folder for folder, _ in json.loads(told.get(view) or "[]")}

        def volume_at(folder: str, view: str = view, before: set[str] = before) -> str | None:
            mount = mounts.locate(table, folder)
            found = at.get((mount.root, mount.mount_point)) if mount is not None else None
            if found == view or (found == system and folder in before):
                return None  # a disk of the pool that is away leaves a folder of the system's
            return found

        told[view] = json.dumps(merged(shown, told.get(view), volume_at))
    return told


def _shown(entry: Mapping[str, Any], told: Mapping[str, str]) -> Shown:
    branches = branches_of(told.get(entry["volume_id"]))
    return Shown(
        entry["volume_id"],
        entry["device_id"] or entry["volume_id"],
        None if branches is None else frozenset(branches) - {UNTOLD[1]},
        UNTOLD[1] in (branches or ()),
        entry["class"] in ("pool", "unknown") and not (entry["is_network"] or entry["is_removable"]),
    )
