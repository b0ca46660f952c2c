"""Films that went out: one section for each run, one file for each that it made."""

from __future__ import annotations

from engine import clock
from engine.export.runs import records
from engine.library import Library
from engine.names import display, from_blob
from engine.reports.report import ClipRow, FileRow, Placed, Problem, Section
from engine.storage.database import row, rows


def section(library: Library, job_id: str) -> tuple[Section, list[Problem]] | None:
    """The run that an export job works for; None when it was deleted."""
    db = library.db()
    found = row(db, "SELECT run_id FROM runs WHERE job_id = ?", (job_id,))
    if found is None:
        return None
    run = records.get(db, found["run_id"])
    outputs = rows(
        db,
        "SELECT run_outputs.*, clips.title, clips.kind, clips.reel, clips.timecode, clips.width,"
        " clips.height, clips.fps, clips.recorded_at FROM run_outputs LEFT JOIN clips USING (clip_id)"
        " WHERE run_id = ? ORDER BY position",
        (run.run_id,),
    )
    made: list[ClipRow] = []
    for entry in outputs:
        path = from_blob(entry["path"]) if entry["path"] else display(entry["title"] or run.name)
        placed = Placed("", path, "verified" if entry["status"] == "completed" else entry["status"])
        made.append(
            ClipRow(
                clip_id=entry["clip_id"] or run.run_id,
                title=display(entry["title"] or run.name),
                kind=entry["kind"] or "video",
                reel=display(entry["reel"]) if entry["reel"] else None,
                timecode=entry["timecode"],
                duration_ms=entry["duration_ms"],
                width=None,
                height=None,
                fps=None,
                codec=None,
                camera=None,
                recorded_at=entry["recorded_at"],
                thumbnail=run.thumbnail if len(outputs) == 1 else None,
                warnings=(),
                files=(
                    FileRow(
                        name=path,
                        role="derivative",
                        size=entry["size"],
                        status=entry["status"],
                        error=entry["error"],
                        blake3=entry["blake3"],
                        places=(placed,) if entry["path"] else (),
                    ),
                ),
            )
        )
    ended = run.ended_at
    return (
        Section(
            title=display(run.recipe_name),
            kind=f"export, {run.spec['layout']}",
            source=None,
            status=run.status,
            started_at=run.started_at,
            ended_at=ended,
            seconds=clock.seconds_between(run.started_at, ended) if run.started_at and ended else None,
            facts=(
                ("preset", display(str(run.snapshot["preset"]["name"]))),
                ("clips chosen", f"{len(run.clips):,}"),
                ("frames", f"{run.frames_done:,} of {run.frames_total:,}" if run.frames_total else "-"),
                ("segments taken from an earlier run", f"{run.segments_reused:,}"),
                ("output", display(run.output_path) if run.output_path else "-"),
            ),
            clips=tuple(made),
        ),
        _problems(run, made),
    )


def _problems(run: records.Run, made: list[ClipRow]) -> list[Problem]:
    title = display(run.recipe_name)
    found = [Problem("error", title, run.error)] if run.error else []
    found.extend(
        Problem("error", f"{title}: {clip.title}", file.error)
        for clip in made
        for file in clip.files
        if file.error
    )
    return found
