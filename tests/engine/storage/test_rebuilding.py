"""Numbers that are kept beside the records come right again, and the records stay."""

from __future__ import annotations

from engine.library import Library
from engine.storage import packs
from engine.storage.database import execute, rows
from engine.storage.rebuilding import rebuild
from engine.volumes.store import new_id


def test_wrong_numbers_are_counted_again(library: Library) -> None:
    db = library.db()
    execute(
        db,
        "INSERT INTO volumes (volume_id, name, first_seen_at, last_seen_at) VALUES (?, 'A', '2026', '2026')",
        (new_id(),),
    )
    right = rows(db, "SELECT * FROM volume_counts")
    assert rebuild(db) == 0
    execute(db, "UPDATE volume_counts SET copies = 7")
    assert rebuild(db) == 1
    assert rows(db, "SELECT * FROM volume_counts") == right


def test_what_is_packed_is_packed_anew(library: Library) -> None:
    """A pack is made of rows, and is not believed by whoever doubts the catalogue."""
    db = library.db()
    for kind in (packs.TASKS, packs.COPIES):
        packs.pack(db, kind, [0])
        assert len(rows(db, f"SELECT * FROM {kind.packs}")) == 1
    rebuild(db)
    assert rows(db, "SELECT * FROM task_packs") == rows(db, "SELECT * FROM copy_packs") == []
