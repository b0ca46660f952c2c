"""Packs the names of very many rows, so that a text is found among them at once. One thread of the engine.

See :mod:`engine.storage.packs`, and :mod:`engine.storage.rolls` for clips. What waits for it is read row by
row meanwhile, so nothing is ever wrong or missing; libraries and ingests of ordinary size never come to it.
"""

from __future__ import annotations

import logging
import sqlite3
import threading

from engine.errors import RushesError
from engine.library import Library
from engine.storage import packs, rolls
from engine.storage.database import scalar

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often it looks whether anything was written."""

REST_SECONDS = 0.02
"""How long it leaves the database to others after each transaction."""

ENOUGH = 16
"""So many parts of a table have to wait: to read them row by row takes some milliseconds."""

_LEAVE_SECONDS = 5.0


class Packing:
    """Packs in the background. Made, started and stopped by one thread."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="packing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Leave soon."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        seen = -1
        try:
            while not self._stop.wait(LOOK_SECONDS):
                try:
                    version = int(scalar(self._library.db(), "PRAGMA data_version"))
                    if version != seen:
                        seen = version
                        self.work_off()
                except (sqlite3.Error, RushesError) as error:
                    seen = -1
                    logger.error("names could not be packed: %s", error)  # noqa: TRY400 - a full disk passes
        finally:
            self._library.close()

    def work_off(self) -> None:
        """Pack what waits, where that is enough to be worth it."""
        db = self._library.db()
        while rolls.roll(db):
            if self._stop.wait(REST_SECONDS):
                return
        for kind in (packs.TASKS, packs.COPIES):
            waiting = packs.owed(db, kind)
            if len(waiting) < ENOUGH:
                continue
            for start in range(0, len(waiting), packs.AT_ONCE):
                packs.pack(db, kind, waiting[start : start + packs.AT_ONCE])
                if self._stop.wait(REST_SECONDS):
                    return
