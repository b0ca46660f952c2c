"""The report as one JSON document: two blanks of indent, ISO 8601, names escaped and exact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from engine.names import display, json_name
from engine.reports.report import ClipRow, FileRow, Report, Section

FORMAT = 1
"""Version of the document's shape."""


def write(report: Report, stream: BinaryIO) -> None:
    """Write the document, one section at a time."""
    head = json.dumps(_head(report), indent=2)
    stream.write(head[:-2].encode())  # without its last line break and brace: the sections go in there
    stream.write(b',\n  "sections": [')
    for number, section in enumerate(report.sections):
        stream.write(b",\n" if number else b"\n")
        stream.writelines(piece.encode() for piece in _section(section))
    stream.write(b"\n  ]\n}\n" if report.sections else b"]\n}\n")


def _head(report: Report) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": report.kind,
        "id": report.ident,
        "title": report.title,
        "production": report.production,
        "operator": report.operator,
        "tool": report.tool,
        "version": report.version,
        "host": report.host,
        "timezone": report.timezone,
        "made_at": report.made_at,
        "status": report.status,
        "good": report.good,
        "verdict": report.verdict,
        "started_at": report.started_at,
        "ended_at": report.ended_at,
        "policy": {"copies": report.copies, "devices": report.devices},
        "totals": {
            "cards": report.totals.cards,
            "clips": report.totals.clips,
            "files": report.totals.files,
            "bytes": report.totals.size,
            "duration_ms": report.totals.duration_ms,
        },
        "facts": dict(report.facts),
        "problems": [
            {"weight": problem.weight, "where": problem.where, "sentence": problem.sentence}
            for problem in report.problems
        ],
    }


def _section(section: Section) -> Iterator[str]:
    head = json.dumps(
        {
            "title": section.title,
            "kind": section.kind,
            **json_name("source", section.source),
            "status": section.status,
            "camera": section.camera,
            "first_timecode": section.first_timecode,
            "last_timecode": section.last_timecode,
            "started_at": section.started_at,
            "ended_at": section.ended_at,
            "seconds": section.seconds,
            "bytes": section.size,
            "bytes_per_second": None if section.rate is None else round(section.rate),
            "facts": dict(section.facts),
            "destinations": [
                {
                    "volume": target.volume,
                    "volume_id": target.volume_id,
                    **json_name("path", target.path),
                    "fs_type": target.fs_type,
                    "identity": target.identity,
                    "stage": 2 if target.second_stage else 1,
                    "verified": target.verified,
                    "present": target.present,
                    "failed": target.failed,
                    "waiting": target.waiting,
                    "bytes": target.size,
                    "levels": dict(target.levels),
                }
                for target in section.targets
            ],
        },
        indent=2,
    )
    yield _moved(head[:-2])
    yield from _list("clips", (_clip(clip) for clip in section.clips))
    yield from _list("files", (_file(file) for file in section.files))
    yield "\n    }"


def _list(key: str, entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield f',\n      "{key}": ['
    some = False
    for entry in entries:
        yield ",\n" if some else "\n"
        yield _moved(json.dumps(entry, indent=2), 8)
        some = True
    yield "\n      ]" if some else "]"


def _moved(text: str, by: int = 4) -> str:
    blanks = " " * by
    return "\n".join(blanks + line for line in text.split("\n"))


def _clip(clip: ClipRow) -> dict[str, Any]:
    return {
        "clip_id": clip.clip_id,
        "title": display(clip.title),
        "kind": clip.kind,
        "reel": clip.reel,
        "timecode": clip.timecode,
        "duration_ms": clip.duration_ms,
        "width": clip.width,
        "height": clip.height,
        "fps": clip.fps,
        "codec": clip.codec,
        "camera": clip.camera,
        "recorded_at": clip.recorded_at,
        "bytes": clip.size,
        "warnings": list(clip.warnings),
        "files": [_file(file) for file in clip.files],
    }


def _file(file: FileRow) -> dict[str, Any]:
    return {
        **json_name("name", file.name),
        "role": file.role,
        "size": file.size,
        "status": file.status,
        "error": file.error,
        "blake3": file.blake3,
        "xxh128": file.xxh128,
        "md5": file.md5,
        "sha1": file.sha1,
        "c4": file.c4,
        "verified_copies": file.copies,
        "devices": file.devices,
        "policy_fulfilled": file.enough,
        "destinations": [
            {
                "volume": placed.volume,
                **json_name("path", placed.path),
                "status": placed.status,
                "level": placed.level,
                "verified_at": placed.verified_at,
                "error": placed.error,
            }
            for placed in file.places
        ],
    }
