"""Mount tables as NAS systems have them: what is a drive for people, and what is noise."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine.volumes.classes import classify
from engine.volumes.mounts import Mount, file_systems, locate, parse

REMOVABLE = ("/dev/usb", "/dev/sdq", "/dev/sdx")
"""Nodes that these tables use for drives on a cable."""


@dataclass(frozen=True)
class Nas:
    """A table; what a person is shown, by its main mount point; where some paths lie."""

    name: str
    table: str
    shown: dict[str, str]
    lies: dict[str, str]


SYNOLOGY = Nas(
    "Synology DSM 7",
    r"""
15 1 9:0 / / rw,noatime - ext4 /dev/md0 rw,data=ordered
16 15 0:6 / /dev rw - devtmpfs none rw,size=4000000k
17 16 0:15 / /dev/pts rw - devpts none rw
18 15 0:4 / /proc rw - proc none rw
19 18 0:25 / /proc/bus/usb rw - devtmpfs none rw
20 15 0:16 / /sys rw - sysfs none rw
21 20 0:7 / /sys/kernel/debug rw - debugfs debugfs rw
22 20 0:17 / /sys/fs/cgroup ro - tmpfs tmpfs ro
23 22 0:18 / /sys/fs/cgroup/cpu rw - cgroup none rw,cpu
24 15 0:19 / /tmp rw - tmpfs none rw
25 15 0:20 / /run rw - tmpfs none rw
26 15 0:13 / /config rw - configfs none rw
27 18 0:34 / /proc/fs/nfsd rw - nfsd none rw
30 15 0:36 / /volume1 rw,nodev - btrfs /dev/mapper/cachedev_0 rw,ssd,synoacl
31 30 0:36 /@syno/@docker/btrfs /volume1/@docker/btrfs rw - btrfs /dev/mapper/cachedev_0 rw
32 30 0:52 / /volume1/secret rw - ecryptfs /volume1/@secret@ rw,ecryptfs_cipher=aes
33 15 8:65 / /volumeUSB1/usbshare rw - ufsd /dev/usb1p1 rw,nls=utf8
34 30 0:53 / /volume1/remote rw - cifs //filer/rushes rw,vers=3.0
35 30 0:54 / /volume1/@docker/aufs/mnt/ab rw - aufs none rw,si=1
36 25 0:55 / /run/docker/netns/x rw - nsfs nsfs rw
""",
    {
        "/volume1": "pool",
        "/volume1/secret": "unknown",
        "/volumeUSB1/usbshare": "removable",
        "/volume1/remote": "network",
    },
    {
        "/volume1/footage/a.mov": "/volume1",
        "/volume1/secret/a.mov": "/volume1/secret",
        "/volumeUSB1/usbshare/x": "/volumeUSB1/usbshare",
    },
)

QNAP = Nas(
    "QNAP QTS 5",
    r"""
1 1 0:2 / / rw - rootfs none rw
14 1 0:14 / / rw - tmpfs none rw,size=409600k
15 14 0:3 / /proc rw - proc proc rw
16 14 0:15 / /tmp rw - tmpfs tmpfs rw
17 14 9:9 / /mnt/HDA_ROOT rw - ext3 /dev/md9 rw,data=ordered
18 14 0:16 / /sys/fs/cgroup rw - tmpfs none rw
19 14 253:1 / /share/CACHEDEV1_DATA rw - ext4 /dev/mapper/cachedev1 rw,data=ordered
20 14 9:13 / /mnt/ext rw - ext4 /dev/md13 rw
21 14 0:17 / /mnt/snapshot/export rw - tmpfs tmpfs rw
22 19 253:1 /.qpkg/container-station/x /share/CACHEDEV1_DATA/Container rw - ext4 /dev/mapper/cachedev1 rw
23 14 8:49 / /share/external/DEV3301_1 rw - tntfs /dev/sdx1 rw
24 14 0:18 / /share/NFSv=4 rw - tmpfs none rw
25 14 0:19 / /var/lib/docker/overlay2/a/merged rw - overlay overlay rw,upperdir=/x
26 24 253:1 /Public /share/NFSv=4/Public rw - ext4 /dev/mapper/cachedev1 rw
""",
    {"/share/CACHEDEV1_DATA": "pool", "/mnt/ext": "pool", "/share/external/DEV3301_1": "removable"},
    {
        "/share/NFSv=4/Public/a.mov": "/share/NFSv=4/Public",
        "/share/CACHEDEV1_DATA/Public/a.mov": "/share/CACHEDEV1_DATA",
    },
)

TRUENAS = Nas(
    "TrueNAS SCALE",
    r"""
