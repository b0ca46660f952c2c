"""When the pictures of a file really begin and end, for containers whose header does not tell.

Matroska and transport streams tell one length for the whole file, which may
be the sound's, and which a truncated file still tells. The last packets say
how far the picture goes. Pictures of Matroska from before its nought have no
time at all: they are there for decoding, and no player shows them.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from fractions import Fraction

from engine.export.planning.timeline import SAMPLE_RATE
from engine.media import child, ffmpeg
from engine.media.facts import MediaFacts
from engine.media.reading import as_itself
from engine.media.tools import Tools
from engine.names import display

_TAIL_SECONDS = 20.0
"""Read this much before the told end at first; when no picture lies there the whole file is read."""

_TO_THE_END = 1_000_000_000
"""Seconds that outlast any film. An interval without an end reads memory that ffprobe 6.0 never set: it then
gives all packets or none, by where the program happens to lie."""

_DEADLINE_SECONDS = 120.0
_SHORT_SECONDS = 1.0  # a picture that ends this much before its file is worth a warning


BROKEN_CLOCKS = frozenset({"mpegts", "mpeg", "mpegvideo", "h264", "hevc"})
"""Containers whose clock may jump. ffmpeg begins to count at the first stream that is *used*, not at the
file's first time stamp, and lands on no exact frame when it seeks."""


_MATROSKA = "matroska"
_MOST_TIMELESS = 4000
"""A block of Matroska lies at most 32.8 s before nought, in steps of a millisecond (RFC 9559): so many,
at 120 a second."""


@dataclass(frozen=True)
class Measured:
    """A file with its true lengths.

    Attributes:
        media: its facts.
        sound_shift: samples by which its sound, read alone, is ahead of its picture, read alone; or negative.
        timeless: seconds, at least, that pictures without a time would last at its beginning; 0 for none.
    """

    media: MediaFacts
    sound_shift: int = 0
    timeless: int = 0


def has_broken_clock(facts: MediaFacts) -> bool:
    """Whether the file is of a container in :data:`BROKEN_CLOCKS`."""
    return any(name in BROKEN_CLOCKS for name in facts.container.split(","))


def measured(tools: Tools, path: str, title: str, facts: MediaFacts) -> Measured:
    """Measure what the header does not tell, by looking into the file.

    A picture that ends well before its file gets a warning: it may be truncated.
    """
    full = _with_length(tools, path, title, facts)
    if has_broken_clock(facts):
        # The picture, read alone, begins at nought.
        nought = replace(full, start_frame=0, begins=Fraction(0))
        return Measured(nought, _shift(tools, path, facts.container))
    timeless = 0
    if facts.video is not None and _MATROSKA in facts.container.split(","):
        timeless = _timeless(tools, path, facts)
    return Measured(full, timeless=timeless)


def _timeless(tools: Tools, path: str, facts: MediaFacts) -> int:
    """Whole seconds that outlast the pictures without a time at the beginning; 0 when there are none."""
    if not _pictures_before_nought(tools, path, facts.container, 1):
        return 0
    count = _pictures_before_nought(tools, path, facts.container, _MOST_TIMELESS)
    assert facts.video is not None
    return math.ceil(count / (facts.video.fps or 1)) + 1


def _pictures_before_nought(tools: Tools, path: str, form: str, most: int) -> int:
    ran = _packets(tools, path, form, f"%+#{most}", "packet=pts_time", "csv=p=0")
    told = ran.splitlines()
    return len(list(itertools.takewhile(lambda line: line.startswith("N/A"), told)))


def begins_of(facts: MediaFacts) -> Fraction:
    """Seconds from a file's first time stamp to its first picture; 0 without one. Pure."""
    if facts.video is None:
        return Fraction(0)
    if facts.begins is not None:
        return facts.begins
    return (facts.start_frame or 0) / facts.video.fps if facts.video.fps else Fraction(0)


def _with_length(tools: Tools, path: str, title: str, facts: MediaFacts) -> MediaFacts:
    if facts.video is None or facts.frames is not None or not facts.duration_ms:
        return facts
    told = facts.duration_ms / 1000
    late = f"{max(0.0, told - _TAIL_SECONDS):.3f}"
    found = _end(tools, path, facts.container, late) or _end(tools, path, facts.container, "")
    if found is None:
        return facts
    start, end = found
    begin = float(begins_of(facts))
    length = max(0.0, end - begin)
    warnings = facts.warnings
    # Matroska tells the moment of its end, the others a length: a file may begin late on its own clock.
    if max(end, end + start) < told - _SHORT_SECONDS:
        sentence = f"Clip {display(title)}: the picture ends {told - end:.1f} s before the file's told end."
        warnings = (*warnings, f"{sentence} What is there is exported.")
    return replace(facts, duration_ms=round(length * 1000), warnings=warnings)


def _end(tools: Tools, path: str, form: str, begin: str) -> tuple[float, float] | None:
    """The file's first time stamp, and seconds from it to the end of its last picture, from ``begin`` on."""
    wanted = "packet=pts_time,duration_time:format=start_time"
    told = _packets(tools, path, form, f"{begin}%+{_TO_THE_END}", wanted, "compact")
    ends: list[float] = []
    start = 0.0
    for line in told.splitlines():
        section, _, rest = line.partition("|")
        values = dict(pair.partition("=")[::2] for pair in rest.split("|"))
        try:
            if section == "format":
                start = float(values.get("start_time", "0"))
            elif section == "packet":
                ends.append(float(values["pts_time"]) + _seconds(values.get("duration_time")))
        except (KeyError, ValueError):
            continue  # N/A: a packet without a time says nothing about the end
    return (start, max(ends) - start) if ends else None


def _packets(tools: Tools, path: str, form: str, interval: str, entries: str, layout: str) -> str:
    """What ffprobe says of the picture's packets in an interval, which always has an end."""
    command = [tools.ffprobe, "-v", "error", "-select_streams", "V:0", "-read_intervals", interval]
    command += ["-show_entries", entries, "-of", layout, *as_itself(form), ffmpeg.file_url(path)]
    return child.run(command, seconds=_DEADLINE_SECONDS).out.decode("ascii", "replace")


def _shift(tools: Tools, path: str, form: str) -> int:
    """Samples from the first sound to the first picture."""
    starts: dict[str, Fraction] = {}
    entries = ["-show_entries", "stream=codec_type,start_time", "-of", "compact=p=0"]
    ran = child.run(
        [tools.ffprobe, "-v", "error", *entries, *as_itself(form), ffmpeg.file_url(path)],
        seconds=_DEADLINE_SECONDS,
    )
    for line in ran.out.decode("ascii", "replace").splitlines():
        values = dict(pair.partition("=")[::2] for pair in line.split("|"))
        try:
            starts.setdefault(values.get("codec_type", ""), Fraction(values.get("start_time", "")))
        except ValueError:
            continue  # N/A
    if "video" not in starts or "audio" not in starts:
        return 0
    return round((starts["video"] - starts["audio"]) * SAMPLE_RATE)


def _seconds(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
