"""What an operator does to a volume: list, find, track, rename, settle, eject, measure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine import clock
from engine.api.rows import Filter
from engine.api.views.volumes import Volumes
from engine.errors import NotFound, Refused, RushesError, WrongUse
from engine.jobs import store as jobs
from engine.jobs.context import JobCancelled, JobContext
from engine.library import Library
from engine.storage.database import execute, row, rows, scalar
from engine.volumes import eject, settling, speed, store
from engine.volumes.marking import mark
from engine.volumes.monitor import refresh
from engine.volumes.places import place_of
from engine.volumes.stand_ins import make_stand_in

if TYPE_CHECKING:
    Mounts = Any


@pytest.fixture
def drive(library: Library, tmp_path: Path) -> str:
    (tmp_path / "drives" / "A").mkdir(parents=True)
    return make_stand_in(library.db(), str(tmp_path / "drives" / "A"), "Drive A")


def test_found_by_id_prefix_name_and_mount_point(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    for given in (drive, drive[:8], drive[:12].upper(), "drive a", str(tmp_path / "drives" / "A"), "Drive A"):
        assert store.find(db, given).volume_id == drive
    assert store.find(db, str(tmp_path / "drives" / "A") + "/").volume_id == drive
    for given in ("nothing", drive[:7], "", "%", "________"):
        with pytest.raises(NotFound):
            store.find(db, given)


def test_a_name_of_two_volumes_is_refused_with_both(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    (tmp_path / "drives" / "B").mkdir()
    other = make_stand_in(db, str(tmp_path / "drives" / "B"), "Drive A")
    with pytest.raises(Refused) as refused:
        store.find(db, "Drive A")
    assert drive[:8] in str(refused.value)
    assert other[:8] in str(refused.value)


def test_an_ambiguous_prefix_is_refused_with_the_candidates(library: Library, drive: str) -> None:
    db = library.db()
    twin = drive[:9] + "0" * 27
    execute(
        db,
        "INSERT INTO volumes (volume_id, name, first_seen_at, last_seen_at) VALUES (?, 'twin', ?, ?)",
        (twin, clock.now(), clock.now()),
    )
    with pytest.raises(Refused) as refused:
        store.find(db, drive[:8])
    assert twin in str(refused.value)
    assert drive in str(refused.value)


def test_track_names_and_refuses_twice(library: Library, drive: str) -> None:
    db = library.db()
    assert store.track(db, drive, "  Shuttle 1 ").name == "Shuttle 1"
    with pytest.raises(Refused, match="tracked already"):
        store.track(db, drive, "Other")
    assert store.get(db, drive).name == "Shuttle 1"
    assert store.untrack(db, drive).tracked_at is None
    with pytest.raises(NotFound, match="not tracked"):
        store.untrack(db, drive)
    assert store.track(db, drive, " ").name == "Shuttle 1"
    kinds = [event.kind for event in store.events(db, drive)]
    assert kinds == ["appeared", "tracked", "untracked", "tracked"]


def test_only_what_is_there_is_tracked(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    (tmp_path / "drives" / "A").rename(tmp_path / "away")
    refresh(db)
    with pytest.raises(Refused, match="not mounted"):
        store.track(db, drive)


def test_rename_changes_our_name_alone(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    before = (tmp_path / "drives" / "A" / ".rushes-volume").read_bytes()
    assert store.rename(db, drive, " \x1b[2J name ").name == "\x1b[2J name"
    with pytest.raises(WrongUse):
        store.rename(db, drive, "  ")
    assert (tmp_path / "drives" / "A" / ".rushes-volume").read_bytes() == before
    refresh(db)
    assert store.get(db, drive).name == "\x1b[2J name", "a refresh keeps names"


def test_favourites_and_colours(library: Library, drive: str) -> None:
    db = library.db()
    assert store.set_favourite(db, drive).favourite is True
    assert store.set_favourite(db, drive, False).favourite is False
    assert store.set_colour(db, drive, "red").colour == "red"
    assert store.set_colour(db, drive, None).colour is None
    with pytest.raises(WrongUse):
        store.set_colour(db, drive, "beige")


def test_the_system_is_hidden_until_something_lies_on_it(library: Library, tmp_path: Path) -> None:
    db = library.db()
    place = place_of(db, str(tmp_path))
    shown = store.get(db, place.volume_id)
    if shown.volume_class not in ("system", "virtual"):
        pytest.skip("the temporary folder lies on a disk of its own")
    assert place.volume_id not in {entry.volume_id for entry in store.list_volumes(db)}
    assert place.volume_id in {entry.volume_id for entry in store.list_volumes(db, everything=True)}
    execute(db, "INSERT INTO assets (size, created_at) VALUES (1, ?)", (clock.now(),))
    execute(
        db,
        "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " VALUES (1, ?, x'61', 'managed', 1, 1, ?, ?)",
        (place.volume_id, clock.now(), clock.now()),
    )
    assert place.volume_id in {entry.volume_id for entry in store.list_volumes(db)}


def test_clips_are_counted_and_offline_ones_are_those_that_cannot_be_read_here(
    library: Library, drive: str, tmp_path: Path
) -> None:
    db, moment = library.db(), clock.now()
    (tmp_path / "drives" / "B").mkdir()
    other = make_stand_in(db, str(tmp_path / "drives" / "B"), "Drive B")
    for asset in (1, 2):
        execute(db, "INSERT INTO assets (asset_id, size, created_at) VALUES (?, 1, ?)", (asset, moment))
        execute(
            db,
            "INSERT INTO clips (clip_id, title, kind, asset_id, created_at) VALUES (?, 'x', 'video', ?, ?)",
            (f"c{asset}", asset, moment),
        )
        execute(db, "INSERT INTO clip_files VALUES (?, 'essence', 0, ?, x'61')", (f"c{asset}", asset))
    for asset, volume_id in ((1, drive), (2, drive), (2, other)):
        execute(
            db,
            "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
            " VALUES (?, ?, ?, 'managed', 1, 1, ?, ?)",
            (asset, volume_id, b"p%d" % asset, moment, moment),
        )
    counts = {entry.volume_id: (entry.clips, entry.offline_clips) for entry in store.list_volumes(db)}
    assert (counts[drive], counts[other]) == ((2, 0), (1, 0))
    execute(db, "UPDATE volumes SET state = 'offline' WHERE volume_id = ?", (drive,))
    counts = {entry.volume_id: (entry.clips, entry.offline_clips) for entry in store.list_volumes(db)}
    assert (counts[drive], counts[other]) == ((2, 2), (1, 0))
    assert store.get(db, drive).offline_clips == 2


@pytest.mark.mount
def test_a_conflict_is_settled_by_the_operator(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("original", "ext4", "DAY1")
    clone = mounted.folder / "clone.img"
    shutil.copyfile(image, clone)
    a = mounted.mount(image, "a")
    original = place_of(db, str(a)).volume_id
    b = mounted.mount(clone, "b")
    refresh(db)
    settling.settle(db, original, str(b))
    refresh(db)
    assert place_of(db, str(b)).volume_id == original
    other = place_of(db, str(a)).volume_id
    assert other != original
    assert refresh(db) == []
    assert {entry["state"] for entry in rows(db, "SELECT state FROM volumes WHERE label = 'DAY1'")} == {
        "online"
    }
    # The decision holds for the hardware: both go, both come back, nothing is asked.
    mounted.unmount(a)
    mounted.unmount(b)
    refresh(db)
    mounted.mount(clone, "c")
    mounted.mount(image, "d")
    refresh(db)
    assert place_of(db, str(mounted.folder / "c")).volume_id == original
    assert place_of(db, str(mounted.folder / "d")).volume_id == other
    with pytest.raises(NotFound):
        settling.settle(db, original, str(b))


@pytest.mark.mount
def test_markers_tell_clones_apart_for_good(library: Library, mounted: Mounts) -> None:
    db = library.db()
    image = mounted.image("original", "ext4", "DAY1")
    clone = mounted.folder / "clone.img"
    shutil.copyfile(image, clone)
    a, b = mounted.mount(image, "a"), mounted.mount(clone, "b")
    refresh(db)
    one, two = (
        entry["volume_id"] for entry in rows(db, "SELECT volume_id FROM volumes WHERE label = 'DAY1'")
    )
    with pytest.raises(Refused, match="Settle that first"):
        mark(db, one)
    settling.settle(db, one, str(b))
    refresh(db)
    markers = {mark(db, one).marker_id, mark(db, two).marker_id}
    assert len(markers - {None}) == 2
    mounted.unmount(a)
    mounted.unmount(b)
    refresh(db)
    # Elsewhere, on other hardware, in one step: nothing but the markers tells them apart.
    execute(db, "UPDATE volumes SET hardware = NULL, settled = '[]'")
    first, second = mounted.folder / "1.img", mounted.folder / "2.img"
    image.rename(first)
    clone.rename(second)
    c, d = mounted.mount(second, "c"), mounted.mount(first, "d")
    assert place_of(db, str(c)).volume_id == one
    assert place_of(db, str(d)).volume_id == two


@pytest.mark.mount
def test_what_is_never_marked(library: Library, mounted: Mounts) -> None:
    db = library.db()
    a = mounted.mount(mounted.image("one"), "a")
    volume_id = place_of(db, str(a)).volume_id
    mounted.remount(a, "ro")
    with pytest.raises(Refused, match="read-only"):
        mark(db, volume_id)
    mounted.remount(a, "rw")
    (a / ".rushes-volume").write_text("{")
    with pytest.raises(Refused, match="left as it is"):
        mark(db, volume_id)
    assert (a / ".rushes-volume").read_text() == "{"
    (a / ".rushes-volume").unlink()
    kept = mark(db, volume_id).marker_id
    assert kept is not None
    assert mark(db, volume_id).marker_id == kept
    assert sorted(os.listdir(a)) == [".rushes-volume", "lost+found"]
    mounted.unmount(a)
    with pytest.raises(Refused, match="not online"):
        mark(db, volume_id)
    assert os.listdir(a) == []


def test_a_card_is_never_marked(library: Library, drive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(library.db(), "UPDATE volumes SET class = 'card' WHERE volume_id = ?", (drive,))
    with pytest.raises(Refused, match="camera card"):
        mark(library.db(), drive)


# -- eject -------------------------------------------------------------------


@pytest.mark.mount
def test_eject_unmounts_every_place_and_says_offline(library: Library, mounted: Mounts) -> None:
    db = library.db()
    a = mounted.mount(mounted.image("one"), "a")
    (a / "in").mkdir()
    bound = mounted.bind(a / "in", "bound")
    volume_id = place_of(db, str(a)).volume_id
    refresh(db)
    ejected = eject.eject(db, volume_id)
    assert ejected.state == "offline"
    table = Path("/proc/self/mountinfo").read_text()
    assert str(a) not in table
    assert str(bound) not in table
    with pytest.raises(Refused, match="is offline"):
        eject.eject(db, volume_id)


@pytest.mark.mount
@pytest.mark.parametrize("how", ["file", "folder"])
def test_eject_says_who_holds_it(library: Library, mounted: Mounts, how: str) -> None:
    db = library.db()
    a = mounted.mount(mounted.image("one"), "my drive")
    (a / "held.mov").write_bytes(b"x")
    volume_id = place_of(db, str(a)).volume_id
    script = (
        "import os,sys; f = open('held.mov'); how = sys.argv[1]; os.chdir('/' if how == 'file' else '.');"
    )
    script += "f.close() if how == 'folder' else None; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, how], cwd=a, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        with pytest.raises(Refused) as refused:
            eject.eject(db, volume_id)
        assert f"process {holder.pid}" in str(refused.value)
        assert str(a) in str(refused.value)
        assert os.path.ismount(a)
        assert store.get(db, volume_id).state == "online"
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait(10)
    assert eject.eject(db, volume_id).state == "offline"


@pytest.mark.mount
def test_eject_is_refused_while_another_volume_is_mounted_inside(library: Library, mounted: Mounts) -> None:
    db = library.db()
    a = mounted.mount(mounted.image("one"), "a")
    place = place_of(db, str(a))
    (a / "deeper").mkdir()
    mounted.tmpfs(a / "deeper")
    with pytest.raises(Refused) as refused:
        eject.eject(db, place.volume_id)
    assert len(refused.value.problems) == 1
    assert str(a / "deeper") in str(refused.value)
    mounted.unmount(a / "deeper")
    assert eject.eject(db, place.volume_id).state == "offline"


def test_neither_the_system_nor_a_stand_in_is_ejected(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    with pytest.raises(Refused, match="stands in"):
        eject.eject(db, drive)
    place = place_of(db, str(tmp_path))
    if store.get(db, place.volume_id).volume_class in ("system", "virtual"):
        with pytest.raises(Refused, match="part of this system"):
            eject.eject(db, place.volume_id)


# -- speed -------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "TEST_BYTES", 4 << 20)
    monkeypatch.setattr(speed, "SMALLEST_BYTES", 1 << 20)


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.usefixtures("quick")
def test_VO8_a_measurement_leaves_every_byte_as_it_was(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    root = tmp_path / "drives" / "A"
    (root / "tmp").mkdir()
    (root / "tmp" / "test.bin").write_bytes(b"mine")
    before = tree(root)
    result = speed.measure(db, drive)
    assert result.write_rate > 0
    assert result.bytes == 4 << 20
    assert tree(root) == before
    assert sorted(os.listdir(root)) == [".rushes-volume", "tmp"]
    kept = store.get(db, drive)
    assert kept.write_rate == result.write_rate
    assert kept.read_rate == (None if result.cached else result.read_rate)
    refresh(db)
    assert store.get(db, drive).write_rate == result.write_rate, "a refresh keeps speeds"
    assert store.events(db, drive)[-1].kind == "speed tested"


@pytest.mark.usefixtures("quick")
def test_a_measurement_that_is_cut_off_cleans_up(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    calls = []

    def cancel() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        speed.measure(db, drive, check=cancel)
    assert os.listdir(tmp_path / "drives" / "A") == [".rushes-volume"]
    assert store.get(db, drive).speed_at is None


@pytest.mark.usefixtures("quick")
def test_a_killed_measurement_is_cleaned_up_by_its_job(library: Library, drive: str, tmp_path: Path) -> None:
    db = library.db()
    job_id = speed.queue(db, drive)
    left = tmp_path / "drives" / "A" / f"{speed.FOLDER}{job_id}"
    left.mkdir()
    (left / speed.FILE).write_bytes(b"half")
    stranger = tmp_path / "drives" / "A" / f"{speed.FOLDER}theirs"
    stranger.mkdir()
    context = JobContext(library, jobs.get(db, job_id))
    outcome = speed.run(context)
    assert outcome.status == "completed"
    assert outcome.result["volume_id"] == drive
    assert set(outcome.result) == {"volume_id", "write_rate", "read_rate", "cached", "bytes"}
    assert not left.exists()
    assert stranger.is_dir()


def test_what_is_never_measured(library: Library, drive: str) -> None:
    db = library.db()
    for change, reason in (
        ("class = 'card'", "camera card"),
        ("read_only = 1", "read-only"),
        ("state = 'offline'", "not online"),
    ):
        execute(db, f"UPDATE volumes SET {change} WHERE volume_id = ?", (drive,))
        with pytest.raises(Refused, match=reason):
            speed.measure(db, drive)
        execute(
            db,
            "UPDATE volumes SET class = 'pool', read_only = 0, state = 'online' WHERE volume_id = ?",
            (drive,),
        )


@pytest.mark.mount
@pytest.mark.usefixtures("quick")
def test_VO9_memory_is_not_shown_as_the_speed_of_a_device(library: Library, mounted: Mounts) -> None:
    db = library.db()
    ram = mounted.tmpfs("ram", "64m")
    volume_id = place_of(db, str(ram)).volume_id
    assert speed.measure(db, volume_id).cached
    assert store.get(db, volume_id).read_rate is None


@pytest.mark.mount
@pytest.mark.usefixtures("quick")
def test_a_nearly_full_volume_is_not_measured(library: Library, mounted: Mounts) -> None:
    drive = mounted.mount(mounted.image("one"), "drive")
    space = os.statvfs(drive)
    (drive / "fill").write_bytes(bytes(space.f_bavail * space.f_frsize - (3 << 20)))
    volume_id = place_of(library.db(), str(drive)).volume_id
    with pytest.raises(Refused, match="too little free space"):
        speed.measure(library.db(), volume_id)
    assert sorted(os.listdir(drive)) == ["fill", "lost+found"]


@pytest.mark.mount
@pytest.mark.usefixtures("quick")
def test_a_full_disk_in_the_middle_is_a_sentence_and_leaves_nothing(
    library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = library.db()
    drive = mounted.mount(mounted.image("one"), "drive")
    volume_id = place_of(db, str(drive)).volume_id
    monkeypatch.setattr(speed, "TEST_BYTES", 64 << 20)
    monkeypatch.setattr(speed, "_free", lambda _: 1 << 40)
    with pytest.raises(RushesError, match="What the test made was removed"):
        speed.measure(db, volume_id)
    assert os.listdir(drive) == ["lost+found"]
    assert row(db, "SELECT speed_at FROM volumes WHERE volume_id = ?", (volume_id,)) == {"speed_at": None}
    assert scalar(db, "SELECT COUNT(*) FROM volume_events WHERE kind = 'speed tested'") == 0


def test_a_drive_that_passed_by_is_hidden_once_it_is_away(library: Library, drive: str) -> None:
    db = library.db()
    execute(db, "UPDATE volumes SET kind = 'file_system', state = 'offline' WHERE volume_id = ?", (drive,))

    def listed(*, everything: bool = False) -> bool:
        found = drive in {volume.volume_id for volume in store.list_volumes(db, everything)}
        if not everything:
            on_screen = Volumes(library).ids(Filter())
            assert found is (drive in on_screen), "the screen shows the same"
        return found

    assert (listed(), listed(everything=True)) == (False, True)
    store.set_colour(db, drive, "green")
    assert listed()
    store.set_colour(db, drive, None)
    execute(db, "UPDATE volumes SET tracked_at = ? WHERE volume_id = ?", (clock.now(), drive))
    assert listed()


def test_favourites_come_first_on_the_screen_and_in_the_list(
    library: Library, drive: str, tmp_path: Path
) -> None:
    db = library.db()
    for name in ("AA", "ZZ"):
        (tmp_path / "drives" / name).mkdir()
        make_stand_in(db, str(tmp_path / "drives" / name), name)
    last = store.find_id(db, "ZZ")
    store.set_favourite(db, last)
    listed = [volume.volume_id for volume in store.list_volumes(db)]
    assert listed[0] == last
    assert list(Volumes(library).ids(Filter())) == listed
