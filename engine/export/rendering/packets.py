"""One reading of a MOV or MP4 of our own: the BLAKE3 of its bytes, and a digest of its picture's packets.

Hashing every packet by a tool of its own reads the file a second time, which a
film of 150 Mbit/s feels. The index at the file's end or front says where each
packet lies, as it does for every player; what it names beyond the end of the
file does not count.

Layout: ISO/IEC 14496-12, sections 4.2 and 8.7; the QuickTime File Format is its
ancestor and equal in all that is read here.
"""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import Self

import xxhash
from blake3 import blake3

from engine.media.hashing import BUFFER, open_for_reading

CONTAINERS = frozenset({"mov", "mp4"})
"""Containers whose films are read here. Segments always can be."""

HASHED_BY_FFMPEG = frozenset({"mkv", "webm"})
"""Containers that keep packets as they are, but have an index of another kind: ffmpeg hashes those."""

_OWN = "xxh3:"
_LARGEST_INDEX = 1 << 30
"""Bytes of an index that are read at most: far more than a week of pictures needs."""


def is_own(digest: str) -> bool:
    """Whether a digest of packets was made here, and not over the hashes that ffmpeg gives."""
    return digest.startswith(_OWN)


@dataclass(frozen=True)
class Read:
    """What one reading gave.

    Attributes:
        blake3: of the whole file.
        packets: of its picture that lie in the file; None when the index cannot be followed here.
        digests: one for each run of packets that was asked for; empty when there are not as many
            packets as that, or when they cannot be followed.
    """

    blake3: str
    packets: int | None
    digests: tuple[str, ...]


def read(
    path: str, counts: Sequence[int], check: Callable[[], None] | None = None, *, alone: bool = False
) -> Read:
    """Read a file once, from its first byte to its last.

    Args:
        path: the file. It is not changed while it is read.
        counts: lengths, in packets, of the runs that get a digest each; none asks for BLAKE3 alone.
        check: called between buffers; raises to stop.
        alone: nothing else keeps the processors busy: a second thread takes the BLAKE3.

    Raises:
        OSError: it cannot be read.
    """
    fd = open_for_reading(path)
    try:
        places = _places(fd, os.fstat(fd).st_size) if counts else None
        wanted = places is not None and len(places) == sum(counts)
        runs = _Runs(places if wanted and places is not None else [], counts if wanted else ())
        whole = blake3()
        os.lseek(fd, 0, os.SEEK_SET)
        with _Beside() if alone else nullcontext(_at_once) as does:
            at = 0
            for buffer in cycle(memoryview(bytearray(BUFFER)) for _ in range(2)):
                count = os.readv(fd, [buffer])
                if check is not None:
                    check()
                if not count:
                    break
                # Two buffers: the next one is read while BLAKE3 is still at this one.
                does(whole.update, buffer[:count])
                runs.feed(at, buffer[:count])
                at += count
        return Read(whole.hexdigest(), None if places is None else len(places), runs.digests())
    finally:
        os.close(fd)


Update = Callable[[memoryview], object]


def _at_once(update: Update, part: memoryview) -> None:
    update(part)


class _Beside:
    """Calls in another thread, each when the one before has ended. A context: its end waits for all."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "export-blake3")
        self._last: Future[object] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        if self._last is not None:
            self._last.result()

    def __call__(self, update: Update, part: memoryview) -> None:
        if self._last is not None:
            self._last.result()
        self._last = self._pool.submit(update, part)


class _Runs:
    """Takes a file's bytes in order and gives those of each run of packets to a hash of its own."""

    def __init__(self, places: Sequence[tuple[int, int]], counts: Sequence[int]) -> None:
        self._hashes = [xxhash.xxh3_128() for _ in counts]
        self._sizes: list[array[int]] = []
        self._stretches: list[tuple[int, int, int]] = []
        at = 0
        for run, count in enumerate(counts):
            own = places[at : at + count]
            self._sizes.append(array("Q", [size for _, size in own]))
            self._stretches += [(begin, end, run) for begin, end in _joined(own)]
            at += count
        self._next = 0

    def feed(self, at: int, part: memoryview) -> None:
        """The file's bytes from ``at`` on."""
        end = at + len(part)
        while self._next < len(self._stretches):
            first, last, run = self._stretches[self._next]
            if first >= end:
                return
            with part[max(0, first - at) : min(last, end) - at] as own:
                self._hashes[run].update(own)
            if last > end:
                return
            self._next += 1

    def digests(self) -> tuple[str, ...]:
        """Each over the bytes of its packets, and then over their sizes."""
        for found, sizes in zip(self._hashes, self._sizes, strict=True):
            found.update(b"".join(struct.pack("<Q", size) for size in sizes))
        return tuple(_OWN + found.hexdigest() for found in self._hashes)


