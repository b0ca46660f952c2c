"""How an ingest works its devices, by what its ends are: local or network storage; unknown is network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Gait:
    """One way of working.

    Attributes:
        name: ``local`` or ``network``.
        files, folders, size: what a bundle of small files may hold; each file and folder is held open, and a
            pause waits for the bundle in hand. ``size`` in bytes.
        together: files of a bundle, see :mod:`engine.ingest.carrying.bundle`; only a few are held open.
        buffers: MiB in the pool of one large file: a slow destination can lag so far behind a fast one.
        ahead: whether the small files of a bundle are fetched all at once; else one after the other.
        pause: seconds between two bundles, in which others have the share to themselves.
    """

    name: str
    files: int
    folders: int
    size: int
    buffers: int
    ahead: bool
    pause: float
    together: int = 0


LOCAL = Gait("local", 128, 32, 64 << 20, 48, ahead=True, pause=0.0, together=512)

NETWORK = Gait("network", 32, 16, 32 << 20, 64, ahead=False, pause=0.05)
"""Fewer files at a time, nothing side by side, a larger buffer over which a share may hesitate."""


OPEN_FILES = 512
"""Files that bundles may hold open together, at the source (two bundles) and at every destination: systems
let a process open 1024."""

OPEN_FOLDERS = 192
"""Folders of one bundle that may be open at the source and at all destinations; three bundles are in hand."""


def gait_of(are_network: Iterable[bool | None]) -> Gait:
    """The gait for a source and its destinations; the slowest of them decides.

    Args:
        are_network: for the source and each destination whether it is network storage; None is not known.
    """
    ends = list(are_network)
    gait = LOCAL if all(one is False for one in ends) else NETWORK
    files = min(gait.files, OPEN_FILES // (1 + len(ends)))
    folders = min(gait.folders, OPEN_FOLDERS // (1 + len(ends)))
    few = files == gait.files and folders == gait.folders
    return gait if few else replace(gait, files=files, folders=max(1, folders))
