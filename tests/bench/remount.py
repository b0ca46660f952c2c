"""From the mount of a drive to all of its clips online, through the watcher, for several numbers of clips.

Needs root and loop devices::

    python tests/bench/remount.py [clips...]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import clock
from engine.library import Library, create
from engine.storage.database import scalar, write
from engine.volumes.monitor import MountWatcher, refresh
from engine.volumes.places import place_of


def fill(library: Library, volume_id: str, count: int) -> None:
    db, moment = library.db(), clock.now()
    with write(db):
        db.conn.executemany(
            "INSERT INTO assets (asset_id, size, blake3, created_at) VALUES (?, ?, ?, ?)",
            ((number, number, f"{number:064x}", moment) for number in range(1, count + 1)),
        )
        db.conn.executemany(
            "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
            " VALUES (?, ?, ?, 'managed', ?, 1, ?, ?)",
            (
                (number, volume_id, b"d/%08d.mov" % number, number, moment, moment)
                for number in range(1, count + 1)
            ),
        )


def measure(folder: Path, count: int) -> tuple[float, float, int]:
    """Seconds from the mount command's start and end to the last clip online, and rows written."""
    image, first, second = folder / f"{count}.img", folder / f"{count}a", folder / f"{count}b"
    first.mkdir()
    second.mkdir()
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(first)], check=True)
    library = create(str(folder / f"library{count}"))
    db = library.db()
    fill(library, place_of(db, str(first)).volume_id, count)
    subprocess.run(["umount", str(first)], check=True)
    refresh(db)
    assert scalar(db, "SELECT COUNT(*) FROM copy_states WHERE seen_as = 'online'") == 0
    written: list[int] = []

    def look() -> None:
        own = library.db()
        before = own.conn.total_changes
        refresh(own)
        written.append(own.conn.total_changes - before)

    watcher = MountWatcher()
    watcher.start(look)
    try:
        started = time.perf_counter()
        subprocess.run(["mount", "-o", "loop", str(image), str(second)], check=True)
        returned = time.perf_counter()
        while scalar(db, "SELECT COUNT(*) FROM volumes WHERE state = 'offline'"):
            time.sleep(0.001)
        ended = time.perf_counter()
        assert scalar(db, "SELECT COUNT(*) FROM copy_states WHERE seen_as = 'online'") == count
    finally:
        watcher.stop()
        subprocess.run(["umount", str(second)], check=True)
        library.close()
    return ended - started, ended - returned, sum(written)


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or [100, 10_000, 100_000]
    print(f"{'clips':>9}  {'from mount start':>16}  {'from mount end':>14}  rows written")
    with tempfile.TemporaryDirectory(prefix="remount-") as name:
        os.environ["RUSHES_CONFIG"] = f"{name}/config"
        for count in counts:
            total, after, rows = measure(Path(name), count)
            print(f"{count:>9}  {total:>14.3f} s  {after:>12.3f} s  {rows:>12}")


if __name__ == "__main__":
    main()
