"""DNxHD (SMPTE VC-3): the sizes, rates and bitrates that it knows. Pure. DNxHR knows all sizes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

_RATES = ("24000/1001", "24", "25", "30000/1001", "50", "60000/1001")


def _by_rate(*megabits: int) -> dict[str, int]:
    """Megabits per second for each of the rates of DNxHD; 0 where there is none."""
    return {rate: value for rate, value in zip(_RATES, megabits, strict=True) if value}


TABLE: dict[tuple[int, int], dict[str, dict[str, int]]] = {
    (1920, 1080): {
        "dnxhd_lb": _by_rate(36, 36, 36, 45, 75, 90),
        "dnxhd_sq": _by_rate(115, 115, 120, 145, 240, 290),
        "dnxhd_hq": _by_rate(175, 175, 185, 220, 365, 440),
        "dnxhd_hqx": _by_rate(175, 175, 185, 0, 365, 440),
    },
    (1280, 720): {
        "dnxhd_sq": _by_rate(60, 60, 60, 75, 120, 145),
        "dnxhd_hq": _by_rate(90, 90, 90, 110, 180, 220),
        "dnxhd_hqx": _by_rate(90, 90, 90, 0, 180, 220),
    },
}
"""Mb/s by size, quality and rate, of those that ffmpeg makes."""


def megabits(video: Mapping[str, Any], size: tuple[int, int], fps: Fraction) -> int | None:
    """Mb/s of a DNxHD picture of this size and rate; None when DNxHD has none such."""
    found: int | None = TABLE.get(size, {}).get(str(video.get("profile")), {}).get(str(fps))
    return found


def asked_for(video: Mapping[str, Any]) -> bool:
    """Whether a preset asks for DNxHD, which knows a few sizes and rates only; DNxHR knows all."""
    return str(video.get("profile") or "").startswith("dnxhd_")


def known(video: Mapping[str, Any]) -> str:
    """The sizes and rates of a DNxHD quality, in words: ``1920x1080 at 24, 25; 1280x720 at 50``."""
    profile = str(video.get("profile"))
    return "; ".join(
        f"{width}x{height} at {', '.join(f'{float(Fraction(rate)):.5g}' for rate in qualities[profile])}"
        for (width, height), qualities in TABLE.items()
        if profile in qualities
    )
