"""Looks at the database a few times a second and tells the screens what to draw again.

Nothing changed, nothing is posted. The engine's state is looked at every two
seconds as well: an engine that died writes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from textual.message import Message

from engine.api.rows import Header
from engine.errors import RushesError
from tui.desk import Desk
from tui.timing import Pace

log = logging.getLogger(__name__)

COUNT_SECONDS = 1.0
"""Counts are taken at most this often while the database changes."""


class HeaderChanged(Message):
    """The numbers at the head, or the engine's state, are others now."""

    def __init__(self, header: Header) -> None:
        super().__init__()
        self.header = header

    def can_replace(self, message: Message) -> bool:
        """Only the newest header matters."""
        return isinstance(message, HeaderChanged)


class Looked(Message):
    """The database was looked at.

    ``changed`` says whether anything was written since the last look, ``calm``
    whether work that costs more than a glance may wait for the next second.
    """

    def __init__(self, changed: bool, calm: bool) -> None:
        super().__init__()
        self.changed = changed
        self.calm = calm

    def can_replace(self, message: Message) -> bool:
        """An older look that saw a change must not be lost."""
        if not isinstance(message, Looked):
            return False
        self.changed = self.changed or message.changed
        self.calm = self.calm and message.calm
        return True


class Feed:
    """Polls the desk. Belongs to the event loop's thread."""

    def __init__(self, desk: Desk, pace: Pace, post: Callable[[Message], object]) -> None:
        self._desk = desk
        self._pace = pace
        self._post = post
        self._header: Header | None = None
        self._header_at = float("-inf")
        self._looked_at = float("-inf")
        self._owed = False
        self.blurred = False
        self.problem: str | None = None

    @property
    def header(self) -> Header | None:
        """The newest header, None before the first look."""
        return self._header

    def tick(self) -> None:
        """Poll, unless the terminal is not in front and the last look is recent."""
        now = self._pace.monotonic()
        if self.blurred and now - self._looked_at < self._pace.blurred_seconds:
            return
        self.poll(calm=True)

    def poll(self, *, calm: bool = False) -> None:
        """Look now, and post what changed; ``calm`` counts again at most once a second."""
        now = self._looked_at = self._pace.monotonic()
        try:
            changed = self._desk.changed()
            self._owed = self._owed or changed
            age = now - self._header_at
            if not calm or age >= (COUNT_SECONDS if self._owed else self._pace.header_seconds):
                self._header_at = now
                self._owed = False
                header = self._desk.header()
                if header != self._header:
                    self._header = header
                    self._post(HeaderChanged(header))
            self._say(None)
        except RushesError as error:
            self._say(str(error))
            return
        except Exception as error:  # the screen must outlive a database that cannot be read for a while
            log.exception("the library cannot be read")
            self._say(f"The library cannot be read now: {str(error) or type(error).__name__}")
            return
        # Tables also finish what they had put off, so they hear of every look.
        self._post(Looked(changed, calm))

    def _say(self, problem: str | None) -> None:
        if problem != self.problem:
            self.problem = problem
            if self._header is not None:
                self._post(HeaderChanged(self._header))
