"""Relink: files that may be those that clips have lost, with the evidence for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, cast

from textual.binding import BindingType

from engine.api.candidates import CandidateDetail, CandidateRow
from engine.api.rows import Id, Show, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.desk import Verdict
from tui.looks import CANDIDATE_LOOKS, Cell, Piece, look_of
from tui.screens import compare
from tui.screens.cells import no_row
from tui.screens.clips import where_is_clip
from tui.screens.ingest import mounted
from tui.screens.mapping import MapDialog
from tui.screens.relink_cells import COLUMNS, OPEN, confidence, match, state
from tui.screens.relink_lists import RulesScreen, SessionsScreen
from tui.screens.relink_sides import PICTURE_ROOM, SidesScreen
from tui.screens.scan import ScanDialog, ScanOptions
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import Line
from tui.widgets.marks import among


class _Decided(NamedTuple):
    """A candidate whose verdict is to be taken back or given again; 0 is the newest of all."""

    id: int


def _without(groups: list[list[int]], gone: Sequence[Id]) -> list[list[int]]:
    """The groups without these; none is empty."""
    away = set(gone)
    kept = ([one for one in group if one not in away] for group in groups)
    return [group for group in kept if group]


class RelinkScreen(SidesScreen):
    """All candidates, those of one copy together."""

    PLACE = "relink"
    SCOPE = "relink"
    NOUN = "candidate"
    DETAIL_BELOW = True
    SHOW_WORDS: ClassVar[dict[Show, str]] = {"all": "all", "active": "to decide", "failed": "decided"}
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("relink")
    COLUMNS: ClassVar[tuple[Column, ...]] = COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._decided: list[list[int]] = []  # what one key decided belongs together
        self._undone: list[list[int]] = []

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
        lost = self.rushes.desk.finding.lost()
        scan = self.rushes.desk.last_scan()
        away = ""
        if lost.missing or lost.offline:
            parts = [
                f"{count:,} {word}"
                for count, word in ((lost.missing, "missing"), (lost.offline, "offline"))
                if count
            ]
            away = f"{fmt.plural(lost.missing + lost.offline, 'clip')} cannot be read: {', '.join(parts)}."
        if not away:
            first = "Every clip can be read; none is looking for its file."
        elif scan is not None and scan.status == "completed":
            looked = fmt.plural(scan.files_scanned, "file")
            first = f"The last scan looked at {looked} and found no lost clip among them."
        else:
            first = "No file was found yet that may be a lost one."
        return (
            ((first, "strong"),),
            ((away, "warn"),) if away else (),
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
        self.look_closer(detail)
        room = self.size.width - (PICTURE_ROOM if self.query_one("#pictures").has_class("-shown") else 0)
        context = Context(self.rushes.glyphs, self.rushes.pace.now(), 20)
        lines = [
            Line(
                (
                    (f"{display(row.title)}   ", "head"),
                    *confidence(row, context),
                    ("  ", ""),
                    *match(row, context),
                    ("   ", ""),
                    *state(row, context),
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
        if detail.why_not_inside:
            lines.append(Line((("What is in it: ", "dim"), (display(detail.why_not_inside), "warn"))))
        return [*lines, *compare.evidence_lines(detail.evidence)]

    def why_not(self, verb: str, row: CandidateRow | None) -> str | None:
        """Verdicts need an open candidate, undo a decided one."""
        if verb in ("scan", "rules", "sessions", "picture", "map", "redo"):
            return None
        if verb == "certain":
            header = self.rushes.feed.header
            if header is not None and not header.counts.candidates_open:
                return "No candidate is waiting for a verdict."
            return None
        if row is None:
            return no_row("candidate")
        if verb == "where" and row.clip_id is None:
            return "This file belongs to no clip."
        if self.table.marks:
            return None
        return self._why_no_verdict(verb, row)

    def _why_no_verdict(self, verb: str, row: CandidateRow) -> str | None:
        """Why a verdict cannot be given, or taken back, on the row under the cursor."""
        if verb == "undo":
            if row.status == "skipped" and not self._mine(row.candidate_id):
                return "Set aside: another file was applied (u on its row), or the drive is back."
            if row.status == "pending" and not self._decided:
                return "There is no verdict here to take back."
        if verb in ("apply", "reject", "later") and row.status not in OPEN:
            return (
                f"This candidate is {look_of(CANDIDATE_LOOKS, row.status).word} already; u takes that back."
            )
        if verb == "later" and row.status == "later":
            return "This candidate is put off already."
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
            if did:
                self._decided.append([cast("int", one) for one in did])
            self.table.reload()
            if did:
                self._next_undecided()

        self.on_each(rows, lambda row: desk.decide(row.candidate_id, verdict), done, after=after)

    def _next_undecided(self) -> None:
        """Go to the next row that wants a verdict, below first, then from the top.

        Where there is none, stay on a row that the newest key decided: ``u`` takes back what it decided.
        """
        table, source = self.table, self.source()
        start, here, later = table.cursor, table.cursor_id, None
        waiting = source.ids(replace(table.filter, show="active"))
        for first, last in ((start, table.count), (0, start)):
            size = 16
            while first < last:
                part = set(table.ids[first : min(last, first + size)])
                for row in source.rows(among(waiting, part)):
                    if row.status == "pending":
                        table.go_to(row.id)
                        return
                    later = later or (row.id if row.id != here else None)
                first += size
                size = min(1000, size * 4)
        if later is not None:
            table.go_to(later)
        elif self._decided and not self._mine(cast("int", here)):
            table.go_to(self._decided[-1][0])

    def _mine(self, candidate_id: int) -> bool:
        """Whether the newest key that decided anything here decided this one."""
        return bool(self._decided) and candidate_id in self._decided[-1]

    def do_undo(self) -> None:
        """Take verdicts back: of the marked rows, of this row, else all that the newest key gave.

        A row that the newest key decided together with others takes them along.
        """
        desk = self.rushes.desk
        row = cast("CandidateRow | None", self.table.current())
        if self.table.marks:
            decided = [one for one in self.table.chosen() if one.status not in ("pending", "skipped")]
            rows = [_Decided(one.candidate_id) for one in decided]
        elif row is not None and row.status != "pending" and not self._mine(row.candidate_id):
            rows = [_Decided(row.candidate_id)]
        else:
            rows = [_Decided(one) for one in (self._decided[-1] if self._decided else ())]
        if not rows:
            self.rushes.tell("There is no verdict to take back.", "warning")
            return

        def after(did: list[Id]) -> None:
            self._decided = _without(self._decided, did)
            self._undone = _without(self._undone, did)
            if did:
                self._undone.append([cast("int", one) for one in did])
            self.table.reload()
            if did:
                self.table.go_to(did[0])
            if len(did) == 1:
                self.rushes.tell("Taken back; U gives it again.")

        self.on_each(
            rows,
            lambda row: desk.decide(row.id, "undo"),
            "taken back; U gives them again",
            after=after,
            slow=len(rows) > 1,
        )

    def do_redo(self) -> None:
        """Give verdicts again that were taken back: of this row, else all that the newest ``u`` took."""
        row = cast("CandidateRow | None", self.table.current())
        finding = self.rushes.desk.finding
        newest = self._undone[-1] if self._undone else [0]
        at = row.candidate_id if row is not None else 0
        if at not in newest and any(at in group for group in self._undone):
            newest = [at]
        given: list[int] = []

        def give(one: _Decided) -> None:
            given.append(finding.redo(one.id or None))

        def after(did: list[Id]) -> None:
            del did
            self._undone = _without(self._undone, given)
            self.table.reload()
            if given:
                self._decided.append(given)
                self.table.go_to(given[0])
            if len(given) == 1:
                self.rushes.tell("Given again; u takes it back.")

        self.on_each(
            [_Decided(one) for one in newest],
            give,
            "given again; u takes them back",
            after=after,
            slow=len(newest) > 1,
        )

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

    def do_certain(self) -> None:
        """Apply all that is proven by content, after a question."""
        rushes = self.rushes

        def answered(yes: bool | None) -> None:
            if not yes:
                return

            def finished(found: Any, error: RushesError | None) -> None:
                if error is not None:
                    rushes.tell(str(error), "error")
                else:
                    applied, refused = cast("tuple[Sequence[int], Sequence[str]]", found)
                    if applied:
                        self._decided.append(list(applied))
                    back = f"; u takes {'it' if len(applied) == 1 else 'them'} back" if applied else ""
                    reasons = list(dict.fromkeys(refused))
                    others = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
                    not_done = f" {len(refused):,} not: {reasons[0]}{others}" if refused else ""
                    rushes.tell(
                        f"{fmt.plural(len(applied), 'candidate')} applied{back}.{not_done}",
                        "warning" if refused or not applied else "information",
                    )
                rushes.feed.poll()
                self.table.reload()
                self._next_undecided()

            rushes.runner.submit(rushes.desk.apply_certain, finished, slow=True)

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

        def scan(path: str, options: ScanOptions) -> str:
            return self.rushes.desk.scan(
                path,
                full_hash=options.full_hash,
                auto_apply=options.auto_apply,
                min_confidence=options.percent / 100,
            )

        def queued(job_id: str | None) -> None:
            if job_id is not None:
                self.rushes.tell("Scanning; candidates show up here as they are found.")
                self.rushes.feed.poll()

        self.rushes.push_screen(
            ScanDialog(scan, places, dead),
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
