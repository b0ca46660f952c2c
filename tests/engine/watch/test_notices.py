"""What people do on a tracked drive while it stays mounted is noticed within seconds, and only that."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.api import doctor, offers
from engine.jobs import store as jobs
from engine.library import Library
from engine.relink.sweep import run_sweep
from engine.storage import config
from engine.storage.database import execute, rows, scalar, write
from engine.supervisor import process
from engine.volumes import store
from engine.volumes.monitor import refresh
from engine.watch.inotify import CREATE, Q_OVERFLOW, Event, Inotify
from engine.watch.news import CAME, GONE, News, is_news
from engine.watch.notices import Notices, Times, unwatched
from tests.conftest import wait_until
from tests.engine.relink.conftest import World
from tests.engine.volumes.conftest import Mounts, mounted

__all__ = ["mounted"]

QUICK = Times(settle=0.1, longest=2.0, rest=0.1, ask=0.1)


@pytest.fixture
def world(library: Library, tmp_path: Path) -> World:
    root = tmp_path / "drives"
    root.mkdir()
    return World(library, root)


@pytest.fixture
def drive(world: World) -> tuple[str, Path]:
    """A tracked drive with two clips in one folder."""
    volume_id, a = world.volume("A")
    for name in ("day1/C0001.MP4", "day1/C0002.MP4"):
        world.catalogue(world.file(a, name))
    store.track(world.db, volume_id)
    world.sweep(volume_id)
    return volume_id, a


@pytest.fixture
def notices(library: Library, drive: tuple[str, Path]) -> Iterator[Notices]:
    made = Notices(library, QUICK)
    made.start()
    try:
        wait_until(lambda: made.watched.get(drive[0]) == 2, what="the folders to be watched")
        yield made
    finally:
        made.stop()


def queued(library: Library, kind: str = "sweep") -> list[str]:
    found = rows(library.db(), "SELECT job_id FROM jobs WHERE kind = ? AND status = 'pending'", (kind,))
    return [str(entry["job_id"]) for entry in found]


def swept(world: World) -> dict[str, Any]:
    """Wait for the one sweep that follows, and run it."""
    wait_until(lambda: queued(world.library), what="a sweep to be queued")
    (job_id,) = queued(world.library)
    result = run_sweep(world.context(job_id)).result
    jobs.transition(world.db, job_id, "completed")
    return result


def test_a_rename_a_deletion_and_a_new_file_are_noticed(
    world: World, drive: tuple[str, Path], notices: Notices
) -> None:
    _, a = drive
    os.rename(a / "day1/C0001.MP4", a / "day1/renamed.MP4")
    assert swept(world)["moved"] == 1
    os.unlink(a / "day1/C0002.MP4")
    assert swept(world)["newly_missing"] == 1
    world.file(a, "day1/new.MP4")
    assert swept(world)["new"] == 1
    assert [offer["files"] for offer in offers.list_offers(world.library)] == [1]


def test_a_folder_that_came_is_watched_and_its_footage_offered(
    world: World, drive: tuple[str, Path], notices: Notices
) -> None:
    volume_id, a = drive
    (a / "day2/card/DCIM").mkdir(parents=True)
    swept(world)
    wait_until(lambda: notices.watched[volume_id] == 5, what="the new folders to be watched")
    world.file(a, "day2/card/DCIM/B.MP4")
    swept(world)
    (offer,) = offers.list_offers(world.library)
    assert (offer["path"], offer["whole_folder"], offer["files"]) == (str(a / "day2"), True, 1)


def test_a_folder_renamed_is_a_rename(world: World, drive: tuple[str, Path], notices: Notices) -> None:
    _, a = drive
    os.rename(a / "day1", a / "monday")
    result = swept(world)
    assert (result["moved"], result["missing"]) == (2, 0)


def test_footage_that_another_drive_has_lost_is_searched_for_when_it_is_copied_here(
    world: World, drive: tuple[str, Path], notices: Notices
) -> None:
    _, a = drive
    _, b = world.volume("B")
    path = world.file(b, "lost.mov")
    world.catalogue(path)
    shutil.copy(path, world.root / "kept")
    world.unplug(b)
    shutil.move(world.root / "kept", a / "day1/kept.mov")
    wait_until(lambda: queued(world.library, "relink_scan"), what="a search to be queued")
    assert len(queued(world.library)) == 1


def test_what_the_catalogue_knows_already_is_no_news(world: World, drive: tuple[str, Path]) -> None:
    volume_id, a = drive
    (volume,) = rows(world.db, "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))

    def news(path: str, what: str, is_folder: bool = False) -> bool:
        return is_news(world.db, volume, News(path, what, is_folder))

    assert not news("day1/C0001.MP4", CAME)
    assert news("day1/C0001.MP4", GONE)
    assert not news("day1/nobody.MP4", GONE)
    assert news("day1/new.MP4", CAME)
    assert not news("day1/notes.txt", CAME)
    assert not news("day1/.C0003.MP4.x.part", CAME)
    assert not news("day1/.DS_Store", CAME)
    assert not news("day1/._C0003.MP4", CAME)
    assert not news("day1", CAME, is_folder=True)
    assert news("day1", GONE, is_folder=True)
    assert not news("empty", GONE, is_folder=True)
    assert news("day2", CAME, is_folder=True)
    (a / "day1/C0001.MP4").write_bytes(b"others")
    assert news("day1/C0001.MP4", CAME)
    execute(world.db, "UPDATE copies SET state = 'missing' WHERE path = ?", (b"day1/C0002.MP4",))
    assert not news("day1/C0002.MP4", GONE)
    assert news("day1/C0002.MP4", CAME)
    world.file(a, "new/A.MP4")
    world.sweep(volume_id)
    assert news("new/A.MP4", GONE)


def test_a_file_is_news_when_it_is_whole(
    world: World, drive: tuple[str, Path], notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume_id, a = drive
    seen: list[str] = []
    take = Notices._take

    def watched(self: Notices, event: Event) -> None:
        take(self, event)
        seen.append(event.name)
        if event.name == "growing.MP4" and event.mask & CREATE:
            assert "day1/growing.MP4" not in self._drives[volume_id].paths
            seen.append("left alone")

    monkeypatch.setattr(Notices, "_take", watched)
    with (a / "day1/growing.MP4").open("wb") as file:
        file.write(b"x" * 1000)
        wait_until(lambda: "left alone" in seen, what="the file to be seen")
        assert queued(world.library) == []
    assert swept(world)["new"] == 1


def test_our_own_writing_leads_to_no_look(world: World, drive: tuple[str, Path], notices: Notices) -> None:
    volume_id, a = drive
    job_id = jobs.create(world.db, "ingest", "x", {"volume_id": volume_id})
    jobs.transition(world.db, job_id, "running")
    ours = a / "day1/.C0003.MP4.1.part"
    ours.write_bytes(b"x" * 1000)
    os.rename(ours, a / "day1/C0003.MP4")
    wait_until(lambda: notices._drives[volume_id].paths, what="the events")
    drive_state = notices._drives[volume_id]
    wait_until(lambda: drive_state.first + 0.5 < time.monotonic(), what="the events to settle")
    assert queued(world.library) == []
    world.catalogue(str(a / "day1/C0003.MP4"))
    jobs.transition(world.db, job_id, "completed")
    wait_until(lambda: not drive_state.paths, what="the events to be judged")
    assert queued(world.library) == []


def test_a_drive_with_too_many_folders_is_not_watched_and_its_history_says_so(
    world: World, drive: tuple[str, Path]
) -> None:
    volume_id, a = drive
    settings = config.open_config()
    config.put(settings, "volumes.notice_folders", "1")
    settings.close()
    told = "SELECT detail ->> 'reason' FROM volume_events WHERE kind = 'unwatched'"
    for _ in range(2):  # an engine that starts anew does not say it again
        made = Notices(world.library, QUICK)
        made.start()
        try:
            wait_until(lambda: scalar(world.db, told), what="the reason")
            wait_until(lambda of=made: of.watched == {volume_id: 0}, what="the drive to be left alone")
        finally:
            made.stop()
    assert [entry[0] for entry in world.db.execute(told).fetchall()] == [
        "it has more folders than may be watched (1: volumes.notice_folders)"
    ]
    os.unlink(a / "day1/C0001.MP4")
    assert queued(world.library) == []
    (said,) = [entry for entry in doctor.examine(world.library) if entry["subject"] == "drive A"]
    assert "more folders than may be watched" in said["text"]
    assert "looked through every 24 hours" in said["text"]


def test_a_drive_that_is_not_tracked_or_goes_is_not_watched(
    world: World, drive: tuple[str, Path], notices: Notices
) -> None:
    volume_id, a = drive
    away = world.unplug(a)
    wait_until(lambda: volume_id not in notices.watched, what="the drive to be forgotten")
    away.rename(a)
    world.refresh()
    wait_until(lambda: notices.watched.get(volume_id) == 2, what="the folders to be watched anew")
    store.untrack(world.db, volume_id)
    wait_until(lambda: volume_id not in notices.watched, what="the drive to be forgotten")


def test_events_that_were_lost_lead_to_a_look(
    world: World, drive: tuple[str, Path], notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.watch.notices.KEPT", 3)
    _, a = drive
    with write(world.db):  # nothing of it would be news
        for n in range(10):
            (a / f"day1/{n}.txt").write_text("x")
    assert swept(world)["new"] == 10


def test_a_queue_that_overflowed_leads_to_a_look_of_every_drive(
    world: World, drive: tuple[str, Path], notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, told = Inotify.read, threading.Event()

    def overflowed(self: Inotify, seconds: float) -> list[Event]:
        if told.is_set():
            return real(self, seconds)
        told.set()
        return [Event(-1, Q_OVERFLOW, "")]

    monkeypatch.setattr(Inotify, "read", overflowed)
    assert swept(world)["known"] == 2


def test_without_an_instance_it_is_said_and_tried_again(
    world: World, drive: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume_id, _ = drive
    real, refused = Inotify.__init__, [True]

    def made(self: Inotify) -> None:
        if refused:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        real(self)

    monkeypatch.setattr(Inotify, "__init__", made)
    monkeypatch.setattr("engine.watch.notices.AGAIN_SECONDS", 0.1)
    following = Notices(world.library, QUICK)
    following.start()
    try:
        reason = "the limit fs.inotify.max_user_instances is reached; raise it with sysctl"
        wait_until(lambda: unwatched(world.db) == {"A": reason}, what="the word that nothing is noticed")
        refused.clear()
        wait_until(lambda: following.watched.get(volume_id) == 2, what="the folders to be watched")
        wait_until(lambda: unwatched(world.db) == {}, what="the word that it is noticed again")
    finally:
        following.stop()
    stopped = Notices(world.library, QUICK)
    refused.append(True)
    stopped.start()
    stopped.stop()
    assert "drive-news" not in {thread.name for thread in threading.enumerate()}


def test_at_the_kernels_limit_of_watches_the_drive_is_left_and_it_is_said(
    world: World, drive: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume_id, a = drive
    real, limit = Inotify.add, [1]

    def add(self: Inotify, folder: str) -> int:
        if limit and folder != str(a):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, folder)

    monkeypatch.setattr(Inotify, "add", add)
    following = Notices(world.library, QUICK)
    following.start()
    try:
        reason = "the limit fs.inotify.max_user_watches is reached; raise it with sysctl"
        wait_until(lambda: unwatched(world.db) == {"A": reason}, what="the word that nothing is noticed")
        assert following.watched == {volume_id: 0}, "none is kept from others"
        limit.clear()
        world.sweep(volume_id)  # it is armed anew after each look
        wait_until(lambda: following.watched.get(volume_id) == 2, what="the folders to be watched")
        wait_until(lambda: unwatched(world.db) == {}, what="the word that it is noticed again")
    finally:
        following.stop()


@pytest.mark.mount
def test_an_engine_notices_at_once_and_keeps_no_drive_busy(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    world = World(library, mounted.folder)
    image = mounted.image("A", label="SHUTTLE")
    point = mounted.mount(image, "point")
    refresh(world.db)
    copy_id = world.catalogue(world.file(point, "day1/C0001.MP4"))
    volume_id = world.volume_at(point)
    store.track(world.db, volume_id)
    process.ensure(library)
    try:
        done = "SELECT count(*) FROM volume_events WHERE kind = 'swept'"
        wait_until(lambda: scalar(world.db, done), seconds=30, what="the look at the start")
        name, tries = "C0001.MP4", 0

        def noticed() -> bool:
            return bool(world.copy(copy_id)["path"] == b"day1/" + name.encode())

        while tries == 0 or not noticed():
            # The watch begins soon after the look; until then nothing would be noticed.
            tries += 1
            assert tries < 5
            os.rename(point / "day1" / name, point / f"day1/renamed{tries}.mov")
            name = f"renamed{tries}.mov"
            with contextlib.suppress(AssertionError):
                wait_until(noticed, seconds=8)
        running = "SELECT count(*) FROM jobs WHERE status IN ('running', 'pending')"
        wait_until(lambda: not scalar(world.db, running), what="the look to end")
        mounted.unmount(point)
        wait_until(lambda: world.state(copy_id) == "offline", what="the drive to be away")
    finally:
        process.stop(library)
