"""The virtual table: rows by id, a cursor, marks; only lines that look different are drawn again.

It knows the ids of all rows, read as they are needed, and holds the rows of about
three pages. 100,000 rows cost what 40 cost, and a row whose cells look the same is
not sent to the terminal, whatever changed in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.api.ids import Ids
from engine.api.rows import Filter, Id, Source
from tui.looks import Cell, Glyphs
from tui.widgets import row_lines
from tui.widgets.columns import Column, Placed, place
from tui.widgets.id_list import Ask, Beside, IdReader, place_of
from tui.widgets.marks import Marks
from tui.widgets.toned import Toned

CALM_SECONDS = 0.45
"""Live cells (bars, rates) are repainted at most this often; states at once."""


class RowTable(ScrollView, Toned, can_focus=True):
    """A table over a :class:`Source`."""

    # Textual inherits component classes along the first base only.
    COMPONENT_CLASSES = Toned.COMPONENT_CLASSES

    DEFAULT_CSS = """
    RowTable { scrollbar-size: 0 1; overflow-x: hidden; scrollbar-gutter: stable; }
    """

    class CursorMoved(Message):
        """The cursor is on another row, or its row has changed."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest position matters."""
            return isinstance(message, RowTable.CursorMoved)

    class Changed(Message):
        """Rows came or went, or marks changed."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest state matters."""
            return isinstance(message, RowTable.Changed)

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        glyphs: Glyphs,
        now: Callable[[], datetime],
        empty: Callable[[Filter], Sequence[Cell]],
        monotonic: Callable[[], float] = time.monotonic,
        group: Callable[[Any], Hashable] | None = None,
        beside: Beside | None = None,
        slow: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        """Make the table; ``slow`` says that even the first list of ids is to be read by ``beside``."""
        super().__init__(id=id)
        self.glyphs = glyphs
        self.filter = Filter()
        self._marks = Marks()
        self._columns = tuple(columns)
        self._placed: tuple[Placed, ...] = ()
        self._now = now
        self._monotonic = monotonic
        self._empty = empty
        self._group = group
        self._source: Source[Any, Any] | None = None
        self._ids: Sequence[Id] = ()
        self._cursor = 0
        self._cursor_id: Id | None = None
        self._rows: dict[Id, Any] = {}
        self._cells: dict[Id, tuple[Cell, ...]] = {}
        self._painted_live = float("-inf")
        self._stale = False
        self._reader = IdReader(self._arrived, beside, slow=slow)

    # -- what is there -------------------------------------------------------
    @property
    def count(self) -> int:
        """Rows that pass the filter."""
        return len(self._ids)

    @property
    def reading(self) -> bool:
        """Whether a long list is being read."""
        return self._reader.under_way

    @property
    def note(self) -> str:
        """What is to be said of the list beside its length, see :class:`engine.api.ids.Ids`; or nothing."""
        return self._ids.note if isinstance(self._ids, Ids) else ""

    @property
    def ids(self) -> Sequence[Id]:
        """Ids of the rows that pass the filter, in order."""
        return self._ids

    @property
    def cursor_id(self) -> Id | None:
        """Id of the row under the cursor; None when there is none."""
        return self._cursor_id

    @property
    def cursor(self) -> int:
        """Position of the cursor, from 0."""
        return self._cursor

    @property
    def ranging(self) -> bool:
        """Whether a range is being marked."""
        return self._marks.ranging

    @property
    def marks(self) -> set[Id]:
        """Ids of the marked rows, whether the filter shows them or not."""
        return self._marks.ids

    def current(self) -> Any | None:
        """The row under the cursor, or None."""
        return None if self._cursor_id is None else self._row(self._cursor)

    def chosen(self) -> list[Any]:
        """The rows a verb acts on: those marked and shown, else the one under the cursor."""
        if self._source is None:
            return []
        marked = self.shown_marks()
        if marked:
            return list(self._source.rows(marked))
        row = self.current()
        return [] if row is None else [row]

    def shown_marks(self) -> Sequence[Id]:
        """Ids of the marked rows that pass the filter, in order."""
        return self._marks.shown(self._ids)

    # -- reading -------------------------------------------------------------
    def read_from(self, source: Source[Any, Any]) -> None:
        """Take rows from ``source`` from now on."""
        self._source = source
        self.reload()

    def wish(self, **changes: Any) -> None:
        """Change the filter or the order: ``text``, ``show``, ``order``, ``reverse``."""
        wanted = replace(self.filter, **changes)
        if wanted != self.filter:
            self.filter = wanted
            self.reload()

    def reload(self) -> None:
        """Read ids and rows again, now."""
        self._read_ids()
        self._read_rows(calm=False)

    def poll(self, changed: bool) -> None:
        """Look again after the database changed; cheap, called several times a second."""
        self._stale = self._stale or changed
        if not self._stale:
            return
        if self._reader.due:
            self._stale = False
            self._read_ids()
        self._read_rows(calm=True)

    def look_at_clock(self) -> None:
        """Make the cells of all rows on the screen anew: some tell of time that has passed."""
        self._read_rows(calm=True, anew=True)

    def _read_ids(self) -> None:
        if self._source is None:
            return
        ids = self._reader.read(self._source, self.filter, self._ready())
        if ids is not None:
            self._take_ids(ids)
        else:
            self.post_message(self.Changed())

    def _arrived(self, ids: Sequence[Id]) -> None:
        """A long list was read in another thread."""
        if not self.is_attached:
            return
        self._take_ids(ids)
        self._read_rows(calm=False)
        self.refresh()
        self.post_message(self.Changed())

    def _ready(self) -> Ask:
        """What is asked of a new list first, to be asked where it is read."""
        cursor_id, top, page, marks = self._cursor_id, self.scroll_offset.y, self._page(), self._marks

        def ask(ids: Sequence[Id]) -> None:
            at = place_of(ids, cursor_id)
            first = top if at is None else max(0, at - page)
            _ = ids[first : first + 2 * page]
            marks.shown(ids)

        return ask

    def _take_ids(self, ids: Sequence[Id]) -> None:
        if ids == self._ids:
            return
        before, self._ids = self._ids, ids
        top = self.scroll_offset.y
        old_cursor, old_id = self._cursor, self._cursor_id
        self._find_cursor()
        if len(ids) != len(before):
            self.virtual_size = Size(self.size.width, len(ids) + 1)
        if top and len(ids) > self._page():  # the cursor's row keeps its place on the screen
            self._scroll(top + self._cursor - old_cursor)
        self._reveal()
        if self.scroll_offset.y != top or not before or not ids:
            self.refresh()
        else:
            was, now = before[top : top + self._page()], ids[top : top + self._page()]
            for line in range(max(len(was), len(now))):
                if was[line : line + 1] != now[line : line + 1]:
                    self._draw(top + line)
            if old_cursor != self._cursor:
                self._draw(old_cursor)
                self._draw(self._cursor)
        self.post_message(self.Changed())
        if (old_cursor, old_id) != (self._cursor, self._cursor_id) or not before:
            self.post_message(self.CursorMoved())

    def _find_cursor(self) -> None:
        """Put the cursor where its id is now; an id that is gone leaves it at its position."""
        place = place_of(self._ids, self._cursor_id)
        if place is None:  # the row is gone: the one at its place takes over
            place = max(0, min(self._cursor, len(self._ids) - 1))
        self._cursor = place
        self._cursor_id = self._id_at(place)

    def _id_at(self, at: int) -> Id | None:
        """The id at a position; None beyond the end, which may have come nearer since the list was read."""
        found = self._ids[at : at + 1] if at >= 0 else ()
        return found[0] if found else None

    def _window(self) -> tuple[int, int]:
        top = self.scroll_offset.y
        return top, min(len(self._ids), top + self._page())

    def _read_rows(self, *, calm: bool, anew: bool = False) -> None:
        """Read the rows on the screen again and repaint cells that look different.

        ``anew`` makes cells also of rows that are as they were.
        """
        if self._source is None:
            return
        first, last = self._window()
        shown = list(self._ids[first:last])
        wanted = shown.copy()
        if self._cursor_id is not None and not first <= self._cursor < last:
            wanted.append(self._cursor_id)
        now = self._monotonic()
        live_due = not calm or now - self._painted_live >= CALM_SECONDS
        rows = {row.id: row for row in self._source.rows(wanted)}
        here = self._cursor_id
        cursor_changed = here is not None and self._rows.get(here) != rows.get(here)
        painted = False
        postponed = False
        kept = {row_id: self._cells[row_id] for row_id in wanted if row_id in self._cells}
        before, self._rows = self._rows, rows
        self._cells = {}
        for at, row_id in enumerate(shown, first):
            if row_id not in rows:
                continue
            old = kept.get(row_id)
            if old is not None and not anew and self._group is None and rows[row_id] == before.get(row_id):
                self._cells[row_id] = old
                continue
            new = self._make(at, rows[row_id])
            if old is None or len(old) != len(new):
                self._cells[row_id] = new
                self._draw(at)
                continue
            differing = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
            if not differing:
                self._cells[row_id] = old
                continue
            if not live_due and all(self._placed[i].column.live for i in differing):
                self._cells[row_id] = old
                self._rows[row_id] = before.get(row_id, rows[row_id])  # so that the next look sees it again
                postponed = True
                continue
            self._cells[row_id] = new
            painted = painted or any(self._placed[i].column.live for i in differing)
            end = max(self._placed[i].start + self._placed[i].width for i in differing)
            self._draw(at, end)
        if painted:
            self._painted_live = now
        self._stale = self._stale or postponed
        if cursor_changed:
            self.post_message(self.CursorMoved())

    def _row(self, at: int) -> Any | None:
        """The row at a position, read with its surroundings when it is not at hand."""
        row_id = self._id_at(at)
        if row_id is None or self._source is None:
            return None
        if row_id not in self._rows:
            page = max(20, self._page())
            part = self._ids[max(0, at - page) : at + 2 * page]
            for row in self._source.rows(part):
                self._rows.setdefault(row.id, row)
        return self._rows.get(row_id)

    def _make(self, at: int, row: Any) -> tuple[Cell, ...]:
        first = True
        if self._group is not None and at > self.scroll_offset.y:
            above = self._row(at - 1)
            first = above is None or self._group(above) != self._group(row)
        return row_lines.cells_of(self._placed, row, self.glyphs, self._now(), first=first)

    # -- moving --------------------------------------------------------------
    def move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.go(self._cursor + by)

    def go(self, position: int) -> None:
        """Put the cursor at a position; beyond the ends means the end."""
        if not self._ids:
            return
        position = max(0, min(position, len(self._ids) - 1))
        if position == self._cursor:
            return
        old, self._cursor = self._cursor, position
        self._cursor_id = self._id_at(position)
        self._show_marks(self._marks.extend_range(self._ids, position))
        self._reveal()
        self._draw(old)
        self._draw(position)
        self.post_message(self.CursorMoved())

    def go_to(self, row_id: Id) -> bool:
        """Put the cursor on this row; False when the filter hides it."""
        place = place_of(self._ids, row_id)
        if place is not None:
            self.go(place)
        return place is not None

    def move_page(self, pages: float) -> None:
        """Move by pages, or parts of one."""
        self.move(int(pages * max(2, self._page() - 1)))

    def _page(self) -> int:
        return max(1, self.size.height - 1)

    def _scroll(self, top: int) -> None:
        top = max(0, min(top, len(self._ids) - self._page()))
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def _reveal(self) -> None:
        top, page = self.scroll_offset.y, self._page()
        if self._cursor < top:
            self._scroll(self._cursor)
        elif self._cursor >= top + page:
            self._scroll(self._cursor - page + 1)

    # -- marks ---------------------------------------------------------------
    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on."""
        if self._cursor_id is not None:
            self._show_marks(self._marks.toggle(self._cursor_id))
            self.move(1)

    def mark_all(self) -> None:
        """Mark all rows that pass the filter."""
        self._show_marks(self._marks.add(self._ids))

    def invert_marks(self) -> None:
        """Mark the rows that pass the filter and are not marked, and no others."""
        self._show_marks(self._marks.invert(self._ids))

    def clear_marks(self) -> None:
        """Take all marks away."""
        self._show_marks(self._marks.clear())

    def forget_marks(self, done: set[Id]) -> None:
        """Take these marks away: their rows were acted on."""
        self._show_marks(self._marks.forget(done))

    def toggle_range(self) -> None:
        """Begin a range at the cursor, or end the one that is open."""
        if self._marks.ranging:
            self._marks.end_range()
        elif self._cursor_id is not None:
            self._marks.begin_range(self._cursor_id)
            self._show_marks(self._marks.extend_range(self._ids, self._cursor))
        self.post_message(self.Changed())

    def _show_marks(self, changed: set[Id]) -> None:
        if not changed:
            return
        first, last = self._window()
        for at, row_id in enumerate(self._ids[first:last], first):
            if row_id in changed:
                self._draw(at)
        self.post_message(self.Changed())

    # -- drawing -------------------------------------------------------------
    def _draw(self, at: int, end: int | None = None) -> None:
        """Ask for a position's line to be drawn again, up to cell ``end``."""
        line = at - self.scroll_offset.y
        if 0 <= line < self._page():
            self.refresh(Region(0, line + 1, end or self.size.width, 1))

    def on_resize(self) -> None:
        """Place the columns anew."""
        self.virtual_size = Size(self.size.width, len(self._ids) + 1)
        self._arrange()
        self._reveal()

    def _arrange(self) -> None:
        self._placed = place(self._columns, self.scrollable_content_region.width, row_lines.MARGIN)
        self._cells = {}
        self.refresh()

    def set_glyphs(self, glyphs: Glyphs) -> None:
        """Use another set of signs."""
        self.glyphs = glyphs
        self._arrange()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Groups begin anew at the top of the screen, so their cells are made again."""
        super().watch_scroll_y(old_value, new_value)
        if self._group is not None and round(old_value) != round(new_value):
            self._cells = {}

    def render_line(self, y: int) -> Strip:
        """Draw the heading or one row."""
        width = self.scrollable_content_region.width
        if not self._ids:
            return self.paint(row_lines.empty(self._empty(self.filter), y, width, self.size.height), width)
        if y == 0:
            return self.paint(row_lines.heading(self._placed), width, "dim")
        at = y - 1 + self.scroll_offset.y
        row, row_id = self._row(at), self._id_at(at)
        if row is None or row_id is None:
            return self.paint((), width)
        cells = self._cells.get(row_id)
        if cells is None or len(cells) != len(self._placed):
            cells = self._cells[row_id] = self._make(at, row)
        here = at == self._cursor
        pieces = row_lines.line(self._placed, cells, self.glyphs, here=here, marked=row_id in self.marks)
        return self.paint(pieces, width, *(("cursor",) if here else ()))

    def on_click(self, event: events.Click) -> None:
        """With the mouse switched on: put the cursor there."""
        if event.y:
            self.go(event.y - 1 + self.scroll_offset.y)
