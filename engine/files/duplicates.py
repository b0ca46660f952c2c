"""Where the same content lies more than once. It reports; it deletes nothing.

Content is the same by size and full hash only. What lies on several devices is
safety, not waste; so each group says how many devices it lies on. Hard links
of one file are one file, and so is what a pool shows of a branch. Copies that
share their blocks on disk (reflinks) are counted as if they did not: the waste
is "at most".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from engine.names import display, from_blob
from engine.storage import pools
from engine.storage.database import rows
from engine.volumes import places

SMALLEST = 1024
"""Bytes; smaller files are left out unless asked for: sidecars repeat by nature."""


@dataclass(frozen=True)
class Lying:
    """One file of a group.

    Attributes:
        path: absolute now, or where it was last seen; exact.
        state: ``online``, ``offline``, ``missing`` or ``damaged``.
        device: id of its device, or of its volume where that is not known.
    """

    copy_id: int
    volume: str
    path: str
    role: str
    state: str
    verified_at: str | None
    device: str


@dataclass(frozen=True)
class Group:
    """One content that lies in several files.

    Attributes:
        size: bytes of one file.
        wasted: bytes, at most: the size times one less than the number of files.
        devices: on how many devices it lies.
        files: its files, hard links of one file left out.
    """

    blake3: str
    size: int
    wasted: int
    devices: int
    files: tuple[Lying, ...]


def groups(
    db: Database,
    *,
    smallest: int = SMALLEST,
    largest: int | None = None,
    extensions: Sequence[str] = (),
    same_device: bool = False,
    limit: int = 1000,
) -> list[Group]:
    """Return contents that lie in more than one file, the greatest waste first.

    Args:
        db: the library; volumes may be away.
        smallest: bytes; smaller files are left out.
        largest: bytes; larger files are left out; None is no limit.
        extensions: only files with one of these endings, in any letter case; empty is all.
        same_device: only contents that lie twice on one device.
        limit: groups at most.
    """
    found: list[Group] = []
    endings = tuple(ending.lower().lstrip(".") for ending in extensions)
    contents = db.conn.execute(
        "SELECT asset_id, asset_twice.size, blake3 FROM asset_twice JOIN assets USING (asset_id)"
        " WHERE asset_twice.size >= ? AND (? IS NULL OR asset_twice.size <= ?)"
        f" {'AND near = 1' if same_device else ''} ORDER BY wasted DESC, asset_id",
        (smallest, largest, largest),
    )
    for asset_id, size, blake3 in contents:
        group = _group(db, int(asset_id), int(size), str(blake3), endings, same_device=same_device)
        if group is not None:
            found.append(group)
            if len(found) == limit:
                break
    contents.close()
    return sorted(found, key=lambda group: -group.wasted)


def files_of(
    db: Database, asset_id: int, *, extensions: Sequence[str] = (), limit: int | None = None
) -> list[Lying]:
    """Return the stored files of a content, hard links of one file left out, and what a pool shows twice.

    Args:
        db: the library.
        asset_id: the content.
        extensions: as of :func:`groups`, without their dots and small.
        limit: copies that are looked at, at most; None is all of them.
    """
    found: dict[tuple[object, ...], Lying] = {}
    stored = rows(
        db,
        "SELECT * FROM copy_states WHERE asset_id = ? AND state = 'present' AND role != 'source'"
        " ORDER BY copy_id LIMIT ?",
        (asset_id, -1 if limit is None else limit),
    )
    further = set(pools.counted((entry["volume_id"] for entry in stored), pools.shadows(db)))
    for entry in stored:
        if entry["volume_id"] not in further:
            continue
        path = from_blob(entry["path"])
        if extensions and path.rpartition(".")[2].lower() not in extensions:
            continue
        known = entry["inode"] if entry["inode"] is not None else entry["copy_id"]
        lying = Lying(
            copy_id=int(entry["copy_id"]),
            volume=display(str(entry["volume_name"])),
            path=places.last_known(entry, path) or path,
            role=str(entry["role"]),
            state=str(entry["seen_as"]),
            verified_at=entry["verified_at"],
            device=str(entry["device_id"] or entry["volume_id"]),
        )
        found.setdefault((entry["volume_id"], entry["inode"] is not None, known), lying)
    return list(found.values())


def _group(
    db: Database, asset_id: int, size: int, blake3: str, extensions: Sequence[str], *, same_device: bool
) -> Group | None:
    files = files_of(db, asset_id, extensions=extensions)
    devices = {lying.device for lying in files}
    if len(files) < 2 or (same_device and len(devices) == len(files)):
        return None
    return Group(blake3, size, size * (len(files) - 1), len(devices), tuple(files))
