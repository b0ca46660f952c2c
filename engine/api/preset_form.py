"""Presets as a form: what is wrong with the answers, and the ffmpeg arguments they stand for."""

from __future__ import annotations

from typing import Any

from engine.api.forms import Check, Fact, Values, flat, nested, problems
from engine.api.preset_fields import NO_CODEC, fields
from engine.errors import RushesError
from engine.export.recipes import body as body_rules
from engine.export.recipes import codecs, hardware, presets, stamps
from engine.export.recipes.presets import Preset
from engine.export.runs import orders
from engine.media.tools import find_tools
from engine.storage import config


def values_of(name: str | None) -> dict[str, Any]:
    """The answers that a preset gives; None begins a new one with H.264 and AAC in MP4.

    Raises:
        NotFound: there is no such preset.
    """
    if name is None:
        return {
            "category": "own",
            "container": "mp4",
            "video.codec": "libx264",
            "video.crf": 20,
            "audio.codec": "aac",
            "faststart": True,
        }
    preset = _get(name)
    keys = [field.key for field in fields({})]
    values = flat({**preset.body, "name": preset.name, "description": preset.description}, keys)
    if "burn_in" in values:
        values["burn_in"] = stamps.text_of(values["burn_in"])
    for part in ("video", "audio"):
        if preset.body[part] is None:
            values[f"{part}.codec"] = NO_CODEC
    return values


def body_of(values: Values) -> dict[str, Any]:
    """The body that the answers make: only what is asked with them."""
    asked = {field.key for field in fields(values) if field.is_asked(values)}
    given = {
        key: value
        for key, value in values.items()
        if key in asked and key not in ("name", "description") and value not in (None, "")
    }
    for part in ("video", "audio"):
        if given.get(f"{part}.codec") == NO_CODEC:
            given = {key: value for key, value in given.items() if not key.startswith(f"{part}.")}
    return nested(given)


def check(values: Values, was: str | None) -> Check:
    """Check the answers against the rules and against this machine's ffmpeg. Any thread.

    Args:
        values: the answers.
        was: name of the preset that is edited; None for a new one.
    """
    body = body_of(values)
    keys = [key for key in values if key not in ("name", "description")]
    found = problems(
        flat(body, keys),
        ("container", "video.codec", "audio.codec"),
        lambda part: body_rules.checked(nested(part)),
        {"video.preset": ("video.encoder",), "video.qp": ("video.encoder",)},
    )
    sentence = name_problem(str(values.get("name", "")), was)
    if sentence:
        found["name"] = sentence
    if found:
        return Check(found)
    preset = Preset(str(values["name"]).strip(), "", is_system=False, body=body_rules.checked(body))
    sentences = unable(preset)
    if sentences:
        part = "video.codec" if preset.body["video"] is not None else "audio.codec"
        part = "video.encoder" if (preset.body["video"] or {}).get("encoder") else part
        return Check({part: " ".join(sentences)})
    return Check({}, facts_of(preset), command_of(preset))


def command_of(preset: Preset) -> tuple[str, ...]:
    """The ffmpeg command that a preset stands for, with placeholders for the files."""
    video = preset.body["video"]
    card = hardware.ENCODERS.get(codecs.encoder_of(video)) if video is not None else None
    before = card.before if card is not None else ()
    return ("ffmpeg", *before, "-i", "CLIP", *presets.arguments(preset), f"FILM.{preset.container}")


def facts_of(preset: Preset) -> tuple[Fact, ...]:
    """What a preset comes to, line by line."""
    video, audio = preset.body["video"], preset.body["audio"]
    lines = [Fact("File", preset.container)]
    if video is not None:
        codec = codecs.VIDEO[video["codec"]]
        lines.append(Fact("Picture", f"{video['codec']}, {codecs.pix_fmt(video)}"))
        kept = (
            "byte for byte" if codec.byte_exact else "pixel for pixel" if codec.intra else "to a stated bound"
        )
        lines.append(Fact("Segments", f"joined, they equal one render {kept}"))
    lines.append(Fact("Sound", audio["codec"] if audio is not None else "none"))
    return tuple(lines)


def unable(preset: Preset) -> list[str]:
    """Why this machine cannot encode with a preset, as sentences; none when it can."""
    try:
        return orders.resolved(find_tools(), preset)[1]
    except RushesError as error:
        return [str(error)]


def save(values: Values, was: str | None) -> str:
    """Store the answers: a new preset, or changes of the one called ``was``. Returns its name.

    Raises:
        WrongUse, NotFound, Refused: see :mod:`engine.export.recipes.presets`.
    """
    name, description = str(values.get("name", "")), str(values.get("description") or "")
    db = config.open_config()
    try:
        if was is None:
            return presets.create(db, name, body_of(values), description).name
        return presets.edit(db, was, body_of(values), description, new_name=name).name
    finally:
        db.close()


def _get(name: str) -> Preset:
    db = config.open_config()
    try:
        return presets.get(db, name)
    finally:
        db.close()


def name_problem(name: str, was: str | None, noun: str = "preset") -> str | None:
    """Why a preset, or a part, cannot be called this, as a sentence; None when it can."""
    db = config.open_config()
    try:
        presets.check_name(db, name, was, noun)
    except RushesError as error:
        return str(error)
    finally:
        db.close()
    return None
