"""Forms: a sentence for every field that is wrong, points in clips, answers as they are typed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.api import forms, points, preset_form, recipe_fields, recipe_form
from engine.errors import WrongUse
from engine.export.recipes import spec as rules

FIELDS = {field.key: field for field in recipe_fields.fields()}
FRAME = ("mode", "items", "width", "height")


def found(values: dict[str, Any]) -> dict[str, str]:
    return forms.problems(values, FRAME, lambda part: rules.checked(forms.nested(part)))


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
    assert good.is_fine
    assert "libx264" in good.command
    assert set(preset_form.check({**preset_form.values_of(None), "name": "share"}, None).problems) == {"name"}
