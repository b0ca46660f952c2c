"""Noticing what people do on tracked drives while these stay mounted: a rename, a deletion, new footage.

The folders in which known copies lie, and those above them, are watched one by one; an event leads
to a sweep within seconds, when it is news (:mod:`engine.watch.news`). Events say only when to
look; the sweep is the truth. A watch is made when a drive has just been mounted or looked through and
costs no access to it afterwards, so that a drive that sleeps goes on sleeping.

Not watched are network drives and FUSE, of which the kernel does not see what others do, and a drive
with more folders than the setting ``volumes.notice_folders`` allows: these are looked through every
``volumes.rescan_hours``, and the drive's history says so.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from engine.errors import RushesError
from engine.library import Library
from engine.names import display, from_blob
from engine.relink import auto
from engine.relink.sweep import queue_sweep
from engine.storage import config
from engine.storage.database import Row, row, rows, scalar
from engine.volumes import mounts, places, store
from engine.watch import inotify
from engine.watch.inotify import Event, Inotify
from engine.watch.news import CAME, GONE, News, is_news

logger = logging.getLogger(__name__)

KIND = "unwatched"
"""Kind of the volume's event: ``reason`` says why changes on it are not noticed at once."""

WAIT_SECONDS = 0.5
"""Longest wait for events (seconds)."""

TROUBLE_SECONDS = 2.0
"""How long it rests after something went wrong."""

SETTING_SECONDS = 30.0
"""How often the setting is read."""

AGAIN_SECONDS = 30.0
"""How often is tried to have events when none are to be had."""

KEPT = 10_000
"""Most paths kept of what happened on one drive; beyond that it is looked through in any case."""

SHARE = 20
"""A drive rests this many times as long as its last look took, so that looks take a twentieth of the time."""


@dataclass(frozen=True)
class Times:
    """Seconds: ``settle`` after the last event, ``longest`` after the first, ``rest`` between looks.

    ``ask``: how often the catalogue is asked whether the drives are still the same.
    """

    settle: float = 2.0
    longest: float = 20.0
    rest: float = 5.0
    ask: float = 2.0


@dataclass
class _Drive:
    """One drive whose folders are watched."""

    volume: Row
    key: tuple[Any, ...]
    watches: dict[int, str] = field(default_factory=dict)
    young: set[str] = field(default_factory=set)
    paths: dict[str, News] = field(default_factory=dict)
    lost: bool = False
    first: float = 0.0
    last: float = 0.0
    looked: float = 0.0


