"""The name a file gets at a destination, and whether its bytes are there already.

Content decides. Same name and same bytes: nothing is copied, the bytes are
proven instead. Same name and other bytes: a numbered name, never an overwrite.
"""

from __future__ import annotations

import os

from humanize import naturalsize

from engine.errors import VolumeGone
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import RESUMED, Parcel, Transfer
from engine.ingest.ends import failures, folders
from engine.ingest.ends.ends import Destination, Source
from engine.ingest.ends.failures import Failure
from engine.ingest.ends.landing import Landing
from engine.ingest.ends.reach import Pulse
from engine.ingest.planning import layout, naming
from engine.ingest.records import known
from engine.jobs.context import JobContext
from engine.media import rereading
from engine.media.hashing import Digester, digest_fd, fast_hash
from engine.names import display


def aim(
    job: JobContext,
    source: Source,
    parcel: Parcel,
    transfer: Transfer,
    left: dict[int, int],
    meter: Meter,
) -> None:
    """Give a transfer its landing, or decide it without a copy.

    Args:
        job: for its database and the operator's word.
        source: where the file comes from.
        parcel: the file, open.
        transfer: one destination of it, not decided yet; ``path`` is the wanted name.
        left: bytes free by destination (``id``), reduced by what is planned here.
        meter: shows what is being read.
    """
    target = transfer.destination
    assert target.root is not None
    prefix = target.order.relative
    pattern = parcel.data.get("name")
    if pattern is not None:
        if parcel.blake3 is None and not read_content(job, source, parcel, meter):
            return
        assert parcel.blake3 is not None
        transfer.path = known.join(prefix, naming.with_hash(pattern, parcel.blake3))
    relative = transfer.path[len(prefix) + 1 :] if prefix else transfer.path
    *parts, wanted = relative.split("/")
    shown = display(os.path.join(target.path, relative))
    try:
        folder = target.root.folder(tuple(parts), make=True)
        for number in range(layout.HIGHEST_NUMBER + 1):
            name = wanted if number == 0 else layout.numbered(wanted, number)
            transfer.path = known.join(os.path.dirname(transfer.path), name)
            there = folders.look(folder, name)
            if there is None:
                _land(job, parcel, transfer, folder, name, left)
                return
            if _holds_it(job, source, parcel, transfer, folder, name, there, meter):
                ours = transfer.stage == RESUMED
                transfer.status = "completed" if ours else "skipped"
                transfer.stage = "verified" if ours else "already there"
                transfer.facts = there
                return
    except VolumeGone as error:
        target.lose(str(error))
        return
    except OSError as error:
        failure = failures.of_writing(error, shown)
        target.check()
        if target.away is None and failure.kind == "volume_gone":
            target.lose(failure.sentence)
        if target.away is None:
            transfer.fail(failure)
        return
    transfer.fail(
        Failure(
            "exists_different",
            f"{shown} and {layout.HIGHEST_NUMBER} numbered names are taken by other files.",
        )
    )


def _land(
    job: JobContext,
    parcel: Parcel,
    transfer: Transfer,
    folder: int,
    name: str,
    left: dict[int, int],
) -> None:
    target = transfer.destination
    assert target.place is not None
    shown = display(_absolute(target, transfer.path))
    room = left.get(id(target), 0)
    temp = folders.temp_name(name, job.job_id)
    begun = folders.look(folder, temp)
    needed = parcel.size - (begun.st_blocks * 512 if begun else 0)
    if needed > room:
        transfer.fail(
            Failure(
                "no_space",
                f"No space for {shown}: {naturalsize(needed, binary=True)} are needed, "
                f"{naturalsize(room, binary=True)} are free on {display(target.order.volume)}. The source "
                "was not touched. Make room, then retry.",
            )
        )
        return
    left[id(target)] = room - max(0, needed)
    transfer.landing = Landing(
        transfer.transfer_id,
        folder,
        name,
        temp,
        shown,
        target.place.fs_type,
        target.place.is_network,
    )


def _absolute(target: Destination, path: str) -> str:
    prefix = target.order.relative
    return os.path.join(target.path, path[len(prefix) + 1 :] if prefix else path)


def _holds_it(
    job: JobContext,
    source: Source,
    parcel: Parcel,
    transfer: Transfer,
    folder: int,
    name: str,
    there: os.stat_result,
    meter: Meter,
) -> bool:
    """Whether the file under this name has exactly the bytes of the parcel. Sets the level if so."""
    if not folders.is_file(there) or there.st_size != parcel.size:
        return False
    if parcel.blake3 is None and not read_content(job, source, parcel, meter):
        return False
    proven = known.verified_at(job.db, transfer.destination.order.volume_id, transfer.path)
    if proven is not None and proven.unchanged(there):
        transfer.level = proven.level
        return proven.blake3 == parcel.blake3
    place = transfer.destination.place
    assert place is not None
    meter.stage("verify")
    reading = rereading.reread(
        name,
        place.fs_type,
        place.is_network,
        dir_fd=folder,
        check=job.check_now,
        on_bytes=lambda _: meter.tick(),
    )
    transfer.level = reading.level
    return reading.blake3 == parcel.blake3


def read_content(job: JobContext, source: Source, parcel: Parcel, meter: Meter) -> bool:
    """Find out the content of an open source file: from the catalogue if it is unchanged, else by reading it.

    Returns whether that worked; if not, ``parcel.failure`` says why.
    """
    original = parcel.original
    assert original is not None
    here = known.content_at(
        job.db,
        source.order.volume_id,
        known.join(source.folder, parcel.path),
        original.size,
        original.mtime_ns,
    )
    if here is not None:
        parcel.asset_id, parcel.blake3 = here
        return True
    meter.stage("hash")

    def read(pulse: Pulse) -> tuple[Digester, str]:
        os.lseek(original.fd, 0, os.SEEK_SET)
        digester = digest_fd(original.fd, check=pulse.check, on_bytes=pulse.count)
        return digester, fast_hash(original.fd, original.size)

    try:
        digester, fast = original.reach.follow(read, lambda _: meter.tick())
    except OSError as error:
        parcel.failure = failures.of_reading(error, original.shown)
        return False
    except ValueError:
        parcel.failure = failures.changed(original.shown)
        return False
    if digester.size != original.size or original.changed():
        parcel.failure = failures.changed(original.shown)
        return False
    from engine.ingest.records.catalogue import Content, record_asset

    content = Content(original.size, digester.blake3, digester.xxh128, fast)
    parcel.asset_id, parcel.blake3 = record_asset(job.db, content), digester.blake3
    return True
