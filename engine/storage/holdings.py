"""Sets of clips that lie in the same places: kept at the end of each write, and asked what they mean.

See :mod:`engine.storage.schema.holdings` for what is stored. What a set *means*
depends on which volumes are here; that is worked out when it is asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from sqlite_utils import Database

from engine.storage import pools
from engine.storage.pools import Shadows
from engine.storage.schema import holdings

AWAY = frozenset({"offline", "conflict"})
"""States of a volume in which nothing on it counts as being here."""


@dataclass(frozen=True, slots=True)
class Held:
    """One copy: ``V`` verified, ``P`` present, ``M`` missing or ``D`` damaged; and whether a card's."""

    volume_id: str
    state: str
    is_source: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a clip: ``e`` essence or span, ``a`` sound of its own, ``o`` another; and its copies."""

    kind: str
    copies: tuple[Held, ...]


@dataclass(frozen=True)
class Volumes:
    """What of the volumes decides.

    Attributes:
        away: ids of those that are away.
        devices: the device of each, or its own id.
        shadows: see :func:`engine.storage.pools.shadows`.
    """

    away: frozenset[str]
    devices: dict[str, str]
    shadows: Shadows = field(default_factory=dict)


def volumes(db: Database) -> Volumes:
    """Read the volumes as they are now."""
    found = db.conn.execute("SELECT volume_id, state, coalesce(device_id, volume_id) FROM volumes").fetchall()
    return Volumes(
        frozenset(volume_id for volume_id, state, _ in found if state in AWAY),
        {volume_id: device for volume_id, _, device in found},
        pools.shadows(db),
    )


def settle(conn: sqlite3.Connection) -> None:
    """Give the clips that were changed their set; joins the open transaction. Cheap when there are none."""
    if conn.execute("SELECT 1 FROM clips_dirty LIMIT 1").fetchone() is None:
        return
    for statement in holdings.SETTLE:
        conn.execute(statement)


def sets(db: Database, wanted: Callable[[tuple[Part, ...]], bool]) -> tuple[list[int], int]:
    """The sets for which ``wanted`` holds, and how many clips they have together."""
    chosen: list[int] = []
    count = 0
    found = db.conn.execute("SELECT set_id, holds, clips FROM clip_sets WHERE clips > 0").fetchall()
    for set_id, holds, clips in found:
        if wanted(parts(holds)):
            chosen.append(set_id)
            count += clips
    return chosen, count


def clips(db: Database) -> int:
    """How many clips there are."""
    return int(db.conn.execute("SELECT coalesce(sum(clips), 0) FROM clip_sets").fetchone()[0])


@lru_cache(maxsize=20_000)
def parts(holds: str) -> tuple[Part, ...]:
    """Read the word of a set."""
    return tuple(_part(word) for word in holds.split("|") if word)


def _part(word: str) -> Part:
    kind, _, listed = word.partition(" ")
    copies = []
    for entry in listed.split():
        volume_id, _, state = entry.rpartition(":")
        copies.append(Held(volume_id, state.upper(), state.islower()))
    return Part(kind, tuple(copies))


_STATES = ("missing", "damaged", "offline", "online")


def seen_as(copy: Held, here: Volumes) -> str:
    """``online``, ``offline``, ``damaged`` or ``missing``, as the view ``copy_states`` has it."""
    if copy.volume_id in here.away:
        return "offline"
    return {"M": "missing", "D": "damaged"}.get(copy.state, "online")


def state(clip: tuple[Part, ...], here: Volumes) -> str:
    """What a clip is, as the view ``clip_states`` has it; one without essence is missing."""
    worst = len(_STATES)
    for part in clip:
        if part.kind == "o":
            continue
        ranks = [(not copy.is_source, _STATES.index(seen_as(copy, here))) for copy in part.copies]
        stored = [rank for kept, rank in ranks if kept]
        worst = min(worst, max(stored or [rank for _, rank in ranks], default=0))
    return _STATES[worst] if worst < len(_STATES) else "missing"


def safety(clip: tuple[Part, ...], here: Volumes) -> tuple[int, int]:
    """Verified copies that count, and devices, of the clip's worst file; (0, 0) without files."""
    verified = []
    devices = []
    for part in clip:
        proven = [copy.volume_id for copy in part.copies if copy.state == "V" and not copy.is_source]
        proven = pools.counted(proven, here.shadows)
        verified.append(len(proven))
        devices.append(len({here.devices.get(volume_id, volume_id) for volume_id in proven}))
    return min(verified, default=0), min(devices, default=0)


def on(clip: tuple[Part, ...], volume_id: str) -> bool:
    """Whether a copy of its essence lies on this volume, or lay there."""
    return any(part.kind == "e" and any(copy.volume_id == volume_id for copy in part.copies) for part in clip)


def only_on(clip: tuple[Part, ...], volume_id: str, shadows: Shadows | None = None) -> bool:
    """Whether no other volume stores a file of its essence; a card or a view does not store."""
    shown = {view for view, others in (shadows or {}).items() if volume_id in others}
    return on(clip, volume_id) and not any(
        copy.volume_id != volume_id
        and copy.volume_id not in shown
        and copy.state in "VP"
        and not copy.is_source
        for part in clip
        if part.kind == "e"
        for copy in part.copies
    )
