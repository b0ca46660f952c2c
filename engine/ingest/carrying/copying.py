"""One file, read once, written to any number of destinations, read back, compared, published.

::

    source ─ reader ─┬─ hashers                      (threads; one pool of buffers
                     ├─ writer 1 ─ fsync              is shared, so memory has a
                     └─ writer 2 ─ fsync              bound and nobody runs ahead)
        then for each destination: drop the cache, read back, compare, rename

No database here, and no decision about names: see :mod:`engine.ingest.carrying.carrier`.
"""

from __future__ import annotations

import errno
import mmap
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from blake3 import blake3

from engine.ingest.ends import failures
from engine.ingest.ends.failures import Failure
from engine.ingest.ends.gait import LOCAL
from engine.ingest.ends.landing import Landing, Original
from engine.ingest.ends.reach import Pulse
from engine.ingest.ends.stalls import Watch
from engine.media import rereading
from engine.media.hashing import BUFFER, Check, Digester, digest_fd, read_into

BLOCK = 64 << 20
"""Bytes per block of the journal from which a large file is continued."""

PIECE = 4096
"""Bytes that are read at once where a medium has an error."""

PIECE_TRIES = 2

HOLES = 256
"""So many unreadable pieces in one file end its reading: a medium that is dying is not tormented."""

JOIN_SECONDS = 10.0
"""How long a writer that hangs in the kernel (a dead network mount) is waited for after a cancel."""

PATIENCE_SECONDS = 0.2
"""Longest time between two looks for a cancel while waiting for a slow destination."""


@dataclass
class Stream:
    """What is carried through one reading of a source, from its first byte or from a checkpoint.

    Attributes:
        digester: holds the digests of everything before ``start``.
        start: first byte to be read.
        blocks: BLAKE3 of each whole block of :data:`BLOCK` bytes after ``start``, as they are completed.
        holes: (offset, length) of what could not be read; zeros were written in its place.
        read_seconds, hash_seconds: time that reading and the main digests have taken.
        failure: why the reading ended early.
    """

    digester: Digester = field(default_factory=Digester)
    start: int = 0
    blocks: list[str] = field(default_factory=list)
    holes: list[tuple[int, int]] = field(default_factory=list)
    read_seconds: float = 0.0
    hash_seconds: float = 0.0
    failure: Failure | None = None


def write_out(
    original: Original,
    landings: Sequence[Landing],
    stream: Stream,
    *,
    check: Check,
    tick: Callable[[], None],
    sync: bool = True,
    buffers: int = LOCAL.buffers,
) -> None:
    """Read the source once; hash it and write it to every landing that is alive; flush and close them.

    Landings must be open. Failures of single landings are kept in them, those
    of the source in ``stream``.

    Args:
        original: the source; read from ``stream.start``.
        landings: where it goes; may be empty: then it is only hashed.
        stream: digests and journal blocks are collected here.
        check: raises to stop at once; then everything is closed and the temporary files stay.
        tick: called often from the calling thread, to report progress.
        sync: flush each file to the device. False when the caller flushes the
            whole file system afterwards.
        buffers: MiB in the pool of a large file; see :class:`engine.ingest.ends.gait.Gait`.
    """
    try:
        if original.size <= BUFFER and all(landing.is_network is False for landing in landings):
            _write_small(original, landings, stream, check)
        else:
            _Pump(original, landings, stream, check, tick, buffers).run(sync=sync)
            return
        for landing in landings:
            if landing.alive and stream.failure is None:
                landing.settle(original, sync=sync)
    finally:
        for landing in landings:
            landing.shut()


def _write_small(original: Original, landings: Sequence[Landing], stream: Stream, check: Check) -> None:
    check()
    buffer = memoryview(bytearray(original.size))
    begun = time.perf_counter()
    try:
        count = original.reach.ask(lambda: _read_whole(original.fd, buffer), size=len(buffer))
        stream.read_seconds += time.perf_counter() - begun
    except OSError as error:
        stream.failure = failures.of_reading(error, original.shown, 0)
        return
    if count != original.size or original.changed():
        stream.failure = failures.changed(original.shown)
        return
    begun = time.perf_counter()
    stream.digester.update(buffer[:count])
    stream.hash_seconds += time.perf_counter() - begun
    for landing in landings:
        if landing.alive:
            landing.write(buffer[:count])


def _read_whole(fd: int, buffer: memoryview) -> int:
    os.lseek(fd, 0, os.SEEK_SET)
    return read_into(fd, buffer)


def _read_piece(fd: int, piece: memoryview, offset: int) -> bool:
    """Read one piece exactly; False when the medium does not give it after all tries."""
    for _ in range(PIECE_TRIES):
        try:
            return os.preadv(fd, [piece], offset) == len(piece)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
    return False


