"""What a look through a volume may say, and what it must never say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.errors import VolumeGone
from engine.jobs.context import JobPaused
from engine.names import from_blob
from engine.relink import decisions, look, offers, tree
from engine.relink.sweep import queue_sweep
from engine.storage.database import execute, row, rows, scalar
from engine.volumes import store as volumes


def test_nothing_changed_writes_nothing_but_the_event(world: Any) -> None:
    a_id, a = world.volume("A")
    for n in range(20):
        world.catalogue(world.file(a, f"{n % 3}/C{n:04}.MP4"))
    before = world.dump("copies", "relink_sessions", "candidates", "relinks")
    swept = world.sweep(a_id)
    assert (swept.known, swept.present, swept.missing, swept.changed, swept.moved, swept.new) == (
        20,
        20,
        0,
        0,
        0,
        0,
    )
    assert world.dump("copies", "relink_sessions", "candidates", "relinks") == before
    assert scalar(world.db, "SELECT count(*) FROM volume_events WHERE kind = 'swept'") == 1


def test_gone_is_missing_and_back_is_present(world: Any) -> None:
    a_id, a = world.volume("A")
    path = world.file(a, "day/C0001.MP4")
    copy_id = world.catalogue(path)
    aside = shutil.move(path, world.root / "aside.mp4")
    assert world.sweep(a_id).newly_missing == 1
    assert world.state(copy_id) == "missing"
    again = world.sweep(a_id)
    assert (again.missing, again.newly_missing) == (1, 0)
    shutil.move(aside, path)
    assert world.sweep(a_id).back == 1
    assert world.state(copy_id) == "online"
    assert world.copy(copy_id)["verified_at"] is not None


def test_folder_that_is_gone_makes_its_files_missing(world: Any) -> None:
    a_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "x/y/z/C0001.MP4"))
    shutil.rmtree(a / "x")
    assert world.sweep(a_id).missing == 1
    assert world.state(copy_id) == "missing"


def test_rename_keeps_identity_hash_and_verification(world: Any) -> None:
    a_id, a = world.volume("A")
    path = world.file(a, "day/C0001.MP4")
    copy_id = world.catalogue(path)
    before = world.copy(copy_id)
    (a / "elsewhere/deep").mkdir(parents=True)
    os.rename(path, a / "elsewhere/deep/take 7.mp4")
    swept = world.sweep(a_id)
    assert (swept.moved, swept.missing, swept.new) == (1, 0, 0)
    after = world.copy(copy_id)
    assert from_blob(after["path"]) == "elsewhere/deep/take 7.mp4"
    assert (after["asset_id"], after["verified_at"], after["verify_level"]) == (
        before["asset_id"], before["verified_at"], before["verify_level"],
    )  # fmt: skip
    (found,) = decisions.list_candidates(world.db, session_id=swept.session_id)
    assert (found.match_type, found.status, found.decided_by) == ("moved", "applied", "engine")
    decisions.undo(world.library, found.candidate_id)
    assert world.copy(copy_id) == before


@pytest.mark.parametrize("volume", ["same", "other"])
def test_what_was_placed_elsewhere_during_the_look_stays_there(world: Any, volume: str) -> None:
    """Somebody decides on a copy while a long look goes on: the decision stands, whatever the look found."""
    a_id, a = world.volume("A")
    b_id, _ = world.volume("B")
    renamed, gone, touched = (world.file(a, f"day/{name}.MP4") for name in ("renamed", "gone", "touched"))
    ids = [world.catalogue(path) for path in (renamed, gone, touched)]
    os.rename(renamed, a / "day/take 7.mp4")
    os.unlink(gone)
    os.utime(touched, (1, 1))
    places = [f"day/decided {n}.mp4" for n in range(3)] if volume == "same" else None
    decided: list[Any] = []

    def somebody() -> None:
        if decided:
            return
        for n, copy_id in enumerate(ids):
            path = places[n] if places else from_blob(world.copy(copy_id)["path"])
            execute(
                world.db,
                "UPDATE copies SET volume_id = ?, path = ? WHERE copy_id = ?",
                (a_id if places else b_id, path.encode(), copy_id),
            )
        decided.append([world.copy(copy_id) for copy_id in ids])

    swept = world.sweep(a_id, check=somebody)
    assert [world.copy(copy_id) for copy_id in ids] == decided[0]
    assert swept.session_id is None
    assert not decisions.list_candidates(world.db)


def test_rename_in_the_same_folder_needs_no_search(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a_id, a = world.volume("A")
    path = world.file(a, "day/C0001.MP4")
    copy_id = world.catalogue(path)
    os.rename(path, a / "day/renamed.MP4")
    monkeypatch.setattr(tree.Tree, "walk", lambda *_: pytest.fail("the whole volume was walked"))
    assert world.sweep(a_id).moved == 1
    assert from_blob(world.copy(copy_id)["path"]) == "day/renamed.MP4"


def test_names_shifted_by_one_are_renames_not_damage(world: Any) -> None:
    a_id, a = world.volume("A")
    ids = [world.catalogue(world.file(a, f"C{n:04}.MP4", size=100_000 + n)) for n in range(4)]
    for n in reversed(range(4)):
        os.rename(a / f"C{n:04}.MP4", a / f"C{n + 1:04}.MP4")
    before = world.dump("copies")
    swept = world.sweep(a_id)
    assert (swept.moved, swept.changed, swept.missing) == (4, 0, 0)
    assert [from_blob(world.copy(each)["path"]) for each in ids] == [f"C{n + 1:04}.MP4" for n in range(4)]
    assert decisions.undo_session(world.library, swept.session_id) == 4
    assert world.dump("copies") == before


def test_two_names_exchanged_are_renames(world: Any) -> None:
    a_id, a = world.volume("A")
    one = world.catalogue(world.file(a, "one.mov", size=70_001))
    two = world.catalogue(world.file(a, "two.mov", size=70_002))
    os.rename(a / "one.mov", a / "t")
    os.rename(a / "two.mov", a / "one.mov")
    os.rename(a / "t", a / "two.mov")
    assert world.sweep(a_id).moved == 2
    assert [from_blob(world.copy(each)["path"]) for each in (one, two)] == ["two.mov", "one.mov"]


def test_inode_reused_by_another_file_is_missing_and_new(world: Any) -> None:
    a_id, a = world.volume("A")
    path = world.file(a, "C0001.MP4")
    copy_id = world.catalogue(path)
    os.unlink(path)
    other = world.file(a, "C0002.MP4")
    facts = os.lstat(other)
    execute(
        world.db, "UPDATE copies SET inode = ?, mtime_ns = ? WHERE copy_id = ?",
        (facts.st_ino, facts.st_mtime_ns, copy_id),
    )  # fmt: skip
    swept = world.sweep(a_id)
    assert (swept.missing, swept.moved, swept.new) == (1, 0, 1), "the fast hash says that it is another file"


def test_rewritten_file_loses_its_verification(world: Any) -> None:
    a_id, a = world.volume("A")
    same, other, longer = (world.file(a, name) for name in ("same.mov", "other.mov", "longer.mov"))
    ids = [world.catalogue(each) for each in (same, other, longer)]
    data = Path(same).read_bytes()
    Path(same).write_bytes(data)
    Path(other).write_bytes(os.urandom(len(data)))
    Path(longer).write_bytes(data + b"x")
    swept = world.sweep(a_id)
    assert (swept.changed, swept.damaged, swept.missing) == (3, 2, 0)
    assert [world.state(each) for each in ids] == ["online", "damaged", "damaged"]
    assert [world.copy(each)["verified_at"] for each in ids] == [None] * 3
    event = row(world.db, "SELECT detail FROM volume_events WHERE kind = 'swept'")
    assert event is not None
    assert "other.mov" in event["detail"]
    assert world.sweep(a_id).damaged == 0, "said once"


def test_what_is_new_is_counted(world: Any) -> None:
    a_id, a = world.volume("A")
    world.catalogue(world.file(a, "day/C0001.MP4"))
    world.file(a, "day/C0002.MP4")
    world.file(a, "day/C0003.MP4")
    assert world.sweep(a_id).new == 2


def test_removed_volume_folder_says_gone_not_missing(world: Any) -> None:
    a_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "C0001.MP4"))
    shutil.rmtree(a)
    a.mkdir()
    with pytest.raises(VolumeGone):
        world.sweep(a_id)
    assert world.copy(copy_id)["state"] == "present"


def test_folder_emptied_of_its_marker_in_the_middle_marks_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "C0001.MP4"))
    listing = look.Look.list_folders

    def pulled(self: Any, *args: Any) -> None:
        shutil.move(str(a), str(world.root / "pulled"))
        a.mkdir()
        listing(self, *args)

    monkeypatch.setattr(look.Look, "list_folders", pulled)
    with pytest.raises(VolumeGone):
        world.sweep(a_id)
    assert world.copy(copy_id)["state"] == "present"


def test_a_job_pauses_until_the_volume_is_back(world: Any) -> None:
    a_id, a = world.volume("A")
    world.catalogue(world.file(a, "C0001.MP4"))
    job_id = queue_sweep(world.library, a_id)
    world.unplug(a)
    with pytest.raises(JobPaused) as caught:
        world.run_sweep(a_id)
    assert caught.value.waiting_for == a_id
    assert "Nothing was marked missing" in str(caught.value)
    assert job_id


def test_a_waiting_sweep_is_not_doubled(world: Any) -> None:
    a_id, _ = world.volume("A")
    assert queue_sweep(world.library, a_id) == queue_sweep(world.library, a_id)
    assert len(rows(world.db, "SELECT 1 FROM jobs WHERE kind = 'sweep'")) == 1


def test_folder_that_cannot_be_read_is_unknown(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "shut/C0001.MP4"))
    other_id = world.catalogue(world.file(a, "open/C0002.MP4"))
    os.unlink(a / "open/C0002.MP4")
    opening = tree.Tree.open_folder

    def refuse(self: Any, path: str) -> int:
        if path == "shut":
            raise PermissionError(13, "Permission denied", path)
        return opening(self, path)

    monkeypatch.setattr(tree.Tree, "open_folder", refuse)
    swept = world.sweep(a_id)
    assert (swept.unknown, swept.missing) == (1, 1)
    assert "shut cannot be read" in swept.warnings[0]
    assert [world.copy(each)["state"] for each in (copy_id, other_id)] == ["present", "missing"]


def test_new_media_on_a_tracked_volume_is_offered_once(world: Any) -> None:
    volume_id, a = world.volume("A")
    world.catalogue(world.file(a, "day1/C0001.MP4"))
    world.file(a, "day1/C0002.MP4")
    world.sweep(volume_id)
    assert offers.waiting(world.db, volume_id) == (0, None)  # nobody tracks it
    volumes.track(world.db, volume_id)
    for name in ("day1/C0003.MP4", "day1/notes.txt"):
        world.file(a, name)
    for _ in range(2):
        world.sweep(volume_id)
    assert offers.waiting(world.db, volume_id) == (2, str(a / "day1"))
    events = [event for event in volumes.history(world.db, volume_id) if event.kind == offers.KIND]
    assert [dict(event.detail) for event in events] == [{"count": 2, "folder": str(a / "day1")}]
    for name in ("C0002.MP4", "C0003.MP4"):
        world.catalogue(str(a / "day1" / name))
    world.sweep(volume_id)
    assert offers.waiting(world.db, volume_id) == (0, None)


def test_a_renamed_file_is_not_new(world: Any) -> None:
    volume_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "day1/C0001.MP4"))
    volumes.track(world.db, volume_id)
    os.rename(a / "day1/C0001.MP4", a / "day1/renamed.mp4")
    world.sweep(volume_id)
    assert world.copy(copy_id)["path"].endswith(b"renamed.mp4")
    assert offers.waiting(world.db, volume_id) == (0, None)


def test_a_rename_taken_back_waits_again(world: Any) -> None:
    volume_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "day1/old.mov"))
    before = world.dump("copies", "assets")
    os.rename(a / "day1/old.mov", a / "day1/new.mov")
    swept = world.sweep(volume_id)
    assert (swept.moved, world.copy(copy_id)["path"]) == (1, b"day1/new.mov")
    decisions.undo_session(world.library, swept.session_id)
    assert world.same_but_for_times(world.dump("copies", "assets"), before)
    assert [each.status for each in decisions.list_candidates(world.db)] == ["pending"]
