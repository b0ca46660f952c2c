"""Where is it? Every copy of a clip, a file or a hash; what is at risk; what only one drive holds.

A copy counts towards the policy when it is verified, not missing or damaged,
and not a card's (a card is not storage). Copies on two volumes of one device
count as one device. A file that a pool shows and one in a branch of that pool
count once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import names
from engine.errors import NotFound
from engine.jobs.store import resolve
from engine.storage import config, pools
from engine.storage.database import Row, row, rows
from engine.storage.schema.tallies import ENOUGH
from engine.volumes import places


@dataclass(frozen=True)
class Policy:
    """How many verified copies a file needs, and on how many devices."""

    copies: int
    devices: int


@dataclass(frozen=True)
class CopyPlace:
    """One copy, as a person asks for it.

    Attributes:
        shown: absolute path now, or where it was last seen; for the eye.
        found_path: absolute path now; None while it cannot be opened.
        state: ``online``, ``offline``, ``missing``, ``damaged``.
        seen_at: when the file was last seen in this state of its volume.
        counts: towards the policy.
    """

    copy_id: int
    volume_id: str
    volume_name: str
    device_id: str | None
    path: str
    shown: str
    found_path: str | None
    role: str
    state: str
    size: int
    seen_at: str
    verified_at: str | None
    verify_level: str | None
    counts: bool


@dataclass(frozen=True)
class Whereabouts:
    """All copies of one content.

    Attributes:
        name: file name, as its clip has it, else that of its first copy.
        role: what the file is for its clip (``essence``, ``sidecar``, ...); None for a file of no clip.
        copies: verified copies that count first.
        verified: number of copies that count.
        devices: number of devices those lie on.
        policy_holds: whether that is enough.
    """

    asset_id: int
    clip_id: str | None
    clip_title: str | None
    name: str
    role: str | None
    size: int
    blake3: str | None
    copies: tuple[CopyPlace, ...]
    verified: int
    devices: int
    policy_holds: bool


@dataclass(frozen=True)
class Risk:
    """A clip of which some file lacks copies: the numbers are those of its worst file."""

    clip_id: str
    title: str
    size: int
    verified: int
    devices: int


@dataclass(frozen=True)
class OnlyHere:
    """A file of which no other drive holds a copy."""

    asset_id: int
    clip_id: str | None
    path: str
    size: int
    verified_at: str | None


def policy() -> Policy:
    """The settings ``policy.copies`` and ``policy.devices``."""
    settings = config.open_config()
    try:
        return Policy(int(config.get(settings, "policy.copies")), int(config.get(settings, "policy.devices")))
    finally:
        settings.close()


COUNTS = "(copy.role <> 'source' AND copy.state = 'present' AND copy.verified_at IS NOT NULL)"
"""SQL: whether a row ``copy`` counts towards the policy."""


def where_is(db: Database, wanted: str, needs: Policy | None = None) -> list[Whereabouts]:
    """Find a clip, a file or a hash, and say where all its copies are. Works with every volume away.

    Args:
        db: the library's database.
        wanted: a clip's id or an unambiguous prefix of it, a full or fast hash
            (64 hex digits), an absolute path (now or last known), a path on a
            volume, or a file name or clip title.
        needs: the policy; None takes the settings.

    Raises:
        NotFound: nothing fits.
        Refused: a prefix fits several clips.
    """
    needs = needs or policy()
    assets = _assets_of(db, wanted)
    if not assets:
        raise NotFound(f"Nothing in the catalogue is {names.display(wanted)}.")
    return [_whereabouts(db, asset_id, needs) for asset_id in assets]


def _assets_of(db: Database, wanted: str) -> list[int]:
    if len(wanted) == 64 and all(digit in "0123456789abcdef" for digit in wanted.lower()):
        full = _ids(db, "SELECT asset_id FROM assets WHERE blake3 = ?", wanted.lower())
        # A fast hash is never asked for by a screen: it is looked for in the whole of its index.
        return full or _ids(
            db,
            "SELECT asset_id FROM assets INDEXED BY assets_by_fast_hash WHERE fast_hash = ?",
            wanted.lower(),
        )
    if "/" in wanted:
        return _at_path(db, wanted)
    try:
        clip_id = resolve(db, "clips", "clip_id", wanted, "clip")
    except NotFound:
        return _named(db, wanted)
    return _ids(
        db,
        "SELECT asset_id FROM clip_files WHERE clip_id = ? ORDER BY role <> 'essence', role, position",
        clip_id,
    ) or _ids(db, "SELECT asset_id FROM clips WHERE clip_id = ?", clip_id)


def _ids(db: Database, sql: str, *params: Any) -> list[int]:
    return list(dict.fromkeys(int(entry["asset_id"]) for entry in rows(db, sql, params)))


def _at_path(db: Database, wanted: str) -> list[int]:
    """Assets with a copy at this path: relative to its volume, or absolute, now or last known."""
    found = _ids(
        db,
        "SELECT asset_id FROM copies WHERE volume_id IN (SELECT volume_id FROM volumes) AND path = ?",
        names.to_blob(wanted.strip("/")),
    )
    for volume in rows(db, "SELECT * FROM volumes"):
        root = names.from_blob(volume["mount_root"]).strip("/")
        top = places.last_known(volume, root)
        if top is None or not wanted.startswith(top.rstrip("/") + "/"):
            continue
        rest = wanted[len(top) :].strip("/")
        found += _ids(
            db,
            "SELECT asset_id FROM copies WHERE volume_id = ? AND path = ?",
            volume["volume_id"],
            names.to_blob(f"{root}/{rest}" if root else rest),
        )
    return list(dict.fromkeys(found))


def _named(db: Database, wanted: str) -> list[int]:
    """Assets of clips with this title, or with a file of this name."""
    return _ids(
        db,
        "SELECT asset_id FROM clip_files WHERE name = ?"
        " UNION SELECT clip_files.asset_id FROM clip_files JOIN clips USING (clip_id) WHERE title = ?"
        " ORDER BY asset_id",
        names.to_blob(wanted),
        wanted.encode("utf-8", "replace").decode(),
    )


def _whereabouts(db: Database, asset_id: int, needs: Policy) -> Whereabouts:
    asset = row(
        db,
        "SELECT assets.size, blake3, file.clip_id, title, file.name, file.role FROM assets"
        " LEFT JOIN clip_files AS file USING (asset_id) LEFT JOIN clips USING (clip_id)"
        " WHERE assets.asset_id = ? ORDER BY file.role <> 'essence', file.clip_id LIMIT 1",
        (asset_id,),
    )
    assert asset is not None
    found = rows(
        db,
        f"SELECT copy.*, {COUNTS} AS counts, (SELECT at FROM volume_events"
        " WHERE volume_events.volume_id = copy.volume_id AND kind = 'swept'"
        "  AND ifnull(detail ->> 'unknown', 0) = 0 ORDER BY at DESC LIMIT 1) AS swept_at"
        " FROM copy_states AS copy WHERE asset_id = ?"
        f" ORDER BY {COUNTS} DESC, seen_as <> 'online', verified_at DESC, copy_id",
        (asset_id,),
    )
    shadows = pools.shadows(db)
    further = set(pools.counted((entry["volume_id"] for entry in found if entry["counts"]), shadows))
    copies = tuple(
        _place({**entry, "counts": entry["counts"] and entry["volume_id"] in further}) for entry in found
    )
    counting = [copy for copy in copies if copy.counts]
    devices = len({copy.device_id or copy.volume_id for copy in counting})
    name = names.from_blob(asset["name"]) if asset["name"] is not None else None
    return Whereabouts(
        asset_id=asset_id,
        clip_id=asset["clip_id"],
        clip_title=asset["title"],
        name=name or (os.path.basename(copies[0].path) if copies else ""),
        role=asset["role"],
        size=asset["size"],
        blake3=asset["blake3"],
        copies=copies,
        verified=len(counting),
        devices=devices,
        policy_holds=len(counting) >= needs.copies and devices >= needs.devices,
    )


def _place(entry: Row) -> CopyPlace:
    path = names.from_blob(entry["path"])
    openable = entry["seen_as"] in ("online", "damaged")
    # A sweep that found a copy as recorded writes no row for it: its own time is the event's. One that
    # could not read some folder may have seen it, or not.
    swept = entry["swept_at"] if entry["state"] == "present" else None
    return CopyPlace(
        copy_id=entry["copy_id"],
        volume_id=entry["volume_id"],
        volume_name=entry["volume_name"],
        device_id=entry["device_id"],
        path=path,
        shown=places.last_known(entry, path) or path,
        found_path=places.absolute(entry, path) if openable else None,
        role=entry["role"],
        state=entry["seen_as"],
        size=entry["size"],
        seen_at=max(entry["seen_at"], swept or ""),
        verified_at=entry["verified_at"],
        verify_level=entry["verify_level"],
        counts=bool(entry["counts"]),
    )


def at_risk(db: Database, needs: Policy | None = None, *, limit: int = 1000, offset: int = 0) -> list[Risk]:
    """Clips of which some file has too few verified copies, or too few devices; the worst first.

    Of equally bad ones those taken in first come first. A page costs what it shows.
    """
    needs = needs or policy()
    page: list[Risk] = []
    wanted = offset + limit
    seen: dict[str, None] = {}
    reader = db.conn.execute(*_worst(needs))
    while len(page) < wanted:
        part = [str(found[0]) for found in reader.fetchmany(PAGE)]
        if not part:
            break
        fresh = [clip_id for clip_id in dict.fromkeys(part) if clip_id not in seen]
        seen.update(dict.fromkeys(fresh))
        page += _risks(db, fresh, needs)
    reader.close()
    return page[offset:wanted]


PAGE = 500
"""Clips whose numbers are read together."""


def _worst(needs: Policy) -> tuple[str, tuple[int, ...]]:
    """The query for clips by their worst file, ranges of one index only, and its values."""
    # Devices are never more than copies: with enough devices, copies can only be
    # too few where the policy asks for more copies than devices.
    ranges = ["devices < ?"] + ["devices = ? AND verified < ?"] * max(0, needs.copies - needs.devices)
    params = [needs.devices]
    for devices in range(needs.devices, needs.copies):
        params += [devices, needs.copies]
    parts = [
        "SELECT clip_id FROM (SELECT asset_id FROM asset_safety INDEXED BY asset_safety_worst"
        f" WHERE {where} ORDER BY devices, verified, asset_id)"
        " CROSS JOIN clip_files USING (asset_id) WHERE clip_files.role <> 'derivative'"
        for where in ranges
    ]
    return " UNION ALL ".join(parts), tuple(params)


def _risks(db: Database, clip_ids: Sequence[str], needs: Policy) -> list[Risk]:
    """The exact numbers of these clips, in their order; those that are safe after all are left out."""
    found = rows(
        db,
        f"""
        SELECT clip_id, title, sum(size) AS size, min(verified) AS verified, min(devices) AS devices
        FROM (SELECT file.clip_id, clips.title, assets.size,
                     CASE WHEN safety.verified < {ENOUGH} THEN safety.verified ELSE
                          (SELECT count(*) FROM copies AS copy
                           WHERE copy.asset_id = file.asset_id AND {COUNTS}) END AS verified,
                     CASE WHEN safety.verified < {ENOUGH} THEN safety.devices ELSE
                          (SELECT count(DISTINCT coalesce(volumes.device_id, volumes.volume_id))
                           FROM copies AS copy JOIN volumes USING (volume_id)
                           WHERE copy.asset_id = file.asset_id AND {COUNTS}) END AS devices
              FROM (SELECT DISTINCT clip_id, asset_id FROM clip_files
                    WHERE role <> 'derivative' AND clip_id IN ({", ".join("?" * len(clip_ids))})) AS file
              JOIN clips USING (clip_id) JOIN assets USING (asset_id)
              JOIN asset_safety AS safety USING (asset_id))
        GROUP BY clip_id HAVING min(verified) < ? OR min(devices) < ?
        """,
        (*clip_ids, needs.copies, needs.devices),
    )
    by_id = {entry["clip_id"]: Risk(**entry) for entry in found}
    return [by_id[clip_id] for clip_id in clip_ids if clip_id in by_id]


def only_on(db: Database, volume_id: str, *, limit: int = 1000, offset: int = 0) -> list[OnlyHere]:
    """Files that lie on this volume and, cards and lost copies aside, on no other; the largest first.

    A page costs what it shows: what is stored on one volume alone is kept beside the data. Only a
    card is searched, whose files are stored nowhere until they were taken in.
    """
    clip = "(SELECT clip_id FROM clip_files WHERE clip_files.asset_id = copy.asset_id LIMIT 1) AS clip_id"
    stored = rows(
        db,
        f"SELECT copy.asset_id, copy.path, copy.size, copy.verified_at, {clip}"
        " FROM asset_safety AS safety INDEXED BY asset_safety_sole"
        " CROSS JOIN copies AS copy INDEXED BY copies_by_asset ON copy.asset_id = safety.asset_id"
        "  AND copy.volume_id = safety.sole AND copy.state = 'present'"
        " WHERE safety.sole = ? ORDER BY safety.asset_size DESC, safety.asset_id LIMIT ?",
        (volume_id, limit + offset),
    )
    # What has no other copy at all is never stored anywhere: few, or a card's.
    loose = rows(
        db,
        f"SELECT copy.asset_id, copy.path, copy.size, copy.verified_at, {clip}"
        " FROM copies AS copy INDEXED BY copies_of_cards"
        " JOIN asset_safety AS safety USING (asset_id)"
        " WHERE copy.volume_id = ? AND copy.role = 'source' AND copy.state = 'present'"
        "  AND safety.sole IS NULL AND NOT EXISTS (SELECT 1 FROM copies AS other"
        "   WHERE other.asset_id = copy.asset_id AND other.state = 'present' AND other.role <> 'source')"
        " ORDER BY copy.size DESC, copy.asset_id LIMIT ?",
        (volume_id, limit + offset),
    )
    found = sorted([*stored, *loose], key=lambda entry: (-entry["size"], entry["asset_id"]))
    return [
        OnlyHere(**{**entry, "path": names.from_blob(entry["path"])})
        for entry in found[offset : offset + limit]
    ]
