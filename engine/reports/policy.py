"""How many verified copies each content has, and on how many devices, as the catalogue records it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from engine.ingest.proving.check import SHARES_BLOCKS
from engine.storage import config
from engine.storage.database import rows

CHUNK = 900
"""Ids asked for in one statement: below the limit of every SQLite."""


@dataclass(frozen=True)
class Policy:
    """So many verified copies on so many different devices."""

    copies: int
    devices: int


@dataclass(frozen=True)
class Kept:
    """What there is of one content. Two files on a volume that can share blocks count once."""

    copies: int = 0
    devices: int = 0

    def fulfils(self, policy: Policy) -> bool:
        """Whether that is enough."""
        return self.copies >= policy.copies and self.devices >= policy.devices


def current() -> Policy:
    """The policy of the settings."""
    settings = config.open_config()
    try:
        return Policy(int(config.get(settings, "policy.copies")), int(config.get(settings, "policy.devices")))
    finally:
        settings.close()


def kept(db: Database, assets: Iterable[int]) -> dict[int, Kept]:
    """What is recorded of each content; one without a verified copy is left out.

    Nothing is looked at on a disk: a drive in the cupboard counts as it was proven.
    """
    wanted = sorted(set(assets))
    counted: dict[int, set[str]] = {}
    devices: dict[int, set[str]] = {}
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        for entry in rows(
            db,
            "SELECT copies.asset_id, copies.copy_id, copies.volume_id, volumes.device_id, volumes.fs_type"
            " FROM copies JOIN volumes USING (volume_id) WHERE copies.state = 'present'"
            " AND copies.verified_at IS NOT NULL AND copies.role != 'source' AND volumes.state != 'conflict'"
            f" AND copies.asset_id IN ({', '.join('?' * len(part))})",
            part,
        ):
            asset = int(entry["asset_id"])
            once = entry["fs_type"] in SHARES_BLOCKS
            counted.setdefault(asset, set()).add(entry["volume_id"] if once else f"copy {entry['copy_id']}")
            devices.setdefault(asset, set()).add(entry["device_id"] or entry["volume_id"])
    return {asset: Kept(len(found), len(devices[asset])) for asset, found in counted.items()}
