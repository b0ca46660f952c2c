"""From decisions to rows: what changes in the table ``volumes``, and which events tell of it. Pure."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import clock
from engine.names import display, to_blob
from engine.storage.database import Row
from engine.volumes.classes import classify
from engine.volumes.devices import Seen
from engine.volumes.evidence import Evidence, other_disk
from engine.volumes.identity import Decision, Known

SEEN_SECONDS = 60.0
"""``last_seen_at`` of a mounted volume is at most this old: an idle engine writes once a minute."""

FREE_STEP = 64 * 1024 * 1024
"""Free space, and size, are stored anew when they moved by this many bytes, or by 1 % of a small volume."""

RESIZED = 0.05
"""A size that differs by more than this share at once is told. That of a ZFS data set, or of a share of
one, moves with every write to its pool."""

KEEP_WHEN_UNKNOWN = (
    "label", "fs_uuid", "part_uuid", "marker_id", "share", "hardware", "partition_bytes",
    "is_network", "is_removable", "rotational",
)  # fmt: skip
"""Facts that somebody with fewer rights may not see: not seeing them does not erase them."""


@dataclass(frozen=True)
class Step:
    """One row to write.

    Attributes:
        volume_id: None inserts.
        values: columns to set.
        event: what happened, or None when only figures moved.
        detail: evidence, old and new values.
        seen: the file system it is about, None for one that is away.
    """

    volume_id: str | None
    values: dict[str, Any]
    event: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    seen: Seen | None = None


def known_of(row: Row, has_copies: bool) -> Known:
    """Read a row of ``volumes`` as evidence."""
    return Known(
        row["volume_id"],
        Evidence(
            row["fs_type"], row["fs_uuid"], row["part_uuid"], row["hardware"], row["partition_bytes"],
            row["label"], row["marker_id"], row["share"], row["session_key"],
        ),
        mounted=row["state"] != "offline",
        weight=2 * has_copies + (row["tracked_at"] is not None),
        generation=row["generation"],
        settled=frozenset(json.loads(row["settled"])),
        disputed=row["state"] == "conflict",
    )  # fmt: skip


def plan(
    rows: Sequence[Row],
    seen: Sequence[Seen],
    decisions: Sequence[Decision],
    hung: Sequence[Seen],
    *,
    admit: frozenset[str] = frozenset(),
    now: str,
) -> list[Step]:
    """List what has to be written so that the table says what is true now; empty when it does already.

    Args:
        rows: the table, file systems only.
        seen: what is mounted and answers; one decision each.
        decisions: from :func:`engine.volumes.identity.decide`.
        hung: what is mounted and does not answer.
        admit: ``major:minor`` of virtual file systems that get a row although they are noise.
        now: this moment, as stored.
    """
    by_id = {row["volume_id"]: row for row in rows}
    present: set[str] = set()
    steps: list[Step] = []
    for decision in decisions:
        item = seen[decision.seen]
        row = by_id.get(decision.volume_id or "")
        if row is None:
            if item.mount.is_virtual and item.mount.device not in admit:
                continue
            steps.extend(_arrival(item, decision, by_id, now))
            continue
        present.add(row["volume_id"])
        step = _update(row, item, decision, now)
        if step is not None:
            steps.append(step)
    for item in hung:
        row = _row_of_hung(item, [row for row in rows if row["volume_id"] not in present])
        if row is not None:
            present.add(row["volume_id"])
            steps.extend(_hang(row, item))
    steps.extend(
        departure(row, now) for row in rows if row["volume_id"] not in present and row["state"] != "offline"
    )
    return steps


def columns(item: Seen) -> dict[str, Any]:
    """What a mounted file system's row says, except who it is to us."""
    evidence = item.evidence
    points = [mount.mount_point for mount in item.mounts]
    return {
        "class": classify(
            item.mount,
            points,
            is_removable=item.is_removable,
            has_device=item.block is not None,
            names=item.names,
        ),
        "label": evidence.label,
        "fs_type": evidence.fs_type,
        "fs_uuid": evidence.fs_uuid,
        "part_uuid": evidence.part_uuid,
        "marker_id": evidence.marker_id,
        "share": evidence.share,
        "hardware": evidence.hardware,
        "session_key": evidence.session,
        "partition_bytes": evidence.partition_bytes,
        "size_bytes": item.size,
        "free_bytes": item.free,
        "is_network": item.mount.is_network,
        "is_removable": item.is_removable,
        "rotational": item.block.rotational if item.block else None,
        "read_only": item.read_only,
        "mount_point": to_blob(item.mount.mount_point),
        "mount_root": to_blob(item.mount.root),
        "mounts": json.dumps([[mount.root, mount.mount_point] for mount in item.mounts]),
    }


def default_name(item: Seen, taken: set[str]) -> str:
    """Label, else model, else mount folder; a number tells equal names apart."""
    model = item.block.model if item.block else None
    folder = os.path.basename(item.mount.mount_point)
    # A label is a name that somebody gave; "/" has no folder name.
    base = display((item.evidence.label or model or folder or "system").strip()) or "volume"
    name, count = base, 1
    while name.casefold() in taken:
        count += 1
        name = f"{base} {count}"
    return name


