"""A mount that stops answering: engine, screen and commands live on, and all of them can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.library import Library
from engine.relink.sweep import queue_sweep
from engine.storage.database import execute, row, scalar
from engine.supervisor import process
from engine.volumes import store
from engine.volumes.places import place_of
from engine.watch import folders
from tests.engine.relink.conftest import World
from tests.engine.volumes.conftest import Mounts
from tests.tui.in_pty import Screen

pytestmark = pytest.mark.mount
Wait = Callable[..., None]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def running(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    process.ensure(library)
    try:
        yield library
    finally:
        process.stop(library)


def status_of(library: Library, job_id: str) -> str:
    return str(scalar(library.db(), "SELECT status FROM jobs WHERE job_id = ?", (job_id,)))


def test_engine_screen_and_commands_live_while_a_mount_hangs(
    running: Library, mounted: Mounts, wait_until: Wait
) -> None:
    db = running.db()
    world = World(running, mounted.folder)
    point, server = mounted.hanging("share")
    hung = place_of(db, str(point)).volume_id
    store.rename(db, hung, "HANGING")
    store.track(db, hung)
    drive = mounted.mount(mounted.image("good", label="GOOD"), "drive")
    world.catalogue(world.file(drive, "day1/C0001.MP4", size=20_000))
    good = place_of(db, str(drive)).volume_id
    (mounted.folder / "nas").mkdir()
    folders.add(db, str(point), [str(mounted.folder / "nas")])  # a watch folder hangs, too

    server.send_signal(signal.SIGSTOP)
    execute(db, "UPDATE engine SET intent = 'rescan'")
    wait_until(lambda: store.get(db, hung).state == "not_responding", 10, "the word that it hangs")
    assert store.get(db, good).state == "online"

    # The engine works on: jobs start and end, its heart beats.
    beat = scalar(db, "SELECT heartbeat_at FROM engine")
    job_id = queue_sweep(running, good)
    wait_until(lambda: status_of(running, job_id) == "completed", 10, "a job on another drive")
    stuck = queue_sweep(running, hung)
    wait_until(lambda: status_of(running, stuck) == "paused", 10, "a job on the hung one to wait")
    found = row(db, "SELECT waiting_for, message FROM jobs WHERE job_id = ?", (stuck,))
    assert found is not None
    assert found["waiting_for"] == hung
    wait_until(lambda: scalar(db, "SELECT heartbeat_at FROM engine") != beat, 10, "a heartbeat")

    # Commands answer.
    began = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-m", "tui", "volumes", "list", "--library", str(running.root), "--json"],
        capture_output=True, timeout=20, check=True, cwd=ROOT,
    )  # fmt: skip
    assert time.monotonic() - began < 10
    states = {volume["name"]: volume["state"] for volume in json.loads(said.stdout)}
    assert (states["HANGING"], states["GOOD"]) == ("not_responding", "online")

    # The screen paints, and answers keys.
    screen = Screen(str(running.root), "volumes")
    try:
        screen.read_until(b"HANGING")
        screen.quiet()
        for key in (b"?", b"q"):
            screen.press(key)
            began = time.monotonic()
            while not screen.read(0.05):
                assert time.monotonic() - began < 5, f"nothing was painted after {key!r}"
    finally:
        screen.end()

    # The engine can end, and the next one begins, while it hangs.
    began = time.monotonic()
    process.stop(running)
    assert time.monotonic() - began < 30
    process.ensure(running)
    assert store.get(db, hung).state == "not_responding"

    server.send_signal(signal.SIGCONT)
    execute(db, "UPDATE engine SET intent = 'rescan'")
    wait_until(lambda: store.get(db, hung).state == "online", 15, "the word that it answers again")
    wait_until(lambda: status_of(running, stuck) == "completed", 15, "the job that waited, by itself")
    assert os.path.ismount(point)


def test_a_tracked_volume_that_hangs_in_the_middle_of_its_sweep_stops_nothing_else(
    running: Library, mounted: Mounts, wait_until: Wait
) -> None:
    db = running.db()
    world = World(running, mounted.folder)
    point, server = mounted.hanging("share", folders=30)
    hung = place_of(db, str(point)).volume_id
    store.rename(db, hung, "HANGING")
    ids = [world.catalogue(str(point / f"d{number:03}/C.MP4"), hashes="none") for number in range(30)]
    store.track(db, hung)
    drive = mounted.mount(mounted.image("good", label="GOOD"), "drive")
    good = place_of(db, str(drive)).volume_id

    trap = Path(f"{point}.hang")
    trap.touch()  # the server stops with a request of the sweep in hand: nobody can end that one
    stuck = queue_sweep(running, hung)
    wait_until(lambda: stopped(server.pid), 10, "the server to hang")
    execute(db, "UPDATE engine SET intent = 'rescan'")
    wait_until(lambda: store.get(db, hung).state == "not_responding", 10, "the word that it hangs")
    sentence = "HANGING does not answer. This goes on when it does"
    told = "SELECT message FROM jobs WHERE job_id = ?"
    wait_until(lambda: sentence in str(scalar(db, told, (stuck,))), 10, "the sentence on the job")
    assert status_of(running, stuck) == "running"

    beat = scalar(db, "SELECT heartbeat_at FROM engine")
    job_id = queue_sweep(running, good)
    wait_until(lambda: status_of(running, job_id) == "completed", 10, "a job on another drive")
    wait_until(lambda: scalar(db, "SELECT heartbeat_at FROM engine") != beat, 10, "a heartbeat")
    screen = Screen(str(running.root), "volumes")
    try:
        screen.read_until(b"HANGING")
    finally:
        screen.end()

    trap.unlink()
    server.send_signal(signal.SIGCONT)
    wait_until(lambda: status_of(running, stuck) in ("completed", "paused"), 15, "the sweep to go on")
    execute(db, "UPDATE engine SET intent = 'rescan'")
    wait_until(lambda: status_of(running, stuck) == "completed", 15, "the sweep to end by itself")
    assert {world.copy(each)["state"] for each in ids} == {"present"}


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T"
