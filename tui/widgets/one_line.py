"""A line of text at the left and one at the right; drawn again only when it looks different."""

from __future__ import annotations

from textual.strip import Strip

from tui.format import cells
from tui.looks import Cell
from tui.widgets.toned import Toned, fitted


class OneLine(Toned):
    """One line. When both sides do not fit, the right side is left out first."""

    DEFAULT_CSS = """
    OneLine { height: 1; width: 100%; }
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._left: Cell = ()
        self._right: Cell = ()

    def show(self, left: Cell, right: Cell = ()) -> None:
        """Show these pieces."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    @property
    def text(self) -> str:
        """What is shown, without tones."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        """Draw the line."""
        width = self.size.width
        room = width - sum(cells(text) for text, _ in self._right)
        if room < sum(cells(text) for text, _ in self._left) + 1:
            return self.paint(fitted(self._left, width), width)
        return self.paint((*fitted(self._left, room), *self._right), width)
