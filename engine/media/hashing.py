"""Content hashes: BLAKE3 is the identity, xxh128 comes from the same read, ``fast1`` is a key for finding.

Buffers are 1 MiB: both libraries then release the interpreter lock, so that a
screen or another copy goes on meanwhile. BLAKE3 runs on one thread; several
threads were slower on small machines, where the disk is the limit anyway.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from collections.abc import Callable, Iterable

import xxhash
from blake3 import blake3

BUFFER = 1 << 20
"""Bytes per read."""

FAST_SCHEME = "fast1"
"""Name of the fast hash; stored beside the value, never inside it."""

FAST_WHOLE = 10 * 1024 * 1024
"""Up to this size, inclusive, ``fast1`` is the BLAKE3 of the whole file."""

FAST_WINDOW = 8192
"""Bytes read at each of the three places of a larger file."""

EXTRA = ("md5", "sha1", "c4")
"""Further digests that can be taken from the same read."""

C4_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""How files are opened for hashing: never through a link, and without hanging on a pipe."""

SEQUENTIAL: int = getattr(os, "POSIX_FADV_SEQUENTIAL", -1)
WILLNEED: int = getattr(os, "POSIX_FADV_WILLNEED", -1)
DONTNEED: int = getattr(os, "POSIX_FADV_DONTNEED", -1)
"""Advice for :func:`advise`; -1 where the system takes none (macOS)."""

Check = Callable[[], None]
"""Called between buffers; raises when the work must stop."""


