"""Finds rows by a text in their names among a million, see :mod:`engine.storage.schema.packs`.

Upper and lower case of ASCII letters are the same, as in SQLite's LIKE.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby

from sqlite_utils import Database

from engine.storage.counted import Counted
from engine.storage.database import scalar, write
from engine.storage.schema.packs import ROWS, SHIFT

END = b"\0"
_HIT = b"\x01"
_FOLD = bytes.maketrans(_HIT, b"\x03")
_ALL_ELSE = bytes(range(2, 256))

DENSE = 0.015
"""From so many hits in a byte of names on, marking all is quicker than finding one after the other."""

AT_ONCE = 8
"""Parts packed in one transaction: some milliseconds for whoever waits to write."""


@dataclass(frozen=True)
class Kind:
    """A table whose names are packed: its key, its name, and what a pack belongs to (NULL: nothing)."""

    table: str
    key: str
    name: str
    owner: str
    packs: str


TASKS = Kind("tasks", "task_id", "name", "job_id", "task_packs")
COPIES = Kind("copies", "copy_id", "path", "NULL", "copy_packs")


@dataclass(frozen=True)
class Pack:
    """Names of rows, in the order of their ids."""

    owner: str | None
    first_id: int | None
    count: int
    ids: bytes | None
    stem: bytes
    names: bytes

    def id_list(self) -> Sequence[int]:
        """The ids of its rows."""
        if self.first_id is None:
            return ()
        if self.ids is None:
            return range(self.first_id, self.first_id + self.count)
        return array("q", self.ids)


def fold(name: bytes) -> bytes:
    """A name as it is compared: ASCII letters small, and without the sign that marks hits."""
    return name.lower().translate(_FOLD)


def made(owner: str | None, rows: Sequence[tuple[int, bytes]]) -> Pack:
    """The pack of these rows: ids, which ascend, and names."""
    names = [fold(name) for _, name in rows]
    stem = _stem(min(names, default=b""), max(names, default=b""))
    first = rows[0][0] if rows else None
    ids = None
    if first is not None and rows[-1][0] - first != len(rows) - 1:
        ids = array("q", [row_id for row_id, _ in rows]).tobytes()
    listed = b"".join(name[len(stem) :] + END for name in names)
    return Pack(owner, first, len(rows), ids, stem, listed)


def _stem(one: bytes, other: bytes) -> bytes:
    """The folders that both names begin with, and so all names that are sorted between them."""
    alike = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[: one.rfind(b"/", 0, alike) + 1]


# -- packing -----------------------------------------------------------------------
def owed(db: Database, kind: Kind) -> list[int]:
    """The full parts of a table that are not packed. The last one, which grows, is never packed."""
    last = int(scalar(db, f"SELECT coalesce(max({kind.key}), 0) FROM {kind.table}")) >> SHIFT
    packed = _packed(db, kind)
    return [part for part in range(last) if part not in packed]


def pack(db: Database, kind: Kind, parts: Sequence[int]) -> None:
    """Pack these parts of a table, in one transaction."""
    with write(db):
        for part in parts:
            found = [
                made(owner, [(row_id, name) for _, row_id, name in rows])
                for owner, rows in groupby(_rows(db, kind, part), key=lambda entry: entry[0])
            ] or [made(None, ())]
            db.conn.execute(
                f"DELETE FROM {kind.packs} WHERE pack_id BETWEEN ? AND ?",
                (part << SHIFT, (part << SHIFT) + ROWS - 1),
            )
            db.conn.executemany(
                f"INSERT INTO {kind.packs} VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        (part << SHIFT) + number,
                        one.owner,
                        one.first_id,
                        one.count,
                        one.ids,
                        one.stem,
                        one.names,
                    )
                    for number, one in enumerate(found)
                ],
            )


def _packed(db: Database, kind: Kind) -> set[int]:
    return {found[0] for found in db.conn.execute(f"SELECT pack_id >> {SHIFT} FROM {kind.packs}").fetchall()}


def _rows(db: Database, kind: Kind, part: int, owner: str | None = None) -> list[tuple[str, int, bytes]]:
    among = "" if owner is None else f" AND {kind.owner} = :owner"
    return db.conn.execute(
        f"SELECT {kind.owner}, {kind.key}, {kind.name} FROM {kind.table}"
        f" WHERE {kind.key} BETWEEN :first AND :last{among} ORDER BY {kind.key}",
        {"first": part << SHIFT, "last": (part << SHIFT) + ROWS - 1, "owner": owner},
    ).fetchall()


def single(sign: bytes) -> tuple[bytes, bytes]:
    """What ``bytes.translate`` is given to leave nothing but hits of one sign and the ends of the names."""
    return bytes.maketrans(sign, _HIT), bytes(set(range(1, 256)) - set(sign))


# -- finding -----------------------------------------------------------------------
class Needle:
    """A text that is looked for, or (``hidden``) whose absence is."""

    def __init__(self, text: bytes, *, hidden: bool = False) -> None:
        """``text`` is not empty and holds no NUL."""
        self._text = fold(text)
        self._hidden = hidden
        self._rest = re.compile(re.escape(self._text) + rb"[^\0]*").findall
        self._dense = False
        self._single = single(self._text) if len(self._text) == 1 else None

    def count(self, pack: Pack) -> int:
        """How many rows of a pack pass."""
        found = self._count(pack)
        return pack.count - found if self._hidden else found

    def _count(self, pack: Pack) -> int:
        """How many rows of a pack hold the text."""
        names = pack.names
        if self._text in pack.stem:
            return pack.count
        if heads := self._heads(pack):
            if len(heads) > 1 or self._text in names:
                return sum(map(self._test(pack), names.split(END)[:-1]))
            return (END + names).count(END + heads[0])
        if self._single is not None:
            return names.translate(*self._single).count(_HIT + END)
        if names.endswith(self._text + END) and names.count(self._text + END) == pack.count:
            return pack.count  # what all of them end with
        if self._dense:
            found = names.replace(self._text, _HIT).translate(None, _ALL_ELSE).count(_HIT + END)
        else:
            found = len(self._rest(names))
        self._dense = found > DENSE * len(names)
        return found

    def ids(self, pack: Pack) -> list[int]:
        """The ids of the rows of a pack that pass."""
        names, ids = pack.names.split(END)[:-1], pack.id_list()
        if self._text in pack.stem:
            return [] if self._hidden else list(ids)
        test, hidden = self._test(pack), self._hidden
        return [row_id for row_id, name in zip(ids, names, strict=True) if test(name) != hidden]

    def _heads(self, pack: Pack) -> tuple[bytes, ...]:
        """What names begin with where the text begins in the stem."""
        cuts = (at + 1 for at, sign in enumerate(self._text) if sign == 0x2F)
        return tuple(self._text[cut:] for cut in cuts if pack.stem.endswith(self._text[:cut]))

    def _test(self, pack: Pack) -> Callable[[bytes], bool]:
        text, heads = self._text, self._heads(pack)
        if heads:
            return lambda name: name.startswith(heads) or text in name
        return lambda name: text in name


class Hits(Counted):
    """The rows that pass, in the order of their ids: counted in each pack, listed where one looks."""

    def __init__(self, kind: Kind, needle: Needle, owner: str | None) -> None:
        super().__init__()
        self._kind = kind
        self._needle = needle
        self._owner = owner
        self._first: list[int] = []
        """The first id of each pack that has hits."""

    def add(self, first_id: int, where: int | list[int], count: int) -> None:
        """Take in a pack with hits, by its ``pack_id`` or with its hits; packs come in order of ids."""
        self._first.append(first_id)
        self._where.append(where)
        self._counts.append(count)

    def around(self, low: int, high: int) -> tuple[int, int]:
        """A first place and the one behind the last, between which all hits with ids of this range are."""
        first, last = bisect_right(self._first, low) - 1, bisect_right(self._first, high) - 1
        if last < 0:
            return 0, 0
        first = max(0, first)
        return self._begin(first), self._ends[last]

    def place(self, db: Database, row_id: int) -> int | None:
        """The place of a row; None when it does not pass."""
        at = bisect_right(self._first, row_id) - 1
        if at < 0:
            return None
        ids = self._ids(db, at)
        within = bisect_left(ids, row_id)
        if within == len(ids) or ids[within] != row_id:
            return None
        return self._ends[at] - self._counts[at] + within

    def _ids(self, db: Database, at: int) -> list[int]:
        where = self._where[at]
        if isinstance(where, list):
            return where
        found = db.conn.execute(
            f"SELECT owner, first_id, count, ids, stem, names FROM {self._kind.packs} WHERE pack_id = ?",
            (where,),
        ).fetchone()
        if found is None or (self._owner is not None and found[0] != self._owner):  # changed since
            rows = [(row_id, name) for _, row_id, name in _rows(db, self._kind, where >> SHIFT, self._owner)]
            return self._needle.ids(made(self._owner, rows))
        return self._needle.ids(Pack(*found))


def look(
    db: Database, kind: Kind, needle: Needle, owner: str | None = None, *, most: int | None = None
) -> Hits:
    """Look for a text in the names of all rows, or of those of one owner.

    Args:
        db: the library.
        kind: which rows.
        needle: the text.
        owner: whose rows; None is all.
        most: enough hits: more than so many, and the rest is not looked at.
    """
    hits = Hits(kind, needle, owner)
    found: list[tuple[int, int | list[int], int]] = []
    total = 0
    with one_moment(db), closing(_counted(db, kind, needle, owner)) as packs:
        for entry in packs:
            found.append(entry)
            total += entry[2]
            if most is not None and total > most:
                break
    for first_id, where, count in sorted(found, key=lambda entry: entry[0]):
        hits.add(first_id, where, count)
    return hits


@contextmanager
def one_moment(db: Database) -> Iterator[None]:
    """Let the block read packs and rows as they are at one moment."""
    if db.conn.in_transaction:
        yield
        return
    db.conn.execute("BEGIN")
    try:
        yield
    finally:
        db.conn.execute("COMMIT")


UNPACKED = 32
"""So many parts that are not packed are counted row by row for a total."""


def total(db: Database, kind: Kind, owner: str) -> int | None:
    """How many rows of a table belong to an owner; None where packs are no help, for there are few."""
    with one_moment(db):
        packed = f"SELECT coalesce(sum(count), 0) FROM {kind.packs} WHERE owner = ?"
        found = int(scalar(db, packed, (owner,)))
        last = int(scalar(db, f"SELECT coalesce(max({kind.key}), 0) FROM {kind.table}")) >> SHIFT
        done = _packed(db, kind)
        left = [part for part in range(last + 1) if part not in done]
        if not found or len(left) > UNPACKED:
            return None
        for part in left:
            count = f"SELECT count(*) FROM {kind.table} WHERE {kind.key} BETWEEN ? AND ? AND {kind.owner} = ?"
            found += int(scalar(db, count, (part << SHIFT, (part << SHIFT) + ROWS - 1, owner)))
        return found


def _counted(
    db: Database, kind: Kind, needle: Needle, owner: str | None
) -> Generator[tuple[int, int | list[int], int], None, None]:
    among = "" if owner is None else "WHERE owner = ?"
    for pack_id, *found in db.conn.execute(
        f"SELECT pack_id, owner, first_id, count, ids, stem, names FROM {kind.packs} {among}",
        () if owner is None else (owner,),
    ):
        count = needle.count(Pack(*found))
        if count:
            yield found[1], pack_id, count
    last = int(scalar(db, f"SELECT coalesce(max({kind.key}), 0) FROM {kind.table}")) >> SHIFT
    packed = _packed(db, kind)
    for part in range(last + 1):
        if part in packed:
            continue
        rows = [(row_id, name) for _, row_id, name in _rows(db, kind, part, owner)]
        ids = needle.ids(made(owner, rows))
        if ids:
            yield ids[0], ids, len(ids)
