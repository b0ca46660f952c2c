"""Films and proxies: recipes, presets, runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.api import jobs
from engine.api.rows import RecipeRow
from engine.errors import NotFound, Refused, WrongUse
from engine.export import presets, recipes, runs
from engine.jobs.store import Job
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.supervisor import process


# -- recipes -------------------------------------------------------------------
def create_recipe(library: Library, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Make a recipe; see :func:`engine.export.recipes.checked` for its fields."""
    made = recipes.create(library.db(), name, spec)
    return made.to_json()


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
    return _queued(runs.queue_runs(library, list(names)))


def wait(
    library: Library, job_ids: Sequence[str], on_change: Callable[[Job], None] | None = None
) -> dict[str, Any]:
    """Follow runs to their end: the document of ``export --wait``."""
    return {"runs": [_ended(library, jobs.follow(library, job_id, on_change)) for job_id in job_ids]}


def list_runs(library: Library, status: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
    """Runs, the newest first."""
    return [run.to_json() for run in runs.list_runs(library.db(), status=status, limit=limit)]


def show(library: Library, given: str) -> dict[str, Any]:
    """One run with its outputs and segments."""
    return runs.show(library, given)


def logs(library: Library, given: str, limit: int = 500) -> list[dict[str, Any]]:
    """The newest log lines of a run, oldest first."""
    return jobs.logs(library, runs.get(library.db(), given).job_id, limit)


def request(library: Library, given: str, verb: str) -> dict[str, Any]:
    """Pause, resume (a paused or interrupted run) or cancel a run."""
    return jobs.request(library, runs.get(library.db(), given).job_id, verb)


def again(library: Library, given: str, verb: str) -> dict[str, Any]:
    """Continue or repeat a run that has ended, as a new run.

    Args:
        library: the run's library.
        given: the run.
        verb: ``resume`` or ``retry`` reuse finished segments; ``rerun`` renders afresh. A run
            that is paused or interrupted is resumed in place.
    """
    process.ensure(library)
    found = runs.get(library.db(), given)
    if verb == "resume" and found.status in ("paused", "interrupted"):
        jobs.request(library, found.job_id, "resume")
        return _queued([(found.run_id, found.job_id, found.recipe_name)])
    make = {"resume": runs.resume, "retry": runs.retry, "rerun": runs.rerun}[verb]
    return _queued([make(library, found.run_id)])


def delete(library: Library, given: str) -> dict[str, Any]:
    """Delete a run, its output file and segments that no other run needs."""
    return runs.delete(library, given)


def compare(library: Library, one: str, other: str) -> dict[str, Any]:
    """Two runs side by side: what is equal, what differs."""
    return runs.compare(library, one, other)


def output_of(library: Library, given: str) -> str:
    """The path of a run's finished file.

    Raises:
        NotFound: it has none, or the file is not there.
    """
    path = runs.get(library.db(), given).output_path
    if path is None:
        raise NotFound("This run has no finished file.")
    if not Path(path).exists():
        raise NotFound(f"{display(path)} is not there any more.")
    return path


def _queued(made: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    return {"runs": [{"run_id": run, "job_id": job, "recipe": recipe} for run, job, recipe in made]}


def _ended(library: Library, job: Job) -> dict[str, Any]:
    run = runs.of_job(library.db(), job.job_id)
    return {
        "run_id": run.run_id,
        "recipe": run.recipe_name,
        "output_path": None,
        "output_size": None,
        "output_duration_ms": None,
        "frames": None,
        "seconds": 0.0,
        "segments": 0,
        "segments_reused": 0,
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
