"""An encoder that is stopped, with the settings as they are: the badge after 30 s, the failure after 60 s.

    python -m tests.long.export_stall [--stages rendering]

A real engine exports a film; in the named stage every ffmpeg of it is stopped
by SIGSTOP. The job must count as stalled after about 30 s without a frame, and
fail after about 60 s (twice that when it is stopped before its first advance)
with a sentence. No process of its group and no temporary file may be left, and
a resume must give the film that nobody disturbed, with finished segments taken
over. Prints a line per stage; exit code 1 when one went wrong.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from engine.api import jobs as api
from engine.export.runs import records, runs
from engine.library import Library
from engine.media import ffmpeg
from engine.media.tools import find_tools
from engine.storage.database import scalar
from engine.supervisor import process
from tests.bench.export import footage
from tests.long.export_kills import is_encoder, order, undisturbed

SPEC = {"segment_seconds": 4, "template": "film"}
SLACK_SECONDS = 6.0
"""How late the badge and the end may come: progress is written, and looked at, at intervals."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", default="rendering")
    given = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="rushes-stall-") as temp:
        folder = Path(temp)
        os.environ["RUSHES_CONFIG"] = str(folder / "config")
        media = footage(find_tools(), folder, "clip", 3, 8, "1280x720")
        whole, _ = undisturbed(folder / "undisturbed", media, "archive", **SPEC)
        for stage in given.stages.split(","):
            problems, told = stopped(folder / stage, media, stage, whole)
            bad += bool(problems)
            print(f"{stage:10} {told}: {'; '.join(problems) or 'right'}", flush=True)
    return 1 if bad else 0


def stopped(root: Path, media: list[Path], stage: str, whole: bytes) -> tuple[list[str], str]:
    """One trial: what went wrong, and when what happened."""
    library, queued = order(root, media, "archive", **SPEC)
    try:
        engine = psutil.Process(process.ensure(library).pid)
        victims = stop_in(library, queued.job_id, engine, stage)
        if not victims:
            return [f"no encoder was met while {stage}"], "nothing stopped"
        began = time.monotonic()
        badge: float | None = None
        while (job := api.show(library, queued.job_id))["status"] == "running":
            after = time.monotonic() - began
            if badge is None and job["stalled"]:
                badge = after
            if after > 150:
                break
            time.sleep(0.2)
        failed = time.monotonic() - began
        run = records.get(library.db(), queued.run_id)
        problems = []
        if badge is None or not 29.5 <= badge <= 30 + SLACK_SECONDS:  # counted from the last advance
            problems.append("the badge is missing or came at another time")
        if not 60 <= failed <= ffmpeg.STALL_SECONDS + SLACK_SECONDS or (run.status, run.error_category) != (
            "failed",
            "stalled",
        ):
            problems.append(f"{run.status} ({run.error_category}): {run.error}")
        if [child.pid for child in victims if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]:
            problems.append("a stopped process is left")
        left = [str(path) for path in library.cache_root.rglob("*.part")]
        problems += [f"temporary files: {left}"] if left else []
        kept = int(scalar(library.db(), "SELECT count(*) FROM segments WHERE status = 'completed'"))
        again = runs.resume(library, queued.run_id)
        api.follow(library, again.job_id)
        done = records.get(library.db(), again.run_id)
        if done.status != "completed" or Path(str(done.output_path)).read_bytes() != whole:
            problems.append(f"after the resume: {done.status}, {done.error or 'other bytes'}")
        told = f"badge after {badge or 0:.1f} s, failed after {failed:.1f} s, {kept} parts kept"
        return problems, f"{told}, {done.segments_reused} segments taken over"
    finally:
        process.stop(library)


def stop_in(library: Library, job_id: str, engine: psutil.Process, stage: str) -> list[psutil.Process]:
    """SIGSTOP the encoders of an engine as soon as the job is in a stage; none when it never was."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = api.show(library, job_id)
        if job["status"] not in ("pending", "running"):
            return []
        met = [child for child in engine.children(recursive=True) if is_encoder(child)]
        if job["stage"] == stage and met and (stage != "rendering" or all(map(has_begun, met))):
            for child in met:
                child.send_signal(signal.SIGSTOP)
            return met
        time.sleep(0.002)
    return []


def has_begun(encoder: psutil.Process) -> bool:
    """Whether an encoder has written anything. Before its first frame it is given twice the time."""
    try:
        return bool(encoder.io_counters().write_bytes > 1_000_000)
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    sys.exit(main())
