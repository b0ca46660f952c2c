"""The second stage of an ingest: further copies, made from the first verified ones instead of the card."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.errors import VolumeGone
from engine.ingest.carrying.carrier import Carrier
from engine.ingest.carrying.copying import Stream
from engine.ingest.carrying.duplicates import beside
from engine.ingest.carrying.ledger import Ledger
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import Parcel, load
from engine.ingest.ends import failures
from engine.ingest.ends.ends import Destination, Source, reach_of
from engine.ingest.ends.failures import Failure
from engine.ingest.ends.gait import LOCAL
from engine.ingest.ends.landing import Original, open_original
from engine.ingest.planning.queue import Order, OrderedSource
from engine.ingest.records import known
from engine.jobs.context import JobContext
from engine.media.hashing import Digester
from engine.names import display
from engine.storage.database import write


def relay_item(
    job: JobContext, order: Order, item_id: int, destinations: Sequence[Destination], meter: Meter
) -> list[tuple[str, str]]:
    """Bring the files of an item from its first destinations to those of the second stage.

    Each file is read from the first destination that is there and holds it
    verified. What was decided before is left alone, so this can be cut off and
    called again.

    Returns:
        (sentence, volume id) of each first destination that is away and needed.

    Raises:
        JobPaused, JobCancelled, JobStopped: by the operator, the engine or the network.
    """
    waits: list[tuple[str, str]] = []
    for first in destinations:
        if first.order.hop != 1:
            continue
        needed = _relay_from(job, order, item_id, first, destinations, meter)
        if needed and first.away is not None:
            waits.append((first.away, first.order.volume_id))
    if not waits:
        _give_up(job, order, item_id, destinations, meter)
    return waits


def _relay_from(
    job: JobContext,
    order: Order,
    item_id: int,
    first: Destination,
    destinations: Sequence[Destination],
    meter: Meter,
) -> bool:
    """Carry what can be read from one first destination; return whether it is still needed."""
    relay = Relay(job, item_id, first, destinations, order, meter) if first.place and first.root else None
    try:
        return _relay_all(job, item_id, first, destinations, relay)
    finally:
        if relay is not None:
            relay.source.reach.end(lambda: None)


def _relay_all(
    job: JobContext,
    item_id: int,
    first: Destination,
    destinations: Sequence[Destination],
    relay: Relay | None,
) -> bool:
    after = -1
    while parcels := load(job.db, item_id, list(destinations), after=after, limit=LOCAL.files):
        after = parcels[-1].position
        mine = [parcel for parcel in parcels if parcel.open and _origin(job, first, parcel) is not None]
        if not mine:
            continue
        if first.away is not None or relay is None:
            return True
        for parcel in mine:  # one by one: each file of a bundle would need an open folder of its own
            job.checkpoint()
            try:
                relay.carry([parcel])
            except VolumeGone as error:
                first.lose(str(error))
                return True
    return False


def _give_up(
    job: JobContext, order: Order, item_id: int, destinations: Sequence[Destination], meter: Meter
) -> None:
    """Fail the files that no first destination holds and that will come to none."""
    after = -1
    while parcels := load(job.db, item_id, list(destinations), after=after, limit=LOCAL.files):
        after = parcels[-1].position
        for parcel in parcels:
            waiting = any(t.status == "queued" and t.destination.order.hop == 1 for t in parcel.transfers)
            if waiting or not parcel.open:
                continue
            for first in (target for target in destinations if target.order.hop == 1 and target.place):
                relay = Relay(job, item_id, first, destinations, order, meter)
                relay.give_up(parcel)
                break


def _origin(job: JobContext, first: Destination, parcel: Parcel) -> str | None:
    """Where a first destination holds the content of a file verified; absolute, as it was mounted."""
    if parcel.blake3 is None:
        return None
    wanted = {t.path for t in parcel.transfers if t.destination is first}
    found = [
        copy
        for copy in known.verified_of_size(job.db, parcel.size, (first.order.volume_id,))
        if copy.blake3 == parcel.blake3
    ]
    found.sort(key=lambda copy: copy.path not in wanted)
    return beside(first, found[0].path) if found else None


class Relay(Carrier):
    """Carries from a first destination instead of the card."""

    def __init__(
        self,
        job: JobContext,
        item_id: int,
        first: Destination,
        destinations: Sequence[Destination],
        order: Order,
        meter: Meter,
    ) -> None:
        """Read from ``first``, which must be there."""
        assert first.place is not None
        assert first.root is not None
        where = OrderedSource(first.path, first.order.volume_id, first.order.relative, False, "")
        reach = reach_of(job, first.path, first.order.volume_id, first.place.fs_type)
        source = Source(where, first.path, first.order.relative, first.place, first.root, reach)
        super().__init__(job, item_id, source, destinations, order, meter)
        self.first = first
        self.verify_source = False  # its bytes are compared with the known hash in any case
        self.ledger = Ledger(job, source, meter, from_card=False)

    def give_up(self, parcel: Parcel) -> None:
        """Fail a file that cannot be had from any first destination."""
        shown = display(parcel.path)
        parcel.attempts += 1
        with write(self.job.db):
            self.begin([parcel])
        for transfer in parcel.open:
            transfer.fail(
                Failure("no_copy", f"{shown} has no verified first copy, so the second stage has no source.")
            )
        self.ledger.commit([parcel])

    def _open(self, parcel: Parcel) -> None:
        self._close(parcel)
        parcel.stream = Stream(Digester(self.checksums))
        path = _origin(self.job, self.first, parcel)
        if path is None:
            shown = display(parcel.path)
            parcel.failure = Failure("no_copy", f"The first copy of {shown} is no longer verified.")
            return
        reach = self.source.reach

        def opened() -> Original:
            folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                return open_original(folder, os.path.basename(path), display(path), reach=reach)
            finally:
                os.close(folder)

        try:
            parcel.original = reach.ask(opened, undo=lambda late: os.close(late.fd))
            reach.hold(parcel.original.fd)
        except OSError as error:
            parcel.failure = failures.of_reading(error, display(path))
            return
        if parcel.original.size != parcel.size:
            parcel.failure = _not_it(path)

    def _verify(self, parcel: Parcel) -> None:
        if parcel.stream.digester.blake3 != parcel.blake3:
            assert parcel.original is not None
            parcel.failure = Failure("verify_mismatch", _not_it(parcel.original.shown, escaped=True).sentence)
            return
        super()._verify(parcel)


def _not_it(path: str, *, escaped: bool = False) -> Failure:
    shown = path if escaped else display(path)
    return Failure(
        "verify_mismatch",
        f"The first copy {shown} no longer holds what was verified, so the second was not made from it. "
        "Repair it with rushes verify --repair, or retry with the card.",
    )
