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
from engine.storage.database import parts, scalar

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

_CANNOT_BE_SEEN = """
    copy.copy_id IN (
        SELECT copy_id FROM copies WHERE state = 'missing' AND state <> 'present'
        UNION ALL
        SELECT copies.copy_id FROM volumes CROSS JOIN copies USING (volume_id)
        WHERE volumes.state IN ('offline', 'conflict'))
"""
"""SQL: what :data:`LOST` asks of all copies, by indexes; the view alone would be read from end to end."""

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
    return _records(db, f"{_CANNOT_BE_SEEN} AND {LOST} ORDER BY copy.copy_id")


def is_any(db: Database) -> bool:
    """Whether any copy is lost."""
    return (
        scalar(db, f"SELECT 1 FROM copy_states AS copy WHERE {_CANNOT_BE_SEEN} AND {LOST} LIMIT 1")
        is not None
    )


def below(db: Database, volume_id: str, folder: str, *, lost: bool = True) -> list[Lost]:
    """Return the lost copies of one volume below a folder (relative to its root; ``""`` is all), by path.

    With ``lost`` False those that are believed to be there, in the same form.
    """
    where, params = within(volume_id, folder)
    condition = f"({LOST})" if lost else "copy.state = 'present' AND copy.volume_state = 'online'"
    return _records(db, f"{where} AND {condition} ORDER BY copy.path", params)


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
    for part in parts(copy_ids):
        found = _records(db, f"copy.copy_id IN ({', '.join('?' * len(part))})", part)
        records |= {copy.copy_id: copy for copy in found}
    return records


def _records(db: Database, condition: str, params: Sequence[Any] = ()) -> list[Lost]:
    """The rows ``copy`` of the view for which a condition holds, with what is known of their content."""
    found = db.conn.execute(
        f"SELECT {_COLUMNS} FROM copy_states AS copy JOIN assets AS asset USING (asset_id) WHERE {condition}",
        params,
    )
    return [_record(*entry) for entry in found.fetchall()]


def _record(
    copy_id: int,
    asset_id: int,
    volume_id: str,
    path: bytes,
    role: str,
    size: int,
    mtime_ns: int,
    inode: int | None,
    seen_as: str,
    blake3: str | None,
    fast_hash: str | None,
    fast_scheme: str | None,
    media: str | None,
    clip_id: str | None,
) -> Lost:
    """Decode a row with the columns above, in their order: of 100,000 rows a dictionary each is felt."""
    fast = fast_hash if fast_scheme == FAST_SCHEME else None
    full = blake3
    if size <= FAST_WHOLE:  # the fast hash of a small file is its full hash
        full = full or fast
        fast = fast or full
    record = Lost(
        copy_id, asset_id, clip_id, volume_id, names.from_blob(path), size, mtime_ns, inode,
        seen_as == "missing", role, full, fast,
    )  # fmt: skip
    if media:
        told = json.loads(media)
        record.duration_ms = told.get("duration_ms")
        record.timecode = told.get("timecode")
        record.reel = told.get("reel")
        record.identifiers = _identifiers(told)
    return record


def _identifiers(media: dict[str, Any]) -> tuple[str, ...]:
    """What is recorded of the file's own numbers, that of a camera's sidecar among it."""
    listed = tuple(media.get("identifiers") or ())
    umid = media.get("umid")
    if umid and not any(each.startswith("umid:") for each in listed):
        # Sidecars write longer ones; what a file carries is the basic UMID, the first 32 bytes.
        listed += (f"umid:{umid[:64]}",)
    return listed
