"""What lies twice, and the trash of each drive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import TrashRow, TwiceRow
from engine.api.rows import Show, Source
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import COPY_LOOKS, Cell, look_of
from tui.screens.aside import AsideScreen
from tui.screens.copies import CopiesScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading


def _size(row: TrashRow | TwiceRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.size_bytes), ""),)


def _files(row: TwiceRow, context: Context) -> Cell:
    del context
    return ((f"{row.files}{'+' if row.more else ''}", "strong"),)


def _devices(row: TwiceRow, context: Context) -> Cell:
    del context
    return ((f"{row.devices}", "warn" if row.devices < row.files else ""),)


def _wasted(row: TwiceRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.wasted), ""),)


def _where(row: TwiceRow, context: Context) -> Cell:
    del context
    return ((", ".join(dict.fromkeys(volume for volume, _, _ in row.places)), "dim"),)


def _twice_name(row: TwiceRow, context: Context) -> Cell:
    del context
    return ((display(row.name), "strong"),)


class TwiceScreen(AsideScreen):
    """Contents that lie in more than one file. On several devices that is safety, not waste."""

    PLACE = "clips"
    SCOPE = "twice"
    NOUN = "content"
    LONG = True
    SHOW_WORDS: ClassVar[dict[Show, str]] = {
        "all": "all",
        "active": "each on a device of its own",
        "failed": "twice on one device",
    }
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("twice")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("FILES", 5, _files, right=True),
        Column("DEVICES", 7, _devices, right=True),
        Column("SIZE", 9, _size, right=True),
        Column("BEYOND", 9, _wasted, right=True),
        Column("NAME", 18, _twice_name, flex=3, middle=True),
        Column("ON", 16, _where, flex=2),
    )

    def __init__(self) -> None:
        super().__init__()
        self._same_device = False
        self._twice: Source[Any, Any] | None = None

    def source(self) -> Source[Any, Any]:
        """The contents."""
        if self._twice is None:
            self._twice = self.rushes.desk.shelf.twice(same_device=self._same_device)
        return self._twice

    def extra_parts(self) -> list[Any]:
        """What it is narrowed to."""
        return [("only twice on one device", "warn")] if self._same_device else []

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing lies twice."""
        return ((("No content lies more than once.", "strong"),), (("h", "key"), ("  goes back", "dim")))

    def detail_lines(self, detail: TwiceRow) -> list[Line]:
        """Where it lies."""
        devices = fmt.plural(detail.devices, "device")
        lines = [
            heading(display(detail.name)),
            fact("Files", f"{detail.files}{' or more' if detail.more else ''} on {devices}"),
            fact("Size", f"{fmt.size(detail.size_bytes)} each"),
            fact("Beyond one", f"{fmt.size(detail.wasted)} at most"),
            fact("BLAKE3", detail.blake3),
            BLANK,
        ]
        for volume, path, state in detail.places:
            look = look_of(COPY_LOOKS, state)
            lines.append(Line((*look.cell(self.rushes.glyphs), (f"  {volume}", "strong")), indent=2))
            lines.append(Line(((f"  {path}", ""),), indent=2))
        return lines

    def why_not(self, verb: str, row: Any | None) -> str | None:
        """Some need no row."""
        return None if verb in ("device", "bin") else super().why_not(verb, row)

    def do_open(self) -> None:
        """All its copies."""
        row = cast("TwiceRow", self.table.current())
        self.rushes.push_screen(CopiesScreen(row.blake3, row.name))

    def do_device(self) -> None:
        """Only what lies twice on one device, or all."""
        self._same_device = not self._same_device
        self._twice = None
        self._read(lambda: self.table.read_from(self.source()))
        self.draw()

    def do_bin(self) -> None:
        """The trash."""
        self.rushes.push_screen(BinScreen())


def _since(row: TrashRow, context: Context) -> Cell:
    return ((fmt.moment(row.at, context.now), "dim"),)


def _bin_volume(row: TrashRow, context: Context) -> Cell:
    text = display(row.volume) + ("" if row.reachable else " (offline)")
    del context
    return ((text, "" if row.reachable else "warn"),)


def _lay(row: TrashRow, context: Context) -> Cell:
    del context
    return ((row.path, "strong"),)


class BinScreen(AsideScreen):
    """The trash: what was put aside on each drive, until it is brought back or deleted for good."""

    PLACE = "clips"
    SCOPE = "bin"
    NOUN = "file"
    LONG = True
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "within reach", "failed": "offline"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("bin")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("SINCE", 12, _since),
        Column("SIZE", 9, _size, right=True),
        Column("ON", 18, _bin_volume, flex=1, most=24),
        Column("WHERE IT LAY", 24, _lay, flex=4, middle=True),
    )

    def source(self) -> Source[Any, Any]:
        """What is in the trash."""
        return self.rushes.desk.shelf.trash()

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing there."""
        return ((("The trash is empty.", "strong"),), (("h", "key"), ("  goes back", "dim")))

    def detail_lines(self, detail: TrashRow) -> list[Line]:
        """One file."""
        now = self.rushes.pace.now()
        return [
            heading(detail.path.rpartition("/")[2]),
            fact("Lay at", detail.path),
            fact("Kept at", detail.kept),
            fact("On", display(detail.volume)),
            fact("Size", fmt.size(detail.size_bytes)),
            fact("Since", f"{fmt.moment(detail.at, now)}, by {display(detail.by)}"),
        ]

    def why_not_row(self, verb: str, row: TrashRow) -> str | None:
        """Its drive must be here."""
        del verb
        if not row.reachable and not self.table.marks:
            return f"{display(row.volume)} is offline; the file waits in its trash."
        return None

    def _reachable(self) -> list[TrashRow]:
        return [row for row in cast("list[TrashRow]", self.table.chosen()) if row.reachable]

    def do_restore(self) -> None:
        """Bring back."""
        shelf = self.rushes.desk.shelf
        rows = self._reachable()
        self.on_each(
            rows,
            lambda row: shelf.restore([row.trash_id]),
            "back",
            after=lambda did: self._after(did, "is back where it lay"),
        )

    def do_delete(self) -> None:
        """Delete for good, after a question."""
        rows, shelf = self._reachable(), self.rushes.desk.shelf
        if not rows:
            self.rushes.tell("None of these is within reach now.", "warning")
            return
        count, size = fmt.plural(len(rows), "file"), fmt.size(sum(row.size_bytes for row in rows))

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(
                    rows,
                    lambda row: shelf.delete([row.trash_id]),
                    "deleted",
                    after=lambda did: self._after(did, "is deleted"),
                )

        self.rushes.ask(
            f"Delete {count} for good?",
            f"Makes room for {size}. This cannot be undone; each was proven elsewhere when it was put aside.",
            "delete for good",
            "keep in the trash",
            answered,
        )

    def _after(self, did: Sequence[Any], words: str) -> None:
        if len(did) == 1:
            self.rushes.tell(f"1 file {words}.")
        self.table.reload()
