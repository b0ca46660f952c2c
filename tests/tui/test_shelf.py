"""Files of ours on the screen: copies of a clip, what lies twice, the trash; what asks, what goes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import Refused
from tests.tui.fake_parts import TWICE
from tests.tui.fakes import busy_desk
from tests.tui.test_places import press, toasts, yes
from tui.app import RushesApp
from tui.screens.confirm import ConfirmDialog
from tui.screens.copies import CopiesScreen
from tui.screens.inputs import PathDialog
from tui.screens.shelf import BinScreen, TwiceScreen
from tui.widgets.line_view import LineView

MakeApp = Callable[..., RushesApp]
FIRST = "/mnt/nas/footage/A001C001.MP4"
SIDECAR = "/mnt/nas/footage/A001C001M01.XML"


def asked(desk: Any, what: str) -> list[tuple[Any, ...]]:
    return [one for one in desk.asked if one[0] == what]


async def test_a_copy_goes_to_one_more_folder(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "c")
        assert isinstance(app.screen, PathDialog)
        await press(pilot, *"/mnt/x", "enter")
        assert asked(desk, "copy") == [("copy", [FIRST], "/mnt/x")]
        assert isinstance(app.screen, CopiesScreen)
        assert "queued" in toasts(app)[-1]


async def test_marked_copies_are_copied_but_for_those_that_are_away(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "space", "space", "space", "c", *"/mnt/x", "enter")
        assert asked(desk, "copy") == [("copy", [FIRST, SIDECAR], "/mnt/x")]


async def test_a_move_says_what_it_comes_to_asks_and_goes_back(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "m", *"/mnt/nas/kept", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert "1 file renamed on the same drive" in app.screen.query_one(LineView).text
        ticks.seconds += 1
        await press(pilot, "n")
        assert asked(desk, "move_files") == []
        await press(pilot, "u")
        assert asked(desk, "move_back") == [], "nothing was done that could be taken back"
        await press(pilot, "m", *"/mnt/nas/kept", "enter")
        await yes(pilot, app, ticks)
        assert asked(desk, "move_files") == [("move_files", [FIRST], "/mnt/nas/kept")]
        await press(pilot, "u")
        assert asked(desk, "move_back") == [("move_back", [(FIRST, "/mnt/nas/kept/A001C001.MP4")])]


async def test_a_move_to_another_drive_is_a_job(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    desk.shelf.across = True
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "m", *"/mnt/x", "enter")
        assert "the old ones go into the trash" in " ".join(app.screen.query_one(LineView).text.split())
        await yes(pilot, app, ticks)
        assert "The move is queued; screen 2 shows it." in toasts(app)


async def test_a_refused_move_stays_in_its_dialog(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.refusals["plan_move"] = Refused("/mnt/x/A001C001.MP4 exists already.")
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "m", *"/mnt/x", "enter")
        assert isinstance(app.screen, PathDialog)
        assert "exists already" in app.screen.query_one("#said", LineView).text


async def test_the_trash_says_what_is_left_asks_and_brings_back(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "x")
        told = " ".join(app.screen.query_one(LineView).text.split())
        assert "one verified copy would be left: SHUTTLE" in told
        await yes(pilot, app, ticks)
        assert asked(desk, "put_aside") == [("put_aside", [FIRST])]
        await press(pilot, "u")
        assert asked(desk, "restore") == [("restore", [11])]


async def test_cards_and_drives_that_are_away_are_left_alone(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "j", "x")
        assert "is offline" in toasts(app)[-1]
        await press(pilot, "G", "x")
        assert "never moves or deletes" in toasts(app)[-1]
        await press(pilot, "m")
        assert isinstance(app.screen, CopiesScreen)
        assert asked(desk, "preview_trash") == []


async def test_the_last_copy_is_refused_in_a_sentence(make_app: MakeApp, monkeypatch: Any) -> None:
    desk = busy_desk()
    sentence = f"{FIRST} is the last verified copy of its content. It stays."
    monkeypatch.setattr(
        desk.shelf,
        "preview_trash",
        lambda _: {"files": 0, "bytes": 0, "refused": [sentence], "warnings": []},
    )
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "x")
        assert toasts(app)[-1] == sentence
        assert asked(desk, "put_aside") == []


async def test_what_lies_twice_leads_to_its_copies(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "D")
        assert isinstance(app.screen, TwiceScreen)
        await press(pilot, "s")
        assert asked(desk, "twice") == [("twice", False), ("twice", True)]
        await press(pilot, "enter")
        assert isinstance(app.screen, CopiesScreen)
        assert asked(desk, "copies") == [("copies", TWICE[0].blake3)]
        await press(pilot, "h", "h")
        assert app.screen.PLACE == "clips"


async def test_the_trash_brings_back_and_deletes_after_a_question(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "T")
        assert isinstance(app.screen, BinScreen)
        await press(pilot, "r")
        assert asked(desk, "restore") == [("restore", [7])]
        await press(pilot, "j", "r")
        assert "is offline" in toasts(app)[-1]
        await press(pilot, "asterisk", "D")
        assert "cannot be undone" in " ".join(app.screen.query_one(LineView).text.split())
        await yes(pilot, app, ticks)
        assert asked(desk, "delete") == [("delete", [7])], "what is away stays in its trash"


@pytest.mark.parametrize("place", ["clips", "relink"])
async def test_where_is_it_opens_the_copies_of_this_clip(make_app: MakeApp, place: str) -> None:
    desk = busy_desk()
    app = make_app(desk, place)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "w")
        assert isinstance(app.screen, CopiesScreen)
        assert len(asked(desk, "copies")) == 1
