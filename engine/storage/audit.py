"""The audit log: who did what, when, why, with what outcome. Rows are only ever added or closed."""

from __future__ import annotations

import getpass
import os
import socket

from sqlite_utils import Database

from engine import clock
from engine.storage.database import Row, execute, rows


def who() -> str:
    """The person or process that acts: ``user@host``, plus the SSH peer when there is one."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container without a passwd entry for our uid
        user = str(os.getuid())
    peer = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    return f"{user}@{socket.gethostname()}" + (f" from {peer}" if peer else "")


def record(
    db: Database,
    command: str,
    *,
    target: str | None = None,
    job_id: str | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
    why: str | None = None,
    outcome: str = "done",
    error: str | None = None,
    by: str | None = None,
) -> None:
    """Add one row. Joins the open transaction, so that a change and its record stand or fall together."""
    execute(
        db,
        "INSERT INTO audit (at, who, command, target, job_id, from_state, to_state, why, outcome, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (clock.now(), by or who(), command, target, job_id, from_state, to_state, why, outcome, error),
    )


def entries(db: Database, since: str | None = None, limit: int = 1000) -> list[Row]:
    """Rows at or after ``since`` (stored form), oldest first; at most the ``limit`` newest."""
    found = rows(db, "SELECT * FROM audit WHERE at >= ? ORDER BY audit_id DESC LIMIT ?", (since or "", limit))
    return found[::-1]
