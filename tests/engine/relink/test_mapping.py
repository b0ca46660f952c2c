"""A prefix inferred from one pair, previewed, applied to all siblings in one transaction, and taken back."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

import pytest

from engine.errors import NotFound, VolumeGone, WrongUse
from engine.names import from_blob
from engine.relink import decisions, prefixes, redo
from engine.relink.mapping import map_prefix
from engine.relink.prefixes import Proposal, folders_below, infer, strip_tail
from engine.relink.tree import Tree
from engine.storage import audit
from engine.volumes import places

TABLES = ("copies", "assets", "clips", "volumes")


@pytest.mark.parametrize(
    ("old", "new", "prefixes"),
    [
        ("/mnt/A/day1/C1.MP4", "/mnt/B/day1/C1.MP4", ("/mnt/A", "/mnt/B")),
        ("/mnt/A/day1/C1.MP4", "/mnt/A/2026/day1/C1.MP4", ("/mnt/A", "/mnt/A/2026")),
        ("/mnt/A/day1/C1.MP4", "/mnt/A/day2/C1.MP4", ("/mnt/A/day1", "/mnt/A/day2")),
        ("/mnt/A/Day1/C1.MP4", "/mnt/B/DAY1/c1.mp4", ("/mnt/A", "/mnt/B")),
        ("/C1.MP4", "/x/C1.MP4", ("/", "/x")),
        ("/mnt/A/C1.MP4", "/mnt/A/other.MP4", None),
        ("/mnt/A/C1.MP4", "/mnt/A/C1.MP4", None),
    ],
)
def test_equal_components_at_the_end_are_taken_off(
    old: str, new: str, prefixes: tuple[str, str] | None
) -> None:
    assert strip_tail(old, new) == prefixes


def test_most_votes_win_then_the_longer_prefix() -> None:
    pairs = [(f"/a/x/{n}", f"/b/x/{n}") for n in range(3)] + [("/a/y/c/1", "/q/1"), ("/l/1", "/m/1")]
    assert infer(pairs) == [Proposal("/a", "/b", 3), Proposal("/a/y/c", "/q", 1), Proposal("/l", "/m", 1)]


def moved(world: Any, count: int) -> tuple[Any, Any, list[int]]:
    _, a = world.volume("A")
    _, b = world.volume("B")
    ids = []
    for n in range(count):
        path = world.file(a, f"shoot/day{n % 4}/C{n:04}.MP4", size=65_600)
        ids.append(world.catalogue(path))
    shutil.move(str(a / "shoot"), str(b / "archive"))
    return a, b, ids


def test_313_files_moved_one_fixed_by_hand_the_rest_by_one_key(world: Any) -> None:
    a, b, ids = moved(world, 313)
    world.scan(b / "archive/day0")
    first = decisions.list_candidates(world.db)[0]
    decisions.apply(world.library, first.candidate_id)
    (proposal,) = prefixes.propose(world.db, first.candidate_id)
    assert (proposal.old, proposal.new) == (str(a / "shoot"), str(b / "archive"))
    preview = map_prefix(world.library, proposal.old, proposal.new, dry_run=True)
    assert (len(preview.hits), preview.misses, preview.conflicts, preview.applied) == (312, [], [], 0)
    before = world.dump(*TABLES)
    done = map_prefix(world.library, proposal.old, proposal.new)
    assert (done.applied, done.to_json()["hits"]) == (312, 312)
    assert {world.state(each) for each in ids} == {"online"}
    assert decisions.undo_session(world.library, done.session_id) == 312
    assert world.dump(*TABLES) == before


def test_files_not_yet_known_to_be_missing_are_mapped(world: Any) -> None:
    a, b, ids = moved(world, 3)
    assert {world.copy(each)["state"] for each in ids} == {"present"}
    done = map_prefix(world.library, str(a / "shoot"), str(b / "archive"))
    assert done.applied == 3
    assert from_blob(world.copy(ids[0])["path"]) == "archive/day0/C0000.MP4"


def test_old_prefix_of_a_volume_that_is_away(world: Any) -> None:
    a, b, ids = moved(world, 3)
    old = str(a / "shoot")
    world.unplug(a)
    assert map_prefix(world.library, old, str(b / "archive")).applied == 3
    assert {world.state(each) for each in ids} == {"online"}


def test_hits_misses_and_conflicts_are_told_apart(world: Any) -> None:
    a, b, ids = moved(world, 6)
    root = b / "archive"
    os.unlink(root / "day0/C0000.MP4")
    (root / "day1/C0001.MP4").write_bytes(os.urandom(65_600))
    (root / "day2/C0002.MP4").write_bytes(b"short")
    world.catalogue(str(root / "day3/C0003.MP4"))
    done = map_prefix(world.library, str(a / "shoot"), str(root))
    assert (done.applied, len(done.misses), len(done.conflicts)) == (2, 1, 3)
    assert [world.state(each) for each in ids[4:]] == ["online", "online"]
    assert "other content" in " ".join(done.conflicts)
    assert done.to_json()["miss_list"] == [{"path": str(root / "day0/C0000.MP4")}]
    assert audit.entries(world.db)[-1]["command"] == "relink map"


def test_whole_components_and_wildcards_touch_no_sibling(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    inside = world.catalogue(world.file(a, "day_1/C0001.MP4"))
    beside = world.catalogue(world.file(a, "dayX1/C0001.MP4"))
    longer = world.catalogue(world.file(a, "day_10/C0001.MP4"))
    for name in ("day_1", "dayX1", "day_10"):
        shutil.copytree(a / name, b / name)
        shutil.rmtree(a / name)
    shutil.copytree(b / "day_1", b / "new")
    done = map_prefix(world.library, str(a / "day_1"), str(b / "new"))
    assert done.applied == 1
    assert from_blob(world.copy(inside)["path"]) == "new/C0001.MP4"
    assert [from_blob(world.copy(each)["path"]) for each in (beside, longer)] == [
        "dayX1/C0001.MP4",
        "day_10/C0001.MP4",
    ]


def test_another_size_is_a_conflict_where_no_hash_is_on_record(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    for name, size in (("same.mov", 70_000), ("other.mov", 70_001)):
        path = world.file(a, f"shoot/{name}", size=70_000)
        world.catalogue(path, hashes="none")
        os.unlink(path)
        world.file(b, f"shoot/{name}", size=size)
    done = map_prefix(world.library, str(a / "shoot"), str(b / "shoot"))
    assert (done.applied, len(done.conflicts)) == (1, 1)
    assert "70001 bytes, not 70000" in done.conflicts[0]


def test_below_is_in_whole_components() -> None:
    assert prefixes.is_below("/mnt/A/x", "/mnt/A")
    assert prefixes.is_below("/x", "/")
    assert not prefixes.is_below("/mnt/AB/x", "/mnt/A")
    assert not prefixes.is_below("/mnt/A", "/mnt/A")


def test_files_that_are_where_they_were_are_not_mapped(world: Any) -> None:
    _, a = world.volume("A")
    _, b = world.volume("B")
    copy_id = world.catalogue(world.file(a, "shoot/C0001.MP4"))
    shutil.copytree(a / "shoot", b / "shoot")
    with pytest.raises(NotFound, match="No lost file"):
        map_prefix(world.library, str(a / "shoot"), str(b / "shoot"))
    assert from_blob(world.copy(copy_id)["path"]) == "shoot/C0001.MP4"


def test_wrong_use(world: Any) -> None:
    _, a = world.volume("A")
    with pytest.raises(WrongUse):
        map_prefix(world.library, "relative", str(a))
    with pytest.raises(WrongUse):
        map_prefix(world.library, str(a), f"{a}/")
    with pytest.raises(NotFound):
        map_prefix(world.library, str(a), str(a / "nowhere"))


@pytest.mark.parametrize(
    ("mounts", "old", "folders"),
    [
        ([("/", "/mnt/A")], "/mnt/A", [""]),
        ([("/", "/mnt/A")], "/mnt", [""]),
        ([("/", "/mnt/A")], "/mnt/A/day 1/x", ["day 1/x"]),
        ([("/", "/mnt/A")], "/mnt/AB", []),
        ([("/", "/")], "/srv/x", ["srv/x"]),
        ([("/sub", "/mnt/A")], "/mnt/A", ["sub"]),
        ([("/sub", "/mnt/A")], "/mnt/A/x", ["sub/x"]),
        ([("/sub", "/mnt/A"), ("/other", "/mnt/B")], "/mnt", ["sub", "other"]),
        ([("/sub", "/mnt/A"), ("/", "/mnt/B")], "/mnt", [""]),
        ([("/sub", "/mnt/A"), ("/", "/mnt/B")], "/mnt/A", ["sub"]),
        ([], "/mnt", []),
    ],
)
def test_folders_of_a_volume_below_a_prefix(
    mounts: list[tuple[str, str]], old: str, folders: list[str]
) -> None:
    volume = {"mounts": json.dumps(mounts), "mount_point": None, "mount_root": b"/"}
    assert folders_below(volume, old) == folders


def test_a_proposal_says_how_much_is_still_lost(world: Any) -> None:
    a, b, _ = moved(world, 9)
    world.sweep(world.volume_at(a), moves="ignore")
    world.scan(b)
    first = decisions.list_candidates(world.db)[0]
    decisions.apply(world.library, first.candidate_id)
    assert prefixes.propose(world.db) == [Proposal(str(a / "shoot"), str(b / "archive"), 1, lost=8)]
    assert map_prefix(world.library, str(a / "shoot"), str(b / "archive")).applied == 8
    assert prefixes.propose(world.db) == []


def test_a_quick_preview_opens_no_file(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, _ = moved(world, 4)
    other = b / "archive" / "day1" / "C0001.MP4"
    other.write_bytes(bytes(other.stat().st_size))
    before = world.dump("copies", "candidates", "relinks", "relink_sessions")
    seen: list[tuple[int, int]] = []
    with monkeypatch.context() as patch:
        patch.setattr(Tree, "open_file", None)
        patch.setattr(Tree, "reread", None)
        looked = map_prefix(
            world.library, str(a / "shoot"), str(b / "archive"), dry_run=True, quick=True,
            progress=lambda done, total: seen.append((done, total)),
        )  # fmt: skip
    assert (len(looked.hits), len(looked.conflicts), looked.applied) == (4, 0, 0)
    assert seen[0] == (0, 4)
    assert seen[-1] == (4, 4)
    assert world.dump("copies", "candidates", "relinks", "relink_sessions") == before
    done = map_prefix(world.library, str(a / "shoot"), str(b / "archive"), quick=True)
    assert (done.applied, len(done.conflicts)) == (3, 1), "what is applied is read all the same"


def test_files_of_a_mount_that_hangs_are_not_asked_for(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, _ = moved(world, 4)
    reach, lstat = places.reach, os.lstat

    def silent(path: str, deadline: float | None = None) -> str:
        if str(path).startswith(str(a)):
            raise VolumeGone("does not answer")
        return reach(path, deadline)

    def asked(path: Any, *args: Any, **options: Any) -> os.stat_result:
        assert not str(path).startswith(f"{a}/"), "this would hang"
        return lstat(path, *args, **options)

    monkeypatch.setattr(places, "reach", silent)
    monkeypatch.setattr(os, "lstat", asked)
    with pytest.raises(NotFound, match="No lost file was below"):
        map_prefix(world.library, str(a / "shoot"), str(b / "archive"))


def test_a_mapping_that_is_given_up_changes_nothing(world: Any) -> None:
    a, b, _ = moved(world, 4)
    before = world.dump("copies", "candidates", "relinks", "relink_sessions")

    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        map_prefix(world.library, str(a / "shoot"), str(b / "archive"), check=check)
    assert world.dump("copies", "candidates", "relinks", "relink_sessions") == before


def test_a_mapping_is_taken_back_and_made_again_to_the_byte(world: Any) -> None:
    a, b, _ = moved(world, 30)
    world.scan(b)
    tables = ("copies", "candidates", "assets", "clip_files", "volume_counts", "clip_places", "asset_safety")
    waiting = world.dump(*tables)
    done = map_prefix(world.library, str(a / "shoot"), str(b / "archive"))
    assert done.applied == 30
    statuses = [row["status"] for row in world.dump("candidates")["candidates"]]
    assert (statuses.count("skipped"), statuses.count("applied")) == (30, 30)
    mapped = world.dump(*tables)
    assert decisions.undo_session(world.library, done.session_id) == 30
    undone = world.dump(*tables)
    undone["candidates"] = [row for row in undone["candidates"] if row["session_id"] != done.session_id]
    assert undone == waiting
    assert redo.redo_session(world.library, done.session_id) == 30
    assert world.same_but_for_times(world.dump(*tables), mapped)


def test_two_copies_that_would_become_one_file_are_both_left(world: Any) -> None:
    """Two drives were at one path in turn, each with a file of that name and content."""
    content = os.urandom(70_000)
    a = None
    for turn in range(2):
        _, a = world.volume("A")
        world.catalogue(world.file(a, "day/C1.MP4", content))
        world.unplug(a).rename(world.root / "elsewhere" / f"A {turn}")
    _, b = world.volume("B")
    world.file(b, "day/C1.MP4", content)
    done = map_prefix(world.library, str(a), str(b))
    assert (done.applied, len(done.hits), len(done.conflicts)) == (0, 0, 2)
    assert all("would become two copies" in sentence for sentence in done.conflicts)
