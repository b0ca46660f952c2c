"""The first hash list of a card, however many files it has: put together outside of memory.

A first list says of each file what was proven, and nothing has to be compared
with older lists. So everything goes through a private database, in the order in
which it comes, and leaves it in the order in which the list is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlite_utils import Database

from engine.ingest.hashlists import listfolder
from engine.ingest.hashlists.generations import FORM, IGNORED, Listed, Record
from engine.ingest.records.known import join
from engine.media.filelist import private_database
from engine.media.mhl import writing
from engine.media.mhl.folders import Sums
from engine.media.mhl.records import FORMATS, Creator, Digest, FileHash, FolderHash, HashList, History
from engine.media.mhl.trees import each
from engine.names import from_blob, to_blob

_PAGE = 1000
"""Rows that are in memory at once."""


class FirstList:
    """What a first list will say. Used by one thread; :meth:`close` gives the room back."""

    def __init__(self) -> None:
        self._db = private_database()
        forms = ", ".join(FORMATS)
        self._db.execute(
            "CREATE TABLE proven (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, proven_at TEXT,"
            f" {forms}) WITHOUT ROWID"
        )
        self._sums = Sums(FORM, self._db)
        self.left_out: set[str] = set()

    def add(self, records: Iterable[Record]) -> None:
        """Take the proofs of files."""
        rows = []
        for record in records:
            if writing.nameable(record.path) and record.digests:
                digests = [record.digests.get(form) for form in FORMATS]
                rows.append((to_blob(record.path), record.size, record.mtime_ns, record.proven_at, *digests))
            else:
                self.left_out.add(record.path)
        marks = ", ".join("?" * (4 + len(FORMATS)))
        self._db.executemany(f"INSERT OR REPLACE INTO proven VALUES ({marks})", rows)

    def look(
        self, root: str, db: Database, volume_id: str, place: str, check: Callable[[], None] | None
    ) -> None:
        """Take in what lies in the folder: the hashes of folders are made of all that is there.

        Args:
            root: the folder.
            db: the library's database, which knows files that came there before.
            volume_id: the volume of the folder.
            place: the folder, relative to its volume.
            check: called for every folder; raises to stop.
        """
        for path, facts, is_folder in each(root, IGNORED, check=check):
            if is_folder:
                self._sums.add_folder(path, facts.mtime_ns)
                continue
            digest = None
            if not writing.nameable(path):
                self.left_out.add(path)
            else:
                digest = self._proven(path)
                if digest is None:
                    known = db.conn.execute(
                        "SELECT xxh128 FROM copies JOIN assets USING (asset_id) WHERE volume_id = ?"
                        " AND path = ? AND state = 'present' AND copies.size = ? AND mtime_ns = ?",
                        (volume_id, to_blob(join(place, path)), facts.size, facts.mtime_ns),
                    ).fetchone()
                    digest = known[0] if known else None
            self._sums.add_file(path, digest)

    def _proven(self, path: str) -> str | None:
        found = self._db.execute(f"SELECT {FORM} FROM proven WHERE path = ?", (to_blob(path),)).fetchone()
        return None if found is None else found[0]

    def write(self, root: str, history: History, creator: Creator, process: str) -> Listed:
        """Write the list; None as its path when there is nothing to say.

        Args:
            root: the folder that the list is about.
            history: of that folder, which has no generation yet.
            creator: who makes it.
            process: see :class:`engine.media.mhl.records.HashList`.

        Raises:
            RushesError, OSError: as :func:`engine.ingest.hashlists.listfolder.append` does.
        """
        count = int(self._db.execute("SELECT count(*) FROM proven").fetchone()[0])
        left_out = tuple(sorted(self.left_out))
        if not count:
            return Listed(None, None, 0, (), left_out)
        self._sums.fold()
        path = listfolder.append(
            root,
            history,
            HashList(
                creator,
                process,
                _Rows(self._db, "proven", _file),
                _Rows(self._db, "folders", lambda row: _folder(row, creator.created), "path <> x'2e'"),
                self._top(creator.created),
                IGNORED,
            ),
        )
        return Listed(path, history.latest + 1, count, (), left_out)

    def _top(self, moment: str) -> FolderHash | None:
        pair = self._sums.of(".")
        return None if pair is None else FolderHash(".", None, {FORM: pair[0]}, {FORM: pair[1]}, moment)

    def close(self) -> None:
        """Give back what it was kept in."""
        self._db.close()


class _Rows(Iterable[Any]):
    """The rows of a table in the order of their paths, made anew each time they are gone through."""

    def __init__(
        self, db: sqlite3.Connection, table: str, make: Callable[[tuple[Any, ...]], Any], which: str = "true"
    ) -> None:
        self._db, self._table, self._make, self._which = db, table, make, which

    def __iter__(self) -> Iterator[Any]:
        path = b""
        while found := self._db.execute(
            f"SELECT * FROM {self._table} WHERE path > ? AND {self._which} ORDER BY path LIMIT {_PAGE}",
            (path,),
        ).fetchall():
            path = found[-1][0]
            for row in found:
                made = self._make(row)
                if made is not None:
                    yield made


def _file(row: tuple[Any, ...]) -> FileHash:
    path, size, mtime_ns, proven_at, *digests = row
    return FileHash(
        from_blob(path),
        size,
        writing.moment_ns(mtime_ns) if mtime_ns is not None else None,
        tuple(
            Digest(form, value, "original", proven_at)
            for form, value in zip(FORMATS, digests, strict=True)
            if value is not None
        ),
    )


def _folder(row: tuple[Any, ...], moment: str) -> FolderHash | None:
    path, _, mtime_ns, content, structure = row
    if content is None:
        return None
    return FolderHash(
        from_blob(path), writing.moment_ns(mtime_ns), {FORM: content}, {FORM: structure}, moment
    )


def first_list(
    root: str,
    history: History,
    pages: Iterable[Iterable[Record]],
    creator: Creator,
    *,
    db: Database,
    volume_id: str,
    place: str,
    check: Callable[[], None] | None = None,
) -> Listed:
    """Write the first list of a folder that an ingest filled; memory does not grow with its files.

    Args:
        root: the folder.
        history: of that folder; without a generation.
        pages: the proofs, some at a time.
        creator: who makes it.
        db: the library's database.
        volume_id: the volume of the folder.
        place: the folder, relative to its volume.
        check: called for every folder and page; raises to stop.

    Raises:
        RushesError, OSError: as :func:`engine.ingest.hashlists.listfolder.append` does.
    """
    made = FirstList()
    try:
        for page in pages:
            if check is not None:
                check()
            made.add(page)
        made.look(root, db, volume_id, place, check)
        return made.write(root, history, creator, "transfer")
    finally:
        made.close()
