"""Volumes: list, look into, track, rename, eject, measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from engine.api import jobs
from engine.api.views.happened import told
from engine.errors import Refused, RushesError
from engine.jobs.store import Job
from engine.library import Library
from engine.names import display, json_name
from engine.relink import offers
from engine.storage import audit
from engine.supervisor import process
from engine.volumes import facts, monitor, pools, settling, store
from engine.volumes.conflicts import open_conflicts
from engine.volumes.store import VolumeRow


def describe(volume: VolumeRow) -> dict[str, Any]:
    """One entry of the document of ``volumes list``. Facts of an offline volume are the last known ones."""
    held = asdict(volume)
    for taken in ("mount_point", "mount_root", "mounts", "size_bytes", "free_bytes", "volume_class"):
        del held[taken]
    return {
        "volume_id": volume.volume_id,
        "name": volume.name,
        **json_name("mount_point", volume.mount_point),
        "state": volume.state,
        "class": volume.volume_class,
        "size": volume.size_bytes,
        "free": volume.free_bytes,
        "low_space": volume.low_space,
        **{key: value for key, value in held.items() if key not in ("volume_id", "name", "state")},
    }


def list_volumes(library: Library, *, everything: bool = False) -> list[dict[str, Any]]:
    """The document of ``volumes list``; ``everything`` adds system and virtual file systems."""
    return [describe(volume) for volume in store.list_volumes(library.db(), everything)]


def show(library: Library, given: str) -> dict[str, Any]:
    """One volume: evidence, mounts, and the history of its device with its jobs; the newest last.

    ``shows_files_of``: names of the volumes whose files it shows, as a pool does: one file counts once.
    Empty: it does not say; None: it shows its own.
    ``other_disk``: it came back on another disk, in another enclosure or as a clone; see :func:`set_apart`.

    Raises:
        NotFound: no volume has this id, name or mount point.
    """
    db = library.db()
    volume = store.find(db, given)
    count, folder = offers.waiting(db, volume.volume_id)
    return {
        **describe(volume),
        "device": facts.hardware(db, volume.device_id),
        "mounts": [
            {
                **json_name("mount_point", mount.mount_point),
                **json_name("root", mount.root),
                **json_name("source", mount.source),
                "fs_type": mount.fs_type,
                "options": [display(option) for option in facts.options(mount)],
            }
            for mount in facts.mounted(volume.mounts)
        ],
        "shows_files_of": pools.shown_names(db, volume.volume_id),
        "new_files": count,
        "new_files_in": folder,
        "other_disk": settling.came_from(db, volume.volume_id) is not None,
        "history": history(library, volume.volume_id),
    }


def history(library: Library, given: str, limit: int = 200) -> list[dict[str, Any]]:
    """What happened to the device under a volume: mounts, ingests and other jobs, errors; the newest last.

    Args:
        library: the catalogue that is asked.
        given: a volume's id, name or mount point; other volumes of its device belong to the story.
        limit: most entries; the newest are kept.

    Raises:
        NotFound: no volume has this id, name or mount point.
    """
    db = library.db()
    volume_id = store.find_id(db, given)
    told_of: list[dict[str, Any]] = [
        {
            "at": change.at,
            "volume": change.name,
            "event": change.kind,
            "detail": dict(change.detail),
            "text": told(change.kind, change.detail),
        }
        for change in store.history(db, volume_id, limit)
    ]
    told_of += [
        {
            "at": job["at"],
            "volume": job["volume"],
            "event": f"{job['kind'].replace('_', ' ')} {job['status'].replace('_', ' ')}",
            "detail": {key: job[key] for key in ("job_id", "title", "error") if job[key] is not None},
            "text": f"{job['kind']} {job['status']}: ".replace("_", " ")
            + display(job["title"])
            + (f" ({display(job['error'])})" if job["error"] else ""),
        }
        for job in store.jobs_of(db, volume_id, limit)
    ]
    told_of.sort(key=lambda entry: str(entry["at"]))
    return told_of[-limit:]


def low_space(library: Library) -> list[dict[str, Any]]:
    """Volumes that are here and low on space now, the fullest first; entries as in ``volumes list``.

    The limits are the settings ``volumes.low_percent`` and ``volumes.low_gigabytes``; the
    history of a volume holds when it fell below them.
    """
    found = [volume for volume in store.list_volumes(library.db()) if volume.low_space]
    return [describe(volume) for volume in sorted(found, key=lambda volume: volume.free_bytes or 0)]


def conflicts(library: Library) -> list[dict[str, Any]]:
    """Identities that several claim: ``claims[]`` (where), ``volumes[]`` (which it may be), ``reasons[]``.

    Each claim is decided with :func:`settle` by one of the volumes and the claim's mount point.
    """
    return [
        {
            "since": conflict.since,
            "reasons": list(conflict.reasons),
            "can_settle": conflict.can_settle,
            "claims": [
                {**json_name("mount_point", claim.mount_point), "volume_id": claim.volume_id}
                for claim in conflict.claims
            ],
            "volumes": [describe(volume) for volume in conflict.volumes],
        }
        for conflict in open_conflicts(library.db())
    ]


def track(library: Library, given: str, name: str | None = None) -> dict[str, Any]:
    """Keep watch over a mounted volume; refused when it is tracked already."""
    return _audited(library, "track", store.track(library.db(), given, name))


def untrack(library: Library, given: str) -> dict[str, Any]:
    """Stop watching; its records stay, no file is touched. Not tracked is not found."""
    return _audited(library, "untrack", store.untrack(library.db(), given))


def rename(library: Library, given: str, name: str) -> dict[str, Any]:
    """Change our name for a volume; the drive's label stays."""
    return _audited(library, "rename", store.rename(library.db(), given, name))


