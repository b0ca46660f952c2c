"""Forms: a sentence for every field that is wrong, points in clips, answers as they are typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.api import compose_form, forms, points, preset_fields, preset_form, recipe_fields, recipe_form
from engine.errors import WrongUse
from engine.export.recipes import body, presets
from engine.export.recipes import spec as rules
from engine.library import Library
from engine.storage.config import open_config

FIELDS = {field.key: field for field in recipe_fields.fields()}


def found(values: dict[str, Any]) -> dict[str, str]:
    return forms.problems(values, (), lambda part: rules.checked(forms.nested(part)), recipe_form.BESIDE)


def test_every_wrong_field_has_its_own_sentence() -> None:
    values = {
        "mode": "all",
        "filter.since": "soon",
        "width": 64,
        "loudness": -3,
        "template": "{nope}",
        "fps": "fast",
        "preset": "share",
    }
    said = found(values)
    assert set(said) == {"filter.since", "width", "loudness", "template", "fps"}
    assert "no date" in said["filter.since"]
    assert "together" in said["width"]
    assert "LUFS" in said["loudness"]


def test_answers_that_do_not_go_together_are_laid_at_one_of_them() -> None:
    said = found({"mode": "all", "layout": "per-clip", "transition": "crossfade"})
    assert list(said) == ["transition"]
    assert "no transitions" in said["transition"]
    assert list(found({"mode": "list"})) == ["mode"]
    assert found({"mode": "all", "layout": "joined"}) == {}


def test_every_field_of_a_recipe_is_in_its_form() -> None:
    keys = {key.split(".")[0] for key in FIELDS}
    assert keys - {"name"} == set(rules.DEFAULTS) - {"schema"}
    filters = {key.partition(".")[2] for key in FIELDS if key.startswith("filter.")}
    assert filters | {"card", "batch"} == set(rules.FILTER_FIELDS)


def test_what_is_not_asked_is_not_stored() -> None:
    values = {
        "name": "x",
        "layout": "per-clip",
        "transition": "crossfade",
        "transition_ms": 400,
        "title.text": "t",
    }
    assert recipe_form.spec_of(values) == {"layout": "per-clip"}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("filter.tags", "a, b c ,", ["a", "b c"]),
        ("loudness", "-23", -23),
        ("loudness", "-23.5", -23.5),
        ("loudness", "loud", "loud"),
        ("single", "yes", True),
        ("single", "off", False),
        ("mode", "list", "list"),
        ("template", "  {clip} ", "{clip}"),
        ("template", "  ", None),
    ],
)
def test_what_is_typed_becomes_an_answer(key: str, text: str, value: Any) -> None:
    assert forms.value_of(FIELDS[key], text) == value


@pytest.mark.parametrize(
    ("text", "fps", "frame"),
    [
        ("", 25.0, None),
        ("250", None, 250),
        ("10.5s", 24.0, 252),
        ("00:00:10:12", 25.0, 262),
        ("1:02:03", 25.0, 1553),
        ("2:03", 25.0, 53),
        ("00:00:01:00", 29.97, 30),
    ],
)
def test_points_in_a_clip(text: str, fps: float | None, frame: int | None) -> None:
    assert points.frame_of(text, fps) == frame
    if frame is not None and fps:
        assert points.frame_of(points.spoken(frame, fps), fps) == frame


@pytest.mark.parametrize(
    ("begin", "end", "fps", "frames", "why"),
    [
        ("50", "50", 25.0, 100, "after the in point"),
        ("", "101", 25.0, 100, "after the end"),
        ("100", "", 25.0, 100, "after the end"),
        ("1s", "", None, None, "not known"),
        ("soon", "", 25.0, 100, "no point"),
        ("00:00:01:25", "", 25.0, 100, "more frames"),
    ],
)
def test_points_that_fit_nothing(
    begin: str, end: str, fps: float | None, frames: int | None, why: str
) -> None:
    with pytest.raises(WrongUse, match=why):
        points.range_of(begin, end, fps, frames)
    assert points.range_of("0", "100", 25.0, 100) == (None, 100)


def test_a_preset_says_which_field_is_wrong() -> None:
    values = {**preset_form.values_of(None), "name": "mine", "video.crf": 99, "scale": "big"}
    assert set(preset_form.check(values, None).problems) == {"video.crf", "scale"}
    good = preset_form.check({**preset_form.values_of(None), "name": "mine"}, None)
    assert not good.problems
    assert "libx264" in good.command
    assert set(preset_form.check({**preset_form.values_of(None), "name": "share"}, None).problems) == {"name"}


@pytest.mark.parametrize(
    ("answers", "key", "sentence"),
    [
        ({"title.text": "T", "title.seconds": 61}, "title.seconds", "seconds of title"),
        ({"title.text": "T" * 401, "title.seconds": 3}, "title.text", "text of title"),
        ({"width": 641, "height": 360}, "width", "even number"),
        ({"width": 640, "height": 361}, "height", "even number"),
        ({"verify": "quality", "quality_metric": "psnr", "quality_min": 101}, "quality_min", "0 to 100"),
        ({"verify": "quality", "quality_min": 2}, "quality_min", "0 to 1"),
        ({"verify": "quality", "quality_metric": "taste"}, "quality_metric", "vmaf, ssim, psnr"),
        ({"deliver": "copy", "deliver_to": "here"}, "deliver_to", "absolute path"),
        ({"fps": "25", "timecode": "01:00:00:25"}, "timecode", "00 to 24"),
        ({"mode": "list", "items": [{"clip_id": "x", "in_frame": 5, "out_frame": 5}]}, "items", "after"),
        ({"single": "nonsense"}, "single", "yes or no"),
        ({"overwrite": 1}, "overwrite", "yes or no"),
        ({"filter.favourite": "often"}, "filter.favourite", "yes or no"),
        ({"fps": "\u0663"}, "fps", "no frame rate"),
    ],
)
def test_a_wrong_answer_is_told_below_its_own_field_and_nowhere_else(
    answers: dict[str, Any], key: str, sentence: str
) -> None:
    said = found({"mode": "all", "layout": "joined", **answers})
    assert set(said) == {key}
    assert sentence in said[key]


def test_what_goes_together_is_not_blamed_for_something_else_that_is_wrong() -> None:
    well = {"deliver": "copy", "deliver_to": "/tmp", "width": 640, "height": 360, "mode": "list"}
    well |= {"items": [{"clip_id": "x"}], "title.text": "T", "title.seconds": 3, "fps": "25"}
    well |= {"verify": "quality", "quality_metric": "psnr", "quality_min": 40, "timecode": "01:00:00:24"}
    assert found(well) == {}
    assert set(found({**well, "loudness": -3})) == {"loudness"}
    assert set(found({**well, "loudness": -3, "timecode": "01:00:00:25"})) == {"loudness", "timecode"}


def test_what_this_machine_cannot_do_is_told_below_the_encoder_that_was_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preset_form, "unable", lambda preset: [f"No {preset.name}."])
    base = {**preset_form.values_of(None), "name": "mine"}
    assert preset_form.check(base, None).problems == {"video.codec": "No mine."}
    chosen = {**base, "video.encoder": "h264_vaapi"}
    assert preset_form.check(chosen, None).problems == {"video.encoder": "No mine."}
    sound = {**base, "video.codec": "none", "container": "m4a"}
    assert preset_form.check(sound, None).problems == {"audio.codec": "No mine."}


@pytest.mark.parametrize(
    ("answers", "key", "sentence"),
    [
        ({"video.level": "9.9"}, "video.level", "no level 9.9"),
        ({"video.level": "0"}, "video.level", "6.2"),
        ({"scale": "1921:1081"}, "scale", "even number"),
        ({"scale": "99998:99998"}, "scale", "16 to 16384"),
        ({"scale": "14:14"}, "scale", "16 to 16384"),
        ({"video.crf": None, "video.bitrate": "1"}, "video.bitrate", "10k to 2000M"),
        ({"video.crf": None, "video.bitrate": "2001M"}, "video.bitrate", "10k to 2000M"),
        ({"audio.bitrate": "1025k"}, "audio.bitrate", "8k to 1024k"),
        ({"audio.bitrate": "7999"}, "audio.bitrate", "8k to 1024k"),
        ({"filters": "unsharp,"}, "filters", "two commas"),
        ({"faststart": "often"}, "faststart", "yes or no"),
        ({"video.codec": "av1", "video.crf": 30, "video.preset": "9"}, "video.preset", "0 to 8"),
        ({"video.encoder": "h264_none"}, "video.encoder", "h264_nvenc"),
    ],
)
def test_what_no_encoder_takes_is_told_below_its_field(
    answers: dict[str, Any], key: str, sentence: str
) -> None:
    values = {**preset_form.values_of(None), "name": "mine", **answers}
    said = preset_form.check(
        {key: value for key, value in values.items() if value is not None}, None
    ).problems
    assert set(said) == {key}
    assert sentence in said[key]


@pytest.mark.parametrize(
    "answers",
    [
        {"video.level": "4.0"},
        {"video.level": "6.2"},
        {"scale": "16:-2"},
        {"scale": "-2:16384"},
        {"video.crf": None, "video.bitrate": "10k"},
        {"video.crf": None, "video.bitrate": "2000M"},
        {"audio.bitrate": "8k"},
        {"audio.bitrate": "1.024M"},
        {"video.codec": "av1", "video.encoder": "libaom-av1", "video.preset": "8", "video.crf": 30},
    ],
)
def test_what_lies_just_inside_the_limits_is_taken(answers: dict[str, Any]) -> None:
    values = {**preset_form.values_of(None), **answers}
    body.checked(preset_form.body_of({key: value for key, value in values.items() if value is not None}))


def test_a_graphics_cards_encoder_outlives_an_edit_and_is_told_below_its_own_field() -> None:
    values = preset_form.values_of("h264-nvenc")
    assert preset_form.body_of(values)["video"]["encoder"] == "h264_nvenc"
    assert "video.encoder" in {field.key for field in preset_fields.fields(values) if field.is_asked(values)}


def test_the_command_of_a_preset_holds_its_filters_and_sizes() -> None:
    values = {**preset_form.values_of(None), "name": "mine", "filters": "unsharp=5:5:0.5", "scale": "1/2"}
    command = preset_form.check(values, None).command
    assert command[command.index("-vf") + 1] == "scale=trunc(iw/4)*2:trunc(ih/4)*2,unsharp=5:5:0.5"


def test_choices_that_need_one_more_answer_ask_for_it_where_it_is_given(library: Library) -> None:
    base = {**recipe_form.values_of(library, None), "name": "x"}
    for key, choice, empty in (("mode", "list", "items"), ("deliver", "copy", "deliver_to")):
        said = recipe_form.check(library, {**base, key: choice}, None).problems
        assert set(said) == {empty}
        assert "given together" not in said[empty]
        assert set(recipe_form.check(library, {**base, key: "no such"}, None).problems) == {key}


def test_the_world_is_asked_while_one_types(library: Library, tmp_path: Path) -> None:
    table = tmp_path / "look.cube"
    table.write_text("nonsense")
    base = {**recipe_form.values_of(library, None), "name": "x", "mode": "filter"}
    for answers, key, sentence in (
        ({"filter.volume": "nowhere"}, "filter.volume", "no volume nowhere"),
        ({"lut": str(table)}, "lut", "no line LUT_3D_SIZE"),
        ({"deliver": "move", "deliver_to": str(table)}, "deliver_to", "is not a folder"),
        ({"destination": "/nowhere/at/all"}, "destination", "does not exist"),
    ):
        said = recipe_form.check(library, {**base, **answers}, None).problems
        assert set(said) == {key}, said
        assert sentence in said[key]


def test_what_is_wrong_with_a_part_stands_at_its_field() -> None:
    config = open_config()
    presets.create_part(config, "scaling", "small", {"fit": 320})
    presets.create(config, "house", {"video": {"codec": "libx264"}})
    config.close()

    def wrong(was: str | None = None, **values: object) -> dict[str, str]:
        return dict(compose_form.check_part({"name": "mine", "concern": "scaling", **values}, was).problems)

    assert wrong(fit=320) == {}
    assert list(wrong(fit=320, fps="abc")) == ["fps"]
    assert sorted(wrong(fit=3, fps="abc")) == ["fit", "fps"]
    assert list(wrong(concern="taste")) == ["concern"]
    assert "A part's name" in wrong(name="")["name"]
    assert "There is a part Small already" in wrong(name="Small")["name"]
    assert "There is a part half already" in wrong(name="half")["name"]
    assert "There is a preset house already" in wrong(name="house")["name"]
    assert wrong("small", name="SMALL") == {}
    assert preset_form.name_problem("small", None) == (
        "There is a part small already. Choose another name, or delete it first."
    )
