"""Long lists of ids: read page by page as they are asked for, and counted once.

A list of 300,000 clips costs what is looked at of it. A page is read from the
index of its order, beside a row whose place is known, or from the nearer end.
A row's place is the number of rows before it; the whole is as long as what lies
before a known row and after it. So even a filter that has to look at every row
does so once. Only who wants all ids (a mark on every row) reads all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, chain, count
from typing import Any, overload

from engine.api.ids import Ids
from engine.api.rows import Id
from engine.library import Library

PAGE = 512
"""Ids read together."""

FEW = 2 * PAGE
"""A list of at most so many ids is read as a whole, and in any case as many are read first."""

_NONE: Mapping[str, Any] = {}

MANY_PAGES = 20
"""Who asks for more pages at once gets them from the whole list."""


@dataclass(frozen=True)
class Query:
    """Which rows, in which order.

    Attributes:
        key: the expression of a row's id, unique.
        tables: what follows FROM.
        where: the condition.
        terms: what the order looks at, the last one unique; ``DESC`` may follow each.
        params: values of the condition.
        scarce: whether rows that pass may be far apart: then what was read already is not counted again.
    """

    key: str
    tables: str
    where: str
    terms: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    scarce: bool = False

    def reversed(self) -> Query:
        """The same rows, the last first."""
        return replace(self, terms=tuple(turned(term) for term in self.terms))

    def narrowed(self, condition: str) -> Query:
        """Those of the rows for which ``condition`` holds as well."""
        return replace(self, where=f"{self.where} AND {condition}")

    def only(self, ids: Sequence[Id]) -> Query:
        """Those of the rows that are among ``ids``."""
        chosen = self.narrowed(f"{self.key} IN (SELECT value FROM json_each(:the_only))")
        return chosen.given(the_only=json.dumps(list(ids)))

    def given(self, **params: Any) -> Query:
        """The same with further values."""
        return replace(self, params={**self.params, **params})

    def ids(self, more: str = "", tail: str = "") -> str:
        """The statement that gives the ids; ``more`` is a further condition, ``tail`` a LIMIT."""
        return (
            f"SELECT {self.key} AS the_one FROM {self.tables} WHERE {self.where} {more}"
            f" ORDER BY {', '.join(self.terms)} {tail}"
        )

    def count(self, more: str = "1", what: str = "count(*)") -> str:
        """The statement that counts the rows for which ``more`` holds as well, or aggregates of them."""
        return f"SELECT {what} FROM {self.tables} WHERE {self.where} AND {more}"


def turned(term: str) -> str:
    """A term of an order, the other way round."""
    return term.removesuffix(" DESC") if term.endswith(" DESC") else f"{term} DESC"


def read(library: Library, query: Query, count: int | None = None, few: int | None = None) -> Sequence[Id]:
    """The ids of a query: a list when there are few, else an :class:`Order`.

    Args:
        library: where to read.
        query: which rows.
        count: how many they are; None where that is not known.
        few: what is few, None is :data:`FEW`. Where no index has the order, each page would sort all rows.
    """
    first: list[Id] = []
    few = FEW if few is None else few
    if count == 0:
        return first
    if count is None or count <= few:
        first = column(library, query.ids(tail=f"LIMIT {few + 1 if count is None else count}"), query.params)
        if len(first) <= few:
            return first
    return Order(library, query, count, first)


def joined(parts: Sequence[Sequence[Id]]) -> Sequence[Id]:
    """One list after another: a list when all of them are."""
    if any(isinstance(part, Ids) for part in parts):
        return Joined(parts)
    return list(chain.from_iterable(parts))


class Order(Ids):
    """Ids of a query in its order. One thread at a time; each reads by its own connection.

    What is written in between shifts what is read afterwards; a page may then be
    short. Who watches the database for changes makes a new one.
    """

    def __init__(
        self, library: Library, query: Query, count: int | None = None, first: Sequence[Id] = ()
    ) -> None:
        """Make the list.

        Args:
            library: where to read.
            query: which rows.
            count: how many it has; None: they are counted when that is asked for.
            first: ids at its beginning that were read already.
        """
        self._library = library
        self._query = query
        self._count = count
        self._pages = {
            start // PAGE: list(first[start : start + PAGE])
            for start in range(0, len(first) - PAGE + 1, PAGE)
        }
        self._all: list[Id] | None = None
        self._places: dict[Id, int] = {}
        self._among: tuple[Collection[Id], list[Id]] = ((), [])

    def __len__(self) -> int:
        """Rows that there were when it was asked first."""
        if self._count is None:
            place, known = max(self._known(), default=(-1, None))
            try:
                self._count = place + 1 + self._beyond(self._query, known)
            except ValueError:  # the row has gone since
                self._count = self._beyond(self._query, None)
        return self._count

    @overload
    def __getitem__(self, at: int) -> Id: ...
    @overload
    def __getitem__(self, at: slice) -> list[Id]: ...
    def __getitem__(self, at: int | slice) -> Id | list[Id]:
        """One id, or those of a range: at most so many as are still there."""
        if isinstance(at, int):
            place = at + len(self) if at < 0 else at
            if not 0 <= place < len(self):
                raise IndexError(at)
            return self._page(place // PAGE)[place % PAGE]
        start, stop, step = at.indices(len(self))
        first, last = start // PAGE, (stop - 1) // PAGE
        if self._all is not None or step != 1 or last - first >= MANY_PAGES:
            return self._whole()[at]
        found: list[Id] = []
        for number in range(first, last + 1):
            found += self._page(number)[max(0, start - number * PAGE) : max(0, stop - number * PAGE)]
        return found

    def __iter__(self) -> Iterator[Id]:
        """All ids: reads them."""
        return iter(self._whole())

    def __contains__(self, value: object) -> bool:
        """Whether this row passes."""
        try:
            self.index(value)
        except ValueError:
            return False
        return True

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Where a row stands: a count of the rows before it.

        Raises:
            ValueError: it does not pass, or stands outside ``start`` and ``stop``.
        """
        place = self._places.get(value)
        if place is None:
            place = self._places[value] = self._place(value)
        if place < start or (stop is not None and place >= stop):
            raise ValueError(value)
        return place

    def among(self, ids: Collection[Id]) -> list[Id]:
        """Those of ``ids`` that pass, in order; told again without a read for the same collection."""
        if self._among[0] is not ids:
            if len(ids) > FEW:
                found = [one for one in self._whole() if one in ids]
            else:
                sql = self._query.ids(f"AND {self._query.key} IN (SELECT value FROM json_each(:the_many))")
                found = column(self._library, sql, {**self._query.params, "the_many": json.dumps(list(ids))})
            self._among = (ids, found)
        return self._among[1]

    # -- reading -------------------------------------------------------------
    def _page(self, number: int) -> list[Id]:
        page = self._pages.get(number)
        if page is None:
            first = number * PAGE
            size = min(PAGE, len(self) - first)
            page = self._all[first : first + size] if self._all is not None else self._part(first, size)
            self._pages[number] = page
        return page

    def _part(self, first: int, size: int) -> list[Id]:
        """Read a page: near a row whose place is known, else from the nearer end."""
        behind = len(self) - first - size
        near = [one for one in self._known() if first - PAGE <= one[0] <= first + size + PAGE]
        for place, known in sorted(near, key=lambda one: max(first - one[0], one[0] - first - size)):
            try:
                earlier = self._next(self._query.reversed(), known, max(0, place - first))[::-1]
                later = self._next(self._query, known, max(0, first + size - 1 - place))
            except ValueError:
                continue  # the row has gone since
            start = len(earlier) + first - place
            return [*earlier, known, *later][max(0, start) : max(0, start + size)]
        if first <= behind:
            return self._read(self._query.ids(tail=f"LIMIT {size} OFFSET {first}"))
        return self._read(self._query.reversed().ids(tail=f"LIMIT {size} OFFSET {behind}"))[::-1]

    def _known(self) -> Iterator[tuple[int, Id]]:
        """Rows whose places are known: the ends of the pages, and those that were looked for."""
        for number, page in self._pages.items():
            if page:
                yield number * PAGE, page[0]
                yield number * PAGE + len(page) - 1, page[-1]
        for known, place in self._places.items():
            yield place, known

    def _next(self, query: Query, known: Id, size: int) -> list[Id]:
        """The ``size`` rows that follow a row in the order of ``query``."""
        found: list[Id] = []
        conditions, values = self._bounds(query.reversed(), known)
        for condition in reversed(conditions):  # the nearest part comes first
            if len(found) >= size:
                break
            found += self._read(query.ids(f"AND {condition}", f"LIMIT {size - len(found)}"), values)
        return found

    def _beyond(self, query: Query, known: Id | None) -> int:
        """How many rows follow a row in the order of ``query``; None: how many there are."""
        return self._count_of(*((["1"], {}) if known is None else self._bounds(query.reversed(), known)))

    def _count_of(
        self, conditions: Sequence[str], values: Mapping[str, Any], query: Query | None = None
    ) -> int:
        """How many rows (of another query, where that is given) fulfil one condition; none fulfils two."""
        counts = " + ".join(f"({(query or self._query).count(condition)})" for condition in conditions)
        return int(self._one(f"SELECT {counts or '0'}", values)[0])

    def _bounds(self, query: Query, known: Id) -> tuple[list[str], dict[str, Any]]:
        """Conditions for the rows before a row, see :func:`before`, and their values.

        Raises:
            ValueError: the row does not pass.
        """
        terms = [(term.removesuffix(" DESC"), term.endswith(" DESC")) for term in query.terms]
        found = self._one(
            f"SELECT {', '.join(term for term, _ in terms)} FROM {query.tables}"
            f" WHERE {query.where} AND {query.key} = :the_one",
            {"the_one": known},
        )
        if found is None:
            raise ValueError(known)
        return before(terms, found), {f"term_{number}": one for number, one in enumerate(found)}

    def _place(self, value: Any) -> int:
        if self._all is not None:
            return self._all.index(value)
        for number, page in self._pages.items():
            if value in page:
                return number * PAGE + page.index(value)
        return self._counted(value)

    def _counted(self, value: Any) -> int:
        """The place of a row that was not read yet."""
        conditions, values = self._bounds(self._query, value)
        if not self._query.scarce:
            return self._count_of(conditions, values)
        read = next(number for number in count(0) if number not in self._pages)
        try:  # all that was read from the beginning on lies before it
            last = self._pages[read - 1][-1]
            after, others = self._bounds(self._query.reversed(), last)
        except (LookupError, ValueError):
            return self._count_of(conditions, values)
        place = (read - 1) * PAGE + len(self._pages[read - 1])
        after = [one.replace(":term_", ":last_") for one in after]
        values |= {name.replace("term_", "last_"): one for name, one in others.items()}
        return place + self._count_of([f"{one} AND {other}" for one in conditions for other in after], values)

    def _whole(self) -> list[Id]:
        if self._all is None:
            self._all = self._read(self._query.ids())
        return self._all

    def _one(self, sql: str, values: Mapping[str, Any]) -> Any:
        return self._library.db().conn.execute(sql, {**self._query.params, **values}).fetchone()

    def _read(self, sql: str, values: Mapping[str, Any] = _NONE) -> list[Id]:
        return column(self._library, sql, {**self._query.params, **values})


