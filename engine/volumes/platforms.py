"""The one place where it is decided which operating system tells us of drives.

Everything above it (identity, rows, events, screens) is the same on all.
What a system cannot tell is None, which is unknown, never "no".
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.volumes.devices import Block
    from engine.volumes.evidence import Evidence
    from engine.volumes.holders import Holder
    from engine.volumes.mounts import Mount


class Poller(Protocol):
    """Waits until the mounts may have changed, or somebody wrote to the pipe that it was given."""

    def poll(self, milliseconds: float) -> object:
        """Wait at most so long; return something true when there is a reason to look."""
        ...

    def close(self) -> None:
        """Give its descriptors back."""
        ...


@dataclass(frozen=True)
class System:
    """What a system is asked.

    Attributes:
        name: ``Linux`` or ``macOS``.
        read_mounts: the mount table; never blocks. Raises OSError.
        poller: given the reading end of a pipe. Raises OSError when there is nothing to wait for.
        device_of: given a mount and what its root answered: the device below, and who it is.
        disk_of: key of the whole disk under a mount, see :class:`engine.volumes.devices.Block`; None: none.
        boot_id: tells this start of the machine from others.
        holders: processes that hold something at or below these paths.
        unmount: the command that takes a mount point off.
        power_off: the command that lets a drive be pulled, given its node; None when there is none.
    """

    name: str
    read_mounts: Callable[[], tuple[Mount, ...]]
    poller: Callable[[int], Poller]
    device_of: Callable[[Mount, dict[str, Any]], tuple[Block | None, Evidence]]
    disk_of: Callable[[Mount], str | None]
    boot_id: Callable[[], str]
    holders: Callable[[Collection[str]], list[Holder]]
    unmount: Callable[[str], list[str]]
    power_off: Callable[[str], list[str]]


@functools.cache
def system() -> System:
    """The system on which this process runs."""
    if sys.platform.startswith("darwin"):
        from engine.volumes import macos

        return macos.SYSTEM
    from engine.volumes import linux

    return linux.SYSTEM
