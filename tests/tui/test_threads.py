"""Verbs in their own threads, as in the real app: what their results may do on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.tui.fakes import busy_desk
from tui.app import RushesApp
from tui.screens.dialog import Dialog

MakeApp = Callable[..., RushesApp]


async def test_a_verb_that_ends_in_another_thread_may_open_a_dialog(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    app._runner = None  # the app makes its own, with threads
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("F")
        async with asyncio.timeout(10):
            while not isinstance(app.screen, Dialog):
                await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, Dialog)
