"""Films and proxies: recipes, presets, runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.api import jobs
from engine.api.rows import RecipeRow
from engine.errors import NotFound, Refused, WrongUse
from engine.export import farm, orders, presets, recipes, records, runs
from engine.export.orders import Queued
from engine.jobs.store import Job
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.storage.database import scalar
from engine.supervisor import process


# -- recipes -------------------------------------------------------------------
def create_recipe(library: Library, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Make a recipe; see :func:`engine.export.spec.checked` for its fields."""
    _check_preset(spec)
    return recipes.create(library.db(), name, spec).to_json()


def list_recipes(library: Library) -> list[dict[str, Any]]:
    """All recipes, by name."""
    return [recipe.to_json() for recipe in recipes.list_recipes(library.db())]


def recipe_rows(library: Library) -> list[RecipeRow]:
    """Recipes as the screens list them."""
    return [
        RecipeRow(
            recipe.name,
            recipe.spec["mode"],
            recipe.spec["layout"],
            recipe.spec["preset"],
            recipe.spec["destination"],
        )
        for recipe in recipes.list_recipes(library.db())
    ]


def show_recipe(library: Library, given: str) -> dict[str, Any]:
    """One recipe by name or id."""
    return recipes.get(library.db(), given).to_json()


def edit_recipe(
    library: Library, given: str, changes: Mapping[str, Any], new_name: str | None = None
) -> dict[str, Any]:
    """Change fields of a recipe; runs that exist keep their own snapshot."""
    _check_preset(changes)
    return recipes.edit(library.db(), given, changes, new_name=new_name).to_json()


def delete_recipe(library: Library, given: str) -> None:
    """Delete a recipe; its runs and films stay."""
    recipes.delete(library.db(), given)


def recipe_text(library: Library, given: str) -> str:
    """A recipe as a file, with its schema version."""
    return recipes.export_text(recipes.get(library.db(), given))


def import_recipe(library: Library, file: str, name: str | None = None) -> dict[str, Any]:
    """Make a recipe from a file that :func:`recipe_text` wrote."""
    return recipes.import_text(library.db(), _text_of(file), name).to_json()


def write_timeline(library: Library, given: str, file: str) -> list[str]:
    """Write a recipe's timeline for editing programs; the file's ending says which.

    Returns:
        sentences: where it lies, and what the format could not carry.

    Raises:
        WrongUse: an ending of no known format.
        Refused: the file exists, or nothing can be written.
    """
    raise Refused(
        f"{display(file)}: no editing format of {display(given)} in {library.name} can be written yet."
    )


# -- presets -------------------------------------------------------------------
def list_presets() -> list[dict[str, Any]]:
    """All presets, system ones first. Needs no library."""
    db = config.open_config()
    try:
        return [preset.to_json() for preset in presets.list_presets(db)]
    finally:
        db.close()


def show_preset(name: str) -> dict[str, Any]:
    """One preset with the ffmpeg arguments it leads to."""
    db = config.open_config()
    try:
        preset = presets.get(db, name)
        return {**preset.to_json(), "arguments": presets.arguments(preset)}
    finally:
        db.close()


_PRESET_OPTIONS = {
    "video_codec": ("video", "codec"),
    "crf": ("video", "crf"),
    "bitrate": ("video", "bitrate"),
    "speed": ("video", "preset"),
    "profile": ("video", "profile"),
    "tune": ("video", "tune"),
    "pix_fmt": ("video", "pix_fmt"),
    "audio_codec": ("audio", "codec"),
    "audio_bitrate": ("audio", "bitrate"),
}
"""Options of ``presets create`` that belong to a part of a preset; the others are its own fields."""


