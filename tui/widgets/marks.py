"""Which rows are marked: by id, whatever moves on the screen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from engine.api.ids import Ids
from engine.api.rows import Id


def among(ids: Sequence[Id], some: Collection[Id]) -> list[Id]:
    """Those of ``some`` that are among ``ids``, in their order."""
    if not some:
        return []
    if isinstance(ids, Ids):
        return ids.among(some)
    return [row_id for row_id in ids if row_id in some]


class Marks:
    """Marked ids, and the range that is being marked. Every change returns the ids that look different."""

    def __init__(self) -> None:
        self.ids: set[Id] = set()
        self._range: tuple[Id, frozenset[Id]] | None = None

    @property
    def ranging(self) -> bool:
        """Whether a range is being marked."""
        return self._range is not None

    def shown(self, ids: Sequence[Id]) -> list[Id]:
        """The marked ones among ``ids``, in their order."""
        return among(ids, self.ids)

    def toggle(self, row_id: Id) -> set[Id]:
        """Mark a row, or take its mark away."""
        return self._become(self.ids ^ {row_id})

    def add(self, ids: Iterable[Id]) -> set[Id]:
        """Mark rows."""
        return self._become(self.ids | set(ids))

    def invert(self, ids: Iterable[Id]) -> set[Id]:
        """Mark those of ``ids`` that are not marked, and no others."""
        return self._become({row_id for row_id in ids if row_id not in self.ids})

    def forget(self, done: set[Id]) -> set[Id]:
        """Take marks away."""
        return self._become(self.ids - done)

    def clear(self) -> set[Id]:
        """Take all marks away, and end a range."""
        self._range = None
        return self._become(set())

    def begin_range(self, row_id: Id) -> None:
        """Begin a range at a row."""
        self._range = (row_id, frozenset(self.ids))

    def end_range(self) -> None:
        """Keep what the range has marked."""
        self._range = None

    def extend_range(self, ids: Sequence[Id], position: int) -> set[Id]:
        """Mark from the range's first row to ``position``, beside what was marked before it began."""
        if self._range is None:
            return set()
        start_id, before = self._range
        try:
            start = ids.index(start_id)
        except ValueError:
            start = position  # the row it began at is gone
        low, high = sorted((start, position))
        return self._become(set(before) | set(ids[low : high + 1]))

    def _become(self, wanted: set[Id]) -> set[Id]:
        changed = wanted ^ self.ids
        self.ids = wanted
        return changed
