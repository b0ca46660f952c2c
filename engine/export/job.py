"""The handler of export jobs: from a queued run to finished files, resumable from the database alone.

A run is planned once; after that everything that is done is a row, and every
start looks at the rows and at the files they name. Nothing is assumed from an
earlier start: finished segments are read and hashed again before they count.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable
from itertools import chain
from typing import Any

from humanize import naturalsize
from sqlite_utils import Database

from engine.errors import Refused, RushesError, ToolMissing, VolumeGone
from engine.export.rendering import crew, join, placing, segment
from engine.export.runs import demand, executors, farm, ledger, parts, pruning, records
from engine.export.runs.board import Board
from engine.export.runs.ledger import Entry
from engine.export.runs.output import Manners, Output, SourceAway, Sources
from engine.export.runs.planner import planned
from engine.export.runs.runs import log_path, run_folder
from engine.export.runs.yielding import Yielding
from engine.jobs import states, waiting
from engine.jobs.context import JobCancelled, JobContext, JobPaused, JobStopped, Outcome
from engine.media import child
from engine.media.ffmpeg import FfmpegFailed
from engine.media.tools import find_tools
from engine.names import display
from engine.storage import audit, config
from engine.storage.database import execute
from engine.volumes import places

_WAITING = frozenset({"permission", "output_write_error"})
"""Failures that the next file of the run would meet too: the run ends there, the rest stays queued."""


def run(job: JobContext) -> Outcome:
    """Run, or go on with, one export. See :class:`engine.jobs.context.Handler`.

    Result: one entry of what ``export --wait`` prints, see :func:`engine.export.runs.records.result_of`.
    """
    work = _Work(job)
    try:
        return work.run()
    except (JobPaused, JobStopped):
        ledger.put_back(job.db, work.run_id)
        raise
    except JobCancelled:
        work.remove_leftovers()
        raise
    except SourceAway as away:
        ledger.put_back(job.db, work.run_id)
        raise JobPaused(str(away), waiting_for=away.volume_id) from away


def clean_up(job: JobContext) -> None:
    """Remove the temps of a run that is cancelled while it does not run. Finished segments stay."""
    _Work(job).remove_leftovers()


class _RunFailed(Exception):
    """A failure that ends the whole run."""

    def __init__(self, failure: FfmpegFailed) -> None:
        super().__init__(str(failure))
        self.failure = failure


class _Work:
    """One start of one run. Files of many clips are made by several threads; the rest is the job's thread."""

    def __init__(self, job: JobContext) -> None:
        self.job = job
        self.run_id = str(job.params["run_id"])
        self.record = records.get(job.db, self.run_id)
        self.folder = run_folder(job.library, self.run_id)
        self.destination = str(self.record.snapshot["destination"])
        self.log = log_path(job.library, self.run_id)
        self.place: places.Place | None = None

    @property
    def db(self) -> Database:
        """The calling thread's connection."""
        return self.job.db

    # -- the way through ---------------------------------------------------------
    def run(self) -> Outcome:
        job = self.job
        ledger.begin(self.db, self.run_id, job.job_id)
        job.progress(force=True, stage="planning", message="Looking at the clips")
        self._prepare()
        try:
            tools = find_tools()
            entries = planned(job, self.record, tools, retrying=job.retrying)
        except ToolMissing as error:
            return self._failed(FfmpegFailed("tool_missing", str(error)))
        except FfmpegFailed as error:
            return self._failed(error)
        job.progress(force=True, stage="checking", message="Checking finished parts")
        reused = parts.take_over(
            job.library, self.run_id, self.folder, self._checked, fresh=bool(job.params.get("fresh"))
        )
        if reused:
            parts_were = "1 finished part was" if reused == 1 else f"{reused} finished parts were"
            job.log("info", f"{parts_were} checked and taken over.")
        total = ledger.frames_total(entries)
        settings = config.values("export.stall_seconds", "export.workers")
        stall, workers = float(settings["export.stall_seconds"]), int(settings["export.workers"])
        sources = Sources(job.library.db)
        yielding = self._yielding(sources, entries)
        board = Board(job, self.run_id, total)
        waiting = [
            Output(
                job,
                tools,
                self.record,
                entry,
                len(entries),
                self.folder,
                self.log,
                Manners(stall, workers, yielding),
                sources,
                board,
            )
            for entry in entries
            if entry.plan is not None
            and ledger.output_status(self.db, self.run_id, entry.position) != "completed"
        ]
        hands = crew.hands_for_files(workers) if self.record.is_per_clip else 1
        try:
            crew.work_off(waiting, self._one_of_many, hands, job.library.close)
        except _RunFailed as failed:
            return self._failed(failed.failure)
        return self._verdict(entries)

    def _checked(self, done: int, total: int) -> None:
        """One more finished part is about to be read and hashed."""
        self.job.check_now()
        self.job.progress(message=f"Checking finished part {done:,} of {total:,}")

    def _yielding(self, sources: Sources, entries: list[Entry]) -> Yielding:
        """How this run stands back; it knows the places that the run reads and writes."""
        yielding = Yielding(self.job)
        yielding.works_on(chain((self.folder, self.destination), sources.all_paths(entries)))
        return yielding

    def _one_of_many(self, output: Output, _over: Callable[[], None]) -> None:
        output.checkpoint()
        failure = self._one(output)
        if failure is not None and (not self.record.is_per_clip or failure.category in _WAITING):
            raise _RunFailed(failure)

    def _one(self, output: Output) -> FfmpegFailed | None:
        """Make one file. Returns what made it fail; raises what ends or pauses the run."""
        position = output.entry.position
        ledger.set_output(self.db, self.run_id, position, status="running", error=None)
        where = self.folder
        try:
            executors.of(self.record.spec).prepare(output)
            output.checkpoint()
            where = self.destination
            self._publish(output)
            return None
        except FfmpegFailed as error:
            failure = error
        except OSError as error:
            failure = self._unusable(error.strerror or str(error))
        if failure.category == "disk_full":
            raise self._without_room(where, position, failure)
        self.job.log("error", str(failure))
        ledger.fail_output(self.db, self.run_id, position, str(failure), failure.details)
        return failure

    def _without_room(self, folder: str, position: int, failure: FfmpegFailed) -> JobPaused:
        """The pause until there is room: more than now, and as much as is still to be written."""
        execute(
            self.db,
            "UPDATE segments SET status = 'queued' WHERE run_id = ? AND output = ? AND status = 'failed'",
            (self.run_id, position),
        )
        self.job.log("warning", failure.details or str(failure))
        lacking = demand.lacking(self.db, self.job.job_id, folder)
        needed = f"about {naturalsize(lacking.free, binary=True)} must be free" if lacking else "free some"
        return JobPaused(
            f"There is no space left on the disk of {display(folder)}: {needed}. What is finished is kept; "
            "the export goes on by itself when there is room, or when it is resumed.",
            waiting_for=waiting.for_space(lacking.volume_id, lacking.free) if lacking else None,
        )

    def _unusable(self, why: str) -> FfmpegFailed:
        category = "disk_full" if "No space left" in why else "output_write_error"
        return FfmpegFailed(
            category,
            f"The folder {display(self.destination)} cannot be used: {why.rstrip('.')}. "
            "What is rendered is kept: put that right and retry.",
        )

    def _publish(self, output: Output) -> None:
        """Join a file in its destination and give it its name."""
        position = output.entry.position
        self._check_destination()
        plan = output.plan
        temp = os.path.join(self.destination, self._temp_name(output.entry.stem))

        def on_stage(stage: str, share: str) -> None:
            output.board.show(stage, f"{join.STAGES[stage]} {display(output.entry.stem)}: {share}")

        try:
            report = join.Report(self.job.check_now, on_stage)
            joined = executors.of(self.record.spec).finish(output, temp, report)
        except join.SegmentChanged as changed:
            parts.requeue(self.db, self.run_id, position, changed.index)
            raise

        def announce(path: str) -> None:
            ledger.set_output(
                self.db,
                self.run_id,
                position,
                path=path,
                size=joined.size,
                blake3=joined.blake3,
                frames=joined.frames,
                duration_ms=joined.duration_ms,
            )

        try:
            findings = output.verified(temp, joined)
            ledger.set_output(self.db, self.run_id, position, verification=json.dumps(findings.to_json()))
            if not findings.ok:
                category = "quality" if findings.falls_short else "encoding_error"
                raise FfmpegFailed(category, f"{findings.problems[0]} The film is thrown away.")
            path = placing.publish(
                temp,
                self.destination,
                output.entry.stem,
                plan.container,
                announce=announce,
                is_taken=self._is_taken,
                replaces=self._replaces if self.record.spec.get("overwrite") else None,
            )
        finally:
            placing.remove(temp)
        self._finished(position, path)
        output.board.made(-position)

    def _is_taken(self, path: str) -> bool:
        """Whether another file is recorded there: one that is missing today must not be taken for found."""
        assert self.place is not None
        return ledger.is_recorded(self.db, self.place, os.path.basename(path))

    def _replaces(self, path: str) -> bool:
        """Whether the film of an earlier run lies there, unchanged, to be replaced by this run's."""
        if not os.path.lexists(path):
            return False
        folder, name = os.path.split(path)
        known = ledger.film_at(self.db, self.run_id, path)
        if known is not None and segment.is_whole(
            folder, name, known["size"], known["blake3"], self.job.check_now
        ):
            self.job.log("info", f"{display(path)} of run {known['run_id'][:8]} is replaced.")
            audit.record(self.db, "exports replace", target=display(path), job_id=self.job.job_id)
            return True
        self.job.log(
            "warning",
            f"{display(path)} is no film of an earlier run, or was changed since: it is left alone, and the "
            "new film gets a number.",
        )
        return False

    def _finished(self, position: int, path: str) -> None:
        assert self.place is not None
        ledger.complete_output(self.db, self.run_id, position, path, self.place)
        self.job.log("info", f"{display(path)} is finished.")

    def _verdict(self, entries: list[Entry]) -> Outcome:
        counts = ledger.output_counts(self.db, self.run_id)
        warnings = [*self.record.snapshot.get("left_out", []), *ledger.warnings_of(self.db, self.run_id)]
        status = states.verdict(counts, len(warnings))
        first_error = ledger.first_error(self.db, self.run_id)
        error = None
        if status == "failed":
            error = first_error or "None of the clips could be exported."
        elif status == "completed_with_warnings":
            error = "\n".join(dict.fromkeys([*([first_error] if first_error else []), *warnings]))
        ledger.finish(
            self.db,
            self.run_id,
            self.job.job_id,
            status,
            error,
            folder=self.destination if self.record.is_per_clip else None,
        )
        if status != "failed":
            self._thumbnail()
        pruning.prune(self.job.library)
        total = ledger.frames_total(entries)
        self.job.progress(force=True, done=total, total=total, stage=None, message=None)
        return self._outcome(status, error)

    def _failed(self, failure: FfmpegFailed) -> Outcome:
        ledger.finish(self.db, self.run_id, self.job.job_id, "failed", str(failure), failure=failure)
        return self._outcome("failed", str(failure))

    def _outcome(self, status: str, error: str | None) -> Outcome:
        self.job.flush()
        result: dict[str, Any] = records.result_of(self.db, self.run_id)
        return Outcome(status, {**result, "status": status, "error": error}, error)

    # -- around it ---------------------------------------------------------------
    def _prepare(self) -> None:
        """Make folders, remove leftovers of dead attempts, enter a published file that has no row yet."""
        library = self.job.library
        try:
            os.makedirs(self.folder, exist_ok=True)
            os.makedirs(str(library.logs), exist_ok=True)
        except OSError as error:
            raise Refused(
                f"The working folder {display(self.folder)} cannot be made: {error.strerror}."
            ) from error
        self._check_destination()
        self.remove_leftovers()
        for entry in ledger.announced(self.db, self.run_id):
            path = os.fsdecode(entry["path"])
            if segment.is_whole(*os.path.split(path), entry["size"], entry["blake3"], self.job.check_now):
                self._finished(entry["position"], path)

    def _check_destination(self) -> None:
        """See that the destination is there, on the volume that it was on when the run was queued.

        Raises:
            JobPaused: its drive is away.
            FfmpegFailed: the folder cannot be made or reached.
        """
        known: str | None = self.record.snapshot.get("destination_volume")
        try:
            places.folder(self.destination)  # a share that is silent must not hold this thread
            above = self.destination
            while not os.path.isdir(above) and above != "/":
                above = os.path.dirname(above)
            here = places.place_of(self.db, above)
            if known is not None and here.volume_id != known:
                raise JobPaused(
                    f"The drive of {display(self.destination)} is away. The export goes on when it is back.",
                    waiting_for=known,
                )
            os.makedirs(self.destination, exist_ok=True)
            self.place = here if above == self.destination else places.place_of(self.db, self.destination)
        except VolumeGone as error:
            if known is None:
                raise self._unusable(str(error)) from error
            raise JobPaused(f"{error} The export goes on when it answers.", waiting_for=known) from error
        except (OSError, RushesError) as error:
            said = error.strerror if isinstance(error, OSError) else None
            raise self._unusable(said or str(error)) from error

    def _temp_name(self, stem: str) -> str:
        return f".{stem[:60]}.{self.run_id[:8]}-{uuid.uuid4().hex[:8]}{segment.PART_SUFFIX}"

    def remove_leftovers(self) -> None:
        """Remove files of attempts that are dead: whatever ends like a temp and carries this run's id.

        An encoder that outlived its engine is ended first; it would write on.
        """
        child.end_orphans(self.folder)
        own = re.compile(
            re.escape(f".{self.run_id[:8]}-") + r"[0-9a-f]{8}" + re.escape(segment.PART_SUFFIX) + "$"
        )
        _remove_matching(self.destination, lambda name: own.search(name) is not None)
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith((segment.PART_SUFFIX, ".txt")) and not farm.is_at_work(path):
                    placing.remove(path)

    def _thumbnail(self) -> None:
        """Make the run's picture. An export without one is good all the same."""
        from engine.media.probe import probe
        from engine.media.thumbs import thumbnail

        path = ledger.first_finished(self.db, self.run_id)
        if path is None or self.record.preset["video"] is None:
            return
        tools = find_tools()
        target = os.path.join(str(self.job.library.exports), f"{self.run_id}.jpg")
        try:
            thumbnail(tools, path, target, probe(tools, path))
            ledger.set_thumbnail(self.db, self.run_id, target)
        except (RushesError, OSError) as error:
            self.job.log("warning", f"No picture could be made of the export: {error}")


def _remove_matching(folder: str, fits: Callable[[str], bool]) -> None:
    try:
        names = os.listdir(folder)
    except OSError:
        return  # away or gone: then its temps are too
    for name in names:
        if fits(name):
            placing.remove(os.path.join(folder, name))
