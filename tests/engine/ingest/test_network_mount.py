"""A real network mount (sshfs over an SSH server on loopback) as destination and as source of an ingest."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from engine.ingest.carrying import copying
from engine.ingest.ends import stalls
from engine.ingest.ends.landing import Landing
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
    monkeypatch.setattr("engine.ingest.carrying.carrier.WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("engine.ingest.ends.ends.SURE_SECONDS", 0.3)
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


def digests(folder: Path) -> dict[str, str]:
    """Every file with a digest: a difference between large ones must not be printed."""
    return {name: hashlib.sha1(data).hexdigest() for name, data in tree(folder).items()}


def left_hanging() -> bool:
    return any(thread.name in ("copy", "read back", "let go") for thread in threading.enumerate())


@pytest.fixture
def hanging(desk, tmp_path, share, monkeypatch):
    """An ingest of 24 MiB whose destination stops answering after 8 MiB, and its job."""
    write(tmp_path / "A001/a.mov", 24 << 20)
    write(tmp_path / "A001/b.mov", 1 << 20)
    monkeypatch.setattr(copying, "JOIN_SECONDS", 0.5)
    monkeypatch.setattr(stalls, "CLOSE_SECONDS", 0.5)
    job_id = desk.queue(tmp_path / "A001", to=[share.point / "in", tmp_path / "disk"])
    written = Landing.write
    hung = threading.Event()

    def hang(self, data):
        if str(share.point) in self.shown and self.written >= 8 << 20 and not hung.is_set():
            hung.set()
            share.hang()
        written(self, data)

    monkeypatch.setattr(Landing, "write", hang)
    yield job_id, hung
    share.wake()


def finish(desk, job_id, tmp_path, share, wait_until) -> None:
    """The share answers again: what was begun is finished, whole."""
    share.wake()
    wait_until(lambda: not left_hanging(), 10.0, "the calls that hung")
    refresh(desk.db)
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["failed"]) == ("completed", 0)
    wanted = digests(tmp_path / "A001")
    assert digests(share.exported / "in/A001") == wanted
    assert digests(tmp_path / "disk/A001") == wanted
    assert temps(share.exported) == []


@pytest.mark.parametrize("word", ["stop", "cancel"])
def test_the_operator_is_obeyed_while_a_server_hangs(
    desk, tmp_path, share, hanging, word, wait_until, monkeypatch
):
    job_id, hung = hanging
    contexts = []

    def ask():
        hung.wait(30)
        contexts[0].send(word)

    threading.Thread(target=ask, daemon=True).start()
    begun = time.monotonic()
    assert desk.start(job_id, watch=contexts.append) is None
    assert hung.is_set()
    assert time.monotonic() - begun < 10, "it did not wait for the server"
    assert store.get(desk.db, job_id).status == {"stop": "interrupted", "cancel": "cancelled"}[word]
    finish(desk, job_id, tmp_path, share, wait_until)


def test_a_destination_that_hangs_is_given_up_and_the_other_goes_on(
    desk, tmp_path, share, hanging, wait_until, monkeypatch
):
    monkeypatch.setattr(stalls, "STALL_SECONDS", 4.0)
    monkeypatch.setattr(stalls, "SLOWEST", 100 << 20)
    job_id, hung = hanging
    assert desk.start(job_id) is None
    assert hung.is_set()
    job = store.get(desk.db, job_id)
    assert job.status == "paused"
    assert "does not answer" in desk.row("SELECT why FROM audit WHERE to_state = 'paused'")["why"]
    assert digests(tmp_path / "disk/A001") == digests(tmp_path / "A001")
    finish(desk, job_id, tmp_path, share, wait_until)
