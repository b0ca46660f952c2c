"""Pictures of recipes, presets, their forms, the list of clips and the comparison of runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import ColorSystem
from textual.pilot import Pilot

from tests.tui.fakes import FakeDesk, busy_desk
from tui.app import RushesApp
from tui.looks import ASCII
from tui.screens.form import FormScreen

SIZES = ((80, 24), (140, 45))
size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")

MakeApp = Callable[..., RushesApp]
Snap = Callable[..., bool]

RECIPES = ("3", "e")
PRESETS = (*RECIPES, "P")
FORM = (*RECIPES, "enter")
ITEMS = (*RECIPES, "j", "enter", "j", "j", "enter")


def press(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run(pilot: Pilot[Any]) -> None:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    return run


async def answer(pilot: Pilot[Any], field: str, *keys: str) -> None:
    """Go to a field of the form in front, and answer it."""
    form = pilot.app.screen
    assert isinstance(form, FormScreen)
    while form.field.key != field:
        await pilot.press("j")
    await press("enter", *keys)(pilot)


def answering(field: str, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Open the form of a recipe, go to a field, and answer it."""

    async def run(pilot: Pilot[Any]) -> None:
        await press(*FORM)(pilot)
        await answer(pilot, field, *keys)

    return run


@size
def test_recipes(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*RECIPES))


def test_no_recipe_yet(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(FakeDesk()), terminal_size=(80, 24), run_before=press(*RECIPES))


@size
def test_form_of_a_recipe(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    keys = (*FORM, *"jjjj")
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*keys))


@size
def test_form_with_problems(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    """No name, a date that is none, half a size: each sentence stands below its field."""

    async def run(pilot: Pilot[Any]) -> None:
        await press(*RECIPES, "n")(pilot)
        await answer(pilot, "filter.since", *"soon", "enter")
        await answer(pilot, "width", *"64", "enter", "g")

    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=run)


def test_typing_into_a_form(snap_compare: Snap, make_app: MakeApp) -> None:
    keys = (*FORM, "enter", *" v2")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=press(*keys))


def test_form_without_colours_and_unicode(
    snap_compare: Snap, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(busy_desk(), glyphs=ASCII, theme=None)
    assert snap_compare(app, terminal_size=(80, 24), run_before=press(*FORM, "j"))


def test_form_in_16_colours(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), theme="ansi-dark")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press(*FORM, "j", "j"))


@size
def test_presets(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*PRESETS, "j"))


def test_form_of_a_preset(snap_compare: Snap, make_app: MakeApp) -> None:
    keys = (*PRESETS, "G", "enter", *"jjj")
    assert snap_compare(make_app(busy_desk()), terminal_size=(140, 45), run_before=press(*keys))


def test_list_of_clips(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=press(*ITEMS))


def test_in_and_out(snap_compare: Snap, make_app: MakeApp) -> None:
    keys = (*ITEMS, "enter", "tab", "backspace", "backspace", "x")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=press(*keys))


def test_choosing_clips(snap_compare: Snap, make_app: MakeApp) -> None:
    keys = (*ITEMS, "a", "space", "space")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=press(*keys))


@size
def test_two_runs(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    keys = ("3", "space", "m")
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*keys))


def test_help_of_a_form(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(
        make_app(busy_desk()), terminal_size=(80, 24), run_before=press(*FORM, "question_mark")
    )


def test_picture_of_a_film(snap_compare: Snap, make_app: MakeApp, tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 36), (20, 40, 90))
    image.paste((230, 180, 60), (36, 6, 52, 22))
    image.paste((30, 90, 40), (0, 24, 64, 36))
    image.save(tmp_path / "film.png")
    app = make_app(busy_desk(thumbnail=str(tmp_path / "film.png")), "exports")

    async def look(pilot: Pilot[Any]) -> None:
        app.console._color_system = ColorSystem.TRUECOLOR
        await pilot.press("j")
        await pilot.pause()

    assert snap_compare(app, terminal_size=(140, 45), run_before=look)


@size
def test_parts_of_presets(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press(*PRESETS, "P", "j"))


def test_one_of_many_presets(snap_compare: Snap, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """From some choices on a list that is narrowed by typing stands for the dialog with letters."""
    monkeypatch.setattr("tui.screens.form.MANY", 3)
    before = answering("preset", *"prores")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=before)


def test_typing_a_path_into_a_form(snap_compare: Snap, make_app: MakeApp) -> None:
    """What it comes to makes room: folders are offered below the line."""
    before = answering("destination")
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=before)
