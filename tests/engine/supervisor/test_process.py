"""The engine as a process: started on demand, alone, outliving clients, losing nothing when killed."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.api import engines, jobs, libraries
from engine.errors import LibraryInUse, Refused
from engine.jobs import store
from engine.library import Library
from engine.storage.database import row, scalar
from engine.supervisor import identity, lock, process
from engine.supervisor.lock import EngineLock

Wait = Callable[..., None]


@pytest.fixture
def engine(library: Library) -> Iterator[int]:
    pid = process.ensure(library).pid
    assert pid is not None
    yield pid
    end(library)


def end(library: Library) -> None:
    owner = lock.holder(library)
    if owner is not None and owner.pid != os.getpid():
        os.kill(owner.pid, signal.SIGKILL)
        gone(library)


def gone(library: Library) -> int:
    """Wait for the end of the engine that this process started; return its exit code."""
    return process._started[library.library_id].wait(20)


def test_a_client_starts_the_engine_and_finds_the_same_one_again(library: Library, engine: int) -> None:
    assert process.ensure(library).pid == engine
    document = engines.status(library)
    assert document["running"] is True
    assert document["library_id"] == library.library_id
    assert document["jobs_running"] == 0
    assert os.getsid(engine) == engine, "it must belong to no terminal's session"


def test_an_engine_that_takes_its_time_is_waited_for_as_long_as_it_lives(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalogue of a million files on a cold disk is checked for half a minute."""
    monkeypatch.setattr(process, "START_SECONDS", 0.0)
    try:
        assert process.ensure(library).ready
    finally:
        end(library)


def test_a_second_engine_is_refused_in_one_sentence(library: Library, engine: int) -> None:
    second = subprocess.run(
        [sys.executable, "-P", "-m", "engine", "--library", str(library.root)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert second.returncode == 3
    assert f"process {engine}" in second.stderr
    assert "Traceback" not in second.stderr
    assert process.status(library).pid == engine


def test_CL7_started_ten_times_at_once_there_is_one(library: Library, wait_until: Wait) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-P", "-m", "engine", "--library", str(library.root)], stderr=subprocess.PIPE
        )
        for _ in range(6)
    ]
    try:
        wait_until(lambda: process.status(library).ready, 30, "an engine")
        wait_until(lambda: sum(s.poll() is None for s in starters) == 1, 30, "the losers' end")
        winner = process.status(library).pid
        assert [s.pid for s in starters if s.poll() is None] == [winner]
        assert {s.returncode for s in starters if s.poll() is not None} == {3}
    finally:
        for starter in starters:
            starter.kill()
            starter.communicate()


def test_stop_returns_when_the_process_is_gone_and_leaves_an_empty_lock(
    library: Library, engine: int
) -> None:
    assert engines.stop(library) == {"stopped": True, "was_running": True, "interrupted": []}
    assert identity.start_time(engine) is None
    assert lock.holder(library) is None
    assert scalar(library.db(), "SELECT count(*) FROM engine") == 0
    assert engines.stop(library)["was_running"] is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(library: Library, engine: int, number: int, wait_until: Wait) -> None:
    os.kill(engine, number)
    assert gone(library) == 0
    assert lock.read(library.folder / "lock") is None


def test_a_terminal_that_closes_does_nothing(library: Library, engine: int, wait_until: Wait) -> None:
    os.kill(engine, signal.SIGHUP)
    before = row(library.db(), "SELECT heartbeat_at FROM engine")
    wait_until(
        lambda: row(library.db(), "SELECT heartbeat_at FROM engine") != before, 15, "the next heartbeat"
    )
    assert process.status(library).pid == engine


