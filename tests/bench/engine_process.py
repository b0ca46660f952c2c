"""The engine process, measured: start, idle cost, memory at rest and while it copies.

python tests/bench/engine_process.py [--size-mib 1024] [--folder DIR]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil

from engine.api import engines, ingests, jobs
from engine.jobs.store import Job
from engine.library import create


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=1024)
    parser.add_argument("--folder", default=None, help="a folder on the disk to be measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        os.environ["RUSHES_CONFIG"] = os.path.join(folder, "config")
        root, card = Path(folder, "library"), Path(folder, "card")
        root.mkdir()
        card.mkdir()
        library = create(str(root))
        began = time.monotonic()
        pid = engines.ensure(library)["pid"]
        print(f"start to ready        {(time.monotonic() - began) * 1000:7.0f} ms")
        process = psutil.Process(pid)
        spent = process.cpu_times()
        time.sleep(10)
        now = process.cpu_times()
        idle = now.user + now.system - spent.user - spent.system
        print(f"idle, processor       {idle * 10:7.1f} % of a core")
        print(f"idle, memory          {process.memory_info().rss / 2**20:7.0f} MiB")
        with open(card / "clip.bin", "wb") as clip:
            clip.writelines(os.urandom(2**20) for _ in range(given.size_mib))
        peak = 0

        def look(_job: Job) -> None:
            nonlocal peak
            peak = max(peak, process.memory_info().rss)

        job = ingests.queue(library, [str(card)], [str(Path(folder, "x"))])["job_id"]
        jobs.follow(library, job, look)
        print(f"copying, memory       {peak / 2**20:7.0f} MiB  (one file of {given.size_mib} MiB)")
        engines.stop(library)


if __name__ == "__main__":
    main()
