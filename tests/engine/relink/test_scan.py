"""Lost files found again by content, name and length; and files never to be taken for one another."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from engine.names import from_blob
from engine.relink import decisions
from engine.storage.database import rows

KEYS = {
    "session_id", "files_scanned", "files_hashed", "offline", "candidates", "applied", "conflicts", "seconds",
}  # fmt: skip


def test_nothing_lost_ends_at_once_with_zeros(world: Any) -> None:
    _, drive = world.volume("A")
    world.catalogue(world.file(drive, "day/C0001.MP4"))
    result = world.scan(drive)
    assert set(result) >= KEYS
    assert {key: result[key] for key in KEYS - {"session_id", "seconds"}} == {
        "files_scanned": 0, "files_hashed": 0, "offline": 0, "candidates": 0, "applied": 0, "conflicts": 0,
    }  # fmt: skip


def test_moved_and_renamed_on_another_volume_is_found_by_content(world: Any) -> None:
    _, a = world.volume("A")
    b_id, b = world.volume("B")
    copy_id = world.catalogue(world.file(a, "day1/C0001.MP4"))
    (b / "archive").mkdir()
    shutil.move(str(a / "day1/C0001.MP4"), str(b / "archive/take seven.mp4"))
    world.file(b, "other.mov", size=100_001)
    result = world.scan(b)
    assert (result["files_scanned"], result["files_hashed"], result["offline"], result["candidates"]) == (
        2, 1, 1, 1,
    )  # fmt: skip
    (found,) = decisions.list_candidates(world.db)
    assert (found.match_type, found.confidence, found.certain, found.status) == (
        "full_hash",
        1.0,
        True,
        "pending",
    )
    assert found.found_path == str(b / "archive/take seven.mp4")
    assert found.lost_shown == str(a / "day1/C0001.MP4")
    decisions.apply(world.library, found.candidate_id)
    after = world.copy(copy_id)
    assert (after["volume_id"], from_blob(after["path"]), after["state"]) == (
        b_id,
        "archive/take seven.mp4",
        "present",
    )
    assert after["verified_at"] == found.evidence["read"]["at"]
    assert world.state(copy_id) == "online"


def test_volume_away_counts_as_offline_and_is_found_elsewhere(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    paths = [world.file(a, f"day/C{n:04}.MP4") for n in range(3)]
    for path in paths:
        world.catalogue(path)
        shutil.copy(path, b)
    world.unplug(a)
    result = world.scan(b)
    assert (result["offline"], result["candidates"], result["conflicts"]) == (3, 3, 0)
    assert result["announcement"] == f"3 of 3 offline clips of A found at {b}."


def test_large_file_is_sampled_and_proven_only_when_asked(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "long.mxf", size=11 << 20)
    copy_id = world.catalogue(path)
    shutil.move(path, b / "long.mxf")
    sampled = world.scan(b)
    (found,) = decisions.list_candidates(world.db, session_id=sampled["session_id"])
    assert (found.match_type, found.confidence, found.certain) == ("fast_hash", 0.95, False)
    assert sampled["bytes_hashed"] == 3 * 8192
    decisions.apply(world.library, found.candidate_id)
    assert world.copy(copy_id)["verified_at"] is None, "a sample verifies nothing"
    decisions.undo(world.library, found.candidate_id)
    proven = world.scan(b, full_hash=True)
    (found,) = decisions.list_candidates(world.db, session_id=proven["session_id"])
    assert (found.match_type, found.certain) == ("full_hash", True)


@pytest.mark.parametrize("same", [True, False])
def test_a_film_of_which_only_the_full_hash_is_on_record_is_found_and_proven(world: Any, same: bool) -> None:
    """An export records no sample of what it has written."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "film.mov", size=11 << 20)
    copy_id = world.catalogue(path, role="export")
    world.db.execute("UPDATE assets SET fast_hash = NULL, fast_scheme = NULL")
    if same:
        shutil.move(path, b / "film.mov")
    else:
        os.unlink(path)
        world.file(b, "film.mov", size=11 << 20)
    listed = world.scan(b)
    (found,) = decisions.list_candidates(world.db, session_id=listed["session_id"])
    assert (found.match_type, found.certain) == ("filename", False)
    proven = world.scan(b, auto_apply=True, min_confidence=1.0)
    assert (proven["candidates"], proven["applied"]) == ((1, 1) if same else (0, 0))
    assert world.copy(copy_id)["state"] == ("present" if same else "missing")


