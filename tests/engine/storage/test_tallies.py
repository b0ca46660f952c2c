"""The counts that triggers keep are those that counting gives, whatever happens to the data."""

from __future__ import annotations

import os
import random
import sqlite3
from typing import Any

import pytest

from engine.library import Library
from engine.relink.whereis import only_on
from engine.storage import moving as bulk
from engine.storage.database import rows, write
from engine.storage.schema import tallies, twice

MOMENT = "2026-01-01T00:00:00.000000Z"


def seen(db: Any) -> dict[str, list[Any]]:
    return {
        "places": rows(db, "SELECT * FROM clip_places ORDER BY 1, 2"),
        "volumes": rows(db, "SELECT * FROM volume_counts ORDER BY 1"),
        "safety": rows(db, "SELECT * FROM asset_safety ORDER BY 1"),
        "twice": rows(db, "SELECT * FROM asset_twice ORDER BY 1"),
    }


SHADOWED = (
    " EXISTS (SELECT 1 FROM volume_shadows JOIN copies AS below ON below.volume_id = other_id"
    "  WHERE view_id = {row}.volume_id AND below.asset_id = {row}.asset_id AND below.state = 'present'"
    "  AND below.role <> 'source' AND (below.verified_at IS NOT NULL OR {row}.verified_at IS NULL))"
)
"""What a pool shows of a branch that is known."""


def lying_twice(db: Any) -> list[dict[str, Any]]:
    """Contents in more than one file, asked of the copies themselves."""
    found = []
    for asset in rows(db, "SELECT asset_id, size FROM assets WHERE blake3 IS NOT NULL ORDER BY 1"):
        copies = rows(
            db,
            "SELECT * FROM copies JOIN volumes USING (volume_id)"
            " WHERE asset_id = ? AND copies.state = 'present' AND role <> 'source' AND NOT"
            + SHADOWED.format(row="copies"),
            (asset["asset_id"],),
        )
        files = {
            (copy["volume_id"], copy["inode"]) if copy["inode"] is not None else copy["copy_id"]
            for copy in copies
        }
        devices = len({copy["device_id"] or copy["volume_id"] for copy in copies})
        if len(files) > 1:
            found.append(
                {
                    **asset, "files": len(files), "devices": devices,
                    "wasted": asset["size"] * (len(files) - 1), "near": int(len(files) > devices),
                }
            )  # fmt: skip
    return found


def only_here(db: Any, volume_id: str) -> list[tuple[int, str]]:
    """What lies on one volume only, asked of the copies themselves."""
    found = rows(
        db,
        "SELECT asset_id, path FROM copies AS copy WHERE volume_id = ? AND state = 'present'"
        f" AND NOT (role <> 'source' AND {SHADOWED.format(row='copy')})"
        " AND NOT EXISTS (SELECT 1 FROM copies AS other WHERE other.asset_id = copy.asset_id"
        "  AND other.volume_id <> copy.volume_id AND other.state = 'present' AND other.role <> 'source'"
        f" AND NOT {SHADOWED.format(row='other')})",
        (volume_id,),
    )
    return sorted((entry["asset_id"], os.fsdecode(entry["path"])) for entry in found)


def world(db: Any) -> None:
    for number in range(2):
        db.execute("INSERT INTO devices (device_id, first_seen_at) VALUES (?, ?)", (f"d{number}", MOMENT))
    for number in range(4):
        db.execute(
            "INSERT INTO volumes (volume_id, name, device_id, first_seen_at, last_seen_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (f"v{number}", f"Drive {number}", "d0" if number < 2 else None, MOMENT, MOMENT),
        )
    db.execute("UPDATE volumes SET view_of = '[]' WHERE volume_id = 'v3'")
    for number in range(1, 9):
        db.execute("INSERT INTO assets (asset_id, size, created_at) VALUES (?, 10, ?)", (number, MOMENT))
    for number in range(4):
        db.execute(
            "INSERT INTO clips (clip_id, title, kind, asset_id, created_at) VALUES (?, 'c', 'video', ?, ?)",
            (f"c{number}", number + 1, MOMENT),
        )


