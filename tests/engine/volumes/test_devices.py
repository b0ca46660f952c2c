"""Hardware facts from sysfs, on trees as the kernel lays them out, and what kind of drive that makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.volumes import devices
from engine.volumes.classes import classify, looks_like_card
from engine.volumes.devices import block_of, is_dead, read_block
from engine.volumes.identity import Known, decide
from engine.volumes.mounts import parse


class Sys:
    """Builds a /sys below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "dev" / "block").mkdir(parents=True)

    def disk(self, path: str, number: str, size: int, **facts: str) -> Path:
        folder = self.root / "devices" / path
        (folder / "queue").mkdir(parents=True)
        (folder / "slaves").mkdir()
        (folder / "dev").write_text(f"{number}\n")
        (folder / "size").write_text(f"{size // 512}\n")
        (folder / "removable").write_text(facts.pop("removable", "0") + "\n")
        (folder / "queue" / "rotational").write_text(facts.pop("rotational", "0") + "\n")
        (folder / "uevent").write_text(f"DEVNAME={folder.name}\nDEVTYPE=disk\n")
        for name, text in facts.items():
            target = folder / name.replace("__", "/")
            target.parent.mkdir(exist_ok=True)
            target.write_text(text + "\n")
        (self.root / "dev" / "block" / number).symlink_to(folder)
        return folder

    def partition(
        self, disk: Path, name: str, number: str, index: int, size: int, partuuid: str = ""
    ) -> Path:
        folder = disk / name
        folder.mkdir()
        (folder / "partition").write_text(f"{index}\n")
        (folder / "size").write_text(f"{size // 512}\n")
        (folder / "dev").write_text(f"{number}\n")
        extra = f"PARTUUID={partuuid}\n" if partuuid else ""
        (folder / "uevent").write_text(f"DEVNAME={name}\nDEVTYPE=partition\n{extra}")
        (self.root / "dev" / "block" / number).symlink_to(folder)
        return folder


@pytest.fixture
def sys_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sys:
    monkeypatch.setattr(devices, "SYS_BLOCK", str(tmp_path / "dev" / "block"))
    return Sys(tmp_path)


def test_a_partition_of_a_usb_disk(sys_tree: Sys) -> None:
    disk = sys_tree.disk(
        "pci0/usb2/2-1/host4/block/sdb", "8:16", 4_000_000_000, rotational="1", device__model="Elements",
        device__vendor="WD", device__serial="WX1", device__wwid="naa.5001",
    )  # fmt: skip
    sys_tree.partition(disk, "sdb1", "8:17", 1, 3_999_000_064, "abcd-01")
    block = read_block("8:17")
    assert (block.disk, block.partition, block.size) == ("8:16", 1, 3_999_000_064)
    assert (block.removable, block.rotational) == (True, True), (
        "a USB disk comes and goes, whatever its flag says"
    )
    assert (block.model, block.vendor, block.serial, block.wwn) == ("Elements", "WD", "WX1", "naa.5001")
    assert block.hardware == "wwn:naa.5001"
    assert block.part_uuid == "abcd-01"
    assert block.disk_size == 4_000_000_000 // 512 * 512


def test_a_card_in_a_reader_has_no_identity_of_its_own(sys_tree: Sys) -> None:
    disk = sys_tree.disk(
        "pci0/usb2/2-2/block/sdc",
        "8:32",
        64_000_000_000,
        removable="1",
        device__model="Card Reader",
        device__serial="R1",
    )
    sys_tree.partition(disk, "sdc1", "8:33", 1, 63_999_000_064)
    block = read_block("8:33")
    assert block.removable is True
    assert block.hardware is None, "the serial is the reader's"


def test_a_card_in_a_slot_of_its_own_tells_its_cid(sys_tree: Sys) -> None:
    disk = sys_tree.disk(
        "pci0/mmc_host/mmc0/mmc0:0001/block/mmcblk0", "179:0", 1 << 30, device__cid="0353445344"
    )
    sys_tree.partition(disk, "mmcblk0p1", "179:1", 1, 1 << 29)
    block = read_block("179:1")
    assert (block.removable, block.hardware) == (True, "serial:/0353445344")


def test_an_nvme_partition_is_fixed(sys_tree: Sys) -> None:
    disk = sys_tree.disk(
        "pci0/nvme/nvme0/nvme0n1", "259:0", 1 << 40, device__model="Pro", device__serial="S9", wwid="eui.1"
    )
    sys_tree.partition(disk, "nvme0n1p2", "259:2", 2, 1 << 39)
    block = read_block("259:2")
    assert (block.disk, block.removable, block.rotational) == ("259:0", False, False)
    assert block.hardware == "wwn:eui.1"


def test_through_encryption_to_the_disk_below(sys_tree: Sys) -> None:
    disk = sys_tree.disk(
        "pci0/ata1/block/sda", "8:0", 1 << 40, rotational="1", device__serial="A1", device__model="NAS"
    )
    part = sys_tree.partition(disk, "sda3", "8:3", 3, 1 << 39)
    crypt = sys_tree.disk("virtual/block/dm-0", "254:0", 1 << 39)
    (crypt / "slaves" / "sda3").symlink_to(part)
    block = read_block("254:0")
    assert (block.disk, block.hardware, block.rotational) == ("8:0", "serial:NAS/A1", True)
    assert block.size == 1 << 39


