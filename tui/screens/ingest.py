"""The ingest queue: footage that comes in, and the other jobs that are no export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.rows import Filter, JobDetail, JobRow, PartRow, Source
from engine.api.volume_rows import VolumeRow
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import TASK_LOOKS, Cell, Glyphs, look_of
from tui.screens.card import check_card
from tui.screens.cells import (
    advice,
    go_on_verb,
    job_bar,
    job_eta,
    job_percent,
    job_state,
    named,
    no_row,
    says,
    sentence,
    why_not_job,
)
from tui.screens.choose import ChoiceDialog
from tui.screens.damaged import verify_all
from tui.screens.files import FilesScreen
from tui.screens.inputs import AnswerDialog
from tui.screens.new_ingest import IngestDialog
from tui.screens.problem import ProblemScreen, log_lines
from tui.screens.triage import TriageScreen
from tui.screens.turns import Turns
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading, plain

KIND_WORDS = {
    "ingest": "ingest",
    "verify": "verify",
    "relink_scan": "scan",
    "relink_prove": "prove",
    "mhl_verify": "mhl",
    "sweep": "sweep",
    "speed": "speed",
    "repair": "repair",
}


def _rate(row: JobRow, context: Context) -> Cell:
    del context
    return ((fmt.rate(row.rate) if row.bytes_total else "", ""),) if row.status == "running" else ()


def _files(row: JobRow, context: Context) -> Cell:
    del context
    if row.kind != "ingest":
        total = f"/{row.total:,}" if row.total is not None else ""
        return ((f"{row.done:,}{total}" if row.done or total else "", ""),)
    proven = row.files_ingested + row.duplicates
    done, found = (
        max(proven, row.done if row.status == "running" else 0),
        max(row.files_found, row.total or 0),
    )
    return ((f"{done:,}/{found:,}" if found else "", ""),)


def _failed(row: JobRow, context: Context) -> Cell:
    return ((f"{row.failed:,}{context.glyphs.bad}", "bad"),) if row.failed else ()


def _kind(row: JobRow, context: Context) -> Cell:
    del context
    return ((KIND_WORDS.get(row.kind, row.kind.replace("_", " ")), "dim"),)


def _title(row: JobRow, context: Context) -> Cell:
    return named(row.title, says(row), row.status == "running", context.width)


def _size(row: JobRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.bytes_total) if row.bytes_total else "", ""),)


def _when(row: JobRow, context: Context) -> Cell:
    return ((fmt.moment(row.ended_at or row.started_at or row.created_at, context.now), "dim"),)


class IngestScreen(Turns):
    """Jobs that bring footage in, verify it or look for it."""

    PLACE = "ingest"
    SCOPE = "ingest"
    NOUN = "job"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("ingest")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 13, job_state),
        Column("PROGRESS", 8, job_bar, flex=1, most=14, drop=1, live=True),
        Column("", 5, job_percent, right=True, live=True),
        Column("RATE", 9, _rate, right=True, drop=2, live=True),
        Column("LEFT", 5, job_eta, right=True, live=True),
        Column("FILES", 9, _files, right=True, live=True),
        Column("BAD", 4, _failed, right=True),
        Column("WORK", 8, _size, right=True, drop=4),
        Column("NAME", 22, _title, flex=6),
        Column("KIND", 6, _kind, drop=3),
        Column("WHEN", 12, _when, drop=5),
    )

    def source(self) -> Source[Any, Any]:
        """All jobs that are no export."""
        return self.rushes.desk.ingests()

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing was taken in yet."""
        return (
            (("Nothing was taken in yet.", "strong"),),
            (),
            (("n", "key"), ("  takes a card in: it is copied, read back, and proven.", "")),
            (("   or in a shell:  ", "dim"), ("rushes ingest /media/CARD --to /mnt/nas", "key")),
        )

    def detail_lines(self, detail: JobDetail) -> list[Line]:
        """Items, destinations, numbers, the end of the log."""
        row, now, glyphs = detail.row, self.rushes.pace.now(), self.rushes.glyphs
        lines = [heading(display(row.title)), fact("State", *job_state(row, Context(glyphs, now, 20))[0])]
        if row.waiting_for:
            lines.append(fact("Waiting", f"for {display(row.waiting_for)}", "warn"))
        if row.error:
            lines += sentence(row.error, "bad" if row.status == "failed" else "warn")
        hint = advice(row)
        if hint:
            lines.append(Line(((hint, "dim"),)))
        lines += warning_lines(detail.warnings, glyphs)
        if row.kind == "ingest":
            found = max(row.files_found, row.total or 0)
            lines.append(fact("Files", f"{found:,} found, {row.files_ingested:,} proven"))
            more = fmt.counted(((row.duplicates, "known before"), (row.failed, "failed")), ", ")
            if more:
                lines.append(fact("", more, "warn" if row.failed else ""))
        if row.bytes_total:
            # Every byte that is read, written and read back, at each destination.
            lines.append(fact("Work", fmt.size(row.bytes_total)))
        lines += time_lines(row, now)
        lines.append(fact("Queued", f"{fmt.moment(row.created_at, now)} by {display(detail.created_by)}"))
        if row.ended_at:
            lines.append(fact("Ended", fmt.moment(row.ended_at, now)))
        lines += part_lines(row, glyphs)
        if detail.destinations:
            lines += [BLANK, heading("To")]
            lines += [Line(((f"{display(path)}", ""),), indent=2) for path in detail.destinations]
        lines += self._item_lines(detail)
        if detail.log:
            lines += [BLANK, heading("Log"), *log_lines(detail.log, self.rushes.pace, glyphs)]
        return lines

    def _item_lines(self, detail: JobDetail) -> list[Line]:
        """What is taken in, source by source."""
        glyphs = self.rushes.glyphs
        lines = [BLANK, heading("From")] if detail.items else []
        for item in detail.items:
            look = look_of(TASK_LOOKS, "queued" if item.status == "pending" else item.status)
            lines.append(Line((*look.cell(glyphs, fmt.path(item.source)),), indent=2))
            numbers = f"{item.files_ingested:,} of {item.files_found:,} files, {fmt.size(item.size_bytes)}"
            lines.append(Line(((f"  {numbers}", "dim"),), indent=2))
            if item.error:
                lines.append(Line(((f"  {fmt.path(fmt.one_line(item.error))}", "bad"),), indent=2))
        return lines

    def why_not(self, verb: str, row: JobRow | None) -> str | None:
        """Verbs need a job in a fitting state."""
        if verb in ("new", "watches", "verify"):
            return None
        if row is None:
            return no_row("job")
        if verb == "report" and row.batch_id is None:
            return "Only an ingest has a report."
        if verb in ("pause", "resume", "cancel"):
            return None if self.table.marks else why_not_job(verb, row.status, row.kind, row.intent)
        if verb == "check" and row.kind != "ingest":
            return "Only an ingest has a card to check."
        return self.why_not_turn(verb, row)

    def do_new(self) -> None:
        """Ask what to take in, and where to."""
        new_ingest(self)

    def do_open(self) -> None:
        """Show the files of the job."""
        row = cast("JobRow", self.table.current())
        self.rushes.push_screen(FilesScreen(row.job_id))

    def do_pause(self) -> None:
        """Pause."""
        desk = self.rushes.desk
        self.on_each(self.table.chosen(), lambda row: desk.job(row.job_id, "pause"), "pausing")

    def do_resume(self) -> None:
        """Resume or retry, as each job needs."""
        desk = self.rushes.desk
        self.on_each(
            self.table.chosen(),
            lambda row: desk.job(row.job_id, cast("Any", go_on_verb(row.status))),
            "going on",
        )

    def do_cancel(self) -> None:
        """Cancel, after a question."""
        cancel_jobs(self, self.table.chosen())

    def do_log(self) -> None:
        """Show the log and what went wrong."""
        show_job(self, cast("JobRow", self.table.current()))

    def do_report(self) -> None:
        """Choose formats, write the reports, say where they lie."""
        row, rushes = cast("JobRow", self.table.current()), self.rushes

        def written(made: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "error")
                return
            verdict, files = cast("tuple[str, Sequence[tuple[str, str]]]", made)
            lines = [plain(display(verdict), "strong"), BLANK]
            lines += [fact(form, display(path), width=6) for form, path in files]
            rushes.push_screen(AnswerDialog(f"Reports of {display(row.title)}", lines, wide=True))

        def chosen(answer: str | None) -> None:
            if answer is not None:
                formats = answer.split(",")
                rushes.tell("Writing the report.")
                rushes.runner.submit(
                    lambda: rushes.desk.intake.report(row.job_id, formats), written, slow=True
                )

        rushes.push_screen(ChoiceDialog("Report as", REPORTS, "", rushes.glyphs), chosen)

    def do_watches(self) -> None:
        """The watched folders."""
        from tui.screens.watches import WatchesScreen

        self.rushes.push_screen(WatchesScreen())

    def do_verify(self) -> None:
        """Queue a scrub."""
        verify_all(self)

    def do_check(self) -> None:
        """Is the job's card safe to format?"""
        row = cast("JobRow", self.table.current())
        detail = cast("JobDetail", self.source().detail(row.job_id))
        source = next((item.source for item in detail.items if item.source), None)
        if source is None:
            self.rushes.tell("This job has no source that could be checked.", "warning")
            return
        check_card(self, display(source), source)


