"""A run in cells and lines: how it is, its segments, what it makes, what goes with it."""

from __future__ import annotations

from collections.abc import Sequence

from engine import clock
from engine.api.rows import RunRow
from engine.names import display
from tui import format as fmt
from tui.looks import STALLED, Cell, Piece
from tui.screens.cells import job_bar, job_eta, job_percent, job_state, named, says
from tui.widgets.columns import Column, Context

STALLED_SECONDS = 30
"""A run whose frames stand still this long is shown as stalled; the engine ends it after 60 s."""
STALL_LOOK_SECONDS = 2.0
"""How often that is looked for."""

STALLED_ADVICE = "Without a frame it soon ends by itself, and r tries again; c ends it now."
"""What can be done about a run that stands still."""

WHOLE = "All files of this run are finished; nothing is to be tried again. n exports anew."
"""Why a run that left something out is not tried again."""

SEGMENT_TONES = {"q": "rest", "r": "busy", "c": "good", "u": "dim", "s": "dim", "f": "bad", "x": "dim"}


ENDED = ("completed", "completed_with_warnings", "failed", "cancelled")
"""States of a run that is over."""

FILES_NAMED = 6
"""Files that a question names; more of them are counted."""


def stalled(row: RunRow, context: Context) -> bool:
    """Whether the run has not moved for a while."""
    if row.status != "running" or row.progress_at is None:
        return False
    return (context.now - clock.parse(row.progress_at)).total_seconds() > STALLED_SECONDS


def _left(row: RunRow, context: Context) -> Cell:
    return () if stalled(row, context) else job_eta(row, context)


def state_of(row: RunRow, context: Context) -> Cell:
    """The state of a run; one that stands still is told to be stalled."""
    return STALLED.cell(context.glyphs) if stalled(row, context) else job_state(row, context)


def segments(letters: str, width: int, context: Context) -> Cell:
    """A strip with one sign per segment, or per group of them when they are many."""
    glyphs = context.glyphs
    signs = {
        "q": glyphs.rest,
        "r": glyphs.busy,
        "c": glyphs.full,
        "u": glyphs.full,
        "s": glyphs.skip,
        "f": glyphs.bad,
        "x": glyphs.skip,
    }
    pieces: list[Piece] = []
    for letter in fmt.strip_of(letters, width):
        tone = SEGMENT_TONES[letter]
        if pieces and pieces[-1][1] == tone:
            pieces[-1] = (pieces[-1][0] + signs[letter], tone)
        else:
            pieces.append((signs[letter], tone))
    return tuple(pieces)


def strip_of(row: RunRow) -> str:
    """A letter per segment; those in hand wait when the run does not run."""
    return row.segments if row.status == "running" else row.segments.replace("r", "q")


def _segments(row: RunRow, context: Context) -> Cell:
    if row.segments:
        return segments(strip_of(row), context.width, context)
    word = " files" if context.width >= 12 else ""
    return ((f"{row.outputs_done}/{row.outputs}{word}", ""),) if row.outputs > 1 else ()


def _frames(row: RunRow, context: Context) -> Cell:
    del context
    if row.frames_total is None:
        return ()
    if row.status == "completed":
        return ((f"{row.frames_total:,}", "dim"),)
    return ((f"{row.frames_done:,}/{row.frames_total:,}", ""),)


def _speed(row: RunRow, context: Context) -> Cell:
    del context
    return ((f"{row.rate:.0f} fps", ""),) if row.status == "running" and row.rate else ()


def _name(row: RunRow, context: Context) -> Cell:
    said = ("no new frame for more than 30 s", "warn") if stalled(row, context) else says(row)
    return named(row.name, said, row.status == "running", context.width)


def _output(row: RunRow, context: Context) -> Cell:
    del context
    return ((display(row.output_path), "dim"),) if row.output_path else ()


def _size(row: RunRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.output_bytes), ""),) if row.output_bytes is not None else ()


def _length(row: RunRow, context: Context) -> Cell:
    del context
    return ((fmt.duration(row.output_duration_ms), ""),) if row.output_duration_ms is not None else ()


def _queued(row: RunRow, context: Context) -> Cell:
    return ((fmt.moment(row.created_at, context.now), "dim"),)


def what_goes(paths: Sequence[str], runs: int = 1, staying: int = 0) -> list[str]:
    """What deleting runs removes, in lines; logs and settings always go.

    Args:
        paths: the finished films.
        runs: how many runs go.
        staying: how many more were chosen and have not ended.
    """
    its = "Its log" if runs == 1 else "Their logs"
    if not paths:
        lines = [f"{its}, settings and kept segments go. No finished film goes along."]
    else:
        lines = [f"{its}, settings and kept segments go, and with them for good:"]
        lines += [display(path) for path in paths[:FILES_NAMED]]
        more = len(paths) - FILES_NAMED
        lines += [f"and {fmt.plural(more, 'more file')}"] if more > 0 else []
    if staying:
        has = "has" if staying == 1 else "have"
        lines.append(f"{fmt.plural(staying, 'chosen run')} {has} not ended and will stay.")
    return lines


COLUMNS: tuple[Column, ...] = (
    Column("STATE", 13, state_of),
    Column("PROGRESS", 8, job_bar, flex=1, most=12, drop=1, live=True),
    Column("", 5, job_percent, right=True, live=True),
    Column("LEFT", 5, _left, right=True, live=True),
    Column("FRAMES", 15, _frames, right=True, drop=3, live=True),
    Column("SPEED", 7, _speed, right=True, drop=5, live=True),
    Column("SEGMENTS", 10, _segments, flex=1, most=24, live=True),
    Column("NAME", 20, _name, flex=6),
    Column("LENGTH", 7, _length, right=True, drop=4),
    Column("SIZE", 8, _size, right=True, drop=2),
    Column("QUEUED", 12, _queued, drop=7),
    Column("OUTPUT", 16, _output, flex=3, middle=True, drop=6),
)
"""The columns of the list of runs."""
