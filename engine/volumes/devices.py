"""What is known about the file system and the hardware behind a mount. Unknown is None, never "no".

Block facts come from sysfs, the identity of the file system from the file
system itself (ioctl), else from its super block, else from udev's database.
``blkid`` without ``-p`` is never asked: its cache names the wrong drive when a
device number is used again.
"""

from __future__ import annotations

import functools
import os
import stat
from dataclasses import dataclass, replace
from typing import Any

from engine.volumes import platforms, superblocks, workers
from engine.volumes.evidence import POOL, Evidence
from engine.volumes.mounts import MERGERFS, UNION_TYPES, Mount, is_within

SYS_BLOCK = "/sys/dev/block"
SYS_BTRFS = "/sys/fs/btrfs"
SECTOR = 512
"""Unit of sizes in sysfs, whatever the device's own sector size (bytes)."""

SELF_LABELLED = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs"})
"""File systems that tell their label themselves: no answer means that there is none."""

REMOVABLE_BUSES = ("usb", "mmc", "thunderbolt", "ieee1394")


@dataclass(frozen=True)
class Block:
    """A block device, from sysfs.

    Attributes:
        number: ``major:minor`` of the device or partition.
        disk: ``major:minor`` of the whole disk at the bottom: key of the queue that its files share.
        partition: partition number, 0 for a whole disk.
        size: exact bytes, or None.
        rotational: None when unknown.
        removable: medium removable, or on a bus on which drives come and go.
        hardware: identity of the disk (``wwn:``, ``serial:``, ``loop:``...), None when it hides it.
        part_uuid: of the partition, or None.
        model: as the drive says it.
        vendor: as the drive says it.
        serial: as the drive says it.
        wwn: world-wide name.
        disk_size: bytes of the whole disk.
        node: path of the device node, or None.
        layer: what lies between (volume manager, encryption), by its own id; empty when nothing does.
    """

    number: str
    disk: str
    partition: int = 0
    size: int | None = None
    rotational: bool | None = None
    removable: bool | None = None
    hardware: str | None = None
    part_uuid: str | None = None
    model: str | None = None
    vendor: str | None = None
    serial: str | None = None
    wwn: str | None = None
    disk_size: int | None = None
    node: str | None = None
    layer: str = ""


@dataclass(frozen=True)
class Seen:
    """A mounted file system, as it answers now.

    Attributes:
        mounts: all its mounts, the one that shows most first.
        evidence: who it is.
        block: the device below, None for a file system without one.
        answering: False when it did not answer in time or with an error.
        dev: st_dev of the first mount's mount point, None while not answering.
        size: bytes, None while not answering.
        free: bytes for an ordinary user, None while not answering.
        read_only: by mount, super block, or statvfs.
        names: some names in the root, to recognise a camera card.
        marker_error: what is wrong with a marker file that is there, or None.
        branches: folders of other mounts that it unites, as it says itself.
    """

    mounts: tuple[Mount, ...]
    evidence: Evidence
    block: Block | None = None
    answering: bool = True
    dev: int | None = None
    size: int | None = None
    free: int | None = None
    read_only: bool = False
    names: tuple[str, ...] = ()
    marker_error: str | None = None
    branches: tuple[str, ...] = ()

    @property
    def mount(self) -> Mount:
        """The mount that shows most."""
        return self.mounts[0]

    @property
    def queue(self) -> str:
        """Key of the queue that this file system's files share: the disk, or the share."""
        if self.block is not None:
            return self.block.disk
        return self.mount.source if self.mount.is_network else self.mount.device

    @property
    def is_removable(self) -> bool | None:
        """Whether it comes and goes with a cable or a slot; None when unknown."""
        if self.block is not None:
            return self.block.removable
        return False if self.mount.is_network or self.mount.is_virtual else None


