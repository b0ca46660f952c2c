"""Presets: how to encode. Global, in the config database; the system ones are part of the program.

A preset is a JSON object (its *body*), checked when it is made and again when
it is used. A run keeps a full copy, so that a rerun does not depend on what
became of the preset.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused, WrongUse
from engine.export import codecs
from engine.names import display
from engine.storage.database import execute, row, rows, write

SCHEMA = 1
"""Version of the body's shape and of the exported file."""

NAME_LIMIT = 60
"""Longest name, in characters."""

VIDEO_FIELDS = frozenset(
    {"codec", "encoder", "crf", "bitrate", "preset", "profile", "level", "pix_fmt", "tune"}
)
AUDIO_FIELDS = frozenset({"codec", "bitrate", "sample_rate", "channels"})
FIELDS = frozenset({"schema", "category", "video", "audio", "container", "faststart", "fit", "scale", "fps"})
CATEGORIES = ("delivery", "editing", "proxy", "archive", "audio", "own")
SAMPLE_RATES = (44100, 48000, 96000)
CRF_LIMITS = {"vp9": 63, "av1": 63, "mjpeg": 31, "mpeg2video": 31}


@dataclass(frozen=True)
class Preset:
    """A named way to encode.

    Attributes:
        name: unique, letter case ignored.
        description: one line for people.
        is_system: part of the program; cannot be changed or deleted.
        body: the checked settings, see :func:`checked`.
    """

    name: str
    description: str
    is_system: bool
    body: dict[str, Any]

    @property
    def container(self) -> str:
        """Container and file extension."""
        return str(self.body["container"])

    def to_json(self) -> dict[str, Any]:
        """The form that is exported and shown."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "description": self.description,
            "is_system": self.is_system,
            **{key: value for key, value in self.body.items() if key != "schema"},
        }


def checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``body`` with every field present, or raise with what is wrong.

    Fields: ``category``; ``video`` (``codec``, ``crf`` or ``bitrate``,
    ``preset``, ``profile``, ``level``, ``pix_fmt``, ``tune``) or None for sound
    only; ``audio`` (``codec``, ``bitrate``, ``sample_rate`` in Hz,
    ``channels``) or None for none; ``container``; ``faststart`` (index at the
    front); ``fit`` (longest side in pixels at most, never enlarged);
    ``scale`` (``W:H``, one of them may be ``-2``); ``fps`` (frames per second
    as text such as ``25`` or ``30000/1001``; None takes the recipe's).

    Raises:
        WrongUse: naming the unknown or unfitting value.
    """
    _only(body, FIELDS, "preset")
    if body.get("schema", SCHEMA) != SCHEMA:
        raise WrongUse(f"This preset has schema {body['schema']}; this rushes knows schema {SCHEMA}.")
    container = body.get("container", "mp4")
    if container not in codecs.CONTAINERS:
        raise _unknown("container", container, codecs.CONTAINERS)
    video = _video(body.get("video"), container)
    audio = _audio(body.get("audio"), container)
    if video is None and audio is None:
        raise WrongUse("A preset needs a picture codec, a sound codec, or both.")
    if video is None and container not in codecs.AUDIO_ONLY_CONTAINERS | {"mov", "mkv", "mp4"}:
        raise WrongUse(f"A preset without a picture cannot have the container {container}.")
    category = body.get("category", "own")
    if category not in CATEGORIES:
        raise _unknown("category", category, CATEGORIES)
    fit = body.get("fit")
    if fit is not None and not (_whole(fit) and 16 <= fit <= 16384):
        raise WrongUse("fit is the longest side in pixels, from 16 to 16384.")
    return {
        "schema": SCHEMA,
        "category": category,
        "video": video,
        "audio": audio,
        "container": container,
        "faststart": bool(body.get("faststart", container in ("mp4", "m4a"))),
        "fit": fit,
        "scale": _scale(body.get("scale")),
        "fps": fps_text(body.get("fps")),
    }


