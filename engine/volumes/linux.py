"""Drives as Linux tells of them: mountinfo, sysfs, udev's database, ``/proc``, ``umount``."""

from __future__ import annotations

import os
import select
import shutil

from engine.volumes import devices, holders, mounts
from engine.volumes.mounts import Mount
from engine.volumes.platforms import System


class MountTablePoller:
    """Waits on the kernel's mount table: it wakes at each change, before ``mount(2)`` returns."""

    def __init__(self, wake: int) -> None:
        """Wait on the table and on the reading end ``wake`` of a pipe.

        Raises:
            OSError: there is no mount table.
        """
        self._table = os.open(mounts.MOUNT_TABLE, os.O_RDONLY | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._table, select.POLLPRI | select.POLLERR)
        self._poll.register(wake, select.POLLIN)

    def poll(self, milliseconds: float) -> object:
        """See :class:`engine.volumes.platforms.Poller`."""
        return self._poll.poll(milliseconds)

    def close(self) -> None:
        """See :class:`engine.volumes.platforms.Poller`."""
        os.close(self._table)


def _disk_of(mount: Mount) -> str | None:
    block = devices.block_of(mount)
    return None if block is None else block.disk


def _power_off(node: str) -> list[str]:
    if shutil.which("udisksctl") is None:
        return []
    return ["udisksctl", "power-off", "--no-user-interaction", "-b", node]


SYSTEM = System(
    name="Linux",
    read_mounts=mounts.read_table,
    poller=MountTablePoller,
    device_of=devices.device_of,
    disk_of=_disk_of,
    boot_id=devices.kernel_boot_id,
    holders=holders.from_proc,
    unmount=lambda point: ["umount", "--", point],
    power_off=_power_off,
)
