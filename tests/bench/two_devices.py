"""A verified copy to two devices against one to a single device, on devices that are slow and equal.

    python tests/bench/two_devices.py [--size-mib 512] [--rate-mb 120] [--rounds 3] [--small FILES]

Needs root, and a kernel with the v1 ``blkio`` controller. The source and both
destinations are ext4 images in memory, each on a loop device of its own whose
reads and writes are throttled to ``--rate-mb`` MB/s (the source to twice that), so that
the devices are the limit and not the processors or a disk that all of them share. With
``--small`` the copy is a whole ingest of that many files of 20 KiB instead of one file.
Target: a ratio of at most 1.15.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from many_files import chill as chill_all
from many_files import make
from verified_copy import chill, make_source, verified

THROTTLE = Path("/sys/fs/cgroup/blkio")


@contextmanager
def device(folder: Path, name: str, mib: int, rate: int) -> Iterator[Path]:
    """A mounted ext4 on a loop device of ``rate`` bytes per second in each direction."""
    image, point = folder / f"{name}.img", folder / name
    with image.open("wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0", image], check=True)
    point.mkdir()
    loop = subprocess.run(
        ["losetup", "-f", "--show", image], check=True, capture_output=True, text=True
    ).stdout.strip()
    number = os.stat(loop).st_rdev
    which = f"{os.major(number)}:{os.minor(number)}"
    try:
        subprocess.run(["mount", loop, point], check=True)
        for direction in ("read", "write"):
            (THROTTLE / f"blkio.throttle.{direction}_bps_device").write_text(f"{which} {rate}\n")
        yield point
    finally:
        for direction in ("read", "write"):
            (THROTTLE / f"blkio.throttle.{direction}_bps_device").write_text(f"{which} 0\n")
        subprocess.run(["umount", "-l", point], check=False)
        subprocess.run(["losetup", "-d", loop], check=False)
        image.unlink()


def ingest(card: Path, targets: list[Path], library: Path) -> float:
    from engine.ingest.job import run
    from engine.ingest.planning.plan import plan
    from engine.ingest.planning.queue import queue
    from engine.jobs import store
    from engine.jobs.context import JobContext
    from engine.library import create

    library.mkdir()
    home = create(str(library))
    begun = time.perf_counter()
    queued = queue(home, plan(home, [str(card)], [str(target) for target in targets], thumbnails=False))
    store.transition(home.db(), queued.job_id, "running")
    outcome = run(JobContext(home, store.get(home.db(), queued.job_id)))
    assert outcome.status == "completed", outcome
    seconds = time.perf_counter() - begun
    shutil.rmtree(library)
    for target in targets:
        shutil.rmtree(target)
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--rate-mb", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=0, help="so many small files in place of a large one")
    arguments = parser.parse_args()
    if os.geteuid() != 0 or not (THROTTLE / "blkio.throttle.read_bps_device").exists():
        print("needs root and the v1 blkio controller", file=sys.stderr)
        return 3
    size = (arguments.small * 24 >> 10) + 64 if arguments.small else arguments.size_mib + 64
    rate = arguments.rate_mb * 1_000_000
    runs: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="rushes-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        card = stack.enter_context(device(folder, "card", size, 2 * rate))
        drives = [stack.enter_context(device(folder, drive, size, rate)) for drive in ("one", "two")]
        if arguments.small:
            make(card / "A001", arguments.small, 20 << 10)
        else:
            make_source(str(card / "source.bin"), arguments.size_mib << 20)
        subprocess.run(["sync", "-f", card], check=True)
        for number in range(arguments.rounds):
            for count in (1, 2) if number % 2 else (2, 1):
                if arguments.small:
                    chill_all(card / "A001")
                    targets = [drive / "in" for drive in drives[:count]]
                    runs[count].append(ingest(card / "A001", targets, folder / "library"))
                else:
                    chill(str(card / "source.bin"))
                    names = [str(drive) for drive in drives[:count]]
                    runs[count].append(verified(str(card / "source.bin"), names, "ext4")["total"])
                    subprocess.run(["sync"], check=True)
    one, two = statistics.median(runs[1]), statistics.median(runs[2])
    bare = 2 * (arguments.size_mib << 20) / rate
    print(
        f"one destination {one:.2f} s, two {two:.2f} s, ratio {two / one:.3f} (target: at most 1.15)"
        + ("" if arguments.small else f"; the device alone needs {bare:.2f} s to write and read")
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
