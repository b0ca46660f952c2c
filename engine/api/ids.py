"""Ids of the rows of a long list."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence

from engine.api.rows import Id


class Ids(Sequence[Id]):
    """Ids of very many rows, in order, not all of which were read.

    A range may hold fewer ids than its ends say: rows that went in between. To
    go through all of them, or through a large range, reads them all.
    """

    note: str = ""
    """What is to be said of the list beside its length: not all are there, or the order is another."""

    @abstractmethod
    def among(self, ids: Collection[Id]) -> list[Id]:
        """Those of ``ids`` that are here, in order; quick for the very same collection once more."""
