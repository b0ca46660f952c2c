"""Letting go of a drive: the jobs that work on it reach a checkpoint and rest until it is back."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlite_utils import Database

from engine import processes
from engine.errors import IllegalTransition, Refused
from engine.jobs import store as jobs
from engine.names import display
from engine.storage.database import Row, row, rows, write
from engine.volumes.store import VolumeRow

DRAIN_SECONDS = 300.0
"""A job that copies a large file comes to its end before it pauses (seconds)."""

LOOK_SECONDS = 0.05


@dataclass
class Drained:
    """Jobs that were asked to rest. ``claiming`` say that they work on the volume's disk."""

    claiming: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        """Every job that was asked."""
        return [*self.claiming, *self.others]


def claiming(db: Database, volume: VolumeRow, queue: str | None) -> list[Row]:
    """Jobs that run or wait and work on this volume: ``job_id title status``.

    Args:
        db: the library's database.
        volume: the volume.
        queue: key of the disk or share under it, see :class:`engine.volumes.devices.Seen`; None: unknown.
    """
    keys = {f"sweep:{volume.volume_id}"} | ({f"device:{queue}"} if queue else set())
    return [
        job
        for job in rows(
            db,
            "SELECT job_id, title, status, resources, params FROM jobs WHERE status = 'running'"
            " OR (status = 'pending' AND intent IS NULL)",
        )
        if keys & set(json.loads(job["resources"])) or volume.volume_id in job["params"]
    ]


def drain(db: Database, drained: Drained, found: Sequence[Row], *, claims: bool) -> None:
    """Ask jobs to rest and wait until none of them runs; the caller releases them in any case.

    Raises:
        Refused: one has not reached a checkpoint after :data:`DRAIN_SECONDS`.
    """
    asked = drained.claiming if claims else drained.others
    if not _engine_lives(db):
        return  # what its rows call running was cut off
    for job in found:
        with contextlib.suppress(IllegalTransition):  # it has ended meanwhile
            jobs.request(db, job["job_id"], "pause")
            asked.append(job["job_id"])
    until = time.monotonic() + DRAIN_SECONDS
    while running := _running(db, drained.all):
        if time.monotonic() > until:
            raise Refused(
                f"the job {display(running[0]['title'])} ({running[0]['job_id'][:8]}) works on it and has not"
                f" reached a checkpoint after {DRAIN_SECONDS:.0f} s. Cancel it, or try again."
            )
        time.sleep(LOOK_SECONDS)


def running_jobs(db: Database, besides: Sequence[str]) -> list[Row]:
    """Jobs that run, but for those named."""
    found = rows(db, "SELECT job_id, title FROM jobs WHERE status = 'running'")
    return [job for job in found if job["job_id"] not in besides]


def _running(db: Database, job_ids: Sequence[str]) -> list[Row]:
    return [job for job in running_jobs(db, ()) if job["job_id"] in job_ids]


def release(db: Database, drained: Drained, *, waits_for: VolumeRow | None) -> None:
    """Let jobs go on, but for those that need a drive which was taken off: they wait until it is back.

    Args:
        db: the library's database.
        drained: from :func:`drain`.
        waits_for: the volume that was taken off; None when it stays.
    """
    rest = drained.all
    if waits_for is not None:
        rest = list(drained.others)
        for job_id in drained.claiming:
            if not _wait(db, job_id, waits_for):
                rest.append(job_id)
    for job_id in rest:
        with contextlib.suppress(IllegalTransition):
            jobs.request(db, job_id, "resume")


def _wait(db: Database, job_id: str, volume: VolumeRow) -> bool:
    """Let a job that has paused wait for the volume; False when it has not begun, or has ended."""
    sentence = f"{display(volume.name)} was taken off. This goes on when it is back."
    with write(db):
        paused = db.execute(
            "UPDATE jobs SET waiting_for = ?, message = ? WHERE job_id = ? AND status = 'paused'",
            (volume.volume_id, sentence, job_id),
        ).rowcount
        if paused:
            jobs.log(db, job_id, "info", sentence)
    return bool(paused)


def _engine_lives(db: Database) -> bool:
    engine = row(db, "SELECT pid, host, start_time FROM engine")
    if engine is None:
        return False
    here = bool(engine["host"] == socket.gethostname())
    return not here or processes.start_time(engine["pid"]) == engine["start_time"]


def is_of_engine(db: Database, pid: int) -> bool:
    """Whether a process is this library's engine, or a child of it (ffmpeg)."""
    engine = row(db, "SELECT pid, host FROM engine")
    if engine is None or engine["host"] != socket.gethostname() or not _engine_lives(db):
        return False
    above: int | None = pid
    for _ in range(16):
        if above == engine["pid"]:
            return True
        above = processes.parent(above) if above else None
    return False
