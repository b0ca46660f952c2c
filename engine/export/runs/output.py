"""Rendering the parts of one file, in the run's order, with progress that is true."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from sqlite_utils import Database

from engine.errors import RushesError
from engine.export.planning import graph
from engine.export.planning.plan import Chunk, Plan, Segment
from engine.export.planning.selection import available, home_of
from engine.export.planning.timeline import SAMPLE_RATE
from engine.export.rendering import crew, materials, segment
from engine.export.rendering.join import Joined, Made
from engine.export.rendering.segment import Manner, Where
from engine.export.rendering.verifying import Doing, Findings, measure_quality, verify
from engine.export.runs import parts, receipts, sharing
from engine.export.runs.board import Board
from engine.export.runs.ledger import Entry
from engine.export.runs.records import Run
from engine.export.runs.yielding import Yielding
from engine.jobs.context import JobContext
from engine.media.ffmpeg import FfmpegFailed
from engine.media.tools import Tools
from engine.names import display, from_blob
from engine.storage.database import Row, rows
from engine.volumes import mounts, places

EARLY_SECONDS = 1
"""Of the film: so much before the end of a segment the next is begun."""

KILLED_ATTEMPTS = 2
"""Attempts at a part whose encoder is killed from outside, as by a machine that ran out of memory."""


class SourceAway(RushesError):
    """A clip's drive went away. The run waits for it.

    Attributes:
        volume_id: the volume that is waited for.
    """

    def __init__(self, sentence: str, volume_id: str) -> None:
        super().__init__(sentence)
        self.volume_id = volume_id


class Sources:
    """Where the clips of a run can be read now. Forgets a path that stopped working. Any thread.

    ``connect`` gives the calling thread's connection to the library's database.
    """

    def __init__(self, connect: Callable[[], Database]) -> None:
        self._connect = connect
        self._paths: dict[int, str] = {}

    @property
    def _db(self) -> Database:
        return self._connect()

    def path(self, plan: Plan, index: int) -> str:
        """Absolute path of a source.

        Raises:
            SourceAway: all its copies are on drives that are away.
            FfmpegFailed: it has no copy any more.
        """
        source = plan.sources[index]
        known = self._paths.get(source.asset_id)
        if known is not None:
            return known
        found = available(self._db, source.asset_id)
        if found is None:
            raise self._why(plan, index)
        self._paths[source.asset_id] = found.path
        return found.path

    def all_paths(self, entries: Sequence[Entry]) -> Iterator[str]:
        """Where the clips of these files can be read now; what is away is left out."""
        for plan in (entry.plan for entry in entries if entry.plan is not None):
            for index in plan.file_indexes():
                try:
                    yield self.path(plan, index)
                except RushesError:
                    continue  # found out when it is needed

    def look_again(self, plan: Plan, part: Segment | Chunk) -> bool:
        """After a failure: see whether a source went away.

        Returns:
            True when another copy of it can be read now, so that a new attempt makes sense.

        Raises:
            SourceAway: it is on a drive that is away.
        """
        elsewhere = False
        for index in plan.source_indexes(part):
            source = plan.sources[index]
            path = self._paths.get(source.asset_id)
            if path is None or self._is_there(path, source.asset_id):
                continue
            self._paths.pop(source.asset_id, None)
            found = available(self._db, source.asset_id)
            if found is None or found.path == path or not self._is_there(found.path, source.asset_id):
                why = self._why(plan, index, path)
                if isinstance(why, SourceAway):
                    raise why
                continue
            elsewhere = True
        return elsewhere

    def missing(self, plan: Plan, part: Segment | Chunk) -> FfmpegFailed | None:
        """After a failure: the sentence about a source that has no copy any more; None when all have one."""
        for index in plan.source_indexes(part):
            if available(self._db, plan.sources[index].asset_id) is None:
                why = self._why(plan, index)
                if isinstance(why, FfmpegFailed):
                    return why
        return None

    def _is_there(self, path: str, asset_id: int) -> bool:
        try:
            os.stat(path)
            with open(path, "rb", buffering=0) as file:
                file.read(1)
        except OSError:
            return False
        return self._volume_gone(asset_id, path) is None

    def _volume_gone(self, asset_id: int, path: str | None = None) -> tuple[str, str] | None:
        """The volume of a copy that the database calls present but the mount table does not show any more.

        Of the copy at ``path`` alone: that another one lies on a drive that is away says nothing of it.
        """
        for copy in self._copies(asset_id):
            if path is not None and places.last_known(copy, from_blob(copy["path"])) != path:
                continue
            point = from_blob(copy["mount_point"]) if copy["mount_point"] else None
            if copy["seen_as"] != "online" or point is None:
                return copy["volume_id"], copy["volume_name"]
            mount = mounts.locate(mounts.read(), point)
            if not os.path.isdir(point) or mount is None:
                return copy["volume_id"], copy["volume_name"]
            if copy["kind"] == "file_system" and mount.mount_point != point:
                return copy["volume_id"], copy["volume_name"]
        return None

    def _copies(self, asset_id: int) -> list[Row]:
        return rows(
            self._db,
            "SELECT copy_states.*, volumes.kind FROM copy_states JOIN volumes USING (volume_id)"
            " WHERE asset_id = ? ORDER BY role = 'managed' DESC, copy_id",
            (asset_id,),
        )

    def _why(self, plan: Plan, index: int, path: str | None = None) -> RushesError:
        """Why a source cannot be read; ``path`` is where it was read until now."""
        source = plan.sources[index]
        shown = display(source.title)
        left = self._volume_gone(source.asset_id, path) if path is not None else None
        home = left or home_of(self._db, source.asset_id) or self._volume_gone(source.asset_id)
        if home is not None:
            return SourceAway(
                f"{display(home[1])}, the drive of clip {shown}, is away. What is rendered is kept; "
                "the export goes on when the drive is back.",
                home[0],
            )
        return FfmpegFailed(
            "input_not_found",
            f"Clip {shown} is missing from its drive. What is rendered is kept: relink it, then resume.",
        )


@dataclass(frozen=True)
class Manners:
    """How a run behaves towards the machine, by the settings at its start.

    Attributes:
        stall_seconds: see :func:`engine.media.ffmpeg.run`.
        workers: parts made at the same time; 0 is by the processor.
        yielding: how it stands back for ingests.
    """

    stall_seconds: float
    workers: int
    yielding: Yielding


@dataclass
class Output:
    """One file on its way. Used by one thread, and by the ones it makes.

    Attributes:
        entry: its place and plan.
        outputs: number of files of the run.
        folder: of its segments.
        log: file for ffmpeg's messages.
        manners: how it behaves towards the machine.
        board: where progress is added up.
    """

    job: JobContext
    tools: Tools
    run: Run
    entry: Entry
    outputs: int
    run_folder: str
    log: str
    manners: Manners
    sources: Sources
    board: Board
    _heap: crew.Heap = field(default_factory=lambda: crew.Heap({}))

    @property
    def plan(self) -> Plan:
        """Its plan; entries without one are never rendered."""
        assert self.entry.plan is not None
        return self.entry.plan

    @property
    def folder(self) -> str:
        """The folder of its segments."""
        return parts.output_folder(self.run_folder, self.entry.position)

    def render(self) -> None:
        """Render what is not finished yet, in the order of the film: pictures, and beside them the sound.

        Raises:
            JobPaused, JobCancelled, JobStopped: the operator's word.
            SourceAway: a drive went away.
            FfmpegFailed: a part cannot be made.
        """
        os.makedirs(self.folder, exist_ok=True)
        materials.bring(self.job.library, self.plan, self.folder)
        turns = self._encoders()
        pictures = {found["segment_id"]: found["frames"] for found in self._open("video")}
        self._heap = crew.Heap(pictures)
        heap = self._in_order()
        # Two hands more than encoders: a part is proven, and sound is made, while the next is rendered.
        hands = 1 if self.run.is_per_clip else turns + 1 + (len(pictures) < len(heap))
        crew.work_off(heap, self._make, hands, self.job.library.close, turns)

    def _in_order(self) -> list[Row]:
        """What is not finished, as it comes in the film: a part of the sound after the pictures it goes with.

        The last of it comes before the last pictures, so that no processor waits for it at the end.
        """
        plan = self.plan
        last = plan.segments[-1].at / plan.fps if plan.segments else Fraction(0)

        def moment(found: Row) -> tuple[Fraction, bool]:
            if found["kind"] == "video":
                return plan.segments[found["position"]].at / plan.fps, True
            chunk = plan.chunks[found["position"]]
            return min(Fraction(chunk.at + chunk.samples, SAMPLE_RATE), last), False

        return sorted([*self._open("audio"), *self._open("video")], key=moment)

    def _threads(self, segment_id: int) -> graph.Threads:
        """How many threads a segment's render gets now."""
        files = self.outputs if self.run.is_per_clip else None
        return sharing.threads(self.plan, self.manners.workers, files, self._heap, segment_id)

    def _encoders(self) -> int:
        """How many segments are encoded at the same time."""
        return sharing.encoders(self.plan, self.manners.workers)

    def checkpoint(self) -> None:
        """Between two parts: the operator's word, then an ingest's need. Raises what ends this start."""
        self.job.checkpoint()
        self.manners.yielding.checkpoint()

    def _make(self, found: Row, rendered: Callable[[], None]) -> None:
        is_picture = found["kind"] == "video"
        if not is_picture:
            rendered()  # sound takes no encoder's place: a picture is begun at once
        self.checkpoint()
        among: Sequence[Segment | Chunk] = self.plan.segments if is_picture else self.plan.chunks
        self._part(found["segment_id"], among[found["position"]], rendered)

    def parts(self) -> tuple[list[Made], list[str]]:
        """The finished parts for the join: segments, and file names of the sound."""
        db, run_id, position = self.job.db, self.run.run_id, self.entry.position
        made = [
            Made(from_blob(found["file"]), found["frames"], found["digest"], found["extradata"])
            for found in parts.rows_of(db, run_id, position, "video")
        ]
        sound = [from_blob(found["file"]) for found in parts.rows_of(db, run_id, position, "audio")]
        return made, sound

    def verified(self, path: str, joined: Joined) -> Findings:
        """What the recipe's verification finds in the finished file at ``path``.

        Raises:
            SourceAway: a clip is needed for the comparison, and its drive went away.
            FfmpegFailed: the file cannot be looked at.
        """
        plan, spec = self.plan, self.run.spec

        def on_progress(what: str, done: int) -> None:
            words = f"{what.capitalize()} {display(self.entry.stem)}"
            self.board.show("verifying", f"{words}: {done:,} of {plan.frames_total:,} frames")

        doing = Doing(
            self.job.check_now,
            on_progress,
            self.manners.stall_seconds,
            self.manners.yielding.courtesy,
            self.log,
        )
        level = spec["verify"]
        findings = verify(self.tools, path, plan, level, joined.frames, doing, joined.decoded, joined.streams)
        if spec["verify"] == "quality" and findings.ok:
            files = [part.file for part in self.parts()[0]]
            measure_quality(self.tools, plan, files, self._inputs, self.folder, spec, findings, doing)
        return findings

    def _inputs(self, part: Segment) -> list[str]:
        paths = {index: self.sources.path(self.plan, index) for index in self.plan.source_indexes(part)}
        return segment.inputs(self.plan, part, Where(self.folder, paths, self.log))

    def _open(self, kind: str) -> list[Row]:
        found = parts.rows_of(self.job.db, self.run.run_id, self.entry.position, kind)
        return [entry for entry in found if entry["status"] != "completed"]

    def _part(self, segment_id: int, part: Segment | Chunk, rendered: Callable[[], None]) -> None:
        elsewhere_made = self._from_farm(part)
        if elsewhere_made is not None:
            parts.finish(self.job.db, self.run.run_id, segment_id, elsewhere_made, reused=True)
            self.board.made(segment_id)
            return
        attempts = 0
        while True:
            attempts += 1
            parts.start(self.job.db, segment_id)
            try:
                made = self._attempt(segment_id, part, rendered)
                break
            except FfmpegFailed as failed:
                elsewhere = self.sources.look_again(self.plan, part)
                failure = self.sources.missing(self.plan, part) or failed
                parts.fail(self.job.db, segment_id, str(failure))
                killed = failure.category == "killed" and attempts < KILLED_ATTEMPTS
                if not elsewhere and not killed:
                    raise failure from failed
                self.job.log("warning", f"{failure} It is tried again.")
        if made.warning is not None:
            self.job.log("warning", made.warning)
        parts.finish(self.job.db, self.run.run_id, segment_id, made)
        self.board.made(segment_id)

    def _from_farm(self, part: Segment | Chunk) -> segment.Rendered | None:
        """A segment that a farm rendered meanwhile, read and hashed; None when there is none."""
        if isinstance(part, Chunk):
            return None
        name = segment.segment_name(self.plan, part)
        made = receipts.taken(self.folder, name, self.job.check_now)
        if made is not None:
            self.job.log(
                "info", f"Part {part.index + 1} was rendered elsewhere; it was checked and taken over."
            )
            if made.warning is not None:
                self.job.log("warning", made.warning)
        return made

    def _attempt(
        self, segment_id: int, part: Segment | Chunk, rendered: Callable[[], None]
    ) -> segment.Rendered:
        plan = self.plan
        paths = {index: self.sources.path(plan, index) for index in plan.source_indexes(part)}
        where = Where(self.folder, paths, self.log)
        attempt = uuid.uuid4().hex[:12]
        if isinstance(part, Chunk):
            words = self._message(0, "Sound of ")
            self.board.show("audio", f"{words}: 0 % of part {part.index + 1}")

            def heard(samples: int) -> None:
                share = samples * 100 // max(1, part.samples)
                self.board.aside("audio", f"{words}: {share} % of part {part.index + 1}")

            manner = self._manner(heard, rendered)
            return segment.run_chunk(self.tools, plan, part.index, attempt, where, manner)

        early = self._early(part)

        def report(frames: int) -> None:
            self._heap.set(segment_id, part.frames - frames)
            self.board.making(segment_id, frames, "rendering", self._message(part.at + frames))
            if early and part.frames - frames <= early:
                rendered()

        report(0)
        manner = replace(self._manner(report, rendered), threads=lambda: self._threads(segment_id))
        return segment.run_segment(self.tools, plan, part.index, attempt, where, manner)

    def _manner(self, report: Callable[[int], None], rendered: Callable[[], None]) -> Manner:
        manners = self.manners
        return Manner(self.job.check_now, report, manners.stall_seconds, manners.yielding.courtesy, rendered)

    def _early(self, part: Segment) -> int:
        """Frames before the end of a segment at which the next one may be begun.

        An encoder that is given its last pictures has less and less to do, and
        the next needs a second before it keeps the processors busy.
        """
        assert self.plan.video is not None
        if self.manners.workers or crew.hardware(self.plan.video.get("encoder")):
            return 0  # no more at a time than were asked for, or than the card has room for
        return min(round(EARLY_SECONDS * self.plan.fps), part.frames // 4)

    def _message(self, frame: int, what: str = "") -> str:
        """``clip 3 of 12: C0003``."""
        if self.run.is_per_clip:
            title = self.run.clips[self.entry.position].title
            return f"{what}clip {self.entry.position + 1} of {self.outputs}: {display(title)}"
        order = list(dict.fromkeys(self.plan.sources[index].clip_id for index in self.plan.file_indexes()))
        if what:
            return f"{what}{len(order)} clips"
        clip_id, title = self._clip_at(frame)
        if clip_id not in order:
            return "title card"
        return f"clip {order.index(clip_id) + 1} of {len(order)}: {display(title)}"

    def _clip_at(self, frame: int) -> tuple[str, str]:
        pieces = [piece for part in self.plan.segments for piece in part.pieces]
        piece = next((piece for piece in pieces if frame < piece.at + piece.frames), pieces[-1])
        source = self.plan.sources[piece.parts[-1].source]
        return source.clip_id, source.title