def test_killed_it_leaves_interrupted_jobs_and_the_next_one_guesses_nothing(
    library: Library, engine: int
) -> None:
    db = library.db()
    os.kill(engine, signal.SIGKILL)
    gone(library)
    cut, resting = (store.create(db, "verify", name, {}) for name in ("cut off", "resting"))
    for job in (cut, resting):
        store.transition(db, job, "running")
    store.transition(db, resting, "paused")
    assert process.status(library).running is False
    process.ensure(library)
    assert [store.get(db, job).status for job in (cut, resting)] == ["interrupted", "paused"]
    jobs.request(library, cut, "resume")
    assert jobs.follow(library, cut).status == "completed"
    assert store.get(db, resting).status == "paused"


def test_with_the_policy_resume_work_that_was_cut_off_goes_on(library: Library, engine: int) -> None:
    libraries.change_setting("recovery.policy", "resume")
    os.kill(engine, signal.SIGKILL)
    gone(library)
    job = store.create(library.db(), "verify", "cut off", {})
    store.transition(library.db(), job, "running")
    process.ensure(library)
    assert jobs.follow(library, job).status == "completed"


def test_a_pending_job_waits_for_an_engine_and_runs(library: Library, engine: int) -> None:
    job = store.create(library.db(), "verify", "soon", {})
    assert jobs.follow(library, job).status == "completed"
    assert store.get(library.db(), job).result is not None


def test_a_job_of_a_newer_rushes_fails_by_a_sentence_and_is_kept(library: Library, engine: int) -> None:
    job = store.create(library.db(), "teleport", "beam", {})
    ended = jobs.follow(library, job)
    assert ended.status == "failed"
    assert "newer" in (ended.error or "")


def test_cancel_reaches_a_job_that_does_not_run(library: Library, engine: int) -> None:
    db = library.db()
    job = store.create(db, "verify", "held", {})
    store.request(db, job, "pause")
    jobs.request(library, job, "cancel")
    assert jobs.settle(library, job)["status"] == "cancelled"


def test_it_leaves_when_its_library_is_removed(library: Library, engine: int, wait_until: Wait) -> None:
    shutil.rmtree(library.folder)
    assert gone(library) == 0


def test_another_hosts_lock_is_never_stolen_silently(library: Library) -> None:
    import json
    from dataclasses import replace

    elsewhere = replace(
        identity.own(library.library_id, "2026-01-01T00:00:00.000Z"), host="nas2", host_id="nas2"
    )
    (library.folder / "lock").write_text(json.dumps(elsewhere.to_json()))
    with pytest.raises(LibraryInUse, match="nas2"):
        process.ensure(library)
    with pytest.raises(Refused, match="nas2"):
        process.stop(library)
    assert engines.status(library)["host"] == "nas2"


def test_the_engine_outlives_the_client_that_started_it(
    library: Library, tmp_path: Path, wait_until: Wait
) -> None:
    client = subprocess.run(
        [sys.executable, "-m", "tui", "engine", "start", "--library", str(library.root), "--json"],
        capture_output=True, text=True, timeout=60, check=True, start_new_session=True,
    )  # fmt: skip
    assert '"running": true' in client.stdout
    owner = lock.holder(library)
    assert owner is not None
    try:
        assert process.status(library).ready
    finally:
        os.kill(owner.pid, signal.SIGTERM)
        wait_until(lambda: lock.holder(library) is None, 20, "the engine's end")


def test_a_read_only_library_has_no_engine(library: Library) -> None:
    from dataclasses import replace

    with pytest.raises(Refused, match="cannot be written"):
        process.ensure(replace(library, read_only=True))


def test_the_unit_file_stays_one_line_per_entry_whatever_the_name(tmp_path: Path) -> None:
    from engine.library import create

    root = tmp_path / "a\nExecStartPre=b\udcff"
    root.mkdir()
    made = engines.install_unit(create(str(root), "100 %h"), str(tmp_path / "units"))
    text = Path(made["unit"]).read_text()
    assert "Description=rushes engine of 100 %%h\n" in text
    assert f'--library" "{tmp_path}/a\\x0aExecStartPre=b\\xff"\n' in text
    assert "\nExecStartPre" not in text
    assert made["next"].endswith("loginctl enable-linger")


