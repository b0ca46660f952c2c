"""How fast lost files are found again, and how fast a known volume is looked through.

    python tests/bench/relink.py [--files 100000] [--lost 10000] [--size-mib 16] [--hash-share 0.002]

A tree of FILES sparse files holds LOST renamed ones. Measured in one run, warm:

* the bare walk of that tree (``os.scandir`` and ``lstat``, nothing else);
* the relink scan;
* reading every file for its full hash. HASH_SHARE of the files are read, the
  second time from the page cache, and the time is scaled up; 1 reads them all.
* the stat sweep of FILES known copies in which nothing changed, and one in which a
  tenth was renamed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import Library, create
from engine.media.hashing import FAST_SCHEME, fast_hash, full_hash
from engine.relink import job, sweep
from engine.storage.database import write
from engine.volumes import stand_ins

FOLDER_FILES = 100
MOMENT = "2026-01-01T00:00:00.000Z"


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def make_tree(root: Path, files: int, size: int) -> list[str]:
    """Sparse files with a first window of their own; three in seven share their size with another."""
    paths = []
    for n in range(files):
        folder = root / f"{n // FOLDER_FILES:05}"
        if n % FOLDER_FILES == 0:
            folder.mkdir(parents=True)
        path = f"{folder}/C{n:06}.MP4"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, b"%020d" % n)
        os.truncate(descriptor, size + n % (files * 7 // 10 + 1))
        os.close(descriptor)
        paths.append(path)
    return paths


def catalogue(
    library: Library, volume_id: str, root: Path, paths: list[str], state: str, hashed: bool
) -> None:
    """Enter the files as copies of clips, ``old/`` before their path when they are lost."""
    db = library.db()
    with write(db):
        for number, path in enumerate(paths):
            facts = os.lstat(path)
            fast = fast_hash(path, facts.st_size) if hashed else f"{uuid.uuid4().hex}{uuid.uuid4().hex}"
            asset_id = db.execute(
                "INSERT INTO assets (size, fast_hash, fast_scheme, created_at) VALUES (?, ?, ?, ?)",
                (facts.st_size, fast, FAST_SCHEME, MOMENT),
            ).lastrowid
            relative = os.path.relpath(path, root)
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, state, size, mtime_ns, inode, seen_at,"
                " created_at) VALUES (?, ?, ?, 'managed', ?, ?, ?, ?, ?, ?)",
                (
                    asset_id, volume_id, os.fsencode(relative), state, facts.st_size, facts.st_mtime_ns,
                    facts.st_ino, MOMENT, MOMENT,
                ),
            )  # fmt: skip
            clip_id = str(uuid.uuid4())
            db.execute(
                "INSERT INTO clips (clip_id, title, kind, asset_id, created_at) VALUES (?, ?, 'video', ?, ?)",
                (clip_id, f"C{number}", asset_id, MOMENT),
            )
            db.execute("INSERT INTO clip_files VALUES (?, 'essence', 0, ?, ?)", (clip_id, asset_id, b"C.MP4"))


def bare_walk(root: Path) -> None:
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)


def bench_scan(base: Path, files: int, lost: int, size: int, share: float) -> None:
    root = base / "found"
    root.mkdir()
    paths = make_tree(root, files, size)
    library = create(str(base / "library"), name="bench")
    db = library.db()
    gone = base / "gone"
    gone.mkdir()
    gone_id = stand_ins.make_stand_in(db, str(gone), "gone")
    stand_ins.make_stand_in(db, str(root), "found")
    step = max(1, files // lost)
    catalogue(library, gone_id, root, paths[::step][:lost], "missing", hashed=True)
    walk = min(timed(lambda: bare_walk(root)) for _ in range(2))
    results = []

    def scan() -> None:
        _, job_id = job.queue_scan(library, str(root))
        store.transition(db, job_id, "running")
        results.append(job.run_scan(JobContext(library, store.get(db, job_id))).result)

    taken = timed(scan)
    result = results[0]
    sample = paths[:: max(1, round(1 / share))]
    rounds = [timed(lambda: [full_hash(path) for path in sample]) for _ in range(2)]
    everything = min(rounds) * files / len(sample)
    print(f"relink scan: {files:,} files of {size >> 20} MiB, {result['offline']:,} clips lost")
    print(f"  bare walk               {walk:8.2f} s")
    print(
        f"  scan                    {taken:8.2f} s   {taken / walk:.1f} x the walk;"
        f" {result['candidates']:,} candidates, {result['conflicts']} conflicts,"
        f" {result['files_hashed']:,} files opened, {result['bytes_hashed'] / 1e6:,.0f} MB read"
    )
    how = "read" if share >= 1 else f"{len(sample):,} read, scaled up"
    print(f"  full hash of every file {everything:8.2f} s   {everything / taken:.0f} x the scan ({how})")


def bench_sweep(base: Path, files: int) -> None:
    root = base / "known"
    root.mkdir()
    paths = make_tree(root, files, 0)
    library = create(str(base / "library2"), name="bench")
    volume_id = stand_ins.make_stand_in(library.db(), str(root), "known")
    catalogue(library, volume_id, root, paths, "present", hashed=True)
    sweep.sweep(library, volume_id)
    taken = min(timed(lambda: sweep.sweep(library, volume_id)) for _ in range(3))
    print(f"sweep: {files:,} known files, nothing changed\n  warm                    {taken:8.2f} s")
    for path in paths[::10]:
        os.rename(path, f"{path}.renamed")
    print(f"  a tenth renamed         {timed(lambda: sweep.sweep(library, volume_id)):8.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--lost", type=int, default=10_000)
    parser.add_argument("--size-mib", type=int, default=16)
    parser.add_argument("--hash-share", type=float, default=0.002)
    parser.add_argument("--only", choices=("scan", "sweep"))
    given = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="rushes-bench-"))
    os.environ["RUSHES_CONFIG"] = str(base / "config")
    try:
        if given.only != "sweep":
            bench_scan(base, given.files, given.lost, given.size_mib << 20, given.hash_share)
        if given.only != "scan":
            bench_sweep(base, given.files)
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    sys.exit(main())
