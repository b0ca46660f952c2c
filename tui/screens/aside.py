"""What the places beside the four queues share: opened from a key, left by ``h`` or ``esc``."""

from __future__ import annotations

from typing import Any, ClassVar

from tui.screens.cells import no_row
from tui.screens.triage import TriageScreen


class AsideScreen(TriageScreen):
    """A list that is laid over a screen; ``PLACE`` is the tab it belongs to."""

    EMPTY_NOUN: ClassVar[str] = ""

    def why_not(self, verb: str, row: Any | None) -> str | None:
        """Every verb but ``back`` and ``new`` needs a row."""
        if verb in ("back", "new"):
            return None
        return no_row(self.EMPTY_NOUN or self.NOUN) if row is None else self.why_not_row(verb, row)

    def why_not_row(self, verb: str, row: Any) -> str | None:
        """Why a verb cannot act on this row; None when it can."""
        del verb, row
        return None

    def do_back(self) -> None:
        """Back to where this was opened."""
        self.rushes.pop_screen()

    def step_out(self) -> None:
        """``esc`` with nothing left to undo goes back."""
        self.rushes.pop_screen()
