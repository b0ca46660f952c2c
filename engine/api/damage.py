"""Damaged copies and their repair, and the notices: the documents of ``damaged`` and ``notices``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.api import ingests, jobs, views
from engine.api.facts import DamagedRow, Notice
from engine.api.rows import Filter
from engine.errors import WrongUse
from engine.jobs.store import Job
from engine.library import Library
from engine.names import json_name


def describe(row: DamagedRow) -> dict[str, Any]:
    """One entry of the document of ``damaged list``; see :class:`engine.api.facts.DamagedRow`."""
    return {
        "copy_id": row.copy_id,
        "state": row.state,
        "clip_title": row.title,
        "volume": row.volume,
        "volume_state": row.volume_state,
        **json_name("path", row.path),
        "size": row.size_bytes,
        "good_copies": row.good,
        "good_copies_away": row.good_away,
        "verified_at": row.verified_at,
        "seen_at": row.seen_at,
    }


def list_damaged(library: Library, *, missing: bool = False) -> list[dict[str, Any]]:
    """Copies with other bytes than recorded; ``missing`` adds those gone from drives that are here."""
    source = views.Damaged(library)
    ids = source.ids(Filter(show="all" if missing else "active"))
    return [describe(row) for row in source.rows(ids)]


def repair(
    library: Library,
    copy_ids: Sequence[int],
    *,
    every: bool = False,
    on_change: Callable[[Job], None] | None = None,
) -> dict[str, Any]:
    """Make copies anew from good ones, as a job, and wait for it: ``repaired`` and ``not_repaired``.

    Args:
        library: the catalogue.
        copy_ids: copies of :func:`list_damaged`.
        every: all damaged copies of which a good one can be read now, instead.
        on_change: called with the job whenever it has changed.

    Raises:
        WrongUse: neither copies nor ``every`` were given, or both.
        NotFound: there is none to repair.
    """
    if bool(copy_ids) == every:
        raise WrongUse("Say which copies to repair (rushes damaged list), or --all.")
    wanted = list(copy_ids)
    if every:
        wanted = [
            int(entry["copy_id"])
            for entry in list_damaged(library)
            if entry["good_copies"] and entry["volume_state"] == "online"
        ]
    job = jobs.follow(library, ingests.queue_repair(library, wanted), on_change)
    return {
        "repaired": [],
        "not_repaired": [],
        **(job.result or {}),
        "job_id": job.job_id,
        "status": job.status,
        "error": job.error,
    }


def notices(library: Library, *, unseen: bool = False, limit: int = 200) -> list[dict[str, Any]]:
    """The document of ``notices``, the newest first; ``unseen`` leaves out what was looked at."""
    return [_notice(one) for one in views.notices(library, unseen=unseen, limit=limit)]


def saw_all(library: Library) -> None:
    """Remember that this person has looked at all notices."""
    views.saw_all(library)


def _notice(one: Notice) -> dict[str, Any]:
    return {
        "notice_id": one.notice_id,
        "at": one.at,
        "level": one.level,
        "text": one.text,
        "screen": one.place,
    }
