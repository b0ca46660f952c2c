"""Network storage: errors of a moment are waited out, lasting ones pause what they concern."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from engine.ingest.carrying import carrier
from engine.jobs import store
from engine.volumes import places

from .conftest import temps, tree


@pytest.fixture
def share(desk, tmp_path, monkeypatch):
    """A folder that is taken for a network share, and the means to make its writes fail."""
    nas = tmp_path / "share"
    nas.mkdir()
    place_of = places.place_of

    def as_network(db, path):
        place = place_of(db, path)
        inside = str(path).startswith(str(nas))
        return replace(place, is_network=True, fs_type="nfs4") if inside else place

    monkeypatch.setattr(places, "place_of", as_network)
    monkeypatch.setattr(places, "still_there", lambda place: True)
    monkeypatch.setattr(carrier, "WAITS", (0.0, 0.0, 0.0))
    write, failures = os.write, []

    def flaky(fd, data):
        where = os.readlink(f"/proc/self/fd/{fd}")
        if failures and where.startswith(str(nas)):
            failures.pop()
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        return write(fd, data)

    monkeypatch.setattr(os, "write", flaky)
    return nas, failures


def test_three_errors_are_waited_out(desk, card, share):
    nas, failures = share
    failures += [1] * 3
    result = desk.ingest(card, to=[nas])
    assert (result["ingested"], result["failed"]) == (8, 0)
    assert tree(nas / "A001") == tree(card)
    levels = {copy["verify_level"] for copy in desk.rows("SELECT * FROM copies WHERE role = 'managed'")}
    assert levels == {"network re-read"}


def test_five_errors_in_a_row_pause_that_destination_only(desk, card, share, tmp_path):
    nas, failures = share
    (card / "MISC/empty.dat").unlink()  # nothing is written for it, so it would be a success in between
    failures += [1] * 1000
    job_id = desk.queue(card, to=[nas, tmp_path / "disk"])
    assert desk.start(job_id) is None
    assert store.get(desk.db, job_id).status == "paused"
    why = desk.row("SELECT why FROM audit WHERE to_state = 'paused'")["why"]
    assert "5 network errors in a row" in why
    assert tree(tmp_path / "disk/A001") == tree(card)
    assert temps(nas) == []
    failures.clear()
    outcome = desk.start(job_id, intent="resume")
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 7)
    assert tree(nas / "A001") == tree(card)
