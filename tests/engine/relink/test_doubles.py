"""One file that was found more than once for one copy: one row on the screen, whatever became of it."""

from __future__ import annotations

from typing import Any

from engine.api.rows import Filter
from engine.api.views.candidates import Candidates
from engine.api.views.totals import counts
from engine.relink import decisions, mapping, sessions
from engine.relink.candidates import list_candidates
from tests.engine.relink.test_mapping import moved


def shown(world: Any) -> list[Any]:
    source = Candidates(world.library)
    return list(source.rows(source.ids(Filter())))


def test_found_by_two_scans_and_a_mapping_is_one_row_all_the_way(world: Any) -> None:
    old, new, copies = moved(world, 4)
    for _ in range(2):
        world.scan(new)
        assert [(row.status, row.copy_id, row.rivals) for row in shown(world)] == [
            ("pending", copy, 1) for copy in copies
        ]
        assert counts(world.library).candidates_open == 4
    first = shown(world)[0]
    decisions.apply(world.library, first.candidate_id)
    done = mapping.map_prefix(world.library, str(old / "shoot"), str(new / "archive"))
    assert done.applied == 3
    rows = shown(world)
    assert [row.status for row in rows] == ["applied"] * 4
    assert [row.match_type for row in rows] == [first.match_type, "mapped", "mapped", "mapped"]
    assert counts(world.library).candidates_open == 0

    assert done.session_id is not None
    decisions.undo_session(world.library, done.session_id)
    rows = shown(world)
    assert [(row.status, row.rivals) for row in rows] == [("applied", 0), *[("pending", 1)] * 3]
    assert [row.match_type for row in rows[1:]] == [first.match_type] * 3, "the surest of them is shown"
    assert counts(world.library).candidates_open == 3
    waiting = {one.session_id: one.waiting for one in sessions.list_sessions(world.db)}
    assert sorted(waiting.values()) == [0, 0, 3], "what waits is counted once"
    assert len(list_candidates(world.db, statuses=["pending"])) == 3
    assert len(list_candidates(world.db, session_id=done.session_id)) == 3, "asked for a session, all of it"


def test_rows_are_in_the_order_of_the_card(world: Any) -> None:
    old, new, copies = moved(world, 12)
    del old
    world.scan(new)
    assert [row.copy_id for row in shown(world)] == sorted(copies)


def test_what_stands_behind_another_comes_forth_when_that_one_is_forgotten(world: Any) -> None:
    _, new, _ = moved(world, 2)
    world.scan(new)
    world.scan(new)
    newest = sessions.list_sessions(world.db)[0].session_id
    before = [row.candidate_id for row in shown(world)]
    world.db.execute("DELETE FROM relink_sessions WHERE session_id = ?", (newest,))
    after = [row.candidate_id for row in shown(world)]
    assert len(after) == 2
    assert not set(before) & set(after)
