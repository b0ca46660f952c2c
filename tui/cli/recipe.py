"""``rushes recipe``: what to export, and how."""

from __future__ import annotations

import json
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
