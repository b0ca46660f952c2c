"""Whether the room for exports is there: compared with what is free and what others were promised."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from humanize import naturalsize
from sqlite_utils import Database

from engine.errors import RushesError
from engine.export.planning.estimate import Estimate
from engine.jobs import room
from engine.library import Library
from engine.names import display
from engine.storage.database import execute, row
from engine.volumes import places
from engine.volumes.reconcile import FREE_STEP


@dataclass
class _Wanted:
    """What one volume is to take: for parts, for films."""

    path: str
    parts: int = 0
    films: int = 0


def needs(library: Library, snapshot: Mapping[str, Any], *, spared: int = 0) -> list[dict[str, Any]]:
    """The needs of a run with this snapshot, for its job's row; ``spared`` bytes of parts exist already."""
    wanted = _by_volume(library, [(snapshot, spared)])
    found = []
    for volume_id, entry in wanted.items():
        if entry.parts:
            found.append(room.need(volume_id, entry.parts, room.ALONG))
        if entry.films:
            found.append(room.need(volume_id, entry.films, room.END))
    return found


def problems(library: Library, snapshots: Iterable[tuple[Mapping[str, Any], int]]) -> list[str]:
    """Why the room for these runs is probably not there, as sentences; none when it is.

    Args:
        library: the library.
        snapshots: what is to be queued together, each with the bytes of parts that exist already.
    """
    db, said = library.db(), []
    for volume_id, entry in _by_volume(library, snapshots).items():
        free, needed = room.free_bytes(entry.path), entry.parts + entry.films
        if free is None or not needed:
            continue
        promised = room.promised(db, volume_id)
        reserve = room.reserve_of(room.size_bytes(entry.path))
        if needed + promised + reserve <= free:
            continue
        queued = f", {_size(promised)} are promised to other jobs" if promised else ""
        said.append(
            f"Not enough room on {_name(db, volume_id)} at {display(entry.path)}: about {_size(needed)} are "
            f"needed ({_size(entry.parts)} for rendered parts, {_size(entry.films)} for finished files)"
            f"{queued}, {_size(reserve)} stay in reserve, {_size(free)} are free. Free some space, choose "
            "another destination or a smaller preset, or set export.space to warn."
        )
    return said


@dataclass(frozen=True)
class Lacking:
    """A volume without room, and the bytes that must be free on it before a job goes on."""

    volume_id: str
    free: int


def lacking(db: Database, job_id: str, folder: str) -> Lacking | None:
    """How much room a job that met a full disk waits for; None when the disk cannot be told.

    As much as it is estimated to write there still, and in any case noticeably
    more than there is: what was there was too little.
    """
    while not os.path.isdir(folder) and folder != "/":
        folder = os.path.dirname(folder)
    try:
        volume_id = places.place_of(db, folder).volume_id
    except (OSError, RushesError):
        return None
    free, size = room.free_bytes(folder), room.size_bytes(folder)
    job = row(db, "SELECT needs, done, total FROM jobs WHERE job_id = ?", (job_id,))
    if free is None or job is None:
        return None
    # What is known of the volume may be older than the writing that filled it.
    execute(db, "UPDATE volumes SET free_bytes = ? WHERE volume_id = ?", (free, volume_id))
    share = min(1.0, job["done"] / job["total"]) if job["total"] else 0.0
    left = room.left(json.loads(job["needs"]), volume_id, share)
    return Lacking(volume_id, max(left, free + min(FREE_STEP, max(1, (size or 0) // 100))))


def _by_volume(library: Library, snapshots: Iterable[tuple[Mapping[str, Any], int]]) -> dict[str, _Wanted]:
    wanted: dict[str, _Wanted] = {}
    for snapshot, spared in snapshots:
        said = snapshot.get("room")
        if said is None:
            continue  # queued by an earlier version
        estimate = Estimate(max(0, said["parts"] - spared), said["films"])
        _add(library.db(), wanted, str(library.cache_root), parts=estimate.parts)
        _add(library.db(), wanted, str(snapshot["destination"]), films=estimate.films)
        spec = snapshot["recipe"]["spec"]
        if spec.get("deliver", "no") != "no":
            _add(library.db(), wanted, str(spec["deliver_to"]), films=estimate.films)
    return wanted


def _add(db: Database, wanted: dict[str, _Wanted], path: str, *, parts: int = 0, films: int = 0) -> None:
    while not os.path.isdir(path) and path != "/":
        path = os.path.dirname(path)
    try:
        volume_id = places.place_of(db, path).volume_id
    except (OSError, RushesError):
        return  # refused or waited for elsewhere
    entry = wanted.setdefault(volume_id, _Wanted(path))
    entry.parts += parts
    entry.films += films


def _name(db: Database, volume_id: str) -> str:
    found = row(db, "SELECT name FROM volumes WHERE volume_id = ?", (volume_id,))
    return display(found["name"]) if found else volume_id


def _size(count: int) -> str:
    return str(naturalsize(count, binary=True))
