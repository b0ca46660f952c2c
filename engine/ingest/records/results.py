"""How an ingest went, derived from its rows: the record that ``ingest --wait`` prints."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.jobs.states import verdict
from engine.names import from_blob, json_name
from engine.storage.database import Row, row, rows, scalar

OF_ITEM = (
    "tasks.job_id = (SELECT job_id FROM batch_items WHERE batch_items.item_id = ?1) AND tasks.item_id = ?1"
)
"""Condition for the tasks of an item, whose id is the first parameter: their index begins with the job."""


def item_status(counts: dict[str, int]) -> str:
    """The state of an item from its files: ``failed`` only when nothing of it was taken in."""
    failed, total = counts.get("failed", 0), sum(counts.values())
    return "failed" if failed and failed == total else "completed"


def count_tasks(db: Database, item_id: int) -> dict[str, int]:
    """Number of an item's tasks per state."""
    return {
        str(entry["status"]): int(entry["n"])
        for entry in rows(
            db, f"SELECT status, count(*) AS n FROM tasks WHERE {OF_ITEM} GROUP BY status", (item_id,)
        )
    }


def job_status(db: Database, job_id: str) -> str:
    """The verdict over all files and sources of an ingest."""
    counts = {
        str(entry["status"]): int(entry["n"])
        for entry in rows(
            db, "SELECT status, count(*) AS n FROM tasks WHERE job_id = ? GROUP BY status", (job_id,)
        )
    }
    sources = scalar(
        db,
        "SELECT count(*) FROM batch_items WHERE job_id = ? AND status = 'failed' AND NOT EXISTS"
        " (SELECT 1 FROM tasks WHERE tasks.job_id = batch_items.job_id"
        "  AND tasks.item_id = batch_items.item_id)",
        (job_id,),
    )
    counts["failed"] = counts.get("failed", 0) + int(sources)
    return verdict(counts)


def result_of(db: Database, job_id: str, status: str) -> dict[str, Any]:
    """The result of an ingest job.

    What the words count:

    ``found``       regular files on the sources, without system rubbish
    ``ingested``    files newly verified, and verified at every destination
    ``duplicates``  files that every destination held already, proven by content
    ``failed``      files that miss a destination, or could not be read; folders that could not be listed
    ``bytes``       bytes of the ingested files, counted once
    ``seconds``     from the first start to now, pauses included
    ``card_free_at`` (extra) when every file was verified at the first destinations; None when not all are
    ``all_done_at`` (extra) when the last source came to its end; None while one has not
    ``rates`` (extra) of the last run, by part (a destination's volume, the source, ``hashing``): bytes per
                    second written and read while that part was at work, and for how long it was
    ``bottleneck`` (extra) the part that was at work longest in the last run; None when nothing was copied
    ``items[]``     one for each source, in the order given
    ``destinations[]`` (extra) files, bytes and levels of each destination
    ``failures[]``  (extra) every failed file with its sentence, at most 1000
    ``warnings[]``  (extra) what is to be minded of the cards as a whole: parts that are missing, strays
    """
    job = row(db, "SELECT batch_id, started_at FROM jobs WHERE job_id = ?", (job_id,))
    assert job is not None
    items = rows(db, "SELECT * FROM batch_items WHERE job_id = ? ORDER BY position", (job_id,))
    return {
        "batch_id": job["batch_id"],
        "status": status,
        "found": sum(int(item["files_found"]) for item in items),
        "ingested": sum(int(item["files_ingested"]) for item in items),
        "duplicates": sum(int(item["duplicates"]) for item in items),
        "failed": sum(int(item["failed"]) for item in items),
        "bytes": sum(int(item["bytes"]) for item in items),
        "seconds": round(clock.seconds_between(job["started_at"], clock.now()), 3)
        if job["started_at"]
        else 0.0,
        "card_free_at": _last(items, "freed_at"),
        "all_done_at": _last(items, "ended_at"),
        "items": [
            {
                **json_name("source", from_blob(item["source"])),
                "status": item["status"],
                "files_found": item["files_found"],
                "files_ingested": item["files_ingested"],
                "duplicates": item["duplicates"],
                "failed": item["failed"],
                "bytes": item["bytes"],
                "error": item["error"],
            }
            for item in items
        ],
        "destinations": _destinations(db, job_id),
        "failures": _failures(db, job_id),
        "warnings": warnings_of(db, job_id),
    }


def warnings_of(db: Database, job_id: str) -> list[str]:
    """What is to be minded of the cards of a job as a whole: parts that are missing, strays."""
    found = rows(
        db,
        "SELECT warnings FROM batch_items WHERE job_id = ? AND warnings IS NOT NULL ORDER BY position",
        (job_id,),
    )
    return [str(sentence) for entry in found for sentence in json.loads(entry["warnings"])]


def _last(items: list[Row], column: str) -> str | None:
    """The latest of the moments of all sources; None when one has none."""
    moments = [item[column] for item in items]
    return max(moments) if moments and all(moments) else None


def _destinations(db: Database, job_id: str) -> list[dict[str, Any]]:
    found = rows(
        db,
        "SELECT volumes.volume_id, volumes.name AS volume, transfers.status, transfers.stage,"
        " transfers.level, count(*) AS files, SUM(tasks.size) AS bytes"
        " FROM transfers JOIN tasks USING (task_id) JOIN volumes USING (volume_id) WHERE job_id = ?"
        " GROUP BY volumes.volume_id, transfers.status, transfers.stage, transfers.level"
        " ORDER BY min(transfer_id)",
        (job_id,),
    )
    result: dict[str, dict[str, Any]] = {}
    for entry in found:
        one = result.setdefault(
            entry["volume_id"],
            {
                "volume_id": entry["volume_id"],
                "volume": entry["volume"],
                "verified": 0,
                "present": 0,
                "failed": 0,
                "waiting": 0,
                "bytes": 0,
                "levels": {},
            },
        )
        files = int(entry["files"])
        kind = {"completed": "verified", "skipped": "present", "failed": "failed"}.get(
            entry["status"], "waiting"
        )
        one[kind] += files
        if kind == "verified":
            one["bytes"] += int(entry["bytes"] or 0)
        if entry["level"] and kind in ("verified", "present"):
            one["levels"][entry["level"]] = one["levels"].get(entry["level"], 0) + files
    return list(result.values())


def _failures(db: Database, job_id: str) -> list[dict[str, Any]]:
    return [
        {
            **json_name("file", from_blob(entry["name"])),
            "kind": entry["error_kind"],
            "error": entry["error"],
        }
        for entry in rows(
            db,
            "SELECT name, error_kind, error FROM tasks WHERE job_id = ? AND status = 'failed'"
            " ORDER BY position LIMIT 1000",
            (job_id,),
        )
    ]
