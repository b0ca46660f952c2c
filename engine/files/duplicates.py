"""Where the same content lies more than once. It reports; it deletes nothing.

Content is the same by size and full hash only. What lies on several devices is
safety, not waste; so each group says how many devices it lies on. Hard links
of one file are one file. Copies that share their blocks on disk (reflinks) are
counted as if they did not: the waste is "at most".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from engine.names import display, from_blob
from engine.storage.database import Row, rows
from engine.volumes import places

SMALLEST = 1024
"""Bytes; smaller files are left out unless asked for: sidecars repeat by nature."""


@dataclass(frozen=True)
class Lying:
    """One file of a group.

    Attributes:
        path: absolute now, or where it was last seen; exact.
        state: ``online``, ``offline``, ``missing`` or ``damaged``.
    """

    copy_id: int
    volume: str
    path: str
    role: str
    state: str
    verified_at: str | None


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
    for content in rows(
        db,
        "SELECT asset_id, assets.size, blake3 FROM assets"
        " JOIN (SELECT asset_id, count(*) AS files FROM copies WHERE state = 'present' AND role != 'source'"
        "       GROUP BY asset_id HAVING files > 1) USING (asset_id)"
        " WHERE blake3 IS NOT NULL AND assets.size >= ? AND (? IS NULL OR assets.size <= ?)"
        " ORDER BY assets.size * (files - 1) DESC, asset_id",
        (smallest, largest, largest),
    ):
        group = _group(db, content, tuple(ending.lower().lstrip(".") for ending in extensions), same_device)
        if group is not None:
            found.append(group)
            if len(found) == limit:
                break
    return sorted(found, key=lambda group: -group.wasted)


def _group(db: Database, content: Row, extensions: tuple[str, ...], same_device: bool) -> Group | None:
    files: dict[tuple[object, ...], tuple[Lying, object]] = {}
    for entry in rows(
        db,
        "SELECT * FROM copy_states WHERE asset_id = ? AND state = 'present' AND role != 'source'"
        " ORDER BY copy_id",
        (content["asset_id"],),
    ):
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
        )
        files.setdefault(
            (entry["volume_id"], entry["inode"] is not None, known),
            (lying, entry["device_id"] or entry["volume_id"]),
        )
    devices = {device for _, device in files.values()}
    if len(files) < 2 or (same_device and len(devices) == len(files)):
        return None
    size = int(content["size"])
    return Group(
        blake3=str(content["blake3"]),
        size=size,
        wasted=size * (len(files) - 1),
        devices=len(devices),
        files=tuple(lying for lying, _ in files.values()),
    )
