"""What is told without being asked for: a problem of the library once, each new notice once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.api.rows import Header
from tui.format import plural
from tui.keys import BY_ID

if TYPE_CHECKING:
    from tui.app import RushesApp, Severity

AT_ONCE = 3
"""New notices that are shown by themselves; further ones are counted."""


class Bulletin:
    """Remembers what was told. Belongs to the event loop's thread."""

    def __init__(self, app: RushesApp) -> None:
        self._app = app
        self._problem: str | None = None
        self._seen: set[str] | None = None
        self._count = 0

    def look(self, header: Header, problem: str | None) -> None:
        """The header is another one: tell what is new in it.

        Args:
            header: the numbers at the head.
            problem: a sentence on why the library or its engine cannot be used; None when all is well.
        """
        self._tell_notices(header)
        # In full: the status line may have to cut it.
        if problem and problem != self._problem:
            self._app.tell(problem, "error")
        self._problem = problem

    def _tell_notices(self, header: Header) -> None:
        if header.counts.notices == self._count and self._seen is not None:
            return
        self._count = header.counts.notices
        self._app.guarded(self._tell_new)

    def _tell_new(self) -> None:
        fresh = self._app.desk.footage.unseen() if self._count else ()
        known, self._seen = self._seen, {one.notice_id for one in fresh}
        key = BY_ID["app.notices"].shown
        if known is None:
            if fresh:
                self._app.tell(f"{plural(self._count, 'notice')} since you last looked; {key} lists them.")
            return
        self._seen |= known
        new = [one for one in fresh if one.notice_id not in known]
        for one in new[:AT_ONCE]:
            level = "information" if one.level == "info" else one.level
            self._app.tell(one.text, cast("Severity", level))
        if len(new) > AT_ONCE:
            self._app.tell(f"{plural(len(new) - AT_ONCE, 'more notice')}; {key} lists them.")
