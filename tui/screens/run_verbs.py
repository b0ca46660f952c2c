"""Verbs on runs beside those of every job: their turn, a comparison, a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from engine.api.rows import RunRow
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.screens.choose import ChoiceDialog
from tui.screens.inputs import AnswerDialog, PathDialog
from tui.screens.run_compare import RunCompareScreen
from tui.screens.turns import Turns
from tui.widgets.line_view import BLANK, fact, plain

REPORT_CHOICES = [
    ("csv,json,txt", "all three: csv, json, txt"),
    ("txt", "txt, to read"),
    ("csv", "csv, for a table"),
    ("json", "json, for programs"),
    ("html", "html, for a browser"),
    ("pdf", "pdf, to hand over"),
]


class RunVerbs(Turns):
    """What the exports screen can do about runs as members of a queue and of a history."""

    def why_not_run(self, verb: str, row: RunRow) -> str | None:
        """Why a run cannot be delivered, compared, or moved in the queue; None when it can."""
        if verb == "deliver" and row.output_path is None:
            return "This run has no finished file to deliver."
        if verb == "compare" and self.compared() is None:
            return "Mark two runs with space, or one and put the cursor on the other."
        return self.why_not_turn(verb, row)

    # -- history --------------------------------------------------------------------
    def compared(self) -> tuple[str, str] | None:
        """The two runs that a comparison would be of: both marked, or one marked and the cursor's."""
        marks = [str(mark) for mark in self.table.shown_marks()]
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
