"""How fast does a drive write and read? Measured with a file and a folder of our own, removed again."""

from __future__ import annotations

import mmap
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlite_utils import Database

from engine import clock
from engine.errors import Refused, RushesError
from engine.jobs import store as jobs
from engine.jobs.context import JobContext, Outcome
from engine.media.hashing import DONTNEED, advise, open_for_reading
from engine.names import display
from engine.storage.database import rows, write
from engine.volumes import places, store
from engine.volumes.places import Place
from engine.volumes.store import VolumeRow

TEST_BYTES = 256 << 20
"""Most that is written (bytes)."""

SMALLEST_BYTES = 16 << 20
"""With less than four times this free there is no test (bytes)."""

WRITE_SECONDS = 5.0
"""Writing ends after this time, however little was written (seconds)."""

READ_SECONDS = 30.0
"""Reading ends after this time (seconds)."""

CHUNK = 1 << 20
FOLDER = ".rushes-speed-"
"""The test's folder begins like this; the rest is random, or the job's id."""

FILE = "test.bin"


@dataclass(frozen=True)
class Speed:
    """One measurement.

    Attributes:
        write_rate: bytes per second, flushing to the device included.
        read_rate: bytes per second, None when nothing could be read.
        cached: the read came past the device's back, from memory: no speed of the device.
        bytes: written and read.
    """

    write_rate: int
    read_rate: int | None
    cached: bool
    bytes: int


def queue(db: Database, given: str) -> str:
    """Queue a measurement as a job of kind ``speed``; return the job's id. Raises like :func:`measure`."""
    volume = store.find(db, given)
    place = _place(db, volume)
    _room(volume, place.mount_point)
    return jobs.create(
        db,
        "speed",
        f"Speed of {display(volume.name)}",
        {"volume_id": volume.volume_id},
        resources=(f"device:{place.device}",),
    )


def run(job: JobContext) -> Outcome:
    """Handler of job kind ``speed``. Its result: ``volume_id write_rate read_rate cached bytes``."""
    volume_id = str(job.params["volume_id"])
    job.progress(stage="measuring", bytes_total=2 * TEST_BYTES, force=True)
    speed = measure(
        job.db,
        volume_id,
        check=job.checkpoint,
        on_bytes=lambda count: job.progress(bytes_done=count),
        key=job.job_id,
    )
    result = {
        "volume_id": volume_id,
        "write_rate": speed.write_rate,
        "read_rate": speed.read_rate,
        "cached": speed.cached,
        "bytes": speed.bytes,
    }
    return Outcome("completed", result)


def clean_up(job: JobContext) -> None:
    """Remove what a measurement left that was killed."""
    volume = store.get(job.db, str(job.params["volume_id"]))
    if volume.state == "online" and volume.mount_point is not None:
        _clean(os.path.join(volume.mount_point, FOLDER + job.job_id))


def clear_leftovers(db: Database, volume_id: str) -> None:
    """Remove what measurements of this volume left whose engine was killed, or whose drive was pulled.

    Nothing is looked for: each job's folder has its job's name.
    """
    volume = store.get(db, volume_id)
    if volume.state != "online" or volume.mount_point is None or volume.read_only:
        return
    for job in rows(
        db,
        "SELECT job_id FROM jobs WHERE kind = 'speed' AND status NOT IN ('pending', 'running', 'completed')"
        " AND params ->> 'volume_id' = ?",
        (volume_id,),
    ):
        _clean(os.path.join(volume.mount_point, FOLDER + job["job_id"]))


def measure(
    db: Database,
    given: str,
    *,
    check: Callable[[], None] | None = None,
    on_bytes: Callable[[int], None] | None = None,
    key: str | None = None,
) -> Speed:
    """Measure a volume and keep the result in its row. Takes up to about 40 s.

    Args:
        db: the library's database.
        given: id, prefix, name or mount point.
        check: called between chunks; what it raises ends the test, cleaned up.
        on_bytes: gets the bytes written and read so far.
        key: names the folder; a test with the same key that was killed is cleaned up first.

    Raises:
        NotFound: no such volume.
        Refused: it is a card, read-only, not online, or nearly full; nothing was written.
        RushesError: the test failed; what it made is gone.
    """
    volume = store.find(db, given)
    place = _place(db, volume)
    root = place.mount_point
    size = _room(volume, root)
    folder = os.path.join(root, FOLDER + (key or uuid.uuid4().hex))
    if key is not None:
        _clean(folder)
    try:
        os.mkdir(folder, 0o700)  # exclusive: a folder that is there is somebody's
    except OSError as error:
        raise Refused(f"{display(volume.name)} cannot be written: {error.strerror}.") from error
    try:
        speed = _measure(
            os.path.join(folder, FILE), size, check or (lambda: None), on_bytes or (lambda _: None)
        )
    except OSError as error:
        raise RushesError(
            f"The speed of {display(volume.name)} could not be measured: {error.strerror}. "
            "What the test made was removed."
        ) from error
    finally:
        _clean(folder)
    with write(db):
        db.execute(
            "UPDATE volumes SET write_rate = ?, read_rate = ?, speed_at = ? WHERE volume_id = ?",
            (speed.write_rate, None if speed.cached else speed.read_rate, clock.now(), volume.volume_id),
        )
        detail = {
            "write_rate": speed.write_rate,
            "read_rate": speed.read_rate,
            "cached": speed.cached,
            "mount_point": display(root),
        }
        store.add_event(db, volume.volume_id, "speed tested", detail)
    return speed


