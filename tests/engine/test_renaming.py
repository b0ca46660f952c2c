"""A file gets another name, and none is ever replaced: whatever the file system can do."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import renaming


@pytest.fixture(params=["kernel", "link", "look"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the file system can do: all, hard links but no exclusive rename, or neither."""

    def cannot(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param != "kernel":
        monkeypatch.setattr(renaming, "_by_kernel", lambda *_: errno.EINVAL)
    if request.param == "look":
        monkeypatch.setattr(os, "link", cannot)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_a_file_moves(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"film")
    renaming.rename(str(tmp_path / "old"), str(tmp_path / "new\udcff"))
    assert os.listdir(os.fsencode(tmp_path)) == [b"new\xff"]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_name_that_is_taken_stays_with_its_owner(tmp_path: Path, make: Callable[[Path], None]) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"film")
    make(new)
    before = os.lstat(new)
    with pytest.raises(FileExistsError):
        renaming.rename(str(old), str(new))
    assert old.read_bytes() == b"film"
    assert os.lstat(new).st_ino == before.st_ino


@pytest.mark.usefixtures("way")
def test_between_open_folders(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "film").write_bytes(b"film")
    source, target = (os.open(tmp_path / name, os.O_RDONLY | os.O_DIRECTORY) for name in "ab")
    try:
        renaming.rename("film", "movie", source, target)
        with pytest.raises(FileNotFoundError):
            renaming.rename("film", "another", source, target)
    finally:
        os.close(source)
        os.close(target)
    assert os.listdir(tmp_path / "b") == ["movie"]
