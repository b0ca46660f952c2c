"""The mount table: escapes, stacked and hidden mounts, the longest prefix, groups of one file system."""

from __future__ import annotations

import os

import pytest

from engine.volumes import mounts
from engine.volumes.classes import classify
from engine.volumes.mounts import file_systems, locate, parse

TABLE = r"""
20 1 254:0 / / rw,relatime - ext4 /dev/vda rw
21 20 0:21 / /proc rw - proc proc rw
30 20 0:40 / /mnt rw - tmpfs tmpfs rw
31 30 8:17 / /mnt/card rw,nosuid - vfat /dev/sdb1 rw,fmask=0022
32 30 8:33 / /mnt/My\040Card\040\0431\011\012\134x ro,nosuid master:1 shared:7 - exfat /dev/sdc1 rw
33 20 0:50 / /srv/nas rw - nfs4 server:/export rw,vers=4.2
34 20 0:51 /@home /home rw - btrfs /dev/sdd1 rw,subvol=/@home
35 20 0:51 /@ /pool rw - btrfs /dev/sdd1 rw,subvol=/@
36 20 254:0 /var/footage /footage rw - ext4 /dev/vda rw
37 20 0:60 / /mnt2 rw - fuse.sshfs ana@host:/x rw
38 20 0:61 / /other rw - fuse.unheard thing rw
"""


def at(path: str) -> mounts.Mount:
    found = locate(parse(TABLE), path)
    assert found is not None
    return found


def test_VO4_the_longest_mount_point_wins_in_whole_components() -> None:
    assert at("/mnt/card/DCIM/x.mov").mount_id == 31
    assert at("/mnt/card").mount_id == 31
    assert at("/mnt/cardboard/x").mount_id == 30
    assert at("/mnt").mount_id == 30
    assert at("/mnt2/x").mount_id == 37
    assert at("/mntx").mount_id == 20
    assert at("/").mount_id == 20


def test_VO5_octal_escapes_are_undone() -> None:
    mount = at("/mnt/My Card #1\t\n\\x/a")
    assert mount.mount_id == 32
    assert mount.mount_point == "/mnt/My Card #1\t\n\\x"
    assert mount.fs_type == "exfat"
    assert mount.read_only
    assert mount.device == "8:33"


def test_names_that_are_not_utf8_survive() -> None:
    (mount,) = parse(b"20 1 8:1 / /mnt/\xff\\040x rw - ext4 /dev/sda1 rw\n")
    assert os.fsencode(mount.mount_point) == b"/mnt/\xff x"


def test_read_only_by_super_block() -> None:
    (mount,) = parse("20 1 8:1 / /m rw - ext4 /dev/sda1 ro\n")
    assert mount.read_only


@pytest.mark.parametrize(
    ("path", "answer"), [("/srv/nas/x", True), ("/mnt2/x", True), ("/home/x", False), ("/other/x", None)]
)
def test_VO6_network_is_yes_no_or_unknown(path: str, answer: bool | None) -> None:
    assert at(path).is_network is answer


def test_of_two_lines_with_one_mount_point_the_last_wins() -> None:
    table = parse(
        "20 1 8:1 / / rw - ext4 a rw\n30 20 8:2 / /m rw - ext4 b rw\n31 30 8:3 / /m rw - ext4 c rw\n"
    )
    assert [mount.mount_id for mount in table] == [20, 31]
    siblings = parse(
        "20 1 8:1 / / rw - ext4 a rw\n31 20 8:3 / /m rw - ext4 c rw\n30 20 8:2 / /m rw - ext4 b rw\n"
    )
    found = locate(siblings, "/m/x")
    assert found is not None
    assert found.mount_id == 30


def test_a_stack_in_any_order_of_lines_is_topped_by_what_lies_on_it() -> None:
    table = parse(
        "20 1 8:1 / / rw - ext4 a rw\n31 30 8:3 / /m rw - ext4 c rw\n30 20 8:2 / /m rw - ext4 b rw\n"
    )
    assert [mount.mount_id for mount in table] == [20, 31]


