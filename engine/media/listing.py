"""A card's listing: what lies where, looked up without regard to letter case.

Cards are FAT, exFAT or UDF: ``clip`` and ``CLIP`` are one folder there, and a
copy on Linux may have either. Names are compared in whole components.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3

from engine.media.filelist import FileList, Listed
from engine.media.kinds import extension_of, is_junk
from engine.names import to_blob

__all__ = [
    "READ_LIMIT",
    "Entry",
    "FileList",
    "Listed",
    "Listing",
    "Reader",
    "join",
    "listing_hash",
    "reader",
    "without_junk",
]

READ_LIMIT = 8 << 20
"""Largest index or sidecar that is read for what it says, in bytes; a real one has some KiB."""

Reader = Callable[[str], bytes | None]
"""Returns the bytes of a small file by its path below the source, or ``None`` when it cannot be had."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A listed file with what grouping asks of it all the time.

    Attributes:
        file: as listed.
        number: its number in the listing, from 1 on.
        folder: path of its folder, folded; ``""`` = the source itself.
        name: file name, folded.
        stem: name without extension, folded.
        extension: without dot, folded.
    """

    file: Listed
    number: int
    folder: str
    name: str
    stem: str
    extension: str

    @property
    def path(self) -> str:
        """The exact path below the source."""
        return self.file.path

    @property
    def title(self) -> str:
        """The exact file name without its extension."""
        return os.path.splitext(os.path.basename(self.file.path))[0]


_AT_HAND = 30_000
"""So many files of the folders asked for last stay in memory: a card of ordinary size is looked up once."""


_BEHIND_DOT = b"/"
"""The byte after the dot, which no name holds: all that begins with a name and a dot comes before it."""


class Listing:
    """All files of a source but the junk, by folder. In memory are only the folders asked for last."""

    def __init__(self, files: FileList | Iterable[Listed]) -> None:
        """``files``: a :class:`FileList` must hold no junk and stay open."""
        self._files = without_junk(files)
        self._folders = self._files.folders()
        self._at_hand: dict[str, list[Entry]] = {}
        self._held = 0

    def __len__(self) -> int:
        """Number of files; no :attr:`Entry.number` is higher."""
        return len(self._files)

    @property
    def entries(self) -> Iterator[Entry]:
        """Every file, folder by folder."""
        return (entry for folder in self.folders() for part in self.parts_of(folder) for entry in part)

    def folders(self) -> Iterator[str]:
        """Every folder, folded, that holds something somewhere below it; the source itself first."""
        return iter(self._folders)

    def has_folder(self, folder: str) -> bool:
        """Whether there is such a folder (folded path)."""
        return folder in self._folders

    def files_in(self, folder: str) -> list[Entry]:
        """The files directly in a folder (folded path), sorted by exact path."""
        found = self._at_hand.pop(folder, None)
        if found is None:
            found = [_entry(number, file, folder) for number, file in self._files.in_folder(folder)]
            found.sort(key=lambda e: e.file.path)
            self._held += len(found)
            while self._held > _AT_HAND and self._at_hand:
                self._held -= len(self._at_hand.pop(next(iter(self._at_hand))))
        self._at_hand[folder] = found  # the last asked for is the last to go
        return found

    def parts_of(self, folder: str) -> Iterator[list[Entry]]:
        """The files directly in a folder (folded path), in parts that fit into memory, each sorted by path.

        A folder of ordinary size is one part. Of a larger one, files with the same name up to its first dot
        are in one part.
        """
        if self._files.count_in(folder) <= _AT_HAND:
            yield self.files_in(folder)
            return
        first: bytes | None = b""
        while first is not None:
            found = self._files.named_between(folder, first, None, _AT_HAND)
            part = [_entry(number, file, folder) for number, file in found]
            if len(part) < _AT_HAND:
                first = None
            else:  # what begins like the last name may go on behind it
                last = _start(part[-1].name)
                cut = next(number for number, entry in enumerate(part) if _start(entry.name) >= last)
                if cut:
                    first = to_blob(part[cut].name)
                    del part[cut:]
                else:
                    end = last + _BEHIND_DOT
                    part, first = self._between(folder, first, end), end
            part.sort(key=lambda e: e.file.path)
            if part:
                yield part

    def alike(self, folder: str, part: list[Entry]) -> list[Entry]:
        """The files of another folder that may have a name up to its first dot with ``part`` in common."""
        if self._files.count_in(folder) <= _AT_HAND:
            return self.files_in(folder)
        starts = [_start(entry.name) for entry in part]
        ends = [start + _BEHIND_DOT for start in starts]  # "a+.mov" comes before "a.mov"
        return self._between(folder, min(starts), max(ends)) if starts else []

    def _between(self, folder: str, first: bytes, end: bytes) -> list[Entry]:
        found = self._files.named_between(folder, first, end)
        return [_entry(number, file, folder) for number, file in found]

    def folders_with(self, *extensions: str) -> list[str]:
        """The folders, folded and sorted, that directly hold a file with one of these extensions."""
        return self._files.folders_with(extensions)

    def folders_in(self, folder: str) -> list[str]:
        """The folders directly in a folder, folded paths, sorted."""
        return self._folders.within(folder)

    def named(self, folder: str, name: str) -> Entry | None:
        """The file of that folded name in that folder."""
        return next((e for e in self.files_in(folder) if e.name == name), None)

    def exact(self, folder: str) -> str:
        """A folded folder path as it is really spelled."""
        return self._folders.exact(folder) or ""


def without_junk(files: FileList | Iterable[Listed]) -> FileList:
    """The files as a list of its own, junk left out; a :class:`FileList` is taken to hold none."""
    if isinstance(files, FileList):
        return files
    return FileList(file for file in files if not is_junk(file.path))


def join(folder: str, name: str) -> str:
    """Join two relative paths of which the first may be empty."""
    return f"{folder}/{name}" if folder else name


def _start(name: str) -> bytes:
    """A folded name up to its first dot, as it is ordered; that of a hidden file up to its second."""
    return to_blob(name[: name.find(".", 1)] if "." in name[1:] else name)


def _entry(number: int, file: Listed, folder: str) -> Entry:
    name = file.path[file.path.rfind("/") + 1 :].casefold()
    extension = sys.intern(extension_of(name))
    dotted = bool(extension) or name.endswith(".")
    stem = name[: name.rindex(".")] if dotted and name.strip(".") else name
    return Entry(file, number, folder, name, stem, extension)


def listing_hash(files: FileList | Iterable[Listed]) -> str:
    """Return the identity of a card's content: BLAKE3 over (path, size, mtime) in order, junk left out.

    Equal for the same card seen again, whatever it is called and wherever it is
    mounted; other as soon as a clip was added. 64 hex digits.
    """
    digest = blake3()
    for file in without_junk(files):
        digest.update(b"%s\0%d\0%d\n" % (to_blob(file.path), file.size, file.mtime_ns))
    return digest.hexdigest()


def reader(root: str) -> Reader:
    """Return a :data:`Reader` for the source at ``root``. Opens nothing but plain files, through no link."""

    def read(relative: str) -> bytes | None:
        parts = relative.split("/")
        if relative.startswith("/") or any(part in {"", ".", ".."} for part in parts):
            return None
        try:
            return _read_below(root, parts)
        except OSError as error:
            if error.errno in {errno.ENOMEM, errno.EMFILE, errno.ENFILE}:
                raise
            return None  # an index that cannot be read tells nothing; the copy will say why

    return read


def _read_below(root: str, parts: list[str]) -> bytes | None:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(part, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(parts[-1], flags, dir_fd=descriptor), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > READ_LIMIT:
                return None
            return file.read(READ_LIMIT)
    finally:
        os.close(descriptor)
