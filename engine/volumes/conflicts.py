"""What claims one identity: the open conflicts, each with who claims and which volume it may be."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass

from sqlite_utils import Database

from engine.storage.database import Row, rows
from engine.volumes import store
from engine.volumes.store import VolumeRow


@dataclass(frozen=True)
class Claim:
    """Something mounted that claims an identity: where it shows, and the row that was made for it."""

    mount_point: str
    volume_id: str


@dataclass(frozen=True)
class Conflict:
    """One identity that several claim, or one whose content contradicts it.

    Attributes:
        claims: what is mounted, by mount point. A folder that stands in for a volume is one, too.
        volumes: what each of them may be; the one with the most on it first.
        reasons: the evidence, in words.
        since: when it was noticed.
        can_settle: whether a word of the operator decides it; of folders all but one have to go.
    """

    claims: tuple[Claim, ...]
    volumes: tuple[VolumeRow, ...]
    reasons: tuple[str, ...]
    since: str
    can_settle: bool


def open_conflicts(db: Database) -> list[Conflict]:
    """All conflicts that wait for the operator's word, the oldest first."""
    found = rows(db, "SELECT * FROM volumes WHERE state = 'conflict' ORDER BY first_seen_at, volume_id")
    told = {entry["volume_id"]: _last(db, entry["volume_id"]) for entry in found}
    groups: dict[str, set[str]] = {}
    for entry in found:
        members = {entry["volume_id"], *told[entry["volume_id"]][1].get("rivals", ())}
        for other in [group for group in groups.values() if group & members]:
            members |= other
        for member in members:
            groups[member] = members
    by_group: dict[frozenset[str], list[Row]] = defaultdict(list)
    for entry in found:
        by_group[frozenset(groups[entry["volume_id"]])].append(entry)
    conflicts = [_conflict(db, group, claimants, told) for group, claimants in by_group.items()]
    return sorted(conflicts, key=lambda conflict: conflict.since)


def _last(db: Database, volume_id: str) -> tuple[str, dict[str, list[str]]]:
    """When the conflict of a volume was told of last, and its detail."""
    found = rows(
        db,
        "SELECT at, detail FROM volume_events WHERE volume_id = ? AND kind = 'conflict'"
        " ORDER BY event_id DESC LIMIT 1",
        (volume_id,),
    )
    return (found[0]["at"], json.loads(found[0]["detail"] or "{}")) if found else ("", {})


def _conflict(
    db: Database,
    group: frozenset[str],
    claimants: list[Row],
    told: dict[str, tuple[str, dict[str, list[str]]]],
) -> Conflict:
    held = {entry["volume_id"] for entry in rows(db, "SELECT volume_id FROM volumes")}
    volumes = [store.get(db, volume_id) for volume_id in group & held]
    volumes.sort(key=lambda volume: (-volume.clips, volume.first_seen_at, volume.volume_id))
    claims: list[Claim] = []
    reasons: dict[str, None] = {}
    for entry in claimants:
        detail = told[entry["volume_id"]][1]
        points = [point for _, point in json.loads(entry["mounts"])]
        claims += [Claim(point, entry["volume_id"]) for point in detail.get("folders", points)]
        reasons.update(dict.fromkeys(detail.get("evidence", ())))
    return Conflict(
        tuple(claims),
        tuple(volumes),
        tuple(reasons),
        min(told[entry["volume_id"]][0] for entry in claimants),
        all(entry["kind"] == "file_system" for entry in claimants),
    )
