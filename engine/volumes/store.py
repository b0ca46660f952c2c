"""Volume rows: listing, finding, naming, tracking. Screen and command line both come through here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused, WrongUse
from engine.jobs.store import resolve
from engine.names import display, from_blob
from engine.storage import pools
from engine.storage.database import Row, execute, row, rows, scalar, write

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "grey")


@dataclass(frozen=True)
class VolumeRow:
    """One volume. Figures of an offline volume are the last known ones; None means unknown.

    Attributes:
        volume_id: UUID.
        device_id: the hardware under it; volumes of one disk share it.
        name: ours; never changed by the drive's label.
        kind: ``file_system``, or ``stand_in`` for a folder that plays a volume.
        volume_class: ``system virtual network card removable pool unknown``.
        state: ``online offline not_responding conflict``.
        mount_point: now, or last; exact.
        mount_root: the folder of the file system that shows there; ``/`` is all of it.
        mounts: all (mount_root, mount_point) where it shows now.
        size_bytes: as statvfs says.
        free_bytes: for an ordinary user.
        read_rate: bytes per second at the last speed test.
        view_of: ids of the volumes whose files it shows, see :mod:`engine.storage.pools`; None: its own.
        low_since: since when it is low on space, see :mod:`engine.volumes.room`; None: it is not.
        clips: clips with an essence or span copy here.
        offline_clips: those of them whose copy here cannot be read now; another volume may hold one.
    """

    volume_id: str
    device_id: str | None
    name: str
    kind: str
    volume_class: str
    label: str | None
    fs_type: str | None
    fs_uuid: str | None
    part_uuid: str | None
    marker_id: str | None
    share: str | None
    size_bytes: int | None
    free_bytes: int | None
    is_network: bool | None
    is_removable: bool | None
    rotational: bool | None
    read_only: bool
    state: str
    mount_point: str | None
    mount_root: str
    mounts: tuple[tuple[str, str], ...]
    generation: int
    tracked_at: str | None
    favourite: bool
    colour: str | None
    read_rate: int | None
    write_rate: int | None
    speed_at: str | None
    low_since: str | None
    first_seen_at: str
    last_seen_at: str
    offline_since: str | None
    clips: int = 0
    offline_clips: int = 0
    view_of: tuple[str, ...] | None = None

    @property
    def low_space(self) -> bool:
        """Whether it is here and low on space, see :mod:`engine.volumes.room`."""
        return self.state == "online" and self.low_since is not None


@dataclass(frozen=True)
class Change:
    """Something that happened to a volume: a row of ``volume_events``; ``at`` as stored."""

    volume_id: str
    kind: str
    name: str
    detail: Mapping[str, Any]
    event_id: int
    at: str


SELECT = """
    SELECT volumes.*, counted.clips, counted.copies, counted.bytes AS copies_bytes, counted.missing,
           counted.damaged, CASE WHEN volumes.state IN ('offline', 'conflict') THEN counted.clips
                                 ELSE counted.lost_clips END AS offline_clips
    FROM volumes JOIN volume_counts AS counted USING (volume_id)
