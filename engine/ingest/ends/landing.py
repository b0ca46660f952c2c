"""The two sides of one file's copy: the original, open for reading, and its landing at a destination."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.ingest.ends import failures, folders, stalls
from engine.ingest.ends.failures import Failure
from engine.ingest.ends.reach import HERE, Reach
from engine.media import rereading
from engine.media.hashing import BUFFER, DONTNEED, READ_FLAGS, SEQUENTIAL, WILLNEED, Check, advise


@dataclass
class Original:
    """The file that is copied, open for reading.

    Attributes:
        fd: open descriptor.
        shown: its path for messages, escaped.
        size, mtime_ns, inode, mode: as ``fstat`` gave them before the first byte.
        reach: how it is asked; everything that touches the open file goes through that.
    """

    fd: int
    shown: str
    size: int
    mtime_ns: int
    inode: int
    mode: int
    reach: Reach = HERE

    def changed(self) -> bool:
        """Whether it was written to since it was opened."""
        now = self.reach.ask(lambda: os.fstat(self.fd))
        return (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns)

    def close(self) -> None:
        """Close it; its pages are not kept in memory. What is known of it stays."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self.reach.close(fd, _close)


def _close(fd: int) -> None:
    advise(fd, DONTNEED)
    os.close(fd)


def open_original(folder: int, name: str, shown: str, *, ahead: bool = True, reach: Reach = HERE) -> Original:
    """Open the regular file ``name`` in an open folder; ``ahead``: fetch a small one. A link is refused.

    Called within ``reach``, and followed by :meth:`engine.ingest.ends.reach.Reach.hold`.

    Raises:
        OSError: it cannot be opened, or is no regular file (as ENOENT: what was listed is not there).
    """
    fd = os.open(name, READ_FLAGS, dir_fd=folder)
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode):
        os.close(fd)
        raise FileNotFoundError(2, "is no regular file any more", name)
    together = ahead and facts.st_size <= BUFFER  # those are opened by the dozen
    advise(fd, WILLNEED if together else SEQUENTIAL)
    mode = stat.S_IMODE(facts.st_mode)
    return Original(fd, shown, facts.st_size, facts.st_mtime_ns, facts.st_ino, mode, reach)