def observe(mounts: tuple[Mount, ...], seconds: float = workers.PROBE_SECONDS) -> Seen | None:
    """Ask one file system who it is. Blocks at most about ``seconds`` per mount point tried.

    Args:
        mounts: its mounts, as :func:`engine.volumes.mounts.file_systems` groups them.
        seconds: deadline of one question.

    Returns:
        None when it shows nowhere as a folder (containers bind single files).
    """
    for position, mount in enumerate(mounts):
        ordered = (mount, *mounts[:position], *mounts[position + 1 :])
        if is_dead(mount):
            return Seen(
                ordered, evidence_of(mount, None, None), None, answering=False, read_only=mount.read_only
            )
        try:
            is_pool = mount.fs_type == MERGERFS
            answer = workers.ask(mount, "facts", seconds, mount_point=mount.mount_point, is_pool=is_pool)
        except (workers.NotAnswering, OSError):
            # EIO, ENOTCONN, EACCES: mounted, but nothing can be learned from
            # it. That is a state of its own, neither "away" nor "empty".
            return Seen(
                ordered, evidence_of(mount, None, None), None, answering=False, read_only=mount.read_only
            )
        if answer["is_dir"] and not _left(mount, answer):
            return _seen(ordered, answer)
    return None


def _left(mount: Mount, answer: dict[str, Any]) -> bool:
    """Whether the folder answered, not the mount: it was unmounted after the table was read.

    What lies below would else lend its identity to the mount that went away.
    Btrfs numbers its subvolumes apart from what the mount table says.
    """
    above = answer.get("dev_above")
    if mount.major == mount.minor == 0 or mount.fs_type == "btrfs" or mount.mount_point == "/":
        return False
    return above is not None and answer["dev"] == above and above != os.makedev(mount.major, mount.minor)


def is_dead(mount: Mount) -> bool:
    """Whether the device under a mount is gone, or its file system has shut down. Nothing is touched.

    Such a mount may go on listing folders from memory, as if all were well.
    """
    if "shutdown" in mount.super_options:
        return True
    return mount.major != 0 and os.path.isdir(SYS_BLOCK) and not os.path.exists(f"{SYS_BLOCK}/{mount.device}")


def _seen(mounts: tuple[Mount, ...], answer: dict[str, Any]) -> Seen:
    mount = mounts[0]
    block, evidence = platforms.system().device_of(mount, answer)
    return Seen(
        mounts,
        evidence,
        block,
        dev=answer["dev"],
        size=answer["size"],
        free=answer["free"],
        read_only=mount.read_only or answer["flag_ro"],
        names=tuple(answer["names"]),
        marker_error=answer["marker_error"],
        branches=tuple(answer.get("branches", ())),
    )


def device_of(mount: Mount, answer: dict[str, Any]) -> tuple[Block | None, Evidence]:
    """The block device under a mount whose root has answered, and who the file system is (Linux)."""
    block = block_of(mount, answer["uuid"])
    evidence = evidence_of(mount, answer, block)
    return block, evidence if block is None else _from_device(evidence, block, mount)


def evidence_of(mount: Mount, answer: dict[str, Any] | None, block: Block | None) -> Evidence:
    """What mount table, root and device say of who a file system is.

    Args:
        mount: the mount.
        answer: what its root answered, see :func:`engine.volumes.touch.facts`; None: nothing.
        block: the device below; None when there is none, or it is not known.
    """
    fsid = f":{answer['fsid']:x}" if answer else ""
    whole = mount.root == "/"
    return Evidence(
        fs_type=mount.fs_type,
        fs_uuid=answer["uuid"] if answer else None,
        part_uuid=block.part_uuid if block else None,
        hardware=f"{block.hardware}#{block.partition}{block.layer}" if block and block.hardware else None,
        partition_bytes=block.size if block else None,
        label=answer["label"] if answer else None,
        # The root of a bind mount is a folder of the volume: a marker there is another's.
        marker_id=answer["marker"] if answer and whole else None,
        share=_pool_of(answer) or share_of(mount),
        session=f"{boot_id()}:{mount.device}{fsid}",
    )