def preset_body(base: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Put the settings of a new preset together.

    Args:
        base: a preset to start from; None starts from H.264 and AAC in MP4.
        given: options by name; None leaves what is there. Choosing a codec drops the settings of another one.
    """
    start: dict[str, Any] = {
        "video": {"codec": "libx264"},
        "audio": {"codec": "aac"},
        "container": "mp4",
    }
    if base is not None:
        db = config.open_config()
        try:
            start = dict(presets.get(db, base).body)
        finally:
            db.close()
    for option, value in given.items():
        if value is None:
            continue
        part, field = _PRESET_OPTIONS.get(option, (None, option))
        if part is None:
            start[field] = value
        elif field == "codec" and (start.get(part) or {}).get("codec") != value:
            start[part] = {"codec": value}
        else:
            start[part] = {**(start.get(part) or {}), field: value}
    if given.get("crf") is not None and given.get("bitrate") is None and start.get("video"):
        start["video"]["bitrate"] = None
    if given.get("bitrate") is not None and given.get("crf") is None and start.get("video"):
        start["video"]["crf"] = None
    return {**start, "category": "own"}


def create_preset(name: str, body: Mapping[str, Any], description: str = "") -> dict[str, Any]:
    """Make a preset; every field is checked first."""
    db = config.open_config()
    try:
        return presets.create(db, name, body, description).to_json()
    finally:
        db.close()


def delete_preset(name: str) -> None:
    """Delete a preset of one's own; system presets are refused."""
    db = config.open_config()
    try:
        presets.delete(db, name)
    finally:
        db.close()


def preset_text(name: str) -> str:
    """A preset as a file, with its schema version."""
    db = config.open_config()
    try:
        return presets.export_text(presets.get(db, name))
    finally:
        db.close()


def import_preset(file: str, name: str | None = None) -> dict[str, Any]:
    """Make a preset from a file that :func:`preset_text` wrote."""
    db = config.open_config()
    try:
        return presets.import_text(db, _text_of(file), name).to_json()
    finally:
        db.close()


# -- runs ------------------------------------------------------------------------
def queue(library: Library, names: Sequence[str]) -> dict[str, Any]:
    """Queue a run of each recipe: ``runs[]{run_id, job_id, recipe}``.

    Raises:
        NotFound: there is no such recipe; nothing was queued.
        Refused: a recipe cannot be run now (no clips, clips offline, tools missing); nothing was queued.
    """
    if not names:
        raise WrongUse("Say which recipe to export: rushes recipe list")
    process.ensure(library)
    return _queued(orders.queue_runs(library, list(names)))


def wait(
    library: Library, job_ids: Sequence[str], on_change: Callable[[Job], None] | None = None
) -> dict[str, Any]:
    """Follow runs to their end: the document of ``export --wait``."""
    return {"runs": [_ended(library, jobs.follow(library, job_id, on_change)) for job_id in job_ids]}


def list_runs(library: Library, statuses: tuple[str, ...] = (), limit: int = 1000) -> list[dict[str, Any]]:
    """Runs, the newest first; no status means all.

    Raises:
        WrongUse: an unknown state.
    """
    jobs.check_statuses(statuses)
    return [run.to_json() for run in records.list_runs(library.db(), statuses, limit)]


def show(library: Library, given: str) -> dict[str, Any]:
    """One run with its outputs and segments."""
    db = library.db()
    run = records.find(db, given)
    return {
        **run.to_json(),
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


def cancel(library: Library, given: str) -> dict[str, Any]:
    """Stop a run at once and return its job; finished segments stay for a later resume."""
    return jobs.request(library, records.find(library.db(), given).job_id, "cancel")


def again(library: Library, given: str, verb: str) -> dict[str, Any]:
    """Continue or repeat a run.

    Args:
        library: the run's library.
        given: the run.
        verb: ``resume`` goes on in place with a run that is paused or interrupted, and as a new run
            with one that failed or was cancelled; it and ``retry`` check and reuse finished segments.
            ``rerun`` renders the same snapshot afresh.
    """
    process.ensure(library)
    found = records.find(library.db(), given)
    if verb == "resume" and found.status in ("paused", "interrupted"):
        jobs.request(library, found.job_id, "resume")
        return _queued([Queued(found.run_id, found.job_id, found.recipe_name)])
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
        Refused, NotFound: see :func:`engine.export.farm.describe`.
    """
    db = library.db()
    run_id = farm.run_id_of(db, given)
    return json.dumps(farm.describe(db, runs.run_folder(library, run_id), run_id, position), indent=2)


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
    made = farm.render(_text_of(file), index, attempt, on_progress)
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


def _check_preset(spec: Mapping[str, Any]) -> None:
    """Raise NotFound when a recipe names a preset that does not exist: better now than at night."""
    if spec.get("preset") is not None:
        db = config.open_config()
        try:
            presets.get(db, str(spec["preset"]))
        finally:
            db.close()


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


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"{display(file)} does not exist.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{display(file)} cannot be read: {error}.") from error
