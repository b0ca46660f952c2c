"""Finds clips by a text, by their sets and as favourites among very many, see :mod:`engine.storage.rolls`.

Upper and lower case of ASCII letters are the same, as in SQLite's LIKE.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import compress
from typing import Any

from sqlite_utils import Database

from engine.storage import rolls
from engine.storage.counted import Counted
from engine.storage.packs import END, one_moment, single
from engine.storage.rolls import Clip, Key, Roll
from engine.storage.schema.rolls import ROWS

OPEN_ROWS = 8 * ROWS
"""So many clips of open rolls are read from their index in a question; with more, rolls are no help."""

_HIT = b"\x01"
_ALL_ELSE = bytes(range(2, 256))
_MARK = bytes.maketrans(b"\x02", b"\x01")


class Test:
    """What a clip must be. Belongs to one question."""

    def __init__(
        self,
        text: bytes = b"",
        *,
        hidden: bool = False,
        sets: Collection[int] | None = None,
        favourite: bool = False,
    ) -> None:
        """Make the test.

        Args:
            text: what its words must hold; empty is anything.
            hidden: or rather must not hold.
            sets: the sets that it may be of; None is any.
            favourite: whether it must be a favourite.
        """
        self._text = rolls.fold(text)
        self._hidden = hidden
        self._favourite = favourite
        self._sets = None if sets is None else frozenset(sets)
        self._table = lru_cache(maxsize=64)(self._tell)
        self._single = single(self._text) if len(self._text) == 1 else None

    @property
    def reads_words(self) -> bool:
        """Whether it looks for a text."""
        return bool(self._text)

    def _tell(self, set_ids: tuple[int, ...]) -> bytes:
        sets = self._sets or frozenset()
        return bytes(one in sets for one in set_ids).ljust(256, b"\0")

    def _holding(self, words: bytes) -> int:
        """The clips that hold the text: a byte for each, 1 or 0."""
        if self._text not in words:
            return 0
        if self._single is not None:
            marked = words.translate(*self._single)
        else:
            marked = words.replace(self._text, _HIT).translate(None, _ALL_ELSE)
        return int.from_bytes(marked.replace(_HIT + END, b"\x02").translate(_MARK, _HIT), "big")

    def passing(self, one: Roll) -> int:
        """The clips of a roll that pass: a byte for each, 1 or 0, the first of them the highest."""
        every = int.from_bytes(_HIT * len(one.sets), "big")
        found = every
        if self._sets is not None:
            found = int.from_bytes(one.sets.translate(self._table(tuple(one.set_ids))), "big")
        if self._favourite:
            found &= int.from_bytes(one.favourites, "big")
        if self._text:
            holding = self._holding(one.words)
            found &= every ^ holding if self._hidden else holding
        return found

    def ids(self, one: Roll) -> list[int]:
        """The numbers of the clips of a roll that pass."""
        return list(compress(one.ids, self.passing(one).to_bytes(len(one.sets), "big")))


class Hits(Counted):
    """The clips that pass, in an order: counted in each roll, listed where they are asked for."""

    def __init__(self, name: str, test: Test) -> None:
        super().__init__()
        self._name = name
        self._test = test
        self._first: list[Key] = []
        """The place of the first clip of each roll that has hits."""
        self._until: list[Key | None] = []

    def add(self, first: Key, until: Key | None, where: int | list[int], count: int) -> None:
        """Take in a roll with hits, by its ``roll_id`` or with its hits; rolls come in their order."""
        self._first.append(first)
        self._until.append(until)
        self._where.append(where)
        self._counts.append(count)

    def place(self, db: Database, row_id: int) -> int | None:
        """The place of a clip; None when it does not pass."""
        time = "''" if self._name == "title" else "coalesce('t' || recorded_at, '')"
        key = db.conn.execute(
            f"SELECT {time}, title, clip_id FROM clips WHERE rowid = ?", (row_id,)
        ).fetchone()
        at = bisect_right(self._first, key) - 1 if key is not None else -1
        if at < 0:
            return None
        try:
            return self._begin(at) + self._ids(db, at).index(row_id)
        except ValueError:
            return None

    def _ids(self, db: Database, at: int) -> list[int]:
        where = self._where[at]
        if isinstance(where, list):
            return where
        found = db.conn.execute(
            "SELECT sets, set_ids, favourites, words, ids FROM clip_rolls JOIN clip_roll_contents"
            " USING (roll_id) WHERE roll_id = ? AND made",
            (where,),
        ).fetchone()
        if found is not None:
            return self._test.ids(_read(found))
        clips = rolls.clips_of(db, self._name, self._first[at], self._until[at], OPEN_ROWS)  # changed since
        return [row_id for _, one in rolls.made(clips) for row_id in self._test.ids(one)]


def look(db: Database, name: str, test: Test) -> Hits | None:
    """Look for the clips that pass, in the order ``name``; None where there are no rolls, or few."""
    with one_moment(db):
        fences = rolls.fences(db, name)
        if all(roll_id is None for _, _, roll_id in fences):
            return None
        opened: dict[Key, list[Clip]] = {}
        room = OPEN_ROWS
        for first, until, roll_id in fences:
            if roll_id is None:
                opened[first] = rolls.clips_of(db, name, first, until, room + 1)
                room -= len(opened[first])
                if room < 0:
                    return None
        hits = Hits(name, test)
        read = db.conn.execute(
            f"SELECT sets, set_ids, favourites, {'words' if test.reads_words else 'NULL'}, NULL"
            " FROM clip_rolls CROSS JOIN clip_roll_contents USING (roll_id) WHERE list = ? AND made"
            " ORDER BY first_time, first_title, first_clip",
            (name,),
        )
        with closing(read):
            for first, until, roll_id in fences:
                if roll_id is not None:
                    count = test.passing(_read(next(read))).bit_count()
                    if count:
                        hits.add(first, until, roll_id, count)
                    continue
                for key, one in rolls.made(opened[first]):
                    ids = test.ids(one)
                    if ids:
                        hits.add(key, until, ids, len(ids))
        return hits


def _read(found: Sequence[Any]) -> Roll:
    sets, set_ids, favourites, words, ids = found
    return Roll(sets, array("q", set_ids), favourites, words or b"", array("q", ids or b""))
