"""What can be done with runs: resume, retry, rerun, cancel, delete, compare. Every precondition is here."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from engine.errors import NotFound, Refused, RushesError
from engine.export.recipes.recipes import Recipe
from engine.export.rendering import placing
from engine.export.runs import ledger, records
from engine.export.runs.orders import (
    Queued,
    check_room,
    destination_problems,
    insert,
    is_online,
    not_mounted,
    offline_sentence,
    queue_runs,
)
from engine.export.runs.records import Run
from engine.jobs import states, store
from engine.library import Library
from engine.media.hashing import full_hash
from engine.names import display, to_blob
from engine.storage import audit
from engine.storage.database import rows, scalar, write
from engine.volumes import places

_RERUN_SUFFIX = re.compile(r" \(rerun \d{8}_\d{6}\)$")


def _again(library: Library, run: Run, *, name: str, resumed_from: str | None, fresh: bool = False) -> Queued:
    """Queue a new run with the snapshot of an old one."""
    db = library.db()
    problems = destination_problems(run.snapshot["destination"], must_be_made=True)
    problems += not_mounted(db, run.spec["destination"])
    if run.spec["offline"] == "refuse":
        problems += [offline_sentence(db, clip) for clip in run.clips if not is_online(db, clip)]
    if problems:
        raise Refused(*problems)
    spared = 0 if fresh else parts_bytes(library, run.run_id)
    check_room(library, [(run.snapshot, spared)])
    recipe = Recipe(run.recipe_id or "", run.recipe_name, run.spec, "", "")
    return insert(
        library,
        [(recipe, run.snapshot)],
        name=name,
        resumed_from=resumed_from,
        fresh=fresh,
        spared=spared,
    )[0]


def parts_bytes(library: Library, run_id: str) -> int:
    """Bytes of a run's rendered parts that are still there; 0 once they were removed."""
    if not os.path.isdir(run_folder(library, run_id)):
        return 0
    return int(
        scalar(
            library.db(),
            "SELECT coalesce(sum(size), 0) FROM segments WHERE run_id = ? AND status = 'completed'",
            (run_id,),
        )
    )


def resume(library: Library, given: str) -> Queued:
    """Continue a run.

    A paused or interrupted one goes on itself, also one that still pauses or is
    held in the queue; for a failed or cancelled one a new run is queued that
    takes over every finished segment.

    Raises:
        Refused: the run is running, waiting, or finished.
        NotFound: there is no such run.
    """
    run = records.find(library.db(), given)
    if _goes_on_itself(library.db(), run):
        store.request(library.db(), run.job_id, "resume")
        return Queued(run.run_id, run.job_id, run.recipe_name)
    if run.status not in ("failed", "cancelled"):
        raise Refused(_cannot(run, "resumed"))
    return _again(library, run, name=run.name, resumed_from=run.run_id)


def _goes_on_itself(db: Database, run: Run) -> bool:
    """Whether a resume of this run is a word to its own job, and no new run."""
    if run.status in ("paused", "interrupted"):
        return True
    return run.status in ("running", "pending") and store.get(db, run.job_id).intent == "pause"


def retry(library: Library, given: str) -> Queued:
    """Do again what failed. A run with one file per clip retries its failed clips; a film as :func:`resume`.

    Raises:
        Refused: nothing failed.
        NotFound: there is no such run.
    """
    run = records.find(library.db(), given)
    if run.is_per_clip and run.status in ("failed", "completed_with_warnings"):
        made = records.outputs(library.db(), run.run_id)
        if made and all(output["status"] == "completed" for output in made):
            raise Refused("All files of this run are finished; nothing of it failed. Export the recipe anew.")
        store.request(library.db(), run.job_id, "retry")
        return Queued(run.run_id, run.job_id, run.recipe_name)
    if run.status != "failed":
        raise Refused(_cannot(run, "retried"))
    return _again(library, run, name=run.name, resumed_from=run.run_id)


def rerun(library: Library, given: str, *, fresh: bool = False) -> Queued:
    """Export once more with the same clips and settings, into a new file.

    Segments whose content is proven equal are taken over, which changes no
    byte of the film; ``fresh`` renders all of them.

    Raises:
        Refused: clips are offline, or the run has not ended.
        NotFound: there is no such run.
    """
    run = records.find(library.db(), given)
    if run.status not in states.ENDED:
        raise Refused(_cannot(run, "run again"))
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    name = f"{_RERUN_SUFFIX.sub('', run.name)} (rerun {stamp})"
    return _again(library, run, name=name, resumed_from=None, fresh=fresh)


def cancel(library: Library, given: str) -> Run:
    """Cancel a run at once. Its finished segments stay for a later resume.

    Raises:
        IllegalTransition: it has ended.
        NotFound: there is no such run.
    """
    run = records.find(library.db(), given)
    store.request(library.db(), run.job_id, "cancel")
    return run


@dataclass(frozen=True)
class Deleted:
    """What a deletion did: paths removed, and sentences about what was left alone."""

    run_id: str
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def goes_with(library: Library, given: str) -> list[str]:
    """Paths of the finished files that deleting a run would remove, for the question before it."""
    run = records.find(library.db(), given)
    return [
        os.fsdecode(entry["path"])
        for entry in rows(
            library.db(),
            "SELECT path FROM run_outputs WHERE run_id = ? AND status = 'completed' AND path IS NOT NULL",
            (run.run_id,),
        )
        if os.path.exists(entry["path"])
    ]


