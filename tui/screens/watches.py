"""Watch folders: what arrives in them and comes to rest is taken in by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import WatchRow
from engine.api.rows import Show, Source
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import Cell
from tui.screens.aside import AsideScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain


def _state(row: WatchRow, context: Context) -> Cell:
    glyphs = context.glyphs
    if not row.enabled:
        return ((f"{glyphs.hold} rests", "warn"),)
    if row.error:
        return ((f"{glyphs.bad} trouble", "bad"),)
    return ((f"{glyphs.here} watching", "good"),)


def _taken(row: WatchRow, context: Context) -> Cell:
    del context
    return ((fmt.number(row.taken), ""),)


def _looked(row: WatchRow, context: Context) -> Cell:
    return ((fmt.moment(row.looked_at, context.now) if row.looked_at else "not yet", "dim"),)


def _folder(row: WatchRow, context: Context) -> Cell:
    del context
    return ((display(row.path), "strong"),)


def _to(row: WatchRow, context: Context) -> Cell:
    if row.mode == "reference":
        return (("stays where it lies", "dim"),)
    text = ", ".join(display(path) for path in row.destinations) or "the library"
    return ((f"{context.glyphs.arrow} {text}", ""),)


class WatchesScreen(AsideScreen):
    """All watched folders."""

    PLACE = "ingest"
    SCOPE = "watches"
    NOUN = "folder"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "well", "failed": "in trouble"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("watches")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 11, _state),
        Column("TAKEN", 7, _taken, right=True),
        Column("LOOKED", 12, _looked, drop=1),
        Column("FOLDER", 20, _folder, flex=3, middle=True),
        Column("TO", 20, _to, flex=3, middle=True),
    )

    def source(self) -> Source[Any, Any]:
        """All watched folders."""
        return self.rushes.desk.intake.watches()

    def empty_lines(self) -> Sequence[Cell]:
        """No folder is watched."""
        return (
            (("No folder is watched.", "strong"),),
            (),
            (("n", "key"), ("  watches one: what arrives and comes to rest is taken in.", "")),
            (("h", "key"), ("  goes back", "dim")),
        )

    def detail_lines(self, detail: WatchRow) -> list[Line]:
        """One folder."""
        now, glyphs = self.rushes.pace.now(), self.rushes.glyphs
        lines = [
            heading(display(detail.path)),
            fact("State", *_state(detail, Context(glyphs, now, 20))[0]),
            fact("Taken", f"{fmt.plural(detail.taken, 'file')} so far"),
            fact("Looked at", fmt.moment(detail.looked_at, now) if detail.looked_at else "not yet"),
            fact("Mode", detail.mode or "as the library"),
        ]
        if detail.mode != "reference":
            lines += [BLANK, heading("To")]
            lines += [plain(display(path)) for path in detail.destinations or ("the library",)]
        if detail.error:
            lines += [BLANK, *(plain(fmt.path(part), "bad") for part in detail.error.split("\n"))]
        return lines

    def do_new(self) -> None:
        """Ask for a folder, and where to."""
        from tui.screens.ingest import mounted
        from tui.screens.new_ingest import WatchDialog

        rows, dead = mounted(self)
        places = [cast("str", row.mount_point) for row in rows]

        def added(number: str | None) -> None:
            if number is not None:
                self.rushes.tell("Watched from now on; the engine looks.")
                self.rushes.feed.poll()
                self.table.reload()
                self.table.go_to(int(number))

        self.rushes.push_screen(WatchDialog(self.rushes.desk.intake.watch, places, dead), added)

    def do_rest(self) -> None:
        """Rest, or go on."""
        intake = self.rushes.desk.intake
        self.on_each(
            self.table.chosen(),
            lambda row: intake.rest(row.watch_id, on=not row.enabled),
            "changed",
            after=lambda _: self.table.reload(),
        )

    def do_remove(self) -> None:
        """Remove, after a question."""
        rows = cast("list[WatchRow]", self.table.chosen())
        intake = self.rushes.desk.intake
        what = display(rows[0].path) if len(rows) == 1 else fmt.plural(len(rows), "folder")

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(
                    rows,
                    lambda row: intake.unwatch(row.watch_id),
                    "no longer watched",
                    after=lambda _: self.table.reload(),
                )

        self.rushes.ask(
            f"Watch {what} no longer?",
            "No file is touched. Watched again later, everything there counts as new.",
            "watch no longer",
            "keep watching",
            answered,
        )
