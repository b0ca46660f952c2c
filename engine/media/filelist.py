"""The files of a source, kept outside of memory: a list of a million takes no more of it than one of ten.

A private database that SQLite keeps in a nameless temporary file and removes by
itself; up to a few MiB it never leaves memory. Nothing is written beside a
source or into the library.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.media.kinds import extension_of
from engine.names import from_blob, to_blob

_BATCH = 2000
"""Rows per statement."""

_CACHE_KIB = 4096
"""What SQLite may keep of one list in memory."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a source.

    Attributes:
        path: below the source, ``/`` between components, the exact name.
        size: bytes.
        mtime_ns: time of last change, nanoseconds.
        inode: inode number; a hint only, 0 when it is not known.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int = 0


class FileList:
    """Files in the order of their paths, compared component by component and byte by byte.

    They may be added in any order; a path is added once. Used by one thread
    at a time.
    """

    def __init__(self, files: Iterable[Listed] = ()) -> None:
        self._db = private_database()
        self._db.execute(
            "CREATE TABLE files (number INTEGER PRIMARY KEY, key BLOB NOT NULL, size INTEGER NOT NULL,"
            " mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, folder BLOB NOT NULL,"
            " name BLOB NOT NULL, extension BLOB NOT NULL)"
        )
        self._waiting: list[tuple[bytes, int, int, int, bytes, bytes, bytes]] = []
        self._indexed: set[str] = set()
        self._count = 0
        self._shelves = 0
        self.size = 0
        for file in files:
            self.add(file.path, file.size, file.mtime_ns, file.inode)

    def add(self, path: str, size: int, mtime_ns: int, inode: int = 0) -> None:
        """Add a file."""
        folder, _, name = path.casefold().rpartition("/")
        # Inode numbers of some network file systems use all 64 bits; the column is signed.
        inode = inode if inode < 1 << 63 else inode - (1 << 64)
        self._waiting.append(
            (_key(path), size, mtime_ns, inode, to_blob(folder), to_blob(name), to_blob(extension_of(name)))
        )
        self._count += 1
        self.size += size
        if len(self._waiting) >= _BATCH:
            self._store()

    def _store(self) -> None:
        if self._waiting:
            self._db.executemany(
                "INSERT INTO files (key, size, mtime_ns, inode, folder, name, extension)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                self._waiting,
            )
            self._waiting.clear()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Listed]:
        """The files in order."""
        return (file for _, file in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Listed]]:
        """The files in order, each with a number of its own from 1 to the length of the list."""
        self._index("key")
        key = b""
        # Page by page: an open cursor would forbid to look at the folders meanwhile.
        while found := self._db.execute(
            "SELECT number, key, size, mtime_ns, inode FROM files WHERE key > ? ORDER BY key LIMIT ?",
            (key, _BATCH),
        ).fetchall():
            for number, key, size, mtime_ns, inode in found:
                yield number, Listed(_path(key), size, mtime_ns, inode)

    def get(self, path: str) -> Listed | None:
        """The file at a path, or None."""
        self._index("key")
        found = self._db.execute(
            "SELECT size, mtime_ns, inode FROM files WHERE key = ?", (_key(path),)
        ).fetchone()
        return Listed(path, *found) if found else None

    def in_folder(self, folder: str) -> Iterator[tuple[int, Listed]]:
        """The files directly in a folder, given without regard to letter case, with their numbers."""
        self._index("folder")
        found = self._db.execute(
            "SELECT number, key, size, mtime_ns, inode FROM files WHERE folder = ?", (to_blob(folder),)
        )
        for number, key, size, mtime_ns, inode in found:
            yield number, Listed(_path(key), size, mtime_ns, inode)

    def count_in(self, folder: str) -> int:
        """How many files lie directly in a folder, given without regard to letter case."""
        self._index("folder")
        count = "SELECT count(*) FROM files WHERE folder = ?"
        return int(self._db.execute(count, (to_blob(folder),)).fetchone()[0])

    def named_between(
        self, folder: str, first: bytes, end: bytes | None, limit: int = -1
    ) -> list[tuple[int, Listed]]:
        """Files directly in a folder, with their numbers, by their folded names and in the order of those.

        Args:
            folder: without regard to letter case.
            first: folded name as bytes; from there on.
            end: the same, no longer meant; None: to the last.
            limit: at most so many; -1 for all.
        """
        self._index("folder, name")
        found = self._db.execute(
            "SELECT number, key, size, mtime_ns, inode FROM files WHERE folder = ?1 AND name >= ?2"
            " AND (?3 IS NULL OR name < ?3) ORDER BY name, key LIMIT ?4",
            (to_blob(folder), first, end, limit),
        )
        return [
            (number, Listed(_path(key), size, mtime_ns, inode))
            for number, key, size, mtime_ns, inode in found
        ]

    def folders_with(self, extensions: Sequence[str]) -> list[str]:
        """The folders, folded and in order, that directly hold a file with one of these extensions."""
        self._index("extension, folder")
        marks = ", ".join("?" * len(extensions))
        return [
            from_blob(folder)
            for (folder,) in self._db.execute(
                f"SELECT DISTINCT folder FROM files WHERE extension IN ({marks}) ORDER BY folder",
                [to_blob(extension) for extension in extensions],
            )
        ]

    def folders(self) -> Folders:
        """The folders that hold these files, as they are now."""
        self._index("folder")
        return Folders(self._db)

    def _index(self, columns: str) -> None:
        """Order the files by these columns; done when it is first asked for."""
        self._store()
        if columns not in self._indexed:
            self._db.execute(f"CREATE INDEX files_{len(self._indexed)} ON files ({columns})")
            self._indexed.add(columns)

    def shelf(self) -> Shelf:
        """A new mapping of texts that lies beside the list, outside of memory like it, and ends with it."""
        self._shelves += 1
        return Shelf(self._db, f"shelf_{self._shelves}")

    def close(self) -> None:
        """Give the temporary file back."""
        self._db.close()


