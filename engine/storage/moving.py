"""Many copies given other values by few statements: what triggers do for one row is done once for all.

The triggers of :mod:`engine.storage.schema.tallies` cost some hundred
microseconds for each copy that changes its volume or state. A mapping of
100,000 files would hold the database longer than another process waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlite_utils import Database

from engine.storage.database import scalar, write
from engine.storage.schema import holdings, tallies, twice

COLUMNS = (
    "volume_id", "path", "state", "size", "mtime_ns", "inode", "seen_at", "verified_at", "verify_level",
)  # fmt: skip
"""The columns of a copy that :func:`move` sets, in this order."""

_LISTED = ", ".join(COLUMNS)

_STAGE = f"""
    CREATE TEMP TABLE IF NOT EXISTS moves (
        copy_id INTEGER PRIMARY KEY, {_LISTED}, asset_id, was_volume, was_state, was_size
    )
"""

_KNOWN = """
    UPDATE temp.moves SET (asset_id, was_volume, was_state, was_size) =
        (SELECT asset_id, volume_id, state, size FROM copies WHERE copies.copy_id = moves.copy_id)
"""

# A place that one copy takes may be the one that another leaves a moment later.
_PARK = """
    UPDATE copies SET path = CAST(x'00' || 'moving/' || copy_id AS BLOB) WHERE copy_id IN
        (SELECT held.copy_id FROM temp.moves AS move JOIN copies AS held
            ON held.volume_id = move.volume_id AND held.path = move.path
         WHERE held.copy_id <> move.copy_id AND held.copy_id IN (SELECT copy_id FROM temp.moves))
"""

# The plus: the moves are gone through and their copies looked up. SQLite knows nothing of the size of
# a table of a moment, and would go through a million copies to ask of each whether it moves.
_MOVE = (
    f"UPDATE copies SET {', '.join(f'{column} = move.{column}' for column in COLUMNS)}"
    " FROM temp.moves AS move WHERE copies.copy_id = +move.copy_id"
)


CACHE_KIB = 64 << 10
"""What SQLite may keep in memory while very many rows change: with its usual 2 MiB it writes pages twice."""


@contextmanager
def roomy(db: Database) -> Iterator[None]:
    """Let the block's statements keep more pages in memory; given back at its end."""
    usual = scalar(db, "PRAGMA cache_size")
    db.conn.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    try:
        yield
    finally:
        db.conn.execute(f"PRAGMA cache_size={usual}")
        db.conn.execute("PRAGMA shrink_memory")


def move(db: Database, changes: Iterable[Sequence[Any]]) -> None:
    """Set the columns :data:`COLUMNS` of many copies, all or none; the numbers that triggers keep follow.

    Joins the open transaction. Copies may exchange their places among each other.

    Args:
        db: the library's database.
        changes: per copy its id, then the values of :data:`COLUMNS`; copies that are not there are left out.

    Raises:
        sqlite3.IntegrityError: a place is that of a copy which does not move, or two are given one place.
    """
    with write(db):
        run = db.conn.execute
        run(_STAGE)
        run("DELETE FROM temp.moves")
        db.conn.executemany(
            f"INSERT INTO temp.moves (copy_id, {_LISTED}) VALUES (?{', ?' * len(COLUMNS)})", changes
        )
        run(_KNOWN)
        run("DELETE FROM temp.moves WHERE asset_id IS NULL")
        run("INSERT INTO copies_in_bulk SELECT copy_id FROM temp.moves")
        run(_PARK)
        run(_MOVE)
        for statement in (*tallies.MOVED, *twice.MOVED, *holdings.MOVED):
            run(statement)
        run("DELETE FROM copies_in_bulk")
        run("DELETE FROM temp.moves")


@contextmanager
def entering(db: Database, count: int) -> Iterator[range]:
    """Let the block insert up to ``count`` copies, with the ids that it gets; their counts follow at its end.

    Within the open transaction. Rows that the block changes instead, because
    their place was known already, are counted by their triggers as ever.
    """
    first = int(scalar(db, "SELECT coalesce(max(copy_id), 0) + 1 FROM copies"))
    ids = range(first, first + count)
    run = db.conn.execute
    run(
        "WITH RECURSIVE each (id) AS (SELECT ? UNION ALL SELECT id + 1 FROM each WHERE id < ?)"
        " INSERT INTO copies_in_bulk SELECT id FROM each",
        (first, ids[-1] if count else first),
    )
    yield ids
    for statement in (*tallies.ENTERED, *twice.ENTERED, *holdings.ENTERED):
        run(statement)
    run("DELETE FROM copies_in_bulk")
