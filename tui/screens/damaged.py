"""Damaged copies: what was found to have other bytes, what it can be made anew from, and the repair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import DamagedRow
from engine.api.rows import Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import COPY_LOOKS, Cell, look_of
from tui.screens.aside import AsideScreen
from tui.screens.triage import TriageScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain


def _state(row: DamagedRow, context: Context) -> Cell:
    return look_of(COPY_LOOKS, row.state).cell(context.glyphs)


def _good(row: DamagedRow, context: Context) -> Cell:
    if row.good:
        return ((f"{context.glyphs.good} {fmt.plural(row.good, 'copy', 'copies')}", "good"),)
    if row.good_away:
        return ((f"{context.glyphs.away} {row.good_away} away", "warn"),)
    return ((f"{context.glyphs.bad} none", "bad"),)


def _clip(row: DamagedRow, context: Context) -> Cell:
    del context
    return ((display(row.title), "strong"),)


def _volume(row: DamagedRow, context: Context) -> Cell:
    del context
    return ((display(row.volume), "" if row.volume_state == "online" else "warn"),)


def _size(row: DamagedRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.size_bytes), ""),)


def _path(row: DamagedRow, context: Context) -> Cell:
    del context
    return ((display(row.path), ""),)


class DamagedScreen(AsideScreen):
    """Damaged copies first, then those whose file is gone from a drive that is here."""

    PLACE = "clips"
    SCOPE = "damaged"
    NOUN = "copy"
    NOUNS = "copies"
    LONG = True
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "damaged", "failed": "missing"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("damaged")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 10, _state),
        Column("GOOD", 10, _good),
        Column("CLIP", 14, _clip, flex=2, most=30),
        Column("ON", 12, _volume, flex=1, most=20),
        Column("SIZE", 9, _size, right=True, drop=1),
        Column("FILE", 18, _path, flex=4, middle=True),
    )

    def source(self) -> Source[Any, Any]:
        """Damaged and missing copies."""
        return self.rushes.desk.footage.damaged()

    def empty_lines(self) -> Sequence[Cell]:
        """All is well, as far as is known."""
        return (
            (("No copy is known to be damaged.", "strong"),),
            (),
            (("V", "key"), ("  reads every copy again and compares it with its hash.", "")),
            (("h", "key"), ("  goes back", "dim")),
        )

    def detail_lines(self, detail: DamagedRow) -> list[Line]:
        """One copy, and what can be done."""
        now, glyphs = self.rushes.pace.now(), self.rushes.glyphs
        lines = [
            heading(display(detail.title)),
            fact("State", *_state(detail, Context(glyphs, now, 20))[0]),
            fact("On", display(detail.volume)),
            fact("File", display(detail.path)),
            fact("Size", fmt.size(detail.size_bytes)),
            fact("Proven", fmt.moment(detail.verified_at, now) if detail.verified_at else "never"),
            fact("Seen", fmt.moment(detail.seen_at, now)),
            BLANK,
        ]
        if detail.good:
            count = fmt.plural(detail.good, "good copy", "good copies")
            lines.append(
                plain(f"{count} can be read now. r makes this one anew; the bad file is kept beside it.")
            )
        elif detail.good_away:
            lines.append(plain("A good copy is on a drive that is away. Bring it back, then r.", "warn"))
        else:
            lines.append(plain("No good copy is known. Look for one: screen 4, n.", "bad"))
        return lines

    def why_not(self, verb: str, row: Any | None) -> str | None:
        """A scrub needs no row."""
        return None if verb == "verify" else super().why_not(verb, row)

    def why_not_row(self, verb: str, row: DamagedRow) -> str | None:
        """A repair needs the drive, and a good copy."""
        if verb == "repair" and not self.table.marks:
            if row.volume_state != "online":
                return f"{display(row.volume)} is away; its copy waits for it."
            if not row.good:
                return "No good copy can be read now; there is nothing to make it anew from."
        return None

    def do_repair(self) -> None:
        """Repair, after a question."""
        rows = [
            row
            for row in cast("list[DamagedRow]", self.table.chosen())
            if row.good and row.volume_state == "online"
        ]
        if not rows:
            self.rushes.tell("None of these copies can be made anew now.", "warning")
            return
        rushes = self.rushes
        what = display(rows[0].path) if len(rows) == 1 else fmt.plural(len(rows), "copy", "copies")

        def answered(yes: bool | None) -> None:
            if not yes:
                return

            def queued(_: Any, error: RushesError | None) -> None:
                if error is not None:
                    rushes.tell(str(error), "error")
                    return
                self.table.forget_marks({row.id for row in rows})
                rushes.tell("The repair is queued; screen 2 shows it.")
                rushes.feed.poll()

            rushes.runner.submit(
                lambda: rushes.desk.footage.repair([row.copy_id for row in rows]), queued, slow=True
            )

        rushes.ask(
            f"Repair {what}?",
            f"{fmt.size(sum(row.size_bytes for row in rows))} are copied from good copies and read back; only"
            " then is the bad file renamed to .damaged and the new one takes its name.",
            "repair",
            "leave it",
            answered,
        )

    def do_verify(self) -> None:
        """Queue a scrub."""
        verify_all(self)

    def do_yank(self) -> None:
        """Copy the path."""
        row = cast("DamagedRow", self.table.current())
        self.rushes.copy_path(row.place or row.path)


def verify_all(screen: TriageScreen) -> None:
    """Queue a scrub of everything within reach, after a question."""
    rushes = screen.rushes

    def answered(yes: bool | None) -> None:
        if not yes:
            return

        def queued(_: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
            else:
                rushes.tell("Queued. Copies and exports go first.")
            rushes.feed.poll()

        rushes.runner.submit(rushes.desk.footage.verify, queued, slow=True)

    rushes.ask(
        "Read every copy again?",
        "All copies on drives that are here are read and compared with their hashes, the longest unproven"
        " first. It can be paused, and goes on where it stopped.",
        "read them",
        "not now",
        answered,
    )
