"""Bundles of small files, one after the other: while one is copied, the last is written down.

::

    open and aim 3  |  copy, read back, publish 2           |  open and aim 4  |  ..
                    |  store: verdicts of 1, beginning of 3 |

The order that each file is promised stays: its temporary name is stored before
it is made, and its verdict after it has its final name. At most three bundles
are in hand. A crash finds the last of them published and not stored; they are
proven again when the job goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from engine.errors import VolumeGone
from engine.ingest.carrier import FLUSH_TOGETHER, Carrier
from engine.ingest.parcels import Parcel
from engine.jobs.context import JobPaused
from engine.storage.database import write

CACHE_KIB = 16 << 10
"""What SQLite may keep in memory while rows are written: hashes enter its indexes anywhere."""

CHECKPOINT_PAGES = 4000
"""Pages of the write-ahead log, 4 KiB each, after which they are taken over into the catalogue."""


class Belt:
    """Carries bundles with one carrier. Used by the job's thread; a thread of its own writes rows.

    :meth:`put` and :meth:`finish` raise what :meth:`Carrier.carry` does; nothing is in hand then.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._clerk = ThreadPoolExecutor(1, "ingest rows", self._settle_in)
        self._ready: list[Parcel] = []
        self._decided: list[Parcel] = []
        self._coming: list[Parcel] = []

    def _settle_in(self) -> None:
        """Prepare the connection of the thread that writes rows."""
        run = self._carrier.job.db.conn.execute
        run(f"PRAGMA cache_size=-{CACHE_KIB}")
        run(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")

    def put(self, parcels: Sequence[Parcel]) -> None:
        """Take a bundle on. It is brought to its verdict now, or with the next call."""
        if len(parcels) < FLUSH_TOGETHER:
            self.finish()
            self._carrier.carry(parcels)
            return
        carrier = self._carrier
        with _whole(self):
            carrier.look(self._ready)
            self._coming = [parcel for parcel in parcels if parcel.open]
            carrier.prepare(self._coming, beside=self._ready)
            self._step()

    def finish(self) -> None:
        """Bring everything that is in hand to its verdict."""
        with _whole(self):
            while self._ready or self._decided:
                if self._ready:
                    self._carrier.look(self._ready)
                self._step()

    def _step(self) -> None:
        """Store what is decided and what begins; copy meanwhile what had begun before."""
        stored = self._clerk.submit(self._store, self._decided, self._coming)
        try:
            again = self._carrier.work(self._ready) if self._ready else []
        finally:
            if stored.exception() is None:  # waits: rows must not be written by two at once
                self._carrier.ledger.end(self._decided)
                self._decided = []
        stored.result()
        for parcel in self._ready:
            if parcel.original is not None:
                parcel.original.close()  # three bundles of open files would be too many
        self._decided = [parcel for parcel in self._ready if parcel not in again]
        self._ready, self._coming = self._coming, []
        if again:
            self._carrier.carry_on(again)

    def _store(self, decided: Sequence[Parcel], beginning: Sequence[Parcel]) -> None:
        job = self._carrier.job
        with write(job.db):
            if decided:
                self._carrier.ledger.store(decided)
            if beginning:
                self._carrier.begin(beginning)

    def drop(self, *, keep: bool = False) -> None:
        """Put back what is in hand and not verified; ``keep``: see :meth:`Carrier.put_back`."""
        held = [*self._decided, *self._ready, *self._coming]
        self._decided, self._ready, self._coming = [], [], []
        if held:
            self._carrier.put_back(held, keep=keep or self._carrier.job.signal == "stop")

    def close(self) -> None:
        """End the thread."""
        self._clerk.submit(self._carrier.job.library.close)
        self._clerk.shutdown()


@contextmanager
def _whole(belt: Belt) -> Iterator[None]:
    """Put everything back when the block raises."""
    try:
        yield
    except VolumeGone:
        belt.drop(keep=True)
        raise
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
            belt.finish()
            raise
        belt.finish()
    except BaseException:
        belt.drop()
        raise
    finally:
        belt.close()
