"""A bundle of small files on local storage, taken through each step by one tight loop.

::

    aim ── its temporary names are stored ── write ─ │ flush, read back, publish ── its verdicts are stored

Twenty thousand small files take as long as what is done for each of them, so
here that is a few calls of the system and no more. These loops know only
success. A file with which anything is out of the ordinary (a name that is
taken, a source that changed, an error of any kind) is left as a crash would
leave it, without its temporary files, and goes the general way of
:mod:`engine.ingest.carrying.carrier`, which knows every failure and its sentence.

Each step is used by one thread at a time; steps of different bundles run side
by side.
"""

from __future__ import annotations

import itertools
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from engine.ingest.carrying.parcels import RESUMED, Parcel, Transfer
from engine.ingest.ends import folders
from engine.ingest.ends.ends import Destination, Source
from engine.ingest.records.catalogue import Content
from engine.media import rereading
from engine.media.hashing import DONTNEED, READ_FLAGS, WILLNEED, Check, advise, digests_of

AHEAD = 64
"""So many files are opened and asked for before the one in hand, so that the device has work in its queue."""

OPEN_FILES = 256
"""Files that may be open so at the source and at all destinations together."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

T = TypeVar("T")
U = TypeVar("U")


@dataclass(slots=True)
class Leg:
    """One file of a bundle on its way to one destination.

    Attributes:
        transfer: its row; ``path`` is the final path on the volume.
        folder: open folder at the destination.
        name, temp: final and temporary name in that folder.
        begun: whether the temporary file may be there.
        published: whether it has its final name.
        level: how its bytes were proven.
        found: BLAKE3 that was read back; None before that.
        facts: ``stat`` of the finished file.
        write_seconds, read_seconds: time that writing without flushing, and reading back, took.
    """

    transfer: Transfer
    folder: int
    name: str
    temp: str
    begun: bool = False
    published: bool = False
    level: str = ""
    found: str | None = None
    facts: os.stat_result | None = None
    write_seconds: float = 0.0
    read_seconds: float = 0.0


@dataclass(slots=True)
class Item:
    """One file of a bundle.

    Attributes:
        parcel: its row.
        folder, name: open folder of the source, and its name there.
        legs: where it goes now.
        content: what it holds, None until it was read and written everywhere.
        read_seconds, hash_seconds: time that reading and hashing it took.
    """

    parcel: Parcel
    folder: int
    name: str
    legs: list[Leg]
    content: Content | None = None
    read_seconds: float = 0.0
    hash_seconds: float = 0.0


@dataclass
class Bundle:
    """Files that go through the steps together.

    Attributes:
        items: those that are well so far.
        left: parcels that have to go the general way.
        wrong: (item, leg) whose bytes at the destination were not those of the source; also in ``left``.
        destinations: where they go.
        size: bytes of all files that were aimed.
        written: bytes so far; read by the reporting thread.
        reread, flush_seconds: the same, and the time that flushing took, by destination (``id``).
        proven: whether all its files are proven and have their names.
        current: path of the file in hand.
    """

    items: list[Item]
    left: list[Parcel]
    destinations: list[Destination]
    size: int = 0
    wrong: list[tuple[Item, Leg]] = field(default_factory=list)
    written: int = 0
    reread: dict[int, int] = field(default_factory=dict)
    flush_seconds: dict[int, float] = field(default_factory=dict)
    current: str = ""
    proven: bool = False

    @classmethod
    def nothing(cls) -> Bundle:
        """A bundle without files; every step of it does nothing."""
        return cls([], [], [])

    def folders(self) -> set[int]:
        """The open folders that it needs."""
        return {leg.folder for item in self.items for leg in item.legs} | {item.folder for item in self.items}

    def ahead(self) -> int:
        """So many files may be open before the one in hand, at each end."""
        return min(AHEAD, OPEN_FILES // (1 + len(self.destinations)))

    def done(self) -> int:
        """Bytes so far: once when written, once when read back."""
        return self.written + sum(self.reread.values())


def aim(parcels: Sequence[Parcel], source: Source, job_id: str, check: Check) -> Bundle:
    """Find out where each file goes; reads no byte of it. What needs a closer look is in ``left``."""
    bundle = Bundle.nothing()
    opened: dict[tuple[int, str], int] = {}
    for parcel in parcels:
        check()
        item = _aimed(parcel, source, job_id, opened)
        if item is None:
            bundle.left.append(parcel)
            continue
        bundle.items.append(item)
        bundle.size += parcel.size
        for leg in item.legs:
            if leg.transfer.destination not in bundle.destinations:
                bundle.destinations.append(leg.transfer.destination)
                bundle.reread[id(leg.transfer.destination)] = 0
    return bundle


def _aimed(parcel: Parcel, source: Source, job_id: str, opened: dict[tuple[int, str], int]) -> Item | None:
    """Source folder and free names at the destinations; None when anything needs a closer look."""
    legs = []
    folder_path, _, name = parcel.path.rpartition("/")
    try:
        for transfer in parcel.transfers:
            if transfer.status != "queued" or transfer.stage is not None:
                return None
            if not transfer.open:
                continue
            target = transfer.destination
            assert target.root is not None
            relative = transfer.path[len(target.order.relative) :].lstrip("/")
            where, _, final = relative.rpartition("/")
            folder = opened.get((id(target), where))
            if folder is None:
                parts = tuple(where.split("/")) if where else ()
                folder = opened[id(target), where] = target.root.folder(parts, make=True)
            if folders.look(folder, final) is not None:
                return None
            legs.append(Leg(transfer, folder, final, folders.temp_name(final, job_id)))
        there = opened.get((0, folder_path))
        if there is None:
            parts = tuple(folder_path.split("/")) if folder_path else ()
            there = opened[0, folder_path] = source.root.folder(parts, make=False)
    except OSError:
        return None
    return Item(parcel, there, name, legs) if legs else None


def write(bundle: Bundle, extra: Sequence[str], check: Check, tick: Callable[[], None]) -> None:
    """Read each source once, hash it and write it to every destination. Nothing is flushed yet.

    Args:
        bundle: aimed, and its beginning stored; what does not go well is in ``left`` afterwards.
        extra: further digests to take.
        check: raises to stop at once; temporary files stay, see :func:`put_back`.
        tick: called for each file.
    """
    good = []
    for item, fd in _ahead(bundle.items, _open_source, os.close, bundle.ahead()):
        check()
        bundle.current = item.parcel.path
        try:
            well = fd is not None and _carry(item, fd, extra)
        except OSError:
            well = False
        if well:
            good.append(item)
            bundle.written += item.parcel.size * len(item.legs)
        else:
            _leave(bundle, item)
        tick()
    bundle.items = good


def _ahead(
    items: Iterable[T], open_it: Callable[[T], U], close: Callable[[U], None], ahead: int
) -> Iterator[tuple[T, U | None]]:
    """Each item with its open file, None for one that cannot be opened.

    So many ``ahead`` are opened before the one in hand. Each is closed when the next one is asked for, all
    in the end.
    """
    waiting: deque[tuple[T, U | None]] = deque()
    following = iter(items)
    try:
        while True:
            for item in itertools.islice(following, ahead + 1 - len(waiting)):
                try:
                    waiting.append((item, open_it(item)))
                except OSError:
                    waiting.append((item, None))
            if not waiting:
                return
            yield waiting[0]
            _, file = waiting.popleft()
            if file is not None:
                close(file)
    finally:
        for _, file in waiting:
            if file is not None:
                close(file)


def _open_source(item: Item) -> int:
    """Open a source and have the kernel fetch it."""
    fd = os.open(item.name, READ_FLAGS, dir_fd=item.folder)
    advise(fd, WILLNEED)
    return fd


def _carry(item: Item, fd: int, extra: Sequence[str]) -> bool:
    """Read one open source and write it to its destinations; False when it is not what was listed."""
    parcel = item.parcel
    size, mtime_ns = parcel.size, parcel.mtime_ns
    begun = time.perf_counter()
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size != size or facts.st_mtime_ns != mtime_ns:
        return False
    data = os.read(fd, size + 1)  # one more than there should be: it may grow
    after = os.fstat(fd)
    if len(data) != size or after.st_size != size or after.st_mtime_ns != mtime_ns:
        return False
    read = time.perf_counter()
    blake3, xxh128, extras = digests_of(data, extra)
    hashed = time.perf_counter()
    advise(fd, DONTNEED)
    mode = (facts.st_mode & 0o777) | 0o600  # never less than what lets us read it back and remove it
    for leg in item.legs:
        _write_new(leg, data, mode, mtime_ns)
    parcel.inode = facts.st_ino
    item.content = Content(size, blake3, xxh128, blake3, extras)  # the fast hash of a small file is the whole
    item.read_seconds, item.hash_seconds = read - begun, hashed - read
    return True


def _write_new(leg: Leg, data: bytes, mode: int, mtime_ns: int) -> None:
    begun = time.perf_counter()
    leg.begun = True
    fd = os.open(leg.temp, _NEW, 0o600, dir_fd=leg.folder)
    try:
        if data and os.write(fd, data) != len(data):
            raise OSError("not written as a whole")  # the general way goes on where it can, or says why
        try:
            os.fchmod(fd, mode)
        except PermissionError:
            pass  # FAT: permissions come from the mount options there
        os.utime(fd, ns=(mtime_ns, mtime_ns))
    finally:
        os.close(fd)
    leg.write_seconds = time.perf_counter() - begun


def prove(bundle: Bundle, check: Check) -> None:
    """Flush, read every copy back from its device and compare, give it its name, flush the folders.

    Args:
        bundle: written; what does not go well is in ``left`` afterwards.
        check: raises to stop at once.
    """
    _side_by_side(bundle.destinations, lambda target: _flush_and_read(bundle, target, check))
    good = []
    for item in bundle.items:
        if _agrees(bundle, item) and _publish(item):
            good.append(item)
        else:
            _leave(bundle, item)
    bundle.items = _named(bundle, good)
    bundle.proven = True


def _side_by_side(each: Sequence[T], work: Callable[[T], None]) -> None:
    if len(each) < 2:  # one alone needs no thread
        for one in each:
            work(one)
        return
    with ThreadPoolExecutor(len(each), "prove") as pool:
        list(pool.map(work, each))


def _flush_and_read(bundle: Bundle, target: Destination, check: Check) -> None:
    legs = [
        (item.parcel.size, leg)
        for item in bundle.items
        for leg in item.legs
        if leg.transfer.destination is target
    ]
    if not legs:
        return
    assert target.root is not None
    assert target.place is not None
    begun = time.perf_counter()
    try:
        folders.flush_file_system(target.root.fd)
    except OSError:
        return  # nothing of it is proven then: every file is written anew
    bundle.flush_seconds[id(target)] = time.perf_counter() - begun
    fs_type, is_network = target.place.fs_type, target.place.is_network

    def open_copy(pair: tuple[int, Leg]) -> rereading.Reread:
        return rereading.Reread(pair[1].temp, fs_type, is_network, dir_fd=pair[1].folder, ahead=True)

    for (size, leg), file in _ahead(legs, open_copy, rereading.Reread.close, bundle.ahead()):
        check()
        begun = time.perf_counter()
        try:
            if file is not None:
                leg.found, leg.level, leg.facts = file.small(size)
        except OSError:
            continue  # found stays None: it did not go well
        leg.read_seconds = time.perf_counter() - begun
        bundle.reread[id(target)] += size


def _agrees(bundle: Bundle, item: Item) -> bool:
    """Whether every destination gave back what was read from the source."""
    assert item.content is not None
    good = True
    for leg in item.legs:
        if leg.found == item.content.blake3:
            continue
        good = False
        if leg.found is not None:
            bundle.wrong.append((item, leg))
    return good


def _publish(item: Item) -> bool:
    try:
        for leg in item.legs:
            folders.publish(leg.folder, leg.temp, leg.name)
            leg.published = True
    except OSError:
        return False
    return True


def _named(bundle: Bundle, items: list[Item]) -> list[Item]:
    """Make the new names durable; return the items of which all names are."""
    failed: set[int] = set()
    by_device: dict[int, list[int]] = {}
    for folder in {leg.folder for item in items for leg in item.legs}:
        by_device.setdefault(os.fstat(folder).st_dev, []).append(folder)

    def sync(device: int) -> None:
        for folder in by_device[device]:
            try:
                folders.sync_folder(folder)
            except OSError:
                failed.add(folder)

    _side_by_side(list(by_device), sync)
    if not failed:
        return items
    for item in items:
        if any(leg.folder in failed for leg in item.legs):
            _leave(bundle, item)
    return [item for item in items if all(leg.folder not in failed for leg in item.legs)]


def _leave(bundle: Bundle, item: Item) -> None:
    """Leave a file to the general way: as after a crash, but tidied up."""
    for leg in item.legs:
        if leg.published:
            leg.transfer.stage = RESUMED  # what bears the name is ours; it is proven once more
        elif leg.begun:
            try:
                folders.remove_temp(leg.folder, leg.temp)
            except OSError:
                pass  # its name is in the database, see engine.ingest.carrying.recovery
    bundle.left.append(item.parcel)


def put_back(bundle: Bundle) -> None:
    """Leave all files of a bundle that was cut off before it was proven."""
    left = {id(parcel) for parcel in bundle.left}
    for item in bundle.items:
        if id(item.parcel) not in left:  # cut off in the middle of a step
            _leave(bundle, item)
    bundle.items = []
