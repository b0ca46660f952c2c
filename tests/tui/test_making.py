"""Recipes and presets by keyboard alone: made, changed, copied, queued, with sentences on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.api.forms import Field
from engine.api.rows import Filter, RecipeRow
from engine.errors import NameTaken, NotFound
from engine.media.failures import SENTENCES
from tests.tui.fakes import NOW, Ticks, busy_desk, run
from tui.app import RushesApp
from tui.screens.cells import advice
from tui.screens.confirm import ConfirmDialog
from tui.screens.exports import ExportsScreen
from tui.screens.finder import PickScreen
from tui.screens.form import FormScreen
from tui.screens.form_lines import in_words
from tui.screens.inputs import PathDialog, WordDialog
from tui.screens.items import ItemsScreen, PickerScreen
from tui.screens.path_field import PathField
from tui.screens.preset_parts import PartsScreen
from tui.screens.presets import PresetsScreen
from tui.screens.problem import ProblemScreen
from tui.screens.recipes import RecipesScreen
from tui.screens.run_cells import STALLED_SECONDS, WHOLE
from tui.screens.run_compare import setting
from tui.widgets.bars import KeyLine
from tui.widgets.line_view import LineView
from tui.widgets.one_line import OneLine

MakeApp = Callable[..., RushesApp]
FORM = ("3", "e", "enter")


async def press(pilot: Any, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


def text(app: RushesApp) -> str:
    return app.screen.query_one("#form", LineView).text


def toasts(app: RushesApp) -> list[str]:
    return [str(note.message) for note in app._notifications]


async def test_a_recipe_is_made_by_keyboard_alone(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        await press(pilot, "3", "e", "n", "s")
        assert isinstance(app.screen, FormScreen)
        assert toasts(app)[-1].startswith("Not saved: A recipe's name")
        await press(pilot, "enter", *"Night", "enter", "j", "l", "j", "j", "enter", *"day 11, hero", "enter")
        await press(pilot, "s")
        assert isinstance(app.screen, RecipesScreen)
        values = {
            "preset": "share", "mode": "by_date", "layout": "joined",
            "name": "Night", "filter.tags": ["day 11", "hero"],
        }  # fmt: skip
        assert desk.asked[-1] == ("save_recipe", values, None)


async def test_what_is_wrong_stands_below_its_field_while_it_is_typed(make_app: MakeApp) -> None:
    app = make_app(busy_desk())
    async with app.run_test(size=(140, 45)) as pilot:
        await press(pilot, *FORM, *"jjjj", "enter", *"soon")
        lines = text(app).splitlines()
        at = next(at for at, line in enumerate(lines) if "Recorded from" in line)
        assert "Recorded from is no date: soon" in lines[at + 1]
        await press(pilot, "escape")
        assert "is no date" not in text(app)
        assert isinstance(app.screen, FormScreen)


async def test_leaving_a_changed_form_asks_first(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FORM, "escape")
        assert isinstance(app.screen, RecipesScreen)
        await press(pilot, "enter", "j", "l", "escape")
        assert isinstance(app.screen, ConfirmDialog)
        ticks.seconds += 1
        await press(pilot, "n")
        assert isinstance(app.screen, FormScreen)
        await press(pilot, "escape")
        ticks.seconds += 1
        await press(pilot, "y")
        assert isinstance(app.screen, RecipesScreen)
        assert not [what for what in desk.asked if what[0] == "save_recipe"]


async def test_a_listed_clip_that_is_away_is_seen_to_be(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "e", "j", "enter", "j", "j", "enter", "a")
        assert isinstance(app.screen, PickerScreen)
        assert "space marks several" in str(app.screen.extra_parts())
        await press(pilot, "j", "j", "space")
        assert app.screen.extra_parts() == []
        await press(pilot, "enter")
        assert isinstance(app.screen, ItemsScreen)
        away = [row for row in app.screen.source().rows(app.screen.table.ids) if row.line.state == "offline"]
        assert [row.line.title for row in away] == ["A001C003"]
        said = app.screen.query_one("#detail", LineView).text
        assert "offline" in said


@pytest.mark.parametrize(
    ("key", "label", "sentence", "told"),
    [
        (
            "video.crf",
            "Quality",
            "crf of libx264 is a whole number.",
            "Quality of libx264 is a whole number.",
        ),
        ("burn_in", "Burn-in", "burn_in cannot show abc.", "Burn-in cannot show abc."),
        ("fps", "Frames per second", "abc is no frame rate.", "abc is no frame rate."),
    ],
)
def test_what_is_wrong_names_the_field_as_the_form_does(
    key: str, label: str, sentence: str, told: str
) -> None:
    field = Field(key, label, "text", "A hint.", "Group")
    assert in_words(field, {key: sentence}) == told


async def test_the_list_of_clips_is_put_together(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "e", "j", "enter", "j", "j", "enter")
        assert isinstance(app.screen, ItemsScreen)
        await press(pilot, "j", "j", "x", "plus", "a")
        assert isinstance(app.screen, PickerScreen)
        await press(pilot, "j", "j", "enter")
        assert isinstance(app.screen, ItemsScreen)
        await press(pilot, "enter", *"25", "tab", *"2s", "enter", "s")
        assert isinstance(app.screen, FormScreen)
        await press(pilot, "s")
        items = desk.asked[-1][1]["items"]
        assert [(item["clip_id"], item["in_frame"], item["out_frame"]) for item in items] == [
            ("clip-2", None, None),
            ("clip-1", 25, 250),
            ("clip-3", 25, 50),
        ]


async def test_a_system_preset_is_copied_never_changed(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        await press(pilot, "3", "e", "P")
        assert isinstance(app.screen, PresetsScreen)
        await press(pilot, "D")
        assert toasts(app)[-1] == "share is a system preset; it stays."
        await press(pilot, "enter", "s")
        what, values, was = desk.asked[-1]
        assert (what, values["name"], was) == ("save_preset", "share-copy", None)


async def test_marked_recipes_are_queued_and_a_copy_begins_with_its_answers(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3", "e", "space", "space", "a")
        assert desk.asked == [("export", ["Dailies", "Director's cut"])]
        await press(pilot, "g", "d", "s")
        what, values, was = desk.asked[-1]
        assert (what, values["name"], values["loudness"], was) == ("save_recipe", "Dailies copy", -23, None)


async def test_two_marked_runs_are_compared(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        await press(pilot, "m")
        assert "Mark two runs" in toasts(app)[-1]
        await press(pilot, "space", "m")
        assert desk.asked[-1] == ("compare", "Dailies 20 Nov", "Proxies 20 Nov")
        shown = app.screen.query_one(LineView).text
        assert "libx264" in shown
        assert "prores_ks" in shown
        assert "\x1b" not in shown


async def test_a_cancelled_run_goes_on_as_a_new_one(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "G", "r")
        assert desk.asked == [("resume_run", "Trailer")]


async def test_a_finished_film_is_delivered_and_an_unfinished_one_is_not(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "x")
        assert toasts(app)[-1] == "This run has no finished file to deliver."
        await press(pilot, "G", "k", "x", "m", *"/mnt/out", "enter")
        assert desk.asked == [("deliver", "Dailies 19 Nov", "/mnt/out", True)]


async def test_a_form_asks_for_its_fields_once_per_change(make_app: MakeApp) -> None:
    """They are read from a database: once per line of the form made typing slow."""
    desk = busy_desk()
    asked: list[int] = []
    fields = desk.making.recipe_fields

    def counted(values: Any) -> Any:
        asked.append(1)
        return fields(values)

    desk.making.recipe_fields = counted
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FORM)
        asked.clear()
        await press(pilot, *"jjjjkk")
        assert asked == []
        await press(pilot, "g", "enter", *"abc", "enter")
        assert len(asked) == 3


async def test_tab_takes_over_what_is_typed_and_goes_on(make_app: MakeApp) -> None:
    app = make_app(busy_desk())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FORM, "enter", *" two")
        assert "tab next field" in app.screen.query_one("#keys", KeyLine).text
        await press(pilot, "tab")
        form = app.screen
        assert isinstance(form, FormScreen)
        assert form.field.key == "mode"
        assert form._draft["name"] == "Dailies two"
        assert not form.typing.display


async def test_one_of_many_presets_is_found_by_typing(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.form.MANY", 3)
    app = make_app(busy_desk())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FORM)
        form = app.screen
        assert isinstance(form, FormScreen)
        while form.field.key != "preset":
            await press(pilot, "j")
        await press(pilot, "enter")
        assert isinstance(app.screen, PickScreen)
        await press(pilot, *"4k", "enter")
        assert form._draft["preset"] == "web 4k"


async def test_a_colour_table_is_found_by_tab(make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "warm.CUBE").write_text("LUT_3D_SIZE 2\n")
    (tmp_path / "warm.mov").write_text("")
    app = make_app(busy_desk())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FORM)
        form = app.screen
        assert isinstance(form, FormScreen)
        while form.field.key != "lut":
            await press(pilot, "j")
        await press(pilot, "enter", *f"{tmp_path}/w")
        path = form.query_one(PathField)
        async with asyncio.timeout(5):
            while not path._offers:
                await pilot.pause()
        await press(pilot, "tab", "enter")
        assert form._draft["lut"] == f"{tmp_path}/warm.CUBE"


async def test_the_cursor_of_a_long_list_of_recipes_stays_in_sight(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.recipes = lambda: [
        RecipeRow(f"Day {at:02d}", "by_date", "per-clip", "share", None) for at in range(60)
    ]
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n", *(["j"] * 45))
        dialog = app.screen
        view = dialog.query_one("#lines", LineView)
        shown = view.text.splitlines()[view.scroll_offset.y : view.scroll_offset.y + view.size.height]
        here = next(line for line in shown if "Day 45" in line)
        assert "all, by date, one file per clip, share" in here
        assert dialog.query_one("#foot").region.bottom <= 24
        await press(pilot, "enter")
        assert desk.asked[-1] == ("export", ["Day 45"])


async def test_the_key_of_a_place_leads_back_to_its_list(make_app: MakeApp) -> None:
    app = make_app(busy_desk())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3", "e", "P", "3")
        assert isinstance(app.screen, ExportsScreen)
        await press(pilot, *FORM[1:], "l", "3")
        assert isinstance(app.screen, FormScreen), "a form with answers is left by esc, which asks"


async def test_the_full_log_of_a_run_is_one_more_key_away(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.making.log_file = lambda run_id: f"/logs/{run_id}.log"
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "L", "f")
        await pilot.pause()
        assert desk.asked[-1][0] == "log_tail"
        assert "moov atom not found" in app.screen.query_one("#lines", LineView).text
        await press(pilot, "escape")
        assert isinstance(app.screen, ProblemScreen)


async def test_parts_of_presets_are_made_changed_and_deleted(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "3", "e", "P", "P")
        assert isinstance(app.screen, PartsScreen)
        await press(pilot, "D")
        assert toasts(app)[-1] == "half is a part that is always there; it stays."
        await press(pilot, "j", "enter", "G", "enter", *"25", "enter", "s")
        assert desk.asked[-1][0] == "save_part"
        assert desk.asked[-1][2] == "small [web]"
        await press(pilot, "D")
        assert isinstance(app.screen, ConfirmDialog)
        assert "delete review first" in str(app.screen._sentence)
        ticks.seconds += 1
        await press(pilot, "n", "j", "D")
        ticks.seconds += 1
        await press(pilot, "y")
        assert desk.asked[-1] == ("delete_preset", "house")


async def test_deleting_a_preset_names_the_recipes_that_need_it(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.making.preset_uses = lambda names: f"Recipe Trailer (/mnt/set) will need another than {names}."
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "3", "e", "P", "G", "D")
        assert isinstance(app.screen, ConfirmDialog)
        said = str(app.screen._sentence)
        assert "Recipe Trailer (/mnt/set) will need another than ['web 4k']." in said
        assert "Runs keep their own copy of it." in said


async def test_a_recipe_whose_preset_is_gone_is_seen_to_be(make_app: MakeApp) -> None:
    desk = busy_desk()
    source = desk.making.recipe_source
    source.all = {key: replace(row, is_lost=True) for key, row in source.all.items()}
    app = make_app(desk)
    async with app.run_test(size=(140, 45)) as pilot:
        await press(pilot, "3", "e")
        (row,) = source.rows(source.ids(Filter())[:1])
        line = "".join(segment.text for segment in app.screen.table.render_line(1))
        assert f"{app.glyphs.bad} {row.preset}" in line


async def test_what_went_a_moment_ago_is_told_and_the_screen_stays(make_app: MakeApp) -> None:
    desk = busy_desk()

    def gone(name: str | None) -> dict[str, Any]:
        raise NotFound(f"There is no preset {name}.")

    desk.making.preset_values = gone
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "3", "e", "P", "G", "enter")
        assert toasts(app)[-1] == "There is no preset web 4k."
        assert isinstance(app.screen, PresetsScreen)


async def test_a_run_that_stands_still_is_seen_though_nothing_is_written(make_app: MakeApp) -> None:
    now = [NOW]
    app = make_app(busy_desk(), "exports")
    app.pace = replace(app.pace, now=lambda: now[0])
    async with app.run_test(size=(140, 45)) as pilot:
        screen = app.screen
        assert isinstance(screen, ExportsScreen)
        assert screen.detail.text.splitlines()[1].split() == ["State", "►", "running"]
        now[0] += timedelta(seconds=STALLED_SECONDS + 5)
        screen.look_for_stalls()
        await pilot.pause()
        assert "! stalled" in screen.detail.text
        assert "r tries again" in screen.detail.text
        assert "frames a second" not in screen.detail.text
        drawn = screen.table._cells[screen.table.ids[0]]
        assert ("! stalled", "warn") in [piece for cell in drawn for piece in cell]


@pytest.mark.parametrize(
    ("key", "value"), [("destination", "/mnt/caf\udce9/e\x1b[31mx"), ("title.text", "a\x1b[2J[b]")]
)
async def test_a_name_of_any_bytes_is_typed_over_without_harm(
    make_app: MakeApp, key: str, value: str
) -> None:
    desk = busy_desk()
    desk.making.answers["Dailies"] |= {key: value, "layout": "joined"}
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FORM)
        form = app.screen
        assert isinstance(form, FormScreen)
        while form.field.key != key:
            await press(pilot, "j")
        await press(pilot, "enter")
        await press(pilot, "enter")
        assert form._draft[key] == value
        drawn = app.export_screenshot()
        assert "\x1b" not in drawn
        await press(pilot, "enter", "z", "escape")
        assert form._draft[key] == value


async def test_a_run_paused_before_its_turn_is_held_and_r_lets_it_go(make_app: MakeApp) -> None:
    desk = busy_desk()
    held = run("held", status="pending", intent="pause", queue_place=1, segments="", frames_done=0)
    desk.run_source.all = {"held": held}
    desk.run_source.sequence = ["held"]
    app = make_app(desk, "exports")
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        assert isinstance(app.screen, ExportsScreen)
        line = "".join(segment.text for segment in app.screen.table.render_line(1))
        assert "held" in line
        assert "pausing" not in line
        assert "place 1" not in line
        assert "r lets it go" in line
        await press(pilot, "p")
        assert toasts(app)[-1] == "This job is held already."
        await press(pilot, "r")
        assert desk.asked == [("job", held.job_id, "resume")]


async def test_the_log_of_a_cancelled_run_offers_to_go_on(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "G", "L")
        assert "r resume" in app.screen.query_one("#foot", OneLine).text
        await press(pilot, "r")
        assert desk.asked[-1] == ("resume_run", "Trailer")


@pytest.mark.parametrize("category", sorted(SENTENCES))
def test_every_failure_says_what_to_do_next(category: str) -> None:
    row = run("x", status="failed", error=SENTENCES[category], error_category=category)
    said = advice(row)
    assert said is not None
    if category != "cancelled":
        assert "Mend the cause" not in said


async def test_a_film_that_left_something_out_is_not_tried_again_but_exported_anew(make_app: MakeApp) -> None:
    desk = busy_desk()
    whole = run("whole", status="completed_with_warnings", error="Clip D002 is offline.", outputs_done=1)
    some = replace(whole, run_id="some", name="some", outputs=3)
    source = desk.run_source
    source.all, source.sequence = {row.id: row for row in (whole, some)}, [whole.id, some.id]
    app = make_app(desk, "exports")
    assert advice(whole) == "It is finished without that. Once that is mended, n exports the recipe anew."
    assert "r does only that again" in str(advice(some))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.screen.table.go_to("whole")
        await press(pilot, "r")
        assert toasts(app)[-1] == WHOLE
        await press(pilot, "asterisk", "r")
        assert [asked for asked in desk.asked if asked[0] == "job"] == [("job", some.job_id, "retry")]


@pytest.mark.parametrize(
    ("name", "one", "other", "said"),
    [
        ("preset.video.codec", "libx264", "prores_ks", ("Picture codec", "libx264", "prores_ks")),
        ("preset.audio.codec", "aac", None, ("Sound codec", "aac", "-")),
        ("spec.quality_metric", "vmaf", None, ("Compared by", "vmaf", "-")),
        ("spec.mode", "all", "list", ("Clips", "all clips", "an explicit list")),
        ("spec.filter.tags", ["a", "b"], None, ("Tags", "a, b", "-")),
        ("spec.of_another_time", True, "\x1b[2J", ("of_another_time", "yes", "\\x1b[2J")),
    ],
)
def test_settings_that_differ_are_told_as_the_forms_call_them(
    name: str, one: Any, other: Any, said: tuple[str, str, str]
) -> None:
    assert setting(name, one, other) == said


async def test_a_path_is_copied_and_that_nothing_is_there_is_told(make_app: MakeApp) -> None:
    desk = busy_desk()
    film = run("film", status="completed", output_path="/mnt/nas/film.mp4")
    desk.run_source.all, desk.run_source.sequence = {film.id: film}, [film.id]
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "y")
        assert toasts(app) == ["Copied: /mnt/nas/film.mp4"]

        def gone(run_id: str) -> str:
            raise NotFound(f"The film of {run_id} is gone, or its drive is away.")

        desk.making.film_of = gone
        await press(pilot, "y")
        assert toasts(app)[-1] == "The film of film is gone, or its drive is away."
        assert app.clipboard == "/mnt/nas/film.mp4"


async def test_without_an_engine_a_running_run_is_told_to_stand_still(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.header_now = replace(desk.header(), engine="absent")
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        for key in ("p", "r"):
            await press(pilot, key)
            assert toasts(app)[-1].startswith("No engine runs, so this run stands still. E starts one")
        assert desk.asked == []


@pytest.mark.parametrize(
    ("keys", "noun", "command"),
    [(("3", "e", "W"), "recipe", "rushes recipe export"), (("3", "e", "P", "W"), "preset", "presets export")],
)
async def test_a_file_whose_name_is_taken_is_read_under_another_one(
    make_app: MakeApp, keys: tuple[str, ...], noun: str, command: str
) -> None:
    desk = busy_desk()
    desk.refusals = {f"read_{noun}": NameTaken(f"There is a {noun} x already.")}
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, *keys)
        assert isinstance(app.screen, PathDialog)
        assert command in app.screen.query_one("#why", LineView).text
        await press(pilot, *"/mnt/x.json", "enter")
        await pilot.pause()
        assert isinstance(app.screen, WordDialog)
        desk.refusals = {}
        await press(pilot, *"other", "enter")
        await pilot.pause()
        assert desk.asked[-1] == (f"read_{noun}", "/mnt/x.json", "other")
