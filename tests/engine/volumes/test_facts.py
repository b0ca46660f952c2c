"""What is told of a volume: its hardware, and each mount with source and options."""

from __future__ import annotations

import pytest

from engine.api import volumes as api
from engine.api.views.volumes import Volumes
from engine.library import Library
from engine.storage.database import execute
from engine.volumes import facts, mounts
from engine.volumes.refresh import refresh
from tests.engine.volumes.conftest import Mounts


def test_options_are_said_once_the_access_first() -> None:
    (mount,) = mounts.parse("20 1 8:1 / /m rw,relatime,nosuid - ext4 /dev/sda1 ro,relatime,errors=continue\n")
    assert facts.options(mount) == ["ro", "errors=continue", "nosuid", "relatime"]


def test_hardware_that_nobody_knows_is_unknown(library: Library) -> None:
    assert set(facts.hardware(library.db(), None).values()) == {None}


@pytest.mark.mount
def test_each_mount_is_shown_with_source_and_options(library: Library, mounted: Mounts) -> None:
    image = mounted.image("one", label="ONE")
    drive = mounted.mount(image, "drive", "noatime")
    mounted.bind(drive, "again")
    refresh(library.db())
    shown = api.show(library, "ONE")
    assert [mount["mount_point"] for mount in shown["mounts"]] == [str(drive), str(mounted.folder / "again")]
    first = shown["mounts"][0]
    assert first["source"].startswith("/dev/loop")
    assert (first["fs_type"], first["root"], first["options"][0]) == ("ext4", "/", "rw")
    assert "noatime" in first["options"]
    assert shown["device"]["size_bytes"] == image.stat().st_size
    execute(library.db(), "UPDATE devices SET serial = 'S1', wwn = 'naa.5'")
    assert api.show(library, "ONE")["device"]["wwn"] == "naa.5"

    detail = Volumes(library).detail(shown["volume_id"])
    assert (detail.serial, detail.wwn) == ("S1", "naa.5")
    assert detail.rotational is shown["rotational"]
    assert detail.mounted[0][0] == first["source"]
    assert detail.mounted[0][1].startswith("rw, ")
    mounted.unmount(mounted.folder / "again")
    mounted.unmount(drive)
    refresh(library.db())
    assert api.show(library, "ONE")["mounts"] == []
    assert Volumes(library).detail(shown["volume_id"]).mounted == ()
