"""Files become clips: nothing lost, nothing twice, and what is missing is told."""

from __future__ import annotations

import random
import struct
from collections import Counter

import pytest

from engine.media.cards import Listed, recognise
from engine.media.clips import Clip, group
from engine.media.grouping import Grouping
from engine.media.kinds import is_junk, kind_of
from engine.media.listing import Listing
from engine.media.makers.avchd import play_items

from .conftest import listed
from .trees import ALL, ARRI, AVCHD, CANON_XF, GOPRO, P2, RED, SONY_EX, SONY_XAVC


def _clips(paths: list[str], contents: dict[str, bytes] | None = None) -> tuple[dict[str, Clip], list[str]]:
    files = listed(paths)
    found, warnings = group(files, recognise(files), (contents or {}).get)
    titles = {clip.title: clip for clip in found}
    assert len(titles) == len(found)
    return titles, warnings


def _roles(clip: Clip) -> list[tuple[str, str]]:
    return [(part.role, part.path.rpartition("/")[2]) for part in clip.parts]


@pytest.mark.parametrize("name", ALL)
def test_no_recording_is_lost_and_no_file_is_in_two_clips(name: str) -> None:
    paths = ALL[name][1]
    clips, warnings = group(listed(paths), recognise(listed(paths)))
    used = Counter(part.path for clip in clips for part in clip.parts)
    assert max(used.values()) == 1
    assert set(used) <= set(paths)
    media = {p for p in paths if kind_of(p) in {"video", "audio"}}
    assert media <= set(used), "every recording is in a clip"
    assert warnings == []
    for clip in clips:
        assert clip.parts[0].role == "essence"
        assert [p.role for p in clip.parts].count("essence") == 1


@pytest.mark.parametrize("name", ALL)
def test_letter_case_and_depth_change_nothing(name: str) -> None:
    paths = ALL[name][1]
    plain, _ = group(listed(paths))
    for change in (str.lower, str.upper, lambda p: f"cards/A/{p}"):
        other, warnings = group(listed([change(p) for p in paths]))
        assert warnings == []
        shape = sorted([(part.role, change(part.path)) for part in clip.parts] for clip in plain)
        assert sorted([(part.role, part.path) for part in clip.parts] for clip in other) == shape


def test_sony() -> None:
    clips, _ = _clips(SONY_XAVC)
    assert _roles(clips["C0001"]) == [
        ("essence", "C0001.MP4"), ("sidecar", "C0001M01.XML"),
        ("proxy", "C0001S03.MP4"), ("thumbnail", "C0001T01.JPG"),
    ]  # fmt: skip
    assert clips["C0001"].of("proxy", "thumbnail") == (
        "PRIVATE/M4ROOT/SUB/C0001S03.MP4", "PRIVATE/M4ROOT/THMBNL/C0001T01.JPG",
    )  # fmt: skip


MEDIAPRO = b"""<?xml version="1.0"?><MediaProfile xmlns="http://example/mediaprofile"><Contents>
<Material uri="./CLIP/C0001.MP4"/><Material uri="./Clip/C0002.MP4"/><Material uri="./CLIP/C0003.MP4"/>
</Contents></MediaProfile>"""


def test_sony_index_that_lists_more_than_is_there() -> None:
    _, warnings = _clips(SONY_XAVC, {"PRIVATE/M4ROOT/MEDIAPRO.XML": MEDIAPRO})
    assert warnings == [
        "PRIVATE/M4ROOT/MEDIAPRO.XML lists 3 clips, 2 are here; missing: CLIP/C0003.MP4."
    ]  # fmt: skip
    whole = [*SONY_XAVC, "PRIVATE/M4ROOT/CLIP/C0003.MP4"]
    assert _clips(whole, {"PRIVATE/M4ROOT/MEDIAPRO.XML": MEDIAPRO})[1] == []


def test_sony_index_with_escaped_names() -> None:
    index = b'<MediaProfile><Contents><Material uri="./CLIP/take%201.MP4"/></Contents></MediaProfile>'
    paths = ["PRIVATE/M4ROOT/MEDIAPRO.XML", "PRIVATE/M4ROOT/CLIP/take 1.MP4"]
    assert _clips(paths, {"PRIVATE/M4ROOT/MEDIAPRO.XML": index})[1] == []


