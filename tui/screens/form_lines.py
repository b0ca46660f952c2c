"""What a form is made of beside its screen: lines that scroll to the cursor, answers as they are typed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from engine.api.forms import Values
from engine.names import display
from tui.widgets.line_view import LineView
from tui.widgets.toned import wrapped


class FormLines(LineView):
    """The form itself; scrolls so that a line can be seen."""

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


def command_line(command: Sequence[str]) -> str:
    """A command as a shell reads it, escaped for the eye."""
    return display(shlex.join(command))


def answered(values: Values) -> dict[str, Any]:
    """The answers that say anything: what is left out, empty or off is the default."""
    return {key: value for key, value in values.items() if value not in (None, "", [], False)}
