"""Clips are found in rolls exactly as in their own rows, whatever happens to them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.library import Library
from engine.names import to_blob
from engine.storage import rolled, rolls
from engine.storage.database import scalar, write
from engine.storage.schema.tallies import ENOUGH

MOMENT = "2026-01-01T00:00:00.000000Z"
ORDERS = {"time": "recorded_at, title, clip_id", "title": "title, clip_id"}
TITLES = ("A{}_C{}", "a{}%c{}", "é{}Hero {}", "b{} \x01\x02{}")
TEXTS = ("", "c1", "A", "7", "hero", "é", "%", "_", "zz", "a1_c")


@pytest.fixture(autouse=True)
def short_rolls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rolls of ten clips, so that there are many of them."""
    monkeypatch.setattr(rolled, "OPEN_ROWS", 100)
    for name, size in (
        ("ROWS", 10),
        ("MANY", 50),
        ("SETS", 4),
        ("ENOUGH", 1),
        ("AT_ONCE", 3),
    ):
        monkeypatch.setattr(rolls, name, size)


def enter(db: Any, dice: random.Random, numbers: range) -> None:
    """Clips with and without a time, of some sets."""
    for number in numbers:
        db.execute(
            "INSERT INTO clips (clip_id, title, kind, asset_id, recorded_at, reel, favourite, created_at)"
            " VALUES (?, ?, 'video', ?, ?, ?, ?, ?)",
            (
                f"{dice.randrange(10**8):08}-{number}",
                dice.choice(TITLES).format(number % 7, number),
                number % 30 + 1,
                dice.choice((None, f"2026-02-{number % 28 + 1:02}T10:00:00Z")),
                dice.choice((None, "R1", "HERO")),
                int(dice.random() < 0.2),
                MOMENT,
            ),
        )  # fmt: skip


def fill(library: Library, dice: random.Random, count: int = 400) -> None:
    with write(library.db()) as db:
        for number in range(8):
            db.execute(
                "INSERT INTO volumes (volume_id, name, state, first_seen_at, last_seen_at)"
                " VALUES (?, 'Drive', 'online', ?, ?)",
                (f"v{number}", MOMENT, MOMENT),
            )
        for number in range(1, 31):
            db.execute("INSERT INTO assets (asset_id, size, created_at) VALUES (?, 1, ?)", (number, MOMENT))
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
                " VALUES (?, ?, ?, 'managed', 1, 0, 's', 'c')",
                (number, f"v{number % 8}", b"%d" % number),
            )
        enter(db, dice, range(count))
        db.execute("INSERT INTO clip_files SELECT clip_id, 'essence', 0, asset_id, x'41' FROM clips")


def known(
    db: Any, order: str, text: str, *, hidden: bool, sets: list[int] | None, favourite: bool
) -> list[int]:
    where = ["1"]
    if text:
        where.append(f"instr(lower(words), lower(:text)) {'=' if hidden else '>'} 0")
    if sets is not None:
        where.append(f"set_id IN ({', '.join(map(str, sets))})")
    if favourite:
        where.append("favourite")
    sql = f"SELECT rowid FROM clips WHERE {' AND '.join(where)} ORDER BY {ORDERS[order]}"
    return [row_id for (row_id,) in db.conn.execute(sql, {"text": text} if text else {}).fetchall()]


