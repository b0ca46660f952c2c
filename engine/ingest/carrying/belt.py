"""Bundles of small files, one after the other, each step of one beside another step of the next.

::

    job's thread   aim 4, write 3                |  aim 5, write 4          |  ..
    prover         flush, read back, publish 2   |  .. 3                    |
    clerk          verdicts of 1, beginning of 4 |  verdicts of 2, .. of 5  |

The order that each file is promised stays: its temporary name is stored before
it is made, and its verdict after it has its final name. At most four bundles
are in hand. A crash finds one of them published and not stored; its files are
proven again when the job goes on. What the bundle leaves goes the general way,
while nothing else is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from engine.ingest.carrying import bundle as steps
from engine.ingest.carrying.bundle import Bundle
from engine.ingest.carrying.carrier import FLUSH_TOGETHER, Carrier
from engine.ingest.carrying.copying import PATIENCE_SECONDS
from engine.ingest.carrying.parcels import Parcel
from engine.jobs.context import JobPaused
from engine.storage.database import write

CACHE_KIB = 16 << 10
"""What SQLite may keep in memory while rows are written: hashes enter its indexes anywhere."""

CHECKPOINT_PAGES = 4000
"""Pages of the write-ahead log, 4 KiB each, after which they are taken over into the catalogue."""


class Belt:
    """Carries bundles with one carrier. Used by the job's thread; it has two more of its own.

    :meth:`put` and :meth:`finish` raise what :meth:`Carrier.carry` does; nothing is in hand then.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._clerk = ThreadPoolExecutor(1, "ingest rows", self._settle_in)
        self._prover = ThreadPoolExecutor(1, "ingest proof")
        self._coming = self._ready = self._written = self._proven = Bundle.nothing()
        # Progress is written by the job's thread; it shall not wait for the log to be taken over.
        carrier.job.db.conn.execute("PRAGMA wal_autocheckpoint=0")

    def _settle_in(self) -> None:
        """Prepare the connection of the thread that writes rows."""
        run = self._carrier.job.db.conn.execute
        run(f"PRAGMA cache_size=-{CACHE_KIB}")
        run(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        # Each row with triggers keeps what it changes until it is whole: 50 small writes to a file otherwise.
        run("PRAGMA temp_store=MEMORY")

    @property
    def _in_hand(self) -> list[Bundle]:
        return [self._proven, self._written, self._ready, self._coming]

    def put(self, parcels: Sequence[Parcel]) -> None:
        """Take a bundle on. It is brought to its verdict now, or with one of the next calls."""
        carrier = self._carrier
        if len(parcels) < FLUSH_TOGETHER or not carrier.quick or not self._room_for(parcels):
            self.finish()
            carrier.carry(parcels)
            return
        with _whole(self):
            carrier.look({folder for bundle in self._in_hand for folder in bundle.folders()})
            open_parcels = [parcel for parcel in parcels if parcel.open]
            self._coming = steps.aim(open_parcels, carrier.source, carrier.job.job_id, carrier.job.check_now)
            self._step()

    def _room_for(self, parcels: Sequence[Parcel]) -> bool:
        """Whether every destination has room for these files and all that is in hand."""
        coming = sum(parcel.size for parcel in parcels) + sum(bundle.size for bundle in self._in_hand)
        return all(target.room() > coming for target in self._carrier.destinations if target.root is not None)

    def finish(self) -> None:
        """Bring everything that is in hand to its verdict."""
        with _whole(self):
            while any(bundle.items or bundle.left for bundle in self._in_hand):
                self._step()

    def rest(self) -> None:
        """Bring what is written to its verdict; what only began is queued again."""
        with _whole(self):
            begun, self._ready = self._ready, Bundle.nothing()
            steps.put_back(begun)
            self._queue_again(begun.left)
            self.finish()

    def _step(self) -> None:
        """Take each bundle in hand one step further."""
        carrier, check = self._carrier, self._carrier.job.check_now
        meter = carrier.meter
        beside = [
            self._clerk.submit(self._store, self._proven, self._coming),
            self._prover.submit(steps.prove, self._written, check),
        ]
        try:
            meter.stage("copy")
            meter.take(self._ready)
            steps.write(self._ready, carrier.checksums, check, meter.tick)
        finally:
            self._await(beside)
            if beside[0].exception() is None:
                meter.end_bundle(self._proven)
                self._proven = Bundle.nothing()
        for future in beside:
            future.result()
        meter.add_times(self._written)
        left = [*self._written.left, *self._ready.left, *self._coming.left]
        wrong = self._written.wrong
        self._proven, self._written, self._ready = self._written, self._ready, self._coming
        self._coming = Bundle.nothing()
        for bundle in self._in_hand:
            bundle.left = []
        if left:
            for item, leg in wrong:
                carrier.doubt(item, leg)
            self._carry(left)

    def _await(self, futures: Sequence[Future[None]]) -> None:
        """Wait for both threads: rows must not be written by two at once, nor a copy be touched by two."""
        while wait(futures, PATIENCE_SECONDS).not_done:
            self._carrier.meter.tick()

    def _carry(self, parcels: Sequence[Parcel]) -> None:
        files = self._carrier.gait.files  # the general way holds every one of them open
        for first in range(0, len(parcels), files):
            self._carrier.carry(parcels[first : first + files])

    def _store(self, proven: Bundle, beginning: Bundle) -> None:
        if proven.items or beginning.items:
            with write(self._carrier.job.db):
                self._carrier.ledger.enter(proven)
                self._carrier.ledger.begin(
                    [item.parcel.task_id for item in beginning.items],
                    [
                        (leg.transfer.path, leg.temp, leg.transfer.transfer_id)
                        for item in beginning.items
                        for leg in item.legs
                    ],
                )

    def drop(self) -> None:
        """Store what is proven, put back everything else that is in hand."""
        held = self._in_hand
        self._coming = self._ready = self._written = self._proven = Bundle.nothing()
        for bundle in held:
            if not bundle.proven:
                steps.put_back(bundle)
        if any(bundle.items for bundle in held):
            with write(self._carrier.job.db):
                for bundle in held:
                    self._carrier.ledger.enter(bundle)
        self._queue_again([parcel for bundle in held for parcel in bundle.left])

    def _queue_again(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            parcel.attempts = max(1, parcel.attempts)  # its row says that it began
        self._carrier.ledger.abandon(parcels, keep=False)

    def close(self) -> None:
        """End the threads."""
        self._prover.shutdown()
        self._clerk.submit(self._carrier.job.library.close)
        self._clerk.shutdown()
        self._carrier.job.db.conn.execute("PRAGMA wal_autocheckpoint=1000")  # SQLite's own measure


@contextmanager
def _whole(belt: Belt) -> Iterator[None]:
    """Put everything back when the block raises."""
    try:
        yield
    except BaseException:
        belt.drop()
        raise


def run(carrier: Carrier, bundles: Iterable[Sequence[Parcel]]) -> None:
    """Carry every bundle. A pause raised between two of them lets what is in hand come to its verdict.

    Raises:
        VolumeGone, JobPaused, JobCancelled, JobStopped: as :meth:`Carrier.carry` does.
    """
    belt = Belt(carrier)
    try:
        try:
            for bundle in bundles:
                belt.put(bundle)
        except JobPaused:
            belt.rest()
            raise
        belt.finish()
    except BaseException:
        belt.drop()
        raise
    finally:
        belt.close()
