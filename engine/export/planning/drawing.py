"""Words drawn into pictures: the filters of stamps and title cards, and the text files they read. Pure.

No word ever stands in a filter: each lies in a small file beside the segments,
named by its content, so that no clip name can be taken for an option. What
counts (timecode, frame numbers) counts from the piece's own place in its clip
and in the film, so that a segment shows what an uninterrupted render shows.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.export.planning.plan import Plan, Segment, Source
from engine.export.planning.timeline import Part, Piece
from engine.export.recipes import timecode

_MARGIN = 3  # hundredths of the picture's height between words and its edge
_ROOM = Fraction(94, 100)  # of the picture's width, for the longest line
_LEAST_PIXELS = 8


@dataclass(frozen=True)
class Word:
    """A text with its filter: ``name`` of its file, ``text`` in it, ``filter`` that draws it."""

    name: str
    text: str
    filter: str


def files(plan: Plan, segment: Segment) -> dict[str, str]:
    """The text files that the graph of a segment reads, by name."""
    return {
        word.name: word.text
        for piece in segment.pieces
        for word in (*on_piece(plan, piece), *_cards(plan, piece))
    }


def _cards(plan: Plan, piece: Piece) -> Iterator[Word]:
    for part in piece.parts:
        yield from on_card(plan, plan.sources[part.source])


def on_card(plan: Plan, source: Source) -> list[Word]:
    """The lines of a title card; none for a clip."""
    if source.card is None:
        return []
    lines = str(source.card["text"]).split("\n")
    height = min(_pixels(plan, line, float(source.card["size"])) for line in lines)
    step = round(height * 1.4)
    words = []
    for number, line in enumerate(lines):
        shift = round((number - (len(lines) - 1) / 2) * step)
        y = f"(h-{height})/2{shift:+d}"
        words.append(_word(plan, line, height, "(w-text_w)/2", y, counts=False, box=False))
    return words


def on_piece(plan: Plan, piece: Piece) -> list[Word]:
    """The stamps of a piece. In a crossfade the clip's own words change in the middle."""
    stamps: Sequence[dict[str, Any]] = plan.look.get("burn_in") or ()
    words = []
    for stamp in stamps:
        if stamp["what"] in ("record_timecode", "frame", "recipe", "text"):
            words += _drawn(plan, stamp, _of_film(plan, piece, stamp), "")
            continue
        middle = piece.frames // 2
        for side, part in enumerate(piece.parts):
            when = ("", "")[side] if not piece.is_crossfade else (f"lt(n,{middle})", f"gte(n,{middle})")[side]
            words += _drawn(plan, stamp, _of_clip(plan, part, stamp["what"]), when)
    return words


def _of_film(plan: Plan, piece: Piece, stamp: dict[str, Any]) -> tuple[str, bool]:
    """A text, and whether it counts."""
    match stamp["what"]:
        case "record_timecode":
            first = plan.timecode or "00:00:00:00"
            begin = timecode.frames(first, plan.fps) or 0
            return timecode.counting(f"n+{begin + piece.at}", plan.fps, drop=timecode.is_drop(first)), True
        case "frame":
            return f"%{{eif:n+{piece.at}:d}}", True
        case "recipe":
            return str(plan.look.get("recipe", "")), False
    return str(stamp["text"]), False


def _of_clip(plan: Plan, part: Part, what: str) -> tuple[str, bool]:
    source = plan.sources[part.source]
    if source.card is not None:
        return "", False
    if what != "timecode":
        return source.words.get(what, ""), False
    start = source.timecode or {"start": 0, "rate": plan.rate, "drop": False}
    rate = Fraction(start["rate"])
    # The rate conversion shows, at frame K of the film's grid, the last of the clip's
    # frames that lies before the middle between K and the next one.
    ratio = rate / plan.fps
    top, bottom = ratio.numerator, ratio.denominator
    place = f"2*(n+{part.start - source.start})+1"
    first = f"floor((({place})*{top}-1)/{2 * bottom})+{start['start']}"
    return timecode.counting(first, rate, drop=bool(start["drop"])), True


def _drawn(plan: Plan, stamp: dict[str, Any], shown: tuple[str, bool], when: str) -> list[Word]:
    text, counts = shown
    if not text:
        return []
    place = str(stamp["position"])
    height = _pixels(plan, "00:00:00:00" if counts else text, float(stamp["size"]))
    margin = max(2, plan.height * _MARGIN // 100)
    x = "(w-text_w)/2"
    if place.endswith("left"):
        x = str(margin)
    elif place.endswith("right"):
        x = f"w-text_w-{margin}"
    y = f"(h-{height})/2"
    if place.startswith("top"):
        y = str(margin)
    elif place.startswith("bottom"):
        y = f"h-{height}-{margin}"
    return [_word(plan, text, height, x, y, counts=counts, box=True, when=when)]


def _word(
    plan: Plan, text: str, height: int, x: str, y: str, *, counts: bool, box: bool, when: str = ""
) -> Word:
    name = f"words-{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    options = [
        f"fontfile={plan.look.get('font', 'font')}.ttf",
        f"textfile={name}",
        f"expansion={'normal' if counts else 'none'}",
        f"fontsize={height}",
        "fontcolor=white",
        f"x={x}",
        f"y={y}",
    ]
    if box:
        options += ["box=1", "boxcolor=black@0.5", f"boxborderw={max(1, height // 5)}"]
    if when:
        options.append(f"enable='{when}'")
    return Word(name, text, "drawtext=" + ":".join(options))


def _pixels(plan: Plan, text: str, size: float) -> int:
    """Height of the letters: as asked, or as much smaller as the text needs to fit into the picture."""
    wanted = plan.height * size / 100
    fitting = float(plan.width * _ROOM) / max(1.0, sum(map(_ems, text)))
    return max(_LEAST_PIXELS, int(min(wanted, fitting)))


def _ems(char: str) -> float:
    """About how wide a letter is, in heights of the font; rather too wide."""
    if unicodedata.east_asian_width(char) in "WF" or char in "WM@%":
        return 1.0
    return 0.75 if char.isupper() else 0.64
