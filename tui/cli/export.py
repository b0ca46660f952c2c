"""``rushes recipe``, ``export``, ``exports``, ``presets``, ``segment``."""

from __future__ import annotations

import json
from typing import Any

import click

from tui.cli import options, output

MODES = ["all", "by_date", "by_event", "by_favorites", "filter", "list"]


# -- recipes -------------------------------------------------------------------
@click.group()
def recipe() -> None:
    """What to export, and how."""


def _fields(function: options.Function) -> options.Function:
    """Add the options that set fields of a recipe."""
    for option in reversed(
        [
            click.option("--mode", type=click.Choice(MODES), help="Which clips, and how they are grouped."),
            click.option(
                "--layout", type=click.Choice(["joined", "per-clip"]), help="One film, or one file a clip."
            ),
            click.option("--preset", help="How to encode: rushes presets list"),
            click.option("--to", "destination", metavar="DIR", help="Where the files go."),
            click.option("--template", metavar="TEXT", help="File name with tokens, e.g. {recipe}_{date}."),
            click.option("--order", type=click.Choice(["time", "title", "added"])),
            click.option("--transition", type=click.Choice(["cut", "crossfade"])),
            click.option("--transition-ms", type=click.IntRange(1, 10_000)),
            click.option("--size", metavar="WxH", help="Picture size; the first clip's when not given."),
            click.option("--fps", help="Frame rate, e.g. 25 or 30000/1001; the first clip's when not given."),
            click.option("--lut", metavar="FILE", help="A .cube file."),
            click.option("--burn-in", multiple=True, type=click.Choice(["timecode", "title", "frame"])),
            click.option("--loudness", type=float, metavar="LUFS"),
            click.option(
                "--offline", type=click.Choice(["refuse", "skip"]), help="What to do about clips away."
            ),
            click.option("--text", help="Mode filter: part of the title."),
            click.option("--tag", "tags", multiple=True, help="Mode filter: this tag; may be repeated."),
            click.option("--volume", help="Mode filter: clips on this volume."),
            click.option("--since", metavar="TIME", help="Mode filter: recorded at or after."),
            click.option("--clip", "clips", multiple=True, help="Mode list: a clip's id; in this order."),
        ]
    ):
        function = option(function)
    return function


def _spec(given: dict[str, Any]) -> dict[str, Any]:
    """Turn the options into fields of a recipe; what was not given is left out."""
    import os

    from engine.errors import WrongUse

    spec: dict[str, Any] = {
        key: given[key]
        for key in (
            "mode",
            "layout",
            "preset",
            "order",
            "transition",
            "transition_ms",
            "fps",
            "loudness",
            "offline",
        )
        if given[key] is not None
    }
    if given["template"]:
        spec["name"] = given["template"]
    for key in ("destination", "lut"):
        if given[key]:
            spec[key] = os.path.abspath(given[key])
    if given["burn_in"]:
        spec["burn_in"] = list(given["burn_in"])
    if given["size"]:
        width, _, height = given["size"].lower().partition("x")
        if not (width.isdigit() and height.isdigit()):
            raise WrongUse(f"{output.shown(given['size'])} is no picture size; give one like 1920x1080.")
        spec["width"], spec["height"] = int(width), int(height)
    wanted = {key: given[key] for key in ("text", "volume", "since") if given[key]}
    if given["tags"]:
        wanted["tags"] = list(given["tags"])
    if wanted:
        spec["filter"] = wanted
        spec.setdefault("mode", "filter")
    if given["clips"]:
        spec["items"] = [{"clip_id": clip} for clip in given["clips"]]
        spec.setdefault("mode", "list")
    return spec


@recipe.command()
@click.argument("name")
@_fields
@options.common
def create(name: str, library_path: str | None, as_json: bool, **given: Any) -> None:
    """Make a recipe called NAME."""
    from engine.api import clips, exports

    library = options.open_library(library_path)
    spec = _spec(given)
    for item in spec.get("items", []):
        item["clip_id"] = clips.find(library, item["clip_id"])
    made = exports.create_recipe(library, name, spec)
    if as_json:
        output.document(made)
    else:
        output.say(f"Recipe {output.shown(name)} made. Queue it with: rushes export {output.shown(name)}")