def test_equal_samples_with_other_bytes_between_are_no_match(world: Any) -> None:
    """HA2: head, middle and tail agree, one byte elsewhere does not."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "long.mxf", size=12 << 20)
    world.catalogue(path)
    data = bytearray(Path(path).read_bytes())
    data[3 << 20] ^= 1
    (b / "long.mxf").write_bytes(data)
    os.unlink(path)
    assert world.scan(b)["candidates"] == 1
    result = world.scan(b, full_hash=True)
    assert result["candidates"] == 0
    assert world.scan(b, auto_apply=True, min_confidence=0.5)["applied"] == 0


def test_same_name_and_size_with_other_bytes_is_never_matched(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(5):
        path = world.file(a, f"{n}/C0001.MP4")
        world.catalogue(path)
        os.unlink(path)
        world.file(b, f"{n}/C0001.MP4")
    result = world.scan(b, auto_apply=True, min_confidence=0.0)
    assert (result["offline"], result["candidates"], result["applied"]) == (5, 0, 0)


def test_same_name_of_another_size_is_a_derivative_at_most(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    copy_id = world.catalogue(path)
    os.unlink(path)
    world.file(b, "proxy/c0001.mp4", size=70_000)
    before = world.dump("clip_files", "copies", "assets")
    result = world.scan(b, auto_apply=True, min_confidence=0.0)
    assert (result["candidates"], result["applied"]) == (1, 0)
    (found,) = decisions.list_candidates(world.db)
    assert (found.match_type, found.certain) == ("derivative", False)
    lost = world.copy(copy_id)
    decisions.apply(world.library, found.candidate_id)
    assert world.copy(copy_id) == lost, "the original stays lost"
    linked = rows(world.db, "SELECT name FROM clip_files WHERE role = 'derivative'")
    assert [entry["name"] for entry in linked] == [b"c0001.mp4"]
    decisions.undo(world.library, found.candidate_id)
    after = world.dump("clip_files", "copies", "assets")
    assert after["clip_files"] == before["clip_files"]
    assert after["assets"] == before["assets"]
    assert len(after["copies"]) == len(before["copies"])


def test_a_transcode_with_another_ending_is_a_derivative_at_most(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "Café C0001.MXF")
    copy_id = world.catalogue(path)
    os.unlink(path)
    for name in (
        "cafe\u0301 c0001.mov",
        "other/Café C0001.mxf",
        "Café C0001.XML",
        "Café C0001",
        "Café C000.mov",
    ):
        world.file(b, name, size=90_000)
    world.scan(b, auto_apply=True, min_confidence=0.0)
    found = decisions.list_candidates(world.db)
    assert {(one.path, one.match_type) for one in found} == {
        ("cafe\u0301 c0001.mov", "derivative"),
        ("other/Café C0001.mxf", "derivative"),
    }
    (film,) = [one for one in found if one.path.endswith(".mov")]
    assert film.evidence["name"] is False
    decisions.apply(world.library, film.candidate_id)
    assert world.state(copy_id) != "online", "the original stays lost"
    linked = rows(world.db, "SELECT name FROM clip_files WHERE role = 'derivative'")
    assert [os.fsdecode(entry["name"]) for entry in linked] == ["cafe\u0301 c0001.mov"]


def test_a_sidecar_is_hinted_at_by_its_whole_name_alone(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.XML")
    world.catalogue(path)
    os.unlink(path)
    world.file(b, "C0001.MP4", size=90_000)
    assert world.scan(b)["candidates"] == 0


@pytest.mark.parametrize(("like_it", "hinted"), [(8, 3), (9, 0)])
def test_a_name_that_many_files_share_hints_at_nothing(world: Any, like_it: int, hinted: int) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "Café.MP4")
    world.catalogue(path)
    os.unlink(path)
    for n in range(like_it):
        world.file(b, f"{n}/{unicodedata.normalize('NFD', 'CAFÉ.mp4')}", size=70_000 + n)
    assert world.scan(b)["candidates"] == hinted


def test_seven_hundred_files_of_one_name_find_their_own(world: Any) -> None:
    _, a = world.volume("A")
    b_id, b = world.volume("B")
    expected = {}
    for n in range(700):
        path = world.file(a, f"{n:03}/C0001.MP4", size=65_536)
        copy_id = world.catalogue(path)
        expected[copy_id] = f"deep/{699 - n:03}/C0001.MP4"
        target = b / expected[copy_id]
        target.parent.mkdir(parents=True)
        shutil.move(path, target)
    result = world.scan(b, auto_apply=True)
    assert (result["offline"], result["candidates"], result["applied"], result["conflicts"]) == (
        700,
        700,
        700,
        0,
    )
    for copy_id, path in expected.items():
        copy = world.copy(copy_id)
        assert (copy["volume_id"], from_blob(copy["path"])) == (b_id, path)


def test_tiny_files_are_matched_by_their_whole_content_only(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    known = world.file(a, "C0001.XML", size=900)
    world.catalogue(known)
    unhashed = world.file(a, "C0002.XML", size=800)
    world.catalogue(unhashed, hashes="none")
    empty = world.file(a, "EMPTY.DAT", content=b"")
    world.catalogue(empty)
    shutil.move(known, b / "renamed.xml")
    shutil.move(unhashed, b / "C0002.XML")
    os.unlink(empty)
    world.file(b, "nothing.dat", content=b"")
    world.scan(b)
    found = decisions.list_candidates(world.db)
    assert [(os.path.basename(each.path), each.match_type) for each in found] == [
        ("renamed.xml", "full_hash")
    ]


def test_composed_and_decomposed_names_and_letter_case_are_one_name(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    composed = unicodedata.normalize("NFC", "Café Über.MOV")
    path = world.file(a, composed)
    world.catalogue(path, hashes="none")
    shutil.move(path, b / unicodedata.normalize("NFD", "CAFÉ über.mov"))
    world.scan(b)
    (found,) = decisions.list_candidates(world.db)
    assert (found.match_type, found.confidence, found.evidence["exact_name"]) == ("filename", 0.5, False)


def test_names_of_any_bytes_come_back_exactly(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    for name in (b"clip [1] ;rm.mov", b"-y.mp4", b"\x1b[2J.mov", b"a\nb.mov", b"caf\xe9.mov", b"%d.mov"):
        path = world.file(a, name)
        world.catalogue(path)
        shutil.move(path, b)
    result = world.scan(b, auto_apply=True)
    assert (result["candidates"], result["applied"]) == (6, 6)
    assert {row["path"] for row in rows(world.db, "SELECT path FROM copies")} == {
        b"clip [1] ;rm.mov", b"-y.mp4", b"\x1b[2J.mov", b"a\nb.mov", b"caf\xe9.mov", b"%d.mov",
    }  # fmt: skip


def test_two_equal_files_for_one_copy_are_both_shown_and_none_is_picked(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "day/C0001.MP4")
    copy_id = world.catalogue(path)
    shutil.copy(path, b / "one.mp4")
    shutil.move(path, b / "two.mp4")
    before = world.copy(copy_id)
    result = world.scan(b, auto_apply=True, min_confidence=0.1)
    assert (result["candidates"], result["applied"], result["conflicts"]) == (2, 0, 1)
    found = decisions.list_candidates(world.db)
    assert [each.certain for each in found] == [False, False]
    assert world.copy(copy_id) == {**before, "state": "missing"}
    decisions.apply(world.library, found[0].candidate_id)
    assert [each.status for each in decisions.list_candidates(world.db)] == ["applied", "skipped"]


def test_as_many_files_as_lost_copies_of_one_content_are_all_copies(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    _, c = world.volume("C")
    first = world.file(a, "C0001.MP4")
    second = shutil.copy(first, b / "C0001.MP4")
    ids = [world.catalogue(first), world.catalogue(str(second), role="backup")]
    shutil.move(first, c / "x.mp4")
    shutil.move(str(second), c / "y.mp4")
    result = world.scan(c, auto_apply=True)
    assert (result["applied"], result["conflicts"]) == (2, 0)
    assert {from_blob(world.copy(each)["path"]) for each in ids} == {"x.mp4", "y.mp4"}


def test_a_card_that_went_away_is_not_looked_for_while_another_copy_is_known(world: Any) -> None:
    _, card = world.volume("CARD")
    _, a = world.volume("A")
    _, b = world.volume("B")
    original = world.file(card, "DCIM/C0001.MP4")
    managed = shutil.copy2(original, a / "C0001.MP4")
    shutil.copy2(original, b / "C0001.MP4")
    world.catalogue(original, role="source")
    managed_id = world.catalogue(str(managed))
    world.unplug(card)
    assert world.scan(b)["candidates"] == 0
    world.unplug(a)
    world.scan(b)
    assert [each.copy_id for each in decisions.list_candidates(world.db)] == [managed_id]


def test_a_card_that_was_emptied_is_not_looked_for_while_another_copy_is_known(world: Any) -> None:
    _, card = world.volume("CARD")
    _, a = world.volume("A")
    _, b = world.volume("B")
    original = world.file(card, "DCIM/C0001.MP4")
    world.catalogue(original, role="source")
    world.catalogue(str(shutil.copy2(original, a)))
    shutil.move(original, b)
    result = world.scan(b)
    assert (result["offline"], result["candidates"]) == (0, 0)


def test_a_known_present_copy_is_no_candidate_for_another(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path)
    world.catalogue(str(shutil.copy2(path, b)), role="backup")
    os.unlink(path)
    result = world.scan(b)
    assert (result["offline"], result["files_hashed"], result["candidates"]) == (1, 0, 0)


def test_a_missing_backup_does_not_make_a_drive_that_is_away_reachable(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    _, c = world.volume("C")
    path = world.file(a, "C0001.MP4")
    managed_id = world.catalogue(path)
    backup = shutil.copy2(path, b)
    backup_id = world.catalogue(str(backup), role="backup")
    shutil.copy2(path, c / "one.mp4")
    shutil.move(str(backup), c / "two.mp4")
    world.unplug(a)
    world.scan(c)
    assert {each.copy_id for each in decisions.list_candidates(world.db)} == {managed_id, backup_id}


def test_a_card_is_looked_for_when_it_is_all_there_was(world: Any) -> None:
    _, card = world.volume("CARD")
    _, b = world.volume("B")
    original = world.file(card, "DCIM/C0001.MP4")
    shutil.copy2(original, b / "C0001.MP4")
    source_id = world.catalogue(original, role="source")
    world.unplug(card)
    world.scan(b)
    assert [each.copy_id for each in decisions.list_candidates(world.db)] == [source_id]


def test_a_copy_away_is_left_alone_while_another_can_be_reached(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    _, c = world.volume("C")
    one = world.file(a, "C0001.MP4")
    two = shutil.copy2(one, b / "C0001.MP4")
    shutil.copy2(one, c / "found.mp4")
    world.catalogue(one)
    world.catalogue(str(two), role="backup")
    world.unplug(a)
    assert world.scan(c)["offline"] == 0


def test_auto_apply_honours_the_threshold(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path, hashes="none")
    shutil.move(path, b / "C0001.MP4")
    assert world.scan(b, auto_apply=True)["applied"] == 0
    assert world.scan(b, auto_apply=True, min_confidence=0.5)["applied"] == 1


def test_restored_from_backup_with_new_times_is_found(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "x/C0001.MP4")
    world.catalogue(path)
    (b / "C0001.MP4").write_bytes(Path(path).read_bytes())
    os.utime(b / "C0001.MP4", ns=(1, 1))
    os.unlink(path)
    assert world.scan(b, auto_apply=True)["applied"] == 1


def test_link_loops_and_pipes_end_no_scan(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path)
    (b / "sub").mkdir()
    shutil.move(path, b / "sub")
    (b / "loop").symlink_to(b)
    os.mkfifo(b / "pipe")
    result = world.scan(b, auto_apply=True)
    assert (result["files_scanned"], result["applied"]) == (1, 1)


def test_rejected_pairs_are_not_proposed_again(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path)
    shutil.move(path, b)
    world.scan(b)
    (found,) = decisions.list_candidates(world.db)
    decisions.reject(world.library, found.candidate_id)
    result = world.scan(b, auto_apply=True)
    assert result["applied"] == 0
    assert decisions.list_candidates(world.db, statuses=("pending",)) == []


def test_a_newer_scan_supersedes_what_waits(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path)
    shutil.move(path, b)
    world.scan(b)
    second = world.scan(b)
    (waiting,) = decisions.list_candidates(world.db, statuses=("pending",))
    assert waiting.session_id == second["session_id"]


def test_a_renamed_file_keeps_the_level_it_was_verified_at(world: Any) -> None:
    _, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "old/C0001.MP4"))
    before = world.copy(copy_id)
    os.rename(a / "old", a / "new")
    assert world.scan(a / "new", auto_apply=True)["applied"] == 1
    after = world.copy(copy_id)
    assert from_blob(after["path"]) == "new/C0001.MP4"
    assert (after["verified_at"], after["verify_level"]) == (before["verified_at"], "device re-read")
