"""Carries files from one source to all destinations and writes down what was proven.

A round takes one large file, or a bundle of small ones: a bundle is flushed
with one ``syncfs`` for each destination, because a flush per file is what makes
twenty thousand small files slow. Everything that is decided for a bundle is
committed in one transaction, after the last file has its final name.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from engine.errors import VolumeGone
from engine.ingest.carrying import aiming, journal, together
from engine.ingest.carrying.bundle import Item, Leg
from engine.ingest.carrying.copying import Stream, read_back_all, source_digest, write_out
from engine.ingest.carrying.ledger import Ledger
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import Parcel, Transfer
from engine.ingest.ends import failures, folders
from engine.ingest.ends.ends import Destination, Source
from engine.ingest.ends.failures import Failure
from engine.ingest.ends.gait import gait_of
from engine.ingest.ends.landing import Landing
from engine.ingest.planning.queue import Order
from engine.jobs.context import JobContext, JobPaused
from engine.media.hashing import Digester
from engine.names import display
from engine.storage.database import write

SMALL = 1 << 20
"""Files up to this size are bundled, bytes."""

FLUSH_TOGETHER = 8
"""From so many files on, one flush of the file system is cheaper than one for each file."""

WAITS = (1.0, 3.0, 5.0)
"""Seconds before each further try after an error of a network file system."""

STRIKES = 5
"""Network errors in a row after which the ingest pauses."""


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
        self.ledger = Ledger(job, source, meter)
        self.verify_source = order.verify_source
        self.checksums = order.checksums
        self.source_strikes = 0
        places = [source.place, *(target.place for target in destinations)]
        self.gait = gait_of(place.is_network if place else None for place in places)
        meter.reads_from(display(source.path))

    @property
    def quick(self) -> bool:
        """Whether bundles of small files can go the short way of :mod:`engine.ingest.carrying.bundle`."""
        return bool(self.gait.together) and self.source.reach.direct and not self.verify_source

    def doubt(self, item: Item, leg: Leg) -> None:
        """A copy of a bundle does not hold what was read; its file is copied once more, the general way."""
        assert item.content is not None
        parcel = item.parcel
        shown = display(os.path.join(leg.transfer.destination.path, parcel.path))
        bad = failures.mismatch(shown, item.content.blake3, leg.found or "", leg.level)
        self.job.log("warning", bad.sentence, parcel.task_id)
        self.verify_source = True  # from here on every source is read twice
        parcel.attempts, parcel.doubted = 1, item.content.blake3

    def carry(self, parcels: Sequence[Parcel]) -> None:
        """Bring these files to a verdict, as far as sources and destinations are there.

        Raises:
            VolumeGone: the source went away; what was not decided is queued again.
            JobPaused: too many network errors in a row.
            JobCancelled, JobStopped: by the operator or the engine; see :meth:`Ledger.abandon`.
        """
        self.look()
        open_parcels = [parcel for parcel in parcels if parcel.open]
        with self._whole(open_parcels):
            self.prepare(open_parcels)
            self.begin(open_parcels)
            again = self.work(open_parcels)
            self.ledger.commit([parcel for parcel in open_parcels if parcel not in again])
            self._retry(again)

    def _retry(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            again = [parcel]
            while again:
                self.prepare(again)
                self.begin(again)
                again = self.work(again)
            self.ledger.commit([parcel])

    @contextmanager
    def _whole(self, parcels: Sequence[Parcel]) -> Iterator[None]:
        """Put back what was not decided when the block raises; close all files in any case."""
        try:
            yield
        except VolumeGone:
            self.put_back(parcels, keep=True)
            raise
        except BaseException:
            self.put_back(parcels, keep=self.job.signal == "stop")
            raise
        finally:
            for parcel in parcels:
                self._close(parcel)

    def put_back(self, parcels: Sequence[Parcel], *, keep: bool) -> None:
        """Queue again what was not decided, see :meth:`Ledger.abandon`, and close all files."""
        self._lose_stuck(parcels)
        self.ledger.abandon(parcels, keep=keep)
        for parcel in parcels:
            self._close(parcel)

    def look(self, needed: Collection[int] = ()) -> None:
        """Make sure that source and destinations are there; close open folders that are not ``needed``.

        Raises:
            VolumeGone: the source is not there.
        """
        self.source.check()
        self.source.root.trim(needed)
        for destination in self.destinations:
            destination.check()
            if destination.root is not None:
                destination.root.trim(needed)

    def _lose_stuck(self, parcels: Sequence[Parcel]) -> None:
        """Give up destinations that do not answer before anything is tidied up there: that would hang too."""
        for parcel in parcels:
            for transfer in parcel.transfers:
                if transfer.landing is not None and transfer.landing.stuck:
                    transfer.destination.lose(failures.stalled(transfer.landing.shown).sentence)

    # -- one round -----------------------------------------------------------
    def prepare(self, parcels: Sequence[Parcel]) -> None:
        """Open these files and find out where they go."""
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

    def work(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Copy, flush, read back and publish what has begun; return the files that are to be tried again.

        Everything is decided then, but not stored.
        """
        self.meter.stage("copy")
        working = [parcel for parcel in parcels if parcel.failure is None and self._landings(parcel)]
        bundled = len(working) >= FLUSH_TOGETHER
        for parcel in working:
            self._write(parcel, sync=not bundled)
        if bundled:
            together.flush(self.destinations, working, self.meter)
        self.meter.stage("verify")
        if bundled:
            together.read_back(self.destinations, working, self.job.check_now, self.meter.tick)
        for parcel in working:
            if parcel.failure is None:
                self._verify(parcel)
        self._publish(working)
        for parcel in working:
            self.meter.timed(parcel)
        return [parcel for parcel in parcels if self._worth_another(parcel)]

    def _landings(self, parcel: Parcel) -> list[Landing]:
        return [
            transfer.landing
            for transfer in parcel.open
            if transfer.landing is not None and transfer.landing.alive
        ]

    def _open(self, parcel: Parcel) -> None:
        self._close(parcel)
        parcel.stream = Stream(Digester(self.checksums))
        try:
            parcel.original = self.source.open_file(parcel.path, ahead=self.gait.ahead)
        except OSError as error:
            shown = display(os.path.join(self.source.base, parcel.path))
            parcel.failure = failures.of_reading(error, shown)
            return
        original = parcel.original
        if (original.size, original.mtime_ns) != (parcel.size, parcel.mtime_ns):
            self.job.log(
                "info",
                f"{original.shown} changed since it was listed; it is taken as it is now.",
                parcel.task_id,
            )
            self.meter.resize(parcel, original.size)
            parcel.size, parcel.mtime_ns, parcel.inode = original.size, original.mtime_ns, original.inode
            parcel.asset_id = parcel.blake3 = None
            parcel.data.pop(journal.FINGERPRINT, None)

    def begin(self, parcels: Sequence[Parcel]) -> None:
        """State before work: what is about to be made, and under which temporary names."""
        with write(self.job.db):
            self.ledger.begin(
                [parcel.task_id for parcel in parcels],
                [
                    (transfer.path, transfer.landing.temp, transfer.transfer_id)
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
            write_out(
                original,
                landings,
                parcel.stream,
                check=self.job.check_now,
                tick=tick,
                sync=sync,
                buffers=self.gait.buffers,
            )
        finally:
            notes.keep(parcel.stream)
        parcel.failure = parcel.stream.failure

    def _verify(self, parcel: Parcel) -> None:
        original = parcel.original
        assert original is not None
        landings = self._landings(parcel)
        expected = parcel.stream.digester.blake3
        if "name" in parcel.data and parcel.blake3 != expected:  # its name would be a lie
            parcel.failure = failures.changed(original.shown)
            return
        if parcel.doubted not in (None, expected):
            self._unstable(parcel, landings, str(parcel.doubted), expected)
            return
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
            second = source_digest(original)
        except OSError as error:
            parcel.failure = failures.of_reading(error, original.shown)
            return
        if second != expected:
            self._unstable(parcel, landings, expected, second)
            return
        parcel.second_hash = second
        parcel.source_proven = True

    def _unstable(self, parcel: Parcel, landings: Sequence[Landing], first: str, second: str) -> None:
        assert parcel.original is not None
        parcel.second_hash = second
        for landing in landings:
            landing.failure = failures.unstable(parcel.original.shown, first, second)
        self.job.log(
            "warning", failures.unstable(parcel.original.shown, first, second).sentence, parcel.task_id
        )

    def _publish(self, parcels: Sequence[Parcel]) -> None:
        touched: list[Landing] = []
        for parcel in parcels:
            for transfer in parcel.open:
                landing = transfer.landing
                if landing is None:
                    continue
                if parcel.failure is None and landing.alive:
                    landing.publish()
                if landing.published:
                    touched.append(landing)
        together.sync_folders(touched)
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
            transfer.destination.unlucky.clear()
            return
        landing.discard()
        assert landing.failure is not None
        if landing.failure.code is not None and not landing.stuck:
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
            place = transfer.destination.place
            is_network = place.is_network if place else None
            if is_network is not False and failure.code in failures.NETWORK_ERRORS:
                retry = self._network_again(parcel, failure, is_network, transfer)
            else:
                limit = 2 if failure.kind in failures.RECOPIED else 5
                retry = parcel.attempts < limit and (
                    failure.kind in failures.RECOPIED or failure.kind == "exists_different"
                )
            if retry:
                transfer.status, transfer.failure = "queued", None
                again = True
        return again and any(transfer.open for transfer in parcel.transfers)

    def _network_again(
        self, parcel: Parcel, failure: Failure, is_network: bool | None, transfer: Transfer | None
    ) -> bool:
        """Wait for the network and say whether to try again. ``transfer`` is None when the source failed."""
        if is_network is False or failure.code not in failures.NETWORK_ERRORS:
            return False
        if transfer is not None:
            destination = transfer.destination
            destination.strikes += 1
            if destination.strikes >= STRIKES:
                destination.lose(
                    f"{display(destination.order.volume)} gave {STRIKES} network errors in a row."
                )
                self.ledger.reopen(destination.unlucky)
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
            if transfer is not None:
                transfer.destination.unlucky.append(transfer.transfer_id)
            return False
        self.job.wait(WAITS[parcel.attempts - 1])
        self.job.check_now()
        return True

    def _close(self, parcel: Parcel) -> None:
        if parcel.original is not None:
            parcel.original.close()
            parcel.original = None
