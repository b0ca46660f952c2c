"""A whole ingest of many small files against ``cp -r`` + sync + a cold re-read by hand.

    python tests/bench/many_files.py [--files 20000] [--size-kib 20] [--rounds 1] [--folder DIR]

The ingest does everything: listing, tasks, two hashes, flush, re-read, rename,
rows, card and clips. Pictures are not made, and the files are no media, so that
no ffprobe runs. Target: a ratio of at most 1.5.

ext4 passes over the numbers of files that were deleted within the last minutes: where many
were, making a file takes ten times as long, for both. Measure on a fresh file system.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from engine.ingest.job import run
from engine.ingest.planning.plan import plan
from engine.ingest.planning.queue import queue
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import create
from engine.media.hashing import full_hash


def make(folder: Path, files: int, size: int) -> None:
    for number in range(files):
        path = folder / f"{number // 500:03d}" / f"{number:06d}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))


def chill(folder: Path) -> None:
    for top, _, names in os.walk(folder):
        for name in names:
            fd = os.open(os.path.join(top, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def by_hand(source: Path, target: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(["cp", "-r", "--preserve=timestamps", source, target], check=True)
    subprocess.run(["sync", "-f", target], check=True)
    chill(target)
    for top, _, names in os.walk(target):
        for name in names:
            full_hash(os.path.join(top, name))
    return time.perf_counter() - begun


def by_ingest(source: Path, target: Path, folder: Path) -> float:
    folder.mkdir()
    library = create(str(folder))
    begun = time.perf_counter()
    queued = queue(library, plan(library, [str(source)], [str(target)], thumbnails=False))
    store.transition(library.db(), queued.job_id, "running")
    outcome = run(JobContext(library, store.get(library.db(), queued.job_id)))
    seconds = time.perf_counter() - begun
    assert outcome.status == "completed", outcome
    print("  levels:", outcome.result["destinations"][0]["levels"])
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--size-kib", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", help="where the files are written (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="rushes-bench-") as name:
        folder = Path(name)
        make(folder / "card", arguments.files, arguments.size_kib << 10)
        subprocess.run(["sync", "-f", folder], check=True)
        for number in range(arguments.rounds):
            chill(folder / "card")
            hand = by_hand(folder / "card", folder / f"hand{number}")
            chill(folder / "card")
            ours = by_ingest(folder / "card", folder / f"nas{number}", folder / f"library{number}")
            print(f"cp -r + sync + re-read: {hand:.2f} s; ingest: {ours:.2f} s; ratio {ours / hand:.2f}")
        print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
