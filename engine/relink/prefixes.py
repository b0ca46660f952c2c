"""One prefix for another, inferred from confirmed pairs of (old path, new path)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlite_utils import Database

from engine.relink import ledger, targets
from engine.relink.likeness import fold
from engine.storage.database import Row, rows
from engine.volumes import places

PROPOSED = 8
"""Most mappings proposed at once."""


@dataclass(frozen=True)
class Proposal:
    """A pair of prefixes that confirmed relinks speak for; absolute folders.

    ``votes`` is their number, ``lost`` that of the copies below ``old`` that are still lost.
    """

    old: str
    new: str
    votes: int
    lost: int = 0


def strip_tail(old_path: str, new_path: str) -> tuple[str, str] | None:
    """Return the prefixes that remain when the equal components at the end of both paths are taken off.

    Names are compared without differences of case and Unicode composition. None
    when nothing was equal (a renamed file says nothing of its siblings), or
    when nothing differs.
    """
    old, new = old_path.rstrip("/").split("/"), new_path.rstrip("/").split("/")
    taken = 0
    while len(old) > 1 and len(new) > 1 and fold(old[-1]) == fold(new[-1]):
        old.pop()
        new.pop()
        taken += 1
    if not taken or old == new:
        return None
    return "/".join(old) or "/", "/".join(new) or "/"


def infer(pairs: Iterable[tuple[str, str]]) -> list[Proposal]:
    """Propose prefix pairs from confirmed (old path, new path) pairs.

    Returns:
        The proposal with most votes first; of equal votes the longer old prefix.
    """
    votes = Counter(stripped for old, new in pairs if (stripped := strip_tail(old, new)))
    proposals = [Proposal(old, new, count) for (old, new), count in votes.items()]
    return sorted(proposals, key=lambda each: (-each.votes, -len(each.old), each.old, each.new))


def propose(db: Database, candidate_id: int | None = None) -> list[Proposal]:
    """Propose mappings from what was relinked so far: from one applied candidate, or from the newest hundred.

    Only prefixes below which something is still lost are returned.
    """
    which = "AND candidate_id = ?" if candidate_id is not None else ""
    done = rows(
        db,
        "SELECT before, after FROM relinks WHERE undone_at IS NULL AND json_type(after, '$.copy') = 'object'"
        f" {which} ORDER BY relink_id DESC LIMIT 100",
        (candidate_id,) if candidate_id is not None else (),
    )
    volumes = {entry["volume_id"]: entry for entry in rows(db, "SELECT * FROM volumes")}
    pairs: list[tuple[str, str]] = []
    for entry in done:
        before, after = ledger.places_of(entry)
        old = _shown(volumes, *before)
        new = _shown(volumes, *after)
        if old is not None and new is not None:
            pairs.append((old, new))
    proposals = [replace(each, lost=_count_lost(db, volumes, each.old)) for each in infer(pairs)[:PROPOSED]]
    return [each for each in proposals if each.lost]


def _count_lost(db: Database, volumes: Mapping[str, Row], old: str) -> int:
    return sum(
        targets.count_below(db, volume_id, folder)
        for volume_id, volume in volumes.items()
        for folder in folders_below(volume, old)
    )


def folders_below(volume: Row, old: str) -> list[str]:
    """Return what of a volume people knew below ``old``: folders relative to its root, ``""`` is all.

    Args:
        volume: its row.
        old: absolute folder.
    """
    folders: list[str] = []
    for root, point in places.showings(volume):
        inside = root.strip("/")
        if is_below(old, point):
            folders.append(f"{inside}/{old[len(point.rstrip('/')) + 1 :]}".strip("/"))
        elif old.rstrip("/") == point.rstrip("/") or is_below(point, old):
            folders.append(inside)
    folders = list(dict.fromkeys(folders))
    return [folder for folder in folders if not any(_holds(other, folder) for other in folders)]


def _holds(folder: str, other: str) -> bool:
    """Whether ``other`` lies in ``folder``; both relative to one root."""
    return other != folder and (not folder or other.startswith(folder + "/"))


def _shown(volumes: Mapping[str, Row], volume_id: str, path: str) -> str | None:
    volume = volumes.get(volume_id)
    return None if volume is None else places.last_known(volume, path)


def is_below(path: str, prefix: str) -> bool:
    """Whether ``path`` lies below the folder ``prefix``, in whole components."""
    return path.startswith(prefix.rstrip("/") + "/")
