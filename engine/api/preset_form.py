"""Presets as a form: its fields, what is wrong with the answers, and the ffmpeg arguments they stand for."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

from engine.api.forms import Check, Fact, Field, Values, flat, nested, problems
from engine.api.recipe_fields import words_of
from engine.errors import RushesError
from engine.export import body as body_rules
from engine.export import codecs, orders, presets, stamps
from engine.export.presets import Preset
from engine.media.tools import find_tools
from engine.names import display
from engine.storage import config

NO_CODEC = "none"
"""The answer that leaves the picture, or the sound, out."""


def _video(values: Values) -> codecs.VideoCodec | None:
    return codecs.VIDEO.get(str(values.get("video.codec")))


def _has_picture(values: Values) -> bool:
    return _video(values) is not None


def _has_quality(values: Values) -> bool:
    codec = _video(values)
    return codec is not None and codec.quality is not None


def _has_bitrate(values: Values) -> bool:
    codec = _video(values)
    return codec is not None and not codec.byte_exact


def _has_profiles(values: Values) -> bool:
    codec = _video(values)
    return codec is not None and bool(codec.profiles)


def _has_speed(values: Values) -> bool:
    return values.get("video.codec") in ("libx264", "libx265", "vp9", "av1")


def _has_tune(values: Values) -> bool:
    return values.get("video.codec") in ("libx264", "libx265")


def _has_sound(values: Values) -> bool:
    return values.get("audio.codec") in codecs.AUDIO


def _has_sound_rate(values: Values) -> bool:
    codec = codecs.AUDIO.get(str(values.get("audio.codec")))
    return codec is not None and codec.has_bitrate


def fields(values: Values) -> list[Field]:
    """The fields of a preset in the order of the form; what can be chosen follows the answers."""
    codec = _video(values)
    profiles = tuple(codec.profiles) if codec else ()
    fitting = codec.profiles.get(str(values.get("video.profile")), codec.pix_fmts) if codec else ()
    return [
        Field("name", "Name", "text", "What the preset is called.", "Preset"),
        Field("description", "Description", "text", "One line for people.", "Preset", empty="none"),
        Field(
            "category",
            "Category",
            "choice",
            "The group it is listed in.",
            "Preset",
            words_of(body_rules.CATEGORIES),
        ),
        Field(
            "container",
            "File",
            "choice",
            "Container and file extension.",
            "Preset",
            words_of(tuple(codecs.CONTAINERS)),
        ),
        Field(
            "video.codec",
            "Codec",
            "choice",
            "Codec of the picture; none makes a preset for sound only.",
            "Picture",
            words_of((*codecs.VIDEO, NO_CODEC)),
        ),
        Field(
            "video.encoder",
            "Encoder",
            "choice",
            "A certain encoder of ffmpeg; left out, the best one that this machine has.",
            "Picture",
            words_of(tuple(codec.encoders) if codec else ()),
            empty="the best there is",
            asked=lambda now: _has_picture(now) and codec is not None and len(codec.encoders) > 1,
        ),
        Field(
            "video.profile",
            "Profile",
            "choice",
            "Profile of the codec; for ProRes 0 is Proxy, 1 LT, 2 Standard, 3 HQ, 4 4444, 5 4444 XQ.",
            "Picture",
            words_of(profiles),
            empty="the encoder's",
            asked=_has_profiles,
        ),
        Field(
            "video.crf",
            "Quality",
            "number",
            "Constant quality: a whole number, lower is better; not together with a bitrate.",
            "Picture",
            empty="the encoder's",
            asked=_has_quality,
        ),
        Field(
            "video.bitrate",
            "Bitrate",
            "text",
            "Of the picture, such as 8M or 800k; not together with a quality.",
            "Picture",
            empty="by quality",
            asked=_has_bitrate,
        ),
        Field(
            "video.preset",
            "Speed",
            "choice" if _has_tune(values) else "text",
            "The encoder's own preset: slower makes smaller files; AV1 and VP9 take a number.",
            "Picture",
            words_of(codecs.SPEEDS) if _has_tune(values) else (),
            empty="the encoder's",
            asked=_has_speed,
        ),
        Field(
            "video.tune",
            "Tuned for",
            "choice",
            "What x264 and x265 look after.",
            "Picture",
            words_of(codecs.TUNES),
            empty="nothing",
            asked=_has_tune,
        ),
        Field(
            "video.level",
            "Level",
            "text",
            "Level for the decoder, such as 4.1; checked against size and rate.",
            "Picture",
            empty="by the encoder",
            asked=_has_tune,
        ),
        Field(
            "video.pix_fmt",
            "Pixel format",
            "choice",
            "Colour sampling and depth.",
            "Picture",
            words_of(tuple(fitting)),
            empty="the profile's",
            asked=_has_picture,
        ),
        Field(
            "fit",
            "Longer side",
            "number",
            "At most this many pixels on the longer side; never enlarged.",
            "Picture",
            empty="as it is",
            asked=_has_picture,
        ),
        Field(
            "scale",
            "Size",
            "text",
            "W:H such as 1920:1080, 1920:-2 or -2:720; -2 keeps the shape.",
            "Picture",
            empty="as it is",
            asked=_has_picture,
        ),
        Field(
            "fps",
            "Frames per second",
            "text",
            "25, 29.97 or 30000/1001.",
            "Picture",
            empty="the recipe's",
            asked=_has_picture,
        ),
        Field(
            "audio.codec",
            "Codec",
            "choice",
            "Codec of the sound; none leaves the sound out.",
            "Sound",
            words_of((*codecs.AUDIO, NO_CODEC)),
        ),
        Field(
            "audio.bitrate",
            "Bitrate",
            "text",
            "Of the sound, such as 160k.",
            "Sound",
            empty="the encoder's",
            asked=_has_sound_rate,
        ),
        Field(
            "audio.sample_rate",
            "Samples per second",
            "choice",
            "In Hz.",
            "Sound",
            words_of(body_rules.SAMPLE_RATES),
            empty="48000",
            asked=_has_sound,
        ),
        Field(
            "audio.channels",
            "Channels",
            "choice",
            "How many channels the sound has.",
            "Sound",
            words_of(body_rules.CHANNELS, {1: "mono", 2: "stereo"}),
            empty="2 in a film, the clip's own for single clips",
            asked=_has_sound,
        ),
        Field(
            "filters",
            "Filters",
            "text",
            "ffmpeg filters of the picture in a row, such as hqdn3d=2,unsharp; only some are taken.",
            "Picture",
            empty="none",
            asked=_has_picture,
        ),
        Field(
            "burn_in",
            "Burn-in",
            "text",
            "For recipes without one of their own: timecode@bottom-left:4; clip@top.",
            "Unless the recipe says so",
            empty="none",
            asked=_has_picture,
        ),
        Field(
            "template",
            "File name",
            "text",
            "For recipes without one of their own: text and tokens such as {clip}_{codec}.",
            "Unless the recipe says so",
            empty="none",
        ),
        Field(
            "loudness",
            "Loudness",
            "number",
            "For recipes without one of their own: target in LUFS, -40 to -5.",
            "Unless the recipe says so",
            empty="as it is",
            asked=_has_sound,
        ),
        Field(
            "faststart",
            "Index in front",
            "flag",
            "A film on the web starts to play before all of it is there.",
            "File",
            asked=lambda now: now.get("container") in ("mp4", "mov", "m4a"),
        ),
    ]


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
    )
    name_problem = _name_problem(str(values.get("name", "")), was)
    if name_problem:
        found["name"] = name_problem
    if found:
        return Check(found)
    preset = Preset(str(values["name"]).strip(), "", is_system=False, body=body_rules.checked(body))
    sentences = unable(preset)
    if sentences:
        part = "video.codec" if preset.body["video"] is not None else "audio.codec"
        return Check({part: " ".join(sentences)})
    return Check({}, facts_of(preset), ("ffmpeg", "-i", "CLIP", *presets.arguments(preset), _target(preset)))


def _target(preset: Preset) -> str:
    return f"FILM.{preset.container}"


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
        WrongUse, NotFound, Refused: see :mod:`engine.export.presets`.
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


def _name_problem(name: str, was: str | None) -> str | None:
    try:
        name = presets.checked_name(name)
    except RushesError as error:
        return str(error)
    if was is not None and name.lower() == was.lower():
        return None
    known = _names()
    return f"There is a preset {display(name)} already." if name.lower() in known else None


def _names() -> set[str]:
    db: Database = config.open_config()
    try:
        return {preset.name.lower() for preset in presets.list_presets(db)}
    finally:
        db.close()
