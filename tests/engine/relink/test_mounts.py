"""Sweeps and scans on real file systems that come and go."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest

from engine.errors import VolumeGone
from engine.jobs import store
from engine.jobs.context import JobContext, JobPaused
from engine.relink import job as relink_job
from engine.relink import look
from engine.storage.database import scalar
from engine.volumes import places
from engine.volumes import store as store_of_volumes

pytestmark = pytest.mark.mount


def mounted(world: Any, disks: Any, files: int = 12) -> tuple[Any, Any, str, list[int]]:
    image = disks.image("A")
    point = disks.mount(image, "a")
    ids = [world.catalogue(world.file(point, f"{n % 3}/C{n:04}.MP4", size=70_000)) for n in range(files)]
    volume_id = str(places.place_of(world.db, str(point)).volume_id)
    return image, point, volume_id, ids


def test_lazy_unmount_in_mid_sweep_marks_nothing(
    world: Any, disks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, point, volume_id, ids = mounted(world, disks)
    listing = look.Look._list
    calls = []

    def pulled(self: Any, folder: str, wanted: Any) -> None:
        calls.append(folder)
        if len(calls) == 2:
            disks.unmount(point, lazy=True)
        listing(self, folder, wanted)

    monkeypatch.setattr(look.Look, "_list", pulled)
    with pytest.raises(JobPaused) as caught:
        world.run_sweep(volume_id)
    assert caught.value.waiting_for == volume_id
    assert {world.copy(each)["state"] for each in ids} == {"present"}
    assert scalar(world.db, "SELECT count(*) FROM volume_events WHERE kind = 'swept'") == 0


def test_pulled_while_new_files_are_looked_for_tells_what_was_marked(
    world: Any, disks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, point, volume_id, ids = mounted(world, disks)
    store_of_volumes.track(world.db, volume_id)
    (point / "0" / "C0000.MP4").unlink()
    find_new = look.Look.find_new

    def pulled(self: Any, *arguments: Any) -> None:
        disks.unmount(point, lazy=True)
        find_new(self, *arguments)

    monkeypatch.setattr(look.Look, "find_new", pulled)
    with pytest.raises(JobPaused) as caught:
        world.run_sweep(volume_id)
    assert caught.value.waiting_for == volume_id
    assert "went away while new files were looked for" in str(caught.value)
    assert str(caught.value).endswith("All recorded files had been looked for before: 1 is missing.")
    assert [each for each in ids if world.copy(each)["state"] == "missing"] == ids[:1]


def test_unmount_and_other_disk_at_the_same_path_marks_nothing(world: Any, disks: Any) -> None:
    _, point, volume_id, ids = mounted(world, disks)
    other = disks.image("B")
    disks.unmount(point)
    disks.mount(other, "a")
    with pytest.raises(VolumeGone):
        world.sweep(volume_id)
    world.refresh()
    with pytest.raises(VolumeGone):
        world.sweep(volume_id)
    assert {world.copy(each)["state"] for each in ids} == {"present"}
    assert {world.state(each) for each in ids} == {"offline"}


def test_empty_mount_point_is_not_an_empty_disk(world: Any, disks: Any) -> None:
    _, point, volume_id, ids = mounted(world, disks)
    disks.unmount(point)
    with pytest.raises(VolumeGone):
        world.sweep(volume_id)
    assert {world.copy(each)["state"] for each in ids} == {"present"}


def test_same_disk_at_another_path_needs_no_relink(world: Any, disks: Any) -> None:
    image, point, volume_id, ids = mounted(world, disks)
    disks.unmount(point)
    world.refresh()
    assert {world.state(each) for each in ids} == {"offline"}
    elsewhere = disks.mount(image, "elsewhere")
    world.refresh()
    assert {world.state(each) for each in ids} == {"online"}
    assert world.sweep(volume_id).present == len(ids)
    assert world.scan(elsewhere)["candidates"] == 0


def test_a_mount_over_a_folder_hides_it_and_nothing_is_missing(world: Any, disks: Any) -> None:
    _, point, volume_id, ids = mounted(world, disks)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(point / "1")], check=True)
    disks.points.append(point / "1")
    swept = world.sweep(volume_id)
    assert (swept.unknown, swept.missing, swept.present) == (4, 0, 8)
    assert {world.copy(each)["state"] for each in ids} == {"present"}


def test_bind_mount_that_shows_a_part_says_nothing_of_the_rest(world: Any, disks: Any) -> None:
    _, point, volume_id, ids = mounted(world, disks)
    part = disks.folder / "part"
    part.mkdir()
    subprocess.run(["mount", "--bind", str(point / "1"), str(part)], check=True)
    disks.points.append(part)
    disks.unmount(point)
    world.refresh()
    swept = world.sweep(volume_id)
    assert (swept.present, swept.unknown, swept.missing) == (4, 8, 0)
    assert {world.copy(each)["state"] for each in ids} == {"present"}


def test_rename_and_move_to_another_volume_at_once(world: Any, disks: Any) -> None:
    _, point, _, ids = mounted(world, disks, files=6)
    other = disks.mount(disks.image("B"), "b")
    (other / "x").mkdir()
    for n in range(6):
        shutil.move(str(point / f"{n % 3}/C{n:04}.MP4"), str(other / f"x/take {n}.mov"))
    result = world.scan(other, auto_apply=True)
    assert (result["offline"], result["applied"], result["conflicts"]) == (6, 6, 0)
    assert {world.state(each) for each in ids} == {"online"}


def test_volume_pulled_in_mid_scan_pauses_and_goes_on(
    world: Any, disks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, point, _, ids = mounted(world, disks, files=6)
    image = disks.image("B")
    other = disks.mount(image, "b")
    for n in range(6):
        shutil.move(str(point / f"{n % 3}/C{n:04}.MP4"), str(other / f"take {n}.mov"))
    world.refresh()
    _, job_id = relink_job.queue_scan(world.library, str(other), auto_apply=True)
    collect = relink_job.scan.collect

    def pulled(*args: Any) -> None:
        collect(*args)
        disks.unmount(other, lazy=True)

    monkeypatch.setattr(relink_job.scan, "collect", pulled)
    context = world.context(job_id)
    with pytest.raises(JobPaused) as caught:
        relink_job.run_scan(context)
    assert caught.value.waiting_for == context.params["volume_id"]
    assert scalar(world.db, "SELECT count(*) FROM candidates") == 0
    monkeypatch.setattr(relink_job.scan, "collect", collect)
    disks.mount(image, "b")
    world.refresh()
    outcome = relink_job.run_scan(JobContext(world.library, store.get(world.db, job_id)))
    assert outcome.result["applied"] == 6
    assert {world.state(each) for each in ids} == {"online"}


def test_media_error_in_mid_sweep_is_unknown_not_missing(world: Any, disks: Any) -> None:
    if shutil.which("xfs_io") is None:
        pytest.skip("xfs_io is not installed: a failing disk was not tried")
    _, point, volume_id, ids = mounted(world, disks)
    os.sync()
    subprocess.run(["xfs_io", "-x", "-c", "shutdown", str(point)], check=True, capture_output=True)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("2")
    try:
        swept = world.sweep(volume_id)
        assert swept.missing == 0
    except VolumeGone:
        pass
    assert {world.copy(each)["state"] for each in ids} == {"present"}


@pytest.mark.parametrize("size", [70_000, 11 << 20])
def test_a_full_reading_says_from_where_the_bytes_came(world: Any, disks: Any, size: int) -> None:
    point = disks.mount(disks.image("A"), "a")
    copy_id = world.catalogue(world.file(point, "C0.MP4", size=size))
    os.rename(point / "C0.MP4", point / "renamed.mp4")
    os.utime(point / "renamed.mp4", (1, 1))  # a rename alone would be followed by inode, size and time
    world.sweep(str(world.copy(copy_id)["volume_id"]))
    assert world.copy(copy_id)["state"] == "missing"
    world.scan(point, auto_apply=True)
    found = world.copy(copy_id)
    assert (found["state"], found["path"]) == ("present", b"renamed.mp4")
    assert found["verify_level"] == "device re-read"
