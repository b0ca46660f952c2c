"""Real footage, made once per run with the ffmpeg that rushes would use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from engine.media import child
from engine.media.listing import Listed
from engine.media.tools import Tools, look


@pytest.fixture(scope="session")
def tools() -> Tools:
    found = look().tools
    assert found is not None, "no ffmpeg: rushes doctor names the command that installs it"
    return found


@pytest.fixture(scope="session")
def film(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``film(name, *arguments)`` returns a file made with these ffmpeg arguments, each made once."""
    folder = tmp_path_factory.mktemp("films")
    made: dict[tuple[str, ...], Path] = {}

    def make(name: str, *arguments: str) -> Path:
        key = (name, *arguments)
        if key not in made:
            target = folder / str(len(made)) / name
            target.parent.mkdir()
            command = [tools.ffmpeg, "-nostdin", "-v", "error", "-y", *arguments, f"file:{target}"]
            ran = child.run(command, seconds=60)
            assert ran.code == 0, ran.err_text
            made[key] = target
        return made[key]

    return make


PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=1")
SOUND = ("-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000")
AVC = ("-c:v", "libx264", "-preset", "ultrafast")


def listed(paths: Iterable[str], size: int = 10) -> list[Listed]:
    return [Listed(path, size, 1_700_000_000_000_000_000) for path in paths]