def any_change(db: Any, dice: random.Random) -> None:
    volume, asset = f"v{dice.randrange(4)}", dice.randrange(1, 9)
    clip, state = (
        f"c{dice.randrange(4)}",
        dice.choice(("present", "present", "present", "missing", "damaged")),
    )
    role = dice.choice(("essence", "span", "span", "sidecar"))
    path = b"p%d" % dice.randrange(12)
    kind = dice.choice(("managed", "backup", "managed", "source"))
    which = dice.randrange(16)
    if which < 4:
        db.execute(
            "INSERT OR IGNORE INTO copies (asset_id, volume_id, path, role, state, size, mtime_ns, seen_at,"
            " verified_at, created_at) VALUES (?, ?, ?, ?, ?, ?, 0, 's', ?, 'c')",
            (asset, volume, path, kind, state, dice.randrange(99), dice.choice((None, MOMENT, MOMENT))),
        )
    elif which == 4:
        db.execute("DELETE FROM copies WHERE volume_id = ? AND path = ?", (volume, path))
    elif which == 5:
        db.execute("UPDATE copies SET state = ? WHERE asset_id = ?", (state, asset))
    elif which == 6:
        db.execute("UPDATE OR IGNORE copies SET volume_id = ?, asset_id = ?, verified_at = 'x'"
                   " WHERE path = ?", (volume, asset, path))  # fmt: skip
    elif which < 9:
        db.execute(
            "INSERT OR IGNORE INTO clip_files VALUES (?, ?, ?, ?, x'00')",
            (clip, role, dice.randrange(3), asset),
        )
    elif which == 9:
        db.execute("DELETE FROM clip_files WHERE clip_id = ? AND role = ?", (clip, role))
    elif which == 10:
        db.execute("UPDATE copies SET inode = ? WHERE path = ?", (dice.choice((None, 5, 6)), path))
    elif which == 11:
        known = "UPDATE assets SET size = size + 1, blake3 = 'h' || asset_id"
        db.execute(f"{known} WHERE asset_id = ? AND blake3 IS NULL", (asset,))
    elif which == 12:
        db.execute("INSERT OR IGNORE INTO volume_shadows VALUES ('v3', ?)", (f"v{dice.randrange(3)}",))
    elif which == 13:
        db.execute("DELETE FROM volume_shadows WHERE other_id = ?", (volume,))
    else:
        db.execute(
            "UPDATE volumes SET device_id = ? WHERE volume_id = ?", (dice.choice((None, "d0", "d1")), volume)
        )


def many_moves(db: Any, dice: random.Random) -> None:
    """Some copies at once to other places, each other's among them."""
    copies = rows(db, "SELECT * FROM copies ORDER BY copy_id")
    moving = dice.sample(copies, dice.randrange(len(copies) + 1))
    taken = {(copy["volume_id"], copy["path"]) for copy in copies} - {
        (copy["volume_id"], copy["path"]) for copy in moving
    }
    free = [
        (f"v{volume}", b"p%d" % name) for volume in range(4) for name in range(12)
        if (f"v{volume}", b"p%d" % name) not in taken
    ]  # fmt: skip
    before = {copy["copy_id"]: copy for copy in copies}
    changes = [
        (
            copy["copy_id"], *place, dice.choice(("present", "present", "missing", "damaged")),
            dice.randrange(99), 7, 8, "seen", dice.choice((None, MOMENT)), None,
        )
        for copy, place in zip(moving, dice.sample(free, len(moving)), strict=True)
    ]  # fmt: skip
    bulk.move(db, changes)
    for values in changes:
        before[values[0]] |= dict(zip(bulk.COLUMNS, values[1:], strict=True))
    assert rows(db, "SELECT * FROM copies ORDER BY copy_id") == list(before.values())
    assert rows(db, "SELECT * FROM copies_in_bulk") == []


