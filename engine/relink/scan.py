"""Looking through a folder for lost copies: stat first, and only files that can be one are opened.

What a file is opened for follows from what is on record of the copies of its
size: the fast hash where they have one, a probe where they have none. The full
hash comes last, for files whose fast hash fits, when certainty was asked for.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar

from sqlite_utils import Database

from engine import clock, names
from engine.errors import RushesError
from engine.media import rereading
from engine.media.hashing import FAST_WHOLE, FAST_WINDOW
from engine.media.probe import probe
from engine.media.rereading import Reread
from engine.media.tools import find_tools
from engine.relink.ahead import opened
from engine.relink.likeness import base_name, film_name, fold
from engine.relink.match import Found, Lost
from engine.relink.sampler import Sample
from engine.relink.sampling import Sampling
from engine.relink.tree import Tally, Tree, named
from engine.storage.database import rows

Value = TypeVar("Value")
Given = ParamSpec("Given")

_WRITTEN_TO = "it is being written to"

SAMPLE_BYTES = 3 * FAST_WINDOW
"""Bytes read of a file of which a sample is taken."""

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
    sampling: Sampling,
    check: Callable[[], None],
    progress: Callable[[int], None],
) -> None:
    """Walk below ``start`` and keep the files that may be lost copies; their samples are taken meanwhile.

    Args:
        tree: the held volume.
        start: folder, relative to the volume's root.
        lost: what is looked for.
        present: paths on this volume at which the catalogue has a copy that is there.
        scan: takes what is found.
        sampling: gets those files of which a sample can decide something, by their place in ``scan.found``.
        check: called once per folder.
        progress: gets the number of files seen.
    """
    sizes = {copy.size for copy in lost}
    sampled = {copy.size for copy in lost if copy.hashed and copy.size > FAST_WHOLE}
    spellings = {fold(base_name(copy.path)) for copy in lost}
    films = {film_name(copy.path) for copy in lost}
    namesakes: dict[str, int] = defaultdict(int)
    volume_id = tree.volume_id
    for folder, files in tree.folders(start, scan.tally, check):
        progress(scan.tally.files)
        for name, facts in files:
            size = facts.st_size
            if size not in sizes:
                # Names are asked 100,000 times: of plain ones the small letters are what ``fold`` gives.
                spelled = name.lower()
                if spelled not in spellings and (name.isascii() or (spelled := fold(name)) not in spellings):
                    spelled = spelled[: spelled.rfind(".")]
                    if spelled not in films or film_name(name) is None:
                        continue
                if namesakes[spelled] > NAMESAKES:
                    continue
                namesakes[spelled] += 1
            path = f"{folder}/{name}" if folder else name
            if path not in present:
                file = Found(volume_id, path, size, facts.st_mtime_ns, facts.st_ino)
                if size in sampled:
                    sampling.add(len(scan.found), file)
                scan.found.append(file)


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
    sampling: Sampling,
    check: Callable[[], None],
    progress: Callable[[int, int], None],
) -> None:
    """Hash or probe the collected files of a fitting size, as far as that can decide anything."""
    whole = {copy.size for copy in lost if copy.hashed and copy.size <= FAST_WHOLE}
    unhashed = {copy.size for copy in lost if not copy.hashed}
    known = {(copy.size, copy.fast_hash) for copy in lost if copy.fast_hash}
    kept: list[Found | None] = list(scan.found)
    total = len(kept)
    done = 0
    for done, (number, sample) in enumerate(sampling.taken(check)):
        if not with_sample(scan.found[number], sample, scan):
            kept[number] = None
        if not done % 64:
            progress(done, total)
    rest = [
        number
        for number, file in enumerate(kept)
        if file is not None and (file.size in whole or file.size in unhashed)
    ]
    with closing(opened(tree, [scan.found[number] for number in rest], whole)) as files:
        for place, file, held in files:
            check()
            kept[rest[place]] = _looked_into(tree, file, held, scan, unhashed, known)
            progress(max(done, total - len(rest) + place), total)
    scan.found = [file for file in kept if file is not None]
    progress(total, total)


def _looked_into(
    tree: Tree,
    file: Found,
    held: Reread | OSError | None,
    scan: Scan,
    unhashed: Collection[int],
    known: Collection[tuple[int, str | None]],
) -> Found | None:
    """The file read in full where it is held for that, probed where no hash can decide; None: left out."""
    if held is not None:
        read = with_whole_hash(tree, file, held, scan)
        if read is None:
            return None
        file = read
    if file.size in unhashed and (file.size, file.fast_hash) not in known:
        return _with_media(tree, file, scan)
    return file


def with_sample(file: Found, sample: Sample, scan: Scan) -> bool:
    """Give a file its fast hash; False, and a warning, when it could not be read or has changed."""
    value, reason, facts = sample
    if facts is not None and facts != (file.size, file.mtime_ns, file.inode):
        scan.warnings.append(_changed(file))
        return False
    if value is None:
        scan.warnings.append(_unreadable(file, reason))
        return False
    scan.hashed += 1
    scan.bytes_hashed += SAMPLE_BYTES
    file.fast_hash = value
    return True


def with_whole_hash(tree: Tree, file: Found, held: Reread | OSError, scan: Scan) -> Found | None:
    """A file so small that its fast hash is its full one, with both; None when it cannot be read.

    ``held`` is the file as :func:`engine.relink.ahead.opened` gives it.
    """
    read = with_full_hash(tree, file, scan, held=held)
    return None if read is None else replace(read, fast_hash=read.blake3)


def with_full_hash(
    tree: Tree,
    file: Found,
    scan: Scan,
    check: Callable[[], None] | None = None,
    on_bytes: Callable[[int], None] | None = None,
    held: Reread | OSError | None = None,
) -> Found | None:
    """The file with its full hash, read from its first byte to its last; None when it cannot be read.

    ``check`` is called between buffers and may raise; ``on_bytes`` gets the length of each. ``held``
    is the file when it is open already, or why it is not; closing it stays with the caller.
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
    held: Reread | OSError | None,
    check: Callable[[], None] | None,
    on_bytes: Callable[[int], None] | None,
) -> rereading.Reading | None:
    """Read a file in full; None when it is no longer the file that was seen.

    Raises:
        OSError: it cannot be opened or read.
        ValueError: it changed while it was read.
    """
    if isinstance(held, OSError):
        raise held
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


def _read(
    file: Found, scan: Scan, read: Callable[Given, Value | None], *args: Given.args, **options: Given.kwargs
) -> Value | None:
    """What ``read`` gives; where it gives nothing, a sentence says why the file was left out."""
    try:
        value = read(*args, **options)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        scan.warnings.append(_unreadable(file, reason))
        return None
    if value is None:
        scan.warnings.append(_changed(file))
    return value


def _unreadable(file: Found, reason: str | None) -> str:
    return f"{names.display(file.path)} cannot be read ({reason}); it was left out."


def _changed(file: Found) -> str:
    return f"{names.display(file.path)} changed while it was looked at; it was left out."


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
