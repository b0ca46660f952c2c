"""Verbs on runs beside those of every job: their turn, a comparison, a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from engine.api.rows import RunRow
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.screens.choose import ChoiceDialog
from tui.screens.inputs import AnswerDialog, PathDialog
from tui.screens.run_compare import RunCompareScreen
from tui.screens.triage import TriageScreen
from tui.widgets.line_view import BLANK, fact, plain

PRIORITY_WORDS = {-1: "low", 0: "normal", 1: "high", 10: "urgent"}
REPORT_CHOICES = [
    ("csv,json,txt", "all three: csv, json, txt"),
    ("txt", "txt, to read"),
    ("csv", "csv, for a table"),
    ("json", "json, for programs"),
    ("html", "html, for a browser"),
    ("pdf", "pdf, to hand over"),
]


class RunVerbs(TriageScreen):
    """What the exports screen can do about runs as members of a queue and of a history."""

    def why_not_turn(self, verb: str, row: RunRow) -> str | None:
        """Why a run cannot be moved in the queue, or compared; None when it can, or for other verbs."""
        if verb in ("earlier", "later", "first"):
            if row.status != "pending":
                return "Only a run that waits for its turn can be moved."
            if verb != "later" and row.queue_place == 1:
                return "It is the next one already."
        if verb == "urgency" and row.status in (
            "completed",
            "failed",
            "cancelled",
            "completed_with_warnings",
        ):
            return "This run has ended; it waits for nothing."
        if verb == "deliver" and row.output_path is None:
            return "This run has no finished file to deliver."
        if verb == "compare" and self.compared() is None:
            return "Mark two runs with space, or one and put the cursor on the other."
        return None

    # -- the turn -----------------------------------------------------------------
    def do_earlier(self) -> None:
        """One place up."""
        self._move("up")

    def do_later(self) -> None:
        """One place down."""
        self._move("down")

    def do_first(self) -> None:
        """To the top."""
        self._move("top")

    def _move(self, where: Literal["up", "down", "top"]) -> None:
        row, rushes = cast("RunRow", self.table.current()), self.rushes

        def moved(_: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "warning")
                return
            rushes.feed.poll()
            now = next(iter(self.source().rows([row.run_id])), None)
            if now is not None and now.queue_place is not None:
                rushes.tell(f"{display(row.name)} is at place {now.queue_place} of the line.")

        rushes.runner.submit(lambda: rushes.desk.intake.move(row.job_id, where), moved)

    def do_urgency(self) -> None:
        """Choose the priority."""
        row, rushes = cast("RunRow", self.table.current()), self.rushes
        rows = [one for one in self.table.chosen() if self.why_not_turn("urgency", one) is None]

        def chosen(word: str | None) -> None:
            if word is not None:
                self.on_each(rows, lambda one: rushes.desk.intake.priority(one.job_id, word), f"now {word}")

        words = [(word, word) for word in reversed(PRIORITY_WORDS.values())]
        now = PRIORITY_WORDS.get(row.priority, "normal")
        rushes.push_screen(ChoiceDialog("Priority", words, now, rushes.glyphs), chosen)

    # -- history --------------------------------------------------------------------
    def compared(self) -> tuple[str, str] | None:
        """The two runs that a comparison would be of: both marked, or one marked and the cursor's."""
        marks = [str(mark) for mark in self.table.ids if mark in self.table.marks]
        here = self.table.cursor_id
        if len(marks) == 1 and here is not None and here != marks[0]:
            return marks[0], str(here)
        return (marks[0], marks[1]) if len(marks) == 2 else None

    def do_compare(self) -> None:
        """Show two runs beside each other."""
        pair = cast("tuple[str, str]", self.compared())
        rushes = self.rushes

        def found(compared: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
                return
            rushes.push_screen(RunCompareScreen(cast("dict[str, Any]", compared), rushes.pace.now()))

        rushes.read_then(lambda: rushes.desk.making.compare(*pair), found)

    def do_deliver(self) -> None:
        """Copy or move the finished files; a refusal stays in the dialog."""
        row, rushes = cast("RunRow", self.table.current()), self.rushes

        def queued(job_id: str | None) -> None:
            if job_id is not None:
                rushes.tell("Queued; it is among the jobs on screen 2.")
                rushes.feed.poll()

        def chosen(how: str | None) -> None:
            if how is None:
                return
            word = "Move" if how == "move" else "Copy"
            rushes.push_screen(
                PathDialog(
                    f"{word} the files of {display(row.name)}",
                    "Each file is read back and compared; a name that is taken gets a number.",
                    lambda folder: rushes.desk.deliver(row.run_id, folder, move=how == "move"),
                    (),
                    (),
                ),
                queued,
            )

        choices = [("copy", "copy them"), ("move", "move them: the old ones go once the new are proven")]
        rushes.push_screen(ChoiceDialog("Deliver", choices, "", rushes.glyphs), chosen)

    def do_report(self) -> None:
        """Choose formats, write the report, say where it lies."""
        row, rushes = cast("RunRow", self.table.current()), self.rushes

        def written(made: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
                return
            verdict, files = cast("tuple[str, Sequence[tuple[str, str]]]", made)
            lines = [plain(fmt.path(verdict), "strong"), BLANK]
            lines += [fact(kind, display(path), width=6) for kind, path in files]
            rushes.push_screen(AnswerDialog(f"Report of {display(row.name)}", lines))

        def chosen(answer: str | None) -> None:
            if answer is not None:
                kinds = answer.split(",")
                rushes.runner.submit(lambda: rushes.desk.intake.report(row.job_id, kinds), written, slow=True)

        rushes.push_screen(ChoiceDialog("Report as", REPORT_CHOICES, "", rushes.glyphs), chosen)
