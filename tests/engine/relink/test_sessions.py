"""What a relink session was: asked for, a drive that came, a look through a volume, a mapping."""

from __future__ import annotations

import json
from typing import Any

from engine.api import relinks
from engine.api.finding import Finding
from engine.api.rows import Filter
from engine.relink import sessions
from engine.relink.mapping import map_prefix
from tests.engine.relink.test_mapping import moved


def test_each_session_says_what_it_was(world: Any) -> None:
    a, b, _ = moved(world, 3)
    world.scan(b)
    world.scan(b, origin="mount")
    map_prefix(world.library, str(a / "shoot"), str(b / "archive"))
    listed = relinks.list_sessions(world.library)
    assert sorted(one["kind"] for one in listed) == ["mapping", "return", "scan"]
    source = Finding(world.library).sessions()
    assert [row.kind for row in source.rows(source.ids(Filter()))] == [one["kind"] for one in listed]
    world.db.execute("UPDATE relink_sessions SET job_id = NULL")
    assert sorted(one["kind"] for one in relinks.list_sessions(world.library)) == ["mapping", "scan", "scan"]


def test_evidence_is_written_as_json_whatever_was_written_before() -> None:
    written = sessions._Writer().text
    one = {"size": True, "name": None, "lost_size": 5, "path_tail": 1}
    for evidence in (
        one,
        {**one, "lost_size": 17},
        {**one, "path_tail": 2},
        {**one, "name": False},
        {**one, "read": {"at": "now", "level": "device re-read"}},
        {**one, "read": {"at": "then", "level": "device re-read"}},
        {**one, "mapped": True},
        {"size": True, "mtime": None, "lost_size": 5, "path_tail": 1},
        one,
    ):
        text = written(evidence)
        assert json.loads(text) == evidence
        assert " " not in text.replace("device re-read", "")
