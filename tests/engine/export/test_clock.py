"""Clips whose first picture lies between two frames of the film, or whose first pictures have no time."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from engine.export.planning.measure import Measured, measured
from engine.export.planning.planning import source_of
from engine.export.planning.selection import Chosen, File
from engine.media import child
from engine.media.probe import probe

LOSSLESS = ("-c:v", "ffv1", "-pix_fmt", "yuv422p10le")


@pytest.mark.parametrize(("sound", "rate"), [("aac", "24000/1001"), ("libopus", "30000/1001")])
def test_matroska_with_coded_sound_loses_no_picture(desk, footage, rate, sound):
    """Its sound begins a run-up before nought: at 23.976 the pictures lie halfway between two frames."""
    source = footage(
        f"{sound}.mkv", "-f", "lavfi", "-i", f"testsrc2=s=160x90:r={rate}:d=3",
        "-f", "lavfi", "-i", "sine=r=48000:d=3", *LOSSLESS, "-c:a", sound,
    )  # fmt: skip
    desk.add(source, "a.mkv")
    run = desk.export(preset="ffv1", segment_seconds=1)
    assert run.status == "completed", run.error
    assert desk.frames(run.output_path) == desk.frames(source)


@pytest.mark.parametrize("sound", [True, False])
def test_pictures_from_before_nought_are_not_in_the_film_and_no_other_is_missing(desk, footage, sound):
    made = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2"]
    made += ["-f", "lavfi", "-i", "sine=d=2", "-c:a", "pcm_s16le"] if sound else []
    coded = ("-c:v", "libx264", "-qp", "0", "-bf", "0", "-pix_fmt", "yuv422p10le")
    whole = footage("whole.mkv", *made, *coded)
    below = str(Path(whole).with_name(f"below-{sound}.mkv"))
    shift = ["-output_ts_offset", "-0.4", "-avoid_negative_ts", "disabled"]
    command = [desk.tools.ffmpeg, "-v", "error", "-y", "-i", whole, "-map", "0", "-c", "copy", *shift, below]
    subprocess.run(command, check=True)
    clip_id = desk.add(below, "below.mkv")
    pictures = desk.frames(whole)
    run = desk.export(preset="ffv1", segment_seconds=1)
    assert run.status == "completed", run.error
    assert desk.frames(run.output_path) == pictures[10:]
    items = [{"clip_id": clip_id, "in_frame": 5, "out_frame": 38}]
    run = desk.export(preset="ffv1", segment_seconds=1, mode="list", items=items)
    assert run.status == "completed", run.error
    assert desk.frames(run.output_path) == pictures[15:48]


@pytest.mark.parametrize(
    ("begins", "timeless", "rate", "start", "clock"),
    [
        (Fraction(0), 0, Fraction(25), 0, 0),
        (Fraction(7, 1000), 0, Fraction(25), 0, -7000),
        (Fraction(21, 1000), 0, Fraction(24000, 1001), 1, 20708),
        (Fraction(2, 5), 0, Fraction(25), 10, 0),
        (Fraction(1, 50), 0, Fraction(25), 1, 20000),
        (Fraction(33, 1000), 2, Fraction(25), 51, 2007000),
        (Fraction(0), 2, Fraction(30000, 1001), 60, 2002000),
    ],
)
def test_a_first_picture_is_laid_on_a_frame_of_the_film(tools, clip, begins, timeless, rate, start, clock):
    facts = probe(tools, clip())
    found = Measured(replace(facts, begins=begins), timeless=timeless)
    file = File(1, 1, "blake3:x", facts)
    source = source_of(Chosen("c", "c", "video", "", "", "", (file,)), file, found, rate)
    assert (source.start, source.clock) == (start, clock)
    assert abs(begins + Fraction(clock, 1_000_000) - start / rate) < Fraction(1, 1_000_000)


def test_what_has_no_time_is_counted_in_matroska_alone(tools, clip):
    assert measured(tools, clip(), "a", probe(tools, clip())).timeless == 0


def test_no_interval_is_open_at_its_end(tools, footage, monkeypatch):
    """ffprobe 6.0 takes the end of an open interval from memory that it never set: all packets, or none."""
    late = footage(
        "late.mkv", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2",
        "-pix_fmt", "yuv420p", "-c:v", "libx264", "-output_ts_offset", "7.3",
    )  # fmt: skip
    run, asked = child.run, []

    def recorded(args, **limits):
        if "-read_intervals" in args:
            asked.append(args[args.index("-read_intervals") + 1])
        return run(args, **limits)

    monkeypatch.setattr(child, "run", recorded)
    assert measured(tools, late, "late", probe(tools, late)).media.duration_ms == 2000
    assert len(asked) >= 2
    assert [interval for interval in asked if not interval.partition("%+")[2]] == []
