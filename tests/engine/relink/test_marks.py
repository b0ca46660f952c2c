"""A sweep that is killed goes on where it was, and says what an undisturbed one would have said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.jobs.context import JobPaused
from engine.relink import look, marks
from engine.relink.marks import Marks
from engine.storage.database import execute, scalar

FOLDERS = 30
SLOWLY = """
import sys, time
from engine.library import open_library
from engine.relink import sweep
library = open_library(sys.argv[1])
sweep.sweep(library, sys.argv[2], check=lambda: time.sleep(0.08))
"""


def filled(world: Any) -> tuple[str, Path, list[int]]:
    volume_id, a = world.volume("A")
    ids = [
        world.catalogue(world.file(a, f"day{n // 2:03}/C{n:04}.MP4", size=10), clip=False)
        for n in range(FOLDERS * 2)
    ]
    return str(volume_id), a, ids


def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the folders that are looked into from now on."""
    seen: list[str] = []
    listing = look.Look._list

    def spy(self: Any, folder: str, wanted: Any) -> None:
        seen.append(folder)
        listing(self, folder, wanted)

    monkeypatch.setattr(look.Look, "_list", spy)
    return seen


def marked(world: Any) -> int:
    return int(scalar(world.db, "SELECT count(*) FROM sweep_marks"))


def test_killed_in_the_middle_it_goes_on_from_there(
    world: Any, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    volume_id, a, ids = filled(world)
    os.unlink(a / "day001/C0002.MP4")
    os.rename(a / "day002/C0004.MP4", a / "day002/renamed.mp4")
    with subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(world.library.root), volume_id],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as child:
        wait_until(lambda: marked(world) or child.poll() is not None, 20, "the first marks")
        child.send_signal(signal.SIGKILL)
    before = marked(world)
    assert 0 < before < FOLDERS
    assert {world.copy(each)["state"] for each in ids} == {"present"}  # nothing half said
    seen = listed(monkeypatch)
    swept = world.sweep(volume_id)
    assert len(seen) == FOLDERS - before
    assert {"day001", "day002"} <= set(seen)  # where something is to be told is looked at again
    assert (swept.known, swept.present, swept.missing, swept.moved) == (FOLDERS * 2, FOLDERS * 2 - 1, 1, 1)
    assert world.copy(ids[2])["state"] == "missing"
    assert world.copy(ids[4])["path"] == b"day002/renamed.mp4"
    assert marked(world) == 0


def test_a_pause_loses_no_mark(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_id, _, _ = filled(world)
    seen = listed(monkeypatch)

    def pause() -> None:
        if len(seen) == 20:
            raise JobPaused

    with pytest.raises(JobPaused):
        world.sweep(volume_id, check=pause)
    assert marked(world) == 20
    world.sweep(volume_id)
    assert len(seen) == FOLDERS


@pytest.mark.parametrize("why", ["another mount", "too old", "from the future"])
def test_marks_that_prove_nothing_are_not_believed(
    world: Any, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    volume_id, a, ids = filled(world)
    session = None if why == "another mount" else str(_session(world, volume_id))
    made = Marks(world.db, volume_id, session or "other:8:1")
    for number in range(FOLDERS):
        made.add(f"day{number:03}")
    made.write()
    assert marked(world) == FOLDERS
    if why != "another mount":
        at = "2020-01-01T00:00:00.000Z" if why == "too old" else "2099-01-01T00:00:00.000Z"
        execute(world.db, "UPDATE sweep_marks SET at = ?", (at,))
    os.unlink(a / "day005/C0010.MP4")
    seen = listed(monkeypatch)
    assert world.sweep(volume_id).missing == 1
    assert len(seen) == FOLDERS
    assert world.copy(ids[10])["state"] == "missing"


def _session(world: Any, volume_id: str) -> str | None:
    from engine.relink.tree import hold

    with hold(world.db, volume_id) as tree:
        return tree.place.session


def test_folders_that_hold_something_to_tell_are_not_marked(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume_id, a, _ = filled(world)
    monkeypatch.setattr(marks, "WRITE_SECONDS", 0.0)
    told: list[str] = []
    monkeypatch.setattr(marks.Marks, "add", lambda _, folder: told.append(folder))
    os.unlink(a / "day001/C0002.MP4")
    world.file(a, "day002/new.MP4")
    (a / "day003/C0006.MP4").write_bytes(b"other bytes")
    world.sweep(volume_id)
    assert {"day001", "day002", "day003"}.isdisjoint(told)
    assert len(told) == FOLDERS - 3


def test_what_was_written_down_is_not_written_again(world: Any) -> None:
    volume_id, _ = world.volume("A")
    held = Marks(world.db, volume_id, "session")
    held.add("day 1")
    held.write()
    assert held.read() == {"day 1"}
    held.clear()
    held.add("day 2")
    held.write()
    assert held.read() == {"day 2"}


def test_without_a_session_nothing_is_remembered(world: Any) -> None:
    volume_id, _ = world.volume("A")
    held = Marks(world.db, volume_id, None)
    held.add("day 1")
    held.write()
    assert held.read() == frozenset()
    assert scalar(world.db, "SELECT count(*) FROM sweep_marks") == 0
