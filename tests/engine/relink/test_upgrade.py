"""Links on weaker evidence: proven in the background, or taken back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from engine.relink import decisions, upgrade
from engine.storage.database import execute, row, rows

SIZE = 11 << 20


def linked(world: Any, *, wrong: bool) -> tuple[int, Any, dict[str, Any]]:
    """A large file linked by samples; ``wrong``: a byte between them differs. Copy, candidate, row before."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "long.mxf", size=SIZE)
    copy_id = world.catalogue(path)
    data = bytearray(Path(path).read_bytes())
    data[2 << 20] ^= 1 if wrong else 0
    (b / "renamed.mxf").write_bytes(data)
    os.unlink(path)
    world.scan(b)
    before = world.copy(copy_id)
    (found,) = decisions.list_candidates(world.db)
    decisions.apply(world.library, found.candidate_id)
    return copy_id, found, before


def queued(world: Any) -> list[dict[str, Any]]:
    return list(rows(world.db, "SELECT * FROM jobs WHERE kind = 'relink_prove'"))


def test_a_link_by_samples_is_read_in_full_afterwards(world: Any) -> None:
    copy_id, found, _ = linked(world, wrong=False)
    assert world.copy(copy_id)["verified_at"] is None
    (job,) = queued(world)
    assert job["priority"] == -1
    outcome = upgrade.run_prove(world.context(job["job_id"]))
    assert outcome.status == "completed"
    assert outcome.result == {"checked": 1, "proven": 1, "contradicted": 0, "unreadable": 0, "bytes": SIZE}
    assert world.copy(copy_id)["verified_at"] is not None
    assert decisions.get(world.db, found.candidate_id).match_type == "full_hash"
    assert upgrade.queue_prove(world.library, found.volume_id) is None, "nothing is left to prove"


def test_a_contradiction_takes_the_link_back(world: Any) -> None:
    copy_id, found, before = linked(world, wrong=True)
    outcome = upgrade.run_prove(world.context(queued(world)[0]["job_id"]))
    assert (outcome.status, outcome.result["contradicted"]) == ("completed_with_warnings", 1)
    assert world.copy(copy_id) == before
    now = decisions.get(world.db, found.candidate_id)
    assert (now.status, now.decided_by, now.certain) == ("rejected", "engine", False)
    assert (now.evidence["blake3"], len(now.evidence["found"])) == (False, 64)
    log = row(world.db, "SELECT message FROM job_log WHERE level = 'warning'")
    assert log is not None
    assert "not the file that it was taken for" in log["message"]


def test_a_scrub_that_finds_other_bytes_reopens_the_link(world: Any) -> None:
    copy_id, found, before = linked(world, wrong=True)
    execute(world.db, "UPDATE copies SET state = 'damaged' WHERE copy_id = ?", (copy_id,))
    (sentence,) = upgrade.reopen_contradicted(world.db)
    assert "taken back" in sentence
    assert world.copy(copy_id) == before
    assert upgrade.reopen_contradicted(world.db) == []
    assert decisions.get(world.db, found.candidate_id).status == "rejected"


def test_waiting_samples_are_proven_when_asked(world: Any) -> None:
    copy_id, found, _ = linked(world, wrong=False)
    decisions.undo(world.library, found.candidate_id)
    execute(world.db, "DELETE FROM jobs WHERE kind = 'relink_prove'")
    assert upgrade.queue_prove(world.library, found.volume_id) is None
    job_id = upgrade.queue_prove(world.library, found.volume_id, pending=True)
    assert upgrade.run_prove(world.context(job_id)).result["proven"] == 1
    now = decisions.get(world.db, found.candidate_id)
    assert (now.status, now.match_type, now.certain) == ("pending", "full_hash", True)
    result = decisions.apply_many(world.library)
    assert result.applied == (found.candidate_id,)
    assert world.copy(copy_id)["verified_at"] == now.evidence["read"]["at"]


def test_proven_links_queue_nothing(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path)
    os.rename(path, b / "x.mp4")
    world.scan(b, auto_apply=True)
    assert queued(world) == []
    stored = row(world.db, "SELECT evidence FROM candidates")
    assert stored is not None
    assert json.loads(stored["evidence"])["blake3"] is True
