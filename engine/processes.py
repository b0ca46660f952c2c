"""Which process a pid was: pids are used again."""

from __future__ import annotations


def start_time(pid: int) -> str | None:
    """When process ``pid`` of this host started, as text; None when there is no such process.

    A zombie counts as gone: it holds nothing any more. On Linux it is told in ticks since the boot: a
    moment of the wall clock would be another one after the clock was set.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return _ticks(pid) or f"{process.create_time():.2f}"
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError):
        return None


def parent(pid: int) -> int | None:
    """The pid of the process above ``pid``; None when there is no such process."""
    import psutil

    try:
        return int(psutil.Process(pid).ppid())
    except psutil.Error:
        return None


def _ticks(pid: int) -> str | None:
    """``starttime`` of ``/proc/PID/stat``, proc(5); None where there is no such file."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets may hold blanks and brackets itself.
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except OSError:
        return None
