"""A drive pulled out of a running job: the engine pauses it with a sentence, and goes on when it is back."""

from __future__ import annotations

import filecmp
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.ingest.planning import plan, queue
from engine.library import Library
from engine.storage.database import row, rows, scalar
from engine.supervisor import process
from engine.volumes import monitor, stand_ins
from tests.engine.volumes.conftest import Mounts

pytestmark = pytest.mark.mount

FILES = 40
BYTES = 3 << 20
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


def card(folder: Path) -> Path:
    source = folder / "card"
    source.mkdir()
    for number in range(FILES):
        (source / f"A{number:03}.mov").write_bytes(os.urandom(BYTES))
    return source


def job(library: Library, job_id: str) -> dict[str, Any]:
    found = row(library.db(), "SELECT * FROM jobs WHERE job_id = ?", (job_id,))
    assert found is not None
    return found


def copied(library: Library, job_id: str) -> int:
    return int(
        scalar(
            library.db(),
            "SELECT count(*) FROM tasks WHERE job_id = ? AND status IN ('completed', 'skipped')",
            (job_id,),
        )
    )


def paused_for(library: Library, job_id: str, volume_id: str) -> bool:
    now = job(library, job_id)
    assert now["status"] in ("running", "paused"), (now["status"], now["error"])
    return bool(now["status"] == "paused" and now["waiting_for"] == volume_id)


def told(library: Library, job_id: str) -> str:
    return " ".join(
        line["message"]
        for line in rows(library.db(), "SELECT message FROM job_log WHERE job_id = ?", (job_id,))
    )


def ended(library: Library, job_id: str) -> bool:
    now = job(library, job_id)
    assert now["status"] in ("paused", "pending", "running", "completed"), (now["status"], now["error"])
    return bool(now["status"] == "completed")


def image(mounted: Mounts, name: str, megabytes: int = 256) -> Path:
    path = mounted.folder / f"{name}.img"
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    mounted.format(path, "ext4", name.upper())
    return path


def same(source: Path, target: Path) -> None:
    names = sorted(path.name for path in source.iterdir())
    assert len(names) == FILES
    found = {path.name: path for path in target.rglob("*.mov")}
    assert sorted(found) == names
    assert all(filecmp.cmp(source / name, found[name], shallow=False) for name in names)
    assert [path for path in target.rglob("*") if ".part" in path.name or "rushes-tmp" in path.name] == []


def test_a_destination_that_leaves_and_returns_elsewhere(
    running: Library, mounted: Mounts, wait_until: Wait, tmp_path: Path
) -> None:
    disk = image(mounted, "shuttle")
    point = mounted.mount(disk, "first")
    source = card(tmp_path)
    job_id = queue.queue(running, plan.plan(running, [str(source)], [str(point / "day1")])).job_id
    volume_id = scalar(running.db(), "SELECT volume_id FROM volumes WHERE label = 'SHUTTLE'")
    wait_until(lambda: copied(running, job_id) >= 2, 20, "the first files")
    mounted.unmount(point, "-l")
    wait_until(lambda: paused_for(running, job_id, volume_id), 20, "the pause")
    assert "SHUTTLE" in told(running, job_id)
    assert list(point.iterdir()) == []  # nothing was written into the empty mount point
    elsewhere = mounted.mount(disk, "second")
    wait_until(lambda: ended(running, job_id), 40, "the end of the job, without anybody's help")
    assert f"SHUTTLE is back at {elsewhere}; the job goes on." in told(running, job_id)
    same(source, elsewhere / "day1")


def test_a_source_that_leaves_and_returns_elsewhere(
    running: Library, mounted: Mounts, wait_until: Wait, tmp_path: Path
) -> None:
    disk = image(mounted, "reel")
    point = mounted.mount(disk, "first")
    card(point)
    target = tmp_path / "nas"
    target.mkdir()
    job_id = queue.queue(running, plan.plan(running, [str(point / "card")], [str(target)])).job_id
    volume_id = scalar(running.db(), "SELECT volume_id FROM volumes WHERE label = 'REEL'")
    wait_until(lambda: copied(running, job_id) >= 2, 20, "the first files")
    mounted.unmount(point, "-l")
    wait_until(lambda: paused_for(running, job_id, volume_id), 20, "the pause")
    elsewhere = mounted.mount(disk, "second")
    wait_until(lambda: ended(running, job_id), 40, "the end of the job, without anybody's help")
    same(elsewhere / "card", target)


def test_a_stand_in_made_by_a_client_is_followed_from_its_first_minute(
    running: Library, wait_until: Wait, tmp_path: Path
) -> None:
    parent = tmp_path / "parent"
    (parent / "A").mkdir(parents=True)
    volume_id = stand_ins.make_stand_in(running.db(), str(parent / "A"), "A")
    assert state(running, volume_id) == "online"
    time.sleep(1)  # nothing to wait for: what the engine watches is its own affair
    for _ in range(2):
        began = time.monotonic()
        (parent / "A").rename(tmp_path / "away")
        wait_until(lambda: state(running, volume_id) == "offline", 10, "noticing that it left")
        (tmp_path / "away").rename(parent / "A")
        wait_until(lambda: state(running, volume_id) == "online", 10, "noticing that it is back")
        assert time.monotonic() - began < monitor.NET_SECONDS / 2, "by an event, not by the net"


def state(library: Library, volume_id: str) -> str:
    return str(scalar(library.db(), "SELECT state FROM volumes WHERE volume_id = ?", (volume_id,)))
