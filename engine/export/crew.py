"""Several hands at one heap of work: threads take the next item until there is none or something is wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from engine.export.codecs import THREADS

Item = TypeVar("Item")

FAMILIES = ("nvenc", "qsv", "vaapi", "amf", "videotoolbox", "v4l2m2m")
"""Endings of the names of ffmpeg's hardware encoders: one family is one device."""

MOST_HANDS = 8
"""More encoders than this do not help: the disk is the limit then."""


def hardware(encoder: str | None) -> str | None:
    """The family of a hardware encoder, such as ``nvenc``; None for one that runs on the processor."""
    family = (encoder or "").rpartition("_")[2]
    return family if family in FAMILIES else None


def hands_for_segments(wanted: int = 0) -> int:
    """Segments of one film rendered at the same time; each has an encoder of :data:`THREADS` threads.

    ``wanted`` is the operator's number; 0 leaves it to the processor, whose threads are shared evenly.
    """
    return wanted or max(1, min(MOST_HANDS, _processors() // THREADS))


def hands_for_files(wanted: int = 0) -> int:
    """Files made at the same time: while one is encoded, others are opened and proven. As above."""
    return wanted or max(3, min(MOST_HANDS, _processors() // THREADS + 1))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work_off(
    items: Iterable[Item], do: Callable[[Item], None], hands: int, leave: Callable[[], None]
) -> None:
    """Call ``do`` for every item, ``hands`` at a time; return when all have ended.

    When a call raises, no further item is begun; the calls that run go on to
    their own end, and the first exception is raised here.

    Args:
        items: taken in order.
        do: called in one of several threads, or in this one when one hand is enough.
        hands: number of threads.
        leave: called at the end of each thread, e.g. to close its database connection.
    """
    waiting = list(items)
    if hands <= 1 or len(waiting) <= 1:
        for item in waiting:
            do(item)
        return
    heap = iter(waiting)
    lock = threading.Lock()
    errors: list[BaseException] = []

    def hand() -> None:
        try:
            while True:
                with lock:
                    item = next(heap, None) if not errors else None
                if item is None:
                    return
                do(item)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            errors.append(error)
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
