"""Which copies can be relinked: those that are lost, with everything on record that may identify them.

Lost is a copy that is missing, or that lies on a volume that is away while no
other copy of its content can be reached: a drive on the shelf still holds its
files, so its copies are given another place only when they are needed.

A ``source`` copy is what a card held. Cards are formatted and reused, so their
copies are never searched for as long as the catalogue knows any other copy of
that content, reachable or not; where the card's is the only one, it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from engine import names
from engine.media.hashing import FAST_SCHEME, FAST_WHOLE
from engine.relink.match import Lost
from engine.storage.database import rows, scalar

CHUNK = 500
"""Values bound to one statement."""

LOST = """
    (copy.seen_as = 'missing'
     OR (copy.seen_as = 'offline' AND NOT EXISTS (
         SELECT 1 FROM copies AS other JOIN volumes AS place USING (volume_id)
         WHERE other.asset_id = copy.asset_id AND other.copy_id <> copy.copy_id
           AND other.role <> 'source' AND other.state = 'present' AND place.state = 'online')))
    AND (copy.role <> 'source' OR NOT EXISTS (
         SELECT 1 FROM copies AS kept
         WHERE kept.asset_id = copy.asset_id AND kept.role <> 'source'))
"""
"""SQL condition on a row ``copy`` of the view ``copy_states``: it is lost, as described above."""

_COLUMNS = """
    copy.copy_id, copy.asset_id, copy.volume_id, copy.path, copy.role, copy.size, copy.mtime_ns,
    copy.inode, copy.seen_as, asset.blake3, asset.fast_hash, asset.fast_scheme, asset.media,
    COALESCE(
        (SELECT clip_id FROM clip_files WHERE clip_files.asset_id = copy.asset_id
         ORDER BY role <> 'essence', clip_id LIMIT 1),
        (SELECT clip_id FROM clips WHERE clips.asset_id = copy.asset_id ORDER BY clip_id LIMIT 1)
    ) AS clip_id
"""


def load(db: Database) -> list[Lost]:
    """Return all lost copies, in order of their ids."""
    found = rows(
        db,
        f"SELECT {_COLUMNS} FROM copy_states AS copy JOIN assets AS asset USING (asset_id)"
        f" WHERE {LOST} ORDER BY copy.copy_id",
    )
    return [from_row(entry) for entry in found]


def below(db: Database, volume_id: str, folder: str, *, lost: bool = True) -> list[Lost]:
    """Return the lost copies of one volume below a folder (relative to its root; ``""`` is all), by path.

    With ``lost`` False those that are believed to be there, in the same form.
    """
    where, params = within(volume_id, folder)
    condition = f"({LOST})" if lost else "copy.state = 'present' AND copy.volume_state = 'online'"
    found = rows(
        db,
        f"SELECT {_COLUMNS} FROM copy_states AS copy JOIN assets AS asset USING (asset_id)"
        f" WHERE {where} AND {condition} ORDER BY copy.path",
        params,
    )
    return [from_row(entry) for entry in found]


def count_below(db: Database, volume_id: str, folder: str) -> int:
    """How many lost copies :func:`below` gives."""
    where, params = within(volume_id, folder)
    return int(scalar(db, f"SELECT count(*) FROM copy_states AS copy WHERE {where} AND {LOST}", params))


def within(volume_id: str, folder: str) -> tuple[str, tuple[Any, ...]]:
    """The condition for copies below a folder, a range of one index."""
    if not folder:
        return "copy.volume_id = ?", (volume_id,)
    inside = names.to_blob(folder + "/")
    # "0" is the byte after "/".
    return "copy.volume_id = ? AND copy.path > ? AND copy.path < ?", (volume_id, inside, inside[:-1] + b"0")


def records_of(db: Database, copy_ids: Sequence[int]) -> dict[int, Lost]:
    """Return those of these copies that there are, lost or not, in the same form, by their ids."""
    records: dict[int, Lost] = {}
    for start in range(0, len(copy_ids), CHUNK):
        part = copy_ids[start : start + CHUNK]
        found = rows(
            db,
            f"SELECT {_COLUMNS} FROM copy_states AS copy JOIN assets AS asset USING (asset_id)"
            f" WHERE copy.copy_id IN ({', '.join('?' * len(part))})",
            part,
        )
        records |= {entry["copy_id"]: from_row(entry) for entry in found}
    return records


def from_row(entry: dict[str, Any]) -> Lost:
    """Decode a row with the columns above."""
    media = json.loads(entry["media"]) if entry["media"] else {}
    fast = entry["fast_hash"] if entry["fast_scheme"] == FAST_SCHEME else None
    full = entry["blake3"]
    if entry["size"] <= FAST_WHOLE:  # the fast hash of a small file is its full hash
        full = full or fast
        fast = fast or full
    return Lost(
        copy_id=entry["copy_id"],
        asset_id=entry["asset_id"],
        clip_id=entry["clip_id"],
        volume_id=entry["volume_id"],
        path=names.from_blob(entry["path"]),
        size=entry["size"],
        mtime_ns=entry["mtime_ns"],
        inode=entry["inode"],
        missing=entry["seen_as"] == "missing",
        role=entry["role"],
        blake3=full,
        fast_hash=fast,
        duration_ms=media.get("duration_ms"),
        timecode=media.get("timecode"),
        reel=media.get("reel"),
        identifiers=_identifiers(media),
    )


def _identifiers(media: dict[str, Any]) -> tuple[str, ...]:
    """What is recorded of the file's own numbers, that of a camera's sidecar among it."""
    listed = tuple(media.get("identifiers") or ())
    umid = media.get("umid")
    if umid and not any(each.startswith("umid:") for each in listed):
        # Sidecars write longer ones; what a file carries is the basic UMID, the first 32 bytes.
        listed += (f"umid:{umid[:64]}",)
    return listed
