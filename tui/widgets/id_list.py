"""Reading the ids of a list: in the event loop's thread while that is quick, else beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from engine.api.rows import Filter, Id, Source

SHARE = 0.05
"""At most this share of the time goes into reading the list of ids again."""

SLOW_SECONDS = 0.03
"""A list of ids that took longer is read beside the event loop the next time, where there is a way to."""

LONG = 2000
"""From so many rows on another filter or order of the same rows is read beside the event loop at once."""

Beside = Callable[[Callable[[], Any], Callable[[Any, Any], None]], None]
"""Runs work in another thread and hands its result, or its error, to the event loop's."""


Ask = Callable[[Sequence[Id]], object]
"""Asks of a list what will be needed of it first: a long one reads that only then."""


def place_of(ids: Sequence[Id], row_id: Id | None) -> int | None:
    """Where a row stands; None when it is not there."""
    try:
        return None if row_id is None else ids.index(row_id)
    except ValueError:
        return None


class IdReader:
    """Reads lists of ids. Belongs to the event loop's thread."""

    def __init__(self, take: Callable[[Sequence[Id]], None], beside: Beside | None, *, slow: bool) -> None:
        """Make the reader.

        Args:
            take: gets each list that was read beside the event loop.
            beside: a way to another thread; None reads in this one, whatever it takes.
            slow: whether even the first list is to be read there.
        """
        self._take = take
        self._beside = beside
        self._slow = slow
        self._under_way: tuple[Source[Any, Any], Filter] | None = None
        self._again_at = 0.0
        self._once_more = False
        self._long: Source[Any, Any] | None = None
        self._last: tuple[Source[Any, Any], Filter] | None = None

    @property
    def under_way(self) -> bool:
        """Whether a list is being read beside the event loop."""
        return self._under_way is not None

    @property
    def due(self) -> bool:
        """Whether enough time has gone since the last list, for what that one took."""
        return time.perf_counter() >= self._again_at

    def read(self, source: Source[Any, Any], wanted: Filter, ask: Ask) -> Sequence[Id] | None:
        """Read now and return the list; None: it is handed on later, unless another is asked for first."""
        # How long another filter takes is not known from the last one; of few rows none takes long.
        unknown = self._long is source and self._last != (source, wanted)
        if (self._slow or unknown) and self._beside is not None:
            self._read_beside(source, wanted, ask, self._beside)
            return None
        self._under_way = None
        began = time.perf_counter()
        ids = source.ids(wanted)
        ask(ids)
        self._spent(began)
        self._known(source, wanted, ids)
        return ids

    def _known(self, source: Source[Any, Any], wanted: Filter, ids: Sequence[Id]) -> None:
        self._last = (source, wanted)
        if len(ids) >= LONG:
            self._long = source
        elif self._long is not source:
            self._long = None

    def _spent(self, began: float) -> None:
        spent = time.perf_counter() - began
        self._again_at = began + spent / SHARE if spent > 0.005 else 0.0
        self._slow = spent > SLOW_SECONDS

    def _read_beside(self, source: Source[Any, Any], wanted: Filter, ask: Ask, beside: Beside) -> None:
        asked = (source, wanted)
        if self._under_way == asked:
            self._once_more = True  # the look under way may have begun before the change
            return
        self._under_way = asked
        self._once_more = False

        def look() -> tuple[Sequence[Id], float]:
            began = time.perf_counter()
            ids = source.ids(wanted)
            ask(ids)
            return ids, began

        def looked(found: Any, error: Any) -> None:
            if self._under_way != asked:
                return
            self._under_way = None
            if error is None:
                ids, began = found
                self._spent(began)
                self._known(source, wanted, ids)
                self._take(ids)
            if self._once_more:
                self._read_beside(source, wanted, ask, beside)

        beside(look, looked)
