"""How full a drive may become before it is said: once when it happens, once when there is room again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from engine import clock
from engine.storage import config
from engine.storage.database import rows, write
from engine.volumes import store
from engine.volumes.store import Change

AGAIN = 1.1
"""There is room again above the limit times this: a figure that sways about it is not told at every turn."""


@dataclass(frozen=True)
class Limits:
    """A volume is low on space below both: a share of its size (0..1), and so many bytes.

    5 % of a large pool is room for days, and 20 GB of a small card is more than it holds.
    """

    share: float
    bytes: int


def limits() -> Limits:
    """The settings ``volumes.low_percent`` and ``volumes.low_gigabytes``."""
    settings = config.open_config()
    try:
        percent = int(config.get(settings, "volumes.low_percent"))
        gigabytes = int(config.get(settings, "volumes.low_gigabytes"))
    finally:
        settings.close()
    return Limits(percent / 100, gigabytes * 10**9)


def is_low(size: int, free: int, bounds: Limits, *, was_low: bool = False) -> bool:
    """Whether so much free space (bytes) is little for a volume of this size (bytes). Pure."""
    bound = min(bounds.bytes, size * bounds.share)
    return free < bound * (AGAIN if was_low else 1)


def notice(db: Database) -> list[Change]:
    """Compare the free space of what is online with the limits; write and return what is news.

    Cards and what cannot be written are meant to be full; what is away keeps its last word.
    """
    found = rows(
        db,
        "SELECT volume_id, size_bytes, free_bytes, low_since FROM volumes WHERE state = 'online'"
        " AND size_bytes > 0 AND free_bytes IS NOT NULL"
        " AND NOT read_only AND class <> 'card' AND (class NOT IN ('system', 'virtual')"
        "  OR tracked_at IS NOT NULL"
        "  OR EXISTS (SELECT 1 FROM copies WHERE copies.volume_id = volumes.volume_id))",
    )
    if not found:
        return []
    bounds = limits()
    changes: list[Change] = []
    for entry in found:
        was_low = entry["low_since"] is not None
        low = is_low(entry["size_bytes"], entry["free_bytes"], bounds, was_low=was_low)
        if low == was_low:
            continue
        with write(db):
            told = db.execute(
                "UPDATE volumes SET low_since = ? WHERE volume_id = ? AND (low_since IS NULL) = ?",
                (clock.now() if low else None, entry["volume_id"], int(low)),
            )
            if told.rowcount:  # another process may have been the first to notice
                detail = {"free": entry["free_bytes"], "size": entry["size_bytes"]}
                kind = "low space" if low else "space again"
                changes.append(store.add_event(db, entry["volume_id"], kind, detail))
    return changes
