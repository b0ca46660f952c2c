"""Probing real files: what they tell, and a sentence for each that cannot be played."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from engine.errors import NotFound
from engine.media import child
from engine.media.facts import MediaFacts, Unplayable
from engine.media.probe import probe, understand
from engine.media.rates import fraction, snapped, steady_rate
from engine.media.stated import camera, moment, recorded_at, timecode_of
from engine.media.tools import Tools

from .conftest import AVC, PICTURE, SOUND

Film = Callable[..., Path]


def _rate(rate: str, seconds: float = 1) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size=160x90:rate={rate}:duration={seconds}")


def test_a_camera_file_tells_all_it_knows(tools: Tools, film: Film) -> None:
    path = film(
        "a.mov", *_rate("30000/1001"), *SOUND, "-c:v", "prores_ks", "-profile:v", "3", "-c:a", "pcm_s24le",
        "-ac", "2", "-timecode", "01:02:03;04", "-metadata:s:v", "reel_name=A001",
        "-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.make=ARRI",
        "-metadata", "com.apple.quicktime.model=ALEXA Mini",
        "-metadata", "creation_time=2026-11-20T09:10:11Z",
    )  # fmt: skip
    facts = probe(tools, str(path))
    video, audio = facts.video, facts.audio
    assert video is not None
    assert audio is not None
    assert (facts.kind, facts.duration_ms, facts.frames, facts.start_frame) == ("video", 1001, 30, 0)
    assert (video.codec, video.profile, video.gop) == ("prores", "HQ", "intra")
    assert (video.width, video.height, video.sar, video.rotation) == (160, 90, 1, 0)
    assert (video.fps, video.vfr) == (Fraction(30000, 1001), False)
    assert (video.pix_fmt, video.bit_depth, video.chroma) == ("yuv422p10le", 10, "4:2:2")
    assert (audio.codec, audio.channels, audio.sample_rate, audio.bit_depth) == ("pcm_s24le", 2, 48000, 24)
    assert (facts.timecode, facts.drop_frame, facts.reel) == ("01:02:03;04", True, "A001")
    assert (facts.make, facts.model, facts.serial) == ("ARRI", "ALEXA Mini", None)
    assert (facts.recorded_at, facts.recorded_at_source) == ("2026-11-20T09:10:11", "creation_time")
    assert facts.warnings == ()
    assert MediaFacts.from_json(json.dumps(facts.to_json())) == facts
    assert MediaFacts.from_json(facts.to_json()) == facts


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "50", "60000/1001"])
@pytest.mark.parametrize("name", ["r.mp4", "r.mkv", "r.ts"])
def test_rates_are_exact_in_every_container(tools: Tools, film: Film, rate: str, name: str) -> None:
    facts = probe(tools, str(film(name, *_rate(rate, 2), *AVC)))
    assert facts.video is not None
    assert (facts.video.fps, facts.video.vfr) == (Fraction(rate), False)
    assert not any("rate" in w for w in facts.warnings)


def test_a_transport_stream_does_not_crash_the_tools(tools: Tools, film: Film) -> None:
    facts = probe(tools, str(film("AVCHD.MTS", *PICTURE, *SOUND, *AVC, "-c:a", "ac3", "-f", "mpegts")))
    assert facts.kind == "video"
    assert facts.container == "mpegts"


def test_a_variable_rate_is_told(tools: Tools, film: Film) -> None:
    path = film("v.mp4", *_rate("60", 2), "-vf", "select='not(mod(n,2))+lt(n,40)'", "-fps_mode", "vfr", *AVC)
    facts = probe(tools, str(path))
    assert facts.video is not None
    assert facts.video.vfr is True
    assert any("variable frame rate" in w for w in facts.warnings)


def test_interlaced_is_not_variable(tools: Tools, film: Film) -> None:
    path = film("i.ts", *_rate("50", 2), "-vf", "scale=160:96,interlace", *AVC, "-flags", "+ildct+ilme")
    facts = probe(tools, str(path))
    assert facts.video is not None
    assert (facts.video.fps, facts.video.vfr, facts.video.interlaced) == (Fraction(25), False, True)


def test_uncommon_rate_and_long_gop_are_warnings(tools: Tools, film: Film) -> None:
    facts = probe(tools, str(film("odd.mp4", *_rate("18", 2), *AVC)))
    assert [w.split(":")[0].split(" (")[0] for w in facts.warnings] == [
        "long-GOP codec", "uncommon frame rate 18",
    ]  # fmt: skip


def _first_frame(tools: Tools, path: str, *arguments: str) -> bytes:
    head = [tools.ffmpeg, "-v", "error", "-i", path, *arguments, "-frames:v", "1"]
    return child.run([*head, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"], seconds=30).out


def test_rotation_turns_the_shown_size_only(tools: Tools, film: Film, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    source = str(film("plain.mp4", *PICTURE, *AVC))
    # 6.0 turns by an option; 5.1 writes the matrix from this tag, which it counts the other way round.
    ways = (
        (["-display_rotation", "90", "-i", source], 270),
        (["-i", source, "-metadata:s:v", "rotate=270"], 90),
    )
    clockwise = next(
        degrees
        for arguments, degrees in ways
        if child.run(
            [tools.ffmpeg, "-v", "error", "-y", *arguments, "-c", "copy", str(turned)], seconds=30
        ).code
        == 0
    )
    facts = probe(tools, str(turned))
    assert facts.video is not None
    assert facts.video.rotation == clockwise
    assert _first_frame(tools, str(turned)) == _first_frame(
        tools, source, "-vf", {90: "transpose=clock", 270: "transpose=cclock"}[clockwise]
    )
    assert (facts.width, facts.height) == (90, 160)
    assert (facts.video.coded_width, facts.video.coded_height) == (160, 90)


def test_anamorphic_pixels_are_made_square(tools: Tools, film: Film) -> None:
    path = film(
        "pal.mxf", "-f", "lavfi", "-i", "testsrc2=size=720x576:rate=25:duration=0.4", "-vf", "setsar=64/45",
        "-c:v", "mpeg2video", "-timecode", "10:00:00:00",
    )  # fmt: skip
    facts = probe(tools, str(path))
    assert facts.video is not None
    assert (facts.width, facts.height, facts.video.sar) == (1024, 576, Fraction(64, 45))
    assert (facts.timecode, facts.drop_frame, facts.frames) == ("10:00:00:00", False, None)
    assert facts.make is None, "the name of the program that wrote the file is no camera"


def test_a_late_picture_starts_on_its_grid_frame(tools: Tools, film: Film) -> None:
    path = film("late.mkv", *SOUND, "-itsoffset", "0.2", *PICTURE, *AVC, "-c:a", "pcm_s16le")
    assert probe(tools, str(path)).start_frame == 5


def test_a_cover_is_not_the_picture(tools: Tools, film: Film) -> None:
    path = film("song.mp3", *SOUND, *PICTURE, "-map", "0", "-map", "1", "-frames:v", "1", "-c:v", "mjpeg",
                "-disposition:v", "attached_pic")  # fmt: skip
    facts = probe(tools, str(path))
    assert (facts.kind, facts.video, facts.codec) == ("audio", None, "mp3")


def test_several_sound_tracks_are_counted(tools: Tools, film: Film) -> None:
    path = film("poly.mov", *PICTURE, *SOUND, *SOUND, "-map", "0", "-map", "1", "-map", "2", *AVC,
                "-c:a", "pcm_s16le", "-ac", "1")  # fmt: skip
    facts = probe(tools, str(path))
    assert facts.audio is not None
    assert (facts.audio.tracks, facts.audio.total_channels, facts.audio.channels) == (2, 2, 1)


@pytest.mark.parametrize("name", ["s.png", "s.jpg", "%d.jpg", "a%03d b.png"])
def test_a_still_has_no_rate_and_no_length(tools: Tools, film: Film, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    shutil.copy(film(f"s{path.suffix}", *PICTURE, "-frames:v", "1", "-update", "1"), path)
    facts = probe(tools, str(path))
    assert (facts.kind, facts.duration_ms, facts.fps, facts.frames) == ("image", None, None, None)
    assert (facts.width, facts.height) == (160, 90)


@pytest.mark.parametrize(
    "name",
    [
        "clip [1] ;rm.mov", "-y.mp4", "\x1b[2J.mov", "line\nbreak.mov", "caf\udce9.mov", "%d.mov", "%03d.mp4",
        "http:x.mov", "concat:a|b.mp4", "pipe:0.mov", "a'b\"c.mov", "file:x.mov", "* ?.mov",
    ],
)  # fmt: skip
def test_names_of_every_kind(
    tools: Tools, film: Film, tmp_path: Path, name: str, monkeypatch: object
) -> None:
    path = tmp_path / name
    shutil.copy(film("plain.mp4", *PICTURE, *AVC), path)
    assert probe(tools, str(path)).frames == 25
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        assert probe(tools, name).frames == 25, "a relative name is no option and no protocol"
    finally:
        os.chdir(here)


def _sentence(tools: Tools, path: Path) -> str:
    with pytest.raises(Unplayable) as caught:
        probe(tools, str(path))
    text = str(caught.value)
    assert "\n" not in text
    assert "\x1b" not in text
    return text


def test_what_cannot_be_played_is_told_in_a_sentence(tools: Tools, film: Film, tmp_path: Path) -> None:
    (tmp_path / "empty\n.mov").touch()
    (tmp_path / "text.mov").write_text("this is a shopping list\nmilk\n")
    (tmp_path / "noise.mp4").write_bytes(bytes((i * 197 + 31) % 256 for i in range(40000)))
    (tmp_path / "page.txt").write_text("hello")
    plain = film("plain.mp4", *PICTURE, *AVC).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(plain[: len(plain) // 2])
    (tmp_path / "folder.mov").mkdir()
    nothing = film("nothing.mov", *PICTURE, *AVC, "-t", "0")
    assert (
        _sentence(tools, tmp_path / "empty\n.mov") == "empty\\n.mov is empty (0 bytes). It is kept as it is."
    )
    assert "it is text" in _sentence(tools, tmp_path / "text.mov")
    assert "not a media file" in _sentence(tools, tmp_path / "noise.mp4")
    assert "it is text" in _sentence(tools, tmp_path / "page.txt")
    assert "its index is missing" in _sentence(tools, tmp_path / "cut.mp4")
    assert "not a file that can hold footage" in _sentence(tools, tmp_path / "folder.mov")
    assert "holds n" in _sentence(tools, nothing)
    with pytest.raises(NotFound, match="There is no file"):
        probe(tools, str(tmp_path / "absent.mov"))


def test_playlists_lead_nowhere(tools: Tools, film: Film, tmp_path: Path) -> None:
    shutil.copy(film("plain.mp4", *PICTURE, *AVC), tmp_path / "a.mp4")
    (tmp_path / "c.mov").write_text("ffconcat version 1.0\nfile 'a.mp4'\n")
    (tmp_path / "h.m3u8").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"
    )
    assert "it is text" in _sentence(tools, tmp_path / "c.mov")
    assert _sentence(tools, tmp_path / "h.m3u8").startswith("h.m3u8")


def test_the_deadline_holds(film: Film, tmp_path: Path, wait_until: Callable[..., None]) -> None:
    slow = tmp_path / "ffprobe"
    slow.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > '{tmp_path}/pid'\nwait\n")
    slow.chmod(0o755)
    fake = Tools("/bin/false", str(slow), "6.0", "", "PATH")
    began = time.monotonic()
    with pytest.raises(Unplayable, match=r"no answer within 0\.5 s"):
        probe(fake, str(film("plain.mp4", *PICTURE, *AVC)), timeout=0.5)
    assert time.monotonic() - began < 5
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    """Whether it runs: a zombie that nobody has waited for does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_crash_and_nonsense_of_ffprobe_are_sentences(film: Film, tmp_path: Path) -> None:
    path = str(film("plain.mp4", *PICTURE, *AVC))
    for answer, expected in (("kill -SEGV $$", "crashed on it"), ("echo nonsense", "does not understand it")):
        program = tmp_path / "ffprobe"
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(0o755)
        with pytest.raises(Unplayable, match=expected):
            probe(Tools("/bin/false", str(program), "6.0", "", "PATH"), path)


