"""What the catalogue knows already about a file's content and place.

A name, a size or a fast hash never decides that two files are the same; they
only say which files are worth a full hash.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from sqlite_utils import Database

from engine.media.filelist import FileList
from engine.media.hashing import FAST_SCHEME, fast_hash
from engine.names import from_blob, to_blob
from engine.storage.database import row, rows


@dataclass(frozen=True)
class Verified:
    """A copy whose bytes were proven once.

    Attributes:
        copy_id, asset_id, volume_id, path: its row; ``path`` relative to the volume.
        blake3: content.
        size, mtime_ns: of the file when it was proven.
        level: how far that proof went.
        fast: fast hash of the content, None when it was never taken.
    """

    copy_id: int
    asset_id: int
    volume_id: str
    path: str
    blake3: str
    size: int
    mtime_ns: int
    level: str
    fast: str | None

    def unchanged(self, facts: os.stat_result) -> bool:
        """Whether the file still has the size and time it was proven with."""
        return (facts.st_size, facts.st_mtime_ns) == (self.size, self.mtime_ns)


_VERIFIED = (
    "SELECT copies.copy_id, copies.asset_id, copies.volume_id, copies.path, assets.blake3, copies.size,"
    " copies.mtime_ns, copies.verify_level AS level,"
    f" CASE WHEN assets.fast_scheme = '{FAST_SCHEME}' THEN assets.fast_hash END AS fast"
    " FROM assets JOIN copies USING (asset_id)"
    " WHERE assets.blake3 IS NOT NULL AND copies.state = 'present' AND copies.verified_at IS NOT NULL"
    " AND copies.role != 'source'"
)


def verified_of_size(db: Database, size: int, volume_ids: tuple[str, ...]) -> list[Verified]:
    """Verified copies of this size on these volumes."""
    marks = ", ".join("?" * len(volume_ids))
    found = rows(
        db, f"{_VERIFIED} AND assets.size = ? AND copies.volume_id IN ({marks})", (size, *volume_ids)
    )
    return [Verified(**{**entry, "path": from_blob(entry["path"])}) for entry in found]


def verified_at(db: Database, volume_id: str, path: str) -> Verified | None:
    """The verified copy recorded at exactly this place, or None."""
    entry = row(db, f"{_VERIFIED} AND copies.volume_id = ? AND copies.path = ?", (volume_id, to_blob(path)))
    return Verified(**{**entry, "path": from_blob(entry["path"])}) if entry else None


def content_at(db: Database, volume_id: str, path: str, size: int, mtime_ns: int) -> tuple[int, str] | None:
    """Asset id and BLAKE3 of the file recorded here, if size and time are still those of its hashing.

    The row counts only when its bytes were all read then, whatever its role.
    """
    entry = row(
        db,
        "SELECT asset_id, blake3 FROM copies JOIN assets USING (asset_id) WHERE volume_id = ? AND path = ?"
        " AND copies.state = 'present' AND copies.size = ? AND mtime_ns = ? AND blake3 IS NOT NULL",
        (volume_id, to_blob(path), size, mtime_ns),
    )
    return (int(entry["asset_id"]), str(entry["blake3"])) if entry else None


def likely(candidates: list[Verified], path: str | int, size: int) -> list[Verified]:
    """Candidates whose fast hash the file at ``path`` (or open) has too; those without a known one stay.

    Raises:
        OSError, ValueError: the file cannot be read, or is shorter than ``size``.
    """
    if not candidates:
        return []
    here = fast_hash(path, size)
    return [candidate for candidate in candidates if candidate.fast is None or candidate.fast == here]


def under(path: str, folder: str) -> bool:
    """Whether a relative path lies in a relative folder (``''`` is the root)."""
    return not folder or path == folder or path.startswith(folder + "/")


def join(folder: str, path: str) -> str:
    """Join two relative paths; either may be empty."""
    return f"{folder}/{path}" if folder and path else folder or path


@dataclass(frozen=True)
class Foreseen:
    """What a plan expects of one source.

    Attributes:
        known: for each number of the listing 1 when the file is verified on every destination's volume
            already, as far as size and fast hash can tell, else 0.
        files, size: how many are, and their bytes.
    """

    known: bytes | bytearray
    files: int
    size: int


def foresee(
    db: Database, source: str, source_volume: str, relative: str, files: FileList, volumes: tuple[str, ...]
) -> Foreseen:
    """Compare a listing with the catalogue by size and fast hash; reads at most 10 MiB of a file."""
    here_too = bytearray(len(files) + 1)
    count = size = 0
    for number, found in files.numbered():
        candidates = verified_of_size(db, found.size, volumes) if found.size and volumes else []
        if len({candidate.volume_id for candidate in candidates}) < len(set(volumes)):
            continue
        here = content_at(db, source_volume, join(relative, found.path), found.size, found.mtime_ns)
        try:
            fits = (
                [candidate for candidate in candidates if candidate.blake3 == here[1]]
                if here
                else likely(candidates, os.path.join(source, found.path), found.size)
            )
        except (OSError, ValueError):
            continue  # unreadable now: the ingest itself will say so
        if {candidate.volume_id for candidate in fits} >= set(volumes):
            here_too[number] = 1
            count += 1
            size += found.size
    return Foreseen(here_too, count, size)
