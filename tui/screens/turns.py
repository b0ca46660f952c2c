"""Verbs on the turn of a waiting job: earlier, later, first, its priority."""

from __future__ import annotations

from typing import Any, Literal, cast

from engine.api.rows import PRIORITIES, JobRow, RunRow
from engine.errors import RushesError
from engine.names import display
from tui.screens.cells import IS
from tui.screens.choose import ChoiceDialog
from tui.screens.triage import TriageScreen

ENDED = ("completed", "failed", "cancelled", "completed_with_warnings")


class Turns(TriageScreen):
    """What a screen of jobs can do about the order in which those that wait are started."""

    def why_not_turn(self, verb: str, row: JobRow | RunRow) -> str | None:
        """Why this verb on a turn cannot be had; None when it can, and for other verbs."""
        if verb in ("earlier", "later", "first"):
            if row.status != "pending":
                return f"This job {IS.get(row.status, row.status)}; only one that waits can be moved."
            if verb != "later" and row.queue_place == 1:
                return "It is the next one already."
        if verb == "urgency" and row.status in ENDED:
            return "This job has ended; it waits for nothing."
        return None

    def do_earlier(self) -> None:
        """One place up."""
        self._move("up")

    def do_later(self) -> None:
        """One place down."""
        self._move("down")

    def do_first(self) -> None:
        """To the top."""
        self._move("top")

    def _move(self, where: Literal["up", "down", "top"]) -> None:
        row, rushes = cast("JobRow | RunRow", self.table.current()), self.rushes
        name = row.name if isinstance(row, RunRow) else row.title

        def moved(place: Any, error: RushesError | None) -> None:
            if error is not None:
                rushes.tell(str(error), "warning")
                return
            rushes.feed.poll()
            rushes.tell(f"{display(name)} is at place {place} of the line.")

        rushes.runner.submit(lambda: rushes.desk.move(row.job_id, where), moved)

    def do_urgency(self) -> None:
        """Choose the priority."""
        row, rushes = cast("JobRow | RunRow", self.table.current()), self.rushes
        rows = [one for one in self.table.chosen() if self.why_not_turn("urgency", one) is None]

        def chosen(word: str | None) -> None:
            if word is not None:
                self.on_each(rows, lambda one: rushes.desk.priority(one.job_id, word), f"now {word}")

        words = [(word, word) for word in reversed(PRIORITIES)]
        rushes.push_screen(ChoiceDialog("Priority", words, row.priority, rushes.glyphs), chosen)
