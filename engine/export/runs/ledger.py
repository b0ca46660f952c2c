"""What a run has done so far, as rows: its files, its segments, and what other runs can lend it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.export.planning.plan import Plan, chunk_fingerprint, segment_fingerprint
from engine.media.ffmpeg import FfmpegFailed
from engine.names import from_blob, to_blob
from engine.storage.database import Row, execute, row, rows, scalar, write
from engine.volumes.places import Place


@dataclass(frozen=True)
class Entry:
    """One file that a run makes. ``plan`` is None when its clip cannot be exported; ``error`` says why."""

    position: int
    clip_id: str | None
    stem: str
    plan: Plan | None
    error: str | None = None
    warnings: tuple[str, ...] = ()


# -- plans ---------------------------------------------------------------------


def load_plan(db: Database, run_id: str) -> list[Entry] | None:
    """The stored plan of a run; None when it has none yet.

    Raises:
        WrongUse: it is of another version.
    """
    text = scalar(db, "SELECT plan FROM runs WHERE run_id = ?", (run_id,))
    if not text:
        return None
    return [
        Entry(
            entry["position"],
            entry["clip_id"],
            entry["stem"],
            Plan.from_json(entry["plan"]) if entry["plan"] else None,
            entry["error"],
            tuple(entry["warnings"]),
        )
        for entry in json.loads(text)["outputs"]
    ]


def store_plan(db: Database, run_id: str, entries: Sequence[Entry]) -> None:
    """Store a plan with its rows. Finished files and segments of an earlier plan that it shares stay."""
    with write(db):
        db.execute(
            "UPDATE runs SET plan = ?, frames_total = ? WHERE run_id = ?",
            (
                json.dumps(
                    {
                        "outputs": [
                            {
                                "position": entry.position,
                                "clip_id": entry.clip_id,
                                "stem": entry.stem,
                                "plan": entry.plan.to_json() if entry.plan else None,
                                "error": entry.error,
                                "warnings": list(entry.warnings),
                            }
                            for entry in entries
                        ]
                    }
                ),
                frames_total(entries),
                run_id,
            ),
        )
        for entry in entries:
            _store_entry(db, run_id, entry)


def _store_entry(db: Database, run_id: str, entry: Entry) -> None:
    known = output_status(db, run_id, entry.position)
    if known == "completed":
        return
    clip = row(db, "SELECT 1 FROM clips WHERE clip_id = ?", (entry.clip_id,)) if entry.clip_id else None
    db.execute(
        "INSERT INTO run_outputs (run_id, position, clip_id, status, error) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (run_id, position) DO UPDATE SET status = excluded.status, error = excluded.error",
        (
            run_id,
            entry.position,
            entry.clip_id if clip else None,
            "queued" if entry.plan else "failed",
            entry.error,
        ),
    )
    if entry.plan is None:
        return
    wanted = [
        *(
            ("video", part.index, segment_fingerprint(entry.plan, part), part.frames)
            for part in entry.plan.segments
        ),
        *(("audio", part.index, chunk_fingerprint(entry.plan, part), 0) for part in entry.plan.chunks),
    ]
    same = {
        (found["kind"], found["position"]): found["fingerprint"]
        for found in rows(
            db, "SELECT * FROM segments WHERE run_id = ? AND output = ?", (run_id, entry.position)
        )
    }
    if same == {(kind, index): fingerprint for kind, index, fingerprint, _ in wanted}:
        return
    db.execute("DELETE FROM segments WHERE run_id = ? AND output = ?", (run_id, entry.position))
    db.conn.executemany(
        "INSERT INTO segments (run_id, output, kind, position, fingerprint, frames)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(run_id, entry.position, *values) for values in wanted],
    )


def frames_total(entries: Sequence[Entry]) -> int:
    """Frames of all files of a run."""
    return sum(entry.plan.frames_total for entry in entries if entry.plan)


# -- files ---------------------------------------------------------------------


def frames_of_finished(db: Database, run_id: str) -> int:
    """Frames in accepted segments, and in finished files that have no picture."""
    return int(
        scalar(
            db,
            "SELECT (SELECT coalesce(sum(frames), 0) FROM segments WHERE run_id = :run AND kind = 'video'"
            " AND status = 'completed') + (SELECT coalesce(sum(frames), 0) FROM run_outputs AS made"
            " WHERE run_id = :run AND status = 'completed' AND NOT EXISTS (SELECT 1 FROM segments"
            " WHERE run_id = :run AND output = made.position AND kind = 'video'))",
            {"run": run_id},
        )
    )


def output_status(db: Database, run_id: str, position: int) -> str | None:
    """State of one file of a run; None before it is planned."""
    found = scalar(db, "SELECT status FROM run_outputs WHERE run_id = ? AND position = ?", (run_id, position))
    return str(found) if found is not None else None


def output_counts(db: Database, run_id: str) -> dict[str, int]:
    """Number of a run's files per state."""
    found = rows(
        db, "SELECT status, count(*) AS n FROM run_outputs WHERE run_id = ? GROUP BY status", (run_id,)
    )
    return {str(entry["status"]): int(entry["n"]) for entry in found}


