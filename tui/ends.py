"""Ends of jobs while the screen is open: the terminal's bell, its own message (OSC 9), a line on the screen.

The bell passes through tmux and SSH as it is; OSC 9 is shown by terminals that
know it (iTerm2, kitty, WezTerm, Ghostty, Windows Terminal) and dropped by others.
Whether and how is the settings' business (``notify.after``, ``notify.screen``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from engine.api.rows import Header, Notice
from engine.errors import RushesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.app import RushesApp

LONGEST = 200
"""Letters of a message: what is longer would not be read."""


def message(sentence: str) -> str:
    """The control sequence of a terminal's message that says ``sentence``; control characters are dropped."""
    safe = "".join(char for char in sentence if char.isprintable())[:LONGEST]
    # A first part of digits and a semicolon would be another command of OSC 9.
    return f"\x1b]9;{safe.lstrip('0123456789;')}\x1b\\"


class Ends:
    """Asks for ends when the numbers at the head change. Belongs to the event loop's thread."""

    def __init__(self, app: RushesApp) -> None:
        self._app = app
        self._seen: tuple[int, ...] | None = None

    def look(self, header: Header) -> None:
        """The header is another one: a job may have ended."""
        counts = header.counts
        now = (
            header.jobs_running,
            counts.jobs_active,
            counts.exports_active,
            counts.jobs_failed,
            counts.exports_failed,
        )
        before, self._seen = self._seen, now
        if before not in (None, now):
            self._app.runner.submit(self._app.desk.notices, self._told, slow=True)

    def _told(self, found: Any, error: RushesError | None) -> None:
        if error is not None:
            return  # the feed says what is wrong with the library
        notices = cast("Sequence[Notice]", found)
        if any(notice.bell for notice in notices):
            self._app.bell()
        for notice in notices:
            if notice.message:
                self._app.write_raw(message(notice.sentence))
            if notice.status == "completed":
                self._app.tell(notice.sentence)
