"""Choose one of a few words by its letter or with the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from tui.looks import Glyphs
from tui.screens.dialog import Dialog
from tui.screens.inputs import foot
from tui.widgets.line_view import Line, LineView
from tui.widgets.one_line import OneLine


class ChoiceDialog(Dialog[str]):
    """Dismissed with the value that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("home", "edge(0)", "first", show=False),
        Binding("end", "edge(-1)", "last", show=False),
        Binding("enter", "take", "choose", show=False),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[tuple[str, str]],
        now: str,
        glyphs: Glyphs,
        *,
        numbered: bool = False,
    ) -> None:
        """``choices`` are values and their words; ``now`` is the value that holds.

        ``numbered``: the words are names or paths, of which no letter says anything; digits choose.
        """
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._at = next((i for i, (value, _) in enumerate(self._choices) if value == now), 0)
        self._now = now
        self._glyphs = glyphs
        taken = set("jkq")
        self._letters: list[str] = []
        self._numbered = numbered
        for at, (_, word) in enumerate(self._choices):
            signs = ("123456789"[at : at + 1]) if numbered else word.lower()
            letter = next((char for char in signs if (char.isalpha() or numbered) and char not in taken), "")
            taken.add(letter)
            self._letters.append(letter)

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box -small") as box:
            box.border_title = Content(self._title)
            yield LineView(id="lines")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw the choices."""
        view = self.query_one(LineView)
        view.styles.height = "auto"
        view.styles.max_height = max(3, self.app.size.height - 6)
        self.query_one(OneLine).show(
            (
                ("number" if self._numbered else "letter", "key"),
                (" or ", "dim"),
                *foot(("enter", "chooses"), ("esc", "back")),
            )
        )
        self._draw()
        self.call_after_refresh(lambda: view.reveal(self._at))

    def _draw(self) -> None:
        lines = []
        for at, ((value, word), letter) in enumerate(zip(self._choices, self._letters, strict=True)):
            here = at == self._at
            held = f" {self._glyphs.good}" if value == self._now else ""
            lines.append(
                Line(
                    (
                        (f"{self._glyphs.cursor if here else ' '} ", "strong"),
                        (f"{letter or ' '}  ", "key"),
                        (word, "strong" if here else ""),
                        (held, "good"),
                    )
                )
            )
        view = self.query_one(LineView)
        view.show(lines)
        view.reveal(self._at)

    def on_key(self, event: events.Key) -> None:
        """A letter chooses at once."""
        if event.character and event.character in self._letters and event.character:
            event.stop()
            self.dismiss(self._choices[self._letters.index(event.character)][0])

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._at = (self._at + by) % len(self._choices)
        self._draw()

    def action_edge(self, at: int) -> None:
        """To the first or the last."""
        self._at = at % len(self._choices)
        self._draw()

    def action_take(self) -> None:
        """Choose what is under the cursor."""
        self.dismiss(self._choices[self._at][0])
