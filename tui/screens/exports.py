"""The export queue: runs of recipes, their segments, and the films that came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.binding import BindingType

from engine.api.rows import RunDetail, RunRow, Source
from engine.errors import Refused, RushesError
from engine.names import display
from tui import format as fmt
from tui import keys
from tui.looks import TASK_LOOKS, Cell, look_of
from tui.screens.cells import advice, go_on_verb, no_row, sentence, why_not_job
from tui.screens.inputs import RecipeDialog
from tui.screens.problem import ProblemScreen, log_lines
from tui.screens.run_cells import (
    COLUMNS,
    ENDED,
    STALL_LOOK_SECONDS,
    STALLED_ADVICE,
    WHOLE,
    segments,
    stalled,
    state_of,
    strip_of,
)
from tui.screens.run_verbs import RunVerbs
from tui.screens.thumbs import Thumbs
from tui.widgets.columns import Context
from tui.widgets.line_view import BLANK, Line, fact, heading


class ExportsScreen(RunVerbs):
    """All runs."""

    PLACE = "exports"
    SCOPE = "exports"
    NOUN = "run"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("exports")
    FILTER_HINT: ClassVar[str] = "text, !text, is:failed, size>1g, length<30s, age<2d"
    COLUMNS = COLUMNS

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
        lines.append(fact("State", *state_of(row, context)[0]))
        if row.waiting_for:
            lines.append(fact("Waiting", f"for {display(row.waiting_for)}", "warn"))
        if row.error:
            lines += sentence(row.error, "bad" if row.status == "failed" else "warn")
        hint = self._advice(row, context)
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

    def _advice(self, row: RunRow, context: Context) -> str | None:
        """What to do about a run that does not move."""
        return STALLED_ADVICE if stalled(row, context) else advice(row)

    def _live_lines(self, row: RunRow, is_stalled: bool) -> list[Line]:
        """How far a run is, in numbers that the table may have no room for."""
        if row.frames_total is None:
            return []
        lines = [fact("Frames", f"{row.frames_done:,} of {row.frames_total:,}")]
        if row.status == "running":
            if row.message:
                lines.append(fact("Doing", fmt.path(row.message)))
            left = fmt.eta(row.eta_seconds)
            speed = f"{fmt.plural(round(row.rate), 'frame')} a second" if row.rate else ""
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
            if len(detail.outputs) == 1 and detail.outputs[0].proof:
                lines.append(fact("Proven", fmt.path(detail.outputs[0].proof), "good"))
                lines.append(fact("BLAKE3", detail.outputs[0].blake3 or "-"))
        if len(detail.outputs) > 1:
            lines += [BLANK, heading("Files")]
            for output in detail.outputs:
                look = look_of(TASK_LOOKS, output.status)
                name = fmt.path(output.path or output.title).rsplit("/", 1)[-1]
                lines.append(Line((*look.cell(glyphs, name),), indent=2))
                if output.proof:
                    lines.append(Line(((f"  {fmt.path(output.proof)}", "dim"),), indent=2))
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
            if verb == "resume" and row.is_whole and not self.table.marks:
                return WHOLE
            if row.status == "running" and self._engine_is_away():
                return "No engine runs, so this run stands still. E starts one; then r goes on."
            return None if self.table.marks else why_not_job(verb, row.status, "export", row.intent)
        if verb in ("rerun", "delete"):
            if self.table.marks or row.status in ENDED:
                return None
            what = "run again" if verb == "rerun" else "deleted"
            return f"This run has not ended and cannot be {what}; c cancels it."
        if verb == "yank" and row.output_path is None:
            return "This run has no finished film yet."
        return self.why_not_run(verb, row)

    def _engine_is_away(self) -> bool:
        """Whether nobody is there who could be told anything."""
        header = self.rushes.feed.header
        return header is not None and header.engine == "absent"

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
        if self.why_not("resume", row) is None:
            can["retry"] = go_on_verb(row.status)
        if row.output_path:
            can["copy"] = "copy path"
        facts = [fact("State", *state_of(row, context)[0])]
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
                self._go_on([row])
            elif verb == "copy":
                self._copy(row)

        rushes.push_screen(
            ProblemScreen(
                display(row.name),
                row.error,
                self._advice(row, context),
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
        self._go_on(self.table.chosen())

    def _go_on(self, rows: Sequence[RunRow]) -> None:
        desk = self.rushes.desk
        made: list[str] = []

        def one(row: RunRow) -> None:
            if row.is_whole:
                raise Refused(WHOLE)
            if row.status == "cancelled":
                made.append(desk.making.resume_run(row.run_id))
            else:
                desk.job(row.job_id, cast("Any", go_on_verb(row.status)))

        def after(did: Sequence[Any]) -> None:
            self.table.reload()
            if len(did) == 1 and made:
                self.table.go_to(made[0])
                self.rushes.tell("A new run goes on with the finished segments.")

        self.on_each(rows, one, "going on", after=after, slow=True)

    def do_yank(self) -> None:
        """Copy the path of the film."""
        self._copy(cast("RunRow", self.table.current()))

    def _copy(self, row: RunRow) -> None:
        """Copy the path at once; that nothing is there is told as soon as it is known."""
        rushes = self.rushes
        rushes.copy_path(cast("str", row.output_path))

        def looked(path: Any, error: RushesError | None) -> None:
            del path
            if error is not None:
                rushes.tell(str(error), "warning")

        rushes.runner.submit(lambda: rushes.desk.making.film_of(row.run_id), looked, slow=True)
