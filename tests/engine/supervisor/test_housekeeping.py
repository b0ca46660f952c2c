"""Looks that found nothing are forgotten in time; what was found, and what was asked for, never."""

from __future__ import annotations

import pytest

from engine.jobs import store as jobs
from engine.library import Library
from engine.relink import sessions
from engine.storage.database import execute, rows, scalar
from engine.supervisor import housekeeping
from engine.volumes import store
from engine.volumes.places import place_of

LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def volume(library: Library) -> str:
    return place_of(library.db(), str(library.root)).volume_id


def ended(library: Library, kind: str, *, origin: str = "mount", candidates: int = 0) -> str:
    """A job of long ago that went well."""
    job_id = jobs.create(library.db(), kind, kind, {"origin": origin})
    jobs.transition(library.db(), job_id, "running")
    jobs.transition(library.db(), job_id, "completed", result={"candidates": candidates})
    execute(library.db(), "UPDATE jobs SET ended_at = ?, told = 1 WHERE job_id = ?", (LONG_AGO, job_id))
    return job_id


def test_looks_that_found_nothing_go_but_for_the_newest(library: Library, volume: str) -> None:
    db = library.db()
    for detail in ({"changed": 0}, {"changed": 1}, {"moved": 2}, {"unknown": 3}, {"changed": 0}, {"new": 7}):
        store.add_event(db, volume, "swept", detail)
    store.add_event(db, volume, "tracked")
    assert housekeeping.tidy(db) == 0, "what is of today stays"
    execute(db, "UPDATE volume_events SET at = ?", (LONG_AGO,))
    assert housekeeping.tidy(db) == 2
    kept = [event.detail for event in store.events(db, volume) if event.kind == "swept"]
    assert kept == [{"changed": 1}, {"moved": 2}, {"unknown": 3}, {"new": 7}]
    assert "tracked" in [event.kind for event in store.events(db, volume)]


def test_jobs_of_the_engine_itself_go_and_an_operators_stay(library: Library, volume: str) -> None:
    db = library.db()
    for kind in ("sweep", "relink_prove", "relink_scan"):
        ended(library, kind)
    kept = {
        ended(library, "relink_scan", origin="operator"),
        ended(library, "relink_scan", candidates=1),
        ended(library, "verify"),
        ended(library, "ingest"),
    }
    failed = ended(library, "sweep")
    execute(db, "UPDATE jobs SET status = 'failed' WHERE job_id = ?", (failed,))
    assert housekeeping.tidy(db) == 3
    assert {entry["job_id"] for entry in rows(db, "SELECT job_id FROM jobs")} == {*kept, failed}
    assert scalar(db, "SELECT count(*) FROM audit WHERE command = 'sweep completed'") == 2


def test_a_sweep_that_relinked_something_stays_with_its_session(library: Library, volume: str) -> None:
    db = library.db()
    job_id, idle = ended(library, "sweep"), ended(library, "sweep")
    session, empty = (sessions.create(db, "/x", job_id=which, volume_id=volume) for which in (job_id, idle))
    asset = execute(db, "INSERT INTO assets (size, created_at) VALUES (1, '')")
    db.execute(
        "INSERT INTO copies (copy_id, asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " VALUES (1, ?, ?, x'61', 'managed', 1, 0, '', '')",
        (asset, volume),
    )
    db.execute(
        "INSERT INTO candidates (session_id, copy_id, volume_id, path, size, mtime_ns, match_type,"
        " confidence, evidence, created_at) VALUES (?, 1, ?, x'61', 1, 0, 'moved', 1, '{}', '')",
        (session, volume),
    )
    db.conn.commit()
    assert housekeeping.tidy(db) == 1
    assert [entry["job_id"] for entry in rows(db, "SELECT job_id FROM jobs")] == [job_id]
    assert [entry["session_id"] for entry in rows(db, "SELECT session_id FROM relink_sessions")] == [session]
    assert empty != session


def test_what_refers_to_rows_that_go_in_numbers_is_found_by_an_index(library: Library) -> None:
    """Else each row that goes costs a walk through all rows that may refer to it: the engine stood still."""
    conn = library.db().conn
    for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        first = {found[1] for found in conn.execute(f"PRAGMA table_info({table})") if found[5] == 1}
        for index in conn.execute(f"PRAGMA index_list({table})").fetchall():
            first.add(conn.execute(f"PRAGMA index_info({index[1]})").fetchone()[2])
        for reference in conn.execute(f"PRAGMA foreign_key_list({table})").fetchall():
            if reference[2] in ("jobs", "tasks", "copies", "candidates", "relink_sessions", "clips", "runs"):
                assert reference[3] in first, f"{table}.{reference[3]} refers to {reference[2]}"
