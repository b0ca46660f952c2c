"""Reference mode: footage is catalogued where it lies. Nothing is copied, nothing is written beside it."""

from __future__ import annotations

import os

from engine.errors import VolumeGone
from engine.ingest import failures, known
from engine.ingest.catalogue import Content, record_asset, record_copy
from engine.ingest.ends import Source
from engine.ingest.landing import open_original
from engine.ingest.meter import Meter
from engine.ingest.parcels import Parcel, load
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.media import rereading
from engine.media.hashing import FAST_WHOLE, fast_hash
from engine.names import display
from engine.storage.database import write


def reference_item(job: JobContext, item_id: int, source: Source, meter: Meter) -> None:
    """Read every queued file of an item once and enter it as a copy of role ``reference``.

    A file that is entered already, with the same size and time, is not read
    again. The same content at another path becomes a second copy.

    Raises:
        VolumeGone: the source went away.
        JobPaused, JobCancelled, JobStopped: by the operator or the engine.
    """
    after = -1
    while parcels := load(job.db, item_id, [], after=after, limit=1):
        parcel = parcels[0]
        after = parcel.position
        job.checkpoint()
        source.check()
        source.root.trim()
        _enter(job, source, parcel, meter)


def _enter(job: JobContext, source: Source, parcel: Parcel, meter: Meter) -> None:
    db = job.db
    path = known.join(source.folder, parcel.path)
    volume_id = source.order.volume_id
    meter.stage("hash")
    meter.begin(parcel, [])
    store.set_task(db, parcel.task_id, "running", stage="hash")
    *parts, name = parcel.path.split("/")
    shown = display(os.path.join(source.base, parcel.path))
    content: Content | None = None
    level: str | None = None
    try:
        folder = source.root.folder(tuple(parts), make=False)
        original = open_original(folder, name, shown)
        try:
            parcel.size, parcel.mtime_ns, parcel.inode = original.size, original.mtime_ns, original.inode
            entered = known.verified_at(db, volume_id, path)
            if entered is not None and entered.unchanged(os.fstat(original.fd)):
                parcel.asset_id = entered.asset_id
            else:
                content, level, parcel.failure = _read(
                    job, source, original.fd, folder, name, shown, parcel, meter
                )
                if content is not None and original.changed():
                    content, parcel.failure = None, failures.changed(shown)
        finally:
            original.close()
    except OSError as error:
        parcel.failure = failures.of_reading(error, shown)
    except BaseException:
        store.set_task(db, parcel.task_id, "queued")
        raise
    if parcel.failure is not None and parcel.failure.code is not None:
        try:
            source.check()
        except VolumeGone:
            store.set_task(db, parcel.task_id, "queued")
            raise
    _store(job, parcel, volume_id, path, content, level, meter)


def _read(
    job: JobContext,
    source: Source,
    fd: int,
    folder: int,
    name: str,
    shown: str,
    parcel: Parcel,
    meter: Meter,
) -> tuple[Content | None, str | None, failures.Failure | None]:
    def count(length: int) -> None:
        meter.add(length)

    try:
        reading = rereading.reread(
            name,
            source.place.fs_type,
            source.place.is_network,
            dir_fd=folder,
            check=job.check_now,
            on_bytes=count,
        )
        fast = reading.blake3 if parcel.size <= FAST_WHOLE else fast_hash(fd, parcel.size)
    except OSError as error:
        return None, None, failures.of_reading(error, shown)
    except ValueError:
        return None, None, failures.changed(shown)
    if reading.size != parcel.size:
        return None, None, failures.changed(shown)
    return Content(reading.size, reading.blake3, reading.xxh128, fast), reading.level, None


def _store(
    job: JobContext,
    parcel: Parcel,
    volume_id: str,
    path: str,
    content: Content | None,
    level: str | None,
    meter: Meter,
) -> None:
    db = job.db
    failure = parcel.failure
    with write(db):
        if content is not None:
            parcel.asset_id = record_asset(db, content)
        if parcel.asset_id is not None and failure is None:
            record_copy(
                db,
                parcel.asset_id,
                volume_id,
                path,
                "reference",
                size=parcel.size,
                mtime_ns=parcel.mtime_ns,
                inode=parcel.inode,
                level=level,
                batch_id=job.record.batch_id,
            )
        verdict = "failed" if failure else "completed" if content is not None else "skipped"
        if failure is not None:
            job.log("error", failure.sentence, parcel.task_id)
        store.set_task(
            db,
            parcel.task_id,
            verdict,
            stage="verified" if content is not None else None,
            asset_id=parcel.asset_id,
            size=parcel.size,
            mtime_ns=parcel.mtime_ns,
            inode=parcel.inode,
            error_kind=failure.kind if failure else None,
            error=failure.sentence if failure else None,
        )
        meter.store(parcel.task_id, verdict, parcel.size)
    meter.finish(parcel, verdict)