23 1 0:22 / / ro - zfs boot-pool/ROOT/24.10.0 ro,xattr,posixacl
24 23 0:23 / /sys rw - sysfs sysfs rw
25 23 0:24 / /run rw - tmpfs tmpfs rw
26 23 0:25 / /audit rw - zfs boot-pool/ROOT/24.10.0/audit rw
27 23 0:26 / /conf ro - zfs boot-pool/ROOT/24.10.0/conf ro
28 23 0:27 / /data rw - zfs boot-pool/ROOT/24.10.0/data rw
29 23 0:28 / /mnt rw - zfs boot-pool/ROOT/24.10.0/mnt rw
30 23 0:29 / /home rw - zfs boot-pool/ROOT/24.10.0/home rw
31 23 0:30 / /var/log rw - zfs boot-pool/ROOT/24.10.0/var/log rw
32 23 0:31 / /boot/grub rw - zfs boot-pool/grub rw
33 29 0:40 / /mnt/tank rw,noatime - zfs tank rw,xattr,nfs4acl
34 33 0:41 / /mnt/tank/footage rw,noatime - zfs tank/footage rw
35 34 0:60 / /mnt/tank/footage/.zfs/snapshot/auto-2026-11-20 ro - zfs tank/footage@auto-2026-11-20 ro
36 23 0:42 / /var/db/system rw - zfs tank/.system rw
37 36 0:43 / /var/db/system/cores rw - zfs tank/.system/cores rw
38 29 0:44 / /mnt/.ix-apps rw - zfs tank/ix-apps rw
39 38 0:45 / /mnt/.ix-apps/docker rw - zfs tank/ix-apps/docker rw
40 25 0:46 / /run/rpc_pipefs rw - rpc_pipefs sunrpc rw
""",
    {"/mnt/tank": "pool", "/mnt/tank/footage": "pool"},
    {
        "/mnt/tank/footage/day 1/a.mov": "/mnt/tank/footage",
        "/mnt/tank/other/a.mov": "/mnt/tank",
        "/home/x": "/home",
    },
)

UNRAID = Nas(
    "Unraid 7",
    r"""
1 1 0:2 / / rw - rootfs rootfs rw
17 1 0:18 / /proc rw - proc proc rw
18 1 8:1 / /boot rw,nosuid - vfat /dev/sda1 rw,shortname=mixed
19 1 7:0 / /lib ro - squashfs /dev/loop0 ro
20 1 0:30 / /usr rw - overlay overlay rw,lowerdir=/usr,upperdir=/var/local/overlay/usr
21 1 0:31 / /mnt rw - tmpfs tmpfs rw,size=1024k
22 21 0:32 / /mnt/disks rw - tmpfs tmpfs rw
23 21 9:1 / /mnt/disk1 rw,noatime - xfs /dev/md1p1 rw
24 21 0:33 / /mnt/cache rw - btrfs /dev/nvme0n1p1 rw
25 21 0:34 / /mnt/user0 rw - fuse.shfs shfs rw,user_id=0,allow_other
26 21 0:35 / /mnt/user rw - fuse.shfs shfs rw,user_id=0,allow_other
27 1 0:36 / /var/lib/docker rw - btrfs /dev/loop2 rw
28 1 0:37 / /etc/libvirt rw - btrfs /dev/loop3 rw
29 22 8:81 / /mnt/disks/CARD ro - fuseblk /dev/sdx1 ro,user_id=0
30 21 0:38 / /mnt/remotes rw - tmpfs tmpfs rw
31 30 0:39 / /mnt/remotes/FILER_rushes rw - cifs //FILER/rushes rw
""",
    {
        "/mnt/disk1": "pool",
        "/mnt/cache": "pool",
        "/mnt/user": "pool",
        "/mnt/user0": "pool",
        "/mnt/disks/CARD": "removable",
        "/mnt/remotes/FILER_rushes": "network",
    },
    {"/mnt/user/footage/a.mov": "/mnt/user", "/mnt/disks/CARD/DCIM": "/mnt/disks/CARD"},
)

OPENMEDIAVAULT = Nas(
    "OpenMediaVault 7",
    r"""
22 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw,errors=remount-ro
23 22 0:21 / /sys rw - sysfs sysfs rw
24 22 0:5 / /dev rw - devtmpfs udev rw
25 24 0:24 / /dev/shm rw - tmpfs tmpfs rw
26 22 8:1 / /boot/efi rw - vfat /dev/sda1 rw
27 22 0:35 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw,direct
28 22 9:127 / /srv/dev-disk-by-uuid-0a1b rw - ext4 /dev/md127 rw,jqfmt=vfsv0
29 22 8:33 / /srv/dev-disk-by-uuid-2c3d rw - xfs /dev/sdc1 rw
30 22 0:47 / /srv/mergerfs/pool rw - fuse.mergerfs pool:4f5e rw,user_id=0
31 22 0:47 /footage /export/footage rw - fuse.mergerfs pool:4f5e rw,user_id=0
32 22 0:48 / /var/folder2ram/var/log rw - tmpfs folder2ram rw
33 22 0:49 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw
34 22 0:50 / /srv/remotemount/nas rw - fuse.rclone nas:rushes rw
35 22 0:51 / /media/auto rw - autofs /etc/auto.nas rw,indirect
36 35 0:52 / /media/auto/b rw - nfs4 filer:/b rw,vers=4.2
""",
    {
        "/srv/dev-disk-by-uuid-0a1b": "pool",
        "/srv/dev-disk-by-uuid-2c3d": "pool",
        "/srv/mergerfs/pool": "pool",
        "/srv/remotemount/nas": "network",
        "/media/auto/b": "network",
    },
    {
        "/export/footage/a.mov": "/export/footage",
        "/srv/mergerfs/pool/footage/a.mov": "/srv/mergerfs/pool",
        "/media/auto/b/x": "/media/auto/b",
        "/media/auto/never": "/media/auto",
    },
)

PROXMOX = Nas(
    "Proxmox VE 8",
    r"""
