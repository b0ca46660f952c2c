"""A move to another drive ends by itself: the old file goes when the new one is proven, and not before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.api import files
from engine.files import leaving
from engine.jobs import store
from engine.supervisor.aftermath import Aftermath
from engine.volumes.stand_ins import make_stand_in
from tests.engine.files.conftest import Two


@pytest.fixture
def third(two: Two, tmp_path: Path) -> Path:
    folder = tmp_path / "drives" / "C"
    folder.mkdir()
    make_stand_in(two.desk.db, str(folder), "Drive C")
    return folder


def test_the_old_file_goes_after_the_job_and_comes_back(two: Two, third: Path) -> None:
    content = two.first.read_bytes()
    queued = files.queue_move(two.desk.library, [str(two.first)], str(third))
    assert queued["moved"] == []
    assert two.first.exists(), "nothing goes before the copy is proven"
    assert leaving.settle(two.desk.db, queued["job_id"]) is None
    two.desk.start(queued["job_id"])
    assert two.first.exists()
    Aftermath(two.desk.library).work_off()
    assert not two.first.exists()
    (arrived,) = third.rglob("one.mov")
    assert arrived.read_bytes() == content
    (number,) = leaving.put_aside_by(two.desk.db, queued["job_id"])
    assert leaving.settle(two.desk.db, queued["job_id"]) is None, "only once"
    files.restore(two.desk.library, [str(number)])
    assert two.first.read_bytes() == content


def test_a_file_that_was_changed_meanwhile_stays_and_the_log_says_so(two: Two, third: Path) -> None:
    queued = files.queue_move(two.desk.library, [str(two.first)], str(third))
    two.desk.start(queued["job_id"])
    os.utime(two.first, ns=(1, 1))
    Aftermath(two.desk.library).work_off()
    assert two.first.exists()
    said = [line["message"] for line in store.log_lines(two.desk.db, queued["job_id"])]
    assert any("was changed since it was recorded" in line for line in said)


def test_a_job_that_did_not_end_well_lets_nothing_go(two: Two, third: Path) -> None:
    queued = files.queue_move(two.desk.library, [str(two.first)], str(third))
    store.request(two.desk.db, queued["job_id"], "cancel")
    assert leaving.settle(two.desk.db, queued["job_id"]) is None
    assert two.first.exists()


def test_a_rename_goes_back(two: Two) -> None:
    kept = two.a / "kept"
    kept.mkdir()
    done = files.queue_move(two.desk.library, [str(two.first)], str(kept))
    assert (kept / "one.mov").exists()
    moved = [(str(two.first), str(kept / "one.mov"))]
    assert [(one["from"], one["to"]) for one in done["moved"]] == moved
    assert files.move_back(two.desk.library, moved) == 1
    assert two.first.exists()
    assert not (kept / "one.mov").exists()
