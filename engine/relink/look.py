"""Comparing what is known of a volume with what lies on it, by stat alone. Nothing is written here.

Only the folders that hold known copies are listed, each once. What is gone
from them is searched on the whole volume by inode, size and mtime.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from engine.media.hashing import fast_hash
from engine.media.kinds import is_media
from engine.relink.offers import Fresh
from engine.relink.tree import Seen, Tally, Tree, is_ignored

GRANULARITY_NS: dict[str, int] = {
    "vfat": 2_000_000_000,
    "msdos": 2_000_000_000,
    "exfat": 10_000_000,
    "fuse.exfat": 1_000_000_000,
    "hfs": 1_000_000_000,
    "hfsplus": 1_000_000_000,
    "udf": 1_000,
    "fuseblk": 1_000_000_000,
    "ntfs": 100,
    "ntfs3": 100,
    "cifs": 100,
    "smb3": 100,
}
"""Coarsest step of a modification time per file system type, in nanoseconds; 1 for those not listed.

``fuseblk`` is NTFS or exFAT behind FUSE; the exFAT one keeps whole seconds.
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A copy as the catalogue has it. ``fast_hash`` is None when none of the current scheme is on record."""

    copy_id: int
    path: str
    state: str
    size: int
    mtime_ns: int
    inode: int | None
    fast_hash: str | None


@dataclass
class Findings:
    """What a look has found. Every known copy is in exactly one of the lists, or counted in ``same``.

    Attributes:
        same: present, and as recorded.
        back: was missing, is here again, as recorded.
        renumbered: as recorded, under another inode number (restored, or a file system without stable ones).
        changed: the file at this path has another size or mtime.
        gone: the folder was read without error and the file is not in it.
        unknown: the folder could not be read, or this mount does not show it: nothing is said of these.
        moved: was gone, and found elsewhere on the volume.
        new: regular files in the folders looked through that no copy knows.
        files: regular files seen.
        fresh: those new ones that are media by their names, by path.
        tally: links, junk, unreadable folders.
    """

    same: int = 0
    back: list[tuple[Known, os.stat_result]] = field(default_factory=list)
    renumbered: list[tuple[Known, os.stat_result]] = field(default_factory=list)
    changed: list[tuple[Known, os.stat_result]] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    unknown: list[Known] = field(default_factory=list)
    moved: list[tuple[Known, Seen]] = field(default_factory=list)
    new: int = 0
    files: int = 0
    fresh: dict[str, Fresh] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def unlike(self) -> list[int]:
        """Ids of the copies that were present and are not where, or what, they were."""
        gone = [copy for copy in self.gone if copy.state == "present"]
        gone += [copy for copy, _ in self.moved if copy.state == "present"]
        gone += [copy for copy, facts in self.changed if facts.st_size != copy.size]
        return [copy.copy_id for copy in gone]


def same_time(first_ns: int, second_ns: int, fs_type: str) -> bool:
    """Whether two modification times are equal as far as this file system can tell."""
    return abs(first_ns - second_ns) < GRANULARITY_NS.get(fs_type, 1)


class Look:
    """One look at one volume. Used by one thread."""

    def __init__(self, tree: Tree, known: Iterable[Known], check: Callable[[], None]) -> None:
        """Prepare a look at ``tree`` for all its ``known`` copies; ``check`` is called once per folder."""
        self.tree = tree
        self.findings = Findings()
        self._check = check
        self._fs_type = tree.place.fs_type
        self._folders: dict[str, dict[str, Known]] = defaultdict(dict)
        self._by_inode: dict[int, list[Known]] = defaultdict(list)
        self.paths: set[str] = set()
        self._strangers: list[Seen] = []
        self.total = 0
        for copy in known:
            folder, _, name = copy.path.rpartition("/")
            self._folders[folder][name] = copy
            self.paths.add(copy.path)
            self.total += 1
            if copy.inode is not None:
                self._by_inode[copy.inode].append(copy)

    def list_folders(
        self,
        progress: Callable[[int], None],
        marked: Collection[str] = (),
        mark: Callable[[str], None] | None = None,
    ) -> None:
        """List every folder that holds known copies and sort them.

        Args:
            progress: gets the copies looked at so far.
            marked: folders that are known to be as recorded, from a look that was cut off.
            mark: gets each folder that holds exactly what is recorded.
        """
        done = 0
        for folder, wanted in self._folders.items():
            self._check()
            if folder in marked:
                self.findings.same += len(wanted)
            else:
                before = self._told()
                self._list(folder, wanted)
                if mark is not None and self._told() == before:
                    mark(folder)
            done += len(wanted)
            progress(done)
        self._settle_exchanged()

    def _told(self) -> tuple[int, ...]:
        """How much there is to tell so far, apart from what is as recorded."""
        found = self.findings
        lists = (found.back, found.renumbered, found.changed, found.gone, found.unknown, self._strangers)
        return (*(len(each) for each in lists), found.new, found.tally.errors)

    def _list(self, folder: str, wanted: dict[str, Known]) -> None:
        findings = self.findings
        left = dict(wanted)
        if self.tree.inside(folder) is None:
            findings.unknown += left.values()
            return
        try:
            descriptor = self.tree.open_folder(folder)
        except (FileNotFoundError, NotADirectoryError):
            findings.gone += left.values()
            return
        except OSError as error:
            findings.tally.failed(folder, error)
            findings.unknown += left.values()
            return
        try:
            self._read(folder, descriptor, left)
            # A file system may spell a name in another Unicode form than it was given.
            for copy in list(left.values()):
                self._look_up(descriptor, copy, left)
            findings.gone += left.values()
        except OSError as error:
            findings.tally.failed(folder, error)
            findings.unknown += left.values()
        finally:
            os.close(descriptor)

    def _read(self, folder: str, descriptor: int, left: dict[str, Known]) -> None:
        by_inode = self._by_inode
        with os.scandir(descriptor) as entries:
            for entry in entries:
                copy = left.get(entry.name)
                if copy is None:
                    if entry.is_file(follow_symlinks=False) and not is_ignored(entry.name):
                        self.findings.files += 1
                        self.findings.new += 1
                        if is_media(entry.name):
                            self._offer(Seen(folder, entry.name, entry.stat(follow_symlinks=False)))
                        if entry.inode() in by_inode:
                            self._strangers.append(
                                Seen(folder, entry.name, entry.stat(follow_symlinks=False))
                            )
                    continue
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode):
                    del left[entry.name]
                    self.findings.files += 1
                    self._sort(copy, facts)

    def _look_up(self, descriptor: int, copy: Known, left: dict[str, Known]) -> None:
        name = copy.path.rpartition("/")[2]
        try:
            facts = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISREG(facts.st_mode):
            del left[name]
            self.findings.new = max(0, self.findings.new - 1)
            self._sort(copy, facts)

    def _sort(self, copy: Known, facts: os.stat_result) -> None:
        findings = self.findings
        if facts.st_size != copy.size or not same_time(facts.st_mtime_ns, copy.mtime_ns, self._fs_type):
            findings.changed.append((copy, facts))
        elif copy.state == "missing":
            findings.back.append((copy, facts))
        elif copy.inode is not None and facts.st_ino != copy.inode:
            findings.renumbered.append((copy, facts))
        else:
            findings.same += 1

    def _settle_exchanged(self) -> None:
        """A changed file that is exactly another known copy's file: names were exchanged or shifted."""
        changed = self.findings.changed
        self.findings.changed = []
        for copy, facts in changed:
            if self._owner(facts, besides=copy.copy_id) is None:
                self.findings.changed.append((copy, facts))
                continue
            folder, _, name = copy.path.rpartition("/")
            self._strangers.append(Seen(folder, name, facts))
            self.findings.gone.append(copy)

    def _owner(self, facts: os.stat_result, besides: int | None = None) -> Known | None:
        """The known copy whose file this is, by inode, size and mtime."""
        for copy in self._by_inode.get(facts.st_ino, ()):
            if (
                copy.copy_id != besides
                and copy.size == facts.st_size
                and same_time(copy.mtime_ns, facts.st_mtime_ns, self._fs_type)
            ):
                return copy
        return None

    def find_moved(self, scope: str, progress: Callable[[int], None]) -> None:
        """Search what is gone below ``scope`` (a folder relative to the volume's root).

        Found is a file with the inode, size and mtime of a copy that is gone,
        confirmed by the fast hash on record. A copy without one stays gone:
        inode numbers are reused.
        """
        gone = {copy.copy_id: copy for copy in self.findings.gone}
        for seen in self._strangers:
            self._take(seen, gone, exchanged=seen.path in self.paths)
        wanted = {copy.inode for copy in gone.values() if copy.inode is not None and copy.fast_hash}
        if wanted:
            tally = self.findings.tally
            for count, seen in enumerate(self.tree.walk(scope, tally, self._check)):
                if seen.stat.st_ino in wanted:
                    self._take(seen, gone)
                if not count % 1000:
                    progress(count)
                if not gone:
                    break
        self.findings.gone = list(gone.values())

    def _take(self, seen: Seen, gone: dict[int, Known], *, exchanged: bool = False) -> None:
        copy = self._owner(seen.stat)
        if copy is None or copy.copy_id not in gone or (seen.path in self.paths and not exchanged):
            return
        if copy.fast_hash is None or read_fast(self.tree, seen.path, seen.stat) != copy.fast_hash:
            return
        del gone[copy.copy_id]
        self.findings.fresh.pop(seen.path, None)
        self.findings.moved.append((copy, seen))
        self.findings.new = max(0, self.findings.new - 1)

    def find_new(self, scope: str, progress: Callable[[int], None]) -> None:
        """Look for media also in folders below ``scope`` in which nothing is known."""
        held = {seen.path for _, seen in self.findings.moved}
        tally = Tally()
        for count, seen in enumerate(self.tree.walk(scope, tally, self._check)):
            if not count % 1000:
                progress(count)
            if seen.folder in self._folders or seen.path in self.paths or seen.path in held:
                continue
            self.findings.files += 1
            self.findings.new += 1
            if is_media(seen.name):
                self._offer(seen)
        known = set(self.findings.tally.unreadable)
        self.findings.tally.errors += tally.errors
        self.findings.tally.unreadable += [text for text in tally.unreadable if text not in known]

    def _offer(self, seen: Seen) -> None:
        facts = seen.stat
        self.findings.fresh[seen.path] = Fresh(seen.path, facts.st_size, facts.st_mtime_ns)

    def confirm_gone(self) -> None:
        """Look once more at each path that is gone, now that everything else has been read."""
        still: list[Known] = []
        folders: dict[str, bool] = {}
        for copy in self.findings.gone:
            folder = copy.path.rpartition("/")[0]
            if folder not in folders:
                self._check()
                folders[folder] = self._has_left(folder)
            if folders[folder]:
                still.append(copy)
                continue
            try:
                facts = self.tree.stat(copy.path)
            except (FileNotFoundError, NotADirectoryError):
                still.append(copy)
                continue
            except OSError:
                self.findings.unknown.append(copy)
                continue
            if not stat.S_ISREG(facts.st_mode) or self._owner(facts, besides=copy.copy_id):
                still.append(copy)
            else:
                self._sort(copy, facts)
        self.findings.gone = still

    def _has_left(self, folder: str) -> bool:
        """Whether there is no such folder any more, and so no file in it."""
        try:
            self.tree.stat(folder)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            pass  # each file says so itself
        return False

    def doubt_gone(self, why: str) -> None:
        """Say nothing of what is gone after all: ``why`` goes to the warnings."""
        self.findings.unknown += self.findings.gone
        self.findings.gone = []
        self.findings.tally.errors += 1
        self.findings.tally.unreadable.append(
            f"{why}. Nothing was marked missing; what is away stays unknown."
        )


def read_fast(tree: Tree, path: str, facts: os.stat_result) -> str | None:
    """Fast hash of a file on a held volume; None when it cannot be read or changed while it was."""
    try:
        descriptor = tree.open_file(path)
    except OSError:
        return None
    try:
        value = fast_hash(descriptor, facts.st_size)
        now = os.fstat(descriptor)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    same = (now.st_size, now.st_mtime_ns, now.st_ino) == (facts.st_size, facts.st_mtime_ns, facts.st_ino)
    return value if same else None
