"""What is kept beside the records for speed, made anew from them."""

from __future__ import annotations

from sqlite_utils import Database

from engine.storage.database import rows, write
from engine.storage.schema import holdings, offered, packs, rolls, tallies, twice

_KEPT = ("clip_places", "volume_counts", "asset_safety", "asset_twice", "offer_counts")


def rebuild(db: Database) -> int:
    """Count all kept numbers again, in one transaction, then rebuild indexes and statistics.

    Returns:
        How many rows of kept numbers were wrong, missing or too many.
    """
    with write(db):
        before = _numbers(db)
        for part in (tallies, twice, holdings, rolls, packs, offered):
            for statement in part.RECOUNT:
                db.execute(statement)
        after = _numbers(db)
    db.execute("REINDEX")
    db.execute("ANALYZE")
    return max(len(before - after), len(after - before))


def _numbers(db: Database) -> set[tuple[object, ...]]:
    return {(table, *found.values()) for table in _KEPT for found in rows(db, f"SELECT * FROM {table}")}
