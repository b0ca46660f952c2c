"""kill -9 of the engine and of the screen in the middle of the work: nothing lost, nothing guessed."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.api import clips, exports, ingests, jobs, libraries, recipes
from engine.jobs import store
from engine.library import Library
from engine.supervisor import lock
from tests.tui.cli.conftest import make_clip, rushes

Wait = Callable[..., None]


def kill_engine(library: Library) -> None:
    """SIGKILL, and wait until the process is gone."""
    owner = lock.holder(library)
    assert owner is not None
    process = psutil.Process(owner.pid)
    process.kill()
    process.wait(10)


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def finished_segments(library: Library, run_id: str) -> set[tuple[str, int, str]]:
    return {
        (segment["kind"], segment["position"], segment["completed_at"])
        for segment in exports.show(library, run_id)["segments"]
        if segment["status"] == "completed"
    }


@pytest.fixture
def opened(home: Path) -> Library:
    return libraries.open_library(str(home / "lib"))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
def test_the_engine_is_killed_in_the_middle_of_an_ingest(
    home: Path, opened: Library, share: float, wait_until: Wait
) -> None:
    card = home / "card"
    card.mkdir()
    for number in range(60):
        (card / f"clip {number:02d}.bin").write_bytes(os.urandom(3_000_000))
    job_id = ingests.queue(opened, [str(card)], [str(home / "x"), str(home / "y")])["job_id"]
    wait_until(lambda: (store.get(opened.db(), job_id).progress or 0) >= share, 60, "some progress")
    kill_engine(opened)
    for place in ("x", "y"):
        for path in (home / place).rglob("*.bin"):
            if not path.name.startswith("."):
                assert path.read_bytes() == (card / path.name).read_bytes(), "a final name is complete"
    assert rushes("engine", "start", "--library", home / "lib").code == 0
    assert jobs.show(opened, job_id)["status"] == "interrupted"
    jobs.request(opened, job_id, "resume")
    result = ingests.wait(opened, job_id)
    assert result["status"] == "completed", result
    assert result["found"] == 60
    assert result["ingested"] + result["duplicates"] == 60
    assert store.task_counts(opened.db(), job_id).get("failed", 0) == 0
    for place in ("x", "y"):
        assert names_below(home / place) == {f"card/clip {number:02d}.bin" for number in range(60)}
        for path in (home / place).rglob("*.bin"):
            assert path.read_bytes() == (card / path.name).read_bytes()
    copies = [
        copy for clip in clips.list_clips(opened) for copy in clip["copies"] if copy["role"] != "source"
    ]
    assert all(copy["verified_at"] for copy in copies)


def test_the_engine_is_killed_in_the_middle_of_an_export(
    home: Path, opened: Library, wait_until: Wait
) -> None:
    card = home / "card"
    card.mkdir()
    for pattern in ("testsrc2", "smptebars", "rgbtestsrc"):
        make_clip(card / f"{pattern}.mov", 25.0, pattern=pattern)
    assert (
        ingests.wait(opened, ingests.queue(opened, [str(card)], [str(home / "x")])["job_id"])["status"]
        == "completed"
    )
    recipes.create_recipe(opened, "Film", {"preset": "archive", "destination": str(home / "out")})
    (queued,) = exports.queue(opened, ["Film"])["runs"]
    wait_until(
        lambda: any(s["status"] == "completed" for s in exports.show(opened, queued["run_id"])["segments"]),
        120,
        "a finished segment",
    )
    owner = lock.holder(opened)
    assert owner is not None
    children = psutil.Process(owner.pid).children(recursive=True)
    kill_engine(opened)
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    assert not list((home / "out").glob("*.mov")) if (home / "out").exists() else True
    assert rushes("engine", "start", "--library", home / "lib").code == 0
    assert exports.show(opened, queued["run_id"])["status"] == "interrupted"
    finished = finished_segments(opened, queued["run_id"])
    assert finished
    said = rushes("exports", "resume", queued["run_id"], "--wait", "--library", home / "lib", "--json")
    assert said.code == 0, said
    run = said.document["runs"][0]
    assert (run["status"], run["frames"]) == ("completed", 75 * 25)
    assert finished <= finished_segments(opened, queued["run_id"]), "what was finished was not made again"
    again = rushes("exports", "rerun", queued["run_id"], "--wait", "--library", home / "lib", "--json")
    assert again.code == 0, again
    other = again.document["runs"][0]["output_path"]
    assert Path(other).read_bytes() == Path(run["output_path"]).read_bytes(), "resumed = uninterrupted"


def test_the_screen_is_killed_and_the_work_goes_on(home: Path, opened: Library, wait_until: Wait) -> None:
    card = home / "card"
    card.mkdir()
    for number in range(40):
        (card / f"{number:02d}.bin").write_bytes(os.urandom(1_000_000))
    master, slave = pty.openpty()
    screen = subprocess.Popen(
        [sys.executable, "-m", "tui", "--library", str(home / "lib")],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    seen = b""
    try:
        while b"Volumes" not in seen:
            seen += os.read(master, 65536)
        wait_until(lambda: lock.holder(opened) is not None, 20, "the engine that the screen starts")
        job_id = ingests.queue(opened, [str(card)], [str(home / "x")])["job_id"]
        wait_until(lambda: store.get(opened.db(), job_id).status == "running", 20, "the ingest")
        screen.send_signal(signal.SIGKILL)
        screen.wait(10)
    finally:
        screen.kill()
        screen.wait(10)
        os.close(master)
    result = ingests.wait(opened, job_id)
    assert (result["status"], result["ingested"]) == ("completed", 40)
