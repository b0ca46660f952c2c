"""Pools of several disks: known by their own id, or by their files where they have none; emptied ones."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.library import Library
from engine.relink.sweep import sweep
from engine.storage.database import row, scalar
from engine.volumes import settling, store
from engine.volumes.places import place_of
from engine.volumes.refresh import refresh
from tests.engine.relink.conftest import World
from tests.engine.volumes.conftest import Mounts, run

pytestmark = pytest.mark.mount
FOLDERS = 6


def pool(world: World, mounted: Mounts, name: str) -> tuple[str, Path, list[int]]:
    """A FUSE file system without device, id or name, with known files on it."""
    point, _ = mounted.hanging(name, FOLDERS)
    volume_id = place_of(world.db, str(point)).volume_id
    known = [
        world.catalogue(str(point / f"d{number:03}/C.MP4"), hashes="none", asset_id=None)
        for number in range(FOLDERS)
    ]
    return volume_id, point, known


def end(mounted: Mounts, point: Path) -> None:
    server = mounted.servers.pop()
    server.send_signal(signal.SIGKILL)
    server.wait(10)
    assert server.stdout is not None
    server.stdout.close()
    mounted.unmount(point, "-l")


def test_a_pool_without_any_id_comes_back_elsewhere_by_its_files(library: Library, mounted: Mounts) -> None:
    world = World(library, mounted.folder)
    volume_id, point, _ = pool(world, mounted, "pool")
    end(mounted, point)
    refresh(world.db)
    assert store.get(world.db, volume_id).state == "offline"
    other, _ = mounted.hanging("other", FOLDERS - 2)  # two of six are absent: too many
    refresh(world.db)
    assert store.get(world.db, volume_id).state == "offline"
    end(mounted, other)
    refresh(world.db)

    again, _ = mounted.hanging("elsewhere", FOLDERS)
    refresh(world.db)
    volume = store.get(world.db, volume_id)
    assert (volume.state, volume.mount_point) == ("online", str(again))
    refresh(world.db)
    assert store.get(world.db, volume_id).state == "online", "and it stays"
    told = row(world.db, "SELECT detail FROM volume_events WHERE kind = 'online' ORDER BY event_id DESC")
    assert told is not None
    assert "recognised by its files" in told["detail"]


def test_two_pools_with_the_files_of_one_are_asked_about(library: Library, mounted: Mounts) -> None:
    world = World(library, mounted.folder)
    volume_id, point, _ = pool(world, mounted, "pool")
    end(mounted, point)
    refresh(world.db)
    first, _ = mounted.hanging("one", FOLDERS)
    second, _ = mounted.hanging("two", FOLDERS)
    refresh(world.db)
    refresh(world.db)
    assert store.get(world.db, volume_id).state == "conflict"
    settling.settle(world.db, volume_id, str(second))
    refresh(world.db)
    assert store.get(world.db, volume_id).mount_point == str(second)
    assert store.get(world.db, volume_id).state == "online"
    other = place_of(world.db, str(first)).volume_id
    assert other != volume_id
    assert store.get(world.db, other).state == "online"


def test_a_pool_that_shows_nothing_has_lost_nothing(library: Library, mounted: Mounts) -> None:
    world = World(library, mounted.folder)
    volume_id, point, known = pool(world, mounted, "pool")
    nothing = Path(f"{point}.empty")
    nothing.touch()
    swept = sweep(library, volume_id)
    assert (swept.known, swept.missing, swept.unknown, swept.present) == (FOLDERS, 0, FOLDERS, 0)
    assert "is empty where 6 files were recorded. Nothing was marked missing" in swept.warnings[0]
    assert {world.state(copy_id) for copy_id in known} == {"online"}
    nothing.unlink()
    swept = sweep(library, volume_id)
    assert (swept.present, swept.unknown, swept.warnings) == (FOLDERS, 0, ())


def test_a_drive_with_an_id_that_was_emptied_is_empty(library: Library, mounted: Mounts) -> None:
    world = World(library, mounted.folder)
    drive = mounted.mount(mounted.image("one", label="ONE"), "drive")
    copy_id = world.catalogue(world.file(drive, "C0001.MP4"))
    (drive / "C0001.MP4").unlink()
    assert sweep(library, place_of(world.db, str(drive)).volume_id).missing == 1
    assert world.state(copy_id) == "missing"


@pytest.fixture
def two_loops(mounted: Mounts) -> Iterator[list[str]]:
    if shutil.which("mkfs.btrfs") is None or shutil.which("btrfs") is None:
        pytest.skip("btrfs tools are not installed: a file system of two disks was not tried")
    images = [mounted.image(name, "ext4") for name in ("a", "b")]
    for image in images:
        with image.open("wb") as file:
            file.truncate(128 << 20)
    loops = [run("losetup", "-f", "--show", str(image)).strip() for image in images]
    run("mkfs.btrfs", "-q", "-f", "-L", "POOL", "-m", "raid1", "-d", "raid1", *loops)
    try:
        yield loops
    finally:
        for point in [point for point in mounted.points if point.name.startswith("pool")]:
            mounted.unmount(point, "-l")
        for loop in loops:
            subprocess.run(["losetup", "-d", loop], capture_output=True, check=False)
            subprocess.run(["btrfs", "device", "scan", "--forget", loop], capture_output=True, check=False)


def test_a_btrfs_of_two_disks_is_one_volume_on_one_device(
    library: Library, mounted: Mounts, two_loops: list[str]
) -> None:
    run("btrfs", "device", "scan", *two_loops)
    first = mounted.point("pool1")
    run("mount", two_loops[0], str(first))
    mounted.points.append(first)
    volume_id = place_of(library.db(), str(first)).volume_id
    device = "SELECT key FROM devices JOIN volumes USING (device_id) WHERE volume_id = ?"
    key = scalar(library.db(), device, (volume_id,))
    assert str(key).startswith("btrfs:")
    assert (
        scalar(library.db(), "SELECT rotational FROM volumes WHERE volume_id = ?", (volume_id,)) is not None
    )
    mounted.unmount(first)
    second = mounted.point("pool2")
    run("mount", two_loops[1], str(second))
    mounted.points.append(second)
    assert place_of(library.db(), str(second)).volume_id == volume_id
    assert scalar(library.db(), device, (volume_id,)) == key
