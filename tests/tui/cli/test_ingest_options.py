"""The options of ``rushes ingest``, from the command line to the catalogue."""

from __future__ import annotations

from pathlib import Path

from tests.tui.cli.conftest import rushes


def filled(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("bb")
    return folder


def test_options_reach_the_job(home: Path) -> None:
    card = filled(home / "A001")
    asked = ("--verify", "source", "--duplicates", "copy", "--checksum", "md5", "--checksum", "c4")
    more = ("--no-thumbnails", "--name", "Day 3", "--priority", "high")
    where = ("--to", home / "x", "--library", home / "lib", "--json")
    planned = rushes("ingest", card, *asked, *more, *where, "--dry-run").document
    assert planned["checksums"] == ["md5", "c4"]
    assert (planned["verify_source"], planned["duplicates_are"], planned["thumbnails"], planned["name"]) == (
        True,
        "copied",
        False,
        "Day 3",
    )
    done = rushes("ingest", card, *asked, *more, *where, "--wait")
    assert done.code == 0, done.err
    job = rushes("jobs", "show", done.document["job_id"], "--library", home / "lib", "--json").document
    assert "Day 3" in job["title"]


def test_help_names_them() -> None:
    said = rushes("ingest", "--help").out
    for option in ("--verify", "--duplicates", "--checksum", "--no-thumbnails", "--name", "--priority"):
        assert option in said