def delete(library: Library, given: str, *, keep_files: bool = False) -> Deleted:
    """Remove a run that has ended: its finished files, its segments, its log, its rows.

    A finished file that is no longer what the run made is left alone, and so is one that another run has
    (two runs made the same bytes, and both were delivered to one folder).

    Raises:
        Refused: the run has not ended.
        NotFound: there is no such run.
    """
    db = library.db()
    run = records.find(db, given)
    if run.status not in states.ENDED:
        raise Refused(f"{_cannot(run, 'deleted')} Cancel it first.")
    removed, kept = [], []
    for entry in rows(db, "SELECT * FROM run_outputs WHERE run_id = ? AND path IS NOT NULL", (run.run_id,)):
        path = os.fsdecode(entry["path"])
        if keep_files or entry["status"] != "completed":
            continue
        why = _why_it_stays(db, run, path, entry["size"], entry["blake3"])
        if why is not None:
            kept.append(why)
            continue
        try:
            os.unlink(path)
        except OSError as error:
            kept.append(f"{display(path)} could not be removed: {error.strerror}.")
            continue
        _forget_copy(db, path, entry["blake3"])
        removed.append(path)
    shutil.rmtree(run_folder(library, run.run_id), ignore_errors=True)
    placing.remove(log_path(library, run.run_id))
    if run.thumbnail:
        placing.remove(run.thumbnail)
    with write(db):
        db.execute("DELETE FROM runs WHERE run_id = ?", (run.run_id,))
        audit.record(db, "exports delete", target=display(run.name), job_id=run.job_id)
    return Deleted(run.run_id, tuple(removed), tuple(kept))


def _why_it_stays(db: Database, run: Run, path: str, size: int | None, blake3: str | None) -> str | None:
    """A sentence why a finished file does not go with its run; None: it goes."""
    if not os.path.lexists(path):
        return f"{display(path)} is not there; if its drive is away, it stays on it."
    other = ledger.film_at(db, run.run_id, path)
    if other is not None:
        return f"{display(path)} is the film of run {other['run_id'][:8]} as well; it was left alone."
    if not _is_ours(path, size, blake3):
        return f"{display(path)} is not the file that this run made any more; it was left alone."
    return None


def _is_ours(path: str, size: int | None, blake3: str | None) -> bool:
    try:
        return os.path.getsize(path) == size and full_hash(path) == blake3
    except OSError:
        return False


def _forget_copy(db: Database, path: str, blake3: str | None) -> None:
    try:
        folder = places.place_of(db, os.path.dirname(path))
    except RushesError:
        return  # the row stays and is found missing by the next sweep
    relative = os.path.join(folder.path, os.path.basename(path))
    with write(db):
        db.execute(
            "DELETE FROM copies WHERE volume_id = ? AND path = ? AND role = 'export'"
            " AND asset_id IN (SELECT asset_id FROM assets WHERE blake3 = ?)",
            (folder.volume_id, to_blob(relative), blake3),
        )


def run_folder(library: Library, run_id: str) -> str:
    """The folder of a run's segments."""
    return os.path.join(str(library.exports), run_id)


def log_path(library: Library, run_id: str) -> str:
    """The file with everything that ffmpeg said during a run."""
    return os.path.join(str(library.logs), f"export-{run_id}.log")


def logs(library: Library, given: str, limit: int = 500) -> list[dict[str, Any]]:
    """The newest lines of a run's log, oldest first: ``at``, ``level``, ``message``.

    Raises:
        NotFound: there is no such run.
    """
    run = records.find(library.db(), given)
    return [
        {"at": line["at"], "level": line["level"], "message": line["message"]}
        for line in store.log_lines(library.db(), run.job_id, limit)
    ]


def compare(library: Library, first: str, second: str) -> dict[str, Any]:
    """Two runs side by side: their facts, and the settings in which they differ.

    Raises:
        NotFound: one of them does not exist.
    """
    db = library.db()
    runs = [records.find(db, given) for given in (first, second)]
    flat = [_flatten({"spec": run.spec, "preset": run.preset}) for run in runs]
    names = sorted({*flat[0], *flat[1]})
    clips = [{entry["clip_id"]: entry["title"] for entry in run.snapshot["clips"]} for run in runs]
    return {
        "runs": [run.to_json() for run in runs],
        "different": {
            name: [flat[0].get(name), flat[1].get(name)]
            for name in names
            if flat[0].get(name) != flat[1].get(name)
        },
        "clips_only_in_first": sorted(clips[0][key] for key in clips[0].keys() - clips[1].keys()),
        "clips_only_in_second": sorted(clips[1][key] for key in clips[1].keys() - clips[0].keys()),
        "same_bytes": runs[0].output_blake3 is not None and runs[0].output_blake3 == runs[1].output_blake3,
    }


def _flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def finished_path(library: Library, given: str) -> str:
    """Where a run's film, or folder of files, is.

    Raises:
        Refused: the run has not made one.
        NotFound: it is gone, or there is no such run.
    """
    run = records.find(library.db(), given)
    if run.output_path is None and run.status in ("completed", "completed_with_warnings"):
        raise NotFound("The film of this run was replaced by that of a later one.")
    if run.output_path is None:
        raise Refused(f"This run is {states.spoken(run.status)}; it has no finished file.")
    if not os.path.exists(run.output_path):
        raise NotFound(f"{display(run.output_path)} is gone, or its drive is away.")
    return run.output_path


def _cannot(run: Run, what: str) -> str:
    return f"This run is {states.spoken(run.status)}; it cannot be {what}."


__all__ = [
    "Deleted",
    "Queued",
    "cancel",
    "compare",
    "delete",
    "finished_path",
    "goes_with",
    "log_path",
    "logs",
    "parts_bytes",
    "queue_runs",
    "rerun",
    "resume",
    "retry",
    "run_folder",
]
