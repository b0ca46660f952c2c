"""The real screens on a real library, in a terminal of our own."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
from tui import terminal
terminal.prepare()
from engine.api.desk import Desk
from engine.library import open_library
from tui.app import RushesApp
RushesApp(Desk(open_library(sys.argv[1])), place=sys.argv[2]).run(mouse=False)
"""


class Screen:
    """A child that draws on a pseudo terminal. The engine is not started: the database speaks alone."""

    def __init__(
        self,
        library: str,
        place: str = "ingest",
        size: tuple[int, int] = (120, 40),
        *,
        ignore_hangup: bool = False,
        script: str = SCRIPT,
        pixels: tuple[int, int] = (0, 0),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``pixels`` is the terminal's size in them; ``environment`` goes over the usual one."""
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], *pixels))

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if ignore_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        env = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        for name in ("COLORTERM", "COLUMNS", "LINES", "TMUX", "STY", "NO_COLOR", "RUSHES_PICTURES"):
            env.pop(name, None)
        env |= environment or {}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, library, place],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=ROOT,
            preexec_fn=take_terminal,  # noqa: PLW1509 - the test process has no other threads then
        )
        os.close(slave)
        self.seen = b""

    def read(self, seconds: float) -> bytes:
        """Everything drawn within ``seconds``."""
        got = b""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    got += os.read(self.master, 65536)
                except OSError:
                    break  # the child is gone
        self.seen += got
        return got

    def read_until(self, text: bytes, seconds: float = 15.0) -> float:
        """Read until ``text`` was drawn; seconds since the start of the child."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} was not drawn; seen: {self.seen[-400:]!r}"
            assert self.process.poll() is None, (
                f"the screen ended: {self.seen[-2000:].decode(errors='replace')}"
            )
            self.read(0.02)
        return time.monotonic() - self.began

    def quiet(self, seconds: float = 15.0) -> None:
        """Read until nothing was drawn for a while."""
        deadline = time.monotonic() + seconds
        while self.read(0.8):
            assert time.monotonic() < deadline, "the screen never comes to rest"

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.master, keys)

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self.master)
        self.master = -1

    def end(self) -> None:
        """Make sure that the child is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)
        if self.master >= 0:
            os.close(self.master)
