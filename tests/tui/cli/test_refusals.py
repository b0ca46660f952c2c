"""Bad input gets one clear sentence and its exit code, never a traceback; nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.tui.cli.conftest import make_clip, rushes

BAD: list[tuple[tuple[str, ...], int, str]] = [
    (("ingest",), 2, "Missing argument"),
    (("ingest", "nothing-here"), 3, "does not exist"),
    (("ingest", "card", "--to", "file.txt"), 3, "is a file"),
    (("ingest", "card", "--to", "no/such/place"), 3, "does not exist"),
    (("ingest", "card", "--to", "card"), 3, "source and destination"),
    (("ingest", "card", "--to", "card/inner"), 3, "inside the source"),
    (("ingest", "card", "--mode", "teleport"), 2, "teleport"),
    (("ingest", "card", "--mode", "reference", "--to", "x"), 2, "copies nothing"),
    (("card", "check", "nothing-here"), 4, "does not exist"),
    (("clips", "show", "nothing-here"), 4, "no clip"),
    (("clips", "list", "--volume", "nothing-here"), 4, "no volume"),
    (("clips", "list", "--since", "yesterdayish"), 2, "no moment"),
    (("jobs", "show", "deadbeef"), 4, "no job"),
    (("jobs", "pause", "deadbeef"), 4, "no job"),
    (("jobs", "list", "--status", "dreaming"), 2, "A state is one of"),
    (("relink", "scan", "nothing-here"), 4, "does not exist"),
    (("relink", "scan", "card", "--min-confidence", "7"), 2, "7"),
    (("relink", "apply", "99"), 4, "no candidate"),
    (("relink", "apply", "x"), 2, "x"),
    (("recipe", "create", "F", "--preset", "nope"), 4, "nope"),
    (("recipe", "create", "F", "--size", "big"), 2, "picture size"),
    (("recipe", "show", "F"), 4, "no recipe"),
    (("export", "F"), 4, "no recipe"),
    (("exports", "show", "deadbeef"), 4, "no run"),
    (("verify", "--budget", "soon"), 2, "span of time"),
    (("verify", "nothing-here"), 4, "does not exist"),
    (("volumes", "show", "nothing-here"), 4, "no volume"),
    (("volumes", "untrack", "nothing-here"), 4, "no volume"),
    (("bogus",), 2, "no command"),
    (("clips", "bogus"), 2, "bogus"),
    (("ingest", "card", "--wat"), 2, "--wat"),
]


@pytest.fixture
def place(home: Path) -> Path:
    (home / "card").mkdir()
    (home / "card" / "a.txt").write_text("a")
    (home / "file.txt").write_text("f")
    return home


@pytest.mark.parametrize(("words", "code", "sentence"), BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input(place: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    extra = () if words[0] == "bogus" else ("--library", "lib", "--json")
    said = rushes(*words, *extra, cwd=place)
    assert said.code == code, said
    assert sentence in said.err, said.err
    if extra:
        assert json.loads(said.out)["exit_code"] == code
    assert sorted(entry.name for entry in place.iterdir() if entry.name != "lib") == ["card", "file.txt"]


def test_no_arguments_without_a_terminal() -> None:
    said = rushes()
    assert said.code == 2
    assert "terminal" in said.err


def test_no_library_anywhere(tmp_path: Path) -> None:
    said = rushes("clips", "list", cwd=tmp_path)
    assert said.code == 4
    assert "rushes init" in said.err


def test_every_problem_is_told_at_once(place: Path) -> None:
    said = rushes("ingest", "nothing-1", "nothing-2", "--to", "file.txt", "--library", "lib", cwd=place)
    assert said.code == 3
    assert [word in said.err for word in ("nothing-1", "nothing-2", "file.txt")] == [True] * 3


AWKWARD = [
    b"clip [1] ;rm.mov",
    b"-y.mp4",
    b"\x1b[2J.mov",
    b"two\nlines.mov",
    b"caf\xe9.mov",
    b"100%d.mov",
    b'it\'s "q".mov',
]


def test_awkward_names_are_copied_catalogued_and_shown_without_harm(place: Path) -> None:
    original = make_clip(place / "clip.mov").read_bytes()
    card = os.fsencode(place / "card")
    for number, name in enumerate(AWKWARD):
        with open(os.path.join(card, name), "wb") as file:
            file.write(original + bytes([number]))
    with open(os.path.join(card, b"broken.mov"), "wb") as file:
        file.write(b"\x00\x01" * 5000)
    open(os.path.join(card, b"empty.mov"), "wb").close()
    os.symlink(".", os.path.join(card, b"loop"))
    said = rushes("ingest", "card", "--to", "out", "--library", "lib", "--wait", "--json", cwd=place)
    assert said.code == 0, said
    assert (said.document["found"], said.document["ingested"], said.document["failed"]) == (10, 10, 0)
    assert sorted(os.listdir(os.path.join(os.fsencode(place), b"out", b"card"))) == sorted(
        [*AWKWARD, b"broken.mov", b"empty.mov", b"a.txt"]
    )
    listed = rushes("clips", "list", "--library", "lib", cwd=place)
    assert "\x1b" not in listed.out
    assert len(listed.out.splitlines()) == 1 + 9
    exact = rushes("clips", "list", "--library", "lib", "--json", cwd=place).document
    import base64

    names = {
        base64.b64decode(clip["path_b64"]).rsplit(b"/", 1)[-1]
        if "path_b64" in clip
        else os.fsencode(clip["path"]).rsplit(b"/", 1)[-1]
        for clip in exact
    }
    assert set(AWKWARD) <= names


def test_a_source_below_a_name_that_is_not_utf8(place: Path) -> None:
    folder = os.path.join(os.fsencode(place), b"caf\xe9")
    os.mkdir(folder)
    with open(os.path.join(folder, b"x.bin"), "wb") as file:
        file.write(b"x")
    said = rushes(
        "ingest", os.fsdecode(folder), "--to", "out", "--library", "lib", "--wait", "--json", cwd=place
    )
    assert said.code == 0, said
    assert said.document["items"][0]["source"].endswith("caf\\xe9")
    assert "source_b64" in said.document["items"][0]


def without_override() -> list[str]:
    """A prefix under which root may no longer read what its mode forbids; empty for an ordinary user."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here, so root cannot give up its right to read everything")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]


def test_an_unreadable_folder_is_named_and_the_rest_is_done(place: Path) -> None:
    hidden = place / "card" / "hidden"
    hidden.mkdir()
    (hidden / "b.txt").write_text("b")
    hidden.chmod(0)
    try:
        said = rushes(
            "ingest", "card", "--to", "out", "--library", "lib", "--wait", "--json",
            cwd=place, prefix=without_override(),
        )  # fmt: skip
    finally:
        hidden.chmod(0o755)
    assert said.code == 1, said
    assert (said.document["ingested"], said.document["failed"]) == (1, 1)
    assert (place / "out" / "card" / "a.txt").read_text() == "a"
    assert "hidden" in json.dumps(said.document["failures"])
    assert (hidden / "b.txt").read_text() == "b"


def test_of_several_recipes_one_that_is_refused_leaves_none_queued_and_says_so(place: Path) -> None:
    for name in ("One", "Two"):
        assert rushes("recipe", "create", name, "--library", place / "lib").code == 0
    said = rushes("export", "One", "Two", "--library", place / "lib")
    assert said.code == 3
    assert "None of the 2 recipes was queued." in said.err
    assert rushes("exports", "list", "--json", "--library", place / "lib").document == []
