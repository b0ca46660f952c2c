"""Lists that belong to relinking: scans and mappings with what became of them, and mappings that are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.facts import RuleRow, SessionRow
from engine.api.rows import Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import SESSION_LOOKS, Cell, look_of
from tui.screens.aside import AsideScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain


def _state(row: SessionRow, context: Context) -> Cell:
    return look_of(SESSION_LOOKS, row.status).cell(context.glyphs)


def _number(name: str, tone: str = "") -> Callable[[SessionRow, Context], Cell]:
    def cell(row: SessionRow, context: Context) -> Cell:
        del context
        count = int(getattr(row, name))
        return ((f"{count:,}", tone if count else "dim"),)

    return cell


def _path(row: SessionRow, context: Context) -> Cell:
    del context
    return ((display(row.path), ""),)


WHAT_WORDS = {"scan": "scan", "return": "drive back", "sweep": "look", "mapping": "mapping"}
"""What a session was, in words."""

BEGUN_WORDS = {
    "scan": "a scan that somebody asked for",
    "return": "a drive came, and was looked through by itself",
    "sweep": "a look through a volume found what had moved on it",
    "mapping": "a mapping of a folder",
}


def _what(row: SessionRow, context: Context) -> Cell:
    del context
    return ((WHAT_WORDS.get(row.kind, row.kind), ""),)


def _when(row: SessionRow, context: Context) -> Cell:
    return ((fmt.moment(row.created_at, context.now), "dim"),)


class SessionsScreen(AsideScreen):
    """Scans and mappings, the newest first."""

    PLACE = "relink"
    SCOPE = "sessions"
    NOUN = "session"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "ended well", "failed": "cut off"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("sessions")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 11, _state),
        Column("WHAT", 10, _what),
        Column("WHEN", 12, _when),
        Column("SEEN", 9, _number("files_scanned"), right=True, drop=2),
        Column("LOST", 6, _number("offline"), right=True, drop=1),
        Column("FOUND", 6, _number("candidates"), right=True),
        Column("LINKED", 6, _number("applied", "good"), right=True),
        Column("WAIT", 5, _number("waiting", "warn"), right=True),
        Column("FOLDER", 20, _path, flex=1, middle=True),
    )

    def source(self) -> Source[Any, Any]:
        """All sessions."""
        return self.rushes.desk.finding.sessions()

    def empty_lines(self) -> Sequence[Cell]:
        """No scan yet."""
        return (
            (("No scan and no mapping yet.", "strong"),),
            (("h", "key"), ("  goes back", "dim")),
        )

    def detail_lines(self, detail: SessionRow) -> list[Line]:
        """One session."""
        now, glyphs = self.rushes.pace.now(), self.rushes.glyphs
        lines = [
            heading(display(detail.path)),
            fact("State", *_state(detail, Context(glyphs, now, 20))[0]),
            fact("What", BEGUN_WORDS.get(detail.kind, detail.kind)),
            fact("Begun", fmt.moment(detail.created_at, now)),
            fact("Ended", fmt.moment(detail.completed_at, now) if detail.completed_at else "-"),
            fact("Files seen", f"{detail.files_scanned:,}, {detail.files_hashed:,} of them read"),
            fact("Lost", fmt.plural(detail.offline, "clip")),
            fact("Found", fmt.plural(detail.candidates, "candidate")),
            fact("Linked", f"{detail.applied:,}", "good" if detail.applied else ""),
            fact("To decide", f"{detail.waiting:,}", "warn" if detail.waiting else ""),
        ]
        if detail.error:
            lines += [BLANK, *(plain(fmt.path(part), "bad") for part in detail.error.split("\n"))]
        return lines

    def why_not_row(self, verb: str, row: SessionRow) -> str | None:
        """Only what stands can be taken back."""
        if verb == "undo" and not row.applied:
            return "No link of it stands, so there is none to take back."
        return None

    def do_undo(self) -> None:
        """Take all of it back, after a question."""
        row = cast("SessionRow", self.table.current())
        finding = self.rushes.desk.finding
        self._ask(
            f"Take back {fmt.plural(row.applied, 'link')}?",
            "The catalogue is as it was before, to the byte. No file is touched; U does it again.",
            "take them back",
            lambda: finding.undo_session(row.session_id),
            "taken back",
        )

    def do_redo(self) -> None:
        """Make the links again, after a question."""
        row = cast("SessionRow", self.table.current())
        finding = self.rushes.desk.finding
        self._ask(
            "Make its links again?",
            "All that were taken back, or none. u takes them back once more.",
            "make them",
            lambda: finding.redo_session(row.session_id),
            "made again",
        )

    def _ask(self, title: str, sentence: str, yes: str, work: Callable[[], int], done: str) -> None:
        rushes = self.rushes

        def finished(count: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
            else:
                rushes.tell(f"{fmt.plural(cast('int', count), 'link')} {done}.")
            rushes.feed.poll()
            self.table.reload()

        def answered(agreed: bool | None) -> None:
            if agreed:
                rushes.runner.submit(work, finished, slow=True)

        rushes.ask(title, sentence, yes, "leave it as it is", answered)


def _old(row: RuleRow, context: Context) -> Cell:
    del context
    return ((display(row.old), ""),)


def _new(row: RuleRow, context: Context) -> Cell:
    return ((f"{context.glyphs.arrow} ", "dim"), (display(row.new), "strong"))


def _kept(row: RuleRow, context: Context) -> Cell:
    return ((fmt.moment(row.created_at, context.now), "dim"),)


class RulesScreen(AsideScreen):
    """Mappings that are kept: what goes missing below the old folder follows to the new one, proven."""

    PLACE = "relink"
    SCOPE = "rules"
    NOUN = "mapping"
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "kept", "failed": "in trouble"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("rules")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("WAS BELOW", 24, _old, flex=1, middle=True),
        Column("IS BELOW", 24, _new, flex=1, middle=True),
        Column("SINCE", 12, _kept, drop=1),
    )

    def source(self) -> Source[Any, Any]:
        """All kept mappings."""
        return self.rushes.desk.finding.rules()

    def empty_lines(self) -> Sequence[Cell]:
        """None is kept."""
        return (
            (("No mapping is kept.", "strong"),),
            (
                ("m", "key"),
                (" on a linked candidate makes one.  ", "dim"),
                ("h", "key"),
                (" goes back", "dim"),
            ),
        )

    def detail_lines(self, detail: RuleRow) -> list[Line]:
        """One mapping."""
        return [
            heading("Kept mapping"),
            fact("Was below", display(detail.old)),
            fact("Is below", display(detail.new)),
            fact("Since", fmt.moment(detail.created_at, self.rushes.pace.now())),
            BLANK,
            plain(
                "Applied by itself to what a look through a drive finds missing, where the content agrees."
            ),
        ]

    def why_not(self, verb: str, row: Any | None) -> str | None:
        """What was dropped can be kept again when nothing else is kept."""
        return None if verb == "undo" else super().why_not(verb, row)

    def do_undo(self) -> None:
        """Keep again what was dropped last."""
        rushes = self.rushes

        def finished(old: Any, error: RushesError | None) -> None:
            rushes.tell(
                str(error)
                if error is not None
                else f"{fmt.path(cast('str', old))} is mapped by itself again.",
                "warning" if error is not None else "information",
            )
            self.table.reload()

        rushes.runner.submit(rushes.desk.finding.restore_rule, finished)

    def do_remove(self) -> None:
        """Drop, after a question."""
        rows = cast("list[RuleRow]", self.table.chosen())
        finding = self.rushes.desk.finding

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(
                    rows,
                    lambda row: finding.drop_rule(row.rule_id),
                    "dropped",
                    after=lambda _: self.table.reload(),
                )

        self.rushes.ask(
            f"Keep {'this mapping' if len(rows) == 1 else fmt.plural(len(rows), 'mapping')} no longer?",
            "What it relinked stays. u keeps it again.",
            "drop it",
            "keep it",
            answered,
        )
