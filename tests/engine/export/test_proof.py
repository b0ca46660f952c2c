"""What a proof refuses: real ffmpeg makes wrong parts here, and none of them may be accepted."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.export.planning import graph
from engine.export.planning.plan import Plan
from engine.export.rendering import join, proof, segment
from engine.export.rendering.join import Made
from engine.export.runs import ledger
from engine.export.runs.output import Output
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


def _joined(bench: Bench, parts: list[Made], folder: Path) -> join.Joined:
    silent = replace(bench.plan, chunks=(), channels=0, samples_total=0)
    report = join.Report(lambda: None, lambda stage, share: None)
    temp = str(folder / "film.part")
    return join.join(bench.desk.tools, silent, parts, [], folder=str(bench.folder), temp=temp, report=report)


def test_the_order_of_packets_is_part_of_their_digest():
    assert proof.digest_of(["a", "b"]) != proof.digest_of(["b", "a"])


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
