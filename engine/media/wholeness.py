"""Does a file hold the bytes that its own structure promises? A look at its outer boxes only, no decoding.

A copy that was cut off often still opens and tells its full length: in an MP4
made for streaming the index comes first. The outermost boxes tell.
"""

from __future__ import annotations

import os
import struct

_MOST_BOXES = 100_000
"""A fragmented recording has a few boxes per second; far more than this is no recording."""


def missing_bytes(path: str) -> int:
    """Return how many bytes the file lacks at its end; 0 when none, or when its format does not tell.

    Knows ISO media (MOV, MP4 and kin), RIFF (WAV, AVI) and RF64. A few reads of
    16 bytes each.

    Raises:
        OSError: the file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        size = os.fstat(descriptor).st_size
        head = os.pread(descriptor, 12, 0)
        if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
            return max(0, _end_of_boxes(descriptor, size) - size)
        if head[:4] == b"RIFF" and len(head) == 12:
            promised = int(struct.unpack_from("<I", head, 4)[0])
            return 0 if promised in {0, 0xFFFFFFFF} else max(0, promised + 8 - size)
        return 0
    finally:
        os.close(descriptor)


def _end_of_boxes(descriptor: int, size: int) -> int:
    """Where the last outer box says that it ends; ``size`` when the chain makes no sense."""
    place = 0
    for _ in range(_MOST_BOXES):
        head = os.pread(descriptor, 16, place)
        if len(head) < 8:
            # A cut through a box's own head is a loss of at least the rest of that head.
            return place + 8 if head.strip(b"\0") else size
        length = int(struct.unpack_from(">I", head)[0])
        if length == 1 and len(head) == 16:
            length = int(struct.unpack_from(">Q", head, 8)[0])
        if length < 8 or not head[4:8].replace(b"\xa9", b"").isalnum():
            return size  # 0 = "to the end of the file"; else padding or foreign bytes after the last box
        place += length
        if place >= size:
            return place
    return size
