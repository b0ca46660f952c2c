"""DaVinci Resolve Studio: detected, explained when absent, driven through a stand-in for its module."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.export.editors import resolve
from engine.export.editors.resolve_worker import Unable, render
from engine.export.runs import records

FAKE = """
import json, os, subprocess
from pathlib import Path
STATE = Path(os.environ["FAKE_RESOLVE"])

def told():
    return json.loads((STATE / "told.json").read_text())

class Project:
    settings = {}
    def SetSetting(self, name, value): return True
    def GetMediaPool(self): return self
    def ImportTimelineFromFile(self, path, options):
        (STATE / "timeline.fcpxml").write_text(Path(path).read_text())
        return object()
    def SetCurrentTimeline(self, timeline): return True
    def GetRenderCodecs(self, container):
        return {"Apple ProRes 422 HQ": "ProRes422HQ", "H.264": "H264"}
    def SetCurrentRenderFormatAndCodec(self, container, codec):
        (STATE / "codec").write_text(codec)
        return True
    def SetRenderSettings(self, settings): self.settings = settings
    def AddRenderJob(self): return "job-1"
    def StartRendering(self, job):
        self.left = 3
        return True
    def IsRenderingInProgress(self):
        if told().get("hang"):
            return True
        self.left -= 1
        if self.left == 0 and not told().get("fails"):
            target = os.path.join(self.settings["TargetDir"], self.settings["CustomName"] + ".mov")
            subprocess.run([*told()["make"], target], check=True)
        return self.left > 0
    def StopRendering(self): (STATE / "stopped").touch()
    def DeleteRenderJob(self, job): return True
    def GetRenderJobStatus(self, job):
        if told().get("fails"):
            return {"JobStatus": "Failed", "Error": "Media offline"}
        done = self.left <= 0
        return {"JobStatus": "Complete" if done else "Rendering", "CompletionPercentage": 100 if done else 40}

class Resolve:
    def GetProjectManager(self): return self
    def CreateProject(self, name):
        (STATE / "project").write_text(name)
        return Project()
    def CloseProject(self, project): return True
    def DeleteProject(self, name):
        (STATE / "project").unlink()
        return True
    def GetVersionString(self): return "20.1.0"

def scriptapp(name):
    print("a line of the vendor's library")
    return None if told().get("free") else Resolve()
