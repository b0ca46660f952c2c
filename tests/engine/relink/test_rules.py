"""Rules: a mapping that was kept finds what goes missing later, and nothing that is not proven."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engine.api import relinks as api
from engine.errors import NotFound
from engine.jobs.context import JobPaused
from engine.relink import rules
from engine.relink.sweep import queue_sweep, run_sweep
from engine.storage.database import scalar


def kept(world: Any) -> tuple[str, Any, Any]:
    """A mapping from a folder of A to one of B that was applied once, and kept."""
    volume_id, a = world.volume("A")
    _, b = world.volume("B")
    first = world.catalogue(world.file(a, "old/C0001.MP4"))
    (b / "new").mkdir()
    os.rename(a / "old/C0001.MP4", b / "new/C0001.MP4")
    world.sweep(volume_id)
    done = api.map_prefix(world.library, str(a / "old"), str(b / "new"), dry_run=False, keep=True)
    assert done["applied"] == 1
    assert world.copy(first)["state"] == "present"
    return volume_id, a, b


def test_what_goes_missing_later_is_mapped_by_itself(world: Any) -> None:
    volume_id, a, b = kept(world)
    later = world.catalogue(world.file(a, "old/C0002.MP4"))
    other = world.catalogue(world.file(a, "old/C0003.MP4"))
    os.rename(a / "old/C0002.MP4", b / "new/C0002.MP4")
    (b / "new/C0003.MP4").write_bytes(os.urandom((a / "old/C0003.MP4").stat().st_size))
    (a / "old/C0003.MP4").unlink()
    world.run_sweep(volume_id)
    found = world.copy(later)
    assert (found["state"], found["path"], found["volume_id"] != volume_id) == (
        "present", b"new/C0002.MP4", True,
    )  # fmt: skip
    assert world.copy(other)["state"] == "missing"  # same name and size, other bytes
    assert scalar(world.db, "SELECT count(*) FROM job_log WHERE message LIKE '%by a rule%'") == 1


def test_the_policy_and_a_deleted_rule_are_obeyed(world: Any) -> None:
    volume_id, a, b = kept(world)
    later = world.catalogue(world.file(a, "old/C0002.MP4"))
    os.rename(a / "old/C0002.MP4", b / "new/C0002.MP4")
    job_id = queue_sweep(world.library, volume_id, moves="ignore")
    assert run_sweep(world.context(job_id)).result["missing"] == 1
    assert world.copy(later)["state"] == "missing"
    (rule,) = api.list_rules(world.library)
    assert rule["old"] == str(a / "old")
    api.delete_rule(world.library, rule["rule_id"])
    world.run_sweep(volume_id)
    assert world.copy(later)["state"] == "missing"
    with pytest.raises(NotFound):
        api.delete_rule(world.library, rule["rule_id"])


def test_keeping_twice_is_keeping_once_and_away_is_no_error(world: Any) -> None:
    volume_id, a, b = kept(world)
    rules.keep(world.db, str(a / "old"), str(b / "new"))
    assert len(rules.list_rules(world.db)) == 1
    later = world.catalogue(world.file(a, "old/C0002.MP4"))
    (a / "old/C0002.MP4").unlink()
    world.unplug(b)
    assert world.run_sweep(volume_id).status == "completed"
    assert world.copy(later)["state"] == "missing"


def test_a_rule_leaves_what_is_merely_away(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "day/C1.MP4")
    copy_id = world.catalogue(path)
    world.file(b, "day/C1.MP4", Path(path).read_bytes())
    rules.keep(world.db, str(a), str(b))
    world.unplug(a)
    assert rules.apply(world.library, print) == 0
    assert world.state(copy_id) == "offline"


def test_a_pause_is_heard_while_a_rule_looks(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    volume_id, a, b = kept(world)
    later = world.catalogue(world.file(a, "old/C0002.MP4"))
    os.rename(a / "old/C0002.MP4", b / "new/C0002.MP4")
    job = world.context(queue_sweep(world.library, volume_id))
    real = rules.mapping.map_prefix

    def paused(*given: Any, **named: Any) -> Any:
        job.send("pause")
        return real(*given, **named)

    monkeypatch.setattr(rules.mapping, "map_prefix", paused)
    with pytest.raises(JobPaused):
        run_sweep(job)
    assert world.copy(later)["state"] == "missing"
    monkeypatch.undo()
    world.run_sweep(volume_id)
    assert world.copy(later)["state"] == "present", "the next look does it"
