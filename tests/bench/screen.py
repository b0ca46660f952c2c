"""The screens, measured: from import to the first picture, bytes on the wire, processor time, memory.

    python tests/bench/screen.py [ROWS]

A real library with eight running jobs and ROWS ended ones (default 2000), the
real screens in a pseudo terminal of 120x40 with 256 colours, a second process
that writes all eight rows four times a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil

from engine.library import create
from tests.contracts.test_wire import WRITER, fill
from tests.tui.in_pty import ROOT, Screen

SECONDS = 10.0


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RUSHES_CONFIG"] = os.path.join(folder, "config")
        root = os.path.join(folder, "library")
        os.mkdir(root)
        library = create(root)
        fill(library, rows=rows)
        starts = []
        for _ in range(5):
            screen = Screen(root)
            starts.append(screen.read_until(b"SHUTTLE"))
            screen.end()
        print(f"interpreter to first picture     {min(starts) * 1000:8.0f} ms (best of 5)")
        bare = []
        for _ in range(5):
            began = time.monotonic()
            subprocess.run([sys.executable, "-c", "import textual.app"], check=True, cwd=ROOT)
            bare.append(time.monotonic() - began)
        print(f"  of it Python and Textual alone {min(bare) * 1000:8.0f} ms")
        screen = Screen(root)
        screen.read_until(b"SHUTTLE")
        screen.quiet()
        child = psutil.Process(screen.process.pid)
        figures("idle", screen, child)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, root, str(SECONDS + 4)], cwd=ROOT)
        screen.read(1.5)
        figures("eight running jobs", screen, child)
        writer.wait()
        screen.quiet()
        screen.press(b"j")
        print(f"one key down                     {len(screen.read(0.5)):8d} bytes")
        screen.press(b"G")
        print(f"to the last row                  {len(screen.read(1.0)):8d} bytes")
        screen.end()


def figures(name: str, screen: Screen, child: psutil.Process) -> None:
    """Read for a while; print bytes and processor time per second."""
    before = sum(child.cpu_times()[:2])
    sent = len(screen.read(SECONDS))
    used = sum(child.cpu_times()[:2]) - before
    memory = child.memory_info().rss / 2**20
    print(
        f"{name:<32} {sent / SECONDS:8.0f} bytes/s  {used / SECONDS * 100:5.1f} % of a core {memory:4.0f} MiB"
    )


if __name__ == "__main__":
    main()
