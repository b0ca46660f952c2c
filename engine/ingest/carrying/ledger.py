"""What a round has decided is written down here: assets, copies, transfers, verdicts, in one transaction."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.ingest.carrying import journal
from engine.ingest.carrying.bundle import Bundle, Item
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import Parcel, Transfer
from engine.ingest.carrying.recovery import recount
from engine.ingest.ends.ends import Source
from engine.ingest.ends.landing import Landing
from engine.ingest.records.catalogue import Content, Place, record_assets, record_copies
from engine.ingest.records.known import join
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.media.hashing import FAST_WHOLE, fast_hash
from engine.media.rereading import DEVICE, NETWORK
from engine.names import to_blob
from engine.storage.database import scalar, write


class Ledger:
    """Writes for one item of one job. Used by the job's thread."""

    def __init__(self, job: JobContext, source: Source, meter: Meter, *, from_card: bool = True) -> None:
        """``from_card``: the source is what was ordered, not a copy of it made before."""
        self._from_card = from_card
        self._job = job
        self._source = source
        self._meter = meter

    def commit(self, parcels: Sequence[Parcel]) -> None:
        """Store the verdicts of these files, which are of one item, in one transaction."""
        if not parcels:
            return
        with write(self._job.db):
            self.store(parcels)
        self.end(parcels)

    def store(self, parcels: Sequence[Parcel]) -> None:
        """The same within the open transaction. Any thread; :meth:`end` follows when it is committed."""
        moment = clock.now()
        self._identify(parcels)
        for parcel in parcels:
            if parcel.failure is not None:
                for transfer in parcel.transfers:
                    if transfer.status == "queued":
                        transfer.fail(parcel.failure)
        self._store_transfers(
            [(parcel, transfer) for parcel in parcels for transfer in parcel.transfers], moment
        )
        self._store_tasks([self._decided(parcel, moment) for parcel in parcels])
        self._meter.store_item(parcels)

    def begin(self, task_ids: Sequence[int], temps: Sequence[tuple[str, str, int]]) -> None:
        """State before work, within the open transaction: what is about to be made. Any thread.

        Args:
            task_ids: files that begin.
            temps: (final path, temporary name in the same folder, transfer) of each copy.
        """
        run, moment = self._job.db.conn.executemany, clock.now()
        run(
            "UPDATE tasks SET status = 'running', stage = 'copy', attempts = attempts + 1, started_at = ?"
            " WHERE task_id = ? AND status IN ('queued', 'running')",
            [(moment, task_id) for task_id in task_ids],
        )
        run(
            "UPDATE transfers SET status = 'running', stage = 'copy', path = ?, temp = ?"
            " WHERE transfer_id = ?",
            [
                (to_blob(path), to_blob(join(path.rpartition("/")[0], temp)), transfer_id)
                for path, temp, transfer_id in temps
            ],
        )

    def enter(self, bundle: Bundle) -> None:
        """Store that the files of a bundle are proven, as :meth:`store` does; any thread."""
        if not bundle.items:
            return
        db, moment = self._job.db, clock.now()
        parcels = [item.parcel for item in bundle.items]
        ids = record_assets(db, [item.content for item in bundle.items if item.content is not None])
        places: list[Place] = []
        for item, asset_id in zip(bundle.items, ids, strict=True):
            parcel = item.parcel
            parcel.asset_id = asset_id
            if self._from_card:
                places.append(self._source_place(parcel, asset_id))
            for leg in item.legs:
                assert leg.facts is not None
                leg.transfer.status, leg.transfer.stage, leg.transfer.level = (
                    "completed",
                    "verified",
                    leg.level,
                )
                places.append(_place(asset_id, leg.transfer, leg.facts))
        record_copies(db, places, self._job.record.batch_id)
        self._update_transfers(
            [
                (
                    *("completed", "verified", to_blob(leg.transfer.path), leg.level, leg.found, None),
                    *(item.parcel.size, leg.write_seconds, item.parcel.size, leg.read_seconds),
                    *(None, True, moment, leg.transfer.transfer_id),
                )
                for item in bundle.items
                for leg in item.legs
            ]
        )
        self._store_tasks([_proven(item, moment, from_card=self._from_card) for item in bundle.items])
        self._meter.store_item(parcels)

    def end(self, parcels: Sequence[Parcel]) -> None:
        """Count files whose verdicts are in the database."""
        for parcel in parcels:
            parcel.committed = True
            self._meter.end(parcel)
        self._meter.tick()

    def _decided(self, parcel: Parcel, moment: str) -> dict[str, Any]:
        """The row of a task that has come to its verdict; what goes with a verdict is done."""
        error = parcel.error()
        verdict = parcel.verdict()
        failed = error if verdict == "failed" else None
        if failed is not None:
            self._job.log("error", failed.sentence, parcel.task_id)
        if verdict != "queued" and parcel.size >= journal.JOURNALED:
            journal.forget(self._job.db, parcel.task_id)
        return {
            "task": parcel.task_id,
            "status": verdict,
            "stage": "verified" if verdict == "completed" else None,
            "asset": parcel.asset_id,
            "size": parcel.size,
            "mtime": parcel.mtime_ns,
            "inode": parcel.inode,
            "kind": failed.kind if failed else None,
            "error": failed.sentence if failed else None,
            "ended": None if verdict == "queued" else moment,
            **_reading(parcel, from_card=self._from_card),
        }

    def _store_tasks(self, decided: list[dict[str, Any]]) -> None:
        """Verdicts of tasks that run: every one of them is a legal step from there."""
        self._job.db.conn.executemany(
            "UPDATE tasks SET status = :status, stage = :stage, asset_id = :asset, size = :size,"
            " mtime_ns = :mtime, inode = :inode, error_kind = :kind, error = :error, ended_at = :ended,"
            " read_seconds = COALESCE(:read_seconds, read_seconds),"
            " hash_seconds = COALESCE(:hash_seconds, hash_seconds),"
            " first_hash = COALESCE(:first, first_hash),"
            " second_hash = CASE WHEN :first IS NULL THEN second_hash ELSE :second END"
            " WHERE task_id = :task AND status = 'running'",
            decided,
        )

    def _identify(self, parcels: Sequence[Parcel]) -> None:
        """Asset and source row of each file that was read in full; the others keep what was known."""
        db = self._job.db
        whole = [(parcel, content) for parcel in parcels if (content := _content(parcel)) is not None]
        ids = record_assets(db, [content for _, content in whole])
        for (parcel, content), asset_id in zip(whole, ids, strict=True):
            parcel.blake3, parcel.asset_id = content.blake3, asset_id
        if not self._from_card:
            return
        record_copies(
            db,
            (
                self._source_place(parcel, parcel.asset_id)
                for parcel in parcels
                if parcel.asset_id is not None
            ),
            self._job.record.batch_id,
        )

    def _source_place(self, parcel: Parcel, asset_id: int) -> Place:
        level = NETWORK if self._source.place.is_network is not False else DEVICE
        return Place(
            asset_id,
            self._source.order.volume_id,
            join(self._source.folder, parcel.path),
            "source",
            parcel.size,
            parcel.mtime_ns,
            parcel.inode,
            level if parcel.source_proven else None,
        )

    def _store_transfers(self, decided: Sequence[tuple[Parcel, Transfer]], moment: str) -> None:
        db = self._job.db
        record_copies(
            db,
            (
                _place(parcel.asset_id, transfer, facts)
                for parcel, transfer in decided
                if parcel.asset_id is not None
                and transfer.status in ("completed", "skipped")
                and (facts := transfer.landing.facts if transfer.landing else transfer.facts) is not None
            ),
            self._job.record.batch_id,
        )
        self._update_transfers([_row_of(transfer, moment) for _, transfer in decided])

    def _update_transfers(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._job.db.conn.executemany(
            # What was decided in an earlier round or stage has no landing now and keeps what it told.
            "UPDATE transfers SET status = ?, stage = ?, path = ?, level = ?,"
            " found_hash = COALESCE(?, found_hash), error_kind = ?, written = COALESCE(?, written),"
            " write_seconds = COALESCE(?, write_seconds), reread = COALESCE(?, reread),"
            " read_seconds = COALESCE(?, read_seconds), error = ?, temp = NULL,"
            " verified_at = CASE WHEN ? THEN COALESCE(verified_at, ?) END"
            " WHERE transfer_id = ?",
            rows,
        )

    def reopen(self, transfer_ids: Sequence[int]) -> None:
        """Queue transfers again that failed while their destination was on its way out."""
        db = self._job.db
        with write(db):
            for transfer_id in transfer_ids:
                db.execute(
                    "UPDATE transfers SET status = 'queued', error = NULL, error_kind = NULL"
                    " WHERE transfer_id = ? AND status = 'failed'",
                    (transfer_id,),
                )
                db.execute(
                    "UPDATE tasks SET status = 'queued', error = NULL, error_kind = NULL, ended_at = NULL"
                    " WHERE status = 'failed' AND task_id ="
                    " (SELECT task_id FROM transfers WHERE transfer_id = ?)",
                    (transfer_id,),
                )
            recount(self._job)

    def abandon(self, parcels: Iterable[Parcel], *, keep: bool) -> None:
        """Put back what was taken and not finished.

        The temporary file of a large file stays when ``keep``: it is continued
        from its journal. All others go.
        """
        db = self._job.db
        with write(db):
            for parcel in parcels:
                if parcel.attempts == 0 or parcel.committed:
                    continue
                kept = keep and journal.holds(db, parcel.task_id)
                self._identify([parcel])
                for transfer in parcel.transfers:
                    landing = transfer.landing
                    if landing is None or landing.published or transfer.status == "skipped":
                        self._store_transfers([(parcel, transfer)], clock.now())
                        continue
                    if kept:
                        landing.shut()
                        continue
                    landing.discard()
                    db.execute(
                        "UPDATE transfers SET status = 'queued', temp = NULL WHERE transfer_id = ?",
                        (transfer.transfer_id,),
                    )
                verdict = parcel.verdict()
                status = verdict if verdict in ("completed", "skipped") else "queued"
                if status == _status(db, parcel.task_id):
                    continue  # its beginning could not be stored
                store.set_task(
                    db,
                    parcel.task_id,
                    status,
                    asset_id=parcel.asset_id,
                )


def _place(asset_id: int, transfer: Transfer, facts: os.stat_result) -> Place:
    order = transfer.destination.order
    return Place(
        asset_id,
        order.volume_id,
        transfer.path,
        order.role,
        facts.st_size,
        facts.st_mtime_ns,
        facts.st_ino,
        transfer.level,
    )


def _proven(item: Item, moment: str, *, from_card: bool) -> dict[str, Any]:
    """The row of a task of a bundle that is proven wherever it can go now."""
    parcel, content = item.parcel, item.content
    assert content is not None
    verdict = parcel.verdict()
    return {
        "task": parcel.task_id,
        "status": verdict,
        "stage": "verified" if verdict == "completed" else None,
        "asset": parcel.asset_id,
        "size": parcel.size,
        "mtime": parcel.mtime_ns,
        "inode": parcel.inode,
        "kind": None,
        "error": None,
        "ended": None if verdict == "queued" else moment,
        "read_seconds": item.read_seconds if from_card else None,
        "hash_seconds": item.hash_seconds if from_card else None,
        "first": content.blake3 if from_card and content.size else None,
        "second": None,
    }


def _status(db: Database, task_id: int) -> str:
    return str(scalar(db, "SELECT status FROM tasks WHERE task_id = ?", (task_id,)))


def _content(parcel: Parcel) -> Content | None:
    """What a file holds that was read in full and has landed somewhere; None for every other."""
    original, digester = parcel.original, parcel.stream.digester
    if original is None or parcel.failure is not None or parcel.stream.failure is not None:
        return None
    if digester.size != original.size or not _landed(parcel):
        return None
    try:
        whole = original.size <= FAST_WHOLE
        fast = digester.blake3 if whole else fast_hash(original.fd, original.size)
    except (OSError, ValueError):
        fast = None  # the source went away after it was read; the identity is known all the same
    return Content(original.size, digester.blake3, digester.xxh128, fast, digester.extras())


def _row_of(transfer: Transfer, moment: str) -> tuple[Any, ...]:
    landing, failure = transfer.landing, transfer.failure
    return (
        transfer.status,
        transfer.stage,
        to_blob(transfer.path),
        transfer.level,
        landing.found if landing else None,
        failure.kind if failure else None,
        *_work(landing),
        failure.sentence if failure else None,
        transfer.status in ("completed", "skipped"),
        moment,
        transfer.transfer_id,
    )


def _work(landing: Landing | None) -> tuple[int | None, float | None, int | None, float | None]:
    """Bytes written and the seconds that took, bytes read back and the seconds that took."""
    if landing is None:
        return None, None, None, None
    return landing.fresh, landing.write_seconds, landing.reread, landing.read_seconds


def _reading(parcel: Parcel, *, from_card: bool) -> dict[str, Any]:
    """What the last reading of the source took and gave; rates count only what was read in this run.

    A second stage reads a copy, not the source: it says nothing here.
    """
    if not from_card:
        return {"read_seconds": None, "hash_seconds": None, "first": None, "second": None}
    stream = parcel.stream
    whole = parcel.original is not None and stream.digester.size == parcel.original.size
    return {
        "read_seconds": stream.read_seconds if stream.read_seconds and not stream.start else None,
        "hash_seconds": stream.hash_seconds if stream.hash_seconds and not stream.start else None,
        "first": parcel.doubted or (stream.digester.blake3 if whole and stream.digester.size else None),
        "second": parcel.second_hash,
    }


def _landed(parcel: Parcel) -> bool:
    return any(transfer.status == "completed" and transfer.landing for transfer in parcel.transfers)
