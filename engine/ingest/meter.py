"""Progress of an ingest: bytes count when they are written and again when they were read back.

In reference mode nothing is written, so they count once. The figures never
fall and never pass the total: a file that is copied a second time, or was
verified before, counts once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine.ingest.landing import Landing
from engine.ingest.pace import Lane
from engine.ingest.parcels import Parcel
from engine.jobs.context import REPORT_SECONDS, JobContext
from engine.names import display
from engine.storage.database import row

_ENDED = "('completed', 'skipped', 'failed', 'cancelled')"


class Meter:
    """Counts for one run of one job. Used by the job's thread; landings are counted by theirs."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self._stage = "scan"
        self._current = ""
        self._landings: dict[int, list[Landing]] = {}
        self._shown = 0
        self._read = 0
        self._next = 0.0
        self.note = ""
        self.lanes: dict[str, Lane] = {}
        self.files = self.done = self.total = self.base = 0

    def load(self) -> None:
        """Read the totals again, after files were listed or queued once more."""
        found = row(
            self._job.db,
            f"SELECT count(*) AS files, COALESCE(SUM(status IN {_ENDED}), 0) AS done"
            " FROM tasks WHERE job_id = ?",
            (self._job.job_id,),
        )
        volume = row(
            self._job.db,
            "SELECT COALESCE(SUM(2 * size), 0) AS total,"
            f" COALESCE(SUM(CASE WHEN transfers.status IN {_ENDED} THEN 2 * size ELSE 0 END), 0) AS base"
            " FROM transfers JOIN tasks USING (task_id) WHERE job_id = ?"
            if self._job.params.get("destinations")
            else "SELECT COALESCE(SUM(size), 0) AS total,"
            f" COALESCE(SUM(CASE WHEN status IN {_ENDED} THEN size ELSE 0 END), 0) AS base"
            " FROM tasks WHERE job_id = ?",
            (self._job.job_id,),
        )
        assert found is not None
        assert volume is not None
        self.files, self.done = int(found["files"]), int(found["done"])
        self.total, self.base = int(volume["total"]), int(volume["base"])
        self._shown = self.base
        self._landings.clear()
        self.tick(force=True)

    def stage(self, name: str) -> None:
        """Say what is being done: ``scan hash copy verify catalogue``."""
        self._stage = name

    def begin(self, parcel: Parcel, landings: Sequence[Landing]) -> None:
        """A file is being copied."""
        self._current = parcel.path
        self._landings[parcel.task_id] = list(landings)
        self.tick()

    def resize(self, parcel: Parcel, size: int) -> None:
        """A file has another size than it was listed with."""
        change = 2 * (size - parcel.size) * len(parcel.transfers)
        self.total += change
        ended = sum(1 for transfer in parcel.transfers if transfer.status != "queued")
        self.base += 2 * (size - parcel.size) * ended

    def end(self, parcel: Parcel) -> None:
        """A file has come to its verdict and is in the database."""
        self._landings.pop(parcel.task_id, None)
        if parcel.verdict() != "queued":
            self.done += 1
        decided = sum(1 for transfer in parcel.transfers if transfer.status != "queued")
        self.base += 2 * parcel.size * max(0, decided - parcel.decided_before)

    def add(self, length: int) -> None:
        """Bytes of the file in hand that were read where nothing is written (reference mode)."""
        self._read += length
        self.tick()

    def finish(self, parcel: Parcel, verdict: str) -> None:
        """A file of a reference ingest has come to its verdict."""
        self._landings.pop(parcel.task_id, None)
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
            landing.written + landing.reread for landings in self._landings.values() for landing in landings
        )
        self._shown = max(self._shown, min(self.base + flying + self._read, self.total))
        self._job.progress(
            stage=self._stage,
            message=(self.note + display(self._current)) or None,
            done=self.done,
            total=self.files or None,
            bytes_done=self._shown,
            bytes_total=self.total or None,
            force=True,
        )
