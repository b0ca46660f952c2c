"""Relink: files that may be those that clips have lost, with the evidence for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.rows import CandidateDetail, CandidateRow, Id, Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.desk import Verdict
from tui.looks import CANDIDATE_LOOKS, MATCH_WORDS, Cell, Piece, look_of
from tui.screens import compare
from tui.screens.cells import no_row
from tui.screens.ingest import mounted
from tui.screens.inputs import PathDialog
from tui.screens.triage import TriageScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import Line

OPEN = ("pending", "later")

NARROW = 26
"""A place narrower than this shows the path alone; the volume is in the detail."""


def confidence_tone(row: CandidateRow) -> str:
    """Green from 0.95 on, yellow from 0.8, red below."""
    if row.status not in OPEN:
        return "dim"
    return "good" if row.confidence >= 0.95 else "warn" if row.confidence >= 0.8 else "bad"


def _state(row: CandidateRow, context: Context) -> Cell:
    return look_of(CANDIDATE_LOOKS, row.status).cell(context.glyphs)


def _confidence(row: CandidateRow, context: Context) -> Cell:
    del context
    return ((f"{int(row.confidence * 100)}%", confidence_tone(row)),)


def _match(row: CandidateRow, context: Context) -> Cell:
    del context
    word = MATCH_WORDS.get(row.match_type, row.match_type.replace("_", " "))
    return ((word, "strong" if row.certain and row.status in OPEN else "" if row.status in OPEN else "dim"),)


def _clip(row: CandidateRow, context: Context) -> Cell:
    if not context.first:
        return ((context.glyphs.branch, "dim"),)
    rivals = f" ({row.rivals})" if row.rivals > 1 else ""
    return ((display(row.title), "" if row.status in OPEN else "dim"), (rivals, "warn"))


def _old(row: CandidateRow, context: Context) -> Cell:
    del context
    return ((f"{display(row.old_volume)}: ", "dim"), (display(row.old_path), "dim"))


def _found(row: CandidateRow, context: Context) -> Cell:
    tone = "" if row.status in OPEN else "dim"
    place = f"{display(row.new_volume)}: " if context.width >= NARROW else ""
    return ((f"{context.glyphs.arrow} ", "dim"), (place, tone), (display(row.new_path), tone))


class RelinkScreen(TriageScreen):
    """All candidates, those of one copy together."""

    PLACE = "relink"
    SCOPE = "relink"
    NOUN = "candidate"
    DETAIL_BELOW = True
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "to decide", "failed": "decided"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("relink")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 10, _state),
        Column("SURE", 4, _confidence, right=True),
        Column("BECAUSE", 14, _match, drop=1),
        Column("CLIP", 14, _clip, flex=2, most=26),
        Column("WAS AT", 20, _old, flex=4, middle=True, drop=2),
        Column("FOUND AT", 24, _found, flex=5, middle=True),
    )

    def __init__(self) -> None:
        super().__init__()
        self._decided: list[int] = []

    def source(self) -> Source[Any, Any]:
        """All candidates."""
        return self.rushes.desk.candidates()

    def group_of(self) -> Callable[[Any], Hashable]:
        """Candidates of one copy belong together."""
        return lambda row: cast("CandidateRow", row).copy_id

    def extra_parts(self) -> list[Piece]:
        """What the newest scan does or did."""
        scan = self.rushes.desk.last_scan()
        if scan is None:
            return []
        if scan.status in ("scanning", "matching"):
            return [(f"scanning {fmt.path(scan.path)}: {fmt.plural(scan.files_scanned, 'file')}", "busy")]
        if scan.status == "failed":
            return [("the last scan failed", "bad")]
        return []

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing is waiting for a verdict, and nothing ever was."""
        scan = self.rushes.desk.last_scan()
        if scan is not None and scan.status == "completed":
            looked = fmt.plural(scan.files_scanned, "file")
            first = f"The last scan looked at {looked} and found no lost clip among them."
        else:
            first = "No clip is looking for its file."
        return (
            ((first, "strong"),),
            (),
            (("A drive that comes back brings its clips back by itself.", ""),),
            (
                ("Files that were moved: ", "dim"),
                ("n", "key"),
                (" looks for them in a folder or on a drive.", "dim"),
            ),
        )

    def detail_lines(self, detail: CandidateDetail) -> list[Line]:
        """Both sides compared, then the evidence as it was recorded."""
        row = detail.row
        context = Context(self.rushes.glyphs, self.rushes.pace.now(), 20)
        state = _state(row, context)
        lines = [
            Line(
                (
                    (f"{display(row.title)}   ", "head"),
                    *_confidence(row, context),
                    ("  ", ""),
                    *_match(row, context),
                    ("   ", ""),
                    *state,
                )
            )
        ]
        wide = self.size.width >= compare.WIDE
        lines += (
            compare.beside(detail.known, detail.found, self.size.width - 4, context)
            if wide
            else compare.stacked(detail.known, detail.found, context)
        )
        if row.rivals > 1 and row.status in OPEN:
            lines.append(
                Line(((f"{row.rivals} files could be it; applying one sets the others aside.", "warn"),))
            )
        if detail.decided_at:
            who = f" by {display(detail.decided_by)}" if detail.decided_by else ""
            lines.append(
                Line(((f"Decided {fmt.moment(detail.decided_at, self.rushes.pace.now())}{who}", "dim"),))
            )
        return [*lines, *compare.evidence_lines(detail.evidence)]

    def why_not(self, verb: str, row: CandidateRow | None) -> str | None:
        """Verdicts need an open candidate, undo a decided one."""
        if verb == "scan":
            return None
        if verb == "certain":
            header = self.rushes.feed.header
            if header is not None and not header.counts.candidates_open:
                return "No candidate is waiting for a verdict."
            return None
        if row is None:
            return no_row("candidate")
        word = look_of(CANDIDATE_LOOKS, row.status).word
        if verb in ("apply", "reject", "later"):
            if self.table.marks:
                return None
            if row.status not in OPEN:
                return f"This candidate is {word} already; u takes that back."
            if verb == "later" and row.status == "later":
                return "This candidate is put off already."
        if verb == "undo" and not self.table.marks and row.status == "pending" and not self._decided:
            return "There is no verdict here to take back."
        return None

    # -- verdicts --------------------------------------------------------------
    def do_apply(self) -> None:
        """This is the file."""
        self._decide("apply", "applied")

    def do_reject(self) -> None:
        """This is not the file."""
        self._decide("reject", "rejected")

    def do_later(self) -> None:
        """Not now."""
        self._decide("later", "put off")

    def _decide(self, verdict: Verdict, done: str) -> None:
        desk = self.rushes.desk
        rows = [row for row in self.table.chosen() if row.status in OPEN]
        if not rows:
            self.rushes.tell("Every marked candidate has its verdict already.", "warning")
            return

        def after(did: list[Id]) -> None:
            self._decided += [cast("int", one) for one in did if verdict != "later"]
            self.table.reload()
            if did:
                self._next_undecided()

        self.on_each(rows, lambda row: desk.decide(row.candidate_id, verdict), done, after=after)

    def _next_undecided(self) -> None:
        """Go to the next row that wants a verdict, below first, then from the top; else stay."""
        table = self.table
        start = table.cursor
        order = [*range(start, table.count), *range(start)]
        source = self.source()
        for wanted in (("pending",), ("later",)):
            for chunk in range(0, len(order), 200):
                part = order[chunk : chunk + 200]
                rows = {row.id: row for row in source.rows([table.ids[at] for at in part])}
                for at in part:
                    row = rows.get(table.ids[at])
                    if row is not None and row.status in wanted and (wanted[0] == "pending" or at != start):
                        table.go(at)
                        return

    def do_undo(self) -> None:
        """Take a verdict back: that of the marked rows, of this row, else the newest one given here."""
        desk = self.rushes.desk
        rows = [row for row in self.table.chosen() if row.status != "pending"]
        if not rows and self._decided:
            rows = list(self.source().rows([self._decided[-1]]))
        if not rows:
            self.rushes.tell("There is no verdict to take back.", "warning")
            return

        def after(did: list[Id]) -> None:
            self._decided = [one for one in self._decided if one not in did]
            self.table.reload()
            if len(did) == 1:
                self.table.go_to(did[0])
                self.rushes.tell("Taken back.")

        self.on_each(rows, lambda row: desk.decide(row.candidate_id, "undo"), "taken back", after=after)

    def do_certain(self) -> None:
        """Apply all that is proven by content, after a question."""
        rushes = self.rushes

        def answered(yes: bool | None) -> None:
            if not yes:
                return

            def applied(count: Any, error: RushesError | None) -> None:
                if error is not None:
                    rushes.tell(str(error), "error")
                else:
                    rushes.tell(f"{fmt.plural(cast('int', count), 'candidate')} applied; u takes one back.")
                rushes.feed.poll()
                self.table.reload()
                self._next_undecided()

            rushes.runner.submit(rushes.desk.apply_certain, applied, slow=True)

        rushes.ask(
            "Apply all that is certain?",
            "Only files with the content of the lost ones, and no rival. Each can be taken back.",
            "apply them",
            "decide one by one",
            answered,
        )

    # -- the rest --------------------------------------------------------------
    def do_scan(self) -> None:
        """Ask for a folder to look in."""
        rows, dead = mounted(self)
        places = [cast("str", row.mount_point) for row in rows]

        def queued(job_id: str | None) -> None:
            if job_id is not None:
                self.rushes.tell("Scanning; candidates show up here as they are found.")
                self.rushes.feed.poll()

        self.rushes.push_screen(
            PathDialog(
                "Look for lost files",
                "Only files whose size fits a lost one are read; nothing is changed there.",
                self.rushes.desk.scan,
                places,
                dead,
            ),
            queued,
        )

    def do_open(self) -> None:
        """Show the comparison."""
        if not self.detail_shown:
            self.list_detail()
        else:
            self.rushes.tell("Both sides are compared below; J and K scroll, a applies, x rejects.")

    def do_yank(self) -> None:
        """Copy the path that was found."""
        row = cast("CandidateRow", self.table.current())
        self.rushes.copy_path(row.new_path)
