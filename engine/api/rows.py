"""What a front end sees: frozen rows, their details, and the filter that chooses them.

Units are in the names (``_bytes``, ``_seconds``, ``_ms``); ``rate`` is units
per second; a ratio is 0..1; times are UTC ISO 8601 text. Names and paths are
exact (see :mod:`engine.names`): escape them before they are shown. None always
means "not known" unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from engine.jobs import store

Show = Literal["all", "active", "failed"]
"""Which rows are wanted; each source says what ``active`` and ``failed`` mean for it."""

PRIORITIES: tuple[str, ...] = tuple(store.PRIORITIES)
"""Words for the order in the queue, from the last to the first."""

EngineState = Literal["running", "starting", "absent"]
"""Whether an engine holds the library: it works, it has the lock and is not ready yet, or there is none."""


@dataclass(frozen=True)
class Filter:
    """Which rows of a source are wanted, and in which order.

    Attributes:
        text: kept are rows whose name holds it, whatever the letter case; a
            leading ``!`` keeps the others. Empty keeps all.
        show: see :data:`Show`.
        order: a key of the source's ``orders``; empty is its first one.
        reverse: turn that order round.
    """

    text: str = ""
    show: Show = "all"
    order: str = ""
    reverse: bool = False


Id = str | int
"""What names a row in its source, for good."""

R_co = TypeVar("R_co", covariant=True)
D_co = TypeVar("D_co", covariant=True)


class Source(Protocol, Generic[R_co, D_co]):
    """One queue of rows. Used by one thread; every call is a plain read."""

    @property
    def orders(self) -> tuple[str, ...]:
        """Names of the orders it knows, the default first."""
        ...

    def ids(self, wanted: Filter) -> Sequence[Id]:
        """Ids of all rows that pass, in order; those of a long list may be :class:`~engine.api.ids.Ids`."""
        ...

    def rows(self, ids: Sequence[Id]) -> Sequence[R_co]:
        """The rows with these ids, in the order given; a row that is gone is left out."""
        ...

    def detail(self, row_id: Id) -> D_co:
        """All that is known about one row.

        Raises:
            NotFound: the row is gone.
        """
        ...


@dataclass(frozen=True)
class Counts:
    """Numbers for the head of every screen.

    ``damaged`` copies have other bytes than recorded; ``notices`` nobody of this name has looked at yet.
    """

    volumes: int = 0
    volumes_away: int = 0
    jobs_active: int = 0
    jobs_failed: int = 0
    exports_active: int = 0
    exports_failed: int = 0
    candidates_open: int = 0
    damaged: int = 0
    notices: int = 0


@dataclass(frozen=True)
class Header:
    """The library and its engine at a glance.

    Attributes:
        library: the library's name.
        host: the machine this client runs on.
        engine: see :data:`EngineState`.
        jobs_running: jobs that run now, of every kind.
        rate: bytes per second of all that count bytes; None when none does.
        counts: see :class:`Counts`.
        problem: a sentence about the engine (a lock held elsewhere, a read-only library), or None.
    """

    library: str
    host: str
    engine: EngineState
    jobs_running: int = 0
    rate: float | None = None
    counts: Counts = Counts()
    problem: str | None = None


@dataclass(frozen=True)
class Notice:
    """A job's end that an open screen tells of.

    Attributes:
        sentence: one line, safe to print.
        status: how it ended; colours follow it.
        bell: ring the terminal's bell.
        message: send the sentence as the terminal's own message (OSC 9).
        ended_at: stored form.
    """

    job_id: str
    kind: str
    status: str
    sentence: str
    bell: bool
    message: bool
    ended_at: str


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log; ``level`` is ``info``, ``warning`` or ``error``."""

    at: str
    level: str
    message: str


# -- jobs that bring footage in, and the others that are no export -----------
@dataclass(frozen=True)
class PartRow:
    """One part of an ingest, see :func:`engine.ingest.carrying.pace.parts`.

    Attributes:
        name: path of a source, ``hashing``, or a destination's volume.
        kind: ``source``, ``hashing`` or ``destination``.
        stage: what it does now (``read write``, ``read back``, ``failed``); None while it rests.
        write_rate, read_rate: bytes per second while it was at work, over all runs of the job.
        write_rate_now, read_rate_now: the same of the last seconds.
        busy_seconds: how long it was at work.
        bottleneck: whether that is the longest of all.
    """

    name: str
    kind: str
    stage: str | None
    write_rate: int | None
    read_rate: int | None
    write_rate_now: int | None
    read_rate_now: int | None
    busy_seconds: float
    bytes_written: int
    bytes_read: int
    bottleneck: bool


