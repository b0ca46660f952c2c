"""``rushes presets``: what goes is told first."""

from __future__ import annotations

from tests.tui.cli.conftest import rushes


def test_a_preset_that_recipes_name_is_not_deleted_without_a_word(home):
    library = home / "lib"
    assert rushes("presets", "create", "dailies", "--crf", 30).code == 0
    assert rushes("recipe", "create", "mine", "--preset", "dailies", "--library", library).code == 0
    refused = rushes("presets", "delete", "dailies")
    assert (refused.code, refused.out) == (3, "")
    assert "mine" in refused.err
    assert str(library) in refused.err
    assert "--yes" in refused.err
    assert "mine" in rushes("presets", "uses", "Dailies").out
    deleted = rushes("presets", "delete", "Dailies", "--yes", "--json")
    assert deleted.code == 0
    assert deleted.document == {
        "deleted": "dailies",
        "recipes": [{"recipe": "mine", "library": str(library)}],
        "unread": [],
    }
    assert rushes("presets", "show", "dailies").code == 4
