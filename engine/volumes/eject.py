"""Taking a drive off: our jobs rest first; refused while anybody else holds it, never forced, never lazy."""

from __future__ import annotations

import os
import shlex
import subprocess

from sqlite_utils import Database

from engine.errors import Refused, RushesError
from engine.names import display
from engine.volumes import mounts, platforms, pools, store
from engine.volumes.devices import Seen, observe
from engine.volumes.draining import Drained, claiming, drain, is_of_engine, release, running_jobs
from engine.volumes.holders import holders
from engine.volumes.mounts import Mount
from engine.volumes.refresh import refresh
from engine.volumes.store import VolumeRow

UNMOUNT_SECONDS = 300.0
"""What was written but not flushed goes to the drive first: a slow one takes minutes (seconds)."""

POWER_OFF_SECONDS = 20.0
"""Deadline of the power-off of a drive that is unmounted already (seconds)."""

HOLDERS_SHOWN = 5

_flushing: list[subprocess.Popen[bytes]] = []
"""Unmounts that took longer than their deadline; they end by themselves."""


def eject(db: Database, given: str) -> VolumeRow:
    """Let the jobs on a volume rest, flush and unmount it everywhere it shows, and power the drive off.

    Jobs of ours that work on it reach their next checkpoint first, and go on
    when it is back. Waits for them at most :data:`engine.volumes.draining.DRAIN_SECONDS`.

    Returns:
        The volume, offline.

    Raises:
        NotFound: no such volume.
        Refused: it is not mounted, part of the system, or somebody else holds it; nothing was changed,
            and the jobs go on.
        RushesError: it could not be unmounted for want of rights, or is still being flushed.
    """
    volume = store.find(db, given)
    refresh(db)
    volume = store.get(db, volume.volume_id)
    name = display(volume.name)
    if volume.kind == "stand_in":
        raise Refused(f"{name} is a folder that stands in for a volume; there is nothing to unmount.")
    if volume.state != "online":
        raise Refused(f"{name} is {volume.state.replace('_', ' ')}; only a volume that is online is ejected.")
    if volume.volume_class in ("system", "virtual"):
        raise Refused(f"{name} is part of this system and is not ejected.")
    shown, seen, problems = _held(db, volume)
    if problems:
        raise Refused(*(f"{name} was not ejected: {problem}" for problem in problems))
    drained = Drained()
    gone: VolumeRow | None = None
    try:
        _let_go(db, volume, shown, seen, drained)
        for mount in reversed(shown):
            _unmount(name, mount.mount_point)
        refresh(db)
        # Another partition of the disk may be what a job works on: such a one goes on.
        gone = volume if seen is None or not _disk_in_use(seen) else None
        if seen is not None:
            _power_off(seen)
    finally:
        release(db, drained, waits_for=gone)
    if drained.all:
        store.add_event(db, volume.volume_id, "drained", {"jobs": len(drained.all)})
    return store.get(db, volume.volume_id)


def held_by(db: Database, given: str) -> list[str]:
    """Who keeps a volume from being ejected now: sentences, empty when nobody is known to.

    Jobs of ours are none of them: they are let come to rest, see :func:`jobs_on`.
    Without root only one's own processes can be looked into; :func:`eject` itself asks the kernel.

    Raises:
        NotFound: no such volume.
    """
    return _held(db, store.find(db, given))[2]


def jobs_on(db: Database, given: str) -> list[str]:
    """Titles of the jobs that an eject lets come to rest first.

    Raises:
        NotFound: no such volume.
    """
    volume = store.find(db, given)
    seen = observe(mounts.shown(mounts.read(), volume.mounts))
    return [display(job["title"]) for job in claiming(db, volume, seen.queue if seen else None)]


def _held(db: Database, volume: VolumeRow) -> tuple[tuple[Mount, ...], Seen | None, list[str]]:
    table = mounts.read()
    shown = mounts.shown(table, volume.mounts)
    points = [mount.mount_point for mount in shown]
    seen = observe(shown)
    problems = [*_mounts_on_top(table, points), *_pools(db, volume), *_processes(db, points)]
    return shown, seen, problems


def _let_go(
    db: Database, volume: VolumeRow, shown: tuple[Mount, ...], seen: Seen | None, drained: Drained
) -> None:
    """Have every job of ours come to rest that holds the volume.

    Raises:
        Refused: one does not.
    """
    try:
        drain(db, drained, claiming(db, volume, seen.queue if seen else None), claims=True)
        points = [mount.mount_point for mount in shown]
        if any(is_of_engine(db, holder.pid) for holder in holders(points)):
            # An export or a verification names no disk: which of them reads here is not known.
            drain(db, drained, running_jobs(db, drained.all), claims=False)
    except Refused as refused:
        raise Refused(f"{display(volume.name)} was not ejected: {refused}") from refused


def _disk_in_use(seen: Seen) -> bool:
    """Whether something on the same disk is mounted still."""
    if seen.block is None:
        return False
    disk_of = platforms.system().disk_of
    return any(disk_of(mount) == seen.block.disk for mount in mounts.read())


def _mounts_on_top(table: tuple[Mount, ...], points: list[str]) -> list[str]:
    above = [
        mount.mount_point
        for mount in table
        if mount.mount_point not in points
        and any(mounts.is_within(mount.mount_point, point) for point in points)
    ]
    return [f"another volume is mounted at {display(point)}, inside it." for point in above]


def _pools(db: Database, volume: VolumeRow) -> list[str]:
    """A pool goes on without a disk, and writes into the folder that it leaves."""
    return [
        f"{display(name)} at {display(point)} shows its files; unmount that one first."
        for name, point in pools.shown_by(db, volume.volume_id)
    ]


def _processes(db: Database, points: list[str]) -> list[str]:
    found = [
        holder for holder in holders(points) if holder.pid != os.getpid() and not is_of_engine(db, holder.pid)
    ]
    more = len(found) - HOLDERS_SHOWN
    return [f"{holder}." for holder in found[:HOLDERS_SHOWN]] + (
        [f"and {more} more processes hold it."] if more > 0 else []
    )


def _unmount(name: str, point: str) -> None:
    command = platforms.system().unmount(point)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise RushesError(f"{name} was not ejected: there is no {command[0]} command here.") from error
    try:
        _, stderr = child.communicate(timeout=UNMOUNT_SECONDS)
    except subprocess.TimeoutExpired as error:
        # Not killed: it waits for the drive, and waiting for its end would only hang with it.
        _flushing.append(child)
        raise RushesError(
            f"{name} is still being flushed after {UNMOUNT_SECONDS:.0f} s. "
            "Leave it connected until it is offline."
        ) from error
    if child.returncode == 0:
        return
    said = display(os.fsdecode(stderr).strip())
    if os.geteuid() != 0 and "busy" not in said:
        raise RushesError(
            f"{name} was not ejected: this user may not unmount it. "
            f"The administrator's command: sudo {display(shlex.join(command))}"
        )
    busy = [f"{holder}." for holder in holders([point])]
    raise Refused(*(f"{name} was not ejected: {reason}" for reason in busy or [said or "umount failed."]))


def _power_off(seen: Seen) -> None:
    """Power off a drive that can be pulled, once nothing on it is mounted. Pulling is safe without, too."""
    block = seen.block
    if block is None or not block.removable or block.node is None:
        return
    command = platforms.system().power_off(block.node)
    if _disk_in_use(seen) or not command:
        return
    try:
        subprocess.run(
            command,
            capture_output=True,
            timeout=POWER_OFF_SECONDS,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return  # unmounted and flushed: pulling the cable is safe
