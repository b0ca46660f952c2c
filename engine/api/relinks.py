"""Finding lost copies again: scan, candidates, verdicts, and mapping of a whole prefix."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from engine import clock
from engine.api import jobs, views
from engine.api.candidates import Side
from engine.errors import WrongUse
from engine.jobs.store import Job, resolve
from engine.library import Library
from engine.names import json_name
from engine.relink import decisions, insides, mapping, prefixes, rules, sessions
from engine.relink import job as _job
from engine.relink import redo as _redo
from engine.relink.decisions import Candidate
from engine.supervisor import process

STATUSES = ("pending", "later", "applied", "rejected", "skipped")


def queue_scan(
    library: Library,
    path: str,
    *,
    auto_apply: bool = False,
    min_confidence: float = 0.95,
    full_hash: bool = False,
) -> dict[str, Any]:
    """Queue a scan of a folder or volume: ``session_id`` and ``job_id``.

    Args:
        library: whose lost copies are looked for.
        path: an existing folder.
        auto_apply: apply unambiguous matches of at least ``min_confidence`` by themselves.
        min_confidence: 0..1.
        full_hash: read every possible match to its end, so that nothing rests on a sample.

    Raises:
        NotFound, Refused: there is no such folder, or it cannot be read.
        WrongUse: a confidence outside 0..1.
    """
    if not 0.0 <= min_confidence <= 1.0:
        raise WrongUse("A confidence lies between 0 and 1.")
    process.ensure(library)
    session_id, job_id = _job.queue_scan(
        library,
        os.path.abspath(path),
        auto_apply=auto_apply,
        min_confidence=min_confidence,
        full_hash=full_hash,
    )
    return {"session_id": session_id, "job_id": job_id}


def wait(library: Library, job_id: str, on_change: Callable[[Job], None] | None = None) -> dict[str, Any]:
    """Follow a scan to its end: the document of ``relink scan --wait``."""
    job = jobs.follow(library, job_id, on_change)
    return {
        "session_id": job.params.get("session_id"),
        "files_scanned": 0,
        "files_hashed": 0,
        "offline": 0,
        "candidates": 0,
        "applied": 0,
        "conflicts": 0,
        "seconds": 0.0,
        **(job.result or {}),
        "job_id": job_id,
        "status": job.status,
        "error": job.error,
    }


def list_candidates(
    library: Library, statuses: tuple[str, ...] = (), session: str | None = None, limit: int = 1000
) -> list[dict[str, Any]]:
    """The document of ``relink list``, the most confident first.

    Raises:
        WrongUse: an unknown status.
    """
    if any(status not in STATUSES for status in statuses):
        raise WrongUse(f"A candidate's status is one of: {', '.join(STATUSES)}.")
    found = decisions.list_candidates(library.db(), statuses=statuses, session_id=session, limit=limit)
    return [describe(candidate) for candidate in found]


def apply(library: Library, candidate_id: int) -> dict[str, Any]:
    """Relink a copy to the file that was found; its rivals are skipped. Can be undone."""
    decisions.apply(library, candidate_id)
    return describe(decisions.get(library.db(), candidate_id))


def apply_certain(library: Library) -> dict[str, Any]:
    """Apply every pending candidate that is certain; refusals are listed."""
    certain = [
        candidate.candidate_id
        for candidate in decisions.list_candidates(
            library.db(), statuses=("pending", "later"), needed=True, limit=1_000_000
        )
        if candidate.certain
    ]
    done = decisions.apply_many(library, certain)
    return {
        "applied": list(done.applied),
        "refused": [{"candidate_id": which, "reason": why} for which, why in done.refused],
    }


def reject(library: Library, candidate_id: int) -> dict[str, Any]:
    """Say that the file is not the copy."""
    decisions.reject(library, candidate_id)
    return describe(decisions.get(library.db(), candidate_id))


def later(library: Library, candidate_id: int) -> dict[str, Any]:
    """Put the decision off."""
    decisions.later(library, candidate_id)
    return describe(decisions.get(library.db(), candidate_id))


def undo(library: Library, candidate_id: int) -> dict[str, Any]:
    """Take a verdict back; after an apply the copy is as it was, to the byte."""
    return describe(decisions.undo(library, candidate_id))


def redo(library: Library, candidate_id: int | None = None) -> dict[str, Any]:
    """Give a verdict again that was taken back; None takes the one taken back last.

    Raises:
        Refused: none was taken back, or it cannot be given now (the sentence says why).
    """
    return describe(_redo.redo(library, candidate_id))


def redo_session(library: Library, given: str) -> dict[str, Any]:
    """Apply again everything of a scan or a mapping that was applied and taken back, all or nothing."""
    found = sessions.get(library.db(), resolve(library.db(), "relink_sessions", "session_id", given, "scan"))
    return {"session_id": found.session_id, "redone": _redo.redo_session(library, found.session_id)}


def map_prefix(
    library: Library,
    old: str,
    new: str,
    *,
    dry_run: bool,
    quick: bool = False,
    keep: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    check: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Relink every lost copy below ``old`` to the same place below ``new``, in one transaction.

    What it applied can be taken back with :func:`undo_session` of the ``session_id`` that is returned.

    Args:
        library: whose copies are mapped.
        old: absolute folder as it was, also of a volume that is away.
        new: existing folder.
        dry_run: only say what would be hit, missed and in conflict.
        quick: with ``dry_run``: by name and size alone, opening no file; applying reads samples all the same.
        keep: apply it by itself to what a later sweep finds missing below ``old``, as ``relink.policy`` says.
        on_progress: gets the number of files looked at, and of all; from the calling thread.
        check: called often; may raise to give up before anything is changed.
    """
    old, new = os.path.abspath(old), os.path.abspath(new)
    mapped = mapping.map_prefix(
        library,
        old,
        new,
        dry_run=dry_run,
        quick=quick,
        progress=on_progress or _nothing,
        check=check or _nothing,
    )
    if keep and not dry_run:
        rules.keep(library.db(), mapped.old, mapped.new)
    return mapped.to_json()