def test_a_raid_of_two_disks_is_its_own_bottom(sys_tree: Sys) -> None:
    members = [
        sys_tree.disk(f"pci0/ata{n}/block/sd{n}", f"8:{n}", 1 << 40, device__serial=f"A{n}") for n in (1, 2)
    ]
    raid = sys_tree.disk("virtual/block/md0", "9:0", 1 << 40)
    for member in members:
        (raid / "slaves" / member.name).symlink_to(member)
    block = read_block("9:0")
    assert (block.disk, block.hardware) == ("9:0", None)


def test_two_logical_volumes_of_one_disk_are_not_one_formatted_anew(sys_tree: Sys) -> None:
    disk = sys_tree.disk("pci0/ata1/block/sda", "8:0", 1 << 40, device__serial="A1", device__model="NAS")
    part = sys_tree.partition(disk, "sda3", "8:3", 3, 1 << 39)
    seen = []
    for number, uuid in (("254:0", "LVM-AAAA"), ("254:1", "LVM-BBBB"), ("254:2", "CRYPT-LUKS2-77-shuttle")):
        layer = sys_tree.disk(f"virtual/block/dm-{number[-1]}", number, 1 << 38, dm__uuid=uuid)
        (layer / "slaves" / "sda3").symlink_to(part)
        (mount,) = parse(f"20 1 {number} / /m{number[-1]} rw - ext4 /dev/mapper/x rw\n")
        answer = {"fsid": 1, "uuid": f"{number[-1]}" * 32, "label": None, "marker": None}
        seen.append(devices.evidence_of(mount, answer, read_block(number)))
    assert {evidence.hardware for evidence in seen} == {
        "serial:NAS/A1#0/LVM-AAAA", "serial:NAS/A1#0/LVM-BBBB", "serial:NAS/A1#0/CRYPT-LUKS2-77",
    }  # fmt: skip
    known = Known("first", seen[0])
    (decision,) = decide([seen[1]], [known])
    assert decision.verdict == "new", "the first one is away, not formatted"
    again = replace(seen[0], fs_uuid="f" * 32)
    assert decide([again], [known])[0].verdict == "generation"


def test_an_encrypted_disk_is_known_under_whatever_name_it_was_opened(sys_tree: Sys) -> None:
    disk = sys_tree.disk("pci0/usb1/block/sdb", "8:16", 1 << 40, device__serial="A1")
    layers = []
    for number, name in (("254:3", "shuttle"), ("254:4", "luks-77-ab")):
        layer = sys_tree.disk(
            f"virtual/block/dm-{number[-1]}", number, 1 << 38, dm__uuid=f"CRYPT-LUKS2-77-{name}"
        )
        (layer / "slaves" / "sdb").symlink_to(disk)
        layers.append(read_block(number).layer)
    assert layers == ["/CRYPT-LUKS2-77", "/CRYPT-LUKS2-77"]
    assert read_block("8:16").layer == ""


@pytest.mark.parametrize(
    ("facts", "hardware"),
    [
        ({"md__uuid": "1-2-3"}, "md:1-2-3"),
        ({"dm__uuid": "LVM-AAAA"}, "dm:LVM-AAAA"),
        ({"dm__uuid": "mpath-3600"}, "dm:mpath-3600"),
        ({}, None),
    ],
)
def test_what_is_made_of_several_disks_is_known_by_its_own_id(
    sys_tree: Sys, facts: dict[str, str], hardware: str | None
) -> None:
    whole = sys_tree.disk("virtual/block/md0", "9:0", 1 << 40, **facts)
    for n in (1, 2):
        member = sys_tree.disk(f"pci0/ata{n}/block/sd{n}", f"8:{n}", 1 << 40, device__serial=f"A{n}")
        (whole / "slaves" / member.name).symlink_to(member)
    assert (read_block("9:0").hardware, read_block("9:0").layer) == (hardware, "")


def test_a_btrfs_of_several_disks_is_one_device_whichever_is_named_first(
    sys_tree: Sys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "SYS_BTRFS", str(sys_tree.root / "btrfs"))
    (mount,) = parse("20 1 0:40 / /pool rw - btrfs /dev/sdb rw\n")
    uuid = "1b2c3d4e-0000-4111-8222-333344445555"
    members = sys_tree.root / "btrfs" / uuid / "devices"
    sizes = {"sdb": ("8:16", 1 << 40), "sdc": ("8:32", 2 << 40)}
    for name, (number, size) in sizes.items():
        sys_tree.disk(f"pci0/ata1/block/{name}", number, size, device__serial=name, rotational="1")
        (members / name).mkdir(parents=True)
        (members / name / "dev").write_text(number + "\n")
    first = block_of(mount, uuid)
    (members / "sdb").rename(members / "sdz")
    second = block_of(mount, uuid)
    assert first is not None
    assert second is not None
    assert (first.disk, second.disk) == ("8:16", "8:32")
    assert first.hardware == second.hardware == f"btrfs:{uuid}"
    assert (first.size, second.size, first.serial, first.rotational) == (None, None, None, True)
    (members / "sdc" / "dev").unlink()
    (members / "sdc").rmdir()
    alone = block_of(mount, uuid)
    assert alone is not None
    assert (alone.hardware, alone.size) == ("serial:/sdb", 1 << 40)


