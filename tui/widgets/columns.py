"""Columns of a table, and how they share its width. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tui.looks import Cell, Glyphs


@dataclass(frozen=True)
class Context:
    """What a cell may use beside its row.

    Attributes:
        glyphs: the set of signs.
        now: the present moment.
        width: cells that the column has.
        first: whether the row is the first of its group on the screen.
    """

    glyphs: Glyphs
    now: datetime
    width: int
    first: bool = True


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: its heading.
        width: the cells it needs, at least.
        cell: what it shows of a row; too long is shortened.
        flex: its share of the cells that are left over; 0 takes none.
        most: never wider than this; 0 is no limit.
        right: aligned to the right.
        middle: shortened in the middle (paths) instead of at the end.
        drop: left out when there is no room, the highest first; 0 is never left out.
        live: changes while work goes on; repainted at a calmer pace than a state.
    """

    title: str
    width: int
    cell: Callable[[Any, Context], Cell]
    flex: int = 0
    most: int = 0
    right: bool = False
    middle: bool = False
    drop: int = 0
    live: bool = False


@dataclass(frozen=True)
class Placed:
    """A column at its place: ``start`` and ``width`` in cells."""

    column: Column
    start: int
    width: int


def place(columns: Sequence[Column], width: int, margin: int) -> tuple[Placed, ...]:
    """Give the columns their places in ``width`` cells after a ``margin`` at the left.

    The gap between columns is two cells, or one where room is scarce.
    """
    chosen = list(columns)
    gap = 2
    while True:
        needed = margin + sum(column.width for column in chosen) + gap * (len(chosen) - 1)
        if needed <= width:
            break
        droppable = [column for column in chosen if column.drop]
        if gap == 2 and needed - (len(chosen) - 1) <= width:
            gap = 1
        elif droppable:
            chosen.remove(max(droppable, key=lambda column: column.drop))
            gap = 2
        else:
            gap = 1
            break
    widths = {id(column): column.width for column in chosen}
    left = width - margin - sum(widths.values()) - gap * (len(chosen) - 1)
    growing = [column for column in chosen if column.flex]
    while left > 0 and growing:
        shares = sum(column.flex for column in growing)
        given = 0
        for column in list(growing):
            more = max(1, left * column.flex // shares)
            more = min(more, left - given)
            if column.most:
                more = min(more, column.most - widths[id(column)])
            widths[id(column)] += more
            given += more
            if column.most and widths[id(column)] >= column.most:
                growing.remove(column)
            if given >= left:
                break
        if not given:
            break
        left -= given
    placed = []
    at = margin
    for column in chosen:
        room = max(1, min(widths[id(column)], width - at))
        placed.append(Placed(column, at, room))
        at += widths[id(column)] + gap
    return tuple(placed)
