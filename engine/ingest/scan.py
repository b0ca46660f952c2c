"""What is on a source: a walk that follows nothing, enters no other file system, and never changes a byte.

Names are exact. Links and special files are recorded, not followed and not
opened. A folder that cannot be listed is one error; what is in it is unknown,
and the walk goes on.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from engine.errors import NotFound, RushesError
from engine.media.kinds import is_junk
from engine.names import display

_OURS = frozenset({".rushes", ".rushes-volume"})
_OUR_TEMP = re.compile(r"\..+\.[0-9a-f-]{8}\.part", re.DOTALL)


def left_out(relative: str) -> bool:
    """Whether a path below a source is no footage: system rubbish, our own catalogue and temporary files."""
    parts = relative.split("/")
    return is_junk(relative) or not _OURS.isdisjoint(parts) or _OUR_TEMP.fullmatch(parts[-1]) is not None


@dataclass(frozen=True)
class Found:
    """One regular file of a source.

    Attributes:
        path: relative to the source, exact.
        size: bytes.
        mtime_ns: modification time.
        inode: inode number; a hint only.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int


@dataclass
class Listing:
    """The result of a walk.

    Attributes:
        files: regular files in the order of their paths.
        folders: relative paths of folders that hold no file at all, to be made at the destination too.
        ignored: files left out as system rubbish (relative paths).
        links: symbolic links (relative path, target).
        special: sockets, pipes and device nodes (relative paths).
        other_mounts: folders on which another file system is mounted; not entered.
        unreadable: (relative path, sentence) of folders that could not be listed.
    """

    files: list[Found] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    other_mounts: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(found.size for found in self.files)


def scan(
    source: str,
    *,
    is_junk: Callable[[str], bool],
    check: Callable[[], None] | None = None,
    on_folder: Callable[[int], None] | None = None,
) -> Listing:
    """List a source folder, or a single file.

    Args:
        source: absolute path of a folder or a regular file; a link as its last
            part is resolved, because the operator has named it.
        is_junk: decides by relative path what is left out; never asked about the source itself.
        check: called once per folder; raises to stop.
        on_folder: gets the number of files found so far, once per folder.

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
        listing.files.append(Found(os.path.basename(source), facts.st_size, facts.st_mtime_ns, facts.st_ino))
        return listing
    if not stat.S_ISDIR(facts.st_mode):
        raise RushesError(f"{display(source)} is neither a file nor a folder.")
    _walk(source, facts.st_dev, listing, is_junk, check, on_folder)
    if listing.unreadable and listing.unreadable[0][0] == "":
        raise RushesError(listing.unreadable[0][1])
    listing.files.sort(key=lambda found: os.fsencode(found.path).split(b"/"))
    return listing


def _walk(
    source: str,
    device: int,
    listing: Listing,
    is_junk: Callable[[str], bool],
    check: Callable[[], None] | None,
    on_folder: Callable[[int], None] | None,
) -> None:
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        if check is not None:
            check()
        before = len(listing.files)
        entries = 0
        try:
            with os.scandir(os.path.join(source, relative)) as folder:
                for entry in folder:
                    entries += 1
                    path = f"{relative}/{entry.name}" if relative else entry.name
                    if is_junk(path):
                        listing.ignored.extend(_below(entry, path))
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
        if relative and not entries:
            listing.folders.append(relative)
        if on_folder is not None and len(listing.files) != before:
            on_folder(len(listing.files))


def _sort_in(entry: os.DirEntry[str], path: str, device: int, listing: Listing, waiting: list[str]) -> None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # gone between the listing and this look
    except OSError as error:
        listing.unreadable.append((path, f"{display(path)} cannot be looked at: {_why(error)}."))
        return
    if stat.S_ISREG(facts.st_mode):
        listing.files.append(Found(path, facts.st_size, facts.st_mtime_ns, facts.st_ino))
    elif stat.S_ISLNK(facts.st_mode):
        try:
            target = os.readlink(entry.path)
        except OSError:
            target = ""
        listing.links.append((path, target))
    elif not stat.S_ISDIR(facts.st_mode):
        listing.special.append(path)
    elif facts.st_dev != device:
        listing.other_mounts.append(path)
    else:
        waiting.append(path)


def _why(error: OSError) -> str:
    return os.strerror(error.errno or 0)


def _below(entry: os.DirEntry[str], path: str) -> Iterator[str]:
    """The paths that are ignored with an entry: itself, or the files inside when it is a folder."""
    try:
        is_folder = entry.is_dir(follow_symlinks=False)
    except OSError:
        is_folder = False
    if not is_folder:
        yield path
        return
    for top, _, names in os.walk(entry.path, followlinks=False):
        for name in names:
            yield path + os.path.join(top, name)[len(entry.path) :]
