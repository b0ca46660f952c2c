"""What a round has decided is written down here: assets, copies, transfers, verdicts, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine import clock
from engine.ingest import journal
from engine.ingest.catalogue import Content, record_asset, record_copy
from engine.ingest.ends import Source
from engine.ingest.known import join
from engine.ingest.landing import Landing
from engine.ingest.meter import Meter
from engine.ingest.parcels import Parcel, Transfer
from engine.ingest.recovery import recount
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.media.hashing import FAST_WHOLE, fast_hash
from engine.media.rereading import DEVICE, NETWORK
from engine.names import to_blob
from engine.storage.database import write


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
        db = self._job.db
        with write(db):
            self._store_tasks([self._commit_one(parcel) for parcel in parcels])
            self._meter.store_item(parcels)
        for parcel in parcels:
            parcel.committed = True
            self._meter.end(parcel)
        self._meter.tick()

    def _commit_one(self, parcel: Parcel) -> dict[str, Any]:
        db = self._job.db
        asset_id = self._record_content(parcel)
        if parcel.failure is not None:
            for transfer in parcel.transfers:
                if transfer.status == "queued":
                    transfer.fail(parcel.failure)
        for transfer in parcel.transfers:
            self._store_transfer(transfer, asset_id)
        error = parcel.error()
        verdict = parcel.verdict()
        failed = error if verdict == "failed" else None
        if failed is not None:
            self._job.log("error", failed.sentence, parcel.task_id)
        if verdict != "queued" and parcel.size >= journal.JOURNALED:
            journal.forget(db, parcel.task_id)
        return {
            "task": parcel.task_id,
            "status": verdict,
            "stage": "verified" if verdict == "completed" else None,
            "asset": asset_id,
            "size": parcel.size,
            "mtime": parcel.mtime_ns,
            "inode": parcel.inode,
            "kind": failed.kind if failed else None,
            "error": failed.sentence if failed else None,
            "ended": None if verdict == "queued" else clock.now(),
            **_reading(parcel),
        }

    def _store_tasks(self, decided: list[dict[str, Any]]) -> None:
        """Verdicts of tasks that run: every one of them is a legal step from there."""
        self._job.db.conn.executemany(
            "UPDATE tasks SET status = :status, stage = :stage, asset_id = :asset, size = :size,"
            " mtime_ns = :mtime, inode = :inode, error_kind = :kind, error = :error, ended_at = :ended,"
            " read_seconds = :read_seconds, hash_seconds = :hash_seconds, first_hash = :first,"
            " second_hash = :second WHERE task_id = :task AND status = 'running'",
            decided,
        )

    def _record_content(self, parcel: Parcel) -> int | None:
        """Asset and source row of a file that was read in full; None when it was not."""
        original = parcel.original
        complete = (
            original is not None
            and parcel.stream.failure is None
            and parcel.stream.digester.size == original.size
        )
        if complete and (parcel.failure is None) and _landed(parcel):
            assert original is not None
            digester = parcel.stream.digester
            try:
                whole = original.size <= FAST_WHOLE
                fast = digester.blake3 if whole else fast_hash(original.fd, original.size)
            except (OSError, ValueError):
                fast = None  # the source went away after it was read; the identity is known all the same
            parcel.blake3 = digester.blake3
            parcel.asset_id = record_asset(
                self._job.db,
                Content(original.size, digester.blake3, digester.xxh128, fast, digester.extras()),
            )
        if parcel.asset_id is None or not self._from_card:
            return parcel.asset_id
        record_copy(
            self._job.db,
            parcel.asset_id,
            self._source.order.volume_id,
            join(self._source.folder, parcel.path),
            "source",
            size=parcel.size,
            mtime_ns=parcel.mtime_ns,
            inode=parcel.inode,
            level=(NETWORK if self._source.place.is_network is not False else DEVICE)
            if parcel.source_proven
            else None,
            batch_id=self._job.record.batch_id,
        )
        return parcel.asset_id

    def _store_transfer(self, transfer: Transfer, asset_id: int | None) -> None:
        landing = transfer.landing
        facts = landing.facts if landing else transfer.facts
        if transfer.status in ("completed", "skipped") and facts is not None and asset_id is not None:
            record_copy(
                self._job.db,
                asset_id,
                transfer.destination.order.volume_id,
                transfer.path,
                transfer.destination.order.role,
                size=facts.st_size,
                mtime_ns=facts.st_mtime_ns,
                inode=facts.st_ino,
                level=transfer.level,
                batch_id=self._job.record.batch_id,
            )
        failure = transfer.failure
        done = transfer.status in ("completed", "skipped")
        self._job.db.conn.execute(
            "UPDATE transfers SET status = ?, stage = ?, path = ?, level = ?, found_hash = ?, error_kind = ?,"
            " written = ?, write_seconds = ?, reread = ?, read_seconds = ?, error = ?, temp = NULL,"
            " verified_at = CASE WHEN ? THEN COALESCE(verified_at, ?) END"
            " WHERE transfer_id = ?",
            (
                transfer.status,
                transfer.stage,
                to_blob(transfer.path),
                transfer.level,
                landing.found if landing else None,
                failure.kind if failure else None,
                *_work(landing),
                failure.sentence if failure else None,
                done,
                clock.now(),
                transfer.transfer_id,
            ),
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
                asset_id = self._record_content(parcel)
                for transfer in parcel.transfers:
                    landing = transfer.landing
                    if landing is None or landing.published or transfer.status == "skipped":
                        self._store_transfer(transfer, asset_id)
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
                store.set_task(
                    db,
                    parcel.task_id,
                    verdict if verdict in ("completed", "skipped") else "queued",
                    asset_id=asset_id,
                )


def _work(landing: Landing | None) -> tuple[int | None, float | None, int | None, float | None]:
    """Bytes written and the seconds that took, bytes read back and the seconds that took."""
    if landing is None:
        return None, None, None, None
    return landing.fresh, landing.write_seconds, landing.reread, landing.read_seconds


def _reading(parcel: Parcel) -> dict[str, Any]:
    """What the last reading of the source took and gave; rates count only what was read in this run."""
    stream = parcel.stream
    whole = parcel.original is not None and stream.digester.size == parcel.original.size
    return {
        "read_seconds": stream.read_seconds if stream.read_seconds and not stream.start else None,
        "hash_seconds": stream.hash_seconds if stream.hash_seconds and not stream.start else None,
        "first": stream.digester.blake3 if whole and stream.digester.size else None,
        "second": parcel.second_hash,
    }


def _landed(parcel: Parcel) -> bool:
    return any(transfer.status == "completed" and transfer.landing for transfer in parcel.transfers)
