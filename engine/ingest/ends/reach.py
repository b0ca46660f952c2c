"""Calls to a source that may never come back: made by a thread of their own that can be left behind.

A network share or a FUSE mount whose server has lost its disk lets a read hang
for hours, and nothing in this process can break it off. So the job's thread
asks and waits, looks for the operator's word meanwhile, and gives the source up
when an answer is overdue. The thread that hangs is parked: it holds its one
call, its open files and nothing else, tidies up when the call returns, and says
that the source answers again.

A source on a file system of the kernel's own is asked directly: there a
device that is gone is an error, never silence.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from engine.errors import VolumeGone
from engine.ingest.ends import stalls
from engine.ingest.ends.stalls import Watch
from engine.media.hashing import Check

T = TypeVar("T")

PATIENCE_SECONDS = 0.2
"""Longest time between two looks for the operator's word while an answer is awaited."""

PARTING_SECONDS = 1.0
"""How long a call may still take after the operator's word, before its thread is left behind."""


class _Halted(Exception):
    """The worker was told to stop by the thread that waits for it."""


class _Call(Generic[T]):
    """One call, on its way from the thread that asks to the one that does it."""

    def __init__(self, work: Callable[[], T], size: int, undo: Callable[[T], None] | None) -> None:
        self.watch = Watch()
        self.watch.begin(size)
        self.done = threading.Event()
        self._work, self._undo = work, undo
        self._gave: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> bool:
        """Do the work; False when nobody waits for it any more. Used by the worker."""
        try:
            self._gave.append(self._work())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, and raised there
            self._error = error
        in_time = self.watch.end()
        if not in_time:
            self.drop()
        self.done.set()
        return in_time

    def drop(self) -> None:
        """Take back what the work gave."""
        if self._undo is not None:
            for value in self._gave:
                self._undo(value)

    def result(self) -> T:
        """What the work gave; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._gave[0]


class Pulse:
    """What long work reports by, so that a slow source is not taken for a silent one. Used by the worker."""

    def __init__(self, check: Check, on_bytes: Callable[[int], None]) -> None:
        self.check = check
        """To be called between buffers and entries; raises when the work must stop."""
        self.count = on_bytes
        """Gets the bytes of each buffer."""


class Reach:
    """The way to one source. Used by the job's thread.

    Attributes:
        lost: why the source was given up, as a sentence; None while it answers.
    """

    def __init__(
        self,
        shown: str,
        *,
        direct: bool,
        check: Check = lambda: None,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            shown: the source's path for messages, escaped.
            direct: its file system lives in the kernel: ask in the calling thread.
            check: raises the operator's word.
            answered: called by the parked thread when a call comes back after all.
        """
        self.direct = direct
        self.lost: str | None = None
        self._shown = shown
        self._check = check
        self._answered = answered
        self._calls: queue.SimpleQueue[Callable[[], bool] | None] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._held: set[int] = set()
        self._lock = threading.Lock()
        self._returned = False
        self._afterwards: list[Callable[[], None]] = []

    # -- asking --------------------------------------------------------------
    def ask(self, work: Callable[[], T], *, size: int = 0, undo: Callable[[T], None] | None = None) -> T:
        """Do ``work``, a call that moves ``size`` bytes, and return what it gives.

        ``undo`` takes back what it gave when nobody waits for it any more.

        Raises:
            VolumeGone: the source does not answer, now or before.
            JobCancelled, JobStopped: by the operator or the engine.
        """
        if self.direct:
            return work()
        return self._wait(_Call(work, size, undo), lambda: None)

    def follow(self, work: Callable[[Pulse], T], on_bytes: Callable[[int], None] = lambda _: None) -> T:
        """Do long work that reports by a :class:`Pulse`; the stall limit is that of one step.

        ``on_bytes`` gets, in the calling thread, what was counted since the last time. Raises as :meth:`ask`.
        """
        if self.direct:
            return work(Pulse(self._check, on_bytes))
        halted = threading.Event()
        counted = _Counter()

        def check() -> None:
            if halted.is_set():
                raise _Halted
            call.watch.begin(0)

        def tell() -> None:
            if count := counted.take():
                on_bytes(count)

        call = _Call(lambda: work(Pulse(check, counted.add)), 0, None)
        try:
            value = self._wait(call, tell)
        finally:
            halted.set()
        tell()
        return value

    def _wait(self, call: _Call[T], tell: Callable[[], None]) -> T:
        if self.lost is not None:
            raise VolumeGone(self.lost)
        self._start()
        self._calls.put(call.run)
        while not call.done.wait(PATIENCE_SECONDS):
            if self._given_up(call):
                raise VolumeGone(self.lost)
            try:
                self._check()
                tell()
            except BaseException:
                # The operator wants to stop: a moment more for the call, then it is left behind.
                if call.done.wait(PARTING_SECONDS) or not self._given_up(call, at_once=True):
                    call.done.wait()
                    call.drop()
                raise
        return call.result()

    def _given_up(self, call: _Call[T], *, at_once: bool = False) -> bool:
        with self._lock:  # a call that comes back just now waits until everything is left in order
            if not call.watch.give_up(at_once=at_once):
                return False
            self._leave()
            return True

    # -- files ---------------------------------------------------------------
    def hold(self, fd: int) -> int:
        """Take note of a file that was opened on the source, and return it."""
        if not self.direct:
            self._held.add(fd)
        return fd

    @contextmanager
    def holding(self, fd: int) -> Iterator[None]:
        """Take note of a file for as long as the block runs, which closes it itself. Used within a call."""
        self._held.add(fd)
        try:
            yield
        finally:
            self._held.discard(fd)

    def close(self, fd: int, close: Callable[[int], None] = os.close) -> None:
        """Close a file of the source. One of a source that was given up is closed when that answers."""
        if self.direct:
            close(fd)
        elif self.lost is None:
            self._held.discard(fd)  # its number is free as soon as the closing begins
            try:
                self.ask(lambda: close(fd))
            except VolumeGone:
                pass  # the next call says so

    def end(self, last: Callable[[], None]) -> None:
        """Nothing more is asked: do ``last`` (close the folders), now or when the source answers."""
        with self._lock:
            if self.lost is not None and not self._returned:
                self._afterwards.append(last)
                return
        last()
        if self._worker is not None:
            self._calls.put(None)
            self._worker = None

    # -- the thread that may be left behind ----------------------------------
    def _start(self) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="source", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if not call():
                self._come_back()
                return

    def _leave(self) -> None:
        self.lost = (
            f"{self._shown} does not answer. Everything verified is kept; the rest waits until it does."
        )
        stalls.let_children_start(sorted(self._held))

    def _come_back(self) -> None:
        """The call that hung has returned, too late: its thread closes what nobody else may touch."""
        with self._lock:
            self._returned = True
            for fd in self._held:
                try:
                    os.close(fd)
                except OSError:
                    pass  # it was only read from
            self._held.clear()
            for last in self._afterwards:
                last()
        self._answered()


class _Counter:
    """A number that one thread adds to and another takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self, count: int) -> None:
        with self._lock:
            self._count += count

    def take(self) -> int:
        with self._lock:
            count, self._count = self._count, 0
        return count


HERE = Reach("", direct=True)
"""The way to what lies on a file system of the kernel's own; it can be shared, as it keeps nothing."""
