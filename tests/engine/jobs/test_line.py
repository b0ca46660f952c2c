"""The line of waiting jobs, and the room that jobs have been promised."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import clock
from engine.api import jobs as api
from engine.errors import IllegalTransition, WrongUse
from engine.jobs import line, room, store
from engine.jobs.context import JobContext
from engine.library import Library


def queued(library: Library, *titles: str, priority: int = 0) -> list[str]:
    return [store.create(library.db(), "export", title, {}, priority=priority) for title in titles]


def order(library: Library) -> list[str]:
    claimed = [job.title for job in store.claimable(library.db())]
    assert claimed == [job.title for job in line.waiting(library.db())]
    return claimed


def test_jobs_wait_in_the_order_in_which_they_came(library: Library) -> None:
    queued(library, "a", "b", "c")
    assert order(library) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("which", "where", "expected", "place"),
    [
        ("c", "up", ["a", "c", "b", "d"], 2),
        ("b", "down", ["a", "c", "b", "d"], 3),
        ("d", "top", ["d", "a", "b", "c"], 1),
        ("a", "bottom", ["b", "c", "d", "a"], 4),
        ("a", "up", ["a", "b", "c", "d"], 1),
        ("d", "down", ["a", "b", "c", "d"], 4),
    ],
)
def test_a_job_is_moved(library: Library, which: str, where: str, expected: list[str], place: int) -> None:
    ids = dict(zip("abcd", queued(library, *"abcd"), strict=True))
    assert api.move(library, ids[which], where)["queue_place"] == place
    assert order(library) == expected
    listed = {job["title"]: job["queue_place"] for job in api.list_jobs(library)}
    assert listed == {title: number for number, title in enumerate(expected, 1)}
    queued(library, "late")
    assert order(library) == [*expected, "late"]


def test_a_job_that_passes_another_takes_its_priority(library: Library) -> None:
    [late] = queued(library, "late")
    queued(library, "first", "second", priority=1)
    api.move(library, late, "up")
    assert order(library) == ["first", "late", "second"]
    assert store.get(library.db(), late).priority == 1
    api.move(library, late, "bottom")
    assert order(library) == ["first", "second", "late"]


def test_only_a_waiting_job_can_be_moved(library: Library) -> None:
    running, _ = queued(library, "running", "waiting")
    store.transition(library.db(), running, "running")
    with pytest.raises(IllegalTransition, match="running; only a job that waits"):
        api.move(library, running, "top")
    with pytest.raises(WrongUse, match="up, down, top or bottom"):
        api.move(library, running, "sideways")


def test_what_is_promised_shrinks_along_the_way_and_ends_with_the_job(library: Library) -> None:
    db = library.db()
    needs = [room.need("v", 1000, room.ALONG), room.need("v", 500, room.END), room.need("w", 7, room.END)]
    job_id = store.create(db, "export", "film", {}, needs=needs)
    store.create(db, "ingest", "card", {"destinations": [{"volume_id": "v", "needed": 30}]})
    assert room.promised(db, "v") == 1530
    assert room.promised(db, "v", besides=job_id) == 30
    assert room.promised(db, "w") == 7
    store.transition(db, job_id, "running")
    store.write_progress(db, job_id, done=75, total=100)
    assert room.promised(db, "v") == 250 + 500 + 30
    store.transition(db, job_id, "failed")
    assert room.promised(db, "v") == 30


def test_a_job_that_reports_without_advancing_is_stalled(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job_id] = queued(library, "film")
    store.transition(library.db(), job_id, "running")
    job = JobContext(library, store.get(library.db(), job_id))
    job.progress(force=True, stage="rendering", done=10, message="clip 1 of 2")
    before = store.get(library.db(), job_id).progress_at
    assert before is not None
    later = clock.stamp(clock.parse(before) + timedelta(seconds=31))
    monkeypatch.setattr(clock, "now", lambda: later)
    job.progress(force=True, stage="rendering", done=10, message="clip 1 of 2")
    assert store.get(library.db(), job_id).progress_at == before
    assert api.show(library, job_id)["stalled"]
    job.progress(force=True, done=11)
    assert store.get(library.db(), job_id).progress_at == later
    assert not api.show(library, job_id)["stalled"]


def test_the_rate_is_this_sessions_own(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    [job_id] = queued(library, "film")
    moment = [100.0]
    monkeypatch.setattr("engine.jobs.context.time.monotonic", lambda: moment[0])
    job = JobContext(library, store.get(library.db(), job_id))
    job.progress(force=True, stage="checking", done=0, total=1000)
    moment[0] += 1
    job.restart_rate()
    job.progress(force=True, done=800)  # made in an earlier session
    moment[0] += 10
    job.progress(force=True, done=820)
    found = store.get(library.db(), job_id)
    assert found.rate == pytest.approx(2.0)
    assert found.eta_seconds == pytest.approx(90.0)
