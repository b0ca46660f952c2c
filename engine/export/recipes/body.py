"""What a preset says: every field of its body, checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from engine.errors import WrongUse
from engine.export.recipes import codecs, files, filters, levels, stamps
from engine.export.recipes.naming import check_template
from engine.names import display

SCHEMA = 1
"""Version of the body's shape and of the exported file."""

VIDEO_FIELDS = frozenset(
    {"codec", "encoder", "crf", "qp", "bitrate", "preset", "profile", "level", "pix_fmt", "tune"}
)
AUDIO_FIELDS = frozenset({"codec", "bitrate", "sample_rate", "channels"})

DEFAULTS: dict[str, Any] = {
    "schema": SCHEMA,
    "category": "own",
    "video": None,
    "audio": None,
    "container": "mp4",
    "faststart": None,
    "fit": None,
    "scale": None,
    "fps": None,
    "filters": None,
    "burn_in": [],
    "template": None,
    "loudness": None,
}
"""Every field of a body with the value that it has when nothing is said."""

CATEGORIES = ("delivery", "editing", "proxy", "archive", "audio", "own")
SAMPLE_RATES = (44100, 48000, 96000)
CHANNELS = (1, 2, 4, 6, 8, 16)
"""Channels of the finished sound; None is two in a film, and the clip's own one or two for single clips."""

VIDEO_BITS = (10_000, 2_000_000_000)
AUDIO_BITS = (8_000, 1_024_000)
"""Least and most bits a second that an encoder is asked for; beyond them they fail or pick their own."""

_UNITS = {"": 1, "k": 1_000, "M": 1_000_000}

SIDE = (16, 16384)
"""Least and most pixels of a side."""

CRF_LIMITS = {"vp9": 63, "av1": 63, "mjpeg": 31, "mpeg2video": 31}


def checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``body`` with every field present, or raise with what is wrong.

    Fields: ``category``; ``video`` (``codec``, ``crf``, ``bitrate`` or ``qp``, one quantizer for all,
    ``preset``, ``profile``, ``level``, ``pix_fmt``, ``tune``) or None for sound
    only; ``audio`` (``codec``, ``bitrate``, ``sample_rate`` in Hz,
    ``channels``) or None for none; ``container``; ``faststart`` (index at the
    front); ``fit`` (longest side in pixels at most, never enlarged);
    ``scale`` (``W:H``, one of them may be ``-2``, or ``1/2`` and ``1/4`` of what it would be);
    ``fps`` (frames per second
    as text such as ``25`` or ``30000/1001``; None takes the recipe's); ``filters``
    (see :mod:`engine.export.recipes.filters`); ``burn_in``, ``template`` and ``loudness``
    for recipes that have none of their own (see :func:`engine.export.recipes.spec.checked`).

    Raises:
        WrongUse: naming the unknown or unfitting value.
    """
    files.check_schema(body.get("schema", SCHEMA), "preset", SCHEMA)
    _only(body, frozenset(DEFAULTS), "preset")
    container = body.get("container") or "mp4"
    if container not in codecs.CONTAINERS:
        raise _unknown("container", container, codecs.CONTAINERS)
    video = _video(body.get("video"), container)
    audio = _audio(body.get("audio"), container)
    if video is None and audio is None:
        raise WrongUse("A preset needs a picture codec, a sound codec, or both.")
    if video is None and container not in codecs.AUDIO_ONLY_CONTAINERS | {"mov", "mkv", "mp4"}:
        raise WrongUse(f"A preset without a picture cannot have the container {container}.")
    if video is None and (body.get("burn_in") or body.get("filters")):
        raise WrongUse("A preset without a picture has neither burn_in nor filters.")
    category = body.get("category") or "own"
    if category not in CATEGORIES:
        raise _unknown("category", category, CATEGORIES)
    fit = body.get("fit")
    if fit is not None and not (_whole(fit) and SIDE[0] <= fit <= SIDE[1]):
        raise WrongUse("fit is the longest side in pixels, from 16 to 16384.")
    if body.get("faststart") is not None:
        check_flag("faststart", body["faststart"])
    template, loudness = body.get("template"), body.get("loudness")
    if template is not None:
        check_template(str(template))
    check_loudness(loudness)
    return {
        "schema": SCHEMA,
        "category": category,
        "video": video,
        "audio": audio,
        "container": container,
        "faststart": container in ("mp4", "m4a") if body.get("faststart") is None else body["faststart"],
        "fit": fit,
        "scale": _scale(body.get("scale")),
        "fps": fps_text(body.get("fps")),
        "filters": filters.checked(body.get("filters")),
        "burn_in": stamps.checked_stamps(body.get("burn_in") or []),
        "template": template,
        "loudness": loudness,
    }


def check_loudness(value: Any) -> None:
    """See that ``value`` is a target of loudness, or None.

    Raises:
        WrongUse: it is neither.
    """
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not -40 <= value <= -5:
        raise WrongUse("loudness is a target in LUFS from -40 to -5, such as -23.")


def check_flag(name: str, value: Any) -> None:
    """See that ``value`` is true or false: a word such as "nonsense" would count as yes.

    Raises:
        WrongUse: it is neither.
    """
    if not isinstance(value, bool):
        raise WrongUse(f"{name} is yes or no, not {display(str(value))}.")


def fps_text(value: Any) -> str | None:
    """Frames per second as the text of an exact fraction; None stays None.

    The rates of television that people round (23.976, 29.97, 59.94) become exact.

    Raises:
        WrongUse: no number between 1 and 240.
    """
    if value is None:
        return None
    try:
        if not str(value).isascii():
            raise ValueError("digits of another script mean nothing to ffmpeg")
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
    encoder = given.get("encoder")
    if encoder is not None and encoder not in (*codec.encoders, *codec.hardware):
        raise _unknown(f"encoder of {name}", encoder, (*codec.encoders, *codec.hardware))
    level = given.get("level")
    if level is not None and levels.plain(str(level)) not in levels.of(name):
        known = ", ".join(levels.of(name))
        raise WrongUse(
            f"{name} has no level {display(str(level))}; "
            + (f"it has: {known}." if known else "it has none.")
        )
    return {
        "codec": name,
        "encoder": given.get("encoder"),
        "crf": given.get("crf"),
        "qp": given.get("qp"),
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
    if bitrate is not None and str(given.get("profile")).startswith("dnxhd_"):
        raise WrongUse("DNxHD takes no bitrate: its profile, the size and the rate decide it.")
    if bitrate is not None and not _is_bitrate(bitrate, *VIDEO_BITS):
        raise WrongUse(f"{display(str(bitrate))} is no bitrate of a picture; write 8M or 800k, 10k to 2000M.")
    if crf is not None and bitrate is not None:
        raise WrongUse("A preset has either a crf or a bitrate, not both.")
    qp = given.get("qp")
    if qp is None:
        return
    if name not in ("libx264", "libx265") or given.get("encoder") not in (None, name):
        raise WrongUse("qp goes with libx264 and libx265 only.")
    if not _whole(qp) or not 0 <= qp <= 51:
        raise WrongUse("qp is a whole number from 0 to 51; lower is better.")
    if crf is not None or bitrate is not None:
        raise WrongUse("A preset has one of crf, qp and bitrate.")


def _speed(name: str, given: Mapping[str, Any]) -> None:
    speed, tune = given.get("preset"), given.get("tune")
    if speed is not None:
        if name in ("libx264", "libx265"):
            if speed not in codecs.SPEEDS:
                raise _unknown(f"preset of {name}", speed, codecs.SPEEDS)
        elif name not in ("vp9", "av1"):
            raise WrongUse(f"{name} has no preset {display(str(speed))}.")
        else:
            # libvpx-vp9 and libaom-av1 name -cpu-used up to 8, SVT-AV1 its presets up to 13.
            most = 13 if given.get("encoder") == "libsvtav1" else 8
            if not re.fullmatch(r"[0-9]{1,2}", str(speed)) or int(speed) > most:
                raise WrongUse(f"preset of {name} is a whole number from 0 to {most}; higher is faster.")
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
    if bitrate is not None and not codec.has_bitrate:
        raise WrongUse(f"{name} takes no bitrate.")
    if bitrate is not None and not _is_bitrate(bitrate, *AUDIO_BITS):
        raise WrongUse(f"{display(str(bitrate))} is no bitrate for {name}; write 160k, 8k to 1024k.")
    if rate is not None and rate not in codec.sample_rates:
        raise _unknown(f"sample rate of {name}", rate, [str(known) for known in codec.sample_rates])
    if channels is not None and (not _whole(channels) or channels not in CHANNELS):
        known = ", ".join(map(str, CHANNELS))
        raise WrongUse(f"channels is one of {known}; leave it out to get stereo.")
    if channels is not None and channels > codec.most_channels:
        raise WrongUse(f"{name} takes at most {codec.most_channels} channels.")
    return {"codec": name, "bitrate": bitrate, "sample_rate": rate, "channels": channels}


def _scale(text: Any) -> str | None:
    if text is None:
        return None
    if text in ("1/2", "1/4"):
        return str(text)
    match = re.fullmatch(r"(-2|[0-9]{2,5}):(-2|[0-9]{2,5})", str(text))
    if match is None or match.group(1) == match.group(2) == "-2":
        raise WrongUse(f"{display(str(text))} is no size; write 1920:1080, 1920:-2, -2:720, 1/2 or 1/4.")
    low, high = SIDE
    if any(side != "-2" and (not low <= int(side) <= high or int(side) % 2) for side in match.groups()):
        raise WrongUse(f"A side of {text} is no even number of pixels from {low} to {high}.")
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


def _is_bitrate(value: Any, least: int, most: int) -> bool:
    """Whether ``value`` is a bitrate as ffmpeg writes it, within these bits a second."""
    match = re.fullmatch(r"([0-9]{1,10}(?:\.[0-9]+)?)([kM]?)", str(value))
    return match is not None and least <= float(match[1]) * _UNITS[match[2]] <= most