def fps_text(value: Any) -> str | None:
    """Frames per second as the text of an exact fraction; None stays None.

    The rates of television that people round (23.976, 29.97, 59.94) become exact.

    Raises:
        WrongUse: no number between 1 and 240.
    """
    if value is None:
        return None
    try:
        rate = Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise WrongUse(f"{display(str(value))} is no frame rate; write 25, 29.97 or 30000/1001.") from error
    for whole in (24, 30, 48, 60, 120):
        exact = Fraction(whole * 1000, 1001)
        if abs(rate - exact) < Fraction(1, 200):
            rate = exact
    if not 1 <= rate <= 240:
        raise WrongUse(f"A frame rate lies between 1 and 240, not at {display(str(value))}.")
    return str(rate)


def _video(given: Any, container: str) -> dict[str, Any] | None:
    if given is None:
        return None
    _only(given, VIDEO_FIELDS, "video")
    name = given.get("codec")
    codec = codecs.VIDEO.get(name)
    if codec is None:
        raise _unknown("video codec", name, codecs.VIDEO)
    if container not in codec.containers:
        raise WrongUse(f"{name} does not go into {container}; it goes into {', '.join(codec.containers)}.")
    profile = given.get("profile")
    if profile is not None and (not codec.profiles or str(profile) not in codec.profiles):
        known = f"it has: {', '.join(codec.profiles)}" if codec.profiles else "it has none"
        raise WrongUse(f"{name} has no profile {display(str(profile))}; {known}.")
    pix_fmt = given.get("pix_fmt")
    if pix_fmt is not None and pix_fmt not in codec.pix_fmts:
        raise _unknown(f"pixel format of {name}", pix_fmt, codec.pix_fmts)
    if pix_fmt and profile is not None and pix_fmt not in codec.profiles[str(profile)]:
        raise WrongUse(f"Profile {profile} of {name} does not go with {pix_fmt}.")
    _quality(name, codec, given)
    _speed(name, given)
    level = given.get("level")
    if level is not None and not re.fullmatch(r"\d(\.\d)?", str(level)):
        raise WrongUse(f"{display(str(level))} is no level; write 3.1 or 4.2.")
    return {
        "codec": name,
        "encoder": given.get("encoder"),
        "crf": given.get("crf"),
        "bitrate": given.get("bitrate"),
        "preset": None if given.get("preset") is None else str(given["preset"]),
        "profile": None if profile is None else str(profile),
        "level": None if level is None else str(level),
        "pix_fmt": codecs.pix_fmt({**given, "profile": profile}),
        "tune": given.get("tune"),
    }


def _quality(name: str, codec: codecs.VideoCodec, given: Mapping[str, Any]) -> None:
    crf, bitrate = given.get("crf"), given.get("bitrate")
    if crf is not None:
        top = CRF_LIMITS.get(name, 51)
        if codec.quality is None:
            raise WrongUse(f"{name} takes no crf; its profile decides the quality.")
        if not _whole(crf) or not 0 <= crf <= top:
            raise WrongUse(f"crf of {name} is a whole number from 0 to {top}; lower is better.")
    if bitrate is not None and not _is_bitrate(bitrate):
        raise WrongUse(f"{display(str(bitrate))} is no bitrate; write 8M or 800k.")
    if crf is not None and bitrate is not None:
        raise WrongUse("A preset has either a crf or a bitrate, not both.")


def _speed(name: str, given: Mapping[str, Any]) -> None:
    speed, tune = given.get("preset"), given.get("tune")
    if speed is not None:
        if name in ("libx264", "libx265"):
            if speed not in codecs.SPEEDS:
                raise _unknown(f"preset of {name}", speed, codecs.SPEEDS)
        elif name not in ("vp9", "av1") or not re.fullmatch(r"\d{1,2}", str(speed)):
            raise WrongUse(f"{name} has no preset {display(str(speed))}.")
    if tune is not None and (name not in ("libx264", "libx265") or tune not in codecs.TUNES):
        raise WrongUse(f"{name} has no tune {display(str(tune))}.")


