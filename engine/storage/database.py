"""One SQLite connection per thread, opened the same way everywhere.

Write transactions begin with ``BEGIN IMMEDIATE``: a deferred transaction that
reads first and writes later fails at once with "database is locked" when
another process has written in between, whatever the busy timeout.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another process's write transaction."""

TOGETHER = 500
"""Values, or rows of them, bound to one statement; SQLite's own limit is far above."""

Params = Sequence[Any] | Mapping[str, Any]
Row = dict[str, Any]
T = TypeVar("T")


class _Connection(sqlite3.Connection):
    """A connection that may have something to do at the end of each write transaction.

    ``at_rest``: it reads a file that nobody was writing when it was opened, and sees no change of it.
    """

    at_rest = False
    before_commit: Callable[[sqlite3.Connection], None] | None = None


def connect(path: Path, *, read_only: bool = False) -> Database:
    """Open ``path`` for the calling thread: WAL, foreign keys on, ``synchronous=FULL``.

    Args:
        path: the database file; it must exist when ``read_only``.
        read_only: open without the right to write, e.g. to look at a library
            on a read-only medium.

    Raises:
        sqlite3.Error: the file cannot be opened or is no database.
    """
    at_rest = read_only and _is_at_rest(path)
    mode = "ro&immutable=1" if at_rest else "ro" if read_only else "rwc"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, factory=_Connection)
    connection.at_rest = at_rest
    try:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
        return Database(connection, execute_plugins=False)
    except BaseException:
        connection.close()
        raise


def _is_at_rest(path: Path) -> bool:
    """Whether a database can only be read as a file that nobody changes.

    WAL needs its -wal and -shm files beside the database. Where we may not make them, and nobody else has,
    nobody writes just now: on a read-only medium for good, else until another user's engine starts.
    """
    return not os.access(path.parent, os.W_OK) and not os.path.exists(f"{path}-wal")


@contextmanager
def write(db: Database) -> Iterator[Database]:
    """Run the block in one write transaction: all of it is stored, or nothing.

    Nested use joins the outer transaction by a savepoint.
    """
    if db.conn.in_transaction:
        with db.atomic():
            yield db
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield db
        if isinstance(db.conn, _Connection) and db.conn.before_commit is not None:
            db.conn.before_commit(db.conn)
        db.conn.execute("COMMIT")
    except BaseException:
        db.rollback()  # a no-op when the error ended the transaction already
        raise


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """``values`` in parts of at most :data:`TOGETHER`, in their order."""
    for start in range(0, len(values), TOGETHER):
        yield values[start : start + TOGETHER]


def rows(db: Database, sql: str, params: Params = ()) -> list[Row]:
    """Return all rows of a query as dictionaries. The cursor is drained, so it pins no WAL."""
    cursor = db.conn.execute(sql, params)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def row(db: Database, sql: str, params: Params = ()) -> Row | None:
    """Return the first row of a query, or None when there is none."""
    found = rows(db, sql, params)
    return found[0] if found else None


def scalar(db: Database, sql: str, params: Params = ()) -> Any:
    """Return the first column of the first row, or None when there is no row."""
    found = db.conn.execute(sql, params).fetchone()
    return None if found is None else found[0]


def execute(db: Database, sql: str, params: Params = ()) -> int:
    """Run one statement in a transaction of its own (or the open one); return the rows it changed."""
    with write(db):
        return int(db.conn.execute(sql, params).rowcount)


class Connections:
    """Hands each thread its own connection to one database file.

    Thread-safe. A connection is closed with :meth:`close_current` by the
    thread that owns it, or when the thread's storage is collected.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        before_commit: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        """Connect to ``path``; ``before_commit`` runs within each transaction of :func:`write`."""
        self.path = path
        self.read_only = read_only
        self._before_commit = before_commit
        self._local = threading.local()

    def current(self) -> Database:
        """Return the calling thread's connection, opening it on first use."""
        db: Database | None = getattr(self._local, "db", None)
        if db is not None and getattr(db.conn, "at_rest", False) and not _is_at_rest(self.path):
            self.close_current()  # somebody writes by now, and this connection would not see it
            db = None
        if db is None:
            db = connect(self.path, read_only=self.read_only)
            if isinstance(db.conn, _Connection):
                db.conn.before_commit = self._before_commit
            self._local.db = db
        return db

    def close_current(self) -> None:
        """Close the calling thread's connection, if it has one."""
        db: Database | None = getattr(self._local, "db", None)
        if db is not None:
            db.close()
            del self._local.db
