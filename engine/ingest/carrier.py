"""Carries files from one source to all destinations and writes down what was proven.

A round takes one large file, or a bundle of small ones: a bundle is flushed
with one ``syncfs`` for each destination, because a flush per file is what makes
twenty thousand small files slow. Everything that is decided for a bundle is
committed in one transaction, after the last file has its final name.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Sequence
from typing import Any

from engine import clock
from engine.errors import VolumeGone
from engine.ingest import aiming, failures, folders, journal
from engine.ingest.catalogue import Content, record_asset, record_copy
from engine.ingest.copying import (
    Landing,
    Stream,
    open_original,
    read_back_all,
    source_digest,
    write_out,
)
from engine.ingest.ends import Destination, Source
from engine.ingest.failures import Failure
from engine.ingest.known import join
from engine.ingest.meter import Meter
from engine.ingest.parcels import Parcel, Transfer
from engine.ingest.queue import Order
from engine.ingest.rereading import DEVICE, NETWORK
from engine.jobs import store
from engine.jobs.context import JobContext, JobPaused
from engine.media.hashing import FAST_WHOLE, fast_hash
from engine.names import display, to_blob
from engine.storage.database import write

SMALL = 1 << 20
"""Files up to this size are bundled, bytes."""

BUNDLE_FILES = 128
BUNDLE_FOLDERS = 32
BUNDLE_BYTES = 64 << 20
"""Limits of a bundle: each file and folder of it is held open. A pause waits for the bundle in hand."""

FLUSH_TOGETHER = 8
"""From so many files on, one flush of the file system is cheaper than one for each file."""

WAITS = (1.0, 3.0, 5.0)
"""Seconds before each further try after an error of a network file system."""

STRIKES = 5
"""Network errors in a row after which the ingest pauses."""

_libc = ctypes.CDLL(None, use_errno=True)


class Carrier:
    """Works on the files of one item. Used by the job's thread."""

    def __init__(
        self,
        job: JobContext,
        item_id: int,
        source: Source,
        destinations: Sequence[Destination],
        order: Order,
        meter: Meter,
    ) -> None:
        self.job = job
        self.item_id = item_id
        self.source = source
        self.destinations = destinations
        self.meter = meter
        self.verify_source = order.verify_source
        self.source_strikes = 0

    def carry(self, parcels: Sequence[Parcel]) -> None:
        """Bring these files to a verdict, as far as sources and destinations are there.

        Raises:
            VolumeGone: the source went away; what was not decided is queued again.
            JobPaused: too many network errors in a row.
            JobCancelled, JobStopped: by the operator or the engine; see :meth:`abandon`.
        """
        self.source.check()
        self.source.root.trim()
        for destination in self.destinations:
            destination.check()
            if destination.root is not None:
                destination.root.trim()
        open_parcels = [parcel for parcel in parcels if parcel.open]
        try:
            self._round(open_parcels)
            again = [parcel for parcel in open_parcels if self._worth_another(parcel)]
            self._commit([parcel for parcel in open_parcels if parcel not in again])
            for parcel in again:
                while True:
                    self._round([parcel])
                    if not self._worth_another(parcel):
                        break
                self._commit([parcel])
        except VolumeGone:
            self._abandon(open_parcels, keep=True)
            raise
        except BaseException:
            self._abandon(open_parcels, keep=self.job.signal == "stop")
            raise
        finally:
            for parcel in open_parcels:
                self._close(parcel)

    # -- one round -----------------------------------------------------------
    def _round(self, parcels: Sequence[Parcel]) -> None:
        self.meter.stage("copy")
        left = {id(target): target.room() for target in self.destinations if target.away is None}
        for parcel in parcels:
            self.job.check_now()
            parcel.attempts += 1
            parcel.failure = None
            self._open(parcel)
            if parcel.failure is None:
                for transfer in parcel.open:
                    transfer.landing = None
                    aiming.aim(self.job, self.source, parcel, transfer, left, self.meter)
        self._begin(parcels)
        working = [parcel for parcel in parcels if parcel.failure is None and self._landings(parcel)]
        together = len(working) >= FLUSH_TOGETHER
        for parcel in working:
            self._write(parcel, sync=not together)
        if together:
            self._flush(working)
        self.meter.stage("verify")
        if together:
            for parcel in working:
                for landing in self._landings(parcel):
                    landing.prepare_reading(ahead=True)
        for parcel in working:
            if parcel.failure is None:
                self._verify(parcel)
        self._publish(working)

    def _landings(self, parcel: Parcel) -> list[Landing]:
        return [
            transfer.landing
            for transfer in parcel.open
            if transfer.landing is not None and transfer.landing.alive
        ]

    def _open(self, parcel: Parcel) -> None:
        self._close(parcel)
        parcel.stream = Stream()
        *parts, name = parcel.path.split("/")
        shown = display(os.path.join(self.source.base, parcel.path))
        try:
            folder = self.source.root.folder(tuple(parts), make=False)
            parcel.original = open_original(folder, name, shown)
        except OSError as error:
            parcel.failure = failures.of_reading(error, shown)
            return
        original = parcel.original
        if (original.size, original.mtime_ns) != (parcel.size, parcel.mtime_ns):
            self.job.log(
                "info", f"{shown} changed since it was listed; it is taken as it is now.", parcel.task_id
            )
            self.meter.resize(parcel, original.size)
            parcel.size, parcel.mtime_ns, parcel.inode = original.size, original.mtime_ns, original.inode
            parcel.asset_id = parcel.blake3 = None
            parcel.data.clear()

    def _begin(self, parcels: Sequence[Parcel]) -> None:
        """State before work: what is about to be made, and under which temporary names."""
        db = self.job.db
        moment = clock.now()
        with write(db):
            db.conn.executemany(
                "UPDATE tasks SET status = 'running', stage = 'copy', attempts = attempts + 1, started_at = ?"
                " WHERE task_id = ? AND status IN ('queued', 'running')",
                [(moment, parcel.task_id) for parcel in parcels],
            )
            db.conn.executemany(
                "UPDATE transfers SET status = 'running', stage = 'copy', path = ?, temp = ?"
                " WHERE transfer_id = ?",
                [
                    (
                        to_blob(transfer.path),
                        to_blob(join(os.path.dirname(transfer.path), transfer.landing.temp)),
                        transfer.transfer_id,
                    )
                    for parcel in parcels
                    for transfer in parcel.open
                    if transfer.landing is not None
                ],
            )

    def _write(self, parcel: Parcel, *, sync: bool) -> None:
        original = parcel.original
        assert original is not None
        landings = self._landings(parcel)
        self.meter.begin(parcel, landings)
        notes = journal.Journal(self.job.db, parcel)
        start = notes.resume(original, landings, self.job.check_now, self.meter.tick)
        for landing in landings:
            landing.open(start)

        def tick() -> None:
            notes.keep(parcel.stream)
            self.meter.tick()

        try:
            write_out(original, landings, parcel.stream, check=self.job.check_now, tick=tick, sync=sync)
        finally:
            notes.keep(parcel.stream)
        parcel.failure = parcel.stream.failure

    def _flush(self, parcels: Sequence[Parcel]) -> None:
        for destination in self.destinations:
            landings = [
                transfer.landing
                for parcel in parcels
                for transfer in parcel.open
                if transfer.destination is destination and transfer.landing and transfer.landing.alive
            ]
            if not landings or destination.root is None:
                continue
            if _libc.syncfs(destination.root.fd) != 0:
                code = ctypes.get_errno()
                for landing in landings:
                    landing.failure = failures.of_writing(OSError(code, os.strerror(code)), landing.shown)

    def _verify(self, parcel: Parcel) -> None:
        original = parcel.original
        assert original is not None
        landings = self._landings(parcel)
        expected = parcel.stream.digester.blake3
        read_back_all(landings, expected, check=self.job.check_now, tick=self.meter.tick)
        wrong = [
            landing for landing in landings if landing.failure and landing.failure.kind == "verify_mismatch"
        ]
        if wrong:
            self.job.log("warning", f"{wrong[0].failure.sentence}", parcel.task_id)  # type: ignore[union-attr]
            self.verify_source = True  # from here on every source is read twice
        if not (wrong or self.verify_source):
            return
        try:
            second = source_digest(original, self.job.check_now)
        except OSError as error:
            parcel.failure = failures.of_reading(error, original.shown)
            return
        if second == expected:
            parcel.source_proven = True
            return
        for landing in landings:
            landing.failure = failures.unstable(original.shown, expected, second)
        self.job.log("warning", failures.unstable(original.shown, expected, second).sentence, parcel.task_id)

    def _publish(self, parcels: Sequence[Parcel]) -> None:
        touched: dict[int, list[Landing]] = {}
        for parcel in parcels:
            for transfer in parcel.open:
                landing = transfer.landing
                if landing is None:
                    continue
                if parcel.failure is None and landing.alive:
                    landing.publish()
                if landing.published:
                    touched.setdefault(landing.folder, []).append(landing)
        for folder, landings in touched.items():
            try:
                folders.sync_folder(folder)
            except OSError as error:
                for landing in landings:
                    landing.failure = failures.of_writing(error, landing.shown)
        for parcel in parcels:
            for transfer in parcel.open:
                self._decide(parcel, transfer)

    def _decide(self, parcel: Parcel, transfer: Transfer) -> None:
        landing = transfer.landing
        if landing is None:
            return
        if parcel.failure is not None:
            if parcel.stream.holes and landing.alive:
                self._keep_damaged(parcel, transfer, landing)
            else:
                landing.discard()
            return
        if landing.alive:
            transfer.status, transfer.stage, transfer.level = "completed", "verified", landing.level
            transfer.destination.strikes = 0
            return
        landing.discard()
        assert landing.failure is not None
        if landing.failure.code is not None:
            transfer.destination.check()
            if transfer.destination.away is not None:
                return  # it waits; nothing is wrong with the file
        if landing.failure.kind == "volume_gone":
            transfer.destination.lose(landing.failure.sentence)
            return
        transfer.fail(landing.failure)

    def _keep_damaged(self, parcel: Parcel, transfer: Transfer, landing: Landing) -> None:
        """Keep what could be read of a damaged file, under a name that nobody takes for the file."""
        for number in range(1000):
            name = f"{landing.name}.damaged" if number == 0 else f"{landing.name}_{number:03d}.damaged"
            try:
                folders.publish(landing.folder, landing.temp, name)
            except FileExistsError:
                continue
            except OSError:
                break  # the name is too long, or the destination fails too: there is only the error then
            folders.sync_folder(landing.folder)
            assert parcel.failure is not None
            kept = f" What could be read lies beside it as {display(name)}."
            transfer.fail(Failure(parcel.failure.kind, parcel.failure.sentence + kept, parcel.failure.code))
            transfer.stage = "damaged"
            return
        landing.discard()

    # -- once more? ----------------------------------------------------------
    def _worth_another(self, parcel: Parcel) -> bool:
        """Whether to try this file again now; what failed is queued again if so."""
        if parcel.failure is not None:
            if parcel.failure.code is not None:
                self.source.check()
            if parcel.failure.kind == "volume_gone":
                raise VolumeGone(parcel.failure.sentence)
            return self._network_again(parcel, parcel.failure, self.source.place.is_network, None)
        again = False
        for transfer in parcel.transfers:
            if transfer.status != "failed" or transfer.landing is None or transfer.failure is None:
                continue
            failure = transfer.failure
            if (failure.kind in failures.RECOPIED and parcel.attempts < 2) or (
                failure.kind == "exists_different" and parcel.attempts < 5
            ):
                retry = True
            else:
                place = transfer.destination.place
                retry = self._network_again(
                    parcel, failure, place.is_network if place else None, transfer.destination
                )
            if retry:
                transfer.status, transfer.failure = "queued", None
                again = True
        return again and any(transfer.open for transfer in parcel.transfers)

    def _network_again(
        self, parcel: Parcel, failure: Failure, is_network: bool | None, destination: Destination | None
    ) -> bool:
        if is_network is False or failure.code not in failures.NETWORK_ERRORS:
            return False
        if destination is not None:
            destination.strikes += 1
            if destination.strikes >= STRIKES:
                destination.lose(
                    f"{display(destination.order.volume)} gave {STRIKES} network errors in a row."
                )
                return True  # the transfer waits with the others for this destination
        else:
            self.source_strikes += 1
            if self.source_strikes >= STRIKES:
                raise JobPaused(
                    f"{display(self.source.path)} gave {STRIKES} network errors in a row. "
                    "Resume when the network is back.",
                    waiting_for=self.source.order.volume_id,
                )
        if parcel.attempts > len(WAITS):
            return False
        self.job.wait(WAITS[parcel.attempts - 1])
        self.job.check_now()
        return True

    # -- writing down --------------------------------------------------------
    def _commit(self, parcels: Sequence[Parcel]) -> None:
        if not parcels:
            return
        db = self.job.db
        with write(db):
            self._store_tasks([self._commit_one(parcel) for parcel in parcels])
            self.meter.store_item(parcels)
        for parcel in parcels:
            parcel.committed = True
            self.meter.end(parcel)
        self.meter.tick()

    def _commit_one(self, parcel: Parcel) -> dict[str, Any]:
        db = self.job.db
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
            self.job.log("error", failed.sentence, parcel.task_id)
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
        }

    def _store_tasks(self, decided: list[dict[str, Any]]) -> None:
        """Verdicts of tasks that run: every one of them is a legal step from there."""
        self.job.db.conn.executemany(
            "UPDATE tasks SET status = :status, stage = :stage, asset_id = :asset, size = :size,"
            " mtime_ns = :mtime, inode = :inode, error_kind = :kind, error = :error, ended_at = :ended"
            " WHERE task_id = :task AND status = 'running'",
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
        if complete and (parcel.failure is None) and self._landed(parcel):
            assert original is not None
            digester = parcel.stream.digester
            try:
                whole = original.size <= FAST_WHOLE
                fast = digester.blake3 if whole else fast_hash(original.fd, original.size)
            except (OSError, ValueError):
                fast = None  # the source went away after it was read; the identity is known all the same
            parcel.blake3 = digester.blake3
            parcel.asset_id = record_asset(
                self.job.db, Content(original.size, digester.blake3, digester.xxh128, fast)
            )
        if parcel.asset_id is None:
            return None
        record_copy(
            self.job.db,
            parcel.asset_id,
            self.source.order.volume_id,
            join(self.source.folder, parcel.path),
            "source",
            size=parcel.size,
            mtime_ns=parcel.mtime_ns,
            inode=parcel.inode,
            level=(NETWORK if self.source.place.is_network is not False else DEVICE)
            if parcel.source_proven
            else None,
            batch_id=self.job.record.batch_id,
        )
        return parcel.asset_id

    def _landed(self, parcel: Parcel) -> bool:
        return any(transfer.status == "completed" and transfer.landing for transfer in parcel.transfers)

    def _store_transfer(self, transfer: Transfer, asset_id: int | None) -> None:
        landing = transfer.landing
        facts = landing.facts if landing else transfer.facts
        if transfer.status in ("completed", "skipped") and facts is not None and asset_id is not None:
            record_copy(
                self.job.db,
                asset_id,
                transfer.destination.order.volume_id,
                transfer.path,
                transfer.destination.order.role,
                size=facts.st_size,
                mtime_ns=facts.st_mtime_ns,
                inode=facts.st_ino,
                level=transfer.level,
                batch_id=self.job.record.batch_id,
            )
        failure = transfer.failure
        done = transfer.status in ("completed", "skipped")
        self.job.db.conn.execute(
            "UPDATE transfers SET status = ?, stage = ?, path = ?, level = ?, found_hash = ?, error_kind = ?,"
            " error = ?, temp = NULL, verified_at = CASE WHEN ? THEN COALESCE(verified_at, ?) END"
            " WHERE transfer_id = ?",
            (
                transfer.status,
                transfer.stage,
                to_blob(transfer.path),
                transfer.level,
                landing.found if landing else None,
                failure.kind if failure else None,
                failure.sentence if failure else None,
                done,
                clock.now(),
                transfer.transfer_id,
            ),
        )

    # -- when it is cut off --------------------------------------------------
    def _abandon(self, parcels: Iterable[Parcel], *, keep: bool) -> None:
        """Put back what was taken and not finished.

        The temporary file of a large file stays when ``keep``: it is continued
        from its journal. All others go.
        """
        db = self.job.db
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

    def _close(self, parcel: Parcel) -> None:
        if parcel.original is not None:
            parcel.original.close()
            parcel.original = None
