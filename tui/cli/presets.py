"""``rushes presets``: how to encode."""

from __future__ import annotations

import json
from typing import Any

import click

from tui.cli import options, output


@click.group()
def presets() -> None:
    """How to encode. Shared by all libraries."""


SET_OPTION = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any field (rushes presets fields); empty is the default. May be repeated.",
)


@presets.command(name="list")
@click.option("--category", help="Only presets of this category.")
@click.option("--check", is_flag=True, help="Try each on this machine and say why one cannot be used.")
@options.without_library()
def list_presets(category: str | None, check: bool, as_json: bool) -> None:
    """All presets, the built-in ones first."""
    from engine.api import presets as api

    found = [preset for preset in api.list_presets() if category in (None, preset["category"])]
    if check:
        for preset in found:
            preset["unable"] = preset.get("trouble") or " ".join(api.unable(preset["name"])) or None
    if as_json:
        output.document(found)
        return
    output.table(
        ["CATEGORY", "NAME", "VIDEO", "AUDIO", "FILE", "DESCRIPTION"],
        [
            [
                preset["category"],
                output.shown(preset["name"]) + (" [system]" if preset["is_system"] else ""),
                (preset.get("video") or {}).get("codec", "-"),
                (preset.get("audio") or {}).get("codec", "-"),
                preset["container"],
                output.shown(preset.get("trouble") or preset.get("unable") or preset["description"]),
            ]
            for preset in found
        ],
        "No presets.",
    )


@presets.command(name="show")
@click.argument("name")
@options.without_library()
def show_preset(name: str, as_json: bool) -> None:
    """One preset with the ffmpeg arguments it leads to."""
    from engine.api import presets as api

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
@SET_OPTION
@options.without_library()
def create_preset(
    name: str, base: str | None, description: str, settings: tuple[str, ...], as_json: bool, **given: Any
) -> None:
    """Make a preset called NAME."""
    from engine.api import presets as api

    body = api.preset_body(base, given, api.settings_of(settings))
    made = api.create_preset(name, body, description)
    if as_json:
        output.document(made)
    else:
        output.say(f"Preset {output.shown(name)} made.")


@presets.command()
@click.argument("name")
@click.argument("new_name", metavar="NEW")
@options.without_library()
def copy(name: str, new_name: str, as_json: bool) -> None:
    """Make a preset like NAME, called NEW."""
    from engine.api import presets as api

    made = api.create_preset(new_name, api.preset_body(name, {}), api.show_preset(name)["description"])
    output.document(made) if as_json else output.say(f"Preset {output.shown(made['name'])} made.")


