"""A field for a path, with what it may become below it. Tab completes, the arrows choose."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from engine.errors import RushesError
from engine.names import display
from tui import paths
from tui.looks import Cell
from tui.widgets.filter_bar import QuietInput
from tui.widgets.line_view import Line, LineView
from tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from tui.app import RushesApp

SHOWN = 5
"""Offers that are shown at a time."""


class PathField(Vertical):
    """A labelled path."""

    DEFAULT_CSS = """
    PathField { height: auto; }
    PathField #chosen { display: none; height: auto; }
    PathField .offer { display: none; }
    PathField.-offers .offer { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", show=False),
        Binding("down", "choose(1)", "next offer", show=False),
        Binding("up", "choose(-1)", "offer above", show=False),
    ]

    class Entered(Message):
        """Enter was pressed; ``path`` is empty when nothing was typed."""

        def __init__(self, field: PathField, path: str) -> None:
            super().__init__()
            self.field = field
            self.path = path

    class TakenBack(Message):
        """Backspace was pressed in an empty field."""

    class Typed(Message):
        """The text of the field is another, or the offer under its cursor."""

    def __init__(
        self,
        label: str,
        placeholder: str,
        places: Sequence[str],
        avoid: Collection[str] = (),
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        """``places`` are offered while nothing is typed; folders below ``avoid`` are never listed."""
        super().__init__(id=id)
        self.ending: str | None = None
        """Files whose names end with this, in small letters, are offered too; None offers folders only."""
        self._label = label
        self._placeholder = placeholder
        self._places = list(places)
        self._avoid = list(avoid)
        self._offers: list[str] = []
        self._at = -1
        self._asked = ""

    def compose(self) -> ComposeResult:
        """Label, field, offers."""
        yield OneLine(id="label")
        yield LineView(id="chosen")
        yield _PathInput(placeholder=self._placeholder)
        for number in range(SHOWN):
            yield _Offer(number)

    def on_mount(self) -> None:
        """Draw the label."""
        self.query_one("#label", OneLine).show(((self._label, "head"),))

    @property
    def rushes(self) -> RushesApp:
        """The app, by its own type."""
        return cast("RushesApp", self.app)

    @property
    def value(self) -> str:
        """What is typed."""
        return self.query_one(QuietInput).value.strip()

    @property
    def choosing(self) -> bool:
        """Whether an offer is under the cursor: enter takes it into the field."""
        return 0 <= self._at < len(self._offers)

    def type_into(self) -> None:
        """Put the cursor into the field."""
        self.query_one(QuietInput).focus()
        self.call_after_refresh(lambda: self._ask(self.value))

    def show_chosen(self, lines: Sequence[Line]) -> None:
        """Show what was entered so far."""
        view = self.query_one("#chosen", LineView)
        view.display = bool(lines)
        view.show(lines)

    def clear(self) -> None:
        """Forget what is typed."""
        self.query_one(QuietInput).value = ""

    def on_descendant_blur(self) -> None:
        """Offers belong to the field that is typed into."""
        self._show([])

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._ask(event.value)
        self.post_message(self.Typed())

    def _ask(self, typed: str) -> None:
        self._asked = typed

        def listed(offers: Any, error: RushesError | None) -> None:
            if error is None and self._asked == typed and self.is_mounted:
                field = self.query_one(QuietInput)
                self._show(cast("list[str]", offers) if field.has_focus else [])

        places, avoid, ending = tuple(self._places), tuple(self._avoid), self.ending
        self.rushes.runner.submit(lambda: paths.complete(typed, places, avoid, ending), listed, slow=True)

    def _show(self, offers: list[str]) -> None:
        self._offers = offers
        self._at = -1
        self._draw()

    def _draw(self) -> None:
        self.set_class(bool(self._offers), "-offers")
        first = max(0, min(self._at - SHOWN + 1, len(self._offers) - SHOWN))
        for number, line in enumerate(self.query(_Offer)):
            at = first + number
            more = len(self._offers) - at - 1 if number == SHOWN - 1 else 0
            line.display = at < len(self._offers)
            if at < len(self._offers):
                line.show_offer(display(self._offers[at]), at == self._at, more, self.rushes)

    def action_complete(self) -> None:
        """Take the chosen offer, or what all offers have in common."""
        field = self.query_one(QuietInput)
        if not field.value and self._at < 0:
            self.action_choose(1)
            return
        chosen = 0 <= self._at < len(self._offers)
        taken = self._offers[self._at] if chosen else paths.common(self._offers)
        if len(taken) > len(field.value) or self._at >= 0:
            field.value = taken
            field.cursor_position = len(taken)
        elif self._offers:
            self.action_choose(1)

    def action_choose(self, by: int) -> None:
        """Move among the offers."""
        if self._offers:
            self._at = max(-1, min(self._at + by, len(self._offers) - 1))
            self._draw()
            self.post_message(self.Typed())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.choosing:
            self.action_complete()
            return
        self.entered(os.path.expanduser(event.value.strip()))

    def entered(self, path: str) -> None:
        """Enter was pressed; ``path`` is empty when nothing was typed."""
        self.post_message(self.Entered(self, path))


class _PathInput(QuietInput):
    """A backspace with nothing left to delete takes back what was entered last."""

    def action_delete_left(self) -> None:
        """Delete to the left, or take back."""
        if self.value:
            super().action_delete_left()
        else:
            self.post_message(PathField.TakenBack())


class _Offer(OneLine):
    """One folder or file that the path may become."""

    def __init__(self, number: int) -> None:
        super().__init__(id=f"offer-{number}")
        self.add_class("offer")

    def show_offer(self, text: str, chosen: bool, more: int, app: RushesApp) -> None:
        """Draw the offer; ``more`` follow it that are not shown."""
        glyphs = app.glyphs
        cell: Cell = (
            (f" {glyphs.cursor if chosen else ' '} ", "strong"),
            (text, "strong" if chosen else "dim"),
        )
        self.show(cell, ((f"{more} more{glyphs.ellipsis} ", "dim"),) if more > 0 else ())
