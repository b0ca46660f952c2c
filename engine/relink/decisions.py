"""Verdicts on candidates: apply, reject, later, undo. Every verdict is audited; every apply can be undone."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from sqlite_utils import Database

from engine import clock, names
from engine.errors import IllegalTransition, Refused, RushesError, VolumeGone
from engine.library import Library
from engine.relink import derivatives, ledger, sessions, upgrade, verdicts
from engine.relink.candidates import Candidate, get, get_many, list_candidates
from engine.relink.ledger import Placement
from engine.relink.tree import Tree, hold
from engine.storage import audit, moving
from engine.storage.database import rows, scalar, write

__all__ = [
    "Applied", "Candidate", "ManyApplied", "apply", "apply_many", "get", "later", "list_candidates",
    "placement_of", "reject", "undo", "undo_session",
]  # fmt: skip

AT_ONCE = 500
"""Candidates applied per transaction when many are applied."""


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
        refuse_decided(candidate, "applied")
        _refuse_needless(candidate)
        with hold(db, candidate.volume_id) as tree:
            _refuse_needless(candidate, tree)
            _refuse_changed(tree, candidate)
            if candidate.match_type == "derivative":
                derivatives.link(db, tree, candidate, by)
                skipped = 0
            else:
                skipped = _place(db, [candidate], by)
    except Refused as error:
        audit.record(
            db, "relink apply", target=str(candidate_id), from_state=candidate.status,
            outcome="refused", error=str(error), by=by,
        )  # fmt: skip
        raise
    upgrade.prove_later(library, [candidate.volume_id])
    return Applied(candidate_id, candidate.found_path or candidate.path, skipped)


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
    applied: dict[int, str] = {}
    refused: dict[int, str] = {}
    while waiting:
        before = len(applied)
        refused = {}
        for start in range(0, len(waiting), AT_ONCE):
            _apply_batch(db, waiting[start : start + AT_ONCE], by or audit.who(), applied, refused)
        waiting = list(refused) if len(applied) > before else []
    upgrade.prove_later(library, applied.values())
    return ManyApplied(tuple(applied), tuple(refused.items()))


def _apply_batch(
    db: Database, ids: Sequence[int], by: str, applied: dict[int, str], refused: dict[int, str]
) -> None:
    """Look at the files first, without holding the database; then write what still holds.

    ``applied`` (candidate to volume) and ``refused`` (candidate to sentence) take the outcome.
    """
    good: list[Candidate] = []
    with ExitStack() as held:
        trees: dict[str, Tree | VolumeGone] = {}
        known = get_many(db, ids)
        for candidate_id in ids:
            try:
                candidate = known.get(candidate_id) or get(db, candidate_id)
                if candidate.match_type == "derivative":
                    refuse_decided(candidate, "applied")
                    raise Refused("A file that shares only the name is linked by itself, never among many.")
                refuse_unfit(_tree(db, candidate.volume_id, trees, held), candidate)
                good.append(candidate)
            except RushesError as error:
                refused[candidate_id] = str(error)
        with write(db):
            try:
                # Nearly always all fit: one statement for all of them.
                with write(db):
                    _place(db, good, by)
                applied.update({candidate.candidate_id: candidate.volume_id for candidate in good})
            except RushesError:
                _place_singly(db, good, by, applied, refused)


def _place_singly(
    db: Database, good: Sequence[Candidate], by: str, applied: dict[int, str], refused: dict[int, str]
) -> None:
    for candidate in good:
        try:
            _place(db, [candidate], by)
            applied[candidate.candidate_id] = candidate.volume_id
        except RushesError as error:
            refused[candidate.candidate_id] = str(error)


def _tree(db: Database, volume_id: str, trees: dict[str, Tree | VolumeGone], held: ExitStack) -> Tree:
    """The volume, opened once for all candidates of a batch, and what went wrong said for each."""
    if volume_id not in trees:
        try:
            trees[volume_id] = held.enter_context(hold(db, volume_id))
        except VolumeGone as error:
            trees[volume_id] = error
    tree = trees[volume_id]
    if isinstance(tree, VolumeGone):
        raise tree
    return tree


def _place(db: Database, candidates: Sequence[Candidate], by: str) -> int:
    """Write applies, all or none, in a transaction of its own or the open one; return the rivals skipped."""
    with write(db):
        now = get_many(db, [candidate.candidate_id for candidate in candidates])
        copies: set[int] = set()
        for candidate in candidates:
            refuse_decided(now.get(candidate.candidate_id, candidate), "applied")
            if candidate.copy_id in copies:
                raise Refused("Another candidate of this copy is applied already.")
            copies.add(candidate.copy_id)
        skipped = ledger.place(db, [placement_of(candidate) for candidate in candidates], by)
        for candidate in candidates:
            _audit(db, candidate, "applied", by)
    return skipped


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
        refuse_decided(candidate, after)
        verdicts.give(db, candidate, after, by)
        _audit(db, candidate, after, by, why)


def undo(library: Library, candidate_id: int) -> Candidate:
    """Take a verdict back.

    An applied candidate: the copy's row becomes what it was to the byte, and
    the candidates that were skipped for it are open again. One put off becomes
    pending, a rejected one what it was before. A skipped one is reopened by
    undoing the candidate that was applied instead.

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
            verdicts.take_back(db, candidate)
        else:
            reason = (
                "another candidate was applied instead; undo that one."
                if candidate.status == "skipped"
                else "nothing has been decided."
            )
            raise IllegalTransition(f"Candidate {candidate_id} is {candidate.status}: {reason}")
        now = get(db, candidate_id)
        _remember(db, [candidate_id], candidate.status)
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
    with moving.roomy(db), write(db):
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
        _remember(db, [int(entry["candidate_id"]) for entry in applied], "applied")
        audit.record(
            db, "relink undo", target=f"session {session.session_id}", why=f"{len(applied)} candidates"
        )
    return len(applied)


