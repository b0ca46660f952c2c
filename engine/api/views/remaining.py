"""Long lists that are most of a larger one: all clips of a state but those with a text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from engine.api.rows import Id
from engine.api.views import order
from engine.library import Library


class Remaining(order.Order):
    """Most rows of a larger list, whose length is known: counted as those without the few that fail.

    So what makes the larger list, dear where it is asked of every row, is asked of those few alone.
    """

    def __init__(
        self, library: Library, larger: order.Query, total: int, passes: str, first: Sequence[Id] = ()
    ) -> None:
        """Make the list.

        Args:
            library: where to read.
            larger: the larger list.
            total: how many it has.
            passes: the condition that most of its rows fulfil; its values are those of ``larger``.
            first: ids at the beginning of this list that were read already.
        """
        super().__init__(library, replace(larger, where=f"{passes} AND {larger.where}"), None, first)
        self._larger = larger
        self._total = total
        self._passes = passes
        self._failing = replace(larger, where=f"({passes}) IS NOT TRUE AND {larger.where}")
        self._split: tuple[Id, int] | None = None
        """A row, and how many rows that fail come before it."""

    def __len__(self) -> int:
        """Rows that there were when it was asked first."""
        if self._count is None:
            failing = None
            if self._split is not None:
                known, earlier = self._split
                with suppress(ValueError):  # the row has gone since
                    bounds = self._bounds(self._query.reversed(), known)
                    failing = earlier + self._count_of(*bounds, self._failing)
            if failing is None:
                failing = self._count_of(["1"], {}, self._failing)
            self._count = max(0, self._total - failing)
        return self._count

    def _counted(self, value: Any) -> int:
        conditions, values = self._bounds(self._query, value)
        earlier = passing = 0
        for condition in conditions:
            both = self._larger.count(condition, f"count(*), count(*) FILTER (WHERE {self._passes})")
            seen, good = self._one(both, values)
            earlier += seen
            passing += good
        self._split = value, earlier - passing
        return passing


SAMPLE = 256
"""Rows that are looked at to guess how many pass."""


def mostly(library: Library, larger: order.Query, passes: str) -> bool:
    """Whether most rows of a table, all over it, fulfil a condition: a guess. The key is the row's number."""
    last = library.db().conn.execute(f"SELECT max({larger.key}) FROM {larger.tables}").fetchone()[0] or 0
    some = json.dumps([last * (number + 1) // SAMPLE for number in range(SAMPLE)])
    found = library.db().conn.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {passes}) FROM {larger.tables}"
        f" WHERE {larger.key} IN (SELECT value FROM json_each(:the_some))",
        {**larger.params, "the_some": some},
    )
    seen, passing = found.fetchone()
    return bool(2 * passing > seen)


def remaining(library: Library, larger: order.Query, total: int, passes: str) -> Sequence[Id]:
    """Those rows of a list of ``total`` for which a condition holds, as :func:`order.read` gives them."""
    query = replace(larger, where=f"{passes} AND {larger.where}", scarce=True)
    if total <= order.FEW or not mostly(library, larger, passes):
        return order.read(library, query)
    first: list[Id] = order.column(library, query.ids(tail=f"LIMIT {order.FEW + 1}"), query.params)
    return first if len(first) <= order.FEW else Remaining(library, larger, total, passes, first)
