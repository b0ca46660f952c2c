"""The options of ``rushes ingest``, from the command line to the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

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


def test_a_template_is_shown_and_kept(home: Path) -> None:
    card = filled(home / "day")
    asked = ("--template", "{project}/{card}_{original}", "--to", home / "x", "--library", home / "lib")
    shown = rushes("ingest", card, *asked, "--dry-run")
    assert "a.txt becomes Feature/day_a.txt" in shown.out
    assert not (home / "x").exists()
    assert rushes("ingest", card, *asked, "--wait").code == 0
    assert sorted(path.name for path in (home / "x/Feature").iterdir()) == ["day_a.txt", "day_b.txt"]
    wrong = rushes("ingest", card, "--template", "{nobody}/{original}", "--library", home / "lib")
    assert (wrong.code, "unknown" in wrong.err) == (2, True)


def test_then_makes_a_second_stage(home: Path) -> None:
    card = filled(home / "A001")
    done = rushes(
        "ingest",
        card,
        "--to",
        home / "x",
        "--then",
        home / "y",
        "--library",
        home / "lib",
        "--wait",
        "--json",
    )
    assert done.code == 0, done.err
    assert done.document["card_free_at"] <= done.document["all_done_at"]
    assert (home / "y/A001/b.txt").read_text() == "bb"
    assert done.document["bottleneck"] in done.document["rates"]
    other = filled(home / "B001")
    (other / "a.txt").write_text("another")
    said = rushes(
        "ingest", other, "--to", home / "x", "--then", home / "y", "--library", home / "lib", "--wait"
    )
    assert re.search(r"Every file was verified at the first destinations at (\d+ \w+ )?\d\d:\d\d\.", said.out)
    assert "at work longest" in said.out


def test_verify_repairs(home: Path) -> None:
    card = filled(home / "A001")
    assert (
        rushes(
            "ingest", card, "--to", home / "x", "--to", home / "y", "--library", home / "lib", "--wait"
        ).code
        == 0
    )
    (home / "x/A001/b.txt").write_text("bX")
    said = rushes("verify", "--repair", "--library", home / "lib", "--json")
    assert said.code == 1
    assert len(said.document["damaged"]) == len(said.document["repaired"]) == 1
    assert (home / "x/A001/b.txt").read_text() == "bb"
    assert (home / "x/A001/b.txt.damaged").read_text() == "bX"
    assert rushes("verify", "--repair", "--library", home / "lib").code == 0


def test_the_journal_of_a_file_and_the_report_of_a_job_are_there_afterwards(
    home: Path, wait_until: Callable[..., None]
) -> None:
    card = filled(home / "A001")
    lib = ("--library", home / "lib")
    done = rushes("ingest", card, "--to", home / "x", "--to", home / "y", *lib, "--wait", "--json").document
    found = rushes("jobs", "file", done["job_id"], "b.txt", *lib, "--json").document
    assert (found["name"], found["size"], found["status"]) == ("b.txt", 2, "completed")
    assert len(found["hashes"]["blake3"]) == 64
    source, first, second = found["legs"]
    assert [step["what"] for step in source["steps"]] == ["read", "hash"]
    for leg in (first, second):
        assert [step["what"] for step in leg["steps"]] == [
            "write and flush", "read back", "compare", "in place",
        ]  # fmt: skip
        assert leg["verified_at"]
        assert leg["level"]
    said = rushes("jobs", "file", done["job_id"], "b.txt", *lib).out
    assert "x/A001/b.txt  completed" in said
    assert rushes("jobs", "file", done["job_id"], "nothing", *lib).code == 4
    shown = rushes("jobs", "show", done["job_id"], *lib, "--json").document
    assert sum(part["bottleneck"] for part in shown["parts"]) == 1
    reports = home / "lib/.rushes/reports"
    wait_until(lambda: reports.is_dir() and len(list(reports.glob("*.pdf"))) == 1, 30.0, "the report")


def test_a_damaged_copy_is_listed_and_made_anew_by_its_number(home: Path) -> None:
    card = filled(home / "A001")
    lib = ("--library", home / "lib")
    assert rushes("ingest", card, "--to", home / "x", "--to", home / "y", *lib, "--wait").code == 0
    assert rushes("verify", "--damaged", *lib).code == 0
    (home / "x/A001/b.txt").write_text("BB")
    assert rushes("verify", home / "x", *lib).code == 1
    listed = rushes("verify", "--damaged", *lib, "--json")
    (one,) = listed.document
    assert (listed.code, one["state"], one["good_copies"]) == (1, "damaged", 1)
    assert one["path"].endswith("x/A001/b.txt")
    done = rushes("verify", "--copy", one["copy_id"], *lib, "--json")
    assert (done.code, len(done.document["repaired"])) == (0, 1)
    assert (home / "x/A001/b.txt").read_text() == "bb"
    assert (home / "x/A001/b.txt.damaged").read_text() == "BB", "the bad file is kept aside"
    assert rushes("verify", "--damaged", *lib).code == 0


def test_a_card_that_is_known_reads_as_there_already_and_an_empty_folder_is_refused(home: Path) -> None:
    card = filled(home / "A001")
    where = ("--to", home / "x", "--library", home / "lib", "--wait")
    assert rushes("ingest", card, *where).code == 0
    said = rushes("ingest", card, *where)
    assert (said.code, "2 of 2 files verified, 2 of them there already" in said.out) == (0, True), said.out
    (home / "empty").mkdir()
    refused = rushes("ingest", home / "empty", *where)
    assert (refused.code, "holds no files" in refused.err) == (3, True), refused.err
    (home / "one").mkdir()
    (home / "one/c.txt").write_text("ccc")
    assert "Completed: 1 file newly verified" in rushes("ingest", home / "one", *where).out


def test_a_preview_shows_every_token_filled_in_and_does_nothing(home: Path) -> None:
    card = filled(home / "day")
    (card / "c\x1b[2J.txt").write_text("c")
    where = ("--to", home / "x", "--library", home / "lib")
    shown = rushes("ingest", card, "--template", "{project}/{card}_{counter}_{original}", *where, "--preview")
    assert shown.code == 0
    assert re.search(r"^  a\.txt  ->  Feature/day_\d+_a\.txt$", shown.out, re.MULTILINE)
    assert "\x1b" not in shown.out
    assert shown.out.rstrip().endswith(f"Below {home / 'x'}. Nothing was changed.")
    content = rushes("ingest", card, "--layout", "content", *where, "--preview", "--json").document
    assert content["layout"] == "content"
    by_file = {named["file"]: named["name"] for named in content["names"]}
    assert by_file["a.txt"].endswith(f"{blake3(b'a').hexdigest()}.txt")
    assert "{" not in "".join(by_file.values())
    kept = rushes("ingest", card, *where, "--preview", "--json").document
    assert (kept["template"], kept["names"][0]["name"], kept["names"][0]["files"]) == (None, "day/a.txt", 3)
    assert not (home / "x").exists()
    assert rushes("jobs", "list", "--library", home / "lib", "--json").document == []


def test_a_first_dry_run_gives_a_time_and_says_what_it_is(home: Path) -> None:
    card = filled(home / "A001")
    where = ("--to", home / "x", "--library", home / "lib")
    told = rushes("ingest", card, *where, "--dry-run")
    assert re.search(r"expected time under a second \(a guess by the kind of the drives\)", told.out)
    assert rushes("ingest", card, *where, "--wait").code == 0
    (card / "c.txt").write_text("ccc")
    planned = rushes("ingest", card, *where, "--dry-run", "--json").document
    assert planned["expected_from"] == "history"
    assert planned["expected_seconds"] >= 0


def test_a_card_that_is_not_whole_is_told_before_and_after(home: Path) -> None:
    folder = home / "GOPRO" / "DCIM" / "100GOPRO"
    folder.mkdir(parents=True)
    for number in (1, 3):
        (folder / f"GX0{number}0013.MP4").write_bytes(b"film" * number)
    where = ("--to", home / "x", "--library", home / "lib")
    sentence = "The GoPro recording 0013 lacks its chapter 02."
    planned = rushes("ingest", home / "GOPRO", *where, "--dry-run", "--json").document
    assert planned["sources"][0]["warnings"] == [sentence]
    assert f"note: {sentence}" in rushes("ingest", home / "GOPRO", *where, "--dry-run").out
    done = rushes("ingest", home / "GOPRO", *where, "--wait")
    assert f"note: {sentence}" in done.out
    planned = rushes("ingest", home / "GOPRO", *where, "--dry-run").out
    assert "2 files, 16 Bytes; all verified there already, 0 new" in planned
    again = rushes("ingest", home / "GOPRO", *where, "--wait", "--json").document
    assert again["warnings"] == [sentence]
    told = rushes("notices", "--library", home / "lib", "--json").document
    assert any(sentence in one["text"] and one["level"] == "warning" for one in told)


def test_a_new_library_says_what_comes_next(home: Path) -> None:
    assert "Next: rushes ingest CARD --to DRIVE" in rushes("init", home / "copies").out
    place = home / "in place"
    said = rushes("init", place, "--reference").out
    assert f"Next: rushes ingest '{place}', which copies nothing" in said
