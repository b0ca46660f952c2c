"""Asking a mount with a deadline, so that a dead server blocks nobody.

A mount of the kernel's own file systems is asked in a daemon thread; anything
that needs a server or another process to answer (network, FUSE, unknown) is
asked in a short-lived child process, because a thread stuck in such a request
would keep our own process from ever exiting.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.volumes import touch
from engine.volumes.mounts import Mount

T = TypeVar("T")

PROBE_SECONDS = 1.0
"""Deadline of one question to a mount (seconds)."""

SILENT_SECONDS = 0.25
"""Deadline for a mount that gave no answer the last time: a dead server costs its second only once."""


class NotAnswering(Exception):
    """The mount gave no answer in time, or its server is gone."""


@dataclass
class _Slot:
    """One mount's worker. ``stuck`` is what still waits; ``silent``: the last question got no answer."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    stuck: threading.Thread | subprocess.Popen[bytes] | None = None
    silent: bool = False


_slots: dict[tuple[int, str, str], _Slot] = {}
_slots_lock = threading.Lock()


def ask(mount: Mount, question: str, seconds: float = PROBE_SECONDS, **arguments: Any) -> Any:
    """Put a question of :mod:`engine.volumes.touch` to a mount and wait at most ``seconds``.

    Any thread. While an earlier question to the same mount hangs the answer is
    NotAnswering at once: there is never more than one stuck worker per mount.

    Raises:
        NotAnswering: no answer in time.
        OSError: the mount answered with an error.
    """
    deadline = time.monotonic() + seconds
    slot = _slot(mount)
    if not slot.turn.acquire(timeout=seconds):
        raise NotAnswering
    try:
        if slot.stuck is not None:
            if _alive(slot.stuck):
                raise NotAnswering
            slot.stuck = None
        left = max(0.05, deadline - time.monotonic())
        left = min(left, SILENT_SECONDS) if slot.silent else left
        slot.silent = True
        if mount.is_trusted:
            answer = _in_thread(slot, left, lambda: touch.QUESTIONS[question](**arguments))
        else:
            answer = _in_child(slot, question, left, arguments)
        slot.silent = False
        return answer
    except OSError:
        slot.silent = False
        raise
    finally:
        slot.turn.release()


def bounded(mount: Mount, work: Callable[[], T], seconds: float = PROBE_SECONDS) -> T:
    """Run ``work``, which waits for the disk under ``mount`` alone, in a thread with a deadline.

    Raises:
        NotAnswering: not done in time, or an earlier question to this mount still waits.
    """
    slot = _slot(mount)
    if not slot.turn.acquire(timeout=seconds):
        raise NotAnswering
    try:
        if slot.stuck is not None and _alive(slot.stuck):
            raise NotAnswering
        slot.stuck = None
        return _in_thread(slot, seconds, work)
    finally:
        slot.turn.release()


def is_stuck(mount: Mount) -> bool:
    """Whether an earlier question to this mount still waits."""
    stuck = _slot(mount).stuck
    return stuck is not None and _alive(stuck)


def _slot(mount: Mount) -> _Slot:
    key = (mount.mount_id, mount.device, mount.mount_point)
    with _slots_lock:
        if len(_slots) > 1000:  # mounts come and go for months; idle slots need not stay
            for old in [old for old, slot in _slots.items() if slot.stuck is None and not slot.turn.locked()]:
                del _slots[old]
        return _slots.setdefault(key, _Slot())


def _alive(worker: threading.Thread | subprocess.Popen[bytes]) -> bool:
    if isinstance(worker, threading.Thread):
        return worker.is_alive()
    return worker.poll() is None  # poll also reaps


def _in_thread(slot: _Slot, seconds: float, work_to_do: Callable[[], T]) -> T:
    box: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            box.append(work_to_do())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, and raised there
            failure.append(error)

    thread = threading.Thread(target=work, name="mount-probe", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        slot.stuck = thread
        raise NotAnswering
    if failure:
        raise failure[0]
    return box[0]


def _in_child(slot: _Slot, question: str, seconds: float, arguments: dict[str, Any]) -> Any:
    # -I -S: no site packages, no user folder: a child starts in some 10 ms and
    # runs nothing but the one file.
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", touch.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    request = json.dumps({"ask": question, **arguments}).encode("ascii")
    try:
        output, _ = child.communicate(request, timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            child.wait(0.02)
        except subprocess.TimeoutExpired:
            slot.stuck = child  # in state D: it ends when the server answers or is gone
        raise NotAnswering from None
    if child.returncode != 0:
        raise NotAnswering
    answer = json.loads(output)
    if "answer" in answer:
        return answer["answer"]
    raise OSError(answer["errno"], answer["error"] or os.strerror(answer["errno"] or 0))
