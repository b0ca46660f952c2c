"""How fast each part of an ingest worked, and which of them held the others up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Lane:
    """What one part did in one run.

    Attributes:
        written, write_seconds: bytes written, and the seconds that writing and flushing them took.
        read, read_seconds: bytes read (for a destination: read back), and the seconds that took.
        other_seconds: seconds of work that is neither, as hashing.
    """

    written: int = 0
    write_seconds: float = 0.0
    read: int = 0
    read_seconds: float = 0.0
    other_seconds: float = 0.0

    @property
    def busy(self) -> float:
        """Seconds that this part was at work."""
        return self.write_seconds + self.read_seconds + self.other_seconds

    def to_json(self) -> dict[str, Any]:
        """Rates in bytes per second, None where nothing was done; ``busy_seconds`` for comparison."""
        return {
            "write_rate": _rate(self.written, self.write_seconds),
            "read_rate": _rate(self.read, self.read_seconds),
            "busy_seconds": round(self.busy, 3),
        }


def _rate(size: int, seconds: float) -> int | None:
    return round(size / seconds) if size and seconds > 0 else None


def bottleneck(lanes: Mapping[str, Lane]) -> str | None:
    """Name of the part that was at work longest; None when nothing was done."""
    busiest = max(lanes, key=lambda name: lanes[name].busy, default=None)
    return busiest if busiest is not None and lanes[busiest].busy > 0 else None
