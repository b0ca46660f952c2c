"""What the screens need from the engine: everything they show, and everything an operator can ask for.

The screens get an object of this shape and know nothing else, so that tests
give them one of their own. Reads are quick and happen in the event loop's
thread. Verbs may take long (a card is walked, an engine is started): they are
called from other threads, and each raises a RushesError with a sentence when
it cannot be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from engine.api.candidates import CandidateDetail, CandidateRow, Scan
from engine.api.file_rows import FileDetail, FileRow
from engine.api.rows import Header, JobDetail, JobRow, LogLine, Notice, RecipeRow, RunDetail, RunRow, Source
from engine.api.volume_rows import VolumeDetail, VolumeRow
from tui.desks import Drives, Finding, Footage, Intake, Settings, Shelf
from tui.making import Making

JobVerb = Literal["pause", "resume", "cancel", "retry"]
Verdict = Literal["apply", "reject", "later", "undo"]
VolumeVerb = Literal["track", "untrack", "rename", "favourite", "unfavourite", "mark"]


class Desk(Protocol):
    """The desk: reads for the screens, verbs for the keys; what lies beside the queues is in parts of it."""

    @property
    def footage(self) -> Footage:
        """Clips, damaged copies, notices."""
        ...

    @property
    def intake(self) -> Intake:
        """What is taken in, beside the queue itself."""
        ...

    @property
    def drives(self) -> Drives:
        """Volumes, beside their list."""
        ...

    @property
    def settings(self) -> Settings:
        """Settings of this machine."""
        ...

    @property
    def finding(self) -> Finding:
        """Relinking, beside the candidates."""
        ...

    @property
    def shelf(self) -> Shelf:
        """Files of ours: copies, what lies twice, the trash."""
        ...

    # -- reads, in the event loop's thread -----------------------------------
    def header(self) -> Header:
        """The library and its engine at a glance."""
        ...

    def changed(self) -> bool:
        """Whether anything was written, by another process or by us, since the last call."""
        ...

    def volumes(self) -> Source[VolumeRow, VolumeDetail]:
        """All volumes."""
        ...

    def ingests(self) -> Source[JobRow, JobDetail]:
        """All jobs that are no export."""
        ...

    def files(self, job_id: str) -> Source[FileRow, FileDetail]:
        """The files of one job."""
        ...

    def exports(self) -> Source[RunRow, RunDetail]:
        """All runs."""
        ...

    def candidates(self) -> Source[CandidateRow, CandidateDetail]:
        """All relink candidates."""
        ...

    def last_scan(self) -> Scan | None:
        """The newest relink scan."""
        ...

    @property
    def making(self) -> Making:
        """Recipes and presets: lists, forms, verbs."""
        ...

    def recipes(self) -> Sequence[RecipeRow]:
        """Recipes that can be queued."""
        ...

    def log(self, job_id: str) -> Sequence[LogLine]:
        """A job's log, oldest line first."""
        ...

    def demo_notes(self) -> Sequence[str]:
        """What a running demo tells; the last line is shown. Usually none."""
        ...

    # -- verbs, in any thread --------------------------------------------------
    def job(self, job_id: str, verb: JobVerb) -> None:
        """Ask for a change of a job."""
        ...

    def move(self, job_id: str, where: Literal["up", "down", "top"]) -> int:
        """Move a waiting job in the queue. Returns its place, from 1."""
        ...

    def priority(self, job_id: str, word: str) -> None:
        """Change the priority of a job."""
        ...

    def export(self, recipes: Sequence[str]) -> Sequence[str]:
        """Queue a run of each recipe. Returns the run ids."""
        ...

    def rerun(self, run_id: str) -> str:
        """Queue a run that has ended once more, rendered afresh. Returns the new run's id."""
        ...

    def goes_with(self, run_id: str) -> Sequence[str]:
        """Paths of the finished files that deleting a run would remove."""
        ...

    def delete_run(self, run_id: str) -> Sequence[str]:
        """Delete a run that has ended, with its films. Returns sentences on files that were left alone."""
        ...

    def scan(
        self, path: str, *, full_hash: bool = False, auto_apply: bool = False, min_confidence: float = 0.95
    ) -> str:
        """Queue a relink scan of a folder. Returns the job's id."""
        ...

    def decide(self, candidate_id: int, verdict: Verdict) -> None:
        """Give or take back a verdict on a candidate."""
        ...

    def apply_certain(self) -> tuple[Sequence[int], Sequence[str]]:
        """Apply every candidate that is certain. Returns their ids, and why others were refused."""
        ...

    def volume(self, volume_id: str, verb: VolumeVerb, *, name: str | None = None) -> None:
        """Change what the library keeps about a volume; ``name`` for ``rename``."""
        ...

    def sweep(self, volume_id: str) -> str:
        """Queue a look through a volume. Returns the job's id."""
        ...

    def measure(self, volume_id: str) -> str:
        """Queue a measurement of a volume's speed. Returns the job's id."""
        ...

    def held_by(self, volume_id: str) -> Sequence[str]:
        """Who keeps a volume from being ejected now, in sentences; may take seconds."""
        ...

    def eject(self, volume_id: str) -> None:
        """Flush and unmount a volume; refused while anybody holds it."""
        ...

    def card_check(self, path: str) -> tuple[bool, Sequence[str]]:
        """Whether the card at ``path`` is safe to format, and the lines that say why or why not."""
        ...

    def deliver(self, run_id: str, folder: str, *, move: bool = False) -> str:
        """Queue a verified copy, or move, of a run's files into a folder. Returns the job's id."""
        ...

    def notices(self) -> Sequence[Notice]:
        """Ends of jobs since the last call that are to be told, and how; any thread."""
        ...

    def start_engine(self) -> None:
        """Have an engine that is ready."""
        ...

    def stop_engine(self) -> None:
        """Stop the engine at its checkpoints."""
        ...
