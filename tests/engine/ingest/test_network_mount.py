"""A real network mount (sshfs over an SSH server on loopback) as destination and as source of an ingest."""

from __future__ import annotations

import os
import threading
import time

import pytest

from engine.ingest import copying
from engine.ingest.landing import Landing
from engine.jobs import store
from engine.volumes.refresh import refresh

from .conftest import temps, tree, write
from .serving import served

pytestmark = pytest.mark.mount


@pytest.fixture
def share(tmp_path):
    with served(tmp_path / "server") as found:
        yield found


def test_as_destination_every_byte_is_read_back_over_the_network(desk, card, share):
    result = desk.ingest(card, to=[share.point / "in"])
    assert (result["status"], result["ingested"], result["failed"]) == ("completed", 8, 0)
    assert tree(share.exported / "in/A001") == tree(card)
    assert temps(share.exported) == []
    (target,) = result["destinations"]
    assert target["levels"] == {"network re-read": 8}
    volume = desk.row("SELECT * FROM volumes WHERE fs_type LIKE 'fuse.sshfs'")
    assert volume["is_network"] == 1
    assert desk.ingest(card, to=[share.point / "in"])["duplicates"] == 8


def test_as_source(desk, tmp_path, share):
    for number in range(5):
        write(share.exported / f"card/DCIM/{number}.dat", 700_000 * number)
    result = desk.ingest(share.point / "card", to=[tmp_path / "nas"], verify_source=True)
    assert (result["ingested"], result["failed"]) == (5, 0)
    assert tree(tmp_path / "nas/card") == tree(share.exported / "card")
    source = desk.rows("SELECT verify_level FROM copies WHERE role = 'source'")
    assert {copy["verify_level"] for copy in source} == {"network re-read"}


def test_a_server_that_dies_pauses_its_destination_and_the_rest_follows_when_it_is_back(
    desk, tmp_path, share, monkeypatch
):
    card = tmp_path / "A001"
    for number in range(4):
        write(card / f"{number}.mov", (2 << 20) + number)
    settle = Landing.settle
    died = threading.Event()

    def die(self, original, *, sync=True):
        if str(share.point) in self.shown and "/1.mov" in self.shown and not died.is_set():
            died.set()
            share.stop()
        settle(self, original, sync=sync)

    monkeypatch.setattr(Landing, "settle", die)
    monkeypatch.setattr("engine.ingest.carrier.WAITS", (0.0, 0.0, 0.0))
    job_id = desk.queue(card, to=[share.point / "in", tmp_path / "disk"])
    assert desk.start(job_id) is None
    assert died.is_set()
    assert store.get(desk.db, job_id).status == "paused"
    assert tree(tmp_path / "disk/A001") == tree(card), "the other destination went on"
    share.unmount()
    refresh(desk.db)
    assert desk.start(job_id, intent="resume") is None, "the empty mount point is not written into"
    assert os.listdir(share.point) == []
    share.start()
    share.mount()
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"], outcome.result["failed"]) == ("completed", 4, 0)
    assert tree(share.exported / "in/A001") == tree(card)
    assert temps(share.exported) == []


def test_a_server_that_hangs_neither_blocks_the_operator_nor_loses_anything(
    desk, tmp_path, share, monkeypatch
):
    """In the middle of a file the mount stops answering: a stop works, what was begun is finished later."""
    card = tmp_path / "A001"
    write(card / "a.mov", 24 << 20)
    monkeypatch.setattr(copying, "JOIN_SECONDS", 1.0)
    contexts = []
    written = Landing.write
    hung = threading.Event()

    def hang(self, data):
        if self.written >= 8 << 20 and not hung.is_set():
            hung.set()
            share.hang()
            threading.Timer(1.0, lambda: contexts[0].send("stop")).start()
        written(self, data)

    job_id = desk.queue(card, to=[share.point / "in"])
    with monkeypatch.context() as patch:
        patch.setattr(Landing, "write", hang)
        begun = time.monotonic()
        threading.Timer(6.0, share.wake).start()  # what is left hanging in the kernel gets its answer then
        assert desk.start(job_id, watch=contexts.append) is None
        assert time.monotonic() - begun < 20
    assert hung.is_set()
    assert store.get(desk.db, job_id).status == "interrupted"
    share.wake()
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 1)
    assert tree(share.exported / "in/A001") == tree(card)
    assert temps(share.exported) == []
