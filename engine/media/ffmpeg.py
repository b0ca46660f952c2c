"""One ffmpeg child, from its start to its proven end.

The child has a session of its own, dies with the thread that started it, has
both its pipes read at all times, and is ended when it makes no progress: first
asked to (SIGTERM to its group), then killed. Progress comes from ``-progress``
on standard output; standard error holds messages only, all of which go to a
log file.

What ffmpeg says about itself is not believed further than it can be: a tidy
end (``progress=end``) is also printed after a signal, and exit code 0 says
nothing about completeness. Callers compare frames and packets with their plan.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from engine.media.child import environment
from engine.media.child import run as run_short
from engine.media.courtesy import Courtesy, lower
from engine.media.failures import SENTENCES, FfmpegFailed, Stalled, classify, failure_of
from engine.names import display

REPORT_SECONDS = 0.25
"""How often ffmpeg is asked to report: a screen follows four times a second."""

GRACE_SECONDS = 3.0
"""Time between asking a child to end and killing it."""

STALL_SECONDS = 60.0
"""Default time without any advance that counts as a stall (setting ``export.stall_seconds``)."""

TAIL_LINES = 60
"""Lines of standard error that are kept for the error's details; the log file has all of them."""

QUIET_SECONDS = 1.0
"""After this much silence a child that still writes is told of by the bytes that it has written."""

_POLL_SECONDS = 0.1
# A longer gap means that we ourselves were stopped; it is not held against the child.
_TICK_LIMIT_SECONDS = 1.0

# Sets "die with the thread that started me", looks whether that thread's process
# is still there, and becomes the program. A function run between fork and exec
# would do the same, but is not safe in a process with threads.
_LAUNCHER = (
    "import ctypes,os,sys\n"
    "try: ctypes.CDLL(None).prctl(1,9,0,0,0)\n"
    "except (OSError,AttributeError): pass\n"
    "os.getppid()==int(sys.argv[1]) or os._exit(1)\n"
    "os.execv(sys.argv[2],sys.argv[2:])\n"
)

_GUARD_SECONDS = 5.0


class HasFfmpeg(Protocol):
    """What this module needs to know of the tools: where ffmpeg is."""

    @property
    def ffmpeg(self) -> str:
        """Path of the ffmpeg program."""
        ...


@dataclass(frozen=True)
class Progress:
    """One block of ``-progress``. None means that ffmpeg did not know (``N/A``, or nonsense below zero).

    Attributes:
        frame: video frames written.
        out_time_us: microseconds written.
        total_size: bytes written.
        dup, drop: frames doubled or dropped to keep a constant rate.
        speed: media seconds per second.
        ended: the block said ``progress=end``.
    """

    frame: int | None = None
    out_time_us: int | None = None
    total_size: int | None = None
    dup: int = 0
    drop: int = 0
    speed: float | None = None
    ended: bool = False

    def advance(self) -> tuple[int, int, int]:
        """The numbers whose growth is progress. ffmpeg goes on reporting when nothing moves."""
        return (self.frame or 0, self.out_time_us or 0, self.total_size or 0)


_DAMAGED = re.compile(
    "corrupt decoded frame|error while decoding|error submitting packet to decoder", re.IGNORECASE
)
_UNWRITTEN = re.compile("no space left on device|disk quota exceeded|error writing trailer", re.IGNORECASE)


@dataclass(frozen=True)
class Finished:
    """How a child ended.

    Attributes:
        rc: exit code; negative is the signal that ended it.
        last: its last progress block.
        stderr: the last lines of standard error, joined.
        seconds: wall clock time from start to end.
        damaged: how often it complained about pictures or sound that it could not decode.
    """

    rc: int
    last: Progress
    stderr: str
    seconds: float
    damaged: int = 0

    @property
    def spoiled(self) -> bool:
        """Whether it failed by its own account.

        Exit code 0 does not mean that the end of the file was written: ffmpeg 6
        reports a full disk under the last bytes as a message only.
        """
        return self.rc != 0 or not self.last.ended or bool(_UNWRITTEN.search(self.stderr))


