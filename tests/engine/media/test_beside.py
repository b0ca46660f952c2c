"""Sidecars fill what the file leaves open, contradict it aloud, and can be broken without harm."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.demo.footage import shoot_day
from engine.media.beside import Said, enrich, ltc, merged
from engine.media.cards import Listed, reader
from engine.media.clips import Clip, Part, group
from engine.media.facts import MediaFacts
from engine.media.probe import probe
from engine.media.tools import Tools
from engine.media.wholeness import missing_bytes

from .conftest import AVC, PICTURE, SOUND

Film = Callable[..., Path]

BARE = MediaFacts("video", "mov", 1000, 0, 25, None, None)


def _enriched(card: str, tools: Tools) -> dict[str, MediaFacts]:
    files = []
    for where, _, names in os.walk(card):
        for name in names:
            path = os.path.join(where, name)
            files.append(Listed(os.path.relpath(path, card), os.path.getsize(path), 1))
    read = reader(card)
    clips, _ = group(files, None, read)
    return {c.title: enrich(probe(tools, os.path.join(card, c.essence)), c, read) for c in clips}


def test_the_demos_cards_tell_camera_serial_and_time_zone(tools: Tools, tmp_path: Path) -> None:
    sony, gopro, canon = (_enriched(card, tools) for card in shoot_day(str(tmp_path), tools))
    first = sony["C0001"]
    assert (first.make, first.model, first.serial) == ("Sony", "ILCE-7SM3", "04211337")
    assert first.recorded_at is not None
    assert first.recorded_at.endswith("T09:12:00+01:00")
    assert first.recorded_at_source == "C0001M01.XML"
    assert first.umid is not None
    assert len(first.umid) == 64
    assert len({facts.umid for facts in sony.values()}) == 3
    assert (gopro["GX010012"].make, gopro["GX010012"].model) == ("GoPro", "HERO10 Black")
    assert gopro["GX010012"].serial == "C3461324500123"
    assert (canon["AA0001"].model, canon["AA0001"].serial) == ("XF305", "300102004711")
    every = [facts for card in (sony, gopro, canon) for facts in card.values()]
    assert not [w for facts in every for w in facts.warnings if "says" in w or " in the file" in w]


def _clip(*sidecars: str) -> Clip:
    return Clip(
        "C0001", "video", (Part("essence", "CLIP/C0001.MP4"), *(Part("sidecar", s) for s in sidecars))
    )


SONY = """<NonRealTimeMeta xmlns="urn:x"><TargetMaterial umidRef="{umid}"/><Duration value="75"/>
<LtcChangeTable tcFps="30"><LtcChange frameCount="0" value="{ltc}" status="increment"/></LtcChangeTable>
<CreationDate value="2026-11-20T10:00:00-05:00"/>
<Device manufacturer="Sony" modelName="PXW-FX9" serialNo="7"/>
</NonRealTimeMeta>"""


def test_sony_fills_and_contradicts() -> None:
    content = SONY.format(umid="ab" * 32, ltc="55021001").encode()
    facts = enrich(BARE, _clip("CLIP/C0001M01.XML"), {"CLIP/C0001M01.XML": content}.get)
    assert (facts.timecode, facts.drop_frame, facts.umid) == ("01:10:02;15", True, "AB" * 32)
    assert facts.warnings == ("the file holds 25 frames, C0001M01.XML says 75",)
    known = dataclasses.replace(
        BARE, timecode="01:00:00:00", drop_frame=False, frames=75, model="of the file"
    )
    facts = enrich(known, _clip("CLIP/C0001M01.XML"), {"CLIP/C0001M01.XML": content}.get)
    assert (facts.timecode, facts.model, facts.make) == ("01:00:00:00", "of the file", "Sony")
    assert facts.warnings == ("timecode 01:00:00:00 in the file, 01:10:02;15 in C0001M01.XML",)


def test_p2_is_read() -> None:
    content = b"""<P2Main xmlns="urn:y"><ClipContent><GlobalClipID>%s</GlobalClipID><Duration>25</Duration>
    <EssenceList><Video><StartTimecode>10:20:30:00</StartTimecode></Video></EssenceList>
    <ClipMetadata><Access><CreationDate>2026-11-20T08:00:00+00:00</CreationDate></Access>
    <Device><Manufacturer>Panasonic</Manufacturer><SerialNo.>B1C2</SerialNo.>
    <ModelName>AJ-PX270</ModelName></Device>
    <Shoot><StartDate>2026-11-20T09:30:00+01:00</StartDate></Shoot></ClipMetadata>
    </ClipContent></P2Main>""" % (b"0F" * 32)
    facts = enrich(BARE, _clip("CLIP/0001AB.XML"), {"CLIP/0001AB.XML": content}.get)
    assert (facts.make, facts.model, facts.serial) == ("Panasonic", "AJ-PX270", "B1C2")
    assert (facts.recorded_at, facts.timecode) == ("2026-11-20T09:30:00+01:00", "10:20:30:00")
    assert facts.umid == "0F" * 32
    assert facts.warnings == ()


def test_a_zone_beats_none_and_nothing_beats_a_zone() -> None:
    naive = dataclasses.replace(BARE, recorded_at="2026-11-20T09:00:00", recorded_at_source="creation_time")
    zoned = dataclasses.replace(BARE, recorded_at="2026-11-20T09:00:00+02:00", recorded_at_source="apple")
    said = Said("x.xml", recorded_at="2026-11-20T10:00:00+01:00")
    assert merged(BARE, said).recorded_at_source == "x.xml"
    assert merged(naive, said).recorded_at == "2026-11-20T10:00:00+01:00"
    assert merged(zoned, said).recorded_at_source == "apple"
    assert (
        merged(naive, Said("x.xml", recorded_at="2026-11-20T10:00:00")).recorded_at_source == "creation_time"
    )


def test_a_spanned_recording_is_longer_than_its_first_part() -> None:
    spanned = Clip(
        "C1", "video", (Part("essence", "a/1.MXF"), Part("span", "a/2.MXF"), Part("sidecar", "a/1.XML"))
    )
    content = b"<ClipContent><Duration>900</Duration></ClipContent>"
    assert enrich(BARE, spanned, {"a/1.XML": content}.get).warnings == ()


@pytest.mark.parametrize(
    "content", [None, b"", b"<NonReal", b"<html/>", b"\x00" * 50, SONY.format(umid="x", ltc="soon").encode()]
)
def test_broken_and_foreign_sidecars_change_nothing_that_is_known(content: bytes | None) -> None:
    facts = enrich(dataclasses.replace(BARE, frames=75), _clip("CLIP/C0001M01.XML"), lambda _: content)
    assert (facts.timecode, facts.umid, facts.warnings) == (None, None, ())


def test_linear_timecode_words() -> None:
    assert ltc("00001209") == "09:12:00:00"
    assert ltc("24593223") == "23:32:59:24"
    assert ltc("69595923") == "23:59:59;29"
    assert ltc("C0000010") == "10:00:00;00"
    assert ltc("0000000") is None
    assert ltc("00AA0000") is None


def test_a_file_that_was_cut_off_is_told_although_it_opens(tools: Tools, film: Film, tmp_path: Path) -> None:
    whole = film("fs.mp4", *PICTURE, *SOUND, *AVC, "-movflags", "+faststart")
    data = whole.read_bytes()
    assert missing_bytes(str(whole)) == 0
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[:-1000])
    assert missing_bytes(str(cut)) == 1000
    facts = probe(tools, str(cut))
    assert facts.frames == 25, "the index still promises all of it"
    assert facts.warnings[0] == "the file is cut off: 1000 bytes that its structure promises are not there"
    assert not any("cut off" in w for w in probe(tools, str(whole)).warnings)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.mov", (*PICTURE, *AVC)), ("a.mp4", (*PICTURE, *AVC, "-movflags", "+frag_keyframe+empty_moov")),
        ("a.wav", SOUND), ("a.avi", (*PICTURE, "-c:v", "mjpeg")), ("a.mkv", (*PICTURE, *AVC)),
        ("b.wav", (*SOUND, "-rf64", "always")), ("a.mxf", (*PICTURE, "-c:v", "mpeg2video")),
    ],
)  # fmt: skip
def test_whole_files_lack_nothing(film: Film, name: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    path = film(name, *arguments)
    assert missing_bytes(str(path)) == 0
    padded = tmp_path / name
    padded.write_bytes(path.read_bytes() + bytes(4096))
    assert missing_bytes(str(padded)) == 0


def test_a_wave_file_cut_off(film: Film, tmp_path: Path) -> None:
    cut = tmp_path / "a.wav"
    cut.write_bytes(film("a.wav", *SOUND).read_bytes()[:-500])
    assert missing_bytes(str(cut)) == 500


def test_noise_never_fails_and_large_boxes_are_understood(tmp_path: Path, film: Film) -> None:
    rng = random.Random(7)
    plain = film("plain.mp4", *PICTURE, *AVC).read_bytes()
    path = tmp_path / "x"
    for _ in range(200):
        noisy = bytearray(plain[: rng.randrange(1, len(plain))])
        for _ in range(20):
            noisy[rng.randrange(len(noisy))] = rng.randrange(256)
        path.write_bytes(noisy)
        assert missing_bytes(str(path)) >= 0
    path.write_bytes(plain[:32] + b"\0\0\0\1mdat" + (5_000_000_000).to_bytes(8, "big"))
    assert missing_bytes(str(path)) > 4_900_000_000
    path.write_bytes(b"")
    assert missing_bytes(str(path)) == 0
