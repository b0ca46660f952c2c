"""How long an ingest may take, and whether earlier ingests, measured drives or only their kind say so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from engine.ingest.planning.plans import PlannedDestination, PlannedSource
from engine.storage.database import Row, row, rows

RECENT_JOBS = 5
"""Finished ingests whose rate gives the expected time of the next."""

PER_FILE_SECONDS = 0.004
"""What opening, flushing and entering a file costs beside its bytes; for estimates without a history."""

_MIB = 1 << 20

GUESSED_RATES: dict[str, tuple[int, int]] = {
    "network": (100 * _MIB, 90 * _MIB),
    "card": (80 * _MIB, 40 * _MIB),
    "removable": (120 * _MIB, 100 * _MIB),
    "rotational": (150 * _MIB, 140 * _MIB),
    "virtual": (1000 * _MIB, 800 * _MIB),
    "pool": (400 * _MIB, 350 * _MIB),
    "system": (400 * _MIB, 350 * _MIB),
    "unknown": (100 * _MIB, 80 * _MIB),
}
"""Bytes a second that a medium of a class reads and writes: a gigabit network, a card of class V30, a disk on
USB, one spindle, memory, solid state. Guesses by intent: a plan says so."""

Basis = Literal["history", "measured", "guess"]


@dataclass(frozen=True)
class Forecast:
    """An expected time.

    Attributes:
        seconds: from the first byte to the last file verified; 0 when nothing is to be done.
        basis: ``history`` (the rate of the last ingests), ``measured`` (a speed test of every volume that
            takes part) or ``guess`` (the class of at least one).
    """

    seconds: float
    basis: Basis


def forecast(
    db: Database, sources: Sequence[PlannedSource], destinations: Sequence[PlannedDestination]
) -> Forecast:
    """Tell how long a planned ingest will take."""
    size = sum(source.size for source in sources)
    needed = max((target.needed for target in destinations), default=size)
    past = _past_rate(db) if destinations else None
    if past is not None:
        return Forecast(needed / past, "history")
    files = sum(source.files for source in sources)
    share = needed / size if size else 1.0  # what is there already is not copied, so not read either
    ids = {source.volume_id for source in sources} | {target.volume_id for target in destinations}
    volumes = {volume_id: _rates(db, volume_id) for volume_id in ids}
    seconds = sum(source.size * share / volumes[source.volume_id].read for source in sources)
    first = [target for target in destinations if target.hop == 1]
    second = [target for target in destinations if target.hop == 2]
    if first:
        seconds = _stage(first, volumes, seconds)
    if second:
        seconds += _stage(second, volumes, needed / volumes[first[0].volume_id].read)
    measured = all(volume.measured for volume in volumes.values())
    return Forecast(seconds + files * share * PER_FILE_SECONDS, "measured" if measured else "guess")


@dataclass(frozen=True)
class _Rates:
    read: float
    write: float
    measured: bool


def _stage(targets: Sequence[PlannedDestination], volumes: dict[str, _Rates], reading: float) -> float:
    """Seconds of one stage: written side by side while it is read, then read back side by side.

    Folders on one device share its speed.
    """
    writing: dict[str, float] = {}
    back: dict[str, float] = {}
    for target in targets:
        rates = volumes[target.volume_id]
        writing[target.device] = writing.get(target.device, 0.0) + target.needed / rates.write
        back[target.device] = back.get(target.device, 0.0) + target.needed / rates.read
    return max(reading, *writing.values()) + max(back.values())


def _rates(db: Database, volume_id: str) -> _Rates:
    volume = row(
        db,
        "SELECT class, rotational, is_network, read_rate, write_rate FROM volumes WHERE volume_id = ?",
        (volume_id,),
    )
    read, write = GUESSED_RATES[_medium(volume)]
    if volume is None:
        return _Rates(read, write, False)
    return _Rates(
        float(volume["read_rate"] or read),
        float(volume["write_rate"] or write),
        volume["write_rate"] is not None and volume["read_rate"] is not None,
    )


def _medium(volume: Row | None) -> str:
    if volume is None:
        return "unknown"
    if volume["is_network"]:
        return "network"
    if volume["rotational"] and volume["class"] in ("pool", "system", "unknown"):
        return "rotational"
    return str(volume["class"])


def _past_rate(db: Database) -> float | None:
    """Bytes a second of the last ingests, pauses included; None before there was one."""
    found = rows(
        db,
        "SELECT result FROM jobs WHERE kind = 'ingest' AND result IS NOT NULL"
        " AND status IN ('completed', 'completed_with_warnings') ORDER BY ended_at DESC LIMIT ?",
        (RECENT_JOBS,),
    )
    results = [json.loads(entry["result"]) for entry in found]
    copied = sum(float(result.get("bytes") or 0) for result in results)
    seconds = sum(float(result.get("seconds") or 0) for result in results)
    return copied / seconds if copied and seconds else None
