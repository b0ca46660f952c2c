"""Verbs on runs beside those of every job: cancel, once more, delete, a comparison, delivery, a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from engine.api.rows import Id, RunRow
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.screens.cells import why_not_job
from tui.screens.choose import ChoiceDialog
from tui.screens.inputs import AnswerDialog, PathDialog
from tui.screens.run_cells import ENDED, what_goes
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

    # -- endings -----------------------------------------------------------------
    def do_cancel(self) -> None:
        """Cancel, after a question."""
        desk = self.rushes.desk
        able = [row for row in self.table.chosen() if why_not_job("cancel", row.status, "export") is None]
        if not able:
            self.rushes.tell("None of these runs can be cancelled: all of them have ended.", "warning")
            return
        what = display(able[0].name) if len(able) == 1 else fmt.plural(len(able), "run")
        done = sum(sum(letter in "cu" for letter in row.segments) for row in able)
        ends = "It ends" if len(able) == 1 else "They end"
        stay = (
            f"{fmt.plural(done, 'finished segment')} {'stays' if done == 1 else 'stay'}: r goes on from there"
        )
        kept = f"{stay}, as a new run." if done else "r begins again, as a new run."

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(able, lambda row: desk.job(row.job_id, "cancel"), "cancelling")

        self.rushes.ask(
            f"Cancel {what}?",
            f"{ends} at once, and half-made files go. {kept}",
            "cancel now",
            "let it go on",
            answered,
        )

    def do_rerun(self) -> None:
        """Queue the same once more."""
        rushes, able = self.rushes, self._ended("can be run again")
        made: list[str] = []

        def after(did: list[Id]) -> None:
            self.table.reload()
            if len(did) == 1:
                self.table.go_to(made[0])
                rushes.tell("Queued once more, into a new file.")

        if able:
            self.on_each(
                able,
                lambda row: made.append(rushes.desk.rerun(row.run_id)),
                "queued once more",
                after=after,
                slow=True,
            )

    def do_delete(self) -> None:
        """Delete runs and their films, after a question that names them."""
        rushes, able = self.rushes, self._ended("can be deleted")
        if not able:
            return
        staying = len(self.table.chosen()) - len(able)
        left: list[str] = []

        def after(did: list[Id]) -> None:
            self.table.reload()
            if left:
                rushes.tell("  ".join(left), "warning")
            elif len(did) == 1:
                rushes.tell("Deleted.")

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(
                    able,
                    lambda row: left.extend(rushes.desk.delete_run(row.run_id)),
                    "deleted",
                    after=after,
                    slow=True,
                )

        def listed(found: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
                return
            what = display(able[0].name) if len(able) == 1 else fmt.plural(len(able), "run")
            goes = what_goes(found, len(able), staying)
            rushes.ask(f"Delete {what}?", "\n".join(goes), "delete now", "keep everything", answered)

        rushes.runner.submit(
            lambda: [path for row in able for path in rushes.desk.goes_with(row.run_id)], listed, slow=True
        )

    def _ended(self, what: str) -> list[RunRow]:
        """The chosen runs that are over; says so when there are none."""
        able = [row for row in self.table.chosen() if row.status in ENDED]
        if not able:
            self.rushes.tell(f"None of these runs {what}: none of them has ended.", "warning")
        return able

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
                    placeholder="where they go",
                    does=word.lower(),
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
