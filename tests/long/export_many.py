"""A film of 1000 segments, a film of 200 clips, 200 proxies: right to the frame, and flat in memory.

    python -m tests.long.export_many [--segments 1000] [--clips 200]

The film of many segments is compared byte for byte with the same film in one
piece. Memory is the engine process's own (encoders are children), sampled ten
times a second; it is compared between the first tenth and the last tenth of
the work.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from engine.api import jobs as api
from engine.export.runs import records
from engine.export.runs.orders import Queued
from engine.library import Library
from engine.media.tools import Tools, find_tools
from engine.storage.database import scalar
from engine.supervisor import process
from tests.bench.export import footage
from tests.long.export_kills import order

GROWTH_LIMIT = 16.0
"""MiB by which the engine may grow between the first and the last tenth of a run."""


class Memory:
    """Samples a process's resident memory until :meth:`stop`."""

    def __init__(self, pid: int) -> None:
        self.samples: list[float] = []
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            try:
                self.samples.append(self._process.memory_info().rss / (1 << 20))
            except psutil.NoSuchProcess:
                return

    def stop(self) -> tuple[float, float, float]:
        """Largest of the first tenth, of the last tenth, and of all, in MiB."""
        self._stop.set()
        self._thread.join()
        tenth = max(1, len(self.samples) // 10)
        return max(self.samples[:tenth]), max(self.samples[-tenth:]), max(self.samples)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1000)
    parser.add_argument("--clips", type=int, default=200, help="0: only the film of many segments.")
    given = parser.parse_args()
    tools = find_tools()
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="rushes-many-") as name:
        folder = Path(name)
        os.environ["RUSHES_CONFIG"] = str(folder / "config")
        # A long clip is cut into equal parts of at most 1.25 times the wanted length.
        long = footage(tools, folder, "long", 1, -(-given.segments * 5 // 4), "64x48")
        made = run(folder / "segments", long, "archive", problems, segment_seconds=1)
        single = run(folder / "single", long, "archive", problems, single=True)
        if made.read_bytes() != single.read_bytes():
            problems.append("a film of many segments has not the same bytes as one in one piece")
        if not given.clips:
            return concluded(problems)
        short = footage(tools, folder, "short", given.clips, 1, "64x48")
        film = run(folder / "film", short, "share", problems)
        if (count := frames(tools, film)) != given.clips * 25:
            problems.append(f"the film of {given.clips} clips has {count} frames")
        proxies = run(folder / "proxies", short, "proxy-h264", problems, layout="per-clip")
        if (count := len(os.listdir(proxies))) != given.clips:
            problems.append(f"{count} proxies of {given.clips} clips")
    return concluded(problems)


def concluded(problems: list[str]) -> int:
    for problem in problems:
        print(f"WRONG: {problem}")
    print("all right" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


def run(root: Path, media: list[Path], preset: str, problems: list[str], **spec: object) -> Path:
    """Export these clips under a real engine; say how long it took and what it held in memory."""
    library, queued = order(root, media, preset, **{"segment_seconds": 20, "template": "{clip}", **spec})
    pid = process.ensure(library).pid
    assert pid is not None
    memory = Memory(pid)
    begun = time.monotonic()
    job = api.follow(library, queued.job_id)
    seconds = time.monotonic() - begun
    first, last, most = memory.stop()
    process.stop(library)
    assert job.status == "completed", job.error
    segments = _segments(library, queued)
    print(
        f"{root.name:10} {len(media):4} clips {segments:5} segments {seconds:7.1f} s   "
        f"engine {first:.0f} MiB at first, {last:.0f} at the end, {most:.0f} at most",
        flush=True,
    )
    if last - first > GROWTH_LIMIT:
        problems.append(f"{root.name}: the engine grew by {last - first:.0f} MiB")
    return Path(str(records.get(library.db(), queued.run_id).output_path))


def _segments(library: Library, queued: Queued) -> int:
    return int(
        scalar(
            library.db(),
            "SELECT count(*) FROM segments WHERE run_id = ? AND kind = 'video'",
            (queued.run_id,),
        )
    )


def frames(tools: Tools, path: Path) -> int:
    """Pictures that a file really decodes to."""
    ran = subprocess.run(
        [tools.ffprobe, "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
         "stream=nb_read_frames", "-of", "csv=p=0", str(path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return int(ran.stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
