"""A preset put together from parts, as a form: one part for each concern, no settings of its own."""

from __future__ import annotations

from typing import Any

from engine.api import preset_form
from engine.api.forms import Check, Field, Values, problems
from engine.errors import RushesError
from engine.export.recipes import concerns, presets, stamps
from engine.export.recipes import spec as spec_rules
from engine.export.recipes.presets import Part, Preset
from engine.storage import config

HINTS = {
    "codec": "How it is encoded: any preset that is not put together itself.",
    "scaling": "Size and frame rate.",
    "watermark": "What is burnt into the picture.",
    "naming": "How files are called, for recipes without a name template.",
    "sound": "How loud it is, for recipes without a target of their own.",
}
"""What each concern settles, in a sentence."""

WORDS = {
    "fit": "longer side",
    "scale": "size",
    "fps": "frames per second",
    "burn_in": "burn-in",
    "template": "file name",
}
"""Settings of parts as the form calls them."""


def fields() -> list[Field]:
    """The fields: a name, and a part per concern."""
    bodies, parts = _known()
    offered: dict[str, list[tuple[Any, str]]] = {concern: [] for concern in concerns.CONCERNS}
    offered["codec"] = [
        (preset.name, f"{preset.name}  {preset.description}") for preset in bodies if preset.composed is None
    ]
    for part in parts:
        offered[part.concern].append((part.name, f"{part.name}  {settings_text(part.settings)}".rstrip()))
    return [
        Field("name", "Name", "text", "What the preset is called.", "Preset"),
        Field("description", "Description", "text", "One line for people.", "Preset", empty="none"),
        *(
            Field(
                f"composed.{concern}",
                concern.capitalize(),
                "choice",
                HINTS[concern],
                "Parts",
                tuple(offered[concern]),
                empty="" if concern == "codec" else "as the codec part says",
            )
            for concern in concerns.CONCERNS
        ),
    ]


def part_fields(values: Values) -> list[Field]:
    """The fields of a part: its concern, its name, its settings."""
    concern = str(values.get("concern") or "")
    known = {
        "fit": Field("fit", "Longer side", "number", "At most this many pixels.", "Settings", empty="any"),
        "scale": Field(
            "scale", "Size", "text", "W:H such as 1920:-2, or 1/2 and 1/4.", "Settings", empty="as it is"
        ),
        "fps": Field("fps", "Frames per second", "text", "25 or 30000/1001.", "Settings", empty="as it is"),
        "burn_in": Field(
            "burn_in",
            "Burn-in",
            "text",
            "timecode@bottom-left:4; clip@top; with " + ", ".join(stamps.WHAT) + ".",
            "Settings",
            empty="none",
        ),
        "template": Field(
            "template", "File name", "text", "Text and tokens such as {clip}_{codec}.", "Settings"
        ),
        "loudness": Field("loudness", "Loudness", "number", "LUFS, -40 to -5.", "Settings", empty="as it is"),
    }
    return [
        Field("name", "Name", "text", "What the part is called.", "Part"),
        Field(
            "concern",
            "Concern",
            "choice",
            HINTS.get(concern, "What it settles."),
            "Part",
            tuple((name, name) for name in concerns.FIELDS),
        ),
        *(known[field] for field in concerns.FIELDS.get(concern, ())),
    ]


def values_of(name: str | None) -> dict[str, Any]:
    """The answers of a composed preset; None begins a new one.

    Raises:
        NotFound: there is no such preset.
    """
    if name is None:
        return {"composed.codec": spec_rules.DEFAULT_PRESET}
    preset = _any(name)
    parts = {f"composed.{concern}": part for concern, part in (preset.composed or {}).items()}
    return {"name": preset.name, "description": preset.description, **parts}


