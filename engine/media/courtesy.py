"""How much of the machine a child may take: niceness, and its turn at the disk.

Both are set when a child has just been started, so that every thread it makes
has them. While it runs it can be lowered further; raising it again needs rights that an
ordinary user lacks, so that is left to the next child.
"""

from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass
from typing import Literal

Io = Literal["normal", "low", "idle"]

_CLASSES: dict[str, int] = {"normal": 0, "low": (2 << 13) | 7, "idle": 3 << 13}
"""Values of ioprio_set(2): 0 follows the niceness, best effort at its lowest level, idle."""

_CALLS = {
    "x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "s390x": 282, "armv7l": 314, "i686": 289,
}  # fmt: skip
"""Number of the system call ioprio_set, by architecture (Linux, unistd.h)."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Courtesy:
    """Niceness that is added to ours (0..19), and the class of reads and writes."""

    nice: int = 0
    io: Io = "normal"

    def is_below(self, other: Courtesy) -> bool:
        """Whether this asks for less than ``other`` in niceness or at the disk."""
        order = list(_CLASSES)
        return self.nice > other.nice or order.index(self.io) > order.index(other.io)


def lower(pid: int, courtesy: Courtesy) -> None:
    """Lower a running child, each thread of it. What the system refuses is left: it is a courtesy."""
    if courtesy == Courtesy():
        return
    call = _CALLS.get(platform.machine())
    wanted = min(19, os.getpriority(os.PRIO_PROCESS, 0) + courtesy.nice)
    for thread in _threads(pid):
        try:
            if os.getpriority(os.PRIO_PROCESS, thread) < wanted:
                os.setpriority(os.PRIO_PROCESS, thread, wanted)
        except OSError:
            continue  # it has ended
        if call is not None and courtesy.io != "normal":
            _libc.syscall(call, 1, thread, _CLASSES[courtesy.io])


def _threads(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return [pid]  # not Linux, or just ended
