"""A scan for lost files: where to look, how closely, and what applies by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from tui.screens.inputs import PathDialog, foot
from tui.screens.path_field import PathField
from tui.widgets.line_view import Line, LineView
from tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from tui.app import RushesApp


@dataclass(frozen=True)
class ScanOptions:
    """How a scan works. ``percent``: least confidence at which a match applies by itself."""

    full_hash: bool = False
    auto_apply: bool = False
    percent: int = 95


class OptionLines(LineView, can_focus=True):
    """The options of a scan, turned with space and the arrows while they have the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("space,l,right", "turn(1)", "turn", show=False),
        Binding("h,left", "turn(-1)", "turn back", show=False),
        Binding("plus", "count(1)", "more", show=False),
        Binding("minus", "count(-1)", "less", show=False),
        Binding("enter", "go", "start", show=False),
    ]

    class Go(Message):
        """Enter was pressed."""

    def __init__(self) -> None:
        super().__init__(id="options")
        self.options = ScanOptions()
        self._at = 0

    def on_mount(self) -> None:
        """Draw."""
        self.styles.height = "auto"
        self.styles.margin = (1, 0, 0, 0)
        self.draw()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.draw()

    def on_blur(self) -> None:
        """Take the cursor away."""
        self.draw()

    def draw(self) -> None:
        """Draw the options as they are."""
        glyphs = cast("RushesApp", self.app).glyphs
        options = self.options

        def line(at: int, answer: str, words: str, tone: str = "") -> Line:
            here = self.has_focus and at == self._at
            return Line(
                (
                    (f"{glyphs.cursor if here else ' '} ", "strong"),
                    ("[", "dim"),
                    (answer, "good"),
                    ("] ", "dim"),
                    (words, "strong" if here else tone),
                ),
                indent=6,
            )

        self.show(
            [
                line(0, glyphs.good if options.full_hash else " ", "read every possible match to its end"),
                line(
                    1,
                    glyphs.good if options.auto_apply else " ",
                    "apply by itself what has no rival; H takes it back",
                ),
                line(
                    2,
                    f"{options.percent} %",
                    "least confidence for that (space, h l, + -)",
                    "" if options.auto_apply else "dim",
                ),
            ]
        )

    def action_move(self, by: int) -> None:
        """Another option."""
        self._at = (self._at + by) % 3
        self.draw()

    def action_turn(self, by: int) -> None:
        """Turn the option under the cursor: yes or no, or five percent."""
        if self._at == 0:
            self.options = replace(self.options, full_hash=not self.options.full_hash)
        elif self._at == 1:
            self.options = replace(self.options, auto_apply=not self.options.auto_apply)
        else:
            percent = (self.options.percent + 5 * by) // 5 * 5
            self.options = replace(
                self.options, percent=0 if percent > 100 else 100 if percent < 0 else percent
            )
        self.draw()

    def action_count(self, by: int) -> None:
        """One percent more or less."""
        self.options = replace(self.options, percent=max(0, min(100, self.options.percent + by)))
        self.draw()

    def action_go(self) -> None:
        """Start."""
        self.post_message(self.Go())


class ScanDialog(PathDialog):
    """Dismissed with the job's id, or None. ctrl+n goes from the folder to the options, and back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+n", "turn_to", "options", show=False)]

    def __init__(
        self,
        scan: Callable[[str, ScanOptions], str],
        places: Sequence[str],
        avoid: Collection[str],
    ) -> None:
        """``scan`` queues it, outside the event loop; ``places`` and ``avoid`` as in :class:`PathDialog`."""
        super().__init__(
            "Look for lost files",
            "Only files whose size fits a lost one are read; nothing is changed there.",
            lambda path: scan(path, self._lines.options),
            places,
            avoid,
        )

    @property
    def _lines(self) -> OptionLines:
        return self.query_one(OptionLines)

    def more(self) -> Sequence[Widget]:
        """The options."""
        return (OptionLines(),)

    def on_descendant_focus(self) -> None:
        """The foot says what the keys do here."""
        in_options = self._lines.has_focus
        pairs = (("space", "turn"), ("ctrl+n", "folder")) if in_options else (
            ("tab", "complete"), ("ctrl+n", "options"),
        )  # fmt: skip
        self.query_one("#foot", OneLine).show(foot(("enter", self._does), *pairs, ("esc", "back")))

    def action_turn_to(self) -> None:
        """From the folder to the options, and back."""
        if self._lines.has_focus:
            self.query_one(PathField).type_into()
        else:
            self._lines.focus()

    @on(OptionLines.Go)
    def _go(self, event: OptionLines.Go) -> None:
        event.stop()
        self.enter(self.query_one(PathField).value)
