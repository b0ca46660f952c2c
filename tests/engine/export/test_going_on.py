"""A run that is told to pause and to go on: each word counts, whenever it comes, and the log tells it."""

from __future__ import annotations

import threading

import pytest

from engine.api import exports as api
from engine.errors import Refused
from engine.export.runs import runs
from engine.jobs import store
from engine.jobs.context import JobContext, JobPaused
from engine.storage.database import execute

SPEC = {"preset": "archive", "segment_seconds": 1}


@pytest.fixture
def queued(desk, clip):
    desk.add(clip(seconds="2"), "a.mov")
    return desk.order(**SPEC)


def said(desk, run) -> list[str]:
    return [line["message"] for line in runs.logs(desk.library, run.run_id)]


def running(desk, queued) -> JobContext:
    db = desk.library.db()
    store.transition(db, queued.job_id, "running", by="engine")
    return JobContext(desk.library, store.get(db, queued.job_id))


def test_a_run_that_still_pauses_can_be_told_to_go_on(desk, queued, monkeypatch):
    monkeypatch.setattr("engine.api.exports.process.ensure", lambda _library: None)
    running(desk, queued)
    with pytest.raises(Refused, match="is running; it cannot be resumed"):
        runs.resume(desk.library, queued.run_id)
    for resume in (
        lambda: runs.resume(desk.library, queued.run_id).run_id,
        lambda: api.again(desk.library, queued.run_id, "resume")["runs"][0]["run_id"],
    ):
        store.request(desk.library.db(), queued.job_id, "pause")
        assert resume() == queued.run_id
        assert store.get(desk.library.db(), queued.job_id).intent == "resume"


def test_a_run_that_is_held_in_the_queue_is_let_go(desk, queued):
    store.request(desk.library.db(), queued.job_id, "pause")
    assert runs.resume(desk.library, queued.run_id).run_id == queued.run_id
    assert [job.job_id for job in store.claimable(desk.library.db())] == [queued.job_id]


def test_a_pause_is_taken_back_until_it_is_obeyed(desk, queued):
    job = running(desk, queued)
    job.send("pause")
    assert job.take_back_pause()
    job.checkpoint()  # goes on
    job.send("pause")
    with pytest.raises(JobPaused):
        job.checkpoint()
    assert not job.take_back_pause(), "it pauses already, and is to be started again"
    with pytest.raises(JobPaused):
        job.checkpoint()


def test_a_cancel_is_never_taken_back(desk, queued):
    job = running(desk, queued)
    job.send("pause")
    job.send("cancel")
    assert not job.take_back_pause()
    assert job.signal == "cancel"


def test_the_log_of_a_run_tells_its_pause_its_resume_and_its_engines_death(desk, queued):
    def pause_soon(job: JobContext) -> None:
        store.request(desk.library.db(), queued.job_id, "pause")
        job.send("pause")

    run = desk.run(queued, pause_soon)
    assert run.status == "paused"
    first, second = said(desk, run)[-2:]
    assert first.startswith("Asked to pause, by ")
    assert second == "Paused."
    runs.resume(desk.library, run.run_id)
    assert said(desk, run)[-1].startswith("Asked to go on, by ")
    store.transition(desk.library.db(), queued.job_id, "running", why="resume", by="engine")
    assert said(desk, run)[-1] == "It goes on."
    store.interrupt_running(desk.library.db())
    assert "the engine that ran it is gone" in said(desk, run)[-1]
    runs.resume(desk.library, run.run_id)
    done = desk.run(queued)
    assert done.status == "completed", done.error
    assert "It goes on." in said(desk, done)[-4:]


def test_the_log_of_a_run_tells_its_cancel_and_its_retry(desk, queued):
    store.request(desk.library.db(), queued.job_id, "cancel")
    store.transition(desk.library.db(), queued.job_id, "cancelled", by="engine")
    told = said(desk, queued)
    assert told[-2].startswith("Asked to cancel, by ")
    assert told[-1] == "Cancelled."
    execute(desk.library.db(), "UPDATE jobs SET status = 'failed' WHERE job_id = ?", (queued.job_id,))
    store.request(desk.library.db(), queued.job_id, "retry")
    store.transition(desk.library.db(), queued.job_id, "running", why="retry", by="engine")
    assert said(desk, queued)[-1] == "What failed is tried again."


def test_words_of_many_threads_lose_nothing(desk, queued):
    """Either the pause was obeyed by one of the threads, or it was taken back: never both, never neither."""
    record = running(desk, queued).record

    def obeys(job: JobContext, paused: list[bool]) -> None:
        try:
            job.checkpoint()
        except JobPaused:
            paused.append(True)

    for _ in range(200):
        job, paused = JobContext(desk.library, record), []
        job.send("pause")
        thread = threading.Thread(target=obeys, args=(job, paused))
        thread.start()
        taken_back = job.take_back_pause()
        thread.join()
        assert taken_back != bool(paused)


def test_a_run_that_made_all_its_files_is_not_tried_again(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.add(clip("b.mov", seconds="1.5"), "b.mov")
    run = desk.export(layout="per-clip", preset="proxy-h264", unreadable="skip")
    assert run.status == "completed"
    db = desk.library.db()
    db.execute("UPDATE jobs SET status = 'completed_with_warnings' WHERE job_id = ?", [run.job_id])
    with pytest.raises(Refused, match="All files of this run are finished"):
        runs.retry(desk.library, run.run_id)
    db.execute("UPDATE run_outputs SET status = 'failed' WHERE run_id = ? AND position = 1", [run.run_id])
    assert runs.retry(desk.library, run.run_id).run_id == run.run_id
