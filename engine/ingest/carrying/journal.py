"""The journal of a large file: block hashes from which a copy that was cut off is continued.

While the source is read, the BLAKE3 of every 64 MiB goes into the table
``task_blocks``. After a crash each destination's temporary file is read back
from the disk and compared block by block: what is good is kept and fed to the
digests, the rest is written again. So nothing has to be synced on the way, and
nothing is believed that was not read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence

from blake3 import blake3
from sqlite_utils import Database

from engine.ingest.carrying.copying import BLOCK, Stream
from engine.ingest.carrying.parcels import Parcel
from engine.ingest.ends.landing import Landing, Original
from engine.media import rereading
from engine.media.hashing import BUFFER, Check, Digester, read_into, read_window
from engine.storage.database import rows, scalar, write

JOURNALED = 2 * BLOCK
"""Files from this size on have a journal, bytes."""

FINGERPRINT = "fingerprint"
"""Key in the data of a task: what the source looked like when its journal was begun."""

_END = 1 << 20


class Journal:
    """The journal of one file. Used by the job's thread."""

    def __init__(self, db: Database, parcel: Parcel) -> None:
        self._db = db
        self._parcel = parcel
        self._kept = 0
        self._offset = 0

    def resume(
        self,
        original: Original,
        landings: Sequence[Landing],
        check: Check,
        tick: Callable[[], None],
    ) -> int:
        """Prepare the parcel's stream; return the byte to go on from, 0 when there is nothing to continue.

        The source must have the size, time, first and last MiB of the first
        attempt; otherwise it is begun anew.
        """
        parcel = self._parcel
        if original.size < JOURNALED:
            return 0
        blocks = [
            str(entry["blake3"])
            for entry in rows(
                self._db,
                "SELECT blake3 FROM task_blocks WHERE task_id = ? ORDER BY position",
                (parcel.task_id,),
            )
        ]
        mark = original.reach.ask(lambda: _fingerprint(original), size=2 * _END)
        extra = parcel.stream.digester.extra
        good, digester = 0, Digester(extra)
        if blocks and parcel.attempts == 1 and parcel.data.get(FINGERPRINT) == mark:
            good, digester = _proven(landings, blocks, extra, check, tick)
        parcel.data[FINGERPRINT] = mark
        with write(self._db):
            self._db.execute(
                "DELETE FROM task_blocks WHERE task_id = ? AND position >= ?", (parcel.task_id, good)
            )
            self._db.execute(
                "UPDATE tasks SET data = ? WHERE task_id = ?", (json.dumps(parcel.data), parcel.task_id)
            )
        parcel.stream = Stream(digester, good * BLOCK)
        self._offset = good
        for landing in landings:
            landing.reread = 0  # what was read to continue is no verification of the whole
        return good * BLOCK

    def keep(self, stream: Stream) -> None:
        """Store the blocks that have been completed since the last call."""
        if len(stream.blocks) == self._kept:
            return
        with write(self._db):
            while self._kept < len(stream.blocks):
                self._db.execute(
                    "INSERT OR REPLACE INTO task_blocks (task_id, position, blake3) VALUES (?, ?, ?)",
                    (self._parcel.task_id, self._offset + self._kept, stream.blocks[self._kept]),
                )
                self._kept += 1


def holds(db: Database, task_id: int) -> bool:
    """Whether a file can be continued."""
    return scalar(db, "SELECT 1 FROM task_blocks WHERE task_id = ? LIMIT 1", (task_id,)) is not None


def forget(db: Database, task_id: int) -> None:
    """Drop the journal of a file that has come to its end. Joins the open transaction."""
    db.execute("DELETE FROM task_blocks WHERE task_id = ?", (task_id,))


def _fingerprint(original: Original) -> str:
    first = read_window(original.fd, 0, _END)
    last = read_window(original.fd, original.size - _END, _END)
    return f"{original.size}:{original.mtime_ns}:{blake3(first).update(last).hexdigest()}"


def _proven(
    landings: Sequence[Landing],
    blocks: list[str],
    extra: tuple[str, ...],
    check: Check,
    tick: Callable[[], None],
) -> tuple[int, Digester]:
    """Number of leading blocks that every temporary file really holds, and the digests of these bytes."""
    limit, digester = len(blocks), Digester(extra)
    for landing in landings:
        limit, digester = _good_blocks(landing, blocks[:limit], extra, check, tick)
        if limit == 0:
            return 0, Digester(extra)
    return limit, digester


def _good_blocks(
    landing: Landing, blocks: list[str], extra: tuple[str, ...], check: Check, tick: Callable[[], None]
) -> tuple[int, Digester]:
    digester = Digester(extra)
    try:
        fd = os.open(landing.temp, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=landing.folder)
    except OSError:
        return 0, digester
    buffer = memoryview(bytearray(BUFFER))
    try:
        os.fsync(fd)
        rereading.drop_cache(fd)
        for number, expected in enumerate(blocks):
            before = digester.copy()
            block = blake3()
            for _ in range(BLOCK // BUFFER):
                check()
                count = read_into(fd, buffer)
                block.update(buffer[:count])
                digester.update(buffer[:count])
                tick()
            if block.hexdigest() != expected:
                return number, before
    except OSError:
        return 0, Digester(extra)  # it cannot be read back: begun anew
    finally:
        os.close(fd)
    return len(blocks), digester