def departure(row: Row, now: str) -> Step:
    """The row of a volume that is no longer mounted. ``last_seen_at`` stays."""
    values: dict[str, Any] = {"state": "offline", "offline_since": now, "session_key": None, "mounts": "[]"}
    # What was settled for this mount ends with it; what was settled for hardware stays, of each enclosure.
    settled = json.dumps([key for key in json.loads(row["settled"]) if key != row["session_key"]])
    if settled != row["settled"]:
        values["settled"] = settled
    return Step(row["volume_id"], values, "offline")


def _arrival(item: Seen, decision: Decision, by_id: dict[str, Row], now: str) -> list[Step]:
    previous = by_id.get(decision.previous or "")
    values = {
        **columns(item),
        "state": "conflict" if decision.verdict == "conflict" else "online",
        "generation": previous["generation"] + 1 if previous else 1,
        "first_seen_at": now,
        "last_seen_at": now,
    }
    detail = {"mount_point": display(item.mount.mount_point), "evidence": list(decision.reasons)}
    if decision.rivals:
        detail["rivals"] = list(decision.rivals)
    event = "conflict" if decision.verdict == "conflict" else "appeared"
    steps = [Step(None, values, event, detail, item)]
    if previous is not None:
        why = {"evidence": list(decision.reasons), "mount_point": display(item.mount.mount_point)}
        steps.append(Step(previous["volume_id"], {}, "reformatted", why))
    return steps


def _update(row: Row, item: Seen, decision: Decision, now: str) -> Step | None:
    wanted = columns(item)
    for name in KEEP_WHEN_UNKNOWN:
        if wanted[name] is None:
            wanted[name] = row[name]
    if wanted["fs_type"] == "fuseblk" and row["fs_type"] not in (None, "fuseblk"):
        wanted["fs_type"] = row["fs_type"]
    disputed = decision.verdict == "conflict"
    wanted["state"] = "conflict" if disputed else "online"
    if disputed and row["hardware"] is not None:
        wanted["hardware"] = row["hardware"]  # that of a claimant would speak for it at the next look
    wanted["offline_since"] = None
    event, detail = _what_happened(row, wanted, item)
    for name, now_bytes in (("free_bytes", item.free), ("size_bytes", item.size)):
        if not _moved(row[name], now_bytes, item.size):
            del wanted[name]
    values = {name: value for name, value in wanted.items() if row[name] != value}
    old = clock.seconds_between(row["last_seen_at"], now)
    if values or old >= SEEN_SECONDS or old < 0:
        values["last_seen_at"] = now
    if not values:
        return None
    if event in ("online", "conflict"):
        detail["evidence"] = list(decision.reasons)
        detail["score"] = decision.score
    if event is not None and other_disk(row["hardware"], item.evidence.hardware):
        detail["disks"] = [row["hardware"], item.evidence.hardware]
    if event == "conflict":
        detail["rivals"] = list(decision.rivals)
        detail["hardware"] = item.evidence.hardware
    return Step(row["volume_id"], values, event, detail, item)


def _what_happened(row: Row, wanted: dict[str, Any], item: Seen) -> tuple[str | None, dict[str, Any]]:
    detail: dict[str, Any] = {"mount_point": display(item.mount.mount_point)}
    moved = row["mount_point"] != wanted["mount_point"]
    if moved and row["mount_point"] is not None:
        detail["was"] = display(row["mount_point"])
    if row["state"] != wanted["state"]:
        if wanted["state"] == "conflict":
            return "conflict", detail
        return ("answering" if row["state"] == "not_responding" else "online"), detail
    # Another session at the same place: it was away between two looks, over a start of the machine, say.
    again = row["session_key"] is not None and row["session_key"] != wanted["session_key"]
    # A clone that was put in between two looks may have the session of the original.
    if moved or again or other_disk(row["hardware"], wanted["hardware"]):
        return "remounted", detail
    changed = {
        name: [row[name], wanted[name]]
        for name in ("read_only", "size_bytes", "label")
        if row[name] != wanted[name]
        and (name != "size_bytes" or _is_resized(row["size_bytes"], wanted["size_bytes"]))
    }
    return ("changed", {**detail, **changed}) if changed else (None, {})


def _hang(row: Row, item: Seen) -> list[Step]:
    if row["state"] == "not_responding":
        return []
    values = {"state": "not_responding", "offline_since": None}
    return [
        Step(
            row["volume_id"], values, "not_responding", {"mount_point": display(item.mount.mount_point)}, item
        )
    ]


def _row_of_hung(item: Seen, rows: Sequence[Row]) -> Row | None:
    """Which row a silent mount belongs to: by the share, or because it was there at the last look."""
    session = item.evidence.session or "-"
    for row in rows:
        if row["share"] is not None and row["share"] == item.evidence.share:
            return row
        key = row["session_key"]
        if key is not None and (key == session or key.startswith(session + ":")):
            return row
    return None


def _moved(before: int | None, after: int | None, size: int | None) -> bool:
    """Whether a figure in bytes differs enough from the one on record to be stored anew."""
    if before is None or after is None:
        return before != after
    return abs(before - after) >= min(FREE_STEP, max(1, (size or 0) // 100))


def _is_resized(before: int | None, after: int | None) -> bool:
    """Whether a size became another one, and did not just move with what neighbours in its pool store."""
    return before is None or after is None or abs(before - after) > before * RESIZED
