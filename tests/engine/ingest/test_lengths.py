"""How long a clip is that the camera cut into chapters."""

from __future__ import annotations

import json

import pytest

from engine.demo.footage import shoot_day
from engine.errors import ToolMissing
from engine.ingest.cataloguing.lengths import continuations, together
from engine.media.clips import Clip, Part
from engine.media.tools import find_tools

from .conftest import write


def clip(*paths: str) -> Clip:
    first, *rest = paths
    return Clip("a", "video", (Part("essence", first), *(Part("span", path) for path in rest)))


def test_chapters_go_on_and_frames_and_lenses_do_not():
    assert continuations(clip("D/GX010012.MP4", "D/GX020012.MP4")) == ("D/GX020012.MP4",)
    assert continuations(clip("A001C001.0000001.ari", "A001C001.0000002.ari")) == ()
    assert continuations(clip("VID_20260101_120000_00_001.insv", "VID_20260101_120000_10_001.insv")) == ()
    assert together([1000, 500]) == 1500
    assert together([1000, None]) is None


@pytest.fixture(scope="module")
def gopro(tmp_path_factory):
    try:
        tools = find_tools()
    except ToolMissing as error:
        pytest.skip(str(error))
    return shoot_day(str(tmp_path_factory.mktemp("day")), tools)[1]


def lengths(desk) -> dict[str, int | None]:
    return {entry["title"]: entry["duration_ms"] for entry in desk.rows("SELECT * FROM clips")}


def test_a_chaptered_clip_is_as_long_as_its_chapters(desk, gopro, tmp_path):
    desk.ingest(gopro, to=[tmp_path / "nas"])
    found = lengths(desk)
    assert found["GX010012"] == pytest.approx(4000, abs=100)
    assert found["GX010013"] == pytest.approx(1600, abs=100)
    first = desk.row("SELECT media FROM clips JOIN assets USING (asset_id) WHERE title = 'GX010012'")
    assert json.loads(first["media"])["duration_ms"] == pytest.approx(2000, abs=60)


def test_a_chapter_that_comes_later_completes_the_length(desk, gopro, tmp_path):
    import shutil

    shutil.copytree(gopro, tmp_path / "G001")
    second = tmp_path / "G001/DCIM/100GOPRO/GX020012.MP4"
    good = second.read_bytes()
    write(second, 5000)  # the camera's battery died: no film
    desk.ingest(tmp_path / "G001", to=[tmp_path / "nas"])
    assert lengths(desk)["GX010012"] is None
    warnings = desk.row("SELECT warnings FROM clips WHERE title = 'GX010012'")["warnings"]
    assert "GX020012.MP4" in warnings
    second.write_bytes(good)
    desk.ingest(tmp_path / "G001", to=[tmp_path / "nas"])
    assert lengths(desk)["GX010012"] == pytest.approx(4000, abs=100)
    now = desk.row("SELECT warnings FROM clips WHERE title = 'GX010012'")["warnings"]
    assert "length of the clip" not in (now or ""), "what it says no longer holds"
