"""Looking through a folder for lost copies: stat first, and only files that can be one are opened.

What a file is opened for follows from what is on record of the copies of its
size: the fast hash where they have one, a probe where they have none. The full
hash comes last, for files whose fast hash fits, when certainty was asked for.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar

from sqlite_utils import Database

from engine import clock, names
from engine.errors import RushesError
from engine.media import rereading
from engine.media.hashing import FAST_WINDOW, fast_hash
from engine.media.probe import probe
from engine.media.rereading import Reread
from engine.media.tools import find_tools
from engine.relink.ahead import opened
from engine.relink.match import Found, Lost, base_name, fold
from engine.relink.tree import Tally, Tree, named
from engine.storage.database import rows

Value = TypeVar("Value")
Given = ParamSpec("Given")

_WRITTEN_TO = "it is being written to"

NAMESAKES = 8
"""Most found files of one name that can be hints; one more is kept, which says that there are too many."""


@dataclass(frozen=True)
class Reading:
    """A full reading of a found file: when, and how far below the caches it reached."""

    at: str
    level: str


@dataclass
class Scan:
    """What a look through a folder gives: the files that may be lost copies, and what it took.

    Attributes:
        found: files whose size, name or inode fits some lost copy, with the evidence read so far.
        readings: full readings, by the file's path.
        hashed: files opened for hashing.
        bytes_hashed: bytes read for it.
        warnings: sentences on files that could not be read.
        tally: what the walk met.
    """

    found: list[Found] = field(default_factory=list)
    readings: dict[str, Reading] = field(default_factory=dict)
    hashed: int = 0
    bytes_hashed: int = 0
    warnings: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def collect(
    tree: Tree,
    start: str,
    lost: Sequence[Lost],
    present: frozenset[str],
    scan: Scan,
    check: Callable[[], None],
    progress: Callable[[int], None],
) -> None:
    """Walk below ``start`` and keep the files that may be lost copies; none is opened.

    Args:
        tree: the held volume.
        start: folder, relative to the volume's root.
        lost: what is looked for.
        present: paths on this volume at which the catalogue has a copy that is there.
        scan: takes what is found.
        check: called once per folder.
        progress: gets the number of files seen.
    """
    sizes = {copy.size for copy in lost}
    spellings = {fold(base_name(copy.path)) for copy in lost}
    namesakes: dict[str, int] = defaultdict(int)
    volume_id = tree.volume_id
    for folder, files in tree.folders(start, scan.tally, check):
        progress(scan.tally.files)
        for name, facts in files:
            size = facts.st_size
            if size not in sizes:
                # Names are asked 100,000 times: of plain ones the small letters are what ``fold`` gives.
                spelled = name.lower() if name.isascii() else fold(name)
                if spelled not in spellings or namesakes[spelled] > NAMESAKES:
                    continue
                namesakes[spelled] += 1
            path = f"{folder}/{name}" if folder else name
            if path not in present:
                scan.found.append(Found(volume_id, path, size, facts.st_mtime_ns, facts.st_ino))


def present_paths(db: Database, volume_id: str) -> frozenset[str]:
    """Paths of the copies that are on this volume now: these files are not lost, whatever they look like."""
    found = rows(
        db, "SELECT path FROM copies WHERE volume_id = ? AND state IN ('present', 'damaged')", (volume_id,)
    )
    return frozenset(names.from_blob(entry["path"]) for entry in found)


def read_evidence(
    tree: Tree,
    lost: Sequence[Lost],
    scan: Scan,
    check: Callable[[], None],
    progress: Callable[[int, int], None],
) -> None:
    """Hash or probe the collected files of a fitting size, as far as that can decide anything."""
    hashed_sizes = {copy.size for copy in lost if copy.hashed}
    unhashed_sizes = {copy.size for copy in lost if not copy.hashed}
    known = {(copy.size, copy.fast_hash) for copy in lost if copy.fast_hash}
    kept: dict[int, Found] = {}
    with closing(opened(tree, scan.found, hashed_sizes)) as files:
        for done, (number, file, held) in enumerate(files):
            if not done % 16:
                check()
                progress(done, len(scan.found))
            if held is not None:
                hashed = with_fast_hash(tree, file, held, scan)
                if hashed is None:
                    continue
                file = hashed
            if file.size in unhashed_sizes and (file.size, file.fast_hash) not in known:
                file = _with_media(tree, file, scan)
            kept[number] = file
    scan.found = [kept[number] for number in sorted(kept)]
    progress(len(kept), len(kept))


def with_fast_hash(tree: Tree, file: Found, held: int | Reread | OSError, scan: Scan) -> Found | None:
    """The file with its fast hash; None when it cannot be read or is being written to.

    ``held`` is the file as :func:`engine.relink.ahead.opened` gives it. One so small that the fast hash
    is that of all its bytes has its full hash as well afterwards, and a reading in ``scan.readings``.
    """
    if isinstance(held, Reread):  # then the fast hash is the full one, and the reading proves something
        read = with_full_hash(tree, file, scan, held=held)
        return None if read is None else replace(read, fast_hash=read.blake3)
    value = _read(file, scan, _fast, file, held)
    if value is None:
        return None
    scan.hashed += 1
    scan.bytes_hashed += 3 * FAST_WINDOW
    file.fast_hash = value
    return file


def with_full_hash(
    tree: Tree,
    file: Found,
    scan: Scan,
    check: Callable[[], None] | None = None,
    on_bytes: Callable[[int], None] | None = None,
    held: Reread | None = None,
) -> Found | None:
    """The file with its full hash, read from its first byte to its last; None when it cannot be read.

    ``check`` is called between buffers and may raise; ``on_bytes`` gets the length of each. ``held``
    is the file when it is open already; closing it stays with the caller.
    The level of the reading is what :mod:`engine.media.rereading` could show.
    """
    read_at = clock.now()
    read = _read(file, scan, _whole, tree, file, held, check, on_bytes)
    if read is None:
        return None
    scan.hashed += 1
    scan.bytes_hashed += file.size
    scan.readings[file.path] = Reading(read_at, read.level)
    return replace(file, blake3=read.blake3)


def _whole(
    tree: Tree,
    file: Found,
    held: Reread | None,
    check: Callable[[], None] | None,
    on_bytes: Callable[[int], None] | None,
) -> rereading.Reading | None:
    """Read a file in full; None when it is no longer the file that was seen.

    Raises:
        OSError: it cannot be opened or read.
        ValueError: it changed while it was read.
    """
    if held is None:
        own = tree.reread(file.path)
        try:
            return _whole(tree, file, own, check, on_bytes)
        finally:
            own.close()
    if not _is(file, os.fstat(held.fileno())):
        return None
    read = held.read(check, on_bytes)
    if not _is(file, os.fstat(held.fileno())) or read.size != file.size:
        raise ValueError(_WRITTEN_TO)
    return read


def _fast(file: Found, held: int | OSError) -> str | None:
    if isinstance(held, OSError):
        raise held
    if not _is(file, os.fstat(held)):
        return None
    value = fast_hash(held, file.size)
    if not _is(file, os.fstat(held)):
        raise ValueError(_WRITTEN_TO)
    return value


def _read(
    file: Found, scan: Scan, read: Callable[Given, Value | None], *args: Given.args, **options: Given.kwargs
) -> Value | None:
    """What ``read`` gives; where it gives nothing, a sentence says why the file was left out."""
    try:
        value = read(*args, **options)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        scan.warnings.append(f"{names.display(file.path)} cannot be read ({reason}); it was left out.")
        return None
    if value is None:
        scan.warnings.append(f"{names.display(file.path)} changed while it was looked at; it was left out.")
    return value


def _is(file: Found, facts: os.stat_result) -> bool:
    return (facts.st_size, facts.st_mtime_ns, facts.st_ino) == (file.size, file.mtime_ns, file.inode)


def _with_media(tree: Tree, file: Found, scan: Scan) -> Found:
    """The file with what ffprobe says; as it is when it cannot be probed."""
    try:
        descriptor = tree.open_file(file.path)
    except OSError:
        return file
    try:
        # Through the descriptor: the path may show another file by now, and may be no text.
        facts = probe(find_tools(), f"/proc/{os.getpid()}/fd/{descriptor}")
    except RushesError as error:
        shown = names.display(base_name(file.path))
        scan.warnings.append(f"{names.display(file.path)}: {named(error, descriptor, shown)}")
        return file
    finally:
        os.close(descriptor)
    return replace(
        file,
        duration_ms=facts.duration_ms,
        timecode=facts.timecode,
        reel=facts.reel,
        identifiers=facts.identifiers,
    )