def test_a_file_goes_to_the_first_clip_that_takes_it() -> None:
    listing = Listing(listed(["a.mov", "b.mov", "both.xml"]))
    first, second, both = list(listing.entries)
    grouping = Grouping(listing)
    grouping.add("a", first, [("sidecar", both)])
    grouping.add("b", second, [("sidecar", both)])
    assert [len(clip.parts) for clip in grouping.clips] == [2, 1]
    assert grouping.free(listing.entries) == []


@pytest.mark.parametrize(
    "content",
    [
        b"<MediaProfile><Contents><Mat", b"not xml", b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>&x;',
    ],
)  # fmt: skip
def test_a_broken_index_is_a_warning(content: bytes) -> None:
    clips, warnings = _clips(SONY_XAVC, {"PRIVATE/M4ROOT/MEDIAPRO.XML": content})
    assert "C0001" in clips
    assert warnings == [
        "PRIVATE/M4ROOT/MEDIAPRO.XML is damaged: whether the card is complete cannot be told."
    ]  # fmt: skip


def test_sony_orphans_are_told_and_become_no_clip() -> None:
    orphans = [p for p in SONY_XAVC if not p.endswith("/C0001.MP4")]
    clips, warnings = _clips(orphans)
    assert "C0001T01" not in clips
    assert warnings == [
        (
            "3 sidecars belong to a recording that is not here: PRIVATE/M4ROOT/CLIP/C0001M01.XML, "
            "PRIVATE/M4ROOT/SUB/C0001S03.MP4, PRIVATE/M4ROOT/THMBNL/C0001T01.JPG."
        )
    ]


def test_xdcam_ex_parts_are_one_recording() -> None:
    clips, _ = _clips(SONY_EX)
    assert sorted(clips) == ["709_0001_01", "709_0002_01"]
    assert clips["709_0001_01"].of("span") == ("BPAV/CLPR/709_0001_02/709_0001_02.MP4",)
    assert len(clips["709_0001_01"].of("sidecar")) == 8
    _, warnings = _clips([p.replace("709_0001_02", "709_0001_03") for p in SONY_EX])
    assert warnings == ["The recording 709_0001_01 lacks its part 02."]


def test_p2() -> None:
    clips, _ = _clips(P2)
    assert _roles(clips["0001AB"]) == [
        ("essence", "0001AB.MXF"), ("audio", "0001AB00.MXF"), ("audio", "0001AB01.MXF"),
        ("sidecar", "0001AB.XML"), ("sidecar", "0001AB00.WAV"), ("sidecar", "0001AB.BIN"),
        ("proxy", "0001AB.MP4"), ("thumbnail", "0001AB.BMP"),
    ]  # fmt: skip


def _p2_xml(own: str, before: str | None = None, after: str | None = None) -> bytes:
    links = "".join(
        f"<{tag}><GlobalClipID>{value}</GlobalClipID></{tag}>"
        for tag, value in (("Previous", before), ("Next", after))
        if value
    )
    return (
        '<P2Main xmlns="urn:schemas-Professional-Plug-in:P2:ClipMetadata:v3.1"><ClipContent>'
        f"<GlobalClipID>{own}</GlobalClipID><Relation><Connection>{links}</Connection></Relation>"
        "</ClipContent></P2Main>"
    ).encode()


def test_p2_spans_follow_the_chain_and_a_break_is_told() -> None:
    indexes = {
        "CONTENTS/CLIP/0001AB.XML": _p2_xml("ID1", after="ID2"),
        "CONTENTS/CLIP/0002CD.XML": _p2_xml("ID2", before="ID1"),
    }
    clips, warnings = _clips(P2, indexes)
    assert list(clips) == ["0001AB"]
    assert clips["0001AB"].of("essence", "span") == ("CONTENTS/VIDEO/0001AB.MXF", "CONTENTS/VIDEO/0002CD.MXF")
    assert len(clips["0001AB"].of("audio")) == 4
    assert warnings == []
    indexes["CONTENTS/CLIP/0002CD.XML"] = _p2_xml("ID2", before="ID1", after="ID3")
    assert _clips(P2, indexes)[1] == [
        "The recording of clip 0002CD goes on in a clip that is not here: on another card?"
    ]
    indexes["CONTENTS/CLIP/0001AB.XML"] = b"<P2Main"
    clips, warnings = _clips(P2, indexes)
    assert sorted(clips) == ["0001AB", "0002CD"]
    assert "CONTENTS/CLIP/0001AB.XML is damaged: what it says is not used." in warnings


