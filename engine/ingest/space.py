"""Room on a volume, work that is already queued for it, and how long an ingest may take."""

from __future__ import annotations

import json
import os

from sqlite_utils import Database

from engine.jobs import states
from engine.storage.database import rows, scalar

RESERVE = 1 << 30
"""Bytes that stay free on a destination; on a volume below 100 GiB it is one hundredth of its size."""

RECENT_JOBS = 5
"""Finished ingests whose rate gives the expected time of the next."""


def reserve_of(size: int | None) -> int:
    """Bytes to be left free on a volume of ``size`` bytes; None is an unknown size."""
    return RESERVE if size is None else min(RESERVE, size // 100)


def free_bytes(path: str) -> int | None:
    """Bytes this user may still write at ``path`` (its parent, when it is not made yet); None if unknown."""
    facts = _statvfs(path)
    return None if facts is None else facts.f_bavail * facts.f_frsize


def size_bytes(path: str) -> int | None:
    """Size of the file system at ``path`` (or its parent, when it is not made yet); None if unknown."""
    facts = _statvfs(path)
    return None if facts is None else facts.f_blocks * facts.f_frsize


def _statvfs(path: str) -> os.statvfs_result | None:
    for place in (path, os.path.dirname(path)):
        try:
            return os.statvfs(place)
        except OSError:
            continue
    return None


def queued_bytes(db: Database, volume_id: str) -> int:
    """Bytes that ingests which have not ended will still write to a volume."""
    total = 0
    marks = ", ".join("?" * len(states.ACTIVE))
    for job in rows(
        db,
        f"SELECT job_id, params FROM jobs WHERE kind = 'ingest' AND status IN ({marks})",
        tuple(states.ACTIVE),
    ):
        listed = scalar(db, "SELECT 1 FROM tasks WHERE job_id = ? LIMIT 1", (job["job_id"],))
        if listed is None:
            params = json.loads(job["params"])
            total += sum(
                int(target.get("needed", 0))
                for target in params.get("destinations", ())
                if target["volume_id"] == volume_id
            )
            continue
        total += int(
            scalar(
                db,
                "SELECT COALESCE(SUM(tasks.size), 0) FROM transfers JOIN tasks USING (task_id)"
                " WHERE job_id = ? AND transfers.volume_id = ? AND transfers.status IN ('queued', 'running')",
                (job["job_id"], volume_id),
            )
        )
    return total


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
