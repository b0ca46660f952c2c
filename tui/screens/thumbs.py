"""Pictures inside a detail: read beside the event loop once the cursor rests, drawn when they are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual.screen import Screen

from engine.errors import RushesError
from tui import pictures
from tui.graphics import Drawn
from tui.widgets.line_view import BLANK, Line

REST_SECONDS = 0.25
"""How long the cursor rests before a picture is read: a picture costs some kilobytes on the wire."""

KEPT = 200
"""Pictures that are kept drawn."""

WIDTH, HEIGHT = 28, 8
"""The most that a picture takes, in cells."""


class Thumbs:
    """The pictures of one screen. Belongs to the event loop's thread."""

    def __init__(self, screen: Screen[Any], redraw: Callable[[], None]) -> None:
        """``redraw`` is called when a picture has become ready."""
        self._screen = screen
        self._redraw = redraw
        self._ready: dict[str, Drawn] = {}
        self._wanted: str | None = None

    def lines(self, path: str | None) -> list[Line]:
        """The picture at ``path`` as lines, with a blank one below; none while it is not ready."""
        app = cast("Any", self._screen.app)
        if path is None or not pictures.can_show(app):
            self._wanted = None
            app.album.place(self, ())
            return []
        if path not in self._ready:
            self._want(path)
            app.album.place(self, ())
            return []
        lines = app.album.place(self, self._ready[path])
        return [*(Line(cell) for cell in lines), BLANK] if lines else []

    def _want(self, path: str) -> None:
        if path == self._wanted:
            return
        self._wanted = path
        app = cast("Any", self._screen.app)
        if app.pace.filter_seconds <= 0:  # a screen without timers
            self._read(path)
            return
        self._screen.set_timer(REST_SECONDS, lambda: self._read(path))

    def _read(self, path: str) -> None:
        if path != self._wanted or path in self._ready:
            return

        def read(drawn: Any, error: RushesError | None) -> None:
            if len(self._ready) >= KEPT:
                self._ready.clear()
            self._ready[path] = () if error is not None else cast("Drawn", drawn)
            if path == self._wanted and self._screen.is_attached:
                self._redraw()

        app = cast("Any", self._screen.app)
        kind = app.picture_kind
        app.runner.submit(lambda: pictures.drawn(path, WIDTH, HEIGHT, kind), read, slow=True)
