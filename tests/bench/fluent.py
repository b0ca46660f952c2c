"""Key to paint in long lists: 50,000 relink candidates, 300,000 clips, while another process writes.

    python tests/bench/fluent.py [--copies 1000000] [--clips 300000] [--candidates 50000] [--keep FOLDER]

The real screens on a real library in a pseudo terminal of 120x40. Each key is
sent when the screen has come to rest; taken are the time until the first byte
of what it draws (the cursor is on the other row) and until the last (the detail
beside the list is of that row), and the processor's time for both. Printed are
median, 95th percentile and the worst, first with a library at rest, then while
a second process writes to it four times a second (what that makes the screen
draw in between counts as the key's). Beside them, in the same run, the same keys
in an app of Textual alone that shows as many numbered lines and nothing else.

Above 50 ms at the 95th percentile at rest the run ends with 1.
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

import psutil

from engine.storage.database import write
from tests.bench.large import made
from tests.tui.in_pty import ROOT, Screen

MOVES = [b"j"] * 20 + [b"\x04"] * 6 + [b"k"] * 10 + [b" "] * 10 + [b"G", b"g"] * 4 + [b"\x06"] * 10
"""Down, half pages, up, marks, last and first row, pages."""

REST_SECONDS = 0.06
"""A key is sent when the screen was silent so long."""

SILENT_SECONDS = 0.04
"""A key has done its work when the screen was silent so long after something was drawn."""

LIMIT_MS = 50.0

ALONE = """
import sys
from tui import terminal
terminal.prepare()
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

class Lines(ScrollView, can_focus=True):
    count, cursor = int(sys.argv[2]), 0
    STEPS = {"j": 1, "k": -1, "space": 1, "ctrl+d": 19, "ctrl+f": 38, "G": count, "g": -count}
    def on_mount(self):
        self.virtual_size = Size(100, self.count)
    def on_key(self, event):
        old = self.cursor
        self.cursor = max(0, min(self.count - 1, old + self.STEPS.get(event.key, 0)))
        top, page = self.scroll_offset.y, self.size.height
        if not top <= self.cursor < top + page:
            wanted = self.cursor if self.cursor < top else self.cursor - page + 1
            self.scroll_to(y=wanted, animate=False, force=True)
        for line in (old, self.cursor):
            self.refresh(Region(0, line - self.scroll_offset.y, self.size.width, 1))
    def render_line(self, y):
        at = y + self.scroll_offset.y
        text = f"{at:>9}  line {at * 7919 % 1000003:>9}  and what may be said of it"
        return Strip([Segment(text.ljust(self.size.width), Style(reverse=at == self.cursor))])

class Alone(App):
    def compose(self):
        yield Lines()

Alone().run(mouse=False)
"""
"""What Textual itself costs: a list of lines and a cursor."""

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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, default=1_000_000)
    parser.add_argument("--clips", type=int, default=300_000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--keep", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = wanted.keep or Path(folder)
        os.environ["RUSHES_CONFIG"] = str(base / "config")
        library = made(base / "library", wanted.copies, wanted.clips, wanted.candidates, 2000, 10_000)
        with write(library.db()) as db:
            db.execute("UPDATE candidates SET status = 'pending' WHERE status <> 'pending'")
        root = str(library.root)
        print(f"{'':<32}{'first byte':>19}  {'last byte, ms':>23}  {'CPU':>6}")
        print(f"{'':<32}{'median':>10}{'p95':>9}  {'median':>7}{'p95':>8}{'worst':>8}  {'mean':>6}")
        above = 0
        for count in (wanted.candidates, wanted.clips):
            screen = Screen(root, str(count), script=ALONE)
            screen.read_until(b"said of it", 60)
            screen.quiet(60)
            report(f"Textual alone, {count:,} lines", strokes(screen))
            screen.end()
        for place, title, first in (
            ("relink", f"{wanted.candidates:,} candidates", b"decide"),
            ("clips", f"{wanted.clips:,} clips", b"A749"),
        ):
            screen = Screen(root, place)
            shown = screen.read_until(first, 60)
            screen.quiet(60)
            print(f"{title}: first picture after {shown * 1000:.0f} ms")
            above += report("  at rest", strokes(screen)) > LIMIT_MS
            writer = subprocess.Popen([sys.executable, "-c", WRITER, root, "120"], cwd=ROOT)
            time.sleep(2)
            screen.read(1.0)
            report("  while somebody writes", strokes(screen))
            if place == "relink":
                report("  verdict and the next row", strokes(screen, [b"x"] * 20))
            writer.kill()
            writer.wait()
            screen.end()
    sys.exit(1 if above else 0)


Stroke = tuple[float, float, float]
"""Milliseconds from a key to the first and to the last byte that it drew, and of the processor."""


def strokes(screen: Screen, keys: list[bytes] | None = None) -> list[Stroke]:
    """Press each key when the screen has come to rest, and wait until it has come to rest again."""
    took = []
    child = psutil.Process(screen.process.pid)
    for key in keys or MOVES:
        while screen.read(REST_SECONDS):
            pass
        used = sum(child.cpu_times()[:2])
        began = time.monotonic()
        screen.press(key)
        first = last = began
        while select.select([screen.master], [], [], SILENT_SECONDS if last > began else 5.0)[0]:
            screen.seen += os.read(screen.master, 65536)
            last = time.monotonic()
            first = last if first == began else first
        used = sum(child.cpu_times()[:2]) - used
        took.append(((first - began) * 1000, (last - began) * 1000, used * 1000))
    return took


def report(name: str, took: list[Stroke]) -> float:
    """Print median, 95th percentile, worst; return the 95th percentile until the last byte."""
    first, last, used = (sorted(one) for one in zip(*took, strict=True))
    middle, p95 = len(took) // 2, round(0.95 * (len(took) - 1))
    print(
        f"{name:<32}{first[middle]:>10.0f}{first[p95]:>9.0f}  {last[middle]:>7.0f}{last[p95]:>8.0f}"
        f"{last[-1]:>8.0f}  {sum(used) / len(used):>6.0f}",
        flush=True,
    )
    return last[p95]


if __name__ == "__main__":
    main()
