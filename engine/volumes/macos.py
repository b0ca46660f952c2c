"""Drives as macOS tells of them: ``getfsstat``, ``diskutil info -plist``, ``lsof``, ``diskutil unmount``.

The parsers are plain functions over bytes. Layout and flags are those of
``sys/mount.h`` (64-bit inodes); the keys of ``diskutil`` are those of its
property list. A drive's serial number is in neither: ``hardware`` stays unknown,
so that a reformatted drive is a new volume here and no new generation.
"""

from __future__ import annotations

import ctypes
import os
import plistlib
import re
import select
import struct
import subprocess
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from engine.volumes import workers
from engine.volumes.devices import Block, evidence_of
from engine.volumes.evidence import Evidence
from engine.volumes.holders import Holder
from engine.volumes.mounts import NOT_LOCAL, Mount
from engine.volumes.platforms import System

STATFS = struct.Struct("=IiQQQQQiiIIII16s1024s1024sI28s")
"""``struct statfs``: 2168 bytes."""

MNT_NOWAIT = 2
MNT_RDONLY, MNT_LOCAL, MNT_DONTBROWSE, MNT_SNAPSHOT = 0x1, 0x1000, 0x100000, 0x40000000

DATA = "/System/Volumes/Data"
"""Where the volume shows whose folders the root shows by firmlinks."""

FIRMLINKS = "/usr/share/firmlinks"

LOOK_SECONDS = 1.0
"""How often the table is read while waiting: macOS has nothing to wait on for mounts. One read is cheap."""

COMMAND_SECONDS = 5.0
"""Deadline of ``diskutil info`` and ``lsof`` (seconds)."""

REMOVABLE_BUSES = frozenset({"USB", "Thunderbolt", "Secure Digital", "FireWire", "Disk Image"})


