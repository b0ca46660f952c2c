"""The two ends of an ingest while it runs: open source and destinations, found by volume identity."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from sqlite_utils import Database

from engine.errors import NotFound, Refused, RushesError, VolumeGone
from engine.ingest.ends import answering
from engine.ingest.ends.folders import Root
from engine.ingest.ends.landing import Original, open_original
from engine.ingest.ends.reach import Reach
from engine.ingest.planning.queue import OrderedDestination, OrderedSource
from engine.jobs.context import JobContext
from engine.names import display
from engine.storage.database import row
from engine.volumes import mounts, places
from engine.volumes.places import Place
from engine.volumes.refresh import refresh

SURE_SECONDS = 3.0
"""How long a share or FUSE mount that is still in the mount table may take to answer who it is."""

AGAIN_SECONDS = 0.25
"""Between two such questions."""


@dataclass
class Destination:
    """One destination of a running ingest.

    Attributes:
        order: what was ordered.
        path: where it is now, absolute; as ordered while it is away.
        place: where that is; None while it is away.
        root: the open folder; None while it is away.
        away: why nothing can be written here now; None when it is there.
        strikes: network errors in a row.
        turn: whether the stage that is at work writes here.
        unlucky: ids of transfers that failed by network errors since the last success.
    """

    order: OrderedDestination
    path: str
    place: Place | None = None
    root: Root | None = None
    away: str | None = None
    strikes: int = 0
    turn: bool = True
    unlucky: list[int] = field(default_factory=list)

    def lose(self, sentence: str) -> None:
        """Give it up for this run: what needs it waits."""
        self.away = sentence
        self.close()

    def check(self) -> None:
        """Make sure that the volume is still the one that was opened; else give it up."""
        if self.place is not None and self.root is not None and not _there(self.place):
            self.lose(
                f"{display(self.order.volume)} went away. What was verified is kept; the rest waits for it."
            )

    def room(self) -> int:
        """Bytes that can still be written here."""
        assert self.root is not None
        facts = os.statvfs(self.root.fd)
        return facts.f_bavail * facts.f_frsize

    def close(self) -> None:
        """Close the folder."""
        if self.root is not None:
            self.root.close()
            self.root = None


@dataclass
class Source:
    """The source of one item of a running ingest.

    Attributes:
        order: what was ordered.
        path: where it is now, absolute.
        folder: the folder that its file names are relative to, on its volume.
        place: where that is.
        root: the open folder.
        reach: how it is asked; everything that touches it goes through that.
    """

    order: OrderedSource
    path: str
    folder: str
    place: Place
    root: Root = field(repr=False)
    reach: Reach = field(repr=False)

    @property
    def base(self) -> str:
        """Absolute path of the folder that file names are relative to."""
        return os.path.dirname(self.path) if self.order.is_file else self.path

    def check(self) -> None:
        """Make sure that the volume is still the one that was opened.

        Raises:
            VolumeGone: it is not.
        """
        if self.reach.lost is not None:
            raise VolumeGone(self.reach.lost)
        if not _there(self.place):
            raise VolumeGone(
                f"{display(self.path)} went away. Everything verified is kept; the rest waits for it."
            )

    def open_file(self, path: str, *, ahead: bool = True) -> Original:
        """Open the regular file at ``path`` below :attr:`base`, as ``open_original`` does.

        Raises:
            OSError: it cannot be opened.
            VolumeGone: the source does not answer.
        """
        *parts, name = path.split("/")
        shown = display(os.path.join(self.base, path))

        def opened() -> Original:
            folder = self.root.folder(tuple(parts), make=False)
            return open_original(folder, name, shown, ahead=ahead, reach=self.reach)

        original = self.reach.ask(opened, undo=lambda late: os.close(late.fd))
        self.reach.hold(original.fd)
        return original

    def close(self) -> None:
        """Close the folder; that of a source that does not answer is closed when it does."""
        self.reach.end(self.root.close)


def reach_of(job: JobContext, path: str, volume_id: str, fs_type: str) -> Reach:
    """How a source at ``path`` is asked, by the file system that it lies on."""
    shown = display(path)
    return Reach(
        shown,
        direct=fs_type in mounts.KERNEL_TYPES,
        check=job.check_now,
        answered=lambda: answering.tell(job.library, job.job_id, volume_id, shown),
    )


def open_source(job: JobContext, order: OrderedSource) -> Source:
    """Find a source on its volume, wherever that is mounted now, and open it.

    Raises:
        VolumeGone: the volume is away, or does not answer.
        RushesError: the volume is here, but the source is not, or cannot be opened.
    """
    db = job.db
    path = _where(db, order.volume_id, order.relative, order.path)
    if path is None:
        raise VolumeGone(
            f"The volume of {display(order.path)} is not mounted or does not answer. The ingest goes on when "
            "it is back."
        )
    base = os.path.dirname(path) if order.is_file else path
    try:
        place = places.place_of(db, base)
        reach = reach_of(job, path, order.volume_id, place.fs_type)
        number = device_number(place, base)
        root = reach.ask(lambda: Root(base, number, make=False), undo=Root.close)
    except (NotFound, FileNotFoundError) as error:
        raise RushesError(f"{display(path)} is no longer there. Nothing more was copied from it.") from error
    except OSError as error:
        raise RushesError(f"{display(base)} cannot be opened: {os.strerror(error.errno or 0)}.") from error
    return Source(order, path, place.path, place, root, reach)


def open_destination(db: Database, order: OrderedDestination, *, make: bool = True) -> Destination:
    """Find a destination on its volume, wherever that is mounted, and open it; ``make`` it if missing.

    Never raises: a destination that is away or refuses says so in ``away``.
    """
    path = _where(db, order.volume_id, order.relative, order.path)
    target = Destination(order, path or order.path)
    if path is None:
        target.away = f"{display(order.volume)} is not mounted or does not answer. What needs it waits."
        return target
    try:
        home = path if os.path.isdir(path) else os.path.dirname(path)
        place = places.place_of(db, home)
        target.root = Root(path, device_number(place, home), make=make)
        target.place = place
    except (VolumeGone, NotFound, Refused) as error:
        target.away = str(error)
    except OSError as error:
        target.away = f"{display(path)} cannot be opened: {os.strerror(error.errno or 0)}."
    return target


def _there(place: Place) -> bool:
    """Whether the same volume is still there. A share that hesitates is asked again."""
    deadline = time.monotonic() + SURE_SECONDS
    while not places.still_there(place):
        if place.fs_type in mounts.KERNEL_TYPES or time.monotonic() > deadline or not _listed(place):
            return False
        time.sleep(AGAIN_SECONDS)
    return True


def _listed(place: Place) -> bool:
    """Whether the mount table still names it; that asks nobody."""
    mount = mounts.locate(mounts.read(), place.mount_point)
    below = place.mounted_at or place.mount_point
    return mount is not None and (mount.mount_point, mount.fs_type) == (below, place.fs_type)


def device_number(place: Place, path: str) -> int:
    """``st_dev`` that everything below ``path`` must have."""
    # Each Btrfs subvolume has a number of its own, below one mount point.
    return os.stat(path).st_dev if place.fs_type == "btrfs" else place.dev


def _where(db: Database, volume_id: str, relative: str, ordered: str) -> str | None:
    """Where a place is now; None while its volume is away.

    The path it was ordered by comes first, as long as the same volume is
    there; then the catalogue's idea of where the volume is mounted, which is
    brought up to date when it does not hold.
    """
    for path in (ordered, _recorded(db, volume_id, relative)):
        if path is not None and _leads_to(db, path, volume_id, relative):
            return path
    refresh(db)
    path = _recorded(db, volume_id, relative)
    return path if path is not None and _leads_to(db, path, volume_id, relative) else None


def _recorded(db: Database, volume_id: str, relative: str) -> str | None:
    volume = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))
    return None if volume is None else places.absolute(volume, relative)


def _leads_to(db: Database, path: str, volume_id: str, relative: str) -> bool:
    """Whether a path is (or will be, when it is made) this place on this volume."""
    exists = True
    try:
        try:
            place = places.place_of(db, path)  # asks with a deadline: the mount may hang
        except NotFound:
            exists = False
            place = places.place_of(db, os.path.dirname(path))
    except RushesError:
        return False
    return (place.volume_id, place.path) == (volume_id, relative if exists else os.path.dirname(relative))
