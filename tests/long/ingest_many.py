"""An ingest of 20,000 tiny files, killed in the middle and resumed, and one of a sparse file of 10 GiB.

Run: python tests/long/ingest_many.py [--files 20000] [--gib 10] [--folder DIR]
Takes some minutes, and the size of the file in DIR (the current folder when not given). Prints a line for
each proof; exit 1 when one does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.api import ingests, jobs
from engine.library import Library, create, open_library
from engine.supervisor import process

failures: list[str] = []


def proof(what: str, *, holds: bool) -> None:
    """Say whether something holds."""
    if not holds:
        failures.append(what)
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)


def digests(folder: Path) -> dict[str, str]:
    """BLAKE2 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def kill_engine(library: Library) -> bool:
    """kill -9 the engine, if one runs."""
    status = process.status(library)
    if status.pid is None:
        return False
    os.kill(status.pid, signal.SIGKILL)
    return True


def leave(library: Library) -> None:
    """Stop the engine, if one runs."""
    if process.status(library).pid is not None:
        process.stop(library)


def tiny(top: Path, count: int) -> None:
    """Many files of up to 4 KiB, killed once."""
    chance = random.Random(1)
    card = top / "CARD"
    for number in range(count):
        path = card / f"d{number % 50:02d}" / f"{number:05d}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.randrange(0, 4096)))
    library = create(str(top / "library"))
    job_id = ingests.queue(library, [str(card)], [str(top / "nas")])["job_id"]
    while jobs.show(library, job_id)["done"] < count // 3:
        time.sleep(0.02)
    proof("the engine was killed with a third done", holds=kill_engine(library))
    while jobs.show(library, job_id)["status"] == "running" and not jobs.show(library, job_id)["ended_at"]:
        process.ensure(library)  # again and again: the one that was killed may not be gone yet
        time.sleep(0.1)
    if jobs.show(library, job_id)["status"] != "completed":  # a short one may have ended just before
        jobs.request(library, job_id, "resume")
    result = ingests.wait(library, job_id)
    numbers = (result["status"], result["found"], result["ingested"], result["failed"])
    proof(f"{count:,} tiny files over a kill: {numbers}", holds=numbers == ("completed", count, count, 0))
    proof("every byte is there", holds=digests(top / "nas/CARD") == digests(card))
    left = list((top / "nas").rglob("*.part"))
    proof("nothing half done is left", holds=not left)
    leave(library)


def sparse(top: Path, size: int) -> None:
    """One large file with bytes at its ends and in the middle."""
    path = top / "GIANT/giant.mov"
    path.parent.mkdir()
    with path.open("wb") as file:
        for offset in (0, size // 2, size - 5):
            file.seek(offset)
            file.write(b"bytes")
    library = create(str(top / "second"))
    done = ingests.queue(library, [str(path.parent)], [str(top / "vault")])
    result = ingests.wait(library, done["job_id"])
    proof(f"a sparse file of {size >> 30} GiB: {result['status']}", holds=result["ingested"] == 1)
    same = subprocess.run(["cmp", path, top / "vault/GIANT/giant.mov"], check=False).returncode == 0
    proof("it is the same", holds=same)
    leave(library)


def main() -> int:
    """Run both."""
    wishes = argparse.ArgumentParser()
    wishes.add_argument("--files", type=int, default=20_000)
    wishes.add_argument("--gib", type=int, default=10)
    wishes.add_argument("--folder", default=".")
    given = wishes.parse_args()
    top = Path(tempfile.mkdtemp(prefix="ingest-many-", dir=given.folder)).resolve()
    os.environ["RUSHES_CONFIG"] = str(top / "config")
    for name in ("library", "second", "nas", "vault"):
        (top / name).mkdir()
    try:
        tiny(top, given.files)
        sparse(top, given.gib << 30)
    finally:
        for name in ("library", "second"):
            if (top / name / ".rushes").exists():
                leave(open_library(str(top / name)))
        shutil.rmtree(top)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
