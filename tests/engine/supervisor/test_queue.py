"""Which jobs may start now."""

from __future__ import annotations

from dataclasses import replace

from engine.jobs import store
from engine.jobs.store import Job
from engine.library import Library
from engine.supervisor.queue import RUNNING_AT_MOST, startable


def jobs(library: Library, *resources: tuple[str, ...]) -> list[Job]:
    made = [store.create(library.db(), "ingest", str(n), {}, resources=r) for n, r in enumerate(resources)]
    return [store.get(library.db(), job_id) for job_id in made]


def test_jobs_of_one_device_run_in_turn(library: Library) -> None:
    a, b, c = jobs(library, ("device:sda",), ("device:sda",), ("device:sdb",))
    assert startable([a, b, c], []) == [a, c]
    assert startable([b], [a]) == []
    assert startable([b], [c]) == [b]


def test_a_waiting_job_keeps_its_devices_from_those_behind_it(library: Library) -> None:
    running, first, behind = jobs(library, ("a",), ("a", "b"), ("b",))
    assert startable([first, behind], [running]) == []


def test_no_more_than_the_limit_run_at_once(library: Library) -> None:
    many = jobs(library, *[(f"d{n}",) for n in range(RUNNING_AT_MOST + 2)])
    assert len(startable(many, [])) == RUNNING_AT_MOST
    assert startable(many[3:], [replace(job) for job in many[:RUNNING_AT_MOST]]) == []
