"""How fast lost files are found again, how fast a mapping, and how fast a known volume is looked through.

    python tests/bench/relink.py [--files 100000] [--lost 10000] [--hashed-files 2000] [--only scan|map|sweep]

Everything is measured in one run. As root the trees lie on an ext4 of their own in a loop device,
so that a walk can be timed with nothing in the caches; elsewhere only warm.

* scan: a tree of FILES renamed files, LOST of which the catalogue has lost; three in seven share
  their size with another. The bare walk of that tree (``os.scandir`` and ``stat``, nothing
  else); the same with each true match opened and sampled by a bare loop (a find is told from
  others of its size by its bytes alone); the same with every file of a lost one's size, and with the
  scan's own candidates entered into a bare table (its indexes, no triggers, no references); and the
  relink scan, warm and cold, each in a library of its own. Then the scan of a tree of
  HASHED_FILES of 16 MiB beside reading each of its files in full, both warm, nothing scaled up: a tenth of
  them lost.
* map: one prefix for another over FILES lost copies, and its undo, beside a bare loop that samples each.
* sweep: the stat sweep of FILES known copies in which nothing changed, and one in which a tenth
  was renamed.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blake3 import blake3

from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import Library, create
from engine.media.hashing import FAST_SCHEME, fast_hash, full_hash
from engine.relink import decisions, job, mapping, sweep
from engine.storage.database import write
from engine.volumes import stand_ins

FOLDER_FILES = 100
MOMENT = "2026-01-01T00:00:00.000Z"
SIZE = 16 << 20
WINDOW = 8192


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@contextmanager
def file_system(base: Path, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder to fill, and whether its caches can be dropped."""
    root = base / name
    root.mkdir()
    if os.geteuid() != 0:
        yield root, False
        return
    image = base / f"{name}.img"
    with image.open("wb") as file:
        file.truncate(24 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-N", "300000", str(image)], check=True)
    # Direct: through the cache of the image the loop driver answers one request after the other.
    attach = ["losetup", "--find", "--show", "--direct-io=on", str(image)]
    device = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["mount", device, str(root)], check=True)
    subprocess.run(["losetup", "--detach", device], check=True)  # when it is unmounted
    try:
        tree = root / "tree"
        tree.mkdir()
        yield tree, True
    finally:
        subprocess.run(["umount", str(root)], check=True)
        image.unlink()


