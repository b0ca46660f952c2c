"""Settings that all libraries of this machine share: what holds, what it means, and another value for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from engine.api.rows import Show, Source
from engine.api.settings import SettingRow
from engine.errors import RushesError
from engine.names import display
from tui import keys
from tui.looks import Cell
from tui.screens.aside import AsideScreen
from tui.screens.choose import ChoiceDialog
from tui.screens.dialog import Dialog
from tui.screens.inputs import foot
from tui.widgets.columns import Column, Context
from tui.widgets.filter_bar import QuietInput
from tui.widgets.line_view import BLANK, Line, LineView, fact, heading, plain
from tui.widgets.one_line import OneLine

NOTHING = "(empty)"
"""Shown for an empty text."""


def _key(row: SettingRow, context: Context) -> Cell:
    del context
    return ((row.key, ""),)


def _value(row: SettingRow, context: Context) -> Cell:
    del context
    return ((display(row.value) or NOTHING, "key" if row.changed else ""),)


def _default(row: SettingRow, context: Context) -> Cell:
    del context
    return ((display(row.default) or NOTHING, "dim"),)


def _meaning(row: SettingRow, context: Context) -> Cell:
    del context
    return ((row.meaning, "dim"),)


class SettingDialog(Dialog[str]):
    """A value, typed; what is wrong with it is said at once. Dismissed with the text, or None."""

    AUTO_FOCUS = "QuietInput"

    def __init__(self, row: SettingRow, problem: Callable[[str], str | None]) -> None:
        """``problem`` says what is wrong with a text, None when it would be taken."""
        super().__init__()
        self._row = row
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Meaning, field, what is wrong."""
        with Vertical(classes="box") as box:
            box.border_title = Content(self._row.key)
            yield LineView(id="why")
            yield QuietInput(self._row.value)
            yield LineView(id="said")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw."""
        for name in ("#why", "#said"):
            self.query_one(name).styles.height = "auto"
        row = self._row
        default = display(row.default) or NOTHING
        self.query_one("#why", LineView).show(
            [plain(row.meaning), plain(f"{row.takes}; {default} by default", "dim"), BLANK]
        )
        self.query_one(OneLine).show(foot(("enter", "take it"), ("esc", "back")))
        self._look(row.value)

    def _look(self, text: str) -> bool:
        """Say what is wrong with the text; whether it is good."""
        said = self._problem(text)
        glyphs = self.rushes.glyphs
        lines = [Line(((f"{glyphs.bad} ", "bad"), (said, "bad")), indent=2)] if said else [BLANK]
        self.query_one("#said", LineView).show([BLANK, *lines])
        return said is None

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._look(event.value):
            self.dismiss(event.value)


class SettingsScreen(AsideScreen):
    """All settings; enter changes one."""

    PLACE = "settings"
    SCOPE = "settings"
    NOUN = "setting"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "as they came", "failed": "changed"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("settings")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("SETTING", 23, _key),
        Column("VALUE", 16, _value),
        Column("DEFAULT", 14, _default, drop=1),
        Column("MEANING", 24, _meaning, flex=1),
    )

    def __init__(self) -> None:
        super().__init__()
        self._before: list[tuple[str, str | None]] = []

    def source(self) -> Source[Any, Any]:
        """All settings."""
        return self.rushes.desk.settings.source()

    def empty_lines(self) -> Sequence[Cell]:
        """There are always some."""
        return ((("No setting.", "strong"),),)

    def detail_lines(self, detail: SettingRow) -> list[Line]:
        """One setting."""
        return [
            heading(detail.key),
            plain(detail.meaning),
            BLANK,
            fact("Value", display(detail.value) or NOTHING, "key" if detail.changed else ""),
            fact("Default", display(detail.default) or NOTHING),
            fact("Takes", detail.takes),
            BLANK,
            plain("Holds for all libraries of this machine; the next job and the next look obey it.", "dim"),
        ]

    def why_not(self, verb: str, row: Any | None) -> str | None:
        """An undo needs a change made here, a default something else."""
        if verb == "undo":
            return None if self._before else "Nothing was changed here."
        return super().why_not(verb, row)

    def why_not_row(self, verb: str, row: SettingRow) -> str | None:
        """Only what is not the default can be put back."""
        return f"{row.key} is as it came." if verb == "default" and not row.changed else None

    def do_edit(self) -> None:
        """Ask for another value."""
        row = cast("SettingRow", self.table.current())

        def answered(text: str | None) -> None:
            if text is not None and text != row.value:
                self._put(row.key, text)

        if row.choices:
            choices = [(word, word) for word in row.choices]
            self.rushes.push_screen(ChoiceDialog(row.key, choices, row.value, self.rushes.glyphs), answered)
        else:
            settings = self.rushes.desk.settings
            self.rushes.push_screen(
                SettingDialog(row, lambda text: settings.problem(row.key, text)), answered
            )

    def do_default(self) -> None:
        """Put it back to its default."""
        self._put(cast("SettingRow", self.table.current()).key, None)

    def do_undo(self) -> None:
        """Take the last change back."""
        key, text = self._before[-1]
        self._put(key, text, back=True)

    def _put(self, key: str, text: str | None, *, back: bool = False) -> None:
        rushes = self.rushes

        def finished(held: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
                return
            if back:
                self._before.pop()
            else:
                self._before.append((key, cast("str | None", held)))
            self.table.reload()
            self.table.go_to(key)
            value = cast("SettingRow", self.source().detail(key)).value
            rushes.tell(f"{key} is {display(value) or NOTHING}{' again' if back else '; u takes it back'}.")
            self._read(self._show_detail)
            self.draw()

        rushes.runner.submit(lambda: rushes.desk.settings.put(key, text), finished)
