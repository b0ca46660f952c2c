"""Candidates as lists and screens show them: both sides, the evidence, and whether they are still needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import names
from engine.errors import NotFound
from engine.relink import targets
from engine.storage.database import Row, parts, row, rows
from engine.volumes import places


@dataclass(frozen=True)
class Candidate:
    """One candidate with both sides, as a list or a screen shows it.

    Attributes:
        found_path: absolute, as it lies now; None while its volume is away.
        lost_shown: absolute path where the copy was last seen (mount point of then); a guess for the eye.
        still_lost: whether the copy still needs it; a drive may have come back meanwhile.
        evidence: what agrees, see :func:`engine.relink.match.evidence`.
        duration_ms, codec: what is on record of the lost file; None for one that is no clip's picture.
    """

    candidate_id: int
    session_id: str
    clip_id: str | None
    clip_title: str | None
    copy_id: int
    copy_role: str
    volume_id: str
    volume_name: str
    path: str
    found_path: str | None
    size: int
    mtime_ns: int
    inode: int | None
    match_type: str
    confidence: float
    certain: bool
    evidence: dict[str, Any]
    status: str
    created_at: str
    decided_at: str | None
    decided_by: str | None
    lost_volume_id: str
    lost_volume_name: str
    lost_path: str
    lost_shown: str
    lost_size: int
    lost_mtime_ns: int
    lost_state: str
    still_lost: bool
    duration_ms: int | None
    codec: str | None


_CANDIDATES = f"""
    SELECT candidate.candidate_id, candidate.session_id, candidate.clip_id, clip.title AS clip_title,
           candidate.copy_id, copy.role AS copy_role, candidate.volume_id, place.name AS volume_name,
           candidate.path, candidate.size, candidate.mtime_ns, candidate.inode,
           candidate.match_type, candidate.confidence, candidate.certain, candidate.evidence,
           candidate.status, candidate.created_at, candidate.decided_at, candidate.decided_by,
           copy.volume_id AS lost_volume_id, copy.volume_name AS lost_volume_name, copy.path AS lost_path,
           copy.mount_point AS lost_mount_point, copy.mount_root AS lost_mount_root,
           copy.mounts AS lost_mounts,
           copy.size AS lost_size, copy.mtime_ns AS lost_mtime_ns, copy.seen_as AS lost_state,
           ({targets.LOST}) AS still_lost, essence.duration_ms, essence.codec,
           place.mount_point, place.mount_root, place.mounts, place.state AS volume_state
    FROM candidates AS candidate
    JOIN copy_states AS copy ON copy.copy_id = candidate.copy_id
    JOIN volumes AS place ON place.volume_id = candidate.volume_id
    LEFT JOIN clips AS clip ON clip.clip_id = candidate.clip_id
    LEFT JOIN clips AS essence ON essence.clip_id = candidate.clip_id AND essence.asset_id = copy.asset_id
"""


def list_candidates(
    db: Database,
    *,
    statuses: Sequence[str] = (),
    session_id: str | None = None,
    clip_id: str | None = None,
    volume_id: str | None = None,
    needed: bool = False,
    limit: int = 1000,
    offset: int = 0,
) -> list[Candidate]:
    """Candidates, the most confident first.

    Args:
        db: the library's database.
        statuses: ``pending``, ``later``, ``applied``, ``rejected``, ``skipped``; empty means all.
        session_id: only those of this session, all of them; without it, a file that was found
            more than once for one copy is there once.
        clip_id: only those of this clip.
        volume_id: only files found on this volume.
        needed: leave out those whose copy is no longer lost.
        limit: at most this many.
        offset: leave out so many first.
    """
    where: list[str] = ["1"]
    params: list[Any] = []
    if statuses:
        where.append(f"candidate.status IN ({', '.join('?' * len(statuses))})")
        params += list(statuses)
    if session_id is None:
        where.append("NOT candidate.shadowed")
    for column, value in (("session_id", session_id), ("clip_id", clip_id), ("volume_id", volume_id)):
        if value is not None:
            where.append(f"candidate.{column} = ?")
            params.append(value)
    joined = ""
    if needed:
        joined = "JOIN copy_states AS copy ON copy.copy_id = candidate.copy_id"
        where.append(f"({targets.LOST})")
    # The page is chosen first: what a row shows costs several look-ups, and is asked for that page alone.
    page = (
        f"SELECT candidate.candidate_id FROM candidates AS candidate {joined} WHERE {' AND '.join(where)}"
        " ORDER BY candidate.confidence DESC, candidate.candidate_id LIMIT ? OFFSET ?"
    )
    found = rows(
        db,
        f"{_CANDIDATES} WHERE candidate.candidate_id IN ({page})"
        " ORDER BY candidate.confidence DESC, candidate.candidate_id",
        (*params, limit, offset),
    )
    return [_candidate(entry) for entry in found]


def get(db: Database, candidate_id: int) -> Candidate:
    """Return one candidate.

    Raises:
        NotFound: there is none with this id.
    """
    found = row(db, f"{_CANDIDATES} WHERE candidate.candidate_id = ?", (candidate_id,))
    if found is None:
        raise NotFound(f"There is no candidate {candidate_id}.")
    return _candidate(found)


def get_many(db: Database, candidate_ids: Sequence[int]) -> dict[int, Candidate]:
    """Return those of these candidates that there are, by id."""
    found: dict[int, Candidate] = {}
    for part in parts(candidate_ids):
        marks = ", ".join("?" * len(part))
        for entry in rows(db, f"{_CANDIDATES} WHERE candidate.candidate_id IN ({marks})", part):
            found[entry["candidate_id"]] = _candidate(entry)
    return found


def _candidate(entry: Row) -> Candidate:
    place = {key: entry.pop(key) for key in ("mount_point", "mount_root", "mounts", "volume_state")}
    lost = {key: entry.pop(f"lost_{key}") for key in ("mount_point", "mount_root", "mounts")}
    path = names.from_blob(entry["path"])
    lost_path = names.from_blob(entry["lost_path"])
    return Candidate(
        **{
            **entry,
            "path": path,
            "found_path": places.absolute(place, path),
            "certain": bool(entry["certain"]),
            "evidence": json.loads(entry["evidence"]),
            "lost_path": lost_path,
            "lost_shown": places.last_known(lost, lost_path) or lost_path,
            "still_lost": bool(entry["still_lost"]),
        }
    )
