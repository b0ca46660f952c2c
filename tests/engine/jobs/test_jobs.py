"""Jobs: legal transitions, intents, verdicts, rates."""

from __future__ import annotations

import itertools

import pytest

from engine.errors import IllegalTransition, NotFound, Refused
from engine.jobs import states, store
from engine.jobs.context import JobCancelled, JobContext, JobPaused
from engine.jobs.rates import Rate
from engine.library import Library
from engine.storage.database import rows, scalar

LEGAL = {
    ("pending", "running"), ("pending", "cancelled"), ("pending", "failed"),
    ("running", "paused"), ("running", "completed"), ("running", "completed_with_warnings"),
    ("running", "failed"), ("running", "cancelled"), ("running", "interrupted"),
    ("paused", "running"), ("paused", "cancelled"), ("paused", "failed"),
    ("interrupted", "running"), ("interrupted", "cancelled"),
    ("failed", "running"), ("completed_with_warnings", "running"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), itertools.product(states.JOB_TRANSITIONS, repeat=2))
def test_AJ1_every_legal_job_transition_works_and_every_other_raises(before: str, after: str) -> None:
    if (before, after) in LEGAL:
        states.check_job(before, after, "export")
    else:
        with pytest.raises(IllegalTransition):
            states.check_job(before, after, "export")


def test_a_cancelled_ingest_may_go_on_and_a_cancelled_export_may_not() -> None:
    states.check_job("cancelled", "running", "ingest")
    with pytest.raises(IllegalTransition):
        states.check_job("cancelled", "running", "export")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"completed": 3}, "completed"),
        ({}, "completed"),
        ({"completed": 2, "skipped": 1}, "completed"),
        ({"completed": 2, "failed": 1}, "completed_with_warnings"),
        ({"failed": 3}, "failed"),
        ({"skipped": 1, "failed": 1}, "completed_with_warnings"),
    ],
)
def test_AJ2_a_verdict_is_derived(counts: dict[str, int], expected: str) -> None:
    assert states.verdict(counts) == expected


def test_a_transition_is_stored_with_its_audit_row(library: Library) -> None:
    db = library.db()
    job = store.create(db, "ingest", "Card A001", {"x": 1})
    store.transition(db, job, "running")
    store.transition(db, job, "failed", error="The disk is full.")
    stored = store.get(db, job)
    assert (stored.status, stored.error, stored.params) == ("failed", "The disk is full.", {"x": 1})
    assert stored.started_at is not None
    assert stored.ended_at is not None
    trail = rows(
        db, "SELECT from_state, to_state, outcome FROM audit WHERE job_id = ? ORDER BY audit_id", (job,)
    )
    assert [(t["from_state"], t["to_state"], t["outcome"]) for t in trail] == [
        (None, "pending", "done"),
        ("pending", "running", "done"),
        ("running", "failed", "failed"),
    ]
    with pytest.raises(IllegalTransition):
        store.transition(db, job, "completed")
    assert store.get(db, job).status == "failed"


def test_JB9_an_intent_that_cannot_be_obeyed_is_refused_by_its_state_and_audited(library: Library) -> None:
    db = library.db()
    job = store.create(db, "export", "Film", {})
    store.transition(db, job, "running")
    store.transition(db, job, "completed")
    with pytest.raises(IllegalTransition, match="This job is completed"):
        store.request(db, job, "pause")
    assert store.get(db, job).intent is None
    assert scalar(db, "SELECT count(*) FROM audit WHERE outcome = 'refused' AND job_id = ?", (job,)) == 1


def test_a_pending_job_can_be_held_and_let_go(library: Library) -> None:
    db = library.db()
    job = store.create(db, "ingest", "Card", {})
    store.request(db, job, "pause")
    assert store.claimable(db) == []
    store.request(db, job, "resume")
    assert [claimed.job_id for claimed in store.claimable(db)] == [job]


def test_the_queue_is_ordered_by_priority_then_age(library: Library) -> None:
    db = library.db()
    jobs = [store.create(db, "ingest", f"{n}", {}) for n in range(3)]
    store.set_priority(db, jobs[2], store.PRIORITIES["urgent"])
    assert [job.title for job in store.claimable(db)] == ["2", "0", "1"]


