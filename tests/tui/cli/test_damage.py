"""Damaged copies and notices from the command line: the same doors as the keys of the screens."""

from __future__ import annotations

import os
from pathlib import Path

from tests.tui.cli.conftest import rushes


def test_damage_is_listed_told_and_repaired(home: Path) -> None:
    library = ("--library", home / "lib")
    card = home / "A001"
    card.mkdir()
    (card / "b.txt").write_text("scene 2")
    done = rushes("ingest", card, "--to", home / "x", "--to", home / "y", *library, "--wait", "--json")
    assert done.code == 0, done.err
    bad = home / "x" / "A001" / "b.txt"
    times = bad.stat()
    bad.write_text("scene 3")
    os.utime(bad, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert rushes("damaged", "list", *library, "--json").document == []
    assert rushes("verify", *library).code == 1
    (entry,) = rushes("damaged", "list", *library, "--json").document
    assert (entry["state"], entry["good_copies"] > 0) == ("damaged", True)
    told = rushes("notices", "--new", "--seen", *library, "--json").document
    assert any("1 damaged copy found" in one["text"] and one["level"] == "error" for one in told)
    assert rushes("notices", "--new", *library, "--json").document == []
    assert rushes("damaged", "repair", *library).code == 2, "neither copies nor --all"
    repaired = rushes("damaged", "repair", "--all", *library, "--json")
    assert repaired.code == 0, repaired.err
    assert len(repaired.document["repaired"]) == 1
    assert bad.read_text() == "scene 2"
    assert (bad.parent / "b.txt.damaged").read_text() == "scene 3"
    assert rushes("damaged", "repair", "--all", *library).code == 4, "nothing is left to repair"
