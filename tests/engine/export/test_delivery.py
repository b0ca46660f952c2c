"""Finished films are handed over as verified copies, by the recipe or by hand; nothing is lost on the way."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from engine import renaming
from engine.api import engines
from engine.errors import Refused, WrongUse
from engine.export.runs import runs
from engine.files import delivery
from engine.jobs import store
from engine.media.hashing import full_hash
from engine.storage.database import execute, row, rows
from engine.supervisor.aftermath import Aftermath
from engine.supervisor.runner import Runner, cancel_idle


@pytest.fixture
def film(desk, clip):
    """A finished run of one film."""
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(template="fi lm")
    assert run.status == "completed", run.error
    return run


def work(desk, job_id: str, before=None):
    """Run a job in this thread, as the engine would."""
    store.transition(desk.library.db(), job_id, "running", by="engine")
    runner = Runner(desk.library, store.get(desk.library.db(), job_id), lambda: None)
    if before is not None:
        before(runner.context)
    runner._run_to_an_end()
    return store.get(desk.library.db(), job_id)


def copies(desk) -> dict[bytes, str]:
    found = rows(desk.library.db(), "SELECT path, verify_level FROM copies WHERE role = 'export'")
    return {entry["path"]: entry["verify_level"] for entry in found}


def test_a_copy_is_proven_and_both_are_known(desk, film, tmp_path):
    to = tmp_path / "deliveries"
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=False))
    assert (job.status, job.error) == ("completed", None)
    [moved] = job.result["files"]
    assert Path(moved["to"]).read_bytes() == Path(film.output_path).read_bytes()
    assert moved["level"].endswith("re-read")
    assert os.listdir(to) == ["fi lm.mp4"]
    assert len(copies(desk)) == 2
    again = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=False))
    assert again.status == "completed"
    assert os.listdir(to) == ["fi lm.mp4"], "what is there and whole is not copied twice"


def test_a_move_takes_the_film_along_with_its_history(desk, film, tmp_path):
    to = tmp_path / "deliveries"
    digest = full_hash(film.output_path)
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=True))
    assert job.status == "completed", job.error
    assert not os.path.exists(film.output_path)
    assert full_hash(str(to / "fi lm.mp4")) == digest
    assert runs.finished_path(desk.library, film.run_id) == str(to / "fi lm.mp4")
    [path] = copies(desk)
    assert path.endswith(b"deliveries/fi lm.mp4")
    assert runs.goes_with(desk.library, film.run_id) == [str(to / "fi lm.mp4")]


def test_a_name_that_is_taken_is_numbered(desk, film, tmp_path):
    to = tmp_path / "deliveries"
    to.mkdir()
    (to / "fi lm.mp4").write_bytes(b"another film")
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=True))
    assert job.status == "completed"
    assert (to / "fi lm.mp4").read_bytes() == b"another film"
    assert sorted(os.listdir(to)) == ["fi lm.mp4", "fi lm_001.mp4"]


def test_a_film_that_was_changed_is_neither_delivered_nor_removed(desk, film, tmp_path):
    path = Path(film.output_path)
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)
    to = tmp_path / "deliveries"
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=True))
    assert job.status == "failed"
    assert "not the file that the run made" in job.error
    assert path.read_bytes() == changed
    assert os.listdir(to) == []


def test_what_does_not_reach_the_disk_is_no_copy(desk, film, tmp_path, monkeypatch):
    from engine.ingest.ends.landing import Landing

    to = tmp_path / "deliveries"
    real = Landing.settle

    def spoil(self, original, *, sync=True):
        os.pwrite(self.fd, b"\xff\xfe\xfd", 100)
        real(self, original, sync=sync)

    monkeypatch.setattr(Landing, "settle", spoil)
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=True))
    assert job.status == "failed"
    assert os.path.exists(film.output_path)
    assert os.listdir(to) == []


def test_a_kill_between_name_and_row_is_healed_by_a_resume(desk, film, tmp_path, monkeypatch):
    class PowerCut(BaseException):
        pass

    def cut(*_args):
        raise PowerCut

    to = tmp_path / "deliveries"
    job_id = delivery.queue(desk.library, film.run_id, str(to), move=True)
    with monkeypatch.context() as patched:
        patched.setattr(delivery._Delivery, "_enter", cut)
        with pytest.raises(PowerCut):
            work(desk, job_id)
    assert os.path.exists(film.output_path)
    store.interrupt_running(desk.library.db())
    (to / f".x.{job_id[:8]}.part").write_bytes(b"of a dead attempt")
    job = work(desk, job_id)
    assert job.status == "completed"
    assert os.listdir(to) == ["fi lm.mp4"]
    assert not os.path.exists(film.output_path)


def test_a_cancel_leaves_nothing_behind(desk, film, tmp_path):
    to = tmp_path / "deliveries"
    job_id = delivery.queue(desk.library, film.run_id, str(to), move=True)
    job = work(desk, job_id, lambda context: context.send("cancel"))
    assert job.status == "cancelled"
    assert os.path.exists(film.output_path)
    second = delivery.queue(desk.library, film.run_id, str(to), move=True)
    store.transition(desk.library.db(), second, "running")
    store.interrupt_running(desk.library.db())
    (to / f".x.{second[:8]}.part").write_bytes(b"half")
    cancel_idle(desk.library, store.get(desk.library.db(), second))
    assert os.listdir(to) == []


def test_a_recipe_delivers_by_itself_once_and_leaves_a_report(desk, clip, tmp_path, wait_until):
    desk.add(clip("a.mov"), "a.mov")
    to = tmp_path / "deliveries"
    queued = desk.order(deliver="move", deliver_to=str(to), template="film")
    engines.ensure(desk.library)
    try:
        wait_until(
            lambda: desk.row("SELECT 1 FROM jobs WHERE kind = 'deliver' AND status = 'completed'"),
            30,
            "the delivery",
        )
    finally:
        engines.stop(desk.library)
    assert os.listdir(to) == ["film.mp4"]
    assert os.listdir(desk.library.cache_root / "exports") == []
    result = store.get(desk.library.db(), queued.job_id).result
    report = json.loads(Path(result["reports"]["json"]).read_text())
    assert sorted(result["reports"]) == ["csv", "json", "txt"]
    assert queued.job_id in json.dumps(report)
    # Told again, as after a kill in the middle: no second delivery.
    execute(desk.library.db(), "UPDATE jobs SET told = 0 WHERE job_id = ?", (queued.job_id,))
    Aftermath(desk.library).work_off()
    assert desk.one("SELECT count(*) FROM jobs WHERE kind = 'deliver'") == 1


def test_what_cannot_be_delivered_is_refused(desk, film, clip, tmp_path):
    with pytest.raises(Refused, match="does not exist"):
        delivery.queue(desk.library, film.run_id, str(tmp_path / "no" / "where"), move=False)
    with pytest.raises(Refused, match="absolute"):
        delivery.queue(desk.library, film.run_id, "here", move=False)
    waiting = desk.queue("film")
    with pytest.raises(Refused, match="pending; it has no finished file"):
        delivery.queue(desk.library, waiting.run_id, str(tmp_path), move=False)
    with pytest.raises(WrongUse, match="together"):
        desk.recipe("half", deliver="copy")
    with pytest.raises(WrongUse, match="absolute"):
        desk.recipe("half", deliver="copy", deliver_to="here")


def test_a_film_that_is_gone_is_told_at_once_and_in_the_job(desk, film, tmp_path):
    waiting = delivery.queue(desk.library, film.run_id, str(tmp_path / "away"), move=False)
    os.unlink(film.output_path)
    with pytest.raises(Refused, match="is gone, or its drive is away; there is nothing to deliver"):
        delivery.queue(desk.library, film.run_id, str(tmp_path / "away"), move=False)
    done = work(desk, waiting)
    assert done.status == "failed"
    assert done.error == f"{film.output_path} is gone, so it was not delivered."


def test_a_delivery_promises_its_room(desk, film, tmp_path):
    job_id = delivery.queue(desk.library, film.run_id, str(tmp_path), move=False)
    found = row(desk.library.db(), "SELECT needs FROM jobs WHERE job_id = ?", (job_id,))
    [need] = json.loads(found["needs"])
    assert need["bytes"] == os.path.getsize(film.output_path)


@pytest.mark.mount
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a bind mount")
def test_a_move_into_its_own_folder_by_another_name_loses_nothing(desk, film, tmp_path):
    """A bind mount, or one share by two protocols: the film that is there already is the film itself."""
    path = Path(film.output_path)
    content = path.read_bytes()
    door = tmp_path / "door"
    door.mkdir()
    subprocess.run(["mount", "--bind", str(path.parent), str(door)], check=True)
    try:
        job = work(desk, delivery.queue(desk.library, film.run_id, str(door), move=True))
        assert path.read_bytes() == content
        assert job.status == "completed", job.error
    finally:
        subprocess.run(["umount", "-l", str(door)], check=True)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_to_the_film_is_no_copy_of_it(desk, film, tmp_path, link):
    path = Path(film.output_path)
    content = path.read_bytes()
    to = tmp_path / "deliveries"
    to.mkdir()
    link(path, to / path.name)
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=True))
    assert job.status == "completed", job.error
    [moved] = job.result["files"]
    assert not os.path.islink(moved["to"])
    assert Path(moved["to"]).read_bytes() == content


def test_what_is_there_and_goes_with_the_old_file_was_no_copy(desk, film, tmp_path, monkeypatch):
    """One folder by two protocols: neither device nor number tells, only that both go at once."""
    path = Path(film.output_path)
    content = path.read_bytes()
    to = tmp_path / "deliveries"
    to.mkdir()
    twin = to / path.name
    twin.write_bytes(content)
    real = renaming.rename

    def both(source, target, *more):
        real(source, target, *more)
        if source == str(path):
            twin.unlink()
        elif target == str(path):
            twin.write_bytes(content)

    monkeypatch.setattr(renaming, "rename", both)
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=True))
    monkeypatch.undo()
    assert path.read_bytes() == content
    assert job.status == "failed"
    assert "the same file" in job.error


def test_a_kill_while_the_old_file_is_set_aside_is_healed_by_a_resume(desk, film, tmp_path, monkeypatch):
    class PowerCut(BaseException):
        pass

    real = os.unlink

    def cut(path, **more):
        if str(path).endswith(".old"):
            raise PowerCut
        real(path, **more)

    path, to = Path(film.output_path), tmp_path / "deliveries"
    content = path.read_bytes()
    job_id = delivery.queue(desk.library, film.run_id, str(to), move=True)
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", cut)
        with pytest.raises(PowerCut):
            work(desk, job_id)
    assert not path.exists()
    store.interrupt_running(desk.library.db())
    job = work(desk, job_id)
    assert job.status == "completed", job.error
    assert (to / path.name).read_bytes() == content
    assert not [name for name in os.listdir(path.parent) if "fi lm" in name]


@pytest.mark.parametrize("known", [False, True])
def test_a_film_that_is_written_anew_while_it_is_delivered_stays(desk, film, tmp_path, monkeypatch, known):
    """As many bytes as before, as uncompressed sound has: only its time tells."""
    to, old = tmp_path / "deliveries", Path(film.output_path)
    anew = old.read_bytes()[::-1]
    if known:
        work(desk, delivery.queue(desk.library, film.run_id, str(to), move=False))
    real = delivery._Delivery._enter

    def meanwhile(self, *given):
        old.write_bytes(anew)
        return real(self, *given)

    monkeypatch.setattr(delivery._Delivery, "_enter", meanwhile)
    job = work(desk, delivery.queue(desk.library, film.run_id, str(to), move=True))
    assert "was changed while it was delivered" in job.error
    assert old.read_bytes() == anew
    assert full_hash(str(to / "fi lm.mp4")) == film.output_blake3
