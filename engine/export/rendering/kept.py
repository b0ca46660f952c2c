"""Reading a finished file for its BLAKE3 and bringing it to its disk, while it is proven in other ways."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import Self

from engine.export.rendering import placing
from engine.media.hashing import BUFFER, full_hash

_LOOK_SECONDS = 0.1
"""How often the operator is listened to while a file is hashed."""


class Kept:
    """Hashes a file that is written to its end, and syncs it, in two threads beside the caller's proof.

    Used as a context. Left by an exception, the hash ends at once; a sync that
    has begun ends by itself, on a file that may be removed meanwhile.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._total = max(1, os.path.getsize(path))
        self._read = 0
        self._left = False
        self._pool = ThreadPoolExecutor(2, "export-keep")
        self._digest: Future[object] = self._pool.submit(full_hash, path, self._look)
        self._synced: Future[object] = self._pool.submit(placing.sync_file, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        self._pool.shutdown(wait=False)

    def _look(self) -> None:
        self._read += BUFFER
        if self._left:
            raise CancelledError

    def hashed(self, on_share: Callable[[int], None], check: Callable[[], None] | None = None) -> str:
        """The digest, once the file is on its disk.

        Args:
            on_share: gets how much is read, in per cent, about ten times a second while it is waited for.
            check: called as often; raises to stop at once.

        Raises:
            OSError: it cannot be read, or not be brought to its disk.
        """
        while True:
            on_share(min(100, self._read * 100 // self._total))
            waited = {self._digest, self._synced}
            ended = not wait(waited, _LOOK_SECONDS).not_done
            if check is not None:
                check()
            if ended:
                self._synced.result()
                return str(self._digest.result())
