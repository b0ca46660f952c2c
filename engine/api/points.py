"""In and out points as people write them: a frame number, a timecode within the clip, or seconds. Pure."""

from __future__ import annotations

import re

from engine.errors import WrongUse
from engine.names import display

_FRAMES = re.compile(r"\d{1,9}")
_SECONDS = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)\s*s")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(?:(\d{1,2}):)?(\d{1,2})[:;](\d{1,3})")


def frame_of(text: str, fps: float | None) -> int | None:
    """The frame that ``text`` names, counted from the clip's first; None for an empty text.

    Args:
        text: ``250``, ``10.5s``, or ``h:mm:ss:ff`` counted from the clip's beginning.
        fps: the clip's frames per second; None when it is not known.

    Raises:
        WrongUse: it is none of these, or needs a frame rate that is not known.
    """
    text = text.strip()
    if not text:
        return None
    if _FRAMES.fullmatch(text):
        return int(text)
    seconds, clock = _SECONDS.fullmatch(text), _CLOCK.fullmatch(text)
    if seconds is None and clock is None:
        raise WrongUse(
            f"{display(text)} is no point in a clip; write a frame such as 250, 10.5s, or 00:00:10:12."
        )
    if not fps:
        raise WrongUse("The frame rate of this clip is not known; write a frame number.")
    if seconds is not None:
        return round(float(seconds.group(1)) * fps)
    assert clock is not None
    hours, minutes, whole, frames = (int(part or 0) for part in _in_full(clock))
    if frames >= max(1, round(fps)):
        raise WrongUse(f"{display(text)} has more frames than a second of this clip, which has {fps:g}.")
    # Counted without dropping: the distance from the beginning, not the camera's clock.
    return ((hours * 60 + minutes) * 60 + whole) * round(fps) + frames


def _in_full(clock: re.Match[str]) -> tuple[str | None, ...]:
    """Hours, minutes, seconds, frames: a short form leaves out what is in front."""
    first, second, whole, frames = clock.groups()
    if first is not None and second is None:
        return (None, first, whole, frames)
    return (first, second, whole, frames)


def range_of(begin: str, end: str, fps: float | None, frames: int | None) -> tuple[int | None, int | None]:
    """In and out point; the frame at the out point is not included. None is the clip's own end.

    Args:
        begin: see :func:`frame_of`.
        end: the same.
        fps: the clip's frames per second, or None.
        frames: the clip's length, or None when it is not known.

    Raises:
        WrongUse: nothing lies between them, or one lies outside of the clip.
    """
    first, last = frame_of(begin, fps), frame_of(end, fps)
    if last is not None and last <= (first or 0):
        raise WrongUse(
            f"The out point {last} has to lie after the in point {first or 0}; frames are counted from 0."
        )
    for name, point in (("in", first), ("out", last)):
        if point is not None and frames is not None and point > frames - (name == "in"):
            raise WrongUse(
                f"The {name} point {point} lies after the end of the clip, which has {frames} frames."
            )
    return first or None, last


def spoken(frame: int | None, fps: float | None) -> str:
    """A frame as a timecode within the clip where the rate is known, else its number; a dash for None."""
    if frame is None:
        return "-"
    base = round(fps) if fps else 0
    if not base:
        return str(frame)
    whole, rest = divmod(frame, base)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{rest:02d}"
