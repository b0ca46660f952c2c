"""What happened to one job: the sentence, what to do, the facts, the log; only the log when all is well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from engine.api.rows import LogLine
from engine.errors import RushesError
from tui import format as fmt
from tui.looks import Glyphs
from tui.screens.dialog import Dialog
from tui.screens.inputs import AnswerDialog, foot
from tui.timing import Pace
from tui.widgets.line_view import BLANK, Line, LineView, heading, plain
from tui.widgets.one_line import OneLine

LEVEL_TONES = {"info": "", "warning": "warn", "error": "bad"}


def log_lines(log: Sequence[LogLine], pace: Pace, glyphs: Glyphs) -> list[Line]:
    """Log lines for the eye: time, a sign for what is not well, the message."""
    signs = {"warning": f"{glyphs.warn} ", "error": f"{glyphs.bad} "}
    found = []
    for line in log:
        at = fmt.moment(line.at, pace.now())
        tone = LEVEL_TONES.get(line.level, "")
        sign = signs.get(line.level, "  ")
        first, *more = line.message.split("\n")
        indent = fmt.cells(at) + 3
        found.append(Line(((f"{at} ", "dim"), (f"{sign}{fmt.path(first)}", tone)), indent=indent))
        found += [Line(((" " * indent + fmt.path(part), tone),), indent=indent) for part in more]
    return found


class ProblemScreen(Dialog[str]):
    """Dismissed with the verb that was chosen (``retry``, ``copy``), or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,h,enter", "leave", "back", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("ctrl+d,pagedown,space", "scroll(15)", "page down", show=False),
        Binding("ctrl+u,pageup", "scroll(-15)", "page up", show=False),
        Binding("g,home", "end(False)", "top", show=False),
        Binding("G,end", "end(True)", "end", show=False),
        Binding("r", "choose('retry')", "retry", show=False),
        Binding("y", "choose('copy')", "copy", show=False),
        Binding("f", "full", "full log", show=False),
    ]

    def __init__(
        self,
        title: str,
        sentence: str | None,
        advice: str | None,
        facts: Sequence[Line],
        log: Callable[[], Sequence[LogLine]],
        *,
        can: dict[str, str],
        glyphs: Glyphs,
        full: Callable[[], Sequence[str]] | None = None,
        bad: bool = True,
    ) -> None:
        """Make the screen.

        Args:
            title: which job; names in it escaped.
            sentence: what went wrong; None when nothing did.
            advice: what to do next.
            facts: more about the job.
            log: reads the log lines.
            can: verbs that can be chosen here and their words, e.g. ``{"retry": "retry"}``.
            glyphs: the signs.
            full: reads the end of everything that was logged, escaped; None when there is no more.
            bad: the sentence tells of a failure; else of a warning.
        """
        super().__init__()
        self._title = title
        self._sentence = sentence
        self._advice = advice
        self._facts = list(facts)
        self._log = log
        self._can = can
        self._glyphs = glyphs
        self._full = full
        self._bad = bad

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes=f"box -wide -tall{' -danger' if self._sentence and self._bad else ''}") as box:
            box.border_title = Content(self._title)
            yield LineView(id="lines")
            yield OneLine(id="foot")

    def on_mount(self) -> None:
        """Fill the box."""
        lines: list[Line] = []
        if self._sentence:
            sign, tone = (self._glyphs.bad, "bad") if self._bad else (self._glyphs.warn, "warn")
            lines += [
                Line(((f"{sign} ", tone), (fmt.path(part), tone)), indent=2)
                for part in self._sentence.split("\n")
            ]
        if self._advice:
            lines.append(Line((("  ", ""), (self._advice, "strong")), indent=2))
        if lines:
            lines.append(BLANK)
        lines += self._facts
        if self._facts:
            lines.append(BLANK)
        lines.append(heading("Log"))
        log = log_lines(self._log(), self.rushes.pace, self._glyphs)
        lines += log or [plain("Nothing was logged.", "dim")]
        view = self.query_one(LineView)
        view.styles.height = max(3, min(len(lines) + 6, self.app.size.height - 7))
        view.show(lines)
        keys = [("r", "retry"), ("y", "copy")]
        pairs = [(key, self._can[verb]) for key, verb in keys if verb in self._can]
        if self._full is not None:
            pairs.append(("f", "full log"))
        self.query_one(OneLine).show(foot(*pairs, ("j k", "scroll"), ("esc", "back")))

    def action_scroll(self, by: int) -> None:
        """Scroll the text."""
        self.query_one(LineView).scroll_relative(y=by, animate=False)

    def action_full(self) -> None:
        """Show the end of the full log."""
        if self._full is None:
            return

        def read(lines: Any, error: RushesError | None) -> None:
            if error is not None:
                self.rushes.tell(str(error), "error")
                return
            shown = [plain(line) for line in lines] or [plain("The full log is empty.", "dim")]
            self.rushes.push_screen(AnswerDialog(f"Full log of {self._title}", shown, wide=True, end=True))

        self.rushes.read_then(self._full, read)

    def action_end(self, bottom: bool) -> None:
        """Go to an end of the text."""
        view = self.query_one(LineView)
        view.scroll_to(y=view.max_scroll_y if bottom else 0, animate=False)

    def action_choose(self, verb: str) -> None:
        """Choose a verb, if it can be chosen."""
        if verb in self._can:
            self.dismiss(verb)
