"""Two sides of a relink candidate, compared: what the catalogue knows and what was found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine.api.candidates import Side
from engine.names import display
from tui import format as fmt
from tui.looks import VOLUME_LOOKS, look_of
from tui.widgets.columns import Context
from tui.widgets.line_view import BLANK, Line

WIDE = 100
"""From this many columns on both sides stand beside each other."""


def _pairs(known: Side, found: Side, context: Context) -> list[tuple[str, str, str, str]]:
    """Label, what is known, what was found, and the tone of the latter: the same, or not."""

    def pair(label: str, a: str | None, b: str | None) -> tuple[str, str, str, str] | None:
        if a is None and b is None:
            return None
        tone = "" if a is None or b is None else "good" if a == b else "warn"
        return label, a or "-", b or "-", tone

    def when(mtime_ns: int | None) -> str | None:
        if mtime_ns is None:
            return None
        stamp = clock_stamp(mtime_ns)
        return fmt.moment(stamp, context.now)

    pairs = [
        (
            "Volume",
            f"{display(known.volume)} ({look_of(VOLUME_LOOKS, known.volume_state).word})",
            f"{display(found.volume)} ({look_of(VOLUME_LOOKS, found.volume_state).word})",
            "",
        ),
        ("Path", display(known.path), display(found.path), ""),
        pair("Size", _bytes(known.size_bytes), _bytes(found.size_bytes)),
        pair("Changed", when(known.mtime_ns), when(found.mtime_ns)),
        pair("Length", _length(known.duration_ms), _length(found.duration_ms)),
        pair("Codec", known.codec, found.codec),
        pair("BLAKE3", _short(known.blake3), _short(found.blake3)),
        pair("Samples", _short(known.fast_hash), _short(found.fast_hash)),
    ]
    return [entry for entry in pairs if entry is not None]


def clock_stamp(mtime_ns: int) -> str:
    """A file time in the stored form."""
    return datetime.fromtimestamp(mtime_ns / 1e9, UTC).isoformat()


def beside(known: Side, found: Side, width: int, context: Context) -> list[Line]:
    """Both sides beside each other, in ``width`` cells."""
    half = (width - 11) // 2
    lines = [Line(((" " * 11, ""), (fmt.pad("the catalogue knows", half), "dim"), ("was found", "dim")))]
    for label, left, right, tone in _pairs(known, found, context):
        ellipsis = context.glyphs.ellipsis
        a = fmt.pad(fmt.fit_path(left, half - 2, ellipsis), half)
        b = fmt.fit_path(right, half, ellipsis)
        lines.append(Line(((f"{label:<11}", "dim"), (a, ""), (b, tone))))
    return lines


def stacked(known: Side, found: Side, context: Context) -> list[Line]:
    """Both sides below each other, for a narrow screen."""
    lines = []
    for label, left, right, tone in _pairs(known, found, context):
        if label in ("Volume", "Path"):
            lines.append(Line(((f"{label:<9}was ", "dim"), (left, "")), indent=13))
            lines.append(Line(((f"{'':<9}now ", "dim"), (right, "strong")), indent=13))
        elif right == "-":
            lines.append(Line(((f"{label:<13}", "dim"), (left, ""), ("  not read there", "dim"))))
        elif left == "-":
            lines.append(Line(((f"{label:<13}", "dim"), (right, ""), ("  not on record before", "dim"))))
        elif left == right:
            lines.append(Line(((f"{label:<13}", "dim"), (left, tone), ("  same", "good"))))
        else:
            lines.append(
                Line(((f"{label:<13}", "dim"), (left, ""), (f" {context.glyphs.arrow} {right}", tone)))
            )
    return lines


def _bytes(count: int | None) -> str | None:
    return None if count is None else f"{fmt.size(count)} ({count:,})"


def _length(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else fmt.duration(milliseconds)


def _short(digest: str | None) -> str | None:
    return None if digest is None else digest[:24]


EVIDENCE_WORDS = {
    "blake3": "content",
    "fast_hash": "samples",
    "size": "size",
    "duration": "length",
    "name": "name",
    "exact_name": "letter case or Unicode form of the name",
    "mtime": "time",
    "inode": "inode",
    "timecode": "timecode",
    "reel": "reel",
    "embedded_id": "camera id",
}
"""What the scan compares, in words, the strongest first; its other facts are no comparison of two sides."""


def compared(evidence: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What agrees and what differs, in words. Unknown on one side is neither.

    That names agree to the letter, or that another name is written another way, goes without saying.
    """
    told = {
        fact: evidence[fact]
        for fact in EVIDENCE_WORDS
        if evidence.get(fact) in (True, False)
        and (fact != "exact_name" or (evidence.get("name") is True and not evidence[fact]))
    }
    agree = [EVIDENCE_WORDS[fact] for fact, same in told.items() if same]
    differ = [EVIDENCE_WORDS[fact] for fact, same in told.items() if not same]
    return agree, differ


def evidence_lines(evidence: dict[str, Any]) -> list[Line]:
    """What agrees, what differs, and what else the scan noted."""
    agree, differ = compared(evidence)
    lines = [BLANK]
    for label, words, tone in (("Agrees", agree, "good"), ("Differs", differ, "warn")):
        if words:
            lines.append(Line(((f"{label:<11}", "dim"), (", ".join(words), tone)), indent=11))
    if evidence.get("ambiguous"):
        lines.append(Line((("Another pairing is as good; compare before you decide.", "warn"),)))
    if evidence.get("fits_other_content"):
        lines.append(Line((("The file fits copies of other content as well.", "warn"),)))
    return lines if len(lines) > 1 else []
