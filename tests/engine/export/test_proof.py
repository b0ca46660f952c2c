"""What a proof refuses: real ffmpeg makes wrong parts here, and none of them may be accepted."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.export.planning import graph
from engine.export.planning.plan import Plan
from engine.export.rendering import join, kept, packets, proof, segment
from engine.export.rendering.join import Made
from engine.export.runs import ledger
from engine.export.runs.output import Output
from engine.media import ffmpeg
from engine.media.ffmpeg import FfmpegFailed


@dataclass
class Bench:
    """A plan of three parts of 25 frames, and a place to render them."""

    desk: object
    plan: Plan
    folder: Path

    def render(self, index: int = 1, **manner) -> segment.Rendered:
        plan = self.plan
        paths = {at: self.desk.path(plan.sources[at].title) for at in plan.file_indexes()}
        where = segment.Where(str(self.folder), paths)
        return segment.run_segment(self.desk.tools, plan, index, "attempt", where, segment.Manner(**manner))

    def refused(self, **manner) -> FfmpegFailed:
        """Render; the error. Nothing may be left of it."""
        with pytest.raises(FfmpegFailed) as caught:
            self.render(**manner)
        assert list(self.folder.iterdir()) == []
        return caught.value

    def part(self) -> str:
        """The file that an attempt is writing."""
        (found,) = self.folder.glob("*.part")
        return str(found)

    def ffmpeg(self, *args: str) -> None:
        subprocess.run([self.desk.tools.ffmpeg, "-v", "error", "-nostdin", "-y", *args], check=True)


@pytest.fixture
def bench(desk, clip, tmp_path) -> Bench:
    for number, picture in enumerate(("testsrc2", "testsrc", "smptebars")):
        desk.add(clip(f"{number}.mov", picture=picture), f"{number}.mov")
    run = desk.export(preset="ffv1", segment_seconds=1)
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    assert [part.frames for part in entry.plan.segments] == [25, 25, 25]
    folder = tmp_path / "parts"
    folder.mkdir()
    return Bench(desk, entry.plan, folder)


def asked(monkeypatch, *changes: tuple[str, str], more: tuple[str, ...] = ()) -> None:
    """From now on ffmpeg is asked for something else than planned."""
    real = graph.segment_arguments

    def changed(*args) -> list[str]:
        words = real(*args)
        for old, new in changes:
            assert any(old in word for word in words), old
            words = [word.replace(old, new) for word in words]
        return [*words[:-3], *more, *words[-3:]]

    monkeypatch.setattr(graph, "segment_arguments", changed)


END = "setpts=N[film]"
WRONG = {
    "one frame too few": ([(END, "setpts=N,trim=end_frame=24[film]")], (), "24 frames instead of 25"),
    "one frame too many": ([(END, "tpad=stop=1,setpts=N[film]")], (), "26 frames instead of 25"),
    "a doubled frame": (
        [(END, "trim=end_frame=24,setpts=N+gte(N\\,5)[film]")],
        ("-fps_mode", "cfr"),
        "1 doubled and 0 dropped",
    ),
    "a dropped frame": (
        [(END, "tpad=stop=1,setpts=N-3*gte(N\\,5)[film]")],
        ("-fps_mode", "cfr"),
        "0 doubled and 1 dropped",
    ),
    "another pixel format": ([("yuv422p10le", "yuv420p10le")], (), "ffv1 yuv420p10le instead of"),
    "another codec": ([("ffv1", "huffyuv"), ("yuv422p10le", "yuv422p")], (), "huffyuv yuv422p instead of"),
    "another width": ([(END, "setpts=N,scale=158:90[film]")], (), "158x90"),
    "another height": ([(END, "setpts=N,scale=160:88[film]")], (), "160x88"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_ffmpeg_made_otherwise_than_planned_is_refused(bench, monkeypatch, wrong):
    changes, more, said = WRONG[wrong]
    if wrong == "another codec":
        real = graph.codecs.video_arguments
        chosen = ["-c:v", "huffyuv", "-pix_fmt", "yuv422p"]
        monkeypatch.setattr(graph.codecs, "video_arguments", lambda *given: real(*given) and chosen)
    else:
        asked(monkeypatch, *changes, more=more)
    assert said in str(bench.refused())


def test_a_part_that_lost_bytes_after_its_encoder_had_ended_is_refused(bench):
    def cut() -> None:
        part = bench.part()
        os.truncate(part, os.path.getsize(part) * 6 // 10)

    assert bench.refused(rendered=cut).category == "encoding_error"


def test_a_header_that_promises_more_than_there_is_is_not_believed(bench):
    def cut() -> None:
        part, other = bench.part(), str(bench.folder / "other.mov")
        bench.ffmpeg("-i", f"file:{part}", "-c", "copy", "-movflags", "+faststart", f"file:{other}")
        os.truncate(other, os.path.getsize(other) * 6 // 10)
        os.replace(other, part)

    said = str(bench.refused(rendered=cut))
    assert "packets of 160x90" in said
    assert "instead of 25 packets" in said


def test_a_part_in_place_of_another_is_told_apart(bench, tmp_path):
    """Two parts of the same shape: their packets tell them apart, at the latest in the joined film."""
    made = [bench.render(index) for index in range(3)]
    known = [Made(part.file, 25, part.digest, part.extradata) for part in made]
    assert len({part.digest for part in made}) == 3
    assert _joined(bench, known, tmp_path).frames == 75
    swapped = [replace(known[0], file=known[1].file), replace(known[1], file=known[0].file), known[2]]
    with pytest.raises(join.SegmentChanged) as caught:
        _joined(bench, swapped, tmp_path)
    assert caught.value.index == 0
    shutil.copyfile(bench.folder / known[1].file, bench.folder / known[2].file)
    with pytest.raises(join.SegmentChanged) as caught:
        _joined(bench, known, tmp_path)
    assert caught.value.index == 2
    with pytest.raises(FfmpegFailed, match="50 frames instead of 75"):
        _joined(bench, known[:2], tmp_path)
    with pytest.raises(FfmpegFailed, match="set itself up differently"):
        _joined(bench, [known[0], replace(known[1], extradata="other"), known[2]], tmp_path)
    assert not (tmp_path / "film.part").exists()


@pytest.mark.parametrize(("first", "then"), [("mkv", "mov"), ("mov", "mkv"), ("mov", "avi")])
def test_parts_of_a_film_in_another_container_are_proven_by_what_is_known_of_them(
    bench, tmp_path, first, then
):
    preset = bench.plan.preset
    bench.plan = replace(bench.plan, preset={**preset, "container": first})
    made = [bench.render(index) for index in range(3)]
    assert {packets.is_own(part.digest) for part in made} == {first == "mov"}
    known = [Made(part.file, 25, part.digest, part.extradata) for part in made]
    assert _joined(bench, known, tmp_path).frames == 75
    bench.plan = replace(bench.plan, preset={**preset, "container": then})
    assert _joined(bench, known, tmp_path).frames == 75
    shutil.copyfile(bench.folder / known[0].file, bench.folder / known[1].file)
    if then == "avi":  # where packets may be rewritten, only their number is compared
        return
    with pytest.raises(join.SegmentChanged) as caught:
        _joined(bench, known, tmp_path)
    assert caught.value.index == 1


def _joined(bench: Bench, parts: list[Made], folder: Path) -> join.Joined:
    silent = replace(bench.plan, chunks=(), channels=0, samples_total=0)
    report = join.Report(lambda: None, lambda stage, share: None)
    temp = str(folder / "film.part")
    return join.join(bench.desk.tools, silent, parts, [], folder=str(bench.folder), temp=temp, report=report)


def test_the_order_of_packets_is_part_of_their_digest():
    assert proof.digest_of(["a", "b"]) != proof.digest_of(["b", "a"])
    assert proof.digest_of(["ab", "cd"]) != proof.digest_of(["ab", "ce"])


def test_a_part_is_whole_only_with_its_size_and_its_bytes(bench):
    made = bench.render()
    path = bench.folder / made.file

    def whole() -> bool:
        return segment.is_whole(str(bench.folder), made.file, made.size, made.blake3)

    assert whole()
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert not whole()
    path.write_bytes(data + b"\0")
    assert not whole()
    path.write_bytes(data)
    assert whole()
    path.unlink()
    assert not whole()


def test_the_next_segment_is_begun_before_the_end_of_one_unless_a_number_was_asked_for(bench, monkeypatch):
    early = Output._early
    part = replace(bench.plan.segments[0], frames=500)

    class Asked:
        plan = bench.plan
        manners = type("Manners", (), {"workers": 0})

    assert early(Asked, part) == 25
    assert early(Asked, replace(part, frames=10)) == 2
    Asked.manners.workers = 1
    assert early(Asked, part) == 0
    Asked.manners.workers = 0
    Asked.plan = replace(bench.plan, preset={**bench.plan.preset, "video": {"encoder": "h264_vaapi"}})
    assert early(Asked, part) == 0, "a card has room for one session"


@pytest.fixture
def heard(desk, clip, tmp_path) -> Bench:
    """As ``bench``, of one clip with sound, for a film in MOV with PCM."""
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(preset="dnxhr-lb", width=256, height=144)
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    folder = tmp_path / "parts"
    folder.mkdir()
    return Bench(desk, entry.plan, folder)


def test_sound_that_lost_a_sample_is_refused(heard):
    plan, paths = heard.plan, {0: heard.desk.path("a.mov")}

    def cut() -> None:
        os.truncate(heard.part(), os.path.getsize(heard.part()) - graph.AUDIO_SAMPLE_BYTES * plan.channels)

    def run(**manner) -> segment.Rendered:
        where = segment.Where(str(heard.folder), paths)
        return segment.run_chunk(heard.desk.tools, plan, 0, "attempt", where, segment.Manner(**manner))

    with pytest.raises(FfmpegFailed, match="bytes of samples instead of"):
        run(rendered=cut)
    assert list(heard.folder.iterdir()) == []
    assert run().size == plan.samples_total * graph.AUDIO_SAMPLE_BYTES * plan.channels


def test_another_build_and_another_clip_are_refused(heard):
    tools = heard.desk.tools
    where = segment.Where(str(heard.folder), {0: heard.desk.path("a.mov")})
    other = replace(heard.plan, build=f"{heard.plan.build} of another day")
    with pytest.raises(FfmpegFailed, match="another build of ffmpeg"):
        segment.run_segment(tools, other, 0, "attempt", where)
    with open(heard.desk.path("a.mov"), "ab") as file:
        file.write(b"x")
    with pytest.raises(FfmpegFailed, match="is another file than when this run was planned"):
        segment.run_segment(tools, heard.plan, 0, "attempt", where)
    assert list(heard.folder.iterdir()) == []


def test_a_disk_that_cannot_keep_a_part_refuses_it(bench, monkeypatch):
    def lost(_path: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("engine.export.rendering.placing.sync_file", lost)
    refused = bench.refused()
    assert refused.category == "output_write_error"
    assert "The working folder" in str(refused)
    assert "Input/output error" in str(refused)


def test_who_leaves_does_not_wait_for_the_hash(tmp_path, monkeypatch):
    """A cancel is at once: the reading of a large file ends at its next buffer."""
    path = tmp_path / "film"
    path.write_bytes(bytes(3 << 20))
    ended, looks = threading.Event(), []
    real = kept.packets.read

    def slow(path, counts, check, *, alone):
        def look() -> None:
            looks.append(len(looks))
            if len(looks) == 2:
                begun.set()
                left.wait(10)
            check()

        try:
            return real(path, counts, look, alone=alone)
        finally:
            ended.set()

    begun, left = threading.Event(), threading.Event()
    monkeypatch.setattr(kept.packets, "read", slow)

    def leave() -> None:
        with kept.Kept(str(path)):
            assert begun.wait(10)
            raise ValueError("cancelled")

    with pytest.raises(ValueError, match="cancelled"):
        leave()
    left.set()
    assert ended.wait(10)
    assert len(looks) == 2, "it read on"


@pytest.mark.parametrize("samples", [-4800, 24000])
def test_a_film_whose_sound_is_too_short_or_too_long_is_thrown_away(heard, tmp_path, samples):
    desk, plan = heard.desk, heard.plan
    where = segment.Where(str(heard.folder), {0: desk.path("a.mov")})
    picture = segment.run_segment(desk.tools, plan, 0, "attempt", where)
    sound = segment.run_chunk(desk.tools, plan, 0, "attempt", where)
    file, whole = heard.folder / sound.file, heard.folder / sound.file
    data = whole.read_bytes()
    frame = graph.AUDIO_SAMPLE_BYTES * plan.channels
    file.write_bytes(data[: samples * frame] if samples < 0 else data + bytes(samples * frame))
    made = [Made(picture.file, 25, picture.digest, picture.extradata)]
    report = join.Report(lambda: None, lambda stage, share: None)
    temp = str(tmp_path / "film.part")

    def joined() -> join.Joined:
        folder = str(heard.folder)
        return join.join(desk.tools, plan, made, [sound.file], folder=folder, temp=temp, report=report)

    with pytest.raises(FfmpegFailed, match="The sound of the joined file is"):
        joined()
    assert not os.path.exists(temp)
    file.write_bytes(data)
    assert joined().frames == 25


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("-map", "1:a:0"), "lacks its picture or its sound"),
        (("-map", "0:v:0"), "lacks its picture or its sound"),
    ],
)
def test_a_film_without_its_picture_or_its_sound_is_thrown_away(heard, tmp_path, monkeypatch, args, said):
    desk, plan = heard.desk, heard.plan
    where = segment.Where(str(heard.folder), {0: desk.path("a.mov")})
    picture = segment.run_segment(desk.tools, plan, 0, "attempt", where)
    sound = segment.run_chunk(desk.tools, plan, 0, "attempt", where)
    made = [Made(picture.file, 25, picture.digest, picture.extradata)]
    real = join.join_arguments

    def less(*given) -> list[str]:
        words = real(*given)
        maps = [at for at, word in enumerate(words) if word == "-map"]
        assert len(maps) == 2
        unwanted = next(at for at in maps if words[at + 1] != args[1])
        return [*words[:unwanted], *words[unwanted + 2 :]]

    monkeypatch.setattr(join, "join_arguments", less)
    report = join.Report(lambda: None, lambda stage, share: None)
    temp, folder = str(tmp_path / "film.part"), str(heard.folder)
    with pytest.raises(FfmpegFailed, match=said):
        join.join(desk.tools, plan, made, [sound.file], folder=folder, temp=temp, report=report)
    assert not os.path.exists(temp)


@pytest.mark.parametrize(
    ("profile", "given", "read"), [("3", "yuv422p10le", "yuv422p10le"), ("4", "yuv444p10le", "yuv444p12le")]
)
def test_the_4444_profiles_are_read_as_12_bits(tools, tmp_path, profile, given, read):
    path = str(tmp_path / "a.mov")
    args = ["-f", "lavfi", "-i", f"testsrc2=s=128x72:d=0.08,format={given}", "-c:v", "prores_ks"]
    command = [tools.ffmpeg, "-v", "error", "-nostdin", *args, "-profile:v", profile, f"file:{path}"]
    subprocess.run(command, check=True)
    video = {"codec": "prores_ks", "profile": profile, "pix_fmt": given, "encoder": None}
    found = proof.holds(tools, path)
    assert (found.codec, found.pix_fmt) == proof.read_as(video) == ("prores", read)


def test_an_end_is_good_only_with_its_exit_code_and_its_last_report():
    done = ffmpeg.Progress(frame=25, ended=True)
    assert not ffmpeg.Finished(0, done, "", 1.0).spoiled
    assert ffmpeg.Finished(1, done, "", 1.0).spoiled
    assert ffmpeg.Finished(0, replace(done, ended=False), "", 1.0).spoiled
    assert ffmpeg.Finished(0, done, "No space left on device", 1.0).spoiled


def test_a_join_that_fails_or_complains_of_its_times_is_thrown_away(bench, tmp_path, monkeypatch):
    made = [bench.render(index) for index in range(3)]
    known = [Made(part.file, 25, part.digest, part.extradata) for part in made]
    with monkeypatch.context() as patched:
        patched.setattr(join, "join_arguments", lambda *given: ["-i", "file:/nowhere", "file:/nowhere.mov"])
        with pytest.raises(FfmpegFailed):
            _joined(bench, known, tmp_path)
    real = ffmpeg.run

    def complaining(*args, **more) -> ffmpeg.Finished:
        finished = real(*args, **more)
        return replace(finished, stderr="[mov @ 0x1] Non-monotonous DTS in stream")

    monkeypatch.setattr(ffmpeg, "run", complaining)
    with pytest.raises(FfmpegFailed, match="do not follow each other exactly in time"):
        _joined(bench, known, tmp_path)
    assert not (tmp_path / "film.part").exists()


def test_a_film_that_does_not_decode_is_not_called_decoded(bench, tmp_path):
    made = bench.render()
    path = bench.folder / made.file
    good = proof.read_back(bench.desk.tools, str(path), str(tmp_path / "hashes"), decode=True)
    assert (good.decoded, len(good.hashes)) == (25, 25)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(byte ^ 255 for byte in data[middle : middle + 64])
    path.write_bytes(data)
    bad = proof.read_back(bench.desk.tools, str(path), str(tmp_path / "hashes"), decode=True)
    assert bad.decoded is None
    assert len(bad.hashes) == 25
    assert bad.hashes != good.hashes
