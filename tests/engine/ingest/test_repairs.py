"""Chosen copies are repaired as a job: one that cannot be never stops the others."""

from __future__ import annotations

import pytest

from engine.errors import NotFound
from engine.ingest.proving.repairs import queue_repair, run_repair

from .test_repair import copy_at, rot, two, verify

__all__ = ["two"]


def repair(desk, copy_ids):
    job_id = queue_repair(desk.library, copy_ids)
    desk.jobs.append(job_id)
    return desk.start(job_id, handler=run_repair)


def test_a_chosen_copy_is_made_anew_and_the_bad_file_kept(desk, two):
    good, bad = two[1].read_bytes(), rot(two[0])
    verify(desk)
    outcome = repair(desk, [copy_at(desk, two[0])["copy_id"]])
    assert (outcome.status, outcome.result["not_repaired"]) == ("completed", [])
    assert "made anew" in outcome.result["repaired"][0]["sentence"]
    assert two[0].read_bytes() == good
    assert (two[0].parent / "shot3.dat.damaged").read_bytes() == bad
    assert copy_at(desk, two[0])["state"] == "present"


def test_one_without_a_good_copy_does_not_stop_the_others(desk, two):
    rot(two[0])
    lost = two[0].parent / "shot2.dat"
    rot(lost)
    rot(two[1].parent / "shot2.dat")
    verify(desk)
    ids = [copy_at(desk, lost)["copy_id"], copy_at(desk, two[0])["copy_id"]]
    desk.db.execute("DELETE FROM copies WHERE role = 'source'")
    outcome = repair(desk, ids)
    assert outcome.status == "completed_with_warnings"
    assert [one["copy_id"] for one in outcome.result["repaired"]] == ids[1:]
    assert [one["copy_id"] for one in outcome.result["not_repaired"]] == ids[:1]
    assert outcome.error is not None
    assert "1 of 2 copies" in outcome.error
    assert copy_at(desk, lost)["state"] == "damaged"


def test_a_copy_that_is_well_again_is_passed_over(desk, two):
    rot(two[0])
    verify(desk)
    copy_id = copy_at(desk, two[0])["copy_id"]
    repair(desk, [copy_id])
    again = repair(desk, [copy_id])
    assert (again.status, again.result["repaired"], again.result["not_repaired"]) == ("completed", [], [])


def test_nothing_is_no_job(desk):
    with pytest.raises(NotFound):
        queue_repair(desk.library, [])
