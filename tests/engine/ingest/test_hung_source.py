"""A source that stops answering holds nobody: it is given up, and taken up again when it answers.

The mount is real (sshfs), and so is the silence: the server's processes are stopped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from functools import partial

import pytest

from engine.ingest.carrying import copying, listing
from engine.ingest.ends import reach, stalls
from engine.ingest.hashlists import hashlists
from engine.ingest.hashlists.incoming_job import queue_incoming, run_incoming
from engine.ingest.proving.scrub import queue_verify, run_verify
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.media import rereading
from engine.supervisor.runner import Runner
from engine.volumes.refresh import refresh

from .conftest import temps, tree, write
from .serving import served

pytestmark = pytest.mark.mount


@pytest.fixture
def share(tmp_path):
    with served(tmp_path / "server") as found:
        yield found
        found.wake()


@pytest.fixture
def card(share, monkeypatch):
    """A card on the share, with a file on which the server goes silent as it is read."""
    for number in range(12):
        write(share.exported / f"A001/DCIM/small{number:02d}.dat", 5000 + number)
    write(share.exported / "A001/large.mov", 12 << 20)
    monkeypatch.setattr(stalls, "STALL_SECONDS", 2.0)
    monkeypatch.setattr(stalls, "SLOWEST", 100 << 20)
    return share.point / "A001"


def silent_at(monkeypatch, module, name: str, share, calls: int = 1) -> threading.Event:
    """The server goes silent just before the given call of ``module.name``."""
    real, made, silent = getattr(module, name), [], threading.Event()

    def call(*values, **options):
        made.append(name)
        if len(made) == calls:
            subprocess.run(["sync"], check=True)
            share.hang()
            silent.set()
        return real(*values, **options)

    monkeypatch.setattr(module, name, call)
    return silent


def parked() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name in ("source", "let go")]


PLACES = {
    "listing": (listing, "scan", 1),
    "small": (copying, "_read_whole", 2),
    "large": (copying, "read_into", 17),
}


@pytest.mark.parametrize("where", PLACES)
def test_a_source_that_hangs_is_given_up_and_taken_up_when_it_answers(
    desk, card, share, tmp_path, monkeypatch, wait_until, where
):
    job_id = desk.queue(card, to=[tmp_path / "nas"], verify_source=True)
    module, name, calls = PLACES[where]
    silent = silent_at(monkeypatch, module, name, share, calls)
    begun = time.monotonic()
    assert desk.start(job_id) is None
    assert silent.is_set()
    assert time.monotonic() - begun < 15
    assert store.get(desk.db, job_id).status == "paused"
    why = desk.row("SELECT why FROM audit WHERE to_state = 'paused'")["why"]
    assert "does not answer. Everything verified is kept" in why
    assert subprocess.run(["true"], check=False).returncode == 0, "children can be started"
    if where == "large":
        write(tmp_path / "B002/other.mov", 1000)
        assert desk.ingest(tmp_path / "B002", to=[tmp_path / "nas"])["ingested"] == 1, "others go on"
        shutil.rmtree(tmp_path / "nas/B002")
    share.wake()
    wait_until(lambda: not parked(), 10.0, "the parked thread's end")
    assert not [fd for fd in os.listdir("/proc/self/fd") if _leads_to(fd, str(card))], (
        "nothing of the source stays open"
    )
    monkeypatch.undo()
    refresh(desk.db)
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"], outcome.result["failed"]) == ("completed", 13, 0)
    assert tree(tmp_path / "nas/A001") == tree(share.exported / "A001")
    assert temps(tmp_path / "nas") == []


def _leads_to(fd: str, folder: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith(folder)
    except OSError:
        return False


def test_the_operator_is_obeyed_at_once_while_the_source_hangs(
    desk, card, share, tmp_path, monkeypatch, wait_until
):
    monkeypatch.setattr(stalls, "STALL_SECONDS", 600.0)
    job_id = desk.queue(card, to=[tmp_path / "nas"])
    silent = silent_at(monkeypatch, copying, "read_into", share, 17)
    contexts: list[JobContext] = []
    said: list[float] = []

    def ask():
        silent.wait(30)
        said.append(time.monotonic())
        contexts[0].send("cancel")

    threading.Thread(target=ask, daemon=True).start()
    assert desk.start(job_id, watch=contexts.append) is None
    assert time.monotonic() - said[0] < 3.0
    assert store.get(desk.db, job_id).status == "cancelled"
    assert temps(tmp_path / "nas") == []
    share.wake()
    wait_until(lambda: not parked(), 10.0, "the parked thread's end")
    monkeypatch.undo()
    refresh(desk.db)
    outcome = desk.start(job_id, intent="resume")
    assert outcome is not None
    assert (outcome.status, outcome.result["ingested"]) == ("completed", 13)


def test_the_job_goes_on_by_itself_and_says_why(desk, card, share, tmp_path, monkeypatch, wait_until):
    """As the engine runs it: the thread that was parked tells that the source answers again."""
    job_id = desk.queue(card, to=[tmp_path / "nas"])
    silent_at(monkeypatch, copying, "read_into", share, 17)
    run = partial(Runner, desk.library, on_end=lambda: None)
    store.transition(desk.db, job_id, "running")
    first = run(store.get(desk.db, job_id))
    first.start()
    first.thread.join(30)
    job = store.get(desk.db, job_id)
    assert (job.status, job.intent) == ("paused", None)
    assert job.waiting_for == job.params["sources"][0]["volume_id"]
    volume = desk.row("SELECT state FROM volumes WHERE volume_id = ?", job.waiting_for)
    assert volume["state"] == "not_responding"
    share.wake()
    wait_until(lambda: store.get(desk.db, job_id).intent == "resume", 10.0, "the word that it goes on")
    assert "answers again; the job goes on." in desk.log(job_id)
    why = [entry["why"] for entry in desk.rows("SELECT why FROM audit WHERE job_id = ?", job_id)]
    assert any(sentence and sentence.endswith("answers again") for sentence in why)
    monkeypatch.undo()
    refresh(desk.db)
    store.transition(desk.db, job_id, "running")
    second = run(store.get(desk.db, job_id))
    second.start()
    second.thread.join(60)
    assert store.get(desk.db, job_id).status == "completed"
    assert tree(tmp_path / "nas/A001") == tree(share.exported / "A001")


def test_what_a_call_gave_too_late_is_taken_back():
    """A file that is opened when nobody waits for it any more is closed."""
    gate, taken = threading.Event(), []
    told = threading.Event()

    def stop() -> None:
        raise InterruptedError

    way = reach.Reach("card", direct=False, check=stop, answered=told.set)
    way_patience = reach.PARTING_SECONDS
    try:
        reach.PARTING_SECONDS = 0.05
        with pytest.raises(InterruptedError):
            way.ask(lambda: gate.wait(10), undo=taken.append)
    finally:
        reach.PARTING_SECONDS = way_patience
    assert way.lost == "card does not answer. Everything verified is kept; the rest waits until it does."
    last = []
    way.end(lambda: last.append("closed"))
    assert (taken, last) == ([], [])
    gate.set()
    assert told.wait(10)
    assert (taken, last) == ([True], ["closed"])


def test_a_scrub_and_a_check_by_hash_lists_do_not_wait_either(
    desk, card, share, tmp_path, monkeypatch, wait_until
):
    hashlists.create(desk.library, str(card))
    desk.ingest(tmp_path / "server/share/A001", mode="reference")
    for handler, queued, status in (
        (run_verify, queue_verify(desk.library, str(card)), "completed"),
        (run_incoming, queue_incoming(desk.library, str(card)), "paused"),
    ):
        with monkeypatch.context() as patch:
            silent = silent_at(patch, rereading, "digest_fd", share, 3)
            begun = time.monotonic()
            outcome = desk.start(queued, handler=handler)
        assert silent.is_set()
        assert time.monotonic() - begun < 15
        assert store.get(desk.db, queued).status == status
        if outcome is not None:
            assert outcome.result["damaged"] == []
            assert "does not answer; its copies are not checked this time." in desk.log(queued)
        share.wake()
        wait_until(lambda: not parked(), 10.0, "the parked thread's end")
        refresh(desk.db)
