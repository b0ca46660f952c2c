"""Recordings that a DJI camera cut into several files: joined into one clip where the files prove it.

Their names do not tell: the next file has the next number, like the next
recording. What tells is the size at which the camera begins a new file, and
that the next one goes on at the very frame where this one ends: by timecode,
or where there is none by the times at which both began.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from engine.media.clips import Clip, Part
from engine.media.facts import MediaFacts
from engine.media.makers.action import dji_number, is_dji_full, split_of_dji

NEAR_FRAMES = 2
"""Frames that may lie between the end of one file and the timecode of the next."""

NEAR_SECONDS = 1.5
"""The same where only the times of both are known; they are stored in whole seconds."""

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)[:;.](\d\d)")


class Splits:
    """Gives clips on, the parts of one recording as one clip. Used by the job's thread.

    Attributes:
        settled: warnings of the grouping that are answered: these files are known to go on.
    """

    def __init__(
        self,
        size_of: Callable[[str], int | None],
        facts_of: Callable[[Clip], MediaFacts | None],
        give: Callable[[Clip], None],
    ) -> None:
        """Prepare.

        Args:
            size_of: bytes of a file of the source.
            facts_of: what a probe says of a clip's essence; asked only of files that may belong together.
            give: gets every clip, whole.
        """
        self.settled: set[str] = set()
        self._size_of, self._facts_of, self._give = size_of, facts_of, give
        self._held: Clip | None = None
        self._last: Clip | None = None

    def take(self, clip: Clip) -> None:
        """Take the next clip of the grouping; one that may go on is held back until the next has come."""
        held, last = self._held, self._last
        if held is not None and last is not None and self._follows(last, clip):
            self.settled.add(split_of_dji(last.essence, clip.essence))
            own = (Part("span", clip.essence), *clip.parts[1:])
            held = replace(held, parts=_in_order((*held.parts, *own)))
        else:
            self.finish()
            held = clip
        if _may_go_on(clip, self._size_of(clip.essence)):
            self._held, self._last = held, clip
        else:
            self._held = self._last = None
            self._give(held)

    def finish(self) -> None:
        """There are no more clips."""
        held, self._held, self._last = self._held, None, None
        if held is not None:
            self._give(held)

    def _follows(self, last: Clip, clip: Clip) -> bool:
        number, after = dji_number(_name(last)), dji_number(_name(clip))
        if number is None or after != number + 1 or _folder(last) != _folder(clip):
            return False
        first, second = self._facts_of(last), self._facts_of(clip)
        return first is not None and second is not None and goes_on(first, second)


def goes_on(first: MediaFacts, second: MediaFacts) -> bool:
    """Whether one recording goes on in another file, frame by frame; False when that is not known."""
    one, other = first.video, second.video
    if one is None or other is None or one.fps is None:
        return False
    if (one.width, one.height, one.fps, one.codec) != (other.width, other.height, other.fps, other.codec):
        return False
    fps = float(one.fps)
    start, after = _frame(first.timecode, fps), _frame(second.timecode, fps)
    if start is not None and after is not None and start != after and first.duration_ms is not None:
        frames = first.frames or round(first.duration_ms * fps / 1000)
        return abs(after - start - frames) <= NEAR_FRAMES
    if first.recorded_at is None or second.recorded_at is None or first.duration_ms is None:
        return False
    if first.recorded_at_source != second.recorded_at_source:
        return False
    begun, then = datetime.fromisoformat(first.recorded_at), datetime.fromisoformat(second.recorded_at)
    if (begun.tzinfo is None) != (then.tzinfo is None):
        return False
    return abs((then - begun).total_seconds() - first.duration_ms / 1000) <= NEAR_SECONDS


def _frame(timecode: str | None, fps: float) -> int | None:
    """Number of the frame that a timecode names, drop-frame counted out (SMPTE ST 12-1); None for none."""
    match = _TIMECODE.fullmatch(timecode or "")
    if match is None:
        return None
    hours, minutes, seconds, frames = (int(text) for text in match.groups())
    nominal, whole = round(fps), hours * 60 + minutes
    number = (whole * 60 + seconds) * nominal + frames
    dropped = ";" in (timecode or "") and nominal % 30 == 0
    return number - 2 * (nominal // 30) * (whole - whole // 10) if dropped else number


def _may_go_on(clip: Clip, size: int | None) -> bool:
    return dji_number(_name(clip)) is not None and size is not None and is_dji_full(size)


def _in_order(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The essence, then its continuations, then the rest."""
    return (parts[0], *(part for part in parts[1:] if part.role == "span"),
            *(part for part in parts[1:] if part.role != "span"))  # fmt: skip


def _name(clip: Clip) -> str:
    return clip.essence.rpartition("/")[2]


def _folder(clip: Clip) -> str:
    return clip.essence.rpartition("/")[0]
