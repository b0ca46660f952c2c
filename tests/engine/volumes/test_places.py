"""Resolving paths the way the kernel does, without ever waiting for a dead mount."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import NotFound
from engine.library import Library
from engine.volumes import places
from engine.volumes.places import absolute, last_known, place_of, reach, resolve


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.mov").write_bytes(b"x")
    (tmp_path / "a" / "rel").symlink_to("../c")
    (tmp_path / "a" / "abs").symlink_to(tmp_path / "a" / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "y.mov").write_bytes(b"y")
    (tmp_path / "chain").symlink_to("a/abs")
    (tmp_path / "loop1").symlink_to("loop2")
    (tmp_path / "loop2").symlink_to("loop1")
    (tmp_path / "dangling").symlink_to("nowhere/at/all")
    monkeypatch.chdir(tmp_path / "a")
    return tmp_path


@pytest.mark.parametrize(
    "path",
    [
        "b/x.mov", "./b//x.mov", "rel/y.mov", "abs/x.mov", "abs/../b/x.mov", "rel/../a/b", "../chain/x.mov",
        ".", "..", "b/", "/", "//", "../a/../c/./y.mov",
    ],
)  # fmt: skip
def test_as_realpath_says(tree: Path, path: str) -> None:
    for given in (path, str(tree / "a" / path)):
        assert resolve(given) == os.path.realpath(given, strict=True)
        assert reach(given) == os.path.realpath(given)


@pytest.mark.parametrize("path", ["none", "b/none/deeper", "rel/none", "abs/none", "none/..", "b/x.mov/none"])
def test_what_does_not_exist_is_not_found_but_can_be_named(tree: Path, path: str) -> None:
    with pytest.raises(NotFound):
        resolve(path)
    assert reach(path) == os.path.realpath(path)


def test_links_in_a_circle_are_a_sentence(tree: Path) -> None:
    with pytest.raises(NotFound, match="cannot be reached"):
        resolve(str(tree / "loop1"))
    with pytest.raises(NotFound, match="does not exist"):
        resolve(str(tree / "dangling"))


@pytest.mark.parametrize(
    "name", [b"\xff\xfe", b"line\nbreak", b"\x1b[2J.mov", b"-y.mp4", b"clip [1] ;rm.mov", b"%d"]
)
def test_names_of_every_kind(library: Library, tree: Path, name: bytes) -> None:
    path = os.fsencode(tree) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"x")
    place = place_of(library.db(), os.fsdecode(path))
    assert os.fsencode(os.path.basename(place.path)) == name
    row = {
        "state": "online",
        "mount_point": os.fsencode(place.mount_point),
        "mount_root": place.mount_root.encode(),
    }
    assert absolute(row, place.path) == os.fsdecode(path)


@pytest.mark.parametrize(
    ("root", "relative", "answer"),
    [
        ("/", "a/b", "/m/a/b"),
        ("/", "", "/m"),
        ("/@home", "@home/x", "/m/x"),
        ("/@home", "@home", "/m"),
        ("/@home", "@homework/x", None),
        ("/@home", "x", None),
        ("/a/b", "a/b/c", "/m/c"),
    ],
)
def test_back_to_an_absolute_path(root: str, relative: str, answer: str | None) -> None:
    row = {"state": "online", "mount_point": b"/m", "mount_root": root.encode(), "mounts": "[]"}
    assert absolute(row, relative) == answer
    for state in ("offline", "conflict", "not_responding"):
        assert absolute({**row, "state": state}, relative) is None
        assert last_known({**row, "state": state}, relative) == answer
    view = {**row, "state": "present", "volume_state": "online"}
    assert absolute(view, relative) == answer
    assert absolute({**view, "volume_state": "offline"}, relative) is None


def test_of_several_mounts_the_one_that_shows_it() -> None:
    row = {
        "state": "online",
        "mount_point": b"/m",
        "mount_root": b"/a",
        "mounts": '[["/a", "/m"], ["/b", "/n"]]',
    }
    assert absolute(row, "b/x") == "/n/x"
    assert absolute(row, "a/x") == "/m/x"
    assert absolute(row, "c/x") is None


def test_a_mount_without_a_path_has_none() -> None:
    assert (
        places.absolute({"state": "online", "mount_point": None, "mount_root": b"/", "mounts": "[]"}, "x")
        is None
    )
