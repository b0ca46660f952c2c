"""Who holds a mount: processes with an open file, a mapped file, or a working folder on it.

Read from ``/proc`` as links and text alone: looking at the files themselves
would wait for the very mount that may not answer.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass

from engine.names import display
from engine.volumes import platforms
from engine.volumes.mounts import is_within


@dataclass(frozen=True)
class Holder:
    """A process that holds a mount.

    Attributes:
        pid: its id.
        name: its command's name.
        user: numeric user id.
        path: one of the paths that it holds.
    """

    pid: int
    name: str
    user: int
    path: str

    def __str__(self) -> str:
        return f"{display(self.name)} (process {self.pid}) has {display(self.path)} open"


def holders(points: Collection[str]) -> list[Holder]:
    """List processes that hold something at or below ``points``.

    Without root only one's own processes can be looked into: an empty list is
    no proof that nobody holds them.
    """
    return platforms.system().holders(points)


def from_proc(points: Collection[str]) -> list[Holder]:
    """See :func:`holders`; from ``/proc`` (Linux)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            path = _held(f"/proc/{entry}", points)
            if path is not None:
                found.append(Holder(int(entry), _name(entry), _user(entry), path))
    return sorted(found, key=lambda holder: holder.pid)


def _held(process: str, points: Collection[str]) -> str | None:
    links = [f"{process}/cwd", f"{process}/root", f"{process}/exe"]
    try:
        links += [f"{process}/fd/{number}" for number in os.listdir(f"{process}/fd")]
    except OSError:
        pass  # ended meanwhile, or another user's
    for link in links:
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if any(is_within(target, point) for point in points):
            return target
    try:
        with open(f"{process}/maps", "rb") as file:
            mapped = {
                os.fsdecode(line.split(None, 5)[5].rstrip(b"\n")) for line in file if line.count(b"/") > 0
            }
    except (OSError, IndexError):
        return None
    return next((path for path in mapped if any(is_within(path, point) for point in points)), None)


def _name(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="surrogateescape") as file:
            return file.read().rstrip("\n")
    except OSError:
        return "a process"


def _user(pid: str) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1
