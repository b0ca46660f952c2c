"""Following the drives for an engine: what came, went or changed, and what has to be done about it.

Up to where it has acted is kept in the catalogue, with the mounts that were
there: an engine that starts later notices what happened while there was none.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import struct
import threading
from collections.abc import Callable, Collection, Mapping

from sqlite_utils import Database

from engine import clock
from engine.errors import RushesError
from engine.jobs.store import log
from engine.jobs.waiting import go_on
from engine.library import Library
from engine.names import display, from_blob
from engine.relink import auto
from engine.relink.sweep import queue_sweep
from engine.storage import config
from engine.storage.database import Row, row, rows, scalar, write
from engine.volumes import monitor, mounts, speed, workers
from engine.volumes import store as volumes

logger = logging.getLogger(__name__)

CAME = ("online", "remounted", "appeared", "answering")
"""Kinds of events after which a volume can be read (again)."""

SILENT = ("not_responding",)
"""Kinds of events after which a job may hang in the middle of a request."""

ROUND_SECONDS = 60.0
"""How often is asked whether a tracked volume is due to be looked through (seconds)."""

STATX_MNT_ID_UNIQUE = 0x4000  # linux/stat.h, since 6.8: an id that the kernel never gives out again
AT_NO_AUTOMOUNT = 0x800


class Drives:
    """Follows the volumes of one library. :meth:`changed` may be called by any thread."""

    def __init__(self, library: Library, on_change: Callable[[], None]) -> None:
        """Prepare; ``on_change`` is called after volumes have changed."""
        self._library = library
        self._on_change = on_change
        self._turn = threading.Lock()
        self._position = 0
        self._mounts: dict[str, int] | None = None

    def start(self) -> None:
        """Notice what happened while no engine ran, and act on it.

        Every tracked volume that is here is looked through, because anybody may
        have written to it; another one that holds copies is when its mount is
        not the one that the last engine saw.
        """
        held = row(self._library.db(), "SELECT * FROM engine_position")
        self._position = int(held["volume_event"]) if held else 0
        before: dict[str, int] = json.loads(held["mounts"]) if held else {}
        acted = self._follow()
        present, numbers = self._present(), self._mounts or {}
        for volume in present:
            volume_id = str(volume["volume_id"])
            was, now = before.get(volume_id), numbers.get(volume_id)
            other_mount = was is not None and now is not None and was != now
            if volume_id not in acted and (volume["tracked_at"] is not None or other_mount):
                self._sweep(volume_id)
            speed.clear_leftovers(self._library.db(), volume_id)
        self._wake_waiting([str(volume["volume_id"]) for volume in present])

    def changed(self) -> None:
        """The mount table changed, or may have: identify every mount and draw the consequences.

        What happened is read from the events, not from the refresh: a client may
        have been the first to notice.
        """
        self._follow()

    @property
    def behind(self) -> bool:
        """Whether something was written of a volume on which nobody has acted yet."""
        return volumes.last_event(self._library.db()) > self._position

    def due(self) -> list[str]:
        """Queue a look through each tracked volume whose last one is too long ago; return their ids."""
        hours = _rescan_hours()
        if not hours:
            return []
        now, looked = clock.now(), []
        for volume in self._present():
            if volume["tracked_at"] is None:
                continue
            last = scalar(
                self._library.db(),
                "SELECT max(at) FROM (SELECT at FROM volume_events WHERE volume_id = :id AND kind = 'swept'"
                " UNION ALL SELECT coalesce(ended_at, created_at) FROM jobs"
                "  WHERE kind = 'sweep' AND params ->> 'volume_id' = :id) WHERE at <= :now",
                {"id": volume["volume_id"], "now": now},  # what is later was told by a wrong clock
            )
            if last is None or clock.seconds_between(last, now) >= hours * 3600:
                self._sweep(volume["volume_id"])
                looked.append(str(volume["volume_id"]))
        return looked

    def _follow(self) -> set[str]:
        """Refresh, act on every event since the last time, and return the volumes that came."""
        db = self._library.db()
        with self._turn:
            try:
                monitor.refresh(db)
            except (RushesError, OSError) as error:
                logger.warning("the volumes could not be looked at: %s", error)
                return set()
            changes = volumes.events(db, after=self._position)
            while more := volumes.events(db, after=changes[-1].event_id) if changes else []:
                changes += more
            present = {str(volume["volume_id"]) for volume in self._present()}
            came = {change.volume_id for change in changes if change.kind in CAME} & present
            # Acted on first, noted afterwards: an engine that is killed in between, or whose catalogue
            # is full for a moment, acts again.
            self._act(came)
            self._tell_waiting({change.volume_id: change.name for change in changes if change.kind in SILENT})
            self._position = changes[-1].event_id if changes else self._position
            if changes or self._mounts is None:
                self._remember()
        for change in changes:
            logger.info("volume %s: %s", change.volume_id, change.kind)
        if changes:
            self._on_change()
        return came

    def _act(self, came: Collection[str]) -> None:
        for volume_id in sorted(came):
            try:
                auto.on_volume_online(self._library, volume_id)
                speed.clear_leftovers(self._library.db(), volume_id)
            except RushesError as error:
                logger.warning("volume %s is back, but could not be looked through: %s", volume_id, error)
        if came:
            self._wake_waiting(came)

    def _tell_waiting(self, silent: Mapping[str, str]) -> None:
        """Say of jobs that run on a volume which does not answer what they wait for: they cannot."""
        db = self._library.db()
        for volume_id, name in silent.items():
            sentence = (
                f"{display(name)} does not answer. This goes on when it does; nothing is marked missing"
                " meanwhile."
            )
            for job in rows(db, "SELECT job_id, params FROM jobs WHERE status = 'running'"):
                if volume_id in job["params"]:
                    with write(db):
                        db.execute("UPDATE jobs SET message = ? WHERE job_id = ?", (sentence, job["job_id"]))
                        log(db, job["job_id"], "warning", sentence)

    def _wake_waiting(self, came: Collection[str]) -> None:
        """Let jobs go on that wait for a volume that is back."""
        db = self._library.db()
        for waiting in rows(
            db, "SELECT job_id, waiting_for FROM jobs WHERE status = 'paused' AND waiting_for IS NOT NULL"
        ):
            back = [volume for volume in waiting["waiting_for"].split(",") if volume in came]
            if back:
                go_on(db, waiting["job_id"], volumes.is_back(db, back[0]))

    def _sweep(self, volume_id: str) -> None:
        try:
            queue_sweep(self._library, volume_id, moves=auto.moves())
        except RushesError as error:
            logger.warning("volume %s could not be looked through: %s", volume_id, error)

    def _present(self) -> list[Row]:
        return rows(
            self._library.db(),
            "SELECT volume_id, tracked_at, mount_point FROM volumes WHERE state = 'online'"
            " AND (tracked_at IS NOT NULL"
            "  OR EXISTS (SELECT 1 FROM copies WHERE copies.volume_id = volumes.volume_id)"
            "  OR class NOT IN ('system', 'virtual'))",
        )

    def _remember(self) -> None:
        db = self._library.db()
        self._mounts = {
            str(volume["volume_id"]): number
            for volume in self._present()
            if volume["mount_point"] is not None
            and (number := mount_number(from_blob(volume["mount_point"]))) is not None
        }
        with write(db):
            db.execute(
                "INSERT INTO engine_position (only, volume_event, mounts) VALUES (1, ?, ?)"
                " ON CONFLICT (only) DO UPDATE SET volume_event = excluded.volume_event,"
                " mounts = excluded.mounts",
                (self._position, json.dumps(self._mounts)),
            )


def came_since(db: Database, volume_ids: Collection[str], event_id: int) -> list[str]:
    """Those of these volumes that are here and came after an event: nobody tells it a second time."""
    came = {change.volume_id for change in volumes.events(db, after=event_id) if change.kind in CAME}
    here = {
        str(volume["volume_id"])
        for volume in rows(db, "SELECT volume_id FROM volumes WHERE state = 'online'")
    }
    return [volume_id for volume_id in volume_ids if volume_id in came & here]


def mount_number(path: str) -> int | None:
    """The kernel's number of the mount that shows at ``path``, given out once only; None when it has none.

    Asked of mounts that the kernel answers for alone; blocks at most a second.
    """
    try:
        mount = mounts.locate(mounts.read(), path)
        if mount is None or not mount.is_trusted:
            return None
        return workers.bounded(mount, lambda: _statx_mount(path))
    except (OSError, workers.NotAnswering):
        return None


def _statx_mount(path: str) -> int | None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "statx"):
        return None
    buffer = ctypes.create_string_buffer(256)
    if libc.statx(-100, os.fsencode(path), AT_NO_AUTOMOUNT, STATX_MNT_ID_UNIQUE, buffer) != 0:
        return None
    known = struct.unpack_from("=I", buffer.raw, 0)[0] & STATX_MNT_ID_UNIQUE
    return int(struct.unpack_from("=Q", buffer.raw, 144)[0]) if known else None


def _rescan_hours() -> int:
    settings = config.open_config()
    try:
        return int(config.get(settings, "volumes.rescan_hours"))
    finally:
        settings.close()