class Digester:
    """Several digests of one stream of bytes.

    ``extra`` names further digests (see :data:`EXTRA`); they are much slower
    than the disk. Used by one thread at a time, except that
    :meth:`update_main` and the :meth:`update_extra` of each name may run side
    by side, each on a thread of its own.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._blake3 = blake3()
        self._xxh128 = xxhash.xxh3_128()
        self._extra = {name: _extra_hash(name) for name in extra}
        self.size = 0

    def update(self, data: memoryview) -> None:
        """Add bytes."""
        self.update_main(data)
        for name in self._extra:
            self.update_extra(name, data)

    def update_main(self, data: memoryview) -> None:
        """Add bytes to BLAKE3, xxh128 and the size only."""
        self._blake3.update(data)
        self._xxh128.update(data)
        self.size += len(data)

    def update_extra(self, name: str, data: memoryview) -> None:
        """Add bytes to one of the further digests only."""
        self._extra[name].update(data)

    @property
    def extra(self) -> tuple[str, ...]:
        """Names of the further digests."""
        return tuple(self._extra)

    @property
    def blake3(self) -> str:
        """BLAKE3 of what was added, 64 lower-case hex digits."""
        return self._blake3.hexdigest()

    @property
    def xxh128(self) -> str:
        """XXH3-128 with seed 0, canonical (big endian), 32 lower-case hex digits."""
        return self._xxh128.hexdigest()

    def copy(self) -> Digester:
        """A digester that goes on from the same state on its own."""
        twin = Digester()
        twin._blake3 = self._blake3.copy()
        twin._xxh128 = self._xxh128.copy()
        twin._extra = {name: digest.copy() for name, digest in self._extra.items()}
        twin.size = self.size
        return twin

    def extras(self) -> dict[str, str]:
        """The further digests asked for; ``c4`` in its own base 58 form, the others in lower-case hex."""
        return {
            name: c4_text(digest.digest()) if name == "c4" else digest.hexdigest()
            for name, digest in self._extra.items()
        }


def digests_of(data: bytes, extra: Iterable[str] = ()) -> tuple[str, str, dict[str, str]]:
    """BLAKE3, xxh128 and the digests named in ``extra`` of bytes in memory, as a :class:`Digester` gives."""
    if not extra:
        return blake3(data).hexdigest(), xxhash.xxh3_128_hexdigest(data), {}
    digester = Digester(extra)
    digester.update(memoryview(data))
    return digester.blake3, digester.xxh128, digester.extras()


def _extra_hash(name: str) -> hashlib._Hash:
    if name not in EXTRA:
        raise ValueError(f"no digest {name!r}; there are {', '.join(EXTRA)}")
    return hashlib.new("sha512" if name == "c4" else name, usedforsecurity=False)


def c4_text(digest: bytes) -> str:
    """Write a SHA-512 digest as a C4 id: ``c4`` and 88 digits of base 58."""
    number = int.from_bytes(digest, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = C4_ALPHABET[digit] + text
    return "c4" + text.rjust(88, "1")


def read_into(fd: int, buffer: memoryview) -> int:
    """Fill ``buffer`` from the current offset; return the bytes read, fewer only at the end of the file.

    Reads are looped: network file systems return less than was asked for.
    """
    filled = 0
    while filled < len(buffer):
        count = os.readv(fd, [buffer[filled:]])
        if count == 0:
            break
        filled += count
    return filled


def full_hash(path: str | int, check: Check | None = None, direct: bool = False) -> str:
    """BLAKE3 of a whole file, 64 lower-case hex digits.

    The caller compares ``fstat`` before and after when the file may change.

    Args:
        path: a path (a link as its last part is refused), or an open file, read from its start.
        check: called between buffers.
        direct: read past the page cache (``O_DIRECT``) where the file system can.

    Raises:
        OSError: the file cannot be opened or read.
    """
    if isinstance(path, int):
        os.lseek(path, 0, os.SEEK_SET)
        return digest_fd(path, check=check).blake3
    fd = open_for_reading(path, direct=direct)
    try:
        return digest_fd(fd, check=check).blake3
    finally:
        os.close(fd)


def open_for_reading(path: str, *, direct: bool = False, dir_fd: int | None = None) -> int:
    """Open a file for one sequential read; with ``direct`` past the page cache where that is possible."""
    flags = READ_FLAGS
    past: int = getattr(os, "O_DIRECT", 0) if direct else 0
    if past:
        try:
            return os.open(path, flags | past, dir_fd=dir_fd)
        except OSError:
            pass  # tmpfs and some FUSE file systems refuse O_DIRECT: the ordinary way then
    fd = os.open(path, flags, dir_fd=dir_fd)
    advise(fd, SEQUENTIAL)
    return fd


def digest_fd(
    fd: int,
    *,
    digester: Digester | None = None,
    check: Check | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Digester:
    """Feed the rest of an open file to ``digester`` (a new one when None) and return it.

    ``on_bytes`` gets the length of each buffer. Memory is one buffer, whatever
    the size of the file. Raises what ``check`` raises, and OSError.
    """
    digester = digester or Digester()
    size = os.fstat(fd).st_size
    length = min(BUFFER, (size // mmap.PAGESIZE + 1) * mmap.PAGESIZE)
    seen = 0
    with mmap.mmap(-1, length) as pages, memoryview(pages) as buffer:  # page aligned, as O_DIRECT needs
        while True:
            if check is not None:
                check()
            count = os.readv(fd, [buffer])
            if count == 0:
                return digester
            with buffer[:count] as part:
                digester.update(part)
            if on_bytes is not None:
                on_bytes(count)
            seen += count
            if seen == size and count < length:
                return digester  # a short read at the end that fstat gave: spares small files a second call


def fast_hash(path: str | int, size: int) -> str:
    """``fast1`` of a file of ``size`` bytes: a key for finding it, never a proof of its content.

    Up to :data:`FAST_WHOLE` it is the full BLAKE3; above that BLAKE3 over the
    size (unsigned 64-bit little-endian) and three windows of 8192 bytes at the
    start, at ``size // 2 - 4096`` and at the end.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is shorter than ``size``.
    """
    if isinstance(path, int):
        return _fast_of(path, size)
    fd = os.open(path, READ_FLAGS)
    try:
        return _fast_of(fd, size)
    finally:
        os.close(fd)


def _fast_of(fd: int, size: int) -> str:
    if size <= FAST_WHOLE:
        os.lseek(fd, 0, os.SEEK_SET)
        digester = digest_fd(fd)
        if digester.size != size:
            raise ValueError(f"the file has {digester.size} bytes, not {size}")
        return digester.blake3
    windows = [
        read_window(fd, offset, FAST_WINDOW)
        for offset in (0, size // 2 - FAST_WINDOW // 2, size - FAST_WINDOW)
    ]
    # One call: a scan takes thousands of these, and three updates cost twice as much as one.
    return str(blake3(b"".join((struct.pack("<Q", size), *windows))).hexdigest())


def read_window(fd: int, offset: int, length: int) -> bytes:
    """Read exactly ``length`` bytes at ``offset``; short reads are looped.

    Raises:
        ValueError: the file ends before that.
    """
    parts: list[bytes] = []
    while length:
        part = os.pread(fd, length, offset)
        if len(part) == length and not parts:
            return part
        if not part:
            raise ValueError(f"the file ends at byte {offset}")
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return b"".join(parts)


def advise(fd: int, advice: int) -> None:
    """``posix_fadvise`` over the whole file; a file system that knows no such advice loses nothing."""
    if advice < 0:
        return
    try:
        os.posix_fadvise(fd, 0, 0, advice)
    except OSError:
        pass