def test_what_sysfs_does_not_say_is_unknown(sys_tree: Sys) -> None:
    folder = sys_tree.root / "devices" / "strange"
    folder.mkdir(parents=True)
    (sys_tree.root / "dev" / "block" / "99:1").symlink_to(folder)
    block = read_block("99:1")
    assert (block.removable, block.rotational, block.size, block.hardware) == (None, None, None, None)


def test_a_mount_whose_device_was_pulled_is_dead(sys_tree: Sys) -> None:
    sys_tree.disk("pci0/usb1/block/sdb", "8:16", 1 << 30)
    here, gone, shut, share = parse(
        "20 1 8:16 / /a rw - ext4 /dev/sdb rw\n21 1 8:32 / /b rw - ext4 /dev/sdc rw\n"
        "22 1 8:16 / /c rw - ext4 /dev/sdb rw,shutdown\n23 1 0:50 / /d rw - nfs4 s:/x rw\n"
    )
    assert [is_dead(mount) for mount in (here, gone, shut, share)] == [False, True, True, False]
    assert block_of(share) is None
    assert block_of(gone) is None


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        ({"fs_type": "ext4", "mount_points": ["/"]}, "system"),
        ({"fs_type": "vfat", "mount_points": ["/boot/efi"]}, "system"),
        ({"fs_type": "ext4", "mount_points": ["/bootleg"]}, "pool"),
        ({"fs_type": "overlay", "mount_points": ["/"]}, "virtual"),
        ({"fs_type": "tmpfs", "mount_points": ["/mnt/x"], "has_device": False}, "virtual"),
        ({"fs_type": "nfs4", "is_removable": False, "has_device": False}, "network"),
        ({"fs_type": "nfs4", "is_removable": None, "names": ["DCIM"]}, "network"),
        ({"fs_type": "exfat", "is_removable": True, "names": ["DCIM"]}, "card"),
        ({"fs_type": "exfat", "is_removable": True, "names": ["Private", "M4root"]}, "card"),
        ({"fs_type": "exfat", "is_removable": True, "names": ["A001_0101.RDM"]}, "card"),
        ({"fs_type": "exfat", "is_removable": True, "names": ["films"]}, "removable"),
        ({"fs_type": "exfat", "is_removable": False, "names": ["DCIM"]}, "card"),
        ({"fs_type": "udf", "is_removable": None, "names": ["A001_0101.RDM"]}, "card"),
        ({"fs_type": "exfat", "is_removable": False, "names": ["films"]}, "pool"),
        ({"fs_type": "ext4", "names": ["DCIM"]}, "pool"),
        ({"fs_type": "fuseblk", "is_removable": None, "names": ["XDROOT"]}, "card"),
        ({"fs_type": "vfat", "is_removable": True, "mount_points": ["/boot"], "names": ["DCIM"]}, "system"),
        ({"fs_type": "ext4", "is_removable": None}, "unknown"),
        ({"fs_type": "fuse.thing", "is_removable": None, "has_device": False}, "unknown"),
        ({"fs_type": "fuse.thing", "is_removable": False, "has_device": False}, "unknown"),
        ({"fs_type": "btrfs", "is_removable": False, "has_device": False}, "pool"),
        ({"fs_type": "zfs", "is_removable": None, "has_device": False}, "pool"),
        ({"fs_type": "ext4", "mount_points": ["/mnt/pool", "/"]}, "system"),
    ],
)
def test_VO12_classes_follow_from_facts_not_from_paths(facts: dict[str, object], answer: str) -> None:
    given: dict[str, object] = {
        "mount_points": ["/mnt/pool"], "is_removable": False, "has_device": True, **facts
    }  # fmt: skip
    (given["mount"],) = parse(f"20 1 8:1 / {given['mount_points'][0]} rw - {given.pop('fs_type')} src rw\n")  # type: ignore[index]
    assert classify(**given) == answer  # type: ignore[arg-type]


def test_cameras_are_recognised_by_their_folders() -> None:
    assert looks_like_card(["private"])
    assert looks_like_card(["A001_C002.rdc"])
    assert not looks_like_card(["Footage", "privately", "x.rdc.mov", ".RDC"])
    assert not looks_like_card([])


def test_a_folder_from_which_the_mount_has_gone_does_not_answer_for_it(tmp_path: Path) -> None:
    """A drive may be pulled between the reading of the mount table and the question."""
    line = f"99 1 0:250 / {tmp_path} rw - tmpfs tmpfs rw"
    assert devices.observe(parse(line)) is None