def test_nothing_is_written_beside_the_source(tools: Tools, film: Film, tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    shutil.copy(film("plain.mp4", *PICTURE, *AVC), card / "a.mp4")
    before = os.stat(card / "a.mp4")
    probe(tools, str(card / "a.mp4"))
    assert os.listdir(card) == ["a.mp4"]
    assert os.stat(card / "a.mp4").st_mtime_ns == before.st_mtime_ns


# -- pure parts ----------------------------------------------------------------


def test_steady_rates() -> None:
    assert steady_rate([n / 25 for n in range(50)]) == 25
    assert steady_rate([round(n * 1001 / 24000, 3) for n in range(50)]) == Fraction(24000, 1001)
    assert steady_rate([round(n * 1001 / 30000, 3) for n in range(300)]) == Fraction(30000, 1001)
    assert steady_rate([round(n / 24, 3) for n in range(300)]) == 24
    assert steady_rate([0, 0.04, 0.08, 0.16]) is None
    assert steady_rate([0, 0.04]) is None


def test_rates_are_snapped_only_when_near() -> None:
    assert snapped(Fraction(9000000, 300377)) == Fraction(30000, 1001)
    assert snapped(Fraction(24)) == 24
    assert snapped(Fraction(2997, 100)) == Fraction(30000, 1001)
    assert snapped(Fraction(18)) == 18
    assert fraction("0/0") is None
    assert fraction("N/A") is None


def test_timecode_and_drop_frame() -> None:
    assert timecode_of({"timecode": "01:00:00:00"}) == ("01:00:00:00", False)
    assert timecode_of({"timecode": "01:00:00;00"}) == ("01:00:00;00", True)
    assert timecode_of({"timecode": "soon"}) == (None, None)
    assert timecode_of({}) == (None, None)


def test_recording_time_keeps_its_zone_only_when_it_is_known() -> None:
    apple = {
        "com.apple.quicktime.creationdate": "2026-11-20T10:00:00+0100",
        "creation_time": "2026-11-20T09:00:00Z",
    }
    assert recorded_at(apple) == ("2026-11-20T10:00:00+01:00", "com.apple.quicktime.creationdate")
    assert recorded_at({"creation_time": "2026-11-20T09:00:00.000000Z"}) == (
        "2026-11-20T09:00:00", "creation_time",
    )  # fmt: skip
    assert recorded_at({"origination_date": "2026-11-20", "origination_time": "10:11:12"}) == (
        "2026-11-20T10:11:12", "origination_date",
    )  # fmt: skip
    assert recorded_at({"creation_time": "1904-01-01T00:00:00Z"}) == (None, None)
    assert recorded_at({"creation_time": "1970-01-01T00:00:00Z"}) == (None, None)
    assert recorded_at({"date": "2026"}) == (None, None), "a year is no moment"
    assert moment("nonsense", zone=True) is None


def test_cameras_are_stated_never_guessed() -> None:
    assert camera({"company_name": "FFmpeg", "product_name": "OP1a Muxer"}) == (None, None, None)
    assert camera({"company_name": "CANON", "product_name": "XF305"}) == ("CANON", "XF305", None)
    assert camera({"handler_name": "GoPro AVC"}) == ("GoPro", None, None)
    assert camera({}) == (None, None, None)


def test_understand_refuses_what_holds_nothing() -> None:
    with pytest.raises(Unplayable, match="neither picture nor sound"):
        understand({"format": {"format_name": "srt"}, "streams": [{"codec_type": "subtitle"}]}, "x.srt")
