"""Room that jobs which have not ended will still take on volumes.

A job that knows its need when it is queued writes it down, and whoever plans
the next one counts it. A *need* is ``{"volume_id", "bytes", "when"}``: what is
written ``along`` the way shrinks as the job advances, what comes at its ``end``
stays until then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from engine.jobs import states
from engine.storage.database import rows, scalar

ALONG = "along"
END = "end"


RESERVE = 1 << 30
"""Bytes that stay free on a destination; on a volume below 100 GiB it is one hundredth of its size."""


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


def need(volume_id: str, size: int, when: str) -> dict[str, Any]:
    """One entry of a job's needs; ``when`` is :data:`ALONG` or :data:`END`, ``size`` in bytes."""
    return {"volume_id": volume_id, "bytes": size, "when": when}


def left(needs: Iterable[Mapping[str, Any]], volume_id: str, share_done: float) -> int:
    """Bytes that a job will still write to a volume. Pure. ``share_done`` is 0..1."""
    total = 0.0
    for entry in needs:
        if entry["volume_id"] == volume_id:
            total += entry["bytes"] * (1.0 - share_done if entry["when"] == ALONG else 1.0)
    return round(total)


def promised(db: Database, volume_id: str, *, besides: str | None = None) -> int:
    """Bytes that jobs which have not ended will still write to a volume; ``besides`` leaves one job out."""
    marks = ", ".join("?" * len(states.ACTIVE))
    found = rows(
        db,
        "SELECT job_id, kind, params, needs, done, total FROM jobs"
        f" WHERE status IN ({marks}) AND (kind = 'ingest' OR needs != '[]')",
        tuple(states.ACTIVE),
    )
    total = 0
    for job in found:
        if job["job_id"] == besides:
            continue
        share = min(1.0, job["done"] / job["total"]) if job["total"] else 0.0
        total += left(json.loads(job["needs"]), volume_id, share)
        if job["kind"] == "ingest":
            total += _of_ingest(db, job["job_id"], job["params"], volume_id)
    return total


def _of_ingest(db: Database, job_id: str, params: str, volume_id: str) -> int:
    """An ingest that has listed its files counts the copies that are open, else what it was planned with."""
    if scalar(db, "SELECT 1 FROM tasks WHERE job_id = ? LIMIT 1", (job_id,)) is None:
        return sum(
            int(target.get("needed", 0))
            for target in json.loads(params).get("destinations", ())
            if target["volume_id"] == volume_id
        )
    return int(
        scalar(
            db,
            "SELECT COALESCE(SUM(tasks.size), 0) FROM transfers JOIN tasks USING (task_id)"
            " WHERE job_id = ? AND transfers.volume_id = ? AND transfers.status IN ('queued', 'running')",
            (job_id, volume_id),
        )
    )