def _audio(given: Any, container: str) -> dict[str, Any] | None:
    if given is None:
        return None
    _only(given, AUDIO_FIELDS, "audio")
    name = given.get("codec")
    codec = codecs.AUDIO.get(name)
    if codec is None:
        raise _unknown("audio codec", name, codecs.AUDIO)
    if container not in codec.containers:
        raise WrongUse(f"{name} does not go into {container}; it goes into {', '.join(codec.containers)}.")
    bitrate, rate, channels = given.get("bitrate"), given.get("sample_rate"), given.get("channels")
    if bitrate is not None and not (codec.has_bitrate and _is_bitrate(bitrate)):
        raise WrongUse(f"{display(str(bitrate))} is no bitrate for {name}; write 160k.")
    if rate is not None and rate not in SAMPLE_RATES:
        raise _unknown("sample rate", rate, [str(known) for known in SAMPLE_RATES])
    if channels is not None and channels not in (1, 2):
        raise WrongUse("channels is 1 or 2; leave it out to get stereo.")
    return {"codec": name, "bitrate": bitrate, "sample_rate": rate, "channels": channels}


def _scale(text: Any) -> str | None:
    if text is None:
        return None
    match = re.fullmatch(r"(-2|\d{2,5}):(-2|\d{2,5})", str(text))
    if match is None or match.group(1) == match.group(2) == "-2":
        raise WrongUse(f"{display(str(text))} is no size; write 1920:1080, 1920:-2 or -2:720.")
    return str(text)


def _only(given: Any, allowed: frozenset[str], what: str) -> None:
    if not isinstance(given, Mapping):
        raise WrongUse(f"The {what} settings are no JSON object.")
    for field in given:
        if field not in allowed:
            raise _unknown(f"{what} field", field, sorted(allowed))


