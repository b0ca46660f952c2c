"""A file gets another name, and none is ever replaced: whatever the file system can do."""

from __future__ import annotations

import contextlib
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


def test_where_the_old_name_cannot_be_taken_away_the_new_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file under two names would be put aside, or delivered, and still be there."""
    old, new, real = str(tmp_path / "old"), str(tmp_path / "new"), os.unlink
    Path(old).write_bytes(b"film")

    def cannot(path: str, *, dir_fd: int | None = None) -> None:
        if path == old:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        real(path, dir_fd=dir_fd)

    monkeypatch.setattr(renaming, "_by_kernel", lambda *_: errno.EINVAL)
    monkeypatch.setattr(os, "unlink", cannot)
    with pytest.raises(PermissionError):
        renaming.rename(old, new)
    assert os.listdir(tmp_path) == ["old"]


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError])
def test_the_last_name_of_a_file_is_never_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """A server took the old name away, and its answer was lost, or wrong."""
    old, new, real = str(tmp_path / "old"), str(tmp_path / "new"), os.unlink
    Path(old).write_bytes(b"film")

    def gone(path: str, *, dir_fd: int | None = None) -> None:
        real(path, dir_fd=dir_fd)
        raise error(errno.ENOENT if error is FileNotFoundError else errno.EACCES, "as a server says", path)

    monkeypatch.setattr(renaming, "_by_kernel", lambda *_: errno.EINVAL)
    monkeypatch.setattr(os, "unlink", gone)
    with contextlib.suppress(OSError):
        renaming.rename(old, new)
    assert os.listdir(tmp_path) == ["new"]
