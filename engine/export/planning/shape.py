"""Size, rate and timecode of a film: the recipe's, else the preset's, else the first clip's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from engine.export.planning.timeline import DEFAULT_RATE
from engine.export.recipes import codecs, dnxhd, timecode
from engine.media.facts import MediaFacts

STANDARD_RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60", "100", "120")
)
"""Rates that a camera with varying rate probably meant."""

SOUND_RATE = Fraction(1000)
"""Grid of a film without picture: milliseconds."""

_MXF_RATES = frozenset(
    Fraction(rate * family)
    for rate in (24, 25, 30, 48, 50, 60, 100, 120)
    for family in (1, Fraction(1000, 1001))
) - {Fraction(25000, 1001), Fraction(50000, 1001), Fraction(100000, 1001)}
"""Rates of pictures that MXF has a number for (SMPTE ST 377-1)."""

_RATE_SLACK = Fraction(2, 100)
_HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})


def size_problem(
    preset: Mapping[str, Any], size: tuple[int, int], rate: Fraction | None = None
) -> str | None:
    """Why a picture of this size, and rate, cannot be encoded, as a sentence; None when it can. Pure."""
    video = preset["video"]
    if video is None:
        return None
    if rate is not None and dnxhd.asked_for(video) and dnxhd.megabits(video, size, rate) is None:
        shown = f"{size[0]}x{size[1]} at {float(rate):.5g}"
        return (
            f"DNxHD has no {str(video['profile'])[6:].upper()} of {shown}: there is {dnxhd.known(video)}. "
            "Choose DNxHR, or give the recipe such a size and rate."
        )
    if rate is not None and preset["container"] == "mxf" and rate not in _MXF_RATES:
        return (
            f"MXF has no rate of {float(rate):.5g}: it knows 24, 25, 30, their kin of television and twice "
            "those. Give the recipe such an fps, or choose a preset in mov."
        )
    least = codecs.VIDEO[video["codec"]].least_size
    if size[0] >= least[0] and size[1] >= least[1]:
        return None
    return (
        f"{video['codec']} needs a picture of at least {least[0]}x{least[1]}; this one has "
        f"{size[0]}x{size[1]}. Choose another preset, or give the recipe a larger size."
    )


def hdr_transfer(facts: MediaFacts) -> str | None:
    """The transfer of an HDR picture; None for all others."""
    transfer = facts.video.color_transfer if facts.video else None
    return transfer if transfer in _HDR_TRANSFERS else None


def film_rate(spec: Mapping[str, Any], preset: Mapping[str, Any], first: MediaFacts | None) -> Fraction:
    """Frames per second of a film: the recipe's, else the preset's, else its first clip's."""
    if preset["video"] is None:
        return SOUND_RATE
    for given in (spec["fps"], preset["fps"]):
        if given:
            return Fraction(given)
    if first is None or first.video is None or not first.video.fps:
        return DEFAULT_RATE
    rate = first.video.fps
    nearest = min(STANDARD_RATES, key=lambda known: abs(known - rate))
    if abs(nearest - rate) <= nearest * (_RATE_SLACK if first.video.vfr else Fraction(1, 10_000)):
        return nearest
    return rate.limit_denominator(1001)


def film_size(
    spec: Mapping[str, Any], preset: Mapping[str, Any], first: MediaFacts | None
) -> tuple[int, int]:
    """Width and height of a film: the recipe's, else its first clip's, then made as small as the preset asks.

    Never enlarged by ``fit``; always even, as most pixel formats need.
    """
    if spec["width"]:
        size = (int(spec["width"]), int(spec["height"]))
    elif first is not None and first.video is not None:
        size = (int(first.video.width or 0), int(first.video.height or 0))
    else:
        size = (1920, 1080)
    if preset["scale"]:
        size = _scaled(size, preset["scale"])
    limit = preset["fit"]
    if limit and max(size) > limit:
        shrink = Fraction(limit, max(size))
        size = (round(size[0] * shrink), round(size[1] * shrink))
    return _even(size[0]), _even(size[1])


def _scaled(size: tuple[int, int], text: str) -> tuple[int, int]:
    if text.startswith("1/"):
        return size[0] // int(text[2:]), size[1] // int(text[2:])
    width, height = (int(part) for part in text.split(":"))
    if width == -2:
        width = round(Fraction(size[0] * height, size[1]))
    if height == -2:
        height = round(Fraction(size[1] * width, size[0]))
    return width, height


def _even(value: int) -> int:
    return max(2, value // 2 * 2)


def carries_timecode(container: str) -> bool:
    """Whether a file of this container can hold a timecode."""
    return container in ("mov", "mp4", "mxf")


def usable_timecode(text: str | None, rate: Fraction, container: str) -> str | None:
    """``text`` when a file of this rate and container can carry it, else None. Pure."""
    if text is None or not carries_timecode(container):
        return None
    if timecode.is_drop(text) and not timecode.dropped(rate):
        return None
    return text if timecode.frames(text, rate) is not None else None


def later(text: str | None, frames: int, rate: Fraction) -> str | None:
    """The timecode that comes ``frames`` after ``text``; None when there is none. Pure."""
    first = timecode.frames(text, rate) if text else None
    if text is None or first is None:
        return None
    return timecode.text_of(first + frames, rate, drop=timecode.is_drop(text))


def moment(text: str | None, rate: Fraction) -> Fraction | None:
    """Seconds since midnight at which the frame of a timecode begins; None for none of this rate. Pure."""
    first = timecode.frames(text, rate) if text else None
    return None if first is None else first / rate


def moment_of(facts: MediaFacts, in_frame: int) -> Fraction | None:
    """Seconds since midnight at which a clip begins, by its timecode or as its recorder wrote it. Pure.

    ``in_frame`` is its in point, in its own frames; of sound without a picture in milliseconds.
    """
    audio = facts.audio
    if facts.time_reference is not None and audio is not None and audio.sample_rate:
        begin = Fraction(facts.time_reference, audio.sample_rate)
        own = facts.video.fps if facts.video and facts.video.fps else SOUND_RATE
        return begin + in_frame / own
    if facts.video is None or not facts.video.fps:
        return None
    begin_frame = moment(facts.timecode, facts.video.fps)
    return None if begin_frame is None else begin_frame + in_frame / facts.video.fps
