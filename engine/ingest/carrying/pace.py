"""How fast each part of an ingest works, and which of them holds the others up.

A part is the source, the hashing, or a destination. Its rates are those of the
device itself: bytes by the seconds in which it was at work, not by the clock on
the wall, in which it may have waited for another part. The sums are kept with
the job (``jobs.parts``), so that they go on when the job is resumed.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["source", "hashing", "destination"]

WINDOW_SECONDS = 10.0
"""``now`` rates are of the work in this last span of time."""

_SUMS = ("written", "write_seconds", "read", "read_seconds", "other_seconds")


@dataclass
class Lane:
    """What one part did, over all runs of its job.

    Attributes:
        kind: what it is.
        written, write_seconds: bytes written, and the seconds that writing and flushing them took.
        read, read_seconds: bytes read (for a destination: read back), and the seconds that took.
        other_seconds: seconds of work that is neither, as hashing.
    """

    kind: Kind = "destination"
    written: int = 0
    write_seconds: float = 0.0
    read: int = 0
    read_seconds: float = 0.0
    other_seconds: float = 0.0

    @property
    def busy(self) -> float:
        """Seconds that this part was at work."""
        return self.write_seconds + self.read_seconds + self.other_seconds

    def plus(self, other: Lane) -> Lane:
        """Both together."""
        return Lane(self.kind, *(getattr(self, name) + getattr(other, name) for name in _SUMS))

    def since(self, other: Lane) -> Lane:
        """What came after ``other``."""
        return Lane(self.kind, *(getattr(self, name) - getattr(other, name) for name in _SUMS))

    def to_json(self) -> dict[str, Any]:
        """Rates in bytes per second, None where nothing was done; ``busy_seconds`` for comparison."""
        return {
            "kind": self.kind,
            "write_rate": _rate(self.written, self.write_seconds),
            "read_rate": _rate(self.read, self.read_seconds),
            "busy_seconds": round(self.busy, 3),
        }


class Pace:
    """The lanes of one job, with a memory of the last seconds. Used by the job's thread."""

    def __init__(self, stored: str | None) -> None:
        """``stored``: what :meth:`to_text` gave in an earlier run of the job, None in the first."""
        self.lanes: dict[str, Lane] = {
            name: Lane(part["kind"], *part["sums"]) for name, part in json.loads(stored or "{}").items()
        }
        self._past: deque[tuple[float, dict[str, Lane]]] = deque()

    def lane(self, name: str, kind: Kind) -> Lane:
        """The sums of one part, made on first use."""
        return self.lanes.setdefault(name, Lane(kind))

    def to_text(self, flying: Mapping[str, Lane], stages: Mapping[str, str]) -> str:
        """What is stored with the job, see :func:`parts`.

        Args:
            flying: what the file in hand adds to the sums so far.
            stages: what each part is doing now; one that is not named rests.
        """
        moment = time.monotonic()
        whole = dict(self.lanes)
        for name, lane in flying.items():
            whole[name] = whole[name].plus(lane) if name in whole else lane
        self._past.append((moment, whole))
        while len(self._past) > 2 and self._past[1][0] <= moment - WINDOW_SECONDS:
            self._past.popleft()
        before = self._past[0][1]
        return json.dumps(
            {
                name: {
                    "kind": lane.kind,
                    "sums": [getattr(lane, key) for key in _SUMS],
                    "stage": stages.get(name),
                    "now": _now(lane.since(before.get(name, Lane(lane.kind)))),
                }
                for name, lane in whole.items()
            }
        )


def parts(stored: str | None) -> list[dict[str, Any]]:
    """The parts of a job for people and programs, from ``jobs.parts``; [] when it has none.

    Each has ``name``, ``kind`` (``source hashing destination``), ``stage`` (what it does now, None while it
    rests), ``write_rate`` and ``read_rate`` (bytes per second of work, over all runs), ``write_rate_now`` and
    ``read_rate_now`` (of the last seconds), ``busy_seconds``, ``bytes_written``, ``bytes_read``, and
    ``bottleneck``: whether it was at work longest. Rates are None where nothing was done.
    """
    found = json.loads(stored or "{}")
    lanes = {name: Lane(part["kind"], *part["sums"]) for name, part in found.items()}
    slowest = bottleneck(lanes)
    order = ("source", "hashing", "destination")
    return [
        {
            "name": name,
            "stage": found[name]["stage"],
            **lane.to_json(),
            "write_rate_now": found[name]["now"][0],
            "read_rate_now": found[name]["now"][1],
            "bytes_written": lane.written,
            "bytes_read": lane.read,
            "bottleneck": name == slowest,
        }
        for name, lane in sorted(lanes.items(), key=lambda entry: order.index(entry[1].kind))
    ]


def _now(lane: Lane) -> list[int | None]:
    # A part that was stopped in the middle of a file may have less than before: that is no rate.
    return [
        _rate(max(0, lane.written), lane.write_seconds),
        _rate(max(0, lane.read), lane.read_seconds),
    ]


def _rate(size: int, seconds: float) -> int | None:
    return round(size / seconds) if size and seconds > 0 else None


def bottleneck(lanes: Mapping[str, Lane]) -> str | None:
    """Name of the part that was at work longest; None when nothing was done."""
    busiest = max(lanes, key=lambda name: lanes[name].busy, default=None)
    return busiest if busiest is not None and lanes[busiest].busy > 0 else None
