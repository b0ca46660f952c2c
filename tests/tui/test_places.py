"""The places beside the four queues, and the keys that lead to them: what each asks the engine for."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.api.facts import Claim, ClipScope, Notice
from engine.errors import Refused
from tests.tui.fake_parts import CLIPS, clip
from tests.tui.fakes import FakeDesk, busy_desk
from tui.app import RushesApp
from tui.runner import ThreadRunner
from tui.screens.clips import ClipsScreen
from tui.screens.confirm import ConfirmDialog
from tui.screens.copies import CopiesScreen
from tui.screens.damaged import DamagedScreen
from tui.screens.drive_lists import OffersScreen, PastScreen
from tui.screens.ingest import IngestScreen
from tui.screens.mapping import MapDialog
from tui.screens.new_ingest import IngestDialog, WatchDialog
from tui.screens.notices import NoticesScreen
from tui.screens.plan import PlanDialog
from tui.screens.relink import RelinkScreen
from tui.screens.volumes import VolumesScreen
from tui.widgets.bars import StatusLine
from tui.widgets.line_view import LineView
from tui.widgets.one_line import OneLine
from tui.widgets.row_table import RowTable

MakeApp = Callable[..., RushesApp]


def table(app: RushesApp) -> RowTable:
    return app.screen.query_one("#table", RowTable)


def toasts(app: RushesApp) -> list[str]:
    return [note.message for note in app._notifications]


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


async def yes(pilot: Pilot[Any], app: RushesApp, ticks: Any) -> None:
    assert isinstance(app.screen, ConfirmDialog)
    ticks.seconds += 1
    await press(pilot, "y")


# -- clips ---------------------------------------------------------------------------
async def test_clips_are_reached_from_anywhere_and_narrowed_by_state(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "C")
        assert isinstance(app.screen, ClipsScreen)
        assert table(app).count == len(CLIPS)
        await press(pilot, "s", "f")
        assert desk.footage.scopes[-1] == ClipScope("offline")
        assert table(app).count == 1
        await press(pilot, "escape")
        assert table(app).count == len(CLIPS)
        await press(pilot, "r")
        assert desk.footage.scopes[-1] == ClipScope("risk")
        await press(pilot, "r")
        assert desk.footage.scopes[-1] == ClipScope()


async def test_clips_of_a_drive_and_those_only_there(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "u")
        assert isinstance(app.screen, ClipsScreen)
        assert desk.footage.scopes[-1] == ClipScope(volume_id="archive", only=True)
        assert "only on ARCHIVE 2" in app.screen.query_one(StatusLine).text
        await press(pilot, "1", "c")
        assert desk.footage.scopes[-1] == ClipScope(volume_id="archive")


async def test_tags_are_added_and_taken_away_on_marked_clips(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "space", "space", "t", *"night, -hero", "enter")
        assert desk.asked == [("tag", "clip-1", ["night"], ["hero"]), ("tag", "clip-2", ["night"], ["hero"])]
        await press(pilot, "g", "b")
        assert desk.asked[-1] == ("favourite", "clip-1", False)


async def test_where_is_it_tells_of_every_copy(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "clips")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "enter", "tab")
        assert isinstance(app.screen, CopiesScreen)
        assert table(app).count == 4
        told = app.screen.query_one("#detail", LineView).text
        assert "/mnt/nas/footage/A001C001.MP4" in told
        assert "2 proven copies on 2 devices; enough" in told


async def test_a_long_list_is_read_beside_the_loop_and_keys_go_on(make_app: MakeApp) -> None:
    desk = busy_desk()
    gate = threading.Event()
    source = desk.footage.clip_source
    plain = source.ids

    def slow(wanted: Any) -> Any:
        if not gate.wait(20):
            raise AssertionError("nobody opened the gate")
        return plain(wanted)

    source.ids = slow
    calls: list[tuple[Any, ...]] = []
    app = make_app(desk, "clips", runner=ThreadRunner(lambda *call: calls.append(call)))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j")
        assert table(app).reading
        assert "reading" in app.screen.query_one(StatusLine).text
        gate.set()
        while table(app).reading:
            await pilot.pause()
            if calls:
                function, *given = calls.pop()
                function(*given)
        assert table(app).count == len(CLIPS)


async def test_an_answer_to_a_filter_that_is_no_longer_wanted_is_dropped(make_app: MakeApp) -> None:
    desk = busy_desk()
    calls: list[tuple[Any, ...]] = []
    app = make_app(desk, "clips", runner=ThreadRunner(lambda *call: calls.append(call)))
    async with app.run_test(size=(80, 24)) as pilot:
        while not calls:
            await pilot.pause()
        first = calls.pop()
        await press(pilot, "slash", *"c003")
        while len(calls) < 1:
            await pilot.pause()
        first[0](*first[1:])
        await pilot.pause()
        assert table(app).count == 0, "what was asked for first is not what is wanted now"


# -- damage --------------------------------------------------------------------------
async def test_damaged_copies_are_repaired_by_one_key_and_an_answer(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "exclamation_mark", "r")
        await yes(pilot, app, ticks)
        assert desk.asked == [("repair", [11])]
        await press(pilot, "j", "r")
        assert "SHUTTLE is away" in toasts(app)[-1]
        await press(pilot, "j", "r")
        assert "nothing to make it anew from" in toasts(app)[-1]


async def test_only_what_can_be_repaired_of_the_marked_is(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "exclamation_mark", "asterisk", "r")
        await yes(pilot, app, ticks)
        assert desk.asked == [("repair", [11])]


@pytest.mark.parametrize("place", ["volumes", "ingest", "exports", "relink", "clips"])
async def test_damage_is_seen_on_every_screen(make_app: MakeApp, place: str) -> None:
    desk = busy_desk()
    header = desk.header()
    counts = dataclasses.replace(header.counts, damaged=3)
    desk.header_now = dataclasses.replace(header, counts=counts)
    app = make_app(desk, place)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "3 damaged (!)" in app.screen.query_one(StatusLine).text


async def test_a_scrub_is_asked_for(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "V")
        await yes(pilot, app, ticks)
        assert desk.asked == [("verify",)]


# -- notices -------------------------------------------------------------------------
def noticed(desk: FakeDesk, *texts: str) -> None:
    """New notices, as the database would tell of them."""
    desk.footage.new = [
        Notice(f"id-{text}", "2026-11-20T18:00:00.000Z", "warning", text, "volumes") for text in texts
    ]
    header = dataclasses.replace(busy_desk().header())
    counts = dataclasses.replace(header.counts, notices=len(texts))
    desk.header_now = dataclasses.replace(header, counts=counts)
    desk.write()


async def test_a_notice_is_shown_once_and_kept(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        noticed(desk, "SHUTTLE: offline")
        app.feed.poll()
        await pilot.pause()
        noticed(desk, "NAS: low", "SHUTTLE: offline")
        app.feed.poll()
        await pilot.pause()
        assert toasts(app) == ["SHUTTLE: offline", "NAS: low"]
        assert "2 notices (N)" in app.screen.query_one(StatusLine).text
        await press(pilot, "N")
        assert isinstance(app.screen, NoticesScreen)
        assert ("saw_all",) in desk.asked


async def test_what_came_while_nobody_looked_is_one_sentence(make_app: MakeApp) -> None:
    desk = busy_desk()
    noticed(desk, "a", "b", "c", "d")
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        assert toasts(app) == ["4 notices since you last looked; N lists them."]


async def test_many_at_once_are_counted(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        noticed(desk, *"abcdef")
        app.feed.poll()
        await pilot.pause()
        assert toasts(app) == ["a", "b", "c", "3 more notices; N lists them."]


async def test_a_notice_leads_to_where_something_can_be_done(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "N", "enter")
        assert isinstance(app.screen, VolumesScreen)
        await press(pilot, "N", "G", "enter")
        assert isinstance(app.screen, DamagedScreen)


# -- ingest --------------------------------------------------------------------------
FOLDERS = ("n", *"/a", "enter", *"/b", "enter", "enter", *"/x", "enter", "enter")


async def test_what_is_chosen_in_the_plan_reaches_the_engine(make_app: MakeApp) -> None:
    desk = busy_desk()
    queued: list[Any] = []
    desk.intake.queue = lambda sources, to, options: queued.append((sources, to, options)) or "new-job"  # type: ignore[func-returns-value,method-assign]
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FOLDERS)
        assert isinstance(app.screen, PlanDialog)
        await press(pilot, "j", "e", "ctrl+u", *"{date}/{original}", "enter")
        await press(pilot, "j", "e", *"/y:/z", "enter", "j", "space", "j", "space", "j", "space")
        await press(pilot, "j", "space", "j", "space", "j", "space", "j", "e", *"Day 12", "enter", "enter")
        ((sources, to, options),) = queued
        assert (sources, to) == (["/a", "/b"], ["/x"])
        assert dataclasses.asdict(options) == {
            **dataclasses.asdict(type(options)()),
            "layout": "template",
            "template": "{date}/{original}",
            "then": ("/y", "/z"),
            "duplicates": "copy",
            "verify_source": True,
            "hash_lists": True,
            "checksums": ("md5",),
            "thumbnails": False,
            "priority": "high",
            "name": "Day 12",
        }


async def test_a_template_is_planned_while_it_is_typed_and_esc_takes_it_back(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FOLDERS, "j", "e", "ctrl+u", *"{date}")
        assert [options.template for _, _, options in desk.intake.planned][-2:] == ["{date", "{date}"]
        await press(pilot, "escape")
        assert isinstance(app.screen, PlanDialog)
        assert desk.intake.planned[-1][2].layout == "tree"


async def test_the_foot_of_the_folders_says_what_enter_does(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n")

        def foot() -> str:
            return app.screen.query_one("#foot", OneLine).text

        assert "enter next" in foot()
        await press(pilot, "down")
        assert "enter take it" in foot()
        await press(pilot, "up", *"/tmp/c")
        assert "enter add" in foot()
        await press(pilot, "enter")
        assert "enter next" in foot()
        await press(pilot, "backspace", "enter")
        assert "Nothing is chosen yet" in app.screen.query_one("#said", LineView).text
        await press(pilot, "/")
        assert not app.screen.query_one("#said").display, "a refusal goes when something is typed"


async def test_many_folders_leave_room_for_the_fields(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n")
        for number in range(9):
            await press(pilot, *f"/tmp/card{number}", "enter")
        await press(pilot, "enter")
        for number in range(9):
            await press(pilot, *f"/tmp/to{number}", "enter")
        box = app.screen.query_one(".box").region
        assert box.y >= 0
        assert box.bottom <= 24
        told = app.screen.query_one("#from #chosen", LineView).text
        assert "6 before" in told
        assert "/tmp/card8" in told


async def test_a_long_template_leaves_the_plan_on_a_small_screen(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n", *"/tmp/card", "enter", "enter", *"/tmp/a", "enter", "enter", "down", "e")
        await press(pilot, *("x" * 90), "enter")
        assert app.screen.query_one("#fields", LineView).size.height == 10
        assert app.screen.query_one(".box").region.bottom <= 24


async def test_what_the_plan_refuses_is_not_queued(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.refusals["plan"] = Refused("/x has no room.")
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *FOLDERS, "enter", "enter")
        assert isinstance(app.screen, PlanDialog)
        assert {what for what, *_ in desk.asked} == {"plan"}


async def test_the_journal_of_a_file_is_one_key_away(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(140, 60)) as pilot:
        await press(pilot, "enter", "enter")
        assert desk.asked == [("journal", 1)]
        told = app.screen.query_one(LineView).text
        for word in ("Two readings", "blake3", "xxh128", "write and flush", "read back", "second stage"):
            assert word in told


async def test_jobs_move_in_the_queue_and_change_their_priority(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "plus")
        assert "only one that waits can be moved" in toasts(app)[-1]
        await press(pilot, "j", "j", "j", "plus")
        assert "is at place 2 of the line" in toasts(app)[-1]
        await press(pilot, "minus", "t", "u", "u")
        assert desk.asked == [
            ("move", "j4", "up"),
            ("move", "j4", "down"),
            ("move", "j4", "top"),
            ("priority", "j4", "urgent"),
        ]


async def test_a_report_says_where_it_lies(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "w", "down", "enter")
        assert desk.asked == [("report", "j1", ["pdf"])]
        assert ".rushes/reports/A001_1120.pdf" in app.screen.query_one(LineView).text


async def test_watch_folders_are_added_rested_and_removed(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "W", "n", *"/drop", "enter", "enter", *"/nas", "enter", "enter", "enter")
        assert desk.asked == [("watch", "/drop", ["/nas"], None)]
        assert table(app).cursor_id == 9
        await press(pilot, "p")
        assert desk.asked[-1] == ("rest", 9, False)
        await press(pilot, "p")
        assert desk.asked[-1] == ("rest", 9, True)
        await press(pilot, "x")
        await yes(pilot, app, ticks)
        assert desk.asked[-1] == ("unwatch", 9)
        await press(pilot, "h")
        assert isinstance(app.screen, IngestScreen)


@pytest.mark.parametrize(
    ("to", "key", "asked", "mode"),
    [
        ("", "l", [], "reference"),
        ("", "c", [], "copy"),
        ("/nas", "c", ["/nas"], "copy"),
        ("/nas", "t", ["/nas"], None),
    ],
)
async def test_a_watch_folder_may_leave_files_where_they_lie(
    make_app: MakeApp, to: str, key: str, asked: list[str], mode: str | None
) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(140, 45)) as pilot:
        await press(pilot, "W", "n", *"/drop", "enter", "enter", *to, *(["enter"] if to else []), "enter")
        if to:  # what goes somewhere is copied
            await press(pilot, "l")
            assert desk.asked == []
        await press(pilot, "escape")
        assert isinstance(app.screen, WatchDialog), "back to the folders"
        await press(pilot, "enter", key)
        assert desk.asked == [("watch", "/drop", asked, mode)]
        told = app.screen.query_one("#detail", LineView).text
        assert ("\nTo\n" in told) is (mode != "reference"), "what stays where it lies goes nowhere"


# -- volumes -------------------------------------------------------------------------
async def test_two_that_claim_one_identity_are_told_apart_by_an_answer(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.volume_source.change("nas", state="conflict")
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "S", "down", "enter")
        assert desk.asked == [("settle", "nas", "/media/ana/TWIN1")]


@pytest.mark.parametrize("state", ["conflict", "online"])
async def test_a_clone_is_told_apart_by_an_answer(make_app: MakeApp, state: str) -> None:
    desk = busy_desk()
    desk.volume_source.change("nas", state=state)
    desk.drives.claimed = [Claim("nas", "TWIN", "/mnt/b", 12)] if state == "conflict" else []
    desk.drives.claimed.append(Claim(None, "TWIN", "/mnt/b", 0))
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "S")
        assert "/mnt/b is a drive of its own, a clone of TWIN" in app.screen.query_one(LineView).text
        await press(pilot, "2" if state == "conflict" else "1")
        assert desk.asked == [("settle", None, "/mnt/b")]
        assert any("TWIN is away. S takes it back." in text for text in toasts(app))


async def test_what_was_said_of_two_volumes_is_taken_back(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    desk.drives.claimed = []
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "S")
        assert desk.asked == [], "it is in no conflict and never was"
        assert any("is in no conflict" in text for text in toasts(app))
        desk.drives.settled.add("nas")
        await press(pilot, "S")
        await yes(pilot, app, ticks)
        assert desk.asked == [("unsettle", "nas")]


async def test_new_footage_opens_the_ingest_with_it(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "a")
        assert isinstance(app.screen, OffersScreen)
        await press(pilot, "enter")
        assert isinstance(app.screen, IngestDialog)
        await press(pilot, *"/x", "enter", "enter", "enter")
        assert desk.asked[-1] == ("ingest", ["/mnt/nas/incoming/A007"], ["/x"])
        assert isinstance(app.screen, OffersScreen)
        await press(pilot, "x")
        assert desk.asked[-1] == ("dismiss", 1)
        assert toasts(app)[-1] == "Waved aside; u offers it again."
        await press(pilot, "u")
        assert desk.asked[-1] == ("restore_offers", None)
        assert toasts(app)[-1] == "1 offer back."
        desk.drives.restore_offers = lambda _: 0  # type: ignore[method-assign]
        await press(pilot, "x", "u")
        assert table(app).count == 0
        assert toasts(app)[-1] == "Nothing here was waved aside.", "the key works where no row is left"


async def test_colour_and_history(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "B", "b")
        assert desk.asked == [("colour", "nas", "blue")]
        await press(pilot, "H")
        assert isinstance(app.screen, PastScreen)
        await press(pilot, "f", "f")
        assert table(app).count == 1


# -- relink --------------------------------------------------------------------------
async def test_one_link_brings_its_neighbours(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, *("j",) * 6, "m")
        assert isinstance(app.screen, MapDialog)
        told = app.screen.query_one("#preview", LineView).text
        assert "313 files found there" in told
        assert "2 not there" in told
        assert "1 conflict" in told
        await press(pilot, "space", "enter")
        old, new = "/mnt/shuttle/DAY_11", "/mnt/archive2/projects/river/day 11"
        assert desk.asked == [
            ("proposals", 7),
            ("map", old, new, True, False),
            ("map", old, new, False, True),
        ]
        assert "313 files linked" in toasts(app)[-1]


async def test_the_folders_of_a_mapping_can_be_typed(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "m", "e", "ctrl+u", *"/was", "enter", "ctrl+u", *"/is", "enter", "enter")
        assert ("map", "/was", "/is", True, False) in desk.asked, "what it would do is shown first"
        assert desk.asked[-1] == ("map", "/was", "/is", False, False)
        desk.asked.clear()
        await press(pilot, "m", "e", "escape", "e", "enter", "escape", "escape")
        assert [asked for asked in desk.asked if asked[0] == "map" and not asked[3]] == []


async def test_a_volume_gets_its_marker_after_a_question(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "M")
        assert isinstance(app.screen, ConfirmDialog)
        assert desk.asked == []
        await yes(pilot, app, ticks)
        assert desk.asked == [("volume", table(app).cursor_id, "mark", None)]
        desk.volume_source.change(table(app).cursor_id, read_only=True)
        await press(pilot, "R", "M")
        assert "is read-only" in toasts(app)[-1]


async def test_a_mapping_without_a_hit_is_not_applied(make_app: MakeApp) -> None:
    desk = busy_desk()
    plain = desk.finding.map
    desk.finding.map = lambda *given, **named: {**plain(*given, **named), "hits": 0}  # type: ignore[method-assign]
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "m", "enter", "enter")
        assert all(what != "map" or given[2] for what, *given in desk.asked)


async def test_a_mapping_that_was_dropped_is_kept_again(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "M", "x")
        await yes(pilot, app, ticks)
        assert desk.asked[-1][0] == "drop_rule"
        await press(pilot, "u")
        assert desk.asked[-1] == ("restore_rule",)
        assert "is mapped by itself again" in toasts(app)[-1]


async def test_an_undone_verdict_is_given_again(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *("j",) * 6, "u", "U")
        assert desk.asked == [("decide", 7, "undo"), ("redo", 7)]
        await press(pilot, "g", "U")
        assert desk.asked[-1] == ("redo", None), "a row without one means the newest that was taken back"


async def test_sessions_are_taken_back_as_a_whole(make_app: MakeApp, ticks: Any) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "H", "u")
        await yes(pilot, app, ticks)
        assert desk.asked == [("undo_session", "session")]
        await press(pilot, "U")
        await yes(pilot, app, ticks)
        assert desk.asked[-1] == ("redo_session", "session")
        await press(pilot, "escape")
        assert isinstance(app.screen, RelinkScreen)


async def test_names_that_are_hostile_stay_text_everywhere(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.footage.clip_source.all[1] = clip(1, title="\x1b[2J[red]x", tags=("\x1b]0;t",))
    app = make_app(desk, "clips")
    source = desk.shelf.copies_source
    source.all[1] = dataclasses.replace(source.all[1], name="\x1b[2J[red]x")
    async with app.run_test(size=(140, 45)) as pilot:
        await press(pilot, "enter")
        assert isinstance(app.screen, CopiesScreen)
        for told in (app.screen.query_one("#detail", LineView).text, str(app.screen.extra_parts())):
            assert "x1b[2J[red]x" in told
            assert "\x1b" not in told


async def test_what_nobody_could_find_out_of_a_volume_is_unknown_and_never_no(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.volume_source.change("nas", is_network=None, is_removable=None)
    app = make_app(desk)
    async with app.run_test(size=(140, 45)):
        assert table(app).cursor_id == "nas"
        text = app.screen.query_one("#detail", LineView).text
        assert "whether network or removable" in text
        assert "solid state" not in text
