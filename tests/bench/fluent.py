"""Key to paint in long lists: 50,000 relink candidates, 300,000 clips, while another process writes.

    python tests/bench/fluent.py [--copies 1000000] [--clips 300000] [--candidates 50000] [--keep FOLDER]

The real screens on a real library in a pseudo terminal of 120x40. Each key is
sent when the screen has come to rest; the time until the last byte of what it
draws is taken. Printed are median, 95th percentile and the worst, first with a
library at rest, then while a second process writes to it four times a second
(what that makes the screen draw in between counts as the key's).
"""

from __future__ import annotations

import argparse
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.library import Library, create, open_library
from engine.storage.database import write
from tests.bench.catalogue import fill
from tests.tui.in_pty import ROOT, Screen

MOVES = [b"j"] * 20 + [b"\x04"] * 6 + [b"k"] * 10 + [b" "] * 10 + [b"G", b"g"] * 4 + [b"\x06"] * 10
"""Down, half pages, up, marks, last and first row, pages."""

REST_SECONDS = 0.06
"""A key is sent when the screen was silent so long."""

SILENT_SECONDS = 0.04
"""A key has done its work when the screen was silent so long after something was drawn."""

WRITER = """
import sys, time
from engine.library import open_library
from engine.storage.database import write
db = open_library(sys.argv[1]).db()
end = time.monotonic() + float(sys.argv[2])
number = 0
while time.monotonic() < end:
    number += 1
    with write(db):
        db.execute("UPDATE clips SET notes = ? WHERE rowid = ?", (str(number), 1 + number % 1000))
        db.execute(
            "UPDATE candidates SET status = CASE status WHEN 'pending' THEN 'later' ELSE 'pending' END"
            " WHERE candidate_id = ?", (1 + number % 1000,)
        )
    time.sleep(0.25)
"""


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--copies", type=int, default=1_000_000)
    parser.add_argument("--clips", type=int, default=300_000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--keep", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = wanted.keep or Path(folder)
        os.environ["RUSHES_CONFIG"] = str(base / "config")
        library = made(base / "library", wanted.copies, wanted.clips, wanted.candidates)
        root = str(library.root)
        print(f"{'':<34}{'median':>9}{'p95':>9}{'worst':>9}   key to paint, ms")
        for place, title, first in (
            ("relink", f"{wanted.candidates:,} candidates", b"decide"),
            ("clips", f"{wanted.clips:,} clips", b"A749"),
        ):
            screen = Screen(root, place)
            shown = screen.read_until(first, 60)
            screen.quiet(60)
            print(f"{title}: first picture after {shown * 1000:.0f} ms")
            report("  at rest", strokes(screen))
            writer = subprocess.Popen([sys.executable, "-c", WRITER, root, "120"], cwd=ROOT)
            time.sleep(2)
            screen.read(1.0)
            report("  while somebody writes", strokes(screen))
            if place == "relink":
                report("  verdict and the next row", strokes(screen, [b"x"] * 20))
            writer.kill()
            writer.wait()
            screen.end()


def made(root: Path, copies: int, clips: int, candidates: int) -> Library:
    """The library, filled when it is new."""
    if (root / ".rushes").exists():
        return open_library(str(root))
    root.mkdir(parents=True)
    library = create(str(root))
    fill(library.db(), copies, clips, candidates)
    with write(library.db()) as db:
        db.execute("UPDATE candidates SET certain = confidence >= 0.95")
    return library


def strokes(screen: Screen, keys: list[bytes] | None = None) -> list[float]:
    """Milliseconds from each key to the last byte that it drew."""
    took = []
    for key in keys or MOVES:
        while screen.read(REST_SECONDS):
            pass
        began = time.monotonic()
        screen.press(key)
        last = began
        while select.select([screen.master], [], [], SILENT_SECONDS if last > began else 5.0)[0]:
            screen.seen += os.read(screen.master, 65536)
            last = time.monotonic()
        took.append((last - began) * 1000)
    return took


def report(name: str, took: list[float]) -> None:
    """Median, 95th percentile, worst."""
    ordered = sorted(took)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    print(f"{name:<34}{ordered[len(ordered) // 2]:>9.0f}{p95:>9.0f}{ordered[-1]:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