def test_p2_ring_of_damaged_indexes_ends() -> None:
    clips, _ = _clips(
        P2,
        {
            "CONTENTS/CLIP/0001AB.XML": _p2_xml("ID1", after="ID2"),
            "CONTENTS/CLIP/0002CD.XML": _p2_xml("ID2", after="ID1"),
        },
    )
    assert sum(len(c.of("essence", "span")) for c in clips.values()) == 2


def test_canon_xf_parts_are_one_recording() -> None:
    clips, _ = _clips(CANON_XF)
    assert sorted(clips) == ["AA0001", "AA0002"]
    assert _roles(clips["AA0001"])[:2] == [("essence", "AA000101.MXF"), ("span", "AA000102.MXF")]
    assert clips["AA0001"].of("thumbnail") == ("CONTENTS/CLIPS001/AA0001/AA0001.THM",)
    assert len(clips["AA0001"].of("sidecar")) == 4
    _, warnings = _clips([p for p in CANON_XF if not p.endswith("AA000101.MXF")])
    assert warnings == ["The recording AA0001 lacks its part 01."]
    _, warnings = _clips([p for p in CANON_XF if not p.startswith("CONTENTS/CLIPS001/AA0002/AA000201")])
    assert warnings == [
        "1 sidecar belongs to a recording that is not here: CONTENTS/CLIPS001/AA0002/AA0002.XML."
    ]


def _playlist(*items: tuple[str, int]) -> bytes:
    body = b"".join(
        struct.pack(">H5s4sH", 20, name.encode(), b"M2TS", flags) + bytes(9) for name, flags in items
    )
    play = struct.pack(">IHHH", len(body) + 6, 0, len(items), 0) + body
    return b"MPLS0100" + struct.pack(">I", 20) + bytes(8) + play


def test_avchd_parts_are_joined_by_the_playlist_when_the_first_was_full() -> None:
    playlist = {"PRIVATE/AVCHD/BDMV/PLAYLIST/00000.MPL": _playlist(("00000", 1), ("00001", 6), ("00002", 1))}
    sizes = {"PRIVATE/AVCHD/BDMV/STREAM/00000.MTS": 2_000_000_000}
    files = [Listed(p, sizes.get(p, 1000), 1) for p in AVCHD]
    clips, warnings = group(files, recognise(files), playlist.get)
    assert [c.of("essence", "span") for c in clips] == [
        ("PRIVATE/AVCHD/BDMV/STREAM/00000.MTS", "PRIVATE/AVCHD/BDMV/STREAM/00001.MTS"),
        ("PRIVATE/AVCHD/BDMV/STREAM/00002.MTS",),
    ]
    assert len(clips[0].of("sidecar")) == 2
    assert warnings == []
    short, _ = group(listed(AVCHD), None, playlist.get)
    assert len(short) == 3, "a short file ended by itself"


def test_damaged_playlists_join_nothing() -> None:
    whole = _playlist(("00000", 1), ("00001", 6))
    assert play_items(whole) == [("00000", 1), ("00001", 6)]
    rng = random.Random(4)
    for _ in range(300):
        cut = bytearray(whole[: rng.randrange(len(whole))])
        for _ in range(3):
            if cut:
                cut[rng.randrange(len(cut))] = rng.randrange(256)
        assert isinstance(play_items(bytes(cut)), list)
    assert play_items(b"") == []


