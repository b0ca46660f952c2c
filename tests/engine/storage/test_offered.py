"""What waits on a volume is counted as the rows themselves say, whatever happens to files and copies."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.library import Library
from engine.storage.database import rows, write
from engine.storage.rebuilding import rebuild

MOMENT = "2026-01-01T00:00:00.000000Z"
PLAINLY = """
    SELECT offer_id, found_at, count(*) AS files, sum(size) AS bytes FROM offered_files AS file
    WHERE NOT EXISTS (SELECT 1 FROM copies
                      WHERE copies.volume_id = file.volume_id AND copies.path = file.path)
    GROUP BY offer_id, found_at ORDER BY 1, 2
"""
CHANGES = (
    (
        "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " VALUES (1, :volume, :path, 'managed', 1, 0, 's', 'c') ON CONFLICT DO NOTHING"
    ),
    (
        "INSERT OR REPLACE INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " VALUES (1, :volume, :path, 'managed', 1, 0, 's', 'c')"
    ),
    "DELETE FROM copies WHERE path = :path",
    "UPDATE OR IGNORE copies SET volume_id = :volume WHERE path = :path",
    "UPDATE OR IGNORE copies SET path = :path, volume_id = :volume WHERE copy_id % 7 = :number % 7",
    "UPDATE copies SET state = 'missing' WHERE path = :path",
    (
        "INSERT INTO offered_files (volume_id, path, size, mtime_ns, offer_id, found_at)"
        " VALUES (:volume, :path, :number, 0, 1 + :number % 4, :found) ON CONFLICT DO NOTHING"
    ),
    "DELETE FROM offered_files WHERE path = :path",
    "UPDATE offered_files SET found_at = :found WHERE path = :path",
    "UPDATE offered_files SET size = :number, offer_id = 1 + :number % 4 WHERE path = :path",
)


def offers(db: Any) -> None:
    for number in range(1, 5):
        db.execute(
            "INSERT OR IGNORE INTO volumes (volume_id, name, state, first_seen_at, last_seen_at)"
            " VALUES (?, 'Drive', 'online', ?, ?)",
            (f"v{number % 2}", MOMENT, MOMENT),
        )
        db.execute(
            "INSERT INTO volume_offers (offer_id, volume_id, path, whole, found_at) VALUES (?, ?, ?, 1, ?)",
            (number, f"v{number % 2}", b"%d" % number, MOMENT),
        )


@pytest.mark.parametrize("seed", range(3))
def test_files_that_wait_are_counted(library: Library, seed: int) -> None:
    db, dice = library.db(), random.Random(seed)
    with write(db):
        offers(db)
        db.execute("INSERT INTO assets (asset_id, size, created_at) VALUES (1, 1, ?)", (MOMENT,))
    for _ in range(25):
        with write(db):
            for _ in range(15):
                db.execute(
                    dice.choice(CHANGES),
                    {
                        "volume": f"v{dice.randrange(2)}",
                        "path": b"%d" % dice.randrange(30),
                        "number": dice.randrange(100),
                        "found": f"2026-0{dice.randrange(1, 4)}",
                    },
                )
        known = rows(db, PLAINLY)
        assert rows(db, "SELECT * FROM offer_counts ORDER BY 1, 2") == known
    assert known
    assert rebuild(db) == 0
    with write(db):
        db.execute(
            "UPDATE offer_counts SET files = 99 WHERE offer_id = (SELECT min(offer_id) FROM offer_counts)"
        )
    assert rebuild(db) > 0
    assert rows(db, "SELECT * FROM offer_counts ORDER BY 1, 2") == known
    with write(db):
        db.execute("DELETE FROM volume_offers WHERE offer_id <= 2")
    assert rows(db, "SELECT * FROM offer_counts ORDER BY 1, 2") == rows(db, PLAINLY)
