"""Films and proxies: runs of recipes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from engine import clock
from engine.api import jobs
from engine.api.texts import text_of
from engine.errors import Refused, WrongUse
from engine.export.runs import farm, orders, proven, records, runs
from engine.export.runs.orders import Queued
from engine.jobs.store import Job
from engine.library import Library
from engine.names import display
from engine.storage.database import scalar
from engine.supervisor import process

LOG_TAIL_BYTES = 512 * 1024
"""What is read at most of the end of a run's full log."""


def queue(library: Library, names: Sequence[str]) -> dict[str, Any]:
    """Queue a run of each recipe: ``runs[]{run_id, job_id, recipe}``.

    Raises:
        NotFound: there is no such recipe; nothing was queued.
        Refused: a recipe cannot be run now (no clips, clips offline, tools missing); nothing was queued.
    """
    if not names:
        raise WrongUse("Say which recipe to export: rushes recipe list")
    process.ensure(library)
    try:
        return _queued(orders.queue_runs(library, list(names)))
    except Refused as error:
        if len(names) == 1:
            raise
        raise Refused(f"{error} None of the {len(names)} recipes was queued.") from error


def wait(
    library: Library, job_ids: Sequence[str], on_change: Callable[[Job], None] | None = None
) -> dict[str, Any]:
    """Follow runs to their end: the document of ``export --wait``."""
    return {"runs": [_ended(library, jobs.follow(library, job_id, on_change)) for job_id in job_ids]}


def list_runs(
    library: Library,
    statuses: tuple[str, ...] = (),
    limit: int = 1000,
    *,
    text: str | None = None,
    recipe: str | None = None,
    preset: str | None = None,
    since: str | None = None,
) -> list[dict[str, Any]]:
    """Runs, the newest first; see :func:`engine.export.runs.records.list_runs`.

    ``since`` is a moment or a date.

    Raises:
        WrongUse: an unknown state, or ``since`` is no moment.
    """
    jobs.check_statuses(statuses)
    if since is not None:
        try:
            since = clock.stamp(clock.parse(since))
        except ValueError as error:
            raise WrongUse(f"{display(since)} is no moment; write 2026-11-20 or 2026-11-20T14:00.") from error
    found = records.list_runs(
        library.db(), statuses, limit, text=text, recipe=recipe, preset=preset, since=since
    )
    return [run.to_json() for run in found]


def show(library: Library, given: str) -> dict[str, Any]:
    """One run with its outputs and segments; ``parts_size``: bytes of rendered parts that are still kept."""
    db = library.db()
    run = records.find(db, given)
    return {
        **run.to_json(),
        "parts_size": runs.parts_bytes(library, run.run_id),
        "outputs": records.outputs(db, run.run_id),
        "segments": [
            {key: value for key, value in segment.items() if not isinstance(value, bytes)}
            for segment in records.segments(db, run.run_id)
        ],
        "snapshot": run.snapshot,
    }


def logs(library: Library, given: str, limit: int = 500) -> list[dict[str, Any]]:
    """The newest log lines of a run, oldest first."""
    return runs.logs(library, given, limit)


def log_file(library: Library, given: str) -> str | None:
    """The file with everything that ffmpeg was asked and said during a run; None when there is none.

    Raises:
        NotFound: there is no such run.
    """
    path = runs.log_path(library, records.find(library.db(), given).run_id)
    return path if os.path.isfile(path) else None


def proof_of(output: dict[str, Any]) -> str | None:
    """How a file of a run's document was proven, as a sentence; None when it was not."""
    return proven.sentence(output["verification"])


def log_tail(library: Library, given: str, lines: int = 400) -> list[str]:
    """The last lines of :func:`log_file`, escaped; none when ffmpeg was not called.

    Raises:
        NotFound: there is no such run.
        Refused: the file cannot be read.
    """
    path = log_file(library, given)
    if path is None:
        return []
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - LOG_TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        raise Refused(f"The log {display(path)} cannot be read: {error.strerror}.") from error
    return [display(line) for line in text.splitlines()[-lines:]]


def pause(library: Library, given: str) -> dict[str, Any]:
    """Let a run stop at its next checkpoint, and return its job; ``resume`` goes on."""
    return jobs.request(library, records.find(library.db(), given).job_id, "pause")


def report(library: Library, given: str, formats: Sequence[str], to: str | None = None) -> dict[str, Any]:
    """Write a run's report, see :func:`engine.api.reports.make`."""
    from engine.api import reports

    return reports.make(library, records.find(library.db(), given).job_id, formats=formats, to=to)