def mounted(screen: TriageScreen) -> tuple[list[VolumeRow], list[str]]:
    """Volumes that are there and mount points that do not answer."""
    source = screen.rushes.desk.volumes()
    rows: list[VolumeRow] = list(source.rows(source.ids(Filter())))
    dead = [row.mount_point for row in rows if row.state == "not_responding" and row.mount_point]
    return [row for row in rows if row.state == "online" and row.mount_point], dead


def new_ingest(screen: TriageScreen, chosen: Sequence[str] = ()) -> None:
    """Ask what to take in, and where to; show the plan; then show the job. ``chosen`` are sources."""
    volumes, dead = mounted(screen)
    cards_first = sorted(
        volumes, key=lambda row: (row.volume_class != "card", row.volume_class != "removable")
    )
    stores_first = sorted(
        (row for row in volumes if not row.read_only and row.volume_class != "card"),
        key=lambda row: row.volume_class not in ("pool", "network"),
    )

    def queued(job_id: str | None) -> None:
        if job_id is None:
            return
        screen.rushes.tell("Queued. Every copy is read back before it counts.")
        screen.rushes.feed.poll()
        screen.table.reload()
        if isinstance(screen, IngestScreen):
            screen.table.go_to(job_id)

    screen.rushes.push_screen(
        IngestDialog(
            screen.rushes.desk.intake,
            [cast("str", row.mount_point) for row in cards_first],
            [cast("str", row.mount_point) for row in stores_first],
            dead,
            chosen,
        ),
        queued,
    )


