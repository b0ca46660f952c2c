"""Recordings that a DJI camera cut by size: one clip where the files prove it, a warning where not."""

from __future__ import annotations

import dataclasses
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from engine.errors import ToolMissing
from engine.ingest.cataloguing.splits import goes_on
from engine.media.facts import MediaFacts, VideoFacts
from engine.media.makers import action
from engine.media.tools import find_tools

FULL = 200_000


def film(path: Path, timecode: str, *, full: bool, seconds: int = 1, colour: str = "red") -> None:
    try:
        tools = find_tools()
    except ToolMissing as error:
        pytest.skip(str(error))
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [tools.ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i",
         f"color={colour}:size=128x72:rate=25:duration={seconds}",
         "-c:v", "mpeg4", "-timecode", timecode, path],
        check=True,
    )  # fmt: skip
    if full:
        data = path.read_bytes()
        path.write_bytes(
            data + (FULL - len(data) - 8).to_bytes(4, "big") + b"free" + bytes(FULL - len(data) - 8)
        )


@pytest.fixture
def card(tmp_path, monkeypatch):
    """Films 1 to 3 are one recording; 4 has full size, and 5 begins an hour later."""
    monkeypatch.setattr(action, "_DJI_FULL", (FULL - 1000, FULL * 100))
    monkeypatch.setattr(action, "_DJI_LIMITS", (FULL + 1000, FULL * 100))
    folder = tmp_path / "D001/DCIM/100MEDIA"
    film(folder / "DJI_0001.MP4", "10:00:00:00", full=True, colour="red")
    film(folder / "DJI_0002.MP4", "10:00:01:00", full=True, colour="green")
    film(folder / "DJI_0003.MP4", "10:00:02:00", full=False, seconds=2, colour="blue")
    film(folder / "DJI_0004.MP4", "11:00:00:00", full=True, colour="white")
    film(folder / "DJI_0005.MP4", "12:00:00:00", full=False, colour="black")
    for number in range(1, 6):
        (folder / f"DJI_{number:04d}.SRT").write_text(f"{number}\n")
    return tmp_path / "D001"


@pytest.mark.parametrize("mode", ["copy", "reference"])
def test_the_parts_of_a_recording_are_one_clip(desk, card, tmp_path, mode):
    to = [tmp_path / "nas"] if mode == "copy" else []
    result = desk.ingest(card, to=to, mode=mode)
    assert (result["ingested"], result["failed"]) == (10, 0)
    clips = desk.rows("SELECT * FROM clips ORDER BY title")
    assert [(clip["title"], clip["duration_ms"]) for clip in clips] == [
        ("DJI_0001", 4000),
        ("DJI_0004", 1000),
        ("DJI_0005", 1000),
    ]
    parts = desk.rows(
        "SELECT role, name FROM clip_files WHERE clip_id = ? ORDER BY role = 'sidecar', position",
        clips[0]["clip_id"],
    )
    assert [(part["role"], Path(part["name"].decode()).name) for part in parts] == [
        ("essence", "DJI_0001.MP4"),
        ("span", "DJI_0002.MP4"),
        ("span", "DJI_0003.MP4"),
        ("sidecar", "DJI_0001.SRT"),
        ("sidecar", "DJI_0002.SRT"),
        ("sidecar", "DJI_0003.SRT"),
    ]
    said = desk.log()
    assert "DJI_0001.MP4 has the size" not in said
    assert "DJI_0002.MP4 has the size" not in said
    assert said.count("DJI_0004.MP4 has the size at which the camera begins a new file: it may go on in") == 1


VIDEO = VideoFacts(**{
    field.name: None for field in dataclasses.fields(VideoFacts)
} | {"width": 3840, "height": 2160, "fps": Fraction(25), "codec": "hevc"})  # fmt: skip
ONE = MediaFacts("video", "mov", 2000, None, 50, VIDEO, None, timecode="10:00:00:00")


@pytest.mark.parametrize(
    ("changes", "then", "joined"),
    [
        ({}, {"timecode": "10:00:02:00"}, True),
        ({}, {"timecode": "10:00:02:02"}, True),
        ({}, {"timecode": "10:00:02:03"}, False),
        ({}, {"timecode": "10:00:01:00"}, False),
        ({}, {"timecode": "10:00:02:00", "video": dataclasses.replace(VIDEO, width=1920)}, False),
        ({}, {"timecode": "10:00:02:00", "video": None}, False),
        ({"frames": None}, {"timecode": "10:00:02:00"}, True),
        ({"recorded_at": "2026-11-20T12:00:00"}, {"recorded_at": "2026-11-20T12:00:02"}, True),
        ({"recorded_at": "2026-11-20T12:00:00"}, {"recorded_at": "2026-11-20T12:00:04"}, False),
        ({"recorded_at": "2026-11-20T12:00:00"}, {"recorded_at": "2026-11-20T12:00:02Z"}, False),
        ({"recorded_at": "2026-11-20T12:00:00"},
         {"recorded_at": "2026-11-20T12:00:02", "recorded_at_source": "x"}, False),
        ({"timecode": None}, {"timecode": None}, False),
    ],
)  # fmt: skip
def test_what_proves_that_a_recording_goes_on(changes, then, joined):
    first = dataclasses.replace(ONE, **changes)
    second = dataclasses.replace(first, **then)
    assert goes_on(first, second) is joined


def test_drop_frame_timecode_is_counted():
    video = dataclasses.replace(VIDEO, fps=Fraction(30000, 1001))
    first = dataclasses.replace(ONE, video=video, frames=1800, duration_ms=60060, timecode="10:00:00;00")
    assert goes_on(first, dataclasses.replace(first, timecode="10:01:00;02"))
    assert not goes_on(first, dataclasses.replace(first, timecode="10:01:00;06"))
