"""Kills the encoder, the engine, or both with SIGKILL at many instants of an export; then goes on.

    python -m tests.long.export_kills [--instants 20] [--presets share,archive] [--clips 3] [--seconds 2]

Each trial has a library of its own and a real engine process. The instants are
spread evenly over the wall time of an undisturbed export, from planning to the
last rename. After a kill the run goes on as an operator would let it: the
engine is started again and the run resumed. Every trial must end with a film
that has the bytes of the undisturbed one, with no file under a temporary name,
and with at most one render more than there are segments for each kill. Prints
one line per trial and a summary; the exit code is 1 when a trial failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.api import jobs as api
from engine.export.recipes import recipes
from engine.export.rendering import crew
from engine.export.runs import records
from engine.export.runs.orders import Queued, queue_runs
from engine.export.runs.runs import log_path
from engine.jobs import store
from engine.library import Library
from engine.media.tools import find_tools
from engine.storage.database import scalar
from engine.supervisor import process
from tests.bench.export import catalogue, footage

WHO = ("encoder", "engine", "both")
LIMIT_SECONDS = 300.0


@dataclass
class Trial:
    """What one trial came to."""

    problems: list[str]
    renders: int
    segments: int
    struck: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instants", type=int, default=20)
    parser.add_argument("--presets", default="share,archive")
    parser.add_argument("--clips", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--size", default="480x270")
    parser.add_argument("--who", default=",".join(WHO))
    given = parser.parse_args()
    bad = total = 0
    with tempfile.TemporaryDirectory(prefix="rushes-kills-") as name:
        folder = Path(name)
        os.environ["RUSHES_CONFIG"] = str(folder / "config")
        media = footage(find_tools(), folder, "clip", given.clips, given.seconds, given.size)
        for preset in given.presets.split(","):
            whole, span = undisturbed(folder / f"{preset}-whole", media, preset)
            began = time.monotonic()
            print(f"{preset}: undisturbed {span:.1f} s, {len(whole)} bytes", flush=True)
            for who in given.who.split(","):
                for number in range(given.instants):
                    at = span * (number + 0.5) / given.instants
                    trial = disturbed(folder / f"{preset}-{who}-{number}", media, preset, who, at, whole)
                    total += 1
                    bad += bool(trial.problems)
                    verdict = "; ".join(trial.problems) or "same bytes"
                    print(
                        f"  {who:8} at {at:5.2f} s ({trial.struck:10}) renders {trial.renders:3} of"
                        f" {trial.segments} segments: {verdict}",
                        flush=True,
                    )
            print(f"{preset}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"{total - bad} of {total} trials ended with the same bytes")
    return 1 if bad else 0


def order(root: Path, media: list[Path], preset: str, **spec: object) -> tuple[Library, Queued]:
    """A library with these clips and a queued export of all of them."""
    library = catalogue(find_tools(), root, media)
    recipes.create(library.db(), "film", {"preset": preset, "segment_seconds": 1, "template": "film", **spec})
    return library, queue_runs(library, ["film"])[0]


def undisturbed(root: Path, media: list[Path], preset: str, **spec: object) -> tuple[bytes, float]:
    """The bytes of a film that nobody disturbs, and the seconds that it took."""
    library, queued = order(root, media, preset, **spec)
    process.ensure(library)
    begun = time.monotonic()
    job = api.follow(library, queued.job_id)
    seconds = time.monotonic() - begun
    process.stop(library)
    assert job.status == "completed", job.error
    run = records.get(library.db(), queued.run_id)
    return Path(str(run.output_path)).read_bytes(), seconds


def disturbed(root: Path, media: list[Path], preset: str, who: str, at: float, whole: bytes) -> Trial:
    """One trial: strike ``at`` seconds after the start, then go on to the end."""
    library, queued = order(root, media, preset)
    try:
        pid = process.ensure(library).pid
        assert pid is not None
        time.sleep(at)
        job = api.show(library, queued.job_id)
        struck = str(job["stage"] or job["status"])
        strike(pid, who)
        kills = 1
        deadline = time.monotonic() + LIMIT_SECONDS
        while (status := settled(library, queued)) not in ("completed", "completed_with_warnings"):
            if time.monotonic() > deadline:
                return Trial([f"still {status} after {LIMIT_SECONDS:.0f} s"], 0, 0, struck)
            process.ensure(library)
            queued = go_on(library, queued, status)
        if process.status(library).running:
            process.stop(library)  # what follows a run, such as its report, is then done or left
        return judged(library, queued, whole, kills, struck)
    finally:
        if process.status(library).running:
            process.stop(library)


def strike(pid: int, who: str) -> None:
    """SIGKILL the encoders of an engine, the engine, or both."""
    engine = psutil.Process(pid)
    encoders = [child for child in engine.children(recursive=True) if is_encoder(child)]
    if who in ("engine", "both"):
        engine.send_signal(signal.SIGKILL)
    if who in ("encoder", "both"):
        for child in encoders:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
    if who in ("engine", "both"):
        try:
            engine.wait(10)
        except psutil.TimeoutExpired:
            pass  # reaped by the client that started it


def is_encoder(child: psutil.Process) -> bool:
    """Whether a process is an ffmpeg. One that has ended by itself meanwhile is none any more."""
    try:
        return "ffmpeg" in child.name()
    except psutil.NoSuchProcess:
        return False


def settled(library: Library, queued: Queued) -> str:
    """The state of a run, once it moves no further by itself."""
    while True:
        job = store.get(library.db(), queued.job_id)
        alive = process.status(library).running
        if not alive or (job.status not in ("pending", "running") and job.intent is None):
            return job.status
        time.sleep(0.02)


def go_on(library: Library, queued: Queued, status: str) -> Queued:
    """What an operator does with a run in that state."""
    from engine.export.runs import runs

    if status in ("pending", "running"):
        return queued  # the engine was started again: it starts what waits, and interrupts what ran
    if status == "interrupted":
        api.request(library, queued.job_id, "resume")
        return queued
    return runs.resume(library, queued.run_id)


def judged(library: Library, queued: Queued, whole: bytes, kills: int, struck: str) -> Trial:
    """Compare the result with what was promised."""
    db = library.db()
    run = records.get(db, queued.run_id)
    problems = []
    if Path(str(run.output_path)).read_bytes() != whole:
        problems.append("OTHER BYTES")
    exports = library.cache_root / "exports"
    if sorted(os.listdir(exports)) != [os.path.basename(str(run.output_path))]:
        problems.append(f"files beside the film: {sorted(os.listdir(exports))}")
    left = [str(path) for path in Path(library.cache_root).rglob("*.part")]
    if left:
        problems.append(f"temporary files: {left}")
    renders = 0
    for entry in db.query("SELECT run_id FROM runs"):
        log = Path(log_path(library, entry["run_id"]))
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        renders += sum(line.startswith("$ ") and "[film]" in line for line in lines)
    segments = int(
        scalar(db, "SELECT count(*) FROM segments WHERE run_id = ? AND kind = 'video'", (run.run_id,))
    )
    # One for each encoder, one that is being proven, one that was begun while another ended.
    if renders > segments + kills * (crew.hands_for_segments(intra=True) + 2):
        problems.append(f"{renders} renders of {segments} segments")
    stale = int(
        scalar(db, "SELECT count(*) FROM segments WHERE run_id = ? AND status != 'completed'", (run.run_id,))
    )
    if stale:
        problems.append(f"{stale} segments are not completed")
    return Trial(problems, renders, segments, struck)


if __name__ == "__main__":
    sys.exit(main())
