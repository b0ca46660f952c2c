"""How long a clip is: its essence and, where the camera cut it into chapters or spans, those too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.media.clips import Clip

_SINGLE_FRAMES = frozenset({"ari", "arx"})
"""Extensions of recordings that are one file for each frame."""

_LENS = re.compile(r"(?:pro_)?vid_\d{8}_\d{6}_\d{2}_\d{3}", re.IGNORECASE)
"""Names of files that differ by the lens they were taken through, at the same time (Insta360)."""


def continuations(clip: Clip) -> tuple[str, ...]:
    """Paths of the parts that go on where the essence ends, in order.

    Frames of a sequence and the pictures of a second lens are spans of a clip
    too, but add nothing to its length that could be summed: none are returned.
    """
    stem, _, extension = clip.essence.rpartition("/")[2].rpartition(".")
    if extension.lower() in _SINGLE_FRAMES or _LENS.fullmatch(stem):
        return ()
    return clip.of("span")


def together(lengths: Sequence[int | None]) -> int | None:
    """Milliseconds of all parts one after the other; None when one of them is not known."""
    return None if None in lengths else sum(length for length in lengths if length is not None)
