"""Reading a finished file once and bringing it to its disk, while it is proven in other ways."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import Self, TypeVar

from engine.export.rendering import packets, placing
from engine.media.hashing import BUFFER

Result = TypeVar("Result")

_LOOK_SECONDS = 0.1
"""How often the operator is listened to while a file is read."""


class Kept:
    """Reads a file that is written to its end, and syncs it, in two threads beside the caller's proof.

    Used as a context. Left by an exception, the reading ends at once; a sync that
    has begun ends by itself, on a file that may be removed meanwhile.
    """

    def __init__(self, path: str, counts: Sequence[int] = (), *, alone: bool = False) -> None:
        """``counts``, ``alone``: see :func:`engine.export.rendering.packets.read`."""
        self._total = max(1, os.path.getsize(path))
        self._read = 0
        self._left = False
        self._pool = ThreadPoolExecutor(2, "export-keep")
        self._reading: Future[packets.Read] = self._pool.submit(
            packets.read, path, counts, self._look, alone=alone
        )
        self._syncing: Future[None] = self._pool.submit(placing.sync_file, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        self._pool.shutdown(wait=False)

    def _look(self) -> None:
        self._read += BUFFER
        if self._left:
            raise CancelledError

    def read(
        self, on_share: Callable[[int], None] | None = None, check: Callable[[], None] | None = None
    ) -> packets.Read:
        """What the file holds, once it is read to its end.

        Args:
            on_share: gets how much is read, in per cent, about ten times a second while it is waited for.
            check: called as often; raises to stop at once.

        Raises:
            OSError: it cannot be read.
        """
        return self._wait(self._reading, on_share, check)

    def synced(self, check: Callable[[], None] | None = None) -> None:
        """Wait until the file is on its disk.

        Raises:
            OSError: it cannot be brought there.
        """
        self._wait(self._syncing, None, check)

    def _wait(
        self, future: Future[Result], on_share: Callable[[int], None] | None, check: Callable[[], None] | None
    ) -> Result:
        while True:
            if on_share is not None:
                on_share(min(100, self._read * 100 // self._total))
            ended = not wait({future}, _LOOK_SECONDS).not_done
            if check is not None:
                check()
            if ended:
                return future.result()
