"""Which rows are marked: by id, whatever moves on the screen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from engine.api.ids import Ids
from engine.api.rows import Id


def among(ids: Sequence[Id], some: Collection[Id]) -> list[Id]:
    """Those of ``some`` that are among ``ids``, in their order."""
    if not some:
        return []
    if isinstance(ids, Ids):
        return ids.among(some)
    return [row_id for row_id in ids if row_id in some]


@dataclass
class _Range:
    """A range that is open: the row it began at, what was marked before, its last row, what it has marked."""

    start: Id
    before: frozenset[Id]
    end: Id
    held: set[Id]


class Marks:
    """Marked ids, and the range that is being marked. Every change returns the ids that look different.

    Only what is pressed changes marks: rows that are sorted anew, hidden, gone or new change none. Where a
    row that an open range has marked is no more within it, what is marked stays, and the range goes on from
    its last row. Every other change of marks ends a range: what it was drawn over would come back.
    """

    def __init__(self) -> None:
        self.ids: set[Id] = set()
        self._range: _Range | None = None

    @property
    def ranging(self) -> bool:
        """Whether a range is being marked."""
        return self._range is not None

    def shown(self, ids: Sequence[Id]) -> list[Id]:
        """The marked ones among ``ids``, in their order."""
        return among(ids, self.ids)

    def toggle(self, row_id: Id) -> set[Id]:
        """Mark a row, or take its mark away."""
        self._range = None
        return self._become(self.ids ^ {row_id})

    def add(self, ids: Iterable[Id]) -> set[Id]:
        """Mark rows."""
        self._range = None
        return self._become(self.ids | set(ids))

    def invert(self, ids: Iterable[Id]) -> set[Id]:
        """Mark those of ``ids`` that are not marked, and no others."""
        self._range = None
        return self._become({row_id for row_id in ids if row_id not in self.ids})

    def forget(self, done: set[Id]) -> set[Id]:
        """Take marks away."""
        self._range = None
        return self._become(self.ids - done)

    def clear(self) -> set[Id]:
        """Take all marks away, and end a range."""
        self._range = None
        return self._become(set())

    def begin_range(self, row_id: Id) -> None:
        """Begin a range at a row."""
        self._range = _Range(row_id, frozenset(self.ids), row_id, {row_id})

    def end_range(self) -> None:
        """Keep what the range has marked."""
        self._range = None

    def extend_range(self, ids: Sequence[Id], position: int) -> set[Id]:
        """Mark from the range's first row to ``position``, beside what was marked before it began."""
        if self._range is None:
            return set()
        known = self._range
        between = _between(ids, known.start, known.end)
        if between is None or not known.held <= between:
            known.before = frozenset(self.ids)
            known.start = known.end
        start = _place(ids, known.start)
        if start is None:  # its last row is gone as well
            start, known.start = position, ids[position]
        low, high = sorted((start, position))
        known.held = set(ids[low : high + 1])
        known.end = ids[position]
        return self._become({*known.before, *known.held})

    def _become(self, wanted: set[Id]) -> set[Id]:
        changed = wanted ^ self.ids
        self.ids = wanted
        return changed


def _place(ids: Sequence[Id], row_id: Id) -> int | None:
    try:
        return ids.index(row_id)
    except ValueError:
        return None


def _between(ids: Sequence[Id], one: Id, other: Id) -> set[Id] | None:
    """The rows from one to another, both included; None when one of the two is not there."""
    places = [_place(ids, one), _place(ids, other)]
    if places[0] is None or places[1] is None:
        return None
    low, high = sorted((places[0], places[1]))
    return set(ids[low : high + 1])