def forget() -> None:
    """Drop every clean page, name and inode that the kernel keeps."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")


def make_tree(root: Path, files: int, size: int) -> list[str]:
    """Files with data where the fast hash looks, and holes between; three in seven share their size."""
    paths = []
    for n in range(files):
        folder = root / f"{n // FOLDER_FILES:05}"
        if n % FOLDER_FILES == 0:
            folder.mkdir(parents=True)
        path = f"{folder}/C{n:06}.MP4"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        length = size and size + n % (files * 7 // 10 + 1)
        data = b"%020d" % n * (WINDOW // 20 + 1)
        for offset in (0, length // 2 - WINDOW // 2, length - WINDOW) if size else ():
            os.pwrite(descriptor, data[:WINDOW], offset)
        os.close(descriptor)
        paths.append(path)
    return paths


def catalogue(
    library: Library, volume_id: str, root: Path, paths: list[str], state: str, hashed: bool
) -> None:
    """Enter the files as copies of clips."""
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


def bare_samples(paths: list[str]) -> None:
    """Open and sample each file as a find must be, and do nothing else."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = os.fstat(descriptor).st_size
        read = [os.pread(descriptor, WINDOW, at) for at in (0, size // 2 - WINDOW // 2, size - WINDOW)]
        blake3(b"".join((struct.pack("<Q", size), *read))).hexdigest()
        os.close(descriptor)


def of_their_sizes(paths: list[str], true: list[str]) -> list[str]:
    """The other files that have the size of one of these: no stat tells them from it."""
    sizes = {os.lstat(path).st_size for path in true}
    matches = set(true)
    return [path for path in paths if path not in matches and os.lstat(path).st_size in sizes]


class Lost:
    """A library in which some of a tree's files are lost."""

    def __init__(self, base: Path, name: str, root: Path, paths: list[str]) -> None:
        self.root = root
        self.library = create(str(base / f"library of {name}"), name="bench")
        self.db = self.library.db()
        gone = base / f"gone of {name}"
        gone.mkdir()
        self.gone = str(gone)
        self.gone_id = stand_ins.make_stand_in(self.db, self.gone, "gone")
        stand_ins.make_stand_in(self.db, str(root), "found")
        catalogue(self.library, self.gone_id, root, paths, "missing", hashed=True)
        self.result: dict[str, Any] = {}
        self.taken = 0.0

    def scan(self) -> None:
        """Look for them, by the clock."""
        _, job_id = job.queue_scan(self.library, str(self.root))
        store.transition(self.db, job_id, "running")
        context = JobContext(self.library, store.get(self.db, job_id))
        begun = time.perf_counter()
        self.result = job.run_scan(context).result or {}
        self.taken = time.perf_counter() - begun


def bare_rows(base: Path, world: Lost) -> float:
    """Seconds for entering the candidates of a scan, as they are, into the same table and indexes alone."""
    path = base / "bare.db"
    made = world.db.conn.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'candidates' AND type IN ('table', 'index')"
        " AND sql IS NOT NULL ORDER BY type DESC"
    ).fetchall()
    rows = world.db.conn.execute("SELECT * FROM candidates").fetchall()
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        for (statement,) in made:
            db.execute(statement)
        begun = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        db.executemany(f"INSERT INTO candidates VALUES ({', '.join('?' * len(rows[0]))})", rows)
        db.execute("COMMIT")
        taken = time.perf_counter() - begun
    db.close()
    path.unlink()
    return taken


def tell_scan(kind: str, bare: tuple[float, float, float, float], world: Lost, true_bytes: int) -> None:
    walk, samples, more, rows = bare
    least, everything = walk + samples, walk + samples + more + rows
    taken, result = world.taken, world.result
    print(f"  {kind} bare walk          {walk:8.2f} s")
    print(f"  {kind} walk and samples   {least:8.2f} s   of the true matches alone, nothing stored")
    print(f"  {kind} all that it takes  {everything:8.2f} s   all of their sizes, and rows ({rows:.2f} s)")
    print(
        f"  {kind} scan               {taken:8.2f} s   {taken / walk:.1f} x the walk,"
        f" {taken / least:.1f} x walk and samples, {taken / everything:.1f} x all"
    )
    print("    " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in result["phases"].items()))
    print(
        f"    {result['candidates']:,} candidates, {result['conflicts']} conflicts;"
        f" {result['files_hashed']:,} files opened, {result['bytes_hashed'] / 1e6:,.0f} MB read,"
        f" {true_bytes / 1e6:,.0f} MB of it of true matches"
    )