"""
"""SQL: volumes with the numbers of what lies on them; one that is away has none of its clips here."""


OF_INTEREST = (
    "((volumes.class NOT IN ('system', 'virtual') AND volumes.state <> 'offline')"
    " OR volumes.tracked_at IS NOT NULL OR volumes.kind = 'stand_in'"
    " OR volumes.favourite OR volumes.colour IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM copies WHERE copies.volume_id = volumes.volume_id))"
)
"""Which volumes a person wants to see: SQL over ``volumes``."""


def list_volumes(db: Database, everything: bool = False) -> list[VolumeRow]:
    """Volumes for people: favourites first, then mounted ones, then by name.

    Args:
        db: the library's database.
        everything: also system and virtual file systems, and volumes that went away, on which nothing of
            the library lies and of which nobody has said anything.
    """
    where = "" if everything else f"WHERE {OF_INTEREST}"
    found = rows(
        db, f"{SELECT} {where} ORDER BY favourite DESC, state = 'offline', name COLLATE NOCASE, volume_id"
    )
    return [_from_row(entry) for entry in found]


def get(db: Database, volume_id: str) -> VolumeRow:
    """Return one volume by its full id, with its clip counts.

    Raises:
        NotFound: there is no such volume.
    """
    found = row(db, f"{SELECT} WHERE volumes.volume_id = ?", (volume_id,))
    if found is None:
        raise NotFound(f"There is no volume {display(volume_id)}.")
    return _from_row(found)


def find(db: Database, given: str) -> VolumeRow:
    """Return the volume with this id, id prefix (8 characters or more), name, or mount point.

    Raises:
        NotFound: none fits.
        Refused: several fit; they are listed.
    """
    return get(db, find_id(db, given))


def find_id(db: Database, given: str) -> str:
    """Like :func:`find`, but only the id: nothing is counted, whatever the number of clips."""
    wanted = given.rstrip("/") or given
    named: list[Row] = []
    for entry in rows(db, "SELECT * FROM volumes ORDER BY state = 'offline'"):
        points = points_of(entry)
        if entry["mount_point"] is not None and entry["state"] != "offline":
            points.add(from_blob(entry["mount_point"]))
        if wanted in points or entry["volume_id"] == given:
            return str(entry["volume_id"])
        if entry["name"].casefold() == given.casefold():
            named.append(entry)
    if len(named) == 1:
        return str(named[0]["volume_id"])
    if named:
        listed = ", ".join(f"{entry['volume_id'][:8]} ({entry['state']})" for entry in named)
        raise Refused(f"{display(given)} is the name of several volumes: {listed}. Give the id.")
    return resolve(db, "volumes", "volume_id", given, "volume")


def events(db: Database, volume_id: str | None = None, after: int = 0, limit: int = 1000) -> list[Change]:
    """Events, oldest first: of one volume or of all, younger than event ``after``."""
    found = rows(
        db,
        "SELECT volume_events.*, volumes.name FROM volume_events JOIN volumes USING (volume_id)"
        " WHERE event_id > ? AND (? IS NULL OR volume_id = ?) ORDER BY event_id LIMIT ?",
        (after, volume_id, volume_id, limit),
    )
    return [_change(entry) for entry in found]


def _change(entry: Row) -> Change:
    detail = json.loads(entry["detail"] or "{}")
    return Change(entry["volume_id"], entry["kind"], entry["name"], detail, entry["event_id"], entry["at"])


def history(db: Database, given: str, limit: int = 1000) -> list[Change]:
    """What happened to the device under a volume: the events of every volume it has held, oldest first.

    A reformatted drive, or one with several partitions, tells one story.

    Raises:
        NotFound: there is no such volume.
    """
    volume_id = find_id(db, given)
    found = rows(
        db,
        "SELECT * FROM (SELECT volume_events.*, name FROM volume_events JOIN volumes USING (volume_id)"
        " WHERE volume_id = :given OR device_id = (SELECT device_id FROM volumes WHERE volume_id = :given)"
        " ORDER BY event_id DESC LIMIT :limit) ORDER BY event_id",
        {"given": volume_id, "limit": limit},
    )
    return [_change(entry) for entry in found]


def jobs_of(db: Database, volume_id: str, limit: int = 100) -> list[Row]:
    """The newest jobs that read or wrote a volume of the device under this one, oldest first.

    Rows with ``job_id, kind, title, status, error, at`` and ``volume`` (its name).
    """
    found = rows(
        db,
        "SELECT job_id, jobs.kind, title, status, jobs.error, volumes.name AS volume,"
        " coalesce(ended_at, started_at, created_at) AS at"
        " FROM jobs JOIN volumes ON instr(jobs.params, volumes.volume_id)"
        " WHERE jobs.kind NOT IN ('sweep', 'relink_prove') AND (volumes.volume_id = :given OR"
        "  volumes.device_id = (SELECT device_id FROM volumes WHERE volume_id = :given))"
        " ORDER BY at DESC, job_id LIMIT :limit",
        {"given": volume_id, "limit": limit},
    )
    return found[::-1]


def last_event(db: Database) -> int:
    """The newest event's id, 0 when there is none: where a reader of :func:`events` starts."""
    return int(scalar(db, "SELECT COALESCE(MAX(event_id), 0) FROM volume_events"))


def add_event(db: Database, volume_id: str, kind: str, detail: Mapping[str, Any] | None = None) -> Change:
    """Record that something happened to a volume; joins the open transaction."""
    moment, detail = clock.now(), dict(detail or {})
    with write(db):
        cursor = db.conn.execute(
            "INSERT INTO volume_events (volume_id, at, kind, detail) VALUES (?, ?, ?, ?)",
            (volume_id, moment, kind, json.dumps(detail)),
        )
        name = scalar(db, "SELECT name FROM volumes WHERE volume_id = ?", (volume_id,))
    return Change(volume_id, kind, str(name), detail, int(cursor.lastrowid or 0), moment)


