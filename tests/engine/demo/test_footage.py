"""The demo's cards: true trees, playable files, content of their own, quick to make."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.demo.footage import _age, shoot_day
from engine.demo.sidecars import backwards
from engine.errors import RushesError
from engine.media.cards import Listed, reader, recognise
from engine.media.clips import group
from engine.media.hashing import full_hash
from engine.media.probe import probe
from engine.media.tools import Tools, look


@pytest.fixture(scope="module")
def tools() -> Tools:
    found = look().tools
    assert found is not None
    return found


@pytest.fixture(scope="module")
def day(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("a day")
    began = time.monotonic()
    cards = shoot_day(str(folder), tools)
    assert time.monotonic() - began < 40, "the demo has 90 s for everything"
    return cards


def _files(card: str) -> list[Listed]:
    found = []
    for where, _, names in os.walk(card):
        for name in names:
            path = os.path.join(where, name)
            status = os.stat(path)
            found.append(Listed(os.path.relpath(path, card), status.st_size, status.st_mtime_ns))
    return found


def test_three_makers_cards_are_recognised_and_complete(day: list[str]) -> None:
    found = []
    for card in day:
        files = _files(card)
        recognised = recognise(files, reader(card))
        clips, warnings = group(files, recognised, reader(card))
        assert warnings == []
        assert recognised.warnings == ()
        found.append((recognised.kind, recognised.label, [(c.title, len(c.of("span"))) for c in clips]))
    assert found == [
        ("sony_xavc", "Sony XAVC (ILCE-7SM3)", [("C0001", 0), ("C0002", 0), ("C0003", 0)]),
        ("gopro", "GoPro (HERO10 Black)", [("GX010012", 1), ("GX010013", 0)]),
        ("canon_xf", "Canon XF", [("AA0001", 0), ("AA0002", 0)]),
    ]


def test_every_recording_plays_and_tells_its_timecode(day: list[str], tools: Tools) -> None:
    for card in day:
        files = _files(card)
        for clip in group(files, recognise(files))[0]:
            for path in clip.of("essence", "span", "proxy"):
                facts = probe(tools, os.path.join(card, path))
                assert facts.kind == "video"
                assert (facts.fps, facts.video and facts.video.vfr) == (25, False)
                assert facts.audio is not None
                assert facts.duration_ms is not None
                assert facts.duration_ms >= 1000
                assert facts.timecode is not None
            essence = probe(tools, os.path.join(card, clip.essence))
            assert (essence.width, essence.height) == (640, 360)
            assert essence.recorded_at is not None


def test_no_two_files_have_the_same_content_and_all_is_small(day: list[str]) -> None:
    paths = [os.path.join(card, f.path) for card in day for f in _files(card)]
    assert len({full_hash(p) for p in paths}) == len(paths)
    assert sum(os.path.getsize(p) for p in paths) < 12_000_000


def test_the_second_chapter_goes_on_where_the_first_ends(day: list[str], tools: Tools) -> None:
    folder = Path(day[1]) / "DCIM/100GOPRO"
    first, second = (probe(tools, str(folder / name)) for name in ("GX010012.MP4", "GX020012.MP4"))
    assert (first.duration_ms, first.timecode, second.timecode) == (2000, "11:00:00:00", "11:00:02:00")


def test_files_are_as_old_as_their_recording(day: list[str]) -> None:
    sony, canon = Path(day[0]) / "PRIVATE/M4ROOT/CLIP", Path(day[2]) / "CONTENTS/CLIPS001/AA0002"
    assert os.stat(sony / "C0001.MP4").st_mtime < os.stat(sony / "C0003.MP4").st_mtime
    assert os.stat(sony / "C0003.MP4").st_mtime < os.stat(canon / "AA000201.MXF").st_mtime
    assert os.stat(sony / "C0001.MP4").st_mtime == os.stat(sony / "C0001M01.XML").st_mtime


def test_a_shot_of_this_hour_keeps_its_time(tmp_path: Path) -> None:
    shot, index = tmp_path / "C0001M01.XML", tmp_path / "INDEX.XML"
    for path in (shot, index, tmp_path / "C0002.MP4"):
        path.touch()
    ended = time.time() // 2 * 2 - 600
    os.utime(shot, (ended, ended))
    os.utime(tmp_path / "C0002.MP4", (ended + 300, ended + 300))
    _age(str(tmp_path), {str(shot), str(tmp_path / "C0002.MP4")})
    assert (os.stat(shot).st_mtime, os.stat(index).st_mtime) == (ended, ended + 300)


def test_a_failing_ffmpeg_is_a_sentence(tmp_path: Path) -> None:
    broken = Tools("/bin/false", "/bin/false", "6.0", "", "PATH")
    with pytest.raises(RushesError, match="could not make the demo's footage"):
        shoot_day(str(tmp_path / "day"), broken)


def test_timecode_backwards() -> None:
    assert backwards("09:12:33:04") == "04331209"