REPORTS = (
    ("pdf,html,csv,json,txt", "all five"),
    ("pdf", "PDF"),
    ("html", "HTML"),
    ("csv", "CSV"),
    ("json", "JSON"),
    ("txt", "TXT"),
)
"""Formats of a report, and what they are called."""


def time_lines(row: JobRow, now: datetime) -> list[Line]:
    """The two times of an ingest: when the card is free, and when all is done, verification included."""
    lines = []
    if row.freed_at:
        lines.append(fact("Card free", f"since {fmt.moment(row.freed_at, now)}", "good"))
    elif row.status == "running" and row.free_eta_seconds is not None:
        lines.append(fact("Card free", f"in {fmt.eta(row.free_eta_seconds)}", "busy"))
    if row.status == "running" and row.eta_seconds is not None:
        lines.append(fact("All done", f"in {fmt.eta(row.eta_seconds)}, read back", "busy"))
    return lines


WARNINGS_SHOWN = 4
"""Warnings that stand in the detail of a job; the log has all."""


def warning_lines(warnings: Sequence[str], glyphs: Glyphs) -> list[Line]:
    """What is to be minded of a job as a whole: a card that is not whole, a drive that kept it waiting."""
    lines = [
        Line(((f"{glyphs.warn} {fmt.path(text)}", "warn"),), indent=2) for text in warnings[:WARNINGS_SHOWN]
    ]
    if len(warnings) > WARNINGS_SHOWN:
        lines.append(plain(f"  and {len(warnings) - WARNINGS_SHOWN} more; L shows them", "dim"))
    return lines


PART_WORDS = {"source": "from", "hashing": "hash", "destination": "to"}


