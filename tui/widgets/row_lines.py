"""What the lines of a table are made of: heading, rows, and what stands where there are none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tui.format import cells as cell_width
from tui.looks import Cell, Glyphs, Piece
from tui.widgets.columns import Context, Placed
from tui.widgets.toned import fitted

MARGIN = 2
"""Cells at the left: the cursor's sign and the mark's."""


def cells_of(
    placed: Sequence[Placed], row: Any, glyphs: Glyphs, now: datetime, *, first: bool
) -> tuple[Cell, ...]:
    """The cells of a row, each as wide as its column; ``first`` of its group."""
    return tuple(
        fitted(
            column.column.cell(row, Context(glyphs, now, column.width, first)),
            column.width,
            right=column.column.right,
            middle=column.column.middle,
            ellipsis=glyphs.ellipsis,
        )
        for column in placed
    )


def line(
    placed: Sequence[Placed], cells: Sequence[Cell], glyphs: Glyphs, *, here: bool, marked: bool
) -> list[Piece]:
    """A row's line: ``here`` is the cursor."""
    pieces = [(glyphs.cursor if here else " ", "strong"), (glyphs.mark if marked else " ", "strong")]
    return _set(placed, cells, pieces)


def heading(placed: Sequence[Placed]) -> list[Piece]:
    """The titles of the columns."""
    titles = [
        fitted(((column.column.title, ""),), column.width, right=column.column.right) for column in placed
    ]
    return _set(placed, titles, [(" " * MARGIN, "")])


def _set(placed: Sequence[Placed], cells: Sequence[Cell], pieces: list[Piece]) -> list[Piece]:
    """Add cells to what stands in the margin, each at its column."""
    used = MARGIN
    for column, cell in zip(placed, cells, strict=True):
        if column.start > used:
            pieces.append((" " * (column.start - used), ""))
        pieces += cell
        used = column.start + column.width
    return pieces


def empty(lines: Sequence[Cell], y: int, width: int, height: int) -> Sequence[Piece]:
    """Line ``y`` of a table without rows: some lines in its upper middle."""
    top = max(0, (height - len(lines)) // 3)
    if not top <= y < top + len(lines):
        return ()
    block = min(width, max((sum(cell_width(text) for text, _ in each) for each in lines), default=0))
    left = max(0, (width - block) // 2)
    return ((" " * left, ""), *fitted(lines[y - top], width - left))
