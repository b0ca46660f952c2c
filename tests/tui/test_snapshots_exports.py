"""Pictures of recipes, presets, their forms, the list of clips and the comparison of runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import ColorSystem
from textual.pilot import Pilot

from engine.errors import NameTaken
from engine.media.failures import SENTENCES
from tests.tui.fakes import FakeDesk, busy_desk, run
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


def _only(desk: FakeDesk, *rows: Any) -> FakeDesk:
    desk.run_source.all = {row.id: row for row in rows}
    desk.run_source.sequence = [row.id for row in rows]
    return desk


@size
def test_runs_in_every_state(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    """Held, pausing, being cancelled, stalled, taken over, and failed in each way."""
    still = "2026-11-20T18:29:12.000Z"
    rows = [
        run("Held", status="pending", intent="pause", queue_place=1, segments="", frames_done=0),
        run("Next", status="pending", queue_place=2, segments="", frames_done=0, priority="high"),
        run("Pausing", intent="pause"),
        run("Cancelling", intent="cancel"),
        run("Stalled", progress_at=still, rate=0.0, eta_seconds=None),
        run("Paused", status="paused", rate=None, eta_seconds=None, segments="ccccqqqqq"),
        run("Interrupted", status="interrupted", rate=None, eta_seconds=None, segments="uuccrqqqq"),
    ]
    rows += [
        run(
            category,
            status="failed",
            segments="ccfqqqqqq",
            error=SENTENCES[category],
            error_category=category,
            rate=None,
            eta_seconds=None,
        )
        for category in ("source_damaged", "encoder_missing", "output_write_error", "killed", "lut")
    ]
    desk = _only(busy_desk(), *rows)
    assert snap_compare(make_app(desk, "exports"), terminal_size=size, run_before=press("j", "j", "j", "j"))


def test_log_of_a_stalled_run(snap_compare: Snap, make_app: MakeApp) -> None:
    stalled = run("Stalled", progress_at="2026-11-20T18:29:12.000Z", rate=0.0, eta_seconds=None)
    desk = _only(busy_desk(), stalled)
    assert snap_compare(make_app(desk, "exports"), terminal_size=SIZES[0], run_before=press("L"))


def test_log_of_a_cancelled_run(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk(), "exports"), terminal_size=SIZES[0], run_before=press("G", "L"))


@size
def test_deleting_runs_of_which_one_goes_on(
    snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]
) -> None:
    keys = ("space", "G", "space", "k", "space", "D")
    app = make_app(busy_desk(), "exports")
    assert snap_compare(app, terminal_size=size, run_before=press(*keys))


def test_delivery(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(
        make_app(busy_desk(), "exports"), terminal_size=SIZES[0], run_before=press("G", "k", "x", "m")
    )


def test_proof_of_a_film(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk(), "exports"), terminal_size=SIZES[1], run_before=press("G", "k"))


def test_words_of_a_filter_of_runs(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk(), "exports"), terminal_size=SIZES[0], run_before=press("slash"))


@pytest.mark.parametrize("keys", [RECIPES, PRESETS], ids=["recipe", "preset"])
def test_reading_a_file_whose_name_is_taken(
    snap_compare: Snap, make_app: MakeApp, keys: tuple[str, ...]
) -> None:
    desk = busy_desk()
    for noun in ("recipe", "preset"):
        desk.refusals[f"read_{noun}"] = NameTaken(f"There is a {noun} x already.")
    keys = (*keys, "W", *"/mnt/x.json", "enter")
    assert snap_compare(make_app(desk), terminal_size=SIZES[0], run_before=press(*keys))