@dataclass
class Landing:
    """One destination of one file, on its way. Written by one thread at a time.

    Attributes:
        key: the caller's id for it.
        folder: open folder at the destination.
        name, temp: final and temporary name in that folder.
        shown: the final path for messages, escaped.
        fs_type, is_network: what the destination is; they decide the level.
        written, reread: bytes so far; read by the reporting thread.
        resumed: bytes of ``written`` that an earlier run had left, and that were proven good.
        write_seconds, read_seconds: time that writing with flushing, and reading back, have taken.
        failure: why it ended early; None while all is well.
        level, found: level of the re-read and the BLAKE3 it gave.
        facts: ``stat`` of the published file.
        stuck: a call to its volume does not come back; nothing of it may be touched any more.
    """

    key: int
    folder: int
    name: str
    temp: str
    shown: str
    fs_type: str
    is_network: bool | None
    fd: int = -1
    written: int = 0
    resumed: int = 0
    reread: int = 0
    write_seconds: float = 0.0
    read_seconds: float = 0.0
    failure: Failure | None = None
    level: str | None = None
    found: str | None = None
    facts: os.stat_result | None = None
    published: bool = False
    rereading: rereading.Reread | None = None
    stuck: bool = False

    @property
    def fresh(self) -> int:
        """Bytes that were written in this run."""
        return self.written - self.resumed

    @property
    def alive(self) -> bool:
        """Whether nothing has gone wrong with it yet."""
        return self.failure is None

    def open(self, start: int = 0) -> None:
        """Make the temporary file, or open it again to go on at byte ``start``."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            if start:
                self.fd = os.open(self.temp, flags, dir_fd=self.folder)
                os.ftruncate(self.fd, start)
                os.lseek(self.fd, start, os.SEEK_SET)
                self.written, self.resumed = start, start
            else:
                folders.remove_temp(self.folder, self.temp)  # ours, from an attempt that was cut off
                self.fd = os.open(self.temp, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self.folder)
                self.written = 0
        except OSError as error:
            self.failure = failures.of_writing(error, self.shown)

    def write(self, data: memoryview) -> None:
        """Write all of ``data``; a failure is kept, not raised."""
        begun = time.perf_counter()
        try:
            while len(data):
                count = os.write(self.fd, data)
                self.written += count
                data = data[count:]
        except OSError as error:
            self.failure = failures.of_writing(error, self.shown)
        self.write_seconds += time.perf_counter() - begun

    def settle(self, original: Original, *, sync: bool = True) -> None:
        """Give it the source's time and permissions, flush it to the device (``sync``), close it."""
        try:
            try:
                # Never less than what lets us read it back and remove it.
                os.fchmod(self.fd, (original.mode & 0o777) | 0o600)
            except PermissionError:
                pass  # FAT, some network shares: permissions come from the mount options there
            os.utime(self.fd, ns=(original.mtime_ns, original.mtime_ns))
            if sync:
                begun = time.perf_counter()
                os.fsync(self.fd)
                self.write_seconds += time.perf_counter() - begun
                rereading.drop_cache(self.fd)
            fd, self.fd = self.fd, -1
            os.close(fd)  # a network share or a quota may fail only here
        except OSError as error:
            self.failure = failures.of_writing(error, self.shown)
            self.shut()

    def give_up(self) -> None:
        """Its volume does not answer: leave everything as it is, whoever still waits inside a call."""
        self.stuck = True
        self.failure = failures.stalled(self.shown)
        held = [self.fd, self.rereading.fileno() if self.rereading is not None else -1]
        stalls.let_children_start([fd for fd in held if fd >= 0])

    def shut(self) -> None:
        """Close what is open. A file that hangs is left to the call that hangs in it, see :meth:`let_go`."""
        if not self.stuck:
            self._close()

    def let_go(self) -> None:
        """The call that hung has come back, too late: its thread closes what nobody else may touch."""
        self._close()

    def _close(self) -> None:
        held = []
        if self.rereading is not None:
            held.append(self.rereading.detach())
            self.rereading = None
        held.append(self.fd)
        self.fd = -1
        for fd in held:
            if fd >= 0 and not stalls.close(fd, at_once=self.is_network is False) and not self.stuck:
                self.give_up()

    def discard(self) -> None:
        """Close and remove the temporary file. What cannot be removed now is removed at the next start."""
        self.shut()
        if self.stuck:
            return
        try:
            folders.remove_temp(self.folder, self.temp)
        except OSError:
            pass  # its name is in the database, see engine.ingest.carrying.recovery

    def prepare_reading(self, *, ahead: bool) -> None:
        """Open the finished file for :meth:`read_back`, its cache dropped; ``ahead``: have it fetched."""
        if self.rereading is not None:
            return
        try:
            self.rereading = rereading.Reread(
                self.temp, self.fs_type, self.is_network, dir_fd=self.folder, ahead=ahead
            )
        except OSError as error:
            self.failure = failures.of_writing(error, self.shown)

    def read_back(self, expected: str, check: Check | None, on_bytes: Callable[[int], None]) -> None:
        """Read the file from the device and compare it with ``expected``; the fields keep the result."""

        def count(length: int) -> None:
            self.reread += length
            on_bytes(length)

        self.prepare_reading(ahead=False)
        if self.rereading is None:
            return
        begun = time.perf_counter()
        try:
            reading = self.rereading.read(check, count)
        except OSError as error:
            self.failure = failures.of_writing(error, self.shown)
            return
        finally:
            self.read_seconds += time.perf_counter() - begun
            self.shut()
        self.level, self.found = reading.level, reading.blake3
        if reading.blake3 != expected:
            self.failure = failures.mismatch(self.shown, expected, reading.blake3, reading.level)

    def publish(self) -> None:
        """Give it its final name. A name taken in the meantime is a failure of kind ``exists_different``."""
        try:
            folders.publish(self.folder, self.temp, self.name)
            self.published = True
            self.facts = folders.look(self.folder, self.name)
        except FileExistsError:
            self.failure = Failure("exists_different", f"{self.shown} appeared in the meantime.")
        except OSError as error:
            self.failure = failures.of_writing(error, self.shown)
