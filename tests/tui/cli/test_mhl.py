"""Hash lists from the command line: written with an ingest, then held against an incoming drive."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.cli.conftest import rushes


@pytest.fixture
def drive(home: Path) -> Path:
    """A folder that came from an ingest with ``--mhl``."""
    card = home / "A001"
    card.mkdir()
    (card / "-y.txt").write_text("scene 1")
    (card / "b.txt").write_text("scene 2")
    done = rushes("ingest", card, "--to", home / "x", "--mhl", "--library", home / "lib", "--wait", "--json")
    assert done.code == 0, done.err
    return home / "x"


def test_verify_says_all_is_well_without_a_library(drive: Path, tmp_path: Path) -> None:
    said = rushes("mhl", "verify", drive, "--json", cwd=tmp_path / "A001")
    assert said.code == 0, said.err
    verdict = said.document
    assert (verdict["good"], verdict["verified"], verdict["lists"]) == (True, 2, 1)
    assert verdict["findings"] == []
    assert sum(verdict["levels"].values()) == 2


def test_verify_ends_with_1_on_any_harm(drive: Path) -> None:
    (drive / "A001" / "b.txt").write_text("scene 3")
    os.unlink(drive / "A001" / "-y.txt")
    (drive / "A001" / "\x1b[2Jnew.txt").write_text("")
    said = rushes("mhl", "verify", drive)
    assert said.code == 1
    assert "\x1b" not in said.out
    assert "damaged: A001/b.txt does not have the bytes" in said.out
    assert "missing: A001/-y.txt" in said.out
    assert "new: A001/\\x1b[2Jnew.txt" in said.out
    assert "is NOT as its hash lists say: 1 damaged, 1 missing, 1 in no list; 0 files are well." in said.out
    document = rushes("mhl", "verify", drive, "--json").document
    assert {finding["kind"] for finding in document["findings"]} == {"damaged", "missing", "new"}


def test_create_then_nothing_new(drive: Path, home: Path) -> None:
    (drive / "A001" / "more.txt").write_text("more")
    said = rushes("mhl", "create", drive / "A001", "--library", home / "lib", "--json")
    assert said.code == 0, said.err
    assert (said.document["generation"], said.document["files"], said.document["read"]) == (2, 1, 1)
    assert rushes("mhl", "verify", drive).code == 0
    (drive / "A001" / "more.txt").unlink()
    again = rushes("mhl", "create", drive / "A001", "--library", home / "lib")
    assert (again.code, "more.txt is in an earlier list, but not here." in again.err) == (1, True)
    assert "nothing that the hash lists do not say already" in again.out


def test_refusals(home: Path) -> None:
    said = rushes("mhl", "verify", home, "--json")
    assert said.code == 4
    assert "no ASC MHL hash list" in said.document["error"]
    assert rushes("mhl", "verify", home / "nowhere").code == 4
    assert rushes("mhl", "create", home / "nowhere", "--library", home / "lib").code == 4


def test_the_engine_verifies_a_drive_as_a_job(drive: Path, home: Path) -> None:
    lib = ("--library", home / "lib")
    queued = rushes("mhl", "verify", drive, "--queue", *lib, "--json")
    assert (queued.code, list(queued.document)) == (0, ["job_id"])
    done = rushes("mhl", "verify", drive, "--queue", "--wait", *lib, "--json")
    assert done.code == 0, done.err
    assert (done.document["good"], done.document["verified"], done.document["status"]) == (
        True,
        2,
        "completed",
    )
    (drive / "A001" / "b.txt").write_text("scene 3")
    said = rushes("mhl", "verify", drive, "--queue", "--wait", *lib)
    assert (said.code, "1 damaged" in said.out) == (1, True)
    assert rushes("mhl", "verify", home / "card", "--queue", *lib).code == 4
