"""Tasks and transfers as they are worked on: read from the database, written back when decided."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from engine.ingest.carrying.copying import Stream
from engine.ingest.ends.ends import Destination
from engine.ingest.ends.failures import Failure
from engine.ingest.ends.landing import Landing, Original
from engine.names import from_blob
from engine.storage.database import rows

RESUMED = "resumed"
"""Stage of a transfer that was under way when its job was cut off."""


@dataclass
class Transfer:
    """One file to one destination.

    Attributes:
        transfer_id: its row.
        destination: where to.
        path: final path, relative to the volume.
        status: ``queued``, then ``completed``, ``skipped`` or ``failed`` when it is decided.
        stage: how it was decided: ``verified``, ``already there``, ``duplicate``, ``damaged``.
        failure: why it failed.
        level: how its bytes were proven.
        facts: ``stat`` of a file that was there already.
        landing: the copy under way.
    """

    transfer_id: int
    destination: Destination
    path: str
    status: str = "queued"
    stage: str | None = None
    failure: Failure | None = None
    level: str | None = None
    facts: os.stat_result | None = None
    landing: Landing | None = None

    @property
    def open(self) -> bool:
        """Whether it still has to be decided and can be now."""
        return self.status == "queued" and self.destination.away is None and self.destination.turn

    def fail(self, failure: Failure) -> None:
        """Decide that it failed."""
        self.status, self.failure = "failed", failure


UNREAD = Stream()
"""The stream of every parcel that was not opened; never written to. Digests take 2 KiB each."""


@dataclass
class Parcel:
    """One file of a source on its way to all its destinations.

    Attributes:
        task_id, position: its row.
        path: relative to the source.
        size, mtime_ns, inode: as listed, later as opened.
        asset_id, blake3: its content, None until all of it was read (or known from before).
        transfers: one for each destination, decided ones included.
        failure: why the source could not be read.
        attempts: how often it was copied in this run.
        original: the open source file.
        stream: what its reading gave.
        source_proven: whether two readings of the source gave the same bytes.
        second_hash: what the second reading of the source gave, None when there was none.
        doubted: what an earlier reading of the source gave whose copy did not hold it, None when all did.
        committed: whether what was decided is in the database.
        decided_before: transfers that were decided when it was loaded.
    """

    task_id: int
    position: int
    path: str
    size: int
    mtime_ns: int
    inode: int
    asset_id: int | None
    blake3: str | None
    data: dict[str, Any]
    transfers: list[Transfer]
    failure: Failure | None = None
    attempts: int = 0
    original: Original | None = None
    stream: Stream = field(default_factory=lambda: UNREAD)
    source_proven: bool = False
    second_hash: str | None = None
    doubted: str | None = None
    committed: bool = False
    decided_before: int = 0

    @property
    def open(self) -> list[Transfer]:
        """Transfers that can be worked on now."""
        return [transfer for transfer in self.transfers if transfer.open]

    @property
    def waiting(self) -> bool:
        """Whether a destination that is away still has to get it."""
        return any(transfer.status == "queued" for transfer in self.transfers)

    def verdict(self) -> str:
        """The state of its task now that this run can do no more for it."""
        if self.failure is not None:
            return "failed"
        states = {transfer.status for transfer in self.transfers}
        if "queued" in states:
            return "queued"
        if "failed" in states:
            return "failed"
        return "skipped" if states <= {"skipped"} else "completed"

    def error(self) -> Failure | None:
        """The failure to be shown with the task: the source's, else the first destination's."""
        if self.failure is not None:
            return self.failure
        failed = [transfer.failure for transfer in self.transfers if transfer.failure is not None]
        if not failed:
            return None
        kept = [
            transfer.destination.order.volume
            for transfer in self.transfers
            if transfer.status in ("completed", "skipped")
        ]
        first = failed[0]
        if not kept:
            return first
        return Failure(first.kind, f"{first.sentence} It is verified on {', '.join(kept)}.", first.code)


def load(
    db: Database, item_id: int, destinations: list[Destination], *, after: int, limit: int, smallest: int = 0
) -> list[Parcel]:
    """Queued tasks of an item after a position, with their transfers; none below ``smallest`` bytes."""
    tasks = rows(
        db,
        "SELECT tasks.*, assets.blake3 FROM tasks LEFT JOIN assets USING (asset_id)"
        " WHERE job_id = (SELECT job_id FROM batch_items WHERE item_id = ?) AND item_id = ?"
        " AND status = 'queued' AND position > ? AND tasks.size >= ? ORDER BY position LIMIT ?",
        (item_id, item_id, after, smallest, limit),
    )
    if not tasks:
        return []
    found = rows(
        db,
        # By number: a join would let SQLite read all transfers there are, for every bundle.
        f"SELECT * FROM transfers WHERE task_id IN ({', '.join('?' * len(tasks))}) ORDER BY transfer_id",
        [task["task_id"] for task in tasks],
    )
    transfers: dict[int, list[Transfer]] = {}
    for entry in found:
        mine = transfers.setdefault(int(entry["task_id"]), [])
        target = destinations[len(mine)]  # one transfer for each destination, in their order
        mine.append(
            Transfer(
                int(entry["transfer_id"]),
                target,
                from_blob(entry["path"]),
                str(entry["status"]),
                entry["stage"],
                Failure(entry["error_kind"] or "internal", entry["error"]) if entry["error"] else None,
                entry["level"],
            )
        )
    return [
        Parcel(
            int(task["task_id"]),
            int(task["position"]),
            from_blob(task["name"]),
            int(task["size"]),
            int(task["mtime_ns"]),
            int(task["inode"]),
            task["asset_id"],
            task["blake3"],
            json.loads(task["data"]) if task["data"] else {},
            mine := transfers.get(int(task["task_id"]), []),
            decided_before=sum(1 for transfer in mine if transfer.status != "queued"),
        )
        for task in tasks
    ]
