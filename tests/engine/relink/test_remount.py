"""A drive that nobody knew comes in under the running engine, with the files of clips whose drive is away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.api import relinks
from engine.ingest.planning import plan, queue
from engine.library import Library
from engine.relink import decisions
from engine.storage import config
from engine.storage.database import rows, scalar
from engine.supervisor import process

pytestmark = pytest.mark.mount

Wait = Callable[..., None]
SIZES = (100_000, 200_000, 11 << 20)


@pytest.fixture
def running(library: Library, disks: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    yield library
    process.stop(library)


def jobs_of(library: Library, kind: str) -> list[dict[str, Any]]:
    return rows(library.db(), "SELECT * FROM jobs WHERE kind = ? ORDER BY created_at", (kind,))


def ended(library: Library, kind: str) -> bool:
    found = jobs_of(library, kind)
    assert all(job["status"] in ("pending", "running", "completed") for job in found), found
    return bool(found) and all(job["status"] == "completed" for job in found)


def volume_state(library: Library, label: str) -> str | None:
    found = scalar(library.db(), "SELECT state FROM volumes WHERE label = ?", (label,))
    return None if found is None else str(found)


def clip_states(library: Library) -> list[str]:
    return [entry["state"] for entry in rows(library.db(), "SELECT state FROM clip_states")]


@pytest.mark.parametrize("word", ["certain", "ask", "off"])
def test_an_unknown_drive_with_the_files_of_offline_clips(
    running: Library, disks: Any, tmp_path: Path, wait_until: Wait, word: str
) -> None:
    settings = config.open_config()
    config.put(settings, "relink.policy", word)
    settings.close()
    card = tmp_path / "Day 2"
    card.mkdir()
    for number, size in enumerate(SIZES):
        (card / f"C{number:04}.MP4").write_bytes(os.urandom(size))
    stranger = disks.image("STRANGER", 64)
    point = disks.mount(stranger, "elsewhere")
    (point / "backup").mkdir()
    for number in range(len(SIZES)):
        shutil.copyfile(card / f"C{number:04}.MP4", point / "backup" / f"take {number} caf\udce9.mov")
    disks.unmount(point)
    point = disks.mount(disks.image("SHUTTLE", 64), "shuttle")
    process.ensure(running)
    queue.queue(running, plan.plan(running, [str(card)], [str(point)], name="Day 2"))
    wait_until(lambda: ended(running, "ingest"), 40, "the ingest")
    shutil.rmtree(card)
    disks.unmount(point)
    wait_until(lambda: set(clip_states(running)) == {"offline"}, 20, "the clips being offline")
    before = rows(running.db(), "SELECT * FROM copies ORDER BY copy_id")

    point = disks.mount(stranger, "new place")
    wait_until(lambda: volume_state(running, "STRANGER") == "online", 20, "the new drive")
    if word == "off":
        disks.unmount(point)
        wait_until(lambda: volume_state(running, "STRANGER") == "offline", 20, "its leaving")
        assert jobs_of(running, "relink_scan") == []
        return
    wait_until(lambda: ended(running, "relink_scan"), 40, "the look through the new drive")
    # Other drives of this machine may have been looked through as well.
    (job,) = (job for job in jobs_of(running, "relink_scan") if str(point) in str(job["message"]))
    sentence = f"3 of 3 offline clips of Day 2 found at {point}."
    assert job["message"] == sentence
    found = decisions.list_candidates(running.db())
    assert len(found) == 3
    if word == "ask":
        assert {candidate.status for candidate in found} == {"pending"}
        assert set(clip_states(running)) == {"offline"}
        assert rows(running.db(), "SELECT * FROM copies ORDER BY copy_id") == before
        return
    assert clip_states(running) == ["online"] * 3
    assert {(each.match_type, each.certain, each.status, each.decided_by) for each in found} == {
        ("full_hash", True, "applied", "engine")
    }
    assert all(each.evidence["blake3"] is True and each.evidence["read"]["level"] for each in found)
    assert relinks.undo_session(running, found[0].session_id)["undone"] == 3
    assert rows(running.db(), "SELECT * FROM copies ORDER BY copy_id") == before
    assert set(clip_states(running)) == {"offline"}
