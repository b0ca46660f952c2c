"""What the screens may send to a terminal at the far end of a line: nothing when idle, little when busy."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import clock
from engine.library import Library
from engine.storage.database import write
from tests.tui.in_pty import ROOT, Screen

BUSY_BYTES_PER_SECOND = 6 * 1024
JOBS = 8

WRITER = """
import sys, time
from engine.library import open_library
from engine.storage.database import write
library = open_library(sys.argv[1])
db = library.db()
done = 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    done += 1
    for job in range(8):
        with write(db):
            db.execute(
                "UPDATE jobs SET bytes_done = ?, done = ?, rate = ?, eta_seconds = ?, progress_at = ?"
                " WHERE job_id = ?",
                (
                    done * 47_000_000 + job * 1_000_000,
                    done * 3,
                    180_000_000 + (done * 7919 + job * 31) % 9_000_000,
                    600 - done * 0.25,
                    time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                    f"job-{job}",
                ),
            )
    time.sleep(0.25)
"""


def fill(library: Library, running: int = JOBS, rows: int = 0) -> None:
    """Jobs that run, and older ones that ended."""
    db = library.db()
    with write(db):
        for number in range(running + rows):
            live = number < running
            db.execute(
                "INSERT INTO batches VALUES (?, 'ingest', 'card', ?, 'me')", (f"b{number}", clock.now())
            )
            db.execute(
                "INSERT INTO jobs (job_id, kind, batch_id, title, params, status, stage, done, total,"
                " bytes_done, bytes_total, rate, created_by, created_at)"
                " VALUES (?, 'ingest', ?, ?, '{}', ?, 'copy', 0, 4000, 0, 118000000000, 180000000, 'me', ?)",
                (
                    f"job-{number}",
                    f"b{number}",
                    f"A{number:03d}_1120 to NAS, SHUTTLE",
                    "running" if live else "completed",
                    f"2026-11-20T{20 if live else 10}:{59 - number % 60:02d}:00.000Z",
                ),
            )


@pytest.fixture
def screens(library: Library) -> Iterator[Callable[..., Screen]]:
    opened: list[Screen] = []

    def open_screen(**options: object) -> Screen:
        opened.append(Screen(str(library.root), **options))  # type: ignore[arg-type]
        opened[-1].read_until(b"SHUTTLE")
        opened[-1].quiet()
        return opened[-1]

    yield open_screen
    for screen in opened:
        screen.end()


def test_an_idle_screen_sends_nothing(library: Library, screens: Callable[..., Screen]) -> None:
    fill(library, rows=60)
    screen = screens()
    assert screen.read(4.0) == b""


def test_eight_running_jobs_stay_below_the_budget(library: Library, screens: Callable[..., Screen]) -> None:
    fill(library, rows=200)
    screen = screens()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(library.root), "7"], cwd=ROOT)
    try:
        screen.read(1.5)
        began = time.monotonic()
        sent = len(screen.read(4.0))
        seconds = time.monotonic() - began
    finally:
        assert writer.wait(20) == 0
    assert sent > 200, "the jobs run, so something must be seen to move"
    assert sent / seconds < BUSY_BYTES_PER_SECOND, f"{sent / seconds / 1024:.1f} KiB/s"


def test_writes_that_look_the_same_send_nothing(library: Library, screens: Callable[..., Screen]) -> None:
    fill(library)
    screen = screens()
    db = library.db()
    for _ in range(6):
        with write(db):
            db.execute("UPDATE jobs SET bytes_done = bytes_done + 1000, progress_at = ?", (clock.now(),))
        assert screen.read(0.4) == b""


def gone(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize("ignored", [False, True], ids=["hang-up", "hang-up ignored"])
def test_a_screen_whose_terminal_is_gone_ends_within_two_seconds(
    library: Library, screens: Callable[..., Screen], ignored: bool
) -> None:
    fill(library)
    screen = screens(ignore_hangup=ignored)
    screen.hang_up()
    assert gone(screen.process, 2.0), "the screen outlives its terminal"


def test_sigterm_puts_the_terminal_back(library: Library, screens: Callable[..., Screen]) -> None:
    fill(library)
    screen = screens()
    assert b"\x1b[?1049h" in screen.seen
    screen.process.terminate()
    assert gone(screen.process, 3)
    screen.read(0.3)
    assert b"\x1b[?1049l" in screen.seen, "still on the alternate screen"
    assert screen.seen.rindex(b"\x1b[?25h") > screen.seen.rindex(b"\x1b[?25l"), "the cursor stays hidden"


def test_the_mouse_stays_with_the_terminal(library: Library, screens: Callable[..., Screen]) -> None:
    fill(library)
    assert b"\x1b[?1000h" not in screens().seen


def test_no_media_and_no_sql_in_the_screens() -> None:
    for path in (Path(ROOT) / "tui").rglob("*.py"):
        if "cli" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        assert "SELECT " not in text, path
        assert "subprocess" not in text, path
        assert "import sqlite" not in text, path
