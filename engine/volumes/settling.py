"""Saying which of several volumes is which, when they claim one identity; and taking it back."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused
from engine.names import display
from engine.storage.database import Row, row, rows, scalar, write
from engine.volumes import store
from engine.volumes.evidence import DISKS, disk_of
from engine.volumes.identity import MAYBE_A_CLONE
from engine.volumes.store import VolumeRow

_OURS = frozenset(
    {
        "volume_id", "name", "kind", "tracked_at", "favourite", "colour", "read_rate",
        "write_rate", "speed_at", "low_since", "first_seen_at", "last_seen_at",
    }
)  # fmt: skip
"""Columns that say nothing of which mount a volume is: an undo leaves them as they are."""

DOUBTED = 6
"""Copies that are looked for again while it is asked which drive it is."""

_SHARED = (
    "class", "label", "fs_type", "fs_uuid", "partition_bytes", "size_bytes", "free_bytes", "is_network",
    "is_removable", "rotational", "read_only",
)  # fmt: skip
"""Columns that a clone has in common with its original."""


def settle(
    db: Database, given: str, mount_point: str, *, is_new: bool = False, hardware: str | None = None
) -> VolumeRow:
    """Decide a conflict: the file system mounted at ``mount_point`` is this volume.

    What else claims the identity is then another volume, with a row of its
    own. The decision holds for this mount and for this hardware, and is kept
    with its evidence; :func:`unsettle` takes it back.

    Args:
        db: the library's database.
        given: the volume: its id, a prefix of it, or its name.
        mount_point: what is mounted there.
        is_new: the volume was entered for this decision, and goes when that is taken back.
        hardware: of what is mounted there; None takes what was told of the conflict.

    Raises:
        NotFound: no such volume, or nothing in conflict is mounted there.
    """
    volume = store.find(db, given)
    with write(db):
        claimants = rows(db, "SELECT * FROM volumes WHERE state = 'conflict'")
        there = next((entry for entry in claimants if mount_point in store.points_of(entry)), None)
        if there is None:
            raise NotFound(f"No volume in conflict is mounted at {display(mount_point)}.")
        _remember(db, volume.volume_id, there["volume_id"], is_new)
        hardware = hardware or _claimant(db, there)
        held = {key for key in json.loads(_settled(db, volume.volume_id)) if key.startswith(DISKS)}
        keys = sorted({there["session_key"], hardware, *held} - {None})
        if there["volume_id"] != volume.volume_id:
            # What was entered for the mount becomes a rival that is away until it shows itself.
            db.execute(
                "UPDATE volumes SET session_key = NULL, state = 'offline', settled = ?, device_id = ?"
                " WHERE volume_id = ?",
                (
                    json.dumps([key for key in json.loads(there["settled"]) if key not in keys]),
                    _device(db, there["hardware"], there["device_id"]),
                    there["volume_id"],
                ),
            )
            db.execute(
                "UPDATE volumes SET session_key = ?, mount_point = ?, mount_root = ?, mounts = ?,"
                " hardware = ?, device_id = ? WHERE volume_id = ?",
                (
                    there["session_key"],
                    there["mount_point"],
                    there["mount_root"],
                    there["mounts"],
                    hardware,
                    _device(db, hardware, there["device_id"]),
                    volume.volume_id,
                ),
            )
        db.execute("UPDATE volumes SET settled = ? WHERE volume_id = ?", (json.dumps(keys), volume.volume_id))
        detail = {"mount_point": display(mount_point), "evidence": keys}
        store.add_event(db, volume.volume_id, "identified", detail)
    return store.get(db, volume.volume_id)


def set_apart(db: Database, mount_point: str, name: str | None = None) -> VolumeRow:
    """Say that what is mounted there is a drive of its own: a clone of the volume that it was taken for.

    It gets a row, and the known volume is away again, with the disk that it was
    on. Copies stay with the known volume: what the clone holds of them is found
    by a scan. :func:`unsettle` takes it back.

    Args:
        db: the library's database.
        mount_point: of a volume in conflict, or of one that came back on another disk.
        name: our name for it; None takes that of the known volume, numbered.

    Raises:
        NotFound: no volume is mounted there.
        Refused: the volume there is on the disk on which it was all the time.
    """
    with write(db):
        mounted = rows(db, "SELECT * FROM volumes WHERE kind = 'file_system' AND state <> 'offline'")
        there = next((entry for entry in mounted if mount_point in store.points_of(entry)), None)
        if there is None:
            raise NotFound(f"No volume is mounted at {display(mount_point)}.")
        made = _row_beside(db, there, name)
        hardware = None if there["state"] == "conflict" else _as_asked(db, there)
        return settle(db, made, mount_point, is_new=True, hardware=hardware)


def _row_beside(db: Database, there: Row, name: str | None) -> str:
    """Enter one more volume with the identity of ``there``, of which nothing else is known."""
    taken = {str(entry["name"]).casefold() for entry in rows(db, "SELECT name FROM volumes")}
    base = (name or "").strip() or there["name"]
    chosen, count = base, 1
    while chosen.casefold() in taken:
        count += 1
        chosen = f"{base} {count}"
    moment = clock.now()
    given = {
        **{name: there[name] for name in _SHARED},
        "volume_id": store.new_id(),
        "name": chosen,
        "state": "offline",
        "first_seen_at": moment,
        "last_seen_at": moment,
        "offline_since": moment,
    }
    marks = ", ".join(f":{name}" for name in given)
    db.execute(f"INSERT INTO volumes ({', '.join(given)}) VALUES ({marks})", given)
    return str(given["volume_id"])


def _as_asked(db: Database, there: Row) -> str:
    """Make of a volume that came back on another disk the conflict that it would have been; return that disk.

    Raises:
        Refused: it did not come on another disk.
    """
    disks = came_from(db, there["volume_id"])
    if disks is None:
        raise Refused(
            f"{display(there['name'])} is on the disk on which it was all the time. Nothing was changed."
        )
    old, new = disks
    db.execute(
        "UPDATE volumes SET state = 'conflict', hardware = ? WHERE volume_id = ?", (old, there["volume_id"])
    )
    return new


def came_from(db: Database, volume_id: str) -> tuple[str, str] | None:
    """On which disk a volume was before, and on which it is: for one that is mounted and came on another."""
    told = scalar(
        db,
        "SELECT detail FROM volume_events JOIN volumes USING (volume_id)"
        " WHERE volume_id = ? AND volume_events.kind IN ('online', 'remounted') AND state <> 'offline'"
        " AND detail ->> '$.disks[1]' = hardware"
        " AND NOT EXISTS (SELECT 1 FROM json_each(settled) WHERE value = hardware)"
        " AND NOT EXISTS (SELECT 1 FROM volume_events AS said WHERE said.volume_id = volumes.volume_id"
        "                 AND said.event_id > volume_events.event_id AND said.kind = 'identified')"
        " ORDER BY event_id DESC LIMIT 1",
        (volume_id,),
    )
    if told is None:
        return None
    old, new = json.loads(told)["disks"]
    return old, new


def doubt(db: Database, volume_id: str, copies: Sequence[int]) -> bool:
    """Ask which drive it is that came on another disk, after a look through it found files not as recorded.

    Only the first look asks: once all was as recorded on that disk, what changes
    on it later has changed on the drive itself.

    Args:
        db: the library's database.
        volume_id: the volume that was looked through.
        copies: ids of the copies that are not as recorded; some of them are looked for again at every look.

    Returns:
        False: there is nothing to ask.
    """
    with write(db):
        disks = came_from(db, volume_id)
        looked = scalar(
            db,
            "SELECT 1 FROM volume_events AS look WHERE volume_id = ? AND kind = 'swept' AND event_id >"
            " (SELECT max(event_id) FROM volume_events AS came WHERE came.volume_id = look.volume_id"
            "  AND came.kind IN ('online', 'remounted') AND came.detail ->> '$.disks' IS NOT NULL) LIMIT 1",
            (volume_id,),
        )
        if disks is None or looked is not None:
            return False
        db.execute(
            "UPDATE volumes SET state = 'conflict', hardware = ? WHERE volume_id = ?", (disks[0], volume_id)
        )
        files = f"{len(copies)} of its files {'is' if len(copies) == 1 else 'are'} not as recorded"
        detail = {"evidence": [files, MAYBE_A_CLONE], "hardware": disks[1], "rivals": [volume_id]}
        store.add_event(db, volume_id, "conflict", {**detail, "copies": list(copies[:DOUBTED])})
    return True


def _settled(db: Database, volume_id: str) -> str:
    return str(scalar(db, "SELECT settled FROM volumes WHERE volume_id = ?", (volume_id,)))


def _device(db: Database, hardware: str | None, otherwise: str | None) -> str | None:
    """The device that ``hardware`` names, where it is known."""
    found = hardware and scalar(db, "SELECT device_id FROM devices WHERE key = ?", (disk_of(hardware),))
    return str(found) if found else otherwise


def _claimant(db: Database, entry: Row) -> str | None:
    """The hardware of what is mounted in the place of a volume in conflict, which keeps its own."""
    found: str | None = _told(db, entry["volume_id"]).get("hardware")
    return found or entry["hardware"]


def _told(db: Database, volume_id: str) -> dict[str, Any]:
    """What was told of the newest conflict of a volume."""
    detail = scalar(
        db,
        "SELECT detail FROM volume_events WHERE volume_id = ? AND kind = 'conflict'"
        " ORDER BY event_id DESC LIMIT 1",
        (volume_id,),
    )
    told: dict[str, Any] = json.loads(detail or "{}")
    return told


def _remember(db: Database, volume_id: str, there_id: str, is_new: bool) -> None:
    """Keep the rows that a decision touches, or the next look after it, as they are now."""
    involved = {volume_id, there_id}
    for one in (volume_id, there_id):
        involved |= set(_told(db, one).get("rivals", ()))
    claimants = rows(db, "SELECT volume_id FROM volumes WHERE state = 'conflict'")
    for one in (entry["volume_id"] for entry in claimants):
        if involved & set(_told(db, one).get("rivals", ())):
            involved.add(one)
    before: dict[str, dict[str, Any] | None] = {}
    for one in sorted(involved):
        if is_new and one == volume_id:
            before[one] = None
            continue
        held = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (one,))
        if held is not None:
            before[one] = {name: _kept(value) for name, value in held.items() if name not in _OURS}
    db.execute(
        "INSERT INTO settlements (volume_id, before, at) VALUES (?, ?, ?)",
        (volume_id, json.dumps(before), clock.now()),
    )


def _kept(value: Any) -> Any:
    return {"blob": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def _given(value: Any) -> Any:
    return base64.b64decode(value["blob"]) if isinstance(value, dict) else value


def standing(db: Database, volume_id: str) -> Row | None:
    """The newest decision about a volume, or about one that it was told from, which was not taken back."""
    found = rows(db, "SELECT * FROM settlements WHERE undone_at IS NULL ORDER BY settlement_id DESC")
    return next((entry for entry in found if volume_id in json.loads(entry["before"])), None)


def unsettle(db: Database, given: str) -> VolumeRow:
    """Take back what :func:`settle` decided last about a volume, or about one that it was told from.

    All volumes of that question are what they were before it was answered; a
    look at what is mounted must follow, and asks again when both are here.
    What sweeps noted in between stays, and the next sweep sets it right.

    Raises:
        NotFound: no such volume, or nothing was said of it.
        Refused: files were taken in or relinked on one of them since, and might lie on the other.
    """
    volume = store.find(db, given)
    with write(db):
        entry = standing(db, volume.volume_id)
        if entry is None:
            raise NotFound(f"Nothing was said of which volume {display(volume.name)} is.")
        before: dict[str, dict[str, Any] | None] = json.loads(entry["before"])
        _refuse_used(db, list(before), entry["at"])
        for volume_id, held in before.items():
            if held is None:
                continue
            columns = ", ".join(f"{name} = ?" for name in held)
            db.execute(
                f"UPDATE volumes SET {columns} WHERE volume_id = ?",
                (*(_given(value) for value in held.values()), volume_id),
            )
        db.execute(
            "UPDATE settlements SET undone_at = ? WHERE settlement_id = ?",
            (clock.now(), entry["settlement_id"]),
        )
        _forget(db, [volume_id for volume_id, held in before.items() if held is None])
        known = next(volume_id for volume_id, held in before.items() if held is not None)
        told = entry["volume_id"] if before[entry["volume_id"]] is not None else known
        store.add_event(db, told, "unsettled")
    return store.get(db, volume.volume_id if before[volume.volume_id] is not None else known)


def _forget(db: Database, volume_ids: list[str]) -> None:
    """Take away what was entered for a decision; what something hangs on stays, as nothing in particular."""
    for volume_id in volume_ids:
        try:
            with write(db):
                db.execute("DELETE FROM volumes WHERE volume_id = ?", (volume_id,))
        except sqlite3.IntegrityError:
            db.execute(
                "UPDATE volumes SET state = 'offline', session_key = NULL, hardware = NULL, mounts = '[]',"
                " settled = '[]' WHERE volume_id = ?",
                (volume_id,),
            )


def _refuse_used(db: Database, volume_ids: list[str], since: str) -> None:
    marks = ", ".join("?" * len(volume_ids))
    count = int(
        scalar(
            db,
            f"SELECT count(*) FROM copies WHERE volume_id IN ({marks}) AND (created_at >= ? OR EXISTS"
            " (SELECT 1 FROM relinks WHERE relinks.copy_id = copies.copy_id AND undone_at IS NULL"
            "  AND relinks.at >= ?))",
            (*volume_ids, since, since),
        )
    )
    if count:
        raise Refused(
            f"{count} {'file was' if count == 1 else 'files were'} entered on these volumes since, and "
            "nobody could say on which of them. Take links back first; what was taken in stays. "
            "Nothing was changed."
        )
