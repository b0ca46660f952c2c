"""What is seen of both sides of a candidate beside facts on record: pictures, and what is in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from textual.timer import Timer
from textual.widget import Widget

from engine.api.candidates import CandidateDetail, CandidateRow
from engine.errors import RushesError
from tui.pictures import can_show
from tui.screens.triage import TriageScreen
from tui.widgets.one_line import OneLine
from tui.widgets.picture import Picture

SIDES: tuple[Literal["known", "found"], ...] = ("known", "found")
SIDE_WORDS = {"known": "the clip", "found": "was found"}

PICTURES = 128
"""From this many columns on both sides have a picture."""

PICTURE_ROOM = 28
"""Columns that the pictures take."""


class SidesScreen(TriageScreen):
    """A screen of candidates that looks closer at the one on which the cursor rests."""

    def __init__(self) -> None:
        super().__init__()
        self._pictures = True
        self._pictured: int | None = None
        self._inside: int | None = None
        self._look: Timer | None = None
        self._timer: Timer | None = None

    def look_closer(self, detail: CandidateDetail) -> None:
        """Show both sides of a candidate as pictures, and look into the file that was found."""
        self._picture_sides(detail.row)
        self._look_inside(detail)

    def _at_rest(self, work: Callable[[], None]) -> Timer | None:
        """Do something once the cursor rests."""
        rest = self.rushes.pace.filter_seconds
        if rest > 0:
            return self.set_timer(2 * rest, work)
        work()
        return None

    def pictures(self) -> Sequence[Widget]:
        """Both sides as pictures, where the terminal shows them and there is room."""
        return (
            OneLine(id="known-label"),
            Picture(26, 6, id="known"),
            OneLine(id="found-label"),
            Picture(26, 6, id="found"),
        )

    def _picture_sides(self, row: CandidateRow) -> None:
        """Show what is kept of both sides at once; what has to be taken waits until the cursor rests."""
        wanted = self._pictures and self.size.width >= PICTURES and can_show(self.rushes)
        pane = self.query_one("#pictures")
        if not wanted:
            pane.set_class(False, "-shown")
            self._pictured = None
            return
        if self._pictured == row.candidate_id:
            return
        self._pictured = row.candidate_id
        pane.set_class(True, "-shown")
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        for side in SIDES:
            self.query_one(f"#{side}-label", OneLine).show(((SIDE_WORDS[side], "dim"),))
            self.query_one(f"#{side}", Picture).show(None)
        self._timer = self._at_rest(lambda: self._take_pictures(row.candidate_id))

    def _take_pictures(self, candidate_id: int) -> None:
        finding, runner = self.rushes.desk.finding, self.rushes.runner
        for side in SIDES:

            def shown(found: Any, error: RushesError | None, side: Literal["known", "found"] = side) -> None:
                if not self.is_attached or self._pictured != candidate_id:
                    return
                path, why = (None, str(error)) if error is not None else found or (None, None)
                self.query_one(f"#{side}", Picture).show(path)
                label = SIDE_WORDS[side] if path else f"{SIDE_WORDS[side]}: no picture"
                del why
                self.query_one(f"#{side}-label", OneLine).show(((label, "dim"),))

            def take(side: Literal["known", "found"] = side) -> Any:
                return finding.picture(candidate_id, side, make=True)

            runner.submit(take, shown, slow=True)

    def _look_inside(self, detail: CandidateDetail) -> None:
        """Once the cursor rests on a row of which nobody has looked into the file, look and show it again."""
        candidate_id = detail.row.candidate_id
        if self._inside == candidate_id:
            return
        self._inside = candidate_id
        if self._look is not None:
            self._look.stop()
            self._look = None
        if detail.looked_inside:
            return

        def shown(_: Any, error: RushesError | None) -> None:
            if error is None and self.is_attached and self._inside == candidate_id:
                self._read(self._show_detail)

        def look() -> None:
            finding = self.rushes.desk.finding
            self.rushes.runner.submit(lambda: finding.look_inside(candidate_id), shown, slow=True)

        def drawn() -> None:
            self.call_after_refresh(look)  # the detail is being drawn now

        self._look = self._at_rest(drawn)

    def do_picture(self) -> None:
        """Show or hide the pictures."""
        self._pictures = not self._pictures
        self.rushes.tell(f"Pictures are {'shown' if self._pictures else 'hidden'}.")
        self._read(self._show_detail)
