"""Damaged and missing copies are made anew from good ones, and the bad files are kept."""

from __future__ import annotations

import os

import pytest

from engine.errors import Refused
from engine.ingest.proving import repair
from engine.ingest.proving.repair import repair_copy
from engine.ingest.proving.scrub import queue_verify, run_verify
from engine.storage import audit

from .conftest import temps, tree, write


@pytest.fixture
def two(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas", tmp_path / "backup"])
    return tmp_path / "nas/A001/DCIM/shot3.dat", tmp_path / "backup/A001/DCIM/shot3.dat"


def rot(path) -> bytes:
    """Flip a byte as a medium does: the time stays."""
    facts = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return bytes(data)


def verify(desk, **options):
    job_id = queue_verify(desk.library, None, **options)
    desk.jobs.append(job_id)
    return desk.start(job_id, handler=run_verify)


def copy_at(desk, path) -> dict:
    return desk.row("SELECT * FROM copies WHERE instr(CAST(path AS TEXT), ?) > 0", str(path)[1:])


def test_bit_rot_is_repaired_and_the_bad_file_kept(desk, two, card):
    good = two[1].read_bytes()
    bad = rot(two[0])
    outcome = verify(desk, repair=True)
    assert outcome.status == "completed_with_warnings"
    assert len(outcome.result["damaged"]) == len(outcome.result["repaired"]) == 1
    assert outcome.result["not_repaired"] == []
    assert "made anew" in outcome.result["repaired"][0]["sentence"]
    assert two[0].read_bytes() == good
    assert (two[0].parent / "shot3.dat.damaged").read_bytes() == bad
    row = copy_at(desk, two[0])
    assert (row["state"], row["verify_level"]) == ("present", "device re-read")
    assert row["mtime_ns"] == two[0].stat().st_mtime_ns
    assert [entry["command"] for entry in audit.entries(desk.db)].count("repair") == 1
    assert temps(two[0].parent) == []
    again = verify(desk, repair=True)
    assert (again.status, again.result["damaged"]) == ("completed", [])


def test_a_second_damage_is_kept_under_a_number(desk, two):
    first = rot(two[0])
    verify(desk, repair=True)
    second = rot(two[0])[:-1] + b"x"
    two[0].write_bytes(second)
    verify(desk, repair=True)
    assert (two[0].parent / "shot3.dat.damaged").read_bytes() == first
    assert (two[0].parent / "shot3.dat_001.damaged").read_bytes() == second


def test_a_missing_copy_comes_back(desk, two):
    good = two[1].read_bytes()
    two[0].unlink()
    outcome = verify(desk, repair=True)
    assert len(outcome.result["missing"]) == len(outcome.result["repaired"]) == 1
    assert two[0].read_bytes() == good
    assert not list(two[0].parent.glob("*.damaged"))


def test_without_asking_nothing_is_repaired(desk, two):
    bad = rot(two[0])
    outcome = verify(desk)
    assert "repaired" not in outcome.result
    assert two[0].read_bytes() == bad


def test_without_a_good_copy_nothing_is_touched(desk, two, card):
    bad, other = rot(two[0]), rot(two[1])
    (card / "DCIM/shot3.dat").unlink()
    outcome = verify(desk, repair=True)
    assert len(outcome.result["not_repaired"]) == 2
    assert "no good copy" in outcome.result["not_repaired"][0]["sentence"]
    assert (two[0].read_bytes(), two[1].read_bytes()) == (bad, other)
    assert not list(two[0].parent.glob("*.damaged"))
    assert temps(two[0].parent) == []


def test_a_copy_that_only_seems_good_is_no_source(desk, two, card):
    rot(two[0])
    verify(desk)
    write(card / "DCIM/shot3.dat", 1)
    rotten = rot(two[1])  # not noticed yet: the catalogue still calls it verified
    with pytest.raises(Refused, match="no longer holds what was verified either"):
        repair_copy(desk.db, copy_at(desk, two[0])["copy_id"])
    assert two[1].read_bytes() == rotten
    assert temps(two[0].parent) == []


def test_a_good_copy_is_left_alone(desk, two):
    with pytest.raises(Refused, match="needs no repair"):
        repair_copy(desk.db, copy_at(desk, two[0])["copy_id"])


def test_cut_off_between_the_two_renames_it_goes_on(desk, two, monkeypatch):
    good, bad = two[1].read_bytes(), rot(two[0])
    verify(desk)
    copy_id = copy_at(desk, two[0])["copy_id"]
    monkeypatch.setattr(repair.Landing, "publish", lambda self: os._exit(9))
    if (child := os.fork()) == 0:
        repair_copy(desk.library.db(), copy_id)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert not two[0].exists()
    repair_copy(desk.db, copy_id)
    assert two[0].read_bytes() == good
    assert (two[0].parent / "shot3.dat.damaged").read_bytes() == bad
    assert temps(two[0].parent) == []
    assert tree(two[0].parent)["shot3.dat"] == good