def check(db: Any, dice: random.Random) -> int:
    """Ask for each text in each way; returns how many were found."""
    total = 0
    every = [set_id for (set_id,) in db.conn.execute("SELECT set_id FROM clip_sets").fetchall()]
    for order in rolls.LISTS:
        for text in TEXTS:
            hidden, favourite = bool(text) and dice.random() < 0.5, dice.random() < 0.3
            sets = dice.choice((None, dice.sample(every, len(every) // 2)))
            expected = known(db, order, text, hidden=hidden, sets=sets, favourite=favourite)
            hits = rolled.look(
                db, order, rolled.Test(to_blob(text), hidden=hidden, sets=sets, favourite=favourite)
            )
            if hits is None:
                made = "SELECT count(*) FROM clip_rolls WHERE made AND list = ?"
                assert scalar(db, made, (order,)) == 0
                continue
            assert len(hits) == len(expected)
            assert hits.part(db, 0, len(hits)) == expected
            for _ in range(3):
                at, end = sorted(dice.choices(range(len(expected) + 3), k=2))
                assert hits.part(db, at, end) == expected[at:end]
            for row_id in dice.choices(expected, k=3) if expected else []:
                assert hits.place(db, row_id) == expected.index(row_id)
            others = set(known(db, order, "", hidden=False, sets=None, favourite=False)) - set(expected)
            for row_id in (*sorted(others)[:3], -1):
                assert hits.place(db, row_id) is None
            total += len(expected)
    return total


def made(db: Any) -> int:
    while rolls.roll(db):
        assert scalar(
            db, "SELECT count(*) FROM clip_rolls WHERE list = 'time' AND first_time || first_title = ''"
        )
    assert rolls.roll(db) is False
    return int(scalar(db, "SELECT count(*) FROM clip_rolls WHERE made"))


@pytest.mark.parametrize("seed", range(3))
def test_what_changes_is_found_as_it_is(library: Library, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    db, dice = library.db(), random.Random(seed)
    fill(library, dice)
    assert rolled.look(db, "time", rolled.Test(b"a")) is None, "so many cannot be read one by one"
    assert made(db) > 80
    assert check(db, dice) > 500
    monkeypatch.setattr(rolled, "OPEN_ROWS", 10_000)
    one = f"rowid % 37 = {seed}"
    for change in (
        f"UPDATE clips SET title = 'A0 renamed' || rowid, reel = NULL WHERE {one}",
        f"UPDATE clips SET recorded_at = NULL WHERE {one}",
        f"UPDATE clips SET recorded_at = '2025-01-01' WHERE rowid % 50 = {seed}",
        f"UPDATE clips SET favourite = 1 - favourite WHERE {one}",
        f"UPDATE copies SET state = 'missing' WHERE asset_id = {seed + 1}",
        f"DELETE FROM clip_files WHERE clip_id IN (SELECT clip_id FROM clips WHERE rowid % 10 = {seed})",
        f"DELETE FROM clips WHERE rowid % 10 = {seed}",
        "UPDATE clips SET clip_id = 'z' || clip_id WHERE clip_id NOT IN (SELECT clip_id FROM clip_files)",
        "enter",
        "INSERT INTO tags (tag_id, name) VALUES (1, 'heroic')",
        "INSERT INTO clip_tags SELECT clip_id, 1, 't' FROM clips WHERE rowid % 20 = 9",
        "UPDATE tags SET name = 'c1zz'",
        "DELETE FROM tags",
    ):
        with write(db):
            if change == "enter":
                enter(db, dice, range(1000, 1060))
            else:
                db.execute(change)
        check(db, dice)
        if dice.random() < 0.5:
            rolls.roll(db)
            check(db, dice)
    assert scalar(db, "SELECT count(*) FROM clip_rolls WHERE NOT made")
    made(db)
    assert scalar(db, "SELECT count(*) FROM clip_rolls WHERE NOT made") == 0
    check(db, dice)
    with write(db):
        db.execute("DELETE FROM clip_files")
        db.execute("DELETE FROM clips WHERE recorded_at IS NULL OR rowid > 60")
    check(db, dice)


def test_an_older_answer_gives_clips_of_rolls_that_were_made_again(library: Library) -> None:
    db, dice = library.db(), random.Random(7)
    fill(library, dice)
    made(db)
    hits = rolled.look(db, "time", rolled.Test(b"hero"))
    assert hits is not None
    expected = hits.part(db, 0, len(hits))
    with write(db):
        db.execute("UPDATE clips SET favourite = 1 - favourite")
    assert hits.part(db, 0, len(hits)) == expected
    made(db)
    assert hits.part(db, 0, len(hits)) == expected
    assert hits.place(db, expected[20]) == 20


def test_few_clips_need_no_rolls_and_few_changes_none_at_once(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, dice = library.db(), random.Random(7)
    fill(library, dice, count=50)
    assert made(db) == 0
    with write(db):
        enter(db, dice, range(100, 130))
    count = made(db)
    assert count >= 16
    monkeypatch.setattr(rolls, "ENOUGH", 4)
    with write(db):
        db.execute("UPDATE clips SET favourite = 1 - favourite WHERE rowid = 20")
    assert made(db) == count - len(rolls.LISTS)
    check(db, dice)
    with write(db):
        db.execute("UPDATE clips SET favourite = 1 - favourite WHERE rowid % 5 = 3")
    before = scalar(db, "SELECT count(*) FROM clip_rolls WHERE NOT made")
    made(db)
    assert scalar(db, "SELECT count(*) FROM clip_rolls WHERE NOT made") < before
    check(db, dice)
    assert ENOUGH > 8, "no content of this test is cut off"


def test_a_table_that_was_emptied_begins_anew(library: Library) -> None:
    db, dice = library.db(), random.Random(3)
    fill(library, dice)
    made(db)
    with write(db):
        db.execute("DELETE FROM clip_files")
        db.execute("DELETE FROM clips")
        enter(db, dice, range(200))
    made(db)
    check(db, dice)
