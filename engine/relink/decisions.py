"""Verdicts on candidates: apply, reject, later, undo. Every verdict is audited; every apply can be undone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import IllegalTransition, NotFound, Refused, RushesError, VolumeGone
from engine.library import Library
from engine.relink import derivatives, ledger, sessions, targets
from engine.relink.ledger import Placement
from engine.storage import audit
from engine.storage.database import Row, execute, row, rows, scalar, write
from engine.volumes import places

AT_ONCE = 500
"""Candidates applied per transaction when many are applied."""


@dataclass(frozen=True)
class Candidate:
    """One candidate with both sides, as a list or a screen shows it.

    Attributes:
        found_path: absolute, as it lies now; None while its volume is away.
        lost_shown: absolute path where the copy was last seen (mount point of then); a guess for the eye.
        still_lost: whether the copy still needs it; a drive may have come back meanwhile.
        evidence: what agrees, see :func:`engine.relink.match.evidence`.
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


@dataclass(frozen=True)
class Applied:
    """What applying did: the file's absolute path, and how many rival candidates were skipped."""

    candidate_id: int
    found_path: str
    skipped: int


@dataclass(frozen=True)
class ManyApplied:
    """What applying many did: ids applied, and for each one refused its sentence."""

    applied: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]


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
           ({targets.LOST}) AS still_lost, clip.duration_ms, clip.codec,
           place.mount_point, place.mount_root, place.mounts, place.state AS volume_state
    FROM candidates AS candidate
    JOIN copy_states AS copy ON copy.copy_id = candidate.copy_id
    JOIN volumes AS place ON place.volume_id = candidate.volume_id
    LEFT JOIN clips AS clip ON clip.clip_id = candidate.clip_id
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
        session_id: only those of this session.
        clip_id: only those of this clip.
        volume_id: only files found on this volume.
        needed: leave out those whose copy is no longer lost.
        limit: at most this many.
        offset: leave out so many first.
    """
    where, params = ["1"], []
    if statuses:
        where.append(f"candidate.status IN ({', '.join('?' * len(statuses))})")
        params += list(statuses)
    for column, value in (("session_id", session_id), ("clip_id", clip_id), ("volume_id", volume_id)):
        if value is not None:
            where.append(f"candidate.{column} = ?")
            params.append(value)
    if needed:
        where.append(f"({targets.LOST})")
    found = rows(
        db,
        f"{_CANDIDATES} WHERE {' AND '.join(where)}"
        " ORDER BY candidate.confidence DESC, candidate.candidate_id LIMIT ? OFFSET ?",
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


# -- verdicts -----------------------------------------------------------------
def apply(library: Library, candidate_id: int, *, by: str | None = None) -> Applied:
    """Give the lost copy the place of the file that was found, in one transaction.

    ``verified_at`` is set only when the file was read in full by the scan and
    has not changed since. A ``derivative`` never becomes the copy: it is
    linked to the clip as a file made from it.

    Raises:
        NotFound: there is no such candidate.
        IllegalTransition: it has been decided already.
        Refused: the copy is no longer lost, the file has gone or changed since
            the scan, or it is another copy already. Nothing was changed.
        VolumeGone: the volume of the found file is away.
    """
    db = library.db()
    by = by or audit.who()
    candidate = get(db, candidate_id)
    try:
        _refuse_decided(candidate, "applied")
        _refuse_needless(candidate)
        path = _unchanged_file(db, candidate)
        if candidate.match_type == "derivative":
            derivatives.link(db, candidate, path, by)
            return Applied(candidate_id, path, 0)
        with write(db):
            _refuse_decided(get(db, candidate_id), "applied")
            skipped = ledger.place(db, [placement_of(candidate)], by)
            _audit(db, candidate, "applied", by)
    except Refused as error:
        audit.record(
            db, "relink apply", target=str(candidate_id), from_state=candidate.status,
            outcome="refused", error=str(error), by=by,
        )  # fmt: skip
        raise
    return Applied(candidate_id, path, skipped)


def apply_many(
    library: Library, candidate_ids: Iterable[int] | None = None, *, by: str | None = None
) -> ManyApplied:
    """Apply many candidates; one that is refused does not stop the others.

    Args:
        library: the library.
        candidate_ids: which; None means all that are certain and pending.
        by: who says so; None takes the caller's user.

    A candidate refused because its place is still another lost copy's is tried
    again after the others, until nothing moves any more.
    """
    db = library.db()
    if candidate_ids is None:
        candidate_ids = [
            int(entry["candidate_id"])
            for entry in rows(
                db,
                "SELECT candidate_id FROM candidates WHERE status = 'pending' AND certain = 1"
                " ORDER BY confidence DESC, candidate_id",
            )
        ]
    waiting = list(dict.fromkeys(candidate_ids))
    applied: list[int] = []
    refused: dict[int, str] = {}
    while waiting:
        before = len(applied)
        refused = {}
        for start in range(0, len(waiting), AT_ONCE):
            _apply_batch(db, waiting[start : start + AT_ONCE], by or audit.who(), applied, refused)
        waiting = list(refused) if len(applied) > before else []
    return ManyApplied(tuple(applied), tuple(refused.items()))


def _apply_batch(
    db: Database, ids: Sequence[int], by: str, applied: list[int], refused: dict[int, str]
) -> None:
    """Look at the files first, without holding the database; then write what still holds."""
    good: list[Candidate] = []
    folders: dict[str, str] = {}
    for candidate_id in ids:
        try:
            candidate = get(db, candidate_id)
            _refuse_decided(candidate, "applied")
            _refuse_needless(candidate)
            if candidate.match_type == "derivative":
                raise Refused("A file that shares only the name is linked by itself, never among many.")
            _unchanged_file(db, candidate, folders)
            good.append(candidate)
        except RushesError as error:
            refused[candidate_id] = str(error)
    with write(db):
        for candidate in good:
            try:
                with write(db):
                    _refuse_decided(get(db, candidate.candidate_id), "applied")
                    ledger.place(db, [placement_of(candidate)], by)
                    _audit(db, candidate, "applied", by)
                applied.append(candidate.candidate_id)
            except RushesError as error:
                refused[candidate.candidate_id] = str(error)


def reject(library: Library, candidate_id: int, *, why: str | None = None) -> None:
    """Say that this file is not the copy. The same pair is not proposed again while the file is unchanged.

    Raises:
        NotFound, IllegalTransition: see :func:`apply`.
    """
    _decide(library, candidate_id, "rejected", why)


def later(library: Library, candidate_id: int) -> None:
    """Put the verdict off; the candidate stays open.

    Raises:
        NotFound, IllegalTransition: see :func:`apply`.
    """
    _decide(library, candidate_id, "later", None)


def _decide(library: Library, candidate_id: int, after: str, why: str | None) -> None:
    db = library.db()
    by = audit.who()
    with write(db):
        candidate = get(db, candidate_id)
        _refuse_decided(candidate, after)
        _set_verdict(db, candidate_id, after, by)
        _audit(db, candidate, after, by, why)


def undo(library: Library, candidate_id: int) -> Candidate:
    """Take a verdict back.

    An applied candidate: the copy's row becomes what it was to the byte, and
    the candidates that were skipped for it are open again. A rejected one, and
    one put off, becomes pending. A skipped one is reopened by undoing the
    candidate that was applied instead.

    Raises:
        NotFound: there is no such candidate.
        IllegalTransition: it is pending (nothing to undo), or skipped.
        Refused: the copy has been placed anew since, or its old place is taken.
    """
    db = library.db()
    by = audit.who()
    with write(db):
        candidate = get(db, candidate_id)
        if candidate.status == "applied":
            if candidate.match_type == "derivative":
                derivatives.unlink(db, candidate)
            else:
                ledger.take_back(db, [candidate_id])
        elif candidate.status in ("rejected", "later"):
            _set_verdict(db, candidate_id, "pending", None)
        else:
            reason = (
                "another candidate was applied instead; undo that one."
                if candidate.status == "skipped"
                else "nothing has been decided."
            )
            raise IllegalTransition(f"Candidate {candidate_id} is {candidate.status}: {reason}")
        now = get(db, candidate_id)
        audit.record(
            db, "relink undo", target=_target(candidate), from_state=candidate.status,
            to_state=now.status, by=by,
        )  # fmt: skip
    return now


def undo_session(library: Library, session_id: str) -> int:
    """Undo everything that one session applied, all or nothing; return how many copies went back.

    Raises:
        NotFound: there is no such session.
        Refused: see :func:`undo`.
    """
    db = library.db()
    with write(db):
        session = sessions.get(db, session_id)
        applied = rows(
            db,
            "SELECT candidate_id, match_type FROM candidates WHERE session_id = ? AND status = 'applied'",
            (session.session_id,),
        )
        for entry in applied:
            if entry["match_type"] == "derivative":
                derivatives.unlink(db, get(db, entry["candidate_id"]))
        placed = [int(entry["candidate_id"]) for entry in applied if entry["match_type"] != "derivative"]
        ledger.take_back(db, placed)
        audit.record(
            db, "relink undo", target=f"session {session.session_id}", why=f"{len(applied)} candidates"
        )
    return len(applied)


# -- preconditions --------------------------------------------------------------
def _refuse_decided(candidate: Candidate, after: str) -> None:
    if after not in sessions.TRANSITIONS[candidate.status] or candidate.status not in sessions.OPEN:
        raise IllegalTransition(
            f"Candidate {candidate.candidate_id} is {candidate.status}; it cannot be {after}."
            + (" Undo that first." if candidate.status in ("applied", "rejected") else "")
        )


def _refuse_needless(candidate: Candidate) -> None:
    if not candidate.still_lost:
        raise Refused(
            f"{names.display(candidate.lost_path)} on {names.display(candidate.lost_volume_name)} needs no "
            f"other place: it is {candidate.lost_state}, or another copy of it can be reached."
        )


def _unchanged_file(db: Database, candidate: Candidate, folders: dict[str, str] | None = None) -> str:
    """Be sure that the file found by the scan is still there and the same; return its absolute path.

    ``folders`` remembers the volume of each folder while many files are looked at.
    """
    folders = {} if folders is None else folders
    shown = names.display(candidate.path)
    if candidate.found_path is None:
        raise VolumeGone(f"{names.display(candidate.volume_name)} is away, and {shown} with it.")
    try:
        folder = os.path.dirname(candidate.found_path)
        if folder not in folders:  # asked with a deadline: the mount may hang
            folders[folder] = places.place_of(db, folder).volume_id
        facts = os.lstat(candidate.found_path)
    except (FileNotFoundError, NotADirectoryError, NotFound) as error:
        raise Refused(f"{shown} has gone since the scan. Nothing was changed.") from error
    except OSError as error:
        raise Refused(f"{shown} cannot be looked at: {error.strerror}. Nothing was changed.") from error
    if folders[folder] != candidate.volume_id:
        raise VolumeGone(f"Another volume is mounted where {shown} was found. Nothing was changed.")
    if not stat.S_ISREG(facts.st_mode):
        raise Refused(f"{shown} is no longer a file. Nothing was changed.")
    if (facts.st_size, facts.st_mtime_ns) != (candidate.size, candidate.mtime_ns):
        raise Refused(f"{shown} has changed since the scan; scan again. Nothing was changed.")
    return candidate.found_path


def placement_of(candidate: Candidate) -> Placement:
    """What applying this candidate means for its copy."""
    read = candidate.evidence.get("read") or {}
    return Placement(
        candidate.candidate_id,
        candidate.copy_id,
        candidate.volume_id,
        candidate.path,
        candidate.size,
        candidate.mtime_ns,
        candidate.inode,
        verified_at=read.get("at"),
        verify_level=read.get("level"),
        keep_verified=candidate.match_type == "moved",
    )


def _set_verdict(db: Database, candidate_id: int, status: str, by: str | None) -> None:
    execute(
        db,
        "UPDATE candidates SET status = ?, decided_at = ?, decided_by = ? WHERE candidate_id = ?",
        (status, clock.now() if by else None, by, candidate_id),
    )


def _audit(db: Database, candidate: Candidate, after: str, by: str, why: str | None = None) -> None:
    job_id = scalar(db, "SELECT job_id FROM relink_sessions WHERE session_id = ?", (candidate.session_id,))
    verb = {"applied": "apply", "rejected": "reject", "later": "later"}[after]
    audit.record(
        db, f"relink {verb}", target=_target(candidate), job_id=job_id, from_state=candidate.status,
        to_state=after, why=why or f"{candidate.match_type} {candidate.confidence:g}", by=by,
    )  # fmt: skip


def _target(candidate: Candidate) -> str:
    return (
        f"{candidate.candidate_id}: {names.display(candidate.lost_shown)} -> "
        f"{names.display(candidate.found_path or candidate.path)}"
    )