def _place(db: Database, volume: VolumeRow) -> Place:
    name = display(volume.name)
    if volume.volume_class == "card":
        raise Refused(f"{name} is a camera card; nothing is ever written to one.")
    if volume.state != "online" or volume.mount_point is None:
        raise Refused(f"{name} is not online; its speed cannot be measured.")
    if volume.read_only:
        raise Refused(f"{name} is read-only; its speed cannot be measured.")
    place = places.place_of(db, volume.mount_point)
    if place.volume_id != volume.volume_id or place.read_only:
        raise Refused(f"{name} is no longer at {display(volume.mount_point)}, or cannot be written.")
    if store.get(db, volume.volume_id).volume_class == "card":
        raise Refused(f"{name} is a camera card; nothing is ever written to one.")
    return place


def _room(volume: VolumeRow, root: str) -> int:
    """How many bytes a test may write: a quarter of what is free at most."""
    size = min(TEST_BYTES, _free(root) // 4 // CHUNK * CHUNK)
    if size < SMALLEST_BYTES:
        raise Refused(f"{display(volume.name)} has too little free space for a speed test.")
    return size


def _measure(path: str, size: int, check: Callable[[], None], on_bytes: Callable[[int], None]) -> Speed:
    # Chunks begin at another odd offset each time: neither compression nor
    # deduplication finds two blocks alike.
    noise = os.urandom(16 * CHUNK + 4096)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        done, started = 0, time.monotonic()
        while done < size and time.monotonic() - started < WRITE_SECONDS:
            check()
            offset = (done * 7 + done // CHUNK * 131) % (len(noise) - CHUNK)
            done += os.write(fd, memoryview(noise)[offset : offset + CHUNK])
            on_bytes(done)
        os.fsync(fd)
        write_rate = int(done / max(1e-6, time.monotonic() - started))
        advise(fd, DONTNEED)
        cached = _resident(fd, done) > 0.1
    finally:
        os.close(fd)
    read_rate = _read(path, done, check, on_bytes)
    return Speed(write_rate, read_rate, cached, done)


def _read(path: str, size: int, check: Callable[[], None], on_bytes: Callable[[int], None]) -> int | None:
    fd = open_for_reading(path, direct=True)
    try:
        done, started = 0, time.monotonic()
        with mmap.mmap(-1, CHUNK) as buffer:  # page aligned, as O_DIRECT needs
            while time.monotonic() - started < READ_SECONDS:
                check()
                count = os.readv(fd, [buffer])
                if count == 0:
                    break
                done += count
                on_bytes(size + done)
        return int(done / max(1e-6, time.monotonic() - started)) if done else None
    finally:
        os.close(fd)


def _resident(fd: int, size: int) -> float:
    """The share of a file that lies in memory; 1 when that cannot be told."""
    import ctypes

    pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
    vector = (ctypes.c_ubyte * pages)()
    try:
        with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as mapped:
            anchor = ctypes.c_char.from_buffer(mapped)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                failed = libc.mincore(
                    ctypes.c_void_p(ctypes.addressof(anchor)), ctypes.c_size_t(size), vector
                )
            finally:
                del anchor
    except (OSError, ValueError):
        return 1.0
    return 1.0 if failed else sum(value & 1 for value in vector) / pages


def _free(root: str) -> int:
    space = os.statvfs(root)
    return space.f_bavail * space.f_frsize


def _clean(folder: str) -> None:
    """Remove exactly the file and the folder that a test makes; anything else in it keeps it."""
    try:
        os.unlink(os.path.join(folder, FILE))
    except OSError:
        pass  # never made, or the drive is gone
    try:
        os.rmdir(folder)
    except OSError:
        pass  # never made, gone, or somebody put something of theirs into it
