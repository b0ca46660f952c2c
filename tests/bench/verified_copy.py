"""Verified copy against ``cp`` + fsync + a cold re-read by hand, in one run on one disk.

    python tests/bench/verified_copy.py [--size-mib 2048] [--rounds 5] [--folder DIR] [--to DIR --to DIR]

Both sides start with a cold source, both end with the bytes of the copy read
back from the device and hashed with BLAKE3. The rounds alternate, so that a
disk that changes its speed hurts both alike; the medians are compared.

With ``--to`` twice, two folders on two devices, a copy to both is compared with
a copy to the first alone instead (target: at most 1.15). Two images on one disk
share that disk, so they show only what the program itself costs.
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

from engine.ingest.carrying import copying
from engine.ingest.ends import folders
from engine.ingest.ends.landing import Landing, open_original
from engine.media.hashing import full_hash
from engine.media.rereading import PAGE_CACHED


def make_source(path: str, size: int) -> None:
    with open(path, "wb") as file:
        left = size
        while left:
            left -= file.write(os.urandom(min(left, 8 << 20)))
        os.fsync(file.fileno())


def chill(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def by_hand(source: str, folder: str, *, with_b3sum: bool) -> dict[str, float]:
    target = os.path.join(folder, "by-hand.bin")
    begun = time.perf_counter()
    subprocess.run(["cp", "--reflink=never", source, target], check=True)
    copied = time.perf_counter()
    fd = os.open(target, os.O_RDWR)
    os.fsync(fd)
    synced = time.perf_counter()
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
    if with_b3sum:
        subprocess.run(["b3sum", "--num-threads", "1", target], check=True, stdout=subprocess.DEVNULL)
    else:
        full_hash(target)
    ended = time.perf_counter()
    os.unlink(target)
    return {
        "total": ended - begun,
        "copy": copied - begun,
        "flush": synced - copied,
        "verify": ended - synced,
    }


def verified(source: str, targets: list[str], fs_type: str) -> dict[str, float]:
    folder = os.open(os.path.dirname(source), os.O_RDONLY | os.O_DIRECTORY)
    begun = time.perf_counter()
    original = open_original(folder, os.path.basename(source), "source")
    stream = copying.Stream()
    landings = []
    for number, target in enumerate(targets):
        fd = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
        name = f"verified-{number}.bin"
        landings.append(Landing(number, fd, name, folders.temp_name(name, "benchmark"), name, fs_type, False))
        landings[-1].open()
    copying.write_out(original, landings, stream, check=lambda: None, tick=lambda: None)
    written = time.perf_counter()
    copying.read_back_all(landings, stream.digester.blake3, check=lambda: None, tick=lambda: None)
    reread = time.perf_counter()
    for landing in landings:
        landing.publish()
        folders.sync_folder(landing.folder)
    ended = time.perf_counter()
    original.close()
    for landing in landings:
        assert landing.failure is None, landing.failure
        os.unlink(landing.name, dir_fd=landing.folder)
        os.close(landing.folder)
    os.close(folder)
    levels = {landing.level for landing in landings}
    assert levels == {"device re-read"} or fs_type not in PAGE_CACHED, levels
    return {"total": ended - begun, "copy + flush": written - begun, "verify": reread - written}


def file_system(folder: str) -> str:
    """The type of a file system by the name of the mount table."""
    said = subprocess.run(["stat", "-f", "-c", "%T", folder], check=True, capture_output=True, text=True)
    return {"ext2/ext3": "ext4"}.get(said.stdout.strip(), said.stdout.strip())


def one_against_two(arguments: argparse.Namespace) -> int:
    """Compare a verified copy to the first folder with one to both."""
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="rushes-bench-") as folder:
        source = os.path.join(folder, "source.bin")
        make_source(source, arguments.size_mib << 20)
        fs_type = file_system(arguments.to[0])
        runs: dict[int, list[float]] = {1: [], len(arguments.to): []}
        for number in range(arguments.rounds):
            for count in sorted(runs, reverse=bool(number % 2)):
                chill(source)
                runs[count].append(verified(source, arguments.to[:count], fs_type)["total"])
    medians = {count: statistics.median(times) for count, times in runs.items()}
    ratio = medians[len(arguments.to)] / medians[1]
    print(
        f"{arguments.size_mib} MiB, {arguments.rounds} rounds, {fs_type}: one destination {medians[1]:.2f} s,"
        f" {len(arguments.to)} destinations {medians[len(arguments.to)]:.2f} s, ratio {ratio:.3f}"
        " (target: at most 1.15)"
    )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size-mib", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the files are written (default: a temporary folder)")
    parser.add_argument("--to", action="append", default=[], help="twice: one destination against two")
    arguments = parser.parse_args()
    if arguments.to:
        return one_against_two(arguments)
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="rushes-bench-") as folder:
        source = os.path.join(folder, "source.bin")
        size = arguments.size_mib << 20
        if shutil.disk_usage(folder).free < 3 * size:
            print("not enough space", file=sys.stderr)
            return 3
        make_source(source, size)
        fs_type = file_system(folder)
        with_b3sum = shutil.which("b3sum") is not None
        plain, ours = [], []
        for number in range(arguments.rounds):
            order = [0, 1] if number % 2 else [1, 0]
            for side in order:
                chill(source)
                if side:
                    ours.append(verified(source, [folder], fs_type))
                else:
                    plain.append(by_hand(source, folder, with_b3sum=with_b3sum))
        for name, runs in (
            (f"cp + fsync + re-read ({'b3sum' if with_b3sum else 'BLAKE3'})", plain),
            ("verified copy", ours),
        ):
            parts = ", ".join(f"{key} {statistics.median(run[key] for run in runs):.2f} s" for key in runs[0])
            best = min(run["total"] for run in runs)
            print(f"{name}: {parts}; best {best:.2f} s")
        ratio = statistics.median(run["total"] for run in ours) / statistics.median(
            run["total"] for run in plain
        )
        print(
            f"{arguments.size_mib} MiB, {arguments.rounds} rounds, {fs_type}:"
            f" ratio {ratio:.3f} (target: at most 1.10)"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
