"""Small ext4 volumes on loop devices, unmounted whatever happens."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def need_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a loop image needs root")


@contextmanager
def ext4(folder: Path, name: str, mib: int) -> Iterator[Path]:
    """Mount a fresh ext4 image of ``mib`` MiB; the loop device bypasses the cache of the backing file."""
    need_root()
    image, point = folder / f"{name}.img", folder / name
    with image.open("wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-L", name[:16], image], check=True)
    point.mkdir()
    mount(image, point)
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", point], check=False, stderr=subprocess.DEVNULL)


def mount(image: Path, point: Path, options: str = "loop") -> None:
    ran = subprocess.run(["mount", "-o", options, image, point], check=False, capture_output=True, text=True)
    if ran.returncode:
        pytest.skip(f"this kernel or container refuses loop mounts: {ran.stderr.strip()}")
