"""``rushes recipe``: what to export, and how."""

from __future__ import annotations

import json
import shlex
from typing import Any

import click

from tui.cli import options, output

MODES = ["all", "by_date", "by_event", "by_favorites", "filter", "list"]


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
            click.option("--title", metavar="TEXT", help="Words on a card before the film."),
            click.option("--burn-in", metavar="STAMPS", help="e.g. 'timecode@bottom-left:4; clip@top'."),
            click.option("--loudness", type=float, metavar="LUFS"),
            click.option("--timecode", help="Of the film's first frame, e.g. 10:00:00:00."),
            click.option("--hdr", type=click.Choice(["flag", "tonemap", "refuse"]), help="HDR clips."),
            click.option(
                "--verify",
                type=click.Choice(["quick", "decode", "quality"]),
                help="How deep the film is proven.",
            ),
            click.option(
                "--deliver", type=click.Choice(["no", "copy", "move"]), help="Afterwards, to --deliver-to."
            ),
            click.option("--deliver-to", metavar="DIR", help="Folder for --deliver."),
            click.option("--single/--segments", default=None, help="In one piece, without checkpoints."),
            click.option(
                "--offline", type=click.Choice(["refuse", "skip"]), help="What to do about clips away."
            ),
            click.option("--text", help="Mode filter: part of the title."),
            click.option("--tag", "tags", multiple=True, help="Mode filter: this tag; may be repeated."),
            click.option("--volume", help="Mode filter: clips on this volume."),
            click.option("--since", metavar="TIME", help="Mode filter: recorded at or after."),
            click.option("--until", metavar="TIME", help="Mode filter: recorded at or before."),
            click.option(
                "--clip",
                "clips",
                multiple=True,
                metavar="CLIP[@IN-OUT]",
                help="Mode list: a clip's id or title, with points such as 25-100, 1s-4.5s; in this order.",
            ),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="KEY=VALUE",
                help="Any field (rushes recipe fields); empty is the default. May be repeated.",
            ),
        ]
    ):
        function = option(function)
    return function


def _spec(given: dict[str, Any]) -> dict[str, Any]:
    """Turn the options into fields of a recipe; what was not given is left out."""
    import os

    from engine.api import recipes
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
            "timecode",
            "hdr",
            "verify",
            "deliver",
            "burn_in",
            "single",
            "offline",
        )
        if given[key] is not None
    }
    if given["template"]:
        spec["template"] = given["template"]
    if given["title"]:
        spec["title"] = {"text": given["title"]}
    for key in ("destination", "lut", "deliver_to"):
        if given[key]:
            spec[key] = os.path.abspath(given[key])
    if given["size"]:
        width, _, height = given["size"].lower().partition("x")
        if not (width.isdigit() and height.isdigit()):
            raise WrongUse(f"{output.shown(given['size'])} is no picture size; give one like 1920x1080.")
        spec["width"], spec["height"] = int(width), int(height)
    wanted = {key: given[key] for key in ("text", "volume", "since", "until") if given[key]}
    if given["tags"]:
        wanted["tags"] = list(given["tags"])
    if wanted:
        spec["filter"] = wanted
        spec.setdefault("mode", "filter")
    if given["clips"]:
        spec["items"] = [{"clip_id": clip} for clip in given["clips"]]
        spec.setdefault("mode", "list")
    return _merged(spec, recipes.settings_of(given["settings"]))


