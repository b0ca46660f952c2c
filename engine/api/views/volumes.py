"""Volumes: where things are, and how much of it can be read now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from engine.api.rows import Id
from engine.api.views.base import LOG_TAIL, Table, like, name_or_none
from engine.api.views.happened import told
from engine.api.volume_rows import VolumeDetail, VolumeEvent, VolumeRow
from engine.errors import NotFound
from engine.names import display
from engine.storage.database import Row, row, rows, scalar
from engine.volumes import facts, pools, settling
from engine.volumes.store import OF_INTEREST, SELECT


class Volumes(Table):
    """Volumes for people; ``failed`` are those that cannot be read now.

    Left out are system and virtual file systems, and volumes that are away,
    as long as nothing of the library lies on them and nobody tracks them.
    """

    orders = ("name", "state", "free", "seen", "clips")
    _key = "volumes.volume_id"
    _from = "volumes"
    _text = like("(volumes.name || ' ' || coalesce(CAST(volumes.mount_point AS TEXT), ''))")
    _shows: ClassVar[dict[str, str]] = {
        "active": "volumes.state = 'online'",
        "failed": "volumes.state <> 'online'",
    }
    _sorts: ClassVar[dict[str, str]] = {
        "name": "volumes.favourite DESC, volumes.state = 'offline', volumes.name COLLATE NOCASE,"
        " volumes.volume_id",
        "state": "volumes.state = 'online', volumes.state, volumes.name COLLATE NOCASE, volumes.volume_id",
        "free": "volumes.free_bytes, volumes.volume_id",
        "seen": "volumes.last_seen_at DESC, volumes.volume_id",
        "clips": "(SELECT clips FROM volume_counts AS held WHERE held.volume_id = volumes.volume_id) DESC,"
        " volumes.volume_id",
    }

    def _scope(self) -> tuple[str, dict[str, Any]]:
        return OF_INTEREST, {}

    def rows(self, ids: Sequence[Id]) -> list[VolumeRow]:
        """Volumes by id."""
        found = self._by_id(f"SELECT volumes.volume_id AS the_id, * FROM ({SELECT}) AS volumes", ids)
        return [self._row(entry) for entry in found]

    def _row(self, entry: Row) -> VolumeRow:
        db = self._library.db()
        wanted = "SELECT 1 FROM volume_offers WHERE volume_id = ? AND dismissed_at IS NULL LIMIT 1"
        if scalar(db, wanted, (entry["volume_id"],)) is None:
            return _row(entry, 0, None)
        from engine.relink import offers  # brings half of relinking, and most volumes offer nothing

        return _row(entry, *offers.waiting(db, entry["volume_id"]))

    def detail(self, row_id: Id) -> VolumeDetail:
        """A volume with its evidence and newest events.

        Raises:
            NotFound: there is no such volume.
        """
        db = self._library.db()
        found = row(
            db,
            f"SELECT held.* FROM ({SELECT}) AS held WHERE held.volume_id = ?",
            (row_id,),
        )
        if found is None:
            raise NotFound("This volume is no longer in the library.")
        events = rows(
            db,
            "SELECT at, kind, detail FROM volume_events WHERE volume_id = ? ORDER BY event_id DESC LIMIT ?",
            (row_id, LOG_TAIL),
        )
        device = facts.hardware(db, found["device_id"])
        shown = pools.shown_names(db, str(row_id))
        pairs = tuple((root, point) for root, point in json.loads(found["mounts"]))
        return VolumeDetail(
            row=self._row(found),
            label=found["label"],
            fs_uuid=found["fs_uuid"],
            serial=device["serial"],
            model=device["model"],
            share=found["share"],
            copies=found["copies"],
            copies_bytes=found["copies_bytes"],
            missing=found["missing"],
            damaged=found["damaged"],
            events=tuple(
                VolumeEvent(
                    event["at"], event["kind"], told(event["kind"], json.loads(event["detail"] or "{}"))
                )
                for event in events
            ),
            part_uuid=found["part_uuid"],
            wwn=device["wwn"],
            marker_id=found["marker_id"],
            rotational=_flag(found["rotational"]),
            mounted=tuple(
                (display(mount.source), ", ".join(display(option) for option in facts.options(mount)))
                for mount in facts.mounted(pairs)
            ),
            shows_files_of=None if shown is None else tuple(map(display, shown)),
            other_disk=settling.came_from(db, str(row_id)) is not None,
        )


def _row(found: Row, new_files: int, new_files_in: str | None) -> VolumeRow:
    return VolumeRow(
        volume_id=found["volume_id"],
        name=found["name"],
        state=found["state"],
        volume_class=found["class"],
        kind=found["kind"],
        fs_type=found["fs_type"],
        is_network=_flag(found["is_network"]),
        is_removable=_flag(found["is_removable"]),
        read_only=bool(found["read_only"]),
        size_bytes=found["size_bytes"],
        free_bytes=found["free_bytes"],
        mount_point=name_or_none(found["mount_point"]),
        clips=found["clips"],
        offline_clips=found["offline_clips"],
        first_seen_at=found["first_seen_at"],
        last_seen_at=found["last_seen_at"],
        offline_since=found["offline_since"],
        tracked=found["tracked_at"] is not None,
        favourite=bool(found["favourite"]),
        read_rate=found["read_rate"],
        write_rate=found["write_rate"],
        speed_at=found["speed_at"],
        colour=found["colour"],
        low_space=found["state"] == "online" and found["low_since"] is not None,
        new_files=new_files,
        new_files_in=new_files_in,
    )


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)