28 1 0:25 / / rw - zfs rpool/ROOT/pve-1 rw,xattr
29 28 0:22 / /proc rw - proc proc rw
30 28 0:26 / /rpool rw - zfs rpool rw
31 30 0:27 / /rpool/ROOT rw - zfs rpool/ROOT rw
32 30 0:28 / /rpool/data rw - zfs rpool/data rw
33 28 0:29 / /var/lib/vz rw - zfs rpool/var-lib-vz rw
34 28 0:30 / /etc/pve rw - fuse /dev/fuse rw,user_id=0,default_permissions,allow_other
35 28 0:31 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw
36 28 0:32 / /run/user/0 rw - tmpfs tmpfs rw
37 28 252:5 / /mnt/lv rw - ext4 /dev/mapper/pve-footage rw
38 28 252:9 / /mnt/crypt rw - xfs /dev/mapper/crypt-shuttle rw
39 28 0:33 / /mnt/pve/share rw - nfs4 filer:/export rw
40 28 0:34 / /mnt/ceph rw - fuse.ceph-fuse ceph-fuse rw
41 28 0:35 / /mnt/vm rw - virtiofs footage rw
""",
    {
        "/rpool": "pool",
        "/rpool/data": "pool",
        "/var/lib/vz": "pool",
        "/mnt/lv": "pool",
        "/mnt/crypt": "pool",
        "/mnt/pve/share": "network",
        "/mnt/ceph": "network",
        "/mnt/vm": "unknown",
    },
    {"/rpool/data/x": "/rpool/data", "/mnt/crypt/x": "/mnt/crypt"},
)

DOCKER = Nas(
    "rushes in a container",
    r"""
500 400 0:80 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/u
501 500 0:81 / /proc rw - proc proc rw
502 500 0:82 / /dev rw - tmpfs tmpfs rw
503 500 8:17 /footage /footage rw - ext4 /dev/sdb1 rw
504 500 8:17 /docker/containers/ab/hosts /etc/hosts rw - ext4 /dev/sdb1 rw
505 500 8:17 /docker/containers/ab/resolv.conf /etc/resolv.conf rw - ext4 /dev/sdb1 rw
506 500 8:33 /docker/secret /etc/secret rw - ext4 /dev/sdc1 rw
""",
    {"/footage": "pool"},
    {"/footage/a.mov": "/footage", "/etc/hosts": "/etc/hosts"},
)


def groups(nas: Nas) -> dict[str, str]:
    """Main mount point -> class, of what is listed to people."""
    found: dict[str, str] = {}
    for group in file_systems(mount for mount in parse(nas.table) if not mount.is_pseudo):
        main = group[0]
        kind = classify(
            main,
            [mount.mount_point for mount in group],
            is_removable=removable(main),
            has_device=main.source.startswith("/dev/") and main.fs_type != "fuse",
        )
        if kind not in ("system", "virtual"):
            found[main.mount_point] = kind
    return found


def removable(mount: Mount) -> bool | None:
    if mount.source.startswith("/dev/") and mount.fs_type != "fuse":
        return mount.source.startswith(REMOVABLE)
    return False if mount.is_network or mount.is_virtual else None


@pytest.mark.parametrize(
    "nas", [SYNOLOGY, QNAP, TRUENAS, UNRAID, OPENMEDIAVAULT, PROXMOX, DOCKER], ids=lambda nas: nas.name
)
def test_drives_are_shown_and_noise_is_not(nas: Nas) -> None:
    assert groups(nas) == nas.shown
    table = parse(nas.table)
    for path, point in nas.lies.items():
        mount = locate(table, path)
        assert mount is not None
        assert mount.mount_point == point


def test_what_a_type_does_not_tell_is_unknown() -> None:
    told = {
        mount.mount_point: mount.is_network for nas in (UNRAID, OPENMEDIAVAULT) for mount in parse(nas.table)
    }
    assert told["/mnt/user"] is None
    assert told["/srv/mergerfs/pool"] is None
    assert told["/mnt/disks/CARD"] is False
    assert told["/srv/remotemount/nas"] is True


def test_a_snapshot_of_a_data_set_shows_a_moment_and_is_no_drive() -> None:
    by_point = {mount.mount_point: mount for mount in parse(TRUENAS.table)}
    assert by_point["/mnt/tank/footage/.zfs/snapshot/auto-2026-11-20"].is_virtual
    assert not by_point["/mnt/tank/footage"].is_virtual
    (odd,) = parse("20 1 8:1 / /m rw - ext4 label@host rw\n")
    assert not odd.is_virtual