def cancel(library: Library, given: str) -> dict[str, Any]:
    """Stop a run at once and return its job; finished segments stay for a later resume."""
    return jobs.request(library, records.find(library.db(), given).job_id, "cancel")


def again(library: Library, given: str, verb: str) -> dict[str, Any]:
    """Continue or repeat a run.

    Args:
        library: the run's library.
        given: the run.
        verb: ``resume`` goes on in place with a run that is paused, still pausing or interrupted,
            and as a new run with one that failed or was cancelled; it and ``retry`` check and reuse
            finished segments. ``rerun`` renders the same snapshot afresh.
    """
    process.ensure(library)
    found = records.find(library.db(), given)
    if verb == "rerun":
        return _queued([runs.rerun(library, found.run_id, fresh=True)])
    make = {"resume": runs.resume, "retry": runs.retry}[verb]
    return _queued([make(library, found.run_id)])


def deliver(library: Library, given: str, folder: str, *, move: bool = False) -> dict[str, Any]:
    """Queue a verified copy of a run's finished files into a folder: ``job_id``.

    Args:
        library: the run's library.
        given: the run.
        folder: absolute; made when its parent exists.
        move: remove each old file after its new one is proven.

    Raises:
        NotFound, Refused: see :func:`engine.files.delivery.queue`.
    """
    from engine.files import delivery

    process.ensure(library)
    return {"job_id": delivery.queue(library, given, folder, move=move)}


def move(library: Library, given: str, where: str) -> dict[str, Any]:
    """Move a run that waits for its turn: ``up``, ``down``, ``top`` or ``bottom``. See :func:`jobs.move`."""
    return jobs.move(library, records.find(library.db(), given).job_id, where)


def set_priority(library: Library, given: str, word: str) -> dict[str, Any]:
    """Change a run's priority, see :func:`engine.api.jobs.set_priority`."""
    return jobs.set_priority(library, records.find(library.db(), given).job_id, word)


def goes_with(library: Library, given: str) -> list[str]:
    """Paths of the finished files that deleting a run would remove."""
    return runs.goes_with(library, given)


def delete(library: Library, given: str) -> dict[str, Any]:
    """Delete a run that has ended: its finished files, segments that no other run needs, its rows."""
    gone = runs.delete(library, given)
    return {
        "run_id": gone.run_id,
        "removed": [display(path) for path in gone.removed],
        "kept": [display(path) for path in gone.kept],
    }


def compare(library: Library, one: str, other: str) -> dict[str, Any]:
    """Two runs side by side: what is equal, what differs."""
    return runs.compare(library, one, other)


def plan_text(library: Library, given: str, position: int = 0) -> str:
    """The plan of one output of a run as a file that :func:`render_segment` takes.

    Raises:
        Refused, NotFound: see :func:`engine.export.runs.farm.describe`.
    """
    db = library.db()
    run_id = farm.run_id_of(db, given)
    told = farm.describe(db, runs.run_folder(library, run_id), run_id, position)
    farm.lay_out(library, told)
    return json.dumps(told, indent=2)


def render_segment(
    file: str, index: int, attempt: str, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Render, prove and publish one segment of a plan file. Needs no library and no engine.

    Args:
        file: a plan file.
        index: which segment, from 0.
        attempt: a name that no other attempt has.
        on_progress: called with frames done and frames of the segment.
    """
    made = farm.render(text_of(file), index, attempt, on_progress)
    return {
        "index": index,
        "file": made.file,
        "size": made.size,
        "blake3": made.blake3,
        "seconds": round(made.seconds, 3),
    }


def output_of(library: Library, given: str) -> str:
    """The path of a run's finished file, or of the folder of its files.

    Raises:
        Refused, NotFound: it has none, or it is not there.
    """
    return runs.finished_path(library, given)


def _queued(made: Sequence[Queued]) -> dict[str, Any]:
    return {"runs": [{"run_id": run.run_id, "job_id": run.job_id, "recipe": run.recipe} for run in made]}


def _ended(library: Library, job: Job) -> dict[str, Any]:
    run_id = str(scalar(library.db(), "SELECT run_id FROM runs WHERE job_id = ?", (job.job_id,)))
    return {
        **records.result_of(library.db(), run_id),
        **(job.result or {}),
        "job_id": job.job_id,
        "status": job.status,
        "error": job.error or (job.message if job.status == "paused" else None),
    }
