"""Runs as they are stored: a row per run, per file it makes, per segment. A run's state is its job's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound
from engine.export.planning.selection import Chosen, File
from engine.export.runs import conditions
from engine.jobs.store import resolve
from engine.names import display, from_blob, json_name
from engine.storage.database import Row, row, rows, scalar

SNAPSHOT_SCHEMA = 1

FRAMES_DONE = (
    "CASE WHEN jobs.status = 'running' THEN"
    " min(max(runs.frames_done, jobs.done), coalesce(runs.frames_total, runs.frames_done))"
    " ELSE runs.frames_done END"
)
"""SQL: frames that are made; while a run goes on with those of its unfinished segments, else what is kept."""

_SELECT = (
    f"SELECT runs.*, {FRAMES_DONE} AS frames_made, jobs.status, jobs.error, jobs.intent, jobs.stage,"
    " jobs.message, jobs.started_at,"
    " jobs.ended_at, jobs.progress_at, jobs.done, jobs.total, jobs.waiting_for"
    " FROM runs JOIN jobs USING (job_id)"
)


@dataclass(frozen=True)
class Run:
    """One execution of a recipe.

    Attributes:
        snapshot: the recipe's name and spec, the preset's name and body, the clips, the destination.
        status, error, stage, message, started_at, ended_at, progress_at: its job's.
        output_path: the finished film; of a run with one file per clip their folder; None until then.
        frames_total: None until it is planned.
    """

    run_id: str
    job_id: str
    recipe_id: str | None
    recipe_name: str
    name: str
    snapshot: dict[str, Any]
    status: str
    error: str | None
    error_category: str | None
    error_details: str | None
    stage: str | None
    message: str | None
    frames_total: int | None
    frames_done: int
    output_path: str | None
    output_size: int | None
    output_duration_ms: int | None
    output_blake3: str | None
    thumbnail: str | None
    segments_reused: int
    resumed_from: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    progress_at: str | None

    @property
    def spec(self) -> dict[str, Any]:
        """The recipe's checked spec, as it was when the run was queued."""
        spec: dict[str, Any] = self.snapshot["recipe"]["spec"]
        return spec

    @property
    def preset(self) -> dict[str, Any]:
        """The preset's checked body, as it was when the run was queued."""
        body: dict[str, Any] = self.snapshot["preset"]["body"]
        return body

    @property
    def is_per_clip(self) -> bool:
        """One file per clip."""
        return bool(self.spec["layout"] == "per-clip")

    @property
    def clips(self) -> list[Chosen]:
        """The clips, in order."""
        return [_clip(entry) for entry in self.snapshot["clips"]]

    @property
    def seconds(self) -> float | None:
        """Wall clock time from its start to its end, or to now."""
        if self.started_at is None:
            return None
        return round(clock.seconds_between(self.started_at, self.ended_at or clock.now()), 3)

    def to_json(self) -> dict[str, Any]:
        """What ``exports list`` and ``exports show`` print."""
        total = self.frames_total
        return {
            "run_id": self.run_id,
            "job_id": self.job_id,
            "recipe": self.recipe_name,
            "name": self.name,
            "status": self.status,
            "preset": self.snapshot["preset"]["name"],
            "mode": self.spec["mode"],
            "layout": self.spec["layout"],
            "lut": (self.snapshot.get("lut") or {}).get("name"),
            "clips": len(self.snapshot["clips"]),
            "frames_total": total,
            "frames_done": self.frames_done,
            "progress": 1.0
            if self.status == "completed"
            else (min(1.0, self.frames_done / total) if total else None),
            **json_name("output_path", self.output_path),
            "output_size": self.output_size,
            "output_duration_ms": self.output_duration_ms,
            "output_blake3": self.output_blake3,
            **json_name("thumbnail", self.thumbnail),
            "segments_reused": self.segments_reused,
            "resumed_from": self.resumed_from,
            "error": self.error,
            "error_category": self.error_category,
            "error_details": self.error_details,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "seconds": self.seconds,
        }


def get(db: Database, run_id: str) -> Run:
    """Return a run by its full id.

    Raises:
        NotFound: there is none.
    """
    found = row(db, f"{_SELECT} WHERE run_id = ?", (run_id,))
    if found is None:
        raise NotFound(f"There is no run {display(run_id)}.")
    return _from_row(found)


def find(db: Database, given: str) -> Run:
    """Return the run with this id, or the only one whose id begins with it (8 characters or more).

    Raises:
        NotFound, Refused: none fits, several fit.
    """
    return get(db, resolve(db, "runs", "run_id", given, "run"))


HAYSTACK = (
    "runs.name || ' ' || runs.recipe_name"
    " || ' ' || coalesce(json_extract(runs.snapshot, '$.preset.name'), '')"
    " || ' ' || coalesce(CAST(runs.output_path AS TEXT), '')"
)
"""SQL: where a text is looked for: the names of a run, its recipe and its preset, its output's path."""


