"""A run's rendered parts as rows and files: what is accepted, what is made anew, what others can lend."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable

from sqlite_utils import Database

from engine import clock
from engine.export.rendering.segment import PART_SUFFIX, Rendered, is_whole
from engine.export.runs import ledger
from engine.export.runs.runs import run_folder
from engine.library import Library
from engine.names import from_blob, to_blob
from engine.storage.database import Row, execute, row, rows, write


def output_folder(folder: str, position: int) -> str:
    """The folder of one file's segments in its run's folder."""
    return os.path.join(folder, f"{position:04}")


def take_over(
    library: Library, run_id: str, folder: str, check: Callable[[int, int], None], *, fresh: bool
) -> int:
    """Check what this run has, and take over what other runs have; return how many parts need no render.

    ``check`` is called with the number of the part that is looked at and of all
    parts, also while a large one is read; it raises to stop.

    A part counts when its file has the size and the bytes that were recorded
    when it was accepted. Others are queued again.
    """
    db = library.db()
    count = 0
    found = rows(
        db, "SELECT * FROM segments WHERE run_id = ? ORDER BY output, kind DESC, position", (run_id,)
    )
    for number, part in enumerate(found, 1):
        look = functools.partial(check, number, len(found))
        look()
        where = output_folder(folder, part["output"])
        os.makedirs(where, exist_ok=True)
        if part["status"] == "completed":
            if is_whole(where, from_blob(part["file"]), part["size"], part["blake3"], look):
                execute(db, "UPDATE segments SET reused = 1 WHERE segment_id = ?", (part["segment_id"],))
                count += 1
                continue
            _queue_again(db, part["segment_id"], "its file was missing or changed")
        if not fresh and _borrow(library, part, where, look):
            count += 1
    execute(
        db,
        "UPDATE runs SET frames_done = ?, segments_reused = (SELECT count(*) FROM segments WHERE run_id = ?"
        " AND reused = 1 AND kind = 'video') WHERE run_id = ?",
        (ledger.frames_of_finished(db, run_id), run_id, run_id),
    )
    return count


def _borrow(library: Library, part: Row, where: str, check: Callable[[], None]) -> bool:
    db = library.db()
    lenders = rows(
        db,
        "SELECT * FROM segments WHERE fingerprint = ? AND kind = ? AND status = 'completed'"
        " AND run_id != ? ORDER BY segment_id DESC LIMIT 5",
        (part["fingerprint"], part["kind"], part["run_id"]),
    )
    for lender in lenders:
        name = from_blob(lender["file"])
        theirs = output_folder(run_folder(library, lender["run_id"]), lender["output"])
        if not is_whole(theirs, name, lender["size"], lender["blake3"], check):
            continue
        # Places may differ: the number in front of the name is ours.
        own = f"{part['position']:05}-{name.partition('-')[2]}"
        try:
            _link(os.path.join(theirs, name), os.path.join(where, own))
        except OSError:
            continue  # its run was deleted this moment, or there is no room for a copy: it is rendered
        execute(
            db,
            "UPDATE segments SET status = 'completed', reused = 1, file = ?, size = ?, blake3 = ?,"
            " extradata = ?, digest = ?, error = ?, completed_at = ? WHERE segment_id = ?",
            (
                to_blob(own),
                lender["size"],
                lender["blake3"],
                lender["extradata"],
                lender["digest"],
                lender["error"],
                clock.now(),
                part["segment_id"],
            ),
        )
        return True
    return False


def _link(source: str, target: str) -> None:
    """A second name for a file, so that deleting the run that made it takes nothing away here."""
    if os.path.exists(target):
        os.unlink(target)
    try:
        os.link(source, target)
    except OSError:  # no hard links on this file system
        temp = f"{target}{PART_SUFFIX}"
        shutil.copyfile(source, temp)
        os.rename(temp, target)


def rows_of(db: Database, run_id: str, position: int, kind: str) -> list[Row]:
    """Rows of one file's segments (``video``) or chunks of sound (``audio``), in order."""
    return rows(
        db,
        "SELECT * FROM segments WHERE run_id = ? AND output = ? AND kind = ? ORDER BY position",
        (run_id, position, kind),
    )


def start(db: Database, segment_id: int) -> None:
    """An attempt at a part begins."""
    execute(
        db,
        "UPDATE segments SET status = 'running', attempts = attempts + 1, error = NULL, started_at = ?"
        " WHERE segment_id = ?",
        (clock.now(), segment_id),
    )


def finish(db: Database, run_id: str, segment_id: int, made: Rendered, *, reused: bool = False) -> None:
    """A part is accepted: one transaction, after its file has its name and is synced.

    ``reused``: it was rendered by another.
    """
    with write(db):
        db.execute(
            "UPDATE segments SET status = 'completed', reused = max(reused, ?), file = ?, size = ?,"
            " blake3 = ?, extradata = ?, digest = ?, error = ?, completed_at = ? WHERE segment_id = ?",
            (
                int(reused),
                to_blob(made.file),
                made.size,
                made.blake3,
                made.extradata,
                made.digest,
                made.warning,
                clock.now(),
                segment_id,
            ),
        )
        db.execute(
            "UPDATE runs SET frames_done = ?, segments_reused = segments_reused + ? WHERE run_id = ?",
            (ledger.frames_of_finished(db, run_id), int(reused), run_id),
        )


def fail(db: Database, segment_id: int, error: str) -> None:
    """An attempt at a part failed."""
    execute(db, "UPDATE segments SET status = 'failed', error = ? WHERE segment_id = ?", (error, segment_id))


def requeue(db: Database, run_id: str, position: int, index: int) -> None:
    """A finished segment turned out to be damaged: it is to be rendered anew."""
    found = row(
        db,
        "SELECT segment_id FROM segments WHERE run_id = ? AND output = ? AND kind = 'video' AND position = ?",
        (run_id, position, index),
    )
    if found:
        _queue_again(db, found["segment_id"], "it was changed on disk after it had been rendered")


def _queue_again(db: Database, segment_id: int, why: str) -> None:
    execute(
        db,
        "UPDATE segments SET status = 'queued', reused = 0, file = NULL, size = NULL, blake3 = NULL,"
        " extradata = NULL, digest = NULL, error = ? WHERE segment_id = ?",
        (f"Rendered anew: {why}.", segment_id),
    )