def _from_device(evidence: Evidence, block: Block, mount: Mount) -> Evidence:
    """Fill in what the file system did not say about itself from its device and from udev."""
    tells_label = mount.fs_type in SELF_LABELLED
    if _text(f"{SYS_BTRFS}/{evidence.fs_uuid}/temp_fsid") == "1":
        # A clone mounted beside its original gets a random id for this mount; its own is on the device.
        evidence = replace(evidence, fs_uuid=None)
    if evidence.fs_uuid is not None and (evidence.label is not None or tells_label):
        return evidence
    try:
        found = workers.bounded(mount, lambda: superblocks.read(block.node) if block.node else None)
    except workers.NotAnswering:
        found = None
    uuid, label = found or (None, None)
    udev = _udev(block.number)
    if found is None:  # udev probes at each change, but it may lag behind one: it comes second
        uuid = superblocks.decoded(udev.get("ID_FS_UUID_ENC"))
    if label is None:
        label = superblocks.decoded(udev.get("ID_FS_LABEL_ENC"))
    if block.node and (uuid is None or (label is None and not tells_label)):
        asked = superblocks.ask_blkid(block.node)
        uuid, label = uuid or asked[0], label or asked[1]
    return replace(evidence, fs_uuid=evidence.fs_uuid or uuid, label=evidence.label or label)


def _pool_of(answer: dict[str, Any] | None) -> str | None:
    """What names a pool that tells its branches: those. Its source leaves out what their paths share."""
    branches = answer.get("branches", ()) if answer else ()
    return f"{POOL}{':'.join(sorted(branches))}" if branches else None


def share_of(mount: Mount) -> str | None:
    """What names a file system without a device: server and export, data set, an overlay's upper folder."""
    if mount.is_network or mount.fs_type in ("zfs", "virtiofs"):
        return mount.source
    if mount.upper_folder:
        return f"overlay:{mount.upper_folder}"
    if mount.fs_type in UNION_TYPES:
        return None  # at most a part of its branches, or what all pools of one make are called
    if mount.fs_type.startswith("fuse.") and mount.source not in (mount.fs_type[5:], "none", ""):
        return mount.source
    if mount.fs_type == "fuse" and mount.source.startswith("/") and not is_within(mount.source, "/dev"):
        return mount.source  # bindfs: the folder that it shows
    return None


@functools.cache
def boot_id() -> str:
    """The id of this start of the machine; device numbers mean something only within it."""
    return platforms.system().boot_id()


def kernel_boot_id() -> str:
    """The id that Linux gives to this start of the machine."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()[:13]
    except OSError:
        return "unknown-boot"


def block_of(mount: Mount, fs_uuid: str | None = None) -> Block | None:
    """Find the block device under a mount, through anonymous numbers (Btrfs) and layers (dm, md)."""
    number = mount.device
    members: list[str] = []
    if mount.major == 0:
        members = _btrfs_members(fs_uuid) if mount.fs_type == "btrfs" else []
        number = (members[0] if members else None) or _number_of_node(mount.source) or ""
    if not number or not os.path.exists(f"{SYS_BLOCK}/{number}"):
        return None
    block = read_block(number)
    # Which of several disks is named first may differ at each start: together they are the hardware.
    return block if len(members) < 2 else _together(block, f"btrfs:{fs_uuid}")


def _together(block: Block, hardware: str) -> Block:
    """A file system on several disks: ``block`` is one of them, and names the queue."""
    return Block(
        block.number,
        block.disk,
        rotational=block.rotational,
        removable=block.removable,
        hardware=hardware,
        node=block.node,
    )


def read_block(number: str) -> Block:
    """Read what sysfs and udev know about the device ``major:minor``."""
    own = os.path.realpath(f"{SYS_BLOCK}/{number}")
    partition = int(_text(f"{own}/partition") or 0)
    disk = _bottom(os.path.dirname(own) if partition else own)
    udev = _udev(number)
    uevent = _pairs(f"{own}/uevent")
    serial = _serial(disk)
    layered = not partition and disk != own
    wwn = _text(f"{disk}/device/wwid") or _text(f"{disk}/wwid") or udev.get("ID_WWN")
    model = _text(f"{disk}/device/model") or _text(f"{disk}/device/name")
    vendor = _text(f"{disk}/device/vendor")
    removable_flag = _text(f"{disk}/removable")
    bus = any(f"/{name}" in disk for name in REMOVABLE_BUSES)
    removable = None if removable_flag is None else (removable_flag == "1" or bus)
    rotational = _text(f"{disk}/queue/rotational")
    node = f"/dev/{uevent['DEVNAME']}" if "DEVNAME" in uevent else None
    return Block(
        number=number,
        disk=_text(f"{disk}/dev") or number,
        partition=partition,
        layer=f"/{_layer(own)}" if layered else "",
        size=_sectors(f"{own}/size"),
        rotational=None if rotational is None else rotational == "1",
        removable=removable,
        # A card reader's serial is the reader's, not the card's: a slot whose
        # medium can be changed says nothing about the medium.
        hardware=None
        if removable_flag == "1" and "/mmc" not in disk
        else _hardware(disk, serial, wwn, model),
        part_uuid=(uevent.get("PARTUUID") or udev.get("ID_PART_ENTRY_UUID") or _by_partuuid(node)),
        model=model,
        vendor=None if vendor and vendor.startswith("0x") else vendor,
        serial=serial,
        wwn=wwn,
        disk_size=_sectors(f"{disk}/size"),
        node=node if node and _number_of_node(node) == number else None,
    )


def _hardware(disk: str, serial: str | None, wwn: str | None, model: str | None) -> str | None:
    backing = _text(f"{disk}/loop/backing_file")
    if backing:
        return f"loop:{backing}"
    if wwn:
        return f"wwn:{wwn}"
    if serial:
        return f"serial:{model or ''}/{serial}"
    # Made of several disks: an array or a volume group tells its own id.
    return _array_id(disk)


def _array_id(disk: str) -> str | None:
    array = _text(f"{disk}/md/uuid") or _udev(_text(f"{disk}/dev") or "").get("MD_UUID")
    if array:
        return f"md:{array}"
    mapped = _text(f"{disk}/dm/uuid")
    return f"dm:{_without_name(mapped)}" if mapped else None


def _layer(own: str) -> str:
    """What tells the layers on one disk apart: two logical volumes are two, whatever disk they share."""
    return _without_name(_text(f"{own}/dm/uuid") or _text(f"{own}/md/uuid") or os.path.basename(own))


def _without_name(mapped: str) -> str:
    """An encrypted device's id ends with the name under which it was opened: that one may differ."""
    parts = mapped.split("-")
    return "-".join(parts[:3]) if parts[0] == "CRYPT" else mapped


