"""Settings as a screen changes them: the rules of the command line, and a way back to the byte."""

from __future__ import annotations

from typing import Any

import pytest

from engine.api import libraries
from engine.api.rows import Filter
from engine.api.settings import Settings
from engine.errors import WrongUse
from engine.library import Library
from engine.storage import config
from engine.storage.database import rows


def stored() -> list[dict[str, Any]]:
    db = config.open_config()
    try:
        return rows(db, "SELECT * FROM settings ORDER BY key")
    finally:
        db.close()


@pytest.mark.usefixtures("library")
def test_every_setting_is_listed_with_what_holds_and_what_it_takes() -> None:
    libraries.change_setting("policy.copies", "3")
    source = Settings().source()
    ids = source.ids(Filter())
    assert list(ids) == list(config.SETTINGS)
    assert list(source.ids(Filter(show="failed"))) == ["policy.copies"]
    copies = source.detail("policy.copies")
    assert (copies.value, copies.default, copies.changed) == ("3", "2", True)
    assert copies.takes == "a whole number from 1 to 9"
    policy = source.detail("relink.policy")
    assert (policy.choices, policy.takes) == (("off", "ask", "certain"), "one of: off, ask, certain")
    assert source.detail("webhook.url").takes == "a text"


@pytest.mark.parametrize("key", list(config.SETTINGS))
def test_what_holds_is_what_may_be_typed(library: Library, key: str) -> None:
    assert Settings.problem(key, Settings().source().detail(key).value) is None


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("policy.copies", "0"),
        ("policy.copies", "two"),
        ("relink.policy", "maybe"),
        ("webhook.url", "ftp://x"),
    ],
)
def test_what_is_wrong_is_said_and_not_stored(library: Library, key: str, text: str) -> None:
    said = Settings.problem(key, text)
    assert said
    with pytest.raises(WrongUse) as caught:
        Settings().put(key, text)
    assert str(caught.value) == said
    assert stored() == []


@pytest.mark.parametrize("before", [None, "3"])
@pytest.mark.parametrize("change", ["5", None])
def test_a_change_is_taken_back_to_the_byte(library: Library, before: str | None, change: str | None) -> None:
    settings = Settings()
    settings.put("policy.copies", before)
    held = stored()
    was = settings.put("policy.copies", change)
    assert was == before
    settings.put("policy.copies", was)
    assert stored() == held
    settings.put("hook.command", '/bin/tell "a b"')
    command = stored()
    was = settings.put("hook.command", "")
    settings.put("hook.command", was)
    assert stored() == command


@pytest.mark.usefixtures("library")
def test_an_unknown_setting() -> None:
    with pytest.raises(WrongUse, match="There is no setting"):
        libraries.reset_setting("relink.polic")
    libraries.change_setting("relink.policy", "off")
    assert libraries.reset_setting("relink.policy") == {"key": "relink.policy", "value": "certain"}
    assert stored() == []