def _remember(db: Database, candidate_ids: Sequence[int], verdict: str) -> None:
    """Keep what was taken back, for :mod:`engine.relink.redo`."""
    moment = clock.now()
    db.conn.execute(
        "INSERT OR REPLACE INTO undone_verdicts (candidate_id, verdict, undone_at)"
        " SELECT value, ?, ? FROM json_each(?) ORDER BY key",
        (verdict, moment, json.dumps(list(candidate_ids))),
    )


# -- preconditions --------------------------------------------------------------
def refuse_unfit(tree: Tree, candidate: Candidate) -> None:
    """Be sure that a candidate can be applied now: open, needed, and its file on ``tree`` as it was found.

    Raises:
        IllegalTransition, Refused: see :func:`apply`.
    """
    refuse_decided(candidate, "applied")
    _refuse_needless(candidate, tree)
    _refuse_changed(tree, candidate)


def refuse_decided(candidate: Candidate, after: str) -> None:
    """Raise IllegalTransition when the candidate cannot become ``after``."""
    if after not in sessions.TRANSITIONS[candidate.status] or candidate.status not in sessions.OPEN:
        raise IllegalTransition(
            f"Candidate {candidate.candidate_id} is {candidate.status}; it cannot be {after}."
            + (" Undo that first." if candidate.status in ("applied", "rejected") else "")
        )


def _refuse_needless(candidate: Candidate, tree: Tree | None = None) -> None:
    """Refuse what is not lost; without ``tree``, the volume of the found file, only what is so anyway.

    A rename within a volume that was taken back is recorded where it was, and is not there: a look says so.
    """
    if candidate.still_lost:
        return
    if candidate.lost_volume_id == candidate.volume_id and (tree is None or _has_left(tree, candidate)):
        return
    raise Refused(
        f"{names.display(candidate.lost_path)} on {names.display(candidate.lost_volume_name)} needs no "
        f"other place: it is {candidate.lost_state}, or another copy of it can be reached."
    )


def _has_left(tree: Tree, candidate: Candidate) -> bool:
    if tree.inside(candidate.lost_path) is None:
        return False  # this mount does not show where it was
    try:
        tree.stat(candidate.lost_path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False


def _refuse_changed(tree: Tree, candidate: Candidate) -> None:
    """Be sure that the file found by the scan is still there and the same."""
    shown = names.display(candidate.path)
    try:
        facts = tree.stat(candidate.path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(f"{shown} has gone since the scan. Nothing was changed.") from error
    except OSError as error:
        raise Refused(f"{shown} cannot be looked at: {error.strerror}. Nothing was changed.") from error
    if not stat.S_ISREG(facts.st_mode):
        raise Refused(f"{shown} is no longer a file. Nothing was changed.")
    if (facts.st_size, facts.st_mtime_ns) != (candidate.size, candidate.mtime_ns):
        raise Refused(f"{shown} has changed since the scan; scan again. Nothing was changed.")


def placement_of(candidate: Candidate) -> Placement:
    """What applying this candidate means for its copy."""
    told = candidate.evidence
    read = told.get("read") or {}
    same_file = bool(told["inode"] and told["mtime"] and (told["blake3"] or told["fast_hash"]))
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
        keep_verified=same_file or candidate.match_type == "moved",
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
