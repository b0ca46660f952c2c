"""Parts that presets are put together from: size, watermark, naming, sound."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.making_rows import Answers, PartEntry
from engine.api.rows import Show, Source
from engine.names import display
from tui import keys
from tui.looks import Cell
from tui.screens.cells import no_row
from tui.screens.recipes import MakingScreen, answer_lines
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import Line


def _concern(row: PartEntry, context: Context) -> Cell:
    return ((row.concern if context.first else "", "head"),)


def _name(row: PartEntry, context: Context) -> Cell:
    del context
    return ((display(row.name), "strong"),)


def _kind(row: PartEntry, context: Context) -> Cell:
    del context
    return (("system", "dim"),) if row.is_system else (("own", "busy"),)


def _settings(row: PartEntry, context: Context) -> Cell:
    del context
    return ((display(row.settings), ""),) if row.settings else (("nothing changed", "dim"),)


def _users(row: PartEntry, context: Context) -> Cell:
    del context
    return ((display(", ".join(row.used_by)), "dim"),)


class PartsScreen(MakingScreen):
    """All parts of this machine."""

    SCOPE = "parts"
    NOUN = "part"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "one's own", "failed": "in use"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("parts")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("SETTLES", 9, _concern),
        Column("NAME", 18, _name, flex=1, most=28),
        Column("KIND", 6, _kind),
        Column("HOW", 20, _settings, flex=4),
        Column("USED BY", 14, _users, flex=2, drop=1),
    )

    def source(self) -> Source[Any, Any]:
        """All parts."""
        return self.rushes.desk.making.parts()

    def group_of(self) -> Callable[[Any], Hashable] | None:
        """Parts that settle the same stand together."""
        return lambda row: row.concern

    def empty_lines(self) -> Sequence[Cell]:
        """There are always the system's."""
        return ((("No part.", "strong"),),)

    def detail_lines(self, detail: Answers) -> list[Line]:
        """What the part settles, and for which presets."""
        return answer_lines(detail)

    def why_not(self, verb: str, row: PartEntry | None) -> str | None:
        """What belongs to the program stays."""
        if verb in ("new", "back"):
            return None
        if row is None:
            return no_row("part")
        if verb == "delete" and row.is_system and not self.table.marks:
            return f"{row.name} is a part that is always there; it stays."
        return None

    # -- verbs -----------------------------------------------------------------
    def _form(self, title: str, values: dict[str, Any], was: str | None = None) -> None:
        making = self.rushes.desk.making
        self.open_form(title, values, was, (making.part_fields, making.check_part, making.save_part))

    def do_edit(self) -> None:
        """Change the part; of one that is always there a copy is begun."""
        row = cast("PartEntry", self.table.current())
        if row.is_system:
            self.rushes.tell(f"{row.name} is always there and stays as it is: this is a copy of it.")
            self.do_copy()
            return
        self._form(f"Part {display(row.name)}", self.rushes.desk.making.part_values(row.name), row.name)

    def do_new(self) -> None:
        """Make a part."""
        self._form("New part", self.rushes.desk.making.part_values(None))

    def do_copy(self) -> None:
        """Begin a part with the answers of this one."""
        row = cast("PartEntry", self.table.current())
        values = {"concern": row.concern, **row.given, "name": f"{row.name}-copy"}
        self._form(f"Copy of {display(row.name)}", values)

    def do_delete(self) -> None:
        """Delete the chosen parts of one's own, after a question."""
        chosen: list[PartEntry] = [row for row in self.table.chosen() if not row.is_system]
        if not chosen:
            self.rushes.tell("Only parts that are always there are marked; they stay.", "warning")
            return
        used = [row for row in chosen if row.used_by]
        why = "No preset is put together from it." if len(chosen) == 1 else "No preset needs them."
        if used:
            names = ", ".join(display(name) for row in used for name in row.used_by)
            why = f"What presets are put together from stays: delete {names} first."
        self.delete_rows(chosen, why, self.rushes.desk.making.delete_preset)
