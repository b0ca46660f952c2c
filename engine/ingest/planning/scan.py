"""What is on a source: a walk that follows nothing, enters no other file system, and never changes a byte.

Names are exact. Links and special files are recorded, not followed and not
opened. A folder that cannot be listed is one error; what is in it is unknown,
and the walk goes on.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from engine.errors import NotFound, RushesError
from engine.media.filelist import FileList
from engine.media.kinds import is_junk
from engine.names import display

T = TypeVar("T")

_OURS = frozenset({".rushes", ".rushes-volume"})
_OUR_TEMP = re.compile(r"\..+\.[0-9a-f-]{8}\.part", re.DOTALL)


def left_out(relative: str) -> bool:
    """Whether a path below a source is no footage: system rubbish, our own catalogue and temporary files."""
    parts = relative.split("/")
    return is_junk(relative) or not _OURS.isdisjoint(parts) or _OUR_TEMP.fullmatch(parts[-1]) is not None


NAMED = 20
"""Of links and special files so many are kept by name; the others are counted."""


@dataclass
class Noted(Generic[T]):
    """Things of which the first are kept, and all are counted.

    Attributes:
        first: at most :data:`NAMED`.
        count: of all.
    """

    first: list[T] = field(default_factory=list)
    count: int = 0

    def add(self, thing: T) -> None:
        """Count one, and keep it if it is among the first."""
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(thing)


@dataclass
class Listing:
    """The result of a walk. In memory is only what is no regular file.

    Attributes:
        files: regular files in the order of their paths.
        ignored: number of files left out as system rubbish.
        links: symbolic links (relative path, target).
        special: sockets, pipes and device nodes (relative paths).
        other_mounts: folders on which another file system is mounted; not entered.
        unreadable: (relative path, sentence) of folders that could not be listed.
    """

    files: FileList = field(default_factory=FileList)
    ignored: int = 0
    links: Noted[tuple[str, str]] = field(default_factory=Noted)
    special: Noted[str] = field(default_factory=Noted)
    other_mounts: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self.files.size

    def close(self) -> None:
        """Give back what the files were kept in."""
        self.files.close()


def scan(
    source: str,
    *,
    is_junk: Callable[[str], bool],
    check: Callable[[], None] | None = None,
    on_files: Callable[[int], None] | None = None,
) -> Listing:
    """List a source folder, or a single file.

    Args:
        source: absolute path of a folder or a regular file; a link as its last
            part is resolved, because the operator has named it.
        is_junk: decides by relative path what is left out; never asked about the source itself.
        check: called for each folder and each entry; raises to stop.
        on_files: gets the number of files found since the last time, once per folder.

    Raises:
        NotFound: there is no such file or folder.
        RushesError: the source itself cannot be listed, or is neither file nor folder.
    """
    try:
        facts = os.stat(source)
    except FileNotFoundError as error:
        raise NotFound(f"{display(source)} does not exist.") from error
    except OSError as error:
        raise RushesError(f"{display(source)} cannot be looked at: {_why(error)}.") from error
    listing = Listing()
    if stat.S_ISREG(facts.st_mode):
        listing.files.add(os.path.basename(source), facts.st_size, facts.st_mtime_ns, facts.st_ino)
        return listing
    if not stat.S_ISDIR(facts.st_mode):
        raise RushesError(f"{display(source)} is neither a file nor a folder.")
    _walk(source, facts.st_dev, listing, is_junk, check or _go_on, on_files)
    if listing.unreadable and listing.unreadable[0][0] == "":
        raise RushesError(listing.unreadable[0][1])
    return listing


def _go_on() -> None:
    """Nobody wants to stop."""


def _walk(
    source: str,
    device: int,
    listing: Listing,
    is_junk: Callable[[str], bool],
    check: Callable[[], None],
    on_files: Callable[[int], None] | None,
) -> None:
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        check()
        before = len(listing.files)
        try:
            with os.scandir(os.path.join(source, relative)) as folder:
                for entry in folder:
                    check()  # a folder may hold a million
                    path = f"{relative}/{entry.name}" if relative else entry.name
                    if is_junk(path):
                        listing.ignored += _files_below(entry)
                    else:
                        _sort_in(entry, path, device, listing, waiting)
        except OSError as error:
            shown = display(os.path.join(source, relative)) if relative else display(source)
            listing.unreadable.append(
                (
                    relative,
                    f"{shown} cannot be listed: {_why(error)}. What is in it is unknown.",
                )
            )
        if on_files is not None and len(listing.files) != before:
            on_files(len(listing.files) - before)


def _sort_in(entry: os.DirEntry[str], path: str, device: int, listing: Listing, waiting: list[str]) -> None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # gone between the listing and this look
    except OSError as error:
        listing.unreadable.append((path, f"{display(path)} cannot be looked at: {_why(error)}."))
        return
    if stat.S_ISREG(facts.st_mode):
        listing.files.add(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)
    elif stat.S_ISLNK(facts.st_mode):
        try:
            target = os.readlink(entry.path)
        except OSError:
            target = ""
        listing.links.add((path, target))
    elif not stat.S_ISDIR(facts.st_mode):
        listing.special.add(path)
    elif facts.st_dev != device:
        listing.other_mounts.append(path)
    else:
        waiting.append(path)


def _why(error: OSError) -> str:
    return os.strerror(error.errno or 0)


def _files_below(entry: os.DirEntry[str]) -> int:
    """How many files are ignored with an entry: itself, or those inside when it is a folder."""
    try:
        is_folder = entry.is_dir(follow_symlinks=False)
    except OSError:
        is_folder = False
    if not is_folder:
        return 1
    return sum(len(names) for _, _, names in os.walk(entry.path, followlinks=False))
