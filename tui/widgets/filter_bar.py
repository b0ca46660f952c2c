"""The filter line: what is typed hides the rows that do not hold it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from tui.looks import Cell
from tui.widgets.one_line import OneLine

LONG_LIST = 2000
"""From this many rows on, the list waits for a pause in the typing."""


class QuietInput(Input):
    """An input without a blinking cursor: a blink costs two kilobytes a second."""

    DEFAULT_CSS = """
    QuietInput { height: 1; border: none; padding: 0 1; }
    QuietInput:focus { border: none; }
    """

    def __init__(self, value: str = "", placeholder: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(value, placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False


class FilterBar(Horizontal):
    """Text of the filter, and how many rows pass."""

    DEFAULT_CSS = """
    FilterBar { height: 1; display: none; }
    FilterBar.-open { display: block; }
    FilterBar #filter-mark { width: 3; }
    FilterBar QuietInput { width: 1fr; }
    FilterBar #filter-count { width: auto; min-width: 24; }
    """

    class Wanted(Message):
        """Rows with this text are wanted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The operator is done typing; the filter stays."""

    def __init__(self, pause_seconds: float, hint: str = "text to keep, !text to hide") -> None:
        """``hint`` is shown while nothing is typed."""
        super().__init__()
        self._pause = pause_seconds
        self._hint = hint
        self._timer: Timer | None = None
        self.long_list = False

    def compose(self) -> ComposeResult:
        """The mark, the text, the count."""
        yield OneLine(id="filter-mark")
        yield QuietInput(placeholder=self._hint, id="filter-text")
        yield OneLine(id="filter-count")

    def on_mount(self) -> None:
        """Draw the mark."""
        self.query_one("#filter-mark", OneLine).show(((" / ", "key"),))

    @property
    def is_open(self) -> bool:
        """Whether the line is there."""
        return self.has_class("-open")

    @property
    def typing(self) -> bool:
        """Whether keys go into the text."""
        return self.query_one(QuietInput).has_focus

    def open(self) -> None:
        """Show the line and type into it."""
        self.add_class("-open")
        self.query_one(QuietInput).focus()

    def close(self) -> None:
        """Forget the text and take the line away."""
        text = self.query_one(QuietInput)
        with text.prevent(Input.Changed):
            text.value = ""
        self.remove_class("-open")

    def count(self, cell: Cell) -> None:
        """Show how many rows pass."""
        self.query_one("#filter-count", OneLine).show((), (*cell, (" ", "")))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter live; a long list waits for a pause."""
        event.stop()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.long_list and self._pause > 0:
            self._timer = self.set_timer(self._pause, lambda: self.post_message(self.Wanted(event.value)))
        else:
            self.post_message(self.Wanted(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the list, with the filter kept."""
        event.stop()
        self.post_message(self.Wanted(event.value))
        self.post_message(self.Closed())
