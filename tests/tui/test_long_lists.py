"""Long lists on the screen: read by pages from a real library while rows come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.api import views
from engine.api.ids import Ids
from engine.api.rows import Filter, Id
from engine.api.views import order
from engine.library import Library
from engine.storage.database import write
from tests.tui.fakes import FakeDesk, busy_desk
from tui.app import RushesApp
from tui.widgets import id_list
from tui.widgets.bars import StatusLine
from tui.widgets.row_table import RowTable

MakeApp = Callable[..., RushesApp]
MOMENT = "2026-11-20T10:00:00.000Z"
CLIPS = 120


@pytest.fixture
def shelf(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library of clips, and pages so small that each screenful needs several."""
    monkeypatch.setattr(order, "PAGE", 6)
    monkeypatch.setattr(order, "FEW", 12)
    monkeypatch.setattr(id_list, "SHARE", 1e9)  # however slow this machine is: a look reads again
    with write(library.db()):
        for number in range(CLIPS):
            add(library, number * 10)
    return library


def add(library: Library, number: int) -> None:
    """A clip; those of higher numbers are newer, and come first."""
    db = library.db()
    db.execute("INSERT INTO assets (asset_id, size, created_at) VALUES (?, 1, ?)", (number, MOMENT))
    db.execute(
        "INSERT INTO clips (rowid, clip_id, title, kind, asset_id, recorded_at, created_at)"
        " VALUES (?, ?, ?, 'video', ?, ?, ?)",
        (number, f"clip-{number:05}", f"C{number:05}", number, f"2026-11-20T10:00:00.{number:06}Z", MOMENT),
    )


def drop(library: Library, *numbers: int) -> None:
    with write(library.db()) as db:
        for number in numbers:
            db.execute("DELETE FROM clips WHERE rowid = ?", (number,))


def desk_of(library: Library) -> FakeDesk:
    desk = busy_desk()
    desk.footage.clip_source = views.Clips(library)
    return desk


def table(app: RushesApp) -> RowTable:
    return app.screen.query_one("#table", RowTable)


def lines(app: RushesApp) -> list[str]:
    """What the rows on the screen show."""
    one = table(app)
    return [one.render_line(y).text for y in range(1, one.size.height)]


def line_of_cursor(app: RushesApp) -> int:
    (at,) = [at for at, text in enumerate(lines(app)) if not text.startswith(" ")]
    return at


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


async def to(pilot: Pilot[Any], app: RushesApp, place: int) -> None:
    """Put the cursor there."""
    table(app).go(place)
    await pilot.pause()


async def look(pilot: Pilot[Any], app: RushesApp, desk: FakeDesk) -> None:
    """The feed looks, and something was written."""
    desk.writes += 1
    app.feed.poll()
    await pilot.pause()


def numbers(library: Library, wanted: Filter | None = None) -> list[Id]:
    return list(views.Clips(library).ids(wanted or Filter()))