def set_output(db: Database, run_id: str, position: int, **changes: Any) -> None:
    """Change columns of one file's row; a ``path`` is given as text."""
    if changes.get("path") is not None:
        changes["path"] = to_blob(changes["path"])
    sets = ", ".join(f"{column} = :{column}" for column in changes)
    execute(
        db,
        f"UPDATE run_outputs SET {sets} WHERE run_id = :run_id AND position = :position",
        {**changes, "run_id": run_id, "position": position},
    )


def fail_output(db: Database, run_id: str, position: int, error: str, details: str) -> None:
    """One file failed; its path is forgotten, its finished segments stay."""
    with write(db):
        db.execute(
            "UPDATE run_outputs SET status = 'failed', error = ?, path = NULL, size = NULL, blake3 = NULL"
            " WHERE run_id = ? AND position = ?",
            (error, run_id, position),
        )
        db.execute("UPDATE runs SET error_details = ? WHERE run_id = ?", (details or None, run_id))


def announced(db: Database, run_id: str) -> list[Row]:
    """Files that had their path announced but not their end: they may be there, or not."""
    return rows(
        db,
        "SELECT * FROM run_outputs WHERE run_id = ? AND status != 'completed' AND path IS NOT NULL"
        " AND blake3 IS NOT NULL",
        (run_id,),
    )


def is_recorded(db: Database, place: Place, name: str) -> bool:
    """Whether a copy that is no export is recorded under ``name`` in the folder at ``place``."""
    found = row(
        db,
        "SELECT 1 FROM copies WHERE volume_id = ? AND path = ? AND role != 'export'",
        (place.volume_id, to_blob(os.path.join(place.path, name))),
    )
    return found is not None


def film_at(db: Database, run_id: str, path: str) -> Row | None:
    """What another run recorded of the film that it made at ``path``: ``run_id``, ``size``, ``blake3``."""
    return row(
        db,
        "SELECT run_id, size, blake3 FROM run_outputs WHERE path = ? AND run_id != ? AND status = 'completed'"
        " ORDER BY rowid DESC LIMIT 1",
        (to_blob(path), run_id),
    )


def forget_replaced(db: Database, run_id: str, path: str) -> None:
    """Other runs' films at ``path`` were replaced by this run's: those runs have none any more."""
    with write(db):
        for table, column in (("run_outputs", "path"), ("runs", "output_path")):
            db.execute(
                f"UPDATE {table} SET {column} = NULL WHERE {column} = ? AND run_id != ?",
                (to_blob(path), run_id),
            )


def complete_output(db: Database, run_id: str, position: int, path: str, place: Place) -> None:
    """A file has its name: its row, its asset and its copy (role ``export``) say so, in one transaction."""
    with write(db):
        made = row(db, "SELECT * FROM run_outputs WHERE run_id = ? AND position = ?", (run_id, position))
        assert made is not None
        record_copy(db, made["size"], made["blake3"], path, place, "cached re-read")
        db.execute(
            "UPDATE run_outputs SET status = 'completed', path = ?, error = NULL"
            " WHERE run_id = ? AND position = ?",
            (to_blob(path), run_id, position),
        )
        forget_replaced(db, run_id, path)


def record_copy(db: Database, size: int, blake3: str, path: str, place: Place, level: str) -> None:
    """Enter a film at ``path``, in the folder at ``place``, as a verified copy of role ``export``."""
    found = os.stat(path)
    relative = os.path.join(place.path, os.path.basename(path))
    moment = clock.now()
    with write(db):
        asset_id = scalar(db, "SELECT asset_id FROM assets WHERE size = ? AND blake3 = ?", (size, blake3))
        if asset_id is None:
            cursor = db.execute(
                "INSERT INTO assets (size, blake3, created_at) VALUES (?, ?, ?)", (size, blake3, moment)
            )
            asset_id = cursor.lastrowid
        db.execute(
            "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, inode, seen_at,"
            " verified_at, verify_level, created_at)"
            " VALUES (?, ?, ?, 'export', ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (volume_id, path) DO UPDATE SET asset_id = excluded.asset_id, role = 'export',"
            " state = 'present', size = excluded.size, mtime_ns = excluded.mtime_ns, inode = excluded.inode,"
            " seen_at = excluded.seen_at, verified_at = excluded.verified_at,"
            " verify_level = excluded.verify_level",
            (
                asset_id,
                place.volume_id,
                to_blob(relative),
                size,
                found.st_mtime_ns,
                found.st_ino,
                moment,
                moment,
                level,
                moment,
            ),
        )


