"""The engine process itself: signals, log file, and the supervisor in between."""

from __future__ import annotations

import logging
import logging.handlers
import signal
import sys
from types import FrameType

from engine.errors import RushesError
from engine.library import Library, open_library
from engine.supervisor.supervisor import Supervisor

LOG_BYTES = 10 * 1024 * 1024
LOG_FILES = 5


def run_here(library: Library, *, take_over: bool = False) -> None:
    """Be the engine, in this process, until SIGTERM, SIGINT or ``engine stop``.

    Raises:
        LibraryInUse: another engine holds the library.
    """
    supervisor = Supervisor(library)

    def leave(_number: int, _frame: FrameType | None) -> None:
        supervisor.ask_to_stop()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes is no reason to stop
    _log_to_file(library)
    supervisor.run(take_over=take_over)


def main(root: str, take_over: bool) -> int:
    """Entry of ``python -m engine``: run the engine of the library at ``root``; return the exit code."""
    try:
        run_here(open_library(root), take_over=take_over)
    except RushesError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _log_to_file(library: Library) -> None:
    library.logs.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        library.logs / "engine.log",
        maxBytes=LOG_BYTES,
        backupCount=LOG_FILES,
        encoding="utf-8",
        errors="backslashreplace",
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
