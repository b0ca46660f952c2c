"""Hands and turns: how much is done at the same time, and what an error stops."""

from __future__ import annotations

import threading

import pytest

from engine.export.planning import plan
from engine.export.rendering import crew
from engine.media import ffmpeg
from engine.storage import config


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


@pytest.mark.parametrize(
    ("processors", "hands", "beside", "sharing", "wanted"),
    [
        (2, 2, 2, True, (2, 1)),  # two encoders of ProRes fill two processors, one thread each
        (2, 2, 1, True, (2, 2)),  # the last one is alone
        (2, 1, 1, False, (2, 1)),  # x264 has four threads of its own
        (8, 3, 3, True, (2, 2)),
        (8, 3, 1, True, (2, 8)),
        (8, 1, 0, True, (8, 8)),  # a film in one piece has the machine
        (16, 4, 4, False, (2, 2)),
        (1, 1, 1, True, (2, 1)),
    ],
)
def test_renders_share_the_processors(monkeypatch, processors, hands, beside, sharing, wanted):
    monkeypatch.setattr(crew, "_processors", lambda: processors)
    found = crew.threads(hands, beside, sharing=sharing)
    assert (found.decode, found.work) == wanted


def test_who_is_nearly_alone_is_counted_as_alone():
    heap = crew.Heap({1: 100, 2: 100, 3: 100})
    assert heap.beside(3, 2) == 2
    heap.set(1, 0)
    heap.set(2, 60)
    assert heap.beside(3, 2) == 2
    heap.set(2, 20)
    assert heap.beside(3, 2) == 1
    heap.set(9, 500)  # of another film: not counted
    assert heap.beside(3, 2) == 1
    assert crew.Heap({}).beside(1, 4) == 1


def test_each_part_of_the_sound_comes_after_its_pictures_and_the_last_before_the_last_pictures(
    desk, clip, monkeypatch
):
    monkeypatch.setattr(plan, "AUDIO_CHUNK_SECONDS", 2)
    desk.add(clip("a.mov", seconds="5"), "a.mov")
    seen = []
    real = crew.work_off

    def work_off(items, *more) -> None:
        seen.append([(item["kind"], item["position"]) for item in items] if len(more) == 4 else None)
        real(items, *more)

    monkeypatch.setattr(crew, "work_off", work_off)
    run = desk.export(preset="archive", segment_seconds=1)
    assert run.status == "completed", run.error
    (order,) = [entry for entry in seen if entry]
    pictures = [place for kind, place in order if kind == "video"]
    assert pictures == sorted(pictures)
    assert order[-1] == ("video", pictures[-1])
    assert order[-2][0] == "audio"
    assert order.index(("audio", 0)) == 2, "two seconds of pictures come before two seconds of sound"


@pytest.mark.parametrize(
    ("workers", "at_once", "share"),
    [
        ("1", 1, (8, 8)),  # one has the machine
        ("2", 2, (4, 4)),
        ("4", 4, (2, 2)),
    ],
)
def test_the_setting_says_how_many_are_made_and_their_real_arguments_share_the_processors(
    desk, clip, monkeypatch, workers, at_once, share
):
    monkeypatch.setattr(crew, "_processors", lambda: 8)
    settings = config.open_config()
    config.put(settings, "export.workers", workers)
    settings.close()
    desk.add(clip("a.mov", seconds="6"), "a.mov")
    running, most, all_begun = 0, 0, threading.Barrier(at_once)
    count = threading.Lock()
    begun: list[list[str]] = []
    real = ffmpeg.run

    def run(tools, args, **more):
        nonlocal running, most
        if "[film]" not in args:
            return real(tools, args, **more)
        with count:
            running, most = running + 1, max(most, running + 1)
            begun.append(list(args))
            first = len(begun) <= at_once
        if first:
            all_begun.wait(20)  # so many are really at work at the same time
        try:
            return real(tools, args, **more)
        finally:
            with count:
                running -= 1

    monkeypatch.setattr(ffmpeg, "run", run)
    done = desk.export(preset="archive", segment_seconds=1)
    assert done.status == "completed", done.error
    assert most == at_once, "never more encoders than were asked for"
    assert len(begun) == desk.renders(done) == 5
    decode, work = share
    for args in begun[:at_once]:
        before = args[: args.index("-i")]
        after = args[args.index("-map") :]
        assert before[before.index("-threads") + 1] == str(decode)
        assert before[before.index("-filter_complex_threads") + 1] == str(work)
        assert after[after.index("-threads") + 1] == str(work)
    assert at_once * work <= 8
