"""The scan as a job: paused, resumed, cancelled, cut off, failed; its session always says how it ended."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from engine.errors import NotFound, WrongUse
from engine.jobs import store
from engine.jobs.context import JobCancelled, JobContext, JobPaused, JobStopped
from engine.relink import decisions, sampler, scan, sessions
from engine.relink.job import clean_up, queue_scan, run_scan
from engine.storage.database import rows, scalar

SIZE = 11 << 20


def large(world: Any, count: int = 3) -> tuple[Any, list[int]]:
    """Files too large for a sample to be all of them, moved from A to B."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    ids = []
    for n in range(count):
        path = world.file(a, f"{n}.mxf", size=SIZE + n)
        ids.append(world.catalogue(path))
        shutil.move(path, b)
    return b, ids


def stop_at(monkeypatch: pytest.MonkeyPatch, context: JobContext, signal: Any, reading: int) -> list[str]:
    """Send ``signal`` when the full reading number ``reading`` begins. Returns the files read in full."""
    reads: list[str] = []
    original = scan.with_full_hash

    def counted(tree: Any, file: Any, *rest: Any) -> Any:
        reads.append(file.path)
        if len(reads) == reading:
            context.send(signal)
        return original(tree, file, *rest)

    monkeypatch.setattr(scan, "with_full_hash", counted)
    return reads


def session_of(world: Any, session_id: str) -> sessions.Session:
    return sessions.get(world.db, session_id)


def test_pause_finishes_the_file_in_hand_and_resume_reads_no_file_twice(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    b, ids = large(world)
    session_id, job_id = queue_scan(world.library, str(b), full_hash=True, auto_apply=True)
    context = world.context(job_id)
    reads = stop_at(monkeypatch, context, "pause", 2)
    with pytest.raises(JobPaused):
        run_scan(context)
    assert len(reads) == 2
    assert scalar(world.db, "SELECT count(*) FROM candidates") == 0
    resumed = JobContext(world.library, store.get(world.db, job_id))
    outcome = run_scan(resumed)
    assert len(reads) == len(set(reads)) == 3
    assert outcome.result["applied"] == 3
    assert session_of(world, session_id).status == "completed"
    assert {world.state(each) for each in ids} == {"online"}
    assert all(world.copy(each)["verified_at"] for each in ids)


@pytest.mark.parametrize(("signal", "raised"), [("cancel", JobCancelled), ("stop", JobStopped)])
def test_cancel_and_stop_end_in_mid_file_and_change_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch, signal: str, raised: type[Exception]
) -> None:
    b, _ = large(world)
    session_id, job_id = queue_scan(world.library, str(b), full_hash=True, auto_apply=True)
    context = world.context(job_id)
    reads = stop_at(monkeypatch, context, signal, 2)
    with pytest.raises(raised):
        run_scan(context)
    assert len(reads) == 2
    assert scalar(world.db, "SELECT count(*) FROM relinks") == 0
    assert len(rows(world.db, "SELECT 1 FROM tasks")) == 1, "the file in hand does not count as read"
    assert session_of(world, session_id).status == ("cancelled" if signal == "cancel" else "matching")


def test_a_checkpoint_of_a_file_that_changed_since_is_not_used(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    b, _ = large(world)
    _, job_id = queue_scan(world.library, str(b), full_hash=True)
    context = world.context(job_id)
    reads = stop_at(monkeypatch, context, "pause", 1)
    with pytest.raises(JobPaused):
        run_scan(context)
    os.utime(b / reads[0], ns=(1, 1))
    run_scan(JobContext(world.library, store.get(world.db, job_id)))
    assert reads.count(reads[0]) == 2


def test_cut_off_while_storing_leaves_no_candidate_twice(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    b, _ = large(world)
    session_id, job_id = queue_scan(world.library, str(b))
    context = world.context(job_id)
    monkeypatch.setattr(sessions, "BATCH", 1)
    original = sessions._store
    stored = []

    def cut(*args: Any) -> int:
        stored.append(args)
        if len(stored) == 3:
            raise JobStopped
        return original(*args)

    monkeypatch.setattr(sessions, "_store", cut)
    with pytest.raises(JobStopped):
        run_scan(context)
    assert scalar(world.db, "SELECT count(*) FROM candidates") == 2
    outcome = run_scan(JobContext(world.library, store.get(world.db, job_id)))
    assert outcome.result["candidates"] == 3
    assert len(decisions.list_candidates(world.db, session_id=session_id)) == 3


def test_a_scan_cancelled_while_it_does_not_run_says_so(world: Any) -> None:
    b, _ = large(world, 1)
    session_id, job_id = queue_scan(world.library, str(b))
    clean_up(JobContext(world.library, store.get(world.db, job_id)))
    assert session_of(world, session_id).status == "cancelled"


def test_an_unforeseen_error_ends_the_session_as_failed(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    b, _ = large(world, 1)
    session_id, job_id = queue_scan(world.library, str(b))
    monkeypatch.setattr(scan, "collect", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_scan(world.context(job_id))
    session = session_of(world, session_id)
    assert (session.status, session.completed_at is not None) == ("failed", True)


def test_a_file_that_grows_while_it_is_read_is_left_out(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    b, _ = large(world, 1)
    original = sampler.fast_hash

    def grows(descriptor: int, size: int) -> str:
        value = original(descriptor, size)
        with open(b / "0.mxf", "ab") as file:
            file.write(b"more")
        return value

    monkeypatch.setattr(sampler, "fast_hash", grows)
    result = world.scan(b)
    assert result["candidates"] == 0
    message = scalar(world.db, "SELECT message FROM job_log WHERE level = 'warning'")
    assert "0.mxf changed while it was looked at" in message


def test_what_cannot_be_scanned_is_refused_before_anything_is_queued(world: Any) -> None:
    _, a = world.volume("A")
    for bad, error in ((a / "nowhere", NotFound), (world.file(a, "file.mov"), WrongUse)):
        with pytest.raises(error):
            queue_scan(world.library, str(bad))
    with pytest.raises(WrongUse):
        queue_scan(world.library, str(a), min_confidence=1.5)
    assert scalar(world.db, "SELECT count(*) FROM jobs") == 0
    assert scalar(world.db, "SELECT count(*) FROM relink_sessions") == 0
