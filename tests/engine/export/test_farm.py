"""One segment is one command: a plan in a file, rendered anywhere, to the engine's own bytes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from engine.api import exports as api
from engine.errors import RushesError, WrongUse
from engine.export.runs import farm, runs
from engine.media.hashing import full_hash


@pytest.fixture
def run(desk, clip):
    """A finished film of two segments."""
    for number, picture in enumerate(("testsrc2", "testsrc")):
        desk.add(clip(f"{number}.mov", picture=picture), f"c {number}'%d.mov")
    made = desk.export(preset="archive", segment_seconds=1)
    assert made.status == "completed", made.error
    return made


def plan_file(desk, run, folder: Path) -> tuple[Path, Path]:
    """The plan of a run as a file, and the folder that its segments go to, emptied."""
    path = folder / "plan.json"
    path.write_text(api.plan_text(desk.library, run.run_id))
    return path, Path(runs.run_folder(desk.library, run.run_id)) / "0000"


def test_a_farm_renders_the_engines_own_bytes(desk, run, tmp_path):
    path, folder = plan_file(desk, run, tmp_path)
    wanted = {
        name: full_hash(str(folder / name)) for name in sorted(os.listdir(folder)) if name.endswith(".mov")
    }
    assert len(wanted) == json.loads(path.read_text())["segments"] == 2
    shutil.rmtree(folder)
    seen = []
    for index, name in enumerate(wanted):
        made = api.render_segment(
            str(path), index, f"node-{index}", lambda done, total: seen.append((done, total))
        )
        assert made["file"] == name
        assert made["blake3"] == wanted[name] == full_hash(str(folder / name))
    assert seen[-1] == (25, 25)
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize(
    ("index", "attempt", "said"),
    [(2, "a", "segments 0 to 1"), (-1, "a", "segments 0 to 1"), (0, "../x", "letters"), (0, "", "letters")],
)
def test_what_is_no_segment_is_refused(desk, run, tmp_path, index, attempt, said):
    path, _ = plan_file(desk, run, tmp_path)
    with pytest.raises(WrongUse, match=said):
        farm.render(path.read_text(), index, attempt)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', "null"])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(WrongUse):
        farm.render(text, 0, "a")


def test_a_source_that_is_gone_on_that_machine_is_a_sentence(desk, run, tmp_path):
    path, folder = plan_file(desk, run, tmp_path)
    shutil.rmtree(folder)
    os.unlink(desk.path("c 0'%d.mov"))
    with pytest.raises(RushesError, match="cannot be read"):
        farm.render(path.read_text(), 0, "a")
    assert os.listdir(folder) == []
