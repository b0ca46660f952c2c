"""What this ffmpeg can do is found out before anything is queued, and said in sentences."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from engine.errors import Refused, WrongUse
from engine.export.planning import ability
from engine.export.recipes import presets
from engine.export.recipes.body import checked
from engine.export.recipes.system_presets import SYSTEM
from engine.export.runs.orders import resolved
from engine.media.probe import probe
from engine.storage.config import open_config

HD = ((1920, 1080), Fraction(25))


@pytest.fixture
def config():
    db = open_config()
    yield db
    db.close()


@pytest.mark.parametrize("name", SYSTEM)
def test_every_system_preset_really_encodes_here(tools, name):
    body, problems = resolved(tools, SYSTEM[name])
    assert problems == []
    assert body["video"] is None or ability.fitting_problem(body, *HD) is None


@pytest.mark.parametrize(
    ("level", "size", "rate", "named"),
    [
        ("3.1", (1920, 1080), "25", "level 4"),
        ("3.1", (1280, 720), "60", "level 3.2"),
        ("4.1", (3840, 2160), "25", "level 5.1"),
        ("4", (1920, 1080), "60", "level 4.2"),
        ("6.2", (16384, 16384), "60", "no level"),
    ],
)
def test_a_level_that_is_too_low_is_told_with_the_one_it_takes(level, size, rate, named):
    body = checked({"video": {"codec": "libx264", "level": level}})
    assert named in (ability.fitting_problem(body, size, Fraction(rate)) or "")


@pytest.mark.parametrize(
    ("level", "size", "rate"),
    [("3.1", (1280, 720), "30"), ("4.1", (1920, 1080), "30"), ("5.1", (3840, 2160), "25")],
)
def test_a_level_that_fits_is_no_problem(level, size, rate):
    for codec in ("libx264", "libx265"):
        body = checked({"video": {"codec": codec, "level": level}})
        assert ability.fitting_problem(body, size, Fraction(rate)) is None


def test_dnxhd_knows_its_sizes_and_rates_alone():
    body = SYSTEM["dnxhd-sq"].body
    assert ability.fitting_problem(body, *HD) is None
    assert "DNxHR" in (ability.fitting_problem(body, (1998, 1080), Fraction(24)) or "")
    assert "DNxHR" in (ability.fitting_problem(body, (1920, 1080), Fraction(30)) or "")


def test_what_only_the_encoder_knows_is_found_by_trying(tools):
    body, _ = resolved(tools, SYSTEM["share"])
    body["filters"] = "eq=contrast=lots"
    (sentence,) = ability.problems(tools, "mine", body)
    assert "Preset mine does not work with this ffmpeg" in sentence
    assert "0x" not in sentence


def test_a_level_too_low_for_the_clips_is_refused_before_queueing(desk, clip, config):
    body = {"video": {"codec": "libx264", "level": "1"}, "audio": {"codec": "aac"}, "scale": "1280:720"}
    presets.create(config, "low", body)
    clip_id = desk.add(clip("a.mov"), "a.mov")
    desk.library.db().execute(
        "UPDATE assets SET media = ? WHERE asset_id = (SELECT asset_id FROM clips WHERE clip_id = ?)",
        (_media(desk), clip_id),
    )
    desk.recipe("film", preset="low")
    with pytest.raises(Refused, match="Level 1 is too low for 1280x720"):
        desk.queue("film")
    assert desk.one("SELECT count(*) FROM jobs") == 0


def _media(desk) -> str:
    return json.dumps(probe(desk.tools, desk.path("a.mov")).to_json())


def test_cards_are_tried_and_the_others_explained(tools):
    found = ability.cards(tools)
    assert len(found) == len({card.encoder for card in found}) > 8
    for card in found:
        assert card.works == (card.why is None)
    assert all(card.why for card in found if not card.works)


def test_an_encoder_of_a_missing_card_is_refused_with_its_reason(desk, clip, config):
    body = {"video": {"codec": "libx264", "encoder": "h264_nvenc", "crf": 20}, "audio": {"codec": "aac"}}
    presets.create(config, "card", body)
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("film", preset="card")
    with pytest.raises(Refused, match=r"no encoder h264_nvenc.*needs: "):
        desk.queue("film")


def test_presets_for_cards_are_listed_where_they_work_alone(config, monkeypatch):
    def works(_tools, name):
        return name == "hevc_nvenc"

    monkeypatch.setattr("engine.export.recipes.presets.has_encoder", works)
    listed = [preset.name for preset in presets.list_presets(config)]
    assert [name for name in listed if name.startswith(("h264-", "hevc-", "av1-"))] == ["hevc-nvenc"]
    # The others can be named all the same: the refusal tells what is missing.
    assert presets.get(config, "h264-vaapi").body["video"]["encoder"] == "h264_vaapi"


def test_a_filter_that_this_ffmpeg_lacks_is_refused_by_what_it_is_for(desk, clip, monkeypatch):
    monkeypatch.setattr(ability, "has_filter", lambda _tools, name: name not in ("zscale", "drawtext"))
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("film", hdr="tonemap", burn_in="clip@top")
    with pytest.raises(Refused) as refused:
        desk.queue("film")
    assert "zscale, so tone mapping is not possible" in str(refused.value)
    assert "drawtext, so words in the picture" in str(refused.value)


@pytest.mark.parametrize(
    "filters",
    ["hqdn3d", "movie=/etc/passwd", "curves=psfile=/etc/x", "unsharp=5;split", "eq='1'", "lut3d=x.cube"],
)
def test_filters_that_remember_or_read_files_are_refused(filters):
    with pytest.raises(WrongUse):
        checked({"video": {"codec": "libx264"}, "filters": filters})


def test_filters_are_applied_and_divide_like_the_film(desk, clip, config):
    presets.create(config, "sharp", {**SYSTEM["archive"].body, "filters": "unsharp=5:5:1.5, hue=s=0"})
    desk.add(clip("a.mov", seconds="3"), "a.mov")
    whole, parts = desk.export(preset="sharp", single=True), desk.export(preset="sharp", segment_seconds=1)
    plain = desk.export(preset="archive")
    assert desk.frames(whole.output_path) == desk.frames(parts.output_path) != desk.frames(plain.output_path)


def test_dnxhd_tells_the_sizes_and_rates_that_it_has():
    said = ability.fitting_problem(SYSTEM["dnxhd-lb"].body, (1280, 720), Fraction(30))
    assert said is not None
    assert "there is 1920x1080 at 23.976, 24, 25, 29.97, 50, 59.94." in said
    assert "1280x720 at 23.976, 24, 25, 50, 59.94." in str(
        ability.fitting_problem(SYSTEM["dnxhd-hqx"].body, (1280, 720), Fraction(30))
    )


def test_mxf_takes_the_rates_of_television_only():
    for preset in ("xdcam-hd422", "dnxhr-hq-mxf"):
        for rate in ("10", "15", "240", "12288/1001"):
            said = ability.fitting_problem(SYSTEM[preset].body, (1920, 1080), Fraction(rate))
            assert str(said).startswith("MXF has no rate of"), rate
        for rate in ("24000/1001", "25", "30000/1001", "50", "60"):
            assert ability.fitting_problem(SYSTEM[preset].body, (1920, 1080), Fraction(rate)) is None, rate
