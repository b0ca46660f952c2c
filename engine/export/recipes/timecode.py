"""Timecode: from text to a count of frames and back, drop-frame included. Pure.

Drop-frame (SMPTE ST 12-1) leaves out numbers, never pictures: the first two
(at 60: four) of every minute that is no tenth one.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

_FORM = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d\d?)")
_DROPPING = {Fraction(30000, 1001): 2, Fraction(60000, 1001): 4}


def nominal(rate: Fraction) -> int:
    """Frame numbers per second: 30 for 29.97."""
    return math.ceil(rate)


def dropped(rate: Fraction) -> int:
    """Numbers left out per minute at this rate in drop-frame; 0 when the rate has none."""
    return _DROPPING.get(rate, 0)


def is_drop(text: str) -> bool:
    """Whether a timecode is written as drop-frame."""
    match = _FORM.fullmatch(text)
    return match is not None and match[4] != ":"


def frames(text: str, rate: Fraction) -> int | None:
    """Frames since midnight; None when it is no timecode of this rate."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, _, number = match.groups()
    base = nominal(rate)
    if int(number) >= base or int(minutes) > 59 or int(seconds) > 59:
        return None
    count = ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * base + int(number)
    if is_drop(text):
        whole = int(hours) * 60 + int(minutes)
        count -= dropped(rate) * (whole - whole // 10)
    return count


def problem(text: str, rate: Fraction) -> str | None:
    """Why ``text`` is no timecode of a film of this rate, as a sentence; None when it is one."""
    shown = f"{float(rate):.5g}"
    match = _FORM.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3]) > 59:
        return f"{text} is no time of the day; a timecode is written 01:00:00:00."
    if int(match[5]) >= nominal(rate):
        return f"The timecode {text} does not exist at {shown}: its frames go from 00 to {nominal(rate) - 1}."
    if not is_drop(text):
        return None
    if not dropped(rate):
        plain = f"{text[:8]}:{match[5]}"
        return f"There is no drop-frame timecode at {shown}, only at 29.97 and 59.94: write {plain}."
    if text_of(frames(text, rate) or 0, rate, drop=True)[-2:] != match[5]:
        return f"The timecode {text} does not exist: drop-frame leaves that number out."
    return None


def text_of(count: int, rate: Fraction, *, drop: bool = False) -> str:
    """The timecode of a frame; after midnight it begins anew."""
    base, left_out = nominal(rate), dropped(rate) if drop else 0
    if left_out:
        tens = base * 600 - left_out * 9
        count %= tens * 144
        whole, rest = divmod(count, tens)
        count += left_out * 9 * whole
        if rest >= left_out:
            count += left_out * ((rest - left_out) // (base * 60 - left_out))
    else:
        count %= base * 86400
    seconds, number = divmod(count, base)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}{';' if left_out else ':'}{number:02}"


def counting(first: str, rate: Fraction, *, drop: bool) -> str:
    """A text that ffmpeg's drawtext expands to the timecode of the frame that it draws on.

    Args:
        first: an expression for the count of frames since midnight, of drawtext's ``n``.
        rate: frames per second of the timecode.
        drop: written as drop-frame.
    """
    base, left_out = nominal(rate), dropped(rate) if drop else 0
    if left_out:
        tens = base * 600 - left_out * 9
        minute = base * 60 - left_out
        count = (
            f"st(0,mod({first},{tens * 144}));st(1,mod(ld(0),{tens}));"
            f"st(0,ld(0)+{left_out * 9}*floor(ld(0)/{tens})"
            f"+{left_out}*gte(ld(1),{left_out})*floor((ld(1)-{left_out})/{minute}))"
        )
    else:
        count = f"st(0,mod({first},{base * 86400}))"
    parts = (
        f"floor(ld(0)/{base * 3600})",
        f"mod(floor(ld(0)/{base * 60}),60)",
        f"mod(floor(ld(0)/{base}),60)",
        f"mod(ld(0),{base})",
    )
    hours, minutes, seconds, number = (f"%{{eif:{count};{part}:d:2}}" for part in parts)
    return f"{hours}:{minutes}:{seconds}{';' if left_out else ':'}{number}"
