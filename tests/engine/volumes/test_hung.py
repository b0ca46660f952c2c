"""A mount that does not answer blocks nobody, and is neither away nor empty."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import VolumeGone
from engine.library import Library
from engine.volumes import mounts, store, workers
from engine.volumes.monitor import refresh
from engine.volumes.places import place_of, reach, still_there

if TYPE_CHECKING:
    Mounts = Any

pytestmark = pytest.mark.mount


def waiting_children() -> list[str]:
    own = str(os.getpid())
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
                if fields[1] == own and b"touch.py" in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found


def test_VO15_a_hung_mount_is_not_responding_and_blocks_nobody(
    library: Library, mounted: Mounts, wait_until: Callable[..., None]
) -> None:
    db = library.db()
    point, server = mounted.hanging("share")
    drive = mounted.mount(mounted.image("one"), "drive")
    place = place_of(db, str(point))
    other = place_of(db, str(drive))
    assert place.is_network is None
    assert still_there(place)

    server.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    changes = refresh(db)
    assert time.monotonic() - started < 2.0
    assert [(change.kind, change.volume_id) for change in changes] == [("not_responding", place.volume_id)]
    assert store.get(db, place.volume_id).state == "not_responding"
    assert store.get(db, other.volume_id).state == "online"

    started = time.monotonic()
    assert refresh(db) == []
    assert time.monotonic() - started < 0.5, "the stuck worker is not asked again"
    assert not still_there(place)
    with pytest.raises(VolumeGone, match="does not answer"):
        place_of(db, str(point / "anything"))
    assert time.monotonic() - started < 3.0
    assert still_there(other)
    assert len(waiting_children()) <= 1

    server.send_signal(signal.SIGCONT)
    table = mounts.read()
    mount = mounts.locate(table, str(point))
    assert mount is not None
    wait_until(lambda: not workers.is_stuck(mount), 5.0, "the answer")
    assert [change.kind for change in refresh(db)] == ["answering"]
    assert waiting_children() == []


def test_a_server_that_died_is_not_an_empty_volume(library: Library, mounted: Mounts) -> None:
    db = library.db()
    point, server = mounted.hanging("share")
    place = place_of(db, str(point))
    server.send_signal(signal.SIGKILL)
    server.wait(10)
    assert not still_there(place)
    assert [change.kind for change in refresh(db)] == ["not_responding"]
    with pytest.raises(VolumeGone):
        place_of(db, str(point))
    mounted.unmount(point)
    assert [change.kind for change in refresh(db)] == ["offline"]


def test_a_link_into_a_hung_mount_is_given_up_in_time(library: Library, mounted: Mounts) -> None:
    point, server = mounted.hanging("share")
    link = mounted.folder / "link"
    link.symlink_to(point)
    assert place_of(library.db(), str(link)).mount_point == str(point)
    server.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(VolumeGone):
        place_of(library.db(), str(link / "x" / "y"))
    assert time.monotonic() - started < 3.0
    for path in (link, point, point / "new", link / "x" / "new"):
        with pytest.raises(VolumeGone):
            reach(str(path))
    assert time.monotonic() - started < 5.0


@pytest.mark.parametrize("fs", ["ext4", "xfs"])
def test_a_drive_that_was_yanked_is_not_responding(library: Library, mounted: Mounts, fs: str) -> None:
    if shutil.which("xfs_io") is None:
        pytest.skip("xfs_io is not installed: a file-system shutdown was not tried")
    db = library.db()
    drive = mounted.mount(mounted.image("one", fs), "drive")
    (drive / "x.mov").write_bytes(b"x")
    place = place_of(db, str(drive / "x.mov"))
    subprocess.run(["xfs_io", "-x", "-c", "shutdown", str(drive)], check=True, capture_output=True)
    assert not still_there(place)
    assert [change.kind for change in refresh(db)] == ["not_responding"]
    with pytest.raises(VolumeGone):
        place_of(db, str(drive / "x.mov"))
    mounted.unmount(drive)
    assert [change.kind for change in refresh(db)] == ["offline"]


def test_several_dead_mounts_cost_one_deadline(library: Library, mounted: Mounts) -> None:
    db = library.db()
    places = []
    for number in range(4):
        point, server = mounted.hanging(f"share{number}")
        places.append(place_of(db, str(point)))
        server.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    assert {change.kind for change in refresh(db)} == {"not_responding"}
    assert time.monotonic() - started < 2.5
    assert {store.get(db, place.volume_id).state for place in places} == {"not_responding"}


def test_a_process_can_end_while_a_mount_hangs(library: Library, mounted: Mounts) -> None:
    point, server = mounted.hanging("share")
    place_of(library.db(), str(point))
    server.send_signal(signal.SIGSTOP)
    script = (
        "import sys; from engine.library import open_library; from engine.volumes.monitor import refresh;"
        "print([change.kind for change in refresh(open_library(sys.argv[1]).db())])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(library.root)],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
        cwd="/",
    )
    assert done.stdout == "['not_responding']\n", done.stderr