@recipe.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="A new name.")
@_fields
@options.common
def edit(name: str, new_name: str | None, library_path: str | None, as_json: bool, **given: Any) -> None:
    """Change a recipe; runs that exist keep their own snapshot."""
    from engine.api import exports

    made = exports.edit_recipe(options.open_library(library_path), name, _spec(given), new_name)
    if as_json:
        output.document(made)
    else:
        output.say(f"Recipe {output.shown(made['name'])} changed.")


@recipe.command(name="list")
@options.common
def list_recipes(library_path: str | None, as_json: bool) -> None:
    """All recipes."""
    from engine.api import exports

    found = exports.list_recipes(options.open_library(library_path))
    if as_json:
        output.document(found)
        return
    output.table(
        ["NAME", "CLIPS", "LAYOUT", "PRESET", "TO"],
        [
            [
                output.shown(r["name"]),
                r["mode"],
                r["layout"],
                r["preset"],
                output.shown(r["destination"] or "-"),
            ]
            for r in found
        ],
        "No recipes yet. Make one with: rushes recipe create NAME",
    )


@recipe.command()
@click.argument("name")
@options.common
def show(name: str, library_path: str | None, as_json: bool) -> None:
    """One recipe."""
    from engine.api import exports

    found = exports.show_recipe(options.open_library(library_path), name)
    if as_json:
        output.document(found)
        return
    for key, value in found.items():
        if value not in (None, [], {}):
            output.say(f"{key:14} {output.shown(str(value))}")


@recipe.command()
@click.argument("name")
@options.confirming
@options.common
def delete(name: str, yes: bool, library_path: str | None, as_json: bool) -> int:
    """Delete a recipe; its runs and films stay."""
    from engine.api import exports

    library = options.open_library(library_path)
    exports.show_recipe(library, name)
    if not output.ask(f"Delete the recipe {output.shown(name)}? Its runs and films stay.", yes=yes):
        return 130
    exports.delete_recipe(library, name)
    if as_json:
        output.document({"deleted": name})
    else:
        output.say(f"Recipe {output.shown(name)} deleted.")
    return 0


@recipe.command(name="export")
@click.argument("name")
@options.common
def export_recipe(name: str, library_path: str | None, as_json: bool) -> None:
    """Print a recipe as a file that `recipe import` takes."""
    from engine.api import exports

    text = exports.recipe_text(options.open_library(library_path), name)
    output.document(json.loads(text)) if as_json else output.say(text)


@recipe.command(name="import")
@click.argument("file")
@click.option("--name", help="Another name than the file's.")
@options.common
def import_recipe(file: str, name: str | None, library_path: str | None, as_json: bool) -> None:
    """Make a recipe from a file."""
    from engine.api import exports

    made = exports.import_recipe(options.open_library(library_path), file, name)
    if as_json:
        output.document(made)
    else:
        output.say(f"Recipe {output.shown(made['name'])} made.")


# -- queueing and runs -----------------------------------------------------------
def _finish(library: Any, queued: dict[str, Any], wait: bool, as_json: bool) -> int:
    from engine.api import exports

    if not wait:
        if as_json:
            output.document(queued)
        else:
            for run in queued["runs"]:
                output.say(f"{output.shown(run['recipe'])}: queued as run {run['run_id'][:8]}.")
        return 0
    progress = output.Progress()
    try:
        result = exports.wait(library, [run["job_id"] for run in queued["runs"]], progress)
    finally:
        progress.end()
    if as_json:
        output.document(result)
    else:
        for run in result["runs"]:
            output.say(
                f"{output.shown(run['recipe'])}: {run['status'].replace('_', ' ')}"
                + (
                    f", {run['output_path']} ({output.size(run['output_size'])}, {run['frames']} frames)"
                    if run["output_path"]
                    else ""
                )
            )
            if run["error"]:
                output.complain(output.shown(run["error"]))
    return 0 if all(run["status"] == "completed" for run in result["runs"]) else 1


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@options.waiting
@options.common
def export(recipes: tuple[str, ...], wait: bool, library_path: str | None, as_json: bool) -> int:
    """Queue a run of each RECIPE."""
    from engine.api import exports

    library = options.open_library(library_path)
    return _finish(library, exports.queue(library, recipes), wait, as_json)