class Folders:
    """The folders of a list, without regard to letter case. One at a time for each list."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute("DROP TABLE IF EXISTS folders")
        db.execute(
            "CREATE TABLE folders (folder BLOB PRIMARY KEY, exact BLOB NOT NULL, parent BLOB) WITHOUT ROWID"
        )
        db.execute("CREATE INDEX folders_by_parent ON folders (parent, folder)")
        cursor = db.execute("SELECT folder, min(key) FROM files GROUP BY folder ORDER BY folder")
        while found := cursor.fetchmany(_BATCH):
            for folder, key in found:
                self._enter(from_blob(folder), os.path.dirname(_path(key)))

    def _enter(self, folder: str, exact: str) -> None:
        while folder not in self:
            parent = folder.rpartition("/")[0] if folder else None
            self._db.execute(
                "INSERT INTO folders VALUES (?, ?, ?)",
                (to_blob(folder), to_blob(exact), None if parent is None else to_blob(parent)),
            )
            if parent is None:
                return
            folder, exact = parent, exact.rpartition("/")[0]

    def __contains__(self, folder: str) -> bool:
        return self.exact(folder) is not None

    def __iter__(self) -> Iterator[str]:
        """Every folder, folded, that holds a file somewhere below it, in order."""
        last: bytes | None = None
        while found := self._db.execute(
            "SELECT folder FROM folders WHERE ? IS NULL OR folder > ? ORDER BY folder LIMIT ?",
            (last, last, _BATCH),
        ).fetchall():
            for (last,) in found:
                yield from_blob(last)

    def exact(self, folder: str) -> str | None:
        """How a folder is really spelled; None when there is none such."""
        found = self._db.execute("SELECT exact FROM folders WHERE folder = ?", (to_blob(folder),)).fetchone()
        return None if found is None else from_blob(found[0])

    def within(self, folder: str) -> list[str]:
        """The folders directly in a folder, folded paths, in order."""
        return [
            from_blob(inner)
            for (inner,) in self._db.execute(
                "SELECT folder FROM folders WHERE parent = ? ORDER BY folder", (to_blob(folder),)
            )
        ]


class Shelf:
    """A mapping of texts to texts outside of memory; texts may hold any bytes of a name."""

    def __init__(self, db: sqlite3.Connection, table: str) -> None:
        self._db = db
        self._table = table
        db.execute(
            f"CREATE TABLE {table}"
            " (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL)"
        )

    def __len__(self) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {self._table}").fetchone()[0])

    def get(self, key: str) -> str | None:
        """The value of a key, or None."""
        found = self._db.execute(f"SELECT value FROM {self._table} WHERE key = ?", (to_blob(key),)).fetchone()
        return None if found is None else from_blob(found[0])

    def __getitem__(self, key: str) -> str:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: str, value: str) -> None:
        self._db.execute(
            f"INSERT INTO {self._table} (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (to_blob(key), to_blob(value)),
        )

    def items(self) -> Iterator[tuple[str, str]]:
        """All (key, value), in the order in which the keys were first set."""
        for key, value in self._db.execute(f"SELECT key, value FROM {self._table} ORDER BY number"):
            yield from_blob(key), from_blob(value)


def private_database() -> sqlite3.Connection:
    """A database of this process alone, in a nameless temporary file that goes when it is closed.

    Used by one thread at a time. A few MiB of it stay in memory.
    """
    db = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # handed over, never shared
    for setting in (f"cache_size=-{_CACHE_KIB}", "journal_mode=OFF", "synchronous=OFF", "temp_store=FILE"):
        db.execute(f"PRAGMA {setting}")
    db.execute("BEGIN")  # never committed: the database is gone when it is closed
    return db


def _key(path: str) -> bytes:
    # No name holds a zero byte, and it sorts before all others: so "a/b" comes before "a.b/c".
    return to_blob(path).replace(b"/", b"\0")


def _path(key: bytes) -> str:
    return from_blob(key.replace(b"\0", b"/"))
