"""``rushes files``: a copy made elsewhere, a move to another drive, the trash, and what lies twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.library import open_library
from engine.volumes import stand_ins
from tests.tui.cli.conftest import rushes
from tui.cli import files


@pytest.fixture
def drives(home: Path) -> tuple[Path, Path, Path]:
    """Drives A, B and C; A and B hold the same proven file."""
    library = open_library(str(home / "lib"))
    folders = tuple(home / name for name in ("A", "B", "C"))
    for folder in folders:
        folder.mkdir()
        stand_ins.make_stand_in(library.db(), str(folder), f"Drive {folder.name}")
    library.close()
    card = home / "card"
    card.mkdir()
    (card / "A001.dat").write_bytes(os.urandom(50_000))
    done = rushes("ingest", card, "--to", folders[0], "--to", folders[1], "--wait", "--library", home / "lib")
    assert done.code in (0, 1), done.err
    return folders[0], folders[1], folders[2]


def test_a_file_goes_to_a_third_drive_proven_and_then_the_old_one_may_go(
    home: Path, drives: tuple[Path, Path, Path]
) -> None:
    lib, (a, b, c) = home / "lib", drives
    first, second = a / "card" / "A001.dat", b / "card" / "A001.dat"
    content = first.read_bytes()

    said = rushes("files", "trash", first, "--library", lib)
    assert said.code == 3  # nobody can be asked, and nothing was done
    assert first.exists()
    assert rushes("files", "trash", first, "--yes", "--library", lib).code == 0
    assert not first.exists()
    last = rushes("files", "trash", second, "--yes", "--library", lib)
    assert (last.code, second.exists()) == (3, True)
    assert "last verified copy" in last.err

    listed = rushes("files", "trash", "--list", "--json", "--library", lib).document
    (gone,) = listed["files"]
    assert listed["total"] == 1
    assert (gone["path"], gone["reachable"]) == (str(first), True)
    assert rushes("files", "trash", "--list", "--offset", "1", "--json", "--library", lib).document == {
        "total": 1,
        "files": [],
    }
    assert rushes("files", "trash", "--list", "--limit", "0", "--library", lib).code == 2
    assert rushes("files", "restore", gone["trash_id"], "--library", lib).code == 0
    assert first.read_bytes() == content

    moved = rushes("files", "move", first, "--to", c, "--yes", "--json", "--library", lib)
    assert moved.code == 0, moved.err
    assert moved.document["status"] == "completed"
    assert [entry["path"] for entry in moved.document["trashed"]] == [str(first)]
    assert not first.exists()
    (arrived,) = c.rglob("A001.dat")
    assert arrived.read_bytes() == content

    made = rushes("files", "copy", arrived, "--to", a / "again", "--wait", "--json", "--library", lib)
    assert (made.code, made.document["ingested"]) == (0, 1), made.err
    found = rushes("files", "duplicates", "--json", "--library", lib).document
    assert (len(found["groups"]), found["groups"][0]["devices"], found["wasted"]) == (1, 3, 100_000)
    assert rushes("files", "trash", "--empty", "--yes", "--library", lib).code == 0
    assert rushes("files", "trash", "--list", "--json", "--library", lib).document["files"] == []


def test_what_is_not_recorded_and_a_card_are_refused(home: Path, drives: tuple[Path, Path, Path]) -> None:
    lib = home / "lib"
    assert rushes("files", "trash", home / "nothing", "--yes", "--library", lib).code == 4
    card = rushes("files", "trash", home / "card" / "A001.dat", "--yes", "--library", lib)
    assert (card.code, (home / "card" / "A001.dat").exists()) == (3, True)
    assert rushes("files", "trash", "--library", lib).code == 2
    assert rushes("files", "move", home / "card", "--to", drives[2], "--yes", "--library", lib).code == 3


def test_a_list_of_the_trash_says_that_there_are_older_ones(capsys: pytest.CaptureFixture[str]) -> None:
    gone = {"trash_id": 7, "volume": "A", "reachable": True, "size": 1, "path": "/a/x"}
    gone["trashed_at"] = "2026-11-20T10:00:00.000000Z"
    files._list([gone], 1003, 2, as_json=False)
    assert "1,000 older ones are not shown; --offset 3 begins with them." in capsys.readouterr().out
    files._list([gone], 3, 2, as_json=False)
    assert "older" not in capsys.readouterr().out
    files._list([], 3, 5, as_json=False)
    assert "The trash holds no more." in capsys.readouterr().out
