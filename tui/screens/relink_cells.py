"""The cells of the list of relink candidates."""

from __future__ import annotations

from engine.api.candidates import CandidateRow
from engine.names import display
from tui.looks import CANDIDATE_LOOKS, MATCH_WORDS, Cell, look_of
from tui.widgets.columns import Column, Context

OPEN = ("pending", "later")
"""States in which a candidate still wants a verdict."""

NARROW = 26
"""A place narrower than this shows the path alone; the volume is in the detail."""


def confidence_tone(row: CandidateRow) -> str:
    """Green from 0.95 on, yellow from 0.8, red below."""
    if row.status not in OPEN:
        return "dim"
    return "good" if row.confidence >= 0.95 else "warn" if row.confidence >= 0.8 else "bad"


def state(row: CandidateRow, context: Context) -> Cell:
    """Its verdict."""
    return look_of(CANDIDATE_LOOKS, row.status).cell(context.glyphs)


def confidence(row: CandidateRow, context: Context) -> Cell:
    """How sure it is, in percent."""
    del context
    return ((f"{int(row.confidence * 100)}%", confidence_tone(row)),)


def match(row: CandidateRow, context: Context) -> Cell:
    """What speaks for it."""
    del context
    word = MATCH_WORDS.get(row.match_type, row.match_type.replace("_", " "))
    return ((word, "strong" if row.certain and row.status in OPEN else "" if row.status in OPEN else "dim"),)


def _clip(row: CandidateRow, context: Context) -> Cell:
    if not context.first:
        return ((context.glyphs.branch, "dim"),)
    rivals = f" ({row.rivals})" if row.rivals > 1 else ""
    return ((display(row.title), "" if row.status in OPEN else "dim"), (rivals, "warn"))


def _old(row: CandidateRow, context: Context) -> Cell:
    del context
    return ((f"{display(row.old_volume)}: ", "dim"), (display(row.old_path), "dim"))


def _found(row: CandidateRow, context: Context) -> Cell:
    tone = "" if row.status in OPEN else "dim"
    place = f"{display(row.new_volume)}: " if context.width >= NARROW else ""
    return ((f"{context.glyphs.arrow} ", "dim"), (place, tone), (display(row.new_path), tone))


COLUMNS: tuple[Column, ...] = (
    Column("STATE", 10, state),
    Column("SURE", 4, confidence, right=True),
    Column("BECAUSE", 14, match, drop=1),
    Column("CLIP", 14, _clip, flex=2, most=26),
    Column("WAS AT", 20, _old, flex=4, middle=True, drop=2),
    Column("FOUND AT", 24, _found, flex=5, middle=True),
)