def test_the_unit_file_quotes_blanks_and_percent_signs(tmp_path: Path) -> None:
    from engine.library import create

    root = tmp_path / "a 100% library"
    root.mkdir()
    text = engines.unit_file(create(str(root)))
    assert f'"{tmp_path}/a 100%% library"' in text


def test_a_lock_of_ours_is_released_for_the_next(library: Library) -> None:
    mine = EngineLock(library)
    mine.take()
    mine.release()
    assert process.ensure(library).running
    end(library)


def test_a_stand_in_made_while_the_engine_runs_is_watched_at_once(
    library: Library, engine: int, tmp_path: Path, wait_until: Wait
) -> None:
    from engine.volumes import store as volumes
    from engine.volumes.stand_ins import make_stand_in

    folder = tmp_path / "drives" / "A"
    folder.mkdir(parents=True)
    volume_id = make_stand_in(library.db(), str(folder), "A")
    state = lambda: volumes.get(library.db(), volume_id).state  # noqa: E731 - two words of one sentence
    wait_until(lambda: state() == "online", 5, "the stand-in online")
    folder.rename(tmp_path / "away")
    wait_until(lambda: state() == "offline", 3, "its going away noticed")
    (tmp_path / "away").rename(tmp_path / "drives" / "B")
    wait_until(lambda: state() == "online", 3, "its return at another place noticed")


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with open(path, "wb", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while ballast.write(b"x" * size):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


@pytest.mark.mount
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system under the library")
def test_a_full_disk_under_the_catalogue_kills_neither_the_engine_nor_a_job_for_good(
    tmp_path: Path, wait_until: Wait
) -> None:
    from engine.library import create

    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(small)], check=True)
    library = create(str(small))
    try:
        pid = process.ensure(library).pid
        fill(small / "ballast")
        log = library.logs / "engine.log"
        wait_until(lambda: "cannot be read or written" in log.read_text(), 30, "the engine's complaint")
        assert process.status(library).pid == pid
        (small / "ballast").unlink()
        job = store.create(library.db(), "verify", "after the flood", {})
        assert jobs.follow(library, job).status == "completed"
        assert process.status(library).pid == pid
    finally:
        engines.stop(library)
        library.close()
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.mark.mount
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system under the library")
def test_an_engine_is_stopped_also_when_its_disk_is_full(tmp_path: Path) -> None:
    from engine.library import create

    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(small)], check=True)
    library = create(str(small))
    try:
        pid = process.ensure(library).pid
        assert pid is not None
        fill(small / "ballast")
        with pytest.raises(sqlite3.Error):
            store.create(library.db(), "verify", "there is no room for it", {})
        assert engines.stop(library)["stopped"] is True
        assert identity.start_time(pid) is None
    finally:
        end(library)
        library.close()
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_settings_that_cannot_be_read_do_not_end_an_engine_at_work(
    library: Library, monkeypatch: pytest.MonkeyPatch, wait_until: Wait
) -> None:
    """A full or read-only home: the settings are asked every minute, and the jobs must not die of it."""
    from engine.errors import DatabaseRefused
    from engine.supervisor import supervisor as module
    from engine.supervisor.supervisor import Supervisor
    from engine.watch.drives import Drives

    asked = threading.Event()

    def due(_self: Drives) -> list[str]:
        asked.set()
        raise DatabaseRefused("config.db cannot be opened: check the rights on its folder.")

    monkeypatch.setattr(module, "ROUND_SECONDS", 0.0)
    monkeypatch.setattr(module, "TROUBLE_SECONDS", 0.01)
    monkeypatch.setattr(Drives, "due", due)
    supervisor = Supervisor(library)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        assert asked.wait(20)
        asked.clear()
        assert asked.wait(20), "the engine died of settings that it could not read"
        assert process.status(library).running
    finally:
        supervisor.ask_to_stop()
        thread.join(30)
    assert not thread.is_alive()
