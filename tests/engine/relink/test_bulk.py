"""What is entered and decided in bulk is as if each candidate and each copy had been told of alone."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from typing import Any

import pytest

from engine.relink import decisions, mapping, sessions
from engine.storage import deciding, holdings
from engine.storage.database import rows, scalar, write
from engine.storage.schema import holdings as held
from tests.engine.relink.test_mapping import moved

_RANK = {"applied": 0, "pending": 1, "later": 1, "rejected": 2, "skipped": 3}


def shadows_are_right(db: Any) -> bool:
    """Of all rows for one file and copy the first in order is shown, and it alone."""
    groups = defaultdict(list)
    for row in rows(db, "SELECT * FROM candidates"):
        order = (_RANK[row["status"]], -row["certain"], -row["confidence"], -row["candidate_id"])
        groups[row["copy_id"], row["volume_id"], row["path"]].append((order, row["shadowed"]))
    return all(
        [shadowed for _, shadowed in sorted(group)] == [0] + [1] * (len(group) - 1)
        for group in groups.values()
    )


def enter(db: Any, session: str, like: int, confidence: float, status: str) -> None:
    """A further row for the file of a candidate, one by one as a trigger sees it."""
    db.execute(
        "INSERT INTO relink_sessions (session_id, scan_path, status, created_at) VALUES (?, ?, ?, ?)",
        (session, b"/", "completed", "2026-01-01"),
    )
    db.execute(
        "INSERT INTO candidates (session_id, clip_id, copy_id, volume_id, path, size, mtime_ns, match_type,"
        " confidence, evidence, status, created_at) SELECT ?, clip_id, copy_id, volume_id, path, size,"
        " mtime_ns, match_type, ?, evidence, ?, created_at FROM candidates WHERE candidate_id = ?",
        (session, confidence, status, like),
    )


def test_verdicts_in_bulk_show_the_row_that_single_ones_show(world: Any) -> None:
    _, new, _ = moved(world, 6)
    world.scan(new)
    db = world.db
    chance = random.Random(4)
    first = [row["candidate_id"] for row in rows(db, "SELECT candidate_id FROM candidates")]
    with write(db):
        for number in range(24):
            enter(db, f"s{number}", first[number % 5], chance.choice([0.5, 0.8, 0.95]), "pending")
    assert shadows_are_right(db), "as the triggers do it"
    ids = [row["candidate_id"] for row in rows(db, "SELECT candidate_id FROM candidates")]
    for _ in range(20):
        some = chance.sample(ids, 7)
        verdicts = [
            (chance.choice(["pending", "later", "rejected", "skipped"]), None, None, each) for each in some
        ]
        deciding.decide(db, verdicts)
        assert shadows_are_right(db)
        for status, _, _, each in verdicts:
            assert scalar(db, "SELECT status FROM candidates WHERE candidate_id = ?", (each,)) == status


def test_of_two_verdicts_on_one_candidate_the_later_holds(world: Any) -> None:
    _, new, _ = moved(world, 1)
    world.scan(new)
    one = int(scalar(world.db, "SELECT candidate_id FROM candidates"))
    deciding.decide(world.db, [("rejected", "a", "x", one), ("later", "b", "y", one)])
    said = rows(world.db, "SELECT status, decided_at, decided_by FROM candidates")
    assert said == [{"status": "later", "decided_at": "b", "decided_by": "y"}]


def test_a_bulk_that_fails_leaves_the_triggers_at_work(world: Any) -> None:
    _, new, _ = moved(world, 2)
    world.scan(new)
    db = world.db
    first = int(scalar(db, "SELECT min(candidate_id) FROM candidates"))
    copy = int(scalar(db, "SELECT copy_id FROM candidates WHERE candidate_id = ?", (first,)))

    def fail() -> None:
        with deciding.touching(db, [copy]):
            db.execute("UPDATE candidates SET status = 'rejected'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert scalar(db, "SELECT count(*) FROM candidates WHERE status = 'rejected'") == 0
    assert scalar(db, "SELECT count(*) FROM candidates_in_bulk") == 0
    with write(db):
        enter(db, "again", first, 0.99, "pending")
    assert shadows_are_right(db)
    with deciding.touching(db, [copy]):
        pass
    assert scalar(db, "SELECT count(*) FROM temp.touched") == 0


def test_words_entered_in_bulk_are_those_of_the_trigger(world: Any) -> None:
    _, new, _ = moved(world, 3)
    known = min((new / "archive").rglob("*.MP4"))
    os.rename(known, os.fsencode(known.parent) + b"/\xff odd.MP4")
    world.scan(new)
    found = rows(
        world.db,
        "SELECT candidates.words, path, coalesce(title, '') AS title"
        " FROM candidates LEFT JOIN clips USING (clip_id)",
    )
    assert len(found) == 3
    assert any(b"\xff odd.MP4" in row["path"] for row in found)
    for row in found:
        assert row["words"] == row["title"].encode() + b"\n" + row["path"]


def test_clips_are_in_the_set_of_their_new_places_after_a_mapping_and_its_undo(world: Any) -> None:
    old, new, _ = moved(world, 5)
    db = world.db

    def sets() -> list[Any]:
        return rows(
            db, "SELECT clip_id, holds FROM clips LEFT JOIN clip_sets USING (set_id) ORDER BY clip_id"
        )

    def recounted() -> list[Any]:
        with write(db):
            for statement in held.RECOUNT:
                db.execute(statement)
            holdings.settle(db.conn)
        return sets()

    before = sets()
    assert before
    done = mapping.map_prefix(world.library, str(old / "shoot"), str(new / "archive"))
    after = sets()
    assert after != before
    assert scalar(db, "SELECT count(*) FROM clips_dirty") == 0
    assert recounted() == after
    decisions.undo_session(world.library, str(done.session_id))
    assert [row["holds"] for row in sets()] == [row["holds"] for row in before]
    assert shadows_are_right(db)


def test_verdicts_of_one_bulk_are_not_given_again_by_the_next(world: Any) -> None:
    _, new, _ = moved(world, 2)
    world.scan(new)
    ordered = "SELECT candidate_id, status FROM candidates ORDER BY candidate_id"
    first, second = (row["candidate_id"] for row in rows(world.db, ordered))
    deciding.decide(world.db, [("rejected", None, None, first)])
    decisions.undo(world.library, first)
    deciding.decide(world.db, [("rejected", None, None, second)])
    assert [row["status"] for row in rows(world.db, ordered)] == ["pending", "rejected"]


def test_what_a_newer_scan_finds_elsewhere_sets_the_older_find_aside(world: Any) -> None:
    _, new, _ = moved(world, 3)
    world.scan(new)
    older = int(scalar(world.db, "SELECT max(candidate_id) FROM candidates"))
    os.rename(new / "archive", new / "elsewhere")
    world.scan(new)
    found = rows(world.db, "SELECT candidate_id, path, status, decided_by FROM candidates")
    assert len(found) == 6
    for row in found:
        if row["candidate_id"] <= older:
            assert (row["status"], row["decided_by"]) == ("skipped", "a newer scan")
        else:
            assert (row["status"], row["path"][:10]) == ("pending", b"elsewhere/")


def test_a_scan_that_ends_empty_sets_aside_for_what_it_had_found_before(world: Any) -> None:
    _, new, _ = moved(world, 1)
    world.scan(new)
    first = int(scalar(world.db, "SELECT candidate_id FROM candidates"))
    with write(world.db):
        enter(world.db, "cut off", first, 0.5, "rejected")
    assert sessions.store_matches(world.db, "cut off", []) == []
    found = rows(world.db, "SELECT status, shadowed FROM candidates ORDER BY candidate_id")
    assert found == [{"status": "skipped", "shadowed": 1}, {"status": "rejected", "shadowed": 0}]