def list_runs(
    db: Database,
    statuses: tuple[str, ...] = (),
    limit: int = 50,
    offset: int = 0,
    *,
    text: str | None = None,
    recipe: str | None = None,
    preset: str | None = None,
    since: str | None = None,
) -> list[Run]:
    """Runs, the newest first.

    Args:
        db: the library's database.
        statuses: states of their jobs; empty means all.
        limit: most runs to return.
        offset: runs to skip before them.
        text: in :data:`HAYSTACK`; letter case does not matter. Words such as ``is:failed`` and ``size>1g``
            are conditions, see :mod:`engine.export.runs.conditions`; ``!`` before a text hides what holds it.
        recipe: name or id of the recipe.
        preset: its name, as frozen in the run.
        since: queued at or after this moment (stored form).
    """
    wanted: list[tuple[str, tuple[Any, ...]]] = []
    if statuses:
        wanted.append((f"jobs.status IN ({', '.join('?' * len(statuses))})", statuses))
    if text:
        text, asked = conditions.parse(text, clock.parse(clock.now()))
        wanted += [(condition, (value,)) for condition, value in asked]
    if text:
        negated = text.startswith("!")
        wanted.append(
            (f"instr(lower({HAYSTACK}), lower(?)) {'=' if negated else '>'} 0", (text.lstrip("!"),))
        )
    if recipe:
        wanted.append(("(runs.recipe_name = ? COLLATE NOCASE OR runs.recipe_id = ?)", (recipe, recipe)))
    if preset:
        wanted.append(("json_extract(runs.snapshot, '$.preset.name') = ? COLLATE NOCASE", (preset,)))
    if since:
        wanted.append(("runs.created_at >= ?", (since,)))
    where = f"WHERE {' AND '.join(condition for condition, _ in wanted)}" if wanted else ""
    found = rows(
        db,
        f"{_SELECT} {where} ORDER BY runs.created_at DESC, runs.rowid DESC LIMIT ? OFFSET ?",
        (*(value for _, values in wanted for value in values), limit, offset),
    )
    return [_from_row(entry) for entry in found]


def outputs(db: Database, run_id: str) -> list[dict[str, Any]]:
    """The files of a run in order, with ``clip`` titles, in the form that is printed."""
    found = rows(
        db,
        "SELECT run_outputs.*, clips.title FROM run_outputs LEFT JOIN clips USING (clip_id)"
        " WHERE run_id = ? ORDER BY position",
        (run_id,),
    )
    return [
        {
            "position": entry["position"],
            "clip_id": entry["clip_id"],
            "clip": entry["title"],
            "status": entry["status"],
            **json_name("path", from_blob(entry["path"]) if entry["path"] else None),
            "size": entry["size"],
            "duration_ms": entry["duration_ms"],
            "frames": entry["frames"],
            "blake3": entry["blake3"],
            "error": entry["error"],
            "verification": json.loads(entry["verification"]) if entry["verification"] else None,
        }
        for entry in found
    ]


def segments(db: Database, run_id: str) -> list[Row]:
    """Segments of a run in order of its files: position, kind, frames, status, reused, attempts, error."""
    return rows(
        db,
        "SELECT output, position, kind, frames, status, reused, attempts, size, error, started_at,"
        " completed_at FROM segments WHERE run_id = ? ORDER BY output, kind DESC, position",
        (run_id,),
    )


def result_of(db: Database, run_id: str) -> dict[str, Any]:
    """One entry of what ``export --wait`` prints. True at any time, whatever state the run is in."""
    run = get(db, run_id)
    frames = scalar(
        db, "SELECT sum(frames) FROM run_outputs WHERE run_id = ? AND status = 'completed'", (run_id,)
    )
    count = scalar(db, "SELECT count(*) FROM segments WHERE run_id = ? AND kind = 'video'", (run_id,))
    return {
        "run_id": run.run_id,
        "recipe": run.recipe_name,
        "status": run.status,
        **json_name("output_path", run.output_path),
        "output_size": run.output_size,
        "output_duration_ms": run.output_duration_ms,
        "frames": frames or 0,
        "seconds": run.seconds,
        "segments": count or 0,
        "segments_reused": run.segments_reused,
        "error": run.error,
        "outputs": outputs(db, run_id),
    }


def clip_json(clip: Chosen) -> dict[str, Any]:
    """A chosen clip for the snapshot."""
    return {
        "clip_id": clip.clip_id,
        "title": clip.title,
        "kind": clip.kind,
        "reel": clip.reel,
        "camera": clip.camera,
        "recorded_at": clip.recorded_at,
        "files": [
            {"asset_id": file.asset_id, "size": file.size, "identity": file.identity} for file in clip.files
        ],
        "in_frame": clip.in_frame,
        "out_frame": clip.out_frame,
    }


def _clip(entry: dict[str, Any]) -> Chosen:
    files = tuple(File(**file, media=None) for file in entry["files"])
    return Chosen(**{**entry, "files": files})


def _from_row(found: Row) -> Run:
    return Run(
        run_id=found["run_id"],
        job_id=found["job_id"],
        recipe_id=found["recipe_id"],
        recipe_name=found["recipe_name"],
        name=found["name"],
        snapshot=json.loads(found["snapshot"]),
        status=found["status"],
        error=found["error"],
        error_category=found["error_category"],
        error_details=found["error_details"],
        stage=found["stage"],
        message=found["message"],
        frames_total=found["frames_total"],
        frames_done=found["frames_made"],
        output_path=from_blob(found["output_path"]) if found["output_path"] else None,
        output_size=found["output_size"],
        output_duration_ms=found["output_duration_ms"],
        output_blake3=found["output_blake3"],
        thumbnail=from_blob(found["thumbnail"]) if found["thumbnail"] else None,
        segments_reused=found["segments_reused"],
        resumed_from=found["resumed_from"],
        created_at=found["created_at"],
        started_at=found["started_at"],
        ended_at=found["ended_at"],
        progress_at=found["progress_at"],
    )
