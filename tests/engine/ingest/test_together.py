"""Two ingests to one place are run one after the other, and even side by side nothing is lost."""

from __future__ import annotations

import threading

from engine.jobs import store
from engine.supervisor.queue import startable

from .conftest import fill, temps, tree


def test_the_queue_never_runs_two_to_one_device(desk, card, tmp_path):
    fill(tmp_path / "reader2/A001", seed=17)
    first = desk.queue(card, to=[tmp_path / "nas"])
    second = desk.queue(tmp_path / "reader2/A001", to=[tmp_path / "nas"])
    waiting = store.claimable(desk.db)
    assert [job.job_id for job in startable(waiting, [])] == [first]
    assert {job.job_id for job in waiting} == {first, second}


def test_side_by_side_each_card_keeps_its_own_tree(desk, card, tmp_path):
    other = tmp_path / "reader2/A001"
    fill(other, seed=17)
    jobs = [desk.queue(card, to=[tmp_path / "nas"]), desk.queue(other, to=[tmp_path / "nas"])]
    outcomes = {}

    def work(job_id: str) -> None:
        outcomes[job_id] = desk.start(job_id)

    threads = [threading.Thread(target=work, args=(job_id,)) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcomes[job_id].result["ingested"] for job_id in jobs] == [8, 8]
    stored = tree(tmp_path / "nas")
    assert sorted(map(bytes, stored.values())) == sorted([*tree(card).values(), *tree(other).values()])
    assert temps(tmp_path) == []


def test_the_same_card_twice_at_once_is_kept_once(desk, card, tmp_path):
    jobs = [desk.queue(card, to=[tmp_path / "nas"]), desk.queue(card, to=[tmp_path / "nas"])]
    outcomes = {}

    def work(job_id: str) -> None:
        outcomes[job_id] = desk.start(job_id)

    threads = [threading.Thread(target=work, args=(job_id,)) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results = [outcomes[job_id].result for job_id in jobs]
    assert [result["failed"] for result in results] == [0, 0]
    assert sum(result["ingested"] + result["duplicates"] for result in results) == 16
    assert temps(tmp_path) == []
    for name, data in tree(tmp_path / "nas").items():
        assert data in tree(card).values(), name