def _merged(spec: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Lay ``--set`` over the options."""
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(spec.get(key), dict)
        spec[key] = {**spec[key], **value} if both else value
    return spec


def _find_clips(library: Any, spec: dict[str, Any]) -> None:
    """Turn each ``CLIP@IN-OUT`` of a list into a clip of the library with frames."""
    from engine.api import recipes

    items = spec.get("items")
    if isinstance(items, str):  # --set items=A@0-50,B; a title with a comma needs --clip
        items = [{"clip_id": name.strip()} for name in items.split(",") if name.strip()]
    if items:
        spec["items"] = [recipes.item_of(library, str(item["clip_id"])) for item in items]


@recipe.command()
@click.argument("name")
@_fields
@options.common
def create(name: str, library_path: str | None, as_json: bool, **given: Any) -> None:
    """Make a recipe called NAME."""
    from engine.api import recipes

    library = options.open_library(library_path)
    spec = _spec(given)
    _find_clips(library, spec)
    made = recipes.create_recipe(library, name, spec)
    if as_json:
        output.document(made)
    else:
        word = shlex.quote(output.shown(name))
        output.say(f"Recipe {output.shown(name)} made. Queue it with: rushes export {word}")


@recipe.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="A new name.")
@_fields
@options.common
def edit(name: str, new_name: str | None, library_path: str | None, as_json: bool, **given: Any) -> None:
    """Change a recipe; runs that exist keep their own snapshot."""
    from engine.api import recipes

    library = options.open_library(library_path)
    spec = _spec(given)
    _find_clips(library, spec)
    made = recipes.edit_recipe(library, name, spec, new_name)
    if as_json:
        output.document(made)
    else:
        output.say(f"Recipe {output.shown(made['name'])} changed.")


@recipe.command(name="list")
@options.common
def list_recipes(library_path: str | None, as_json: bool) -> None:
    """All recipes."""
    from engine.api import recipes

    found = recipes.list_recipes(options.open_library(library_path))
    if as_json:
        output.document(found)
        return
    output.table(
        ["NAME", "CLIPS", "LAYOUT", "PRESET", "LAST RUN", "TO"],
        [
            [
                output.shown(r["name"]),
                r["mode"],
                r["layout"],
                output.shown(r["preset"]) + (" (not there)" if r["preset_missing"] else ""),
                (r["last_status"] or "never").replace("_", " "),
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
    from engine.api import recipes

    found = recipes.show_recipe(options.open_library(library_path), name)
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
    from engine.api import recipes

    library = options.open_library(library_path)
    recipes.show_recipe(library, name)
    if not output.ask(f"Delete the recipe {output.shown(name)}? Its runs and films stay.", yes=yes):
        return 130
    recipes.delete_recipe(library, name)
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
    from engine.api import recipes

    text = recipes.recipe_text(options.open_library(library_path), name)
    output.document(json.loads(text)) if as_json else output.say(text)


@recipe.command(name="import")
@click.argument("file")
@click.option("--name", help="Another name than the file's.")
@options.common
def import_recipe(file: str, name: str | None, library_path: str | None, as_json: bool) -> None:
    """Make a recipe from a file."""
    from engine.api import recipes

    made = recipes.import_recipe(options.open_library(library_path), file, name)
    if as_json:
        output.document(made)
    else:
        output.say(f"Recipe {output.shown(made['name'])} made.")


@recipe.command()
@options.common
def fields(library_path: str | None, as_json: bool) -> None:
    """Every field of a recipe, for --set."""
    from engine.api import recipes

    del library_path
    found = recipes.fields()
    if as_json:
        output.document(found)
        return
    output.table(
        ["KEY", "TAKES", "MEANING"],
        [[entry["key"], takes(entry), output.shown(entry["hint"])] for entry in found],
        "No fields.",
    )


def takes(entry: dict[str, Any]) -> str:
    """What a field takes, in a word or its choices."""
    if entry["choices"]:
        return ", ".join(str(choice) for choice in entry["choices"])
    return {"flag": "yes, no", "words": "words, with commas"}.get(str(entry["kind"]), str(entry["kind"]))


@recipe.command()
@click.argument("name")
@options.common
def preview(name: str, library_path: str | None, as_json: bool) -> int:
    """What a recipe would come to now: clips, length, size, names, the ffmpeg command."""
    from engine.api import recipes

    found = recipes.preview_recipe(options.open_library(library_path), name)
    if as_json:
        output.document(found)
    else:
        for key, sentence in found["problems"].items():
            output.complain(f"{key or 'recipe'}: {output.shown(sentence)}")
        for fact in found["facts"]:
            output.say(f"{fact['label']:9} {output.shown(fact['text'])}")
        if found["command"]:
            output.say(f"{'Runs':9} {output.shown(shlex.join(found['command']))}")
    return 3 if found["problems"] else 0


@recipe.command()
@click.argument("name")
@click.argument("new_name", metavar="NEW")
@options.common
def copy(name: str, new_name: str, library_path: str | None, as_json: bool) -> None:
    """Make a recipe like NAME, called NEW."""
    from engine.api import recipes

    made = recipes.copy_recipe(options.open_library(library_path), name, new_name)
    output.document(made) if as_json else output.say(f"Recipe {output.shown(made['name'])} made.")


@recipe.command()
@click.argument("name")
@click.argument("file")
@options.common
def timeline(name: str, file: str, library_path: str | None, as_json: bool) -> None:
    """Write a recipe's timeline for an editing program: FILE ends in .otio, .edl or .fcpxml."""
    import os

    from engine.api import recipes

    said = recipes.write_timeline(options.open_library(library_path), name, os.path.abspath(file))
    if as_json:
        output.document({"file": output.shown(os.path.abspath(file)), "notes": said})
    else:
        for sentence in said:
            output.say(output.shown(sentence))
