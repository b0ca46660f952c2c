"""Taking a drive off while a real engine works on it: the jobs rest first, and go on when it is back."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import processes
from engine.errors import Refused
from engine.ingest.planning import plan, queue
from engine.jobs import store as jobs
from engine.library import Library
from engine.storage.database import execute, rows, scalar
from engine.supervisor import process
from engine.volumes import draining, eject, store
from engine.volumes.holders import Holder
from engine.volumes.places import place_of
from tests.engine.volumes.conftest import Mounts
from tests.engine.volumes.test_engine_follows import FILES, card, copied, ended, image, job, same

pytestmark = pytest.mark.mount
Wait = Callable[..., None]


@pytest.fixture
def running(library: Library, mounted: Mounts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """A library whose engine runs as a process of its own, in this test's mount table."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    process.ensure(library)
    try:
        yield library
    finally:
        process.stop(library)


def test_a_running_ingest_rests_for_an_eject_and_goes_on_by_itself(
    running: Library, mounted: Mounts, wait_until: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = running.db()
    disk = image(mounted, "shuttle")
    point = mounted.mount(disk, "first")
    source = card(tmp_path)
    job_id = queue.queue(running, plan.plan(running, [str(source)], [str(point / "day1")])).job_id
    volume_id = str(scalar(db, "SELECT volume_id FROM volumes WHERE label = 'SHUTTLE'"))
    wait_until(lambda: copied(running, job_id) >= 1, 20, "the first file")

    # Somebody else is on it: refused, and no job is disturbed.
    with subprocess.Popen(["sleep", "60"], cwd=point) as holder:
        with pytest.raises(Refused, match=f"process {holder.pid}"):
            eject.eject(db, volume_id)
        holder.kill()
    assert rows(db, "SELECT 1 FROM audit WHERE command = 'ingest pause'") == []

    # A job that does not come to rest in time keeps the drive, and goes on.
    with monkeypatch.context() as patch:
        patch.setattr(draining, "DRAIN_SECONDS", -1.0)
        with pytest.raises(Refused, match="has not reached a checkpoint"):
            eject.eject(db, volume_id)
    assert os.path.ismount(point)
    before = copied(running, job_id)
    wait_until(lambda: copied(running, job_id) > before, 20, "the job that was released to go on")

    # It rests, and so does what waits behind it in the queue.
    resources = (f"device:{place_of(db, str(point)).device}",)
    behind = jobs.create(db, "speed", "Speed", {"volume_id": volume_id}, resources=resources)
    assert len(eject.jobs_on(db, volume_id)) == 2
    assert eject.held_by(db, volume_id) == []
    assert eject.eject(db, volume_id).state == "offline"
    assert not os.path.ismount(point)
    now = job(running, job_id)
    assert (now["status"], now["waiting_for"]) == ("paused", volume_id)
    assert "goes on when it is back" in now["message"]
    assert 0 < copied(running, job_id) < FILES
    assert [event.kind for event in store.events(db, volume_id)].count("drained") == 1

    elsewhere = mounted.mount(disk, "second")
    wait_until(lambda: ended(running, job_id), 40, "the end of the job, without anybody's help")
    same(source, elsewhere / "day1")
    assert job(running, behind)["status"] in ("failed", "pending", "running", "completed")


@pytest.mark.parametrize("start_time", ["1", None])
def test_a_pid_that_was_used_again_is_no_engine(
    library: Library, monkeypatch: pytest.MonkeyPatch, start_time: str | None
) -> None:
    """What a dead engine's rows call running is not waited for, though some other program has its pid."""
    monkeypatch.setattr(draining, "DRAIN_SECONDS", 0.0)
    db = library.db()
    job_id = jobs.create(db, "verify", "cut off", {})
    jobs.transition(db, job_id, "running")
    alive = start_time is None
    execute(
        db,
        "INSERT INTO engine (only, host, boot_id, pid, start_time, started_at, heartbeat_at, version)"
        " VALUES (1, ?, 'b', ?, ?, '', '', '')",
        (socket.gethostname(), os.getpid(), start_time or processes.start_time(os.getpid())),
    )
    assert draining.is_of_engine(db, os.getpid()) is alive
    drained = draining.Drained()
    found = draining.running_jobs(db, ())
    if alive:
        with pytest.raises(Refused, match="has not reached a checkpoint"):
            draining.drain(db, drained, found, claims=True)
    else:
        draining.drain(db, drained, found, claims=True)
    assert bool(drained.all) is alive


def test_a_job_works_on_a_volume_when_it_names_it_or_its_disk(library: Library) -> None:
    db = library.db()
    volume = store.get(db, place_of(db, str(library.root)).volume_id)
    named = jobs.create(db, "verify", "V", {"volume_id": volume.volume_id})
    by_disk = jobs.create(db, "ingest", "I", {}, resources=("device:8:16", "device:8:0"))
    held = jobs.create(db, "verify", "H", {"volume_id": volume.volume_id})
    jobs.request(db, held, "pause")
    jobs.create(db, "verify", "O", {"volume_id": "another"}, resources=("device:9:9",))
    assert {job["job_id"] for job in draining.claiming(db, volume, "8:0")} == {named, by_disk}
    assert {job["job_id"] for job in draining.claiming(db, volume, None)} == {named}


@pytest.mark.parametrize("engine_holds_it", [True, False])
def test_an_export_that_names_no_disk_rests_where_the_engine_holds_the_drive(
    library: Library, monkeypatch: pytest.MonkeyPatch, engine_holds_it: bool
) -> None:
    db = library.db()
    volume = store.get(db, place_of(db, str(library.root)).volume_id)
    export = jobs.create(db, "export", "film", {})
    jobs.transition(db, export, "running")
    asked: list[tuple[bool, list[str]]] = []

    def note(_: object, __: object, found: list[dict[str, str]], *, claims: bool) -> None:
        asked.append((claims, [job["job_id"] for job in found]))

    monkeypatch.setattr(eject, "drain", note)
    monkeypatch.setattr(eject, "holders", lambda _: [Holder(4711, "ffmpeg", 0, "/")])
    monkeypatch.setattr(eject, "is_of_engine", lambda _, pid: engine_holds_it and pid == 4711)
    eject._let_go(db, volume, (), None, draining.Drained())
    assert asked == [(True, []), (False, [export])][: 2 if engine_holds_it else 1]
