"""Hands and turns: how much is done at the same time, and what an error stops."""

from __future__ import annotations

import threading

import pytest

from engine.export.rendering import crew


def test_only_so_many_work_hard_while_others_are_proven():
    lock, hard, most, both = threading.Lock(), 0, 0, threading.Barrier(2, timeout=10)
    beside = threading.Event()

    def do(item: int, over) -> None:
        nonlocal hard, most
        with lock:
            hard += 1
            most = max(most, hard)
            if hard > 1:
                beside.set()
        beside.wait(0.02)  # long enough for another hand to come, if it may
        with lock:
            hard -= 1
        over()
        # The light part of one item is there beside another's: each waits for a second one.
        both.wait()

    crew.work_off(range(6), do, hands=2, leave=lambda: None, turns=1)
    assert most == 1


def test_the_turn_is_given_back_though_nobody_says_so_and_once_only():
    done = []

    def do(item: int, over) -> None:
        over()
        over()
        done.append(item)

    crew.work_off(range(5), do, hands=3, leave=lambda: None, turns=1)
    crew.work_off(range(5), lambda item, _over: done.append(item), hands=3, leave=lambda: None, turns=1)
    assert sorted(done) == sorted([*range(5), *range(5)])


def test_after_an_error_nothing_is_begun_and_the_first_one_is_told():
    begun, closed = [], []

    def do(item: int, over) -> None:
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        crew.work_off(range(9), do, hands=3, leave=lambda: closed.append(1), turns=1)
    assert begun == [0]
    assert len(closed) == 3
