"""Ask before something that costs: what, how much, the safe answer first, and "yes" on a key of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from tui.screens.dialog import Dialog
from tui.widgets.line_view import BLANK, Line, LineView, plain

DEAF_SECONDS = 0.15
"""Keys that come this soon were typed before the question could be read."""


class ConfirmDialog(Dialog[bool]):
    """``y`` does it; ``n``, ``esc``, ``enter`` and ``q`` do not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", show=False),
        Binding("n,enter,escape,q", "answer(False)", "no", show=False),
    ]

    def __init__(self, title: str, sentence: str, yes: str, no: str, monotonic: Callable[[], float]) -> None:
        """Make the question.

        Args:
            title: a short question, names in it escaped.
            sentence: what would happen, to how much, and what is kept.
            yes: what ``y`` does, in words.
            no: what the other keys do, in words.
            monotonic: seconds of a clock that never goes back.
        """
        super().__init__()
        self._title = title
        self._sentence = sentence
        self._yes = yes
        self._no = no
        self._monotonic = monotonic
        self._opened_at = monotonic()

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical(classes="box -danger") as box:
            box.border_title = Content(self._title)
            yield LineView(id="lines")

    def on_mount(self) -> None:
        """Fill the box."""
        self._opened_at = self._monotonic()
        lines = self.query_one(LineView)
        sentence = [plain(part) for part in self._sentence.split("\n")]
        lines.styles.height = "auto"
        lines.show(
            [
                *sentence,
                BLANK,
                Line((("n", "key"), (f" {self._no}  ", "strong"), ("(also esc, enter)", "dim"))),
                Line((("y", "key"), (f" {self._yes}", "bad"))),
            ]
        )

    def on_key(self, event: events.Key) -> None:
        """Swallow what was typed ahead of the question."""
        if self._monotonic() - self._opened_at < DEAF_SECONDS:
            event.stop()
            event.prevent_default()

    def action_answer(self, yes: bool) -> None:
        """Take the answer, unless it was typed before the question was there."""
        if self._monotonic() - self._opened_at >= DEAF_SECONDS:
            self.dismiss(yes)