class Notices:
    """Follows the tracked drives of one library from :meth:`start` to :meth:`stop`; a thread of its own."""

    def __init__(self, library: Library, times: Times | None = None) -> None:
        self._library = library
        self._times = times or Times()
        self._drives: dict[str, _Drive] = {}
        self._owners: dict[int, str] = {}
        self._inotify: Inotify | None = None
        self._limit, self._limit_at = 0, -math.inf
        self._ends = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; drives that come, go, are tracked or untracked later are obeyed within seconds."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="drive-news", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the watches."""
        self._stop.set()
        with self._ends, contextlib.suppress(OSError):
            if self._inotify is not None:
                self._inotify.wake()
        if self._thread is not None:
            self._thread.join(5)
        self._thread = None

    @property
    def watched(self) -> dict[str, int]:
        """Volumes whose folders are watched, with the number of folders. Any thread."""
        return {volume_id: len(drive.watches) for volume_id, drive in list(self._drives.items())}

    # -- the thread ----------------------------------------------------------
    def _run(self) -> None:
        if not self._open():
            return
        assert self._inotify is not None
        asked = -math.inf
        try:
            while not self._stop.is_set():
                try:
                    for event in self._inotify.read(min(WAIT_SECONDS, self._times.ask)):
                        self._take(event)
                    if time.monotonic() - asked >= self._times.ask:
                        asked = time.monotonic()
                        self._follow()
                    self._act()
                except Exception:
                    # A full disk under the catalogue, say, must not end the noticing.
                    logger.exception("what happens on tracked drives could not be followed")
                    self._stop.wait(TROUBLE_SECONDS)
        finally:
            with self._ends:
                self._inotify.close()
                self._inotify = None
            self._drives, self._owners = {}, {}
            self._library.close()

    def _open(self) -> bool:
        """Have the kernel's events; while there are none to be had, say so and try again. False: stopped."""
        while not self._stop.is_set():
            try:
                self._inotify = Inotify()
            except OSError as error:
                reason = f"the system sends no events ({error.strerror})"
                if error.errno == errno.EMFILE:
                    reason = "the limit fs.inotify.max_user_instances is reached; raise it with sysctl"
                try:
                    for volume in self._tracked():
                        _say(self._library.db(), volume, reason)
                except Exception:
                    # A full disk under the catalogue, say: it is said the next time.
                    logger.exception("what happens on tracked drives could not be followed")
                self._library.close()
                self._stop.wait(AGAIN_SECONDS)
            else:
                return True
        return False

    def _tracked(self) -> list[Row]:
        """The tracked volumes that are here, each with when it was looked through or came last."""
        return rows(
            self._library.db(),
            "SELECT volumes.*, (SELECT max(event_id) FROM volume_events WHERE"
            " volume_events.volume_id = volumes.volume_id AND kind IN ('swept', 'online', 'remounted'))"
            " AS looked FROM volumes WHERE state = 'online' AND tracked_at IS NOT NULL"
            " AND mount_point IS NOT NULL",
        )

    def _follow(self) -> None:
        """Watch the drives that are tracked and here, each anew when it has been looked through."""
        if time.monotonic() - self._limit_at >= SETTING_SECONDS:
            self._limit, self._limit_at = _limit(), time.monotonic()
        limit = self._limit
        present = {str(volume["volume_id"]): volume for volume in self._tracked()}
        for volume_id in self._drives.keys() - present.keys():
            self._forget(self._drives.pop(volume_id))
        for volume_id, volume in present.items():
            key = (limit, volume["mount_point"], volume["mount_root"], volume["looked"])
            drive = self._drives.get(volume_id)
            if drive is None:
                drive = self._drives[volume_id] = _Drive(volume, ())
            if drive.key != key:
                drive.volume, drive.key = volume, key
                self._arm(drive, limit)

    def _arm(self, drive: _Drive, limit: int) -> None:
        if limit == 0:
            self._forget(drive)
            return
        others = sum(len(each.watches) for each in self._drives.values() if each is not drive)
        reason: str | None = None
        mount = mounts.locate(mounts.read(), from_blob(drive.volume["mount_point"]))
        if mount is None or not mount.is_trusted:
            reason = "the kernel does not see what others do on it"
        else:
            wanted = _folders(self._library.db(), drive.volume, limit - others)
            if wanted is None:
                reason = f"it has more folders than may be watched ({limit:,}: volumes.notice_folders)"
            else:
                reason = self._watch(drive, wanted | drive.young)
        if reason is not None:
            self._forget(drive)
        _say(self._library.db(), drive.volume, reason)

    def _watch(self, drive: _Drive, wanted: set[str]) -> str | None:
        """Watch exactly these folders; return why that cannot be."""
        assert self._inotify is not None
        watches: dict[int, str] = {}
        for folder in wanted:
            at = places.absolute(drive.volume, folder)
            if at is None:
                continue
            try:
                watches[self._inotify.add(at)] = folder
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    drive.watches |= watches
                    return "the limit fs.inotify.max_user_watches is reached; raise it with sysctl"
                drive.young.discard(folder)  # gone, or no folder
        for watch in drive.watches.keys() - watches.keys():
            self._inotify.remove(watch)
            self._owners.pop(watch, None)
        drive.watches = watches
        self._owners |= dict.fromkeys(watches, str(drive.volume["volume_id"]))
        return None

    def _forget(self, drive: _Drive) -> None:
        assert self._inotify is not None
        for watch in drive.watches:
            self._inotify.remove(watch)
            self._owners.pop(watch, None)
        drive.watches = {}
        drive.young = set()

    def _take(self, event: Event) -> None:
        moment = time.monotonic()
        if event.mask & inotify.Q_OVERFLOW:
            for drive in self._drives.values():
                drive.lost, drive.last = True, moment
                drive.first = drive.first or moment
            return
        drive_of = self._drives.get(self._owners.get(event.watch, ""))
        folder = None if drive_of is None else drive_of.watches.get(event.watch)
        if drive_of is None or folder is None:
            return
        if event.mask & inotify.IGNORED:  # the folder is gone, or its drive
            del drive_of.watches[event.watch]
            self._owners.pop(event.watch, None)
            return
        is_folder = bool(event.mask & inotify.ISDIR)
        if event.mask & inotify.CREATE and not is_folder:
            return  # it is news when it is whole: closed, or renamed into its place
        path = f"{folder}/{event.name}" if folder else event.name
        what = GONE if event.mask & (inotify.DELETE | inotify.MOVED_FROM) else CAME
        if is_folder and what == CAME:
            self._watch_new(drive_of, path)
        if len(drive_of.paths) < KEPT:
            drive_of.paths[path] = News(path, what, is_folder)
        else:
            drive_of.lost = True
        drive_of.first = drive_of.first or moment
        drive_of.last = moment

    def _watch_new(self, drive: _Drive, folder: str) -> None:
        """A folder that came is watched with all below it: what is copied into it comes later."""
        assert self._inotify is not None
        room = self._limit - sum(len(each.watches) for each in self._drives.values())
        at = places.absolute(drive.volume, folder)
        if at is None or os.path.basename(folder).startswith("."):
            return
        for found, _, _ in os.walk(at):
            if room <= 0:
                return
            room -= 1
            below = os.path.relpath(found, at)
            path = folder if below == "." else f"{folder}/{below}"
            try:
                watch = self._inotify.add(found)
            except OSError:
                return
            drive.watches[watch] = path
            drive.young.add(path)
            self._owners[watch] = str(drive.volume["volume_id"])

    # -- acting --------------------------------------------------------------
    def _act(self) -> None:
        now = time.monotonic()
        for volume_id, drive in list(self._drives.items()):
            if not drive.first:
                continue
            settled = now - drive.last >= self._times.settle or now - drive.first >= self._times.longest
            if not settled or now < drive.looked + self._pause(volume_id):
                continue
            if _is_worked_on(self._library.db(), drive.volume):
                continue  # what a job of ours does is known when it has ended
            self._look(volume_id, drive)

    def _pause(self, volume_id: str) -> float:
        detail = scalar(
            self._library.db(),
            "SELECT detail FROM volume_events WHERE volume_id = ? AND kind = 'swept'"
            " ORDER BY event_id DESC LIMIT 1",
            (volume_id,),
        )
        took = float(json.loads(detail).get("seconds", 0.0)) if detail else 0.0
        return max(self._times.rest, SHARE * took)

    def _look(self, volume_id: str, drive: _Drive) -> None:
        """Queue a sweep when something of what happened is news; search for lost footage when some came."""
        happened, lost = list(drive.paths.values()), drive.lost
        drive.paths, drive.lost, drive.first = {}, False, 0.0
        db = self._library.db()
        news = [each for each in happened if is_news(db, drive.volume, each)]
        if not news and not lost:
            return
        drive.looked = time.monotonic()
        if news:
            logger.info("%s: %s %s", drive.volume["name"], display(news[0].path), news[0].what)
        try:
            if lost or any(each.what == CAME for each in news):
                auto.on_volume_online(self._library, volume_id)
            else:
                queue_sweep(self._library, volume_id, moves=auto.moves())
        except RushesError as error:
            logger.warning("volume %s could not be looked through: %s", volume_id, error)


