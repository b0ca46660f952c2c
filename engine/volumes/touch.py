"""The questions that touch a mount, and so may hang with it. Standard library only.

Run as a script it answers one question in a process of its own: a process with
a thread stuck in an unanswered request cannot exit, not even by SIGKILL, so
that asking a server or FUSE must never happen inside ours. Standard input holds
one JSON object ``{"ask": name, ...}``, standard output one JSON answer.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import stat
import struct
import sys
from collections.abc import Callable
from typing import Any

MARKER = ".rushes-volume"
"""Name of the marker file in the root of a volume, or of a folder that stands in for one."""

MARKER_MAX = 4096
"""A marker longer than this is not ours (bytes)."""

ROOT_NAMES = 200
"""So many names of the root are looked at to recognise a camera card."""

LINUX = sys.platform.startswith("linux")

FS_IOC_GETFSUUID = 0x80111500  # linux/fs.h, since 6.9: length, then 16 bytes
EXT4_IOC_GETFSUUID = 0x8008662C  # fs/ext4/ext4.h, since 6.0: length, flags, then 16 bytes
XFS_IOC_FSGEOMETRY_V1 = 0x80705864  # xfs_fs.h: 112 bytes, UUID at 64
BTRFS_IOC_FS_INFO = 0x8400941F  # linux/btrfs.h: 1024 bytes, UUID at 16
FS_IOC_GETFSLABEL = 0x81009431  # linux/fs.h: 256 bytes, ends with NUL


def facts(mount_point: str, is_pool: bool = False) -> dict[str, Any]:
    """Ask the root of a mount who it is.

    Args:
        mount_point: absolute.
        is_pool: it is one of mergerfs, which tells its branches. It hands other questions on to one of
            them, so that their answers say nothing of the pool.

    Returns:
        ``is_dir``; and for a folder ``dev`` (st_dev), ``dev_above`` (that of
        the folder above), ``fsid``, ``size``, ``free`` (bytes, for an ordinary
        user), ``flag_ro``, ``uuid`` and ``label`` (None: this file system does
        not tell), ``marker`` (id or None), ``marker_error`` (a sentence or
        None), ``names`` (of its root).

    Raises:
        OSError: the mount does not answer properly.
    """
    if not stat.S_ISDIR(os.stat(mount_point).st_mode):
        return {"is_dir": False}
    try:
        folder = _open(mount_point, os.O_DIRECTORY)
    except PermissionError:
        return {**_space(mount_point, mount_point), "marker": None, "marker_error": None}
    try:
        # All of it from one folder: what is unmounted meanwhile must not lend the disk below its name.
        answer = _space(folder, mount_point)
        if LINUX and not is_pool:  # the numbers of these requests mean something else elsewhere
            answer["uuid"] = _uuid(folder)
            answer["label"] = _label(folder)
        if is_pool:
            answer["branches"] = _branches(mount_point)
        answer["marker"], answer["marker_error"] = read_marker(MARKER, folder)
        answer["names"] = _first_names(folder)
    finally:
        os.close(folder)  # soon: an open folder makes an unmount fail as busy
    return answer


def _space(folder: int | str, mount_point: str) -> dict[str, Any]:
    """What everybody may ask of a folder, by descriptor or path."""
    space = os.statvfs(folder)
    return {
        "is_dir": True,
        "dev": os.stat(folder).st_dev,
        "dev_above": os.stat(os.path.dirname(mount_point.rstrip("/")) or "/").st_dev,
        "fsid": space.f_fsid,
        "size": space.f_blocks * space.f_frsize,
        "free": space.f_bavail * space.f_frsize,
        "flag_ro": bool(space.f_flag & os.ST_RDONLY),
        "uuid": None,
        "label": None,
        "names": [],
        "branches": [],
    }


CONTROL_FILE = ".mergerfs"
"""In the root of each mount of mergerfs; not listed. Its attributes are the settings of the mount."""


def _branches(mount_point: str) -> list[str]:
    """The folders that a mount of mergerfs unites; empty when it does not tell.

    Written as ``/mnt/a=RW:/mnt/b=RO,4G``; before 2.25 as ``/mnt/a:/mnt/b`` under another name.
    """
    for name in ("user.mergerfs.branches", "user.mergerfs.srcmounts"):
        try:
            told = os.getxattr(os.path.join(mount_point, CONTROL_FILE), name)
        except (AttributeError, OSError):
            continue
        parts = os.fsdecode(told).split(":")
        return [folder for part in parts if (folder := part.rpartition("=")[0] or part).startswith("/")]
    return []


def read_marker(path: str, folder: int | None = None) -> tuple[str | None, str | None]:
    """Read a marker file: its id, and what is wrong with it. No file: both None."""
    try:
        fd = _open(path, os.O_NOFOLLOW, folder)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, f"The marker file cannot be read: {error.strerror}."
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None, "The marker file is not a plain file."
        raw = os.read(fd, MARKER_MAX + 1)
        content = json.loads(raw.decode("utf-8")) if len(raw) <= MARKER_MAX else None
        identity = content.get("id") if isinstance(content, dict) else None
        if isinstance(identity, str) and 8 <= len(identity) <= 64 and identity.isprintable():
            return identity, None
        return None, "The marker file holds no id."
    except OSError as error:
        return None, f"The marker file cannot be read: {error.strerror}."
    except ValueError:
        return None, "The marker file is not JSON."
    finally:
        os.close(fd)


def _open(path: str, flags: int, folder: int | None = None) -> int:
    """Open for reading without leaving a trace: looking at a card must not change its access times."""
    flags |= os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0), dir_fd=folder)
    except PermissionError:  # only the owner may ask for that
        return os.open(path, flags, dir_fd=folder)


def resolve(path: str) -> dict[str, Any]:
    """Resolve an existing path: ``path`` without links, ``dev``, ``is_dir``.

    Raises:
        OSError: it does not exist, or cannot be reached.
    """
    real = os.path.realpath(path, strict=True)
    found = os.stat(real)
    return {"path": real, "dev": found.st_dev, "is_dir": stat.S_ISDIR(found.st_mode)}


def folder(path: str) -> dict[str, bool]:
    """What may be done with a folder that is there, or is to be made.

    Returns:
        ``exists`` (as whatever), ``is_dir``, ``may_write``, ``above_is_dir``, ``above_may_write``.
    """
    above = os.path.dirname(path.rstrip("/")) or "/"
    return {
        "exists": os.path.lexists(path),
        "is_dir": os.path.isdir(path),
        "may_write": os.access(path, os.W_OK | os.X_OK),
        "above_is_dir": os.path.isdir(above),
        "above_may_write": os.access(above, os.W_OK | os.X_OK),
    }


def spot(root: str, samples: list[list[Any]]) -> dict[str, int]:
    """Count the known files that fit, were ``touched`` (size fits), ``other`` (does not fit), ``absent``.

    Args:
        root: absolute path of the root to which the samples are relative.
        samples: ``[relative path, size, mtime_ns]`` each. Two seconds of
            difference in mtime are within what FAT can store.

    Returns:
        The counts, and ``dev`` (st_dev) of what was looked into: the mount may have left meanwhile.

    Raises:
        OSError: the root cannot be looked into.
    """
    folder = os.open(root, getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        counts = {"fit": 0, "touched": 0, "other": 0, "absent": 0}
        for relative, size, mtime_ns in samples:
            try:
                found = os.stat(relative, dir_fd=folder, follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                counts["absent"] += 1
                continue
            if found.st_size != size:
                counts["other"] += 1
            elif abs(found.st_mtime_ns - mtime_ns) <= 2_000_000_000:
                counts["fit"] += 1
            else:
                counts["touched"] += 1
        return {**counts, "dev": os.fstat(folder).st_dev}
    finally:
        os.close(folder)


def stand_ins(parent: str) -> list[list[str]]:
    """List the folders directly below ``parent`` that hold a marker: ``[path, id]`` each. No parent: none."""
    found: list[list[str]] = []
    try:
        with os.scandir(parent) as entries:
            for entry in itertools.islice(entries, 10_000):
                if entry.is_dir(follow_symlinks=False):
                    identity, _ = read_marker(os.path.join(entry.path, MARKER))
                    if identity:
                        found.append([entry.path, identity])
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return sorted(found)


def marker_at(folder: str) -> list[str | None]:
    """Read the marker in ``folder``: ``[id, what is wrong]``; an absent folder has neither."""
    return list(read_marker(os.path.join(folder, MARKER)))


def _uuid(folder: int) -> str | None:
    for request, size, offset in (
        (FS_IOC_GETFSUUID, 17, 1),
        (BTRFS_IOC_FS_INFO, 1024, 16),
        (XFS_IOC_FSGEOMETRY_V1, 112, 64),
        (EXT4_IOC_GETFSUUID, 24, 8),
    ):
        buffer = bytearray(size)
        if request == EXT4_IOC_GETFSUUID:
            struct.pack_into("=I", buffer, 0, 16)
        try:
            fcntl.ioctl(folder, request, buffer)
        except OSError:
            continue
        raw = bytes(buffer[offset : offset + 16])
        if any(raw):
            text = raw.hex()
            return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return None


def _label(folder: int) -> str | None:
    buffer = bytearray(256)
    try:
        fcntl.ioctl(folder, FS_IOC_GETFSLABEL, buffer)
    except OSError:
        return None
    return os.fsdecode(bytes(buffer).split(b"\0", 1)[0]) or None


def _first_names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in itertools.islice(entries, ROOT_NAMES)]


QUESTIONS: dict[str, Callable[..., Any]] = {
    "facts": facts,
    "resolve": resolve,
    "folder": folder,
    "spot": spot,
    "stand_ins": stand_ins,
    "marker_at": marker_at,
}
"""What a child can be asked, by name."""


def main() -> int:
    """Answer the question on standard input."""
    request = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"answer": QUESTIONS[request.pop("ask")](**request)}
    except OSError as error:
        answer = {"errno": error.errno, "error": error.strerror or str(error)}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