def track(db: Database, given: str, name: str | None = None) -> VolumeRow:
    """Track a volume that is mounted now; give it a name if one is given (blank keeps ours).

    Raises:
        NotFound: no such volume.
        Refused: tracked already (its name stays), not mounted, or in conflict.
    """
    volume = find(db, given)
    if volume.tracked_at is not None:
        raise Refused(f"{display(volume.name)} is tracked already. Its name was not changed.")
    if volume.state == "conflict":
        raise Refused(
            f"{display(volume.name)} is in conflict with another mounted volume. Settle that first."
        )
    if volume.state != "online":
        raise Refused(f"{display(volume.name)} is not mounted now; a volume is tracked while it is there.")
    chosen = (name or "").strip() or volume.name
    with write(db):
        db.execute(
            "UPDATE volumes SET tracked_at = ?, name = ? WHERE volume_id = ?",
            (clock.now(), chosen, volume.volume_id),
        )
        add_event(db, volume.volume_id, "tracked", {"name": chosen})
    return get(db, volume.volume_id)


def untrack(db: Database, given: str) -> VolumeRow:
    """Stop tracking. Copies stay in the catalogue, no file is touched.

    Raises:
        NotFound: no such volume, or it is not tracked.
    """
    volume = find(db, given)
    if volume.tracked_at is None:
        raise NotFound(f"{display(volume.name)} is not tracked.")
    with write(db):
        db.execute("UPDATE volumes SET tracked_at = NULL WHERE volume_id = ?", (volume.volume_id,))
        add_event(db, volume.volume_id, "untracked")
    return get(db, volume.volume_id)


def rename(db: Database, given: str, name: str) -> VolumeRow:
    """Change our name for a volume. The drive's label is not touched.

    Raises:
        NotFound: no such volume.
        WrongUse: a blank name.
    """
    chosen = name.strip()
    if not chosen:
        raise WrongUse("A volume's name cannot be blank.")
    volume = find(db, given)
    with write(db):
        db.execute("UPDATE volumes SET name = ? WHERE volume_id = ?", (chosen, volume.volume_id))
        add_event(db, volume.volume_id, "changed", {"name": [volume.name, chosen]})
    return get(db, volume.volume_id)


def set_favourite(db: Database, given: str, favourite: bool = True) -> VolumeRow:
    """Mark a volume as a favourite, or no longer."""
    volume_id = find_id(db, given)
    execute(db, "UPDATE volumes SET favourite = ? WHERE volume_id = ?", (favourite, volume_id))
    return get(db, volume_id)


def set_colour(db: Database, given: str, colour: str | None) -> VolumeRow:
    """Give a volume one of :data:`COLOURS`, or none.

    Raises:
        WrongUse: an unknown colour.
    """
    if colour is not None and colour not in COLOURS:
        raise WrongUse(f"A colour is one of: {', '.join(COLOURS)}.")
    volume_id = find_id(db, given)
    execute(db, "UPDATE volumes SET colour = ? WHERE volume_id = ?", (colour, volume_id))
    return get(db, volume_id)


def points_of(entry: Row) -> set[str]:
    """Where a volume shows now, from its row: absolute paths."""
    return {point for _, point in json.loads(entry["mounts"])}


def is_back(db: Database, volume_id: str) -> str:
    """Tell that a volume can be read again: ``NAS is back at /mnt/nas``, without a full stop."""
    volume = row(db, "SELECT name, mount_point FROM volumes WHERE volume_id = ?", (volume_id,))
    if volume is None:
        return "The drive is back"
    last = scalar(
        db,
        "SELECT kind FROM volume_events WHERE volume_id = ? AND kind IN"
        " ('online', 'remounted', 'appeared', 'answering') ORDER BY event_id DESC LIMIT 1",
        (volume_id,),
    )
    name = display(volume["name"])
    if last == "answering" or volume["mount_point"] is None:
        return f"{name} answers again"
    return f"{name} is back at {display(from_blob(volume['mount_point']))}"


def new_id() -> str:
    """An id for a new row."""
    return str(uuid.uuid4())


_FLAGS = ("is_network", "is_removable", "rotational", "read_only", "favourite")


def _from_row(entry: Row) -> VolumeRow:
    values = {name: entry[name] for name in _COLUMNS}
    for name in _FLAGS:
        values[name] = None if entry[name] is None else bool(entry[name])
    return VolumeRow(
        **{
            **values,
            "volume_class": entry["class"],
            "mount_point": None if entry["mount_point"] is None else from_blob(entry["mount_point"]),
            "mount_root": from_blob(entry["mount_root"]),
            "mounts": tuple((root, point) for root, point in json.loads(entry["mounts"])),
            "view_of": pools.branches_of(entry["view_of"]),
        }
    )


_COLUMNS = [
    entry.name
    for entry in fields(VolumeRow)
    if entry.name not in ("volume_class", "mount_point", "mount_root", "mounts", "view_of")
]
