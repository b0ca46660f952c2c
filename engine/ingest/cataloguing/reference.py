"""Reference mode: footage is catalogued where it lies. Nothing is copied, nothing is written beside it.

First every file is entered as it was listed, so that its clips can be seen and
worked with at once, whatever the size of the drive. Then, behind that, every
file is read and gets its identity; see :mod:`engine.ingest.records.merging` for what
happens to content that turns out to be known.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from engine.errors import VolumeGone
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import Parcel, load
from engine.ingest.ends import failures
from engine.ingest.ends.ends import Source
from engine.ingest.ends.landing import Original
from engine.ingest.ends.reach import Pulse
from engine.ingest.planning.queue import Order
from engine.ingest.records import known, merging
from engine.ingest.records.catalogue import Content, record_copy
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.media.hashing import FAST_WHOLE, Digester, fast_hash
from engine.media.rereading import Reading, Reread
from engine.names import display, to_blob
from engine.storage.database import row, write

BATCH = 1000
"""Files entered in one transaction."""


def enter_item(job: JobContext, item_id: int, source: Source) -> None:
    """Enter every queued file of an item as a copy of role ``reference``, without reading it.

    A file that is entered already with the same size and time keeps its
    content; another one is content that is not known yet. Doing it again
    changes nothing.

    Raises:
        JobPaused, JobCancelled, JobStopped: by the operator or the engine.
    """
    after = -1
    while parcels := load(job.db, item_id, [], after=after, limit=BATCH):
        after = parcels[-1].position
        job.checkpoint()
        with write(job.db):
            for parcel in parcels:
                if parcel.asset_id is None:
                    _enter(job, source, parcel)


def _enter(job: JobContext, source: Source, parcel: Parcel) -> None:
    path = known.join(source.folder, parcel.path)
    there = row(
        job.db,
        "SELECT asset_id FROM copies WHERE volume_id = ? AND path = ? AND size = ? AND mtime_ns = ?"
        " AND state = 'present'",
        (source.order.volume_id, to_blob(path), parcel.size, parcel.mtime_ns),
    )
    asset_id = int(there["asset_id"]) if there else merging.enter_unread(job.db, parcel.size)
    if there is None:
        _record(job, source, parcel, asset_id, level=None)
    job.db.conn.execute("UPDATE tasks SET asset_id = ? WHERE task_id = ?", (asset_id, parcel.task_id))


def reference_item(job: JobContext, order: Order, item_id: int, source: Source, meter: Meter) -> None:
    """Read every queued file of an item and give it its identity.

    A file that was read before, with the same size and time, is not read again
    unless a checksum is asked for that is not known yet. The same content at
    another path becomes a second copy.

    Raises:
        VolumeGone: the source went away.
        JobPaused, JobCancelled, JobStopped: by the operator or the engine.
    """
    meter.reads_from(display(source.path))
    reader = _Reader(job, order, source, meter)
    try:
        after = -1
        while parcels := load(job.db, item_id, [], after=after, limit=1):
            parcel = parcels[0]
            after = parcel.position
            job.checkpoint()
            source.check()
            source.root.trim()
            reader.take(parcel)
    finally:
        reader.close()


class _Digests(Digester):
    """A digester whose further digests are taken on threads of their own."""

    def __init__(self, extra: tuple[str, ...], crew: ThreadPoolExecutor | None) -> None:
        super().__init__(extra)
        self._crew = crew

    def update(self, data: memoryview) -> None:
        if self._crew is None:
            super().update(data)
            return
        waiting = [self._crew.submit(self.update_extra, name, data) for name in self.extra]
        self.update_main(data)
        for one in waiting:
            one.result()  # the buffer is used again after this


@dataclass
class _Read:
    """What reading a file gave."""

    content: Content | None = None
    level: str | None = None
    second: str | None = None
    failure: failures.Failure | None = None


class _Reader:
    """Reads the files of one item. Used by the job's thread."""

    def __init__(self, job: JobContext, order: Order, source: Source, meter: Meter) -> None:
        self._job, self._source, self._meter = job, source, meter
        self._checksums = order.checksums
        self._twice = order.verify_source
        self._crew = ThreadPoolExecutor(len(order.checksums), "digest") if order.checksums else None

    def close(self) -> None:
        """End the threads."""
        if self._crew is not None:
            self._crew.shutdown(wait=True, cancel_futures=True)

    def take(self, parcel: Parcel) -> None:
        """Bring one file to its verdict."""
        job, source = self._job, self._source
        self._meter.stage("hash")
        self._meter.begin(parcel, [])
        store.set_task(job.db, parcel.task_id, "running", stage="hash")
        shown = display(os.path.join(source.base, parcel.path))
        result = _Read()
        try:
            original = source.open_file(parcel.path)
            try:
                parcel.size, parcel.mtime_ns, parcel.inode = original.size, original.mtime_ns, original.inode
                if not self._is_known(parcel, source.reach.ask(lambda: os.fstat(original.fd))):
                    result = source.reach.follow(partial(self._read, original, parcel), self._meter.add)
                    if result.content is not None and original.changed():
                        result = _Read(failure=failures.changed(shown))
            finally:
                original.close()
        except OSError as error:
            result = _Read(failure=failures.of_reading(error, shown))
        except BaseException:
            store.set_task(job.db, parcel.task_id, "queued")
            raise
        parcel.failure = result.failure
        if result.failure is not None and result.failure.code is not None:
            try:
                source.check()
            except VolumeGone:
                store.set_task(job.db, parcel.task_id, "queued")
                raise
        self._store(parcel, result)

    def _is_known(self, parcel: Parcel, facts: os.stat_result) -> bool:
        """Whether the file was proven before as it is now, with every checksum that is asked for."""
        path = known.join(self._source.folder, parcel.path)
        entered = known.verified_at(self._job.db, self._source.order.volume_id, path)
        if entered is None or not entered.unchanged(facts):
            return False
        digests = row(self._job.db, "SELECT * FROM assets WHERE asset_id = ?", (entered.asset_id,))
        if digests is None or any(digests[name] is None for name in self._checksums):
            return False
        parcel.asset_id = entered.asset_id
        return True

    def _read(self, original: Original, parcel: Parcel, pulse: Pulse) -> _Read:
        shown = original.shown
        digester = _Digests(self._checksums, self._crew)
        parcel.stream.digester = digester
        try:
            reading = self._read_whole(parcel, pulse, digester)
            level = reading.level
            fast = digester.blake3 if parcel.size <= FAST_WHOLE else fast_hash(original.fd, parcel.size)
            if digester.size != parcel.size:
                return _Read(failure=failures.changed(shown))
            content = Content(digester.size, digester.blake3, digester.xxh128, fast, digester.extras())
            if not self._twice:
                return _Read(content, level)
            second = self._read_whole(parcel, Pulse(pulse.check, lambda _: pulse.count(0))).blake3
        except OSError as error:
            return _Read(failure=failures.of_reading(error, shown))
        except ValueError:
            return _Read(failure=failures.changed(shown))
        if second != content.blake3:
            doubt = failures.unstable_in_place(shown, content.blake3, second)
            return _Read(Content(content.size, content.blake3), None, second, doubt)
        return _Read(content, level, second)

    def _read_whole(self, parcel: Parcel, pulse: Pulse, digester: Digester | None = None) -> Reading:
        source, place = self._source, self._source.place
        *parts, name = parcel.path.split("/")
        folder = source.root.folder(tuple(parts), make=False)
        file = Reread(name, place.fs_type, place.is_network, dir_fd=folder)
        try:
            with source.reach.holding(file.fileno()):
                return file.read(pulse.check, pulse.count, digester)
        finally:
            file.close()

    def _store(self, parcel: Parcel, result: _Read) -> None:
        job, failure, content = self._job, result.failure, result.content
        with write(job.db):
            if content is not None and failure is None:
                entered = parcel.asset_id if parcel.asset_id is not None else -1
                parcel.asset_id = merging.identify(job.db, entered, content)
            if parcel.asset_id is not None and failure is None:
                _record(job, self._source, parcel, parcel.asset_id, level=result.level)
            verdict = "failed" if failure else "completed" if content is not None else "skipped"
            if failure is not None and failure.kind == "not_found":
                job.db.conn.execute(
                    "UPDATE copies SET state = 'missing' WHERE volume_id = ? AND path = ?"
                    " AND role = 'reference'",
                    (
                        self._source.order.volume_id,
                        to_blob(known.join(self._source.folder, parcel.path)),
                    ),
                )
            if failure is not None:
                job.log("error", failure.sentence, parcel.task_id)
            store.set_task(
                job.db,
                parcel.task_id,
                verdict,
                stage="verified" if verdict == "completed" else None,
                asset_id=parcel.asset_id,
                size=parcel.size,
                mtime_ns=parcel.mtime_ns,
                inode=parcel.inode,
                first_hash=content.blake3 if content else None,
                second_hash=result.second,
                error_kind=failure.kind if failure else None,
                error=failure.sentence if failure else None,
            )
            self._meter.store(parcel.task_id, verdict, parcel.size)
        self._meter.finish(parcel, verdict)


def _record(job: JobContext, source: Source, parcel: Parcel, asset_id: int, *, level: str | None) -> None:
    record_copy(
        job.db,
        asset_id,
        source.order.volume_id,
        known.join(source.folder, parcel.path),
        "reference",
        size=parcel.size,
        mtime_ns=parcel.mtime_ns,
        inode=parcel.inode,
        level=level,
        batch_id=job.record.batch_id,
    )
