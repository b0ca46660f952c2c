"""The second half of a move to another volume: the old files go into the trash when all copies are proven.

The job of the copying knows which files leave, so that the move ends by itself
whoever queued it, and whether or not anybody still looks. Only one of those who
come to its end does it, in its turn; the note goes when all of it is done, so that what a kill cut off is
done by the next.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from sqlite_utils import Database

from engine.errors import RushesError
from engine.files import entries, trash, turn
from engine.files.entries import Trashed
from engine.files.ours import Ours
from engine.jobs import store
from engine.names import from_blob
from engine.storage.database import execute, row, rows, scalar, write
from engine.volumes import places


def remember(db: Database, job_id: str, leaving: Sequence[Ours]) -> None:
    """Note with a job which copies go when it has ended well."""
    execute(
        db,
        "UPDATE jobs SET params = json_set(params, '$.leaving', json(?)) WHERE job_id = ?",
        (json.dumps([ours.copy_id for ours in leaving]), job_id),
    )


def settle(db: Database, job_id: str) -> list[Trashed] | None:
    """Put aside what leaves with a job that has ended well; None when that is not, or was done already.

    What cannot go stays where it is, and the log of the job says why.

    Raises:
        Refused: another has been at it for a long time.
    """
    if _noted(db, job_id) is None:
        return None
    what = f"leaving-{job_id}"
    with turn.taken(db, what=what):
        noted = _noted(db, job_id)
        gone = None if noted is None else _settle(db, job_id, noted)
        turn.forget(db, what)
    return gone


def _settle(db: Database, job_id: str, noted: list[int]) -> list[Trashed]:
    for copy_id in noted:
        try:
            _put_aside(db, copy_id)
        except RushesError as error:
            store.log(db, job_id, "warning", str(error))
    # Asked of the trash itself: some may have gone before a kill.
    gone = [
        int(found["trash_id"])
        for found in rows(
            db,
            "SELECT trash_id FROM trash WHERE state = 'trashed' AND copy ->> '$.copy_id' IN"
            " (SELECT value FROM json_each(?)) ORDER BY trash_id",
            (json.dumps(noted),),
        )
    ]
    with write(db):
        db.execute(
            "UPDATE jobs SET params = json_remove(params, '$.leaving'),"
            " result = json_set(coalesce(result, '{}'), '$.put_aside', json(?)) WHERE job_id = ?",
            (json.dumps(gone), job_id),
        )
        store.log(
            db,
            job_id,
            "info",
            f"Old files in the trash: {len(gone)}. rushes files restore brings them back.",
        )
    return entries.of(db, gone)


def _noted(db: Database, job_id: str) -> list[int] | None:
    """The copies that leave with a job that has ended well; None: it has not, or that is done."""
    found = scalar(
        db,
        "SELECT json_extract(params, '$.leaving') FROM jobs WHERE job_id = ? AND status = 'completed'",
        (job_id,),
    )
    return None if found is None else [int(copy_id) for copy_id in json.loads(found)]


def put_aside_by(db: Database, job_id: str) -> list[int]:
    """Numbers in the trash of what left with a job."""
    found = scalar(db, "SELECT json_extract(result, '$.put_aside') FROM jobs WHERE job_id = ?", (job_id,))
    return [int(number) for number in json.loads(found)] if found else []


def _put_aside(db: Database, copy_id: int) -> None:
    entry = row(db, "SELECT * FROM copy_states WHERE copy_id = ?", (copy_id,))
    if entry is None:
        return
    relative = from_blob(entry["path"])
    path = places.absolute(entry, relative)
    if path is None or not os.path.lexists(path):
        return
    trash.put_aside(db, trash.Preview((Ours(entry, relative, path),), (), ()))
