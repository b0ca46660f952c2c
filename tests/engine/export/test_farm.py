"""One segment is one command: a plan in a file, rendered anywhere, to the engine's own bytes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from engine.api import exports as api
from engine.errors import RushesError, WrongUse
from engine.export.runs import farm, receipts, runs
from engine.export.runs.runs import Queued
from engine.media.hashing import full_hash
from engine.storage.database import execute


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


def forgotten(desk, run, folder: Path) -> None:
    """The run again before its first part: its plan is there, nothing is rendered."""
    shutil.rmtree(folder)
    db = desk.library.db()
    execute(
        db, "UPDATE segments SET status = 'queued', file = NULL, attempts = 0 WHERE run_id = ?", (run.run_id,)
    )
    execute(db, "UPDATE run_outputs SET status = 'queued', path = NULL WHERE run_id = ?", (run.run_id,))
    execute(db, "UPDATE jobs SET status = 'interrupted', ended_at = NULL WHERE job_id = ?", (run.job_id,))
    Path(desk.library.logs, f"export-{run.run_id}.log").unlink()


@pytest.mark.parametrize("harm", [None, "bytes", "receipt"])
def test_the_engine_takes_over_what_a_farm_rendered_and_nothing_else(desk, run, tmp_path, harm):
    path, folder = plan_file(desk, run, tmp_path)
    film = Path(run.output_path).read_bytes()
    forgotten(desk, run, folder)
    made = api.render_segment(str(path), 1, "node")
    harmed = folder / made["file"]
    receipt = harmed.with_name(harmed.name + receipts.SUFFIX)
    if harm == "bytes":
        data = bytearray(harmed.read_bytes())
        data[len(data) // 2] ^= 1
        harmed.write_bytes(data)
    elif harm == "receipt":
        receipt.write_text('{"size": 1}')
    again = desk.run(Queued(run.run_id, run.job_id, run.recipe_name))
    assert again.status == "completed", again.error
    assert desk.renders(again) == (1 if harm is None else 2)
    assert again.segments_reused == (1 if harm is None else 0)
    assert Path(again.output_path).read_bytes() == film
    said = [line["message"] for line in runs.logs(desk.library, run.run_id)]
    assert any("rendered elsewhere" in line for line in said) == (harm is None)


def test_an_engine_that_starts_leaves_alone_what_a_farm_is_writing(desk, run, tmp_path):
    _, folder = plan_file(desk, run, tmp_path)
    forgotten(desk, run, folder)
    folder.mkdir(parents=True)
    now, long_ago, ours = (
        folder / f"00000-x.mov.{name}.part" for name in ("farm-a", "farm-b", "0a1b2c3d4e5f")
    )
    for temp in (now, long_ago, ours):
        temp.write_bytes(b"x")
    os.utime(long_ago, (0, 0))
    assert desk.run(Queued(run.run_id, run.job_id, run.recipe_name)).status == "completed"
    assert now.exists()
    assert not long_ago.exists()
    assert not ours.exists()


def test_a_farm_finds_colour_table_and_font_before_the_engine_has_begun(desk, clip, tmp_path):
    table = tmp_path / "warm.cube"
    table.write_text("LUT_3D_SIZE 2\n" + "0.5 0.5 0.5\n" * 8)
    desk.add(clip(), "a.mov")
    run = desk.export(preset="archive", lut=str(table), burn_in="clip")
    path, folder = plan_file(desk, run, tmp_path)
    wanted = next(entry.name for entry in folder.glob("*.mov"))
    shutil.rmtree(folder)
    path.write_text(api.plan_text(desk.library, run.run_id))
    assert api.render_segment(str(path), 0, "node")["file"] == wanted


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
