"""A pool and its branches show one file twice: it counts once, on one device, wherever copies are counted."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.api import volumes as api
from engine.errors import Refused
from engine.files import duplicates, trash
from engine.ingest.planning.plan import plan
from engine.ingest.proving.check import check_card, may_show
from engine.library import Library
from engine.relink import whereis
from engine.relink.sweep import sweep
from engine.relink.whereis import Policy
from engine.reports import policy
from engine.storage import holdings, pools
from engine.storage.database import rows, scalar
from engine.storage.rebuilding import rebuild
from engine.volumes import eject, store
from engine.volumes.mounts import Mount, parse
from engine.volumes.pools import Shown, folders, merged, shadows
from engine.volumes.refresh import refresh
from tests.engine.relink.conftest import World
from tests.engine.volumes.conftest import Mounts

TWO = Policy(2, 2)


def only(line: str) -> Mount:
    (mount,) = parse(line)
    return mount


UNRAID = parse(
    "1 0 8:1 / / rw - tmpfs rootfs rw\n"
    "2 1 9:1 / /mnt/disk1 rw - xfs /dev/md1p1 rw\n"
    "3 1 9:2 / /mnt/disk2 rw - btrfs /dev/md2p1 rw\n"
    "4 1 8:17 / /mnt/cache rw - btrfs /dev/nvme0n1p1 rw\n"
    "5 1 0:50 / /mnt/user rw - fuse.shfs shfs rw\n"
    "6 1 0:51 / /mnt/user0 rw - fuse.shfs shfs rw\n"
    "7 1 8:33 / /mnt/disks/CARD rw - exfat /dev/sdb1 rw\n"
    "8 1 0:60 / /mnt/remote rw - nfs nas:/x rw\n"
)


@pytest.mark.parametrize(
    ("line", "told", "shown"),
    [
        ("1 0 0:1 / /p rw - fuse.mergerfs 1:2 rw", ("/a", "/b"), ("/a", "/b")),
        ("1 0 0:1 / /p rw - fuse.mergerfs /a:/b rw", (), ("/a", "/b")),
        ("1 0 0:1 / /p rw - fuse.mergerfs 1:2 rw", (), ()),
        ("1 0 0:1 / /p rw - fuse.unionfs unionfs rw", (), ()),
        ("1 0 0:1 / /p rw - fuse.mhddfs /a;/b rw", (), ("/a", "/b")),
        ("1 0 0:1 / /p rw - fuse /srv/My\\040Disk rw", (), ("/srv/My Disk",)),
        ("1 0 0:1 / /p rw - fuse.gocryptfs /srv/a:b rw", (), ("/srv/a:b",)),
        ("1 0 0:1 / /p rw - fuse.cryfs cryfs@/srv/a rw", (), ("/srv/a",)),
        ("1 0 0:1 / /p rw - overlay o lowerdir=/l1:/l2,upperdir=/u,workdir=/w", (), ("/l1", "/l2", "/u")),
        ("1 0 0:1 / /p rw - fuseblk /dev/sda1 rw", (), None),
        ("1 0 0:1 / /p rw - fuse /dev/loop1 rw", (), None),
        ("1 0 0:1 / /p rw - fuse.sshfs nas:/srv rw", (), None),
        ("1 0 0:1 / /p rw - fuse.hang hang rw", (), None),
        ("1 0 8:1 / /p rw - ext4 /dev/sda1 rw", (), None),
    ],
)  # fmt: skip
def test_which_folders_a_mount_shows(line: str, told: tuple[str, ...], shown: tuple[str, ...] | None) -> None:
    mount = only(line)
    assert folders(mount, [mount], told) == shown


def test_user_shares_of_unraid_show_its_disks_and_pools() -> None:
    by_point = {mount.mount_point: mount for mount in UNRAID}
    assert folders(by_point["/mnt/user"], UNRAID) == ("/mnt/disk1", "/mnt/disk2", "/mnt/cache")
    assert folders(by_point["/mnt/user0"], UNRAID) == ("/mnt/disk1", "/mnt/disk2")
    assert folders(by_point["/mnt/disk1"], UNRAID) is None


def test_a_view_counts_beside_no_volume_on_a_disk_of_its_branches() -> None:
    one, two = Shown("one", "disk1"), Shown("two", "disk2")
    beside, apart = Shown("beside", "disk2"), Shown("apart", "usb")
    pool = Shown("pool", "own", frozenset({"one", "two"}))
    disks_only = Shown("array", "own2", frozenset({"two"}))
    found = shadows([one, two, beside, apart, pool, disks_only])
    assert found == {
        ("pool", "one"), ("pool", "two"), ("pool", "beside"), ("pool", "array"),
        ("array", "two"), ("array", "beside"),
    }  # fmt: skip
    nested = shadows([one, pool, Shown("zz", "own3", frozenset({"pool"}))])
    assert nested == {("pool", "one"), ("zz", "one"), ("zz", "pool")}
    itself = Shown("a", "own", frozenset({"b"})), Shown("b", "own", frozenset({"a"}))
    assert shadows(itself) == frozenset(), "what shows only itself has no home"


def test_branches_that_are_not_told_may_be_any_fixed_disk() -> None:
    fixed, usb = Shown("one", "disk1", is_fixed=True), Shown("usb", "usb")
    untold = Shown("pool", "own", frozenset(), any_fixed=True, is_fixed=True)
    assert shadows([fixed, usb, untold]) == {("pool", "one")}
    assert shadows([fixed, usb, Shown("pool", "own", frozenset())]) == frozenset()


def test_a_branch_that_is_away_stays_known() -> None:
    at = {"/a": "one", "/b": "two"}
    first = merged(("/a", "/b"), None, at.get)
    assert first == (("/a", "one"), ("/b", "two"))
    away = merged(("/a", "/b"), json.dumps(first), {"/a": "one", "/b": "root"}.get)
    assert away == (("/a", "one"), ("/b", "root"), ("/b", "two"))
    assert merged(("/a",), json.dumps(away), at.get) == (("/a", "one"),), "taken out of the pool"
    assert merged((), None, at.get) == (("", ""),)


def test_of_a_content_the_copies_that_count() -> None:
    known = {"pool": frozenset({"one", "two"})}
    assert pools.counted(["pool", "usb"], known) == ["pool", "usb"]
    assert pools.counted(["pool", "pool", "one", "usb"], known) == ["one", "usb"]
    assert pools.may_be_one("one", "pool", known)
    assert pools.may_be_one("pool", "one", known)
    assert not pools.may_be_one("one", "two", known)


@pytest.mark.parametrize(
    ("folder", "path", "shown"),
    [
        ("in/CARD", "in/CARD/a.mov", True),  # the pool shows the root of the disk
        ("data/in/CARD", "in/CARD/a.mov", True),  # the pool shows "data" of it
        ("in/CARD", "data/in/CARD/a.mov", True),  # the card is on the pool, the copy on its disk
        ("in/CARD", "footage/day1/a.mov", False),
        ("in/CARD", "in/CARD2/a.mov", False),
    ],
)
def test_whether_a_pool_may_show_the_files_of_a_card(folder: str, path: str, shown: bool) -> None:
    assert may_show(folder, path) is shown


class Pool:
    """Two disks, a pool of both, another disk; a file on the first disk, recorded there and on the pool."""

    def __init__(self, library: Library, mounted: Mounts) -> None:
        self.world = World(library, mounted.folder)
        self.one = mounted.mount(mounted.image("one", label="ONE"), "disk1")
        self.two = mounted.mount(mounted.image("two", label="TWO"), "disk2")
        self.usb = mounted.mount(mounted.image("usb", label="USB"), "usb")
        self.point = mounted.union("pool", self.one, self.two)
        self.path = self.world.file(self.one, "day1/C0001.MP4")
        self.on_disk = self.world.catalogue(self.path)
        self.on_pool = self.world.catalogue(str(self.point / "day1/C0001.MP4"))

    def id_of(self, folder: Path) -> str:
        return self.world.volume_at(folder)

    def counts(self) -> tuple[int, int]:
        db = self.world.db
        found = rows(db, "SELECT verified, devices FROM asset_safety")
        assert len(found) == 1
        stored = found[0]["verified"], found[0]["devices"]
        (place,) = whereis.where_is(db, str(self.path), TWO)
        assert (place.verified, place.devices) == stored
        assert sum(copy.counts for copy in place.copies) == stored[0]
        asset = int(scalar(db, "SELECT asset_id FROM assets"))
        kept = policy.kept(db, [asset])[asset]
        assert (kept.copies, kept.devices) == stored
        here = holdings.volumes(db)
        held = [str(entry["holds"]) for entry in rows(db, "SELECT holds FROM clip_sets WHERE clips > 0")]
        assert [holdings.safety(holdings.parts(word), here) for word in held] == [stored]
        return stored

    def at_risk(self) -> int:
        return len(whereis.at_risk(self.world.db, TWO))


@pytest.fixture
def pool(library: Library, mounted: Mounts) -> Pool:
    return Pool(library, mounted)


@pytest.mark.mount
def test_a_file_on_a_pool_and_on_its_branch_is_one_copy(pool: Pool) -> None:
    db = pool.world.db
    assert pool.counts() == (1, 1)
    assert pool.at_risk() == 1
    assert scalar(db, "SELECT count(*) FROM asset_twice") == 0
    asset = int(scalar(db, "SELECT asset_id FROM assets"))
    assert [lying.copy_id for lying in duplicates.files_of(db, asset)] == [pool.on_disk]
    assert [only.asset_id for only in whereis.only_on(db, pool.id_of(pool.one))] == [asset]
    assert whereis.only_on(db, pool.id_of(pool.point)) == []

    shutil.copy2(pool.path, pool.usb / "C0001.MP4")
    pool.world.catalogue(str(pool.usb / "C0001.MP4"))
    assert pool.counts() == (2, 2)
    assert pool.at_risk() == 0
    assert rebuild(db) == 0
    assert pool.counts() == (2, 2), "counted anew it is the same"


@pytest.mark.mount
def test_a_pool_that_is_recognised_later_takes_back_what_was_counted(pool: Pool) -> None:
    db = pool.world.db
    db.execute("DELETE FROM volume_shadows")
    db.execute("UPDATE volumes SET view_of = NULL")
    assert scalar(db, "SELECT verified FROM asset_safety") == 2
    assert scalar(db, "SELECT files FROM asset_twice") == 2
    refresh(db)
    assert pool.counts() == (1, 1)
    assert scalar(db, "SELECT count(*) FROM asset_twice") == 0


@pytest.mark.mount
def test_a_pool_is_told_as_one_on_screen_and_by_command(pool: Pool, library: Library) -> None:
    told = api.show(library, str(pool.point))
    assert told["class"] == "pool"
    assert told["shows_files_of"] == ["ONE", "TWO"]
    assert api.show(library, str(pool.one))["shows_files_of"] is None


@pytest.mark.mount
def test_the_file_that_a_pool_shows_is_not_trashed_for_a_copy_of_its_own(pool: Pool) -> None:
    for path in (pool.path, str(pool.point / "day1/C0001.MP4")):
        found = trash.preview(pool.world.db, [path])
        assert found.going == ()
        assert "is the last verified copy of its content" in found.refused[0]


@pytest.mark.mount
def test_a_card_is_not_safe_by_one_file_that_shows_twice(pool: Pool, library: Library) -> None:
    card = pool.world.root / "card"
    card.mkdir()
    shutil.copy2(pool.path, card / "C0001.MP4")
    verdict = check_card(library, str(card))
    assert not verdict.safe_to_format
    assert [entry.reason for entry in verdict.blocking] == ["1 of 2 verified copies (ONE)"]
    shutil.copy2(pool.path, pool.usb / "C0001.MP4")
    pool.world.catalogue(str(pool.usb / "C0001.MP4"))
    assert check_card(library, str(card)).safe_to_format


@pytest.mark.mount
def test_a_pool_and_its_branch_are_not_two_destinations(pool: Pool, library: Library, tmp_path: Path) -> None:
    card = tmp_path / "card"
    pool.world.file(card, "A001.MP4")
    with pytest.raises(Refused) as refused:
        plan(library, [str(card)], [str(pool.point / "in"), str(pool.two / "in")])
    assert f"{pool.point}/in and {pool.two}/in may be one folder: pool shows the files of TWO." in str(
        refused.value
    )
    plan(library, [str(card)], [str(pool.two / "in"), str(pool.usb / "in")])


@pytest.mark.mount
def test_a_card_is_not_copied_onto_itself_by_way_of_a_pool(pool: Pool, library: Library) -> None:
    for source, target in ((pool.one / "day1", pool.point), (pool.point / "day1", pool.one)):
        with pytest.raises(Refused, match="hold each other's files: one of them is on a pool"):
            plan(library, [str(source)], [str(target)])
    plan(library, [str(pool.one / "day1")], [str(pool.point / "day2")])


@pytest.mark.mount
def test_a_disk_of_a_pool_is_not_ejected_below_it(pool: Pool) -> None:
    why = f"pool at {pool.point} shows its files; unmount that one first."
    assert why in eject.held_by(pool.world.db, str(pool.two))
    with pytest.raises(Refused, match="TWO was not ejected: pool at"):
        eject.eject(pool.world.db, str(pool.two))
    assert store.find(pool.world.db, str(pool.two)).state == "online"


@pytest.mark.mount
def test_what_a_pool_does_not_show_without_a_disk_is_not_missing(pool: Pool, mounted: Mounts) -> None:
    view = pool.id_of(pool.point)
    pool.world.file(pool.two, "notes.txt")
    mounted.unmount(pool.one, "-l")
    refresh(pool.world.db)
    assert pool.counts() == (1, 1), "a disk that is away is still the one that the pool showed"
    swept = sweep(pool.world.library, view)
    assert (swept.missing, swept.unknown) == (0, 1)
    assert swept.warnings[0].startswith("pool is here without ONE, whose files it shows. Nothing was marked")
    mounted.mount(pool.world.root / "one.img", pool.one)
    refresh(pool.world.db)
    Path(pool.path).unlink()
    assert sweep(pool.world.library, view).missing == 1


@pytest.mark.mount
def test_a_pool_that_got_another_disk_is_the_same_pool(pool: Pool, mounted: Mounts) -> None:
    for number in range(2, 8):
        pool.world.file(pool.one, f"day1/C{number}.MP4")
        pool.world.catalogue(str(pool.point / f"day1/C{number}.MP4"))
    was = pool.id_of(pool.point)
    server = mounted.servers[-1]
    server.kill()
    server.wait(10)
    assert server.stdout is not None
    server.stdout.close()
    mounted.servers.pop()
    mounted.unmount(pool.point, "-l")
    refresh(pool.world.db)
    assert store.get(pool.world.db, was).state == "offline"
    mounted.union("elsewhere", pool.one, pool.two, pool.usb, source="1:2:3")
    refresh(pool.world.db)
    assert store.get(pool.world.db, was).state == "online"
    held = json.loads(str(scalar(pool.world.db, "SELECT view_of FROM volumes WHERE volume_id = ?", (was,))))
    assert [folder for folder, _ in held] == sorted(map(str, (pool.one, pool.two, pool.usb)))


@pytest.mark.mount
@pytest.mark.parametrize("program", ["mergerfs", "bindfs"])
def test_the_real_programs_are_recognised(program: str, library: Library, mounted: Mounts) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: only a pool of our own was tried")
    world = World(library, mounted.folder)
    one = mounted.mount(mounted.image("one", label="ONE"), "one")
    point = mounted.point("view")
    subprocess.run([program, str(one), str(point)], check=True, timeout=20)
    mounted.points.append(point)
    world.catalogue(world.file(one, "C0001.MP4"))
    world.catalogue(str(point / "C0001.MP4"))
    assert scalar(world.db, "SELECT verified FROM asset_safety") == 1
    told = api.show(library, str(point))
    assert (told["name"], told["label"], told["fs_uuid"]) == ("view", None, None), "not those of a branch"
    assert told["shows_files_of"] == ["ONE"]
