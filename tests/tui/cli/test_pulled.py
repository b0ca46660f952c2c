"""A drive pulled out of a running export: it waits with a sentence, and goes on by itself when it is back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.api import exports, jobs, libraries
from engine.library import Library
from engine.storage.database import rows, scalar
from tests.tui.cli.conftest import make_clip, rushes

pytestmark = pytest.mark.mount

Wait = Callable[..., None]
SECONDS = 75


@pytest.fixture
def opened(home: Path) -> Library:
    return libraries.open_library(str(home / "lib"))


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """``drive(name)`` mounts the same real file system at a folder of that name."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists() or shutil.which("mkfs.ext4") is None:
        pytest.skip("no root or no loop devices: a drive was not pulled out of an export")
    image = tmp_path / "drive.img"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "TAKES", str(image)], check=True, capture_output=True)
    points: list[Path] = []

    def mount(name: str) -> Path:
        point = tmp_path / name
        point.mkdir()
        subprocess.run(["mount", "-o", "loop", str(image), str(point)], check=True, capture_output=True)
        points.append(point)
        return point

    yield mount
    for point in points:
        subprocess.run(["umount", "-l", str(point)], check=False, capture_output=True)


def test_the_source_of_an_export_leaves_and_returns_elsewhere(
    home: Path, opened: Library, drive: Callable[[str], Path], wait_until: Wait
) -> None:
    lib = home / "lib"
    point = drive("first")
    card = home / "card"
    card.mkdir()
    make_clip(card / "A001.mp4", SECONDS)
    assert rushes("ingest", card, "--to", point, "--library", lib, "--wait").code == 0
    shutil.rmtree(card)
    made = rushes(
        "recipe", "create", "Film", "--layout", "joined", "--preset", "share", "--to", home / "out",
        "--library", lib,
    )  # fmt: skip
    assert made.code == 0, made
    (queued,) = exports.queue(opened, ["Film"])["runs"]
    volume_id = scalar(opened.db(), "SELECT volume_id FROM volumes WHERE label = 'TAKES'")

    def finished() -> int:
        segments = exports.show(opened, queued["run_id"])["segments"]
        return sum(segment["status"] == "completed" for segment in segments)

    wait_until(lambda: finished() >= 1, 60, "a finished segment")
    subprocess.run(["umount", "-l", str(point)], check=True, capture_output=True)

    def waits() -> bool:
        now = jobs.show(opened, queued["job_id"])
        assert now["status"] in ("running", "paused"), now
        return bool(now["status"] == "paused" and now["waiting_for"] == volume_id)

    wait_until(waits, 60, "the pause")
    told = rows(opened.db(), "SELECT message FROM job_log WHERE job_id = ?", (queued["job_id"],))
    assert any("TAKES" in line["message"] for line in told), told
    assert not [path for path in (home / "out").glob("*") if not path.name.startswith(".")]
    assert list(point.iterdir()) == []
    kept = finished()
    drive("second")
    wait_until(
        lambda: jobs.show(opened, queued["job_id"])["status"] == "completed", 120, "the end, by itself"
    )
    run = exports.show(opened, queued["run_id"])
    assert run["status"] == "completed"
    assert kept >= 1
    again = rushes("exports", "rerun", queued["run_id"], "--wait", "--library", lib, "--json")
    assert again.code == 0, again
    assert again.document["runs"][0]["frames"] == SECONDS * 25
    whole = Path(again.document["runs"][0]["output_path"]).read_bytes()
    assert Path(run["output_path"]).read_bytes() == whole, "interrupted = uninterrupted"