@click.group()
def exports() -> None:
    """Runs: list, show, cancel, resume, rerun, delete."""


@exports.command(name="list")
@click.option("--status", "statuses", multiple=True, help="Only runs in this state; may be repeated.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@options.common
def list_runs(statuses: tuple[str, ...], limit: int, library_path: str | None, as_json: bool) -> None:
    """Runs, the newest first."""
    from engine.api import exports as api

    found = api.list_runs(options.open_library(library_path), statuses, limit)
    if as_json:
        output.document(found)
        return
    output.table(
        ["RUN", "STATUS", "NAME", "SIZE", "LENGTH", "AGE"],
        [
            [
                run["run_id"][:8],
                run["status"].replace("_", " "),
                output.shown(run["name"]),
                output.size(run["output_size"]),
                output.clip_length(run["output_duration_ms"]),
                output.age(run["created_at"]),
            ]
            for run in found
        ],
        "No runs yet. Make a recipe and queue it: rushes recipe create NAME, rushes export NAME",
    )


@exports.command(name="show")
@click.argument("run")
@options.common
def show_run(run: str, library_path: str | None, as_json: bool) -> None:
    """One run with its outputs and segments."""
    from engine.api import exports as api

    found = api.show(options.open_library(library_path), run)
    if as_json:
        output.document(found)
        return
    for key, value in found.items():
        if value is not None and not isinstance(value, (list, dict)):
            output.say(f"{key:18} {output.shown(str(value))}")


@exports.command()
@click.argument("run")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@options.common
def logs(run: str, limit: int, library_path: str | None, as_json: bool) -> None:
    """The log of a run."""
    from engine.api import exports as api

    lines = api.logs(options.open_library(library_path), run, limit)
    if as_json:
        output.document(lines)
        return
    for line in lines:
        output.say(f"{line['at']}  {line['level'].upper():7}  {output.shown(line['message'])}")
    if not lines:
        output.say("Nothing was logged.")


@exports.command()
@click.argument("run")
@options.common
def cancel(run: str, library_path: str | None, as_json: bool) -> None:
    """Stop a run at once; finished segments stay for a later resume."""
    from engine.api import exports as api
    from engine.api import jobs

    library = options.open_library(library_path)
    asked = api.cancel(library, run)
    found = jobs.settle(library, asked["job_id"])
    if as_json:
        output.document(found)
    else:
        output.say(f"{output.shown(found['title'])}: {found['status'].replace('_', ' ')}.")


def _again(name: str, text: str) -> None:
    @exports.command(name=name, help=text)
    @click.argument("run")
    @options.waiting
    @options.common
    def verb(run: str, wait: bool, library_path: str | None, as_json: bool) -> int:
        from engine.api import exports as api

        library = options.open_library(library_path)
        return _finish(library, api.again(library, run, name), wait, as_json)


_again("resume", "Go on with a run; finished segments are checked and reused.")
_again("retry", "Try a failed run again; finished segments are checked and reused.")
_again("rerun", "Render the same snapshot afresh.")


@exports.command(name="delete")
@click.argument("run")
@options.confirming
@options.common
def delete_run(run: str, yes: bool, library_path: str | None, as_json: bool) -> int:
    """Delete a run together with its output file."""
    from engine.api import exports as api

    library = options.open_library(library_path)
    found = api.show(library, run)
    what = f"the run {output.shown(found['name'])}"
    files = api.goes_with(library, found["run_id"])
    if files:
        what += f" and {len(files)} finished file(s), first {output.shown(files[0])}"
    if not output.ask(f"Delete {what}?", yes=yes):
        return 130
    gone = api.delete(library, run)
    output.document(gone) if as_json else output.say(f"Deleted {what}.")
    return 0


@exports.command(name="open")
@click.argument("run")
@options.common
def open_run(run: str, library_path: str | None, as_json: bool) -> None:
    """Print where a run's file lies; over SSH there is no desktop to open it on."""
    from engine.api import exports as api
    from engine.names import json_name

    path = api.output_of(options.open_library(library_path), run)
    output.document(json_name("path", path)) if as_json else output.say(output.shown(path))


@exports.command()
@click.argument("one")
@click.argument("other")
@options.common
def compare(one: str, other: str, library_path: str | None, as_json: bool) -> None:
    """Two runs side by side."""
    from engine.api import exports as api

    found = api.compare(options.open_library(library_path), one, other)
    if as_json:
        output.document(found)
        return
    for key, value in found.items():
        output.say(f"{key:18} {output.shown(str(value))}")


# -- presets ---------------------------------------------------------------------
@click.group()
def presets() -> None:
    """How to encode. Shared by all libraries."""


JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@presets.command(name="list")
@JSON_OPTION
def list_presets(as_json: bool) -> None:
    """All presets, the built-in ones first."""
    from engine.api import exports as api

    found = api.list_presets()
    if as_json:
        output.document(found)
        return
    output.table(
        ["NAME", "VIDEO", "AUDIO", "FILE", "DESCRIPTION"],
        [
            [
                output.shown(preset["name"]) + (" [system]" if preset["is_system"] else ""),
                (preset.get("video") or {}).get("codec", "-"),
                (preset.get("audio") or {}).get("codec", "-"),
                preset["container"],
                output.shown(preset["description"]),
            ]
            for preset in found
        ],
        "No presets.",
    )


@presets.command(name="show")
@click.argument("name")
@JSON_OPTION
def show_preset(name: str, as_json: bool) -> None:
    """One preset with the ffmpeg arguments it leads to."""
    from engine.api import exports as api

    found = api.show_preset(name)
    if as_json:
        output.document(found)
        return
    for key, value in found.items():
        output.say(f"{key:12} {' '.join(value) if key == 'arguments' else output.shown(str(value))}")


@presets.command(name="create")
@click.argument("name")
@click.option("--from", "base", metavar="PRESET", help="Start from a copy of this preset.")
@click.option("--video-codec", help="e.g. libx264, prores_ks, dnxhd.")
@click.option("--crf", type=int)
@click.option("--bitrate", help="Video, e.g. 10M.")
@click.option("--speed", help="The encoder's own preset, e.g. medium.")
@click.option("--profile")
@click.option("--tune")
@click.option("--pix-fmt")
@click.option("--scale", help="e.g. 1280:-2.")
@click.option("--fps")
@click.option("--audio-codec", help="e.g. aac, pcm_s16le.")
@click.option("--audio-bitrate", help="e.g. 160k.")
@click.option("--container", help="e.g. mp4, mov, mkv, mxf.")
@click.option("--description", default="", help="One line for people.")
@JSON_OPTION
def create_preset(name: str, base: str | None, description: str, as_json: bool, **given: Any) -> None:
    """Make a preset called NAME."""
    from engine.api import exports as api

    body = api.preset_body(base, given)
    made = api.create_preset(name, body, description)
    if as_json:
        output.document(made)
    else:
        output.say(f"Preset {output.shown(name)} made.")


@presets.command(name="delete")
@click.argument("name")
@JSON_OPTION
def delete_preset(name: str, as_json: bool) -> None:
    """Delete a preset of your own."""
    from engine.api import exports as api

    api.delete_preset(name)
    output.document({"deleted": name}) if as_json else output.say(f"Preset {output.shown(name)} deleted.")


@presets.command(name="export")
@click.argument("name")
@JSON_OPTION
def export_preset(name: str, as_json: bool) -> None:
    """Print a preset as a file that `presets import` takes."""
    from engine.api import exports as api

    text = api.preset_text(name)
    output.document(json.loads(text)) if as_json else output.say(text)


@presets.command(name="import")
@click.argument("file")
@click.option("--name", help="Another name than the file's.")
@JSON_OPTION
def import_preset(file: str, name: str | None, as_json: bool) -> None:
    """Make a preset from a file."""
    from engine.api import exports as api

    made = api.import_preset(file, name)
    if as_json:
        output.document(made)
    else:
        output.say(f"Preset {output.shown(made['name'])} made.")
