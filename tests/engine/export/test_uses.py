"""Who names a preset is told before it goes, in every library; what cannot be looked into is told too."""

from __future__ import annotations

import pytest

from engine import library as libraries
from engine.api import presets as api
from engine.api import recipes as recipe_verbs
from engine.api.making import Making
from engine.api.rows import Filter
from engine.errors import NotFound, Refused
from engine.export.recipes import presets, recipes
from engine.export.runs import orders
from engine.storage.config import open_config

BODY = {"video": {"codec": "libx264", "crf": 30}, "container": "mp4"}


@pytest.fixture
def preset():
    config = open_config()
    presets.create(config, "dailies", BODY)
    config.close()
    return "dailies"


@pytest.fixture
def elsewhere(tmp_path):
    root = tmp_path / "elsewhere"
    root.mkdir()
    other = libraries.create(str(root))
    recipes.create(other.db(), "there", {"preset": "Dailies"})
    recipes.create(other.db(), "others", {"preset": "share"})
    yield other
    other.close()


def test_recipes_of_all_libraries_are_named(desk, preset, elsewhere):
    desk.recipe("mine", preset="dailies")
    found = api.uses(preset)
    roots = {use["recipe"]: use["library"] for use in found["recipes"]}
    assert roots == {"mine": str(desk.library.root), "there": str(elsewhere.root)}
    assert found["unread"] == []
    sentence = api.told(found)
    assert "Recipes" in sentence
    assert f"there ({elsewhere.root})" in sentence
    assert "mine (" in sentence
    assert api.told({"recipes": [], "unread": []}) == ""


def test_a_library_that_is_away_is_told_as_such(preset, elsewhere):
    root = str(elsewhere.root)
    elsewhere.close()
    elsewhere.root.rename(elsewhere.root.with_name("unplugged"))
    found = api.uses(preset)
    assert root in found["unread"]
    assert root in api.told(found)
    assert "cannot be looked into" in api.told(found)


def test_what_cannot_go_is_refused_before_anybody_is_asked(preset):
    assert api.deletable("DAILIES") == preset
    with pytest.raises(Refused, match="system preset"):
        api.deletable("share")


def test_a_recipe_without_its_preset_says_so_in_the_list_and_before_it_is_queued(desk, preset, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.recipe("mine", preset="dailies")
    making = Making(desk.library)

    def lost() -> dict[str, bool]:
        source = making.recipes()
        return {entry.name: entry.is_lost for entry in source.rows(source.ids(Filter()))}

    assert lost() == {"mine": False}
    assert "Recipe mine (" in making.preset_uses(["dailies"])
    making.delete_preset("dailies")
    assert lost() == {"mine": True}
    assert making.preset_uses(["share"]) == ""
    source = making.recipes()
    (row_id,) = source.ids(Filter(show="failed"))
    said = source.detail(row_id).problems
    with pytest.raises(NotFound) as caught:
        orders.queue_runs(desk.library, ["mine"])
    assert said == (str(caught.value),)
    assert "Recipe mine is encoded with the preset dailies, which is not there" in said[0]
    assert recipes.get(desk.library.db(), "mine").spec["preset"] == "dailies"


def test_the_lists_of_the_command_line_know_what_the_screens_show(desk, preset):
    desk.recipe("mine", preset="dailies")
    (listed,) = recipe_verbs.list_recipes(desk.library)
    assert (listed["preset_missing"], listed["runs"], listed["last_status"]) == (False, 0, None)
    config = open_config()
    presets.create_part(config, "scaling", "small", {"fit": 320})
    config.close()
    api.compose_preset("little", {"codec": "dailies", "scaling": "Small"})
    users = {part["name"]: part["used_by"] for part in api.list_parts()}
    assert users["small"] == ["little"]
    assert users["half"] == []