async def test_moving_about_shows_each_row_in_its_place_and_never_reads_all(
    shelf: Library, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = numbers(shelf)
    monkeypatch.setattr(order.Order, "_whole", lambda _: pytest.fail("all ids are read"))
    app = make_app(desk_of(shelf), "clips")
    async with app.run_test(size=(100, 20)) as pilot:
        await press(pilot)
        assert isinstance(table(app).ids, Ids)
        assert table(app).count == CLIPS
        at = 0
        page = table(app).size.height - 1
        for key, place in (
            ("j", 1), ("G", CLIPS - 1), ("k", CLIPS - 2), ("g", 0), (50, 50), ("j", 51), (64, 64), (30, 30),
            ("G", CLIPS - 1), (70, 70), ("k", 69), ("g", 0),
        ):  # fmt: skip
            await (to(pilot, app, key) if isinstance(key, int) else press(pilot, key))
            at = place
            assert (table(app).cursor, table(app).cursor_id) == (at, known[at]), key
            top = table(app).scroll_offset.y
            assert top <= at < top + page
            shown = [f"C{number:05}" in text for number, text in zip(known[top:], lines(app), strict=False)]
            assert all(shown), (key, lines(app))
        await press(pilot, *["ctrl+d"] * 3, "ctrl+u")
        assert table(app).cursor_id == known[table(app).cursor]


async def test_the_cursor_stays_on_its_row_and_the_row_on_its_line(shelf: Library, make_app: MakeApp) -> None:
    desk = desk_of(shelf)
    app = make_app(desk, "clips")
    async with app.run_test(size=(100, 20)) as pilot:
        await to(pilot, app, 40)
        here, line = table(app).cursor_id, line_of_cursor(app)
        with write(shelf.db()):
            for number in range(5000, 5030):
                add(shelf, number)
        await look(pilot, app, desk)
        assert (table(app).cursor, table(app).cursor_id) == (70, here)
        assert line_of_cursor(app) == line
        assert table(app).count == CLIPS + 30
        assert f"{CLIPS + 30} clips" in app.screen.query_one(StatusLine).text
        drop(shelf, *range(5000, 5025))
        await look(pilot, app, desk)
        assert (table(app).cursor, table(app).cursor_id) == (45, here)
        assert line_of_cursor(app) == line


async def test_a_row_that_vanishes_leaves_its_place_to_the_next(shelf: Library, make_app: MakeApp) -> None:
    desk = desk_of(shelf)
    app = make_app(desk, "clips")
    async with app.run_test(size=(100, 20)) as pilot:
        await to(pilot, app, 40)
        known = numbers(shelf)
        drop(shelf, known[40])  # type: ignore[arg-type]  # a number
        assert table(app).current() is not None, "what was read stays until the next look"
        await look(pilot, app, desk)
        assert (table(app).cursor, table(app).cursor_id) == (40, known[41])
        await press(pilot, "G")
        drop(shelf, *known[30:], 90, 80)  # type: ignore[arg-type]  # numbers
        await press(pilot, "k")  # before anybody has looked
        await look(pilot, app, desk)
        left = numbers(shelf)
        assert (table(app).cursor, table(app).cursor_id) == (len(left) - 1, left[-1])
        drop(shelf, *left)  # type: ignore[arg-type]  # numbers
        await look(pilot, app, desk)
        assert (table(app).count, table(app).cursor_id) == (0, None)


async def test_marks_and_ranges_are_of_rows_whatever_comes_between(shelf: Library, make_app: MakeApp) -> None:
    desk = desk_of(shelf)
    app = make_app(desk, "clips")
    async with app.run_test(size=(100, 20)) as pilot:
        await to(pilot, app, 40)
        await press(pilot, "space", "space")
        known = numbers(shelf)
        assert table(app).marks == set(known[40:42])
        await to(pilot, app, 60)
        await press(pilot, "v", "G")
        assert table(app).marks == {*known[40:42], *known[60:]}
        with write(shelf.db()):
            add(shelf, 5000)
            add(shelf, 15)
        await look(pilot, app, desk)
        await press(pilot, "k")
        now = numbers(shelf)
        assert table(app).marks == {*known[40:42], *now[now.index(known[60]) : -1]}
        assert "range" in app.screen.query_one(StatusLine).text
        await press(pilot, "v", "slash", *"c000", "enter")
        shown = numbers(shelf, Filter(text="c000"))
        marked = table(app).marks
        some = [one for one in shown if one in marked]
        assert list(table(app).shown_marks()) == some
        hidden = len(marked) - len(some)
        assert f"{len(some)} marked ({hidden} hidden)" in app.screen.query_one(StatusLine).text
        drop(shelf, 90)
        await look(pilot, app, desk)
        assert f"{len(some) - 1} marked ({hidden + 1} hidden)" in app.screen.query_one(StatusLine).text
        assert [row.row_id for row in table(app).chosen()] == [one for one in some if one != 90]


async def test_all_are_marked_and_turned_round(shelf: Library, make_app: MakeApp) -> None:
    app = make_app(desk_of(shelf), "clips")
    async with app.run_test(size=(100, 20)) as pilot:
        await press(pilot, "asterisk")
        assert table(app).marks == set(numbers(shelf))
        await press(pilot, "space")
        app.screen.query_one("#table", RowTable).invert_marks()
        assert table(app).marks == {numbers(shelf)[0]}


async def test_filter_and_order_keep_the_row_under_the_cursor(shelf: Library, make_app: MakeApp) -> None:
    app = make_app(desk_of(shelf), "clips")
    async with app.run_test(size=(100, 20)) as pilot:
        await to(pilot, app, 60)
        here = table(app).cursor_id
        for wish in ({"text": "0"}, {"reverse": True}, {"order": "name"}, {"text": "!c0001"}):
            table(app).wish(**wish)
            await pilot.pause()
            assert table(app).cursor_id == here
            assert table(app).cursor == numbers(shelf, table(app).filter).index(here), wish
            assert table(app).count == len(numbers(shelf, table(app).filter))
        table(app).wish(text="c0001")
        assert table(app).cursor_id != here


async def test_a_look_that_finds_the_same_moves_nothing(shelf: Library, make_app: MakeApp) -> None:
    """Somebody writes beside: the list is another object, and looks the same."""
    desk = desk_of(shelf)
    app = make_app(desk, "clips")
    async with app.run_test(size=(100, 20)) as pilot:
        await to(pilot, app, 60)
        one = table(app)
        before, moved, drawn = one.ids, [], []
        plain = one.refresh

        def refresh(*regions: Any, **options: Any) -> Any:
            drawn.extend(regions or ("all",))
            return plain(*regions, **options)

        one.refresh = refresh  # type: ignore[method-assign]
        app.screen._cursor_moved = moved.append  # type: ignore[attr-defined]
        await look(pilot, app, desk)
        assert one.ids is not before
        assert (drawn, moved) == ([], [])