@presets.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="A new name.")
@SET_OPTION
@options.without_library()
def edit(name: str, new_name: str | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Change a preset of your own; queued runs keep their own copy."""
    from engine.api import presets as api

    made = api.edit_preset(name, api.settings_of(settings), new_name)
    output.document(made) if as_json else output.say(f"Preset {output.shown(made['name'])} changed.")


@presets.command()
@options.without_library()
def fields(as_json: bool) -> None:
    """Every field of a preset, for --set."""
    from engine.api import presets as api
    from tui.cli.recipe import takes

    found = api.fields()
    if as_json:
        output.document(found)
        return
    output.table(
        ["KEY", "TAKES", "MEANING"],
        [[entry["key"], takes(entry), output.shown(entry["hint"])] for entry in found],
        "No fields.",
    )


@presets.command()
@click.argument("name")
@click.option("--codec", required=True, metavar="PRESET", help="How it is encoded: a preset.")
@click.option("--scaling", metavar="PART", help="Size and frame rate.")
@click.option("--watermark", metavar="PART", help="What is burnt into the picture.")
@click.option("--naming", metavar="PART", help="How files are called.")
@click.option("--sound", metavar="PART", help="How loud it is.")
@click.option("--description", default="", help="One line for people.")
@options.without_library()
def compose(name: str, description: str, as_json: bool, **parts: str | None) -> None:
    """Put a preset together from parts: rushes presets parts lists them."""
    from engine.api import presets as api

    given = {concern: part for concern, part in parts.items() if part}
    made = api.compose_preset(name, given, description)
    output.document(made) if as_json else output.say(f"Preset {output.shown(made['name'])} made.")


@presets.command()
@options.without_library()
def parts(as_json: bool) -> None:
    """Parts that presets can be put together from."""
    from engine.api import presets as api
    from engine.api.compose_form import settings_text

    found = api.list_parts()
    if as_json:
        output.document(found)
        return
    output.table(
        ["CONCERN", "NAME", "SETTINGS", "USED BY"],
        [
            [
                part["concern"],
                output.shown(part["name"]) + (" [system]" if part["is_system"] else ""),
                output.shown(settings_text(part["settings"])) or "nothing changed",
                output.shown(", ".join(part["used_by"])),
            ]
            for part in found
        ],
        "No parts.",
    )


@presets.command(name="make-part")
@click.argument("concern")
@click.argument("name")
@click.argument("pairs", nargs=-1, metavar="KEY=VALUE...")
@options.without_library()
def make_part(concern: str, name: str, pairs: tuple[str, ...], as_json: bool) -> None:
    """Make a part for CONCERN: scaling, watermark, naming or sound."""
    from engine.api import presets as api

    made = api.create_part(concern, name, api.settings_of(pairs))
    output.document(made) if as_json else output.say(f"Part {output.shown(made['name'])} made.")


@presets.command(name="edit-part")
@click.argument("name")
@click.argument("pairs", nargs=-1, metavar="KEY=VALUE...")
@click.option("--name", "new_name", metavar="NEW", help="A new name.")
@options.without_library()
def edit_part(name: str, pairs: tuple[str, ...], new_name: str | None, as_json: bool) -> None:
    """Change a part of your own; presets that are put together from it change with it."""
    from engine.api import presets as api

    made = api.edit_part(name, api.settings_of(pairs), new_name)
    output.document(made) if as_json else output.say(f"Part {output.shown(made['name'])} changed.")


@presets.command(name="uses")
@click.argument("name")
@options.without_library()
def preset_uses(name: str, as_json: bool) -> None:
    """The recipes, of all libraries that can be reached, that name a preset."""
    from engine.api import presets as api

    found = api.uses(api.show_preset(name)["name"])
    if as_json:
        output.document(found)
        return
    output.table(
        ["RECIPE", "LIBRARY"],
        [[output.shown(use["recipe"]), output.shown(use["library"])] for use in found["recipes"]],
        "No recipe names it.",
    )
    for root in found["unread"]:
        output.complain(f"The library {output.shown(root)} cannot be looked into now.")


@presets.command(name="delete")
@click.argument("name")
@options.confirming
@options.without_library()
def delete_preset(name: str, yes: bool, as_json: bool) -> int:
    """Delete a preset, or a part of presets, of your own; asks when recipes name it."""
    from engine.api import presets as api

    name = api.deletable(name)
    found = api.uses(name)
    question = f"Delete {output.shown(name)}? {api.told(found)}"
    if found["recipes"] and not output.ask(question, yes=yes):
        return 130
    api.delete_preset(name)
    if as_json:
        output.document({"deleted": name, **found})
    else:
        output.say(f"{output.shown(name)} is deleted.")
        for sentence in filter(None, [api.told(found)]):
            output.complain(sentence)
    return 0


@presets.command(name="export")
@click.argument("name")
@options.without_library()
def export_preset(name: str, as_json: bool) -> None:
    """Print a preset as a file that `presets import` takes."""
    from engine.api import presets as api

    text = api.preset_text(name)
    output.document(json.loads(text)) if as_json else output.say(text)


@presets.command(name="import")
@click.argument("file")
@click.option("--name", help="Another name than the file's.")
@options.without_library()
def import_preset(file: str, name: str | None, as_json: bool) -> None:
    """Make a preset from a file."""
    from engine.api import presets as api

    made = api.import_preset(file, name)
    if as_json:
        output.document(made)
    else:
        output.say(f"Preset {output.shown(made['name'])} made.")
