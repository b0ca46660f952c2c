"""Presets: how to encode. They need no library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from engine.api import preset_fields, preset_form
from engine.api.forms import answers_of, field_json
from engine.api.texts import text_of
from engine.export.recipes import presets
from engine.export.recipes import uses as recipes_of
from engine.names import display
from engine.storage import config

USES_SHOWN = 5
"""Recipes, and libraries, that a sentence names."""


def fields() -> list[dict[str, Any]]:
    """Every field of a preset, as :func:`engine.api.recipes.fields`."""
    return [field_json(field) for field in preset_fields.fields(preset_form.values_of(None))]


def settings_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Answers of a preset's form from ``KEY=VALUE`` texts, flat.

    Raises:
        WrongUse: a text without ``=``, or an unknown key.
    """
    known = {field.key: field for field in preset_fields.fields(preset_form.values_of(None))}
    return answers_of(pairs, known)


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
    "qp": ("video", "qp"),
    "bitrate": ("video", "bitrate"),
    "speed": ("video", "preset"),
    "profile": ("video", "profile"),
    "tune": ("video", "tune"),
    "pix_fmt": ("video", "pix_fmt"),
    "audio_codec": ("audio", "codec"),
    "audio_bitrate": ("audio", "bitrate"),
}
"""Options of ``presets create`` that belong to a part of a preset; the others are its own fields."""


def preset_body(
    base: str | None, given: Mapping[str, Any], answers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Put the settings of a new preset together.

    Args:
        base: a preset to start from; None starts from H.264 and AAC in MP4.
        given: options by name; None leaves what is there. Choosing a codec drops the settings of another one.
        answers: more fields by dotted key, see :func:`settings_of`; they are laid over the rest.
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
    made = {**start, "category": "own"}
    for key, value in (answers or {}).items():
        part, _, field = key.rpartition(".")
        if part:
            made[part] = {**(made.get(part) or {}), field: value}
        else:
            made[key] = value
    made.pop("description", None)
    return made


def create_preset(name: str, body: Mapping[str, Any], description: str = "") -> dict[str, Any]:
    """Make a preset; every field is checked first."""
    db = config.open_config()
    try:
        return presets.create(db, name, body, description).to_json()
    finally:
        db.close()


def edit_preset(name: str, answers: Mapping[str, Any], new_name: str | None = None) -> dict[str, Any]:
    """Change answers of a preset of one's own; see :func:`settings_of`.

    Raises:
        WrongUse: naming the field that does not fit.
        Refused: it is a system preset.
        NotFound: there is none.
    """
    values = {**preset_form.values_of(name), **answers}
    if new_name is not None:
        values["name"] = new_name
    return show_preset(preset_form.save(values, name))


def unable(name: str) -> list[str]:
    """Why this machine cannot encode with a preset, as sentences; none when it can. Tries it.

    Raises:
        NotFound: there is no such preset.
    """
    db = config.open_config()
    try:
        preset = presets.get(db, name)
    finally:
        db.close()
    return preset_form.unable(preset)


def compose_preset(name: str, parts: Mapping[str, str], description: str = "") -> dict[str, Any]:
    """Put a preset together from parts: a name for ``codec`` and for other concerns."""
    return create_preset(name, {"composed": dict(parts)}, description)


def list_parts() -> list[dict[str, Any]]:
    """All parts for composed presets: ``concern``, ``name``, ``is_system``, ``settings``, ``used_by``."""
    db = config.open_config()
    try:
        return [{**asdict(part), "used_by": users} for part, users in presets.parts_in_use(db)]
    finally:
        db.close()


def create_part(concern: str, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Make a part for composed presets."""
    db = config.open_config()
    try:
        return asdict(presets.create_part(db, concern, name, settings))
    finally:
        db.close()


def edit_part(name: str, answers: Mapping[str, Any], new_name: str | None = None) -> dict[str, Any]:
    """Change settings of a part of one's own; an empty one is the default.

    Raises:
        WrongUse, Refused, NotFound: see :func:`engine.export.recipes.presets.edit_part`.
    """
    db = config.open_config()
    try:
        settings = {**presets.get_part(db, name).settings, **answers}
        given = {key: value for key, value in settings.items() if value not in (None, "")}
        return asdict(presets.edit_part(db, name, given, new_name=new_name))
    finally:
        db.close()


def uses(name: str) -> dict[str, Any]:
    """Who needs a preset of one's own, to be told before it is deleted. Needs no library; any thread.

    Returns:
        ``recipes``, a list of ``recipe`` and ``library`` (its root): those that could not run without
        it; ``unread``, roots of libraries that could not be looked into.
    """
    found = recipes_of.of_preset(name)
    return {"recipes": [asdict(use) for use in found.recipes], "unread": list(found.unread)}


def told(found: Mapping[str, Any]) -> str:
    """What :func:`uses` found, as a sentence; empty when nothing is to be said. Pure."""
    listed = [f"{display(use['recipe'])} ({display(use['library'])})" for use in found["recipes"]]
    said = ""
    if listed:
        shown = ", ".join(listed[:USES_SHOWN]) + (
            f" and {len(listed) - USES_SHOWN:,} more" if len(listed) > USES_SHOWN else ""
        )
        said = f"Recipe{'' if len(listed) == 1 else 's'} {shown} will need another preset."
    if found["unread"]:
        away = ", ".join(map(display, found["unread"][:USES_SHOWN]))
        said += f"{' ' if said else ''}Recipes of {away}, which cannot be looked into now, may name it too."
    return said


def deletable(name: str) -> str:
    """The name, as it is stored, of a preset or part that may be deleted; as :func:`delete_preset`."""
    db = config.open_config()
    try:
        return presets.deletable(db, name)
    finally:
        db.close()


def delete_preset(name: str) -> None:
    """Delete a preset or a part of one's own; what belongs to the program, or is needed, is refused.

    Recipes that name it stay, and are refused when they are to run; :func:`uses` tells them beforehand.
    """
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
        return presets.import_text(db, text_of(file), name).to_json()
    finally:
        db.close()
