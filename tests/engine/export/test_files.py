"""Recipe, preset and plan files that others give us: refused in a sentence, never waited for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.api import exports, presets, recipes
from engine.api.texts import text_of
from engine.errors import NotFound, Refused, WrongUse

DOORS = {
    "recipe": lambda desk, file: recipes.import_recipe(desk.library, file),
    "preset": lambda desk, file: presets.import_preset(file),
}


@pytest.mark.parametrize("noun", DOORS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": 99, "colour_of_hat": "red"}', "A newer rushes wrote it: update this one."),
        ('{"schema": true}', "has schema True"),
        ('{"schema": "\\u001b[31m"}', r"has schema \x1b[31m"),
        ('{"schema": 1, "name": null}', "is no text"),
        ('{"schema": 1, "name": "ev\\u001b[31mil"}', "name"),
        ("[" * 200_000, "nested too deeply"),
        ("[1, 2]", "no schema version"),
        ('{"a": [1,', "is not JSON"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_a_sentence(desk, tmp_path, noun, text, said):
    file = tmp_path / "given.json"
    file.write_text(text)
    with pytest.raises(WrongUse) as caught:
        DOORS[noun](desk, str(file))
    assert said in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_one_file_is_not_taken_for_the_other(desk, tmp_path):
    desk.recipe("film")
    for noun, text in (
        ("preset", recipes.recipe_text(desk.library, "film")),
        ("recipe", presets.preset_text("share")),
    ):
        file = tmp_path / "given.json"
        file.write_text(text)
        with pytest.raises(WrongUse, match=f"no {noun} file"):
            DOORS[noun](desk, str(file))


def test_a_newer_plan_or_one_without_an_end_is_refused(tmp_path):
    file = tmp_path / "plan.json"
    for text in (json.dumps({"schema": 99}), "[" * 200_000):
        file.write_text(text)
        with pytest.raises(WrongUse, match="plan file"):
            exports.render_segment(str(file), 0, "one")


def test_only_a_file_of_text_is_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with open(tmp_path / "large", "wb") as large:
        large.truncate(1 << 40)
    for name, said in (
        ("pipe", "is no file"),
        (".", "is no file"),
        ("binary", "is no text"),
        ("large", "larger than 64 MiB"),
    ):
        with pytest.raises(Refused, match=said):
            text_of(str(tmp_path / name))
    with pytest.raises(Refused, match="is no file"):
        text_of("/dev/zero")
    for name in ("none", "a\0b"):
        with pytest.raises(NotFound):
            text_of(str(tmp_path / name))


def test_points_the_wrong_way_round_name_the_clip(desk, tmp_path):
    file = tmp_path / "given.json"
    item = {"clip_id": "c1", "in_frame": 5, "out_frame": 2}
    file.write_text(json.dumps({"schema": 1, "name": "x", "mode": "list", "items": [item]}))
    with pytest.raises(WrongUse, match="The out point 2 of clip c1 has to lie after its in point 5"):
        recipes.import_recipe(desk.library, str(file))