def _unknown(what: str, value: Any, known: Any) -> WrongUse:
    return WrongUse(f"There is no {what} {display(str(value))}; known: {', '.join(map(str, known))}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_bitrate(value: Any) -> bool:
    return bool(re.fullmatch(r"[1-9]\d{0,9}(\.\d+)?[kM]?", str(value)))


# -- stored --------------------------------------------------------------------


def list_presets(db: Database) -> list[Preset]:
    """All presets: the system's first, then the others by name."""
    from engine.export.system_presets import SYSTEM

    stored = rows(db, "SELECT * FROM presets WHERE is_system = 0 ORDER BY name COLLATE NOCASE")
    return [*SYSTEM.values(), *(_from_row(found) for found in stored)]


def get(db: Database, name: str) -> Preset:
    """Return a preset by its name, letter case ignored.

    Raises:
        NotFound: there is none; the known ones are listed.
    """
    from engine.export.system_presets import SYSTEM

    system = SYSTEM.get(name.strip().lower())
    if system is not None:
        return system
    found = row(db, "SELECT * FROM presets WHERE name = ? AND is_system = 0", (name.strip(),))
    if found is None:
        known = ", ".join(preset.name for preset in list_presets(db))
        raise NotFound(f"There is no preset {display(name)}; known: {known}.")
    return _from_row(found)


def create(db: Database, name: str, body: Mapping[str, Any], description: str = "") -> Preset:
    """Store a new preset.

    Raises:
        WrongUse: the name is blank or too long, or the body is wrong (see :func:`checked`).
        Refused: the name is taken.
    """
    from engine.export.system_presets import SYSTEM

    name = checked_name(name)
    preset = Preset(name, description.strip(), is_system=False, body=checked(body))
    with write(db):
        taken = row(db, "SELECT 1 FROM presets WHERE name = ?", (name,))
        if taken or name.lower() in SYSTEM:
            raise Refused(
                f"There is a preset {display(name)} already. Choose another name, or delete it first."
            )
        db.execute(
            "INSERT INTO presets (name, description, is_system, body, created_at) VALUES (?, ?, 0, ?, ?)",
            (name, preset.description, json.dumps(preset.body), clock.now()),
        )
    return preset


def checked_name(name: str) -> str:
    """A preset's name without blanks around it.

    Raises:
        WrongUse: it is empty, too long, or holds control characters.
    """
    name = name.strip()
    if not name or len(name) > NAME_LIMIT or display(name) != name:
        raise WrongUse(f"A preset's name has 1 to {NAME_LIMIT} printable characters.")
    return name


def edit(
    db: Database, name: str, body: Mapping[str, Any], description: str, *, new_name: str | None = None
) -> Preset:
    """Change a preset of one's own; runs that were queued keep their own copy.

    Raises:
        WrongUse: as :func:`create`.
        Refused: it is a system preset, or the new name is taken.
        NotFound: there is none.
    """
    from engine.export.system_presets import SYSTEM

    full = checked(body)
    after = checked_name(new_name) if new_name is not None else None
    with write(db):
        preset = get(db, name)
        if preset.is_system:
            raise Refused(
                f"{preset.name} is a system preset; it cannot be changed. Copy it under another name."
            )
        after = after or preset.name
        clash = row(db, "SELECT 1 FROM presets WHERE name = ? AND name != ?", (after, preset.name))
        if clash or after.lower() in SYSTEM:
            raise Refused(f"There is a preset {display(after)} already. Choose another name.")
        db.execute(
            "UPDATE presets SET name = ?, description = ?, body = ? WHERE name = ?",
            (after, description.strip(), json.dumps(full), preset.name),
        )
    return get(db, after)


def delete(db: Database, name: str) -> None:
    """Delete a preset. Runs keep their own copy.

    Raises:
        Refused: it is a system preset.
        NotFound: there is none.
    """
    preset = get(db, name)
    if preset.is_system:
        raise Refused(f"{preset.name} is a system preset; it cannot be deleted. Copy it under another name.")
    execute(db, "DELETE FROM presets WHERE name = ?", (preset.name,))


def export_text(preset: Preset) -> str:
    """The preset as the text of a file that :func:`import_text` reads on any machine."""
    return json.dumps({**preset.to_json(), "is_system": False}, indent=2) + "\n"


def import_text(db: Database, text: str, name: str | None = None) -> Preset:
    """Store the preset that a file holds, under its own name or ``name``.

    Raises:
        WrongUse: the text is no preset of a schema that is known.
        Refused: the name is taken.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"This is no preset file: it is not JSON ({error}).") from error
    if not isinstance(found, dict) or "schema" not in found:
        raise WrongUse("This is no preset file: it has no schema version.")
    own_name, description = str(found.pop("name", "")), str(found.pop("description", ""))
    found.pop("is_system", None)
    return create(db, name or own_name, found, description)


def arguments(preset: Preset, fps: Fraction = Fraction(25)) -> list[str]:
    """The ffmpeg arguments that a preset stands for, to show and to copy into a shell.

    The renderer uses the same parts, spread over its segments and the join.
    """
    body = preset.body
    video, audio = body["video"], body["audio"]
    args: list[str] = []
    if video is not None:
        args += codecs.video_arguments(video, fps)
    tag = codecs.VIDEO[video["codec"]].tag if video else None
    if audio is not None:
        args += codecs.audio_arguments(audio)
    filters = []
    if video is not None and body["fit"]:
        side = body["fit"]
        filters.append(f"scale={side}:{side}:force_original_aspect_ratio=decrease:force_divisible_by=2")
    if video is not None and body["scale"]:
        filters.append(f"scale={body['scale']}")
    if filters:
        args += ["-vf", ",".join(filters)]
    if video is not None and body["fps"]:
        args += ["-r", body["fps"]]
    return args + codecs.muxer_arguments(body["container"], faststart=body["faststart"], tag=tag)


def _from_row(found: Mapping[str, Any]) -> Preset:
    return Preset(found["name"], found["description"], bool(found["is_system"]), json.loads(found["body"]))
