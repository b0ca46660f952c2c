"""What a form is made of beside its screen: lines that scroll to the cursor, answers as they are typed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from engine.api.forms import Field, Values
from engine.names import display
from tui.widgets.line_view import LineView
from tui.widgets.toned import wrapped


class FormLines(LineView):
    """The form itself; scrolls so that a line can be seen."""

    def reveal(self, index: int) -> None:
        """Scroll line ``index`` of what was shown into sight, with the one after it."""
        width = max(4, self.scrollable_content_region.width)
        heights = [len(wrapped(line.cell, width, line.indent)) for line in self._lines[: index + 2]]
        top, bottom = sum(heights[:index]), sum(heights)
        shown = self.size.height
        if top < self.scroll_offset.y:
            self.scroll_to(y=top if index > 1 else 0, animate=False)
        elif bottom > self.scroll_offset.y + shown:
            self.scroll_to(y=bottom - shown, animate=False)


def text_of(field: Field, value: Any) -> str:
    """An answer as it is typed."""
    if value is None:
        return ""
    if field.kind == "words":
        return ", ".join(str(word) for word in value)
    return str(value)


def value_of(field: Field, text: str) -> Any:
    """What was typed as an answer; a number that is none stays text, so that the check can say so."""
    text = text.strip()
    if field.kind == "words":
        return [word.strip() for word in text.split(",") if word.strip()]
    if field.kind == "number":
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def command_line(command: Sequence[str]) -> str:
    """A command as a shell reads it, escaped for the eye."""
    return display(shlex.join(command))


def answered(values: Values) -> dict[str, Any]:
    """The answers that say anything: what is left out, empty or off is the default."""
    return {key: value for key, value in values.items() if value not in (None, "", [], False)}
