"""Several hands at one heap of work: threads take the next item until there is none or something is wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from engine.export.planning.graph import Threads
from engine.export.recipes.codecs import THREADS

Item = TypeVar("Item")

FAMILIES = ("nvenc", "qsv", "vaapi", "amf", "videotoolbox", "v4l2m2m")
"""Endings of the names of ffmpeg's hardware encoders: one family is one device."""

MOST_HANDS = 8
"""More encoders than this do not help: the disk is the limit then."""


def hardware(encoder: str | None) -> str | None:
    """The family of a hardware encoder, such as ``nvenc``; None for one that runs on the processor."""
    family = (encoder or "").rpartition("_")[2]
    return family if family in FAMILIES else None


def hands_for_segments(wanted: int = 0, *, intra: bool = False, threads: int = THREADS) -> int:
    """Segments of one film that are encoded at the same time.

    Args:
        wanted: the operator's number; 0 leaves it to the processor, whose threads are shared evenly.
        intra: the encoder makes each picture for itself. It then waits for its decoder much of the
            time, and one encoder leaves processors idle, so there is one more.
        threads: of one encoder; they keep as many processors busy.
    """
    return wanted or min(MOST_HANDS, _processors(), max(1, _processors() // threads) + intra)


def hands_for_files(wanted: int = 0) -> int:
    """Files made at the same time: while one is encoded, others are opened and proven. As above."""
    return wanted or max(3, min(MOST_HANDS, _processors() // THREADS + 1))


DECODERS = 2
"""Threads of a decoder, at least: one decodes while another hands its picture on."""


def threads(hands: int, beside: int = 0, *, sharing: bool = False) -> Threads:
    """The threads of one render beside others, so that together they fill the processors and no more.

    ffmpeg gives each of its steps a thread per processor. Where encoders fill
    the machine already, these threads wait for each other: a twentieth of the
    processor time of an H.264 film and a thirtieth of a DNxHR film went there.

    Args:
        hands: renders at the same time that the run makes, as a rule.
        beside: renders at the same time now, this one counted; 0 is ``hands``.
        sharing: the encoder takes the threads it is given; others have a number of their own
            and keep the processors busy with it.
    """
    processors = _processors()

    def share(among: int) -> int:
        return max(1, processors // (among if sharing else 2 * among))

    # The decoder's number follows the run alone: what it makes of damaged pictures may depend on it.
    return Threads(max(DECODERS, share(hands)), share(beside or hands))


class Heap:
    """What is left of the items that a crew works off: who is nearly alone may take more. Any thread."""

    def __init__(self, frames: Mapping[int, int]) -> None:
        """``frames``: length of each item, by its id."""
        self._left = dict(frames)
        self._lock = threading.Lock()

    def set(self, item: int, left: int) -> None:
        """So many frames of an item are still to be made."""
        with self._lock:
            if item in self._left:
                self._left[item] = left

    def beside(self, item: int, hands: int) -> int:
        """How many renders, on average, there will be while this one is made: 1 to ``hands``."""
        with self._lock:
            own = self._left.get(item, 0)
            others = sum(self._left.values()) - own
        return max(1, min(hands, round(1 + others / max(1, own))))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work_off(
    items: Iterable[Item],
    do: Callable[[Item, Callable[[], None]], None],
    hands: int,
    leave: Callable[[], None],
    turns: int = 0,
) -> None:
    """Call ``do`` for every item, ``hands`` at a time; return when all have ended.

    When a call raises, no further item is begun; the calls that run go on to
    their own end, and the first exception is raised here.

    Args:
        items: taken in order.
        do: called in one of several threads, or in this one when one hand is enough. Its second
            argument may be called when the heavy part of the item is done: the next one is begun then.
        hands: number of threads.
        leave: called at the end of each thread, e.g. to close its database connection.
        turns: items in their heavy part at the same time; 0 is as many as there are hands.
    """
    waiting = list(items)
    if hands <= 1 or len(waiting) <= 1:
        for item in waiting:
            do(item, _nothing)
        return
    heap = iter(waiting)
    lock = threading.Lock()
    free = threading.Semaphore(turns or hands)
    errors: list[BaseException] = []

    def one() -> bool:
        """Do the next item. False when there is none, or something is wrong."""
        turn = _Turn(free)
        try:
            with lock:
                item = next(heap, None) if not errors else None
            if item is None:
                return False
            do(item, turn.over)
            return True
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            errors.append(error)
            return False
        finally:
            turn.over()

    def hand() -> None:
        try:
            while one():
                pass
        finally:
            leave()

    crew = [
        threading.Thread(target=hand, name=f"export-{number}", daemon=True)
        for number in range(min(hands, len(waiting)))
    ]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    if errors:
        raise errors[0]


class _Turn:
    """A place among those that work hard; given up once. Made by the thread that waits for it."""

    def __init__(self, free: threading.Semaphore) -> None:
        self._free = free
        self._held = free.acquire()

    def over(self) -> None:
        if self._held:
            self._held = False
            self._free.release()


def _nothing() -> None:
    pass
