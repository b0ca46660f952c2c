"""``rushes report`` as a script would call it, on a real ingest and a real export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tui.cli.conftest import make_clip, rushes


@pytest.fixture
def day(home: Path) -> tuple[Path, str]:
    """A library with one clip taken in to two folders, and the job's id."""
    card = home / "A001"
    card.mkdir()
    make_clip(card / "one.mov", 1.0)
    (card / "-y.txt").write_text("scene 1")
    done = rushes(
        "ingest", card, "--to", home / "x", "--to", home / "y", "--library", home / "lib", "--wait", "--json"
    )
    assert done.code == 0, done.err
    return home, done.document["job_id"]


def test_default_formats_and_their_paths(day: tuple[Path, str]) -> None:
    home, job = day
    said = rushes("report", job[:8], "--library", home / "lib", "--json")
    assert said.code == 0, said.err
    files = said.document["files"]
    assert list(files) == ["html", "pdf", "json"]
    for form, path in files.items():
        assert Path(path).parent == home / "lib" / ".rushes" / "reports"
        assert Path(path).name.startswith(f"rushes_ingest_{job[:8]}_")
        assert Path(path).suffix == f".{form}"
        assert Path(path).stat().st_size > 500
    assert said.document["good"] is True


def test_formats_and_place_as_asked(day: tuple[Path, str]) -> None:
    home, job = day
    said = rushes("report", job, "--format", "csv,txt", "--to", home / "hand over", "--library", home / "lib")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("All well: 2 files verified")
    assert sorted(Path(line).suffix for line in lines[1:]) == [".csv", ".txt"]
    assert {Path(line).parent for line in lines[1:]} == {home / "hand over"}


def test_an_export_is_reported(day: tuple[Path, str]) -> None:
    home, _ = day
    library = ("--library", home / "lib")
    made = rushes("recipe", "create", "All", "--mode", "all", "--to", home / "out", *library)
    assert made.code == 0, made.err
    run = rushes("export", "All", "--wait", "--json", *library)
    assert run.code == 0, run.err
    jobs = rushes("jobs", "list", "--json", *library).document
    job = next(entry["job_id"] for entry in jobs if entry["kind"] == "export")
    said = rushes("report", job, "--format", "json,html", "--json", *library)
    assert said.code == 0, said.err
    document = json.loads(Path(said.document["files"]["json"]).read_text())
    (section,) = document["sections"]
    (clip,) = section["clips"]
    assert clip["files"][0]["name"] == run.document["runs"][0]["output_path"]
    assert clip["files"][0]["size"] == run.document["runs"][0]["output_size"]
    assert document["verdict"] == "All well: 1 file finished and checked."


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 2, "what the report is about"),
        (("00000000",), 4, "no job and no batch"),
        (("--day", "soon"), 2, "is no date"),
        (("--card", "Z999"), 4, "no card"),
        (("--volume", "Z999"), 4, "Z999"),
        (("00000000", "--format", "docx"), 2, "docx"),
    ],
)
def test_refusals(home: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    said = rushes("report", *words, "--library", home / "lib", "--json")
    assert said.code == code
    assert sentence in said.document["error"]
