"""What a maker's own file names say: reel, camera make, the camera's clock at the start of the recording.

Only names whose whole pattern is a maker's are read; a file that was renamed says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

SOURCE = "file name"
"""What is given as the source of a time that was taken from a name."""

_RED = re.compile(r"([a-z]\d{3})_[a-z]\d{3}_\d{4}[a-z0-9]{2}_\d{3}\.r3d", re.IGNORECASE)
"""``A001_C001_1120XY_001.R3D``: reel, clip, month and day, two characters, part."""

_ARRI = re.compile(r"([a-z]\d{3})c\d{3}_\d{6}_[a-z0-9]{4}(?:[._]\d{6,8})?\.(mxf|mov|ari|arx)", re.IGNORECASE)
"""``A001C003_261120_R0Z3.mxf``: reel and clip, day, camera; single frames have their number behind."""

_BRAW = re.compile(r"([a-z]\d{3})_\d{8}_c\d{3}\.braw", re.IGNORECASE)
"""``A001_11201200_C001.braw``: reel, month, day, hour and minute, clip."""

_DJI = re.compile(r"dji_(\d{14})_\d{4}(?:_[a-z]+)?\.(?:mp4|mov)", re.IGNORECASE)
_DJI_OLD = re.compile(r"dji_\d{4}(?:_\d{3})?\.(?:mp4|mov)", re.IGNORECASE)

_INSTA = re.compile(r"(?:pro_)?vid_(\d{8})_(\d{6})_\d{2}_\d{3}\.insv", re.IGNORECASE)

_HDV = re.compile(r"\d{2}_\d{4}_(\d{4})-(\d{2})-(\d{2})_(\d{6})\.m2t", re.IGNORECASE)
"""``00_0003_2026-11-20_120000.M2T``: camera, clip, day and time."""


def facts_of_name(name: str) -> dict[str, str]:
    """``make``, ``reel``, ``recorded_at`` (ISO 8601, the camera's clock, no zone) as far as a name says."""
    for pattern, read in _PATTERNS:
        match = pattern.fullmatch(name)
        if match is not None:
            return {key: value for key, value in read(match).items() if value}
    return {}


def _moment(digits: str) -> str:
    """``20261120120000`` as ISO 8601; empty when it is no moment."""
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").isoformat()  # noqa: DTZ007 - it has no zone
    except ValueError:
        return ""


def _arri(match: re.Match[str]) -> dict[str, str]:
    return {"reel": match[1].upper(), "make": "ARRI" if match[2].lower() in ("ari", "arx") else ""}


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], dict[str, str]]], ...] = (
    (_RED, lambda match: {"make": "RED", "reel": match[1].upper()}),
    (_ARRI, _arri),
    (_BRAW, lambda match: {"make": "Blackmagic Design", "reel": match[1].upper()}),
    (_DJI, lambda match: {"make": "DJI", "recorded_at": _moment(match[1])}),
    (_DJI_OLD, lambda _: {"make": "DJI"}),
    (_INSTA, lambda match: {"make": "Insta360", "recorded_at": _moment(match[1] + match[2])}),
    (_HDV, lambda match: {"recorded_at": _moment(match[1] + match[2] + match[3] + match[4])}),
)
