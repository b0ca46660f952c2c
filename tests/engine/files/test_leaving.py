"""A move to another drive ends by itself: the old file goes when the new one is proven, and not before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlite_utils import Database

from engine.api import files
from engine.files import leaving, trash
from engine.files.entries import Trashed
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


class _Killed(BaseException):
    pass


def test_what_a_kill_cut_off_leaves_when_it_is_asked_again(
    two: Two, third: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine tells an end at least once: the second time the rest goes, and all of it is named."""
    queued = files.queue_move(two.desk.library, [str(two.a / "A001")], str(third))
    two.desk.start(queued["job_id"])
    real, gone = trash.put_aside, []

    def cut(db: Database, wanted: trash.Preview) -> list[Trashed]:
        if gone:
            raise _Killed
        gone.extend(real(db, wanted))
        return gone

    with monkeypatch.context() as killed:
        killed.setattr(trash, "put_aside", cut)
        with pytest.raises(_Killed):
            leaving.settle(two.desk.db, queued["job_id"])
    assert len(gone) == 1
    done = leaving.settle(two.desk.db, queued["job_id"])
    assert done is not None
    assert sorted(one.size for one in done) == [5000, 7000]
    assert len(leaving.put_aside_by(two.desk.db, queued["job_id"])) == 2
    assert not [*two.a.rglob("A001/**/*.mov")]
    assert not [*two.desk.library.folder.glob("*leaving*")]
    assert leaving.settle(two.desk.db, queued["job_id"]) is None, "only once"
