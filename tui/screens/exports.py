"""The export queue: runs of recipes, their segments, and the films that came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine import clock
from engine.api.rows import Id, RunDetail, RunRow, Source
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import STALLED, TASK_LOOKS, Cell, Piece, look_of
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
from tui.screens.inputs import RecipeDialog
from tui.screens.problem import ProblemScreen, log_lines
from tui.screens.run_verbs import RunVerbs
from tui.screens.thumbs import Thumbs
from tui.widgets.columns import Column, Context
from tui.widgets.line_view import BLANK, Line, fact, heading

STALLED_SECONDS = 30
"""A run whose frames stand still this long is shown as stalled; the engine ends it after 60 s."""
STALL_LOOK_SECONDS = 2.0
"""How often that is looked for."""

SEGMENT_TONES = {"q": "rest", "r": "busy", "c": "good", "u": "dim", "s": "dim", "f": "bad", "x": "dim"}


ENDED = ("completed", "completed_with_warnings", "failed", "cancelled")
"""States of a run that is over."""

FILES_NAMED = 6
"""Files that a question names; more of them are counted."""


def stalled(row: RunRow, context: Context) -> bool:
    """Whether the run has not moved for a while."""
    if row.status != "running" or row.progress_at is None:
        return False
    return (context.now - clock.parse(row.progress_at)).total_seconds() > STALLED_SECONDS


def _left(row: RunRow, context: Context) -> Cell:
    return () if stalled(row, context) else job_eta(row, context)


def _state(row: RunRow, context: Context) -> Cell:
    return STALLED.cell(context.glyphs) if stalled(row, context) else job_state(row, context)


def segments(letters: str, width: int, context: Context) -> Cell:
    """A strip with one sign per segment, or per group of them when they are many."""
    glyphs = context.glyphs
    signs = {
        "q": glyphs.rest,
        "r": glyphs.busy,
        "c": glyphs.full,
        "u": glyphs.full,
        "s": glyphs.skip,
        "f": glyphs.bad,
        "x": glyphs.skip,
    }
    pieces: list[Piece] = []
    for letter in fmt.strip_of(letters, width):
        tone = SEGMENT_TONES[letter]
        if pieces and pieces[-1][1] == tone:
            pieces[-1] = (pieces[-1][0] + signs[letter], tone)
        else:
            pieces.append((signs[letter], tone))
    return tuple(pieces)


def strip_of(row: RunRow) -> str:
    """A letter per segment; those in hand wait when the run does not run."""
    return row.segments if row.status == "running" else row.segments.replace("r", "q")


def _segments(row: RunRow, context: Context) -> Cell:
    if row.segments:
        return segments(strip_of(row), context.width, context)
    word = " files" if context.width >= 12 else ""
    return ((f"{row.outputs_done}/{row.outputs}{word}", ""),) if row.outputs > 1 else ()


def _frames(row: RunRow, context: Context) -> Cell:
    del context
    if row.frames_total is None:
        return ()
    if row.status == "completed":
        return ((f"{row.frames_total:,}", "dim"),)
    return ((f"{row.frames_done:,}/{row.frames_total:,}", ""),)


def _speed(row: RunRow, context: Context) -> Cell:
    del context
    return ((f"{row.rate:.0f} fps", ""),) if row.status == "running" and row.rate else ()


def _name(row: RunRow, context: Context) -> Cell:
    said = ("no new frame for more than 30 s", "warn") if stalled(row, context) else says(row)
    return named(row.name, said, row.status == "running", context.width)


def _output(row: RunRow, context: Context) -> Cell:
    del context
    return ((display(row.output_path), "dim"),) if row.output_path else ()


def _size(row: RunRow, context: Context) -> Cell:
    del context
    return ((fmt.size(row.output_bytes), ""),) if row.output_bytes is not None else ()


def _length(row: RunRow, context: Context) -> Cell:
    del context
    return ((fmt.duration(row.output_duration_ms), ""),) if row.output_duration_ms is not None else ()


def _queued(row: RunRow, context: Context) -> Cell:
    return ((fmt.moment(row.created_at, context.now), "dim"),)


def what_goes(paths: Sequence[str]) -> list[str]:
    """What deleting a run removes, in lines; its log and its settings always go."""
    if not paths:
        return ["Its log, settings and kept segments go. No finished film goes with it."]
    lines = ["Its log, settings and kept segments go, and with them for good:"]
    lines += [display(path) for path in paths[:FILES_NAMED]]
    more = len(paths) - FILES_NAMED
    return [*lines, f"and {fmt.plural(more, 'more file')}"] if more > 0 else lines


class ExportsScreen(RunVerbs):
    """All runs."""

    PLACE = "exports"
    SCOPE = "exports"
    NOUN = "run"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("exports")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("STATE", 13, _state),
        Column("PROGRESS", 8, job_bar, flex=1, most=12, drop=1, live=True),
        Column("", 5, job_percent, right=True, live=True),
        Column("LEFT", 5, _left, right=True, live=True),
        Column("FRAMES", 15, _frames, right=True, drop=3, live=True),
        Column("SPEED", 7, _speed, right=True, drop=5, live=True),
        Column("SEGMENTS", 10, _segments, flex=1, most=24, live=True),
        Column("NAME", 20, _name, flex=6),
        Column("LENGTH", 7, _length, right=True, drop=4),
        Column("SIZE", 8, _size, right=True, drop=2),
        Column("QUEUED", 12, _queued, drop=7),
        Column("OUTPUT", 16, _output, flex=3, middle=True, drop=6),
    )

    def __init__(self) -> None:
        super().__init__()
        self._thumbs = Thumbs(self, self._show_detail)

    def on_mount(self) -> None:
        """Fill the table; that a run stands still is seen by the clock, nothing is written then."""
        super().on_mount()
        self.set_interval(STALL_LOOK_SECONDS, self.look_for_stalls)

    def look_for_stalls(self) -> None:
        """Draw running rows again."""
        header = self.rushes.feed.header
        if self.is_current and header is not None and header.counts.exports_active:
            self._read(self.table.look_at_clock)
            self._read(self._show_detail)

    def source(self) -> Source[Any, Any]:
        """All runs."""
        return self.rushes.desk.exports()

    def empty_lines(self) -> Sequence[Cell]:
        """Nothing was exported yet."""
        return (
            (("Nothing was exported yet.", "strong"),),
            (),
            (("n", "key"), ("  queues a recipe.", "")),
            (("e", "key"), ("  makes and changes recipes and presets.", "")),
        )

    def detail_lines(self, detail: RunDetail) -> list[Line]:
        """Settings, segments, files, the end of the log."""
        row, now, glyphs = detail.row, self.rushes.pace.now(), self.rushes.glyphs
        context = Context(glyphs, now, 40)
        lines = [heading(display(row.name)), *self._thumbs.lines(detail.thumbnail)]
        lines.append(fact("State", *_state(row, context)[0]))
        if row.waiting_for:
            lines.append(fact("Waiting", f"for {display(row.waiting_for)}", "warn"))
        if row.error:
            lines += sentence(row.error, "bad" if row.status == "failed" else "warn")
        hint = advice(row)
        if hint:
            lines.append(Line(((hint, "dim"),)))
        lines += self._live_lines(row, stalled(row, context))
        lines += self._setting_lines(detail)
        if row.segments:
            lines.append(
                Line(((f"{'Segments':<11} ", "dim"), *segments(strip_of(row), 26, context)), indent=12)
            )
            finished = sum(letter in "cu" for letter in row.segments)
            kept = f", {detail.segments_reused} taken over" if detail.segments_reused else ""
            lines.append(fact("", f"{finished} of {len(row.segments)} finished{kept}"))
        lines.append(fact("Queued", fmt.moment(row.created_at, now)))
        if row.ended_at:
            lines.append(fact("Ended", fmt.moment(row.ended_at, now)))
        lines += self._film_lines(detail)
        if detail.log:
            lines += [BLANK, heading("Log"), *log_lines(detail.log, self.rushes.pace, glyphs)]
        return lines

    def _live_lines(self, row: RunRow, is_stalled: bool) -> list[Line]:
        """How far a run is, in numbers that the table may have no room for."""
        if row.frames_total is None:
            return []
        lines = [fact("Frames", f"{row.frames_done:,} of {row.frames_total:,}")]
        if row.status == "running":
            if row.message:
                lines.append(fact("Doing", fmt.path(row.message)))
            left = fmt.eta(row.eta_seconds)
            speed = f"{row.rate:.0f} frames a second" if row.rate else ""
            words = ", ".join(word for word in (speed, f"{left} left" if left else "") if word)
            if words and not is_stalled:
                lines.append(fact("Speed", words))
        return lines

    def _setting_lines(self, detail: RunDetail) -> list[Line]:
        """What was asked for."""
        from engine.api.recipe_fields import LAYOUT_WORDS, MODE_WORDS  # slow, and a detail is read beside

        lines = [fact("Recipe", display(detail.row.recipe_name))]
        preset = detail.settings.get("preset") or {}
        spec = (detail.settings.get("recipe") or {}).get("spec") or {}
        clips = detail.settings.get("clips") or ()
        mode, layout = str(spec.get("mode", "")), str(spec.get("layout", ""))
        for label, value in (
            ("Preset", preset.get("name")),
            ("Clips", f"{len(clips):,} ({MODE_WORDS.get(mode, mode)})" if clips else None),
            ("Makes", LAYOUT_WORDS.get(layout, layout)),
            ("To", detail.settings.get("destination")),
        ):
            if isinstance(value, str) and value:
                lines.append(fact(label, display(value)))
        lines += [Line(((fmt.path(left), "warn"),)) for left in detail.settings.get("left_out") or ()]
        return lines

    def _film_lines(self, detail: RunDetail) -> list[Line]:
        """What came out."""
        row, glyphs = detail.row, self.rushes.glyphs
        lines: list[Line] = []
        if row.output_path:
            lines += [BLANK, heading("Output"), Line(((display(row.output_path), ""),))]
            facts = f"{fmt.duration(row.output_duration_ms)}, {fmt.size(row.output_bytes)}"
            lines.append(Line(((facts, "dim"),)))
        if len(detail.outputs) > 1:
            lines += [BLANK, heading("Files")]
            for output in detail.outputs:
                look = look_of(TASK_LOOKS, output.status)
                name = fmt.path(output.path or output.title).rsplit("/", 1)[-1]
                lines.append(Line((*look.cell(glyphs, name),), indent=2))
                if output.error:
                    lines.append(Line(((f"  {fmt.path(fmt.one_line(output.error))}", "bad"),), indent=2))
        return lines

    def why_not(self, verb: str, row: RunRow | None) -> str | None:
        """Verbs need a run in a fitting state."""
        if verb in ("new", "recipes"):
            return None
        if row is None:
            return no_row("run")
        if verb in ("pause", "resume", "cancel"):
            if verb == "resume" and row.status == "cancelled":
                return None
            return None if self.table.marks else why_not_job(verb, row.status, "export", row.intent)
        if verb in ("rerun", "delete"):
            if self.table.marks or row.status in ENDED:
                return None
            what = "run again" if verb == "rerun" else "deleted"
            return f"This run has not ended and cannot be {what}; c cancels it."
        if verb == "yank" and row.output_path is None:
            return "This run has no finished film yet."
        return self.why_not_run(verb, row)

    def do_new(self) -> None:
        """Choose recipes to queue."""
        rushes = self.rushes

        def chosen(names: list[str] | None) -> None:
            if not names:
                return

            def queued(run_ids: Any, error: RushesError | None) -> None:
                if error is not None:
                    rushes.tell(str(error), "error")
                    return
                rushes.tell(f"{fmt.plural(len(names), 'export')} queued.")
                rushes.feed.poll()
                self.table.reload()
                if run_ids:
                    self.table.go_to(run_ids[0])

            rushes.runner.submit(lambda: rushes.desk.export(names), queued, slow=True)

        try:
            recipes = rushes.desk.recipes()
        except RushesError as error:
            rushes.tell(str(error), "error")
            return
        rushes.push_screen(RecipeDialog(recipes, rushes.glyphs), chosen)

    def do_recipes(self) -> None:
        """Go to the recipes."""
        from tui.screens.recipes import RecipesScreen

        self.rushes.push_screen(RecipesScreen())

    def do_log(self) -> None:
        """Show the log and what went wrong."""
        row = cast("RunRow", self.table.current())
        rushes = self.rushes
        detail = cast("RunDetail", self.source().detail(row.run_id))
        context = Context(rushes.glyphs, rushes.pace.now(), 60)
        can = {}
        if why_not_job("resume", row.status, "export") is None:
            can["retry"] = go_on_verb(row.status)
        if row.output_path:
            can["copy"] = "copy path"
        facts = [fact("State", *_state(row, context)[0])]
        if row.waiting_for:
            facts.append(fact("Waiting", f"for {display(row.waiting_for)}", "warn"))
        if row.segments:
            facts.append(
                Line(((f"{'Segments':<11} ", "dim"), *segments(strip_of(row), 60, context)), indent=12)
            )
        if row.output_path:
            facts.append(fact("Output", display(row.output_path)))
        full = rushes.desk.making.log_file(row.run_id)
        if full is not None:
            facts.append(fact("Full log", display(full)))
        if detail.error_details:
            facts += [BLANK, heading("ffmpeg said last")]
            facts += [Line(((fmt.path(part), ""),)) for part in detail.error_details.splitlines()[-12:]]

        def chosen(verb: str | None) -> None:
            if verb == "retry":
                self.on_each(
                    [row],
                    lambda one: rushes.desk.job(one.job_id, cast("Any", go_on_verb(one.status))),
                    "going on",
                )
            elif verb == "copy":
                rushes.copy_path(cast("str", row.output_path))

        rushes.push_screen(
            ProblemScreen(
                display(row.name),
                row.error,
                advice(row),
                facts,
                lambda: rushes.desk.log(row.job_id),
                can=can,
                glyphs=rushes.glyphs,
                bad=row.status == "failed",
                full=(lambda: rushes.desk.making.log_tail(row.run_id)) if full is not None else None,
            ),
            chosen,
        )

    def do_pause(self) -> None:
        """Pause."""
        desk = self.rushes.desk
        self.on_each(self.table.chosen(), lambda row: desk.job(row.job_id, "pause"), "pausing")

    def do_resume(self) -> None:
        """Resume or retry, as each run needs; a cancelled one goes on as a new run."""
        desk = self.rushes.desk

        def go_on(row: RunRow) -> None:
            if row.status == "cancelled":
                desk.making.resume_run(row.run_id)
            else:
                desk.job(row.job_id, cast("Any", go_on_verb(row.status)))

        self.on_each(self.table.chosen(), go_on, "going on", after=lambda _: self.table.reload(), slow=True)

    def do_cancel(self) -> None:
        """Cancel, after a question."""
        desk = self.rushes.desk
        able = [row for row in self.table.chosen() if why_not_job("cancel", row.status, "export") is None]
        if not able:
            self.rushes.tell("None of these runs can be cancelled: all of them have ended.", "warning")
            return
        what = display(able[0].name) if len(able) == 1 else fmt.plural(len(able), "run")
        done = sum(sum(letter in "cu" for letter in row.segments) for row in able)
        kept = f"{fmt.plural(done, 'finished segment')} can be taken over by a new run. " if done else ""

        def answered(yes: bool | None) -> None:
            if yes:
                self.on_each(able, lambda row: desk.job(row.job_id, "cancel"), "cancelling")

        self.rushes.ask(
            f"Cancel {what}?",
            f"A cancelled run is over. {kept}Half-made files go.",
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
            rushes.ask(
                f"Delete {what}?", "\n".join(what_goes(found)), "delete now", "keep everything", answered
            )

        rushes.runner.submit(
            lambda: [path for row in able for path in rushes.desk.goes_with(row.run_id)], listed, slow=True
        )

    def _ended(self, what: str) -> list[RunRow]:
        """The chosen runs that are over; says so when there are none."""
        able = [row for row in self.table.chosen() if row.status in ENDED]
        if not able:
            self.rushes.tell(f"None of these runs {what}: none of them has ended.", "warning")
        return able

    def do_yank(self) -> None:
        """Copy the path of the film."""
        row = cast("RunRow", self.table.current())
        self.rushes.copy_path(cast("str", row.output_path))
