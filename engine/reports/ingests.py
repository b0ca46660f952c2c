"""Cards that were taken in: one section for each source of an ingest."""

from __future__ import annotations

import os
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.ingest.carrying import pace
from engine.ingest.records.results import OF_ITEM
from engine.library import Library
from engine.names import display, from_blob
from engine.reports.clips import Entry, assemble
from engine.reports.policy import Kept, Policy, kept
from engine.reports.report import ClipRow, FileRow, Placed, Problem, Section, Target
from engine.reports.words import moment, size
from engine.storage.database import Row, rows

_SPOKEN = {
    "completed": "verified",
    "skipped": "present",
    "failed": "failed",
    "cancelled": "cancelled",
    "queued": "waiting",
    "running": "waiting",
}
"""State of a transfer, as a report says it."""

ITEMS = (
    "SELECT batch_items.*, cards.kind AS card_kind, cards.label AS card_label, jobs.params, jobs.created_by,"
    " jobs.parts"
    " FROM batch_items JOIN jobs USING (job_id) LEFT JOIN cards USING (card_id)"
)
"""What :func:`section` needs of an item."""


def section(library: Library, item: Row, policy: Policy) -> tuple[Section, list[Problem]]:
    """One source of an ingest (a row of :data:`ITEMS`) with everything that is to be said about it."""
    db = library.db()
    source = from_blob(item["source"]) if item["source"] is not None else None
    title = display(item["card_label"] or os.path.basename(source or "") or "card")
    tasks = rows(
        db,
        "SELECT tasks.*, assets.blake3, assets.xxh128, assets.md5, assets.sha1, assets.c4 FROM tasks"
        f" LEFT JOIN assets USING (asset_id) WHERE {OF_ITEM} ORDER BY position",
        (item["item_id"],),
    )
    places = _places(db, int(item["item_id"]))
    amounts = kept(db, [int(task["asset_id"]) for task in tasks if task["asset_id"] is not None])
    entries = [_entry(task, places, amounts, policy) for task in tasks]
    clips, files = assemble(library, entries, item["card_id"])
    started, ended = item["started_at"], item["ended_at"]
    made = Section(
        title=title,
        kind=(item["card_kind"] or "folder").replace("_", " "),
        source=source,
        status=status_of(item),
        camera=_camera(clips),
        first_timecode=next((clip.timecode for clip in clips if clip.timecode), None),
        last_timecode=next((clip.timecode for clip in reversed(clips) if clip.timecode), None),
        started_at=started,
        ended_at=ended,
        seconds=clock.seconds_between(started, ended) if started and ended else None,
        facts=_facts(item),
        targets=_targets(db, int(item["item_id"])),
        clips=clips,
        files=files,
    )
    return made, _problems(item, made, tasks)


def status_of(item: Row) -> str:
    """The state of a row of :data:`ITEMS`; one of which some files failed is not simply completed."""
    if item["status"] == "completed" and item["failed"]:
        return "completed_with_warnings"
    return str(item["status"])


def _places(db: Database, item_id: int) -> dict[int, list[Placed]]:
    found: dict[int, list[Placed]] = {}
    for entry in rows(
        db,
        "SELECT transfers.*, volumes.name AS volume FROM transfers JOIN tasks USING (task_id)"
        f" JOIN volumes USING (volume_id) WHERE {OF_ITEM} ORDER BY transfer_id",
        (item_id,),
    ):
        placed = Placed(
            volume=entry["volume"],
            path=from_blob(entry["path"]),
            status=_SPOKEN[entry["status"]],
            level=entry["level"] if entry["status"] in ("completed", "skipped") else None,
            verified_at=entry["verified_at"],
            error=entry["error"],
        )
        found.setdefault(int(entry["task_id"]), []).append(placed)
    return found


def _entry(task: Row, places: dict[int, list[Placed]], amounts: dict[int, Kept], policy: Policy) -> Entry:
    asset = None if task["asset_id"] is None else int(task["asset_id"])
    amount = amounts.get(asset, Kept()) if asset is not None else Kept()
    file = FileRow(
        name=from_blob(task["name"]),
        role=None,
        size=task["size"],
        status=task["status"],
        error=task["error"],
        blake3=task["blake3"],
        xxh128=task["xxh128"],
        md5=task["md5"],
        sha1=task["sha1"],
        c4=task["c4"],
        copies=amount.copies,
        devices=amount.devices,
        enough=amount.fulfils(policy) if asset is not None else None,
        places=tuple(places.get(int(task["task_id"]), ())),
    )
    return Entry(asset, file)


_NUMBERED = (
    " FROM (SELECT transfers.*, row_number() OVER (PARTITION BY task_id ORDER BY transfer_id) AS number"
    f" FROM transfers JOIN tasks USING (task_id) WHERE {OF_ITEM}) AS transfers"
    " JOIN tasks USING (task_id) JOIN volumes USING (volume_id)"
)
"""Transfers with the number of their destination: every task has one for each, in the order of the ingest."""


