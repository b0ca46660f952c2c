"""The mount table. On Linux the kernel's, parsed by us: ``/proc/self/mountinfo``. Nothing touches a mount.

``df``, ``mount`` and ``/proc/mounts`` round, translate or break at blanks;
mountinfo gives stable ids, the ``root`` field (which part of the file system a
bind mount or subvolume shows) and the state of the super block.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.volumes import platforms

MOUNT_TABLE = "/proc/self/mountinfo"

NETWORK_TYPES = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "lustre", "davfs",
        "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.davfs2", "fuse.curlftpfs",
        "fuse.s3fs", "beegfs", "coda", "ncpfs", "orangefs", "afpfs", "webdav", "ftp", "fuse.ceph-fuse",
        "fuse.gcsfuse", "fuse.juicefs", "fuse.mfs", "fuse.mountpoint-s3", "fuse.seaweedfs", "fuse.smbnetfs",
    }
)  # fmt: skip
"""File systems whose data lies on another machine."""

LOCAL_TYPES = frozenset(
    {
        "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "bcachefs", "f2fs", "jfs", "reiserfs", "nilfs2",
        "vfat", "msdos", "exfat", "ntfs", "ntfs3", "hfs", "hfsplus", "apfs", "udf", "iso9660", "erofs",
        "fuseblk", "tmpfs", "ramfs", "overlay", "squashfs", "cd9660", "fuse.snapfuse", "fuse.squashfuse",
        "fuse.fuse-overlayfs", "ufsd", "tntfs", "texfat", "thfsplus", "ocfs2", "cramfs", "romfs",
    }
)  # fmt: skip
"""File systems on this machine's own devices or in its memory."""

KERNEL_TYPES = frozenset(
    name
    for name in LOCAL_TYPES | {"rootfs", "devtmpfs", "devfs", "proc", "sysfs"}
    if not name.startswith("fuse")
)
"""Local file systems that live in the kernel: their root answers from memory, no other process is asked."""

VIRTUAL_TYPES = frozenset(
    {
        "tmpfs", "ramfs", "overlay", "squashfs", "erofs", "rootfs", "fuse.snapfuse", "fuse.squashfuse",
        "fuse.fuse-overlayfs", "aufs", "cramfs", "romfs",
    }
)  # fmt: skip
"""Can hold files, but is noise in a list of drives: shown only when footage lies on it."""

PSEUDO_TYPES = frozenset(
    {
        "autofs", "binder", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
        "bdev", "cpuset", "devfs", "devtmpfs", "dlmfs", "fuse.vmware-vmblock", "ocfs2_dlmfs", "openpromfs",
        "efivarfs", "functionfs", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fusectl",
        "hugetlbfs", "mqueue", "nfsd", "nsfs", "pidfs", "pipefs", "proc", "pstore", "resctrl", "rpc_pipefs",
        "securityfs", "selinuxfs", "smackfs", "sockfs", "sunrpc", "sysfs", "tracefs", "usbfs",
    }
)  # fmt: skip
"""Holds no files of anybody: never a volume."""

MERGERFS = "fuse.mergerfs"
"""A pool that tells its branches, see :func:`engine.volumes.touch.facts`."""

UNRAID = "fuse.shfs"
"""Unraid's user shares, which unite its disks."""

UNION_TYPES = frozenset({MERGERFS, UNRAID, "fuse.unionfs", "fuse.unionfs-fuse", "fuse.mhddfs", "aufs"})
"""Unite folders of several file systems, see :mod:`engine.volumes.pools`."""

NOT_LOCAL = "not local"
"""Super option of a mount of which the system says that it is not stored on this machine (macOS)."""

_ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One line of the mount table. Names are exact (surrogate escapes).

    Attributes:
        mount_id: unique among the mounts of this moment; the kernel reuses it.
        parent_id: the mount on which this one lies.
        major: major number of the file system's device; 0 for an anonymous one.
        minor: minor number. ``major:minor`` is the same for bind mounts and subvolumes of one file system.
        root: the folder of the file system that shows at the mount point; ``/`` is all of it.
        mount_point: absolute path, as this process sees it.
        options: options of this mount.
        fs_type: e.g. ``ext4``, ``fuse.sshfs``.
        source: device, share or a free word.
        super_options: options of the file system itself.
    """

    mount_id: int
    parent_id: int
    major: int
    minor: int
    root: str
    mount_point: str
    options: frozenset[str]
    fs_type: str
    source: str
    super_options: frozenset[str]

    @property
    def read_only(self) -> bool:
        """Whether this mount or its file system refuses writes."""
        return "ro" in self.options or "ro" in self.super_options

    @property
    def device(self) -> str:
        """``major:minor`` of the file system."""
        return f"{self.major}:{self.minor}"

    @property
    def is_network(self) -> bool | None:
        """Whether the data lies on another machine; None when the type does not tell (most of FUSE)."""
        if self.fs_type in NETWORK_TYPES or NOT_LOCAL in self.super_options:
            return True
        if self.fs_type in LOCAL_TYPES or self.fs_type in PSEUDO_TYPES:
            return False
        return None

    @property
    def is_trusted(self) -> bool:
        """Whether asking its root is answered by the kernel alone, not by a server or another process."""
        return self.fs_type in KERNEL_TYPES

    @property
    def is_pseudo(self) -> bool:
        """Whether it holds nobody's files."""
        return self.fs_type in PSEUDO_TYPES

    @property
    def is_virtual(self) -> bool:
        """Whether it is noise unless footage lies on it.

        A ZFS snapshot (``data set@name``) shows a moment of a data set that is listed itself.
        """
        return self.fs_type in VIRTUAL_TYPES or (self.fs_type == "zfs" and "@" in self.source)

    @cached_property
    def upper_folder(self) -> str | None:
        """Where an overlay keeps what is written to it; None for any other file system."""
        if self.fs_type != "overlay":
            return None
        found = [option[9:] for option in self.super_options if option.startswith("upperdir=")]
        return found[0] if found else None

    def relative(self, path: str) -> str:
        """Make an absolute ``path`` below the mount point relative to the file system's root."""
        rest = path[len(self.mount_point) :].strip("/") if self.mount_point != "/" else path.strip("/")
        return "/".join(part for part in (self.root.strip("/"), rest) if part)


