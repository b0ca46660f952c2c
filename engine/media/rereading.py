"""Reading a file back, and saying honestly from where the bytes came.

A re-read that is answered by the page cache proves nothing about the disk. So
the cache is dropped first, and what is left in it is *counted* (cachestat(2),
Linux 6.5). Where that cannot be asked, the bytes that this very thread fetched
from block devices (``/proc/thread-self/io``) are the evidence. When neither
shows it, the level is only ``cached re-read``.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from blake3 import blake3

from engine.media.hashing import (
    DONTNEED,
    READ_FLAGS,
    SEQUENTIAL,
    WILLNEED,
    Check,
    Digester,
    advise,
    digest_fd,
    open_for_reading,
)

DEVICE = "device re-read"
CACHED = "cached re-read"
NETWORK = "network re-read"

PAGE_CACHED = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "vfat", "msdos", "exfat", "ntfs3",
     "hfs", "hfsplus", "udf", "jfs", "reiserfs", "nilfs2", "iso9660"}
)  # fmt: skip
"""Local file systems whose data is cached in the file's own pages and nowhere else.

Left out on purpose: ZFS (a cache of its own), FUSE (the daemon reads through
the cache of the block device), overlay (the pages belong to another file).
"""

_CACHESTAT = 451
"""Number of the system call cachestat, the same on every architecture that has it."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Counts(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cached", "dirty", "writeback", "evicted", "recently_evicted")
    )


@dataclass(frozen=True)
class Reading:
    """What one reading of a file gave.

    Attributes:
        blake3: digest of the bytes read.
        xxh128: the second digest, from the same bytes.
        size: number of bytes read.
        level: :data:`DEVICE`, :data:`CACHED` or :data:`NETWORK`.
    """

    blake3: str
    xxh128: str
    size: int
    level: str


def cached_pages(fd: int) -> int | None:
    """Pages of this file that are in the page cache; None when the kernel cannot be asked."""
    if not sys.platform.startswith("linux"):  # that number is another call elsewhere
        return None
    whole = _Range(0, 0)
    counts = _Counts()
    if _libc.syscall(_CACHESTAT, fd, ctypes.byref(whole), ctypes.byref(counts), 0) != 0:
        return None
    return int(counts.cached)


def drop_cache(fd: int) -> None:
    """Ask the kernel to forget this file's clean pages. Dirty ones stay: call ``fsync`` first."""
    advise(fd, DONTNEED)


class Reread:
    """One file that is about to be read back: open, its cache dropped, and what was left in it counted.

    Splitting this from the reading lets many small files be fetched from the
    device at the same time.

    Raises on construction:
        OSError: the file cannot be opened.
    """

    def __init__(
        self,
        name: str,
        fs_type: str,
        is_network: bool | None,
        *,
        dir_fd: int | None = None,
        ahead: bool = False,
    ) -> None:
        """Open ``name`` (a path, or relative to ``dir_fd``; a link is refused).

        Args:
            name: the file.
            fs_type: file system type as the mount table gives it.
            is_network: None means unknown and is treated as network.
            dir_fd: open folder that ``name`` is relative to.
            ahead: have the kernel fetch the file from now on.
        """
        self._network = is_network
        self._trusted = fs_type in PAGE_CACHED and is_network is False
        self._fd = os.open(name, READ_FLAGS, dir_fd=dir_fd)
        try:
            if not ahead:
                advise(self._fd, SEQUENTIAL)
            drop_cache(self._fd)
            self._left = cached_pages(self._fd) if self._trusted else None
            if self._left:  # held by somebody who has it mapped: go past the cache
                os.close(self._fd)
                self._fd = -1
                self._fd = open_for_reading(name, direct=True, dir_fd=dir_fd)
            elif ahead and self._left == 0:
                advise(self._fd, WILLNEED)
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """The open file's descriptor, to ask what file it is. Belongs to this object."""
        return self._fd

    def read(
        self,
        check: Check | None = None,
        on_bytes: Callable[[int], None] | None = None,
        digester: Digester | None = None,
    ) -> Reading:
        """Read and hash the whole file. ``check`` and ``on_bytes`` (its length) are called for each buffer.

        ``digester`` is fed in place of a new one, for those who need further digests of the same reading.

        Raises:
            OSError: the file cannot be read.
        """
        counted = self._left != 0
        fetched = _fetched_by_this_thread() if counted else None
        digester = digester or Digester()
        digest_fd(self._fd, digester=digester, check=check, on_bytes=on_bytes)
        if fetched is not None:
            fetched = (_fetched_by_this_thread() or fetched) - fetched
        level = _level(self._network, self._trusted, self._left, fetched, digester.size)
        if self._left is not None:
            drop_cache(self._fd)  # a verified copy is not read again soon; leave the memory to others
        return Reading(digester.blake3, digester.xxh128, digester.size, level)

    def small(self, size: int) -> tuple[str, str, os.stat_result]:
        """Read a file that should hold ``size`` bytes, as many as fit into memory, in one call.

        Returns its BLAKE3 (of one byte more when it holds more), the level, and its facts.

        Raises:
            OSError: the file cannot be read.
        """
        facts = os.fstat(self._fd)
        if self._left != 0:
            reading = self.read()
            return reading.blake3, reading.level, facts
        data = os.read(self._fd, size + 1)
        drop_cache(self._fd)
        return blake3(data).hexdigest(), DEVICE, facts

    def detach(self) -> int:
        """Forget the open file; return its descriptor, which is the caller's then, -1 when it is closed."""
        fd, self._fd = self._fd, -1
        return fd

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def reread(
    name: str,
    fs_type: str,
    is_network: bool | None,
    *,
    dir_fd: int | None = None,
    check: Check | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Reading:
    """Read a whole file from below the page cache, as far as that can be reached. See :class:`Reread`.

    Raises:
        OSError: the file cannot be read.
    """
    file = Reread(name, fs_type, is_network, dir_fd=dir_fd)
    try:
        return file.read(check, on_bytes)
    finally:
        file.close()


def _level(is_network: bool | None, trusted: bool, left: int | None, fetched: int | None, size: int) -> str:
    if is_network is not False:
        return NETWORK
    if trusted and left == 0:
        return DEVICE
    if size and fetched is not None and fetched >= size:
        return DEVICE
    return CACHED


def _fetched_by_this_thread() -> int | None:
    """Bytes that this thread made the block layer fetch so far; None when it is not counted here."""
    try:
        with open("/proc/thread-self/io", "rb") as file:
            for line in file:
                if line.startswith(b"read_bytes:"):
                    return int(line.split()[1])
    except OSError:
        return None
    return None
