"""Opening a database: migrate it, or refuse it untouched."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from engine.errors import DatabaseRefused, NotFound, RushesError
from engine.library import Library
from engine.storage import opening
from engine.storage.database import execute, rows, scalar, write
from engine.storage.opening import BACKUPS_KEPT, open_checked
from engine.storage.schema import library_migrations


def make(path: Path) -> None:
    open_checked(path, library_migrations, path.parent / "backups", create=True).close()


def test_a_new_database_has_the_schema_and_the_promised_pragmas(tmp_path: Path) -> None:
    db = open_checked(tmp_path / "library.db", library_migrations, tmp_path / "backups", create=True)
    assert {
        "volumes",
        "assets",
        "copies",
        "clips",
        "batches",
        "jobs",
        "tasks",
        "candidates",
        "recipes",
        "runs",
        "segments",
        "audit",
    } <= set(db.table_names())
    assert scalar(db, "PRAGMA journal_mode") == "wal"
    assert scalar(db, "PRAGMA foreign_keys") == 1
    assert scalar(db, "PRAGMA synchronous") == 2


@pytest.mark.parametrize(
    "content",
    [b"this is no database at all", b"SQLite format 3\x00" + b"\xff" * 8192],
    ids=["foreign bytes", "damaged pages"],
)
def test_LB6_a_damaged_file_is_refused_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "library.db"
    file.write_bytes(content)
    with pytest.raises(DatabaseRefused, match="left as it is"):
        open_checked(file, library_migrations, tmp_path / "backups")
    assert file.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["library.db"]


def test_LB6_a_page_damaged_in_the_middle_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    make(file)
    content = bytearray(file.read_bytes())
    content[4096 * 2 : 4096 * 6] = b"\xa5" * (4096 * 4)
    file.write_bytes(content)
    with pytest.raises(DatabaseRefused):
        open_checked(file, library_migrations, tmp_path / "backups")
    assert file.read_bytes() == bytes(content)


def test_a_large_database_is_checked_page_by_page_when_asked_and_before_a_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "library.db"
    make(file)
    opening.check(file)
    root = sqlite3.connect(file).execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit'").fetchone()
    content = bytearray(file.read_bytes())
    content[4096 * (root[0] - 1) : 4096 * root[0]] = b"\xa5" * 4096
    file.write_bytes(content)
    monkeypatch.setattr(opening, "CHECKED_ALWAYS_BYTES", 0)
    open_checked(file, library_migrations, tmp_path / "backups").close()
    with pytest.raises(DatabaseRefused, match="damaged"):
        opening.check(file)
    with pytest.raises(DatabaseRefused, match="damaged"):
        open_checked(file, newer(), tmp_path / "backups")
    with pytest.raises(DatabaseRefused):
        opening.check(tmp_path / "absent.db")
    assert file.read_bytes() == bytes(content)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.commit()
    connection.close()
    before = file.read_bytes()
    with pytest.raises(DatabaseRefused, match="another program"):
        open_checked(file, library_migrations, tmp_path / "backups")
    assert file.read_bytes() == before


def newer() -> Migrations:
    later = Migrations("rushes-library")
    for known in library_migrations.pending(Database(memory=True)):
        later(name=known.name)(known.fn)

    @later(name="0999_later")
    def _later(db: Database) -> None:
        db.execute("CREATE TABLE later (x INTEGER)")

    return later


def test_LB7_a_newer_schema_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    open_checked(file, newer(), tmp_path / "backups", create=True).close()
    before = file.read_bytes()
    with pytest.raises(DatabaseRefused, match="newer rushes"):
        open_checked(file, library_migrations, tmp_path / "backups")
    assert file.read_bytes() == before


def test_LB7_an_older_schema_is_backed_up_and_migrated_at_open(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    make(file)
    db = open_checked(file, newer(), tmp_path / "backups")
    assert "later" in db.table_names()
    backups = list((tmp_path / "backups").glob("library-*.db"))
    assert len(backups) == 1
    assert "later" not in Database(backups[0]).table_names()


def test_LB8_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    make(file)
    broken = newer()

    @broken(name="9999_broken")
    def _broken(db: Database) -> None:
        db.execute("CREATE TABLE half (x INTEGER)")
        raise sqlite3.OperationalError("no more")

    with pytest.raises(DatabaseRefused):
        open_checked(file, broken, tmp_path / "backups")
    db = open_checked(file, newer(), tmp_path / "backups")
    assert "half" not in db.table_names()


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    from engine.storage.opening import back_up

    file = tmp_path / "library.db"
    make(file)
    db = open_checked(file, library_migrations, tmp_path / "backups")
    made = [back_up(db, tmp_path / "backups", "library") for _ in range(BACKUPS_KEPT + 2)]
    kept = sorted((tmp_path / "backups").iterdir())
    assert len(kept) <= BACKUPS_KEPT
    assert made[-1] in kept


def test_a_missing_file_is_not_found_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_checked(tmp_path / "library.db", library_migrations, tmp_path / "backups")
    assert not list(tmp_path.iterdir())


def test_names_of_any_bytes_survive_the_round_trip(tmp_path: Path) -> None:
    from engine.names import from_blob, to_blob

    db = open_checked(tmp_path / "library.db", library_migrations, tmp_path / "backups", create=True)
    names = ["clip [1] ;rm.mov", "-y.mp4", "\x1b[2J.mov", "line\nbreak", "caf\udce9.mov", "e\u0301 vs \xe9"]
    for name in names:
        execute(
            db, "INSERT INTO watch_folders (path, params, created_at) VALUES (?, '{}', '')", (to_blob(name),)
        )
    assert [
        from_blob(found["path"]) for found in rows(db, "SELECT path FROM watch_folders ORDER BY watch_id")
    ] == names


def test_two_writers_that_read_first_never_meet_a_locked_database(tmp_path: Path) -> None:
    """A deferred transaction would fail here at once, whatever the busy timeout."""
    file = tmp_path / "library.db"
    make(file)
    failures: list[sqlite3.Error] = []

    def count_up() -> None:
        db = open_checked(file, library_migrations, tmp_path / "backups")
        try:
            for _ in range(100):
                with write(db):
                    seen = scalar(db, "SELECT count(*) FROM tags")
                    db.execute("INSERT INTO tags (name) VALUES (?)", (f"{seen}",))
        except sqlite3.Error as error:
            failures.append(error)
        finally:
            db.close()

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    db = open_checked(file, library_migrations, tmp_path / "backups")
    assert scalar(db, "SELECT count(*) FROM tags") == 300


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    db = open_checked(tmp_path / "library.db", library_migrations, tmp_path / "backups", create=True)

    def half() -> None:
        with write(db):
            db.execute("INSERT INTO tags (name) VALUES ('a')")
            raise RushesError("stop")

    with pytest.raises(RushesError):
        half()
    assert scalar(db, "SELECT count(*) FROM tags") == 0


def test_LB8_a_kill_in_the_middle_of_a_migration_leaves_old_or_new(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    make(file)
    script = f"""
