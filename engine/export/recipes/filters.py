"""Filters that a preset may add to the picture. Pure.

Only such as look at one picture at a time: a filter that remembers earlier
pictures would give others where a segment begins, and a resumed film would not
be the film that an uninterrupted render makes.
"""

from __future__ import annotations

import re
from typing import Any

from engine.errors import WrongUse
from engine.names import display

KNOWN = (
    "avgblur",
    "boxblur",
    "colorbalance",
    "colorchannelmixer",
    "colorlevels",
    "colortemperature",
    "curves",
    "deband",
    "drawbox",
    "drawgrid",
    "eq",
    "exposure",
    "fillborders",
    "gblur",
    "gradfun",
    "hflip",
    "hue",
    "median",
    "negate",
    "nlmeans",
    "rotate",
    "unsharp",
    "vflip",
    "vibrance",
    "vignette",
)
"""Filters that may be named: of one picture each, and without files."""

_REMEMBERING = frozenset(
    {"hqdn3d", "atadenoise", "deflicker", "minterpolate", "tblend", "tmix", "framestep", "noise"}
    | {
        "yadif",
        "bwdif",
        "estdif",
        "fps",
        "tpad",
        "trim",
        "setpts",
        "deshake",
        "vidstabtransform",
        "owdenoise",
    }
)
"""Filters that people think of and that do look at more than one picture, or at the clock."""

MOST = 8
_OPTIONS = re.compile(r"[A-Za-z0-9_.:=/+*-]*")
_SOURCE_FILES = re.compile(r"(?:^|:)(?:\w*file\w*|psfile|plot)=")


def checked(given: Any) -> str | None:
    """Return a chain such as ``unsharp=5:5:0.5,eq=contrast=1.1`` as it is used; None for none.

    Raises:
        WrongUse: an unknown filter, or one that remembers pictures, or odd characters.
    """
    if given is None:
        return None
    if not isinstance(given, str):
        raise WrongUse("filters is a text such as unsharp=5:5:0.5,eq=contrast=1.1.")
    parts = [part.strip() for part in given.split(",")]
    if not any(parts):
        return None
    if len(parts) > MOST:
        raise WrongUse(f"filters names at most {MOST} filters.")
    for part in parts:
        _check(part)
    return ",".join(parts)


def _check(part: str) -> None:
    name, _, options = part.partition("=")
    if not name:
        raise WrongUse("Between two commas of filters, or at an end, there is no filter.")
    if name in _REMEMBERING:
        raise WrongUse(
            f"The filter {name} looks at more than one picture, so segments would not fit together. "
            f"Known: {', '.join(KNOWN)}."
        )
    if name not in KNOWN:
        raise WrongUse(f"There is no filter {display(name)} for presets; known: {', '.join(KNOWN)}.")
    if not _OPTIONS.fullmatch(options) or _SOURCE_FILES.search(options):
        raise WrongUse(
            f"The options of the filter {name} hold letters, digits and : = . - only, and no file."
        )
