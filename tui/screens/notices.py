"""The log of notices: drives that came and went, failures, finds; each was shown once when it happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import Notice
from engine.api.rows import Show, Source
from tui import format as fmt
from tui import keys
from tui.looks import NOTICE_LOOKS, Cell, look_of
from tui.screens.aside import AsideScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, heading, plain


def _level(row: Notice, context: Context) -> Cell:
    return look_of(NOTICE_LOOKS, row.level).cell(context.glyphs)


def _when(row: Notice, context: Context) -> Cell:
    return ((fmt.moment(row.at, context.now), "dim"),)


def _text(row: Notice, context: Context) -> Cell:
    del context
    return ((fmt.one_line(row.text), {"error": "bad", "warning": "warn"}.get(row.level, "")),)


def _place(row: Notice, context: Context) -> Cell:
    del context
    return ((row.place, "dim"),)


class NoticesScreen(AsideScreen):
    """What should be known, the newest first. To open it is to have seen them."""

    PLACE = "notices"
    SCOPE = "notices"
    NOUN = "notice"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "notes", "failed": "alarms and warnings"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("notices")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("", 8, _level),
        Column("WHEN", 12, _when),
        Column("WHAT", 24, _text, flex=1),
        Column("SCREEN", 8, _place, drop=1),
    )

    def on_mount(self) -> None:
        """Fill the table, and remember that they were seen."""
        super().on_mount()
        rushes = self.rushes
        rushes.runner.submit(rushes.desk.footage.saw_all, lambda _, __: rushes.feed.poll(), slow=True)

    def source(self) -> Source[Any, Any]:
        """All notices."""
        return self.rushes.desk.footage.notices()

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing happened."""
        return ((("Nothing to tell yet.", "strong"),), (("h", "key"), ("  goes back", "dim")))

    def detail_lines(self, detail: Notice) -> list[Line]:
        """The whole sentence."""
        now, glyphs = self.rushes.pace.now(), self.rushes.glyphs
        return [
            heading(fmt.moment(detail.at, now)),
            Line(_level(detail, Context(glyphs, now, 10))),
            BLANK,
            *(plain(part) for part in detail.text.split("\n")),
            BLANK,
            plain(f"enter goes to: {detail.place}", "dim"),
        ]

    def do_open(self) -> None:
        """Go where something can be done about it."""
        place = cast("Notice", self.table.current()).place
        self.rushes.pop_screen()
        if place == "damaged":
            self.rushes.do_damaged()
        else:
            self.rushes.switch_mode(place)
