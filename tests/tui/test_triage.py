"""Cursor, marks, filter, verbs: what triage by keyboard must get right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from engine.api.candidates import CandidateDetail
from engine.api.facts import LostClips
from engine.api.rows import Counts, Header
from engine.errors import IllegalTransition, RushesError
from tests.tui.fakes import FakeDesk, Ticks, busy_desk, candidate, job, volume
from tui.app import RushesApp
from tui.screens.confirm import ConfirmDialog
from tui.screens.inputs import AnswerDialog
from tui.screens.new_ingest import IngestDialog
from tui.screens.plan import PlanDialog
from tui.screens.run_cells import what_goes
from tui.screens.triage import TriageScreen
from tui.widgets.bars import StatusLine
from tui.widgets.line_view import LineView
from tui.widgets.row_table import RowTable

MakeApp = Callable[..., RushesApp]


def table(app: RushesApp) -> RowTable:
    return app.screen.query_one("#table", RowTable)


def toasts(app: RushesApp) -> list[str]:
    return [note.message for note in app._notifications]


def row_text(app: RushesApp, line: int) -> str:
    return "".join(segment.text for segment in table(app).render_line(line))


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


def many(count: int) -> FakeDesk:
    return FakeDesk(jobs=[job(f"j{at:05d}", title=f"Card {at:05d}") for at in range(count)])


async def test_a_refresh_that_moves_rows_keeps_the_cursor_on_its_row(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "j")
        assert table(app).cursor_id == "j3"
        desk.job_source.all["new"] = job("new")
        desk.job_source.sequence.insert(0, "new")
        desk.write()
        app.feed.poll()
        await pilot.pause()
        assert table(app).cursor_id == "j3"
        assert table(app).cursor == 3
        assert "GoPro 3" in row_text(app, 4)


async def test_a_verb_meets_the_chosen_row_after_rows_moved_under_it(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j")
        desk.job_source.sequence.reverse()
        desk.write()
        app.feed.poll()
        await pilot.pause()
        await press(pilot, "p")
        assert desk.asked == [("job", "j2", "pause")]


async def test_a_row_that_goes_leaves_the_cursor_at_its_place(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "j")
        desk.job_source.sequence.remove("j3")
        desk.write()
        app.feed.poll()
        await pilot.pause()
        assert table(app).cursor_id == "j4"


async def test_in_a_scrolled_list_new_rows_do_not_move_what_is_looked_at(make_app: MakeApp) -> None:
    desk = many(200)
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "G", "k", "k")
        before, where = table(app).cursor_id, table(app).cursor - table(app).scroll_offset.y
        for at in range(5):
            desk.job_source.all[f"n{at}"] = job(f"n{at}")
            desk.job_source.sequence.insert(0, f"n{at}")
        desk.write()
        app.feed.poll()
        await pilot.pause()
        assert table(app).cursor_id == before
        assert table(app).cursor - table(app).scroll_offset.y == where


async def test_marks_survive_a_refresh_and_verbs_act_on_them(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "space", "space")
        desk.job_source.sequence.reverse()
        desk.write()
        app.feed.poll()
        await pilot.pause()
        assert table(app).marks == {"j1", "j2"}
        await press(pilot, "p")
        assert sorted(desk.asked) == [("job", "j1", "pause"), ("job", "j2", "pause")]
        assert table(app).marks == set()


async def test_marked_rows_that_the_filter_hides_are_left_alone_and_counted(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "space", "space", "slash", *"b002", "enter")
        assert "1 marked (1 hidden)" in app.screen.query_one(StatusLine).text
        await press(pilot, "p")
        assert desk.asked == [("job", "j2", "pause")]
        assert table(app).marks == {"j1"}


async def test_a_range_is_marked_by_v_and_movement(make_app: MakeApp) -> None:
    app = make_app(many(50), "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "v", "j", "j", "k")
        assert sorted(map(str, table(app).marks)) == ["j00001", "j00002"]
        await press(pilot, "v", "G")
        assert len(table(app).marks) == 2
        await press(pilot, "i")
        assert len(table(app).marks) == 48
        await press(pilot, "asterisk")
        assert len(table(app).marks) == 50


async def test_a_verb_ends_the_range_that_it_acts_on(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        first, second = list(table(app).ids)[:2]
        await press(pilot, "v", "j", "x")
        assert [asked[1] for asked in desk.asked] == [first, second]
        assert not table(app).ranging
        assert table(app).marks == set()
        await press(pilot, "g", "j", "j", "j")
        assert table(app).marks == set(), "moving marks nothing any more"


async def test_escape_goes_one_step_back_and_never_leaves(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "space", "f", "slash", *"to", "enter")
        assert table(app).filter.text == "to"
        await press(pilot, "escape")
        assert table(app).filter.text == ""
        assert table(app).marks
        await press(pilot, "escape")
        assert not table(app).marks
        assert table(app).filter.show == "active"
        await press(pilot, "escape")
        assert table(app).filter.show == "all"
        await press(pilot, "escape", "escape")
        assert app.is_running
        assert any("q leaves" in toast for toast in toasts(app))


async def test_the_filter_is_live_inverts_and_lets_the_arrows_through(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"a001")
        assert list(table(app).ids) == ["j1", "j6", "j9"]
        await press(pilot, "down")
        assert table(app).cursor_id == "j6"
        await press(pilot, "home", "exclamation_mark")
        assert "j1" not in table(app).ids
        assert len(table(app).ids) == 7


async def test_f_goes_round_all_active_failed(make_app: MakeApp) -> None:
    app = make_app(busy_desk(), "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "f")
        assert list(table(app).ids) == ["j1", "j2", "j3", "j4", "j5", "j6"]
        await press(pilot, "f")
        assert list(table(app).ids) == ["j6", "j7", "j8"]
        await press(pilot, "f")
        assert table(app).count == 10


async def test_after_a_verdict_the_next_undecided_candidate_is_under_the_cursor(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "a")
        assert table(app).cursor_id == 2
        await press(pilot, "j", "a")  # applies 3, which sets its rival 4 aside
        assert desk.candidate_source.all[4].status == "skipped"
        assert table(app).cursor_id == 5
        await press(pilot, "x")
        assert table(app).cursor_id == 9
        await press(pilot, "x")
        assert table(app).cursor_id == 2


async def test_later_moves_on_and_what_was_put_off_comes_last(make_app: MakeApp) -> None:
    desk = FakeDesk(candidates=[candidate(1), candidate(2), candidate(3)])
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "s")
        assert table(app).cursor_id == 2
        await press(pilot, "a", "a")
        assert table(app).cursor_id == 1
        assert desk.candidate_source.all[1].status == "later"


async def test_undo_takes_back_the_verdict_under_the_cursor_or_the_newest(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "a", "x", "u")
        assert desk.asked[-1] == ("decide", 2, "undo")
        assert table(app).cursor_id == 2
        await press(pilot, "u")
        assert desk.asked[-1] == ("decide", 1, "undo")
        assert [desk.candidate_source.all[at].status for at in (1, 2)] == ["pending", "pending"]


async def test_undo_takes_back_what_one_key_gave_to_marked_rows(make_app: MakeApp) -> None:
    desk = FakeDesk(candidates=[candidate(at) for at in range(1, 7)])
    app = make_app(desk, "relink")
    states = desk.candidate_source.all
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "x", "space", "space", "space", "x")
        assert [states[at].status for at in range(1, 7)] == ["rejected"] * 4 + ["pending"] * 2
        await press(pilot, "u")
        assert [states[at].status for at in range(1, 7)] == ["rejected"] + ["pending"] * 5
        assert table(app).cursor_id == 2
        assert toasts(app)[-1] == "3 taken back; U gives them again."
        await press(pilot, "U")
        assert desk.asked[-3:] == [("redo", at) for at in (2, 3, 4)]
        assert toasts(app)[-1] == "3 given again; u takes them back."
        await press(pilot, "u", "G", "u")
        assert states[1].status == "pending"
        await press(pilot, "u")
        assert toasts(app)[-1] == "There is no verdict here to take back."
        await press(pilot, "asterisk", "x", "escape", "g", "space", "u")
        assert [states[at].status for at in range(1, 7)] == ["pending"] + ["rejected"] * 5, "a mark picks one"
        await press(pilot, "G", "u")
        assert [states[at].status for at in range(1, 7)] == ["pending"] * 6


async def test_after_all_certain_undo_takes_back_what_it_applied(make_app: MakeApp, ticks: Ticks) -> None:
    desk = FakeDesk(candidates=[candidate(1), candidate(2), candidate(3)])
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "a", "g")
        desk.asked.clear()
        await press(pilot, "A")
        ticks.seconds += 1
        await press(pilot, "y")
        assert table(app).cursor_id == 2, "not on the row that another key decided"
        await press(pilot, "u")
        assert desk.asked[1:] == [("decide", 2, "undo"), ("decide", 3, "undo")]


async def test_undo_on_a_file_that_was_set_aside_says_where_the_verdict_is(make_app: MakeApp) -> None:
    desk = FakeDesk(
        candidates=[candidate(1, copy_id=1, status="applied"), candidate(2, copy_id=1, status="skipped")]
    )
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "j", "u")
        assert desk.asked == []
        assert toasts(app) == ["Set aside: another file was applied (u on its row), or the drive is back."]


async def test_what_was_certain_and_refused_is_told(make_app: MakeApp) -> None:
    desk = FakeDesk(candidates=[candidate(1), candidate(2)])
    desk.apply_certain = lambda: ([1], ["b.mov changed since it was found."])  # type: ignore[method-assign]
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "A")
        cast("Ticks", app.pace.monotonic).seconds += 1
        await press(pilot, "y")
        assert toasts(app) == [
            "1 candidate applied; u takes it back. 1 not: b.mov changed since it was found."
        ]


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ((0, 0), ["Every clip can be read; none is looking for its file."]),
        (
            (314, 0),
            ["No file was found yet that may be a lost one.", "314 clips cannot be read: 314 missing."],
        ),
        (
            (3, 2),
            [
                "No file was found yet that may be a lost one.",
                "5 clips cannot be read: 3 missing, 2 offline.",
            ],
        ),
    ],
)
async def test_an_empty_relink_screen_says_how_many_clips_are_lost(
    make_app: MakeApp, lost: tuple[int, int], said: list[str]
) -> None:
    desk = FakeDesk()
    desk.finding.lost_clips = LostClips(*lost)
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        lines = [row_text(app, at).strip() for at in range(12)]
        assert [line for line in lines if line][: len(said)] == said


async def test_a_refused_verdict_says_why_and_stays(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.refusals["decide:1"] = RushesError("C0001.MP4 is no longer there; nothing was changed.")
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "a")
        assert table(app).cursor_id == 1
        assert toasts(app) == ["C0001.MP4 is no longer there; nothing was changed."]


async def test_of_many_rows_the_refused_are_told_and_the_others_done(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.refusals["job:j2"] = IllegalTransition("This job is done; it cannot be paused.")
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "space", "space", "p")
        assert toasts(app) == ["1 pausing, 1 not: This job is done; it cannot be paused."]
        assert table(app).marks == {"j2"}


async def test_all_certain_asks_first(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        before = [row.id for row in desk.candidate_source.all.values() if row.status == "applied"]
        await press(pilot, "A")
        assert isinstance(app.screen, ConfirmDialog)
        assert desk.asked == []
        cast("Ticks", app.pace.monotonic).seconds += 1
        await press(pilot, "y")
        assert desk.asked == [("apply_certain",)]
        # The cursor is on one that wants a verdict now; u takes back all that A gave.
        applied = [row.id for row in desk.candidate_source.all.values() if row.status == "applied"]
        applied = [one for one in applied if one not in before]
        desk.asked.clear()
        await press(pilot, "u")
        assert desk.asked == [("decide", one, "undo") for one in applied], "what one key gave, one takes back"


@pytest.mark.parametrize("key", ["n", "enter", "escape", "q"])
async def test_every_key_but_y_is_the_safe_answer(make_app: MakeApp, ticks: Ticks, key: str) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "c")
        assert isinstance(app.screen, ConfirmDialog)
        ticks.seconds += 1
        await press(pilot, key)
        assert isinstance(app.screen, TriageScreen)
        assert desk.asked == []


async def test_a_key_typed_ahead_of_a_question_does_not_answer_it(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "c", "y", "enter", "y")
        assert isinstance(app.screen, ConfirmDialog)
        assert desk.asked == []
        ticks.seconds += 0.2
        await press(pilot, "y")
        assert desk.asked == [("job", "j1", "cancel")]


async def test_cancelling_twice_by_habit_does_not_cancel(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "c")
        ticks.seconds += 5
        await press(pilot, "c")
        assert desk.asked == []


async def test_a_job_that_ended_while_another_place_was_in_front_is_shown_as_ended(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "1")
        desk.job_source.change("j1", status="completed", bytes_done=118_000_000_000)
        desk.write()
        app.feed.poll()
        await press(pilot, "2")
        assert "done" in row_text(app, 1)


async def test_what_changes_shows_without_a_key(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.pause()
        assert "35.6%" in row_text(app, 1)
        desk.job_source.change("j1", bytes_done=59_000_000_000)
        desk.write()
        app.feed.poll()
        await pilot.pause()
        assert "50.0%" in row_text(app, 1)


async def test_bars_are_repainted_calmly_and_states_at_once(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")

    async def look(pilot: Pilot[Any], **changes: Any) -> str:
        if changes:
            desk.job_source.change("j1", **changes)
            desk.write()
        app.feed.poll()
        await pilot.pause()
        return row_text(app, 1)

    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "50.0%" in await look(pilot, bytes_done=59_000_000_000)
        assert "50.0%" in await look(pilot, bytes_done=118_000_000_000 * 3 // 4), "too soon for a bar"
        assert "75.0%" in await look(pilot, status="paused"), "a state takes the whole row with it"
        await look(pilot, status="running", bytes_done=118_000_000_000 * 4 // 5)
        assert "80.0%" in await look(pilot, bytes_done=118_000_000_000 * 9 // 10)
        ticks.seconds += 0.5
        assert "90.0%" in await look(pilot), "what was put off is shown without another change"


async def test_an_intent_is_shown_until_the_engine_has_obeyed(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "p")
        assert "pausing" in row_text(app, 1)


async def test_names_that_are_no_plain_text_neither_break_the_screen_nor_are_markup(
    make_app: MakeApp,
) -> None:
    bad = "[bold red]\x1b[2J\n\u202egpj.exe"
    desk = FakeDesk(volumes=[volume("a", name=bad)])
    app = make_app(desk)
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        await pilot.pause()
        text = row_text(app, 1)
        assert "[bold red]\\x" in text
        assert "\x1b" not in text
        desk.refusals["volume"] = RushesError("[link] cannot be renamed")
        await press(pilot, "b")
        assert toasts(app) == ["[link] cannot be renamed"]


async def test_wide_characters_keep_the_columns_in_place(make_app: MakeApp) -> None:
    desk = FakeDesk(
        volumes=[volume("a", name="東京ドライブ東京ドライブ東京ドライブ"), volume("b", name="plain")]
    )
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert table(app).render_line(1).cell_length == table(app).render_line(2).cell_length == 79


async def test_an_engine_that_goes_away_is_told_with_the_key_that_helps(
    make_app: MakeApp, ticks: Ticks
) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        desk.header_now = Header("Day 12", "nas01", "absent", counts=Counts())
        ticks.seconds += 3
        app.feed.poll()
        await pilot.pause()
        assert "no engine, jobs wait; E starts it" in app.screen.query_one(StatusLine).text
        await press(pilot, "E")
        assert desk.asked == [("start_engine",)]


async def test_a_library_that_cannot_be_read_leaves_the_screen_alive(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()

        def broken() -> bool:
            raise OSError("disk I/O error")

        desk.changed = broken  # type: ignore[method-assign]
        app.feed.poll()
        await pilot.pause()
        assert "disk I/O error" in app.screen.query_one(StatusLine).text
        del desk.changed  # type: ignore[method-assign]
        app.feed.poll()
        await pilot.pause()
        assert "engine" in app.screen.query_one(StatusLine).text
        await press(pilot, "j")
        assert table(app).cursor == 1


async def test_leaving_says_that_the_engine_goes_on(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(busy_desk())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "q")
    assert not app.is_running
    assert "The engine goes on" in capsys.readouterr().err


async def test_stopping_the_engine_asks_and_then_stops_and_leaves(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "Q")
        assert isinstance(app.screen, ConfirmDialog)
        ticks.seconds += 1
        await press(pilot, "y")
    assert desk.asked == [("stop_engine",)]


async def test_a_new_ingest_is_queued_and_under_the_cursor(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "n")
        assert isinstance(app.screen, IngestDialog)
        await press(pilot, *"/tmp/card", "enter", "enter", *"/tmp/a", "enter", *"/tmp/b", "enter", "enter")
        assert isinstance(app.screen, PlanDialog), "the plan is shown before anything is queued"
        assert desk.asked == [("plan", ["/tmp/card"], ["/tmp/a", "/tmp/b"])]
        await press(pilot, "enter")
        assert desk.asked[1:] == [("ingest", ["/tmp/card"], ["/tmp/a", "/tmp/b"])]
        assert table(app).cursor_id == "new-job"


async def test_a_refused_ingest_keeps_what_was_entered(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.refusals["plan"] = RushesError("/tmp/a has no room.")
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n", *"/tmp/card", "enter", "enter", *"/tmp/a", "enter", "enter")
        assert "/tmp/a has no room." in app.screen.query_one("#plan", LineView).text
        await press(pilot, "enter")
        assert [what for what, *_ in desk.asked] == ["plan"], "what is refused is not queued"
        del desk.refusals["plan"]
        await press(pilot, "escape")
        assert isinstance(app.screen, IngestDialog)
        await press(pilot, "backspace", *"/tmp/b", "enter", "enter", "enter")
        assert desk.asked[-1] == ("ingest", ["/tmp/card"], ["/tmp/b"])


async def test_exports_queue_the_marked_recipes(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n", "space", "space", "enter")
        assert desk.asked == [("export", ["Dailies", "Proxies"])]


async def test_retry_from_the_problem_screen(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "j", "L", "r")
        assert desk.asked == [("job", "job-Director's cut v3", "retry")]


async def test_copying_a_path_gives_a_word_that_a_shell_reads(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "G", "y")
        assert app.clipboard == "$'we\\x1b[2Jird/\\xff.mov'"
        assert toasts(app) == ["Copied: $'we\\x1b[2Jird/\\xff.mov'"]


async def test_a_long_list_costs_its_window_only(make_app: MakeApp) -> None:
    desk = many(50_000)
    asked: list[int] = []
    rows = desk.job_source.rows
    desk.job_source.rows = lambda ids: asked.append(len(ids)) or rows(ids)  # type: ignore[method-assign,func-returns-value]
    app = make_app(desk, "ingest")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "G")
        assert table(app).cursor == 49_999
        assert "Card 49999" in row_text(app, 20)
        await press(pilot, "k", "ctrl+u", "g")
        assert table(app).cursor == 0
        assert max(asked) <= 100


async def test_a_look_through_a_volume_is_queued_at_once(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        volume_id = table(app).cursor_id
        await press(pilot, "s")
        assert desk.asked == [("sweep", volume_id)]
        assert "Looking through it" in toasts(app)[-1]
        await press(pilot, "j", "j", "j", "s")
        assert len(desk.asked) == 1
        assert toasts(app)[-1] == "SHUTTLE is offline; connect it first."


async def test_ejecting_asks_first_and_says_that_it_can_be_taken_off(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        volume_id = table(app).cursor_id
        await press(pilot, "x")
        assert isinstance(app.screen, ConfirmDialog)
        ticks.seconds += 1
        await press(pilot, "n", "x")
        assert desk.asked == [("held_by", volume_id)] * 2
        ticks.seconds += 1
        await press(pilot, "y")
        assert desk.asked[-1] == ("eject", volume_id)
        assert toasts(app)[-1] == "NAS can be taken off now."


async def test_a_volume_that_is_held_is_not_ejected_and_its_holders_are_named(make_app: MakeApp) -> None:
    desk = busy_desk()
    desk.holders = ["ffmpeg (process 4711) has /mnt/nas/a\x1b.mov open."]
    app = make_app(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x")
        assert isinstance(app.screen, AnswerDialog)
        shown = " ".join(app.screen.query_one(LineView).text.split())
        held = r"ffmpeg (process 4711) has /mnt/nas/a\x1b.mov open."
        assert shown == f"{held} Close what holds it, then x ejects it."
        await press(pilot, "escape")
        assert [what for what, *_ in desk.asked] == ["held_by"]


async def test_an_eject_that_is_refused_says_why(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    desk.refusals["eject"] = RushesError("NAS was not ejected: it is busy.")
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "x")
        ticks.seconds += 1
        await press(pilot, "y")
        assert toasts(app)[-1] == "NAS was not ejected: it is busy."


async def test_measuring_asks_first_and_never_writes_to_a_card(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    app = make_app(desk)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        volume_id = table(app).cursor_id
        await press(pilot, "m")
        ticks.seconds += 1
        await press(pilot, "y")
        assert desk.asked == [("measure", volume_id)]
        await press(pilot, "j", "j", "m")
        assert "is a camera card" in toasts(app)[-1]
        assert len(desk.asked) == 1


async def test_a_run_that_has_ended_is_queued_once_more_and_under_the_cursor(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await press(pilot, "a")
        assert desk.asked == []
        assert "has not ended" in toasts(app)[-1]
        await press(pilot, "j", "j")
        run_id = table(app).cursor_id
        await press(pilot, "a")
        assert desk.asked == [("rerun", run_id)]
        assert table(app).cursor_id == "again"


async def test_deleting_a_run_names_its_films_and_asks(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    run_id = next(row.run_id for row in desk.run_source.all.values() if row.output_path)
    path = desk.run_source.all[run_id].output_path
    desk.left_alone = [f"{path} is not the file that this run made any more; it was left alone."]
    app = make_app(desk, "exports")
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        table(app).go_to(run_id)
        await press(pilot, "D")
        assert isinstance(app.screen, ConfirmDialog)
        assert path in app.screen.query_one(LineView).text.replace("\n", "")
        ticks.seconds += 1
        await press(pilot, "n")
        assert desk.asked == [("goes_with", run_id)]
        await press(pilot, "D")
        ticks.seconds += 1
        await press(pilot, "y")
        assert desk.asked[-1] == ("delete_run", run_id)
        assert run_id not in table(app).ids
        assert toasts(app)[-1] == desk.left_alone[0]


async def test_of_marked_runs_only_those_that_are_over_are_deleted(make_app: MakeApp, ticks: Ticks) -> None:
    desk = busy_desk()
    over = {
        row.run_id
        for row in desk.run_source.all.values()
        if row.status in ("completed", "completed_with_warnings", "failed", "cancelled")
    }
    assert 0 < len(over) < len(desk.run_source.all)
    app = make_app(desk, "exports")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "asterisk", "D")
        ticks.seconds += 1
        await press(pilot, "y")
        assert {what[1] for what in desk.asked if what[0] == "delete_run"} == over


def test_a_question_about_many_files_counts_the_rest() -> None:
    lines = what_goes([f"/out/{at}.mp4" for at in range(9)])
    assert (len(lines), lines[-1]) == (8, "and 3 more files")
    assert len(what_goes(["/out/a.mp4"])) == 2
    assert "No finished film" in what_goes([])[0]
    assert what_goes([], 1)[0].startswith("Its log,")
    assert what_goes([], 2)[0].startswith("Their logs,")
    assert what_goes([], 2, 1)[-1] == "1 chosen run has not ended and will stay."
    assert what_goes(["/out/a.mp4"], 2, 3)[-1] == "3 chosen runs have not ended and will stay."


# -- the dialog of a scan ------------------------------------------------------------
async def test_a_scan_as_the_command_line_does_it(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n", *"/drive", "enter")
        assert desk.asked == [("scan", "/drive")], "as it always was"
        await press(pilot, "n", *"/drive", "ctrl+n", "space", "down", "space", "down", "h", "minus")
        await press(pilot, "enter")
        wanted = {"full_hash": True, "auto_apply": True, "min_confidence": 0.89}
        assert desk.asked[-1] == ("scan", "/drive", wanted)
        await press(pilot, "n", *"/drive", "ctrl+n", "k", "l", "l", "ctrl+n", *"/B", "enter")
        assert desk.asked[-1] == ("scan", "/drive/B", {"min_confidence": 0.0}), "round from 100 to 0"


async def test_a_scan_without_a_folder_says_what_to_type(make_app: MakeApp) -> None:
    desk = busy_desk()
    app = make_app(desk, "relink")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "n", "ctrl+n", "enter")
        assert desk.asked == []
        assert "Type a folder" in app.screen.query_one("#said", LineView).text


async def test_a_file_nobody_looked_into_is_looked_into_once_the_cursor_rests(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = busy_desk()
    real = desk.candidate_source.detail
    looked: set[Any] = set()

    def detail(row_id: Any) -> CandidateDetail:
        found = real(row_id)
        if ("look_inside", row_id) in desk.asked:
            looked.add(row_id)
            return replace(found, found=replace(found.found, codec="prores"), why_not_inside="It is odd.")
        return replace(found, found=replace(found.found, codec=None), looked_inside=False)

    monkeypatch.setattr(desk.candidate_source, "detail", detail)
    app = make_app(desk, "relink")
    async with app.run_test(size=(140, 45)) as pilot:
        await press(pilot, "j", "j")
        at = table(app).cursor_id
        text = app.screen.query_one("#detail", LineView).text
        assert at in looked
        assert "prores" in text
        assert "What is in it: It is odd." in text
        assert desk.asked.count(("look_inside", at)) == 1
