"""Frame rates as exact fractions: reading, snapping to the rate that was meant, telling a steady one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

COMMON: tuple[Fraction, ...] = tuple(
    Fraction(*pair)
    for pair in (
        (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48000, 1001), (48, 1), (50, 1),
        (60000, 1001), (60, 1), (100, 1), (120000, 1001), (120, 1),
    )
)  # fmt: skip
"""Rates that cameras record and editing programs expect; any other is worth a warning."""

_SNAP = Fraction(3, 10000)
"""How far a measured rate may be from the one meant: 24 and 23.976 are 1/1000 apart."""

_JITTER_SECONDS = 0.0015
"""Time stamps in whole milliseconds (Matroska) are up to 1 ms off for each of two frames' halves."""


def fraction(value: Any) -> Fraction | None:
    """Read ``"30000/1001"``, ``"12.48"`` or a number; ``None`` for 0/0, 0/1 rates of nothing, and no number.

    Zero itself is returned for ``"0.000"``: a length or a start may be zero, a rate with a
    zero denominator is none.
    """
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return None


def snapped(rate: Fraction) -> Fraction:
    """Return the common rate that ``rate`` is within 0.03 % of, else ``rate`` itself."""
    near = min(COMMON, key=lambda common: abs(rate / common - 1))
    return near if abs(rate / near - 1) <= _SNAP else rate


def is_common(rate: Fraction) -> bool:
    """Whether ``rate`` is one of :data:`COMMON`."""
    return rate in COMMON


def steady_rate(times: Sequence[float]) -> Fraction | None:
    """Return the one rate that the time stamps (seconds, any order) keep, or ``None`` when they do not.

    Fewer than three stamps prove nothing.
    """
    stamps = sorted(times)
    if len(stamps) < 3:
        return None
    steps = [after - before for before, after in pairwise(stamps)]
    if max(steps) - min(steps) > _JITTER_SECONDS or min(steps) <= 0:
        return None
    mean = (stamps[-1] - stamps[0]) / len(steps)
    rate = Fraction(1 / mean).limit_denominator(1001)
    # Over a few frames millisecond stamps tell the rate to about 1 in 1000: allow for what they hide.
    allowed = max(float(_SNAP), _JITTER_SECONDS / (stamps[-1] - stamps[0]))
    near = min(COMMON, key=lambda common: abs(rate / common - 1))
    return near if abs(rate / near - 1) <= allowed else rate
