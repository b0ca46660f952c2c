"""``rushes`` without a command: the screens."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from engine.api import Library
from engine.errors import WrongUse

if TYPE_CHECKING:
    from engine.api.desk import Desk
    from tui.app import RushesApp


def open_screen(library_path: str | None) -> None:
    """Open the screens on a library, with its engine started when it can be. Returns when they are left.

    Raises:
        WrongUse: there is no terminal.
        NotFound: there is no library.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUse("The screens need a terminal. For scripts there are commands: rushes --help")
    from tui.cli.options import open_library

    _, app = build(open_library(library_path))
    app.run(mouse=False)


def build(library: Library) -> tuple[Desk, RushesApp]:
    """Make the desk and the app for a library. Called before Textual is imported.

    The app starts the engine itself, behind its first picture.
    """
    from tui import terminal

    terminal.prepare()
    from engine.api.desk import Desk
    from tui.app import RushesApp

    desk = Desk(library)
    return desk, RushesApp(desk, wake=True)
