"""Taking samples of what a walk finds while the walk goes on: in children, and in the end here as well.

Walking and sampling both wait little and work much where the files are in
memory, and one interpreter does one thing at a time. So what is found is given
to a child as it is found; what no child has begun when the walk is over is done by whoever waits.
Few files need no child: starting one takes as long as some thousand samples.
"""

from __future__ import annotations

import marshal
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from engine.relink import sampler
from engine.relink.match import Found
from engine.relink.sampler import Sample, Wanted
from engine.relink.tree import Tree

BATCH = 512
"""Files given to a child at once, and so many before there is one."""

AHEAD = 2
"""Batches that a child has at once: it goes on with the next while its answer is read."""

BACKLOG = 8
"""Batches waiting for which a further child is started."""

MOST = 2
"""Most children: beside them other jobs are at work."""

PATIENCE = 0.25
"""Seconds between two looks whether to go on, while a drive keeps everybody waiting."""

LEAVING = 1.0
"""Seconds that a child has to leave; one that waits for a dead drive is left to the system."""


@dataclass(frozen=True)
class _Batch:
    """Files to be sampled together: their numbers, and what a sampler is told of each."""

    numbers: list[int]
    wanted: list[Wanted]


class Sampling:
    """The samples of files of one held volume. Made, used and closed by one thread, as a context."""

    def __init__(self, tree: Tree) -> None:
        """Begin with no files; ``tree`` stays open longer than this."""
        self._tree = tree
        self._adding: list[tuple[int, int, str, int]] = []
        self._waiting: deque[_Batch] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._told: queue.SimpleQueue[tuple[_Batch, list[Sample]] | None] = queue.SimpleQueue()
        self._left = 0
        self._children: list[subprocess.Popen[bytes]] = []
        self._feeders: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, number: int, file: Found) -> None:
        """Ask for the sample of a file larger than ``FAST_WHOLE``; ``number`` says which one it is."""
        self._adding.append((file.inode or 0, number, file.path, file.size))
        if len(self._adding) >= BATCH:
            self._flush()
            self._employ()

    def taken(self, check: Callable[[], None]) -> Generator[tuple[int, Sample]]:
        """Give the number and the sample of every file added, in any order; none may be added meanwhile.

        ``check`` is called often and may raise to end it.
        """
        self._flush()
        while self._left:
            check()
            told = self._answer(wait=False)
            if told is None and (batch := self._next(newest=True)) is not None:
                yield from self._here(batch, check)
            elif told is not None or (told := self._answer(wait=True)) is not None:
                batch, samples = told
                yield from zip(batch.numbers, samples, strict=True)
                self._left -= len(samples)

    def _here(self, batch: _Batch, check: Callable[[], None]) -> Generator[tuple[int, Sample]]:
        samples = sampler.take(self._tree.descriptor, batch.wanted)
        for done, (number, sample) in enumerate(zip(batch.numbers, samples, strict=True)):
            if not done % 16:
                check()
            yield number, sample
            self._left -= 1

    def _answer(self, *, wait: bool) -> tuple[_Batch, list[Sample]] | None:
        """What a child says; None when none has, or one could not."""
        try:
            return self._told.get(wait, PATIENCE)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Send the children away, at once; the volume is not held by them any more."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        if self._left:  # in the middle of something that nobody wants any more
            for child in self._children:
                child.kill()
        for feeder in self._feeders:
            feeder.join(LEAVING)

    def _flush(self) -> None:
        """Make a batch of what was added. In order of inodes: neighbours in number lie near each other."""
        if not self._adding:
            return
        self._adding.sort()
        inside = self._tree.inside
        # What this mount does not show is asked for by a name that cannot be.
        wanted = [(inside(path) or "", size) for _, _, path, size in self._adding]
        batch = _Batch([number for _, number, _, _ in self._adding], wanted)
        self._adding = []
        self._left += len(batch.numbers)
        with self._changed:
            self._waiting.append(batch)
            self._changed.notify()

    def _next(self, *, newest: bool = False) -> _Batch | None:
        """A batch that nobody has begun: the oldest for a child, the newest for whoever waits for them."""
        with self._changed:
            if not self._waiting:
                return None
            return self._waiting.pop() if newest else self._waiting.popleft()

    # -- children --------------------------------------------------------------
    def _employ(self) -> None:
        """Start a child when there is work for one, and a processor."""
        most = min(MOST, len(_processors()) - 1)
        if len(self._children) >= most or (self._children and len(self._waiting) < BACKLOG):
            return
        folder = self._tree.descriptor
        try:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", sampler.__name__, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(folder,),
                start_new_session=True,
            )
        except OSError:
            return  # then it is done here
        feeder = threading.Thread(target=self._feed, args=(child,), name="samples", daemon=True)
        self._children.append(child)
        self._feeders.append(feeder)
        feeder.start()

    def _feed(self, child: subprocess.Popen[bytes]) -> None:
        """Keep one child busy until all is closed; what it leaves undone is done by others. Own thread."""
        assert child.stdin is not None
        assert child.stdout is not None
        held: deque[_Batch] = deque()
        try:
            with child.stdin, child.stdout:
                while True:
                    while len(held) < AHEAD and (batch := self._for_child(wait=not held)) is not None:
                        held.append(batch)
                        marshal.dump(batch.wanted, child.stdin)
                        child.stdin.flush()
                    if not held:
                        break
                    samples = marshal.load(child.stdout)  # noqa: S302 - from a child of our own
                    self._told.put((held.popleft(), samples))
        except (OSError, EOFError, ValueError, TypeError):
            child.kill()
        with self._changed:
            self._waiting.extend(held)
        self._told.put(None)
        try:
            child.wait(LEAVING)
        except subprocess.TimeoutExpired:
            child.kill()

    def _for_child(self, *, wait: bool) -> _Batch | None:
        with self._changed:
            while wait and not self._waiting and not self._closed:
                self._changed.wait()
        return self._next()


def _processors() -> set[int] | range:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)