class ProgressParser:
    """Collects ``key=value`` lines; gives a block out when its last key has come. Not thread-safe."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def feed(self, line: str) -> Progress | None:
        """Take one line. Returns the block that it completes, else None; other lines are ignored."""
        key, separator, value = line.strip().partition("=")
        if not separator:
            return None
        value = value.strip()
        if key != "progress":
            self._values[key] = value
            return None
        values, self._values = self._values, {}
        return _block(values, ended=value == "end")


def parse_progress(lines: Iterable[str]) -> list[Progress]:
    """All complete blocks in ``lines``."""
    parser = ProgressParser()
    return [block for line in lines if (block := parser.feed(line)) is not None]


def _block(values: dict[str, str], *, ended: bool) -> Progress:
    # out_time_ms holds microseconds too, whatever its name says; out_time_us is the honest key.
    return Progress(
        frame=_number(values.get("frame")),
        out_time_us=_number(values.get("out_time_us")),
        total_size=_number(values.get("total_size")),
        dup=_number(values.get("dup_frames")) or 0,
        drop=_number(values.get("drop_frames")) or 0,
        speed=_speed(values.get("speed")),
        ended=ended,
    )


def _number(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"\d{1,19}", text):
        return None
    return int(text)


def _speed(text: str | None) -> float | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)x", text or "")
    return float(match.group(1)) if match and float(match.group(1)) > 0 else None


def arguments(args: Sequence[str]) -> list[str]:
    """``args`` after the options that every child gets."""
    return [
        "-hide_banner",
        "-nostdin",
        "-nostats",
        "-v",
        "warning",
        "-progress",
        "pipe:1",
        "-stats_period",
        str(REPORT_SECONDS),
        "-y",
        *args,
    ]


def command(tools: HasFfmpeg, args: Sequence[str]) -> list[str]:
    """The whole command line that :func:`run` starts."""
    return [tools.ffmpeg, *arguments(args)]


def file_url(path: str) -> str:
    """``path`` so that ffmpeg takes it as a file, whatever it is called (``-y.mp4``, ``http:x``)."""
    return f"file:{os.path.abspath(path)}"


def run(
    tools: HasFfmpeg,
    args: Sequence[str],
    *,
    cwd: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    check: Callable[[], None] | None = None,
    stall_seconds: float = STALL_SECONDS,
    log: str | None = None,
    writes_count: bool = False,
    on_written: Callable[[int], None] | None = None,
    courtesy: Callable[[], Courtesy] = Courtesy,
) -> Finished:
    """Run ffmpeg with ``args`` and wait for its end. Blocks; the child dies when this thread does.

    Args:
        tools: where ffmpeg is.
        args: arguments after the common ones (see :func:`arguments`).
        cwd: folder to run in, so that short own names can be used.
        on_progress: called in this thread for every block, about four times a second.
        check: called about ten times a second; whatever it raises ends the child and is raised here.
        stall_seconds: longest time without an advance of frame, time or size, the first one included:
            where a deep seek on a slow share takes longer the setting says so.
        log: file that all of standard error is appended to, after the command line; None keeps no log.
        writes_count: bytes that the child writes count as an advance too: a join that moves
            an index to the front of a large file reports nothing meanwhile.
        on_written: called in this thread with the bytes that the child has written, when it has reported
            nothing for :data:`QUIET_SECONDS`; needs ``writes_count``.
        courtesy: how much of the machine it may take, asked at the start and about ten times a second;
            when the answer is less than before the child is lowered.

    Raises:
        Stalled: no advance for too long; the child is gone.
        FfmpegFailed: the program could not be started.
    """
    started = time.monotonic()
    words = command(tools, args)
    manner = courtesy()
    child = _Child(_start(words, cwd, manner), words, log)
    try:
        watchdog = _Watchdog(stall_seconds)
        heard = time.monotonic()
        while child.running():
            if check is not None:
                check()
            block = child.next_block(_POLL_SECONDS)
            if block is not None:
                heard = time.monotonic()
                if on_progress is not None:
                    on_progress(block)
            seen = (child.last.advance(), _written(child.process.pid) if writes_count else 0)
            if on_written is not None and time.monotonic() - heard > QUIET_SECONDS:
                on_written(seen[1])
            if watchdog.stalled(time.monotonic(), seen):
                raise Stalled(stall_seconds, child.tail())
            manner = _adapt(child.process.pid, manner, courtesy())
        for block in child.rest():
            if on_progress is not None:
                on_progress(block)
        seconds = time.monotonic() - started
        return Finished(child.process.returncode, child.last, child.tail(), seconds, child.damaged)
    finally:
        child.end()


def _adapt(pid: int, manner: Courtesy, wanted: Courtesy) -> Courtesy:
    """Lower a child when less is wanted of it now; returns what it has."""
    if not wanted.is_below(manner):
        return manner
    lower(pid, wanted)
    return wanted


class _Watchdog:
    """Measures time without an advance, in small steps, so that our own suspension does not count."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._idle = 0.0
        self._last: float | None = None
        self._seen: object = None

    def stalled(self, at: float, seen: tuple[tuple[int, int, int], int]) -> bool:
        if self._last is not None:
            self._idle += min(at - self._last, _TICK_LIMIT_SECONDS)
        self._last = at
        if seen != self._seen:
            self._seen = seen
            self._idle = 0.0
        return self._idle > self._limit