def parse_statfs(raw: bytes) -> tuple[Mount, ...]:
    """Read what ``getfsstat`` fills in. Of mounts at one point the last is the one that shows."""
    by_point: dict[str, Mount] = {}
    for number in range(len(raw) // STATFS.size):
        fields = STATFS.unpack_from(raw, number * STATFS.size)
        device, flags = fields[7] & 0xFFFFFFFF, fields[11]
        fs_type, point, source = (_text(fields[index]) for index in (13, 14, 15))
        if flags & MNT_SNAPSHOT and point != "/":
            continue  # a moment of a volume that is listed itself
        access = "ro" if flags & MNT_RDONLY else "rw"
        options = {access, *(["nobrowse"] if flags & MNT_DONTBROWSE else [])}
        by_point.pop(point, None)
        by_point[point] = Mount(
            mount_id=number + 1,
            parent_id=0,
            major=device >> 24,
            minor=device & 0xFFFFFF,
            root="/",
            mount_point=point,
            options=frozenset(options),
            fs_type=fs_type,
            source=source,
            super_options=frozenset({access} if flags & MNT_LOCAL else {access, NOT_LOCAL}),
        )
    return tuple(by_point.values())


def with_firmlinks(mounts: Sequence[Mount], text: bytes) -> tuple[Mount, ...]:
    """Add the folders that the root shows of the data volume: their files are not the system's.

    Args:
        mounts: from :func:`parse_statfs`.
        text: of :data:`FIRMLINKS`: per line a folder, a tab, and its path on the data volume.
    """
    data = next((mount for mount in mounts if mount.mount_point == DATA), None)
    if data is None:
        return tuple(mounts)
    shown = [line.split(b"\t") for line in text.splitlines() if line.count(b"\t") == 1]
    return (
        *mounts,
        *(
            replace(
                data,
                mount_id=len(mounts) + number + 1,
                root="/" + os.fsdecode(target).strip("/"),
                mount_point=os.fsdecode(folder),
            )
            for number, (folder, target) in enumerate(shown)
            if folder.startswith(b"/") and target.strip(b"/")
        ),
    )


def read_mounts() -> tuple[Mount, ...]:
    """The mount table, from memory: no file system is asked.

    Raises:
        OSError: the kernel does not tell.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # The name with 64-bit inodes on Intel; elsewhere there is only the one.
    ask = getattr(libc, "getfsstat$INODE64", None) or libc.getfsstat
    room = 0
    while True:
        buffer = ctypes.create_string_buffer(max(1, room))
        found = ask(buffer if room else None, ctypes.c_int(room), ctypes.c_int(MNT_NOWAIT))
        if found < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        if room and found * STATFS.size < room:
            break
        room = (found + 8) * STATFS.size  # one more than there are, or it may have been cut off
    mounts = parse_statfs(buffer.raw[: found * STATFS.size])
    try:
        with open(FIRMLINKS, "rb") as file:
            return with_firmlinks(mounts, file.read())
    except OSError:
        return mounts


def parse_diskutil(raw: bytes) -> tuple[Block | None, str | None, str | None]:
    """Read ``diskutil info -plist``: the device, the file system's UUID, its label.

    What it does not say is None; anything else than a property list is nothing at all.
    """
    try:
        told = plistlib.loads(raw)
    except (plistlib.InvalidFileException, ValueError, OverflowError):
        return None, None, None
    name = told.get("DeviceIdentifier") if isinstance(told, dict) else None
    if not isinstance(name, str):
        return None, None, None
    whole = told.get("ParentWholeDisk")
    part = re.fullmatch(r"disk\d+s(\d+)(?:s\d+)?", name)
    solid = told.get("SolidState")
    size = told.get("Size")
    block = Block(
        number=name,
        disk=whole if isinstance(whole, str) else name,
        partition=int(part[1]) if part else 0,
        size=size if isinstance(size, int) and size > 0 else None,
        rotational=not solid if isinstance(solid, bool) else None,
        removable=_removable(told),
        part_uuid=_word(told.get("DiskUUID")),
        model=_word(told.get("MediaName")) or _word(told.get("IORegistryEntryName")),
        node=_word(told.get("DeviceNode")),
    )
    return block, _word(told.get("VolumeUUID")), _word(told.get("VolumeName"))


def _removable(told: dict[str, Any]) -> bool | None:
    known = [
        told[key]
        for key in ("RemovableMediaOrExternalDevice", "RemovableMedia", "Removable", "Ejectable")
        if isinstance(told.get(key), bool)
    ]
    if isinstance(told.get("Internal"), bool):
        known.append(not told["Internal"])
    if told.get("BusProtocol") in REMOVABLE_BUSES:
        known.append(True)
    return any(known) if known else None


def _word(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _text(field: bytes) -> str:
    return os.fsdecode(field.split(b"\0", 1)[0])


def _device_of(mount: Mount, answer: dict[str, Any]) -> tuple[Block | None, Evidence]:
    if not mount.source.startswith("/dev/"):
        return None, evidence_of(mount, answer, None)
    try:
        raw = workers.bounded(mount, lambda: _run("diskutil", "info", "-plist", mount.source))
    except workers.NotAnswering:
        raw = b""
    block, uuid, label = parse_diskutil(raw)
    evidence = evidence_of(mount, answer, block)
    return block, replace(evidence, fs_uuid=evidence.fs_uuid or uuid, label=evidence.label or label)


def disk_of(mount: Mount) -> str | None:
    """The whole disk that a mount's node names, e.g. ``disk4`` for ``/dev/disk4s2``."""
    found = re.fullmatch(r"/dev/r?(disk\d+)(?:s\d+)*", mount.source)
    return found[1] if found else None


def parse_lsof(raw: bytes) -> list[Holder]:
    """Read ``lsof -F pcun``: one holder per process, with the first path that it holds."""
    holders: list[Holder] = []
    facts: dict[str, str] = {}
    for line in [*raw.splitlines(), b"p"]:
        kind, value = line[:1].decode("ascii", "replace"), os.fsdecode(line[1:])
        if kind == "p":
            if facts.get("p", "").isdigit() and "n" in facts:
                user = facts.get("u", "")
                holders.append(
                    Holder(
                        int(facts["p"]),
                        facts.get("c", "a process"),
                        int(user) if user.isdigit() else -1,
                        facts["n"],
                    )
                )
            facts = {"p": value}
        elif kind in "cun":
            facts.setdefault(kind, value)
    return holders


def _holders(points: Collection[str]) -> list[Holder]:
    found: dict[int, Holder] = {}
    for point in points:
        # With the path of a mount point lsof lists what is open on that file system.
        for holder in parse_lsof(_run("lsof", "-w", "-F", "pcun", "--", point)):
            found.setdefault(holder.pid, holder)
    return sorted(found.values(), key=lambda holder: holder.pid)


class TablePoller:
    """Reads the table once a second, and wakes when it differs from the last time."""

    def __init__(self, wake: int) -> None:
        """Wait on the table and on the reading end ``wake`` of a pipe.

        Raises:
            OSError: the kernel does not tell what is mounted.
        """
        self._wake = wake
        self._seen = _known(read_mounts())

    def poll(self, milliseconds: float) -> object:
        """See :class:`engine.volumes.platforms.Poller`."""
        until = time.monotonic() + milliseconds / 1000
        while True:
            left = until - time.monotonic()
            ready, _, _ = select.select([self._wake], [], [], max(0.0, min(left, LOOK_SECONDS)))
            now = _known(read_mounts())
            changed, self._seen = now != self._seen, now
            if ready or changed or left <= 0:
                return bool(ready) or changed

    def close(self) -> None:
        """See :class:`engine.volumes.platforms.Poller`."""


def _known(mounts: Iterable[Mount]) -> frozenset[tuple[object, ...]]:
    return frozenset(
        (mount.mount_point, mount.source, mount.device, mount.fs_type, mount.options) for mount in mounts
    )


def _boot_id() -> str:
    text = _run("sysctl", "-n", "kern.bootsessionuuid").decode("ascii", "ignore").strip()
    return text[:13] or "unknown-boot"


def _run(*command: str) -> bytes:
    """What a command of the system prints; nothing when it is missing or does not end in time."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=COMMAND_SECONDS, check=False, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout


SYSTEM = System(
    name="macOS",
    read_mounts=read_mounts,
    poller=TablePoller,
    device_of=_device_of,
    disk_of=disk_of,
    boot_id=_boot_id,
    holders=_holders,
    unmount=lambda point: ["diskutil", "unmount", point],
    power_off=lambda node: ["diskutil", "eject", node],
)