def part_lines(row: JobRow, glyphs: Glyphs) -> list[Line]:
    """How fast source, hashing and each destination work, and which of them holds the others up."""
    if not row.parts:
        return []
    lines = [BLANK, heading("Parts")]
    for part in row.parts:
        live = row.status == "running"
        write = part.write_rate_now if live and part.write_rate_now else part.write_rate
        read = part.read_rate_now if live and part.read_rate_now else part.read_rate
        rates = ", ".join(
            f"{word} {fmt.rate(rate)}" for word, rate in (("writes", write), ("reads", read)) if rate
        )
        name = "hashing" if part.kind == "hashing" else display(part.name)
        stage = f"  {part.stage}" if part.stage and live else ""
        lines.append(
            Line(
                (
                    (f"{glyphs.warn if part.bottleneck else ' '} ", "warn"),
                    (f"{PART_WORDS.get(part.kind, part.kind):<5}", "dim"),
                    (name, "strong" if part.bottleneck else ""),
                    (stage, "busy"),
                ),
                indent=7,
            )
        )
        if live and part.kind == "destination":
            lines += _way_lines(row, part, glyphs)
        busy = f"{rates}; " if rates else ""
        lines.append(Line(((f"       {busy}busy {fmt.eta(part.busy_seconds) or '0s'}", "dim"),), indent=7))
        if part.bottleneck:
            lines.append(Line((("       the slowest part: the others wait for it", "warn"),), indent=7))
    return lines


def _way_lines(row: JobRow, part: PartRow, glyphs: Glyphs) -> list[Line]:
    """How far one destination is, and how long it needs by itself, verification included."""
    ends = sum(one.kind == "destination" for one in row.parts)
    size = (row.bytes_total or 0) // (2 * max(1, ends))  # each byte counts when written and when read back
    if not size:
        return []
    written, read = min(part.bytes_written, size), min(part.bytes_read, size)
    share = (written + read) / (2 * size)
    full, rest = fmt.bar(share, 16, glyphs.full, glyphs.rest)
    left = None
    if part.write_rate and part.read_rate:
        left = (size - written) / part.write_rate + (size - read) / part.read_rate
    told = f" {fmt.percent(share)}" + (f", {fmt.eta(left)} left" if left else "")
    return [Line((("       ", ""), (full, "busy"), (rest, "rest"), (told, "")), indent=7)]


def cancel_jobs(screen: TriageScreen, rows: Sequence[JobRow]) -> None:
    """Cancel jobs, after a question that says what is kept."""
    able = [row for row in rows if why_not_job("cancel", row.status, row.kind) is None]
    if not able:
        screen.rushes.tell("None of these jobs can be cancelled: all of them have ended.", "warning")
        return
    desk = screen.rushes.desk
    what = display(able[0].title) if len(able) == 1 else fmt.plural(len(able), "job")
    left = sum((row.bytes_total or 0) - row.bytes_done for row in able if row.bytes_total)
    rest = f"{fmt.size(left)} are not done yet. " if left > 0 else ""

    def answered(yes: bool | None) -> None:
        if yes:
            screen.on_each(able, lambda row: desk.job(row.job_id, "cancel"), "cancelling")

    screen.rushes.ask(
        f"Cancel {what}?",
        f"{rest}What is proven stays; half-made files go. r takes an ingest up again later.",
        "cancel now",
        "let it go on",
        answered,
    )


def show_job(screen: TriageScreen, row: JobRow) -> None:
    """Show a job's log, and what went wrong with it."""
    desk = screen.rushes.desk
    can = {}
    if row.status in ("failed", "completed_with_warnings", "interrupted", "paused"):
        can["retry"] = "resume" if go_on_verb(row.status) == "resume" else "retry what failed"
    facts = [fact("State", *job_state(row, Context(screen.rushes.glyphs, screen.rushes.pace.now(), 20))[0])]
    if row.files_found:
        numbers = ((row.files_ingested, "proven"), (row.duplicates, "known before"), (row.failed, "failed"))
        facts.append(fact("Files", f"{row.files_found:,} found: {fmt.counted(numbers, ', ') or 'none done'}"))

    def chosen(verb: str | None) -> None:
        if verb == "retry":
            screen.on_each(
                [row], lambda one: desk.job(one.job_id, cast("Any", go_on_verb(one.status))), "going on"
            )

    screen.rushes.push_screen(
        ProblemScreen(
            display(row.title),
            row.error,
            advice(row),
            facts,
            lambda: desk.log(row.job_id),
            can=can,
            glyphs=screen.rushes.glyphs,
        ),
        chosen,
    )
