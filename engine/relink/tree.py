"""A volume's files, read through one descriptor of its root, so that an unmount cannot swap the ground.

A path that is looked up by name shows whatever is mounted there at that
moment: after an unmount, the empty folder below. Everything here is opened
relative to a descriptor of the mounted root, which goes on showing the same
file system until it is closed. (While it is open, an ordinary unmount answers
"busy".)
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlite_utils import Database

from engine.errors import NotFound, RushesError, VolumeGone
from engine.media.kinds import JUNK_NAMES, is_junk
from engine.media.rereading import Reread
from engine.names import display
from engine.storage.database import Row, row, rows
from engine.volumes import mounts, places
from engine.volumes.places import Place

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

ERRORS_KEPT = 100
"""Most unreadable folders whose names are kept; the rest are counted."""


@dataclass
class Tally:
    """What a walk has met besides the files it gave out.

    Attributes:
        files: regular files, junk left out.
        links: symbolic links, not followed.
        special: sockets, pipes, devices.
        ignored: files and folders of systems and desktops (see ``engine.media.kinds.is_junk``).
        mounts: folders on which another file system is mounted, not entered.
        unreadable: sentences on folders whose content stays unknown, at most :data:`ERRORS_KEPT`.
        errors: number of such folders.
    """

    files: int = 0
    links: int = 0
    special: int = 0
    ignored: int = 0
    mounts: int = 0
    errors: int = 0
    unreadable: list[str] = field(default_factory=list)

    def failed(self, path: str, error: OSError) -> None:
        """Note a folder that could not be read."""
        self.errors += 1
        if len(self.unreadable) < ERRORS_KEPT:
            self.unreadable.append(
                f"{display(path) or '/'} cannot be read ({error.strerror}); what is in it stays unknown."
            )


class Seen(NamedTuple):
    """One regular file: its folder (relative to the volume's root), its name, its stat."""

    folder: str
    name: str
    stat: os.stat_result

    @property
    def path(self) -> str:
        """Relative to the volume's root."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


Listed = tuple[str, list[tuple[str, os.stat_result]]]
"""A folder, relative to the volume's root, and names and stats of regular files in it."""

AT_ONCE = 4096
"""Most files of one folder that are given at once."""


class Tree:
    """A mounted volume, held open. Use :func:`hold`. One thread."""

    def __init__(self, place: Place, descriptor: int, others: frozenset[str] = frozenset()) -> None:
        """Take an open descriptor of the root; ``others`` are folders that stand in for other volumes."""
        self.place = place
        self.volume_id = place.volume_id
        self.descriptor = descriptor
        self._prefix = place.mount_root.strip("/")
        self._mounted_below = _mounted_below(place.mount_point)
        self._closed = self._mounted_below | others

    def inside(self, path: str) -> str | None:
        """Turn a path relative to the volume's root into one relative to the mount point.

        None when this mount does not show it: a bind mount or subvolume shows a
        part of its file system, and another mount may lie over a folder.
        """
        if self._prefix:
            if path != self._prefix and not path.startswith(self._prefix + "/"):
                return None
            path = path[len(self._prefix) + 1 :]
        if self._closed:
            parts = path.split("/")
            if any("/".join(parts[: n + 1]) in self._closed for n in range(len(parts))):
                return None
        return path

    def outside(self, path: str) -> str:
        """The reverse of :meth:`inside`."""
        return f"{self._prefix}/{path}".rstrip("/") if self._prefix else path

    def unchanged(self) -> bool:
        """Whether the same volume is still mounted there, and the same mounts lie over its folders."""
        if not places.still_there(self.place):
            return False
        if _mounted_below(self.place.mount_point) != self._mounted_below:
            return False
        try:
            held, seen = os.fstat(self.descriptor), os.stat(self.place.mount_point)
        except OSError:
            return False
        # A folder that was removed goes on being held, empty; so does a root that was unmounted lazily.
        return held.st_nlink > 0 and os.path.samestat(held, seen)

    def open_folder(self, path: str) -> int:
        """Open a folder given relative to the volume's root.

        Raises:
            OSError: as ``open`` says; ``FileNotFoundError`` also where this mount does not show it.
        """
        inside = self.inside(path)
        if inside is None:
            raise FileNotFoundError(2, "not shown by this mount", path)
        return os.open(inside or ".", _FOLDER, dir_fd=self.descriptor)

    def open_file(self, path: str) -> int:
        """Open a regular file for reading, given relative to the volume's root; links are refused.

        Raises:
            OSError: as ``open`` says.
        """
        inside = self.inside(path)
        if not inside:
            raise FileNotFoundError(2, "not shown by this mount", path)
        # NONBLOCK: a pipe put where a file was must not hold us for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(inside, flags, dir_fd=self.descriptor)

    def reread(self, path: str, *, ahead: bool = False) -> Reread:
        """Open a regular file to be read in full from below the page cache, as far as that can be reached.

        With ``ahead`` the kernel fetches it from now on.

        Raises:
            OSError: as ``open`` says.
        """
        inside = self.inside(path)
        if not inside:
            raise FileNotFoundError(2, "not shown by this mount", path)
        return Reread(inside, self.place.fs_type, self.place.is_network, dir_fd=self.descriptor, ahead=ahead)

    def stat(self, path: str) -> os.stat_result:
        """Stat a path relative to the volume's root, without following a link at its end.

        Raises:
            OSError: as ``lstat`` says.
        """
        inside = self.inside(path)
        if inside is None:
            raise FileNotFoundError(2, "not shown by this mount", path)
        return os.stat(inside or ".", dir_fd=self.descriptor, follow_symlinks=False)

    def walk(self, start: str, tally: Tally, check: Callable[[], None]) -> Iterator[Seen]:
        """Give every regular file below ``start`` (relative to the volume's root).

        As :meth:`folders`, one file after the other.
        """
        for folder, files in self.folders(start, tally, check):
            for name, facts in files:
                yield Seen(folder, name, facts)

    def folders(self, start: str, tally: Tally, check: Callable[[], None]) -> Iterator[Listed]:
        """Give each folder below ``start`` with its regular files, a long one in parts.

        Iterative, by ``lstat``; links are counted, not followed; other mounts
        are not entered; an unreadable folder is noted and the walk goes on.
        ``check`` is called once per folder and may raise to end the walk.
        """
        waiting = [start]
        while waiting:
            check()
            folder = waiting.pop()
            below: list[str] = []
            try:
                descriptor = self.open_folder(folder)
            except OSError as error:
                tally.failed(folder, error)
                continue
            try:
                yield from self._list(folder, descriptor, tally, below)
            finally:
                os.close(descriptor)
            waiting += reversed(below)

    def _list(self, folder: str, descriptor: int, tally: Tally, below: list[str]) -> Iterator[Listed]:
        files: list[tuple[str, os.stat_result]] = []
        regular = stat.S_ISREG
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    name = entry.name
                    if name.lower() in JUNK_NAMES or (name[0] == "." and is_ignored(name)):
                        tally.ignored += 1
                    elif entry.is_file(follow_symlinks=False):
                        try:
                            facts = entry.stat(follow_symlinks=False)
                        except FileNotFoundError:
                            continue  # gone between listing and stat
                        if regular(facts.st_mode):
                            files.append((name, facts))
                            if len(files) >= AT_ONCE:
                                tally.files += len(files)
                                yield folder, files
                                files = []
                    else:
                        self._pass(entry, folder, tally, below)
        except OSError as error:
            tally.failed(folder, error)
        tally.files += len(files)
        yield folder, files

    def _pass(self, entry: os.DirEntry[str], folder: str, tally: Tally, below: list[str]) -> None:
        """Count what is no file, and note a folder to be entered."""
        if entry.is_symlink():
            tally.links += 1
        elif entry.is_dir(follow_symlinks=False):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if self.inside(path) is None:
                tally.mounts += 1
            else:
                below.append(path)
        else:
            tally.special += 1


@contextmanager
def hold(db: Database, volume_id: str, path: str | None = None) -> Iterator[Tree]:
    """Open a volume for reading and be sure that it is this one.

    Args:
        db: the library's database.
        volume_id: the volume expected.
        path: an absolute path on it that names the mount to use, when the
            volume is mounted at several places; None takes the recorded one.

    Raises:
        NotFound: there is no such volume.
        VolumeGone: it is away, does not answer, or something else is mounted there.
    """
    known = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))
    if known is None:
        raise NotFound(f"There is no volume {display(volume_id)}.")
    place = _root_place(db, known, path)
    try:
        descriptor = os.open(place.mount_point, _FOLDER)
    except OSError as error:
        raise VolumeGone(f"{display(known['name'])} cannot be read: {error.strerror}.") from error
    try:
        # The table is asked after the root was opened: what is held is what was identified.
        if os.fstat(descriptor).st_dev != place.dev or not places.still_there(place):
            raise VolumeGone(f"{display(known['name'])} went away.")
        yield Tree(place, descriptor, _stand_ins_below(db, place))
    finally:
        os.close(descriptor)


