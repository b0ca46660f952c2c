"""Every objection before the first byte, all in one list."""

from __future__ import annotations

import os
import subprocess

import pytest

from engine.errors import Refused, WrongUse
from engine.ingest.planning import layout
from engine.ingest.planning.plan import plan as ingest_plan
from engine.media.filelist import FileList

from .conftest import tree, write


def refused(desk, sources, to=(), **options):
    with pytest.raises(Refused) as caught:
        ingest_plan(
            desk.library, [str(source) for source in sources], [str(place) for place in to], **options
        )
    return caught.value.problems


def test_every_problem_is_listed(desk, card, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    problems = refused(desk, [tmp_path / "absent", card], [tmp_path / "file", tmp_path / "no/such"])
    assert len(problems) == 3
    assert "absent does not exist" in problems[0]
    assert "is a file; a destination must be a folder" in problems[1]
    assert "neither does the folder above it" in problems[2]
    assert not (tmp_path / "no").exists()


def test_a_source_without_files_is_refused(desk, card, tmp_path):
    empty = tmp_path / "empty"
    (empty / "DCIM/100MEDIA").mkdir(parents=True)
    (empty / ".DS_Store").write_bytes(b"x")
    for options in ({}, {"dry_run": True}, {"mode": "reference"}):
        (problem,) = refused(desk, [empty], **options)
        assert "empty holds no files; nothing would be taken in" in problem
    (problem,) = refused(desk, [card, empty])
    assert "empty holds no files" in problem


def test_source_and_destination_are_one(desk, card):
    before = tree(card)
    assert "source and destination at once" in refused(desk, [card], [card])[0]
    (card.parent / "link").symlink_to(card)
    assert "source and destination at once" in refused(desk, [card], [card.parent / "link"])[0]
    assert tree(card) == before


def test_destination_inside_the_source(desk, card):
    assert "lies inside the source" in refused(desk, [card], [card / "DCIM"])[0]
    assert "lies inside the source" in refused(desk, [card], [card / "new"])[0]
    assert not (card / "new").exists()


def test_source_inside_its_own_destination(desk, card):
    assert "inside its own destination" in refused(desk, [card], [card.parent])[0]


@pytest.mark.mount
def test_nesting_through_a_bind_mount(desk, card, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("bind mounts need root")
    shown = tmp_path / "shown"
    shown.mkdir()
    for inside in (card, card / "DCIM"):
        if subprocess.run(["mount", "--bind", inside, shown], check=False).returncode:
            pytest.skip("this kernel or container refuses bind mounts")
        try:
            assert refused(desk, [card], [shown / "x"])
            assert refused(desk, [card], [shown])
        finally:
            subprocess.run(["umount", shown], check=True)


def test_one_destination_twice_and_one_source_twice(desk, card, tmp_path):
    nas = tmp_path / "nas"
    nas.mkdir()
    assert "are the same destination" in refused(desk, [card], [nas, f"{nas}/../nas"])[0]
    assert "is given twice" in refused(desk, [card, card], [nas])[0]
    assert "one holds the other" in refused(desk, [card, card / "DCIM"], [nas])[0]


def test_no_source_and_unknown_words(desk, card):
    for options in ({"sources": []}, {"mode": "move"}, {"duplicates": "delete"}):
        with pytest.raises(WrongUse):
            ingest_plan(desk.library, options.pop("sources", [str(card)]), **options)


def test_a_relative_destination_is_accepted(desk, card, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    desk.ingest(card, to=["out"])
    assert tree(tmp_path / "out/A001") == tree(card)


def test_space_is_summed_per_volume_with_queued_work(desk, card, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.ingest.planning.plan.free_bytes", lambda path: 5 << 20)
    monkeypatch.setattr("engine.ingest.planning.plan.size_bytes", lambda path: 0)
    ingest_plan(desk.library, [str(card)], [str(tmp_path / "one")])  # 3 MiB fit
    problem = refused(desk, [card], [tmp_path / "one", tmp_path / "two"])[0]
    assert "Not enough space" in problem
    assert "6.0 MiB are needed" in problem
    assert "5.0 MiB are free" in problem
    desk.queue(card, to=[tmp_path / "one"])
    assert "queued work" in refused(desk, [card], [tmp_path / "three"])[0]


def test_dry_run_counts_what_is_known_and_writes_nothing(desk, card, tmp_path):
    desk.ingest(card, to=[tmp_path / "nas"])
    write(card / "DCIM/new.mov", 100_000)
    told = ingest_plan(desk.library, [str(card)], [str(tmp_path / "nas")], dry_run=True).to_json()
    assert told["files"] == 9
    assert told["duplicates"] == 7  # the empty file is nobody's duplicate
    assert told["destinations"][0]["present"] == 8
    assert told["destinations"][0]["needed"] == 100_000
    assert told["expected_seconds"] > 0
    ingest_plan(desk.library, [str(card)], [str(tmp_path / "other")], dry_run=True)
    assert not (tmp_path / "other").exists()


def test_names_that_windows_file_systems_refuse():
    bad = ["a:b.mov", "x?.mov", "dot.", "blank ", "NUL.mov", "\udcff.mov", "a\nb"]
    assert all(layout.name_problem(f"DCIM/{name}", 1, "exfat") for name in bad)
    assert not any(layout.name_problem(name, 1, "ext4") for name in bad)
    assert layout.name_problem("fine.mov", 1, "exfat") is None
    assert layout.name_problem("big.mov", 5 << 30, "vfat")
    files = FileList()
    names = ["A.mov", "a.MOV", "b"]
    assert list(layout.case_clashes(names, "exfat", files.shelf())) == [("A.mov", "a.MOV")]
    assert list(layout.case_clashes(names, "ext4", files.shelf())) == []
    two = ["caf\u00e9.mov", "cafe\u0301.mov"]
    assert list(layout.case_clashes(two, "cifs", files.shelf())) == [(two[0], two[1])]
    assert list(layout.case_clashes(two, "exfat", files.shelf())) == []


def test_numbers_go_before_the_last_dot():
    assert layout.numbered("clip.v1.mov", 1) == "clip.v1_001.mov"
    assert layout.numbered("README", 12) == "README_012"
    assert layout.numbered(".hidden", 2) == ".hidden_002"
    assert len(os.fsencode(layout.numbered("é" * 125 + ".mov", 7))) <= 255


def test_what_a_drive_holds_already_needs_no_room(desk, card, tmp_path, monkeypatch):
    drive = tmp_path / "drive"
    drive.mkdir()
    desk.ingest(card, to=[drive])
    again = card.rename(tmp_path / "B002")  # another name, so its copies would be new files
    write(again / "DCIM" / "new.dat", 2 << 20)
    monkeypatch.setattr("engine.ingest.planning.plan.free_bytes", lambda path: 4 << 20)
    monkeypatch.setattr("engine.ingest.planning.plan.size_bytes", lambda path: 0)
    sources, to = [str(again)], [str(drive)]
    assert ingest_plan(desk.library, sources, to).destinations[0].needed == 2 << 20
    for options in ({"duplicates": "copy"}, {"duplicates": "copy", "dry_run": True}):
        (problem,) = refused(desk, sources, to, **options)
        assert "Not enough space" in problem
