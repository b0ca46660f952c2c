"""Memory of an ingest: of the process that plans it and the one that runs it, for many files or a huge one.

    python tests/bench/memory.py [--files 20000 --files 200000 --files 1000000] [--huge-gib 10] [--folder DIR]
                                 [--per-folder 500] [--mhl]

The card and the destination lie in ``--folder``: a tmpfs keeps a million files of
100 bytes quick (give 6 GiB for a million). Each process is a new one; what is
shown is the most that it ever held (``VmHWM``). ``--per-folder 0`` puts all files into one
folder, ``--mhl`` also writes the ASC MHL hash list. Target: below 150 MiB whatever the number
and size of the files.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_MIB = 150

PLAN = """
import json, sys
from engine.ingest.planning.plan import plan
from engine.library import open_library
print(plan(open_library(sys.argv[1]), [sys.argv[2]], [sys.argv[3]], dry_run=True).files)
"""

RUN = """
import sys
from engine.ingest.job import run
from engine.ingest.planning.plan import plan
from engine.ingest.planning.queue import queue
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import open_library
library = open_library(sys.argv[1])
planned = plan(library, [sys.argv[2]], [sys.argv[3]], thumbnails=False)
queued = queue(library, planned, hash_lists=sys.argv[4] == "mhl")
store.transition(library.db(), queued.job_id, "running")
outcome = run(JobContext(library, store.get(library.db(), queued.job_id)))
assert outcome.status == "completed", outcome
print(outcome.result["ingested"])
"""


def measured(code: str, *values: str) -> tuple[str, float, float]:
    """Run Python code in a process of its own: (what it printed, seconds, most MiB that it held)."""
    told = f"{code}\nprint(open('/proc/self/status').read())"
    begun = time.monotonic()
    ran = subprocess.run([sys.executable, "-c", told, *values], check=True, stdout=subprocess.PIPE, text=True)
    most = re.search(r"VmHWM:\s+(\d+) kB", ran.stdout)
    assert most is not None
    return ran.stdout.split("\n", 1)[0], time.monotonic() - begun, int(most[1]) / 1024


def make(card: Path, files: int, per_folder: int) -> None:
    for number in range(files):
        if number % per_folder == 0:
            folder = card / f"{number // per_folder:05d}"
            folder.mkdir(parents=True)
        fd = os.open(folder / f"{number:07d}.dat", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, b"%0100d" % number)
        os.close(fd)


def row(what: str, card: Path, folder: Path, lists: str) -> bool:
    library, target = folder / "library", folder / "nas"
    library.mkdir()
    subprocess.run(
        [sys.executable, "-c", "import sys; from engine.library import create; create(sys.argv[1])", library],
        check=True,
    )
    _, plan_seconds, plan_mib = measured(PLAN, str(library), str(card), str(target))
    print(f"{what:>22} | plan {plan_mib:6.0f} MiB {plan_seconds:7.1f} s |", end="", flush=True)
    done, run_seconds, run_mib = measured(RUN, str(library), str(card), str(target), lists)
    print(f" ingest {run_mib:6.0f} MiB {run_seconds:7.1f} s | {done} ingested", flush=True)
    shutil.rmtree(library)
    shutil.rmtree(target)
    return max(plan_mib, run_mib) < TARGET_MIB


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, action="append", default=[])
    parser.add_argument("--huge-gib", type=int, default=0)
    parser.add_argument("--per-folder", type=int, default=500, help="files in each folder; 0: all in one")
    parser.add_argument("--mhl", action="store_true", help="write a hash list too")
    parser.add_argument("--folder", help="where everything is made (default: a temporary folder)")
    arguments = parser.parse_args()
    lists = "mhl" if arguments.mhl else "none"
    good = True
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="rushes-bench-") as name:
        folder = Path(name)
        for files in arguments.files or ([] if arguments.huge_gib else [20_000, 200_000]):
            make(folder / "card", files, arguments.per_folder or files)
            good &= row(f"{files} files", folder / "card", folder, lists)
            shutil.rmtree(folder / "card")
        if arguments.huge_gib:
            (folder / "card").mkdir()
            with open(folder / "card" / "huge.mov", "wb") as file:
                file.truncate(arguments.huge_gib << 30)
            good &= row(f"one file of {arguments.huge_gib} GiB", folder / "card", folder, lists)
    print(f"target: at most {TARGET_MIB} MiB: {'met' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
