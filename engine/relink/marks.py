"""Where a sweep was when it was cut off: folders that were found exactly as recorded.

Only they are remembered, because of them nothing has to be said. A mark holds
while the volume stays mounted, and not for long: what was found an hour ago is
looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlite_utils import Database

from engine import clock
from engine.names import from_blob, to_blob
from engine.storage.database import rows, scalar, write

MARK_SECONDS = 3600.0
"""Older marks are not believed (seconds)."""

WRITE_SECONDS = 1.0
"""Marks are written at most this often; a kill loses no more than that (seconds)."""


class Marks:
    """The marks of one sweep. One thread."""

    def __init__(self, db: Database, volume_id: str, session: str | None) -> None:
        """Prepare for one volume, mounted as ``session`` says; None leaves no marks."""
        self._db = db
        self._volume_id = volume_id
        self._session = session
        self._waiting: list[str] = []
        self._written_at = time.monotonic()

    def read(self) -> frozenset[str]:
        """Folders that need no second look now."""
        now = clock.now()
        found = rows(
            self._db,
            "SELECT folder, at FROM sweep_marks WHERE volume_id = ? AND session = ?",
            (self._volume_id, self._session),
        )
        return frozenset(
            from_blob(entry["folder"])
            for entry in found
            if 0 <= clock.seconds_between(entry["at"], now) < MARK_SECONDS
        )

    def add(self, folder: str) -> None:
        """Remember a folder; written down about once a second."""
        if self._session is None:
            return
        self._waiting.append(folder)
        if time.monotonic() - self._written_at >= WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write down what was remembered."""
        self._written_at = time.monotonic()
        if self._session is not None:
            _insert(self._db, self._volume_id, self._session, self._waiting)
        self._waiting = []

    def clear(self) -> None:
        """Forget all marks of this volume: the sweep has come to its end."""
        held = scalar(self._db, "SELECT 1 FROM sweep_marks WHERE volume_id = ? LIMIT 1", (self._volume_id,))
        if held is not None:
            with write(self._db):
                self._db.execute("DELETE FROM sweep_marks WHERE volume_id = ?", (self._volume_id,))


def _insert(db: Database, volume_id: str, session: str, folders: Iterable[str]) -> None:
    moment = clock.now()
    with write(db):
        db.conn.executemany(
            "INSERT INTO sweep_marks (volume_id, folder, session, at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET session = excluded.session, at = excluded.at",
            [(volume_id, to_blob(folder), session, moment) for folder in folders],
        )
