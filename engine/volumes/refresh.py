"""Compare the mount table with the table ``volumes`` and write what changed; from any process, any time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.names import display, from_blob
from engine.storage.database import Row, row, rows, scalar, write
from engine.volumes import mounts, pools, room, stand_ins, workers
from engine.volumes.devices import Seen, boot_id, observe
from engine.volumes.evidence import Spot
from engine.volumes.identity import Decision, decide, judge, only_content_tells, stays
from engine.volumes.mounts import Mount
from engine.volumes.reconcile import Step, default_name, known_of, plan
from engine.volumes.store import Change, add_event, new_id

SPOT_FILES = 18
"""Known files looked at before a volume that comes back is believed."""

PROBERS = 8
"""Mounts asked at once: a dead one costs its deadline, not the sum of all."""


def refresh(db: Database, admit: frozenset[str] = frozenset()) -> list[Change]:
    """Make the table ``volumes`` say what is mounted now; return what this call changed.

    Every mount is asked anew, because the kernel reuses mount ids and device
    numbers. Safe from any thread and process at once; when nothing changed,
    nothing is written. Blocks about a second when mounts do not answer. An
    engine that acts on changes reads :func:`engine.volumes.store.events`,
    because another process may have been the first to notice one.

    Args:
        db: the calling thread's connection.
        admit: ``major:minor`` of virtual file systems (tmpfs, overlay) on
            which something of the library lies, so that they get a row.

    Raises:
        OSError: the mount table cannot be read; nothing was changed.
    """
    table = mounts.read()
    before = _load(db)
    answering, hung = _observe(table, before, admit)
    spots = _spot_checks(db, before, answering)
    # Decided once without a lock to see whether there is anything to write,
    # and again inside the transaction, on the rows that hold then.
    changes: list[Change] = []
    if _steps(before, answering, hung, spots, admit):
        with write(db):
            current = _load(db)
            for step in _steps(current, answering, hung, spots, admit):
                changes.extend(_apply(db, step))
    pools.note(db, table, answering)
    return changes + stand_ins.refresh(db, table) + room.notice(db)


def _steps(
    table: Sequence[tuple[Row, bool]],
    answering: Sequence[Seen],
    hung: Sequence[Seen],
    spots: Mapping[tuple[int, str], Spot],
    admit: frozenset[str],
) -> list[Step]:
    known = [known_of(entry, has_copies) for entry, has_copies in table]
    decisions: list[Decision] = decide([item.evidence for item in answering], known, spots)
    return plan([entry for entry, _ in table], answering, decisions, hung, admit=admit, now=clock.now())


def _load(db: Database) -> list[tuple[Row, bool]]:
    found = rows(
        db,
        "SELECT volumes.*, EXISTS (SELECT 1 FROM copies WHERE copies.volume_id = volumes.volume_id)"
        " AS has_copies"
        " FROM volumes WHERE kind = 'file_system' ORDER BY first_seen_at, volume_id",
    )
    return [(entry, bool(entry.pop("has_copies"))) for entry in found]


def _observe(
    table: Sequence[Mount], known: Sequence[tuple[Row, bool]], admit: frozenset[str]
) -> tuple[list[Seen], list[Seen]]:
    """Ask every file system that is, or may be, a volume. Returns those that answer and those that do not."""
    virtual = {entry["fs_type"] for entry, _ in known if entry["class"] == "virtual"}
    groups = [
        group
        for group in mounts.file_systems(mount for mount in table if not mount.is_pseudo)
        if not group[0].is_virtual or group[0].fs_type in virtual or group[0].device in admit
    ]
    if not groups:
        return [], []
    with ThreadPoolExecutor(max_workers=min(PROBERS, len(groups)), thread_name_prefix="observe") as pool:
        seen = [item for item in pool.map(observe, groups) if item is not None]
    return [item for item in seen if item.answering], [item for item in seen if not item.answering]


def _spot_checks(
    db: Database, known: Sequence[tuple[Row, bool]], answering: Sequence[Seen]
) -> dict[tuple[int, str], Spot]:
    """Look at known files on each mount that may be a volume which is away."""
    spots: dict[tuple[int, str], Spot] = {}
    for entry, has_copies in known:
        if not has_copies:
            continue
        volume = known_of(entry, has_copies)
        for index, item in enumerate(answering):
            if stays(volume, item.evidence) and not volume.disputed:
                continue
            if judge(volume.evidence, item.evidence).score > 0 or only_content_tells(
                volume.evidence, item.evidence
            ):
                spot = _spot(db, volume.volume_id, item)
                if spot is not None:
                    spots[index, volume.volume_id] = spot
    return spots


def _spot(db: Database, volume_id: str, item: Seen) -> Spot | None:
    prefix = item.mount.root.strip("/")
    samples = [
        [path[len(prefix) :].lstrip("/"), size, mtime]
        for path, size, mtime in sample(db, volume_id)
        if mounts.is_within(f"/{path}", item.mount.root)
    ]
    if not samples:
        return None
    try:
        counts = workers.ask(item.mount, "spot", root=item.mount.mount_point, samples=samples)
    except (workers.NotAnswering, OSError):
        return None  # no evidence either way; the next look asks again
    if counts.pop("dev") != item.dev:
        return None  # it was unmounted meanwhile: what lies below says nothing of it
    return Spot(**counts)


def sample(db: Database, volume_id: str) -> list[tuple[str, int, int]]:
    """Some known files of a volume: from both ends of the alphabet, and those entered last.

    The newest are what a clone that was made before them does not have. What a look through the volume
    found not as recorded, see :func:`engine.volumes.settling.doubt`, is looked for as well.

    Returns:
        Relative path, size and mtime_ns of each.
    """
    found: dict[bytes, Row] = {}
    for order in ("path ASC", "path DESC", "asset_id DESC"):
        for entry in rows(
            db,
            "SELECT path, size, mtime_ns FROM copies WHERE volume_id = ? AND state = 'present'"
            f" ORDER BY {order} LIMIT ?",
            (volume_id, SPOT_FILES // 3),
        ):
            found[entry["path"]] = entry
    for entry in rows(
        db,
        "SELECT path, size, mtime_ns FROM copies WHERE volume_id = :given AND state = 'present'"
        " AND copy_id IN (SELECT value FROM json_each((SELECT detail ->> '$.copies' FROM volume_events"
        "  WHERE volume_id = :given AND kind = 'conflict' ORDER BY event_id DESC LIMIT 1)))",
        {"given": volume_id},
    ):
        found[entry["path"]] = entry
    return [(from_blob(entry["path"]), entry["size"], entry["mtime_ns"]) for entry in found.values()]


def _apply(db: Database, step: Step) -> list[Change]:
    values: dict[str, Any] = dict(step.values)
    volume_id = step.volume_id
    if volume_id is None:
        assert step.seen is not None
        volume_id = new_id()
        taken = {str(entry["name"]).casefold() for entry in rows(db, "SELECT name FROM volumes")}
        values["name"] = default_name(step.seen, taken)
        values["device_id"] = _device(db, step.seen, None)
        values["volume_id"] = volume_id
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        db.execute(f"INSERT INTO volumes ({names}) VALUES ({marks})", values)
    elif values:
        if (
            step.seen is not None
            and step.seen.answering
            and ("session_key" in values or "hardware" in values)
        ):
            current = scalar(db, "SELECT device_id FROM volumes WHERE volume_id = ?", (volume_id,))
            values["device_id"] = _device(db, step.seen, current)
        sets = ", ".join(f"{name} = :{name}" for name in values)
        db.execute(
            f"UPDATE volumes SET {sets} WHERE volume_id = :volume_id", {**values, "volume_id": volume_id}
        )
    if step.event is None:
        return []
    detail = dict(step.detail)
    if step.event in ("appeared", "online") and step.seen is not None and step.seen.marker_error:
        detail["marker"] = step.seen.marker_error
    return [add_event(db, volume_id, step.event, detail)]


def _device(db: Database, item: Seen, current: str | None) -> str:
    """Return the id of the hardware under a file system, making its row when it is new.

    Hardware that hides its identity gets a key that is good for this start of
    the machine only; its row then follows the volume that is known to lie on it.
    """
    block = item.block
    key = _device_key(item)
    found = scalar(db, "SELECT device_id FROM devices WHERE key = ?", (key,))
    held = row(db, "SELECT * FROM devices WHERE device_id = ?", (current,)) if current else None
    fleeting = key.startswith("at:")
    if found is not None and not (fleeting and held and not str(held["key"]).startswith("at:")):
        return str(found)
    if held is not None and fleeting:
        if str(held["key"]).startswith("at:"):
            db.execute("UPDATE devices SET key = ? WHERE device_id = ?", (key, current))
        return str(held["device_id"])
    device_id = new_id()
    facts = (block.serial, block.wwn, block.model, block.vendor, block.disk_size) if block else (None,) * 5
    db.execute(
        "INSERT INTO devices (device_id, key, serial, wwn, model, vendor, size_bytes, first_seen_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (device_id, key, *facts, clock.now()),
    )
    return device_id


def _device_key(item: Seen) -> str:
    if item.block is not None:
        return item.block.hardware or f"at:{boot_id()}:{item.block.disk}"
    share = item.evidence.share
    if item.mount.is_network and share:
        # Two exports of one server are one device: both are gone when it is.
        server = share.strip("/").split("/")[0] if share.startswith("//") else share.split(":")[0]
        return f"server:{display(server)}"
    return f"at:{boot_id()}:{item.mount.device}"


def volume_at(db: Database, mount: Mount, session: str | None = None) -> Row | None:
    """The row of the volume that was last seen at ``mount``, or None when there is none yet.

    Args:
        db: the library's database.
        mount: from a mount table read just now.
        session: the session that the mount answers with now; a row of another session does not fit.
    """
    pair = [mount.root, mount.mount_point]
    for entry in rows(
        db,
        "SELECT * FROM volumes WHERE kind = 'file_system' AND state != 'offline'",
    ):
        if pair in json.loads(entry["mounts"]) and (session is None or entry["session_key"] == session):
            return entry
    return None
