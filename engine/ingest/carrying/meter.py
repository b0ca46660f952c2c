"""Progress of an ingest: bytes count when they are written and again when they were read back.

In reference mode nothing is written, so they count once. The figures never
fall and never pass the total: a file that is copied a second time, or was
verified before, counts once.

An ingest with a second stage has two ends: the sources are free when the first
stage is over, all is done after the second. Each has its own time left.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine.ingest.carrying import ahead
from engine.ingest.carrying.bundle import Bundle
from engine.ingest.carrying.pace import Lane, Pace
from engine.ingest.carrying.parcels import Parcel
from engine.ingest.ends.landing import Landing
from engine.jobs.context import REPORT_SECONDS, JobContext
from engine.jobs.rates import Rate
from engine.names import display
from engine.storage.database import row, rows, scalar

_ENDED = "('completed', 'skipped', 'failed', 'cancelled')"

HASHING = "hashing"
"""Name of the part of an ingest that is no disk."""

_STAGES = {"copy": ("read", "write"), "verify": ("rest", "read back"), "hash": ("read", "rest")}
"""What the source and what a destination do in each stage of a file."""


class Meter:
    """Counts for one run of one job. Used by the job's thread; landings are counted by theirs."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self._stage = "scan"
        self._current = ""
        self._flying: dict[int, tuple[Parcel, list[Landing]]] = {}
        self._timed: set[int] = set()
        self._bundles: list[Bundle] = []
        self._shown = 0
        self._read = 0
        self._next = 0.0
        self._rates: dict[int, Rate] = {}
        self._source = ""
        self.note = ""
        self.pace = Pace(scalar(job.db, "SELECT parts FROM jobs WHERE job_id = ?", (job.job_id,)))
        self.files = self.done = self.total = self.base = 0
        self._second_total = self._second_base = 0
        self._per_byte: float | None = None

    @property
    def lanes(self) -> dict[str, Lane]:
        """The sums of each part, over all runs of the job."""
        return self.pace.lanes

    def load(self) -> None:
        """Read the totals again, after files were listed or queued once more."""
        found = row(
            self._job.db,
            f"SELECT count(*) AS files, COALESCE(SUM(status IN {_ENDED}), 0) AS done"
            " FROM tasks WHERE job_id = ?",
            (self._job.job_id,),
        )
        assert found is not None
        self.files, self.done = int(found["files"]), int(found["done"])
        self.total = self.base = self._second_total = self._second_base = 0
        for volume in rows(
            self._job.db,
            "SELECT hop, COALESCE(SUM(2 * size), 0) AS total,"
            f" COALESCE(SUM(CASE WHEN transfers.status IN {_ENDED} THEN 2 * size ELSE 0 END), 0) AS base"
            " FROM transfers JOIN tasks USING (task_id) WHERE job_id = ? GROUP BY hop"
            if self._job.params.get("destinations")
            else "SELECT 1 AS hop, COALESCE(SUM(size), 0) AS total,"
            f" COALESCE(SUM(CASE WHEN status IN {_ENDED} THEN size ELSE 0 END), 0) AS base"
            " FROM tasks WHERE job_id = ?",
            (self._job.job_id,),
        ):
            self.total += int(volume["total"])
            self.base += int(volume["base"])
            if volume["hop"] == 2:
                self._second_total, self._second_base = int(volume["total"]), int(volume["base"])
        coming = ahead.unlisted(self._job)
        self.files += coming.files
        self.total += coming.first + coming.second
        self._second_total += coming.second
        self._per_byte = ahead.seconds_per_byte(self._job) if self._second_total else None
        self._shown = self.base
        self._flying.clear()
        self._timed.clear()
        self._bundles.clear()
        self.tick(force=True)

    def stage(self, name: str) -> None:
        """Say what is being done: ``scan hash copy verify catalogue``."""
        self._stage = name

    def reads_from(self, source: str) -> None:
        """Name the source of what comes now; escaped."""
        self._source = source

    def begin(self, parcel: Parcel, landings: Sequence[Landing]) -> None:
        """A file is being copied."""
        self._current = parcel.path
        self._flying[parcel.task_id] = parcel, list(landings)
        self._timed.discard(parcel.task_id)
        self.tick()

    def timed(self, parcel: Parcel) -> None:
        """A round of a file is over: what it took goes into the sums of each part."""
        for name, lane in _times(parcel, self._source).items():
            self.pace.lanes[name] = self.pace.lane(name, lane.kind).plus(lane)
        self._timed.add(parcel.task_id)

    def take(self, bundle: Bundle) -> None:
        """A bundle is being copied."""
        self._bundles.append(bundle)

    def add_times(self, bundle: Bundle) -> None:
        """A bundle is proven: what it took goes into the sums of each part."""
        source, hashing = self.pace.lane(self._source, "source"), self.pace.lane(HASHING, "hashing")
        for item in bundle.items:
            size = item.parcel.size
            source.read += size
            source.read_seconds += item.read_seconds
            hashing.other_seconds += item.hash_seconds
            for leg in item.legs:
                lane = self.pace.lane(leg.transfer.destination.order.volume, "destination")
                lane.written += size
                lane.write_seconds += leg.write_seconds
                lane.read += size
                lane.read_seconds += leg.read_seconds
        for target in bundle.destinations:
            self.flushed(target.order.volume, bundle.flush_seconds.get(id(target), 0.0))

    def end_bundle(self, bundle: Bundle) -> None:
        """The verdicts of a proven bundle are in the database."""
        self._bundles = [other for other in self._bundles if other is not bundle]
        for item in bundle.items:
            item.parcel.committed = True
            self.done += item.parcel.verdict() != "queued"
            self.base += 2 * item.parcel.size * len(item.legs)
        self.tick()

    def flushed(self, volume: str, seconds: float) -> None:
        """A whole file system was flushed, for many files at once."""
        self.pace.lane(volume, "destination").write_seconds += seconds

    def resize(self, parcel: Parcel, size: int) -> None:
        """A file has another size than it was listed with."""
        step = 2 * (size - parcel.size)
        self.total += step * len(parcel.transfers)
        self.base += step * sum(1 for transfer in parcel.transfers if transfer.status != "queued")
        self._second_total += step * sum(1 for t in parcel.transfers if t.destination.order.hop == 2)

    def end(self, parcel: Parcel) -> None:
        """A file has come to its verdict and is in the database."""
        self._flying.pop(parcel.task_id, None)
        self._timed.discard(parcel.task_id)
        if parcel.verdict() != "queued":
            self.done += 1
        decided = sum(1 for transfer in parcel.transfers if transfer.status != "queued")
        self.base += 2 * parcel.size * max(0, decided - parcel.decided_before)
        second = sum(1 for t in parcel.transfers if t.status != "queued" and t.destination.order.hop == 2)
        if second and decided > parcel.decided_before:
            self._second_base += 2 * parcel.size * min(second, decided - parcel.decided_before)

    def add(self, length: int) -> None:
        """Bytes of the file in hand that were read where nothing is written (reference mode)."""
        self._read += length
        self.tick()

    def finish(self, parcel: Parcel, verdict: str) -> None:
        """A file of a reference ingest has come to its verdict."""
        self._flying.pop(parcel.task_id, None)
        self._read = 0
        self.base += parcel.size
        self.done += verdict != "queued"
        self.tick()

    def store(self, task_id: int, verdict: str, size: int) -> None:
        """Add one verdict to the row of its item. Joins the open transaction."""
        taken = verdict == "completed"
        self._add_to_item(task_id, taken, verdict == "skipped", verdict == "failed", size if taken else 0)

    def _add_to_item(self, task_id: int, ingested: int, duplicates: int, failed: int, size: int) -> None:
        self._job.db.conn.execute(
            "UPDATE batch_items SET files_ingested = files_ingested + ?, duplicates = duplicates + ?,"
            " failed = failed + ?, bytes = bytes + ? WHERE item_id ="
            " (SELECT item_id FROM tasks WHERE task_id = ?)",
            (ingested, duplicates, failed, size, task_id),
        )

    def store_item(self, parcels: Sequence[Parcel]) -> None:
        """Add the verdicts of these files, all of one item, to its row. Joins the open transaction."""
        verdicts = [parcel.verdict() for parcel in parcels]
        taken = [
            parcel.size for parcel, verdict in zip(parcels, verdicts, strict=True) if verdict == "completed"
        ]
        self._add_to_item(
            parcels[0].task_id, len(taken), verdicts.count("skipped"), verdicts.count("failed"), sum(taken)
        )

    def tick(self, *, force: bool = False) -> None:
        """Report where things stand; looked at and written at most four times a second."""
        moment = time.monotonic()
        if not force and moment < self._next:
            return
        self._next = moment + REPORT_SECONDS
        flying = sum(
            landing.written + landing.reread for _, landings in self._flying.values() for landing in landings
        )
        flying += sum(bundle.done() for bundle in self._bundles)
        if self._bundles:
            self._current = self._bundles[-1].current or self._current
        self._shown = max(self._shown, min(self.base + flying + self._read, self.total))
        self._job.progress(
            stage=self._stage,
            message=(self.note + display(self._current)) or None,
            done=self.done,
            total=self.files or None,
            bytes_done=self._shown,
            bytes_total=self.total or None,
            parts=self.pace.to_text(self._under_way(), self._stages()),
            **self._times_left(moment),
            force=True,
        )

    def _under_way(self) -> dict[str, Lane]:
        """What the files in hand add to the sums."""
        found: dict[str, Lane] = {}
        for task_id, (parcel, _) in self._flying.items():
            if task_id in self._timed:
                continue
            for name, lane in _times(parcel, self._source).items():
                found[name] = found[name].plus(lane) if name in found else lane
        return found

    def _stages(self) -> dict[str, str]:
        """What each part does now."""
        source, destination = _STAGES.get(self._stage, ("rest", "rest"))
        stages: dict[str, str] = {}
        if source != "rest" and (self._flying or self._bundles):
            stages[self._source] = source
        for bundle in self._bundles:
            stages.update((target.order.volume, "write") for target in bundle.destinations)
        for parcel, _ in self._flying.values():
            for transfer in parcel.transfers:
                if transfer.landing is not None and destination != "rest":
                    failed = not transfer.landing.alive
                    stages[transfer.destination.order.volume] = "failed" if failed else destination
        return stages

    def _times_left(self, moment: float) -> dict[str, float | None]:
        """Seconds until the sources are free, and until all is done; only with a second stage."""
        if not self._second_total:
            return {}
        flying = {1: sum(bundle.done() for bundle in self._bundles), 2: 0}
        for parcel, landings in self._flying.values():
            for landing in landings:
                flying[_hop_of(parcel, landing)] += landing.written + landing.reread
        first_total = self.total - self._second_total
        first = min(self.base - self._second_base + flying[1], first_total)
        second = min(self._second_base + flying[2], self._second_total)
        if first >= first_total or flying[2]:
            return {
                "free_eta_seconds": None,
                "eta_seconds": self._left(2, moment, second, self._second_total),
            }
        free = self._left(1, moment, first, first_total)
        rest = self._foreseen(self._second_total - second)
        both = None if free is None or rest is None else free + rest
        return {"free_eta_seconds": free, "eta_seconds": both}

    def _left(self, hop: int, moment: float, done: int, total: int) -> float | None:
        """Seconds that one stage still takes, by its own pace in this run; None while unknown."""
        if done >= total:
            return 0.0
        if hop not in self._rates:
            self._rates[hop] = Rate(moment, done)
        else:
            self._rates[hop].add(moment, done)
        return self._rates[hop].seconds_left(total - done)

    def _foreseen(self, left: int) -> float | None:
        """Seconds that a second stage will take that has not begun: by its drives, else as the first does."""
        hops = [int(target.get("hop", 1)) for target in self._job.params.get("destinations", ())]
        if self._per_byte is not None:
            return left / (2 * hops.count(2)) * self._per_byte
        return self._rates[1].seconds_left(left / hops.count(2) * hops.count(1)) if 1 in self._rates else None


def _hop_of(parcel: Parcel, landing: Landing) -> int:
    """The stage in which a file lands there."""
    return next(
        (one.destination.order.hop for one in parcel.transfers if one.landing is landing),
        1,
    )


def _times(parcel: Parcel, source: str) -> dict[str, Lane]:
    """What one round of a file took, by part."""
    stream = parcel.stream
    found = {
        source: Lane("source", read=stream.digester.size - stream.start, read_seconds=stream.read_seconds),
        HASHING: Lane("hashing", other_seconds=stream.hash_seconds),
    }
    for transfer in parcel.transfers:
        landing = transfer.landing
        if landing is None:
            continue
        lane = Lane(
            "destination",
            landing.fresh,
            landing.write_seconds,
            landing.reread,
            landing.read_seconds,
        )
        name = transfer.destination.order.volume
        found[name] = found[name].plus(lane) if name in found else lane
    return found