def test_red_parts_and_a_missing_one() -> None:
    clips, _ = _clips(RED)
    assert _roles(clips["A001_C001_1120XY"]) == [
        ("essence", "A001_C001_1120XY_001.R3D"), ("span", "A001_C001_1120XY_002.R3D"),
        ("sidecar", "A001_C001_1120XY.RMD"), ("thumbnail", "A001_C001_1120XY.rtn"),
    ]  # fmt: skip
    _, warnings = _clips([p for p in RED if not p.endswith("C001_1120XY_001.R3D")])
    assert warnings == ["The recording A001_C001_1120XY lacks its part 001."]


def test_arri_frames_are_one_clip_and_a_hole_is_told() -> None:
    clips, _ = _clips(ARRI)
    assert sorted(clips) == ["A001C001_261120_R0Z3", "A001C002_261120_R0Z3", "A001C003_261120_R0Z3"]
    assert len(clips["A001C003_261120_R0Z3"].of("essence", "span")) == 5
    _, warnings = _clips([p for p in ARRI if "0086402" not in p])
    assert warnings == ["The recording A001C003_261120_R0Z3 lacks 1 frames, the first of them 86402."]


def test_gopro_chapters_are_one_clip_in_order() -> None:
    clips, _ = _clips(GOPRO)
    assert sorted(clips) == ["GOPR0014", "GX010012", "GX010013"]
    assert _roles(clips["GX010012"]) == [
        ("essence", "GX010012.MP4"), ("span", "GX020012.MP4"), ("span", "GX030012.MP4"),
        ("proxy", "GL010012.LRV"), ("proxy", "GL020012.LRV"), ("thumbnail", "GX010012.THM"),
    ]  # fmt: skip
    assert clips["GOPR0014"].kind == "image"


def test_gopro_chapters_are_in_order_whatever_their_letter_case() -> None:
    clips, _ = _clips(
        ["DCIM/100GOPRO/gx010012.mp4", "DCIM/100GOPRO/GX020012.MP4", "DCIM/100GOPRO/gx030012.mp4"]
    )
    assert [p.path[-12:] for p in clips["gx010012"].parts] == ["gx010012.mp4", "GX020012.MP4", "gx030012.mp4"]


def test_gopro_gaps_and_orphans_are_told() -> None:
    _, warnings = _clips([p for p in GOPRO if "GX020012" not in p])
    assert warnings == ["The GoPro recording 0012 lacks its chapter 02."]
    _, warnings = _clips([p for p in GOPRO if "GX010012.MP4" not in p])
    assert warnings == ["The GoPro recording 0012 lacks its chapter 01."]
    _, warnings = _clips(["DCIM/100GOPRO/GX010013.MP4", "DCIM/100GOPRO/GL010099.LRV", "MISC/version.txt"])
    assert warnings == ["1 sidecar belongs to a recording that is not here: DCIM/100GOPRO/GL010099.LRV."]


def test_gopro_of_the_old_names() -> None:
    clips, _ = _clips(ALL["GOPRO_OLD"][1])
    assert clips["GOPR0007"].of("essence", "span") == (
        "DCIM/100GOPRO/GOPR0007.MP4", "DCIM/100GOPRO/GP010007.MP4", "DCIM/100GOPRO/GP020007.MP4",
    )  # fmt: skip


def test_gopro_recordings_run_over_into_the_next_folder_but_numbers_that_come_again_do_not_mix() -> None:
    over = ["DCIM/100GOPRO/GX010999.MP4", "DCIM/101GOPRO/GX020999.MP4"]
    clips, _ = _clips(over)
    assert clips["GX010999"].of("essence", "span") == tuple(over)
    again, _ = group(listed(["DCIM/100GOPRO/GX010001.MP4", "DCIM/101GOPRO/GX010001.MP4"]))
    assert [len(c.parts) for c in again] == [1, 1]


def test_gopro_chapters_copied_by_hand_still_belong_together() -> None:
    clips, _ = _clips(["surf/GX010012.MP4", "surf/GX020012.MP4", "surf/other.mov"])
    assert len(clips["GX010012"].of("essence", "span")) == 2
    loops, warnings = _clips(["a/GXAA0012.MP4", "a/GXAB0012.MP4"])
    assert (len(loops), warnings) == (1, [])


