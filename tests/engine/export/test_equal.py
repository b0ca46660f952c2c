"""Joined equals one-shot: the same bytes, the same pixels, or within the bound that is stated.

One film of mixed clips with dissolves at and near its cuts is rendered in one
piece and in segments. What a person would write is compared too: one ffmpeg
command, with a key frame forced where the segments begin. Fifty segments, and
slower codecs: ``python -m tests.long.export_equal``.
"""

from __future__ import annotations

import re
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from engine.export.planning import graph
from engine.export.planning.plan import Plan, Segment
from engine.export.recipes import presets
from engine.export.rendering import segment
from engine.export.runs import ledger
from engine.media import ffmpeg
from engine.storage.config import open_config

SIZE = {"width": 256, "height": 144}
MIXED = {**SIZE, "transition": "crossfade", "transition_ms": 520, "fps": "25"}


@pytest.fixture
def mixed(desk, clip, turned):
    """Clips of five rates and sizes: turned, oblong pixels, full range, without sound, six channels."""
    desk.add(clip("a.mov", size="256x144", seconds="3.04"), "a.mov")
    desk.add(clip("b.mov", rate="30000/1001", seconds="2.5", picture="testsrc"), "b.mov")
    upright = clip("c.mov", size="256x144", rate="24000/1001", seconds="2", sound=False)
    desk.add(turned(upright, 90), "c.mov")
    desk.add(clip("d.mkv", size="180x144", rate="50", seconds="1.5", more=("-vf", "setsar=16/11")), "d.mkv")
    full = ("-pix_fmt", "yuvj420p", "-color_range", "pc", "-ac", "6", "-ar", "44100")
    desk.add(clip("e.mov", rate="60", seconds="1.52", picture="smptebars", more=full), "e.mov")
    return desk


def plan_of(desk, run) -> Plan:
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    return entry.plan


def packets(desk, path: str, stream: str) -> list[str]:
    copied = ["-map", f"0:{stream}:0", "-c", "copy", "-f", "framemd5", "-"]
    ran = subprocess.run(
        [desk.tools.ffmpeg, "-v", "error", "-i", path, *copied], check=True, capture_output=True, text=True
    )
    return [line.rpartition(",")[2].strip() for line in ran.stdout.splitlines() if line[:1].isdigit()]


def in_one_command(desk, plan: Plan, target: Path) -> None:
    """Render a plan's pictures with one ffmpeg command, key frames forced where its segments begin."""
    whole = Segment(0, 0, plan.frames_total, tuple(piece for part in plan.segments for piece in part.pieces))
    single = replace(plan, segments=(whole,))
    paths = {index: desk.path(plan.sources[index].title) for index in plan.file_indexes()}
    opened = segment.inputs(single, whole, segment.Where(str(target.parent), paths))
    args = graph.segment_arguments(single, whole, opened, ffmpeg.file_url(str(target)))
    at = [f"eq(n,{part.at})" for part in plan.segments]
    forced = ["-force_key_frames", f"expr:{'+'.join(at)}"]
    place = args.index("-map_metadata")
    subprocess.run(
        [desk.tools.ffmpeg, "-v", "error", "-nostdin", *args[:place], *forced, *args[place:]],
        check=True, cwd=target.parent,
    )  # fmt: skip


@pytest.mark.parametrize("preset", ["archive", "dnxhr-hq"])
def test_prores_and_dnxhr_with_pcm_are_the_same_bytes(mixed, preset):
    whole = mixed.export(preset=preset, single=True, **MIXED)
    assert len(plan_of(mixed, whole).segments) == 1
    for seconds, least in ((1, 8), (4, 2)):
        parts = mixed.export(preset=preset, segment_seconds=seconds, **MIXED)
        assert len(plan_of(mixed, parts).segments) >= least
        assert Path(parts.output_path).read_bytes() == Path(whole.output_path).read_bytes()


@pytest.mark.parametrize("codec", ["libx264"])
def test_with_a_fixed_quantizer_h264_and_hevc_are_the_same_pixels_and_the_same_sound(mixed, codec, tmp_path):
    config = open_config()
    body = {
        "video": {"codec": codec, "qp": 24, "preset": "veryfast"},
        "audio": {"codec": "aac"},
        "container": "mp4",
    }
    presets.create(config, "fixed", body)
    config.close()
    parts = mixed.export(preset="fixed", segment_seconds=1, **MIXED)
    whole = mixed.export(preset="fixed", single=True, **MIXED)
    plan = plan_of(mixed, parts)
    assert len(plan.segments) > 4
    in_one_command(mixed, plan, tmp_path / "one.mov")
    frames = mixed.frames(parts.output_path)
    assert len(frames) == plan.frames_total
    assert frames == mixed.frames(str(tmp_path / "one.mov"))
    assert packets(mixed, parts.output_path, "a") == packets(mixed, whole.output_path, "a")