class _Chunk:
    """One buffer of the pool; goes back when the last consumer has let go of it."""

    __slots__ = ("pages", "users", "view")

    def __init__(self) -> None:
        self.pages = mmap.mmap(-1, BUFFER)
        self.view = memoryview(self.pages)
        self.users = 0


class _Lane:
    """One consumer of the chunks: its queue, its thread, and what it writes to (None: it hashes)."""

    def __init__(self, work: _Work, landing: Landing | None) -> None:
        self.queue: queue.SimpleQueue[tuple[_Chunk, int] | None] = queue.SimpleQueue()
        self.landing = landing
        self.watch = Watch()
        self.thread = threading.Thread(target=work, args=(self,), name="copy", daemon=True)


_Work = Callable[[_Lane], None]


class _Pump:
    """Reader, hasher and writers of one large file."""

    def __init__(
        self,
        original: Original,
        landings: Sequence[Landing],
        stream: Stream,
        check: Check,
        tick: Callable[[], None],
        buffers: int,
    ) -> None:
        self.original = original
        self.landings = [landing for landing in landings if landing.alive]
        self.stream = stream
        self.check = check
        self.tick = tick
        self.stopping = False
        self.lock = threading.Lock()
        self.pool: queue.SimpleQueue[_Chunk] = queue.SimpleQueue()
        blocks = -(-(original.size - stream.start) // BUFFER) + 1
        self.chunks = [_Chunk() for _ in range(min(buffers, blocks))]
        self.lanes: list[_Lane] = []
        for chunk in self.chunks:
            self.pool.put(chunk)

    def run(self, *, sync: bool) -> None:
        """Run to the end, or until the source fails or ``check`` raises."""
        work_of_each: list[tuple[_Work, Landing | None]] = [
            (self._hash, None),
            *((self._hash_extra(name), None) for name in self.stream.digester.extra),
            *((self._writer(landing, sync=sync), landing) for landing in self.landings),
        ]
        for work, landing in work_of_each:
            lane = _Lane(work, landing)
            self.lanes.append(lane)
            lane.thread.start()
        try:
            self._read()
        except BaseException:
            self.stopping = True
            raise
        finally:
            for lane in self.lanes:
                lane.queue.put(None)
            self._join()

    def _join(self) -> None:
        waited = 0.0
        for lane in self.lanes:
            while lane.thread.is_alive() and not lane.watch.given_up:
                lane.thread.join(PATIENCE_SECONDS)
                if self.stopping:
                    waited += PATIENCE_SECONDS
                    if waited > JOIN_SECONDS:  # hangs in the kernel: left to itself, with its buffer
                        self._give_up_stalled(at_once=True)
                        break
                    continue
                self._give_up_stalled()
                try:
                    self.check()
                    self.tick()
                except BaseException:
                    self.stopping = True
                    self._join()
                    raise

    def _give_up_stalled(self, *, at_once: bool = False) -> None:
        """Go on without a destination that does not answer, so that it holds nobody up."""
        for lane in self.lanes:
            if lane.landing is None or not lane.watch.give_up(at_once=at_once):
                continue
            lane.landing.give_up()
            self.pool.put(_Chunk())  # the one that it hangs in stays with it
            while True:
                try:
                    item = lane.queue.get_nowait()
                except queue.Empty:
                    break
                if item is not None:
                    self._release(item[0])

    def _read(self) -> None:
        position = self.stream.start
        size = self.original.size
        ask = self.original.reach.ask
        try:
            os.lseek(self.original.fd, position, os.SEEK_SET)
            while position < size:
                chunk = self._free_chunk()
                begun = time.perf_counter()
                count = ask(
                    partial(self._fill, chunk.view[: min(BUFFER, size - position)], position), size=BUFFER
                )
                self.stream.read_seconds += time.perf_counter() - begun
                if count == 0:
                    break
                position += count
                lanes = [lane for lane in self.lanes if not lane.watch.given_up]
                chunk.users = len(lanes)
                for lane in lanes:
                    lane.queue.put((chunk, count))
                self.tick()
            grown = position == size and ask(lambda: os.pread(self.original.fd, 1, size)) != b""
        except OSError as error:
            self._fail(failures.of_reading(error, self.original.shown, position))
            return
        if position != size or grown or self.original.changed():
            self._fail(failures.changed(self.original.shown))
        elif self.stream.holes:  # not stopped: the writers finish, so that what could be read is kept
            self.stream.failure = failures.damaged(self.original.shown, self.stream.holes)

    def _fill(self, view: memoryview, position: int) -> int:
        """Fill a buffer. What a bad medium does not give is tried in small pieces, then left as zeros."""
        try:
            return read_into(self.original.fd, view)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
        for offset in range(0, len(view), PIECE):
            self.check()
            piece = view[offset : offset + PIECE]
            if not _read_piece(self.original.fd, piece, position + offset):
                piece[:] = bytes(len(piece))
                self.stream.holes.append((position + offset, len(piece)))
                if len(self.stream.holes) > HOLES:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.lseek(self.original.fd, position + len(view), os.SEEK_SET)
        return len(view)

    def _free_chunk(self) -> _Chunk:
        while True:
            self.check()
            try:
                return self.pool.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                self._give_up_stalled()
                self.tick()

    def _fail(self, failure: Failure) -> None:
        self.stream.failure = failure
        self.stopping = True

    def _release(self, chunk: _Chunk) -> None:
        with self.lock:
            chunk.users -= 1
            free = chunk.users == 0
        if free:
            self.pool.put(chunk)

    def _hash(self, lane: _Lane) -> None:
        stream = self.stream
        journaled = self.original.size >= 2 * BLOCK
        block = blake3()
        while (item := lane.queue.get()) is not None:
            chunk, count = item
            if not self.stopping:
                begun = time.perf_counter()
                with chunk.view[:count] as data:
                    stream.digester.update_main(data)
                    if journaled:
                        block.update(data)
                stream.hash_seconds += time.perf_counter() - begun
                if journaled and stream.digester.size % BLOCK == 0:
                    stream.blocks.append(block.hexdigest())
                    block = blake3()
            self._release(chunk)

    def _hash_extra(self, name: str) -> _Work:
        """A hasher of its own for a digest that is slower than the disk."""

        def feed(lane: _Lane) -> None:
            while (item := lane.queue.get()) is not None:
                chunk, count = item
                if not self.stopping:
                    with chunk.view[:count] as data:
                        self.stream.digester.update_extra(name, data)
                self._release(chunk)

        return feed

    def _writer(self, landing: Landing, *, sync: bool) -> _Work:
        def write(lane: _Lane) -> None:
            while (item := lane.queue.get()) is not None:
                chunk, count = item
                if landing.alive and not self.stopping:
                    lane.watch.begin(count)
                    with chunk.view[:count] as data:
                        landing.write(data)
                    if not lane.watch.end():
                        landing.let_go()
                        return
                self._release(chunk)
            if landing.alive and not self.stopping:
                lane.watch.begin(self.original.size)
                landing.settle(self.original, sync=sync)
                if not lane.watch.end():
                    landing.let_go()

        return write


class _Halted(Exception):
    """A worker was told to stop by the thread that watches it."""


def read_back_all(
    landings: Sequence[Landing], expected: str, *, check: Check, tick: Callable[[], None]
) -> None:
    """Read every landing that is alive back from its device, at the same time, and compare.

    One that was read back already is left alone.
    """
    alive = [landing for landing in landings if landing.alive and landing.found is None]
    if not alive:
        return
    if len(alive) == 1 and alive[0].is_network is False:
        alive[0].read_back(expected, check, lambda _: tick())
        return
    halted = threading.Event()

    def halt_check() -> None:
        if halted.is_set():
            raise _Halted

    def work(landing: Landing, watch: Watch) -> None:
        watch.begin(0)
        try:
            landing.read_back(expected, halt_check, lambda _: watch.begin(0))
        except _Halted:
            landing.failure = Failure("cancelled", f"{landing.shown} was stopped while it was read back.")
        if not watch.end():
            landing.let_go()

    readers = [(landing, Watch()) for landing in alive]
    threads = [
        threading.Thread(target=work, args=reader, name="read back", daemon=True) for reader in readers
    ]
    for thread in threads:
        thread.start()
    try:
        for thread, (landing, watch) in zip(threads, readers, strict=True):
            _follow(thread, landing, watch, check, tick)
    except BaseException:
        halted.set()
        _leave(threads, readers)
        raise


def _leave(threads: Sequence[threading.Thread], readers: Sequence[tuple[Landing, Watch]]) -> None:
    """Wait for readers that were told to stop; one that hangs in its volume is left to itself."""
    for thread, (landing, watch) in zip(threads, readers, strict=True):
        if not watch.given_up:
            thread.join(JOIN_SECONDS)
        if thread.is_alive() and watch.give_up(at_once=True):
            landing.give_up()


def _follow(
    thread: threading.Thread, landing: Landing, watch: Watch, check: Check, tick: Callable[[], None]
) -> None:
    """Wait for one reader, or until its volume no longer answers."""
    while thread.is_alive() and not watch.given_up:
        thread.join(PATIENCE_SECONDS)
        if watch.give_up():
            landing.give_up()
        check()
        tick()


def source_digest(original: Original) -> str:
    """Read the source once more, past the cache as far as possible, and return its BLAKE3.

    Raises:
        OSError: it cannot be read.
        VolumeGone: it does not answer.
    """

    def read(pulse: Pulse) -> str:
        rereading.drop_cache(original.fd)
        os.lseek(original.fd, 0, os.SEEK_SET)
        return digest_fd(original.fd, check=pulse.check).blake3

    return original.reach.follow(read)