class Joined(Ids):
    """One list after another; no id is in two of them."""

    def __init__(self, parts: Sequence[Sequence[Id]]) -> None:
        """``parts`` are the lists."""
        self._parts = parts

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(part) for part in self._parts)]

    def __len__(self) -> int:
        """Rows of all."""
        return self._starts[-1]

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
        if step != 1:
            return list(self)[at]
        return [
            one
            for first, part in zip(self._starts, self._parts, strict=False)
            if start < first + len(part) and stop > first
            for one in part[max(0, start - first) : stop - first]
        ]

    def __iter__(self) -> Iterator[Id]:
        """All ids: reads them."""
        return chain.from_iterable(self._parts)

    def __contains__(self, value: object) -> bool:
        """Whether this row is in one of them."""
        return any(value in part for part in self._parts)

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Where a row stands.

        Raises:
            ValueError: in none of them, or outside ``start`` and ``stop``.
        """
        first = 0
        for part in self._parts:
            with suppress(ValueError):  # asked before the length: that follows from the place
                place = first + part.index(value)
                if start <= place and (stop is None or place < stop):
                    return place
            first += len(part)
        raise ValueError(value)

    def among(self, ids: Collection[Id]) -> list[Id]:
        """Those of ``ids`` that are in one of them, in order."""
        return [
            one
            for part in self._parts
            for one in (part.among(ids) if isinstance(part, Ids) else [one for one in part if one in ids])
        ]


def before(terms: Sequence[tuple[str, bool]], values: Sequence[Any]) -> list[str]:
    """Conditions for all rows before the one with these values: each row fulfils one.

    They are in the order of the rows, and each can be answered from the index of that order. NULL comes
    before everything, as SQLite has it.

    Args:
        terms: (expression, whether it descends) of the order.
        values: what the row has; bound as ``:term_0`` and so on.
    """
    conditions: list[str] = []
    equal: list[str] = []
    for number, ((term, descends), value) in enumerate(zip(terms, values, strict=True)):
        if descends:
            alternatives = [f"({term}) > :term_{number}" if value is not None else f"({term}) IS NOT NULL"]
        else:
            alternatives = [f"({term}) IS NULL", f"({term}) < :term_{number}"] if value is not None else []
        conditions += [" AND ".join([*equal, one]) for one in alternatives]
        equal.append(f"({term}) IS :term_{number}")
    return conditions


def column(library: Library, sql: str, params: Mapping[str, Any]) -> list[Any]:
    """The column ``the_one`` of a query, in its order: as one JSON text, twice as fast as row by row."""
    # SQLite keeps the order of a subquery that is all an ordered aggregate reads.
    text = library.db().conn.execute(f"SELECT json_group_array(the_one) FROM ({sql})", params).fetchone()[0]
    return list(json.loads(text))
