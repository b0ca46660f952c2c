"""Undo of everything: each verb that decides something is taken back, and every table is what it was."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from engine.api import offers as offering
from engine.api import relinks as api
from engine.errors import NotFound, Refused
from engine.media.hashing import FAST_WHOLE
from engine.relink import auto, decisions, redo, rules
from engine.relink import derivatives as linking
from engine.storage.database import execute, row, rows, scalar

HISTORY = ("audit", "jobs", "job_log", "tasks", "volume_events", "undone_verdicts", "tally_runs")
"""Tables that tell what was done, and grow by an undo as well."""

STANDING = ("relinks", "settlements")
"""Tables that keep what was done and mark it as taken back: what stands is compared."""


def everything(world: Any) -> dict[str, Any]:
    """All rows of all tables, but for histories."""
    names = [
        entry["name"]
        for entry in rows(
            world.db,
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            " AND name NOT LIKE '%migrations%' ORDER BY name",
        )
        if entry["name"] not in HISTORY
    ]
    assert {"copies", "candidates", "clip_files", "assets", "volumes", "volume_offers"} <= set(names)
    found: dict[str, Any] = {}
    for name in names:
        # A number that was given to a set of drives is kept, whether clips lie on just these or not.
        where = (
            " WHERE undone_at IS NULL" if name in STANDING else " WHERE clips" if name == "clip_sets" else ""
        )
        held = rows(world.db, f"SELECT * FROM {name}{where}")
        found[name] = sorted(repr(sorted(entry.items())) for entry in held)
    return found


def differ(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The tables that differ, with the rows that do."""
    return [
        f"{name}: {sorted(set(before[name]) ^ set(after[name]))}"
        for name in before
        if before[name] != after[name]
    ]


def two_drives(world: Any, count: int = 3) -> tuple[str, Any, Any]:
    """Files of drive A that lie on drive B now."""
    volume_id, a = world.volume("A")
    _, b = world.volume("B")
    (b / "new").mkdir()
    for n in range(count):
        path = world.file(a, f"old/C{n:04}.MP4")
        world.catalogue(path)
        shutil.move(path, b / "new")
    return volume_id, a, b


def waiting(world: Any) -> list[int]:
    return [one.candidate_id for one in decisions.list_candidates(world.db, statuses=("pending", "later"))]


@pytest.mark.parametrize("first", [None, "later"])
@pytest.mark.parametrize("verb", ["apply", "reject", "later"])
def test_a_verdict_on_one(world: Any, verb: str, first: str | None) -> None:
    if (verb, first) == ("later", "later"):
        first = None
    _, _, b = two_drives(world)
    shutil.copy(b / "new/C0000.MP4", b / "C0000 copy.MP4")
    world.scan(b)
    chosen = next(
        one for one in decisions.list_candidates(world.db) if one.path.endswith(("/C0000.MP4", "copy.MP4"))
    ).candidate_id
    if first is not None:
        getattr(api, first)(world.library, chosen)
    before = everything(world)
    getattr(api, verb)(world.library, chosen)
    assert differ(before, everything(world))
    api.undo(world.library, chosen)
    assert differ(before, everything(world)) == []
    api.redo(world.library, chosen)
    assert differ(before, everything(world))
    api.undo(world.library, chosen)
    assert differ(before, everything(world)) == []


@pytest.mark.parametrize("order", [1, -1])
def test_all_that_is_certain(world: Any, order: int) -> None:
    _, _, b = two_drives(world, 5)
    world.scan(b)
    decisions.later(world.library, waiting(world)[2])
    before = everything(world)
    done = api.apply_certain(world.library)
    assert (len(done["applied"]), done["refused"]) == (5, [])
    for candidate_id in done["applied"][::order]:
        api.undo(world.library, candidate_id)
    assert differ(before, everything(world)) == []


def test_what_a_scan_applied_by_itself(world: Any) -> None:
    volume_id, _, b = two_drives(world, 4)
    world.sweep(volume_id)
    unlinked = everything(world)
    world.scan(b, auto_apply=True)
    linked = everything(world)
    assert unlinked["copies"] != linked["copies"]
    (session,) = api.list_sessions(world.library)
    assert api.undo_session(world.library, session["session_id"])["undone"] == 4
    undone = everything(world)
    told = {"candidates", "relink_sessions"}  # what was found goes on waiting
    assert [one for one in differ(unlinked, undone) if one.partition(":")[0] not in told] == []
    assert len(waiting(world)) == 4
    assert api.redo_session(world.library, session["session_id"])["redone"] == 4
    api.undo_session(world.library, session["session_id"])
    assert differ(undone, everything(world)) == []


