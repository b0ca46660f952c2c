"""What a file's tags state: camera, reel, timecode, time of recording. Nothing is inferred."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

_MAKE = (
    "com.apple.quicktime.make",
    "com.android.manufacturer",
    "com.apple.proapps.manufacturer",  # QuickTime of Blackmagic cameras and recorders
    "make",
    "company_name",
    "manufacturer",
)
_MODEL = (
    "com.apple.quicktime.model",
    "com.android.model",
    "com.apple.proapps.cameraname",
    "model",
    "product_name",
    "camera_model_name",
)
_SERIAL = (
    "com.apple.quicktime.camera.serial",
    "camera_serial_number",
    "serial_number",
    "serial",
    "device_serial",
)
_REEL = ("reel_name", "com.apple.proapps.reel", "com.apple.quicktime.reel", "reel")
_PROGRAMS = ("ffmpeg", "lavf", "bmx", "libmxf", "handbrake", "obs")
"""MXF's company and product name the program that wrote the file; these are no cameras."""

_TIMECODE = re.compile(r"^\d{1,3}:\d{2}:\d{2}[:;.]\d{2,3}$")

_EARLIEST_YEAR = 1980
"""A clock that was never set says 1904 or 1970; no file-based camera is older than this."""


def tags_of(form: Mapping[str, Any], streams: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Merge the tags of a file, names in lower case; the container's word comes before the streams'."""
    merged: dict[str, str] = {}
    for holder in (form, *streams):
        for key, value in holder.get("tags", {}).items():
            if isinstance(value, str) and value.strip():
                merged.setdefault(key.lower(), value.strip())
    return merged


def timecode_of(tags: Mapping[str, str]) -> tuple[str | None, bool | None]:
    """Return (timecode of the first frame, drop-frame?)."""
    value = tags.get("timecode", "")
    if not _TIMECODE.match(value):
        return None, None
    return value, value[-3] in ";." or value[-4] in ";."


def camera(tags: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    """Return (make, model, serial number)."""
    make, model = _first(tags, _MAKE), _first(tags, _MODEL)
    if (make or "").lower().startswith(_PROGRAMS) or (model or "").lower().startswith(_PROGRAMS):
        make = model = None
    if make is None and tags.get("handler_name", "").lower().startswith("gopro"):
        make = "GoPro"
    return make, model, _first(tags, _SERIAL)


def reel_name(tags: Mapping[str, str]) -> str | None:
    """Return the reel or tape name."""
    return _first(tags, _REEL)


def umid_of(tags: Mapping[str, str]) -> str | None:
    """Return the material's UMID as hex digits in upper case."""
    text = tags.get("material_package_umid", "").removeprefix("0x").upper()
    return text if re.fullmatch(r"[0-9A-F]{64}", text) else None


_UMIDS = (("umid", "material_package_umid"), ("umid", "umid"), ("package", "file_package_umid"))
_IDENTIFIERS = (
    ("bwf", "originator_reference"),
    ("quicktime", "com.apple.quicktime.content.identifier"),
    ("clip", "com.apple.proapps.clipid"),
    ("clip", "clip_uuid"),
    ("clip", "clip_id"),
    ("clip", "uuid"),
    ("gopro", "gumi"),
    ("gopro", "media_unique_id"),
)
"""(kind, tag): where cameras and recorders write a number of the recording's own.

``originator_reference`` is the chunk ``bext`` of EBU Tech 3285 (its content EBU R 99), UMIDs are SMPTE 330M.
"""

_SHORTEST_IDENTIFIER = 8
"""Shorter ones are counters that start anew on every card."""


def identifiers_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the recording's own numbers, each as ``kind:value``; of one kind the first only.

    Kinds are ``umid`` (the material: the parts of one recording share it),
    ``package`` (this very file), ``bwf``, ``quicktime``, ``clip``, ``gopro``.
    """
    found: dict[str, str] = {}
    for kind, tag in _UMIDS:
        text = tags.get(tag, "").lower().removeprefix("0x").upper()
        # A bext chunk has room for 64 bytes; a short UMID leaves the second half, or all of it, zero.
        if re.fullmatch(r"[0-9A-F]{64}|[0-9A-F]{128}", text) and text.strip("0"):
            found.setdefault(kind, text[:64])
    for kind, tag in _IDENTIFIERS:
        text = tags.get(tag, "").strip()
        if len(text) >= _SHORTEST_IDENTIFIER and text.strip("0 -"):
            found.setdefault(kind, text)
    return tuple(f"{kind}:{value}" for kind, value in sorted(found.items()))


def recorded_at(tags: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return (ISO 8601, the field that said so).

    An offset is kept when the field carries one. ``creation_time`` is written
    as UTC by ffprobe whatever the camera meant, and many cameras store their
    local clock there: it is given without a zone.
    """
    stated = moment(tags.get("com.apple.quicktime.creationdate", ""), zone=True)
    if stated:
        return stated, "com.apple.quicktime.creationdate"
    for key in ("creation_time", "modification_date"):
        stated = moment(tags.get(key, ""), zone=False)
        if stated:
            return stated, key
    if "origination_date" in tags or "date" in tags:
        date = tags.get("origination_date") or tags.get("date", "")
        clock = tags.get("origination_time", "")
        stated = moment(f"{date}T{clock}" if clock else date, zone=True)
        if stated and "T" in stated:
            return stated, "origination_date" if "origination_date" in tags else "date"
    return None, None


def moment(text: str, *, zone: bool) -> str | None:
    """Read a time stamp and write it as ISO 8601 with seconds; ``None`` when it is none or absurd.

    ``zone``: whether its offset is to be believed and kept.
    """
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if when.year < _EARLIEST_YEAR or not re.search(r"[T ]", text.strip()):
        return None
    if not zone:
        when = when.replace(tzinfo=None)
    return when.isoformat(timespec="milliseconds" if when.microsecond else "seconds")


def _first(tags: Mapping[str, str], keys: Iterable[str]) -> str | None:
    return next((tags[key] for key in keys if key in tags), None)
