"""Presets: the system ones are always there, the others are checked when they are made."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from engine.errors import NotFound, Refused, WrongUse
from engine.export.recipes import codecs, presets
from engine.export.recipes.body import checked, fps_text
from engine.export.recipes.system_presets import SYSTEM
from engine.export.runs.orders import resolved
from engine.media.tools import find_tools
from engine.storage.config import open_config

OWN = {
    "video": {"codec": "libx264", "crf": 18},
    "audio": {"codec": "aac", "bitrate": "192k"},
    "container": "mov",
}


@pytest.fixture
def config():
    db = open_config()
    yield db
    db.close()


def test_the_four_of_the_contract_are_exact(config):
    share, archive, web, master = (
        presets.get(config, name) for name in ("share", "archive", "web", "master")
    )
    assert presets.arguments(share) == [
        "-c:v",
        "libx264",
        "-crf",
        "20",
        "-preset",
        "medium",
        "-profile:v",
        "high",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "50",
        "-threads",
        "4",
        "-c:a",
        "aac",
        "-b:a",
        "160k",
        "-f",
        "mp4",
        "-tag:v",
        "avc1",
        "-movflags",
        "+faststart",
    ]
    assert presets.arguments(archive) == [
        "-c:v",
        "prores_ks",
        "-profile:v",
        "3",
        "-pix_fmt",
        "yuv422p10le",
        "-vendor",
        "apl0",
        "-c:a",
        "pcm_s16le",
        "-f",
        "mov",
    ]
    assert web.body["fit"] == 1280
    assert (master.body["video"]["profile"], master.body["video"]["pix_fmt"]) == ("4", "yuv444p10le")
    assert master.body["audio"]["codec"] == "pcm_s24le"


def test_system_presets_come_first_and_never_change(config):
    presets.create(config, "A mine", OWN)
    listed = presets.list_presets(config)
    assert [preset.name for preset in listed[:4]] == ["share", "archive", "web", "master"]
    assert listed[-1].name == "A mine"
    with pytest.raises(Refused, match="system"):
        presets.delete(config, "share")
    with pytest.raises(Refused, match="already"):
        presets.create(config, "SHARE", OWN)


@pytest.mark.parametrize("name", SYSTEM)
def test_every_system_preset_passes_its_own_check(name):
    body = SYSTEM[name].body
    assert checked(body) == body


def test_what_is_made_is_found_shown_and_deleted(config):
    made = presets.create(config, "Mine", OWN, "For the family")
    assert presets.get(config, "mine") == made
    assert made.to_json()["video"]["crf"] == 18
    presets.delete(config, "MINE")
    with pytest.raises(NotFound, match="share"):
        presets.get(config, "Mine")


def test_a_preset_travels_as_a_file(config):
    made = presets.create(config, "Mine", {**OWN, "fit": 720, "fps": "29.97"})
    text = presets.export_text(made)
    presets.delete(config, "Mine")
    assert presets.import_text(config, text) == made
    other = presets.import_text(config, presets.export_text(presets.get(config, "archive")), "my archive")
    assert (other.is_system, other.body) == (False, SYSTEM["archive"].body)


@pytest.mark.parametrize(
    "text", ["no json", "[]", '{"name": "x"}', '{"schema": 99, "name": "x", "video": null}']
)
def test_what_is_no_preset_file_is_refused(config, text):
    with pytest.raises(WrongUse):
        presets.import_text(config, text)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({**OWN, "video": {"codec": "libdivx"}}, "libdivx"),
        ({**OWN, "audio": {"codec": "wma"}}, "wma"),
        ({**OWN, "container": "rm"}, "rm"),
        ({**OWN, "colour": "red"}, "colour"),
        ({**OWN, "video": {"codec": "libx264", "speed": 3}}, "speed"),
        ({**OWN, "video": {"codec": "libx264", "crf": 52}}, "crf"),
        ({**OWN, "video": {"codec": "libx264", "crf": True}}, "crf"),
        ({**OWN, "video": {"codec": "libx264", "crf": 20, "bitrate": "8M"}}, "not both"),
        ({**OWN, "video": {"codec": "libx264", "bitrate": "fast"}}, "fast"),
        ({**OWN, "video": {"codec": "libx264", "preset": "warp"}}, "warp"),
        ({**OWN, "video": {"codec": "libx264", "profile": "high", "pix_fmt": "yuv422p"}}, "yuv422p"),
        ({**OWN, "video": {"codec": "libx264", "level": "high"}}, "level"),
        ({**OWN, "video": {"codec": "libx264", "tune": "piano"}}, "tune"),
        ({**OWN, "video": {"codec": "prores_ks", "crf": 20}}, "crf"),
        ({**OWN, "video": {"codec": "prores_ks", "profile": "9"}}, "profile"),
        ({**OWN, "video": {"codec": "prores_ks", "profile": "3"}, "container": "mp4"}, "mp4"),
        ({**OWN, "audio": {"codec": "pcm_s16le"}, "container": "mp4"}, "pcm_s16le"),
        ({**OWN, "audio": {"codec": "pcm_s16le", "bitrate": "160k"}}, "bitrate"),
        ({**OWN, "audio": {"codec": "aac", "channels": 3}}, "channels"),
        ({**OWN, "audio": {"codec": "aac", "sample_rate": 8000}}, "8000"),
        ({**OWN, "scale": "huge"}, "huge"),
        ({**OWN, "scale": "-2:-2"}, "size"),
        ({**OWN, "fps": "0"}, "frame rate"),
        ({**OWN, "fps": "1/0"}, "1/0"),
        ({**OWN, "fit": 5}, "fit"),
        ({"container": "mp4"}, "needs"),
        ({"video": [], "container": "mp4"}, "object"),
        ({"audio": {"codec": "opus"}, "container": "webm"}, "without a picture"),
    ],
)
def test_what_does_not_fit_is_named(config, body, named):
    with pytest.raises(WrongUse, match=named):
        presets.create(config, "bad", body)
    assert len(presets.list_presets(config)) == len(SYSTEM)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "line\nbreak", "\x1b[2J"])
def test_names_are_for_people(config, name):
    with pytest.raises(WrongUse, match="name"):
        presets.create(config, name, OWN)


def test_rates_that_people_round_become_exact():
    assert fps_text("29.97") == "30000/1001"
    assert fps_text(23.976) == "24000/1001"
    assert fps_text(25) == "25"
    assert fps_text("25.5") == "51/2"


def test_nothing_that_was_not_asked_for_is_passed():
    words = codecs.video_arguments({"codec": "libx264"}, Fraction(25))
    assert words == [
        "-c:v",
        "libx264",
        "-preset",
        "medium",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "50",
        "-threads",
        "4",
    ]
    assert codecs.audio_arguments({"codec": "aac"}) == ["-c:a", "aac"]


def test_an_encoder_that_this_ffmpeg_lacks_is_refused_by_name(config, monkeypatch):
    tools = find_tools()
    monkeypatch.setattr("engine.export.runs.orders.has_encoder", lambda _tools, name: name == "libaom-av1")
    body, problems = resolved(tools, presets.get(config, "av1"))
    assert body["video"]["encoder"] == "libaom-av1"
    args = codecs.video_arguments(body["video"], Fraction(25))
    # Rows in several threads give films that do not decode, see tests/long/av1.py.
    assert args[-4:] == ["-threads", "1", "-row-mt", "0"]
    assert len(problems) == 1
    assert "aac" in problems[0]
    _, problems = resolved(tools, presets.get(config, "archive"))
    assert any("prores_ks" in problem for problem in problems)


def test_bodies_are_plain_json():
    for preset in SYSTEM.values():
        assert json.loads(json.dumps(preset.body)) == preset.body


def test_a_preset_of_ones_own_is_changed_in_place_and_keeps_its_rules(config):
    presets.create(config, "mine", {"video": {"codec": "libx264", "crf": 20}, "container": "mp4"})
    presets.create(config, "other", {"video": {"codec": "libx264", "crf": 20}, "container": "mp4"})
    body = {"video": {"codec": "libx264", "crf": 30}, "container": "mkv"}
    assert presets.edit(config, "MINE", body, "smaller", new_name="Mine").body["video"]["crf"] == 30
    assert [p.name for p in presets.list_presets(config) if not p.is_system] == ["Mine", "other"]
    with pytest.raises(Refused, match="already"):
        presets.edit(config, "mine", body, "", new_name="OTHER")
    with pytest.raises(Refused, match="already"):
        presets.edit(config, "mine", body, "", new_name="Share")
    with pytest.raises(Refused, match="system preset"):
        presets.edit(config, "share", body, "")
    with pytest.raises(WrongUse, match="crf"):
        presets.edit(config, "mine", {**body, "video": {"codec": "libx264", "crf": 99}}, "")
    assert presets.get(config, "mine").description == "smaller"