def test_what_a_drive_that_came_applied_by_itself(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "relink_policy", lambda: "certain")
    _, a, b = two_drives(world, 4)
    world.unplug(a)
    before = everything(world)
    (job_id,) = auto.on_volume_online(world.library, world.volume_at(b))
    from engine.relink import job as relink_job

    assert relink_job.run_scan(world.context(job_id)).result["applied"] == 4
    (session,) = api.list_sessions(world.library)
    assert session["kind"] == "return"
    api.undo_session(world.library, session["session_id"])
    told = {"candidates", "relink_sessions"}
    assert [one for one in differ(before, everything(world)) if one.partition(":")[0] not in told] == []


def test_a_mapping_and_its_rule(world: Any) -> None:
    _, a, b = two_drives(world, 4)
    before = everything(world)
    done = api.map_prefix(world.library, str(a / "old"), str(b / "new"), dry_run=False, keep=True)
    assert done["applied"] == 4
    api.undo_session(world.library, done["session_id"])
    (rule,) = api.list_rules(world.library)
    api.delete_rule(world.library, rule["rule_id"])
    assert api.list_rules(world.library) == []
    told = {"candidates", "relink_sessions", "prefix_rules"}
    assert [one for one in differ(before, everything(world)) if one.partition(":")[0] not in told] == []


def test_a_rule_that_was_dropped_is_kept_again(world: Any) -> None:
    _, a, b = two_drives(world)
    ids = [rules.keep(world.db, str(a / name), str(b / name)).rule_id for name in ("one", "two")]
    before = everything(world)
    api.delete_rule(world.library, ids[0])
    assert [rule["rule_id"] for rule in api.list_rules(world.library)] == ids[1:]
    assert api.restore_rule(world.library, ids[0])["old"] == str(a / "one")
    assert differ(before, everything(world)) == []
    assert [rule["rule_id"] for rule in api.list_rules(world.library)] == ids
    with pytest.raises(NotFound, match="dropped"):
        api.restore_rule(world.library, ids[0])
    api.delete_rule(world.library, ids[0])
    api.delete_rule(world.library, ids[1])
    assert api.restore_rule(world.library)["rule_id"] == ids[1], "the one dropped last"
    assert rules.keep(world.db, str(a / "one"), str(b / "one")).rule_id == ids[0]
    assert differ(before, everything(world)) == []
    with pytest.raises(NotFound, match="dropped"):
        api.restore_rule(world.library)


def test_an_offer_waved_aside_twice_comes_back_step_by_step(world: Any) -> None:
    from engine.volumes import store

    volume_id, a = world.volume("A")
    store.track(world.db, volume_id)
    states = []
    for name in ("new/A.MP4", "new/B.MP4", "new/C.MP4"):
        world.file(a, name)
        world.sweep(volume_id)
        (offer,) = offering.list_offers(world.library)
        states.append(everything(world))
        offering.dismiss(world.library, offer["offer_id"])
        assert offering.list_offers(world.library) == []
    for files, before in ((1, states[2]), (2, None), (3, None)):
        assert offering.restore(world.library, offer["offer_id"])["files"] == files
        if before is not None:
            assert differ(before, everything(world)) == []
    with pytest.raises(NotFound):
        offering.restore(world.library, offer["offer_id"])


