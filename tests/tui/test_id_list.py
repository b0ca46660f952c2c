"""Which thread reads a list of ids, and which of several answers counts. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from engine.api.rows import Filter, Id, Source
from tui.widgets import id_list
from tui.widgets.id_list import LONG, IdReader


class Lists:
    """A source whose lists are as long as the filter's text says."""

    orders = ("one",)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ids(self, wanted: Filter) -> Sequence[Id]:
        self.asked.append(wanted.text)
        return range(int(wanted.text or LONG))


class Threads:
    """Work that waits to be run, with what is told of it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Callable[[Any, Any], None]]] = []

    def submit(self, work: Callable[[], Any], done: Callable[[Any, Any], None]) -> None:
        self.waiting.append((work, done))

    def run(self, which: int = 0) -> None:
        work, done = self.waiting.pop(which)
        done(work(), None)


def reader(*, slow: bool = False) -> tuple[IdReader, Threads, list[int]]:
    taken: list[int] = []
    threads = Threads()
    return IdReader(lambda ids: taken.append(len(ids)), threads.submit, slow=slow), threads, taken


def source() -> Source[Any, Any]:
    return cast("Source[Any, Any]", Lists())


def nothing(ids: Sequence[Id]) -> None:
    del ids


def test_another_filter_of_a_long_list_is_never_read_in_the_event_loop() -> None:
    one, threads, taken = reader()
    long = source()
    assert len(one.read(long, Filter(), nothing) or ()) == LONG
    for text in ("5", "7"):  # few rows passed the last time: that says nothing about this time
        assert one.read(long, Filter(text=text), nothing) is None
        assert one.under_way
        threads.run()
        assert taken[-1] == int(text)
    assert len(one.read(long, Filter(text="7"), nothing) or ()) == 7, (
        "the same once more is known to be quick"
    )
    assert one.read(long, Filter(text="7", reverse=True), nothing) is None


def test_few_rows_are_read_at_once_whatever_the_filter() -> None:
    one, threads, _ = reader()
    short = source()
    for text in ("9", "8", str(LONG - 1)):
        assert len(one.read(short, Filter(text=text), nothing) or ()) == int(text)
    assert one.read(source(), Filter(), nothing) is not None
    assert len(one.read(short, Filter(text="8"), nothing) or ()) == 8, "another source was the long one"
    assert not threads.waiting


def test_only_the_newest_question_is_answered() -> None:
    one, threads, taken = reader(slow=True)
    long = source()
    for text in ("1", "2", "3"):
        assert one.read(long, Filter(text=text), nothing) is None
    threads.run(1)
    threads.run(0)
    assert taken == []
    assert one.under_way
    threads.run()
    assert taken == [3]
    assert not one.under_way


def test_an_answer_that_was_read_at_once_is_not_replaced_by_an_older_question() -> None:
    one, threads, taken = reader()
    long = source()
    one.read(long, Filter(), nothing)
    assert one.read(long, Filter(text="5"), nothing) is None
    assert len(one.read(long, Filter(), nothing) or ()) == LONG
    assert not one.under_way
    threads.run()
    assert taken == []


def test_what_changed_while_it_was_read_is_read_once_more() -> None:
    one, threads, taken = reader(slow=True)
    long = source()
    one.read(long, Filter(), nothing)
    one.read(long, Filter(), nothing)
    assert len(threads.waiting) == 1
    threads.run()
    assert taken == [LONG]
    assert len(threads.waiting) == 1
    threads.run()
    assert not threads.waiting


def test_a_list_that_took_long_is_read_beside_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    one, threads, _ = reader()
    clock = iter([0.0, id_list.SLOW_SECONDS + 0.01])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    short = source()
    assert one.read(short, Filter(text="3"), nothing) is not None
    assert one.read(short, Filter(text="3"), nothing) is None
    assert len(threads.waiting) == 1


def test_an_error_leaves_the_list_as_it_was() -> None:
    one, threads, taken = reader(slow=True)
    one.read(source(), Filter(), nothing)
    threads.waiting.pop()[1](None, RuntimeError("gone"))
    assert taken == []
    assert not one.under_way
