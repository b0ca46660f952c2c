"""Hits that are counted stretch by stretch, and listed only where somebody looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from sqlite_utils import Database


class Counted(ABC):
    """The rows that pass, in an order: their number is known of each stretch, the rows themselves are read.

    Belongs to no thread: each call is given the connection that it reads by.
    """

    def __init__(self) -> None:
        self._where: list[int | list[int]] = []
        """Of each stretch with hits: its id, or its hits where it was read row by row."""
        self._counts: list[int] = []

    def __len__(self) -> int:
        """How many rows pass."""
        return self._ends[-1] if self._ends else 0

    def part(self, db: Database, start: int, stop: int) -> list[int]:
        """The ids of those from place ``start`` to before ``stop``."""
        found: list[int] = []
        at = bisect_right(self._ends, start)
        while at < len(self._counts) and self._begin(at) < stop:
            before = self._begin(at)
            found += self._ids(db, at)[max(0, start - before) : stop - before]
            at += 1
        return found

    @cached_property
    def _ends(self) -> list[int]:
        """The place behind the last hit of each stretch; every one has been added by then."""
        return list(accumulate(self._counts))

    def _begin(self, at: int) -> int:
        """The place of the first hit of a stretch."""
        return self._ends[at] - self._counts[at]

    @abstractmethod
    def _ids(self, db: Database, at: int) -> list[int]:
        """The hits of a stretch, in their order."""
