"""Is a card safe to format? The question, and its answer with what blocks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from engine.errors import RushesError
from engine.names import display
from tui.screens.inputs import AnswerDialog
from tui.screens.triage import TriageScreen
from tui.widgets.line_view import BLANK, Line


def check_card(screen: TriageScreen, name: str, path: str) -> None:
    """Ask whether a card is safe to format, and show the answer."""
    rushes = screen.rushes
    rushes.tell(f"Comparing every file of {name} with its proven copies.")

    def answered(result: Any, error: RushesError | None) -> None:
        if error is not None:
            rushes.tell(str(error), "error")
            return
        safe, reasons = cast("tuple[bool, Sequence[str]]", result)
        glyphs = rushes.glyphs
        head = (
            ((f"{glyphs.good} Safe to format.", "good"),)
            if safe
            else ((f"{glyphs.bad} NOT safe to format.", "bad"),)
        )
        lines = [Line(head), BLANK, *(Line(((display(reason), ""),), indent=2) for reason in reasons)]
        rushes.push_screen(AnswerDialog(f"Safe to format {name}?", lines, danger=not safe))

    rushes.runner.submit(lambda: rushes.desk.card_check(path), answered, slow=True)
