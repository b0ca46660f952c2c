"""What to take in, and where to: two fields of folders, then the plan with what can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.desks import Intake
from tui.screens.choose import ChoiceDialog
from tui.screens.dialog import Dialog
from tui.screens.inputs import foot
from tui.screens.path_field import PathField
from tui.screens.plan import PlanDialog
from tui.widgets.filter_bar import QuietInput
from tui.widgets.line_view import BLANK, Line, LineView, plain
from tui.widgets.one_line import OneLine

CHOSEN_SHOWN = 3
"""Folders that are shown of those chosen in one field: both fields and their offers fit 24 lines."""


WAYS = (
    ("", "taken in as the library does"),
    ("copy", "copied and proven"),
    ("reference", "left where it lies, and entered"),
)
"""The mode of a watch folder, and its words."""


class PlacesDialog(Dialog[str]):
    """Folders to take from, and folders to copy to. Dismissed with what was made of them, or None.

    A refusal stays in the dialog with what was entered: it is corrected, not typed again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "go_on", "next field, then start", show=False),
    ]
    AUTO_FOCUS = "#from QuietInput"

    def __init__(
        self,
        title: str,
        sources: Sequence[str],
        destinations: Sequence[str],
        avoid: Collection[str],
        chosen: Sequence[str] = (),
    ) -> None:
        """Make the dialog.

        Args:
            title: what it is for.
            sources: folders offered as sources: mounted cards first.
            destinations: folders offered as destinations.
            avoid: mount points that do not answer.
            chosen: sources that are chosen already.
        """
        super().__init__()
        self._title = title
        self._offers = (sources, destinations)
        self._avoid = avoid
        self._sources: list[str] = list(chosen)
        self._destinations: list[str] = []
        self._waiting = False
        self._refusal: str | None = None

    def compose(self) -> ComposeResult:
        """Two fields, what is chosen so far, what is wrong."""
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            yield PathField(
                "From", "folder of a card, or any folder or file", self._offers[0], self._avoid, id="from"
            )
            yield PathField(
                "To",
                "folder; several are written in one go; none: the library itself",
                self._offers[1],
                self._avoid,
                id="to",
            )
            yield LineView(id="said")
            yield OneLine(id="foot", classes="foot")

    def on_mount(self) -> None:
        """Draw what there is, and offer places."""
        self.query_one("#said", LineView).styles.height = "auto"
        self._draw()
        self.call_after_refresh(self.query_one("#to" if self._sources else "#from", PathField).type_into)

    def _draw(self) -> None:
        good = self.rushes.glyphs.good
        for name, chosen in (("#from", self._sources), ("#to", self._destinations)):
            before = len(chosen) - CHOSEN_SHOWN
            lines = [plain(f"  {before} before these", "dim")] if before > 0 else []
            lines += [
                Line(((f"{good} ", "good"), (display(path), "")), indent=2)
                for path in chosen[max(0, before) :]
            ]
            self.query_one(name, PathField).show_chosen(lines)
        said: list[Line] = []
        if self._waiting:
            said = [BLANK, plain("Looking at the source and the space at the destinations.", "busy")]
        elif self._refusal:
            bad = self.rushes.glyphs.bad
            said = [BLANK] + [
                Line(((f"{bad} ", "bad"), (fmt.path(part), "bad")), indent=2)
                for part in self._refusal.split("\n")
            ]
        view = self.query_one("#said", LineView)
        view.display = bool(said)
        view.show(said)
        in_from = self.query_one("#from", PathField).query_one(QuietInput).has_focus
        field = self.query_one("#from" if in_from else "#to", PathField)
        word = "take it" if field.choosing else "add" if field.value else ("next" if in_from else "go on")
        self.query_one("#foot", OneLine).show(
            foot(("enter", word), ("tab", "complete"), ("backspace", "take back"), ("esc", "back"))
        )

    def on_descendant_focus(self) -> None:
        """The foot says what enter does in this field."""
        self._draw()

    @on(PathField.Typed)
    def _typed(self, event: PathField.Typed) -> None:
        """The foot says what enter does with this text; what was refused is being corrected."""
        event.stop()
        if self.query_one("#from", PathField).value or self.query_one("#to", PathField).value:
            self._refusal = None
        self._draw()

    @on(PathField.Entered)
    def _entered(self, event: PathField.Entered) -> None:
        event.stop()
        if self._waiting:
            return
        is_from = event.field.id == "from"
        chosen = self._sources if is_from else self._destinations
        if event.path:
            path = event.path.rstrip("/") or "/"
            if path not in chosen:
                chosen.append(path)
            event.field.clear()
            self._refusal = None
            self._draw()
        else:
            self.action_go_on()

    def action_go_on(self) -> None:
        """From the sources to the destinations; from there, start."""
        if self._waiting:
            return
        field = self.query_one("#from", PathField)
        if field.query_one(QuietInput).has_focus:
            if not self._sources:
                self._refusal = "Nothing is chosen yet: type a folder, or choose one with the arrows and tab."
                self._draw()
                return
            self.query_one("#to", PathField).type_into()
            return
        self.go(list(self._sources), list(self._destinations))

    def go(self, sources: list[str], destinations: list[str]) -> None:
        """Do it with these folders."""
        raise NotImplementedError

    @on(PathField.TakenBack)
    def _taken_back(self, event: PathField.TakenBack) -> None:
        """Take the last entry of this field away."""
        event.stop()
        in_from = self.query_one("#from", PathField).query_one(QuietInput).has_focus
        chosen = self._sources if in_from else self._destinations
        if chosen:
            chosen.pop()
        self._refusal = None
        self._draw()


