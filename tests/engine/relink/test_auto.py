"""What happens by itself when a drive comes in, by policy; nothing is guessed."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from engine.api import relinks
from engine.errors import Refused
from engine.jobs import store
from engine.relink import auto, decisions
from engine.relink.job import run_scan
from engine.relink.sweep import run_sweep
from engine.storage import config
from engine.storage.database import execute, scalar


def policy(word: str) -> None:
    settings = config.open_config()
    config.put(settings, "relink.policy", word)
    settings.close()


def run(world: Any, job_ids: list[str]) -> list[dict[str, Any]]:
    results = []
    for job_id in job_ids:
        kind = store.get(world.db, job_id).kind
        context = world.context(job_id)
        results.append((run_sweep if kind == "sweep" else run_scan)(context).result)
    return results


def lost_and_found(world: Any, size: int = 100_000) -> tuple[str, list[int]]:
    """Three clips on A, which is away; their files, renamed, on the new drive B. B's id and the copies."""
    _, a = world.volume("A")
    b_id, b = world.volume("B")
    ids = []
    for n in range(3):
        path = world.file(a, f"C{n:04}.MP4", size=size)
        ids.append(world.catalogue(path))
        shutil.copy(path, b / f"take {n}.mov")
    world.unplug(a)
    return b_id, ids


def test_certain_applies_what_is_proven_and_says_so(world: Any) -> None:
    b_id, ids = lost_and_found(world)
    (result,) = run(world, auto.on_volume_online(world.library, b_id))
    assert (result["applied"], result["announcement"]) == (
        3, f"3 of 3 offline clips of A found at {world.root / 'B'}.",
    )  # fmt: skip
    assert {world.state(each) for each in ids} == {"online"}
    for found in decisions.list_candidates(world.db):
        decisions.undo(world.library, found.candidate_id)
    assert {world.state(each) for each in ids} == {"offline"}


def test_certain_reads_large_files_in_full_before_it_applies(world: Any) -> None:
    b_id, ids = lost_and_found(world, size=11 << 20)
    (result,) = run(world, auto.on_volume_online(world.library, b_id))
    assert result["applied"] == 3
    assert result["bytes_hashed"] >= 3 * (11 << 20)
    assert {found.match_type for found in decisions.list_candidates(world.db)} == {"full_hash"}
    assert all(world.copy(each)["verified_at"] for each in ids)


def test_certain_leaves_samples_without_proof_to_the_operator(world: Any) -> None:
    b_id, ids = lost_and_found(world, size=11 << 20)
    execute(world.db, "UPDATE assets SET blake3 = NULL")
    (result,) = run(world, auto.on_volume_online(world.library, b_id))
    assert (result["candidates"], result["applied"]) == (3, 0)
    assert {world.state(each) for each in ids} == {"offline"}


def test_ask_only_proposes(world: Any) -> None:
    policy("ask")
    b_id, ids = lost_and_found(world)
    (result,) = run(world, auto.on_volume_online(world.library, b_id))
    assert (result["candidates"], result["applied"]) == (3, 0)
    assert {world.state(each) for each in ids} == {"offline"}


def test_off_looks_for_nothing(world: Any) -> None:
    policy("off")
    b_id, _ = lost_and_found(world)
    assert auto.on_volume_online(world.library, b_id) == []


@pytest.mark.parametrize("kind", ["card", "system", "virtual"])
def test_a_card_is_never_searched_by_itself(world: Any, kind: str) -> None:
    b_id, _ = lost_and_found(world)
    execute(world.db, "UPDATE volumes SET class = ? WHERE volume_id = ?", (kind, b_id))
    assert auto.on_volume_online(world.library, b_id) == []


def test_nothing_lost_nothing_queued(world: Any) -> None:
    b_id, _ = world.volume("B")
    assert auto.on_volume_online(world.library, b_id) == []


def test_asked_twice_one_job(world: Any) -> None:
    b_id, _ = lost_and_found(world)
    (job_id,) = auto.on_volume_online(world.library, b_id)
    assert auto.on_volume_online(world.library, b_id) == []
    store.transition(world.db, job_id, "running")
    assert auto.on_volume_online(world.library, b_id) == [], "nor while it looks"


@pytest.mark.parametrize(
    ("word", "path"), [("certain", b"new.mov"), ("ask", b"old.mov"), ("off", b"old.mov")]
)
def test_a_known_drive_is_swept_and_renames_follow_the_policy(world: Any, word: str, path: bytes) -> None:
    policy(word)
    a_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "old.mov"))
    away = world.unplug(a)
    os.rename(away / "old.mov", away / "new.mov")
    away.rename(a)
    world.refresh()
    (result,) = run(world, auto.on_volume_online(world.library, a_id))
    assert world.copy(copy_id)["path"] == path
    waiting = scalar(world.db, "SELECT count(*) FROM candidates WHERE status = 'pending' AND certain = 1")
    assert waiting == (1 if word == "ask" else 0)
    if word == "ask":
        assert world.state(copy_id) == "missing", "it is not where the catalogue says, until that is decided"
        assert relinks.apply_certain(world.library)["refused"] == []
        assert world.copy(copy_id)["path"] == b"new.mov"
        assert world.state(copy_id) == "online"
    assert result["volume_id"] == a_id


def test_a_new_drive_that_leaves_again_leaves_no_job_waiting(world: Any) -> None:
    b_id, ids = lost_and_found(world)
    (job_id,) = auto.on_volume_online(world.library, b_id)
    world.unplug(world.root / "B")
    (result,) = run(world, [job_id])
    assert (result["candidates"], result["applied"]) == (0, 0)
    assert "is not here" in result["announcement"]
    assert scalar(world.db, "SELECT status FROM relink_sessions") == "cancelled"
    assert {world.state(each) for each in ids} == {"offline"}


