"""What file names, reel logs and structures of makers say beyond the recordings themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.media.ale import rows_of
from engine.media.beside import enrich
from engine.media.cards import Listed, reader, recognise
from engine.media.clips import group
from engine.media.facts import MediaFacts
from engine.media.named import facts_of_name

from .conftest import listed
from .trees import ARRI, RED, SONY_HDV

NOTHING = MediaFacts("video", "", None, None, None, None, None)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("A001_C001_1120XY_001.R3D", {"make": "RED", "reel": "A001"}),
        ("A001C003_261120_R0Z3.mxf", {"reel": "A001"}),
        ("a001c003_261120_r0z3.0086400.ari", {"make": "ARRI", "reel": "A001"}),
        ("A001_11201200_C001.braw", {"make": "Blackmagic Design", "reel": "A001"}),
        ("DJI_20261120120000_0001_D.MP4", {"make": "DJI", "recorded_at": "2026-11-20T12:00:00"}),
        ("DJI_20261320120000_0001_D.MP4", {"make": "DJI"}),
        ("DJI_0001.MP4", {"make": "DJI"}),
        ("VID_20261120_120000_00_001.insv", {"make": "Insta360", "recorded_at": "2026-11-20T12:00:00"}),
        ("00_0003_2026-11-20_120001.M2T", {"recorded_at": "2026-11-20T12:00:01"}),
        ("C0001.MP4", {}),
        ("copy of A001_C001_1120XY_001.R3D", {}),
        ("A001_C001_1120XY_001.R3D.mov", {}),
        ("DJI_0001.JPG", {}),
    ],
)
def test_names(name: str, said: dict[str, str]) -> None:
    assert facts_of_name(name) == said


def test_a_recording_says_more_than_its_name() -> None:
    clips, _ = group(listed(["DCIM/DJI_001/DJI_20261120120000_0001_D.MP4"]))
    own = MediaFacts(
        "video", "mov", 1000, 0, 25, None, None, make="Hasselblad", recorded_at="2026-11-20T11:00:00+01:00"
    )
    facts = enrich(own, clips[0], lambda _: None)
    assert (facts.make, facts.recorded_at) == ("Hasselblad", "2026-11-20T11:00:00+01:00")
    facts = enrich(NOTHING, clips[0], lambda _: None)
    assert (facts.recorded_at, facts.recorded_at_source) == ("2026-11-20T12:00:00", "file name")


def test_the_log_of_an_arri_reel(tmp_path: Path) -> None:
    reel = tmp_path / "A001R0Z3"
    reel.mkdir()
    names = ["Name", "Start", "End", "Reel_name", "Manufacturer", "Camera_model", "Camera_SN", "Date_camera",
             "Time_camera"]  # fmt: skip
    values = ["A001C001_261120_R0Z3", "10:00:00:00", "10:00:04:00", "A001R0Z3", "ARRI", "ALEXA Mini LF",
              "30012", "20261120", "12h00m00s"]  # fmt: skip
    text = "Heading\r\nFIELD_DELIM\tTABS\r\n\r\nColumn\r\n{}\r\n\r\nData\r\n{}\r\n".format(
        "\t".join(names), "\t".join(values)
    )
    (reel / "A001R0Z3.ale").write_bytes(text.encode())
    clips, _ = group(listed(ARRI))
    by_title = {clip.title: clip for clip in clips}
    facts = enrich(NOTHING, by_title["A001C001_261120_R0Z3"], reader(str(tmp_path)))
    assert (facts.make, facts.model, facts.serial, facts.reel) == (
        "ARRI",
        "ALEXA Mini LF",
        "30012",
        "A001R0Z3",
    )
    assert (facts.timecode, facts.recorded_at) == ("10:00:00:00", "2026-11-20T12:00:00")
    assert facts.recorded_at_source == "A001R0Z3.ale"
    other = enrich(NOTHING, by_title["A001C002_261120_R0Z3"], reader(str(tmp_path)))
    assert (other.model, other.reel) == (None, "A001")
    for broken in (None, b"", b"Column\n\nData\n", b"Heading\nColumn", b"\xff\xfe\x00"):
        assert rows_of(broken) == []


def test_hdv_parts_of_one_recording_are_one_clip() -> None:
    clips, warnings = group(listed(SONY_HDV))
    assert [(clip.title, [part.role for part in clip.parts]) for clip in clips] == [
        ("00_0001_2026-11-20_120000", ["essence", "span", "sidecar"]),
        ("00_0002_2026-11-20_130000", ["essence", "sidecar"]),
    ]
    assert warnings == []
    lonely = [path for path in SONY_HDV if not path.endswith("130000.M2T")]
    assert any("recording that is not here" in sentence for sentence in group(listed(lonely))[1])
    bare = recognise(listed([path for path in SONY_HDV if not path.endswith("tracks.dat")]))
    assert bare.kind == "sony_hdv"
    assert bare.warnings == ("tracks.dat is not in VIDEO/HVR: the recorder expects it there.",)


def test_a_red_clip_has_its_reel_without_any_tool() -> None:
    clips, _ = group(listed(RED))
    assert enrich(NOTHING, clips[0], lambda _: None).reel == "A001"


def test_a_split_of_dji_is_said() -> None:
    full = 3_950_000_000
    files = [
        Listed(f"DCIM/100MEDIA/DJI_{n:04d}.MP4", size, 1) for n, size in ((1, full), (2, 900), (3, full))
    ]
    _, warnings = group(files)
    assert len(warnings) == 2
    assert "may go on in DCIM/100MEDIA/DJI_0002.MP4" in warnings[0]
    assert "not on this card" in warnings[1]