def test_a_mount_over_a_parent_hides_what_was_mounted_below_before() -> None:
    hidden = (
        "20 1 8:1 / / rw - ext4 a rw\n30 20 8:2 / /m/card rw - ext4 b rw\n31 20 8:3 / /m rw - ext4 c rw\n"
    )
    found = locate(parse(hidden), "/m/card/x")
    assert found is not None
    assert found.mount_id == 31
    again = hidden + "32 31 8:4 / /m/card rw - ext4 d rw\n"
    found = locate(parse(again), "/m/card/x")
    assert found is not None
    assert found.mount_id == 32


def test_children_of_a_stacked_mount_stay_visible() -> None:
    table = parse(
        "20 1 8:1 / / rw - ext4 a rw\n30 20 8:2 / /m rw - ext4 b rw\n31 30 8:3 / /m rw - ext4 c rw\n"
        "32 31 8:4 / /m/x rw - ext4 d rw\n33 30 8:5 / /m/y rw - ext4 e rw\n"
    )
    assert [mount.mount_id for mount in table] == [20, 31, 32]


def test_relative_paths_start_at_the_root_of_the_file_system() -> None:
    assert at("/footage/day1/a.mov").relative("/footage/day1/a.mov") == "var/footage/day1/a.mov"
    assert at("/home/ana/x").relative("/home/ana/x") == "@home/ana/x"
    assert at("/mnt/card/DCIM").relative("/mnt/card/DCIM") == "DCIM"
    assert at("/mnt/card").relative("/mnt/card") == ""
    assert at("/etc/fstab").relative("/etc/fstab") == "etc/fstab"


def test_bind_mounts_and_subvolumes_are_places_of_one_file_system() -> None:
    groups = {group[0].device: [mount.mount_id for mount in group] for group in file_systems(parse(TABLE))}
    assert groups["254:0"] == [20, 36]
    assert groups["0:51"] == [34, 35]


def test_a_share_mounted_twice_is_one_file_system() -> None:
    table = parse("33 20 0:50 / /a rw - cifs //nas/x rw\n34 20 0:52 / /b rw - cifs //nas/x rw\n")
    assert [[mount.mount_id for mount in group] for group in file_systems(table)] == [[33, 34]]


def test_lines_of_another_form_are_left_out() -> None:
    assert parse("nonsense\n\n20 1 8:1\n20 1 x:y / / rw - ext4 a rw\n") == ()


def test_an_overlay_names_its_upper_folder() -> None:
    (mount,) = parse("20 1 0:9 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/u/1,workdir=/w\n")
    assert mount.upper_folder == "/u/1"
    assert mount.is_virtual
    assert not mount.is_pseudo


def test_the_table_of_this_process_has_a_root() -> None:
    found = locate(mounts.read(), "/")
    assert found is not None
    assert found.mount_point == "/"


@pytest.mark.parametrize(
    ("fs_type", "point", "kind"),
    [
        ("squashfs", "/snap/core22/1", "virtual"),
        ("fuse.snapfuse", "/snap/core22/1", "virtual"),
        ("overlay", "/var/lib/docker/overlay2/ab/merged", "virtual"),
        ("ext4", "/var/lib/docker/volumes/x/_data", "system"),
        ("zfs", "/var/lib/docker/zfs/graph/ab", "system"),
        ("nfs4", "/var/lib/kubelet/pods/1/volumes/x", "system"),
        ("vfat", "/boot/efi", "system"),
        ("cgroup2", "/sys/fs/cgroup", "pseudo"),
        ("fuse.portal", "/run/user/1000/doc", "pseudo"),
        ("nsfs", "/run/docker/netns/default", "pseudo"),
    ],
)
def test_noise_is_no_drive_of_anybody(fs_type: str, point: str, kind: str) -> None:
    mount = mounts.Mount(1, 0, 8, 1, "/", point, frozenset(), fs_type, "x", frozenset())
    if kind == "pseudo":
        assert mount.is_pseudo
        return
    assert not mount.is_pseudo
    found = classify(mount, [point], is_removable=False, has_device=True)
    assert found == kind


def test_a_drive_that_a_container_shows_too_is_still_a_drive() -> None:
    points = ["/mnt/nas", "/var/lib/docker/volumes/x/_data"]
    mount = mounts.Mount(1, 0, 8, 1, "/", points[0], frozenset(), "ext4", "x", frozenset())
    assert classify(mount, points, is_removable=False, has_device=True) == "pool"
