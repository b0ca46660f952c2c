"""The keys that move and mark, the same in every list."""

from __future__ import annotations

from textual.screen import Screen

from tui.widgets.line_view import LineView
from tui.widgets.row_table import RowTable


class ListKeys(Screen[None]):
    """A screen with a table and the detail of its row."""

    @property
    def table(self) -> RowTable:
        """The table."""
        return self.query_one("#table", RowTable)

    @property
    def detail(self) -> LineView:
        """The detail pane."""
        return self.query_one("#detail", LineView)

    def list_down(self) -> None:
        """Next row."""
        self.table.move(1)

    def list_up(self) -> None:
        """Row above."""
        self.table.move(-1)

    def list_top(self) -> None:
        """First row."""
        self.table.go(0)

    def list_bottom(self) -> None:
        """Last row."""
        self.table.go(self.table.count)

    def list_half_down(self) -> None:
        """Half a page down."""
        self.table.move_page(0.5)

    def list_half_up(self) -> None:
        """Half a page up."""
        self.table.move_page(-0.5)

    def list_page_down(self) -> None:
        """A page down."""
        self.table.move_page(1)

    def list_page_up(self) -> None:
        """A page up."""
        self.table.move_page(-1)

    def list_mark(self) -> None:
        """Mark this row and go on."""
        self.table.toggle_mark()

    def list_range(self) -> None:
        """Begin or end a range."""
        self.table.toggle_range()

    def list_mark_all(self) -> None:
        """Mark all that is shown."""
        self.table.mark_all()

    def list_invert(self) -> None:
        """Mark what is not marked."""
        self.table.invert_marks()

    def list_detail_down(self) -> None:
        """Scroll the detail."""
        self.detail.scroll_relative(y=5, animate=False)

    def list_detail_up(self) -> None:
        """Scroll the detail."""
        self.detail.scroll_relative(y=-5, animate=False)
