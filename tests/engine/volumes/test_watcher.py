"""The watcher wakes within a second, joins bursts, stops at once; also without root."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.library import Library
from engine.volumes import monitor, stand_ins
from engine.volumes.monitor import MountWatcher, refresh
from engine.volumes.stand_ins import make_stand_in

if TYPE_CHECKING:
    Mounts = Any
    Watching = Callable[..., tuple[MountWatcher, list[float]]]


@pytest.fixture
def watching() -> Iterator[Watching]:
    watchers: list[MountWatcher] = []

    def start(**options: Any) -> tuple[MountWatcher, list[float]]:
        calls: list[float] = []
        watcher = MountWatcher(**{"net_seconds": 60, **options})
        watcher.start(lambda: calls.append(time.monotonic()))
        watchers.append(watcher)
        return watcher, calls

    yield start
    for watcher in watchers:
        watcher.stop()


@pytest.mark.mount
def test_VO13_each_change_of_mounts_is_told_within_a_second(
    mounted: Mounts, watching: Watching, wait_until: Callable[..., None]
) -> None:
    image = mounted.image("one")
    point = mounted.point("existing")
    _, calls = watching()
    changes = [
        lambda: mounted.mount(image, point),
        lambda: mounted.remount(point, "ro"),
        lambda: mounted.bind(point, "bound"),
        lambda: mounted.unmount(mounted.folder / "bound"),
        lambda: mounted.unmount(point, "-l"),
    ]
    for change in changes:
        before = len(calls)
        change()
        moment = time.monotonic()
        wait_until(lambda before=before: len(calls) > before, 10.0, "the call")
        assert calls[-1] - moment < 1.0


@pytest.mark.mount
def test_a_burst_is_one_change(mounted: Mounts, watching: Watching, wait_until: Callable[..., None]) -> None:
    points = [mounted.point(f"p{number}") for number in range(8)]
    _, calls = watching()
    started = time.monotonic()
    for point in points:
        mounted.tmpfs(point)
    wait_until(lambda: calls, 10.0, "the call")
    ended = time.monotonic()
    assert len(calls) <= 1 + (ended - started) // monitor.SETTLE_SECONDS
    assert len(calls) < len(points)


@pytest.mark.mount
def test_VO14_a_refresh_in_the_callback_brings_the_volume_online(
    library: Library, mounted: Mounts, wait_until: Callable[..., None]
) -> None:
    image = mounted.image("one", "ext4", "DRIVE")
    told: list[tuple[str, float]] = []
    refresh(library.db())
    watcher = MountWatcher()

    def look() -> None:
        told.extend((change.kind, time.monotonic()) for change in refresh(library.db()))

    watcher.start(look)
    try:
        started = time.monotonic()
        point = mounted.mount(image, "existing")
        wait_until(lambda: [kind for kind, _ in told] == ["appeared"], 3.0, "the drive's arrival")
        assert told[0][1] - started < 1.0 + 0.2
        mounted.unmount(point)
        wait_until(lambda: told[-1][0] == "offline", 3.0, "its leaving")
    finally:
        watcher.stop()


def test_a_callback_that_raises_does_not_end_the_watching(
    wait_until: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise RuntimeError("full disk")

    watcher = MountWatcher(net_seconds=0.05)
    watcher.start(fail)
    try:
        wait_until(lambda: len(calls) >= 3, 5.0, "the third call")
    finally:
        watcher.stop()
    assert "full disk" in caplog.text


def test_the_safety_net_looks_without_an_event(watching: Watching, wait_until: Callable[..., None]) -> None:
    _, calls = watching(net_seconds=0.1)
    wait_until(lambda: len(calls) >= 2, 3.0, "two looks")


def test_stop_is_prompt_and_leaves_no_thread(watching: Watching) -> None:
    watcher, _ = watching()
    started = time.monotonic()
    watcher.stop()
    assert time.monotonic() - started < 1.0
    assert "mount-watcher" not in {thread.name for thread in threading.enumerate()}
    watcher.stop()


def test_a_stopped_watcher_can_start_again(watching: Watching, wait_until: Callable[..., None]) -> None:
    watcher, _ = watching()
    watcher.stop()
    again: list[int] = []
    watcher = MountWatcher(net_seconds=0.05)
    for _ in range(2):
        again.clear()
        watcher.start(lambda: again.append(1))
        wait_until(lambda: again, 3.0, "a look")
        watcher.stop()


def test_a_stand_in_that_moves_is_told(
    library: Library, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    drives = tmp_path / "drives"
    (drives / "A").mkdir(parents=True)
    volume_id = make_stand_in(library.db(), str(drives / "A"), "Drive A")
    kinds: list[str] = []
    watcher = MountWatcher(lambda: stand_ins.watched_parents(library.db()), net_seconds=60)
    watcher.start(
        lambda: kinds.extend(change.kind for change in refresh(library.db()) if change.volume_id == volume_id)
    )
    try:
        (drives / "A").rename(tmp_path / "away")
        wait_until(lambda: kinds == ["offline"], 3.0, "its leaving")
        (tmp_path / "away").rename(drives / "B")
        wait_until(lambda: kinds == ["offline", "online"], 3.0, "its return")
        (drives / "B").rename(drives / "C")
        wait_until(lambda: kinds == ["offline", "online", "remounted"], 3.0, "its move")
    finally:
        watcher.stop()


def test_an_inotify_limit_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watching: Watching
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(monitor.Observer, "schedule", refuse)
    watcher, _ = watching(parents=lambda: [str(tmp_path)])
    assert len(watcher.warnings) == 1
    assert "fs.inotify.max_user_watches" in watcher.warnings[0]
    assert str(tmp_path) in watcher.warnings[0]


ROOTLESS = """
import subprocess, sys, threading, time
from engine.volumes.monitor import MountWatcher
woken = threading.Event()
watcher = MountWatcher(net_seconds=60)
watcher.start(woken.set)
for command in (["mount", "-t", "tmpfs", "tmpfs", sys.argv[1]], ["umount", sys.argv[1]]):
    subprocess.run(command, check=True)
    started = time.monotonic()
    assert woken.wait(20), command  # by an event: the net is a minute wide
    woken.clear()
watcher.stop()
print("woken")
"""


def test_the_watcher_works_without_root_in_a_user_namespace() -> None:
    drop: dict[str, Any] = {}
    # Folders of the test run are private to root; nobody gets one of its own.
    point = Path(tempfile.mkdtemp(dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(point, 65534, 65534)
        drop = {"user": 65534, "group": 65534, "extra_groups": []}
    paths = [str(Path(__file__).parents[3]), *(entry for entry in sys.path if entry.endswith("-packages"))]
    common: dict[str, Any] = {
        "capture_output": True,
        "text": True,
        "timeout": 30,
        "cwd": "/",
        "env": {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
        **drop,
    }
    try:
        if subprocess.run(["unshare", "-Urm", "true"], check=False, **common).returncode != 0:
            pytest.skip("user namespaces are not allowed here: mounting without root was not tried")
        for python in (sys.executable, "/usr/bin/python3"):
            try:
                if (
                    subprocess.run(
                        [python, "-c", "import engine.volumes.monitor"], check=False, **common
                    ).returncode
                    == 0
                ):
                    break
            except OSError:
                continue
        else:
            pytest.skip("another user cannot read this installation: mounting without root was not tried")
        done = subprocess.run(["unshare", "-Urm", python, "-c", ROOTLESS, str(point)], check=False, **common)
        assert done.stdout == "woken\n", done.stderr
    finally:
        point.rmdir()
