"""Sets of clips say of each clip what the views and a plain look at its copies say, whatever happens."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.library import Library
from engine.storage import holdings
from engine.storage.database import rows, write
from tests.engine.storage.test_tallies import any_change, many_entries, many_moves, world


def agrees(db: Any) -> int:
    """Hold every clip against the definitions; return how many sets there are."""
    here = holdings.volumes(db)
    known = {entry["set_id"]: entry for entry in rows(db, "SELECT * FROM clip_sets WHERE clips > 0")}
    states = dict(db.conn.execute("SELECT clip_id, state FROM clip_states").fetchall())
    assert rows(db, "SELECT * FROM clips_dirty") == []
    counted: dict[int, int] = {}
    for clip in rows(db, "SELECT clip_id, set_id FROM clips"):
        clip_id = clip["clip_id"]
        counted[clip["set_id"]] = counted.get(clip["set_id"], 0) + 1
        parts = holdings.parts(known[clip["set_id"]]["holds"])
        assert holdings.state(parts, here) == states.get(clip_id, "missing")
        safety = db.conn.execute(
            "SELECT coalesce(min(verified), 0), coalesce(min(devices), 0) FROM clip_files"
            " JOIN asset_safety USING (asset_id) WHERE clip_id = ? AND role <> 'derivative'",
            (clip_id,),
        ).fetchone()
        assert holdings.safety(parts, here) == safety
        for volume in range(4):
            volume_id = f"v{volume}"
            place = rows(
                db, "SELECT 1 FROM clip_places WHERE clip_id = ? AND volume_id = ?", (clip_id, volume_id)
            )
            assert holdings.on(parts, volume_id) == bool(place)
            others = rows(
                db,
                "SELECT 1 FROM clip_files JOIN copies USING (asset_id) WHERE clip_id = ? AND volume_id <> ?"
                " AND clip_files.role IN ('essence', 'span') AND state = 'present'"
                " AND copies.role <> 'source'",
                (clip_id, volume_id),
            )
            assert holdings.only_on(parts, volume_id) == (bool(place) and not others)
    assert counted == {set_id: entry["clips"] for set_id, entry in known.items()}
    return len(known)


@pytest.mark.parametrize("seed", range(4))
def test_sets_agree_with_the_definitions(library: Library, seed: int) -> None:
    db, dice = library.db(), random.Random(seed)
    with write(db):
        world(db)
    most = 0
    for _ in range(25):
        with write(db):
            for _ in range(5):
                any_change(db, dice)
            many_moves(db, dice)
        agrees(db)
        with write(db):  # alone: nothing else notes its clips
            many_entries(db, dice)
        with write(db):
            db.execute(
                "UPDATE volumes SET state = ? WHERE volume_id = ?",
                (
                    dice.choice(("online", "offline", "conflict", "not_responding")),
                    f"v{dice.randrange(4)}",
                ),
            )
        most = max(most, agrees(db))
    assert most > 2, "all clips lay in the same places: nothing was tried"
    with write(db):
        db.execute("DELETE FROM clip_files")
    assert [entry["holds"] for entry in rows(db, "SELECT holds FROM clip_sets WHERE clips > 0")] == [""]
    with write(db):
        db.execute("DELETE FROM clips")
    assert sum(entry["clips"] for entry in rows(db, "SELECT clips FROM clip_sets")) == 0


def test_what_is_rolled_back_leaves_nothing_noted(library: Library) -> None:
    db = library.db()
    with write(db):
        world(db)
    before = rows(db, "SELECT * FROM clip_sets")

    def fail() -> None:
        with write(db):
            db.execute("UPDATE clips SET title = 'x'")
            db.execute("DELETE FROM clips WHERE clip_id = 'c1'")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert (rows(db, "SELECT * FROM clip_sets"), rows(db, "SELECT * FROM clips_dirty")) == (before, [])
