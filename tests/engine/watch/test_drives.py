"""What happened to drives while no engine ran is noticed when one starts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import clock
from engine.api import offers
from engine.jobs import store as jobs
from engine.jobs.context import JobContext, JobPaused, Outcome
from engine.library import Library
from engine.relink import auto
from engine.storage import config
from engine.storage.database import execute, row, rows, scalar
from engine.supervisor import process
from engine.supervisor.runner import Runner
from engine.volumes import speed, stand_ins, store
from engine.volumes.monitor import refresh
from engine.volumes.places import place_of
from engine.watch.drives import Drives, came_since, mount_number
from tests.engine.relink.conftest import World
from tests.engine.volumes.conftest import Mounts, mounted

__all__ = ["mounted"]


def follow(library: Library) -> Drives:
    """Start as an engine does; what it queues is left to be looked at."""
    drives = Drives(library, lambda: None)
    drives.start()
    return drives


def sweeps(library: Library) -> list[str]:
    return [
        str(entry["volume_id"])
        for entry in rows(
            library.db(), "SELECT params ->> 'volume_id' AS volume_id FROM jobs WHERE kind = 'sweep'"
        )
    ]


def forget(library: Library) -> None:
    execute(library.db(), "DELETE FROM jobs")


@pytest.fixture
def folder(library: Library, tmp_path: Path) -> tuple[str, Path]:
    """A tracked folder that stands in for a volume."""
    path = tmp_path / "drives" / "A"
    path.mkdir(parents=True)
    volume_id = stand_ins.make_stand_in(library.db(), str(path), "A")
    store.track(library.db(), volume_id)
    return volume_id, path


def test_what_a_client_noticed_while_no_engine_ran_is_acted_on(
    library: Library, folder: tuple[str, Path], tmp_path: Path
) -> None:
    volume_id, path = folder
    follow(library)
    forget(library)
    path.rename(tmp_path / "away")
    refresh(library.db())
    (tmp_path / "away").rename(path)
    refresh(library.db())
    assert [event.kind for event in store.events(library.db(), volume_id)][-2:] == ["offline", "online"]
    follow(library)
    assert sweeps(library) == [volume_id]


def test_a_tracked_volume_is_looked_through_at_every_start(
    library: Library, folder: tuple[str, Path]
) -> None:
    follow(library)
    forget(library)
    follow(library)
    assert sweeps(library) == [folder[0]]
    forget(library)
    store.untrack(library.db(), folder[0])
    follow(library)
    assert sweeps(library) == []


def test_each_event_is_acted_on_once(library: Library, folder: tuple[str, Path], tmp_path: Path) -> None:
    drives = follow(library)
    forget(library)
    assert not drives.behind
    folder[1].rename(tmp_path / "away")
    drives.changed()
    (tmp_path / "away").rename(folder[1])
    drives.changed()
    assert sweeps(library) == [folder[0]]
    forget(library)
    drives.changed()
    assert sweeps(library) == []
    assert not drives.behind


def test_an_engine_that_is_killed_before_it_wrote_its_position_acts_again(
    library: Library, folder: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    follow(library)
    forget(library)
    folder[1].rename(tmp_path / "away")
    refresh(library.db())
    (tmp_path / "away").rename(folder[1])

    def killed(_: Drives) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Drives, "_remember", killed)
        with pytest.raises(KeyboardInterrupt):
            follow(library)
    forget(library)
    store.untrack(library.db(), folder[0])
    assert row(library.db(), "SELECT 1 FROM engine_position WHERE volume_event < ?", (_newest(library),))


def _newest(library: Library) -> int:
    return store.last_event(library.db())


def test_a_catalogue_that_is_full_for_a_moment_makes_no_drive_forgotten(
    library: Library, folder: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume_id, path = folder
    drives = follow(library)
    forget(library)
    path.rename(tmp_path / "away")
    drives.changed()
    (tmp_path / "away").rename(path)

    def full(*_: object) -> list[str]:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(auto, "on_volume_online", full)
        with pytest.raises(sqlite3.OperationalError):
            drives.changed()
    assert sweeps(library) == []
    drives.changed()
    assert sweeps(library) == [volume_id]


def test_jobs_that_wait_for_a_drive_that_is_back_go_on(library: Library, folder: tuple[str, Path]) -> None:
    follow(library)
    job_id = speed.queue(library.db(), folder[0])
    execute(
        library.db(),
        "UPDATE jobs SET status = 'paused', waiting_for = ? WHERE job_id = ?",
        (folder[0], job_id),
    )
    follow(library)
    assert scalar(library.db(), "SELECT intent FROM jobs WHERE job_id = ?", (job_id,)) == "resume"
    (line,) = [entry["message"] for entry in jobs.log_lines(library.db(), job_id)]
    assert line == f"A is back at {folder[1]}; the job goes on."
    history = rows(library.db(), "SELECT command, who, why FROM audit WHERE job_id = ?", (job_id,))
    assert {"command": "speed goes on", "who": "engine", "why": f"A is back at {folder[1]}"} in history
    follow(library)
    assert len(jobs.log_lines(library.db(), job_id)) == 1, "it is said once"


def test_a_drive_that_came_back_before_the_job_had_come_to_rest_is_not_missed(
    library: Library, folder: tuple[str, Path]
) -> None:
    """A job that waits for one drive may work for another for hours; nobody tells it of the first again."""
    job_id = speed.queue(library.db(), folder[0])
    before = store.last_event(library.db())
    assert came_since(library.db(), [folder[0]], before) == []
    execute(library.db(), "UPDATE volumes SET state = 'offline' WHERE volume_id = ?", (folder[0],))
    refresh(library.db())
    assert came_since(library.db(), [folder[0], "another"], before) == [folder[0]]
    execute(library.db(), "UPDATE volumes SET state = 'offline' WHERE volume_id = ?", (folder[0],))
    assert came_since(library.db(), [folder[0]], before) == [], "it is away again"

    def wait(job: JobContext) -> Outcome:
        refresh(job.db)
        raise JobPaused("A is away.", waiting_for=folder[0])

    jobs.transition(library.db(), job_id, "running")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.supervisor.runner.handler_of", lambda kind, version: wait)
        runner = Runner(library, jobs.get(library.db(), job_id), lambda: None)
        runner.start()
        runner.thread.join(20)
    found = jobs.get(library.db(), job_id)
    assert (found.status, found.intent) == ("paused", "resume")
    assert "is back at" in jobs.log_lines(library.db(), job_id)[-1]["message"]


def test_what_a_killed_measurement_left_is_removed_and_nothing_else(
    library: Library, folder: tuple[str, Path]
) -> None:
    job_id = speed.queue(library.db(), folder[0])
    execute(library.db(), "UPDATE jobs SET status = 'interrupted' WHERE job_id = ?", (job_id,))
    left = folder[1] / (speed.FOLDER + job_id)
    left.mkdir()
    (left / speed.FILE).write_bytes(b"noise")
    others = folder[1] / f"{speed.FOLDER}mine"
    others.mkdir()
    (others / speed.FILE).write_bytes(b"somebody's")
    follow(library)
    assert not left.exists()
    assert (others / speed.FILE).read_bytes() == b"somebody's"


def test_a_tracked_volume_is_due_after_the_hours_that_are_set(
    library: Library, folder: tuple[str, Path]
) -> None:
    drives = follow(library)
    assert drives.due() == []  # the one of the start waits
    forget(library)
    assert drives.due() == [folder[0]]
    forget(library)
    store.add_event(library.db(), folder[0], "swept")
    assert drives.due() == []
    long_ago = clock.now().replace(clock.now()[:4], "2020", 1)
    execute(library.db(), "UPDATE volume_events SET at = ? WHERE kind = 'swept'", (long_ago,))
    settings = config.open_config()
    config.put(settings, "volumes.rescan_hours", "0")
    assert drives.due() == []
    config.put(settings, "volumes.rescan_hours", "1")
    settings.close()
    assert drives.due() == [folder[0]]


def test_a_look_of_the_future_does_not_put_off_the_next_one(
    library: Library, folder: tuple[str, Path]
) -> None:
    """The clock was wrong when the volume was looked through last, and is right again."""
    volume_id, _ = folder
    drives = follow(library)
    forget(library)
    store.add_event(library.db(), volume_id, "swept")
    execute(library.db(), "UPDATE volume_events SET at = '2199-01-01T00:00:00.000Z' WHERE kind = 'swept'")
    assert drives.due() == [volume_id]


def test_a_mount_has_a_number_of_its_own(library: Library) -> None:
    number = mount_number("/")
    if number is None:
        pytest.skip(
            "this kernel numbers no mounts (before 6.8): a mount that came and went was not told apart"
        )
    assert number == mount_number("/")
    assert number != mount_number("/proc/self/status")


@pytest.mark.mount
def test_a_drive_that_was_elsewhere_unseen_is_looked_through(library: Library, mounted: Mounts) -> None:
    world = World(library, mounted.folder)
    image = mounted.image("A", label="SHUTTLE")
    point = mounted.mount(image, "point")
    ids = [world.catalogue(world.file(point, f"day1/C{n:04}.MP4", size=20_000)) for n in range(3)]
    volume_id = place_of(library.db(), str(point)).volume_id
    if mount_number(str(point)) is None:
        pytest.skip(
            "this kernel numbers no mounts (before 6.8): a mount that came and went was not told apart"
        )
    follow(library)
    forget(library)
    follow(library)
    assert sweeps(library) == []  # nobody tracks it, and it stayed where it was
    mounted.unmount(point)
    elsewhere = mounted.mount(image, "elsewhere")
    os.unlink(elsewhere / "day1/C0001.MP4")
    mounted.unmount(elsewhere)
    mounted.mount(image, "point")
    assert refresh(library.db()) == []  # the same device number, the same place: nothing to be seen
    follow(library)
    assert sweeps(library) == [volume_id]
    world.sweep(volume_id)
    assert [world.copy(each)["state"] for each in ids] == ["present", "missing", "present"]


@pytest.mark.mount
def test_an_engine_that_starts_finds_what_was_done_to_a_drive_meanwhile(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    world = World(library, mounted.folder)
    image = mounted.image("A", label="SHUTTLE")
    point = mounted.mount(image, "point")
    ids = [world.catalogue(world.file(point, f"day1/C{n:04}.MP4", size=20_000)) for n in range(3)]
    volume_id = place_of(library.db(), str(point)).volume_id
    store.track(library.db(), volume_id)

    def swept() -> int:
        return int(scalar(library.db(), "SELECT count(*) FROM volume_events WHERE kind = 'swept'"))

    process.ensure(library)
    try:
        wait_until(lambda: swept() == 1, 20, "the first look")
        process.stop(library)
        mounted.unmount(point)
        elsewhere = mounted.mount(image, "elsewhere")
        os.unlink(elsewhere / "day1/C0001.MP4")
        os.rename(elsewhere / "day1/C0002.MP4", elsewhere / "day1/renamed.mp4")
        world.file(elsewhere, "day2/NEW.MP4", size=10)
        mounted.unmount(elsewhere)
        mounted.mount(image, "point")
        process.ensure(library)
        wait_until(lambda: swept() == 2, 20, "the look at the start")
    finally:
        process.stop(library)
    states: list[Any] = [(world.copy(each)["state"], world.copy(each)["path"]) for each in ids]
    assert states == [
        ("present", b"day1/C0000.MP4"),
        ("missing", b"day1/C0001.MP4"),
        ("present", b"day1/renamed.mp4"),
    ]
    (offer,) = offers.list_offers(library)
    assert (offer["path"], offer["files"], offer["whole_folder"]) == (str(point / "day2"), 1, True)
