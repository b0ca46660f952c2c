"""Lines of toned text that wrap and scroll: the detail of a row, a log, a sentence with its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.looks import Cell
from tui.widgets.toned import Toned, wrapped


@dataclass(frozen=True)
class Line:
    """One paragraph. ``indent`` is that of the lines after its first."""

    cell: Cell = ()
    indent: int = 0


def heading(text: str) -> Line:
    """A heading inside a detail."""
    return Line(((text, "head"),))


def fact(label: str, text: str, tone: str = "", width: int = 11) -> Line:
    """A label and its value, the values below each other."""
    return Line(((f"{label:<{width}} ", "dim"), (text, tone)), indent=width + 1)


def plain(text: str, tone: str = "") -> Line:
    """A paragraph."""
    return Line(((text, tone),))


BLANK = Line()


class LineView(ScrollView, Toned, can_focus=False):
    """Shows lines; repaints only those that look different."""

    # Textual inherits component classes along the first base only.
    COMPONENT_CLASSES = Toned.COMPONENT_CLASSES

    DEFAULT_CSS = """
    LineView { scrollbar-size: 0 1; overflow-x: hidden; scrollbar-gutter: stable; }
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()
        self._drawn: list[Cell] = []

    @property
    def text(self) -> str:
        """What is shown, without tones, as wrapped."""
        return "\n".join("".join(text for text, _ in cell) for cell in self._drawn)

    def show(self, lines: Sequence[Line], *, top: bool = False) -> None:
        """Show these lines; ``top`` scrolls to the first."""
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._wrap()
            if self.styles.height is not None and self.styles.height.is_auto:
                self.refresh(layout=True)
        if top:
            self.scroll_to(y=0, animate=False, immediate=True)

    def reveal(self, index: int) -> None:
        """Scroll line ``index`` of what was shown into sight, with the one after it."""
        width = self.scrollable_content_region.width
        if width < 4:
            return  # not laid out yet
        heights = [len(wrapped(line.cell, width, line.indent)) for line in self._lines[: index + 2]]
        top, bottom = sum(heights[:index]), sum(heights)
        shown = self.size.height
        if top < self.scroll_offset.y:
            self.scroll_to(y=top if index > 1 else 0, animate=False)
        elif bottom > self.scroll_offset.y + shown:
            self.scroll_to(y=bottom - shown, animate=False)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines at this width, for views that are as high as their text."""
        del container, viewport
        room = max(4, width - self.styles.scrollbar_size_vertical)
        return sum(len(wrapped(line.cell, room, line.indent)) for line in self._lines)

    def on_resize(self) -> None:
        """Wrap again for the new width."""
        self._wrap()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width
        if width < 4:
            return
        before = self._drawn
        self._drawn = [part for line in self._lines for part in wrapped(line.cell, width, line.indent)]
        if len(self._drawn) != len(before):
            self.virtual_size = Size(width, len(self._drawn))
            self.refresh()
            return
        top = self.scroll_offset.y
        for index, (old, new) in enumerate(zip(before, self._drawn, strict=True)):
            if old != new and 0 <= index - top < self.size.height:
                self.refresh(Region(0, index - top, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        index = y + self.scroll_offset.y
        cell = self._drawn[index] if index < len(self._drawn) else ()
        return self.paint(cell, self.scrollable_content_region.width)
