"""Lists of ids that a text was found for, see :mod:`engine.storage.packs` and ``rolled``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, overload

from engine.api.ids import Ids
from engine.api.rows import Filter, Id
from engine.library import Library
from engine.names import to_blob
from engine.storage import packs, rolled


def needle(wanted: Filter) -> packs.Needle | None:
    """What a filter looks for; None without a text."""
    text = wanted.text.strip()
    if not text.lstrip("!"):
        return None
    hidden = text.startswith("!")
    return packs.Needle(to_blob(text[1:] if hidden else text), hidden=hidden)


class Found(Ids):
    """Rows that pass, in the order of their ids or (``backwards``) the other way round."""

    def __init__(
        self, library: Library, hits: packs.Hits | rolled.Hits, *, backwards: bool = False, note: str = ""
    ) -> None:
        self._library = library
        self._hits = hits
        self._backwards = backwards
        self.note = note

    def __len__(self) -> int:
        """How many they are."""
        return len(self._hits)

    @overload
    def __getitem__(self, at: int) -> Id: ...
    @overload
    def __getitem__(self, at: slice) -> list[Id]: ...
    def __getitem__(self, at: int | slice) -> Id | list[Id]:
        """One id, or those of a range."""
        if isinstance(at, int):
            place = range(len(self))[at]
            return self[place : place + 1][0]
        start, stop, step = at.indices(len(self))
        if stop <= start:
            return []
        if self._backwards:
            found = self._hits.part(self._library.db(), len(self) - stop, len(self) - start)[::-1]
        else:
            found = self._hits.part(self._library.db(), start, stop)
        return list(found[::step])

    def __iter__(self) -> Iterator[Id]:
        """All ids: reads them."""
        return iter(self[:])

    def __contains__(self, value: object) -> bool:
        """Whether this row passes."""
        return isinstance(value, int) and self._hits.place(self._library.db(), value) is not None

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Where a row stands.

        Raises:
            ValueError: it does not pass, or stands outside ``start`` and ``stop``.
        """
        found = self._hits.place(self._library.db(), value) if isinstance(value, int) else None
        if found is None:
            raise ValueError(value)
        place = len(self) - 1 - found if self._backwards else found
        if place < start or (stop is not None and place >= stop):
            raise ValueError(value)
        return place

    def among(self, ids: Collection[Id]) -> list[Id]:
        """Those of ``ids`` that pass, in order."""
        db = self._library.db()
        if len(ids) > _MANY:
            return [one for one in self if one in ids]
        places = {one: self._hits.place(db, one) for one in ids if isinstance(one, int)}
        passing = [(place, one) for one, place in places.items() if place is not None]
        return [one for _, one in sorted(passing, reverse=self._backwards)]


_MANY = 1000
"""From so many marks on, all ids are read once instead of one pack for each mark."""


class First(Ids):
    """Ids that were all read, with a note: there are more, or they are in another order."""

    def __init__(self, ids: Sequence[Id], note: str) -> None:
        self._ids = ids
        self.note = note

    def __len__(self) -> int:
        """How many were read."""
        return len(self._ids)

    @overload
    def __getitem__(self, at: int) -> Id: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Id]: ...
    def __getitem__(self, at: int | slice) -> Id | Sequence[Id]:
        """One id, or those of a range."""
        return self._ids[at]

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Where a row stands.

        Raises:
            ValueError: it is not there.
        """
        return self._ids.index(value, start, len(self) if stop is None else stop)

    def among(self, ids: Collection[Id]) -> list[Id]:
        """Those of ``ids`` that are there, in order."""
        if isinstance(self._ids, Ids):
            return self._ids.among(ids)
        return [one for one in self._ids if one in ids]