@pytest.mark.parametrize("preset", ["share"])
def test_by_quality_they_are_the_same_frames_within_the_stated_bound(mixed, preset):
    """SSIM against the pictures that went in: at most 0.005 between one render and segments of a second."""
    wishes = {**MIXED, "verify": "quality", "quality_metric": "ssim", "preset": preset}
    whole = mixed.export(single=True, **wishes)
    parts = mixed.export(segment_seconds=1, **wishes)
    assert len(plan_of(mixed, parts).segments) > 4
    assert len(mixed.frames(whole.output_path)) == len(mixed.frames(parts.output_path))
    assert packets(mixed, whole.output_path, "a") == packets(mixed, parts.output_path, "a")
    assert _times(mixed, whole.output_path) == _times(mixed, parts.output_path)
    one, many = (_quality(mixed, run) for run in (whole, parts))
    assert abs(one - many) < 0.005


def _quality(desk, run) -> float:
    text = desk.one("SELECT verification FROM run_outputs WHERE run_id = ?", run.run_id)
    return float(re.search(r'"mean": ([0-9.]+)', text)[1])


def _times(desk, path: str) -> list[str]:
    return desk.probe(path, "frame=best_effort_timestamp_time").replace(",", "").split()


@pytest.mark.parametrize("milliseconds", [40, 1000])
def test_dissolves_at_and_near_the_edges_of_segments(desk, clip, milliseconds):
    """Clips as long as a segment, a frame longer, a frame shorter: cuts on its edges and beside them."""
    for number, seconds in enumerate(("2", "2.04", "1.96", "1", "0.04", "3")):
        desk.add(clip(f"{number}.mov", size="160x90", seconds=seconds, picture="testsrc"), f"{number}.mov")
    fades = {"transition": "crossfade", "transition_ms": milliseconds, "preset": "archive"}
    whole = desk.export(single=True, **fades)
    parts = desk.export(segment_seconds=1, **fades)
    assert whole.status == parts.status == "completed", (whole.error, parts.error)
    assert len(plan_of(desk, parts).segments) > 5
    assert Path(parts.output_path).read_bytes() == Path(whole.output_path).read_bytes()


def test_a_still_that_lasts_longer_than_the_run_up_is_cut_like_any_picture(desk, footage):
    """A screen recording has no picture for seconds; a segment may begin in the middle of that."""
    # Pictures of the first second, nothing for five, then pictures again; key frames seldom.
    gap = "testsrc2=s=160x90:r=25:d=8,select='lt(t,1)+gt(t,6)'"
    how = (
        "-f",
        "lavfi",
        "-i",
        gap,
        "-fps_mode",
        "vfr",
        "-c:v",
        "libx264",
        "-g",
        "250",
        "-pix_fmt",
        "yuv420p",
    )
    desk.add(footage("gap.mkv", *how), "gap.mkv")
    whole = desk.export(preset="archive", fps="25", single=True)
    parts = desk.export(preset="archive", fps="25", segment_seconds=1)
    assert (whole.status, parts.status) == ("completed", "completed"), (whole.error, parts.error)
    assert desk.one("SELECT count(*) FROM segments WHERE run_id = ?", parts.run_id) > 5
    assert Path(parts.output_path).read_bytes() == Path(whole.output_path).read_bytes()


OPEN_GROUPS = {
    "avc.mov": ("-c:v", "libx264", "-x264-params", "open-gop=1:keyint=30:min-keyint=30:bframes=3:b-adapt=0"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "open-gop=1:keyint=40:bframes=4:log-level=error"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-q:v", "4"),
    "late.mkv": ("-c:v", "libx264", "-bf", "3", "-output_ts_offset", "7.3"),
}


@pytest.mark.parametrize("name", OPEN_GROUPS)
def test_open_groups_of_pictures_may_be_cut_anywhere(desk, footage, name):
    picture = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=7", "-pix_fmt", "yuv420p")
    desk.add(footage(name, *picture, *OPEN_GROUPS[name]), name)
    whole = desk.export(preset="archive", single=True)
    parts = desk.export(preset="archive", segment_seconds=1)
    assert (whole.status, parts.status) == ("completed", "completed"), (whole.error, parts.error)
    assert Path(parts.output_path).read_bytes() == Path(whole.output_path).read_bytes()


@pytest.mark.parametrize("preset", ["archive", "dnxhr-hq", "share"])
def test_the_number_of_threads_changes_no_byte(desk, clip, tmp_path, preset):
    """How many a render gets follows from what else is made at the moment; its bytes may not."""
    desk.add(clip("a.mov", size="640x360", seconds="0.6", more=("-g", "5")), "a.mov")
    plan = plan_of(desk, desk.export(preset=preset, width=720, height=400))
    (part,) = plan.segments
    made = []
    for threads in (None, graph.Threads(1, 1), graph.Threads(2, 1), graph.Threads(3, 5)):
        where = segment.Where(str(tmp_path), {0: desk.path("a.mov")}, str(tmp_path / "log"))
        manner = segment.Manner(threads=(lambda given=threads: given) if threads else None)
        file = segment.run_segment(desk.tools, plan, part.index, uuid.uuid4().hex, where, manner).file
        made.append((tmp_path / file).read_bytes())
    assert len(set(made)) == 1
    said = (tmp_path / "log").read_text().splitlines()
    (last,) = [line for line in said if "-filter_complex_threads 5" in line]
    assert "-threads 3 -i" in last
    assert ("-threads 5 -f mov" in last) == (preset != "share"), "H.264 keeps the number of its plan"
