"""Keys typed without a gap: the dialog that the first one opens gets the others, never the list behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.fakes import busy_desk
from tui.app import RushesApp
from tui.screens.confirm import ConfirmDialog
from tui.screens.form import FormScreen
from tui.screens.ingest import IngestScreen
from tui.screens.new_ingest import IngestDialog

MakeApp = Callable[..., RushesApp]


def type_at_once(app: RushesApp, keys: Sequence[str]) -> None:
    """All keys in one go, as a terminal hands over what was typed while the screen was busy."""
    for key in keys:
        event = events.Key(key, key if len(key) == 1 else None)
        event.set_sender(app)
        assert app._driver is not None
        app._driver.send_message(event)


async def until(pilot: Pilot[None], true: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await pilot.pause()


@pytest.mark.parametrize("ahead", ["cpx", "jjG"])
async def test_the_dialog_that_opens_gets_what_was_typed_ahead(make_app: MakeApp, ahead: str) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, IngestScreen)
        under = app.screen.table.cursor_id
        type_at_once(app, ["n", *ahead])
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == ahead)
        assert isinstance(app.screen, IngestDialog)
        assert desk.asked == []
        await pilot.press("escape")
        assert isinstance(app.screen, IngestScreen)
        assert app.screen.table.cursor_id == under


async def test_a_dialog_can_be_left_by_a_key_typed_ahead_and_the_list_has_the_next(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, IngestScreen)
        table = app.screen.table
        first = table.cursor_id
        type_at_once(app, ["n", "escape", "j"])
        await until(pilot, lambda: table.cursor_id != first)
        assert isinstance(app.screen, IngestScreen)


async def test_a_dialog_that_opens_after_a_read_gets_the_keys_too(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = busy_desk()
    app = make_app(desk, "volumes")
    app._runner = None  # the app makes its own, with threads
    read = threading.Event()
    monkeypatch.setattr(desk, "held_by", lambda _: read.wait(10) and ())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        table = app._front().table  # type: ignore[union-attr]
        await until(pilot, lambda: table.current() is not None)
        while app._front().reason("volumes.eject") is not None:
            await pilot.press("j")
        under = table.cursor_id
        type_at_once(app, ["x", "k", "j", "j"])
        for _ in range(5):
            await pilot.pause()
        assert table.cursor_id == under
        read.set()
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await until(pilot, lambda: not app.typed.waiting)
        assert isinstance(app.screen, ConfirmDialog)  # it lets keys typed ahead pass by
        assert table.cursor_id == under


async def test_keys_do_not_wait_long_for_a_read(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.type_ahead.PATIENCE_SECONDS", 0.05)
    desk = busy_desk()
    app = make_app(desk, "volumes")
    app._runner = None
    read = threading.Event()
    monkeypatch.setattr(desk, "held_by", lambda _: read.wait(10) and ())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        table = app._front().table  # type: ignore[union-attr]
        while app._front().reason("volumes.eject") is not None:
            await pilot.press("j")
        under = table.cursor_id
        type_at_once(app, ["x", "k", "j", "j"])
        await until(pilot, lambda: table.cursor_id != under)
        read.set()
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))


async def test_what_is_pasted_behind_a_key_lands_in_its_dialog(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        type_at_once(app, ["n"])
        paste = events.Paste("/media/A001")
        paste.set_sender(app)
        app._driver.send_message(paste)  # type: ignore[union-attr]
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "/media/A001")


async def test_a_field_of_a_form_is_closed_before_the_keys_typed_behind_it_act(make_app: MakeApp) -> None:
    app = make_app(busy_desk())
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("3", "e", "enter"):
            await pilot.press(key)
        form = app.screen
        assert isinstance(form, FormScreen)
        type_at_once(app, ["enter", "x", "y", "enter", "j", "j", "j", "enter", *"day 12", "tab"])
        await until(pilot, lambda: form.field.key == "filter.since")
        assert form.typing.field is None
        assert form._draft["name"] == "Dailiesxy"
        assert form._draft["filter.tags"] == ["day 11day 12"]
