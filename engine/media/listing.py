"""A card's listing: what lies where, looked up without regard to letter case.

Cards are FAT, exFAT or UDF: ``clip`` and ``CLIP`` are one folder there, and a
copy on Linux may have either. Names are compared in whole components.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3

from engine.media.kinds import extension_of, is_junk

READ_LIMIT = 8 << 20
"""Largest index or sidecar that is read for what it says, in bytes; a real one has some KiB."""

Reader = Callable[[str], bytes | None]
"""Returns the bytes of a small file by its path below the source, or ``None`` when it cannot be had."""


@dataclass(frozen=True)
class Listed:
    """One file of a source.

    Attributes:
        path: below the source, ``/`` between components, the exact name.
        size: bytes.
        mtime_ns: time of last change, nanoseconds.
    """

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Entry:
    """A listed file with what grouping asks of it all the time.

    Attributes:
        file: as listed.
        folder: path of its folder, folded; ``""`` = the source itself.
        name: file name, folded.
        stem: name without extension, folded.
        extension: without dot, folded.
    """

    file: Listed
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


class Listing:
    """All files of a source but the junk, by folder."""

    def __init__(self, files: Iterable[Listed]) -> None:
        self.entries = sorted((_entry(f) for f in files if not is_junk(f.path)), key=lambda e: e.file.path)
        self._folders: dict[str, list[Entry]] = defaultdict(list)
        self._below: dict[str, set[str]] = defaultdict(set)
        self._spelling: dict[str, str] = {"": ""}
        for entry in self.entries:
            self._folders[entry.folder].append(entry)
            self._enter(entry.folder, os.path.dirname(entry.file.path))

    def _enter(self, folder: str, exact: str) -> None:
        while folder and folder not in self._spelling:
            self._spelling[folder] = exact
            parent = folder.rpartition("/")[0]
            self._below[parent].add(folder)
            folder, exact = parent, exact.rpartition("/")[0]

    def __len__(self) -> int:
        return len(self.entries)

    def folders(self) -> Iterator[str]:
        """Every folder, folded, that holds something somewhere below it; the source itself first."""
        return iter(sorted(self._spelling))

    def has_folder(self, folder: str) -> bool:
        """Whether there is such a folder (folded path)."""
        return folder in self._spelling

    def files_in(self, folder: str) -> list[Entry]:
        """The files directly in a folder (folded path), sorted by exact path."""
        return self._folders.get(folder, [])

    def folders_in(self, folder: str) -> list[str]:
        """The folders directly in a folder, folded paths, sorted."""
        return sorted(self._below.get(folder, ()))

    def named(self, folder: str, name: str) -> Entry | None:
        """The file of that folded name in that folder."""
        return next((e for e in self.files_in(folder) if e.name == name), None)

    def exact(self, folder: str) -> str:
        """A folded folder path as it is really spelled."""
        return self._spelling[folder]


def join(folder: str, name: str) -> str:
    """Join two relative paths of which the first may be empty."""
    return f"{folder}/{name}" if folder else name


def _entry(file: Listed) -> Entry:
    folded = file.path.casefold()
    folder, _, name = folded.rpartition("/")
    return Entry(file, folder, name, os.path.splitext(name)[0], extension_of(name))


def listing_hash(files: Iterable[Listed]) -> str:
    """Return the identity of a card's content: BLAKE3 over sorted (path, size, mtime), junk left out.

    Equal for the same card seen again, whatever it is called and wherever it is
    mounted; other as soon as a clip was added. 64 hex digits.
    """
    digest = blake3()
    lines = sorted((os.fsencode(f.path), f.size, f.mtime_ns) for f in files if not is_junk(f.path))
    for path, size, mtime_ns in lines:
        digest.update(b"%s\0%d\0%d\n" % (path, size, mtime_ns))
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
