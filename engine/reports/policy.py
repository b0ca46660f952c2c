"""How many verified copies each content has, and on how many devices, as the catalogue records it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from engine.ingest.proving.check import SHARES_BLOCKS
from engine.storage import config, pools
from engine.storage.database import parts, rows


@dataclass(frozen=True)
class Policy:
    """So many verified copies on so many different devices."""

    copies: int
    devices: int


@dataclass(frozen=True)
class Kept:
    """What there is of one content. What may be one file, or share its blocks, counts once."""

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
    shadows = pools.shadows(db)
    counted: dict[int, set[str]] = {}
    devices: dict[int, set[str]] = {}
    for part in parts(wanted):
        found = rows(
            db,
            "SELECT copies.asset_id, copies.copy_id, copies.volume_id, volumes.device_id, volumes.fs_type"
            " FROM copies JOIN volumes USING (volume_id) WHERE copies.state = 'present'"
            " AND copies.verified_at IS NOT NULL AND copies.role != 'source' AND volumes.state != 'conflict'"
            f" AND copies.asset_id IN ({', '.join('?' * len(part))})",
            part,
        )
        there: dict[int, list[str]] = {}
        for entry in found:
            there.setdefault(entry["asset_id"], []).append(entry["volume_id"])
        for entry in found:
            asset = int(entry["asset_id"])
            if entry["volume_id"] not in pools.counted(there[asset], shadows):
                continue
            once = entry["fs_type"] in SHARES_BLOCKS
            counted.setdefault(asset, set()).add(entry["volume_id"] if once else f"copy {entry['copy_id']}")
            devices.setdefault(asset, set()).add(entry["device_id"] or entry["volume_id"])
    return {asset: Kept(len(found), len(devices[asset])) for asset, found in counted.items()}
