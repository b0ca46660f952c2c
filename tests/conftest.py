"""What every test gets: a config folder of its own, no colour or theme from the developer's shell."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.library import Library, create

_MACHINE = (
    "contracts/test_wire",
    "engine/demo",
    "engine/supervisor",
    "engine/volumes",
    "engine/watch",
    "tui/cli",
)
"""Tests that look at the whole machine: its mount table, its processes, its silence."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that mount or look at the whole machine never run beside each other."""
    root = Path(__file__).parent
    for item in items:
        where = item.path.relative_to(root).as_posix()
        if where.startswith(_MACHINE) or item.get_closest_marker("mount"):
            item.add_marker(pytest.mark.xdist_group("machine"))


@pytest.fixture(scope="session", autouse=True)
def _own_mount_table() -> None:
    """Give the test process a mount table of its own: what others mount meanwhile is not seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(0x00020000) != 0:  # CLONE_NEWNS
        return
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines()[::-1]:
        point = line.split(b" ")[4].decode("unicode_escape").encode("latin-1")
        if point.startswith(b"/tmp/"):
            libc.umount2(point, 2)  # MNT_DETACH: a copy held here would keep another's drive busy


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_CONFIG", str(tmp_path_factory.mktemp("config")))
    for name in ("NO_COLOR", "TEXTUAL_THEME", "RUSHES_LIBRARY", "RUSHES_FFMPEG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    root = tmp_path / "library"
    root.mkdir()
    return create(str(root), name="Test")


def wait_until(condition: Callable[[], object], seconds: float = 10.0, what: str = "the condition") -> None:
    """Return as soon as ``condition()`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.01)


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    return wait_until
