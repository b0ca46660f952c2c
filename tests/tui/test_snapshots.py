"""Pictures of every screen, in the sizes and states that matter; looked at before they were accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.api.rows import Header
from engine.errors import Refused
from tests.tui.fakes import FakeDesk, busy_desk
from tui.app import RushesApp
from tui.looks import ASCII

PLACES = ("volumes", "ingest", "exports", "relink")
SIZES = ((80, 24), (140, 45))
size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
place = pytest.mark.parametrize("place", PLACES)

MakeApp = Callable[..., RushesApp]
Snap = Callable[..., bool]


def press(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run(pilot: Pilot[Any]) -> None:
        for key in keys:
            await pilot.press(key)
        await pilot.pause()

    return run


@place
@size
def test_empty(snap_compare: Snap, make_app: MakeApp, place: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(FakeDesk(), place), terminal_size=size)


@place
@size
def test_busy(snap_compare: Snap, make_app: MakeApp, place: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk(), place), terminal_size=size)


@place
def test_busy_narrow(snap_compare: Snap, make_app: MakeApp, place: str) -> None:
    assert snap_compare(make_app(busy_desk(), place), terminal_size=(60, 20))


@pytest.mark.parametrize("place", ["ingest", "exports"])
@size
def test_failed(snap_compare: Snap, make_app: MakeApp, place: str, size: tuple[int, int]) -> None:
    at = {"ingest": ["j"] * 7, "exports": ["j"] * 2}[place]
    assert snap_compare(make_app(busy_desk(), place), terminal_size=size, run_before=press(*at))


@size
def test_offline_volume(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=size, run_before=press("j", "j", "j"))


@place
def test_engine_away(snap_compare: Snap, make_app: MakeApp, place: str) -> None:
    desk = busy_desk(header=Header("Day 12", "nas01", "absent"))
    assert snap_compare(make_app(desk, place), terminal_size=(80, 24))


def test_engine_held_elsewhere(snap_compare: Snap, make_app: MakeApp) -> None:
    sentence = "The library is in use by an engine on nas02 (pid 4711) that cannot be asked from here."
    desk = busy_desk(header=Header("Day 12", "nas01", "absent", problem=sentence))
    assert snap_compare(make_app(desk, "ingest"), terminal_size=(80, 24))


@place
@size
def test_no_colour(
    snap_compare: Snap,
    make_app: MakeApp,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    size: tuple[int, int],
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(busy_desk(), place), terminal_size=size)


def test_no_colour_and_no_unicode(
    snap_compare: Snap, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(busy_desk(), "exports", glyphs=ASCII)
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("j", "j", "c"))


@pytest.mark.parametrize("theme", ["rushes-light", "rushes-contrast", "ansi-dark"])
def test_themes(snap_compare: Snap, make_app: MakeApp, theme: str) -> None:
    assert snap_compare(make_app(busy_desk(), "ingest", theme=theme), terminal_size=(140, 45))


def test_ascii(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk(), "exports", glyphs=ASCII), terminal_size=(80, 24))


@size
def test_files_of_a_job(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "ingest")
    assert snap_compare(app, terminal_size=size, run_before=press("enter", "j", "j", "j"))


@place
def test_detail_narrow(snap_compare: Snap, make_app: MakeApp, place: str) -> None:
    assert snap_compare(
        make_app(busy_desk(), place), terminal_size=(80, 24), run_before=press("j", "j", "tab")
    )


@size
def test_help(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "relink")
    assert snap_compare(app, terminal_size=size, run_before=press("question_mark"))


def test_help_filtered(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "relink")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("question_mark", *"mark"))


@size
def test_palette(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "ingest")
    assert snap_compare(app, terminal_size=size, run_before=press("colon"))


@size
def test_confirm(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "ingest")
    assert snap_compare(app, terminal_size=size, run_before=press("space", "space", "space", "c"))


@size
def test_problem(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "exports")
    assert snap_compare(app, terminal_size=size, run_before=press("j", "j", "L"))


def test_log_of_a_job_that_is_well(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk(), "ingest"), terminal_size=(80, 24), run_before=press("L"))


@size
def test_new_ingest(snap_compare: Snap, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(busy_desk(), "ingest")
    before = press("n", "tab", "tab", "enter", "enter", "down")
    assert snap_compare(app, terminal_size=size, run_before=before)


def test_new_ingest_refused(snap_compare: Snap, make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.refusals["ingest"] = Refused(
        "/mnt/nas has 12.0 GiB free; 118 GiB are needed there.",
        "/media/ana/A001_1120/PRIVATE cannot be read: permission denied.",
    )
    before = press("n", "tab", "tab", "enter", "enter", "tab", "tab", "enter", "enter")
    assert snap_compare(make_app(desk, "ingest"), terminal_size=(80, 24), run_before=before)


def test_choose_a_recipe(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "exports")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("n", "space"))


def test_no_recipe(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(recipes=()), "exports")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("n"))


def test_scan_a_folder(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "relink")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("n"))


def test_order(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=press("o", "down"))


def test_filter_marks_and_range(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "relink")
    before = press("space", "j", "v", "j", "j", "slash", *"c000", "enter")
    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


def test_filter_that_nothing_passes(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("slash", *"zebra"))


def test_not_safe_to_format(snap_compare: Snap, make_app: MakeApp) -> None:
    assert snap_compare(make_app(busy_desk()), terminal_size=(80, 24), run_before=press("j", "j", "F"))


def test_a_demo_is_running(snap_compare: Snap, make_app: MakeApp) -> None:
    note = "3. Ingest of three cards: 42 files, 84 copies, each read back from its device"
    assert snap_compare(make_app(busy_desk(notes=(note,)), "ingest"), terminal_size=(80, 24))


def test_delete_a_run(snap_compare: Snap, make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "exports")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press("G", "k", "D"))


def test_a_volume_that_is_held(snap_compare: Snap, make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.holders = (
        "the job A001_1120 (7f3a91c2) works on it. Pause or cancel it first.",
        "ffmpeg (process 4711) has /mnt/nas/projects/river/day 11/C0001.MP4 open.",
    )
    assert snap_compare(make_app(desk), terminal_size=(80, 24), run_before=press("x"))
