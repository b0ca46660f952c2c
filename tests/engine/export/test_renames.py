"""A preset gets another name: no recipe is left with the old one, wherever its library is."""

from __future__ import annotations

import json

import pytest

from engine import library as libraries
from engine.errors import NotFound, Refused
from engine.export.recipes import presets, recipes, renames
from engine.storage.config import open_config

BODY = {"video": {"codec": "libx264", "crf": 30}, "container": "mp4"}


@pytest.fixture
def settings():
    config = open_config()
    presets.create(config, "dailies", BODY)
    yield config
    config.close()


@pytest.fixture
def elsewhere(tmp_path):
    """A second library with a recipe that names the preset."""
    root = tmp_path / "elsewhere"
    root.mkdir()
    other = libraries.create(str(root))
    recipes.create(other.db(), "there", {"preset": "Dailies"})
    yield other
    other.close()


def test_recipes_of_all_libraries_follow(desk, settings, elsewhere):
    desk.recipe("mine", preset="dailies")
    desk.recipe("share", preset="share")
    presets.edit(settings, "dailies", BODY, "", new_name="rushes for all")
    db = desk.library.db()
    assert recipes.get(db, "mine").spec["preset"] == "rushes for all"
    assert recipes.get(db, "share").spec["preset"] == "share"
    assert recipes.get(elsewhere.db(), "there").spec["preset"] == "rushes for all"
    why = desk.one("SELECT why FROM audit WHERE command = 'recipe edit' AND target = 'mine'")
    assert why == "preset dailies is called rushes for all now"
    with pytest.raises(NotFound):
        presets.get(settings, "dailies")
    assert presets.create(settings, "dailies", BODY).name == "dailies", "the old name is free"


def test_a_library_that_is_away_still_finds_it_and_nobody_takes_its_name(desk, clip, settings, elsewhere):
    root = elsewhere.root
    elsewhere.close()
    root.rename(root.with_name("unplugged"))
    presets.edit(settings, "dailies", BODY, "", new_name="small")
    presets.edit(settings, "small", BODY, "", new_name="smaller")
    with pytest.raises(Refused, match="dailies was the name of smaller"):
        presets.create(settings, "dailies", BODY)
    presets.create(settings, "other", BODY)
    with pytest.raises(Refused, match="may still name it so"):
        presets.edit(settings, "other", BODY, "", new_name="Dailies")
    root.with_name("unplugged").rename(root)
    assert json.loads(json.dumps(recipes.get(elsewhere.db(), "there").spec))["preset"] == "Dailies"
    assert presets.get(settings, "Dailies").name == "smaller"
    desk.add(clip(), "a.mov")
    run = desk.export(preset="dailies")
    assert (run.status, run.snapshot["preset"]["name"]) == ("completed", "smaller"), run.error
    back = presets.edit(settings, "smaller", BODY, "", new_name="dailies")
    assert back.name == "dailies"
    assert renames.known_as(settings, "dailies") is None
    presets.delete(settings, "dailies")
    with pytest.raises(NotFound):
        presets.get(settings, "small")


def test_a_crash_in_between_breaks_no_recipe(desk, settings, monkeypatch):
    desk.recipe("mine", preset="dailies")

    class PowerCut(BaseException):
        pass

    def cut(*_args: object) -> None:
        raise PowerCut

    monkeypatch.setattr(renames, "carry", cut)
    with pytest.raises(PowerCut):
        presets.edit(settings, "dailies", BODY, "", new_name="small")
    assert presets.get(settings, recipes.get(desk.library.db(), "mine").spec["preset"]).name == "small"


def test_another_spelling_of_the_name_changes_no_recipe(desk, settings):
    desk.recipe("mine", preset="dailies")
    presets.edit(settings, "dailies", BODY, "", new_name="Dailies")
    assert recipes.get(desk.library.db(), "mine").spec["preset"] == "dailies"
    assert renames.known_as(settings, "dailies") is None
