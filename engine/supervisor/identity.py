"""Who an engine is: host, boot, process. A pid alone proves nothing, pids are used again."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from engine.processes import start_time


@dataclass(frozen=True)
class Identity:
    """The evidence an engine leaves in its lock.

    Attributes:
        library_id: the library it works for.
        host: host name, for people.
        host_id: machine id where there is one, else the host name.
        boot_id: changes with every boot; empty where the system has none.
        pid: process id on that host.
        start_time: the process's start as text, see :func:`engine.processes.start_time`.
        since: when the lock was taken, UTC ISO 8601.
    """

    library_id: str
    host: str
    host_id: str
    boot_id: str
    pid: int
    start_time: str
    since: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for the lock file."""
        return asdict(self)


def from_json(data: dict[str, Any]) -> Identity | None:
    """Read what :meth:`Identity.to_json` wrote; None when it is not that."""
    try:
        return Identity(**{**data, "pid": int(data["pid"])})
    except (TypeError, KeyError, ValueError):
        return None


def own(library_id: str, since: str) -> Identity:
    """The identity of this process."""
    pid = os.getpid()
    return Identity(library_id, socket.gethostname(), host_id(), boot_id(), pid, start_time(pid) or "", since)


def host_id() -> str:
    """An id of this machine that outlives boots."""
    try:
        with open("/etc/machine-id", encoding="ascii") as file:
            machine = file.read().strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    return f"{socket.gethostname()}/{machine}" if machine else socket.gethostname()


def boot_id() -> str:
    """An id of this boot; the boot's moment where the kernel gives none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return str(int(psutil.boot_time()))


def is_alive(identity: Identity) -> bool | None:
    """Whether the process behind ``identity`` lives. None when it cannot be asked: another host."""
    if identity.host_id != host_id():
        return None
    if identity.boot_id != boot_id():
        return False
    return start_time(identity.pid) == identity.start_time
