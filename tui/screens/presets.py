"""Presets by category: how films are encoded. System presets stay as they are; copies can be changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.making_rows import Answers, PresetEntry
from engine.api.rows import Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import Cell
from tui.screens.cells import no_row
from tui.screens.recipes import MakingScreen, answer_lines
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import Line


def _category(row: PresetEntry, context: Context) -> Cell:
    return ((row.category if context.first else "", "head"),)


def _name(row: PresetEntry, context: Context) -> Cell:
    sign = f"{context.glyphs.bad} " if row.unable else ""
    return ((sign, "bad"), (display(row.name), "dim" if row.unable else "strong"))


def _kind(row: PresetEntry, context: Context) -> Cell:
    del context
    word = "system" if row.is_system else "composed" if row.is_composed else "own"
    return ((word, "dim" if row.is_system else "busy"),)


def _codec(row: PresetEntry, context: Context) -> Cell:
    del context
    return ((row.video or "no picture", "" if row.video else "dim"),)


def _sound(row: PresetEntry, context: Context) -> Cell:
    del context
    return ((row.audio or "no sound", "" if row.audio else "dim"),)


def _file(row: PresetEntry, context: Context) -> Cell:
    del context
    return ((row.container, ""),)


def _says(row: PresetEntry, context: Context) -> Cell:
    del context
    return ((fmt.path(row.unable), "bad"),) if row.unable else ((display(row.description), ""),)


class PresetsScreen(MakingScreen):
    """All presets of this machine."""

    SCOPE = "presets"
    NOUN = "preset"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {
        "all": "all",
        "active": "one's own",
        "failed": "not for this machine",
    }
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("presets")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("CATEGORY", 9, _category, drop=3),
        Column("NAME", 18, _name, flex=1, most=28),
        Column("KIND", 8, _kind, drop=4),
        Column("PICTURE", 10, _codec, drop=5),
        Column("SOUND", 9, _sound, drop=6),
        Column("FILE", 4, _file, drop=2),
        Column("WHAT IT IS", 24, _says, flex=5),
    )

    def on_mount(self) -> None:
        """Fill the table, and begin to try what this machine can do."""
        super().on_mount()
        self._try()

    def _try(self) -> None:
        """Try some presets beside the event loop, show what came out, and go on until all are tried."""

        def tried(done: Any, error: RushesError | None) -> None:
            if not self.is_attached or error is not None:
                return
            self.rushes.guarded(self.table.reload)
            if not done:
                self._try()

        self.rushes.runner.submit(self.rushes.desk.making.try_presets, tried, slow=True)

    def source(self) -> Source[Any, Any]:
        """All presets."""
        return self.rushes.desk.making.presets()

    def group_of(self) -> Callable[[Any], Hashable] | None:
        """Presets of one category stand together."""
        return lambda row: row.category

    def empty_lines(self) -> Sequence[Cell]:
        """There are always the system's."""
        return ((("No preset.", "strong"),),)

    def detail_lines(self, detail: Answers) -> list[Line]:
        """What the preset says, and the arguments that it stands for."""
        return answer_lines(detail)

    def why_not(self, verb: str, row: PresetEntry | None) -> str | None:
        """System presets stay."""
        if verb in ("new", "read", "compose", "parts", "back"):
            return None
        if row is None:
            return no_row("preset")
        if verb == "delete" and row.is_system and not self.table.marks:
            return f"{row.name} is a system preset; it stays."
        return None

    # -- verbs -----------------------------------------------------------------
    def _form(
        self, title: str, values: dict[str, Any], was: str | None = None, *, composed: bool = False
    ) -> None:
        making = self.rushes.desk.making
        plain = (making.preset_fields, making.check_preset, making.save_preset)
        parts = (making.compose_fields, making.check_composed, making.save_composed)
        self.open_form(title, values, was, parts if composed else plain)

    def do_edit(self) -> None:
        """Change the preset; of a system preset a copy is begun."""
        row = cast("PresetEntry", self.table.current())
        if row.is_system:
            self.rushes.tell(f"{row.name} is a system preset and stays as it is: this is a copy of it.")
            self.do_copy()
            return
        making = self.rushes.desk.making
        values = making.compose_values(row.name) if row.is_composed else making.preset_values(row.name)
        self._form(f"Preset {display(row.name)}", values, row.name, composed=row.is_composed)

    def do_new(self) -> None:
        """Make a preset."""
        self._form("New preset", self.rushes.desk.making.preset_values(None))

    def do_copy(self) -> None:
        """Begin a preset with the answers of this one."""
        row, making = cast("PresetEntry", self.table.current()), self.rushes.desk.making
        title, name = f"Copy of {display(row.name)}", f"{row.name}-copy"
        if row.is_composed:
            self._form(title, {**making.compose_values(row.name), "name": name}, composed=True)
            return
        self._form(title, {**making.preset_values(row.name), "name": name, "category": "own"})

    def do_compose(self) -> None:
        """Put a preset together."""
        making = self.rushes.desk.making
        self._form("New composed preset", making.compose_values(None), composed=True)

    def do_parts(self) -> None:
        """Go to the parts."""
        from tui.screens.preset_parts import PartsScreen

        self.rushes.push_screen(PartsScreen())

    def do_delete(self) -> None:
        """Delete the chosen presets of one's own, after a question."""
        chosen: list[PresetEntry] = [row for row in self.table.chosen() if not row.is_system]
        if not chosen:
            self.rushes.tell("Only system presets are marked; they stay.", "warning")
            return
        making, names = self.rushes.desk.making, [row.name for row in chosen]
        of = "it" if len(chosen) == 1 else "them"

        def found(said: Any, error: RushesError | None) -> None:
            who = str(error or said or f"No recipe names {of}.")
            self.delete_rows(chosen, f"{who} Runs keep their own copy of {of}.", making.delete_preset)

        self.rushes.read_then(lambda: making.preset_uses(names), found)

    def do_write(self) -> None:
        """Write the preset to a file."""
        name, making = self.name_of(), self.rushes.desk.making
        self.ask_path(
            f"Write {display(name)} to a file",
            "A folder, or a new file; nothing is overwritten.",
            lambda path: making.write_preset(name, path),
            lambda path: self.rushes.tell(f"Written to {display(path)}."),
        )

    def do_read(self) -> None:
        """Make a preset from a file."""
        self.ask_file("preset", "presets", self.rushes.desk.making.read_preset)