def _joined(places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Begin and end of what lies side by side."""
    begin = end = -1
    for offset, size in places:
        if offset != end:
            if end > begin:
                yield begin, end
            begin = offset
        end = offset + size
    if end > begin:
        yield begin, end


class _Unknown(Exception):
    """The file is not laid out as ffmpeg lays out a MOV or MP4."""


def _places(fd: int, length: int) -> list[tuple[int, int]] | None:
    """Offset and size of each packet of the picture that lies in the file; None when they cannot be told."""
    try:
        index = _index(fd, length)
        for track in _all(index, b"trak"):
            media = _one(track, b"mdia")
            if bytes(_one(media, b"hdlr")[8:12]) == b"vide":
                found = _samples(_one(_one(media, b"minf"), b"stbl"))
                break
        else:
            return None
    except (_Unknown, struct.error, ValueError):
        return None
    inside = [(offset, size) for offset, size in found if offset + size <= length]
    follows = all(a[0] + a[1] <= b[0] for a, b in pairwise(inside))
    return inside if follows else None


def _index(fd: int, length: int) -> memoryview:
    """The content of the box ``moov``."""
    at = 0
    while at + 8 <= length:
        size, kind = struct.unpack(">I4s", os.pread(fd, 8, at))
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", os.pread(fd, 8, at + 8))
            head = 16
        elif size == 0:
            size = length - at
        if size < head:
            raise _Unknown
        if kind == b"moov":
            if size > min(_LARGEST_INDEX, length - at):
                raise _Unknown
            return memoryview(os.pread(fd, size - head, at + head))
        at += size
    raise _Unknown


def _all(box: memoryview, wanted: bytes) -> Iterator[memoryview]:
    """The contents of a box's children of one kind."""
    at = 0
    while at + 8 <= len(box):
        size, kind = struct.unpack_from(">I4s", box, at)
        if not 8 <= size <= len(box) - at:
            raise _Unknown
        if kind == wanted:
            yield box[at + 8 : at + size]
        at += size


def _one(box: memoryview, wanted: bytes) -> memoryview:
    for found in _all(box, wanted):
        return found
    raise _Unknown


def _samples(table: memoryview) -> list[tuple[int, int]]:
    """Offset and size of each sample of a track, in the order of its table."""
    sizes = _sizes(_one(table, b"stsz"))
    chunks = _chunks(table)
    (entries,) = struct.unpack_from(">I", stsc := _one(table, b"stsc"), 4)
    spans = [struct.unpack_from(">II", stsc, 8 + 12 * entry) for entry in range(entries)]
    found: list[tuple[int, int]] = []
    for number, (first, each) in enumerate(spans):
        last = spans[number + 1][0] if number + 1 < entries else len(chunks) + 1
        for offset in chunks[first - 1 : last - 1]:
            at = offset
            for size in sizes[len(found) : len(found) + each]:
                found.append((at, size))
                at += size
    if len(found) != len(sizes):
        raise _Unknown
    return found


def _sizes(stsz: memoryview) -> Sequence[int]:
    size, count = struct.unpack_from(">II", stsz, 4)
    return [size] * count if size else struct.unpack_from(f">{count}I", stsz, 12)


def _chunks(table: memoryview) -> Sequence[int]:
    """Offsets of the chunks, of 32 or 64 bits."""
    for box in _all(table, b"co64"):
        (count,) = struct.unpack_from(">I", box, 4)
        return struct.unpack_from(f">{count}Q", box, 8)
    box = _one(table, b"stco")
    (count,) = struct.unpack_from(">I", box, 4)
    return struct.unpack_from(f">{count}I", box, 8)
