"""Timelines for editing programs: written by us, read back by the formats' own reader or by a parser."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from urllib.parse import unquote, urlparse

import pytest
from defusedxml import ElementTree

from engine.errors import NotFound, Refused, WrongUse
from engine.export.editors import fcpxml
from engine.export.recipes import timecode
from engine.export.runs import ledger, timelines
from engine.media.probe import probe


@pytest.fixture
def cut(desk, clip):
    """Three clips: of another rate, without sound, with awkward names; in and out points; dissolves."""
    more = ("-timecode", "10:00:00:00", "-metadata", "reel_name=A001")
    first = desk.add(clip("a.mov", seconds="4", more=more), "A001_C001.mov")
    second = desk.add(clip("b.mov", rate="24", seconds="3", picture="testsrc"), 'B <2> & "three" 50%.mov')
    third = desk.add(clip("c.mkv", seconds="2", sound=False), "c\nd.mkv")
    for clip_id in (first, second, third):
        media = json.dumps(probe(desk.tools, _path(desk, clip_id)).to_json())
        desk.library.db().execute(
            "UPDATE assets SET media = ? WHERE asset_id = (SELECT asset_id FROM clips WHERE clip_id = ?)",
            (media, clip_id),
        )
        desk.library.db().execute("UPDATE clips SET reel = 'A001' WHERE clip_id = ?", (first,))
    items = [
        {"clip_id": first, "in_frame": 10, "out_frame": 90},
        {"clip_id": second},
        {"clip_id": third, "out_frame": 30},
    ]
    desk.recipe("cut", mode="list", items=items, transition="crossfade", transition_ms=400, preset="archive")
    return "cut"


def _path(desk, clip_id: str) -> str:
    title = next(title for title, known in desk.clips.items() if known == clip_id)
    return desk.path(title)


def test_the_cut_is_the_one_that_is_rendered(desk, cut):
    cuts, problems = timelines.cut_list(desk.library, cut)
    assert problems == []
    run = desk.run(desk.queue(cut))
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    assert (cuts.rate, cuts.frames) == (entry.plan.fps, entry.plan.frames_total)
    assert cuts.frames == 80 + 75 + 30 - 20
    at = 0
    for event in cuts.events:
        assert event.at == at
        at += event.frames
    assert [event.fade for event in cuts.events] == [0, 10, 10]
    first = cuts.events[0]
    assert (first.first, first.frames, first.media.start) == (10, 75, 10 * 3600 * 25)
    assert cuts.events[1].media.rate == 24
    assert cuts.events[1].source_frames == round(Fraction(cuts.events[1].frames * 24, 25))


def test_opentimelineio_reads_it_with_every_time_exact(desk, cut):
    otio = pytest.importorskip("opentimelineio", reason="the reader of OpenTimelineIO is not installed")
    text, _ = timelines.text(desk.library, cut, "otio")
    timeline = otio.adapters.read_from_string(text, "otio_json")
    cuts, _ = timelines.cut_list(desk.library, cut)
    assert otio.opentime.to_frames(timeline.duration()) == cuts.frames
    assert otio.opentime.to_timecode(timeline.global_start_time) == "01:00:00:00"
    video, audio = timeline.tracks
    clips = list(video.find_clips())
    assert [clip.name for clip in clips] == [event.name for event in cuts.events]
    assert clips[0].source_range.start_time.to_timecode() == "10:00:00:10"
    assert clips[0].media_reference.available_range.start_time.to_timecode() == "10:00:00:00"
    for clip, event in zip(clips, cuts.events, strict=True):
        assert unquote(urlparse(clip.media_reference.target_url).path) == event.media.path
        assert clip.source_range.duration.value == event.frames
    fades = [item for item in video if isinstance(item, otio.schema.Transition)]
    assert [(fade.in_offset.value, fade.out_offset.value) for fade in fades] == [(5, 5), (5, 5)]
    # A clip without sound leaves a gap, so that the sounds of the others stay where they belong.
    assert [type(item).__name__ for item in audio if not isinstance(item, otio.schema.Transition)] == [
        "Clip",
        "Clip",
        "Gap",
    ]


_TIMES = r" ".join([r"(\d\d:\d\d:\d\d[:;]\d\d)"] * 4)
_EVENT = re.compile(r"(\d{3})  (.{8}) (\S+) +([CD])(?: +(\d{3}))? +" + _TIMES)


def test_the_edit_decision_list_adds_up(desk, cut):
    text, _ = timelines.text(desk.library, cut, "edl")
    assert text.isascii()
    assert all(line.endswith("\r") for line in text.split("\n")[:-1])
    cuts, _ = timelines.cut_list(desk.library, cut)
    events = [match.groups() for match in map(_EVENT.match, text.splitlines()) if match]
    assert [(number, how, length) for number, _, _, how, length, *_ in events] == [
        ("001", "C", None), ("002", "C", None), ("002", "D", "010"), ("003", "C", None), ("003", "D", "010"),
    ]  # fmt: skip
    whole = [event for event in events if event[7] != event[8]]
    at = timecode.frames("01:00:00:00", cuts.rate)
    for event in whole:
        assert timecode.frames(event[7], cuts.rate) == at
        at = timecode.frames(event[8], cuts.rate)
    assert at == timecode.frames("01:00:00:00", cuts.rate) + cuts.frames
    assert whole[0][5:7] == ("10:00:00:10", "10:00:03:05")
    assert whole[0][1].strip() == "A001"
    # The outgoing half of a dissolve goes on where its clip was left.
    assert events[1][1] == events[0][1]
    assert events[1][5] == events[0][6]
    assert "M2   " in text
    assert "* FROM CLIP NAME: c\\x0ad" in text or "* TO CLIP NAME: c\\nd.mkv" in text


def test_fcpxml_is_whole_frames_from_end_to_end(desk, cut):
    text, _ = timelines.text(desk.library, cut, "fcpxml")
    root = ElementTree.fromstring(text.encode(), forbid_dtd=False)
    cuts, _ = timelines.cut_list(desk.library, cut)
    assert root.get("version") == "1.9"
    sequence = root.find(".//sequence")
    assert _time(sequence.get("duration")) * cuts.rate == cuts.frames
    assets = {asset.get("id"): asset for asset in root.iter("asset")}
    formats = {form.get("id"): form for form in root.iter("format")}
    assert _time(formats[sequence.get("format")].get("frameDuration")) == 1 / cuts.rate
    clips = root.findall(".//spine/asset-clip")
    at = _time(sequence.get("tcStart"))
    for clip, event in zip(clips, cuts.events, strict=True):
        assert _time(clip.get("offset")) == at
        at += _time(clip.get("duration"))
        asset = assets[clip.get("ref")]
        assert unquote(urlparse(asset.find("media-rep").get("src")).path) == event.media.path
        assert _time(clip.get("start")) == Fraction(event.media.start + event.first) / event.media.rate
        assert (asset.get("hasAudio") == "1") == (event.media.channels > 0)
    fades = root.findall(".//spine/transition")
    assert [_time(fade.get("duration")) * cuts.rate for fade in fades] == [10, 10]
    effects = {effect.get("id") for effect in root.iter("effect")}
    assert {fade.find("filter-video").get("ref") for fade in fades} <= effects


def test_fcpxml_holds_only_what_xml_can():
    assert fcpxml._clean("a\x1b\ufffe\uffff\udcffé\n&") == "a????é?&"


def _time(text: str) -> Fraction:
    assert text.endswith("s")
    return Fraction(text[:-1])


def test_drop_frame_is_kept_in_all_of_them(desk, clip):
    source = clip("n.mov", rate="30000/1001", seconds="2", more=("-timecode", "01:00:59;20"))
    desk.add(source, "n.mov")
    desk.recipe("film", timecode="01:00:00;00", preset="archive")
    edl, _ = timelines.text(desk.library, "film", "edl")
    assert "FCM: DROP FRAME" in edl
    assert "01:00:59;20 01:01:01;22 01:00:00;00 01:00:02;00" in edl
    fcpxml, _ = timelines.text(desk.library, "film", "fcpxml")
    assert 'frameDuration="1001/30000s"' in fcpxml
    assert 'tcFormat="DF"' in fcpxml


def test_a_title_card_is_an_empty_stretch(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("film", title="Day 1", transition="crossfade", transition_ms=400, preset="archive")
    cuts, _ = timelines.cut_list(desk.library, "film")
    assert [event.media is None for event in cuts.events] == [True, False]
    assert cuts.frames == 75 + 25 - 10
    assert "001  BL " in timelines.text(desk.library, "film", "edl")[0]
    assert "<gap " in timelines.text(desk.library, "film", "fcpxml")[0]


def test_clips_that_are_away_are_in_it(desk, cut):
    before, _ = timelines.cut_list(desk.library, cut)
    desk.library.db().execute("UPDATE volumes SET state = 'offline'")
    after, problems = timelines.cut_list(desk.library, cut)
    assert problems == []
    assert after == before


def test_it_is_written_whole_and_never_over_another(desk, cut, tmp_path):
    target = tmp_path / "cut.edl"
    said = timelines.write(desk.library, cut, str(target))
    assert target.read_bytes().startswith(b"TITLE: cut\r\n")
    assert "3 events" in said[0]
    assert any("M2" in sentence for sentence in said)
    with pytest.raises(Refused, match="exists already"):
        timelines.write(desk.library, cut, str(target))
    with pytest.raises(WrongUse, match=r"\.otio"):
        timelines.write(desk.library, cut, str(tmp_path / "cut.txt"))
    with pytest.raises(Refused, match="cannot be written"):
        timelines.write(desk.library, cut, str(tmp_path / "no" / "cut.otio"))
    with pytest.raises(NotFound):
        timelines.write(desk.library, "nowhere", str(tmp_path / "x.otio"))
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["cut.edl"]


def test_a_recipe_without_pictures_has_no_timeline(desk, clip):
    desk.recipe("film", preset="audio-wav")
    with pytest.raises(Refused):
        timelines.text(desk.library, "film", "edl")
    desk.add(clip("a.mov"), "a.mov")
    with pytest.raises(Refused, match="sound alone"):
        timelines.text(desk.library, "film", "edl")


def _by_otio(desk, rate: Fraction) -> list[tuple[str, int]]:
    """Name and frame since midnight of what every frame of the film shows, as OpenTimelineIO reads it."""
    otio = pytest.importorskip("opentimelineio", reason="the reader of OpenTimelineIO is not installed")
    timeline = otio.adapters.read_from_string(timelines.text(desk.library, "film", "otio")[0], "otio_json")
    shown = []
    for clip in timeline.tracks[0].find_clips():
        begin, length = clip.source_range.start_time, clip.source_range.duration
        assert (Fraction(begin.rate).limit_denominator(1001), begin.value) == (rate, int(begin.value))
        shown += [(clip.name, int(begin.value) + number) for number in range(int(length.value))]
    return shown


def _by_edl(desk, rate: Fraction) -> list[tuple[str, int]]:
    lines = timelines.text(desk.library, "film", "edl")[0].splitlines()
    shown, name = [], ""
    for number, line in enumerate(lines):
        event = _EVENT.match(line)
        if event is None:
            continue
        name = next(found for found in lines[number:] if "FROM CLIP NAME: " in found).partition("NAME: ")[2]
        begin, end, at, until = (timecode.frames(text, rate) for text in event.groups()[5:])
        assert end - begin == until - at
        assert at == timecode.frames("01:00:00:00", rate) + len(shown)
        shown += [(name.strip(), frame) for frame in range(begin, end)]
    return shown


def _by_fcpxml(desk, rate: Fraction) -> list[tuple[str, int]]:
    root = ElementTree.fromstring(
        timelines.text(desk.library, "film", "fcpxml")[0].encode(), forbid_dtd=False
    )
    shown = []
    for clip in root.findall(".//spine/asset-clip"):
        begin, length = (_time(clip.get(key)) * rate for key in ("start", "duration"))
        assert (begin.denominator, length.denominator) == (1, 1)
        shown += [(clip.get("name"), int(begin) + number) for number in range(int(length))]
    return shown


@pytest.mark.parametrize(
    ("rate", "first", "second"),
    [
        ("24000/1001", "10:00:59:20", "23:10:00:00"),
        ("25", "10:00:59:20", "23:10:00:00"),
        ("30000/1001", "10:00:59;20", "23:09:59;20"),
        ("50", "10:00:59:40", "23:10:00:00"),
    ],
)
def test_every_frame_is_the_one_that_is_rendered_in_all_three_forms(desk, clip, rate, first, second):
    """Frame by frame, over minutes that drop numbers: what an editor conforms is what the film shows."""
    fps, expected, items = Fraction(rate), [], []
    for title, start in (("a.mov", first), ("b.mov", second)):
        desk.add(clip(title, rate=rate, seconds="2", more=("-timecode", start)), title)
    for title, start, begin, end in (
        ("a.mov", first, 7, 31),
        ("b.mov", second, 0, 24),
        ("a.mov", first, 40, 48),
    ):
        items.append({"clip_id": desk.clips[title], "in_frame": begin, "out_frame": end})
        at = timecode.frames(start, fps)
        expected += [(title, at + number) for number in range(begin, end)]
    desk.recipe("film", mode="list", items=items, preset="archive", fps=rate, timecode="01:00:00:00")
    assert _by_otio(desk, fps) == expected
    assert _by_edl(desk, fps) == expected
    assert _by_fcpxml(desk, fps) == expected
    run = desk.run(desk.queue("film"))
    (entry,) = ledger.load_plan(desk.library.db(), run.run_id)
    rendered = [
        (entry.plan.sources[piece.parts[0].source].title, piece.parts[0].start + number)
        for part in entry.plan.segments
        for piece in part.pieces
        for number in range(piece.frames)
    ]
    starts = {"a.mov": timecode.frames(first, fps), "b.mov": timecode.frames(second, fps)}
    assert [(title, starts[title] + frame) for title, frame in rendered] == expected
    assert len(desk.frames(run.output_path)) == len(expected)


@pytest.mark.parametrize("dissolves", [False, True])
@pytest.mark.parametrize(
    ("rate", "first", "second"),
    [
        ("24000/1001", "10:00:59:20", "23:10:00:00"),
        ("30000/1001", "10:00:59;20", "23:09:59;20"),
        ("50", "10:00:59:40", "23:10:00:00"),
    ],
)
def test_another_reader_of_edit_decision_lists_finds_every_frame(desk, clip, rate, first, second, dissolves):
    """The reader that OpenTimelineIO's own project keeps: long reels, awkward names, dropped numbers."""
    otio = pytest.importorskip("opentimelineio", reason="the reader of OpenTimelineIO is not installed")
    pytest.importorskip("otio_cmx3600_adapter", reason="OpenTimelineIO's reader of EDLs is not installed")
    fps, items = Fraction(rate), []
    names = ("A001C001_251120_R1AB.mov", "B <2> & \"three\" 'é' 50%.mov")
    for title, start, reel in zip(names, (first, second), ("CARDREADER_A", "CARDREADER_B"), strict=True):
        clip_id = desk.add(
            clip(start[-2:] + ".mov", rate=rate, seconds="2", more=("-timecode", start)), title
        )
        desk.library.db().execute("UPDATE clips SET reel = ? WHERE clip_id = ?", (reel, clip_id))
    for title, begin, end in ((names[0], 7, 31), (names[1], 5, 29), (names[0], 32, 44)):
        items.append({"clip_id": desk.clips[title], "in_frame": begin, "out_frame": end})
    fade = {"transition": "crossfade", "transition_ms": 160} if dissolves else {}
    clock = "01:00:00;00" if ";" in first else "01:00:00:00"
    desk.recipe("film", mode="list", items=items, preset="archive", fps=rate, timecode=clock, **fade)
    cuts, _ = timelines.cut_list(desk.library, "film")
    text, _ = timelines.text(desk.library, "film", "edl")
    timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=float(fps))
    clips = list(timeline.video_tracks()[0].find_clips())
    assert timeline.duration().value == cuts.frames
    assert [found.name for found in clips] == [
        event.name.encode("ascii", "backslashreplace").decode() for event in cuts.events
    ]
    # It counts a dissolve to the clip that comes: each begins where its dissolve begins.
    assert [found.source_range.start_time.value for found in clips] == [
        event.media.start + event.first - event.fade_before for event in cuts.events
    ]
    reels = [found.metadata["cmx_3600"]["reel"] for found in clips]
    assert reels == ["CARDREAD", "CARDREA1", "CARDREAD"]
    fades = [item.out_offset.value for item in timeline.video_tracks()[0] if hasattr(item, "out_offset")]
    assert fades == [event.fade for event in cuts.events if event.fade]