def test_JB3_what_ran_becomes_interrupted_and_nothing_else_changes(library: Library) -> None:
    db = library.db()
    running, paused, pending = (store.create(db, "ingest", name, {}) for name in ("r", "p", "w"))
    for job in (running, paused):
        store.transition(db, job, "running")
    store.transition(db, paused, "paused")
    assert store.interrupt_running(db) == [running]
    assert [store.get(db, job).status for job in (running, paused, pending)] == [
        "interrupted",
        "paused",
        "pending",
    ]
    assert [job.job_id for job in store.claimable(db)] == [pending]


def test_ids_may_be_shortened_to_eight_characters(library: Library) -> None:
    db = library.db()
    job = store.create(db, "ingest", "a", {}, job_id="aaaaaaaa-1111-4000-8000-000000000001")
    store.create(db, "ingest", "b", {}, job_id="bbbbbbbb-1111-4000-8000-000000000001")
    store.create(db, "ingest", "c", {}, job_id="bbbbbbbb-2222-4000-8000-000000000001")
    assert store.find(db, "AAAAAAAA").job_id == job
    with pytest.raises(NotFound):
        store.find(db, "aaaaaaa")
    with pytest.raises(NotFound):
        store.find(db, "a%aaaaaaa")
    with pytest.raises(Refused, match="fits several"):
        store.find(db, "bbbbbbbb")


def test_a_pause_waits_for_a_checkpoint_and_a_cancel_does_not(library: Library) -> None:
    job = store.create(library.db(), "ingest", "a", {})
    context = JobContext(library, store.get(library.db(), job))
    context.send("pause")
    context.check_now()
    with pytest.raises(JobPaused):
        context.checkpoint()
    context.send("cancel")
    context.send("pause")
    with pytest.raises(JobCancelled):
        context.check_now()


def test_progress_is_written_at_most_four_times_a_second_and_the_last_always(library: Library) -> None:
    db = library.db()
    job = store.create(db, "ingest", "a", {})
    store.transition(db, job, "running")
    context = JobContext(library, store.get(db, job))
    changes = db.conn.total_changes
    for done in range(1000):
        context.progress(done=done, total=1000)
    assert db.conn.total_changes - changes <= 2
    context.flush()
    assert store.get(db, job).done == 999


def test_rate_and_time_left_follow_a_sliding_window() -> None:
    rate = Rate(0.0, 500.0)
    assert rate.per_second() is None
    for second in range(1, 31):
        rate.add(float(second), 500.0 + 10.0 * second)
    assert rate.per_second() == pytest.approx(10.0)
    assert rate.seconds_left(100.0) == pytest.approx(10.0)
    for second in range(31, 51):
        rate.add(float(second), 800.0)
    assert rate.per_second() == 0.0
    assert rate.seconds_left(100.0) is None


def test_no_time_left_is_given_in_the_first_seconds() -> None:
    rate = Rate(0.0)
    rate.add(2.0, 20.0)
    assert rate.seconds_left(80.0) is None


def test_a_resume_before_the_pause_took_hold_is_not_lost(library: Library) -> None:
    db = library.db()
    job_id = store.create(db, "ingest", "Card 7", {})
    store.transition(db, job_id, "running")
    store.request(db, job_id, "pause")
    store.request(db, job_id, "resume")
    assert store.claimable(db) == []
    store.transition(db, job_id, "paused")
    assert [job.job_id for job in store.claimable(db)] == [job_id]
    store.transition(db, job_id, "running")
    store.transition(db, job_id, "paused")
    assert store.claimable(db) == []


def test_a_time_left_does_not_swing_while_writing_and_reading_back_take_turns() -> None:
    rate, done, said = Rate(0.0), 0.0, []
    for second in range(1, 400):
        done += 10.0 if second // 10 % 2 else 2.0  # ten quick seconds, ten slow ones
        rate.add(float(second), done)
        left = rate.seconds_left(6.0 * (600 - second))
        if second > 120 and left is not None:
            said.append(left / (600 - second))
    assert min(said) > 0.9
    assert max(said) < 1.1
    assert rate.per_second() in (pytest.approx(10.0, abs=4.1), pytest.approx(2.0, abs=4.1))


def test_a_pause_that_is_taken_back_is_told_once(library: Library) -> None:
    db = library.db()
    job_id = store.create(db, "export", "film", {})
    store.transition(db, job_id, "running")
    store.request(db, job_id, "pause")
    store.request(db, job_id, "resume")
    for _ in range(2):
        store.taken_back(db, job_id)
        assert store.get(db, job_id).intent is None
    said = [line["message"] for line in store.log_lines(db, job_id)]
    assert said.count("The pause was taken back; it works on.") == 1
