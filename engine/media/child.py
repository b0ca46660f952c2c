"""Short children: a program that is run once, heard out, and never waited for longer than its deadline.

Long renders have their own runner; this one is for ``-version``, ffprobe and
thumbnails. Every child gets its own session, so that a deadline ends all of
its processes, and no input, so that it can never ask a question.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

_AFTER_KILL_SECONDS = 2.0
"""How long a killed child may take to be gone. A child stuck in the kernel on a
hung mount cannot be killed at all; it is left to the kernel rather than waited for."""


_PARENT = "RUSHES_PARENT"
"""Variable that tells a child's parent; another one in its process status means that this one is gone."""


@dataclass(frozen=True)
class Ran:
    """What a child left behind.

    Attributes:
        code: exit status; negative = ended by that signal; ``None`` = the deadline passed.
        out: all of its standard output.
        err: all of its standard error.
    """

    code: int | None
    out: bytes
    err: bytes

    @property
    def timed_out(self) -> bool:
        """Whether the deadline ended it."""
        return self.code is None

    @property
    def err_text(self) -> str:
        """Standard error as text; bytes that are not UTF-8 are replaced."""
        return self.err.decode("utf-8", "replace")


def run(args: Sequence[str], *, seconds: float, niceness: int = 0) -> Ran:
    """Run ``args`` to its end, at most ``seconds``, and return what it said.

    Both pipes are drained while it runs. ``niceness`` lowers its priority
    (0..19). May be called from any thread.

    Raises:
        OSError: the program could not be started (absent, not executable, wrong machine).
    """
    child = subprocess.Popen(
        list(args),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=environment(),
    )
    try:
        if niceness:
            _be_nice(child.pid, niceness)
        out, err = child.communicate(timeout=seconds)
        return Ran(child.returncode, out, err)
    except subprocess.TimeoutExpired:
        out, err = _end(child)
        return Ran(None, out, err)
    except BaseException:
        _end(child)
        raise


def _end(child: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it ended by itself between the deadline and now
    try:
        return child.communicate(timeout=_AFTER_KILL_SECONDS)
    except subprocess.TimeoutExpired:
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        return b"", b""


def _be_nice(pid: int, niceness: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    except OSError:
        pass  # it has ended already, or the system forbids it: priority is a courtesy


def environment() -> dict[str, str]:
    """Return the environment that every ffmpeg and ffprobe must get.

    Plain English messages, no colour, no report files in the current folder.
    ``GCONV_PATH`` leads nowhere: a static build (the wheel's) otherwise loads
    the machine's character tables at the first MPEG transport stream and
    crashes with them.
    """
    env = dict(os.environ)
    env.pop("FFREPORT", None)
    env.update(LC_ALL="C", AV_LOG_FORCE_NOCOLOR="1", GCONV_PATH=os.devnull)
    env[_PARENT] = str(os.getpid())
    return env


def end_orphans(folder: str) -> int:
    """Kill children whose parent is gone and whose command names a file in ``folder``; return how many.

    A child dies with its parent, but for the moment before it has asked the
    system for that: an engine that is killed just then leaves an encoder. A
    child of another process that lives, as a farm's, is left alone. Linux only.
    """
    inside = os.fsencode(os.path.join(folder, ""))
    try:
        found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return 0
    return sum(_is_orphan(pid, inside) and _kill_group(pid) for pid in found)


def _is_orphan(pid: int, inside: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if inside not in file.read():
                return False
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = dict(entry.partition(b"=")[::2] for entry in file.read().split(b"\0"))
        with open(f"/proc/{pid}/status", "rb") as file:
            parent = next(line.split()[1] for line in file if line.startswith(b"PPid:"))
    except (OSError, StopIteration):
        return False  # it has ended, or is another user's
    return variables.get(_PARENT.encode(), parent) != parent


def _kill_group(pid: int) -> bool:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True
