"""Saying which of several volumes is which, when they claim one identity; and taking it back."""

from __future__ import annotations

import base64
import json
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused
from engine.names import display
from engine.storage.database import Row, row, rows, scalar, write
from engine.volumes import store
from engine.volumes.store import VolumeRow

_OURS = frozenset(
    {
        "volume_id", "name", "kind", "tracked_at", "favourite", "colour", "read_rate",
        "write_rate", "speed_at", "low_since", "first_seen_at", "last_seen_at",
    }
)  # fmt: skip
"""Columns that say nothing of which mount a volume is: an undo leaves them as they are."""


def settle(db: Database, given: str, mount_point: str) -> VolumeRow:
    """Decide a conflict: the file system mounted at ``mount_point`` is this volume.

    What else claims the identity is then another volume, with a row of its
    own. The decision holds for this mount and for this hardware, and is kept
    with its evidence; :func:`unsettle` takes it back.

    Raises:
        NotFound: no such volume, or nothing in conflict is mounted there.
    """
    volume = store.find(db, given)
    with write(db):
        claimants = rows(db, "SELECT * FROM volumes WHERE state = 'conflict'")
        there = next((entry for entry in claimants if mount_point in store.points_of(entry)), None)
        if there is None:
            raise NotFound(f"No volume in conflict is mounted at {display(mount_point)}.")
        _remember(db, volume.volume_id, there["volume_id"])
        hardware = _claimant(db, there)
        keys = sorted({there["session_key"], hardware} - {None})
        if there["volume_id"] != volume.volume_id:
            # What was entered for the mount becomes a rival that is away until it shows itself.
            db.execute(
                "UPDATE volumes SET session_key = NULL, state = 'offline', settled = '[]'"
                " WHERE volume_id = ?",
                (there["volume_id"],),
            )
            db.execute(
                "UPDATE volumes SET session_key = ?, mount_point = ?, mount_root = ?, mounts = ?,"
                " hardware = ? WHERE volume_id = ?",
                (
                    there["session_key"],
                    there["mount_point"],
                    there["mount_root"],
                    there["mounts"],
                    hardware,
                    volume.volume_id,
                ),
            )
        db.execute("UPDATE volumes SET settled = ? WHERE volume_id = ?", (json.dumps(keys), volume.volume_id))
        detail = {"mount_point": display(mount_point), "evidence": keys}
        store.add_event(db, volume.volume_id, "identified", detail)
    return store.get(db, volume.volume_id)


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


def _remember(db: Database, volume_id: str, there_id: str) -> None:
    """Keep the rows that a decision touches, or the next look after it, as they are now."""
    involved = {volume_id, there_id}
    for one in (volume_id, there_id):
        involved |= set(_told(db, one).get("rivals", ()))
    claimants = rows(db, "SELECT volume_id FROM volumes WHERE state = 'conflict'")
    for one in (entry["volume_id"] for entry in claimants):
        if involved & set(_told(db, one).get("rivals", ())):
            involved.add(one)
    before = {}
    for one in sorted(involved):
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
        before: dict[str, dict[str, Any]] = json.loads(entry["before"])
        _refuse_used(db, list(before), entry["at"])
        for volume_id, held in before.items():
            columns = ", ".join(f"{name} = ?" for name in held)
            db.execute(
                f"UPDATE volumes SET {columns} WHERE volume_id = ?",
                (*(_given(value) for value in held.values()), volume_id),
            )
        db.execute(
            "UPDATE settlements SET undone_at = ? WHERE settlement_id = ?",
            (clock.now(), entry["settlement_id"]),
        )
        store.add_event(db, entry["volume_id"], "unsettled")
    return store.get(db, volume.volume_id)


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