"""


@pytest.fixture
def fake(tmp_path, monkeypatch, tools):
    """A scripting folder with a module that makes 50 frames of ProRes when it is told to render."""
    modules = tmp_path / "Scripting" / "Modules"
    modules.mkdir(parents=True)
    (modules / resolve.MODULE).write_text(FAKE)
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("RESOLVE_SCRIPT_API", str(tmp_path / "Scripting"))
    monkeypatch.setenv("RESOLVE_SCRIPT_LIB", "/nowhere/fusionscript.so")
    monkeypatch.setenv("FAKE_RESOLVE", str(state))
    make = [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2"]
    make += ["-f", "lavfi", "-i", "sine=r=48000:d=2", "-c:v", "prores_ks", "-profile:v", "3"]
    make += ["-pix_fmt", "yuv422p10le", "-c:a", "pcm_s16le", "-ac", "2", "-t", "2"]

    def tell(**words) -> Path:
        (state / "told.json").write_text(json.dumps({"make": make, **words}))
        return state

    tell()
    return tell


def test_where_it_is_absent_it_is_explained_and_nothing_is_queued(desk, clip, monkeypatch):
    monkeypatch.delenv("RESOLVE_SCRIPT_API", raising=False)
    if resolve.folder() is not None:
        pytest.skip("DaVinci Resolve is on this machine")
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("film", executor="resolve", preset="archive")
    with pytest.raises(Refused, match=r"not on this machine.*executor ffmpeg"):
        desk.queue("film")
    assert desk.one("SELECT count(*) FROM jobs") == 0


def test_it_renders_the_timeline_and_the_file_is_verified_like_any_other(desk, clip, fake):
    state = fake()
    desk.add(clip("a.mov", seconds="2"), "a.mov")
    assert resolve.trouble() is None
    run = desk.export(executor="resolve", preset="archive")
    assert run.status == "completed", run.error
    (made,) = records.outputs(desk.library.db(), run.run_id)
    assert (made["verification"]["ok"], made["frames"]) == (True, 50)
    assert (state / "codec").read_text() == "ProRes422HQ"
    assert "a.mov" in (state / "timeline.fcpxml").read_text()
    assert not (state / "project").exists()
    assert desk.probe(run.output_path, "stream=codec_name") == "prores"
    folder = Path(desk.library.exports)
    assert list(folder.rglob("resolve-*")) == []
    assert desk.leftovers() == []


def test_a_file_of_another_length_is_thrown_away(desk, clip, fake):
    fake()
    desk.add(clip("a.mov", seconds="3"), "a.mov")
    run = desk.export(executor="resolve", preset="archive")
    assert run.status == "failed"
    assert "instead of" in run.error
    assert not list((desk.library.cache_root / "exports").glob("film*"))


def test_its_own_failure_and_the_free_edition_are_sentences(desk, clip, fake):
    fake(fails=True)
    desk.add(clip("a.mov", seconds="2"), "a.mov")
    run = desk.export(executor="resolve", preset="archive")
    assert run.status == "failed"
    assert "Media offline" in run.error
    fake(free=True)
    desk.recipe("again", executor="resolve", preset="archive")
    with pytest.raises(Refused, match="free edition"):
        desk.queue("again")


def test_a_render_that_stands_still_is_stopped_and_so_is_a_cancelled_one(fake, tmp_path):
    state = fake(hang=True)
    order = {
        "project": "p", "timeline": str(tmp_path / "t.fcpxml"), "folder": str(tmp_path), "name": "n",
        "container": "mov", "codec": "H.264", "width": 160, "height": 90, "fps": "25",
    }  # fmt: skip
    (tmp_path / "t.fcpxml").write_text("<fcpxml/>")
    with pytest.raises(RuntimeError, match="cancelled"):
        resolve.render(order, str(tmp_path / "o.json"), _cancel_when(state / "codec"), lambda _: None, 60)
    assert (state / "stopped").exists()
    assert not (state / "project").exists()
    assert not (tmp_path / "o.json").exists()
    with pytest.raises(resolve.FfmpegFailed, match="no progress"):
        resolve.render(order, str(tmp_path / "o.json"), lambda: None, lambda _: None, 1.5)


def _cancel_when(path: Path):
    def check() -> None:
        if path.exists():
            raise RuntimeError("cancelled")

    return check


@pytest.mark.parametrize(
    ("spec", "preset", "named"),
    [
        ({"burn_in": "clip@top"}, "archive", "burn_in"),
        ({"layout": "per-clip"}, "archive", "layout joined"),
        ({}, "ffv1", "ProRes"),
        ({"loudness": -23}, "archive", "loudness"),
        ({"verify": "quality"}, "archive", "decode"),
    ],
)
def test_what_it_cannot_be_told_is_refused_before_queueing(desk, clip, fake, spec, preset, named):
    fake()
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("film", executor="resolve", preset=preset, **spec)
    with pytest.raises(Refused, match=named):
        desk.queue("film")


def test_a_codec_that_it_lacks_is_named_with_what_it_has(fake, tmp_path, monkeypatch):
    fake()
    monkeypatch.syspath_prepend(os.environ["RESOLVE_SCRIPT_API"] + "/Modules")
    sys.modules.pop("DaVinciResolveScript", None)
    module = importlib.import_module("DaVinciResolveScript")
    (tmp_path / "t").write_text("")
    order = {"project": "p", "timeline": str(tmp_path / "t"), "folder": "", "name": "", "fps": "25"}
    order |= {"container": "mov", "codec": "DNxHR HQ", "width": 2, "height": 2}
    with pytest.raises(Unable, match=r"no DNxHR HQ.*H\.264"):
        render(module.scriptapp("Resolve"), order, lambda _: None, lambda: False)
    sys.modules.pop("DaVinciResolveScript", None)
