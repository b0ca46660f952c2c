"""Marks and ranges, whatever happens to the rows in between. Pure."""

from __future__ import annotations

import random

import pytest

from tui.widgets.marks import Marks, among


def ranged(*places: int, ids: list[int] | None = None, marks: Marks | None = None) -> Marks:
    """A range over rows 0 to 9, begun at the first place and drawn to the others."""
    rows = list(range(10)) if ids is None else ids
    one = marks or Marks()
    one.begin_range(rows[places[0]])
    for place in places:
        one.extend_range(rows, place)
    return one


def test_a_range_grows_shrinks_and_turns_round() -> None:
    assert ranged(3, 5, 7).ids == {3, 4, 5, 6, 7}
    assert ranged(3, 7, 4).ids == {3, 4}
    assert ranged(3, 7, 1).ids == {1, 2, 3}
    assert ranged(4).ids == {4}


def test_what_was_marked_before_a_range_stays_when_it_shrinks_over_it() -> None:
    marks = Marks()
    marks.toggle(6)
    assert ranged(3, 8, 4, marks=marks).ids == {3, 4, 6}


def test_each_change_tells_what_looks_different() -> None:
    marks = Marks()
    assert marks.toggle(1) == {1}
    assert marks.add([2, 3]) == {2, 3}
    assert marks.ids == {1, 2, 3}
    assert marks.invert([3, 4]) == {1, 2, 3, 4}
    assert marks.ids == {4}
    assert marks.forget({4, 5}) == {4}
    marks.begin_range(7)
    assert marks.extend_range(list(range(10)), 8) == {7, 8}
    assert marks.extend_range(list(range(10)), 9) == {9}
    assert marks.clear() == {7, 8, 9}
    assert not marks.ranging
    assert marks.extend_range(list(range(10)), 5) == set()


def test_every_other_change_of_marks_ends_a_range() -> None:
    for change in (
        lambda marks: marks.toggle(4), lambda marks: marks.add([9]),
        lambda marks: marks.invert([8, 9]), lambda marks: marks.forget({3}), lambda marks: marks.clear(),
    ):  # fmt: skip
        marks = ranged(3, 5)
        change(marks)
        changed = set(marks.ids)
        assert not marks.ranging
        assert marks.extend_range(list(range(10)), 0) == set()
        assert marks.ids == changed


def test_the_ended_range_keeps_its_marks_and_goes_no_further() -> None:
    marks = ranged(2, 4)
    marks.end_range()
    assert not marks.ranging
    assert marks.extend_range(list(range(10)), 9) == set()
    assert marks.ids == {2, 3, 4}


@pytest.mark.parametrize(
    ("rows", "place", "marked"),
    [
        ([*range(4, 10)], 4, {3, 4, 5, 6, 7, 8}),  # the first row is gone: on from the last one
        ([0, 1, 2, 3, 8, 9], 4, {3, 4, 5, 6, 7, 8}),  # the last one is gone: what was marked stays
        ([0, 1, 8, 9], 2, {3, 4, 5, 6, 7, 8}),  # all of it is
        ([0, 1, 2, 3, 5, 6, 7, 8, 9], 7, {3, 4, 5, 6, 7, 8}),  # one in between is
        ([*range(9, -1, -1)], 1, {3, 4, 5, 6, 7, 8}),  # turned round, and drawn on away from its start
        ([7, 3, 9, 5, 1, 8, 2, 6, 0, 4], 1, {3, 4, 5, 6, 7}),  # sorted anew
        ([0, 1, 2, 3, 4, 100, 5, 6, 7, 8, 9], 9, {3, 4, 100, 5, 6, 7, 8}),  # one has come within it
        ([*range(-5, 20)], 13, {3, 4, 5, 6, 7, 8}),  # others came around it
    ],
)
def test_rows_that_go_come_or_are_sorted_anew_take_no_mark_of_an_open_range(
    rows: list[int], place: int, marked: set[int]
) -> None:
    marks = ranged(3, 7)
    marks.extend_range(rows, place)
    assert marks.ids == marked
    assert marks.ranging


def test_after_rows_changed_a_range_still_shrinks_to_where_it_went_on() -> None:
    marks = ranged(3, 5)
    rows = [9, 5, 8, 7, 3, 4]
    marks.extend_range(rows, 3)
    assert marks.ids == {3, 4, 5, 8, 7}
    marks.extend_range(rows, 1)
    assert marks.ids == {3, 4, 5}


def test_where_the_whole_range_is_gone_it_begins_anew_at_the_cursor() -> None:
    marks = ranged(3, 7)
    for place, added in ((2, {8}), (3, {8, 9}), (2, {8}), (1, {1, 8})):
        marks.extend_range([0, 1, 8, 9], place)
        assert marks.ids == {3, 4, 5, 6, 7} | added


@pytest.mark.parametrize("seed", range(20))
def test_no_mark_is_lost_or_made_by_anything_but_a_key(seed: int) -> None:
    dice = random.Random(seed)
    rows, marks, cursor = list(range(30)), Marks(), 0
    for _ in range(200):
        before, act = set(marks.ids), dice.randrange(8)
        if act == 0:
            rows = sorted(dice.sample(range(40), dice.randrange(5, 35)), key=lambda _: dice.random())
            cursor = min(cursor, len(rows) - 1)
            assert marks.ids == before
            cursor = dice.randrange(len(rows))
            marks.extend_range(rows, cursor)
            assert before - marks.ids <= set(rows), "what is hidden or gone keeps its mark"
            assert marks.ids - before <= set(rows)
        elif act == 1:
            marks.begin_range(rows[cursor])
            marks.extend_range(rows, cursor)
            assert marks.ids == before | {rows[cursor]}
        elif act == 2:
            marks.end_range()
        elif act == 3:
            assert marks.toggle(rows[cursor]) == {rows[cursor]}
        else:
            cursor = dice.randrange(len(rows))
            changed = marks.extend_range(rows, cursor)
            assert changed == before ^ marks.ids
            assert not marks.ranging or rows[cursor] in marks.ids
        assert among(rows, marks.ids) == [row for row in rows if row in marks.ids] == marks.shown(rows)
