"""kill -9 at random instants, then resume: nothing lost, nothing copied twice, nothing half done in sight."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.ingest.carrying import copying
from engine.ingest.job import clean_up
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import create

from .conftest import Desk, temps, tree, write

RUNNER = str(Path(__file__).with_name("killed.py"))
INSTANTS = int(os.environ.get("RUSHES_TEST_KILLS", "6"))


def launch(desk, job_id):
    child = subprocess.Popen(
        [sys.executable, RUNNER, str(desk.library.root), job_id], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "running\n"
    return child


def looked_at(desk, source, nas):
    """What must hold at every instant, and how many files are verified."""
    whole = tree(source)
    for name, data in tree(nas).items():
        if not name.endswith(".part"):
            assert data == whole[name.removeprefix("card/")], f"{name} is visible and incomplete"
    verified = desk.rows(
        "SELECT path FROM copies WHERE role = 'managed' AND verified_at IS NOT NULL AND instr(path, ?)",
        f"/{nas.name}/".encode(),
    )
    here = tree(nas)
    for copy in verified:
        name = "card" + os.fsdecode(copy["path"]).rpartition("/card")[2]
        assert name in here, f"{name} is called verified and is not there"
    return len(verified)


def test_kill_at_random_instants(desk, tmp_path):
    source = tmp_path / "card"
    for number in range(40):
        write(source / f"DCIM/{number:03d}.dat", random.Random(number).randrange(1, 300_000))
    for number in range(6):
        write(source / f"CLIPS/{number}.mov", 6 << 20)
    (tmp_path / "other").mkdir()
    other = Desk(create(str(tmp_path / "other")), tmp_path)
    child = launch(other, other.queue(source, to=[tmp_path / "measured"]))
    begun = time.monotonic()
    child.communicate()
    whole_run = time.monotonic() - begun
    chance = random.Random(7)
    kills = rounds = 0
    while kills < INSTANTS:
        rounds += 1
        nas = tmp_path / f"nas{rounds}"
        job_id = desk.queue(source, to=[nas], duplicates="copy")
        result = None
        while result is None:
            child = launch(desk, job_id)
            if kills < INSTANTS:
                time.sleep(chance.uniform(0, whole_run / 2))  # the instant is the subject of the test
                child.send_signal(signal.SIGKILL)
            rest, _ = child.communicate()
            kills += child.returncode == -signal.SIGKILL
            looked_at(desk, source, nas)
            result = json.loads(rest) if rest.strip() else None
        assert looked_at(desk, source, nas) == 46
        assert tree(nas / "card") == tree(source)
        assert temps(nas) == []
        numbers = (result["status"], result["found"], result["ingested"], result["failed"])
        assert numbers == ("completed", 46, 46, 0)
        assert result["bytes"] == sum(len(data) for data in tree(source).values())
        assert os.listdir(nas) == ["card"]


def test_a_large_file_is_continued_from_its_blocks(desk, tmp_path, monkeypatch, wait_until):
    monkeypatch.setattr("engine.ingest.carrying.copying.BLOCK", 4 << 20)
    monkeypatch.setattr("engine.ingest.carrying.journal.BLOCK", 4 << 20)
    monkeypatch.setattr("engine.ingest.carrying.journal.JOURNALED", 8 << 20)
    source, nas, backup = tmp_path / "card", tmp_path / "nas", tmp_path / "backup"
    write(source / "long.mov", 61 << 20)
    job_id = desk.queue(source, to=[nas, backup])
    context, read = [], copying.read_into
    position = []

    def stop_late(fd, buffer):
        position.append(len(buffer))
        if sum(position) > 45 << 20:
            # What was read may still wait to be written: both need the block that is damaged below.
            wait_until(lambda: min(map(os.path.getsize, temps(tmp_path))) >= 12 << 20)
            context[0].send("stop")
        return read(fd, buffer)

    monkeypatch.setattr(copying, "read_into", stop_late)
    assert desk.start(job_id, watch=context.append) is None
    assert store.get(desk.db, job_id).status == "interrupted"
    blocks = desk.row("SELECT count(*) AS n FROM task_blocks")["n"]
    assert blocks >= 3
    assert len(temps(tmp_path)) == 2
    assert tree(nas / "card").keys() == {".long.mov." + job_id[:8] + ".part"}
    # One of the two is damaged in its third block while nobody looks.
    with open(temps(backup)[0], "r+b") as file:
        file.seek(9 << 20)
        file.write(b"damaged")
    position.clear()
    monkeypatch.setattr(
        copying, "read_into", lambda fd, buffer: position.append(len(buffer)) or read(fd, buffer)
    )
    outcome = desk.start(job_id, intent="resume")
    assert outcome.result["ingested"] == 1
    assert sum(position) == (61 - 8) << 20  # from the second block on: what both had
    assert tree(nas / "card") == tree(backup / "card") == tree(source)
    assert temps(tmp_path) == []
    assert desk.row("SELECT count(*) AS n FROM task_blocks")["n"] == 0


def test_a_source_that_changed_is_begun_anew(desk, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.ingest.carrying.copying.BLOCK", 4 << 20)
    monkeypatch.setattr("engine.ingest.carrying.journal.BLOCK", 4 << 20)
    monkeypatch.setattr("engine.ingest.carrying.journal.JOURNALED", 8 << 20)
    source, nas = tmp_path / "card", tmp_path / "nas"
    write(source / "long.mov", 21 << 20)
    job_id = desk.queue(source, to=[nas])
    context, read, position = [], copying.read_into, []

    def stop_late(fd, buffer):
        position.append(len(buffer))
        if sum(position) > 15 << 20:
            context[0].send("stop")
        return read(fd, buffer)

    monkeypatch.setattr(copying, "read_into", stop_late)
    assert desk.start(job_id, watch=context.append) is None
    monkeypatch.setattr(copying, "read_into", read)
    facts = (source / "long.mov").stat()
    with open(source / "long.mov", "r+b") as file:
        file.write(b"other take")
    os.utime(source / "long.mov", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    outcome = desk.start(job_id, intent="resume")
    assert outcome.result["ingested"] == 1
    assert tree(nas / "card") == tree(source)


def test_a_cancel_while_nothing_runs_removes_what_was_kept(desk, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.ingest.carrying.copying.BLOCK", 4 << 20)
    monkeypatch.setattr("engine.ingest.carrying.journal.BLOCK", 4 << 20)
    monkeypatch.setattr("engine.ingest.carrying.journal.JOURNALED", 8 << 20)
    write(tmp_path / "card/long.mov", 40 << 20)
    job_id = desk.queue(tmp_path / "card", to=[tmp_path / "nas"])
    context, read, position = [], copying.read_into, []

    def stop_late(fd, buffer):
        position.append(len(buffer))
        if sum(position) > 30 << 20:
            context[0].send("stop")
        return read(fd, buffer)

    monkeypatch.setattr(copying, "read_into", stop_late)
    assert desk.start(job_id, watch=context.append) is None
    assert len(temps(tmp_path)) == 1
    clean_up(JobContext(desk.library, store.get(desk.db, job_id)))
    assert temps(tmp_path) == []
    assert desk.row("SELECT status FROM tasks")["status"] == "cancelled"
    assert desk.row("SELECT count(*) AS n FROM task_blocks")["n"] == 0
