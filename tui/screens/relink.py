"""Relink: files that may be those that clips have lost, with the evidence for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Literal, cast

from textual.binding import BindingType
from textual.timer import Timer
from textual.widget import Widget

from engine.api.candidates import CandidateDetail, CandidateRow
from engine.api.rows import Id, Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.desk import Verdict
from tui.looks import CANDIDATE_LOOKS, MATCH_WORDS, Cell, Piece, look_of
from tui.pictures import can_show
from tui.screens import compare
from tui.screens.cells import no_row
from tui.screens.clips import where_is_clip
from tui.screens.ingest import mounted
from tui.screens.inputs import PathDialog
from tui.screens.mapping import MapDialog
from tui.screens.relink_lists import RulesScreen, SessionsScreen
from tui.screens.triage import TriageScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import Line
from tui.widgets.one_line import OneLine
from tui.widgets.picture import Picture

OPEN = ("pending", "later")

SIDES: tuple[Literal["known", "found"], ...] = ("known", "found")
SIDE_WORDS = {"known": "the clip", "found": "was found"}

PICTURES = 128
"""From this many columns on both sides have a picture."""

PICTURE_ROOM = 28
"""Columns that the pictures take."""

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
        self._undone: list[int] = []
        self._pictures = True
        self._pictured: int | None = None
        self._timer: Timer | None = None

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

    def pictures(self) -> Sequence[Widget]:
        """Both sides as pictures, where the terminal shows them and there is room."""
        return (
            OneLine(id="known-label"),
            Picture(26, 6, id="known"),
            OneLine(id="found-label"),
            Picture(26, 6, id="found"),
        )

    def _picture_sides(self, row: CandidateRow) -> None:
        """Show what is kept of both sides at once; what has to be taken waits until the cursor rests."""
        wanted = self._pictures and self.size.width >= PICTURES and can_show(self.rushes)
        pane = self.query_one("#pictures")
        if not wanted:
            pane.set_class(False, "-shown")
            self._pictured = None
            return
        if self._pictured == row.candidate_id:
            return
        self._pictured = row.candidate_id
        pane.set_class(True, "-shown")
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        for side in SIDES:
            self.query_one(f"#{side}-label", OneLine).show(((SIDE_WORDS[side], "dim"),))
            self.query_one(f"#{side}", Picture).show(None)
        rest = self.rushes.pace.filter_seconds
        if rest > 0:
            self._timer = self.set_timer(2 * rest, lambda: self._take_pictures(row.candidate_id))
        else:
            self._take_pictures(row.candidate_id)

    def _take_pictures(self, candidate_id: int) -> None:
        finding, runner = self.rushes.desk.finding, self.rushes.runner
        for side in SIDES:

            def shown(found: Any, error: RushesError | None, side: Literal["known", "found"] = side) -> None:
                if not self.is_attached or self._pictured != candidate_id:
                    return
                path, why = (None, str(error)) if error is not None else found or (None, None)
                self.query_one(f"#{side}", Picture).show(path)
                label = SIDE_WORDS[side] if path else f"{SIDE_WORDS[side]}: no picture"
                del why
                self.query_one(f"#{side}-label", OneLine).show(((label, "dim"),))

            def take(side: Literal["known", "found"] = side) -> Any:
                return finding.picture(candidate_id, side, make=True)

            runner.submit(take, shown, slow=True)

    def detail_lines(self, detail: CandidateDetail) -> list[Line]:
        """Both sides compared, then the evidence as it was recorded."""
        row = detail.row
        self._picture_sides(row)
        room = self.size.width - (PICTURE_ROOM if self.query_one("#pictures").has_class("-shown") else 0)
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
        wide = room >= compare.WIDE
        lines += (
            compare.beside(detail.known, detail.found, room - 4, context)
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
        if verb in ("scan", "rules", "sessions", "picture", "map"):
            return None
        if verb == "redo":
            return None
        if verb == "where" and row is not None and row.clip_id is None:
            return "This file belongs to no clip."
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
            self._undone += [cast("int", one) for one in did if one not in self._undone]
            self.table.reload()
            if len(did) == 1:
                self.table.go_to(did[0])
                self.rushes.tell("Taken back.")

        self.on_each(rows, lambda row: desk.decide(row.candidate_id, "undo"), "taken back", after=after)

    def do_redo(self) -> None:
        """Give a verdict again that was taken back: that of this row, else the newest one."""
        rushes, row = self.rushes, cast("CandidateRow | None", self.table.current())
        finding = rushes.desk.finding
        mine = row.candidate_id if row is not None and row.candidate_id in self._undone else None

        def done(candidate_id: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "warning")
                return
            self._undone = [one for one in self._undone if one != candidate_id]
            self._decided.append(cast("int", candidate_id))
            rushes.feed.poll()
            self.table.reload()
            self.table.go_to(cast("int", candidate_id))
            rushes.tell("Given again; u takes it back.")

        rushes.runner.submit(lambda: finding.redo(mine), done)

    def do_map(self) -> None:
        """Infer where the neighbours of a linked file are, and show what that would do."""
        rushes, row = self.rushes, cast("CandidateRow | None", self.table.current())
        linked = row.candidate_id if row is not None and row.status == "applied" else None

        def mapped(applied: str | None) -> None:
            if applied is not None:
                rushes.tell(applied)
                rushes.feed.poll()
                self.table.reload()
                self._next_undecided()

        rushes.push_screen(MapDialog(rushes.desk.finding, linked, rushes.glyphs), mapped)

    def do_rules(self) -> None:
        """Mappings that are kept."""
        self.rushes.push_screen(RulesScreen())

    def do_sessions(self) -> None:
        """Scans and mappings."""
        self.rushes.push_screen(SessionsScreen())

    def do_where(self) -> None:
        """All copies of the clip."""
        row = cast("CandidateRow", self.table.current())
        where_is_clip(self, cast("str", row.clip_id), row.title)

    def do_picture(self) -> None:
        """Show or hide the pictures."""
        self._pictures = not self._pictures
        self.rushes.tell(f"Pictures are {'shown' if self._pictures else 'hidden'}.")
        self._read(self._show_detail)

    def do_certain(self) -> None:
        """Apply all that is proven by content, after a question."""
        rushes = self.rushes

        def answered(yes: bool | None) -> None:
            if not yes:
                return

            def applied(did: Any, error: RushesError | None) -> None:
                if error is not None:
                    rushes.tell(str(error), "error")
                else:
                    self._decided += did
                    rushes.tell(f"{fmt.plural(len(did), 'candidate')} applied; u takes one back.")
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
