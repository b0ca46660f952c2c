"""The registry of keys, and that every key of every place does something that can be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.geometry import Size

from tests.tui.fakes import FakeDesk, busy_desk
from tui import keys
from tui.app import RushesApp
from tui.screens.triage import TriageScreen
from tui.widgets.bars import KeyLine

MakeApp = Callable[..., RushesApp]
PLACES = {
    "volumes": "volumes",
    "ingest": "ingest",
    "files": "ingest",
    "exports": "exports",
    "relink": "relink",
    "clips": "clips",
}
WAYS = {
    "volumes": ("1",),
    "ingest": ("2",),
    "files": ("2", "enter"),
    "exports": ("3",),
    "relink": ("4",),
    "clips": ("5",),
    "damaged": ("exclamation_mark",),
    "notices": ("N",),
    "watches": ("2", "W"),
    "past": ("1", "H"),
    "offers": ("1", "a"),
    "sessions": ("4", "H"),
    "rules": ("4", "M"),
    "settings": ("0", "j", "j"),
    "recipes": ("3", "e"),
    "presets": ("3", "e", "P"),
    "items": ("3", "e", "j", "enter", "j", "j", "enter"),
    "picker": ("3", "e", "j", "enter", "j", "j", "enter", "a"),
}
"""The keys that lead to a place from the first screen."""


def names(key: keys.Key) -> list[str]:
    return key.keys.split(",")


@pytest.mark.parametrize("scope", WAYS)
def test_no_key_means_two_things_in_one_place(scope: str) -> None:
    seen: dict[str, str] = {}
    for key in keys.of(scope, "list", "app"):
        for name in names(key):
            assert name not in seen, f"{name}: {seen.get(name)} and {key.id}"
            seen[name] = key.id


def test_no_key_needs_what_ssh_does_not_carry() -> None:
    for key in keys.KEYS:
        for name in names(key):
            assert "alt+" not in name
            assert "shift+" not in name
            assert name not in (
                "ctrl+b",
                "ctrl+a",
                "ctrl+s",
                "ctrl+q",
                "ctrl+h",
                "ctrl+i",
                "ctrl+j",
                "ctrl+m",
            )


def test_ids_are_unique_and_belong_to_their_scope() -> None:
    assert len(keys.BY_ID) == len(keys.KEYS)
    assert all(key.id.split(".")[0] == key.scope for key in keys.KEYS)


def test_every_key_is_in_the_table_for_the_readme() -> None:
    table = keys.markdown()
    for key in keys.KEYS:
        assert key.text in table


def picture(app: RushesApp) -> list[str]:
    """What is on the screen, text and style, line by line."""
    width, height = app.size
    return [repr(strip) for strip in app.screen._compositor.render_strips(Size(width, height))]


async def go(pilot: Any, scope: str) -> None:
    await pilot.press(*WAYS[scope], "j")
    await pilot.pause()


SILENT = {"app.suspend"}  # leaves the screen to the shell, which a test has not


@pytest.mark.parametrize(
    ("scope", "key_id"),
    [
        (scope, key.id)
        for scope in WAYS
        # What all places share is pressed in one of them.
        for key in keys.of(scope, *(("list", "app") if scope == "ingest" else ()))
        if key.id not in SILENT and key.id != f"app.{scope}"
    ],
)
async def test_every_key_has_an_effect_that_can_be_seen(make_app: MakeApp, scope: str, key_id: str) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await go(pilot, scope)
        if key_id in ("list.back", "list.detail_down", "list.detail_up"):
            await pilot.press("tab")
        if key_id in ("list.up", "list.top", "list.page_up", "list.half_up"):
            await pilot.press("G")
        if key_id == "list.detail_up":
            await pilot.press("J")
        await pilot.pause()
        before = picture(app)
        await pilot.press(names(keys.BY_ID[key_id])[0])
        await pilot.pause()
        left = app._exit
        assert left or picture(app) != before, f"{key_id} has no effect on {scope}"


@pytest.mark.parametrize("scope", PLACES)
async def test_all_keys_of_an_empty_place_answer(make_app: MakeApp, scope: str) -> None:
    """With nothing there, a key acts or says why it cannot; it never breaks."""
    for key in keys.of(scope):
        app = make_app(FakeDesk(jobs=[]), PLACES[scope])
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            if scope == "files":
                continue
            before = picture(app)
            await pilot.press(names(key)[0])
            await pilot.pause()
            assert picture(app) != before, key.id


async def test_a_key_that_cannot_act_is_grey_keeps_its_place_and_says_why(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        line = app.screen.query_one(KeyLine)
        assert "r resume" in line.text
        assert any(text == "r" and tone == "dim" for text, tone in line._left)
        await pilot.press("r")
        await pilot.pause()
        assert [note.message for note in app._notifications] == ["This job is running already."]


async def test_help_lists_the_keys_of_this_place_first_and_enter_does_one(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark", *"reject", "enter")
        await pilot.pause()
        assert isinstance(app.screen, TriageScreen)
        assert desk.asked == [("decide", 1, "reject")]


async def test_the_palette_reaches_every_verb_by_name(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon", *"pause", "enter")
        await pilot.pause()
        assert desk.asked == [("job", "j1", "pause")]
        await pilot.press("ctrl+p", *"theme light", "enter")
        await pilot.pause()
        assert app.theme in ("rushes-light", "ansi-light")
