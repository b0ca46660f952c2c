"""Ways to a verified copy, in one run on one disk, each with a cold cache: the table of the ingest.

    python tests/bench/table.py [--files 4] [--size-mib 512] [--rounds 3] [--folder DIR]

Every way starts with a cold source and ends when the bytes of the copy were read from
the device again and compared. The ways take turns in each round, so that a disk that
changes its speed hurts all alike; medians are shown.

    cp way        cp, fsync of each file, cache dropped, one BLAKE3 re-read of the copies
    rushes        a whole ingest: listing, tasks, two hashes, flush, re-read, rename, rows, clips
    rsync         rsync -a, sync, cache dropped, rsync -c as a check
    rclone        rclone copy, sync, cache dropped, rclone check --download
    offload tool  a model of what offload tools such as o/COPY do, as they cannot be had here: one loop that
                  reads, hashes with xxh64 and writes, a flush, then source and copy are read again, one
                  after the other, and compared
    the disk      the bytes written directly, then read directly: what no tool can beat on one disk

A tool that is not installed is left out. Targets: rushes at most 1.10 times the cp way,
and faster than rsync, rclone and the offload tool.
"""

from __future__ import annotations

import argparse
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import xxhash
from many_files import chill
from verified_copy import make_source

from engine.ingest.job import run
from engine.ingest.planning.plan import plan
from engine.ingest.planning.queue import queue
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import create
from engine.media.hashing import BUFFER, full_hash
from engine.storage.database import row

Way = Callable[[Path, Path], None]


def by_cp(source: Path, target: Path) -> None:
    target.mkdir()
    for file in sorted(source.iterdir()):
        subprocess.run(["cp", "--reflink=never", file, target], check=True)
        fd = os.open(target / file.name, os.O_RDWR)
        os.fsync(fd)
        os.close(fd)
    chill(target)
    for file in sorted(target.iterdir()):
        full_hash(str(file))


def by_rsync(source: Path, target: Path) -> None:
    subprocess.run(["rsync", "-a", f"{source}/", target], check=True)
    subprocess.run(["sync", "-f", target], check=True)
    chill(target)
    chill(source)
    ran = subprocess.run(["rsync", "-anci", f"{source}/", target], check=True, capture_output=True, text=True)
    assert not ran.stdout.strip(), ran.stdout


def by_rclone(source: Path, target: Path) -> None:
    subprocess.run(["rclone", "copy", source, target], check=True, capture_output=True)
    subprocess.run(["sync", "-f", target], check=True)
    chill(target)
    chill(source)
    subprocess.run(["rclone", "check", "--download", source, target], check=True, capture_output=True)


def by_offload_tool(source: Path, target: Path) -> None:
    target.mkdir()
    buffer = memoryview(bytearray(BUFFER))
    for file in sorted(source.iterdir()):
        digest = xxhash.xxh64()
        with open(file, "rb", buffering=0) as old, open(target / file.name, "xb", buffering=0) as new:
            while count := old.readinto(buffer):
                digest.update(buffer[:count])
                new.write(buffer[:count])
            os.fsync(new.fileno())
        chill(source)
        chill(target)
        for again in (file, target / file.name):
            check = xxhash.xxh64()
            with open(again, "rb", buffering=0) as old:
                while count := old.readinto(buffer):
                    check.update(buffer[:count])
            assert check.digest() == digest.digest()


def bare_disk(source: Path, target: Path) -> None:
    """As many bytes written past the cache and read past it; the source is not even looked at."""
    size = sum(file.stat().st_size for file in source.iterdir())
    target.mkdir()
    block = mmap.mmap(-1, 8 << 20)
    block.write(os.urandom(8 << 20))
    fd = os.open(target / "bare", os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
    try:
        for _ in range(size // len(block)):
            os.write(fd, block)
        os.fsync(fd)
        os.lseek(fd, 0, os.SEEK_SET)
        while os.readv(fd, [block]):
            pass
    finally:
        os.close(fd)


STEPS: list[dict[str, float]] = []


def by_rushes(source: Path, target: Path) -> None:
    place = target.parent / f"{target.name}-library"
    place.mkdir()
    library = create(str(place))
    planned = plan(library, [str(source)], [str(target)], thumbnails=False)
    queued = queue(library, planned)
    store.transition(library.db(), queued.job_id, "running")
    outcome = run(JobContext(library, store.get(library.db(), queued.job_id)))
    assert outcome.status == "completed", outcome
    assert set(outcome.result["destinations"][0]["levels"]) == {"device re-read"}, outcome.result
    said = row(
        library.db(),
        "SELECT sum(tasks.read_seconds) AS source_read, sum(hash_seconds) AS hashing,"
        " sum(write_seconds) AS write_and_flush, sum(transfers.read_seconds) AS read_back"
        " FROM tasks JOIN transfers USING (task_id)",
    )
    assert said is not None
    STEPS.append({name: float(value or 0) for name, value in said.items()})
    library.close()
    shutil.rmtree(place)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the files are written (default: a temporary folder)")
    arguments = parser.parse_args()
    ways: dict[str, Way] = {
        "cp way": by_cp,
        "rushes": by_rushes,
        "rsync": by_rsync,
        "rclone": by_rclone,
        "offload tool": by_offload_tool,
        "the disk": bare_disk,
    }
    for name in ("rsync", "rclone"):
        if shutil.which(name) is None:
            del ways[name]
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="rushes-bench-") as place:
        folder = Path(place)
        size = arguments.files * arguments.size_mib << 20
        if shutil.disk_usage(folder).free < 3 * size:
            print("not enough space", file=sys.stderr)
            return 3
        source = folder / "card"
        source.mkdir()
        for number in range(arguments.files):
            make_source(str(source / f"clip{number}.dat"), arguments.size_mib << 20)
        for number in range(arguments.rounds):
            order = list(ways) if number % 2 else list(reversed(ways))
            for name in order:
                chill(source)
                target = folder / "copy"
                begun = time.perf_counter()
                ways[name](source, target)
                taken[name].append(time.perf_counter() - begun)
                shutil.rmtree(target)
                subprocess.run(["sync", "-f", folder], check=True)
    show(taken, size, arguments)
    return 0


def show(taken: dict[str, list[float]], size: int, arguments: argparse.Namespace) -> None:
    medians = {name: statistics.median(runs) for name, runs in taken.items()}
    print(f"{arguments.files} files of {arguments.size_mib} MiB, {arguments.rounds} rounds, medians")
    print(f"{'way':14} {'seconds':>8} {'MB/s':>7} {'of cp way':>10} {'best':>8}")
    for name, seconds in sorted(medians.items(), key=lambda pair: pair[1]):
        ratio = seconds / medians["cp way"]
        print(f"{name:14} {seconds:8.2f} {size / seconds / 1e6:7.0f} {ratio:10.2f} {min(taken[name]):8.2f}")
    steps = {name: statistics.median(step[name] for step in STEPS) for name in STEPS[0]}
    print(
        "where the time of rushes goes (seconds of work; reading, hashing and writing run side by side): "
        + ", ".join(f"{name.replace('_', ' ')} {seconds:.2f}" for name, seconds in steps.items())
    )
    for other in ("cp way", "rsync", "rclone", "offload tool"):
        if other in medians:
            limit = 1.10 if other == "cp way" else 1.0
            ratio = medians["rushes"] / medians[other]
            print(
                f"rushes / {other}: {ratio:.2f} (target: {limit:.2f}) {'ok' if ratio <= limit else 'MISSED'}"
            )


if __name__ == "__main__":
    raise SystemExit(main())
