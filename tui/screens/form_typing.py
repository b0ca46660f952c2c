"""The line of a form that is typed into: a word, or a path that is completed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from engine.api.forms import Field, text_of, value_of
from tui.looks import Piece
from tui.screens.inputs import foot
from tui.screens.path_field import PathField
from tui.widgets.filter_bar import QuietInput
from tui.widgets.one_line import OneLine

PATHS = ("folder", "file")
"""Kinds of fields that are answered with a path."""


class TypingLine(Vertical):
    """Hidden until :meth:`open`; ``field`` is what is being answered, None while it is hidden."""

    DEFAULT_CSS = """
    TypingLine { height: auto; display: none; background: $tone-bar-back; }
    TypingLine OneLine, TypingLine LineView, TypingLine PathField { background: $tone-bar-back; }
    TypingLine QuietInput, TypingLine QuietInput:focus { background: $tone-bar-back; padding: 0 1; }
    TypingLine PathField #label { display: none; }
    """

    def __init__(self, typed: Callable[[Field, Any], None], done: Callable[[], None]) -> None:
        """Make the line. Both are called at once, not by a message: keys that were typed ahead wait for them.

        Args:
            typed: gets the field and its answer so far; a path is told once it is entered.
            done: enter was pressed.
        """
        super().__init__(id="typing")
        self._typed, self._done = typed, done
        self.field: Field | None = None

    @property
    def takes_path(self) -> bool:
        """Whether a path is being typed."""
        return self.field is not None and self.field.kind in PATHS

    @property
    def answer(self) -> Any:
        """The answer as typed so far; of a word, not of a path."""
        assert self.field is not None
        return value_of(self.field, self.query_one("#word", QuietInput).value)

    def compose(self) -> ComposeResult:
        """The field's name, and a place for either kind of answer."""
        yield OneLine(id="asked")
        yield QuietInput(id="word")
        yield _Path("", "tab completes", ())

    def keys(self) -> tuple[Piece, ...]:
        """What the keys do while something is typed."""
        tab = "complete" if self.takes_path else "next field"
        return foot((" enter", "take it"), ("tab", tab), ("esc", "as it was"))

    def open(self, field: Field, value: Any) -> None:
        """Show the field's answer and type into it."""
        self.field = field
        word, path = self.query_one("#word", QuietInput), self.query_one(PathField)
        # By hand, not by a class: what is typed next must already find its field.
        self.display = True
        word.display, path.display = not self.takes_path, self.takes_path
        self.query_one("#asked", OneLine).show(((f" {field.label}", "head"),))
        place = path.query_one(QuietInput) if self.takes_path else word
        text = text_of(field, value)
        place.value, place.cursor_position = text, len(text)
        self.screen.set_focus(place)
        if self.takes_path:
            path.ending = field.ending or None
            path.type_into()

    def close(self) -> None:
        """Hide it."""
        self.field = None
        self.display = False
        self.screen.set_focus(None)

    def _tell(self, text: str) -> None:
        if self.field is not None:
            self._typed(self.field, value_of(self.field, text))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._tell(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._tell(event.value)
        self._done()

    def take_path(self, path: str) -> None:
        """A path was entered."""
        self._tell(path)
        self._done()

    @on(PathField.TakenBack)
    def _taken_back(self, event: PathField.TakenBack) -> None:
        event.stop()


class _Path(PathField):
    """The path of a form."""

    def entered(self, path: str) -> None:
        """Tell the line at once."""
        cast("TypingLine", self.parent).take_path(path)
