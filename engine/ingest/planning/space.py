"""Room on a volume, and work that is already queued for it."""

from __future__ import annotations

from sqlite_utils import Database

from engine.jobs.room import free_bytes, promised, reserve_of, size_bytes


def queued_bytes(db: Database, volume_id: str) -> int:
    """Bytes that jobs which have not ended, also exports, will still write to a volume."""
    return promised(db, volume_id)


__all__ = ["free_bytes", "queued_bytes", "reserve_of", "size_bytes"]