def many_entries(db: Any, dice: random.Random) -> None:
    """Some copies entered at once, a few of them at places that are known, or twice."""
    count = dice.randrange(9)
    with bulk.entering(db, count) as ids:
        for copy_id in ids:
            db.execute(
                "INSERT INTO copies (copy_id, asset_id, volume_id, path, role, state, size, mtime_ns,"
                " seen_at, verified_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 's', ?, 'c')"
                " ON CONFLICT (volume_id, path) DO UPDATE SET asset_id = excluded.asset_id,"
                " role = excluded.role, state = excluded.state, size = excluded.size,"
                " verified_at = excluded.verified_at",
                (
                    copy_id, dice.randrange(1, 9), f"v{dice.randrange(4)}", b"p%d" % dice.randrange(12),
                    dice.choice(("managed", "source")), dice.choice(("present", "missing", "damaged")),
                    dice.randrange(99), dice.choice((None, MOMENT)),
                ),
            )  # fmt: skip
    assert rows(db, "SELECT * FROM copies_in_bulk") == []


@pytest.mark.parametrize("seed", range(8))
def test_kept_counts_equal_counting(library: Library, seed: int) -> None:
    db, dice = library.db(), random.Random(seed)
    with write(db):
        world(db)
    apart, near = 0, set[int]()
    for _ in range(30):
        with write(db):
            for _ in range(5):
                any_change(db, dice)
            many_moves(db, dice)
            many_entries(db, dice)
        kept = seen(db)
        with write(db):
            for statement in (*tallies.RECOUNT, *twice.RECOUNT):
                db.execute(statement)
        assert kept == seen(db)
        assert kept["twice"] == lying_twice(db)
        near |= {entry["near"] for entry in kept["twice"]}
        for number in range(4):
            found = [(each.asset_id, each.path) for each in only_on(db, f"v{number}")]
            assert sorted(found) == only_here(db, f"v{number}")
        apart += sum(entry["devices"] > 1 or entry["verified"] > 1 for entry in kept["safety"])
    assert apart, "no content ever had two verified copies: nothing was tried"
    assert near == {0, 1}
    with write(db):
        db.execute("DELETE FROM clip_files")
        db.execute("DELETE FROM clips")
    assert seen(db)["places"] == []
    assert {entry["clips"] for entry in seen(db)["volumes"]} == {0}


def test_many_copies_of_one_content_are_never_counted_too_high(library: Library) -> None:
    db = library.db()
    with write(db):
        world(db)
        for number in range(tallies.ENOUGH + 10):
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, verified_at,"
                " created_at) VALUES (1, 'v3', ?, 'managed', 1, 0, 's', 'v', 'c')",
                (b"%d" % number,),
            )
    (kept,) = rows(db, "SELECT verified, devices FROM asset_safety WHERE asset_id = 1")
    assert kept == {"verified": tallies.ENOUGH, "devices": 1}


def test_a_place_that_is_taken_moves_nothing(library: Library) -> None:
    db = library.db()
    with write(db):
        world(db)
        for name in (b"a", b"b"):
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
                " VALUES (1, 'v3', ?, 'managed', 1, 0, 's', 'c')",
                (name,),
            )
    before = seen(db), rows(db, "SELECT * FROM copies")
    first, second = (copy["copy_id"] for copy in before[1])
    same = ("present", 1, 0, None, "s", None, None)
    with pytest.raises(sqlite3.IntegrityError):
        bulk.move(db, [(first, "v3", b"b", *same)])
    with pytest.raises(sqlite3.IntegrityError):
        bulk.move(db, [(first, "v3", b"c", *same), (second, "v3", b"c", *same)])
    assert (seen(db), rows(db, "SELECT * FROM copies")) == before
    bulk.move(db, [(first, "v3", b"b", *same), (second, "v3", b"a", *same), (4711, "v3", b"z", *same)])
    assert [copy["path"] for copy in rows(db, "SELECT * FROM copies ORDER BY copy_id")] == [b"b", b"a"]


def test_files_that_turn_out_to_be_one_lie_no_more_than_once(library: Library) -> None:
    db = library.db()
    with write(db):
        world(db)
        db.execute("UPDATE assets SET blake3 = 'h' || asset_id")
        for path in (b"one", b"link"):
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
                " VALUES (1, 'v0', ?, 'managed', 10, 0, '', '')",
                (path,),
            )
    assert [entry["files"] for entry in seen(db)["twice"]] == [2]
    db.execute("UPDATE copies SET inode = 7")
    assert seen(db)["twice"] == lying_twice(db) == []
    db.execute("UPDATE copies SET inode = 8 WHERE path = x'6f6e65'")
    assert seen(db)["twice"] == lying_twice(db) != []