def parse(text: str | bytes) -> tuple[Mount, ...]:
    """Parse a mount table; of mounts that hide one another only the visible ones are returned.

    A mount over the same point hides the earlier one (the last wins), a mount
    over a parent folder hides everything mounted below before it. Lines that
    do not have the documented form are left out.
    """
    raw = os.fsencode(text) if isinstance(text, str) else text
    mounts = [mount for line in raw.split(b"\n") if (mount := _parse_line(line)) is not None]
    return tuple(_visible(mounts))


def read() -> tuple[Mount, ...]:
    """What is mounted now, as this process sees it. Never blocks.

    Raises:
        OSError: the system does not tell.
    """
    return platforms.system().read_mounts()


def read_table() -> tuple[Mount, ...]:
    """Read and parse this process's mount table. Never blocks.

    Raises:
        OSError: there is no such table (/proc is not mounted).
    """
    with open(MOUNT_TABLE, "rb") as file:
        return parse(file.read())


def locate(mounts: Iterable[Mount], path: str) -> Mount | None:
    """Return the mount on which ``path`` lies: the longest mount point that is a prefix in whole components.

    Args:
        mounts: a parsed table.
        path: absolute, its links resolved. It need not exist, and is not touched.
    """
    best: Mount | None = None
    for mount in mounts:
        # ">=": of two entries with one mount point the later is the one on top.
        if is_within(path, mount.mount_point) and (
            best is None or len(mount.mount_point) >= len(best.mount_point)
        ):
            best = mount
    return best


def is_within(path: str, folder: str) -> bool:
    """Whether absolute ``path`` is ``folder`` or lies below it, in whole components."""
    return folder == "/" or path == folder or path.startswith(folder.rstrip("/") + "/")


def file_systems(mounts: Iterable[Mount]) -> list[tuple[Mount, ...]]:
    """Group mounts by file system: bind mounts, subvolumes and second mounts of one share fall together.

    In each group the mount that shows most comes first: all of the file
    system, else the part nearest to its root; writable before read-only, old
    before new.
    """
    groups: dict[str, list[Mount]] = {}
    for mount in mounts:
        # The same share mounted twice may get two device numbers.
        key = f"{mount.fs_type} {mount.source}" if mount.is_network else mount.device
        groups.setdefault(key, []).append(mount)
    return [tuple(sorted(group, key=_most_shown)) for group in groups.values()]


def shown(table: Iterable[Mount], pairs: Iterable[tuple[str, str]]) -> tuple[Mount, ...]:
    """The mounts with one of these (root, mount point), in the order of :func:`file_systems`."""
    wanted = set(pairs)
    return tuple(
        mount for group in file_systems(table) for mount in group if (mount.root, mount.mount_point) in wanted
    )


def _most_shown(mount: Mount) -> tuple[int, bool, int]:
    depth = len([part for part in mount.root.split("/") if part])
    return (depth, mount.read_only, mount.mount_id)


def _parse_line(line: bytes) -> Mount | None:
    fields = line.split(b" ")
    try:
        end = fields.index(b"-", 6)
        major, minor = fields[2].split(b":")
        return Mount(
            int(fields[0]),
            int(fields[1]),
            int(major),
            int(minor),
            _decode(fields[3]),
            _decode(fields[4]),
            frozenset(os.fsdecode(fields[5]).split(",")),
            _decode(fields[end + 1]),
            _decode(fields[end + 2]),
            frozenset(_decode(option) for option in fields[end + 3].split(b",")),
        )
    except (ValueError, IndexError):
        return None


def _decode(field: bytes) -> str:
    return os.fsdecode(_ESCAPE.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), field))


def _visible(mounts: Sequence[Mount]) -> list[Mount]:
    """Leave out what path lookup cannot reach, from the root down.

    At each mount point only a mount that lies on everything visible above it
    is reached; of several the one stacked on the others, else the last.
    """
    by_id = {mount.mount_id: mount for mount in mounts}
    at_point: dict[str, list[Mount]] = {}
    for mount in mounts:
        at_point.setdefault(mount.mount_point, []).append(mount)
    reached: dict[str, Mount] = {}
    for point in sorted(at_point, key=lambda text: (text != "/", text.count("/"))):
        above = {reached[folder].mount_id for folder in _parents(point) if folder in reached}
        top: Mount | None = None
        for mount in at_point[point]:
            under = _ancestors(mount, by_id)
            # A table whose parents are not listed (a chroot) counts by order alone.
            on_visible = above <= under or mount.parent_id not in by_id
            if on_visible and (top is None or mount.mount_id not in _ancestors(top, by_id)):
                top = mount
        if top is not None:
            reached[point] = top
    return [mount for mount in mounts if reached.get(mount.mount_point) is mount]


def _ancestors(mount: Mount, by_id: dict[int, Mount]) -> set[int]:
    found: set[int] = set()
    parent = by_id.get(mount.parent_id)
    while parent is not None and parent.mount_id not in found:
        found.add(parent.mount_id)
        parent = by_id.get(parent.parent_id)
    return found


def _parents(point: str) -> Iterable[str]:
    while point != "/":
        point = os.path.dirname(point)
        yield point