import os, signal
from pathlib import Path
from sqlite_utils import Migrations, Database
from engine.storage import opening
from engine.storage.opening import open_checked
from engine.storage.schema import library_migrations
later = Migrations("rushes-library")
for known in library_migrations.pending(Database(memory=True)):
    later(name=known.name)(known.fn)
@later(name="0002_cut")
def cut(db):
    db.execute("CREATE TABLE half (x INTEGER)")
    os.kill(os.getpid(), signal.SIGKILL)
open_checked(Path({str(file)!r}), later, Path({str(tmp_path / "backups")!r}))
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -9
    db = open_checked(file, library_migrations, tmp_path / "backups")
    assert "half" not in db.table_names()


def test_a_backup_that_was_made_while_the_clock_was_wrong_is_kept(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the one that is taken before a migration: it must not be the first to go."""
    folder = tmp_path / "backups"
    for second in range(BACKUPS_KEPT):
        monkeypatch.setattr(opening.clock, "now", lambda at=second: f"2026-01-01T00:00:0{at}.000Z")
        opening.back_up(library.db(), folder, "library")
    monkeypatch.setattr(opening.clock, "now", lambda: "1970-01-01T00:00:00.000Z")
    made = opening.back_up(library.db(), folder, "library")
    assert made.exists()
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == BACKUPS_KEPT
    assert names[-1] == f"library-2026-01-01T00000{BACKUPS_KEPT - 1}000Z.db"
