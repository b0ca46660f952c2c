"""What an ingest enters: cards, clips with their parts, facts, pictures, warnings."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from engine.errors import ToolMissing
from engine.media.thumbs import thumbnail_path
from engine.media.tools import find_tools

from .conftest import write


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    try:
        tools = find_tools()
    except ToolMissing as error:
        pytest.skip(str(error))
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    subprocess.run(
        [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=128x72:rate=25:duration=1",
         "-c:v", "mpeg4", "-timecode", "10:00:00:00", path],
        check=True,
    )  # fmt: skip
    return path.read_bytes()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def sony(folder: Path, film: bytes, clips: int = 2) -> None:
    root = folder / "PRIVATE/M4ROOT"
    put(root / "MEDIAPRO.XML", b"<MediaProfile/>")
    for number in range(1, clips + 1):
        put(root / f"CLIP/C{number:04d}.MP4", film + bytes(number))
        put(root / f"CLIP/C{number:04d}M01.XML", b"<NonRealTimeMeta/>" + bytes([number]))
        put(root / f"THMBNL/C{number:04d}T01.JPG", b"\xff\xd8\xff" + bytes([number]))


def test_a_card_becomes_clips_with_their_parts(desk, tmp_path, film):
    sony(tmp_path / "A001", film)
    result = desk.ingest(tmp_path / "A001", to=[tmp_path / "nas"])
    assert (result["status"], result["ingested"]) == ("completed", 7)
    card = desk.row("SELECT * FROM cards")
    assert (card["kind"], card["label"], card["files"]) == ("sony_xavc", "A001", 7)
    clips = desk.rows("SELECT * FROM clips ORDER BY title")
    assert [clip["title"] for clip in clips] == ["C0001", "C0002"]
    first = clips[0]
    assert (first["kind"], first["width"], first["height"], first["fps"]) == ("video", 128, 72, 25.0)
    assert (first["duration_ms"], first["codec"], first["timecode"]) == (1000, "mpeg4", "10:00:00:00")
    assert first["card_id"] == card["card_id"]
    parts = desk.rows(
        "SELECT role, name FROM clip_files WHERE clip_id = ? ORDER BY role, position", first["clip_id"]
    )
    assert [(part["role"], part["name"]) for part in parts] == [
        ("essence", b"C0001.MP4"),
        ("sidecar", b"C0001M01.XML"),
        ("thumbnail", b"C0001T01.JPG"),
    ]
    blake3 = desk.row("SELECT blake3 FROM assets WHERE asset_id = ?", first["asset_id"])["blake3"]
    assert Path(thumbnail_path(str(desk.library.thumbs), blake3)).read_bytes()[:3] == b"\xff\xd8\xff"
    assert not any(name.suffix == ".jpg" for name in (tmp_path / "A001").rglob("*"))


def test_the_same_card_again_makes_no_second_clip(desk, tmp_path, film):
    sony(tmp_path / "A001", film)
    desk.ingest(tmp_path / "A001", to=[tmp_path / "nas"])
    sony(tmp_path / "A001", film, clips=3)
    result = desk.ingest(tmp_path / "A001", to=[tmp_path / "nas"])
    assert result["ingested"] == 3
    assert desk.row("SELECT count(*) AS n FROM clips")["n"] == 3


def test_broken_and_empty_films_are_clips_with_warnings(desk, tmp_path, film):
    put(tmp_path / "day/good.mp4", film)
    put(tmp_path / "day/broken.mp4", film[: len(film) // 3])
    put(tmp_path / "day/noise.mov", b"\x00" * 70_000)
    write(tmp_path / "day/empty.mp4", 0)
    result = desk.ingest(tmp_path / "day", to=[tmp_path / "nas"])
    assert (result["status"], result["ingested"], result["failed"]) == ("completed", 4, 0)
    clips = {clip["title"]: clip for clip in desk.rows("SELECT * FROM clips")}
    assert set(clips) == {"good", "broken", "noise", "empty"}
    assert clips["good"]["duration_ms"] == 1000
    assert json.loads(clips["broken"]["warnings"])
    assert clips["broken"]["duration_ms"] is None
    assert clips["empty"]["kind"] == "other"
    assert "empty" in json.loads(clips["empty"]["warnings"])[0]


def test_two_empty_files_of_two_cards_are_two_clips(desk, tmp_path):
    write(tmp_path / "one/a.mp4", 0)
    write(tmp_path / "two/a.mp4", 0)
    desk.ingest(tmp_path / "one", to=[tmp_path / "nas"])
    write(tmp_path / "two/b.mp4", 10)
    desk.ingest(tmp_path / "two", to=[tmp_path / "nas"])
    assert sorted(clip["title"] for clip in desk.rows("SELECT title FROM clips")) == ["a", "a", "b"]


def test_a_title_of_any_bytes_can_be_stored(desk, tmp_path, film):
    name = b"\x1b[2J\xff\n.mp4"
    import os

    put(Path(os.fsdecode(os.fsencode(tmp_path / "day") + b"/" + name)), film)
    desk.ingest(tmp_path / "day", to=[tmp_path / "nas"])
    assert desk.row("SELECT title FROM clips")["title"] == "\\x1b[2J\\xff\\n"
    assert desk.row("SELECT name FROM clip_files")["name"] == name


def test_a_missing_ffmpeg_does_not_fail_an_ingest(desk, tmp_path, film, monkeypatch):
    def missing():
        raise ToolMissing("ffmpeg is missing; install it.")

    monkeypatch.setattr("engine.ingest.cataloguing.clipping.find_tools", missing)
    put(tmp_path / "day/good.mp4", film)
    assert desk.ingest(tmp_path / "day", to=[tmp_path / "nas"])["status"] == "completed"
    assert desk.row("SELECT kind FROM clips")["kind"] == "video"
    assert "install it" in desk.log()