def favourite(library: Library, given: str, *, on: bool) -> dict[str, Any]:
    """Mark or unmark a volume as a favourite."""
    return _audited(library, "favourite", store.set_favourite(library.db(), given, on))


def colour(library: Library, given: str, wanted: str | None) -> dict[str, Any]:
    """Give a volume a colour of :data:`engine.volumes.store.COLOURS`, or none."""
    return _audited(library, "colour", store.set_colour(library.db(), given, wanted))


def eject(library: Library, given: str) -> dict[str, Any]:
    """Let the jobs on a volume rest, flush and unmount it; they go on when it is back. Blocks until then.

    Raises:
        Refused: somebody else holds it (who is said), or a job of ours reaches no checkpoint. Never
            forced, never lazy.
    """
    from engine.volumes import eject as _eject

    return _audited(library, "eject", _eject.eject(library.db(), given))


def held_by(library: Library, given: str) -> list[str]:
    """Who but our jobs keeps a volume from being ejected now: sentences, empty when nobody is known to."""
    from engine.volumes import eject as _eject

    return _eject.held_by(library.db(), given)


def jobs_on(library: Library, given: str) -> list[str]:
    """Titles of the jobs that work on a volume, or wait to: :func:`eject` lets them come to rest first."""
    from engine.volumes import eject as _eject

    return _eject.jobs_on(library.db(), given)


def settle(library: Library, given: str, mount_point: str) -> dict[str, Any]:
    """Decide a conflict: what is mounted at ``mount_point`` is this volume; the other one is another.

    Raises:
        NotFound: no such volume, or nothing in conflict is mounted there.
    """
    db = library.db()
    volume = settling.settle(db, given, mount_point)
    monitor.refresh(db)
    return _audited(library, "settle", store.get(db, volume.volume_id))


def set_apart(library: Library, mount_point: str, name: str | None = None) -> dict[str, Any]:
    """Say that what is mounted there is a drive of its own, a clone: it becomes a volume; the other is away.

    Raises:
        NotFound: no volume is mounted there.
        Refused: the volume there is on the disk on which it was all the time.
    """
    db = library.db()
    volume = settling.set_apart(db, mount_point, name)
    monitor.refresh(db)
    return _audited(library, "apart", store.get(db, volume.volume_id))


def unsettle(library: Library, given: str) -> dict[str, Any]:
    """Take back what :func:`settle` said of a volume, or of one that it was told from: it is asked again.

    Raises:
        NotFound: no such volume, or nothing was said of it.
        Refused: files were entered on one of them since.
    """
    db = library.db()
    volume = settling.unsettle(db, given)
    monitor.refresh(db)
    return _audited(library, "unsettle", store.get(db, volume.volume_id))


def mark(library: Library, given: str) -> dict[str, Any]:
    """Write a marker file to a volume, after a question, to tell it from its clones. Never on cards."""
    from engine.volumes import marking

    return _audited(library, "mark", marking.mark(library.db(), given))


def sweep(library: Library, given: str, on_change: Callable[[Job], None] | None = None) -> dict[str, Any]:
    """Compare what is recorded of a volume with what is there, as a job, and wait for it.

    Missing is said only after a complete look at the identified volume; what
    was renamed or moved within it is followed by the policy ``relink.policy``.

    Raises:
        NotFound: there is no such volume.
        Refused: it is away. One that goes away meanwhile lets the job wait for it.
    """
    job = jobs.follow(library, queue_sweep(library, given), on_change)
    return {
        **(job.result or {}),
        "job_id": job.job_id,
        "status": job.status,
        "error": job.error,
        "message": job.message if job.status == "paused" else None,
    }


def queue_sweep(library: Library, given: str) -> str:
    """Queue a sweep and return the job's id; one that waits already is not doubled. See :func:`sweep`.

    Raises:
        NotFound: there is no such volume.
        Refused: it is away, does not answer, or is in conflict.
    """
    from engine.relink import auto
    from engine.relink import sweep as _sweep

    volume = store.find(library.db(), given)
    if volume.state != "online":
        raise Refused(
            f"{display(volume.name)} is {volume.state.replace('_', ' ')}; a volume is looked through while it"
            " is there. Nothing was marked missing."
        )
    process.ensure(library)
    return _sweep.queue_sweep(library, volume.volume_id, moves=auto.moves())


def measure(library: Library, given: str, on_change: Callable[[Job], None] | None = None) -> dict[str, Any]:
    """Measure how fast a volume writes and reads, as a job, and wait for it.

    The file that is written is our own and is removed again.

    Raises:
        Refused: a read-only volume or a card.
        RushesError: the measurement failed.
    """
    job = jobs.follow(library, queue_measure(library, given), on_change)
    if job.status != "completed":
        raise RushesError(job.error or f"The measurement is {job.status}.")
    return {**_audited(library, "speed", store.find(library.db(), given)), **(job.result or {})}


def queue_measure(library: Library, given: str) -> str:
    """Queue a measurement of a volume's speed and return the job's id; see :func:`measure`.

    Raises:
        Refused: it is away, read-only, a card, or has no room for the test.
    """
    from engine.volumes import speed

    process.ensure(library)
    return speed.queue(library.db(), given)


def _audited(library: Library, verb: str, volume: VolumeRow) -> dict[str, Any]:
    audit.record(library.db(), f"volumes {verb}", target=f"{volume.name} {volume.volume_id}")
    return describe(volume)
