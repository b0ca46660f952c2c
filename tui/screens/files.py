"""The files of one job, each with its state at every destination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.file_rows import FileDetail, FileRow, TransferRow
from engine.api.rows import JobRow, Source
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import TASK_LOOKS, Cell, Piece, job_cell, look_of
from tui.screens.cells import go_on_verb, no_row, sentence, why_not_job
from tui.screens.inputs import AnswerDialog
from tui.screens.journal import journal_lines
from tui.screens.problem import log_lines
from tui.screens.triage import TriageScreen
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain


def _state(row: FileRow, context: Context) -> Cell:
    return look_of(TASK_LOOKS, row.status).cell(context.glyphs)


def _size(row: FileRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.size_bytes), ""),)


def _places(row: FileRow, context: Context) -> Cell:
    pieces: list[Piece] = []
    for transfer in row.transfers:
        look = look_of(TASK_LOOKS, transfer.status)
        stage = f" {transfer.stage}" if transfer.status == "running" and transfer.stage else ""
        pieces.append((f"{getattr(context.glyphs, look.glyph)}{display(transfer.volume)}{stage} ", look.tone))
    if not pieces and row.stage and row.status == "running":
        pieces.append((row.stage, ""))
    return tuple(pieces)


def _name(row: FileRow, context: Context) -> Cell:
    del context
    return ((display(row.name), ""),)


def _error(row: FileRow, context: Context) -> Cell:
    del context
    error = row.error or next((one.error for one in row.transfers if one.error), None)
    return ((fmt.path(fmt.one_line(error)), "bad"),) if error else ()


class FilesScreen(TriageScreen):
    """Files of a job; ``esc`` goes back to the jobs."""

    PLACE = "ingest"
    SCOPE = "files"
    NOUN = "file"
    LONG = True
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("files")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 11, _state),
        Column("SIZE", 8, _size, right=True),
        Column("DESTINATIONS", 18, _places, flex=2, most=44),
        Column("FILE", 20, _name, flex=4, middle=True),
        Column("WHAT WENT WRONG", 24, _error, flex=2, drop=1),
    )

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self._job_id = job_id
        self._files: Source[Any, Any] | None = None

    def source(self) -> Source[Any, Any]:
        """The files of the job."""
        if self._files is None:
            self._files = self.rushes.desk.files(self._job_id)
        return self._files

    def job(self) -> JobRow | None:
        """The job itself; None when it is gone."""
        return next(iter(self.rushes.desk.ingests().rows([self._job_id])), None)

    def extra_parts(self) -> list[Piece]:
        """The job's own state and name."""
        job = self.job()
        if job is None:
            return []
        state = job_cell(job.status, job.intent, self.rushes.glyphs)
        return [state[0], (fmt.fit(display(job.title), 30, self.rushes.glyphs.ellipsis), "")]

    def empty_lines(self) -> Sequence[Cell]:
        """The files are not listed yet, or there are none."""
        return (
            (("No files yet.", "strong"),),
            (("They are listed as soon as the job has looked at its sources.", ""),),
            (("h", "key"), (" goes back to the jobs", "dim")),
        )

    def detail_lines(self, detail: FileDetail) -> list[Line]:
        """One file, destination by destination."""
        row, now, glyphs = detail.row, self.rushes.pace.now(), self.rushes.glyphs
        lines = [heading(display(row.name)), fact("State", *_state(row, Context(glyphs, now, 20))[0])]
        if row.stage and row.status == "running":
            lines.append(fact("Stage", row.stage))
        lines.append(fact("Size", fmt.size(row.size_bytes)))
        if row.source is not None:
            lines.append(fact("From", display(row.source)))
        if row.attempts > 1:
            lines.append(fact("Attempts", str(row.attempts)))
        if row.error:
            lines += sentence(row.error, "bad")
        for transfer in row.transfers:
            lines += [BLANK, heading(display(transfer.volume)), *self._transfer(transfer)]
        if not row.transfers:
            lines += [BLANK, plain("Not sent to any destination yet.", "dim")]
        if detail.log:
            lines += [BLANK, heading("Log"), *log_lines(detail.log, self.rushes.pace, glyphs)]
        return lines

    def _transfer(self, transfer: TransferRow) -> list[Line]:
        look = look_of(TASK_LOOKS, transfer.status)
        lines = [fact("State", *look.cell(self.rushes.glyphs, "proven" if transfer.verified_at else None)[0])]
        if transfer.stage and transfer.status == "running":
            lines.append(fact("Stage", transfer.stage))
        if transfer.level:
            lines.append(fact("Proof", transfer.level, "good"))
        rates = (("writes", transfer.write_rate), ("reads", transfer.read_rate))
        told = ", ".join(f"{word} {fmt.rate(rate)}" for word, rate in rates if rate)
        if told:
            lines.append(fact("Device", told))
        if transfer.verified_at:
            lines.append(fact("At", fmt.moment(transfer.verified_at, self.rushes.pace.now())))
        lines.append(fact("Path", display(transfer.path)))
        if transfer.error:
            lines += sentence(transfer.error, "bad")
        return lines

    def why_not(self, verb: str, row: FileRow | None) -> str | None:
        """Verbs act on the job, ``open`` on the file."""
        if verb == "back":
            return None
        if verb == "open":
            return no_row("file") if row is None else None
        job = self.job()
        if job is None:
            return "This job is no longer in the library."
        if verb not in ("pause", "resume", "cancel"):
            return None
        return why_not_job(verb, job.status, job.kind, job.intent)

    def do_open(self) -> None:
        """The journal of the file."""
        row, rushes = cast("FileRow", self.table.current()), self.rushes

        def shown() -> None:
            told = rushes.desk.intake.journal(row.task_id)
            lines = journal_lines(told, rushes.glyphs, rushes.pace.now())
            rushes.push_screen(AnswerDialog(f"Journal of {display(told.name)}", lines, wide=True))

        rushes.guarded(shown)

    def do_pause(self) -> None:
        """Pause the job."""
        self._verb("pause")

    def do_resume(self) -> None:
        """Resume or retry the job."""
        self._verb(go_on_verb(cast("JobRow", self.job()).status))

    def _verb(self, verb: str) -> None:
        desk = self.rushes.desk
        self.on_each([self.job()], lambda job: desk.job(job.job_id, cast("Any", verb)), "asked for")

    def do_cancel(self) -> None:
        """Cancel the job, after a question."""
        from tui.screens.ingest import cancel_jobs

        cancel_jobs(self, [cast("JobRow", self.job())])

    def do_log(self) -> None:
        """Show the job's log."""
        from tui.screens.ingest import show_job

        show_job(self, cast("JobRow", self.job()))

    def do_back(self) -> None:
        """Back to the jobs."""
        self.rushes.pop_screen()

    def step_out(self) -> None:
        """``esc`` with nothing left to undo goes back to the jobs."""
        self.rushes.pop_screen()