def check(values: Values, was: str | None) -> Check:
    """Check the answers by putting the preset together. Any thread."""
    found: dict[str, str] = {}
    sentence = preset_form.name_problem(str(values.get("name", "")), was)
    if sentence:
        found["name"] = sentence
    db = config.open_config()
    try:
        preset = presets.composed(db, str(values.get("name", "")), _parts(values))
    except RushesError as error:
        found["" if "composed.codec" in values else "composed.codec"] = str(error)
        return Check(found)
    finally:
        db.close()
    sentences = preset_form.unable(preset)
    if sentences:
        found["composed.codec"] = " ".join(sentences)
    if found:
        return Check(found)
    return Check({}, preset_form.facts_of(preset), preset_form.command_of(preset))


def part_values(name: str | None) -> dict[str, Any]:
    """The answers of a part; None begins a new one.

    Raises:
        NotFound: there is no such part.
    """
    if name is None:
        return {"concern": "scaling"}
    part = _part(name)
    settings = dict(part.settings)
    if "burn_in" in settings:
        settings["burn_in"] = stamps.text_of(settings["burn_in"])
    return {"name": part.name, "concern": part.concern, **settings}


def check_part(values: Values, was: str | None) -> Check:
    """Check a part; ``was`` is the name of the one that is changed, None of a new one. Any thread."""
    found: dict[str, str] = {}
    sentence = preset_form.name_problem(str(values.get("name", "")), was, "part")
    if sentence:
        found["name"] = sentence
    if was is not None and values.get("concern") != _part(was).concern:
        return Check({**found, "concern": "A part keeps its concern; make a new one for another."})
    concern = str(values.get("concern") or "")
    wrong = problems(_settings(values), (), lambda part: concerns.checked_part(concern, part))
    if "" in wrong:
        wrong["concern"] = wrong.pop("")
    return Check({**found, **wrong})


def save(values: Values, was: str | None) -> str:
    """Store a new composed preset, or change the one called ``was``. Returns its name."""
    name, description = str(values.get("name", "")), str(values.get("description") or "")
    db = config.open_config()
    try:
        if was is None:
            return presets.create(db, name, {"composed": _parts(values)}, description).name
        return presets.edit(db, was, {"composed": _parts(values)}, description, new_name=name).name
    finally:
        db.close()


def save_part(values: Values, was: str | None) -> str:
    """Store a new part, or change the one called ``was``. Returns its name."""
    db = config.open_config()
    try:
        if was is not None:
            return presets.edit_part(db, was, _settings(values), new_name=str(values.get("name", ""))).name
        concern, name = str(values.get("concern") or ""), str(values.get("name", ""))
        return presets.create_part(db, concern, name, _settings(values)).name
    finally:
        db.close()


def settings_text(settings: dict[str, Any]) -> str:
    """The settings of a part in a few words."""
    words = []
    for key, value in settings.items():
        words.append(f"{WORDS.get(key, key)} {stamps.text_of(value) if key == 'burn_in' else value}")
    return ", ".join(words)


def _parts(values: Values) -> dict[str, str]:
    return {
        key.removeprefix("composed."): str(value)
        for key, value in values.items()
        if key.startswith("composed.") and value
    }


def _settings(values: Values) -> dict[str, Any]:
    fields = concerns.FIELDS.get(str(values.get("concern") or ""), ())
    return {key: value for key, value in values.items() if key in fields and value not in (None, "")}


def _known() -> tuple[list[Preset], list[Part]]:
    db = config.open_config()
    try:
        return presets.list_presets(db), presets.list_parts(db)
    finally:
        db.close()


def _part(name: str) -> Part:
    db = config.open_config()
    try:
        return presets.get_part(db, name)
    finally:
        db.close()


def _any(name: str) -> Preset:
    """A composed preset, also one whose parts are gone: its form is where that is mended."""
    db = config.open_config()
    try:
        listed = presets.list_presets(db)
        found = next((preset for preset in listed if preset.name.lower() == name.strip().lower()), None)
        return found or presets.get(db, name)
    finally:
        db.close()
