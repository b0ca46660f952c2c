"""Children that outlived their parent are found and ended; others are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.media import child

ORPHAN = (
    "import os, subprocess, sys\n"
    "from engine.media.child import environment\n"
    "made = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', sys.argv[1]],\n"
    "    start_new_session=True, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
    "print(made.pid, flush=True)\n"
)


def gone(pid: int) -> bool:
    """Whether a process has ended; it may still wait to be fetched by whoever took it over."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        os.sched_yield()
    return False


def test_an_encoder_whose_engine_was_killed_is_ended(tmp_path):
    part = str(tmp_path / "run" / "00001.mov.part")
    ran = subprocess.run([sys.executable, "-c", ORPHAN, part], capture_output=True, text=True, check=True)
    pid = int(ran.stdout)
    try:
        assert child.end_orphans(str(tmp_path / "ru")) == 0, "another folder, whose name begins alike"
        assert child.end_orphans(str(tmp_path / "other")) == 0
        assert os.path.exists(f"/proc/{pid}")
        assert child.end_orphans(str(tmp_path / "run")) == 1
        assert gone(pid)
    finally:
        if not gone(pid):
            os.killpg(pid, signal.SIGKILL)


def test_a_child_of_one_who_lives_is_left_alone(tmp_path):
    part = str(tmp_path / "00001.mov.part")
    sleep = [sys.executable, "-c", "import time; time.sleep(60)", part]
    known = subprocess.Popen(sleep, start_new_session=True, env=child.environment())
    strange = subprocess.Popen(sleep, start_new_session=True)
    try:
        assert child.end_orphans(str(tmp_path)) == 0
        assert known.poll() is strange.poll() is None
    finally:
        for process in (known, strange):
            process.kill()
            process.wait()
