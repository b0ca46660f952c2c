"""One small picture of a file, for lists and reports."""

from __future__ import annotations

import os
import uuid
from fractions import Fraction

from engine.errors import RushesError
from engine.media import child
from engine.media.facts import MediaFacts
from engine.media.probe import looks_like_a_still
from engine.media.reading import as_itself
from engine.media.tools import Tools
from engine.names import display

LONGEST = 320
"""Longest side in pixels unless asked otherwise."""

_SECONDS = 30.0
_LATEST = Fraction(5)
"""A picture is taken at a tenth of the length, at latest after so many seconds."""

_NICENESS = 15
"""Copies and renders come first."""


def thumbnail_path(folder: str, blake3: str, longest: int = LONGEST) -> str:
    """Where the picture of a content lies in a library's thumbnail folder."""
    return os.path.join(folder, blake3[:2], blake3[2:4], f"{blake3}_{longest}.jpg")


class NoPicture(RushesError):
    """There is nothing to show: sound only, or no frame could be decoded. Trying again will not help."""


def thumbnail(
    tools: Tools, source: str, target: str, facts: MediaFacts, longest: int = LONGEST
) -> tuple[int, int]:
    """Write a JPEG of ``source`` to ``target`` and return its (width, height).

    The frame at 10 % of the length, at latest at 5 s; turned and with square
    pixels as a player shows it; the longest side is ``longest`` (1..4096) or the
    picture's own when that is smaller. The file appears whole under its name or
    not at all; its folder must exist. Never writes beside the source.

    Raises:
        NoPicture: the file holds sound only, or none of its frames can be decoded.
        OSError: the target cannot be written.
    """
    name = display(os.path.basename(source))
    video = facts.video
    if video is None or not video.width or not video.height:
        raise NoPicture(f"{name} holds no picture.")
    width, height = fitted(video.width, video.height, longest)
    temp = f"{target}.{uuid.uuid4().hex[:12]}.part"
    # Made here and not by ffmpeg: what forbids it (rights, room, no folder) is told apart from a bad film.
    os.close(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    try:
        said = ""
        for moment in dict.fromkeys((_moment(facts), Fraction(0))):
            said = _take(tools, source, facts.container, temp, moment, (width, height))
            if not said:
                os.replace(temp, target)
                return width, height
        raise NoPicture(f"No picture could be taken of {name}: {said}.")
    finally:
        try:
            os.unlink(temp)
        except FileNotFoundError:
            pass  # it has its name, or was never written


def fitted(width: int, height: int, longest: int) -> tuple[int, int]:
    """Return the size within ``longest`` that keeps the shape and enlarges nothing; at least 1 by 1."""
    scale = min(Fraction(1), Fraction(longest, max(width, height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _moment(facts: MediaFacts) -> Fraction:
    """Seconds from the start at which the picture is taken."""
    if facts.kind == "image" or not facts.duration_ms:
        return Fraction(0)
    return min(Fraction(facts.duration_ms, 10_000), _LATEST)


def _take(
    tools: Tools, source: str, container: str, temp: str, moment: Fraction, size: tuple[int, int]
) -> str:
    """Write one frame to ``temp``; return what went wrong, or nothing."""
    seek = ["-ss", f"{float(moment):.3f}"] if moment else []
    still = ["-f", "image2", "-pattern_type", "none"] if _is_numbered_still(source) else []
    command = [
        tools.ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-y", *seek, *still,
        *as_itself(container), "-i", f"file:{os.path.abspath(source)}",
        "-map", "0:V:0", "-an", "-frames:v", "1",
        "-vf", f"scale={size[0]}:{size[1]}:flags=bicubic,setsar=1,format=yuvj420p",
        "-c:v", "mjpeg", "-q:v", "4", "-threads", "1", "-f", "image2", "-update", "1", f"file:{temp}",
    ]  # fmt: skip
    ran = child.run(command, seconds=_SECONDS, niceness=_NICENESS)
    if ran.timed_out:
        return f"ffmpeg gave no answer within {_SECONDS:.0f} s"
    if ran.code == 0 and os.path.getsize(temp):
        return ""
    if b"No space left" in ran.err:
        raise OSError(f"No room for thumbnails in {display(os.path.dirname(temp))}.")
    last = ran.err_text.strip().splitlines()[-1:]
    return display(last[0]) if last else "no frame could be decoded"


def _is_numbered_still(source: str) -> bool:
    return "%" in os.path.abspath(source) and looks_like_a_still(source)
