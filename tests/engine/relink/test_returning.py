"""A drive that comes back after its clips were linked elsewhere still holds its copies, and says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.api import whereabouts
from engine.relink import auto, decisions, offers, returning
from engine.relink.sweep import queue_sweep, run_sweep
from engine.volumes import store
from tests.engine.relink.test_undo import differ, everything

TOLD = ("volumes", "relink_sessions", "candidates", "volume_counts", "sweep_marks")
"""What looks and drives that come and go change by themselves."""


def linked_elsewhere(world: Any, count: int = 3) -> tuple[str, Path, dict[str, Any]]:
    """Clips of A, which is away, linked to their copies on B. A's id and folder, and all before the links."""
    a_id, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(count):
        path = world.file(a, f"C{n:04}.MP4")
        world.catalogue(path)
        shutil.copy(path, b / f"take {n}.mov")
    store.track(world.db, a_id)
    away = world.unplug(a)
    world.scan(b)
    before = everything(world)
    assert len(decisions.apply_many(world.library).applied) == count
    return a_id, away, before


def plug(world: Any, away: Path) -> Path:
    here = Path(away.rename(world.root / "A"))
    world.refresh()
    return here


def states(world: Any) -> list[tuple[str, str, bool]]:
    (found,) = whereabouts.where_is(world.library, "C0000.MP4")
    return sorted((one["volume"], one["state"], one["verified_at"] is not None) for one in found["copies"])


def test_both_drives_are_told_of_and_nothing_is_offered_as_new(world: Any) -> None:
    a_id, away, before = linked_elsewhere(world)
    assert states(world) == [("B", "online", True)]
    plug(world, away)
    result = world.run_sweep(a_id).result
    assert (result["known"], result["present"], result["new"]) == (3, 3, 0)
    assert states(world) == [("A", "online", True), ("B", "online", True)]
    assert offers.list_offers(world.db) == []
    assert returning.enter(world.db, a_id, lambda: None) == 0, "only once"
    world.unplug(world.root / "A")
    assert states(world) == [("A", "offline", True), ("B", "online", True)]
    (session_id,) = {one.session_id for one in decisions.list_candidates(world.db)}
    assert decisions.undo_session(world.library, session_id) == 3
    assert [one for one in differ(before, everything(world)) if one.partition(":")[0] not in TOLD] == []


def test_a_drive_that_nobody_tracks_is_looked_through_although_all_was_linked_elsewhere(world: Any) -> None:
    a_id, away, _ = linked_elsewhere(world)
    store.untrack(world.db, a_id)
    plug(world, away)
    (job_id,) = auto.on_volume_online(world.library, a_id)
    run_sweep(world.context(job_id))
    assert states(world) == [("A", "online", True), ("B", "online", True)]


@pytest.mark.parametrize("what", ["other bytes", "other time", "gone"])
def test_what_is_not_what_it_was_is_not_entered(world: Any, what: str) -> None:
    a_id, away, _ = linked_elsewhere(world, 1)
    path = away / "C0000.MP4"
    if what == "gone":
        path.unlink()
    elif what == "other time":
        os.utime(path, ns=(1, 1))
    else:
        facts = path.stat()
        path.write_bytes(b"x")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    plug(world, away)
    assert returning.enter(world.db, a_id, lambda: None) == 0
    assert states(world) == [("B", "online", True)]


def test_a_link_that_was_taken_back_brings_nothing(world: Any) -> None:
    a_id, away, _ = linked_elsewhere(world)
    for one in decisions.list_candidates(world.db):
        decisions.undo(world.library, one.candidate_id)
    plug(world, away)
    assert returning.enter(world.db, a_id, lambda: None) == 0


def test_a_rename_on_one_drive_is_one_copy(world: Any) -> None:
    a_id, a = world.volume("A")
    world.catalogue(world.file(a, "old.MP4"))
    os.rename(a / "old.MP4", a / "new.MP4")
    world.run_sweep(a_id)
    shutil.copy2(a / "new.MP4", a / "old.MP4")
    assert run_sweep(world.context(queue_sweep(world.library, a_id))).result["known"] == 1
