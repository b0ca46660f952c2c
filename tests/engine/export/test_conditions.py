"""A filter of runs: states, sizes, lengths, ages and text; the same on the screen and the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.api import exports as api
from engine.api.rows import Filter
from engine.api.views.runs import Runs
from engine.export.runs import conditions, records
from engine.jobs import store
from engine.library import Library
from engine.storage.database import execute, write

SNAPSHOT = {
    "preset": {"name": "share"},
    "recipe": {"name": "r", "spec": {"mode": "all", "layout": "joined"}},
    "clips": [],
}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "rest", "count"),
    [
        ("trailer", "trailer", 0),
        ("two  blanks", "two  blanks", 0),
        ("!trailer", "!trailer", 0),
        ("is:failed", "", 1),
        ("trailer IS:Failed v2", "trailer v2", 1),
        ("trailer is:failed v2", "trailer v2", 1),
        ("size>1g age<2d length<=3", "length<=3", 2),
        ("is:no size>big age<1y length>5q", "is:no size>big age<1y length>5q", 0),
        ("age<2b", "age<2b", 0),
        ("size>\u0663", "size>\u0663", 0),
        ("age>999999999999w", "", 1),
    ],
)
def test_what_is_no_condition_stays_text(text: str, rest: str, count: int) -> None:
    found = conditions.parse(text, NOW)
    assert (found[0], len(found[1])) == (rest, count)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("size>1", 1),
        ("size>1.5k", 1536),
        ("size>2MiB", 2 * 2**20),
        ("size>1gb", 2**30),
        ("length>2", 2_000),
        ("length>1.5m", 90_000),
        ("length>1h", 3_600_000),
        ("!size>1t", 2**40),
        ("age<36h", "2026-11-20T00:00:00.000Z"),
        ("age<2", "2026-11-19T12:00:00.000Z"),
        ("age<1w", "2026-11-14T12:00:00.000Z"),
    ],
)
def test_units(word: str, value: Any) -> None:
    assert conditions.parse(word, NOW)[1][0][1] == value


@pytest.fixture
def history(library: Library) -> Library:
    db = library.db()
    rows = (
        ("old", "completed", 3 * 2**30, 600_000, "2020-01-01T00:00:00.000Z"),
        ("short", "completed_with_warnings", 2**20, 4_000, "2999-01-01T00:00:00.000Z"),
        ("broken", "failed", None, None, "2999-01-01T00:00:00.000Z"),
        ("ended", "cancelled", None, None, "2020-01-01T00:00:00.000Z"),
    )
    for name, status, size, length, at in rows:
        job_id = store.create(db, "export", name, {})
        with write(db):
            execute(db, "UPDATE jobs SET status = ? WHERE job_id = ?", (status, job_id))
            execute(
                db,
                "INSERT INTO runs (run_id, job_id, name, recipe_name, snapshot, output_size,"
                " output_duration_ms, created_at) VALUES (?, ?, ?, 'r', ?, ?, ?, ?)",
                (name, job_id, name, json.dumps(SNAPSHOT), size, length, at),
            )
    return library


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "old short broken ended"),
        ("is:failed", "broken"),
        ("is:done", "old short"),
        ("is:warnings", "short"),
        ("!is:done", "broken ended"),
        ("is:cancelled", "ended"),
        ("is:running", ""),
        ("size>1g", "old"),
        ("size<1g", "short"),
        ("!size<1g", "old"),
        ("length<30s", "short"),
        ("length>1m", "old"),
        ("age<2d", "short broken"),
        ("age>2d", "old ended"),
        ("is:done age>2d", "old"),
        ("sho is:done", "short"),
        ("!sho is:done", "old"),
        ("!sho", "old broken ended"),
    ],
)
def test_screen_and_command_line_find_the_same_runs(history: Library, text: str, names: str) -> None:
    wanted = set(names.split())
    assert set(Runs(history).ids(Filter(text=text))) == wanted
    assert {run["name"] for run in api.list_runs(history, text=text)} == wanted
    assert len(records.list_runs(history.db(), text=text)) == len(wanted)
