"""Work that touches a mount which may fall silent, done in a process of its own by those who must end.

A thread that waits for a dead server or a FUSE process keeps its whole process
from ever exiting. A client that lists a source, or looks into a folder, does it
here: on file systems of the kernel's own at once and in place, on all others in
a child that is given up when nothing in it has moved for a while.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

from engine.errors import Refused, RushesError
from engine.library import Library, open_library
from engine.names import display
from engine.volumes import mounts, places, workers

P = ParamSpec("P")
T = TypeVar("T")

SILENT_SECONDS = 10.0
"""A child whose main thread did not run once in this time waits for a mount that does not answer. A disk
that has to spin up first takes less."""

BLIND_SECONDS = 120.0
"""Where the system does not tell whether a thread runs (macOS): so long may all of the work take."""

LOOK_SECONDS = 0.2
"""Between two looks at the child."""

_inside = threading.Event()
"""Set in such a child: what it calls is done in place."""

_given_up: list[subprocess.Popen[bytes]] = []
"""Children that wait in the kernel still, killed as they are; they are reaped when they end."""


def call(paths: Iterable[str], work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Do ``work(*arguments, **named)``, in a child when one of ``paths`` is on a mount that may fall silent.

    Any thread. Costs under a millisecond a path where all of them are local, and the start of an
    interpreter where one is not.

    Args:
        paths: what ``work`` touches, absolute; they need not exist.
        work: a function of a module, which may import what it needs; it is called by name in the child.
        arguments: plain data, and open libraries: the child opens those for itself.
        named: as ``arguments``.

    Raises:
        Refused: a mount fell silent; the sentence names the path.
        Exception: whatever ``work`` raises.
    """
    far = [] if _inside.is_set() else [path for path in paths if not is_near(path)]
    if not far:
        return work(*arguments, **named)
    answer: T = _in_child(far, (work, arguments, named))
    return answer


def is_near(path: str) -> bool:
    """Whether a path lies on a file system that the kernel alone answers for. Waits for no other."""
    try:
        mount = mounts.locate(mounts.read(), places.reach(path))
    except (RushesError, OSError):
        return False
    return mount is not None and mount.is_trusted


def _in_child(far: Sequence[str], request: Any) -> Any:
    _given_up[:] = [child for child in _given_up if child.poll() is None]
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        _Pickler(child.stdin).dump(request)
        child.stdin.close()
        raw = _await(child, child.stdout.fileno())
    except BrokenPipeError:
        raw = b""
    finally:
        child.kill()
        child.stdout.close()
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            _given_up.append(child)
    if raw is None:
        raise Refused(
            f"{display(_silent(far))} does not answer. Nothing was changed; try again when it does."
        )
    if not raw:
        raise RushesError(f"Looking at {display(far[0])} ended at once. Nothing was changed; try again.")
    done, value = pickle.loads(raw)  # noqa: S301 - written by our own child
    if not done:
        raise value
    return value


def _await(child: subprocess.Popen[bytes], out: int) -> bytes | None:
    """All that the child writes; None when nothing in it moves any more."""
    raw = bytearray()  # a listing of a million files is a hundred megabytes, in small parts
    waiting = select.poll()
    waiting.register(out, select.POLLIN | select.POLLHUP)
    began = moved = time.monotonic()
    pulse = _pulse(child.pid)
    while True:
        if waiting.poll(LOOK_SECONDS * 1000):
            part = os.read(out, 1 << 16)
            if not part:
                return bytes(raw)
            raw += part
        now, last, pulse = time.monotonic(), pulse, _pulse(child.pid)
        if pulse is not None and pulse != last:
            moved = now
        if now - moved > SILENT_SECONDS if pulse is not None else now - began > BLIND_SECONDS:
            return None


def _pulse(pid: int) -> int | None:
    """A number that grows while the main thread of a process runs, or is given the processor; None: not told.

    Its switches and its time in ticks: on an idle machine it may compute for long without a switch.
    """
    try:
        with open(f"/proc/{pid}/task/{pid}/status", encoding="ascii", errors="replace") as file:
            switches = sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        with open(f"/proc/{pid}/task/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
        return switches + int(fields[11]) + int(fields[12])  # utime and stime, see proc(5)
    except (OSError, ValueError, IndexError):
        return None


def _silent(far: Sequence[str]) -> str:
    """Which of several paths does not answer now; the first when all do."""
    for path in far:
        mount = mounts.locate(mounts.read(), path)
        if mount is not None and not mount.is_trusted:
            try:
                workers.ask(mount, "facts", workers.SILENT_SECONDS, mount_point=mount.mount_point)
            except (workers.NotAnswering, OSError):
                return path
    return far[0]


class _Pickler(pickle.Pickler):
    """Names a library instead of taking its connections along."""

    def persistent_id(self, obj: Any) -> str | None:
        """The cache root of a library."""
        return str(obj.cache_root) if isinstance(obj, Library) else None


class _Unpickler(pickle.Unpickler):
    """Opens the libraries that were named."""

    def persistent_load(self, pid: Any) -> Library:
        """The library at a cache root."""
        return open_library(str(pid))


def main() -> None:
    """Do what standard input says and write (whether it was done, the value or the error)."""
    _inside.set()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not the answer
    answer: tuple[bool, Any]
    try:
        work, arguments, named = _Unpickler(sys.stdin.buffer).load()
        answer = True, work(*arguments, **named)
    except Exception as error:  # noqa: BLE001 - handed to the process that asked, and raised there
        answer = False, error
    try:
        raw = pickle.dumps(answer)
        if not answer[0]:
            pickle.loads(raw)  # noqa: S301 - an error that wants more than its sentence cannot be made anew
    except Exception as error:  # noqa: BLE001 - what cannot be sent is told
        told = answer[1] if isinstance(answer[1], RushesError) else f"It failed: {display(repr(error))}."
        raw = pickle.dumps((False, RushesError(str(told))))
    out.write(raw)
    out.flush()
    os._exit(0)  # threads that wait for a mount must not keep it