@pytest.mark.parametrize("dissolves", [False, True])
@pytest.mark.parametrize(
    ("rate", "first", "second"),
    [
        ("24", "10:00:59:20", "23:10:00:00"),
        ("25", "10:00:59:20", "23:10:00:00"),
        ("50", "10:00:59:40", "23:10:00:00"),
    ],
)
def test_another_reader_of_fcpxml_finds_every_frame(desk, clip, rate, first, second, dissolves):
    """The reader of OpenTimelineIO's project, as far as it goes.

    It knows no transitions, nor rates that are no whole numbers, and cuts times off where it
    cannot count them: up to a frame early. Those are looked at above, in the text itself.
    """
    otio = pytest.importorskip("opentimelineio", reason="the reader of OpenTimelineIO is not installed")
    pytest.importorskip("otio_fcpx_xml_adapter", reason="OpenTimelineIO's reader of FCPXML is not installed")
    fps, items = Fraction(rate), []
    names = ("A001C001.mov", "B <2> & \"three\" 'é' 50%.mov")
    for title, start in zip(names, (first, second), strict=True):
        desk.add(clip(start[-2:] + ".mov", rate=rate, seconds="2", more=("-timecode", start)), title)
    for title, begin, end in ((names[0], 7, 31), (names[1], 5, 29), (names[0], 32, 44)):
        items.append({"clip_id": desk.clips[title], "in_frame": begin, "out_frame": end})
    fade = {"transition": "crossfade", "transition_ms": 160} if dissolves else {}
    desk.recipe("film", mode="list", items=items, preset="archive", fps=rate, **fade)
    cuts, _ = timelines.cut_list(desk.library, "film")
    text, _ = timelines.text(desk.library, "film", "fcpxml")
    (timeline,) = otio.adapters.read_from_string(text, "fcpx_xml")
    (track,) = timeline.tracks
    clips = list(track.find_clips())
    assert [found.name for found in clips] == [event.name for event in cuts.events]
    for found, event in zip(clips, cuts.events, strict=True):
        begin = event.media.start + event.first
        assert found.source_range.start_time.value in (begin, begin - 1)
        assert found.source_range.duration.rate == fps
    assert sum(found.source_range.duration.value for found in clips) == cuts.frames
