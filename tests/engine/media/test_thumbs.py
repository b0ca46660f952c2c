"""Thumbnails of real files: size, shape, moment, failure, nothing left behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.media import child
from engine.media.facts import MediaFacts
from engine.media.probe import probe
from engine.media.thumbs import NoPicture, fitted, thumbnail
from engine.media.tools import Tools

from .conftest import AVC, PICTURE, SOUND

Film = Callable[..., Path]


def _size(tools: Tools, path: Path) -> tuple[int | None, int | None]:
    facts = probe(tools, str(path))
    return facts.width, facts.height


def test_the_longest_side_is_kept_and_nothing_is_enlarged(tools: Tools, film: Film, tmp_path: Path) -> None:
    wide = film("w.mp4", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=1", *AVC)
    small = film("plain.mp4", *PICTURE, *AVC)
    for source, longest, expected in (
        (wide, 320, (320, 180)),
        (wide, 128, (128, 72)),
        (small, 320, (160, 90)),
    ):
        target = tmp_path / f"{source.stem}{longest}.jpg"
        facts = probe(tools, str(source))
        assert thumbnail(tools, str(source), str(target), facts, longest) == expected
        assert _size(tools, target) == expected
    assert sorted(os.listdir(tmp_path)) == ["plain320.jpg", "w128.jpg", "w320.jpg"]


def test_turned_and_anamorphic_pictures_are_shown_as_a_player_does(
    tools: Tools, film: Film, tmp_path: Path
) -> None:
    pal = film("pal.mxf", "-f", "lavfi", "-i", "testsrc2=size=720x576:rate=25:duration=0.4", "-vf",
               "setsar=64/45", "-c:v", "mpeg2video")  # fmt: skip
    target = tmp_path / "t.jpg"
    assert thumbnail(tools, str(pal), str(target), probe(tools, str(pal))) == (320, 180)
    assert _size(tools, target) == (320, 180)


def test_the_picture_is_taken_at_a_tenth(tools: Tools, film: Film, tmp_path: Path) -> None:
    """Two seconds of red, then blue: a tenth of the 4 s lies in the red."""
    source = film(
        "rb.mp4", "-f", "lavfi", "-i", "color=black:s=64x64:r=25:d=0.2", "-f", "lavfi", "-i",
        "color=white:s=64x64:r=25:d=3.8", "-filter_complex", "[0][1]concat=n=2", *AVC,
    )  # fmt: skip
    target = tmp_path / "t.jpg"
    thumbnail(tools, str(source), str(target), probe(tools, str(source)))
    raw = child.run(
        [tools.ffmpeg, "-v", "error", "-i", str(target), "-f", "rawvideo", "-pix_fmt", "gray", "-"],
        seconds=20,
    ).out
    assert sum(raw) / len(raw) > 200, "the black first frames were not taken"


def test_one_frame_and_stills_give_a_picture(tools: Tools, film: Film, tmp_path: Path) -> None:
    one = film("one.mp4", *PICTURE, "-frames:v", "1", *AVC)
    still = tmp_path / "a %d.png"
    shutil.copy(film("s.png", *PICTURE, "-frames:v", "1", "-update", "1"), still)
    for number, source in enumerate((one, still)):
        target = tmp_path / f"{number}.jpg"
        assert thumbnail(tools, str(source), str(target), probe(tools, str(source))) == (160, 90)


def test_names_of_every_kind(tools: Tools, film: Film, tmp_path: Path) -> None:
    source = tmp_path / "-y \x1b[2J\n%d caf\udce9.mov"
    shutil.copy(film("plain.mp4", *PICTURE, *AVC), source)
    target = tmp_path / "%d caf\udce9.jpg"
    thumbnail(tools, str(source), str(target), probe(tools, str(source)))
    assert target.stat().st_size > 500


def test_sound_has_no_picture(tools: Tools, film: Film, tmp_path: Path) -> None:
    wav = film("a.wav", *SOUND)
    with pytest.raises(NoPicture, match=r"a\.wav holds no picture"):
        thumbnail(tools, str(wav), str(tmp_path / "t.jpg"), probe(tools, str(wav)))
    assert os.listdir(tmp_path) == []


def test_a_broken_file_gives_a_sentence_and_leaves_nothing(tools: Tools, film: Film, tmp_path: Path) -> None:
    whole = film("plain.mp4", *PICTURE, *AVC)
    facts: MediaFacts = probe(tools, str(whole))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole.read_bytes()[:3000])
    cache = tmp_path / "cache"
    cache.mkdir()
    with pytest.raises(NoPicture, match=r"No picture could be taken of broken\.mp4"):
        thumbnail(tools, str(broken), str(cache / "t.jpg"), facts)
    assert os.listdir(cache) == []


def test_what_a_failing_ffmpeg_wrote_is_taken_away(tools: Tools, film: Film, tmp_path: Path) -> None:
    facts = probe(tools, str(film("plain.mp4", *PICTURE, *AVC)))
    fake = tmp_path / "ffmpeg"
    fake.write_text('#!/bin/sh\nfor last; do :; done\necho half > "${last#file:}"\necho broken >&2\nexit 1\n')
    fake.chmod(0o755)
    cache = tmp_path / "cache"
    cache.mkdir()
    with pytest.raises(NoPicture, match="broken"):
        thumbnail(Tools(str(fake), "", "6.0", "", "PATH"), "/x.mov", str(cache / "t.jpg"), facts)
    assert os.listdir(cache) == []


def test_an_old_picture_stays_when_a_new_one_cannot_be_taken(
    tools: Tools, film: Film, tmp_path: Path
) -> None:
    facts = probe(tools, str(film("plain.mp4", *PICTURE, *AVC)))
    target = tmp_path / "t.jpg"
    target.write_bytes(b"old")
    with pytest.raises(NoPicture):
        thumbnail(tools, str(tmp_path / "gone.mp4"), str(target), facts)
    assert target.read_bytes() == b"old"


def test_a_target_that_cannot_be_written_is_no_fault_of_the_film(
    tools: Tools, film: Film, tmp_path: Path
) -> None:
    path = str(film("plain.mp4", *PICTURE, *AVC))
    with pytest.raises(FileNotFoundError):
        thumbnail(tools, path, str(tmp_path / "no folder" / "t.jpg"), probe(tools, path))


def test_one_picture_made_by_many_at_once(tools: Tools, film: Film, tmp_path: Path) -> None:
    path = str(film("plain.mp4", *PICTURE, *AVC))
    facts = probe(tools, path)
    target = str(tmp_path / "t.jpg")
    with ThreadPoolExecutor(4) as pool:
        sizes = [f.result() for f in [pool.submit(thumbnail, tools, path, target, facts) for _ in range(8)]]
    assert sizes == [(160, 90)] * 8
    assert os.listdir(tmp_path) == ["t.jpg"]


def test_fitted() -> None:
    assert fitted(1920, 1080, 320) == (320, 180)
    assert fitted(1080, 1920, 320) == (180, 320)
    assert fitted(100, 50, 320) == (100, 50)
    assert fitted(10000, 1, 320) == (320, 1)