def bench_scan(base: Path, files: int, lost: int, hashed_files: int) -> None:
    with file_system(base, "found") as (root, droppable):
        paths = make_tree(root, files, SIZE)
        true = paths[:: max(1, files // lost)][:lost]
        # A second scan of one library would also set aside what the first has found.
        *warm, cold = [Lost(base, f"scan {n}", root, true) for n in range(4)]
        print(f"relink scan: {files:,} files, {lost:,} of them lost", "(ext4)" if droppable else "")
        others = of_their_sizes(paths, true)
        for some in (true, others):
            some.sort(key=lambda path: os.lstat(path).st_ino)  # as they lie on the disk
        walk = min(timed(lambda: bare_walk(root)) for _ in range(3))
        samples = min(timed(lambda: bare_samples(true)) for _ in range(3))
        more = min(timed(lambda: bare_samples(others)) for _ in range(3))
        for world in warm:
            world.scan()
        best = min(warm, key=lambda world: world.taken)
        rows = min(bare_rows(base, world) for world in warm)
        tell_scan("warm", (walk, samples, more, rows), best, lost * 3 * WINDOW)
        if droppable:
            forget()
            walk = timed(lambda: bare_walk(root))
            samples = timed(lambda: bare_samples(true))
            more = timed(lambda: bare_samples(others))
            forget()
            cold.scan()
            tell_scan("cold", (walk, samples, more, rows), cold, lost * 3 * WINDOW)
        for world in (*warm, cold):
            world.library.close()
    root = base / "small"
    root.mkdir()
    paths = make_tree(root, hashed_files, SIZE)
    world = Lost(base, "hash", root, paths[::10])
    taken = min(timed(world.scan) for _ in range(3))
    everything = timed(lambda: [full_hash(path) for path in paths])
    lost = len(paths[::10])
    print(f"against hashing: {hashed_files:,} files of {SIZE >> 20} MiB, {lost:,} of them lost, warm")
    print(f"  scan                    {taken:8.3f} s")
    print(f"  full hash of every file {everything:8.3f} s   {everything / taken:.0f} x the scan")
    world.library.close()


def written(world: Lost) -> str:
    """A digest of every row that a mapping changes and its undo has to put back."""
    digest = blake3()
    for table in ("assets", "copies", "clips", "volume_counts", "clip_places", "asset_safety"):
        for row in world.db.conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
            digest.update(repr(row).encode())
    return digest.hexdigest()


def bench_map(base: Path, files: int) -> None:
    root = base / "mapped"
    root.mkdir()
    paths = make_tree(root, files, SIZE)
    world = Lost(base, "map", root, paths)
    print(f"map: {files:,} lost copies below one prefix, warm")
    before = written(world)
    paths.sort(key=lambda path: os.lstat(path).st_ino)
    samples = timed(lambda: bare_samples(paths))
    print(f"  samples of each, bare   {samples:8.2f} s")
    begun = time.perf_counter()
    mapped = mapping.map_prefix(world.library, world.gone, str(root))
    taken = time.perf_counter() - begun
    ratio = f"{taken / samples:.1f} x the samples"
    print(f"  map                     {taken:8.2f} s   {mapped.applied:,} applied, {ratio}")
    session_id = str(mapped.session_id)
    taken = timed(lambda: decisions.undo_session(world.library, session_id))
    same = "every row as before" if written(world) == before else "ROWS DIFFER"
    print(f"  undo                    {taken:8.2f} s   {same}")
    world.library.close()


def bench_sweep(base: Path, files: int) -> None:
    with file_system(base, "known") as (root, droppable):
        paths = make_tree(root, files, 0)
        library = create(str(base / "library of sweep"), name="bench")
        volume_id = stand_ins.make_stand_in(library.db(), str(root), "known")
        catalogue(library, volume_id, root, paths, "present", hashed=True)
        sweep.sweep(library, volume_id)
        taken = min(timed(lambda: sweep.sweep(library, volume_id)) for _ in range(3))
        print(f"sweep: {files:,} known files, nothing changed\n  warm                    {taken:8.2f} s")
        if droppable:
            forget()
            print(f"  cold                    {timed(lambda: sweep.sweep(library, volume_id)):8.2f} s")
        for path in paths[::10]:
            os.rename(path, f"{path}.renamed")
        print(f"  a tenth renamed         {timed(lambda: sweep.sweep(library, volume_id)):8.2f} s")
        library.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--lost", type=int, default=10_000)
    parser.add_argument("--hashed-files", type=int, default=2_000)
    parser.add_argument("--only", choices=("scan", "map", "sweep"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as folder:
        base = Path(folder)
        os.environ["RUSHES_CONFIG"] = str(base / "config")
        if given.only in (None, "scan"):
            bench_scan(base, given.files, given.lost, given.hashed_files)
        if given.only in (None, "map"):
            bench_map(base, given.files)
        if given.only in (None, "sweep"):
            bench_sweep(base, given.files)


if __name__ == "__main__":
    sys.exit(main())
