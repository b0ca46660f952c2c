"""Rendered parts go when nobody needs them any more, and not before."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import clock
from engine.api import exports as api
from engine.export.runs import parts, pruning, runs
from engine.export.runs.runs import run_folder
from engine.storage.database import execute
from engine.supervisor.supervisor import Supervisor

SPEC = {"preset": "archive", "segment_seconds": 1}


@pytest.fixture
def run(desk, clip):
    desk.add(clip(seconds="2"), "a.mov")
    return desk.export(**SPEC)


def ended(desk, run, status: str, **ago: int) -> None:
    moment = clock.stamp(datetime.now(UTC) - timedelta(**ago))
    execute(
        desk.library.db(), "UPDATE jobs SET status = ?, ended_at = ? WHERE job_id = ?",
        (status, moment, run.job_id),
    )  # fmt: skip


def has_parts(desk, run) -> bool:
    pruning.prune(desk.library)
    return os.path.isdir(run_folder(desk.library, run.run_id))


@pytest.mark.parametrize(
    ("status", "kept", "gone"),
    [
        ("completed", {"hours": 23}, {"hours": 25}),
        ("completed_with_warnings", {"hours": 23}, {"hours": 25}),
        ("failed", {"days": 13}, {"days": 15}),
        ("cancelled", {"days": 13}, {"days": 15}),
    ],
)
def test_parts_are_kept_for_a_while(desk, run, status, kept, gone):
    ended(desk, run, status, **kept)
    assert has_parts(desk, run)
    assert api.show(desk.library, run.run_id)["parts_size"] > 0
    ended(desk, run, status, **gone)
    assert not has_parts(desk, run)
    assert api.show(desk.library, run.run_id)["parts_size"] == 0
    said = [line["message"] for line in runs.logs(desk.library, run.run_id)]
    assert any("were removed" in line for line in said) == (status in ("failed", "cancelled"))
    assert Path(run.output_path).exists()


@pytest.mark.parametrize("status", ["running", "paused", "interrupted", "pending"])
def test_parts_of_a_run_that_has_not_ended_stay(desk, run, status):
    execute(
        desk.library.db(),
        "UPDATE jobs SET status = ?, ended_at = NULL WHERE job_id = ?",
        (status, run.job_id),
    )
    assert has_parts(desk, run)


def test_parts_of_a_run_that_another_has_finished_go_after_a_day(desk, run):
    ended(desk, run, "failed", hours=25)
    assert has_parts(desk, run)
    again = desk.run(runs.resume(desk.library, run.run_id))
    assert (again.status, again.segments_reused) == ("completed", 2)
    assert not has_parts(desk, run)
    assert has_parts(desk, again), "what was taken over is its own"


def test_a_folder_of_a_run_that_is_no_more_goes_and_nothing_else(desk, run):
    exports = Path(desk.library.exports)
    runs.delete(desk.library, run.run_id)
    left = exports / run.run_id
    left.mkdir()
    (left / "00000-x.mov").write_bytes(b"x")
    (exports / "mine").mkdir()
    pruning.prune(desk.library)
    assert not left.exists()
    assert (exports / "mine").exists()


def test_parts_that_go_while_they_are_lent_are_rendered(desk, run, monkeypatch):
    real = parts.is_whole

    def gone(folder: str, *args: object) -> bool:
        found = real(folder, *args)
        if run.run_id in folder:
            shutil.rmtree(folder, ignore_errors=True)
        return found

    monkeypatch.setattr(parts, "is_whole", gone)
    again = desk.run(runs.rerun(desk.library, run.run_id))
    assert again.status == "completed", again.error
    assert desk.renders(again) == 2


def test_what_was_being_removed_when_the_engine_died_goes_the_next_time(desk, run):
    left = Path(desk.library.exports) / f"{run.run_id}.gone"
    left.mkdir()
    (left / "00000-x.mov").write_bytes(b"x")
    (Path(desk.library.exports) / "my.gone").mkdir()
    pruning.prune(desk.library)
    assert not left.exists()
    assert has_parts(desk, run)
    assert (Path(desk.library.exports) / "my.gone").exists()


def test_a_run_that_is_retried_while_parts_go_finds_all_or_none(desk, run, monkeypatch):
    ended(desk, run, "completed", hours=25)
    seen: list[bool] = []

    def remove(path: str, **_how: object) -> None:
        seen.append(os.path.isdir(run_folder(desk.library, run.run_id)))
        seen.append(os.path.isdir(path))

    monkeypatch.setattr(pruning.shutil, "rmtree", remove)
    pruning.prune(desk.library)
    assert seen == [False, True]


def test_an_engine_prunes_when_it_starts(desk, run, wait_until):
    ended(desk, run, "completed", hours=25)
    engine = Supervisor(desk.library)
    thread = threading.Thread(target=engine.run)
    thread.start()
    try:
        wait_until(lambda: not os.path.isdir(run_folder(desk.library, run.run_id)))
    finally:
        engine.ask_to_stop()
        thread.join()