def _folders(db: Database, volume: Row, most: int) -> set[str] | None:
    """The folders of a volume to watch: of copies and of what is offered, and those above. None: too many."""
    wanted: set[str] = {""}
    for path in _paths(db, str(volume["volume_id"])):
        folder = path.rpartition("/")[0]
        while folder not in wanted:
            wanted.add(folder)
            if len(wanted) > most:
                return None
            folder = folder.rpartition("/")[0]
    return wanted if len(wanted) <= most else None


def _paths(db: Database, volume_id: str) -> Iterator[str]:
    for table in ("copies", "offered_files"):
        for (path,) in db.conn.execute(f"SELECT path FROM {table} WHERE volume_id = ?", (volume_id,)):
            yield os.fsdecode(path)


def _is_worked_on(db: Database, volume: Row) -> bool:
    """Whether a job of ours runs on this volume."""
    running = rows(db, "SELECT resources, params FROM jobs WHERE status = 'running'")
    if not running:
        return False
    volume_id = str(volume["volume_id"])
    try:
        key = f"device:{places.place_of(db, from_blob(volume['mount_point'])).device}"
    except RushesError:
        return False
    return any(key in json.loads(job["resources"]) or volume_id in job["params"] for job in running)


def _say(db: Database, volume: Row, reason: str | None) -> None:
    """Write down once that changes on a volume are not noticed at once, and why."""
    last = row(
        db,
        "SELECT detail FROM volume_events WHERE volume_id = ? AND kind = ? ORDER BY event_id DESC LIMIT 1",
        (volume["volume_id"], KIND),
    )
    said = None if last is None else json.loads(last["detail"]).get("reason")
    if reason != said and (reason or said):
        logger.info(
            "%s: changes are %s", volume["name"], f"not noticed at once: {reason}" if reason else "seen"
        )
        store.add_event(db, str(volume["volume_id"]), KIND, {"reason": reason})


def unwatched(db: Database) -> dict[str, str]:
    """Tracked volumes that are here and on which changes are not noticed at once: their names, and why."""
    found = rows(
        db,
        "SELECT name, (SELECT detail ->> 'reason' FROM volume_events WHERE kind = ?"
        "  AND volume_events.volume_id = volumes.volume_id ORDER BY event_id DESC LIMIT 1) AS reason"
        " FROM volumes WHERE state = 'online' AND tracked_at IS NOT NULL ORDER BY name",
        (KIND,),
    )
    return {entry["name"]: entry["reason"] for entry in found if entry["reason"]}


def _limit() -> int:
    settings = config.open_config()
    try:
        return int(config.get(settings, "volumes.notice_folders"))
    finally:
        settings.close()
