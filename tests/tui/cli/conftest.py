"""A command line that is really run, and small footage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.media.tools import find_tools


@dataclass(frozen=True)
class Said:
    """What one command printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


def rushes(
    *words: object, cwd: Path | None = None, stdin: str | None = None, prefix: Sequence[str] = ()
) -> Said:
    """Run the program as a person's script would: no terminal."""
    done = subprocess.run(
        [
            *prefix,
            sys.executable,
            "-m",
            "tui",
            *[os.fspath(w) if isinstance(w, Path) else str(w) for w in words],
        ],
        capture_output=True,
        timeout=120,
        cwd=cwd,
        check=False,
        input=stdin.encode() if stdin is not None else None,
        stdin=subprocess.DEVNULL if stdin is None else None,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in said.err, said.err
    return said


def make_clip(path: Path, seconds: float = 1.0, *, rate: int = 25, pattern: str = "testsrc2") -> Path:
    """A small H.264 clip with sound, made by ffmpeg."""
    subprocess.run(
        [
            find_tools().ffmpeg, "-v", "error", "-nostdin", "-y",
            "-f", "lavfi", "-i", f"{pattern}=s=128x72:r={rate}:d={seconds}",
            "-f", "lavfi", "-i", f"sine=f=440:d={seconds}",
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", f"file:{path}",
        ],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder with a library ``lib``; its engine is stopped at the end."""
    (tmp_path / "lib").mkdir()
    assert rushes("init", tmp_path / "lib", "--name", "Feature").code == 0
    yield tmp_path
    rushes("engine", "stop", "--library", tmp_path / "lib")
