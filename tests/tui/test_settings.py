"""The settings on the screen: the rules of the command line, said while one types; every change undone."""

from __future__ import annotations

from collections.abc import Callable

from tests.tui.fakes import busy_desk
from tests.tui.test_triage import press, row_text, table, toasts
from tui.app import RushesApp
from tui.screens.settings import SettingDialog, SettingsScreen
from tui.widgets.line_view import LineView

MakeApp = Callable[..., RushesApp]


async def test_a_number_is_checked_while_it_is_typed(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        await press(pilot, "0", "slash", *"devices", "enter", "enter")
        dialog = app.screen
        assert isinstance(dialog, SettingDialog)
        said = dialog.query_one("#said", LineView)
        assert said.text.strip() == ""
        await press(pilot, "backspace", *"12")
        assert "policy.devices is a whole number from 1 to 9." in said.text
        await press(pilot, "enter")
        assert app.screen is dialog, "what is wrong is not taken"
        assert desk.asked == []
        await press(pilot, "backspace", "backspace", "4")
        assert said.text.strip() == ""
        await press(pilot, "enter")
        assert desk.asked == [("put", "policy.devices", "4")]
        assert toasts(app)[-1] == "policy.devices is 4; u takes it back."
        assert "4" in row_text(app, 1)
        await press(pilot, "u")
        assert desk.asked[-1] == ("put", "policy.devices", None), "nothing was set before"
        assert toasts(app)[-1] == "policy.devices is 2 again."
        await press(pilot, "u")
        assert toasts(app)[-1] == "Nothing was changed here."


async def test_a_word_is_chosen_and_a_default_put_back(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "0", "j", "e", "a", "x")
        assert desk.asked == [("put", "relink.policy", "ask"), ("put", "relink.policy", None)]
        await press(pilot, "x")
        assert toasts(app)[-1] == "relink.policy is as it came."
        await press(pilot, "u", "u")
        assert desk.settings.held == {"policy.copies": "3"}
        await press(pilot, "j", "x", "u")
        assert desk.settings.held == {"policy.copies": "3"}


async def test_the_list_of_what_was_changed(make_app: MakeApp) -> None:
    app = make_app(busy_desk())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "0", "f", "f")
        assert [str(one) for one in table(app).ids] == ["policy.copies"]
        await press(pilot, "escape", "0")
        assert isinstance(app.screen, SettingsScreen)
        await press(pilot, "h")
        assert not isinstance(app.screen, SettingsScreen)
