"""The end of a job is told: bell, message of the terminal, a line; as the settings want it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from engine.api.rows import Notice
from tests.tui.fakes import busy_desk
from tui import ends
from tui.app import RushesApp

MakeApp = Callable[..., RushesApp]


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Dailies is done.", "\x1b]9;Dailies is done.\x1b\\"),
        ("4;3;50", "\x1b]9;\x1b\\"),  # would be a progress bar in some terminals
        ("a\x07b\x1b]0;c", "\x1b]9;ab]0;c\x1b\\"),
        ("x" * 500, "\x1b]9;" + "x" * 200 + "\x1b\\"),
    ],
)
def test_a_message_holds_nothing_that_a_terminal_obeys(sentence: str, shown: str) -> None:
    assert ends.message(sentence) == shown


@pytest.mark.parametrize(
    ("bell", "message", "status", "toast"),
    [(True, True, "completed", True), (False, True, "failed", False), (False, False, "completed", True)],
)
async def test_an_end_is_told_once_and_as_wanted(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, bell: bool, message: bool, status: str, toast: bool
) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        rung: list[bool] = []
        sent: list[str] = []
        monkeypatch.setattr(app, "bell", lambda: rung.append(True))
        monkeypatch.setattr(app, "write_raw", sent.append)
        before = [note.message for note in app._notifications]
        desk.ends = [
            Notice("j", "export", status, "Dailies has ended.", bell, message, "2026-11-20T18:30:00Z")
        ]
        now = desk.header()
        desk.header_now = dataclasses.replace(now, jobs_running=now.jobs_running - 1)
        for _ in range(2):
            app.feed.poll()
            await pilot.pause()
        assert bool(rung) == bell
        assert sent == (["\x1b]9;Dailies has ended.\x1b\\"] if message else [])
        told = [note.message for note in app._notifications if note.message not in before]
        assert ("Dailies has ended." in told) == toast