@dataclass(frozen=True)
class JobRow:
    """A job with the numbers of its batch's items (zeros when it has no batch).

    Attributes:
        freed_at: when the last source of an ingest was no longer needed; None before, and without a
            second stage it is when the copies were verified.
        free_eta_seconds: time left until then, of an ingest with a second stage; ``eta_seconds`` is
            until all is done.
        parts: how fast source, hashing and each destination of an ingest work.
        priority: order in the queue, one of :data:`PRIORITIES`.
        queue_place: place among the jobs that wait for their turn, from 1; None when it does not wait.
    """

    job_id: str
    batch_id: str | None
    kind: str
    title: str
    status: str
    intent: str | None
    stage: str | None
    message: str | None
    done: int
    total: int | None
    bytes_done: int
    bytes_total: int | None
    rate: float | None
    eta_seconds: float | None
    waiting_for: str | None
    error: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    items: int = 0
    files_found: int = 0
    files_ingested: int = 0
    duplicates: int = 0
    failed: int = 0
    freed_at: str | None = None
    free_eta_seconds: float | None = None
    parts: tuple[PartRow, ...] = ()
    priority: str = "normal"
    queue_place: int | None = None

    @property
    def id(self) -> str:
        """The row's id."""
        return self.job_id

    @property
    def bottleneck(self) -> PartRow | None:
        """The part that was at work longest; None before anything was done."""
        return next((part for part in self.parts if part.bottleneck), None)

    @property
    def progress(self) -> float | None:
        """Share done, 0..1, by bytes when they are known, else by items."""
        return ratio(self.status, self.bytes_done, self.bytes_total, self.done, self.total)


def ratio(
    status: str, bytes_done: int, bytes_total: int | None, done: int, total: int | None
) -> float | None:
    """Share done, 0..1: by bytes when their total is known, else by count; None without any total."""
    if status == "completed":
        return 1.0
    if bytes_total:
        return min(1.0, bytes_done / bytes_total)
    if total:
        return min(1.0, done / total)
    return None


@dataclass(frozen=True)
class ItemRow:
    """One source of an ingest batch."""

    source: str | None
    status: str
    stage: str | None
    files_found: int
    files_ingested: int
    duplicates: int
    failed: int
    size_bytes: int
    error: str | None


@dataclass(frozen=True)
class JobDetail:
    """A job, its items, where it copies to, what to mind of it, and the end of its log, oldest line first."""

    row: JobRow
    created_by: str
    items: tuple[ItemRow, ...] = ()
    destinations: tuple[str, ...] = ()
    log: tuple[LogLine, ...] = ()
    warnings: tuple[str, ...] = ()


# -- exports -----------------------------------------------------------------
@dataclass(frozen=True)
class RunRow:
    """One execution of a recipe.

    Attributes:
        segments: one letter per segment in order: ``q`` queued, ``r`` running,
            ``c`` completed, ``u`` completed and taken over from another run,
            ``s`` skipped, ``f`` failed, ``x`` cancelled.
        outputs_done, outputs: files finished and wanted (per-clip recipes).
        rate: frames per second.
        progress_at: last moment the job moved.
        priority: order in the queue, one of :data:`PRIORITIES`.
        queue_place: place among the jobs that wait for their turn, from 1; None when it does not wait.
    """

    run_id: str
    job_id: str
    name: str
    recipe_name: str
    status: str
    intent: str | None
    stage: str | None
    message: str | None
    frames_done: int
    frames_total: int | None
    rate: float | None
    eta_seconds: float | None
    segments: str
    outputs_done: int
    outputs: int
    waiting_for: str | None
    output_path: str | None
    output_bytes: int | None
    output_duration_ms: int | None
    error: str | None
    error_category: str | None
    created_at: str
    started_at: str | None
    progress_at: str | None
    ended_at: str | None
    priority: str = "normal"
    queue_place: int | None = None

    @property
    def id(self) -> str:
        """The row's id."""
        return self.run_id

    @property
    def progress(self) -> float | None:
        """Share of frames done, 0..1."""
        return ratio(self.status, 0, None, self.frames_done, self.frames_total)

    @property
    def is_whole(self) -> bool:
        """Whether it ended with warnings but made all files that it planned: nothing can be tried again."""
        return self.status == "completed_with_warnings" and 0 < self.outputs <= self.outputs_done


@dataclass(frozen=True)
class OutputRow:
    """One file that a run makes; ``title`` is that of its clip, None for a film of many.

    ``proof`` says how the file was proven, ``blake3`` its hash in hexadecimal; None before that.
    """

    path: str | None
    status: str
    size_bytes: int | None
    duration_ms: int | None
    error: str | None
    title: str | None = None
    proof: str | None = None
    blake3: str | None = None


@dataclass(frozen=True)
class RunDetail:
    """A run, its files, the settings it was queued with, and the end of its log, oldest line first.

    ``thumbnail`` is the path of a picture of its film, None while there is none.
    """

    row: RunRow
    settings: dict[str, Any]
    segments_reused: int
    error_details: str | None
    outputs: tuple[OutputRow, ...] = ()
    log: tuple[LogLine, ...] = ()
    thumbnail: str | None = None


@dataclass(frozen=True)
class RecipeRow:
    """A recipe that can be queued; ``clips`` is how many it would take now, None when that is not known."""

    name: str
    mode: str
    layout: str
    preset: str
    destination: str | None = None
    clips: int | None = None