def first_finished(db: Database, run_id: str) -> str | None:
    """Path of the first finished file of a run."""
    found = scalar(
        db,
        "SELECT path FROM run_outputs WHERE run_id = ? AND status = 'completed' ORDER BY position LIMIT 1",
        (run_id,),
    )
    return from_blob(found) if found else None


def first_error(db: Database, run_id: str) -> str | None:
    """The first failed file's sentence, and how many more there are."""
    found = [
        str(entry["error"])
        for entry in rows(
            db,
            "SELECT error FROM run_outputs WHERE run_id = ? AND status = 'failed' ORDER BY position",
            (run_id,),
        )
    ]
    if len(found) > 1:
        return f"{found[0]} (and {len(found) - 1} more clips failed)"
    return found[0] if found else None


def warnings_of(db: Database, run_id: str) -> list[str]:
    """Sentences about clips that were noted at planning, and about damage that went into finished parts."""
    entries = load_plan(db, run_id) or []
    planned = [warning for entry in entries for warning in entry.warnings]
    damaged = [
        str(found["error"])
        for found in rows(
            db,
            "SELECT error FROM segments WHERE run_id = ? AND status = 'completed' AND error IS NOT NULL"
            " ORDER BY output, kind DESC, position",
            (run_id,),
        )
    ]
    return list(dict.fromkeys([*planned, *damaged]))


# -- the run -------------------------------------------------------------------


def begin(db: Database, run_id: str, job_id: str) -> None:
    """A start of the run: earlier errors are history, its batch item runs."""
    with write(db):
        db.execute("UPDATE runs SET error_category = NULL, error_details = NULL WHERE run_id = ?", (run_id,))
        db.execute(
            "UPDATE batch_items SET status = 'running', error = NULL, started_at = coalesce(started_at, ?),"
            " ended_at = NULL WHERE job_id = ?",
            (clock.now(), job_id),
        )
        put_back(db, run_id)


def put_back(db: Database, run_id: str) -> None:
    """What was being done when the run stopped is queued again."""
    with write(db):
        for table in ("segments", "run_outputs"):
            db.execute(
                f"UPDATE {table} SET status = 'queued' WHERE run_id = ?"
                " AND status IN ('running', 'cancelled')",
                (run_id,),
            )


def queue_failed(db: Database, run_id: str) -> None:
    """A retry: what failed is queued again."""
    with write(db):
        for table in ("segments", "run_outputs"):
            db.execute(
                f"UPDATE {table} SET status = 'queued', error = NULL WHERE run_id = ? AND status = 'failed'",
                (run_id,),
            )


def finish(
    db: Database,
    run_id: str,
    job_id: str,
    status: str,
    error: str | None,
    *,
    folder: str | None = None,
    failure: FfmpegFailed | None = None,
) -> None:
    """The run has ended: its own row and its batch item say how. ``folder`` holds the files of many clips."""
    made = rows(
        db,
        "SELECT * FROM run_outputs WHERE run_id = ? AND status = 'completed' ORDER BY position",
        (run_id,),
    )
    path = to_blob(folder) if folder is not None else (made[0]["path"] if made else None)
    with write(db):
        db.execute(
            "UPDATE runs SET frames_done = ?, output_path = ?, output_size = ?, output_duration_ms = ?,"
            " output_blake3 = ?, error_category = ?, error_details = coalesce(?, error_details)"
            " WHERE run_id = ?",
            (
                frames_of_finished(db, run_id),
                path if made else None,
                sum(entry["size"] for entry in made) if made else None,
                sum(entry["duration_ms"] for entry in made) if made else None,
                made[0]["blake3"] if len(made) == 1 else None,
                failure.category if failure else None,
                failure.details if failure else None,
                run_id,
            ),
        )
        db.execute(
            "UPDATE batch_items SET status = ?, error = ?, files_found = (SELECT count(*) FROM run_outputs"
            " WHERE run_id = ?), files_ingested = ?, ended_at = ? WHERE job_id = ?",
            (
                "failed" if status == "failed" else "completed",
                error,
                run_id,
                len(made),
                clock.now(),
                job_id,
            ),
        )


def set_thumbnail(db: Database, run_id: str, path: str) -> None:
    """The run has a picture."""
    execute(db, "UPDATE runs SET thumbnail = ? WHERE run_id = ?", (to_blob(path), run_id))