def test_a_sweep_that_waits_for_its_drive_is_not_doubled(world: Any) -> None:
    a_id, a = world.volume("A")
    world.catalogue(world.file(a, "C0001.MP4"))
    (job_id,) = auto.on_volume_online(world.library, a_id)
    store.transition(world.db, job_id, "running")
    store.transition(world.db, job_id, "paused")
    execute(world.db, "UPDATE jobs SET waiting_for = ? WHERE job_id = ?", (a_id, job_id))
    assert auto.on_volume_online(world.library, a_id) == [job_id]


def test_a_known_drive_that_came_with_new_files_is_searched_for_what_others_lost(world: Any) -> None:
    b_id, ids = lost_and_found(world)
    own = world.catalogue(world.file(world.root / "B", "known.mov"))
    jobs = auto.on_volume_online(world.library, b_id)
    assert [store.get(world.db, each).kind for each in jobs] == ["sweep", "relink_scan"]
    sweep_job, scan_job = (store.get(world.db, each) for each in jobs)
    assert set(sweep_job.resources) & set(scan_job.resources)  # one after the other...
    assert sweep_job.priority > scan_job.priority  # ...in this order
    _, found = run(world, jobs)
    assert (found["applied"], found["announcement"]) == (
        3, f"3 of 3 offline clips of A found at {world.root / 'B'}.",
    )  # fmt: skip
    assert {world.state(each) for each in [own, *ids]} == {"online"}


def test_a_known_drive_is_not_searched_while_nothing_is_lost_or_nothing_may_be(world: Any) -> None:
    b_id, b = world.volume("B")
    world.catalogue(world.file(b, "known.mov"))
    (only,) = auto.on_volume_online(world.library, b_id)
    assert store.get(world.db, only).kind == "sweep"
    lost = world.volume("A")[1]
    world.catalogue(world.file(lost, "C.mov"))
    world.unplug(lost)
    policy("off")
    assert auto.on_volume_online(world.library, b_id) == [only]


def test_a_rename_on_a_known_drive_is_a_rename_and_no_find(world: Any) -> None:
    b_id, _ = lost_and_found(world)
    own = world.catalogue(world.file(world.root / "B", "known.mov"))
    os.rename(world.root / "B/known.mov", world.root / "B/renamed.mov")
    swept, found = run(world, auto.on_volume_online(world.library, b_id))
    assert (swept["moved"], found["candidates"]) == (1, 3)
    assert world.copy(own)["path"] == b"renamed.mov"


def test_a_rename_that_was_taken_back_can_be_made_again(world: Any) -> None:
    volume_id, a = world.volume("A")
    copy_id = world.catalogue(world.file(a, "day1/old.mov"))
    os.rename(a / "day1/old.mov", a / "day1/new.mov")
    session_id = world.sweep(volume_id).session_id
    for again in (
        lambda: relinks.redo_session(world.library, session_id),
        lambda: relinks.redo(world.library),
        lambda: relinks.apply(world.library, decisions.list_candidates(world.db)[0].candidate_id),
    ):
        assert relinks.undo_session(world.library, session_id)["undone"] == 1
        assert world.copy(copy_id)["path"] == b"day1/old.mov"
        again()
        assert world.copy(copy_id)["path"] == b"day1/new.mov"
    relinks.undo_session(world.library, session_id)
    shutil.copy2(a / "day1/new.mov", a / "day1/old.mov")
    with pytest.raises(Refused, match="needs no other place"):
        relinks.redo_session(world.library, session_id)
    with pytest.raises(Refused, match="needs no other place"):
        relinks.redo(world.library)


def test_a_drive_that_is_back_needs_no_verdict_on_what_was_found_meanwhile(world: Any) -> None:
    volume_id, a = world.volume("A")
    _, b = world.volume("B")
    copy_id = world.catalogue(world.file(a, "one.mov", content=b"x" * 90_000))
    gone = world.catalogue(world.file(a, "gone.mov", content=b"y" * 90_000))
    os.link(a / "gone.mov", b / "found.mov")
    shutil.copy(a / "one.mov", b / "copy.mov")
    away = world.unplug(a)
    (away / "gone.mov").unlink()
    world.scan(b)
    assert [one.status for one in decisions.list_candidates(world.db)] == ["pending"] * 2
    away.rename(a)
    world.refresh()
    run(world, auto.on_volume_online(world.library, volume_id))
    states = {one.copy_id: (one.status, one.decided_by) for one in decisions.list_candidates(world.db)}
    assert states == {copy_id: ("skipped", "the drive, which is back"), gone: ("pending", None)}
    world.unplug(a)
    world.scan(b)
    assert {one.copy_id: one.status for one in decisions.list_candidates(world.db)} == {
        copy_id: "pending",
        gone: "pending",
    }, "lost once more it is found once more"


def test_a_tracked_drive_is_looked_through_although_nothing_is_known_on_it(world: Any) -> None:
    volume_id, _ = world.volume("A")
    assert auto.on_volume_online(world.library, volume_id) == []
    execute(world.db, "UPDATE volumes SET tracked_at = '2026-01-01' WHERE volume_id = ?", (volume_id,))
    assert [store.get(world.db, one).kind for one in auto.on_volume_online(world.library, volume_id)] == [
        "sweep"
    ]


def test_a_drive_that_is_away_again_is_not_searched(world: Any) -> None:
    b_id, _ = lost_and_found(world)
    world.unplug(world.root / "B")
    assert auto.on_volume_online(world.library, b_id) == []
