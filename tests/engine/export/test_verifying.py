"""An output is completed only after it was looked at, decoded, and where asked compared with its sources."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import WrongUse
from engine.export.recipes.spec import checked
from engine.export.rendering import verifying
from engine.export.runs import ledger, records


def findings_of(desk, run) -> dict:
    (made,) = records.outputs(desk.library.db(), run.run_id)
    return made["verification"]


@pytest.mark.parametrize(
    "preset",
    ["share", "dnxhr-hq-mxf", "ffv1", "av1", "audio-wav", "audio-flac"],
)
def test_what_was_found_is_kept_with_each_output(desk, clip, preset):
    desk.add(clip("a.mov", size="256x144", seconds="2"), "a.mov")
    run = desk.export(preset=preset)
    assert run.status == "completed", run.error
    found = findings_of(desk, run)
    assert (found["level"], found["ok"], found["problems"]) == ("decode", True, [])
    names = [check["name"] for check in found["checks"]]
    assert names[-1] in ("decoded frames", "decodes")
    assert "channels" in names


def test_quick_leaves_the_decoding_out(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    found = findings_of(desk, desk.export(verify="quick"))
    assert (found["level"], found["ok"]) == ("quick", True)
    assert "decodes" not in [check["name"] for check in found["checks"]]


@pytest.mark.parametrize(("metric", "least"), [("ssim", 0.9), ("psnr", 30), ("vmaf", 60)])
def test_quality_is_measured_against_what_went_into_the_encoder(desk, clip, metric, least):
    desk.add(clip("a.mov", size="256x144", seconds="2"), "a.mov")
    desk.add(clip("b.mov", size="256x144", rate="24", seconds="1"), "b.mov")
    wishes = {"verify": "quality", "quality_metric": metric, "segment_seconds": 1, "burn_in": "timecode@top"}
    run = desk.export(quality_min=least, **wishes)
    assert run.status == "completed", run.error
    quality = findings_of(desk, run)["quality"]
    assert quality["metric"] == metric
    pictures = [part for part in records.segments(desk.library.db(), run.run_id) if part["frames"]]
    assert len(quality["segments"]) == len(pictures) > 1
    assert quality["lowest"] <= quality["mean"]
    if metric == "ssim":
        archive = desk.export(preset="archive", **wishes)
        assert findings_of(desk, archive)["quality"]["mean"] > quality["mean"]


def test_a_film_below_its_threshold_fails_and_leaves_nothing(desk, clip):
    desk.add(clip("a.mov", size="256x144"), "a.mov")
    run = desk.export(verify="quality", quality_metric="psnr", quality_min=99)
    assert run.status == "failed"
    assert "PSNR" in run.error
    assert "asks for 99" in run.error
    assert run.error_category == "quality"
    assert findings_of(desk, run)["ok"] is False
    assert desk.leftovers() == []
    assert list(Path(desk.library.cache_root / "exports").glob("film*")) == []


def _entry(desk, clip, preset: str):
    if not desk.clips:
        desk.add(clip("a.mov", size="256x144", seconds="2"), "a.mov")
    run = desk.export(preset=preset)
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    return entry.plan, Path(run.output_path)


@pytest.mark.parametrize("preset", ["share", "dnxhr-hq"])
def test_a_file_that_does_not_decode_is_found(desk, clip, preset):
    plan, path = _entry(desk, clip, preset)
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 64
    for at in range(begin, min(begin + 60_000, len(data) - 5000), 997):
        data[at : at + 40] = b"\xff" * 40
    harmed = path.with_name("harmed" + path.suffix)
    harmed.write_bytes(data)
    assert verifying.verify(desk.tools, str(path), plan, "decode").ok
    found = verifying.verify(desk.tools, str(harmed), plan, "decode")
    assert not found.ok
    assert "decode" in found.problems[0]


def test_a_file_of_another_plan_is_told_apart(desk, clip):
    plan, path = _entry(desk, clip, "share")
    other, _ = _entry(desk, clip, "archive")
    assert "h264" in verifying.verify(desk.tools, str(path), other, "quick").problems[0]
    assert "frames instead" in verifying.verify(desk.tools, str(path), plan, "quick", frames=49).problems[0]


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"verify": "never"}, "verify"),
        ({"quality_metric": "ssim"}, "verify quality"),
        ({"verify": "quality", "quality_metric": "taste"}, "taste"),
        ({"verify": "quality", "quality_metric": "ssim", "quality_min": 2}, "quality_min"),
    ],
)
def test_wishes_that_do_not_go_together_are_named(spec, named):
    with pytest.raises(WrongUse, match=named):
        checked(spec)


@pytest.mark.parametrize("off", [-2, 2])
def test_a_length_that_is_off_by_two_frames_is_told(desk, clip, off):
    plan, path = _entry(desk, clip, "archive")
    other = replace(plan, frames_total=plan.frames_total + off)
    found = verifying.verify(desk.tools, str(path), other, "quick")
    assert {check["name"] for check in found.checks if not check["ok"]} >= {"picture length"}
    assert "s instead of" in found.problems[0]


def test_a_message_alone_is_enough_to_fail(desk, clip, monkeypatch):
    """ffmpeg tells of a damaged picture of an intra codec and still ends with 0."""
    plan, path = _entry(desk, clip, "dnxhr-hq")
    real = verifying.ffmpeg.run

    def murmuring(*args, **more):
        return replace(real(*args, **more), stderr="[dnxhd] mb length overflow")

    monkeypatch.setattr(verifying.ffmpeg, "run", murmuring)
    found = verifying.verify(desk.tools, str(path), plan, "decode")
    assert "mb length overflow" in found.problems[0]
