"""Making, finding and opening libraries."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from engine.errors import DatabaseRefused, NotFound, Refused, WrongUse
from engine.library import create, list_known, locate, open_library
from engine.storage import config
from engine.storage.database import execute


def test_a_library_is_made_registered_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "Day One"
    root.mkdir()
    made = create(str(root), name="Feature")
    assert (root / ".rushes" / "library.db").is_file()
    assert [entry.root for entry in list_known()] == [str(root)]
    for given in (str(root), str(root / ".rushes"), "Feature", made.library_id):
        assert open_library(given).library_id == made.library_id
    below = root / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert locate(None) == (root, root)


def test_the_cache_root_may_lie_elsewhere(tmp_path: Path) -> None:
    root, cache = tmp_path / "footage", tmp_path / "caches"
    root.mkdir()
    made = create(str(root), cache_root=str(cache))
    assert not (root / ".rushes").exists()
    assert (cache / ".rushes" / "library.db").is_file()
    assert open_library(str(root)).cache_root == cache
    assert open_library(str(cache)).root == root
    assert made.root == root


def test_nothing_is_made_over_a_library(tmp_path: Path) -> None:
    made = create(str(tmp_path))
    with pytest.raises(Refused, match="already"):
        create(str(tmp_path))
    with pytest.raises(Refused, match="already"):
        create(str(tmp_path), cache_root=str(tmp_path / "other"))
    assert open_library(str(tmp_path)).library_id == made.library_id


def test_bad_places_and_names_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(Refused, match="is a file"):
        create(str(file))
    with pytest.raises(NotFound, match="does not exist"):
        create(str(tmp_path / "a" / "b"))
    with pytest.raises(WrongUse, match="blank"):
        create(str(tmp_path), name="  ")
    with pytest.raises(WrongUse, match="mode"):
        create(str(tmp_path), mode="move")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_without_a_clear_choice_the_libraries_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match="rushes init"):
        locate(None)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        create(str(tmp_path / name))
    with pytest.raises(WrongUse, match="--library"):
        locate(None)
    monkeypatch.setenv("RUSHES_LIBRARY", str(tmp_path / "b"))
    assert locate(None)[0] == tmp_path / "b"


def test_a_folder_without_a_library_and_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no library at"):
        open_library(str(tmp_path))
    with pytest.raises(NotFound, match="does not exist"):
        open_library(str(tmp_path / "nothing"))


def test_a_moved_library_opens_where_it_is(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    made = create(str(old))
    made.close()
    old.rename(new)
    opened = open_library(str(new))
    assert (opened.library_id, opened.root) == (made.library_id, new)


@pytest.mark.mount
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a read-only file system")
def test_a_library_on_a_read_only_medium_opens_to_be_read(tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    medium.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(medium)], check=True)
    try:
        create(str(medium), name="Read").close()
        subprocess.run(["mount", "-o", "remount,ro", str(medium)], check=True)
        opened = open_library(str(medium))
        assert opened.read_only
        assert opened.db().execute("SELECT name FROM library").fetchone() == ("Read",)
        opened.close()
        with pytest.raises(Refused, match="cannot be made"):
            create(str(medium / "other"))
    finally:
        subprocess.run(["umount", "-l", str(medium)], check=True)


def test_a_damaged_library_is_refused_by_a_sentence(tmp_path: Path) -> None:
    create(str(tmp_path)).close()
    file = tmp_path / ".rushes" / "library.db"
    file.write_bytes(b"garbage" * 100)
    with pytest.raises(DatabaseRefused, match="left as it"):
        open_library(str(tmp_path))
    assert file.read_bytes() == b"garbage" * 100


@pytest.mark.mount
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a folder read-only for root")
def test_settings_on_a_read_only_home_are_read_and_a_library_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "config"
    monkeypatch.setenv("RUSHES_CONFIG", str(folder))
    root = tmp_path / "library"
    root.mkdir()
    made = create(str(root), "Test")
    made.close()
    settings = config.open_config()
    config.put(settings, "policy.copies", "3")
    settings.close()
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        assert config.values("policy.copies", "policy.devices") == {"policy.copies": 3, "policy.devices": 2}
        root.rename(tmp_path / "moved")  # the registry is behind, and cannot be put right
        opened = open_library(str(tmp_path / "moved"))
        execute(opened.db(), "UPDATE library SET name = 'Other'")
        opened.close()
        settings = config.open_config()
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            config.put(settings, "policy.copies", "2")
        settings.close()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