def derivatives(world: Any) -> tuple[list[int], str]:
    """One transcode that shares its name with two lost clips: a candidate for each, and its path."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    for folder in ("one", "two"):
        path = world.file(a, f"{folder}/C0001.MP4")
        world.catalogue(path)
        os.unlink(path)
    path = world.file(b, "proxy/c0001.mp4", size=70_000)
    world.scan(b)
    found = decisions.list_candidates(world.db)
    assert {one.match_type for one in found} <= {"derivative"}
    return [one.candidate_id for one in found], path


@pytest.mark.parametrize("turn", [1, -1])
def test_one_transcode_linked_to_two_clips(world: Any, turn: int) -> None:
    ids, _ = derivatives(world)
    if len(ids) < 2:
        pytest.skip("a name of two lost clips is no hint")
    before = everything(world)
    for candidate_id in ids:
        api.apply(world.library, candidate_id)
    first, second = ids[::turn]
    api.undo(world.library, first)
    held = row(world.db, "SELECT asset_id FROM clip_files WHERE role = 'derivative'")
    assert held is not None, "the other clip keeps it"
    assert scalar(world.db, "SELECT count(*) FROM copies WHERE asset_id = ?", (held["asset_id"],)) == 1
    api.undo(world.library, second)
    assert differ(before, everything(world)) == []


@pytest.mark.parametrize("verb", ["reject", "later"])
def test_a_verdict_on_a_file_is_one_on_what_every_scan_says_of_it(world: Any, verb: str) -> None:
    _, a, b = two_drives(world, 1)
    world.scan(b)
    mapped = api.map_prefix(world.library, str(a / "old"), str(b / "new"), dry_run=False)
    api.undo_session(world.library, mapped["session_id"])
    first, second = (one["candidate_id"] for one in world.dump("candidates")["candidates"])
    shown = scalar(world.db, "SELECT candidate_id FROM candidates WHERE NOT shadowed")
    before = everything(world)
    getattr(api, verb)(world.library, shown)
    said = {"reject": "rejected", "later": "later"}[verb]
    assert [one.status for one in decisions.get_many(world.db, [first, second]).values()] == [said] * 2
    assert scalar(world.db, "SELECT count(*) FROM candidates WHERE NOT shadowed") == 1
    back = scalar(world.db, "SELECT candidate_id FROM candidates WHERE NOT shadowed")
    api.undo(world.library, back)
    assert differ(before, everything(world)) == []


def test_a_rejection_that_was_carried_over_is_taken_back_for_good(world: Any) -> None:
    _, _, b = two_drives(world, 1)
    world.scan(b)
    (first,) = waiting(world)
    api.reject(world.library, first)
    world.scan(b)
    carried = max(one.candidate_id for one in decisions.list_candidates(world.db))
    assert decisions.get(world.db, carried).status == "rejected"
    api.undo(world.library, carried)
    world.scan(b)
    newest = max(one.candidate_id for one in decisions.list_candidates(world.db))
    assert decisions.get(world.db, newest).status == "pending", "it is asked again"


def one_clip(world: Any, *proxies: str, **catalogued: Any) -> list[int]:
    """A lost clip, and files of its name with other bytes: their candidates."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path, **catalogued)
    os.unlink(path)
    for number, proxy in enumerate(proxies):
        world.file(b, f"{proxy}/c0001.mp4", size=70_000 + number)
    world.scan(b)
    return [one.candidate_id for one in decisions.list_candidates(world.db)]


def test_of_two_transcodes_each_is_taken_back_alone(world: Any) -> None:
    first, second = one_clip(world, "one", "two")
    api.apply(world.library, first)
    api.undo(world.library, first)
    api.apply(world.library, second)
    before = everything(world)
    api.apply(world.library, first)
    assert scalar(world.db, "SELECT count(*) FROM clip_files WHERE role = 'derivative'") == 2
    api.undo(world.library, first)
    assert differ(before, everything(world)) == []


def test_a_session_with_links_and_transcodes_is_taken_back_and_made_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, b = two_drives(world, 2)
    lost = world.file(world.root / "A", "P0001.MP4")
    world.catalogue(lost)
    os.unlink(lost)
    world.file(b, "proxy/p0001.mp4", size=70_000)
    world.scan(b)
    (session,) = api.list_sessions(world.library)
    before = everything(world)
    for candidate_id in waiting(world):
        api.apply(world.library, candidate_id)
    given = {one.match_type for one in decisions.list_candidates(world.db, statuses=("applied",))}
    assert len(given) == 2
    assert "derivative" in given
    linked = scalar(world.db, "SELECT count(*) FROM clip_files WHERE role = 'derivative'")
    assert api.undo_session(world.library, session["session_id"])["undone"] == 3
    assert differ(before, everything(world)) == []
    proven: list[str] = []
    monkeypatch.setattr(redo.upgrade, "prove_later", lambda _, volumes: proven.extend(volumes))
    assert api.redo_session(world.library, session["session_id"])["redone"] == 3
    assert proven == [world.volume_at(b)], "what was only sampled is read in full, again"
    assert scalar(world.db, "SELECT count(*) FROM clip_files WHERE role = 'derivative'") == linked == 1
    assert len(decisions.list_candidates(world.db, statuses=("applied",))) == 3
    api.undo_session(world.library, session["session_id"])
    assert differ(before, everything(world)) == []


