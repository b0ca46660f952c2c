"""Folders that stand in for a volume where mounting is not possible: a marker file makes one.

A stand-in is online while its folder exists with the right marker. It is
recognised again in another folder below a parent that held one before; those
parents are scanned one level deep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused, WrongUse
from engine.names import display, from_blob, to_blob
from engine.storage import audit
from engine.storage.database import Row, row, rows, write
from engine.volumes import mounts, workers
from engine.volumes.markers import write_marker
from engine.volumes.mounts import Mount
from engine.volumes.reconcile import FREE_STEP, SEEN_SECONDS
from engine.volumes.store import Change, add_event, new_id


def make_stand_in(db: Database, folder: str, name: str) -> str:
    """Let an existing folder stand in for a volume; return the volume's id.

    It counts as a device of its own. The folder gets a marker file; a folder
    that has a usable one already is taken as what it says.

    Raises:
        NotFound: there is no such folder.
        WrongUse: a blank name.
        Refused: the marker cannot be written, or is not usable.
    """
    if not name.strip():
        raise WrongUse("A volume's name cannot be blank.")
    if not os.path.isdir(folder):
        raise NotFound(f"There is no folder {display(folder)}.")
    real = os.path.realpath(folder)
    if mounts.locate(mounts.read(), real) is None:
        raise Refused(f"{display(real)} lies on no mounted file system.")
    marker_id = write_marker(real, name)
    volume_id = adopt(db, real, marker_id, name.strip())
    with write(db):
        audit.record(db, "volumes stand-in", target=display(real))
    return volume_id


def adopt(db: Database, folder: str, marker_id: str, name: str | None = None) -> str:
    """Enter the stand-in in ``folder`` (absolute, links resolved), or note that a known one is there now."""
    with write(db):
        known = row(db, "SELECT * FROM volumes WHERE kind = 'stand_in' AND marker_id = ?", (marker_id,))
        if known is not None:
            _set_folder(db, known, folder)
            return str(known["volume_id"])
        volume_id, device_id, moment = new_id(), new_id(), clock.now()
        db.execute(
            "INSERT INTO devices (device_id, key, model, first_seen_at) VALUES (?, ?, 'stand-in folder', ?)",
            (device_id, f"stand-in:{marker_id}", moment),
        )
        db.execute(
            "INSERT INTO volumes (volume_id, device_id, name, kind, class, fs_type, marker_id, is_network,"
            " is_removable, state, mount_point, mounts, first_seen_at, last_seen_at)"
            " VALUES (?, ?, ?, 'stand_in', 'pool', 'folder', ?, 0, 0, 'online', ?, ?, ?, ?)",
            (
                volume_id,
                device_id,
                name or display(os.path.basename(folder)) or "stand-in",
                marker_id,
                to_blob(folder),
                json.dumps([["/", folder]]),
                moment,
                moment,
            ),
        )
        add_event(db, volume_id, "appeared", {"mount_point": display(folder), "stand_in": True})
        return volume_id


def watched_parents(db: Database) -> list[str]:
    """The folders whose direct subfolders may be stand-ins: parents of all known ones, away or not."""
    found = rows(db, "SELECT mount_point FROM volumes WHERE kind = 'stand_in' AND mount_point IS NOT NULL")
    return sorted({os.path.dirname(from_blob(entry["mount_point"])) for entry in found})


def refresh(db: Database, table: Sequence[Mount]) -> list[Change]:
    """Find every known stand-in again; write what changed. See :func:`engine.volumes.refresh.refresh`."""
    known = rows(db, "SELECT * FROM volumes WHERE kind = 'stand_in'")
    if not known:
        return []
    places, silent = _marked_folders(table, watched_parents(db))
    facts = {
        folder: _facts(table, folder)
        for entry in known
        if (folder := _folder_of(entry, places.get(entry["marker_id"], []))) is not None
    }
    if not any(_new_values(entry, places, silent, facts)[0] for entry in known):
        return []
    changes: list[Change] = []
    with write(db):
        for entry in rows(db, "SELECT * FROM volumes WHERE kind = 'stand_in'"):
            values, event = _new_values(entry, places, silent, facts)
            if not values:
                continue
            sets = ", ".join(f"{name} = :{name}" for name in values)
            db.execute(
                f"UPDATE volumes SET {sets} WHERE volume_id = :id", {**values, "id": entry["volume_id"]}
            )
            if event is not None:
                detail: dict[str, Any] = {
                    "mount_point": display(values.get("mount_point") or entry["mount_point"])
                }
                if event == "conflict":
                    detail["folders"] = [display(folder) for folder in places.get(entry["marker_id"], [])]
                changes.append(add_event(db, entry["volume_id"], event, detail))
    return changes


def _marked_folders(table: Sequence[Mount], parents: Sequence[str]) -> tuple[dict[str, list[str]], set[str]]:
    """Scan the parents: folders per marker id, and the parents that did not answer."""
    places: dict[str, list[str]] = {}
    silent: set[str] = set()
    for parent in parents:
        mount = mounts.locate(table, parent)
        if mount is None:
            continue
        try:
            found = workers.ask(mount, "stand_ins", parent=parent)
        except (workers.NotAnswering, OSError):
            silent.add(parent)
            continue
        for folder, marker_id in found:
            places.setdefault(marker_id, []).append(folder)
    return places, silent


def _facts(table: Sequence[Mount], folder: str) -> dict[str, Any] | None:
    mount = mounts.locate(table, folder)
    if mount is None:
        return None
    try:
        answer: dict[str, Any] = workers.ask(mount, "facts", mount_point=folder)
    except (workers.NotAnswering, OSError):
        return None
    return {**answer, "flag_ro": answer.get("flag_ro") or mount.read_only} if answer["is_dir"] else None


def _folder_of(entry: Row, folders: list[str]) -> str | None:
    own = from_blob(entry["mount_point"])
    return own if own in folders else (folders[0] if folders else None)


def _new_values(
    entry: Row,
    places: dict[str, list[str]],
    silent: set[str],
    facts: dict[str, dict[str, Any] | None],
) -> tuple[dict[str, Any], str | None]:
    """What a stand-in's row has to say now, as changes to it, and the event that tells of it."""
    folders = places.get(entry["marker_id"], [])
    folder = _folder_of(entry, folders)
    now = clock.now()
    if folder is None:
        hangs = os.path.dirname(from_blob(entry["mount_point"])) in silent
        state = "not_responding" if hangs else "offline"
        if entry["state"] == state:
            return {}, None
        if hangs:
            return {"state": state}, state
        return {"state": state, "offline_since": now, "mounts": "[]"}, state
    state = "conflict" if len(folders) > 1 else "online"
    found = facts.get(folder)
    wanted: dict[str, Any] = {
        "state": state,
        "mount_point": to_blob(folder),
        "mounts": json.dumps([["/", folder]]),
        "offline_since": None,
    }
    if found is not None:
        wanted["size_bytes"] = found["size"]
        wanted["read_only"] = int(found["flag_ro"])
        if entry["free_bytes"] is None or abs(entry["free_bytes"] - found["free"]) >= FREE_STEP:
            wanted["free_bytes"] = found["free"]
    values = {name: value for name, value in wanted.items() if entry[name] != value}
    age = clock.seconds_between(entry["last_seen_at"], now)
    if values or not 0 <= age < SEEN_SECONDS:
        values["last_seen_at"] = now
    event = None
    if "state" in values:
        event = "answering" if entry["state"] == "not_responding" and state == "online" else state
    elif "mount_point" in values:
        event = "remounted"
    return values, event


def _set_folder(db: Database, known: Row, folder: str) -> None:
    if known["state"] == "online" and from_blob(known["mount_point"]) == folder:
        return
    event = "remounted" if known["state"] == "online" else "online"
    db.execute(
        "UPDATE volumes SET state = 'online', offline_since = NULL, mount_point = ?, mounts = ?,"
        " last_seen_at = ? WHERE volume_id = ?",
        (to_blob(folder), json.dumps([["/", folder]]), clock.now(), known["volume_id"]),
    )
    add_event(db, known["volume_id"], event, {"mount_point": display(folder)})
