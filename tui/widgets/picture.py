"""A small picture, real or of half blocks: nothing where the terminal cannot show one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.strip import Strip

from engine.errors import RushesError
from tui import pictures
from tui.graphics import Drawn
from tui.looks import Cell
from tui.widgets.toned import Toned

if TYPE_CHECKING:
    from tui.app import RushesApp


class Picture(Toned):
    """Shows one file at a time; takes no room while there is none.

    The file is read outside the event loop. A path on a drive that does not
    answer leaves the widget empty and the screen alive.
    """

    DEFAULT_CSS = """
    Picture { height: auto; width: 100%; display: none; }
    """

    def __init__(self, width: int = 32, height: int = 9, id: str | None = None) -> None:  # noqa: A002
        """``width`` and ``height`` are the most it may take, in cells."""
        super().__init__(id=id)
        self._most = (width, height)
        self._path: str | None = None
        self._drawn: tuple[Cell, ...] = ()

    @property
    def drawn(self) -> tuple[Cell, ...]:
        """The lines that are shown; empty while there is no picture."""
        return self._drawn

    def show(self, path: str | None) -> None:
        """Show the picture at ``path``, or none."""
        if path == self._path:
            return
        self._path = path
        app = cast("RushesApp", self.app)
        if path is None or not pictures.can_show(app):
            self._take(())
            return
        kind = app.picture_kind

        def read(drawn: Any, error: RushesError | None) -> None:
            if self.is_attached and self._path == path:
                self._take(() if error is not None else cast("Drawn", drawn))

        app.runner.submit(lambda: pictures.drawn(path, *self._most, kind), read, slow=True)

    def _take(self, drawn: Drawn) -> None:
        lines = cast("RushesApp", self.app).album.place(self, drawn)
        if lines == self._drawn:
            return
        self._drawn = lines
        self.display = bool(lines)
        self.styles.height = len(lines) or 0
        self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        return self.paint(self._drawn[y] if y < len(self._drawn) else (), self.size.width)
