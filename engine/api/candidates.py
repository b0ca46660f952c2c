"""What the relink screen sees: candidates, both sides of one, and the newest scan.

Units, times, names and None as in :mod:`engine.api.rows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CandidateRow:
    """A file found that may be the one a copy row has lost.

    Attributes:
        old_volume, old_path: where the catalogue believes it to be.
        new_volume, new_path: where this file was found, relative to its volume.
        copy_id: the copy whose file it may be; candidates of one copy are rivals.
        clip_id: None for a file of no clip (a folder's own sidecar).
        rivals: candidates of the same copy that are still open, this one included.
    """

    candidate_id: int
    session_id: str
    copy_id: int
    clip_id: str | None
    title: str
    confidence: float
    certain: bool
    match_type: str
    status: str
    old_volume: str
    old_path: str
    new_volume: str
    new_path: str
    size_bytes: int
    rivals: int = 1

    @property
    def id(self) -> int:
        """The row's id."""
        return self.candidate_id


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    volume: str
    volume_state: str
    path: str
    size_bytes: int | None
    mtime_ns: int | None
    blake3: str | None = None
    fast_hash: str | None = None
    duration_ms: int | None = None
    codec: str | None = None


@dataclass(frozen=True)
class CandidateDetail:
    """A candidate, what is known and what was found, and the evidence as stored.

    ``looked_inside``: length and codec of the found file are known, or ``why_not_inside`` says why they
    cannot be; else :func:`engine.api.relinks.show` has to look.
    """

    row: CandidateRow
    known: Side
    found: Side
    evidence: dict[str, Any]
    decided_at: str | None = None
    decided_by: str | None = None
    looked_inside: bool = True
    why_not_inside: str | None = None


@dataclass(frozen=True)
class Scan:
    """The newest relink scan. ``status``: scanning, matching, completed, cancelled, failed."""

    session_id: str
    path: str
    status: str
    files_scanned: int
    files_hashed: int
    offline: int
    candidates: int
    error: str | None
