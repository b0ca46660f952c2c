"""What happens by itself when a volume comes online: a sweep of a known one, a look through a new one."""

from __future__ import annotations

from engine import names
from engine.library import Library
from engine.relink import returning, targets
from engine.relink.job import queue_scan
from engine.relink.sweep import queue_sweep
from engine.storage import config
from engine.storage.database import row, scalar

UNSEARCHED = ("system", "virtual", "card")
"""Classes of volumes that are not looked through by themselves.

A card is emptied and reused: a lost file is not to be tied to it. The others hold nobody's footage.
"""


def on_volume_online(library: Library, volume_id: str) -> list[str]:
    """Queue what should happen now that this volume can be reached; return the ids of the jobs queued.

    A volume that holds known copies, or held some that were linked elsewhere, or is tracked,
    gets a sweep. While copies are lost, it is then looked through for them, whether it was
    known or not: anybody may have copied footage to it. The setting ``relink.policy`` decides
    what follows: ``certain`` applies what is proven, ``ask`` only proposes, ``off`` sweeps and
    searches nothing.
    Cheap: some queries and at most two jobs; safe to call twice.

    Raises:
        NotFound: there is no such volume.
        VolumeGone: it went away again.
    """
    db = library.db()
    policy = relink_policy()
    volume = row(
        db,
        "SELECT name, class, state, mount_point, tracked_at FROM volumes WHERE volume_id = ?",
        (volume_id,),
    )
    holds_copies = scalar(
        db, "SELECT 1 FROM copies WHERE volume_id = ? LIMIT 1", (volume_id,)
    ) or returning.awaited(db, volume_id)
    queued: list[str] = []
    if volume is None or holds_copies or volume["tracked_at"] is not None:
        queued = [queue_sweep(library, volume_id, moves=moves())]
    if volume is None or policy == "off":
        return queued
    if volume["state"] != "online" or volume["class"] in UNSEARCHED:
        return queued
    if not targets.is_any(db) or _is_queued(library, volume_id):
        return queued
    _, job_id = queue_scan(
        library,
        names.from_blob(volume["mount_point"]),
        auto_apply=policy == "certain",
        min_confidence=1.0,
        origin="mount",
    )
    return [*queued, job_id]


def relink_policy() -> str:
    """The setting ``relink.policy``: ``off``, ``ask`` or ``certain``."""
    settings = config.open_config()
    try:
        return str(config.get(settings, "relink.policy"))
    finally:
        settings.close()


def moves() -> str:
    """What a sweep does about files that moved within their volume: ``apply``, ``propose`` or ``ignore``."""
    return {"certain": "apply", "ask": "propose"}.get(relink_policy(), "ignore")


def _is_queued(library: Library, volume_id: str) -> bool:
    """Whether a look through this volume waits or runs already."""
    found = scalar(
        library.db(),
        "SELECT 1 FROM jobs WHERE kind = 'relink_scan' AND status IN ('pending', 'running')"
        " AND params ->> 'volume_id' = ? AND params ->> 'origin' = 'mount'",
        (volume_id,),
    )
    return found is not None
