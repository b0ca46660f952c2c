"""The report as a table: one header, one line for each file. UTF-8, commas, RFC 4180."""

from __future__ import annotations

import base64
import csv
import io
from typing import BinaryIO

from engine.names import display, to_blob
from engine.reports.report import ClipRow, FileRow, Report, Section

COLUMNS = (
    "section", "source", "source_b64", "clip", "clip_id", "reel", "timecode", "duration_ms", "width",
    "height", "fps", "codec", "camera", "recorded_at", "file", "file_b64", "role", "size_bytes", "status",
    "failure_reason", "destinations", "levels", "verified_at", "blake3", "xxh128", "md5", "sha1", "c4",
    "verified_copies", "devices", "policy_fulfilled", "warnings", "started_at", "ended_at",
)  # fmt: skip
"""The columns. ``*_b64`` hold the exact bytes of a name that its text cannot give exactly."""

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write(report: Report, stream: BinaryIO) -> None:
    """Write the table."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    try:
        table = csv.writer(text)
        table.writerow(COLUMNS)
        for section in report.sections:
            for clip, file in section.rows():
                table.writerow(_line(section, clip, file))
    finally:
        text.detach()


def safe(text: str) -> str:
    """Text that a spreadsheet takes as text: what begins like a formula gets an apostrophe in front."""
    shown = display(text)
    return f"'{shown}" if shown.startswith(_STARTS) else shown


def _exact(name: str | None) -> str:
    """The bytes of a name as base 64 when its cell shows something else; else empty."""
    if name is None or safe(name) == name:
        return ""
    return base64.b64encode(to_blob(name)).decode("ascii")


def _line(section: Section, clip: ClipRow | None, file: FileRow) -> list[object]:
    places = file.places
    verified = [placed.verified_at for placed in places if placed.verified_at]
    return [
        safe(section.title),
        safe(section.source or ""),
        _exact(section.source),
        safe(clip.title) if clip else "",
        clip.clip_id if clip else "",
        safe(clip.reel or "") if clip else "",
        safe(clip.timecode or "") if clip else "",
        _number(clip.duration_ms if clip else None),
        _number(clip.width if clip else None),
        _number(clip.height if clip else None),
        _number(clip.fps if clip else None),
        safe(clip.codec or "") if clip else "",
        safe(clip.camera or "") if clip else "",
        (clip.recorded_at or "") if clip else "",
        safe(file.name),
        _exact(file.name),
        file.role or "",
        _number(file.size),
        file.status,
        safe(file.error or ""),
        safe("; ".join(f"{placed.volume}:{display(placed.path)} {placed.status}" for placed in places)),
        "; ".join(dict.fromkeys(placed.level for placed in places if placed.level)),
        max(verified) if verified else "",
        file.blake3 or "",
        file.xxh128 or "",
        file.md5 or "",
        file.sha1 or "",
        file.c4 or "",
        file.copies,
        file.devices,
        "" if file.enough is None else "yes" if file.enough else "no",
        safe("; ".join(clip.warnings)) if clip else "",
        section.started_at or "",
        section.ended_at or "",
    ]


def _number(value: float | None) -> str:
    return "" if value is None else str(value)
