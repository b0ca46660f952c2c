"""The desk's part for an ingest: its plan, the queue, watch folders, reports, the journal of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.api import views
from engine.api.facts import WatchRow
from engine.api.rows import Source
from engine.api.views.journal import Journal, journal
from engine.library import Library

if TYPE_CHECKING:
    from engine.api.ingests import Options


class Intake:
    """Threads as of :class:`engine.api.desk.Desk`: reads where it was made, verbs anywhere."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def plan(self, sources: Sequence[str], destinations: Sequence[str], options: Options) -> dict[str, Any]:
        """What an ingest would do: the document of ``ingest --dry-run``. May take seconds."""
        from engine.api import ingests

        return ingests.plan(self._library, sources, destinations, options=options)

    def queue(self, sources: Sequence[str], destinations: Sequence[str], options: Options) -> str:
        """Queue an ingest; without destinations by the library's mode. Returns the job's id."""
        from engine.api import ingests

        return str(ingests.queue(self._library, sources, destinations, options=options)["job_id"])

    def watches(self) -> Source[WatchRow, WatchRow]:
        """All watched folders."""
        return views.watch_source(self._library)

    def watch(self, path: str, destinations: Sequence[str], mode: str | None = None) -> str:
        """Watch a folder from now on; returns its number as text. ``mode``: None is the library's."""
        from engine.api import watches

        return str(watches.add(self._library, path, destinations, mode)["watch_id"])

    def unwatch(self, watch_id: int) -> None:
        """Watch a folder no longer."""
        from engine.api import watches

        watches.remove(self._library, str(watch_id))

    def rest(self, watch_id: int, *, on: bool) -> None:
        """Go on watching a folder (``on``), or rest."""
        from engine.api import watches

        watches.enable(self._library, str(watch_id), on=on)

    def report(self, job_id: str, formats: Sequence[str]) -> tuple[str, Sequence[tuple[str, str]]]:
        """Write reports of a job; returns its verdict and (format, absolute path) of each."""
        from engine.api import reports

        made = reports.make(self._library, job_id, formats=formats)
        return str(made["verdict"]), list(made["files"].items())

    def journal(self, task_id: int) -> Journal:
        """Everything that is recorded of one file of a job, step by step.

        Raises:
            NotFound: the file is gone.
        """
        return journal(self._library, task_id)
