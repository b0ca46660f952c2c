"""Find something to do: the keys of a place, or all commands by name. Typing narrows, enter does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from engine.api.rows import Filter, Id
from tui import format as fmt
from tui.looks import Cell, Glyphs
from tui.screens.dialog import Dialog
from tui.widgets.columns import Column, Context
from tui.widgets.filter_bar import QuietInput
from tui.widgets.line_view import LineView, plain
from tui.widgets.one_line import OneLine
from tui.widgets.row_table import RowTable


@dataclass(frozen=True)
class Entry:
    """One thing that can be done. ``able`` is whether it can be done now; ``also`` are words that find it."""

    heading: str
    keys: str
    text: str
    able: bool
    run: Callable[[], object]
    also: str = ""


@dataclass(frozen=True)
class _Row:
    id: int
    entry: Entry


class _Entries:
    """The entries as a source of rows: every word typed must occur."""

    orders = ("place",)

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def ids(self, wanted: Filter) -> Sequence[Id]:
        words = wanted.text.lower().split()
        return [
            at
            for at, entry in enumerate(self._entries)
            if all(
                word in f"{entry.heading} {entry.keys} {entry.text} {entry.also}".lower() for word in words
            )
        ]

    def rows(self, ids: Sequence[Id]) -> list[_Row]:
        return [_Row(int(at), self._entries[int(at)]) for at in ids]

    def detail(self, row_id: Id) -> None:
        del row_id


def _heading(row: _Row, context: Context) -> Cell:
    return ((row.entry.heading if context.first else "", "head"),)


def _keys(row: _Row, context: Context) -> Cell:
    del context
    return ((row.entry.keys, "key" if row.entry.able else "dim"),)


def _text(row: _Row, context: Context) -> Cell:
    del context
    return ((row.entry.text, "" if row.entry.able else "dim"),)


class FinderScreen(Dialog[Entry]):
    """Dismissed with the entry to run, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "down", show=False),
        Binding("up", "move(-1)", "up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("f1", "leave", "back", show=False),
    ]
    AUTO_FOCUS = "QuietInput"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("", 13, _heading, drop=1),
        Column("", 14, _keys),
        Column("", 20, _text, flex=1),
    )
    DOES: ClassVar[str] = "does it"

    def __init__(self, title: str, entries: Sequence[Entry], glyphs: Glyphs, at: int = 0) -> None:
        """``at`` is the entry that the cursor begins on."""
        super().__init__()
        self._begin = at
        self._title = title
        self._entries = list(entries)
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The text, the list, what the keys do."""
        with Vertical(classes="box -wide") as box:
            box.border_title = Content(self._title)
            yield QuietInput(placeholder="type to find")
            yield RowTable(
                self.COLUMNS,
                glyphs=self._glyphs,
                now=self.rushes.pace.now,
                empty=lambda _: ((("Nothing of that name.", "dim"),),),
                group=lambda row: row.entry.heading,
                id="entries",
            )
            yield LineView(id="said")
            yield OneLine(id="foot")

    def on_mount(self) -> None:
        """Fill the list."""
        table = self.query_one(RowTable)
        table.can_focus = False
        table.styles.height = min(len(self._entries) + 1, max(4, self.app.size.height - 11))
        table.read_from(_Entries(self._entries))
        if self._begin:
            table.go(self._begin)
        self._count()

    def _count(self) -> None:
        table = self.query_one(RowTable)
        self._say()
        self.query_one("#foot", OneLine).show(
            (("enter", "key"), (f" {self.DOES}  ", "dim"), ("esc", "key"), (" back", "dim")),
            ((fmt.plural(table.count, "entry", "entries"), "dim"),),
        )

    def _say(self) -> None:
        """The whole sentence of the entry under the cursor: the list may have cut it."""
        row = self.query_one(RowTable).current()
        self.query_one("#said", LineView).show([plain(row.entry.text, "strong")] if row else [])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        table = self.query_one(RowTable)
        table.wish(text=event.value)
        table.go(0)
        self._count()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        row = self.query_one(RowTable).current()
        if row is not None:
            self.dismiss(row.entry)

    @on(RowTable.CursorMoved)
    @on(RowTable.Changed)
    def _hush(self, event: RowTable.CursorMoved | RowTable.Changed) -> None:
        event.stop()
        self._say()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.query_one(RowTable).move(by)

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.query_one(RowTable).move_page(by)


class PickScreen(FinderScreen):
    """One of many choices: a name and what it is; ``run`` of an entry is not called."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("", 16, _keys, flex=1, most=28),
        Column("", 20, _text, flex=3),
    )
    DOES: ClassVar[str] = "chooses"
