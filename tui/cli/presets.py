"""``rushes presets``: how to encode."""

from __future__ import annotations

import json
from typing import Any

import click

from tui.cli import output


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
