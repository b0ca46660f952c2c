"""The desk: one library as the screens see it. Reads for what they show, verbs for their keys.

The parts that only verbs need are imported by the verbs: they would cost a
third of the time to the first picture.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine import clock
from engine.api import engines, jobs, views
from engine.api.candidates import CandidateDetail, CandidateRow, Scan
from engine.api.drives import Drives
from engine.api.file_rows import FileDetail, FileRow
from engine.api.finding import Finding
from engine.api.footage import Footage
from engine.api.intake import Intake
from engine.api.rows import (
    EngineState,
    Header,
    JobDetail,
    JobRow,
    LogLine,
    Notice,
    RecipeRow,
    RunDetail,
    RunRow,
    Source,
)
from engine.api.settings import Settings
from engine.api.volume_rows import VolumeDetail, VolumeRow
from engine.errors import RushesError
from engine.library import Library
from engine.names import display
from engine.supervisor import process

if TYPE_CHECKING:
    from engine.api.making import Making
    from engine.api.shelf import Shelf


class Desk:
    """The reads belong to the thread that made the desk; the verbs may be called from any."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._changes = views.Changes(library)
        self._problem: str | None = None
        self._notes: Sequence[str] = ()
        self._noticed = clock.now()
        self._making: Making | None = None
        self._shelf: Shelf | None = None
        self.footage = Footage(library)
        self.intake = Intake(library)
        self.drives = Drives(library)
        self.finding = Finding(library)
        self.settings = Settings()

    # -- reads ---------------------------------------------------------------
    def header(self) -> Header:
        """The library and its engine at a glance."""
        status = process.status(self._library)
        running, rate = views.running(self._library)
        engine: EngineState = "running" if status.ready else "starting" if status.running else "absent"
        return Header(
            library=self._library.name,
            host=socket.gethostname(),
            engine=engine,
            jobs_running=running,
            rate=rate,
            counts=views.counts(self._library),
            problem=self._problem if engine == "absent" else None,
        )

    def changed(self) -> bool:
        """Whether anything was written, by another process or by us, since the last call."""
        return self._changes.changed()

    def volumes(self) -> Source[VolumeRow, VolumeDetail]:
        """All volumes."""
        return views.Volumes(self._library)

    def ingests(self) -> Source[JobRow, JobDetail]:
        """All jobs that are no export."""
        return views.Jobs(self._library)

    def files(self, job_id: str) -> Source[FileRow, FileDetail]:
        """The files of one job."""
        return views.Files(self._library, job_id)

    def exports(self) -> Source[RunRow, RunDetail]:
        """All runs."""
        return views.Runs(self._library)

    def candidates(self) -> Source[CandidateRow, CandidateDetail]:
        """All relink candidates."""
        return views.Candidates(self._library)

    def last_scan(self) -> Scan | None:
        """The newest relink scan."""
        return views.last_scan(self._library)

    @property
    def shelf(self) -> Shelf:
        """Files of ours: copies, what lies twice, the trash."""
        if self._shelf is None:
            from engine.api.shelf import Shelf

            self._shelf = Shelf(self._library)
        return self._shelf

    @property
    def making(self) -> Making:
        """Recipes and presets: lists, forms, verbs."""
        if self._making is None:
            from engine.api.making import Making

            self._making = Making(self._library)
        return self._making

    def recipes(self) -> Sequence[RecipeRow]:
        """Recipes that can be queued."""
        from engine.api import recipes

        return recipes.recipe_rows(self._library)

    def log(self, job_id: str) -> Sequence[LogLine]:
        """A job's log, oldest line first."""
        return views.log(self._library, job_id)

    def demo_notes(self) -> Sequence[str]:
        """What a running demo tells; the last line is shown."""
        return self._notes

    # -- verbs ---------------------------------------------------------------
    def job(self, job_id: str, verb: str) -> None:
        """Ask for ``pause``, ``resume``, ``cancel`` or ``retry``."""
        jobs.request(self._library, job_id, verb)

    def move(self, job_id: str, where: str) -> int:
        """Move a waiting job ``up``, ``down``, to the ``top`` or ``bottom``. Returns its place, from 1."""
        return int(jobs.move(self._library, job_id, where)["queue_place"])

    def priority(self, job_id: str, word: str) -> None:
        """Change a job's place in the queue: one of :data:`engine.api.rows.PRIORITIES`."""
        jobs.set_priority(self._library, job_id, word)

    def export(self, recipes: Sequence[str]) -> Sequence[str]:
        """Queue a run of each recipe. Returns the run ids."""
        from engine.api import exports

        return [run["run_id"] for run in exports.queue(self._library, recipes)["runs"]]

    def rerun(self, run_id: str) -> str:
        """Queue a run once more, rendered afresh. Returns the new run's id."""
        from engine.api import exports

        return str(exports.again(self._library, run_id, "rerun")["runs"][0]["run_id"])

    def deliver(self, run_id: str, folder: str, *, move: bool = False) -> str:
        """Queue a verified copy (or move) of a run's files into a folder. Returns the job's id."""
        from engine.api import exports

        return str(exports.deliver(self._library, run_id, folder, move=move)["job_id"])

    def notices(self) -> Sequence[Notice]:
        """Ends of jobs since the last call (at first: since the desk was made) that are to be told."""
        from engine.api import notices

        found = notices.since(self._library, self._noticed)
        if found:
            self._noticed = found[-1].ended_at
        return found

    def goes_with(self, run_id: str) -> Sequence[str]:
        """Paths of the finished files that deleting a run would remove."""
        from engine.api import exports

        return exports.goes_with(self._library, run_id)

    def delete_run(self, run_id: str) -> Sequence[str]:
        """Delete a run that has ended, with its films. Returns sentences on files that were left alone."""
        from engine.api import exports

        return list(exports.delete(self._library, run_id)["kept"])

    def scan(
        self, path: str, *, full_hash: bool = False, auto_apply: bool = False, min_confidence: float = 0.95
    ) -> str:
        """Queue a relink scan, see :func:`engine.api.relinks.queue_scan`. Returns the job's id."""
        from engine.api import relinks

        queued = relinks.queue_scan(
            self._library, path, auto_apply=auto_apply, min_confidence=min_confidence, full_hash=full_hash
        )
        return str(queued["job_id"])

    def decide(self, candidate_id: int, verdict: str) -> None:
        """Give (``apply``, ``reject``, ``later``) or take back (``undo``) a verdict."""
        from engine.api import relinks

        verbs = {
            "apply": relinks.apply,
            "reject": relinks.reject,
            "later": relinks.later,
            "undo": relinks.undo,
        }
        verbs[verdict](self._library, candidate_id)

    def apply_certain(self) -> tuple[list[int], list[str]]:
        """Apply every candidate that is certain. Returns their ids, and why others were refused."""
        from engine.api import relinks

        done = relinks.apply_certain(self._library)
        return list(done["applied"]), [str(one["reason"]) for one in done["refused"]]

    def volume(self, volume_id: str, verb: str, *, name: str | None = None) -> None:
        """Change what the library keeps about a volume; ``name`` for ``rename``."""
        from engine.api import volumes

        if verb == "rename":
            volumes.rename(self._library, volume_id, name or "")
        elif verb in ("favourite", "unfavourite"):
            volumes.favourite(self._library, volume_id, on=verb == "favourite")
        elif verb == "track":
            volumes.track(self._library, volume_id)
        elif verb == "mark":
            volumes.mark(self._library, volume_id)
        else:
            volumes.untrack(self._library, volume_id)

    def sweep(self, volume_id: str) -> str:
        """Queue a look through a volume. Returns the job's id."""
        from engine.api import volumes

        return volumes.queue_sweep(self._library, volume_id)

    def measure(self, volume_id: str) -> str:
        """Queue a measurement of a volume's speed. Returns the job's id."""
        from engine.api import volumes

        return volumes.queue_measure(self._library, volume_id)

    def held_by(self, volume_id: str) -> Sequence[str]:
        """Who keeps a volume from being ejected now, in sentences."""
        from engine.api import volumes

        return volumes.held_by(self._library, volume_id)

    def eject(self, volume_id: str) -> None:
        """Flush and unmount a volume."""
        from engine.api import volumes

        volumes.eject(self._library, volume_id)

    def card_check(self, path: str) -> tuple[bool, Sequence[str]]:
        """Whether the card at ``path`` is safe to format, and the lines that say why or why not."""
        from engine.api import ingests

        verdict = ingests.check_card(self._library, path)
        lines = [f"{block['path']}: {display(block['reason'])}" for block in verdict["blocking"]]
        summary = f"{verdict['verified']} of {verdict['files']} files are verified where they must be."
        return bool(verdict["safe_to_format"]), [summary, *lines]

    def start_engine(self) -> None:
        """Have an engine that is ready; why it cannot be had is kept for the header."""
        try:
            engines.ensure(self._library)
        except RushesError as error:
            self._problem = str(error)
            raise
        self._problem = None

    def stop_engine(self) -> None:
        """Stop the engine at its checkpoints."""
        engines.stop(self._library)

    # -- the demo --------------------------------------------------------------
    def note(self, lines: Sequence[str]) -> None:
        """Replace what a running demo tells. Any thread."""
        self._notes = tuple(lines)
