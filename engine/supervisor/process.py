"""The engine process, seen from a client: started detached, looked at, asked to stop."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass

from sqlite_utils import Database

from engine import __version__
from engine.errors import LibraryInUse, Refused
from engine.library import Library
from engine.names import display
from engine.storage import audit
from engine.storage.database import execute, row, scalar, write
from engine.supervisor import identity, lock

START_SECONDS = 15.0
"""How long a client waits for a sign of life of a new engine."""

READY_SECONDS = 600.0
"""How long it waits for one that lives: a large catalogue on a slow disk is checked first."""

STOP_SECONDS = 30.0
"""How long ``engine stop`` waits for the process to be gone."""


@dataclass(frozen=True)
class EngineStatus:
    """What is known of a library's engine.

    ``running`` is False when none lives; ``pid``, ``since``, ``host`` and
    ``version`` are then None. ``ready`` is False while it starts.
    """

    running: bool
    ready: bool
    pid: int | None
    since: str | None
    host: str | None
    version: str | None
    heartbeat_at: str | None
    jobs_running: int


def status(library: Library) -> EngineStatus:
    """Look at the library's engine: its lock, its process, its row. Starts nothing."""
    owner = lock.holder(library)
    db = library.db()
    running = int(scalar(db, "SELECT count(*) FROM jobs WHERE status = 'running'"))
    if owner is None:
        return EngineStatus(False, False, None, None, None, None, None, 0)
    entry = row(db, "SELECT * FROM engine")
    ready = bool(entry and entry["ready"] and entry["pid"] == owner.pid)
    return EngineStatus(
        True,
        ready,
        owner.pid,
        owner.since,
        owner.host,
        str(entry["version"]) if entry else None,
        str(entry["heartbeat_at"]) if entry else None,
        running,
    )


def ensure(library: Library, *, take_over: bool = False) -> EngineStatus:
    """Return when the library has an engine that is ready, starting one when there is none.

    Raises:
        Refused: the library is read-only, the engine did not become ready (the
            last lines of its log are given), or it is of another version.
        LibraryInUse: its lock is held on another host.
    """
    found = status(library)
    if found.running and found.host is not None and not _is_here(library):
        raise LibraryInUse(
            f"The engine of this library runs on {display(found.host)} (since {found.since}). "
            "Work there, or stop it there first."
        )
    if not found.running:
        if library.read_only:
            raise Refused(
                f"{display(str(library.folder))} cannot be written, so no engine can work for this library. "
                "Listings show what was last recorded."
            )
        start_detached(library, take_over=take_over)
    begun = time.monotonic()
    while not (found := status(library)).ready:
        lives = found.running or _lives(library)
        patience = READY_SECONDS if lives else START_SECONDS
        if time.monotonic() - begun > patience:
            raise Refused(f"The engine did not become ready in {patience:.0f} s.{_last_log_lines(library)}")
        if _has_ended(library) and not status(library).running:
            raise Refused(f"The engine ended at its start.{_last_log_lines(library)}")
        time.sleep(0.02)
    if found.version != __version__:
        raise Refused(
            f"The engine is of rushes {found.version}, this is {__version__}. "
            "Stop it with: rushes engine stop"
        )
    return found


_started: dict[str, subprocess.Popen[bytes]] = {}
"""The engines that this client started, by library. Kept so that they are reaped when they end."""

_leaving: list[subprocess.Popen[bytes]] = []
"""Engines that gave up their lock but had not quite ended when another was started."""


def _has_ended(library: Library) -> bool:
    """Whether the engine that this client started for the library has ended already. Reaps it."""
    child = _started.get(library.library_id)
    return child is not None and child.poll() is not None


def _lives(library: Library) -> bool:
    """Whether the engine that this client started for the library has not ended."""
    child = _started.get(library.library_id)
    return child is not None and child.poll() is None


def start_detached(library: Library, *, take_over: bool = False) -> None:
    """Start an engine that belongs to no terminal: own session, no standard streams."""
    if _lives(library):
        _leaving.append(_started[library.library_id])  # its lock is free: it is about to be gone
    library.logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "engine", "--library", str(library.cache_root)]
    if take_over:
        command.append("--take-over")
    with open(library.logs / "engine.err", "ab") as errors:
        _started[library.library_id] = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",
            start_new_session=True,
        )


def stop(library: Library) -> list[str]:
    """Ask the engine to stop and wait until its process is gone. Returns the ids of jobs left interrupted.

    Raises:
        Refused: none runs, it runs on another host, or it did not end in time.
    """
    owner = lock.holder(library)
    if owner is None:
        raise Refused("No engine runs for this library.")
    if not _is_here(library):
        raise Refused(f"The engine runs on {display(owner.host)}; stop it there.")
    db = library.db()
    running = [
        str(found[0]) for found in db.execute("SELECT job_id FROM jobs WHERE status = 'running'").fetchall()
    ]
    if not _asked_to_stop(db):
        os.kill(owner.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while identity.is_alive(owner):
        _has_ended(library)
        if time.monotonic() > deadline:
            raise Refused(f"The engine (process {owner.pid}) did not end within {STOP_SECONDS:.0f} s.")
        time.sleep(0.02)
    marks = ", ".join("?" * len(running))
    left = db.execute(
        f"SELECT job_id FROM jobs WHERE status = 'interrupted' AND job_id IN ({marks})", running
    ).fetchall()
    return [str(found[0]) for found in left]


def _asked_to_stop(db: Database) -> bool:
    """Write into the catalogue that the engine is to stop; False where that is not to be had."""
    try:
        with write(db):
            audit.record(db, "engine stop")
            return execute(db, "UPDATE engine SET intent = 'stop'") > 0
    except sqlite3.Error:
        return False  # a full disk must keep nobody from stopping it


def _is_here(library: Library) -> bool:
    owner = lock.holder(library)
    return owner is not None and owner.host_id == identity.host_id()


def _last_log_lines(library: Library) -> str:
    try:
        lines = (library.logs / "engine.err").read_text(errors="backslashreplace").splitlines()[-5:]
    except OSError:
        return ""
    return " It said:\n" + "\n".join(f"  {display(line)}" for line in lines) if lines else ""
