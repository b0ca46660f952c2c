"""Copies that lie on volumes: what a scrub re-read, and all that a volume holds."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine import clock
from engine.jobs.store import Job
from engine.library import Library
from engine.names import display, from_blob, to_blob
from engine.reports.clips import Entry, assemble
from engine.reports.policy import Kept, Policy, kept
from engine.reports.report import FileRow, Placed, Problem, Section, Target
from engine.reports.words import moment, size
from engine.storage.database import Row, row, rows

_COPIES = (
    "SELECT copy_states.*, assets.blake3, assets.xxh128, assets.md5, assets.sha1, assets.c4"
    " FROM copy_states JOIN assets USING (asset_id)"
)


def verified_section(library: Library, job: Job, policy: Policy) -> tuple[Section, list[Problem]]:
    """What a scrub read: copies proven since it began, and those that it found in trouble."""
    db = library.db()
    params = job.params
    volume_id, folder = params.get("volume_id"), params.get("folder") or ""
    found = rows(
        db,
        f"{_COPIES} WHERE role != 'source' AND verified_at >= :since AND verified_at <= :until"
        " AND (:volume IS NULL OR volume_id = :volume)"
        " AND (:folder = x'' OR path = :folder OR substr(path, 1, length(:below)) = :below)"
        " ORDER BY volume_name, path",
        {
            "since": job.started_at or clock.now(),
            "until": job.ended_at or clock.now(),
            "volume": volume_id,
            "folder": to_blob(folder),
            "below": to_blob(folder + "/"),
        },
    )
    bad: list[FileRow] = []
    problems: list[Problem] = []
    for task in rows(db, "SELECT * FROM tasks WHERE job_id = ? ORDER BY position", (job.job_id,)):
        data = json.loads(task["data"] or "{}")
        path = from_blob(task["name"])[len(str(data.get("volume_id", ""))) + 1 :]
        volume = str(data.get("volume", ""))
        kind = str(task["error_kind"] or task["status"])
        bad.append(
            FileRow(
                name=path,
                role=None,
                size=task["size"],
                status=kind,
                error=task["error"],
                blake3=data.get("expected"),
                enough=None,
                places=(Placed(volume, path, kind, error=task["error"]),),
            )
        )
        problems.append(Problem("error", display(volume), task["error"] or kind))
    clips, files = assemble(library, _entries(library, found, policy))
    result = job.result or {}
    return (
        Section(
            title=job.title,
            kind="scrub",
            source=None,
            status=job.status,
            started_at=job.started_at,
            ended_at=job.ended_at,
            seconds=float(result["seconds"]) if result.get("seconds") is not None else None,
            facts=(
                ("copies read", f"{result.get('checked', job.done):,}"),
                ("bytes read", size(result.get("bytes", job.bytes_done))),
                ("not read, volume away", f"{result.get('offline', 0):,}"),
            ),
            targets=_targets(found),
            clips=clips,
            files=(*bad, *files),
        ),
        problems,
    )


def volume_section(library: Library, volume: Row, policy: Policy) -> tuple[Section, list[Problem]]:
    """Everything that is recorded on a volume (a row of ``volumes``), sources of ingests left out."""
    db = library.db()
    found = rows(
        db, f"{_COPIES} WHERE volume_id = ? AND role != 'source' ORDER BY path", (volume["volume_id"],)
    )
    clips, files = assemble(library, _entries(library, found, policy))
    problems = [
        Problem(
            "error",
            display(from_blob(entry["path"])),
            "Its bytes differ from what was verified."
            if entry["state"] == "damaged"
            else "It was not there at the last complete scan.",
        )
        for entry in found
        if entry["state"] in ("damaged", "missing")
    ]
    device = (
        row(db, "SELECT * FROM devices WHERE device_id = ?", (volume["device_id"],))
        if volume["device_id"]
        else None
    )
    facts = [
        ("file system", volume["fs_type"] or "-"),
        ("file system id", volume["fs_uuid"] or "-"),
        ("size", size(volume["size_bytes"])),
        ("free", size(volume["free_bytes"])),
        ("last seen", moment(volume["last_seen_at"])),
    ]
    if device:
        hardware = " ".join(display(device[key]) for key in ("vendor", "model", "serial") if device[key])
        facts.append(("hardware", hardware or "-"))
    mount = from_blob(volume["mount_point"]) if volume["mount_point"] else None
    return (
        Section(
            title=display(volume["name"]),
            kind="volume",
            source=mount,
            status=volume["state"],
            facts=tuple(facts),
            targets=_targets(found),
            clips=clips,
            files=files,
        ),
        problems,
    )


def _entries(library: Library, found: Sequence[Row], policy: Policy) -> list[Entry]:
    amounts = kept(library.db(), [int(entry["asset_id"]) for entry in found])
    made = []
    for entry in found:
        amount = amounts.get(int(entry["asset_id"]), Kept())
        path = from_blob(entry["path"])
        state = str(entry["seen_as"])
        made.append(
            Entry(
                int(entry["asset_id"]),
                FileRow(
                    name=path,
                    role=None,
                    size=entry["size"],
                    status=state,
                    blake3=entry["blake3"],
                    xxh128=entry["xxh128"],
                    md5=entry["md5"],
                    sha1=entry["sha1"],
                    c4=entry["c4"],
                    copies=amount.copies,
                    devices=amount.devices,
                    enough=amount.fulfils(policy),
                    places=(
                        Placed(
                            entry["volume_name"], path, state, entry["verify_level"], entry["verified_at"]
                        ),
                    ),
                ),
            )
        )
    return made


def _targets(found: Sequence[Row]) -> tuple[Target, ...]:
    by_volume: dict[str, list[Row]] = {}
    for entry in found:
        by_volume.setdefault(entry["volume_id"], []).append(entry)
    made = []
    for volume_id, entries in by_volume.items():
        levels: dict[str, int] = {}
        for entry in entries:
            if entry["verify_level"]:
                levels[entry["verify_level"]] = levels.get(entry["verify_level"], 0) + 1
        proven = [entry for entry in entries if entry["verified_at"] and entry["state"] == "present"]
        made.append(
            Target(
                volume=entries[0]["volume_name"],
                volume_id=volume_id,
                path="",
                fs_type=None,
                verified=len(proven),
                present=sum(1 for entry in entries if entry["state"] == "present") - len(proven),
                failed=sum(1 for entry in entries if entry["state"] != "present"),
                waiting=0,
                size=sum(int(entry["size"]) for entry in proven),
                levels=tuple(sorted(levels.items())),
            )
        )
    return tuple(made)
