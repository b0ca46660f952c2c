"""A move on one volume is a rename with its record; what is not ours, or would collide, stays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from engine.errors import NotFound, Refused
from engine.files import moving
from tests.engine.files.conftest import Two
from tests.engine.ingest.conftest import write


def test_a_folder_moves_with_its_files_and_their_record(two: Two) -> None:
    (two.a / "Day 1").mkdir()
    before = {entry["copy_id"]: entry for entry in two.copies()}
    inode = two.first.stat().st_ino
    plan = moving.plan(two.desk.db, [str(two.a / "A001")], str(two.a / "Day 1"))
    assert plan.across == ()
    moved = moving.rename_all(two.desk.db, plan)
    assert sorted(move.new for move in moved) == [
        str(two.a / "Day 1" / "A001" / "DCIM" / name) for name in ("one.mov", "two.mov")
    ]
    assert (two.a / "Day 1" / "A001" / "DCIM" / "one.mov").stat().st_ino == inode
    after = {entry["copy_id"]: entry for entry in two.copies()}
    changed = {key for key in before if before[key] != after[key]}
    assert len(changed) == 2
    for key in changed:
        assert after[key] == {**before[key], "path": b"Day 1/" + bytes(before[key]["path"])}


def test_a_taken_name_refuses_all(two: Two) -> None:
    write(two.a / "Day 1" / "one.mov", 5)
    with pytest.raises(Refused, match="exists already"):
        moving.plan(two.desk.db, [str(two.first), str(two.first.with_name("two.mov"))], str(two.a / "Day 1"))
    assert two.first.exists()


def test_a_name_taken_in_between_is_not_replaced(two: Two) -> None:
    (two.a / "Day 1").mkdir()
    plan = moving.plan(two.desk.db, [str(two.first)], str(two.a / "Day 1"))
    write(two.a / "Day 1" / "one.mov", 5)
    before = two.copies()
    with pytest.raises(Exception, match="exists already"):
        moving.rename_all(two.desk.db, plan)
    assert two.copies() == before
    assert two.first.exists()
    assert (two.a / "Day 1" / "one.mov").stat().st_size == 5


def test_two_files_never_become_one(two: Two) -> None:
    write(two.card / "OTHER" / "ONE.mov", 400)
    two.desk.ingest(two.card, to=[two.a, two.b], thumbnails=False)
    (two.a / "Flat").mkdir()
    wanted = [str(two.a / "A001" / "OTHER" / "ONE.mov"), str(two.first)]
    with pytest.raises(Refused, match="both become"):
        moving.plan(two.desk.db, wanted, str(two.a / "Flat"))


def test_a_source_never_moves(two: Two, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(Refused, match="is a source"):
        moving.plan(two.desk.db, [str(two.card)], str(tmp_path / "elsewhere"))


def test_another_volume_is_no_rename(two: Two) -> None:
    (two.b / "Day 1").mkdir()
    plan = moving.plan(two.desk.db, [str(two.first)], str(two.b / "Day 1"))
    assert plan.moves == ()
    assert [ours.path for ours in plan.across] == [str(two.first)]


def test_the_folder_must_exist(two: Two) -> None:
    with pytest.raises(NotFound):
        moving.plan(two.desk.db, [str(two.first)], str(two.a / "no such"))


@pytest.mark.mount
def test_what_is_named_through_a_second_mount_goes_where_it_is_told(two: Two, tmp_path: Path) -> None:
    """A volume that shows at two places: the file is recorded once, and either name of it is good."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(one)], check=True)
    try:
        subprocess.run(["mount", "--bind", str(one), str(other)], check=True)
        try:
            two.desk.ingest(two.card, to=[one], thumbnails=False)
            (one / "kept").mkdir()
            for named in (one, other):
                for what, below in (("A001", "A001/DCIM/one.mov"), ("A001/DCIM/one.mov", "one.mov")):
                    plan = moving.plan(two.desk.db, [str(named / what)], str(other / "kept"))
                    assert str(other / "kept" / below) in [new for _, new in plan.moves]
            moving.rename_all(two.desk.db, moving.plan(two.desk.db, [str(other / "A001")], str(one / "kept")))
            assert (other / "kept" / "A001" / "DCIM" / "one.mov").read_bytes() == two.first.read_bytes()
        finally:
            subprocess.run(["umount", str(other)], check=True)
    finally:
        subprocess.run(["umount", str(one)], check=True)
