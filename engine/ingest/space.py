"""Room on a volume, work that is already queued for it, and how long an ingest may take."""

from __future__ import annotations

import json

from sqlite_utils import Database

from engine.jobs.room import free_bytes, promised, reserve_of, size_bytes
from engine.storage.database import rows

RECENT_JOBS = 5
"""Finished ingests whose rate gives the expected time of the next."""


def queued_bytes(db: Database, volume_id: str) -> int:
    """Bytes that jobs which have not ended, also exports, will still write to a volume."""
    return promised(db, volume_id)


def expected_seconds(db: Database, size: int, destinations: int) -> float | None:
    """Seconds that ``size`` bytes will take, by the rate of the last ingests; None before there was one."""
    found = rows(
        db,
        "SELECT result FROM jobs WHERE kind = 'ingest' AND result IS NOT NULL"
        " AND status IN ('completed', 'completed_with_warnings') ORDER BY ended_at DESC LIMIT ?",
        (RECENT_JOBS,),
    )
    copied = seconds = 0.0
    for entry in found:
        result = json.loads(entry["result"])
        copied += float(result.get("bytes") or 0)
        seconds += float(result.get("seconds") or 0)
    if not copied or not seconds or not destinations:
        return None
    return size / (copied / seconds)


__all__ = ["expected_seconds", "free_bytes", "queued_bytes", "reserve_of", "size_bytes"]
