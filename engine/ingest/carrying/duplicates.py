"""Content that a destination volume holds verified already, under whatever name: told apart before copying.

Rules, so that a card's tree is never torn apart for the sake of a few bytes:
pictures, films and sound of some size are skipped one by one; sidecars, indexes
and small files only when every such file of the source is a duplicate. Copies
inside the folder that this very source goes to are met by name, not here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from engine.ingest.carrying import aiming
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import Parcel, Transfer, load
from engine.ingest.ends.ends import Destination, Source
from engine.ingest.records import known
from engine.ingest.records.known import Verified
from engine.ingest.records.results import OF_ITEM
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.media.kinds import kind_of
from engine.storage.database import scalar, write

SMALLEST = 64 << 10
"""Smaller files are never duplicates by themselves, bytes."""

BATCH = 200


def skip_known(
    job: JobContext, item_id: int, source: Source, destinations: Sequence[Destination], meter: Meter
) -> None:
    """Decide the transfers of an item whose content lies verified on their volume already.

    Pre-check by size and fast hash; decided by the full BLAKE3 of the source,
    which is read for that unless the catalogue knows this very file.

    Raises:
        JobCancelled, JobStopped: by the operator or the engine.
    """
    meter.stage("hash")
    volumes = tuple({target.order.volume_id for target in destinations if target.away is None})
    if not volumes:
        return
    every = True
    for parcel in _queued(job, item_id, destinations, SMALLEST):
        if _weighty(parcel) and not _decide(job, source, parcel, volumes, meter):
            every = False
    decided = scalar(
        job.db,
        f"SELECT count(*) FROM tasks WHERE {OF_ITEM} AND status IN ('completed', 'failed')",
        (item_id,),
    )
    if not every or decided or not any_skipped(job, item_id):
        return
    for parcel in _queued(job, item_id, destinations):
        if not _weighty(parcel):
            _decide(job, source, parcel, volumes, meter)


def _weighty(parcel: Parcel) -> bool:
    """Whether a file may be a duplicate by itself."""
    return parcel.size >= SMALLEST and kind_of(parcel.path) in ("video", "audio", "image", "proxy")


def _queued(
    job: JobContext, item_id: int, destinations: Sequence[Destination], smallest: int = 0
) -> Iterator[Parcel]:
    after = -1
    while parcels := load(job.db, item_id, list(destinations), after=after, limit=BATCH, smallest=smallest):
        after = parcels[-1].position
        for parcel in parcels:
            job.check_now()
            yield parcel


def any_skipped(job: JobContext, item_id: int) -> bool:
    """Whether some file of the item was met as a duplicate."""
    return (
        scalar(job.db, f"SELECT 1 FROM tasks WHERE {OF_ITEM} AND status = 'skipped' LIMIT 1", (item_id,))
        is not None
    )


def _decide(job: JobContext, source: Source, parcel: Parcel, volumes: tuple[str, ...], meter: Meter) -> bool:
    """Skip those transfers of a file that need no copy; return whether none is left."""
    candidates = [
        candidate
        for candidate in known.verified_of_size(job.db, parcel.size, volumes)
        if not _met_by_name(parcel, candidate)
    ]
    if not candidates:
        return False
    meter.tick()
    if not _identify(job, source, parcel, candidates, meter):
        return False
    for transfer in parcel.open:
        twin = _twin(transfer, parcel, candidates)
        if twin is not None:
            transfer.status, transfer.stage, transfer.level = "skipped", "duplicate", twin.level
    verdict = parcel.verdict()
    skipped = [transfer for transfer in parcel.transfers if transfer.stage == "duplicate"]
    if not skipped:
        return False
    with write(job.db):
        for transfer in skipped:
            job.db.execute(
                "UPDATE transfers SET status = 'skipped', stage = 'duplicate', level = ?"
                " WHERE transfer_id = ?",
                (transfer.level, transfer.transfer_id),
            )
        if verdict == "queued":
            # The second stage finds its first copy by this content.
            job.db.execute(
                "UPDATE tasks SET asset_id = ? WHERE task_id = ?", (parcel.asset_id, parcel.task_id)
            )
            return False
        store.set_task(job.db, parcel.task_id, verdict, stage="duplicate", asset_id=parcel.asset_id)
        meter.store_item([parcel])
    meter.end(parcel)
    return True


def _met_by_name(parcel: Parcel, candidate: Verified) -> bool:
    """Whether a copy lies in the tree that this source goes to, where conflicts are settled name by name."""
    for transfer in parcel.transfers:
        kept = transfer.path == parcel.path or transfer.path.endswith(f"/{parcel.path}")
        tree = transfer.path[: len(transfer.path) - len(parcel.path)].rstrip("/") if kept else ""
        if candidate.volume_id != transfer.destination.order.volume_id:
            continue
        if candidate.path == transfer.path or (tree and known.under(candidate.path, tree)):
            return True
    return False


def _identify(
    job: JobContext, source: Source, parcel: Parcel, candidates: list[Verified], meter: Meter
) -> bool:
    """Find out the content of a file that may be a duplicate. False: it is none, or cannot be read now."""
    try:
        parcel.original = source.open_file(parcel.path)
    except OSError:
        return False  # the copying step says what is wrong with it
    try:
        if parcel.original.changed() or parcel.original.size != parcel.size:
            return False
        here = known.content_at(
            job.db,
            source.order.volume_id,
            known.join(source.folder, parcel.path),
            parcel.size,
            parcel.original.mtime_ns,
        )
        fd = parcel.original.fd
        if here is None and not source.reach.ask(lambda: known.likely(candidates, fd, parcel.size)):
            return False
        return aiming.read_content(job, source, parcel, meter)
    except (OSError, ValueError):
        return False  # as above
    finally:
        parcel.original.close()
        parcel.original = None
        parcel.failure = None
        source.root.trim()


def _twin(transfer: Transfer, parcel: Parcel, candidates: list[Verified]) -> Verified | None:
    """A verified copy of this content on the transfer's volume that is still there, unchanged."""
    target = transfer.destination
    for candidate in candidates:
        if candidate.volume_id != target.order.volume_id or candidate.blake3 != parcel.blake3:
            continue
        path = beside(target, candidate.path)
        try:
            if path is not None and candidate.unchanged(os.lstat(path)):
                return candidate
        except OSError:
            continue
    return None


def beside(target: Destination, path: str) -> str | None:
    """Where a path of the destination's volume is now, absolute: found beside the destination itself."""
    prefix = target.order.relative
    top = target.path[: len(target.path) - len(prefix)] if prefix else target.path
    if prefix and not target.path.endswith(prefix):
        return None
    return os.path.join(top, path)
