"""Opening a database: check it, back it up, migrate it, or refuse it untouched."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from engine import clock
from engine.errors import DatabaseRefused, NotFound
from engine.names import display
from engine.storage.database import connect

CHECKED_ALWAYS_BYTES = 32 * 1024 * 1024
"""A database up to this size is checked in full at every open (about 20 ms); a larger one by the engine."""

_READ_AHEAD = 8 << 20

BACKUPS_KEPT = 5
"""Backups kept beside a database; the oldest goes when a new one is made."""


def open_checked(
    path: Path,
    migrations: Migrations,
    backups: Path,
    *,
    create: bool = False,
    read_only: bool = False,
) -> Database:
    """Open the database at ``path`` for the calling thread, at the current schema.

    The file is checked first, through a connection that cannot write: a
    damaged file, a file that is no rushes database, and one written by a newer
    rushes are refused and stay as they are, byte for byte. When migrations are
    pending a backup is taken into ``backups`` (by SQLite's backup interface,
    so that the WAL is in it) and each migration runs in a transaction.

    Args:
        path: the database file.
        migrations: the ordered migrations of this kind of database.
        backups: folder for the backup; made when needed.
        create: make the file when it does not exist.
        read_only: open without the right to write; pending migrations are then refused.

    Raises:
        NotFound: there is no such file and ``create`` is false.
        DatabaseRefused: see above, or the place cannot be written.
    """
    exists = path.exists() and path.stat().st_size > 0
    if not exists and not create:
        raise NotFound(f"There is no database at {display(str(path))}.")
    try:
        pending = _inspect(path, migrations) if exists else len(migrations.pending(Database(memory=True)))
        db = connect(path, read_only=read_only)
    except sqlite3.Error as error:
        raise DatabaseRefused(_sentence(path, error)) from error
    try:
        if pending:
            if read_only:
                raise DatabaseRefused(
                    f"{display(str(path))} was written by an older rushes and cannot be updated here: "
                    "it is opened read-only."
                )
            if exists:
                back_up(db, backups, path.stem)
            migrations.apply(db)
        return db
    except sqlite3.Error as error:
        db.close()
        raise DatabaseRefused(_sentence(path, error)) from error
    except BaseException:
        db.close()
        raise


def check(path: Path) -> None:
    """Check every page of a database, however large; takes seconds for each GB. Changes nothing.

    Raises:
        DatabaseRefused: it is damaged, or cannot be read.
    """
    try:
        with path.open(
            "rb"
        ) as file:  # in order: the check itself goes to and fro, which a cold disk is slow at
            while file.read(_READ_AHEAD):
                pass
        db = connect(path, read_only=True)
        try:
            _refuse_damaged(db, path)
        finally:
            db.close()
    except (OSError, sqlite3.Error) as error:
        raise DatabaseRefused(_sentence(path, error)) from error


def _refuse_damaged(db: Database, path: Path) -> None:
    verdict = db.conn.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise DatabaseRefused(
            f"{display(str(path))} is damaged ({display(verdict)}). It was left as it is; "
            "restore it from its backups folder."
        )


def _inspect(path: Path, migrations: Migrations) -> int:
    """Check an existing file without writing; return how many migrations are pending."""
    with path.open("rb") as file:
        head = file.read(16)
    if head != b"SQLite format 3\x00":
        raise DatabaseRefused(
            f"{display(str(path))} is not a rushes database, or is damaged. It was left as it is."
        )
    db = connect(path, read_only=True)
    try:
        small = path.stat().st_size <= CHECKED_ALWAYS_BYTES
        if small:
            _refuse_damaged(db, path)
        known = {migration.name for migration in migrations.pending(Database(memory=True))}
        applied = [migration.name for migration in migrations.applied(db)]
        foreign = [name for name in applied if name not in known]
        if foreign:
            raise DatabaseRefused(
                f"{display(str(path))} was written by a newer rushes (it has {foreign[-1]}). "
                "It was left as it is; update rushes to open it."
            )
        if not applied and db.table_names():
            raise DatabaseRefused(
                f"{display(str(path))} is a database of another program. It was left as it is."
            )
        pending = len(known) - len(applied)
        if pending and not small:
            _refuse_damaged(db, path)  # before anything is written to it
        return pending
    finally:
        db.close()


def back_up(db: Database, folder: Path, stem: str) -> Path:
    """Write a consistent backup of ``db`` into ``folder`` and return its path.

    Written under a temporary name, checked, then renamed. The newest
    :data:`BACKUPS_KEPT` are kept.

    Raises:
        DatabaseRefused: the backup could not be written; nothing half done is left.
    """
    target = folder / f"{stem}-{clock.now().replace(':', '').replace('.', '')}.db"
    temp = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copy = sqlite3.connect(temp)
        try:
            db.conn.backup(copy)
            verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            copy.close()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        descriptor = os.open(temp, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temp.rename(target)
    except (OSError, sqlite3.Error) as error:
        temp.unlink(missing_ok=True)
        raise DatabaseRefused(
            f"A backup of {stem} could not be written to {display(str(folder))}: {error}. "
            "Nothing was changed."
        ) from error
    # By their names, which are their times: one that was made while the clock was wrong is kept all the same.
    others = sorted(old for old in folder.glob(f"{stem}-*.db") if old != target)
    for old in others[: 1 - BACKUPS_KEPT]:
        old.unlink(missing_ok=True)
    return target


def _sentence(path: Path, error: sqlite3.Error | OSError) -> str:
    shown = display(str(path))
    text = str(error)
    if "readonly" in text or "read-only" in text:
        return f"{shown} cannot be written: it is read-only. Nothing was changed."
    if "unable to open" in text:
        return f"{shown} cannot be opened: check the rights on its folder. Nothing was changed."
    if "full" in text:
        return f"{shown} cannot be written: the disk is full. Nothing was changed."
    return f"{shown} cannot be used: {text}. It was left as it is."
