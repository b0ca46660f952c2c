"""Ends of jobs, for an open screen to tell of."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api.rows import Notice
from engine.library import Library
from engine.names import display
from engine.storage import config
from engine.storage.database import rows
from engine.supervisor import tidings

MOST = 20
"""Ends that are told at once; of a longer list the newest."""


def since(library: Library, after: str) -> Sequence[Notice]:
    """Ends after a moment (stored form), oldest first; settings ``notify.after`` and ``notify.screen``.

    How they are told is in each: with ``notify.screen`` off neither bell nor
    message is asked for, and the screen shows its own line.
    """
    found = rows(
        library.db(),
        "SELECT job_id, kind, title, status, error, ended_at FROM jobs WHERE ended_at > ?"
        " ORDER BY ended_at DESC LIMIT ?",
        (after, MOST),
    )
    if not found:
        return ()
    chosen = config.values("notify.after", "notify.screen")
    policy, how = str(chosen["notify.after"]), chosen["notify.screen"]
    return [
        Notice(
            job_id=job["job_id"],
            kind=job["kind"],
            status=job["status"],
            sentence=display(tidings.sentence(job["kind"], job["title"], job["status"], job["error"])),
            bell=how in ("bell", "both"),
            message=how in ("message", "both"),
            ended_at=job["ended_at"],
        )
        for job in reversed(found)
        if tidings.is_told(job["kind"], job["status"], policy)
    ]