def test_among_many_only_what_is_certain_and_no_transcode(world: Any) -> None:
    (only,) = one_clip(world, "proxy")
    before = everything(world)
    assert decisions.apply_many(world.library) == decisions.ManyApplied((), ())
    done = decisions.apply_many(world.library, [only])
    assert (done.applied, [which for which, _ in done.refused]) == ((), [only])
    assert "never among many" in done.refused[0][1]
    assert differ(before, everything(world)) == []


def test_a_session_made_again_leaves_what_was_rejected(world: Any) -> None:
    _, _, b = two_drives(world, 3)
    world.scan(b)
    (session,) = api.list_sessions(world.library)
    first, second, third = waiting(world)
    for candidate_id in (first, second):
        api.apply(world.library, candidate_id)
        api.undo(world.library, candidate_id)
    api.reject(world.library, third)
    api.undo(world.library, third)
    assert api.redo_session(world.library, session["session_id"])["redone"] == 2
    assert waiting(world) == [third]


def test_a_transcode_whose_content_is_known_is_that_content(world: Any) -> None:
    (only,) = one_clip(world, "proxy")
    _, c = world.volume("C")
    content = (world.root / "B/proxy/c0001.mp4").read_bytes()
    world.catalogue(world.file(c, "elsewhere.mp4", content), clip=False)
    before = everything(world)
    api.apply(world.library, only)
    assert [len(before[table]) for table in ("assets", "copies")] == [
        len(everything(world)["assets"]), len(everything(world)["copies"]) - 1,
    ]  # fmt: skip
    api.undo(world.library, only)
    assert differ(before, everything(world)) == []


def test_a_large_transcode_is_known_by_its_samples(world: Any) -> None:
    (only,) = one_clip(world, "proxy")
    with open(world.root / "B/proxy/c0001.mp4", "ab") as file:
        file.write(os.urandom(FAST_WHOLE))
    world.scan(world.root / "B")
    (only,) = (one.candidate_id for one in decisions.list_candidates(world.db, statuses=("pending",)))
    api.apply(world.library, only)
    made = row(
        world.db,
        "SELECT blake3, fast_hash FROM assets JOIN clip_files USING (asset_id) WHERE role = 'derivative'",
    )
    assert made is not None
    assert made["blake3"] is None, "nobody has read it to its end"
    assert made["fast_hash"] is not None


@pytest.mark.parametrize("why", ["of no clip", "cannot be read"])
def test_a_transcode_that_cannot_be_linked(world: Any, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    (only,) = one_clip(world, "proxy", clip=why != "of no clip")
    if why == "cannot be read":
        monkeypatch.setattr(linking, "read_fast", lambda *_: None)
    before = everything(world)
    with pytest.raises(Refused, match="belongs to no clip" if why == "of no clip" else "cannot be read"):
        api.apply(world.library, only)
    assert differ(before, everything(world)) == []


@pytest.mark.parametrize("taken_over", ["role = 'managed'", "verified_at = '2026-01-01T00:00:00.000Z'"])
def test_a_transcode_that_was_taken_in_since_stays(world: Any, taken_over: str) -> None:
    ids, _ = derivatives(world)
    api.apply(world.library, ids[0])
    asset_id = scalar(world.db, "SELECT asset_id FROM clip_files WHERE role = 'derivative'")
    execute(world.db, f"UPDATE copies SET {taken_over} WHERE asset_id = ?", (asset_id,))
    api.undo(world.library, ids[0])
    assert scalar(world.db, "SELECT count(*) FROM clip_files WHERE role = 'derivative'") == 0
    assert scalar(world.db, "SELECT count(*) FROM copies WHERE asset_id = ?", (asset_id,)) == 1
    assert scalar(world.db, "SELECT count(*) FROM assets WHERE asset_id = ?", (asset_id,)) == 1


def test_what_was_refused_changed_nothing(world: Any) -> None:
    _, _, b = two_drives(world, 1)
    world.scan(b)
    (only,) = waiting(world)
    (b / "new/C0000.MP4").unlink()
    before = everything(world)
    with pytest.raises(Refused):
        api.apply(world.library, only)
    assert differ(before, everything(world)) == []
