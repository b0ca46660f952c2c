"""What a relink session was: asked for, a drive that came, a look through a volume, a mapping."""

from __future__ import annotations

from typing import Any

from engine.api import relinks
from engine.api.finding import Finding
from engine.api.rows import Filter
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