class _Child:
    """A started ffmpeg with a reader on each pipe. The readers only store; they decide nothing."""

    def __init__(self, process: subprocess.Popen[bytes], command: Sequence[str], log: str | None) -> None:
        self.process = process
        self.last = Progress()
        self.damaged = 0
        self._blocks: deque[Progress] = deque()
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._news = threading.Event()
        self._silent = threading.Event()
        self._readers = [
            threading.Thread(target=self._read_progress, daemon=True),
            threading.Thread(target=self._read_messages, args=(command, log), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def running(self) -> bool:
        return self.process.poll() is None

    def next_block(self, seconds: float) -> Progress | None:
        """The newest block that has come, waiting up to ``seconds`` for it, or for the end."""
        if self._silent.is_set():
            # Nothing more will come: what is waited for is the child's end.
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass  # it still writes, or hangs: the watchdog decides
        elif not self._blocks:
            self._news.wait(seconds)
        self._news.clear()
        newest = None
        while self._blocks:
            newest = self._blocks.popleft()
        return newest

    def rest(self) -> list[Progress]:
        """What came between the last look and the end."""
        for reader in self._readers:
            reader.join(GRACE_SECONDS)
        left = list(self._blocks)[-1:]
        self._blocks.clear()
        return left

    def tail(self) -> str:
        return "\n".join(self._lines)

    def end(self) -> None:
        """End the child's whole group: ask, wait, kill. Nothing is left behind."""
        if self.process.poll() is None:
            _signal_group(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal_group(self.process.pid, signal.SIGKILL)
                try:
                    self.process.wait(GRACE_SECONDS)
                except subprocess.TimeoutExpired:
                    return  # stuck in the kernel on a hung mount: left to the kernel, not waited for
        for reader in self._readers:
            reader.join(GRACE_SECONDS)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _read_progress(self) -> None:
        parser = ProgressParser()
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            block = parser.feed(raw.decode("ascii", "replace"))
            if block is not None:
                self.last = block
                self._blocks.append(block)
                self._news.set()
        self._silent.set()
        self._news.set()

    def _read_messages(self, command: Sequence[str], log: str | None) -> None:
        assert self.process.stderr is not None
        sink: IO[bytes] | None = None
        try:
            if log is not None:
                sink = open(log, "ab")  # noqa: SIM115 - closed below, on every way out
                sink.write(os.fsencode("$ " + shlex.join(display(word) for word in command)) + b"\n")
        except OSError:
            sink = None  # a log that cannot be written must not stop a render
        for raw in self.process.stderr:
            text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.damaged += _DAMAGED.search(text) is not None
            shown = display(text.replace("\t", " "))  # a log is read in a terminal, too
            self._lines.append(shown)
            if sink is not None:
                try:
                    sink.write(shown.encode() + b"\n")
                    sink.flush()
                except OSError:
                    sink = None
        if sink is not None:
            sink.close()


def _start(command: Sequence[str], cwd: str | None, courtesy: Courtesy) -> subprocess.Popen[bytes]:
    if not os.access(command[0], os.X_OK):
        raise FfmpegFailed("tool_missing", SENTENCES["tool_missing"], display(command[0]))
    try:
        process = subprocess.Popen(
            [*_guard(), *command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=environment(),
        )
    except OSError as error:
        raise FfmpegFailed("tool_missing", SENTENCES["tool_missing"], str(error)) from error
    lower(process.pid, courtesy)  # before it has threads; those that it makes inherit it
    return process


@functools.cache
def _guard() -> tuple[str, ...]:
    """Words in front of a command that make the child die with the thread that started it (Linux).

    ``setpriv`` of util-linux 2.33 does it in a millisecond; starting Python for
    it costs a tenth of a short proxy. It does not look whether its parent is
    still there: an engine that is killed in that millisecond leaves an encoder
    that writes an attempt's own file, which the next start removes.
    """
    if sys.platform != "linux":
        return ()
    known = ("setpriv", "--pdeathsig", "KILL")
    try:
        works = run_short([*known, "true"], seconds=_GUARD_SECONDS).code == 0
    except OSError:
        works = False
    return known if works else (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()))


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # gone already


def _written(pid: int) -> int:
    """Bytes that the process has handed to the kernel, 0 when that cannot be known."""
    try:
        with open(f"/proc/{pid}/io", "rb") as file:
            for line in file:
                if line.startswith(b"wchar:"):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass  # not Linux, or the child has just ended
    return 0


def failed(finished: Finished) -> FfmpegFailed:
    """The error that a child which ended badly stands for."""
    return failure_of(finished.stderr, finished.rc)


__all__ = [
    "FfmpegFailed",
    "Finished",
    "Progress",
    "ProgressParser",
    "Stalled",
    "arguments",
    "classify",
    "command",
    "failed",
    "file_url",
    "parse_progress",
    "run",
]
