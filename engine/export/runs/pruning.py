"""Rendered parts that nobody needs any more: when they go, and how much room they take until then."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from humanize import naturalsize
from sqlite_utils import Database

from engine import clock
from engine.export.runs.runs import parts_bytes, run_folder
from engine.jobs import store
from engine.library import Library
from engine.storage.database import Row, row, write

KEEP_HOURS = 24
"""How long parts of a finished run are kept: another container or a rerun then needs no new render."""

KEEP_DAYS = 14
"""How long parts of a failed or cancelled run wait for a resume."""

_FINISHED = ("completed", "completed_with_warnings")


_GONE = ".gone"
"""Ending of a run's folder that is being removed."""


def prune(library: Library, check: Callable[[], None] | None = None) -> None:
    """Remove the parts of runs that are finished, were continued by a finished one, or wait too long.

    Rows stay. What cannot be removed now is removed another time. Any thread.

    Args:
        library: the library.
        check: called between two runs; raises when the work must stop.
    """
    exports = str(library.exports)
    try:
        names = os.listdir(exports)
    except OSError:
        return  # there was no export yet, or the cache is away
    for name in names:
        if check is not None:
            check()
        if name.endswith(_GONE) and _is_id(name.removesuffix(_GONE)):
            shutil.rmtree(os.path.join(exports, name), ignore_errors=True)
        elif _is_id(name):
            _prune_one(library, name)


def _prune_one(library: Library, run_id: str) -> None:
    db = library.db()
    folder = run_folder(library, run_id)
    aside = folder + _GONE
    try:
        # A retry writes before it reads parts: while this transaction is open none begins, and after it
        # one finds no parts at all instead of parts that go under its hands.
        with write(db):
            found = _look(db, run_id)
            if found is not None and not _is_over(db, found):
                return
            taken = parts_bytes(library, run_id)
            os.rename(folder, aside)
    except OSError:
        return
    shutil.rmtree(aside, ignore_errors=True)
    if found is not None and found["status"] not in _FINISHED and taken:
        store.log(
            db,
            found["job_id"],
            "info",
            f"The rendered parts of this run ({naturalsize(taken, binary=True)}) were removed: nobody"
            " went on with it, or a later run has finished it. A resume renders them anew.",
        )


def _is_id(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def _look(db: Database, run_id: str) -> Row | None:
    return row(
        db,
        "SELECT run_id, job_id, status, ended_at FROM runs JOIN jobs USING (job_id) WHERE run_id = ?",
        (run_id,),
    )


def _is_over(db: Database, run: Row) -> bool:
    """Whether the parts of a run that is known are needed no more."""
    ended = run["ended_at"]
    if ended is None or ended >= _ago(hours=KEEP_HOURS):
        return False
    if run["status"] in _FINISHED or ended < _ago(days=KEEP_DAYS):
        return True
    continued = row(
        db,
        "SELECT 1 FROM runs JOIN jobs USING (job_id) WHERE resumed_from = ?"
        f" AND status IN ({', '.join('?' * len(_FINISHED))})",
        (run["run_id"], *_FINISHED),
    )
    return continued is not None


def _ago(**span: int) -> str:
    return clock.stamp(datetime.now(UTC) - timedelta(**span))
