"""The handler of ingest jobs. It finds out from the database what is done, and does the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine import clock
from engine.errors import RushesError, VolumeGone
from engine.ingest.carrying import belt, listing, pace, recovery, shortage
from engine.ingest.carrying.carrier import SMALL, Carrier
from engine.ingest.carrying.duplicates import skip_known
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import Parcel, load
from engine.ingest.carrying.relaying import relay_item
from engine.ingest.cataloguing import reference
from engine.ingest.cataloguing.clipping import catalogue_item
from engine.ingest.ends.ends import Destination, Source, open_destination, open_source
from engine.ingest.ends.gait import Gait
from engine.ingest.hashlists import hashlists
from engine.ingest.planning import naming
from engine.ingest.planning.queue import Order, read_order
from engine.ingest.records import results
from engine.jobs import store
from engine.jobs.context import JobCancelled, JobContext, JobPaused, Outcome
from engine.jobs.waiting import SPACE
from engine.names import display
from engine.storage.database import execute, rows, scalar, write
from engine.volumes.refresh import refresh


def run(job: JobContext) -> Outcome:
    """Run an ingest: handler of the kind ``ingest``. See :class:`engine.jobs.context.Handler`.

    One failing file never stops its siblings, one failing source never the
    others. What needs a volume that is away waits; when nothing else is left to
    do the job pauses with a sentence. A resumed job copies nothing twice.

    Raises:
        JobPaused, JobCancelled, JobStopped: see there.
        Refused: the job was queued by another version.
    """
    order = read_order(job.params)
    destinations = [open_destination(job.db, target) for target in order.destinations]
    try:
        recovery.take_up(job, retrying=job.retrying)
        recovery.remove_temps(job, destinations, resumable=True)
        return _run(job, order, destinations)
    except JobCancelled:
        recovery.cancel_open(job)
        recovery.remove_temps(job, destinations, resumable=False)
        raise
    finally:
        for target in destinations:
            target.close()


def clean_up(job: JobContext) -> None:
    """End an ingest that is cancelled while it does not run: open tasks are cancelled, its temps go."""
    order = read_order(job.params)
    destinations = [open_destination(job.db, target, make=False) for target in order.destinations]
    try:
        recovery.cancel_open(job)
        recovery.remove_temps(job, destinations, resumable=False)
    finally:
        for target in destinations:
            target.close()


def _run(job: JobContext, order: Order, destinations: list[Destination]) -> Outcome:
    meter = Meter(job)
    meter.load()
    try:
        return _run_items(job, order, destinations, meter)
    finally:
        meter.tick(force=True)  # the sums of the rates go on from here when it is resumed


def _run_items(job: JobContext, order: Order, destinations: list[Destination], meter: Meter) -> Outcome:
    _release(job, order)
    waits: list[tuple[str, str | None]] = []
    items = rows(job.db, "SELECT * FROM batch_items WHERE job_id = ? ORDER BY position", (job.job_id,))
    for item, source_order in zip(items, order.sources, strict=True):
        item_id = int(item["item_id"])
        if item["status"] in ("completed", "failed", "skipped") or _card_not_needed(job, item_id):
            continue
        job.checkpoint()
        execute(job.db, "UPDATE batch_items SET status = 'running' WHERE item_id = ?", (item_id,))
        try:
            source = open_source(job, source_order)
        except VolumeGone as error:
            waits.append((str(error), source_order.volume_id))
            _wait(job, item_id, str(error))
            continue
        except RushesError as error:
            _fail_item(job, item_id, str(error))
            continue
        try:
            _work(job, order, item_id, source, destinations, meter)
        except VolumeGone as error:
            waits.append((str(error), source_order.volume_id))
            _wait(job, item_id, str(error))
        except RushesError as error:
            _fail_item(job, item_id, str(error))
        finally:
            source.close()
    if any(target.order.hop == 2 for target in destinations):
        waits.extend(_second_stage(job, order, [int(item["item_id"]) for item in items], destinations, meter))
    waits.extend(
        (target.away, target.order.volume_id)
        for target in destinations
        if target.away is not None and _needed(job, target)
    )
    meter.tick(force=True)
    undecided = store.task_counts(job.db, job.job_id)
    if waits or undecided.get("queued"):
        refresh(job.db)  # one that does not answer is known as such then, and that it answers again is news
        waits.extend(shortage.waits(job))
    if waits:
        job.flush()
        missing = [wanted for _, wanted in waits if wanted is not None and not wanted.startswith(SPACE)]
        full = [wanted for _, wanted in waits if wanted is not None and wanted.startswith(SPACE)]
        raise JobPaused(
            " ".join(dict.fromkeys(text for text, _ in waits)),
            # One thing after the other: when the drives are back, room is asked for again.
            waiting_for=",".join(dict.fromkeys(missing)) or (full[0] if full else None),
        )
    if undecided.get("queued") or undecided.get("running"):
        raise RushesError(  # a verdict with a hole in it would be a lie
            f"{undecided.get('queued', 0) + undecided.get('running', 0)} files were left undecided. "
            "What is verified is kept; retry the job."
        )
    status = results.job_status(job.db, job.job_id)
    result = results.result_of(job.db, job.job_id, status)
    result["rates"] = {name: lane.to_json() for name, lane in meter.lanes.items()}
    result["bottleneck"] = pace.bottleneck(meter.lanes)
    return Outcome(status, result, _error(result) if status == "failed" else None)


def _work(
    job: JobContext,
    order: Order,
    item_id: int,
    source: Source,
    destinations: Sequence[Destination],
    meter: Meter,
) -> None:
    listing.list_item(job, item_id, source, destinations, order.template)
    if job.retrying:
        listing.list_again(job, item_id, source, destinations, order.template)
    meter.load()
    for target in destinations:
        target.turn = True
    if order.mode == "reference":
        reference.enter_item(job, item_id, source)
        catalogue_item(job, item_id, source, meter, thumbnails=False)  # to be seen before it is read
        reference.reference_item(job, order, item_id, source, meter)
    else:
        if order.duplicates == "skip":
            skip_known(job, item_id, source, destinations, meter)
        for target in destinations:
            target.turn = target.order.hop == 1
        _carry_all(job, order, item_id, source, destinations, meter)
        if shortage.set_aside(job, item_id):
            meter.load()
    seen = order.mode == "reference"
    catalogue_item(job, item_id, source, meter, thumbnails=order.thumbnails, tell=not seen)
    if order.mode == "copy":
        _free_card(job, item_id, source, second=any(target.order.hop == 2 for target in destinations))
        _release(job, order)
    if order.hash_lists and not _undecided(job, item_id):
        hashlists.write_for_item(job, item_id, destinations)
    _end_item(job, item_id)


CARRIED = "carried"
"""Stage of an item of which nothing more is read from its source."""


def _free_card(job: JobContext, item_id: int, source: Source, *, second: bool) -> None:
    """Write down that the first stage of an item is over, and when all of it is verified there."""
    if _first_hop(job, item_id, "queued"):
        return  # a first destination is away; the card is needed for it
    whole = not _first_hop(job, item_id, "failed") and not scalar(
        job.db, f"SELECT 1 FROM tasks WHERE {results.OF_ITEM} AND status = 'failed' LIMIT 1", (item_id,)
    )
    execute(
        job.db,
        "UPDATE batch_items SET stage = ?, freed_at = CASE WHEN ? THEN COALESCE(freed_at, ?) END"
        " WHERE item_id = ?",
        (CARRIED, whole, clock.now(), item_id),
    )
    if whole and second:
        where = display(source.path)
        job.log("info", f"{where} is free: every file of it is verified. The second stage reads the copies.")


def _release(job: JobContext, order: Order) -> None:
    """Let other jobs use the readers of cards from which nothing more is read, as the next card waits."""
    carried = {
        int(item["position"])
        for item in rows(
            job.db, "SELECT position FROM batch_items WHERE job_id = ? AND stage = ?", (job.job_id, CARRIED)
        )
    }
    needed = {source.device for position, source in enumerate(order.sources) if position not in carried}
    needed |= {target.device for target in order.destinations}
    job.release(
        f"device:{source.device}" for source in order.sources if source.device and source.device not in needed
    )


def _card_not_needed(job: JobContext, item_id: int) -> bool:
    stage = scalar(job.db, "SELECT stage FROM batch_items WHERE item_id = ?", (item_id,))
    return stage == CARRIED and not job.retrying and not _first_hop(job, item_id, "queued")


def _first_hop(job: JobContext, item_id: int, status: str) -> bool:
    """Whether an item has a transfer of the first stage in this state."""
    return (
        scalar(
            job.db,
            f"SELECT 1 FROM transfers JOIN tasks USING (task_id) WHERE {results.OF_ITEM} AND hop = 1"
            " AND transfers.status = ? LIMIT 1",
            (item_id, status),
        )
        is not None
    )


def _second_stage(
    job: JobContext, order: Order, item_ids: Sequence[int], destinations: list[Destination], meter: Meter
) -> list[tuple[str, str | None]]:
    """Make the copies of the second stage; return what it waits for."""
    waits: list[tuple[str, str | None]] = []
    for target in destinations:
        target.turn = target.order.hop == 2
    free = all(
        scalar(job.db, "SELECT freed_at FROM batch_items WHERE item_id = ?", (item_id,))
        for item_id in item_ids
    )
    meter.note = (
        "The card is free. " if free and len(item_ids) == 1 else "The cards are free. " if free else ""
    )
    for item_id in item_ids:
        if not _undecided(job, item_id):
            continue
        job.checkpoint()
        meter.load()
        waits.extend(relay_item(job, order, item_id, destinations, meter))
        if shortage.set_aside(job, item_id):
            meter.load()
        if order.hash_lists and not _undecided(job, item_id):
            hashlists.write_for_item(job, item_id, destinations)
        _end_item(job, item_id)
    return waits


def _carry_all(
    job: JobContext,
    order: Order,
    item_id: int,
    source: Source,
    destinations: Sequence[Destination],
    meter: Meter,
) -> None:
    # Two files of one content have one name then, so the second must find the first in its place.
    one_by_one = order.template is not None and naming.hashed(order.template)

    carrier = Carrier(job, item_id, source, destinations, order, meter)
    gait = carrier.gait

    def bundles() -> Iterator[list[Parcel]]:
        after = -1
        limit = gait.together if carrier.quick and not one_by_one else gait.files
        while parcels := load(job.db, item_id, list(destinations), after=after, limit=limit):
            while parcels:
                bundle = parcels[:1] if one_by_one else _bundle(parcels, gait)
                if gait.pause and after >= 0:
                    job.wait(gait.pause)
                parcels = parcels[len(bundle) :]
                after = bundle[-1].position
                job.checkpoint()
                yield bundle
            limit = gait.together if carrier.quick and not one_by_one else gait.files

    belt.run(carrier, bundles())


def _bundle(parcels: Sequence[Parcel], gait: Gait) -> list[Parcel]:
    """The first file when it is large, else the small files from there on that fit together."""
    bundle: list[Parcel] = []
    folders: set[str] = set()
    size = 0
    for parcel in parcels:
        if parcel.size > SMALL and bundle:
            break
        folders.add(parcel.path.rpartition("/")[0])
        size += parcel.size
        if bundle and (len(folders) > gait.folders or size > gait.size):
            break
        bundle.append(parcel)
        if parcel.size > SMALL:
            break
    return bundle


def _needed(job: JobContext, target: Destination) -> bool:
    return (
        scalar(
            job.db,
            "SELECT 1 FROM transfers JOIN tasks USING (task_id) WHERE job_id = ? AND transfers.volume_id = ?"
            " AND transfers.status = 'queued' LIMIT 1",
            (job.job_id, target.order.volume_id),
        )
        is not None
    )


def _wait(job: JobContext, item_id: int, sentence: str) -> None:
    execute(
        job.db, "UPDATE batch_items SET status = 'pending', error = ? WHERE item_id = ?", (sentence, item_id)
    )
    job.log("warning", sentence)


def _fail_item(job: JobContext, item_id: int, sentence: str) -> None:
    execute(
        job.db,
        "UPDATE batch_items SET status = 'failed', error = ?, ended_at = ? WHERE item_id = ?",
        (sentence, clock.now(), item_id),
    )
    job.log("error", sentence)


def _undecided(job: JobContext, item_id: int) -> bool:
    counts = results.count_tasks(job.db, item_id)
    return bool(counts.get("queued") or counts.get("running"))


def _end_item(job: JobContext, item_id: int) -> None:
    counts = results.count_tasks(job.db, item_id)
    if counts.get("queued") or counts.get("running"):
        execute(job.db, "UPDATE batch_items SET status = 'pending' WHERE item_id = ?", (item_id,))
        return  # a destination is away; the item is ended when that has its copies too
    with write(job.db):
        recovery.recount(job)
    failed = counts.get("failed", 0)
    status = results.item_status(counts)
    sentence = None
    if failed:
        first = scalar(
            job.db,
            f"SELECT error FROM tasks WHERE {results.OF_ITEM} AND status = 'failed'"
            " ORDER BY position LIMIT 1",
            (item_id,),
        )
        sentence = f"{failed} of {sum(counts.values())} files failed. The first: {first}"
    execute(
        job.db,
        "UPDATE batch_items SET status = ?, error = ?, ended_at = ? WHERE item_id = ?",
        (status, sentence, clock.now(), item_id),
    )


def _error(result: dict[str, Any]) -> str:
    errors = [item["error"] for item in result["items"] if item["error"]]
    return str(errors[0]) if errors else "Nothing could be taken in."
