"""A text is found in packed names exactly where it is in the names themselves, whatever happens to them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.library import Library
from engine.storage import packs
from engine.storage.database import write
from engine.storage.schema.packs import ROWS

MOMENT = "2026-01-01T00:00:00.000000Z"
TEXTS = (
    b"a0",
    b"A0",
    b"f",
    b"f/",
    b"/a",
    b"day1/card",
    b"CARD/A0",
    b"1/c",
    b"d/b1.m",
    b".mxf",
    b"\xe9",
    b"1",
    b"F",
    b"mxf",
    b"zz",
)


def jobs(db: Any) -> None:
    for job_id in ("one", "two"):
        db.execute(
            "INSERT INTO jobs (job_id, kind, title, params, created_by, created_at)"
            " VALUES (?, 'ingest', 'card', '{}', 'me', ?)",
            (job_id, MOMENT),
        )


def name_of(dice: random.Random, number: int) -> bytes:
    folder = dice.choice((b"day1/card/", b"Day1/Card/", b"day1/card/", b"", b"f/f/f/"))
    return folder + dice.choice((b"A0", b"b1", b"\xe9\xff", b"f", b"\x01zz")) + b"%d.MXF" % number


def fill(db: Any, dice: random.Random, count: int, *, folder: bytes | None = None) -> None:
    """Tasks of two jobs, in runs, with ids left out here and there."""
    task_id = int(db.conn.execute("SELECT coalesce(max(task_id), 0) FROM tasks").fetchone()[0])
    job_id = "one"
    for number in range(count):
        task_id += 1 if dice.random() < 0.999 else 7
        job_id = dice.choice(("one", "two")) if dice.random() < 0.002 else job_id
        name = name_of(dice, task_id) if folder is None else folder + b"C%d.MXF" % number
        db.execute(
            "INSERT INTO tasks (task_id, job_id, position, name) VALUES (?, ?, ?, ?)",
            (task_id, job_id, number, name),
        )


def known(db: Any, text: bytes, job_id: str, *, hidden: bool) -> list[int]:
    found = db.conn.execute(
        "SELECT task_id, name FROM tasks WHERE job_id = ? ORDER BY 1", (job_id,)
    ).fetchall()
    return [task_id for task_id, name in found if (text.lower() in name.lower()) != hidden]


def check(db: Any, dice: random.Random, texts: tuple[bytes, ...] = TEXTS) -> int:
    """Ask for each text in each way; returns how many were found."""
    total = 0
    for job_id in ("one", "two", "none"):
        of_job = "SELECT count(*) FROM tasks WHERE job_id = ?"
        assert packs.total(db, packs.TASKS, job_id) in (
            None,
            db.conn.execute(of_job, (job_id,)).fetchone()[0],
        )
    for text in texts:
        for job_id in ("one", "two"):
            for hidden in (False, True):
                expected = known(db, text, job_id, hidden=hidden)
                hits = packs.look(db, packs.TASKS, packs.Needle(text, hidden=hidden), job_id)
                assert len(hits) == len(expected)
                assert hits.part(db, 0, len(hits)) == expected
                for _ in range(5):
                    at, end = sorted(dice.choices(range(len(expected) + 3), k=2))
                    assert hits.part(db, at, end) == expected[at:end]
                for task_id in dice.choices(expected, k=3) if expected else []:
                    assert hits.place(db, task_id) == expected.index(task_id)
                    start, stop = hits.around(task_id, task_id)
                    assert start <= expected.index(task_id) < stop
                assert hits.place(db, -1) is None
                total += len(expected)
    return total


@pytest.mark.parametrize("seed", range(2))
def test_a_text_is_found_in_packs_and_beside_them(library: Library, seed: int) -> None:
    db, dice = library.db(), random.Random(seed)
    with write(db):
        jobs(db)
        fill(db, dice, 2500)
        fill(db, dice, 1500, folder=b"Day1/CARD/")
    parts = packs.owed(db, packs.TASKS)
    assert len(parts) >= 3
    before = check(db, dice)
    packs.pack(db, packs.TASKS, parts[:2])
    assert check(db, dice) == before
    packs.pack(db, packs.TASKS, parts)
    assert packs.owed(db, packs.TASKS) == []
    assert packs.total(db, packs.TASKS, "one"), "nothing was counted by packs"
    assert check(db, dice) == before > 10_000
    (open_parts,) = db.conn.execute("SELECT count(*) FROM task_packs WHERE ids IS NOT NULL").fetchone()
    assert open_parts, "no ids were left out: nothing was tried"


def test_what_changes_leaves_its_pack(library: Library) -> None:
    db, dice = library.db(), random.Random(5)
    with write(db):
        jobs(db)
        fill(db, dice, 3 * ROWS)
    packs.pack(db, packs.TASKS, packs.owed(db, packs.TASKS))
    hits = packs.look(db, packs.TASKS, packs.Needle(b"a0"), "one")
    db.execute("UPDATE tasks SET status = 'completed'")
    assert packs.owed(db, packs.TASKS) == []
    for change in (
        "UPDATE tasks SET name = CAST('A0 renamed' AS BLOB) WHERE task_id = 1500",
        "DELETE FROM tasks WHERE task_id IN (SELECT task_id FROM tasks LIMIT 3)",
        "UPDATE tasks SET job_id = 'two' WHERE task_id BETWEEN 1490 AND 1495",
        "UPDATE tasks SET name = CAST(name || 'A0' AS BLOB) WHERE task_id % 900 = 3",
    ):
        with write(db):
            db.execute(change)
        assert packs.owed(db, packs.TASKS)
        check(db, dice, (b"a0", b"renamed"))
        packs.pack(db, packs.TASKS, packs.owed(db, packs.TASKS)[1:])
    assert hits.part(db, 0, len(hits))  # an older answer still gives rows, of a pack that is gone as well
    packs.pack(db, packs.TASKS, packs.owed(db, packs.TASKS))
    check(db, dice, (b"a0", b"renamed"))
    with write(db):
        db.execute("DELETE FROM jobs")
    assert len(packs.look(db, packs.TASKS, packs.Needle(b"a"), "one")) == 0


def test_the_last_part_is_left_open_and_an_empty_one_is_packed(library: Library) -> None:
    db = library.db()
    assert packs.owed(db, packs.TASKS) == []
    with write(db):
        jobs(db)
        db.execute(
            "INSERT INTO tasks (task_id, job_id, position, name) VALUES (?, 'one', 0, x'61')", (2 * ROWS,)
        )
    assert packs.owed(db, packs.TASKS) == [0, 1]
    packs.pack(db, packs.TASKS, [0, 1])
    assert packs.owed(db, packs.TASKS) == []
    assert packs.look(db, packs.TASKS, packs.Needle(b"A"), "one").part(db, 0, 9) == [2 * ROWS]


@pytest.mark.parametrize("text", [b"f/f", b"f/f/c1", b"d/f/f/c", b"/c1", b"f/c", b"d/f/", b"f/x"])
def test_a_text_may_begin_in_the_folder_and_occur_in_the_name_as_well(text: bytes) -> None:
    rows = [(number, b"D/F/" + (b"F/F/" if number % 3 else b"f/c") + b"C%d" % number) for number in range(40)]
    rows[7] = (7, b"D/F/x/D/F/F/C7")
    pack, needle = packs.made("one", rows), packs.Needle(text)
    assert pack.stem == b"d/f/"
    expected = [number for number, name in rows if text in name.lower()]
    assert needle.ids(pack) == expected
    assert needle.count(pack) == needle.count(pack) == len(expected)


def test_ids_that_follow_one_another_take_no_room() -> None:
    assert packs.made("one", [(5, b"a"), (6, b"b")]).ids is None
    apart = packs.made("one", [(5, b"a"), (7, b"b")])
    assert apart.ids is not None
    assert list(apart.id_list()) == [5, 7]
    assert packs.made(None, ()).count == 0
