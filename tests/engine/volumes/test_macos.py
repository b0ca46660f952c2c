"""Drives as macOS tells of them: the parsers, on tables and property lists written by the documented form.

No test here runs on macOS: what ``getfsstat``, ``diskutil`` and ``lsof`` themselves say was not tried.
"""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.api import doctor
from engine.volumes import macos, mounts, platforms
from engine.volumes.classes import classify
from engine.volumes.holders import Holder
from engine.volumes.macos import STATFS, disk_of, parse_diskutil, parse_lsof, parse_statfs, with_firmlinks
from engine.volumes.mounts import Mount

LOCAL = macos.MNT_LOCAL


def entry(point: str | bytes, source: str, fs_type: str, device: int, flags: int = LOCAL) -> bytes:
    return STATFS.pack(
        4096, 1 << 20, 1000, 500, 400, 10, 5, device, 26, 501, 25, flags, 0,
        fs_type.encode(), os.fsencode(point), source.encode(), 0, b"",
    )  # fmt: skip


TABLE = b"".join(
    [
        entry("/", "/dev/disk3s1s1", "apfs", 0x1000005, LOCAL | macos.MNT_RDONLY | macos.MNT_SNAPSHOT),
        entry("/dev", "devfs", "devfs", 0x4A000001, LOCAL | macos.MNT_DONTBROWSE),
        entry("/System/Volumes/Data", "/dev/disk3s5", "apfs", 0x1000006, LOCAL | macos.MNT_DONTBROWSE),
        entry("/Volumes/SHUTTLE", "/dev/disk4s2", "apfs", 0x100000B),
        entry("/Volumes/Untitled 1", "/dev/disk5s1", "exfat", 0x100000C, LOCAL | macos.MNT_RDONLY),
        entry("/Volumes/Footage", "//me@nas.local/Footage", "smbfs", 0x2D000007, 0),
        entry("/Volumes/odd", "helper", "macfuse", 0x2D000008, 0),
    ]
)


def at(table: tuple[Mount, ...], point: str) -> Mount:
    (found,) = [mount for mount in table if mount.mount_point == point]
    return found


def test_the_table_is_read_as_it_is_documented() -> None:
    assert STATFS.size == 2168
    table = parse_statfs(TABLE)
    assert [mount.mount_point for mount in table] == [
        "/", "/dev", "/System/Volumes/Data", "/Volumes/SHUTTLE", "/Volumes/Untitled 1", "/Volumes/Footage",
        "/Volumes/odd",
    ]  # fmt: skip
    shuttle, card = at(table, "/Volumes/SHUTTLE"), at(table, "/Volumes/Untitled 1")
    assert (shuttle.device, shuttle.fs_type, shuttle.source) == ("1:11", "apfs", "/dev/disk4s2")
    assert (shuttle.read_only, card.read_only) == (False, True)
    assert (shuttle.is_network, shuttle.is_trusted, shuttle.is_pseudo) == (False, True, False)
    assert at(table, "/dev").is_pseudo
    assert [at(table, f"/Volumes/{name}").is_network for name in ("Footage", "odd")] == [True, True]
    assert not at(table, "/Volumes/odd").is_trusted


def test_of_two_mounts_at_one_point_the_last_shows_and_snapshots_are_left_out() -> None:
    raw = b"".join(
        [
            entry("/Volumes/A", "/dev/disk4s1", "apfs", 1),
            entry("/Volumes/A", "/dev/disk5s1", "apfs", 2),
            entry("/Volumes/.timemachine/1", "snap@/dev/disk6s1", "apfs", 3, LOCAL | macos.MNT_SNAPSHOT),
        ]
    )
    assert [(mount.mount_point, mount.source) for mount in parse_statfs(raw)] == [
        ("/Volumes/A", "/dev/disk5s1")
    ]


def test_names_of_any_bytes_come_back_exactly() -> None:
    (mount,) = parse_statfs(entry(b"/Volumes/caf\xe9", "/dev/disk4s1", "hfs", 1))
    assert os.fsencode(mount.mount_point) == b"/Volumes/caf\xe9"


def test_a_path_of_a_person_lies_on_the_data_volume() -> None:
    table = with_firmlinks(parse_statfs(TABLE), b"/Users\tUsers\n/Library/Caches\tLibrary/Caches\nnonsense\n")
    data = at(table, "/System/Volumes/Data")
    users = mounts.locate(table, "/Users/ana/Movies")
    assert users is not None
    assert users.device == data.device
    assert users.relative("/Users/ana/Movies") == "Users/ana/Movies"
    system = mounts.locate(table, "/Applications")
    assert system is not None
    assert system.mount_point == "/"
    (group,) = [group for group in mounts.file_systems(table) if data in group]
    assert group[0] is data
    assert len(group) == 3
    assert with_firmlinks(parse_statfs(b""), b"/Users\tUsers\n") == ()


def test_what_is_the_systems_is_told_from_drives() -> None:
    kinds = {
        mount.mount_point: classify(
            mount,
            [mount.mount_point],
            is_removable=True,
            has_device=True,
        )
        for mount in parse_statfs(TABLE)
    }
    assert kinds["/"] == kinds["/System/Volumes/Data"] == "system"
    assert kinds["/Volumes/SHUTTLE"] == "removable"
    assert kinds["/Volumes/Footage"] == "network"