def test_insta360_needs_both_lenses() -> None:
    clips, _ = _clips(ALL["INSTA360"][1])
    assert _roles(clips["VID_20261120_120000_00_001"]) == [
        ("essence", "VID_20261120_120000_00_001.insv"), ("span", "VID_20261120_120000_10_001.insv"),
        ("proxy", "LRV_20261120_120000_01_001.lrv"),
    ]  # fmt: skip
    paths = [*ALL["INSTA360"][1], "DCIM/Camera01/VID_20261120_130000_00_003.insv"]
    assert _clips(paths)[1] == [
        "The file of one lens is missing: VID_20261120_130000_10_003; both are needed."
    ]


def test_dji() -> None:
    clips, _ = _clips(ALL["DJI"][1])
    assert _roles(clips["DJI_0001"]) == [
        ("essence", "DJI_0001.MP4"), ("sidecar", "DJI_0001.SRT"),
        ("proxy", "DJI_0001.LRF"), ("thumbnail", "DJI_0001.THM"),
    ]  # fmt: skip


def test_a_plain_folder() -> None:
    clips, warnings = group(listed(ALL["FOLDER"][1]), recognise(listed(ALL["FOLDER"][1])))
    shape = {clip.essence: _roles(clip)[1:] for clip in clips}
    assert shape == {
        "day 1/a.mov": [("sidecar", "a.xmp"), ("sidecar", "a.mov.md5"), ("proxy", "a.mp4")],
        "day 1/b.mov": [],
        "day 1/b.wav": [],
        "sound/ROLL_01.WAV": [],
        "stills/x.CR3": [],
        "stills/x.jpg": [],
    }
    assert warnings == []


def test_names_that_differ_by_case_only_or_hold_any_bytes_are_kept() -> None:
    paths = ["a.mov", "A.MOV", "caf\udce9.mov", "x\ny.mov", "-y.mp4", "\x1b[2J.mov", "ß.mov", "SS.mov"]
    clips, _ = group(listed(paths))
    assert sorted(c.essence for c in clips) == sorted(paths)
    assert {c.title for c in clips} >= {"caf\udce9", "x\ny", "-y", "\x1b[2J", "ß"}


def test_warnings_show_names_harmlessly() -> None:
    paths = [f"PRIVATE/M4ROOT/CLIP/\x1b[2J{n}M01.XML" for n in range(7)]
    _, (warning,) = group(listed(["PRIVATE/M4ROOT/CLIP/C0001.MP4", *paths]))
    assert "\x1b" not in warning
    assert warning.startswith("7 sidecars belong")
    assert warning.endswith(" and 2 more.")


def test_random_mixtures_lose_nothing() -> None:
    """Any subset of all cards' files, thrown together: every recording stays in exactly one clip."""
    everything = sorted({f"{name}/{p}" for name, (_, paths) in ALL.items() for p in paths})
    rng = random.Random(11)
    for _ in range(150):
        chosen = rng.sample(everything, rng.randrange(1, len(everything)))
        if rng.random() < 0.5:
            chosen = sorted({p.split("/", 1)[1] for p in chosen})
        clips, warnings = group(listed(chosen), None)
        used = Counter(part.path for clip in clips for part in clip.parts)
        assert not used or max(used.values()) == 1
        lost = {p for p in chosen if kind_of(p) in {"video", "audio"} and not is_junk(p)} - set(used)
        told = " ".join(warnings)
        for path in lost:  # a proxy, a voice memo or the sound of a recording that is not here
            assert any(
                mark in path.casefold() for mark in ("/sub/", "/proxy/", "sub/", "proxy/", "/voice/")
            ), path
            assert "not here" in told


def test_a_hundred_thousand_files_take_seconds() -> None:
    import time

    paths = [
        f"DCIM/{100 + n // 9999}CANON/IMG_{n % 9999:04d}.{x}"
        for n in range(33000)
        for x in ("CR3", "JPG", "XMP")
    ]
    began = time.monotonic()
    clips, _ = group(listed(paths), recognise(listed(paths)))
    assert len(clips) == 66000
    assert time.monotonic() - began < 20
