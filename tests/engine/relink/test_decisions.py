"""Verdicts: applied in one transaction, refused with a sentence, undone to the byte."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import IllegalTransition, NotFound, Refused, VolumeGone
from engine.library import Library
from engine.relink import decisions, redo, sessions, tree
from engine.storage import audit
from engine.storage.database import execute, scalar
from engine.volumes.places import place_of

TABLES = ("copies", "candidates", "assets", "clips", "clip_files", "volumes", "relink_sessions")


def scanned(world: Any, count: int = 3) -> list[Any]:
    """Files moved from A to B, with their candidates."""
    _, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(count):
        path = world.file(a, f"C{n:04}.MP4")
        world.catalogue(path)
        shutil.move(path, b)
    world.scan(b)
    found = decisions.list_candidates(world.db)
    assert len(found) == count
    return found


def test_undo_restores_every_table_to_the_byte(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, b"caf\xe9.mov")
    world.catalogue(path)
    shutil.copy(path, b / "one.mov")
    shutil.move(path, b / "two.mov")
    world.scan(b)
    first, second = decisions.list_candidates(world.db)
    decisions.later(world.library, second.candidate_id)
    before = world.dump(*TABLES)
    decisions.apply(world.library, first.candidate_id)
    assert world.dump(*TABLES) != before
    assert decisions.get(world.db, second.candidate_id).status == "skipped"
    decisions.undo(world.library, first.candidate_id)
    assert world.dump(*TABLES) == before


def test_undo_of_a_whole_session_restores_every_table(world: Any) -> None:
    scanned(world, 5)
    before = world.dump(*TABLES)
    result = decisions.apply_many(world.library)
    assert (len(result.applied), result.refused) == (5, ())
    session_id = decisions.list_candidates(world.db)[0].session_id
    assert decisions.undo_session(world.library, session_id) == 5
    assert world.dump(*TABLES) == before


def test_file_gone_since_the_scan_is_refused(world: Any) -> None:
    found, *_ = scanned(world)
    os.unlink(found.found_path)
    before = world.dump("copies", "candidates", "relinks")
    with pytest.raises(Refused, match="has gone since the scan"):
        decisions.apply(world.library, found.candidate_id)
    assert world.dump("copies", "candidates", "relinks") == before


@pytest.mark.parametrize("change", ["size", "mtime", "link", "folder"])
def test_file_changed_since_the_scan_is_refused(world: Any, change: str) -> None:
    found, *_ = scanned(world)
    path = found.found_path
    if change == "size":
        with open(path, "ab") as file:
            file.write(b"x")
    elif change == "mtime":
        os.utime(path, ns=(0, found.mtime_ns + 1))
    else:
        os.unlink(path)
        if change == "link":
            os.symlink("/etc/hostname", path)
        else:
            os.mkdir(path)
    with pytest.raises(Refused):
        decisions.apply(world.library, found.candidate_id)
    assert decisions.get(world.db, found.candidate_id).status == "pending"


def test_a_folder_of_the_size_and_time_of_the_file_is_no_file(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.XML", size=os.stat(b).st_size)
    world.catalogue(path)
    shutil.move(path, b)
    world.scan(b)
    (found,) = decisions.list_candidates(world.db)
    os.unlink(found.found_path)
    os.mkdir(found.found_path)
    os.utime(found.found_path, ns=(0, found.mtime_ns))
    with pytest.raises(Refused, match="no longer a file"):
        decisions.apply(world.library, found.candidate_id)


def test_volume_gone_since_the_scan_is_refused(world: Any) -> None:
    found, *_ = scanned(world)
    world.unplug(world.root / "B")
    with pytest.raises(VolumeGone):
        decisions.apply(world.library, found.candidate_id)


def test_place_of_another_copy_is_refused_with_the_reason(world: Any) -> None:
    found, *_ = scanned(world)
    world.catalogue(found.found_path)
    with pytest.raises(Refused, match="another copy of the same content"):
        decisions.apply(world.library, found.candidate_id)


def test_place_of_other_content_is_refused(world: Any) -> None:
    found, *_ = scanned(world)
    other = world.catalogue(world.file(world.root / "B", "other.mov"))
    execute(world.db, "UPDATE copies SET path = ? WHERE copy_id = ?", (os.fsencode(found.path), other))
    with pytest.raises(Refused, match="other content"):
        decisions.apply(world.library, found.candidate_id)


def test_a_copy_that_came_back_needs_no_candidate(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path)
    shutil.copy2(path, b)
    away = world.unplug(a)
    world.scan(b)
    (found,) = decisions.list_candidates(world.db, needed=True)
    away.rename(a)
    world.refresh()
    assert decisions.list_candidates(world.db, needed=True) == []
    with pytest.raises(Refused, match="needs no other place"):
        decisions.apply(world.library, found.candidate_id)


def test_decided_candidates_refuse_another_verdict(world: Any) -> None:
    first, second, third = scanned(world)
    decisions.apply(world.library, first.candidate_id)
    decisions.reject(world.library, second.candidate_id)
    for verb in (decisions.apply, decisions.reject, decisions.later):
        for each in (first, second):
            with pytest.raises(IllegalTransition):
                verb(world.library, each.candidate_id)
    with pytest.raises(IllegalTransition, match="nothing has been decided"):
        decisions.undo(world.library, third.candidate_id)
    with pytest.raises(NotFound):
        decisions.apply(world.library, 999_999)
    decisions.later(world.library, third.candidate_id)
    decisions.apply(world.library, third.candidate_id)
    assert decisions.get(world.db, third.candidate_id).status == "applied"


def test_undo_of_a_rejection_reopens(world: Any) -> None:
    first, *_ = scanned(world)
    before = world.dump("candidates")
    decisions.reject(world.library, first.candidate_id)
    assert decisions.undo(world.library, first.candidate_id).status == "pending"
    assert world.dump("candidates") == before


def test_undo_refuses_when_the_copy_was_placed_again(world: Any) -> None:
    first, *_ = scanned(world)
    decisions.apply(world.library, first.candidate_id)
    execute(world.db, "UPDATE copies SET path = ? WHERE copy_id = ?", (b"third/place", first.copy_id))
    with pytest.raises(Refused, match="another place since"):
        decisions.undo(world.library, first.candidate_id)


def test_undo_refuses_when_the_old_place_is_taken(world: Any) -> None:
    first, *_ = scanned(world)
    decisions.apply(world.library, first.candidate_id)
    world.catalogue(world.file(world.root / "A", first.lost_path))
    with pytest.raises(Refused, match="belongs to another copy"):
        decisions.undo(world.library, first.candidate_id)


def test_many_are_applied_although_one_is_refused(world: Any) -> None:
    first, *_ = scanned(world)
    os.unlink(first.found_path)
    result = decisions.apply_many(world.library)
    assert len(result.applied) == 2
    ((refused, sentence),) = result.refused
    assert refused == first.candidate_id
    assert "has gone since the scan" in sentence


def test_every_verdict_leaves_an_audit_row(world: Any) -> None:
    first, second, third = scanned(world)
    decisions.apply(world.library, first.candidate_id)
    decisions.reject(world.library, second.candidate_id, why="wrong take")
    decisions.later(world.library, third.candidate_id)
    decisions.undo(world.library, first.candidate_id)
    with pytest.raises(IllegalTransition):
        decisions.apply(world.library, second.candidate_id)
    said = [(row["command"], row["to_state"], row["outcome"]) for row in audit.entries(world.db)][-5:]
    assert said == [
        ("relink apply", "applied", "done"),
        ("relink reject", "rejected", "done"),
        ("relink later", "later", "done"),
        ("relink undo", "pending", "done"),
        ("relink apply", None, "refused"),
    ]


def test_sessions_are_kept_as_history_with_counted_numbers(world: Any) -> None:
    first, *_ = scanned(world)
    decisions.apply(world.library, first.candidate_id)
    (session,) = sessions.list_sessions(world.db)
    assert (session.status, session.candidates, session.applied, session.waiting) == ("completed", 3, 1, 2)
    assert sessions.get(world.db, session.session_id[:8]) == session
    assert scalar(world.db, "SELECT count(*) FROM relinks WHERE undone_at IS NULL") == 1


def test_filters_and_paging(world: Any) -> None:
    found = scanned(world, 5)
    decisions.reject(world.library, found[0].candidate_id)
    ids = lambda **how: [each.candidate_id for each in decisions.list_candidates(world.db, **how)]  # noqa: E731
    everything = [each.candidate_id for each in found]
    assert ids(statuses=("pending",)) == everything[1:]
    assert ids(limit=2, offset=1) == everything[1:3]
    assert ids(clip_id=found[3].clip_id) == [everything[3]]
    assert ids(volume_id=found[0].lost_volume_id) == []
    assert ids(session_id=found[0].session_id, statuses=("rejected",)) == everything[:1]


@pytest.mark.parametrize("verdict", ["apply", "reject", "later"])
def test_redo_gives_the_verdict_again(world: Any, verdict: str) -> None:
    found, other, _ = scanned(world)
    getattr(decisions, verdict)(world.library, found.candidate_id)
    given = world.dump(*TABLES)
    decisions.undo(world.library, found.candidate_id)
    assert redo.newest(world.db) == found.candidate_id
    now = redo.redo(world.library)
    assert now.status == {"apply": "applied", "reject": "rejected", "later": "later"}[verdict]
    assert world.same_but_for_times(world.dump(*TABLES), given)
    with pytest.raises(Refused, match="none to give again"):
        redo.redo(world.library)
    with pytest.raises(Refused, match="No verdict on candidate"):
        redo.redo(world.library, other.candidate_id)


def test_redo_takes_the_newest_first_and_a_new_verdict_ends_it(world: Any) -> None:
    first, second, third = scanned(world)
    for candidate in (first, second, third):
        decisions.reject(world.library, candidate.candidate_id)
    for candidate in (third, first, second):
        decisions.undo(world.library, candidate.candidate_id)
    decisions.apply(world.library, second.candidate_id)
    assert redo.redo(world.library).candidate_id == first.candidate_id
    assert redo.redo(world.library).candidate_id == third.candidate_id
    assert decisions.get(world.db, second.candidate_id).status == "applied"
    assert redo.newest(world.db) is None


def test_redo_leaves_what_another_verdict_has_set_aside(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    path = world.file(a, "C0001.MP4")
    world.catalogue(path)
    shutil.copy(path, b / "one.mov")
    shutil.move(path, b / "two.mov")
    world.scan(b)
    first, second = decisions.list_candidates(world.db)
    decisions.apply(world.library, first.candidate_id)
    decisions.undo(world.library, first.candidate_id)
    decisions.apply(world.library, second.candidate_id)
    assert decisions.get(world.db, first.candidate_id).status == "skipped"
    assert redo.newest(world.db) is None
    with pytest.raises(Refused, match="none to give again"):
        redo.redo(world.library)


def test_redo_of_an_apply_looks_at_the_file_again(world: Any) -> None:
    found, *_ = scanned(world)
    decisions.apply(world.library, found.candidate_id)
    decisions.undo(world.library, found.candidate_id)
    with open(found.found_path, "ab") as file:
        file.write(b"x")
    before = world.dump(*TABLES)
    with pytest.raises(Refused, match="has changed since the scan"):
        redo.redo(world.library, found.candidate_id)
    assert world.dump(*TABLES) == before
    assert redo.newest(world.db) == found.candidate_id


def test_redo_of_a_session_is_all_or_nothing(world: Any) -> None:
    found = scanned(world, 5)
    decisions.apply_many(world.library)
    session_id = found[0].session_id
    applied = world.dump(*TABLES)
    decisions.undo_session(world.library, session_id)
    undone = world.dump(*TABLES)
    held = os.path.join(os.path.dirname(found[2].found_path), "held")
    os.rename(found[2].found_path, held)
    with pytest.raises(Refused, match="has gone since the scan"):
        redo.redo_session(world.library, session_id)
    assert world.dump(*TABLES) == undone
    os.rename(held, found[2].found_path)
    assert redo.redo_session(world.library, session_id) == 5
    assert world.same_but_for_times(world.dump(*TABLES), applied)
    with pytest.raises(Refused, match="nothing to apply again"):
        redo.redo_session(world.library, session_id)


def test_two_operators_decide_at_once_and_one_is_heard(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    for n in range(12):
        path = world.file(a, f"C{n:04}.MP4")
        world.catalogue(path)
        shutil.copy(path, b / f"one {n}.mov")
        shutil.move(path, b / f"two {n}.mov")
    world.scan(b)
    listed = decisions.list_candidates(world.db)
    rivals = [
        [each.candidate_id for each in listed if each.copy_id == copy_id]
        for copy_id in sorted({each.copy_id for each in listed})
    ]
    assert [len(pair) for pair in rivals] == [2] * 12
    start = threading.Barrier(2)

    def operator(which: int) -> list[str]:
        said = []
        start.wait(10)
        for pair in rivals:
            try:
                decisions.apply(world.library, pair[which])
                said.append("applied")
            except (IllegalTransition, Refused) as error:
                said.append(str(error))
        world.library.close()
        return said

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(operator, range(2))
    for one, other, pair in zip(first, second, rivals, strict=True):
        assert sorted((one == "applied", other == "applied")) == [False, True], (one, other)
        statuses = sorted(decisions.get(world.db, each).status for each in pair)
        assert statuses == ["applied", "skipped"]
    placed = [row for row in world.dump("relinks")["relinks"] if row["undone_at"] is None]
    assert len(placed) == len({row["copy_id"] for row in placed}) == 12


def test_many_hold_each_candidate_against_the_same_conditions(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    ids = []
    for n in range(2):
        path = world.file(a, f"C{n}.MP4")
        ids.append(world.catalogue(path))
        shutil.copy(path, b / f"one {n}.mov")
        shutil.move(path, b / f"two {n}.mov")
    world.scan(b)
    listed = decisions.list_candidates(world.db)
    first = [each.candidate_id for each in listed if each.copy_id == ids[0]]
    second = [each.candidate_id for each in listed if each.copy_id == ids[1]]
    execute(world.db, "UPDATE copies SET state = 'present' WHERE copy_id = ?", (ids[1],))
    done = decisions.apply_many(world.library, [*first, second[0]])
    assert done.applied == (first[0],)
    refused = dict(done.refused)
    assert set(refused) == {first[1], second[0]}
    assert "is skipped" in refused[first[1]]
    assert "needs no other place" in refused[second[0]]


def test_a_rival_for_the_same_copy_and_the_same_file_is_counted_once(world: Any) -> None:
    found, *_ = scanned(world)
    other = sessions.create(world.db, "/elsewhere")
    execute(
        world.db,
        "INSERT INTO candidates (session_id, clip_id, copy_id, volume_id, path, size, mtime_ns, inode,"
        " match_type, confidence, evidence, created_at) SELECT ?, clip_id, copy_id, volume_id, path, size,"
        " mtime_ns, inode, match_type, confidence, evidence, created_at FROM candidates"
        " WHERE candidate_id = ?",
        (other, found.candidate_id),
    )
    assert decisions.apply(world.library, found.candidate_id).skipped == 1


def test_what_a_mount_does_not_show_has_not_left(library: Library) -> None:
    """A folder under another mount cannot be looked into: nothing is known of what lies there."""
    (library.root / "here.mov").write_bytes(b"film")
    place = place_of(library.db(), str(library.root))
    top = place.path
    with tree.hold(library.db(), place.volume_id) as held:
        hidden = tree.Tree(held.place, held.descriptor, frozenset({f"{top}/closed".strip("/")}))
        for name, has_left in (("closed/a.mov", False), ("gone.mov", True), ("here.mov", False)):
            lost = SimpleNamespace(lost_path=f"{top}/{name}".strip("/"))
            assert decisions._has_left(hidden, lost) is has_left  # type: ignore[arg-type]
