"""Drives that come, go, swap places, are cloned and reformatted: on real loop devices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine import clock
from engine.errors import NotFound, Refused
from engine.library import Library
from engine.names import to_blob
from engine.storage.database import execute, row, rows, scalar
from engine.volumes import places, settling, store
from engine.volumes import refresh as refreshing
from engine.volumes.monitor import refresh
from engine.volumes.places import Place, absolute, place_of, still_there

if TYPE_CHECKING:
    Mounts = Any

pytestmark = pytest.mark.mount


def volume(library: Library, volume_id: str) -> dict[str, Any]:
    found = row(library.db(), "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))
    assert found is not None
    return found


def add_copy(library: Library, place: Place, path: Path) -> int:
    """Enter a real file as a copy, the way an ingest does."""
    db, facts = library.db(), path.stat()
    execute(
        db,
        "INSERT INTO assets (size, blake3, created_at) VALUES (?, ?, ?)",
        (facts.st_size, str(path), clock.now()),
    )
    asset = scalar(db, "SELECT MAX(asset_id) FROM assets")
    execute(
        db,
        "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " VALUES (?, ?, ?, 'managed', ?, ?, ?, ?)",
        (
            asset,
            place.volume_id,
            to_blob(place.path),
            facts.st_size,
            facts.st_mtime_ns,
            clock.now(),
            clock.now(),
        ),
    )
    return int(scalar(db, "SELECT MAX(copy_id) FROM copies"))


def kinds(library: Library, volume_id: str) -> list[str]:
    return [event.kind for event in store.events(library.db(), volume_id)]


@pytest.mark.parametrize("fs", ["ext4", "xfs", "btrfs"])
def test_VO3_the_same_image_at_another_place_is_the_same_volume(
    library: Library, mounted: Mounts, fs: str
) -> None:
    db = library.db()
    image = mounted.image("day1", fs, "DAY1")
    first = mounted.mount(image, "a")
    (first / "clip.mov").write_bytes(b"x" * 1000)
    place = place_of(db, str(first / "clip.mov"))
    assert (place.path, place.mount_point, place.fs_type) == ("clip.mov", str(first), fs)
    copy = add_copy(library, place, first / "clip.mov")
    state = row(db, "SELECT * FROM copy_states WHERE copy_id = ?", (copy,))
    assert state is not None
    assert absolute(state, "clip.mov") == str(first / "clip.mov")
    seen_at = volume(library, place.volume_id)["last_seen_at"]

    mounted.unmount(first)
    assert [change.kind for change in refresh(db)] == ["offline"]
    gone = volume(library, place.volume_id)
    assert (gone["state"], gone["last_seen_at"], gone["mount_point"]) == (
        "offline",
        seen_at,
        os.fsencode(first),
    )
    assert gone["offline_since"] is not None
    state = row(db, "SELECT * FROM copy_states WHERE copy_id = ?", (copy,))
    assert state is not None
    assert state["seen_as"] == "offline"
    assert absolute(state, "clip.mov") is None
    assert places.last_known(state, "clip.mov") == str(first / "clip.mov")

    moved = mounted.folder / "elsewhere.img"
    shutil.move(image, moved)
    second = mounted.mount(moved, "b")
    changes = refresh(db)
    assert [(change.kind, change.volume_id) for change in changes] == [("online", place.volume_id)]
    assert "1 of 1 known files at their place" in changes[0].detail["evidence"]
    back = volume(library, place.volume_id)
    assert (back["state"], back["offline_since"], back["label"]) == ("online", None, "DAY1")
    state = row(db, "SELECT * FROM copy_states WHERE copy_id = ?", (copy,))
    assert state is not None
    assert absolute(state, "clip.mov") == str(second / "clip.mov")


def test_refresh_writes_nothing_when_nothing_changed(library: Library, mounted: Mounts) -> None:
    db = library.db()
    mounted.mount(mounted.image("a"), "a")
    assert {change.kind for change in refresh(db)} == {"appeared"}
    version = scalar(db, "PRAGMA data_version"), db.conn.total_changes
    for _ in range(3):
        assert refresh(db) == []
    assert (scalar(db, "PRAGMA data_version"), db.conn.total_changes) == version


def test_a_remount_of_ten_thousand_copies_changes_one_row(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("day1")
    first = mounted.mount(image, "a")
    volume_id = place_of(db, str(first)).volume_id
    moment = clock.now()
    execute(db, "INSERT INTO assets (asset_id, size, created_at) VALUES (1, 1, ?)", (moment,))
    with_names = [(volume_id, b"f%d" % number, moment, moment) for number in range(10_000)]
    db.conn.execute("BEGIN")
    db.conn.executemany(
        "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " VALUES (1, ?, ?, 'managed', 1, 1, ?, ?)",
        with_names,
    )
    db.conn.execute("COMMIT")
    mounted.unmount(first)
    refresh(db)
    mounted.mount(image, "b")
    before = db.conn.total_changes
    assert [change.kind for change in refresh(db)] == ["online"]
    assert db.conn.total_changes - before == 2  # the volume's row and its event
    assert scalar(db, "SELECT COUNT(*) FROM copy_states WHERE seen_as = 'online'") == 10_000


def test_two_drives_that_swap_mount_points_between_two_looks(library: Library, mounted: Mounts) -> None:
    db = library.db()
    one, two = mounted.image("one", "ext4", "ONE"), mounted.image("two", "ext4", "TWO")
    a, b = mounted.mount(one, "a"), mounted.mount(two, "b")
    first, second = place_of(db, str(a)).volume_id, place_of(db, str(b)).volume_id
    assert first != second
    mounted.unmount(a)
    mounted.unmount(b)
    mounted.mount(two, "a")
    mounted.mount(one, "b")
    changes = refresh(db)
    assert sorted((change.kind, change.volume_id) for change in changes) == sorted(
        [("remounted", first), ("remounted", second)]
    )
    assert volume(library, first)["mount_point"] == os.fsencode(b)
    assert volume(library, second)["mount_point"] == os.fsencode(a)
    assert place_of(db, str(a)).volume_id == second


@pytest.mark.parametrize("fs", ["ext4", "xfs", "btrfs"])
def test_two_drives_at_one_path_in_turn_even_between_two_looks(
    library: Library, mounted: Mounts, fs: str
) -> None:
    db = library.db()
    one, two = mounted.image("one", fs), mounted.image("two", fs)
    point = mounted.mount(one, "drive")
    place = place_of(db, str(point))
    assert still_there(place)
    mounted.unmount(point)
    assert not still_there(place), "an empty mount point is not the drive"
    mounted.mount(two, "drive")
    # The kernel gives the same mount id and device number again; nobody has looked in between.
    assert not still_there(place), "another drive is not the drive"
    other = place_of(db, str(point))
    assert other.volume_id != place.volume_id
    assert volume(library, place.volume_id)["state"] == "offline"
    mounted.unmount(point)
    mounted.mount(one, "drive")
    assert place_of(db, str(point)).volume_id == place.volume_id


def test_an_empty_mount_point_belongs_to_the_disk_below(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("one")
    point = mounted.mount(image, "drive")
    drive = place_of(db, str(point))
    mounted.unmount(point)
    below = place_of(db, str(point))
    assert below.volume_id != drive.volume_id
    assert below.path == str(point).lstrip("/")
    assert below.mount_point == "/"


def test_a_volume_mounted_over_an_existing_folder_is_seen(library: Library, mounted: Mounts) -> None:
    db = library.db()
    folder = mounted.point("existing")
    (folder / "old.mov").write_bytes(b"old")
    before = place_of(db, str(folder / "old.mov"))
    mounted.mount(mounted.image("one"), folder)
    assert place_of(db, str(folder)).volume_id != before.volume_id
    with pytest.raises(NotFound):
        place_of(db, str(folder / "old.mov"))


@pytest.mark.parametrize("fs", ["ext4", "btrfs"])
def test_a_clone_mounted_together_is_a_conflict_until_it_leaves(
    library: Library, mounted: Mounts, fs: str
) -> None:
    db = library.db()
    image = mounted.image("original", fs, "DAY1")
    clone = mounted.folder / "clone.img"
    shutil.copyfile(image, clone)
    a = mounted.mount(image, "a")
    original = place_of(db, str(a)).volume_id
    mounted.mount(clone, "b")
    if fs == "btrfs" and scalar_dev(a) == scalar_dev(mounted.folder / "b"):
        pytest.skip("this kernel mounts the first device again instead of the clone")
    changes = refresh(db)
    assert {change.kind for change in changes} == {"conflict"}
    states = {
        entry["volume_id"]: entry["state"] for entry in rows(db, "SELECT * FROM volumes WHERE label = 'DAY1'")
    }
    assert states[original] == "conflict"
    assert list(states.values()) == ["conflict", "conflict"], "both are shown"
    for point in ("a", "b"):
        with pytest.raises(Refused, match="claims the same identity"):
            place_of(db, str(mounted.folder / point))
    mounted.unmount(mounted.folder / "b")
    refresh(db)
    assert volume(library, original)["state"] == "online"
    assert place_of(db, str(a)).volume_id == original


def scalar_dev(path: Path) -> int:
    return os.stat(path).st_dev


def test_a_clone_in_turn_is_the_volume_that_its_content_says(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("original")
    a = mounted.mount(image, "a")
    (a / "x.mov").write_bytes(b"x" * 100)
    place = place_of(db, str(a / "x.mov"))
    add_copy(library, place, a / "x.mov")
    mounted.unmount(a)
    refresh(db)
    clone = mounted.folder / "clone.img"
    shutil.copyfile(image, clone)
    b = mounted.mount(clone, "b")
    assert place_of(db, str(b)).volume_id == place.volume_id


def test_a_clone_with_other_files_under_the_known_names_is_asked_about(
    library: Library, mounted: Mounts
) -> None:
    db = library.db()
    image = mounted.image("original")
    a = mounted.mount(image, "a")
    (a / "x.mov").write_bytes(b"x" * 100)
    place = place_of(db, str(a / "x.mov"))
    add_copy(library, place, a / "x.mov")
    mounted.unmount(a)
    refresh(db)
    b = mounted.mount(image, "b")
    (b / "x.mov").write_bytes(b"y" * 200)
    (change,) = refresh(db)
    assert (change.kind, change.volume_id) == ("conflict", place.volume_id)
    assert any("other files" in reason for reason in change.detail["evidence"])
    assert refresh(db) == [], "asked once, not at every look"
    settling.settle(db, place.volume_id, str(b))
    refresh(db)
    assert volume(library, place.volume_id)["state"] == "online"
    assert place_of(db, str(b)).volume_id == place.volume_id


def test_a_reformatted_drive_is_a_new_generation_of_its_device(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("one", "ext4", "DAY1")
    a = mounted.mount(image, "a")
    old = place_of(db, str(a)).volume_id
    mounted.unmount(a)
    mounted.format(image, "ext4", "DAY1")
    mounted.mount(image, "a")
    new = place_of(db, str(a)).volume_id
    assert new != old
    assert volume(library, old)["state"] == "offline"
    assert "reformatted" in kinds(library, old)
    assert volume(library, new)["generation"] == 2
    assert volume(library, new)["device_id"] == volume(library, old)["device_id"]
    told = [(change.volume_id, change.kind) for change in store.history(db, new)]
    assert told[0] == (old, "appeared")
    assert set(told) >= {(old, "reformatted"), (new, "appeared")}


def test_VO1_cards_of_one_label_and_size_are_two_volumes(library: Library, mounted: Mounts) -> None:
    db = library.db()
    one = mounted.mount(mounted.image("one", "ext4", "CARD"), "CARD")
    first = place_of(db, str(one)).volume_id
    two = mounted.mount(mounted.image("two", "ext4", "CARD"), "CARD 1")
    second = place_of(db, str(two)).volume_id
    assert first != second
    assert {volume(library, first)["state"], volume(library, second)["state"]} == {"online"}
    assert volume(library, first)["name"] != volume(library, second)["name"]
    assert volume(library, first)["device_id"] != volume(library, second)["device_id"]


def test_VO7_read_only_is_seen_and_so_is_its_change(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("one")
    a = mounted.mount(image, "a")
    place = place_of(db, str(a))
    assert not place.read_only
    mounted.remount(a, "ro")
    (change,) = refresh(db)
    assert change.kind == "changed"
    assert change.detail["read_only"] == [0, True]
    assert place_of(db, str(a)).read_only
    assert store.get(db, place.volume_id).read_only is True


def test_VO7_sizes_are_exact(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.folder / "fifty.img"
    with image.open("wb") as file:
        file.truncate(50 << 20)
    mounted.format(image)
    a = mounted.mount(image, "a")
    found = volume(library, place_of(db, str(a)).volume_id)
    space = os.statvfs(a)
    assert found["partition_bytes"] == 50 << 20
    assert found["size_bytes"] == space.f_blocks * space.f_frsize
    assert found["is_removable"] == 0
    assert found["is_network"] == 0
    assert found["class"] == "pool"


def test_lazy_unmount_is_offline_although_a_file_is_held(library: Library, mounted: Mounts) -> None:
    db = library.db()
    a = mounted.mount(mounted.image("one"), "a")
    (a / "held.mov").write_bytes(b"x")
    place = place_of(db, str(a / "held.mov"))
    with (a / "held.mov").open("rb"):
        mounted.unmount(a, "-l")
        assert not still_there(place)
        assert [change.kind for change in refresh(db)] == ["offline"]


def test_bind_mounts_show_one_volume_and_paths_agree(library: Library, mounted: Mounts) -> None:
    db = library.db()
    a = mounted.mount(mounted.image("one"), "a")
    (a / "footage").mkdir()
    (a / "footage" / "x.mov").write_bytes(b"x")
    direct = place_of(db, str(a / "footage" / "x.mov"))
    bound = mounted.bind(a / "footage", "bound")
    through = place_of(db, str(bound / "x.mov"))
    assert (through.volume_id, through.path) == (direct.volume_id, "footage/x.mov")
    assert through.mount_root == "/footage"
    found = volume(library, direct.volume_id)
    assert found["mount_point"] == os.fsencode(a)
    mounted.unmount(a)
    refresh(db)
    found = volume(library, direct.volume_id)
    assert found["state"] == "online"
    assert absolute(found, "footage/x.mov") == str(bound / "x.mov")
    assert absolute(found, "elsewhere.mov") is None


def test_a_subvolume_is_a_place_of_its_file_system(library: Library, mounted: Mounts) -> None:
    if shutil.which("btrfs") is None:
        pytest.skip("btrfs is not installed")
    db = library.db()
    image = mounted.image("pool", "btrfs")
    a = mounted.mount(image, "a")
    from subprocess import run

    assert run(["btrfs", "-q", "subvolume", "create", str(a / "home")], check=False).returncode == 0
    (a / "home" / "x.mov").write_bytes(b"x")
    whole = place_of(db, str(a / "home" / "x.mov"))
    mounted.unmount(a)
    b = mounted.mount(image, "b", "subvol=home")
    part = place_of(db, str(b / "x.mov"))
    assert (part.volume_id, part.path) == (whole.volume_id, "home/x.mov") == (whole.volume_id, whole.path)
    assert absolute(volume(library, part.volume_id), "home/x.mov") == str(b / "x.mov")


@pytest.mark.parametrize("name", ["My Card #1", "line\nbreak", "tab\tand\\backslash", "-rf *"])
def test_mount_points_of_every_kind(library: Library, mounted: Mounts, name: str) -> None:
    db = library.db()
    point = mounted.mount(mounted.image("one"), name)
    place = place_of(db, str(point))
    assert place.mount_point == str(point)
    assert store.find(db, str(point)).volume_id == place.volume_id


def test_a_mount_point_that_is_not_utf8(library: Library, mounted: Mounts) -> None:
    db = library.db()
    point = Path(os.fsdecode(os.fsencode(mounted.folder) + b"/\xff\xfe"))
    point.mkdir()
    mounted.mount(mounted.image("one"), point)
    place = place_of(db, str(point))
    assert os.fsencode(place.mount_point).endswith(b"\xff\xfe")
    assert store.get(db, place.volume_id).mount_point == str(point)


def test_memory_file_systems_are_volumes_when_footage_lies_on_them(library: Library, mounted: Mounts) -> None:
    db = library.db()
    ram = mounted.tmpfs("ram")
    refresh(db)
    assert scalar(db, "SELECT COUNT(*) FROM volumes WHERE mount_point = ?", (os.fsencode(ram),)) == 0
    place = place_of(db, str(ram))
    assert (place.fs_type, place.path) == ("tmpfs", "")
    assert refresh(db) == []
    assert place_of(db, str(ram)).volume_id == place.volume_id
    other = mounted.tmpfs("ram2")
    assert place_of(db, str(other)).volume_id != place.volume_id
    mounted.unmount(ram)
    assert [change.kind for change in refresh(db)] == ["offline"]
    mounted.tmpfs("ram")
    assert place_of(db, str(ram)).volume_id != place.volume_id, "its content is gone for ever"


def test_an_overlay_is_a_volume_when_footage_lies_on_it(library: Library, mounted: Mounts) -> None:
    from subprocess import run

    db = library.db()
    ram = mounted.tmpfs("ram")
    for name in ("lower", "upper", "work"):
        (ram / name).mkdir()
    merged = mounted.point("merged")
    options = f"lowerdir={ram}/lower,upperdir={ram}/upper,workdir={ram}/work"
    if run(["mount", "-t", "overlay", "-o", options, "overlay", str(merged)], check=False).returncode:
        pytest.skip("this kernel mounts no overlay on tmpfs")
    mounted.points.append(merged)
    place = place_of(db, str(merged))
    assert place.fs_type == "overlay"
    assert store.get(db, place.volume_id).volume_class == "virtual"


def test_VO2_fat_cards_with_one_label_stay_apart_by_their_short_ids(
    library: Library, mounted: Mounts
) -> None:
    from engine.volumes import superblocks

    one, two = mounted.image("one", "vfat", "CARD"), mounted.image("two", "vfat", "CARD", ("-i", "12ab34cd"))
    assert superblocks.read(str(two)) == ("12AB-34CD", "CARD")
    first = superblocks.read(str(one))
    assert first is not None
    assert first[0] != "12AB-34CD"


@pytest.mark.parametrize("fs", ["ext4", "xfs", "btrfs", "ntfs", "vfat"])
def test_super_blocks_say_what_blkid_says(mounted: Mounts, fs: str) -> None:
    from engine.volumes import superblocks

    image = mounted.image("one", fs, "LABEL 1")
    asked = superblocks.ask_blkid(str(image))
    if asked == (None, None):
        pytest.skip("blkid is not installed")
    found = superblocks.read(str(image))
    assert found is not None
    assert found[0] == asked[0]
    assert found[1] in (asked[1], None)
    assert (found[1] is None) == (fs == "ntfs")


def test_a_device_number_used_again_never_names_the_old_drive(library: Library, mounted: Mounts) -> None:
    db = library.db()
    uuids = []
    for name in ("one", "two", "three"):
        point = mounted.mount(mounted.image(name), "drive")
        uuids.append(place_of(db, str(point)).fs_uuid)
        mounted.unmount(point)
    assert len(set(uuids)) == 3


def test_many_processes_that_look_at_once_agree_on_one_row(library: Library, mounted: Mounts) -> None:
    db = library.db()
    points = [mounted.mount(mounted.image(f"d{number}", "ext4", "DAY"), f"p{number}") for number in range(3)]
    script = (
        "import sys; from engine.library import open_library; from engine.volumes.places import place_of;"
        "db = open_library(sys.argv[1]).db(); sys.stdin.readline();"
        "print(*(place_of(db, point).volume_id for point in sys.argv[2:]))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(library.root), *map(str, points)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        for _ in range(4)
    ]
    answers = [child.communicate("go\n", timeout=30)[0].split() for child in children]
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0])) == 3
    assert scalar(db, "SELECT COUNT(*) FROM volumes WHERE label = 'DAY'") == 3
    assert scalar(db, "SELECT COUNT(*) FROM volume_events WHERE kind = 'appeared'") == scalar(
        db, "SELECT COUNT(*) FROM volumes"
    )


@pytest.mark.skipif(shutil.which("ntfs-3g") is None, reason="ntfs-3g is not installed: NTFS was not mounted")
def test_a_fuse_file_system_on_a_device_is_known_by_its_super_block(
    library: Library, mounted: Mounts
) -> None:
    db = library.db()
    image = mounted.image("one", "ntfs", "DRIVE N")
    a = mounted.mount(image, "a")
    (a / "x.mov").write_bytes(b"x" * 50)
    place = place_of(db, str(a / "x.mov"))
    known = store.get(db, place.volume_id)
    assert (known.fs_type, known.label) == ("fuseblk", "DRIVE N")
    assert known.fs_uuid is not None
    assert len(known.fs_uuid) == 16
    assert (known.is_network, place.is_network) == (False, False)
    add_copy(library, place, a / "x.mov")
    mounted.unmount(a)
    refresh(db)
    b = mounted.mount(image, "b")
    assert place_of(db, str(b)).volume_id == place.volume_id
    mounted.unmount(b)
    refresh(db)
    mounted.format(image, "ntfs", "DRIVE N")
    mounted.mount(image, "b")
    again = place_of(db, str(b)).volume_id
    assert again != place.volume_id, "a short id that came again does not bring its files back"
    assert volume(library, again)["generation"] == 2


@pytest.mark.skipif(shutil.which("ntfs-3g") is None, reason="ntfs-3g is not installed: NTFS was not mounted")
def test_two_ntfs_drives_whose_ids_collide_stay_apart_by_label(library: Library, mounted: Mounts) -> None:
    db = library.db()
    one, two = mounted.image("one", "ntfs", "A"), mounted.image("two", "ntfs", "B")
    with two.open("r+b") as file:  # what equal seeds of mkfs.ntfs do: the same serial
        with one.open("rb") as other:
            other.seek(72)
            serial = other.read(8)
        file.seek(72)
        file.write(serial)
    a, b = mounted.mount(one, "a"), mounted.mount(two, "b")
    first, second = place_of(db, str(a)), place_of(db, str(b))
    assert first.fs_uuid == second.fs_uuid
    assert first.volume_id != second.volume_id
    assert store.get(db, first.volume_id).state == "online"


def test_a_clone_swapped_in_between_two_looks_is_not_the_original(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("original", "ext4", "DAY1")
    clone = mounted.folder / "clone.img"
    shutil.copyfile(image, clone)
    a, b = mounted.mount(image, "a"), mounted.mount(clone, "b")
    refresh(db)
    one, two = (
        entry["volume_id"] for entry in rows(db, "SELECT volume_id FROM volumes WHERE label = 'DAY1'")
    )
    settling.settle(db, one, str(a))
    refresh(db)
    place = place_of(db, str(a))
    mounted.unmount(b)
    mounted.unmount(a)
    mounted.mount(clone, "a")  # the same mount point, device number and fsid; nobody has looked
    assert not still_there(place)
    assert place_of(db, str(a)).volume_id == two
    assert volume(library, one)["state"] == "offline"


def test_VO11_looking_at_a_card_changes_nothing_on_it(library: Library, mounted: Mounts) -> None:
    db = library.db()
    card = mounted.mount(mounted.image("card", "ext4", "CARD"), "card", "strictatime")
    (card / "DCIM").mkdir()
    (card / "DCIM" / "x.mov").write_bytes(b"x" * 5000)
    (card / ".rushes-volume").write_text('{"id": "12345678-aaaa"}')  # copied here by somebody

    def tree() -> list[tuple[str, tuple[int, ...]]]:
        found = []
        for folder, names, files in os.walk(card):
            for name in ("", *names, *files):
                facts = os.lstat(os.path.join(folder, name))
                found.append(
                    (os.path.join(folder, name), (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size))
                )
        return found

    before = tree()
    os.sync()
    times = [os.stat(path).st_atime_ns for path in (card, card / ".rushes-volume")]
    refresh(db)
    place_of(db, str(card / "DCIM" / "x.mov"))
    refresh(db)
    assert [os.stat(path).st_atime_ns for path in (card, card / ".rushes-volume")] == times
    assert tree() == before


def volume_serial(image: Path) -> str:
    """The id that a file system in an image gives itself."""
    said = subprocess.run(
        ["blkid", "-p", "-s", "UUID", "-o", "value", image], capture_output=True, check=True
    )
    return said.stdout.decode().strip()


@pytest.mark.parametrize("fs", ["vfat", "ntfs"])
def test_a_card_formatted_anew_is_a_new_generation_of_the_same_device(
    library: Library, mounted: Mounts, fs: str
) -> None:
    if fs not in Path("/proc/filesystems").read_text() and shutil.which(f"mount.{fs}") is None:
        pytest.skip(f"{fs} cannot be mounted here: a card formatted with it was not tried")
    db = library.db()
    same = ("-i", "1234ABCD") if fs == "vfat" else ()
    image = mounted.image("card", fs, "CARD", same)
    point = mounted.mount(image, "slot")
    first = place_of(db, str(point))
    volume = store.get(db, first.volume_id)
    (point / "A001.MP4").write_bytes(b"x" * 1000)
    add_copy(library, place_of(db, str(point / "A001.MP4")), point / "A001.MP4")
    mounted.unmount(point)
    refresh(db)
    # The same label, the same size, even the same short id: only its files say that it is another one.
    mounted.format(image, fs, "CARD", same)
    mounted.mount(image, "slot")
    refresh(db)
    second = store.get(db, place_of(db, str(point)).volume_id)
    assert second.volume_id != volume.volume_id
    assert (second.device_id, second.generation) == (volume.device_id, volume.generation + 1)
    assert store.get(db, volume.volume_id).state == "offline"
    assert scalar(db, "SELECT state FROM copies") == "present"
    assert scalar(db, "SELECT seen_as FROM copy_states") == "offline"
    assert kinds(library, volume.volume_id).count("reformatted") == 1
    assert "appeared" in [event.kind for event in store.history(db, volume.volume_id)]
    # Formatted once more, now with an id of its own.
    mounted.unmount(point)
    refresh(db)
    was = volume_serial(image)
    while volume_serial(image) == was:  # ntfs draws its id from the second of the clock
        mounted.format(image, fs, "NEW")
    mounted.mount(image, "slot")
    refresh(db)
    third = store.get(db, place_of(db, str(point)).volume_id)
    assert (third.device_id, third.generation) == (volume.device_id, 3)


def test_a_look_that_was_overtaken_decides_on_what_is_true_by_then(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = library.db()
    mounted.mount(mounted.image("one", label="DAY1"), "a")
    checks = refreshing._spot_checks
    overtaken: list[str] = []

    def another_is_faster(*args: Any) -> Any:
        monkeypatch.setattr(refreshing, "_spot_checks", checks)
        overtaken.extend(change.kind for change in refresh(db))
        return checks(*args)

    monkeypatch.setattr(refreshing, "_spot_checks", another_is_faster)
    late = refresh(db)
    assert "appeared" in overtaken
    assert [change.kind for change in late if change.kind == "appeared"] == []
    assert scalar(db, "SELECT COUNT(*) FROM volumes WHERE label = 'DAY1'") == 1


def test_a_volume_cloned_to_other_hardware_lies_on_that_device(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("one", label="DAY1")
    volume_id = place_of(db, str(mounted.mount(image, "a"))).volume_id
    first = store.get(db, volume_id).device_id
    mounted.unmount(mounted.folder / "a")
    refresh(db)
    other = image.rename(mounted.folder / "other disk.img")
    assert place_of(db, str(mounted.mount(other, "b"))).volume_id == volume_id
    now = store.get(db, volume_id).device_id
    assert now != first
    assert scalar(db, "SELECT key FROM devices WHERE device_id = ?", (now,)) == f"loop:{other}"
