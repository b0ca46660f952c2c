"""UUID and label straight from a file system's super block, where the device may be read.

Offsets are those of the on-disk formats: ext ``fs/ext4/ext4.h``, XFS
``xfs_format.h``, Btrfs ``btrfs_tree.h``, the FAT boot sectors of Microsoft's
specification, exFAT 7.1, NTFS boot sector.
"""

from __future__ import annotations

import os
import re
import subprocess

BLKID_SECONDS = 2.0
"""Deadline of ``blkid -p`` (5 ms on a healthy disk)."""


def read(node: str) -> tuple[str | None, str | None] | None:
    """Return (UUID, label) of the file system on the device ``node``.

    UUIDs have the form that ``blkid`` prints. None: the device may not be
    read, or holds none of the known formats.
    """
    try:
        fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        head = os.pread(fd, 4096, 0)
        for reader in (_ext, _xfs, _exfat, _ntfs, _fat):
            found = reader(head)
            if found:
                return found
        return _btrfs(os.pread(fd, 4096, 0x10000))
    except OSError:
        return None
    finally:
        os.close(fd)


def ask_blkid(node: str) -> tuple[str | None, str | None]:
    """Ask ``blkid -p`` (a fresh probe, never its cache) for the formats not known here."""
    try:
        done = subprocess.run(
            ["blkid", "-p", "-o", "udev", node],
            capture_output=True,
            timeout=BLKID_SECONDS,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, None
    lines = os.fsdecode(done.stdout).splitlines()
    pairs = dict(line.split("=", 1) for line in lines if "=" in line)
    return decoded(pairs.get("ID_FS_UUID_ENC")), decoded(pairs.get("ID_FS_LABEL_ENC"))


def decoded(text: str | None) -> str | None:
    r"""Undo udev's ``\xNN``; its forms without escapes have lost characters."""
    if text is None:
        return None
    raw = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), os.fsencode(text))
    return os.fsdecode(raw) or None


def _ext(head: bytes) -> tuple[str | None, str | None] | None:
    if head[1080:1082] != b"\x53\xef":
        return None
    return _long(head[1128:1144]), _name(head[1144:1160])


def _xfs(head: bytes) -> tuple[str | None, str | None] | None:
    return (_long(head[32:48]), _name(head[108:120])) if head[:4] == b"XFSB" else None


def _btrfs(block: bytes) -> tuple[str | None, str | None] | None:
    return (_long(block[32:48]), _name(block[299:555])) if block[64:72] == b"_BHRfS_M" else None


def _exfat(head: bytes) -> tuple[str | None, str | None] | None:
    return (_short(head[100:104]), None) if head[3:11] == b"EXFAT   " else None


def _ntfs(head: bytes) -> tuple[str | None, str | None] | None:
    return (head[72:80][::-1].hex().upper(), None) if head[3:11] == b"NTFS    " else None


def _fat(head: bytes) -> tuple[str | None, str | None] | None:
    for kind, serial, label in ((82, 67, 71), (54, 39, 43)):
        if head[kind : kind + 3] == b"FAT":
            name = _name(head[label : label + 11].rstrip(b" "))
            return _short(head[serial : serial + 4]), None if name == "NO NAME" else name
    return None


def _long(raw: bytes) -> str | None:
    text = raw.hex()
    if not any(raw):
        return None
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _short(raw: bytes) -> str | None:
    text = raw[::-1].hex().upper()
    return f"{text[:4]}-{text[4:]}" if any(raw) else None


def _name(raw: bytes) -> str | None:
    return os.fsdecode(raw.split(b"\0", 1)[0]) or None