def _nothing(*_: object) -> None:
    """Say nothing."""


def list_rules(library: Library) -> list[dict[str, Any]]:
    """The document of ``relink rules list``."""
    return [_rule(rule) for rule in rules.list_rules(library.db())]


def delete_rule(library: Library, rule_id: int) -> dict[str, Any]:
    """Drop a rule; what it relinked stays."""
    return _rule(rules.delete(library.db(), rule_id))


def restore_rule(library: Library, rule_id: int | None = None) -> dict[str, Any]:
    """Keep a rule again that was dropped; None takes the one that was dropped last."""
    return _rule(rules.restore(library.db(), rule_id))


def _rule(rule: rules.Rule) -> dict[str, Any]:
    return {
        "rule_id": rule.rule_id,
        **json_name("old", rule.old),
        **json_name("new", rule.new),
        "created_at": rule.created_at,
    }


def propose(library: Library, candidate_id: int | None = None) -> list[dict[str, Any]]:
    """Prefix mappings that confirmed relinks speak for, with something still lost below each.

    Args:
        library: the library.
        candidate_id: ask the relink of this candidate alone; None asks the newest hundred.

    Returns:
        ``old``, ``new``, ``votes`` and ``lost`` (copies still lost below ``old``), most votes first.
    """
    return [
        {
            **json_name("old", found.old),
            **json_name("new", found.new),
            "votes": found.votes,
            "lost": found.lost,
        }
        for found in prefixes.propose(library.db(), candidate_id)
    ]


def list_sessions(library: Library, limit: int = 100) -> list[dict[str, Any]]:
    """Scans and mappings, the newest first, with what became of them."""
    return [
        {**{k: v for k, v in asdict(found).items() if k != "scan_path"}, **json_name("path", found.scan_path)}
        for found in sessions.list_sessions(library.db(), limit)
    ]


def undo_session(library: Library, given: str) -> dict[str, Any]:
    """Take back everything that a scan or a mapping applied, to the byte."""
    found = sessions.get(library.db(), resolve(library.db(), "relink_sessions", "session_id", given, "scan"))
    return {"session_id": found.session_id, "undone": decisions.undo_session(library, found.session_id)}


def show(library: Library, candidate_id: int) -> dict[str, Any]:
    """The document of ``relink show``: a candidate and both sides of it, compared. Opens the file found.

    Raises:
        NotFound: there is no such candidate.
    """
    inside = insides.of_found(library, candidate_id)
    assert inside is not None
    detail = views.Candidates(library).detail(candidate_id)
    return {
        **describe(decisions.get(library.db(), candidate_id)),
        "rivals": detail.row.rivals,
        "known": _side(detail.known),
        "found": {**_side(detail.found), "why": inside.why},
    }


def _side(side: Side) -> dict[str, Any]:
    at = None if side.mtime_ns is None else datetime.fromtimestamp(side.mtime_ns / 1e9, UTC)
    return {
        "volume": side.volume,
        "volume_state": side.volume_state,
        **json_name("path", side.path),
        "size": side.size_bytes,
        "changed_at": None if at is None else clock.stamp(at),
        "duration_ms": side.duration_ms,
        "codec": side.codec,
        "blake3": side.blake3,
        "fast_hash": side.fast_hash,
    }


def describe(candidate: Candidate) -> dict[str, Any]:
    """One entry of the document of ``relink list``."""
    return {
        "candidate_id": candidate.candidate_id,
        "clip_id": candidate.clip_id,
        "clip_title": candidate.clip_title,
        **json_name("found_path", candidate.found_path or candidate.path),
        "found_volume": candidate.volume_name,
        **json_name("lost_path", candidate.lost_shown),
        "lost_volume": candidate.lost_volume_name,
        "match_type": candidate.match_type,
        "confidence": candidate.confidence,
        "certain": candidate.certain,
        "status": candidate.status,
        "evidence": candidate.evidence,
        "session_id": candidate.session_id,
        "size": candidate.size,
        "decided_at": candidate.decided_at,
        "decided_by": candidate.decided_by,
    }
