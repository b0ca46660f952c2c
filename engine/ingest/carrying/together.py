"""What is done for a bundle of small files at once, at each destination by a thread of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from engine.ingest.carrying.copying import JOIN_SECONDS, PATIENCE_SECONDS
from engine.ingest.carrying.meter import Meter
from engine.ingest.carrying.parcels import Parcel
from engine.ingest.ends import failures, folders
from engine.ingest.ends.ends import Destination
from engine.ingest.ends.landing import Landing
from engine.media.hashing import Check


def flush(destinations: Sequence[Destination], parcels: Sequence[Parcel], meter: Meter) -> None:
    """Flush the file system of each destination of these files; failures are kept in them."""
    waiting = [
        (destination, [landing for landing, _ in found])
        for destination in destinations
        if destination.root is not None and (found := _landings(destination, parcels))
    ]
    if len(waiting) < 2:  # one alone needs no thread
        for destination, landings in waiting:
            _flush(destination, landings, meter)
        return
    with ThreadPoolExecutor(len(waiting), "flush") as pool:
        list(pool.map(lambda pair: _flush(pair[0], pair[1], meter), waiting))


def _flush(destination: Destination, landings: Sequence[Landing], meter: Meter) -> None:
    assert destination.root is not None
    begun = time.perf_counter()
    try:
        folders.flush_file_system(destination.root.fd)
    except OSError as error:
        for landing in landings:
            landing.failure = failures.of_writing(error, landing.shown)
    meter.flushed(destination.order.volume, time.perf_counter() - begun)


def read_back(
    destinations: Sequence[Destination], parcels: Sequence[Parcel], check: Check, tick: Callable[[], None]
) -> None:
    """Have flushed files fetched from their devices; on several local ones also read and compared at once.

    What is not read here is read one by one afterwards.
    """
    lists = [(destination, _landings(destination, parcels)) for destination in destinations]
    local = [
        landings
        for destination, landings in lists
        if landings and destination.place is not None and destination.place.is_network is False
    ]
    if len(local) > 1:
        _read_side_by_side(local, check, tick)
    for _, landings in lists:
        for landing, _ in landings:
            if landing.alive and landing.found is None and landing.is_network is False:
                landing.prepare_reading(ahead=True)


def _read_side_by_side(
    lists: Sequence[Sequence[tuple[Landing, str]]], check: Check, tick: Callable[[], None]
) -> None:
    halted = threading.Event()

    def work(landings: Sequence[tuple[Landing, str]]) -> None:
        for landing, _ in landings:
            landing.prepare_reading(ahead=True)
        for landing, expected in landings:
            if halted.is_set():
                return
            if landing.alive:
                landing.read_back(expected, None, lambda _: None)

    threads = [threading.Thread(target=work, args=(one,), name="read back", daemon=True) for one in lists]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(PATIENCE_SECONDS)
                check()
                tick()
    except BaseException:
        halted.set()
        for thread in threads:
            thread.join(JOIN_SECONDS)
        raise


def sync_folders(touched: Sequence[Landing]) -> None:
    """Make the new names durable, the file systems side by side; failures are kept in the landings."""
    by_folder: dict[int, list[Landing]] = {}
    for landing in touched:
        by_folder.setdefault(landing.folder, []).append(landing)
    by_device: dict[int, list[int]] = {}
    for folder in by_folder:
        by_device.setdefault(os.fstat(folder).st_dev, []).append(folder)

    def sync(names: Sequence[int]) -> None:
        for folder in names:
            try:
                folders.sync_folder(folder)
            except OSError as error:
                for landing in by_folder[folder]:
                    landing.failure = failures.of_writing(error, landing.shown)

    if len(by_device) < 2:
        for names in by_device.values():
            sync(names)
        return
    with ThreadPoolExecutor(len(by_device), "sync") as pool:
        list(pool.map(sync, by_device.values()))


def _landings(target: Destination, parcels: Sequence[Parcel]) -> list[tuple[Landing, str]]:
    """The landings at a destination that nothing has gone wrong with, and what each must hold."""
    return [
        (transfer.landing, parcel.stream.digester.blake3)
        for parcel in parcels
        if parcel.failure is None
        for transfer in parcel.open
        if transfer.destination is target and transfer.landing and transfer.landing.alive
    ]
