"""The journal of one file: every step at every destination, its hashes, times, and both readings in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from engine.api.rows import LogLine
from engine.api.views.base import name_or_none
from engine.errors import NotFound
from engine.library import Library
from engine.names import from_blob
from engine.storage.database import row, rows


@dataclass(frozen=True)
class Step:
    """One step of a file.

    Attributes:
        what: ``read``, ``hash``, ``write and flush``, ``read back``, ``compare``, ``in place``.
        state: ``done``, ``running``, ``failed`` or ``waiting``.
        bytes: that were moved; None where none are.
        seconds: that it took at the device; None when not known.
        text: what else is to be said: a hash, a level, an error.
    """

    what: str
    state: str
    bytes: int | None = None
    seconds: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Leg:
    """The steps of a file at one end: the source (``volume`` None) or one destination.

    ``hop`` 2 is a copy from the first verified copy. ``verdict`` is what became of it, as a state of a task.
    """

    volume: str | None
    path: str
    hop: int
    verdict: str
    level: str | None
    verified_at: str | None
    error: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Journal:
    """Everything recorded of one file of a job.

    Attributes:
        hashes: (algorithm, digest) of the content.
        readings: two readings of the source that disagreed, the first and the second; empty without doubt.
        doubt: what that means, in a sentence.
    """

    name: str
    size_bytes: int | None
    status: str
    attempts: int
    started_at: str | None
    ended_at: str | None
    error: str | None
    hashes: tuple[tuple[str, str], ...]
    readings: tuple[str, ...]
    doubt: str | None
    legs: tuple[Leg, ...]
    log: tuple[LogLine, ...]


_ALGORITHMS = ("blake3", "xxh128", "md5", "sha1", "c4")


def journal(library: Library, task_id: int) -> Journal:
    """Read the journal of a file.

    Raises:
        NotFound: there is no such file.
    """
    db = library.db()
    task = row(
        db,
        "SELECT tasks.*, batch_items.source, assets.blake3, assets.xxh128, assets.md5, assets.sha1, assets.c4"
        " FROM tasks LEFT JOIN batch_items USING (item_id) LEFT JOIN assets USING (asset_id)"
        " WHERE task_id = ?",
        (task_id,),
    )
    if task is None:
        raise NotFound("This file is no longer part of the job.")
    transfers = rows(
        db,
        "SELECT transfers.*, volumes.name AS volume FROM transfers JOIN volumes USING (volume_id)"
        " WHERE task_id = ? ORDER BY hop, transfer_id",
        (task_id,),
    )
    log = rows(
        db,
        "SELECT at, level, message FROM job_log WHERE job_id = ? AND task_id = ? ORDER BY log_id LIMIT 200",
        (task["job_id"], task_id),
    )
    first, second = task["first_hash"], task["second_hash"]
    doubted = bool(first and second and first != second)
    return Journal(
        name=from_blob(task["name"]),
        size_bytes=task["size"],
        status=task["status"],
        attempts=task["attempts"],
        started_at=task["started_at"],
        ended_at=task["ended_at"],
        error=task["error"],
        hashes=tuple((name, task[name]) for name in _ALGORITHMS if task[name]),
        readings=(first, second) if doubted else (),
        doubt=(
            "Two readings of the source gave different bytes: reader, cable or card cannot be trusted."
            if doubted
            else None
        ),
        legs=(_source(task), *(_destination(transfer) for transfer in transfers)),
        log=tuple(LogLine(**line) for line in log),
    )


def _source(task: dict[str, object]) -> Leg:
    read, hashed = task["read_seconds"], task["hash_seconds"]
    steps = []
    if read is not None:
        steps.append(Step("read", "done", _count(task["size"]), _seconds(read)))
    elif task["status"] == "running":
        steps.append(Step("read", "running"))
    if hashed is not None:
        steps.append(Step("hash", "done", _count(task["size"]), _seconds(hashed)))
    return Leg(
        volume=None,
        path=name_or_none(task["source"] if isinstance(task["source"], bytes) else None) or "",
        hop=0,
        verdict=str(task["status"]),
        level=None,
        verified_at=None,
        error=None,
        steps=tuple(steps),
    )


def _destination(transfer: dict[str, object]) -> Leg:
    status, stage = str(transfer["status"]), transfer["stage"]
    written, reread = _count(transfer["written"]), _count(transfer["reread"])
    done = status == "completed"
    live = status == "running"
    steps = []
    if written is not None or done or live:
        state = "done" if done or reread is not None else "failed" if status == "failed" else "running"
        steps.append(Step("write and flush", state, written, _seconds(transfer["write_seconds"])))
    if reread is not None or done:
        state = "done" if done else "failed" if status == "failed" else "running"
        steps.append(Step("read back", state, reread, _seconds(transfer["read_seconds"])))
    if transfer["found_hash"] is not None:
        steps.append(Step("compare", "done" if done else "failed", text=f"found {transfer['found_hash']}"))
    if done:
        steps.append(Step("in place", "done", text=str(transfer["level"]) if transfer["level"] else None))
    if not steps:
        steps.append(Step(str(stage or "copy"), "failed" if status == "failed" else "waiting"))
    return Leg(
        volume=str(transfer["volume"]),
        path=from_blob(cast("bytes", transfer["path"])),
        hop=int(str(transfer["hop"])),
        verdict=status,
        level=_text(transfer["level"]),
        verified_at=_text(transfer["verified_at"]),
        error=_text(transfer["error"]),
        steps=tuple(steps),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
