"""Drives of the demo: real mounts where root allows, stand-ins otherwise; nothing ever stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.demo import drives
from engine.demo.drives import Drives, is_mounted
from engine.errors import NotFound, Refused, RushesError
from engine.library import Library
from engine.storage.database import row

needs_root = pytest.mark.skipif(bool(drives.obstacle()), reason=f"no loop mounts: {drives.obstacle()}")


def _left_behind(folder: Path) -> list[str]:
    """Mounts and loop devices that belong to ``folder``."""
    mounted = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line]
    loops = [
        entry.read_text().strip()
        for entry in Path("/sys/block").glob("loop*/loop/backing_file")
        if str(folder) in entry.read_text()
    ]
    return mounted + loops


@pytest.mark.mount
@needs_root
def test_real_drives_come_and_go_and_keep_their_files(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    folder = tmp_path / "drives"
    with Drives(None, str(folder), ["NAS", "SHUTTLE"], megabytes=64) as d:
        assert d.kind == "loop"
        assert "ext4" in d.why
        home = d.path("NAS")
        assert is_mounted(home)
        assert os.stat(home).st_dev != os.stat(d.path("SHUTTLE")).st_dev != os.stat(folder).st_dev
        Path(home, "a.mov").write_bytes(b"content")
        d.unplug("NAS")
        assert not os.path.exists(home), "a drive that is away leaves no folder to write into by mistake"
        with pytest.raises(NotFound):
            d.path("NAS")
        with pytest.raises(NotFound):
            d.unplug("NAS")
        elsewhere = d.plug("NAS", at=str(folder / "mnt" / "other place"))
        assert Path(elsewhere, "a.mov").read_bytes() == b"content"
        with pytest.raises(Refused, match="plugged in already"):
            d.plug("NAS")
        d.unplug("NAS")
        busy = tmp_path / "full"
        busy.mkdir()
        (busy / "x").touch()
        with pytest.raises(Refused, match="not empty"):
            d.plug("NAS", at=str(busy))
        with pytest.raises(NotFound):
            d.plug("unknown")
    wait_until(lambda: not _left_behind(tmp_path), what="the last mount and loop device gone")
    assert not folder.exists()


@pytest.mark.mount
@needs_root
def test_a_drive_in_use_is_pulled_all_the_same(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    with Drives(None, str(tmp_path / "d"), ["A"], megabytes=64) as d:
        place = d.path("A")
        with open(os.path.join(place, "held"), "wb") as held:
            held.write(b"x")
            held.flush()
            d.unplug("A")
            assert not is_mounted(place)
    wait_until(lambda: not _left_behind(tmp_path), what="the loop device gone after the last close")


@pytest.mark.mount
@needs_root
def test_an_exception_leaves_nothing_behind(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    def work() -> None:
        with Drives(None, str(tmp_path / "d"), ["A", "B"], megabytes=64) as d:
            Path(d.path("B"), "x").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    wait_until(lambda: not _left_behind(tmp_path))
    assert not (tmp_path / "d").exists()


@pytest.mark.mount
@needs_root
def test_kill_minus_nine_leaves_no_mount_behind(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    code = (
        "import os, signal; from engine.demo.drives import Drives\n"
        f"d = Drives(None, {str(tmp_path / 'a b')!r}, ['A', 'B'], megabytes=64); d.__enter__()\n"
        "d.unplug('A'); d.plug('A', at=d.path('B') + ' 2')\n"
        "open('/proc/self/mounts').read().count('a\\\\040b') == 2 or os._exit(5)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    marks = str(tmp_path).replace(" ", "\\040")
    wait_until(lambda: marks not in Path("/proc/self/mounts").read_text(), what="the guard's clean-up")
    wait_until(lambda: not _left_behind(tmp_path))


@pytest.mark.mount
@needs_root
def test_when_the_mount_fails_folders_stand_in_and_say_why(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    fake = bin_folder / "mount"
    fake.write_text("#!/bin/sh\necho 'mount: permission denied' >&2\nexit 32\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    with Drives(library, str(tmp_path / "d"), ["A"], megabytes=64) as d:
        assert d.kind == "stand_in"
        assert "permission denied" in d.why
        Path(d.path("A"), "x").touch()
    assert not _left_behind(tmp_path)
    assert not (tmp_path / "d").exists()


def test_stand_ins_are_known_to_the_library_and_move(tmp_path: Path, library: Library) -> None:
    folder = tmp_path / "d"
    with Drives(library, str(folder), ["A", "B"], stand_in=True) as d:
        assert d.kind == "stand_in"
        assert d.why == "folders that stand in for drives, because they were asked for"
        volume = row(library.db(), "SELECT * FROM volumes WHERE name = ?", (d.volume_name("A"),))
        assert volume is not None
        assert (volume["kind"], os.fsdecode(volume["mount_point"])) == ("stand_in", d.path("A"))
        Path(d.path("A"), "a.mov").write_bytes(b"content")
        parent = os.path.dirname(d.path("A"))
        d.unplug("A")
        assert os.listdir(parent) == ["B"], "an unplugged stand-in lies outside the watched parent"
        elsewhere = d.plug("A", at=os.path.join(parent, "other place"))
        assert Path(elsewhere, "a.mov").read_bytes() == b"content"
        with pytest.raises(Refused):
            d.plug("A")
    assert not folder.exists()


def test_without_root_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drives.os, "geteuid", lambda: 1000)
    assert drives.obstacle() == "mounting needs root"
    monkeypatch.setattr(drives.os, "geteuid", lambda: 0)
    monkeypatch.setattr(drives.shutil, "which", lambda name: None if name == "mkfs.ext4" else name)
    assert drives.obstacle() == "mkfs.ext4 not installed"


def test_keep_leaves_the_files(tmp_path: Path) -> None:
    with Drives(None, str(tmp_path / "d"), ["A"], stand_in=True, keep=True) as d:
        Path(d.path("A"), "x").write_text("kept")
        place = d.path("A")
    assert Path(place, "x").read_text() == "kept"


def test_a_folder_that_cannot_be_made_is_an_error_with_nothing_left(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((OSError, RushesError)):
        Drives(None, str(tmp_path / "file" / "d"), ["A"], stand_in=True).__enter__()
