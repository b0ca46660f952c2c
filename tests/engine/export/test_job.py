from __future__ import annotations

import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from engine import names
from engine.errors import Refused
from engine.export.runs import records, runs
from engine.jobs.context import JobContext


def test_a_film_of_mixed_clips_has_every_frame_and_plays(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.add(clip("b.mp4", size="90x160", rate="30000/1001", sound=False), "b.mp4")
    desk.add(clip("c.mkv", size="120x120", rate="24", picture="testsrc"), "c.mkv")
    run = desk.export(preset="archive")
    assert run.status == "completed", run.error
    assert run.output_path.endswith(".mov")
    assert len(desk.frames(run.output_path)) == 75
    assert desk.probe(run.output_path, "stream=codec_name,profile,width,height,pix_fmt") == (
        "prores,HQ,160,90,yuv422p10le"
    )
    assert desk.probe(run.output_path, "stream=codec_name,channels", "a:0") == "pcm_s16le,2"
    result = records.result_of(desk.library.db(), run.run_id)
    assert (result["frames"], result["segments"], result["status"]) == (75, 1, "completed")
    assert Path(run.output_path).stat().st_size == run.output_size
    assert Path(run.thumbnail).stat().st_size > 0
    assert desk.one("SELECT count(*) FROM copies WHERE role = 'export'") == 1
    assert desk.leftovers() == []


@pytest.mark.parametrize("preset", ["archive", "dnxhr-hq", "dnxhr-444", "master"])
def test_joined_equals_one_render_byte_for_byte(desk, clip, preset):
    desk.add(clip("long.mov", seconds="5.04"), "long.mov")
    desk.add(clip("ntsc.mov", rate="30000/1001", seconds="2"), "ntsc.mov")
    desk.add(clip("silent.mkv", size="100x100", rate="24", seconds="1.5", sound=False), "silent.mkv")
    size = {"width": 256, "height": 144}
    whole = desk.export(preset=preset, single=True, **size)
    parts = desk.export(preset=preset, segment_seconds=1, **size)
    assert (whole.status, parts.status) == ("completed", "completed"), (whole.error, parts.error)
    assert len(records.segments(desk.library.db(), parts.run_id)) > 5
    assert Path(whole.output_path).read_bytes() == Path(parts.output_path).read_bytes()


def test_joined_equals_one_render_with_crossfades(desk, clip):
    for number in range(4):
        desk.add(
            clip(f"{number}.mov", seconds=str(1 + number / 5), size=f"{160 - number * 20}x90"),
            f"{number}.mov",
        )
    fades = {"transition": "crossfade", "transition_ms": 400}
    whole = desk.export(preset="archive", single=True, **fades)
    parts = desk.export(preset="archive", segment_seconds=1, **fades)
    assert Path(whole.output_path).read_bytes() == Path(parts.output_path).read_bytes()
    lengths = 25 + 30 + 35 + 40
    assert len(desk.frames(parts.output_path)) == lengths - 3 * 10
    assert desk.probe(parts.output_path, "stream=duration_ts", "a:0") == str((lengths - 30) * 48000 // 25)


def test_joined_equals_the_plain_ffmpeg_command(desk, clip, tools, tmp_path):
    """Not only our own graph in one piece: the command that a person would write."""
    first, second = clip("a.mov", seconds="3"), clip("b.mov", seconds="2", picture="testsrc")
    desk.add(first, "a.mov")
    desk.add(second, "b.mov")
    run = desk.export(preset="archive", segment_seconds=1)
    plain = tmp_path / "plain.mov"
    subprocess.run(
        [
            tools.ffmpeg, "-v", "error", "-i", first, "-i", second, "-filter_complex",
            "[0:v][0:a][1:v][1:a]concat=n=2:v=1:a=1[v][a]", "-map", "[v]", "-map", "[a]",
            "-c:v", "prores_ks", "-profile:v", "3", "-pix_fmt", "yuv422p10le", "-vendor", "apl0",
            "-c:a", "pcm_s16le", "-ac", "2", str(plain),
        ],
        check=True,
    )  # fmt: skip
    assert len(desk.frames(str(plain))) == 125
    assert desk.frames(run.output_path) == desk.frames(str(plain))


def test_share_is_h264_with_aac_and_the_index_in_front(desk, clip):
    desk.add(clip("a.mov", seconds="4"), "a.mov")
    whole = desk.export(preset="share", single=True)
    parts = desk.export(preset="share", segment_seconds=1)
    assert desk.probe(parts.output_path, "stream=codec_name,pix_fmt,codec_tag_string") == "h264,avc1,yuv420p"
    assert desk.probe(parts.output_path, "stream=codec_name", "a:0") == "aac"
    data = Path(parts.output_path).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert len(desk.frames(parts.output_path)) == len(desk.frames(whole.output_path)) == 100
    assert _ssim(desk, whole.output_path, parts.output_path) > 0.97


def _ssim(desk, first: str, second: str) -> float:
    ran = subprocess.run(
        [desk.tools.ffmpeg, "-i", first, "-i", second, "-lavfi", "ssim", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    match = re.search(r"All:([0-9.]+)", ran.stderr)
    assert match is not None
    return float(match.group(1))


def test_time_stamps_are_even_over_all_joins(desk, clip):
    desk.add(clip("a.mov", seconds="4.004", rate="30000/1001"), "a.mov")
    for preset in ("share", "archive"):
        run = desk.export(preset=preset, segment_seconds=1)
        shown = desk.probe(run.output_path, "frame=pts_time").replace(",", "").split()
        moments = [float(value) for value in shown]
        gaps = {round((after - before) * 30000 / 1001) for before, after in pairwise(moments)}
        assert (len(moments), gaps) == (120, {1})
        assert desk.probe(run.output_path, "stream=avg_frame_rate") == "30000/1001"


def test_one_file_per_clip_with_a_broken_one_between(desk, clip, footage):
    desk.add(clip("a.mov"), "A001.mov")
    broken = Path(desk.media / "broken.mov")
    broken.write_bytes(b"no film at all" * 100)
    desk.add(str(broken), "broken.mov")
    (desk.media / "empty.mov").touch()
    desk.add(str(desk.media / "empty.mov"), "empty.mov")
    desk.add(clip("b.mov", size="90x160", rate="24", sound=False), "B002.mov")
    run = desk.export(preset="proxy-h264", layout="per-clip")
    assert run.status == "completed_with_warnings"
    assert "broken.mov" in run.error
    made = records.outputs(desk.library.db(), run.run_id)
    assert [entry["status"] for entry in made] == ["completed", "failed", "failed", "completed"]
    assert "empty" in made[2]["error"]
    assert sorted(os.listdir(run.output_path)) == ["A001.mp4", "B002.mp4"]
    assert desk.probe(made[3]["path"], "stream=width,height,r_frame_rate") == "90,160,24/1"
    assert desk.probe(made[3]["path"], "stream=codec_name", "a:0") == ""
    assert desk.leftovers() == []


def test_a_film_leaves_broken_clips_out_and_says_so(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    (desk.media / "broken.mov").write_bytes(b"x" * 5000)
    desk.add(str(desk.media / "broken.mov"), "broken.mov")
    run = desk.export()
    assert run.status == "completed_with_warnings"
    assert "broken.mov" in run.error
    assert "left out" in run.error
    assert len(desk.frames(run.output_path)) == 25
    refused = desk.export(unreadable="refuse")
    assert refused.status == "failed"
    assert "broken.mov" in refused.error


def test_a_clip_that_is_shorter_than_its_header_fails_and_names_itself(desk, clip):
    good = clip("cut.mov", seconds="4", more=("-movflags", "+faststart"))
    data = Path(good).read_bytes()
    (desk.media / "cut.mov").write_bytes(data[: len(data) * 6 // 10])
    desk.add(str(desk.media / "cut.mov"), "cut.mov")
    run = desk.export(segment_seconds=1)
    assert run.status == "failed"
    assert "cut.mov" in run.error
    assert run.error_category == "source_damaged"
    assert desk.leftovers() == []
    assert not os.path.exists(desk.library.cache_root / "exports") or not os.listdir(
        desk.library.cache_root / "exports"
    )


NAMES = [
    "-y.mp4",
    "http:x.mov",
    "clip [1] ;rm.mov",
    "a'b\"c.mov",
    "line\nbreak.mov",
    "%d%03d.mov",
    "concat:a|b.mov",
    "\x1b[2J.mov",
    os.fsdecode(b"caf\xe9.mov"),
    " space .mov",
    "back\\slash,comma=eq:colon.mov",
]


def test_strange_names_come_through(desk, clip):
    source = clip("a.mov", seconds="0.4")
    for name in NAMES:
        desk.add(source, name)
    film = desk.export(preset="archive", transition="crossfade", transition_ms=100)
    assert film.status == "completed", film.error
    assert len(desk.frames(film.output_path)) == 10 * len(NAMES) - 2 * (len(NAMES) - 1)
    each = desk.export(preset="archive", layout="per-clip", destination=str(desk.library.root / "each"))
    assert each.status == "completed", each.error
    made = os.listdir(desk.library.root / "each")
    assert len(made) == len(NAMES)
    assert all(name.isprintable() and not name.startswith("-") for name in made)
    names.is_text(film.name)


def test_the_same_name_is_numbered_never_replaced(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("film", template="day one")
    runs = [desk.run(desk.queue("film")) for _ in range(3)]
    assert [os.path.basename(run.output_path) for run in runs] == [
        "day one.mp4",
        "day one_001.mp4",
        "day one_002.mp4",
    ]
    assert len({run.output_blake3 for run in runs}) == 1


# Every frame has a brightness of its own, so that a doubled or lost one shows.
PICTURE = "color=s=64x36:r=25:d=3,geq=lum='16+mod(N*2,220)':cb=128:cr=128"
ODD = {
    "late.mkv": (
        f"-itsoffset 0.2 -f lavfi -i {PICTURE} -f lavfi -i sine=d=3.2 -c:v libx264 -c:a pcm_s16le",
        75,
    ),
    "offset.ts": (
        f"-f lavfi -i {PICTURE} -f lavfi -i sine=d=3 -c:v libx264 -g 250 -c:a aac -output_ts_offset 3600",
        75,
    ),
    "vfr.mov": (f"-f lavfi -i {PICTURE} -vf select=gt(mod(n\\,7)\\,2) -fps_mode vfr -c:v libx264", None),
    "turned.mp4": (f"-f lavfi -i {PICTURE} -c:v libx264", 75),
    "anamorphic.mov": (f"-f lavfi -i {PICTURE},setsar=16/11 -c:v libx264", 75),
    "fields.mov": (f"-f lavfi -i {PICTURE} -c:v libx264 -flags +ildct+ilme -x264opts tff=1", 75),
    "full.mov": (f"-f lavfi -i {PICTURE} -c:v mjpeg -pix_fmt yuvj420p", 75),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_sources_give_exactly_the_planned_frames(desk, footage, turned, name):
    command, frames = ODD[name]
    extra = () if name.startswith("full") else ("-pix_fmt", "yuv420p")
    made = footage(name, *command.split(), *extra)
    desk.add(turned(made, 90) if name.startswith("turned") else made, name)
    whole = desk.export(preset="archive", single=True)
    if name.startswith("turned"):
        assert desk.probe(whole.output_path, "stream=width,height") == "36,64"
    parts = desk.export(preset="archive", segment_seconds=1)
    assert (whole.status, parts.status) == ("completed", "completed"), (whole.error, parts.error)
    found = desk.frames(parts.output_path)
    assert found == desk.frames(whole.output_path)
    assert len(found) == parts.frames_total
    if frames is not None:
        assert len(found) == frames
        # No picture stands still where the source moves.
        assert len(set(found)) == frames


def test_in_and_out_points_take_exactly_those_frames(desk, clip):
    source = clip("a.mov", seconds="4")
    one, two = desk.add(source, "a.mov"), desk.add(clip("b.mov", picture="testsrc", seconds="2"), "b.mov")
    run = desk.export(
        preset="archive",
        mode="list",
        items=[
            {"clip_id": two, "in_frame": 10, "out_frame": 20},
            {"clip_id": one, "in_frame": 37},
            {"clip_id": one, "out_frame": 1},
            {"clip_id": two, "in_frame": 45, "out_frame": 400},
        ],
    )
    assert run.status == "completed", run.error
    whole_one = desk.frames(desk.export(preset="archive", mode="list", items=[{"clip_id": one}]).output_path)
    whole_two = desk.frames(desk.export(preset="archive", mode="list", items=[{"clip_id": two}]).output_path)
    assert desk.frames(run.output_path) == [
        *whole_two[10:20],
        *whole_one[37:],
        whole_one[0],
        *whole_two[45:],  # an out point behind the end is the end
    ]


@pytest.mark.parametrize(
    ("name", "coded", "slack"),
    [
        ("sync.mov", "-c:a pcm_s16le", 2),
        ("sync.ts", "-c:a aac -b:a 256k -output_ts_offset 100", 400),
        ("sync.mkv", "-c:a pcm_s16le", 60),
        ("opus.mkv", "-c:a libopus -b:a 256k", 100),
    ],
)
def test_the_sound_stays_with_the_picture(desk, footage, tools, name, coded, slack):
    """A click with every thirtieth frame: it stays there over cuts of odd lengths."""
    flash = "color=black:s=64x36:r=30000/1001:d=5.005,geq=lum='if(eq(mod(N,30),0),235,16)':cb=128:cr=128"
    click = "aevalsrc='if(lt(mod(t,1.001),0.002),0.9,0)':s=48000:d=5.005"
    source = footage(name, "-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", click, "-c:v", "libx264",
                     "-g", "15", "-pix_fmt", "yuv420p", *coded.split())  # fmt: skip
    one = desk.add(source, name)
    items = [{"clip_id": one, "in_frame": 30 * k, "out_frame": 30 * k + 61 - k} for k in range(4)]
    run = desk.export(preset="archive", mode="list", items=items, segment_seconds=1)
    assert run.status == "completed", run.error
    raw = subprocess.run(
        [tools.ffmpeg, "-v", "error", "-i", run.output_path, "-map", "0:a", "-ac", "1", "-f", "s16le", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    samples = [int.from_bytes(raw[at : at + 2], "little", signed=True) for at in range(0, len(raw), 2)]
    loud = [at for at, value in enumerate(samples) if value > 6000]
    starts = [at for before, at in pairwise([-9999, *loud]) if at - before > 1000]
    cuts = [0]
    for item in items:
        cuts.append(cuts[-1] + item["out_frame"] - item["in_frame"])
    expected = []
    for begin, end in pairwise(cuts):
        expected += [round(frame * 48000 * 1001 / 30000) for frame in range(begin, end, 30)]
    assert len(starts) == len(expected)
    assert max(abs(found - wanted) for found, wanted in zip(starts, expected, strict=True)) <= slack


@pytest.mark.parametrize(
    ("preset", "codec", "extension"),
    [("audio-wav", "pcm_s24le", "wav"), ("audio-aac", "aac", "m4a")],
)
def test_sound_only(desk, clip, preset, codec, extension):
    desk.add(clip("a.mov", seconds="2"), "a.mov")
    desk.add(clip("b.mov"), "b.mov")
    run = desk.export(preset=preset)
    assert run.status == "completed", run.error
    assert run.output_path.endswith(extension)
    assert desk.probe(run.output_path, "stream=codec_name", "a:0") == codec
    assert run.output_duration_ms == 3000


def test_progress_is_frames_and_words(desk, clip, monkeypatch):
    for number in range(3):
        desk.add(clip("a.mov", seconds="2"), f"c{number}.mov")
    seen = []
    real = JobContext.flush

    def flush(context):
        seen.append(dict(context._pending))
        real(context)

    monkeypatch.setattr(JobContext, "flush", flush)
    monkeypatch.setattr("engine.jobs.context.REPORT_SECONDS", 0.0)
    run = desk.export(preset="archive", segment_seconds=1)
    assert run.status == "completed"
    counts = [entry["done"] for entry in seen if "done" in entry]
    assert counts == sorted(counts)
    assert counts[-1] == 150
    assert all(count < 150 for count in counts[:-3])
    messages = {entry.get("message") for entry in seen}
    assert {"clip 1 of 3: c0.mov", "clip 2 of 3: c1.mov", "clip 3 of 3: c2.mov"} <= messages
    stages = list(dict.fromkeys(entry["stage"] for entry in seen if entry.get("stage")))
    assert stages == ["planning", "checking", "rendering", "audio", "joining", "verifying", "hashing"]
    assert any(re.fullmatch(r"Joining \S+: [\d,]+ of 150 frames", str(message)) for message in messages)
    assert any(re.fullmatch(r"Sound of 3 clips: \d+ % of part 1", str(message)) for message in messages)


def test_loudness_is_brought_to_its_target(desk, clip, tools):
    desk.add(clip("a.mov", seconds="6"), "a.mov")
    run = desk.export(preset="archive", loudness=-23, segment_seconds=3)
    assert run.status == "completed", run.error
    said = subprocess.run(
        [tools.ffmpeg, "-i", run.output_path, "-af", "ebur128", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    integrated = float(re.findall(r"I:\s+(-?[0-9.]+) LUFS", said)[-1])
    assert integrated == pytest.approx(-23, abs=0.5)
    assert desk.probe(run.output_path, "stream=duration_ts", "a:0") == str(6 * 48000)


def test_silence_has_no_loudness_to_correct(desk, clip):
    desk.add(clip("a.mov", sound=False), "a.mov")
    run = desk.export(preset="archive", loudness=-23)
    assert run.status == "completed", run.error


CUBE = "LUT_3D_SIZE 2\n" + "".join(
    f"{1 - r} {1 - g} {1 - b}\n" for b in (0, 1) for g in (0, 1) for r in (0, 1)
)


def test_a_colour_table_is_kept_with_the_run_and_turns_the_picture(desk, clip, tmp_path):
    desk.add(clip("a.mov"), "a.mov")
    table = tmp_path / "it's [a], table:1.cube"
    table.write_text(CUBE)
    plain = desk.export(preset="archive")
    turned = desk.export(preset="archive", lut=str(table))
    assert turned.status == "completed", turned.error
    assert not set(desk.frames(plain.output_path)) & set(desk.frames(turned.output_path))
    table.unlink()
    again = desk.run(runs.rerun(desk.library, turned.run_id, fresh=True))
    assert again.output_blake3 == turned.output_blake3
    for harm in ("missing.cube", "table.txt"):
        with pytest.raises(Refused):
            desk.order(preset="archive", lut=str(tmp_path / harm))


def test_a_picture_too_small_for_its_codec_is_a_sentence(desk, clip):
    desk.add(clip("a.mov", size="128x72"), "a.mov")
    run = desk.export(preset="dnxhr-hq")
    assert run.status == "failed"
    assert "256x120" in run.error
    assert desk.renders(run) == 0
