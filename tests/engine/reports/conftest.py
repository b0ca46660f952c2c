"""A real ingest of two clips and awkward files to two folders, one of which is full of trouble."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from engine.library import create
from engine.media.tools import find_tools
from tests.engine.ingest.conftest import Desk

BYTES = os.fsdecode(b"\x1b[2J \xff\n.dat")
AWKWARD = (
    "=cmd|' !A1.mov.txt",
    "-y.txt",
    "+1.txt",
    "@home.txt",
    "<script>alert(1)</script>.txt".replace("/", "_"),
    "a & b \"quoted\" 'single'.txt",
    "雪 снег größe.txt",
    "\u202egpj.txt",
    BYTES,
)


def film(path: Path, seconds: float = 1.0, pattern: str = "testsrc2") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            find_tools().ffmpeg, "-v", "error", "-nostdin", "-y",
            "-f", "lavfi", "-i", f"{pattern}=s=128x72:r=25:d={seconds}",
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
            "-timecode", "10:00:00:00", f"file:{path}",
        ],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "library"
    root.mkdir()
    return Desk(create(str(root), name="Feature <1>"), tmp_path)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    folder = tmp_path / "A001"
    film(folder / "one.mov")
    film(folder / "two.mov", 1.4, "smptebars")
    for number, name in enumerate(AWKWARD):
        (folder / name).write_bytes(b"x" * (number + 1))
    return folder


@pytest.fixture
def taken(desk: Desk, card: Path, tmp_path: Path) -> str:
    """The job's id of that card taken in."""
    desk.ingest(card, to=[tmp_path / "x", tmp_path / "y"])
    return desk.jobs[-1]
