"""Real mounts: loop images, tmpfs, bind mounts, and a FUSE file system that stops answering."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

IMAGE_BYTES = {"ext4": 16 << 20, "xfs": 320 << 20, "btrfs": 128 << 20, "vfat": 8 << 20, "ntfs": 8 << 20}


def can_mount() -> str | None:
    """Why nothing can be mounted here, or None."""
    if os.geteuid() != 0:
        return "mounting needs root"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    return None


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


class Mounts:
    """Makes images and mounts, and undoes every one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.points: list[Path] = []
        self.servers: list[subprocess.Popen[bytes]] = []

    def image(
        self, name: str, fs: str = "ext4", label: str | None = None, options: tuple[str, ...] = ()
    ) -> Path:
        if shutil.which(f"mkfs.{fs}") is None:
            pytest.skip(f"mkfs.{fs} is not installed")
        path = self.folder / f"{name}.img"
        with path.open("wb") as file:
            file.truncate(IMAGE_BYTES[fs])
        self.format(path, fs, label, options)
        return path

    def format(
        self, image: Path, fs: str = "ext4", label: str | None = None, options: tuple[str, ...] = ()
    ) -> None:
        quiet = {"ext4": ["-q", "-F"], "xfs": ["-q", "-f"], "btrfs": ["-q", "-f"], "ntfs": ["-q", "-F", "-Q"]}
        flag = {"vfat": "-n"}.get(fs, "-L")
        named = [flag, label] if label else []
        run(f"mkfs.{fs}", *quiet.get(fs, []), *options, *named, str(image))

    def point(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def mount(self, image: Path, point: str | Path, *options: str) -> Path:
        path = self.point(point) if isinstance(point, str) else point
        run("mount", "-o", ",".join(("loop", *options)), str(image), str(path))
        self.points.append(path)
        return path

    def tmpfs(self, point: str | Path, size: str = "8m") -> Path:
        path = self.point(point) if isinstance(point, str) else point
        run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))
        self.points.append(path)
        return path

    def bind(self, source: Path, point: str) -> Path:
        path = self.point(point)
        run("mount", "--bind", str(source), str(path))
        self.points.append(path)
        return path

    def remount(self, path: Path, options: str) -> None:
        run("mount", "-o", f"remount,{options}", str(path))

    def unmount(self, path: Path, *flags: str) -> None:
        run("umount", *flags, str(path))
        self.points.remove(path)

    def hanging(self, name: str, folders: int = 0) -> tuple[Path, subprocess.Popen[bytes]]:
        """A FUSE mount whose server answers until it gets SIGSTOP, and is gone with SIGKILL.

        It holds so many folders with a file each; see ``fuse_server.py``.
        """
        return self._served(name, "fuse_server.py", str(folders))

    def union(self, name: str, *branches: Path, fs_type: str = "fuse.mergerfs", source: str = "1:2") -> Path:
        """A pool that shows what lies in these folders; see ``union_server.py``."""
        return self._served(name, "union_server.py", fs_type, source, *map(str, branches))[0]

    def _served(self, name: str, script: str, *arguments: str) -> tuple[Path, subprocess.Popen[bytes]]:
        path = self.point(name)
        server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(script)), str(path), *arguments],
            stdout=subprocess.PIPE,
        )
        self.servers.append(server)
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        self.points.append(path)
        return path, server

    def undo(self) -> None:
        for server in self.servers:
            # The end of the server closes /dev/fuse, which aborts every request that still waits.
            server.send_signal(signal.SIGKILL)
            server.wait(10)
            assert server.stdout is not None
            server.stdout.close()
        for path in reversed(self.points):
            subprocess.run(["umount", "-l", str(path)], capture_output=True, timeout=30, check=False)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mounts]:
    why = can_mount()
    if why:
        pytest.skip(f"{why}: what drives do when they come and go was not tried")
    maker = Mounts(tmp_path)
    try:
        yield maker
    finally:
        maker.undo()


def settle(path: Path) -> None:
    """Wait until the device below a mount that was just removed is free again."""
    deadline = time.monotonic() + 5
    while str(path) in Path("/proc/self/mountinfo").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