def _bottom(disk: str) -> str:
    """Go down through dm, md and LVM while there is exactly one device below."""
    for _ in range(8):
        try:
            below = os.listdir(f"{disk}/slaves")
        except OSError:
            return disk
        if len(below) != 1:
            return disk
        disk = os.path.realpath(f"{disk}/slaves/{below[0]}")
        if os.path.exists(f"{disk}/partition"):
            disk = os.path.dirname(disk)
    return disk


def _serial(disk: str) -> str | None:
    for name in ("device/serial", "serial", "device/cid"):
        found = _text(f"{disk}/{name}")
        if found:
            return found
    try:
        with open(f"{disk}/device/vpd_pg80", "rb") as file:
            page = file.read(256)[4:]
        return page.decode("ascii", "ignore").strip("\0 ") or None
    except OSError:
        return None


def _btrfs_members(fs_uuid: str | None) -> list[str]:
    """Device numbers of the disks of a Btrfs file system that is mounted."""
    folder = f"{SYS_BTRFS}/{fs_uuid}/devices"
    try:
        names = sorted(os.listdir(folder)) if fs_uuid else []
    except OSError:
        return []
    return [number for name in names if (number := _text(f"{folder}/{name}/dev")) is not None]


def _number_of_node(node: str) -> str | None:
    if not node.startswith("/dev/"):
        return None
    try:
        found = os.stat(node)
    except OSError:
        return None
    if not stat.S_ISBLK(found.st_mode):
        return None
    return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"


def _by_partuuid(node: str | None) -> str | None:
    folder = "/dev/disk/by-partuuid"
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    return next((name for name in names if os.path.realpath(f"{folder}/{name}") == node), None)


def _udev(number: str) -> dict[str, str]:
    try:
        with open(f"/run/udev/data/b{number}", encoding="utf-8", errors="surrogateescape") as file:
            lines = [line[2:].rstrip("\n") for line in file if line.startswith("E:")]
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _pairs(path: str) -> dict[str, str]:
    text = _text(path) or ""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _sectors(path: str) -> int | None:
    text = _text(path)
    return int(text) * SECTOR if text and text.isdigit() else None


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().strip() or None
    except OSError:
        return None