def plist(**values: Any) -> bytes:
    return plistlib.dumps(values)


USB = {
    "DeviceIdentifier": "disk4s2", "DeviceNode": "/dev/disk4s2", "ParentWholeDisk": "disk4",
    "VolumeUUID": "1B2C3D4E-0000-4111-8222-333344445555", "VolumeName": "SHUTTLE",
    "DiskUUID": "AAAABBBB-CCCC-4DDD-8EEE-FFFF00001111", "Size": 1_999_999_995_904, "SolidState": True,
    "Internal": False, "Ejectable": True, "BusProtocol": "USB", "MediaName": "Portable SSD T7",
}  # fmt: skip


def test_a_drive_on_a_cable() -> None:
    block, uuid, label = parse_diskutil(plist(**USB))
    assert block is not None
    assert (block.number, block.disk, block.partition) == ("disk4s2", "disk4", 2)
    assert (block.size, block.rotational, block.removable) == (1_999_999_995_904, False, True)
    assert (block.part_uuid, block.model) == ("AAAABBBB-CCCC-4DDD-8EEE-FFFF00001111", "Portable SSD T7")
    assert block.hardware is None
    assert (uuid, label) == ("1B2C3D4E-0000-4111-8222-333344445555", "SHUTTLE")


def test_what_is_not_said_is_unknown_and_never_no() -> None:
    block, uuid, label = parse_diskutil(plist(DeviceIdentifier="disk7"))
    assert block is not None
    assert (block.disk, block.partition) == ("disk7", 0)
    assert (block.size, block.rotational, block.removable, block.part_uuid, block.model) == (None,) * 5
    assert (uuid, label) == (None, None)
    internal, _, _ = parse_diskutil(
        plist(DeviceIdentifier="disk3s5", Internal=True, RemovableMedia=False, SolidState=False, Size=0)
    )
    assert internal is not None
    assert (internal.removable, internal.rotational, internal.size) == (False, True, None)
    slot, _, _ = parse_diskutil(
        plist(DeviceIdentifier="disk6s1", Internal=True, BusProtocol="Secure Digital")
    )
    assert slot is not None
    assert slot.removable is True


@pytest.mark.parametrize(
    "raw", [b"", b"Could not find disk: disk9\n", plistlib.dumps([1]), plist(Error="no")]
)
def test_an_answer_of_another_form_is_no_answer(raw: bytes) -> None:
    assert parse_diskutil(raw) == (None, None, None)


@pytest.mark.parametrize(
    ("source", "disk"),
    [
        ("/dev/disk4s2", "disk4"),
        ("/dev/disk3s1s1", "disk3"),
        ("/dev/disk12", "disk12"),
        ("//nas/Footage", None),
    ],
)
def test_the_disk_under_a_mount(source: str, disk: str | None) -> None:
    assert disk_of(Mount(1, 0, 1, 1, "/", "/Volumes/A", frozenset(), "apfs", source, frozenset())) == disk


def test_who_holds_it() -> None:
    raw = b"p81\ncmds\nu0\nfcwd\nn/\np412\ncFinder\nu501\nf7\nn/Volumes/A/x.mov\nf9\nn/Volumes/A/y.mov\n"
    raw += b"p77\ncgone\n"
    assert parse_lsof(raw) == [
        Holder(81, "mds", 0, "/"), Holder(412, "Finder", 501, "/Volumes/A/x.mov"),
    ]  # fmt: skip
    assert parse_lsof(b"") == []


def test_waiting_ends_with_a_change_of_the_table_a_wake_or_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    table = [parse_statfs(TABLE)]
    monkeypatch.setattr(macos, "read_mounts", lambda: table[0])
    monkeypatch.setattr(macos, "LOOK_SECONDS", 0.01)
    read, write = os.pipe()
    try:
        poller = macos.TablePoller(read)
        began = time.monotonic()
        assert not poller.poll(50)
        assert 0.04 <= time.monotonic() - began < 5
        timer = threading.Timer(0.05, lambda: table.__setitem__(0, table[0][:-1]))
        timer.start()
        assert poller.poll(10_000)
        timer.join()
        assert not poller.poll(20)
        os.write(write, b".")
        assert poller.poll(10_000)
        poller.close()
    finally:
        os.close(read)
        os.close(write)


def test_both_systems_answer_the_same_questions() -> None:
    assert macos.SYSTEM.name == "macOS"
    assert macos.SYSTEM.unmount("/Volumes/A") == ["diskutil", "unmount", "/Volumes/A"]
    assert platforms.system().name in ("Linux", "macOS")
    assert platforms.system().unmount("/mnt/a")[-1] == "/mnt/a"


def test_the_doctor_says_on_a_mac_what_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "system", lambda: macos.SYSTEM)
    monkeypatch.setattr(mounts, "read", lambda: ())
    finding = doctor._mount_table()
    assert finding.status == "warning"
    assert "not proven on a Mac" in finding.text


def test_every_module_can_be_imported_where_only_macos_is() -> None:
    """What only Linux has in its standard library is taken away; files are read and hashed all the same."""
    script = Path(__file__).with_name("as_mac.py")
    root = script.parents[3]
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, timeout=120, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["failed"] == {}
    assert told["modules"] > 400
    assert (told["system"], told["read"], told["cached"]) == ("macOS", True, None)
