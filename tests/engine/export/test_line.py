"""The command that is shown beforehand is, word for word, the one that runs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from engine.api import preview
from engine.export.recipes import recipes
from engine.media.probe import probe
from engine.storage import config
from engine.storage.database import execute, rows


@pytest.fixture
def looked_at(desk, clip, tools):
    """Three clips that the catalogue knows."""
    for name, seconds in (("a.mov", "2"), ("b.mov", "1"), ("c.mov", "1")):
        desk.add(clip(seconds=seconds, picture="testsrc2" if name == "a.mov" else "smptebars"), name)
    db = desk.library.db()
    for found in rows(db, "SELECT assets.asset_id, copies.path FROM assets JOIN copies USING (asset_id)"):
        facts = probe(tools, desk.path(Path(bytes(found["path"]).decode()).name))
        text = json.dumps(facts.to_json())
        execute(db, "UPDATE assets SET media = ? WHERE asset_id = ?", (text, found["asset_id"]))


def commands(desk, run) -> list[list[str]]:
    log = Path(desk.library.logs) / f"export-{run.run_id}.log"
    lines = [line[2:] for line in log.read_text().splitlines() if line.startswith("$ ")]
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize(
    ("wishes", "workers"),
    [
        ({"preset": "share"}, 0),
        ({"preset": "share", "segment_seconds": 1}, 3),
        ({"preset": "share", "layout": "per-clip"}, 0),
        (
            {
                "preset": "proxy-dnxhr",
                "transition": "crossfade",
                "transition_ms": 400,
                "width": 320,
                "height": 180,
            },
            0,
        ),
        (
            {"preset": "prores-422", "burn_in": "timecode; clip@top; recipe@left", "timecode": "01:00:00:00"},
            0,
        ),
        ({"preset": "share", "lut": True, "title": {"text": "A day", "seconds": 1}}, 0),
        ({"preset": "audio-wav"}, 0),
    ],
)
def test_the_line_that_is_shown_is_the_line_that_runs(desk, looked_at, tmp_path, wishes, workers):
    if wishes.get("lut"):
        table = tmp_path / "it's warm.cube"
        table.write_text(
            "LUT_3D_SIZE 2\n" + "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))
        )
        wishes = {**wishes, "lut": str(table)}
    with_config = config.open_config()
    config.put(with_config, "export.workers", str(workers))
    with_config.close()
    queued = desk.order(**wishes)
    shown = list(preview.of(desk.library, "film", recipes.get(desk.library.db(), "film").spec)[1])
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert shown[:-1] in [ran[:-1] for ran in commands(desk, run)]


@pytest.mark.parametrize(("name", "more"), [("a.mkv", ("-c:a", "aac")), ("a.ts", ("-c:a", "aac"))])
def test_files_that_tell_too_little_are_looked_into_beforehand_too(desk, footage, tools, name, more):
    made = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2", "-f", "lavfi", "-i", "sine=r=48000:d=2"]
    desk.add(footage(name, *made, "-c:v", "libx264", "-pix_fmt", "yuv420p", *more), name)
    text = json.dumps(probe(tools, desk.path(name)).to_json())
    execute(desk.library.db(), "UPDATE assets SET media = ?", (text,))
    queued = desk.order(preset="share")
    shown = list(preview.of(desk.library, "film", recipes.get(desk.library.db(), "film").spec)[1])
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert shown[:-1] in [ran[:-1] for ran in commands(desk, run)]