def _root_place(db: Database, known: Row, path: str | None) -> Place:
    name = display(known["name"])
    if known["state"] != "online" or known["mount_point"] is None:
        raise VolumeGone(f"{name} is not here ({known['state'].replace('_', ' ')}).")
    at = path or os.fsdecode(known["mount_point"])
    try:
        place = places.place_of(db, at)
    except NotFound as error:
        raise VolumeGone(f"{name} is no longer at {display(at)}.") from error
    if place.volume_id != known["volume_id"]:
        raise VolumeGone(f"{name} is no longer at {display(at)}: another volume is.")
    return place


def _mounted_below(mount_point: str) -> frozenset[str]:
    """Mount points below ``mount_point``, relative to it."""
    root = mount_point.rstrip("/") + "/"
    return frozenset(
        mount.mount_point[len(root) :] for mount in mounts.read() if mount.mount_point.startswith(root)
    )


def _stand_ins_below(db: Database, place: Place) -> frozenset[str]:
    """Folders below this volume's mount point that stand in for volumes of their own, relative to it."""
    root = place.mount_point.rstrip("/") + "/"
    found = rows(
        db,
        "SELECT mount_point FROM volumes WHERE kind = 'stand_in' AND state = 'online' AND volume_id <> ?"
        " AND mount_point IS NOT NULL",
        (place.volume_id,),
    )
    folders = [os.fsdecode(entry["mount_point"]) for entry in found]
    return frozenset(folder[len(root) :] for folder in folders if folder.startswith(root))


def is_ignored(name: str) -> bool:
    """Whether it is junk of a system, our own folder or marker, or a file of ours that is not whole yet."""
    ours = name.startswith(".rushes") or (name.startswith(".") and name.endswith(".part"))
    return ours or is_junk(name)


def named(error: RushesError, descriptor: int, shown: str) -> str:
    """A sentence on a file that was opened by its descriptor, with its name instead of the number."""
    return re.sub(rf"(?<![\w.]){descriptor}(?![\w])", lambda _: shown, str(error), count=1)