class IngestDialog(PlacesDialog):
    """A new ingest. Its plan is shown before anything is queued. Dismissed with the job's id, or None."""

    def __init__(
        self,
        intake: Intake,
        sources: Sequence[str],
        destinations: Sequence[str],
        avoid: Collection[str],
        chosen: Sequence[str] = (),
    ) -> None:
        """See :class:`PlacesDialog`; ``intake`` plans and queues."""
        super().__init__("New ingest", sources, destinations, avoid, chosen)
        self._intake = intake

    def go(self, sources: list[str], destinations: list[str]) -> None:
        """Show the plan; it comes back with the job, or to correct the folders."""

        def planned(job_id: str | None) -> None:
            if job_id is not None:
                self.dismiss(job_id)
            else:
                self.query_one("#to", PathField).type_into()

        self.rushes.push_screen(PlanDialog(self._intake, sources, destinations), planned)


class WatchDialog(PlacesDialog):
    """A folder to watch, where its files go, and how. Dismissed with its number as text, or None."""

    def __init__(
        self,
        submit: Callable[[str, Sequence[str], str | None], str],
        places: Sequence[str],
        avoid: Collection[str],
    ) -> None:
        """``submit`` begins the watch; it runs outside the event loop."""
        super().__init__("Watch a folder", places, places, avoid)
        self._submit = submit

    def go(self, sources: list[str], destinations: list[str]) -> None:
        """Ask how, then begin the watch; several folders are several watches, so one at a time."""
        if len(sources) > 1:
            self._refusal = "One folder at a time: take the others back with backspace."
            self._draw()
            return

        def chosen(mode: str | None) -> None:
            if mode is None:  # back to the folders
                return
            self._waiting = True
            self._refusal = None
            self._draw()
            self.rushes.runner.submit(
                lambda: self._submit(sources[0], destinations, mode or None), self._answered, slow=True
            )

        # What is to be copied somewhere cannot be left where it lies.
        ways = WAYS[:2] if destinations else WAYS
        self.rushes.push_screen(ChoiceDialog("What arrives is", ways, "", self.rushes.glyphs), chosen)

    def _answered(self, number: Any, error: RushesError | None) -> None:
        if not self.is_attached:
            return
        self._waiting = False
        if error is None:
            self.dismiss(cast("str", number))
            return
        self._refusal = str(error)
        self._draw()
