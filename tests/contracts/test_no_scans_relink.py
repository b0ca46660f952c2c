"""No statement of a relink reads a whole table of the catalogue, from the scan to the undo of everything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.api import finding, relinks, whereabouts
from engine.library import create
from engine.relink import auto, decisions, mapping, redo, returning, sweep, upgrade
from tests.contracts import test_no_scans
from tests.contracts.test_no_scans import Caught, caught, scans
from tests.engine.relink.conftest import World

__all__ = ["caught"]

LONG = test_no_scans.LONG | {
    "candidates", "jobs", "relinks", "relink_sessions", "undone_verdicts", "verdicts_before",
    # What these tables are called within statements.
    "asset", "candidate", "clip", "copy", "entry", "held", "kept", "other", "same",
}  # fmt: skip

ALLOWED = (
    "SELECT before, after FROM relinks WHERE undone_at IS NULL",  # the newest first, up to a limit
)
IN_ORDER = {
    "SCAN relink_sessions USING INDEX relink_sessions_by_time",
    "SCAN candidate USING COVERING INDEX candidates_by_confidence",
}
"""Steps through a long table that give a list in its order, up to a limit or all of it."""

"""Beginnings of statements that may look through a long table, each with its reason."""


@pytest.fixture
def world(caught: Caught, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(test_no_scans, "LONG", LONG)
    for name in ("library", "drives"):
        (tmp_path / name).mkdir()
    made = World(create(str(tmp_path / "library"), name="Test"), tmp_path / "drives")
    caught.examples.clear()
    return made


def everything(world: World) -> None:
    """Each way that files are found again, decided on and taken back."""
    library = world.library
    a_id, a = world.volume("A")
    b_id, b = world.volume("B")
    for n in range(4):
        world.catalogue(world.file(a, f"day/C{n:04}.MP4"))
    world.catalogue(world.file(a, "day/long.mxf", size=11 << 20))
    world.catalogue(world.file(a, "day/none.mov"), hashes="none")
    world.file(b, "proxy/none.mp4", size=70_000)
    shutil.copytree(a / "day", b / "again")
    away = world.unplug(a)
    auto.on_volume_online(library, b_id)
    world.scan(b)
    world.scan(b, full_hash=True)
    relinks.list_candidates(library)
    waiting = [each for each in decisions.list_candidates(world.db) if each.status == "pending"]
    hints = [each for each in waiting if each.match_type == "derivative"]
    sure = [each for each in waiting if each.match_type != "derivative"]
    for each in hints[:1]:
        relinks.apply(library, each.candidate_id)
        relinks.undo(library, each.candidate_id)
    for verdict in (relinks.reject, relinks.later):
        verdict(library, sure[0].candidate_id)
        relinks.undo(library, sure[0].candidate_id)
    relinks.apply(library, sure[0].candidate_id)
    relinks.show(library, sure[0].candidate_id)
    relinks.propose(library, sure[0].candidate_id)
    relinks.undo(library, sure[0].candidate_id)
    relinks.redo(library)
    relinks.apply_certain(library)
    relinks.list_sessions(library)
    session_id = sure[0].session_id
    relinks.undo_session(library, session_id)
    redo.redo_session(library, session_id)
    away.rename(a)
    world.refresh()
    auto.on_volume_online(library, a_id)
    assert returning.enter(world.db, a_id, lambda: None)
    sweep.sweep(library, a_id)
    decisions.undo_session(library, session_id)
    os.rename(a / "day/C0000.MP4", a / "day/renamed.MP4")
    sweep.sweep(library, a_id)
    shutil.rmtree(a / "day")
    sweep.sweep(library, a_id)
    mapped = mapping.map_prefix(library, str(a / "day"), str(b / "again"))
    assert mapped.applied
    relinks.propose(library)
    decisions.undo_session(library, str(mapped.session_id))
    relinks.map_prefix(library, str(a / "day"), str(b / "again"), dry_run=False, keep=True)
    proving = upgrade.queue_prove(library, b_id)
    if proving is not None:
        upgrade.run_prove(world.context(proving))
    upgrade.reopen_contradicted(world.db)
    desk = finding.Finding(library)
    desk.lost()
    desk.proposals(None)
    whereabouts.where_is(library, "C0001.MP4")
    whereabouts.at_risk(library)
    whereabouts.only_on(library, "B")
    world.unplug(b)
    auto.on_volume_online(library, a_id)


def test_no_statement_of_a_relink_reads_a_whole_table(world: World, caught: Caught, tmp_path: Path) -> None:
    everything(world)
    catalogue = next((tmp_path / "library").rglob("library.db"))
    assert len(caught.examples) > 100
    found: dict[str, Any] = {
        " ".join(shape.split()): steps
        for shape, example in caught.examples.items()
        if not shape.startswith(ALLOWED)
        and (steps := set(scans(catalogue, example, caught.temporary)) - IN_ORDER)
    }
    assert not found, "\n".join(f"{steps}: {shape}" for shape, steps in found.items())