def _targets(db: Database, item_id: int) -> tuple[Target, ...]:
    """The destinations of an item, in the order in which they were given."""
    found: dict[int, dict[str, Any]] = {}
    for entry in rows(
        db,
        "SELECT number, volume_id, volumes.name, volumes.fs_type, volumes.label, volumes.fs_uuid,"
        " volumes.share, hop, transfers.status, transfers.level,"
        f" count(*) AS files, SUM(tasks.size) AS bytes{_NUMBERED}"
        " GROUP BY number, transfers.status, transfers.level ORDER BY number",
        (item_id,),
    ):
        one = found.setdefault(int(entry["number"]), {"row": entry, "counts": {}, "size": 0, "levels": {}})
        word = _SPOKEN[entry["status"]]
        one["counts"][word] = one["counts"].get(word, 0) + int(entry["files"])
        if word == "verified":
            one["size"] += int(entry["bytes"] or 0)
        if entry["level"] and word in ("verified", "present"):
            one["levels"][entry["level"]] = one["levels"].get(entry["level"], 0) + int(entry["files"])
    folders = _folders(db, item_id)
    return tuple(
        Target(
            volume=one["row"]["name"],
            volume_id=one["row"]["volume_id"],
            path=folders.get(number, ""),
            fs_type=one["row"]["fs_type"],
            verified=one["counts"].get("verified", 0),
            present=one["counts"].get("present", 0),
            failed=one["counts"].get("failed", 0),
            waiting=one["counts"].get("waiting", 0) + one["counts"].get("cancelled", 0),
            size=one["size"],
            levels=tuple(sorted(one["levels"].items())),
            identity=_identity(one["row"]),
            second_stage=one["row"]["hop"] == 2,
        )
        for number, one in found.items()
    )


def _identity(volume: Row) -> str:
    """What a volume is known by, so that the drive can be told from its sisters years later."""
    known = (
        volume["fs_type"],
        f"label {display(volume['label'])}" if volume["label"] else None,
        f"UUID {display(volume['fs_uuid'])}" if volume["fs_uuid"] else None,
        display(volume["share"]) if volume["share"] else None,
    )
    return ", ".join(part for part in known if part)


def _folders(db: Database, item_id: int) -> dict[int, str]:
    """The folder at each destination in which the item's files were put, as the first of them shows it."""
    found: dict[int, str] = {}
    for entry in rows(
        db,
        f"SELECT number, transfers.path, tasks.name{_NUMBERED} WHERE transfers.stage IS NOT 'duplicate'"
        " GROUP BY number HAVING transfer_id = min(transfer_id)",
        (item_id,),
    ):
        path, name = from_blob(entry["path"]), from_blob(entry["name"])
        folder = path[: -len(name)] if path.endswith(name) else os.path.dirname(path)
        found[int(entry["number"])] = folder.rstrip("/")
    return found


def _camera(clips: tuple[ClipRow, ...]) -> str | None:
    return ", ".join(dict.fromkeys(clip.camera for clip in clips if clip.camera)) or None


def _facts(item: Row) -> tuple[tuple[str, str], ...]:
    found = [
        ("files found", f"{item['files_found']:,}"),
        ("newly verified", f"{item['files_ingested']:,}"),
        ("there already", f"{item['duplicates']:,}"),
        ("failed", f"{item['failed']:,}"),
    ]
    if item["freed_at"]:
        found.append(("source free", f"{moment(item['freed_at'])} (verified at every first destination)"))
    found.extend(_rates(pace.parts(item["parts"])))
    return tuple(found)


def _rates(parts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """How fast each device worked, and which of them held the others up; of the whole job."""
    said: list[str] = []
    for part in parts:
        rates = [
            f"{size(part[key])}/s {word}"
            for key, word in (
                ("read_rate", "read" if part["kind"] == "source" else "read back"),
                ("write_rate", "written"),
            )
            if part[key]
        ]
        if rates:
            said.append(f"{part['name']} {', '.join(reversed(rates))}")
    slowest = [str(part["name"]) for part in parts if part["bottleneck"]]
    return [("rates", "; ".join(said))] * bool(said) + [("slowest part", name) for name in slowest]


def _problems(item: Row, made: Section, tasks: list[Row]) -> list[Problem]:
    found: list[Problem] = []
    if item["error"] and not any(task["status"] == "failed" for task in tasks):
        weight = "error" if item["status"] == "failed" else "warning"
        found.append(Problem("error" if weight == "error" else "warning", made.title, item["error"]))
    for _, file in made.rows():
        where = f"{made.title}: {display(file.name)}"
        if file.error:
            found.append(Problem("error", where, file.error))
        found.extend(
            Problem("error", where, f"{display(placed.volume)}: {placed.error}")
            for placed in file.places
            if placed.error and placed.error != file.error
        )
    waiting = sum(1 for task in tasks if task["status"] in ("queued", "running"))
    if waiting:
        found.append(Problem("error", made.title, f"{waiting} files are not yet taken in everywhere."))
    cancelled = sum(1 for task in tasks if task["status"] == "cancelled")
    if cancelled:
        found.append(Problem("error", made.title, f"{cancelled} files were cancelled and not taken in."))
    found.extend(_warnings(made))
    return found


def _warnings(made: Section) -> list[Problem]:
    """What is to be said about clips; the same sentence about many of them is said once."""
    said: dict[str, list[str]] = {}
    for clip in made.clips:
        for text in clip.warnings:
            said.setdefault(text, []).append(clip.title)
    found = []
    for text, titles in said.items():
        where = ", ".join(titles[:3]) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")
        found.append(Problem("warning", f"{made.title}: {where}", text))
    return found
