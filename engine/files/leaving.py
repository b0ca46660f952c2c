"""The second half of a move to another volume: the old files go into the trash when all copies are proven.

The job of the copying knows which files leave, so that the move ends by itself
whoever queued it, and whether or not anybody still looks. Only one of those who
come to its end does it: the note is taken from the job first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from sqlite_utils import Database

from engine.errors import RushesError
from engine.files import trash
from engine.files.ours import Ours
from engine.files.trash import Trashed
from engine.jobs import store
from engine.names import from_blob
from engine.storage.database import execute, row, scalar, write
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
    """
    with write(db):
        known = row(
            db,
            "SELECT json_extract(params, '$.leaving') AS leaving FROM jobs"
            " WHERE job_id = ? AND status = 'completed'",
            (job_id,),
        )
        if known is None or known["leaving"] is None:
            return None
        db.execute("UPDATE jobs SET params = json_remove(params, '$.leaving') WHERE job_id = ?", (job_id,))
    done: list[Trashed] = []
    for copy_id in json.loads(known["leaving"]):
        try:
            done += _put_aside(db, int(copy_id))
        except RushesError as error:
            store.log(db, job_id, "warning", str(error))
    execute(
        db,
        "UPDATE jobs SET result = json_set(coalesce(result, '{}'), '$.put_aside', json(?)) WHERE job_id = ?",
        (json.dumps([gone.trash_id for gone in done]), job_id),
    )
    store.log(
        db, job_id, "info", f"Old files in the trash: {len(done)}. rushes files restore brings them back."
    )
    return done


def put_aside_by(db: Database, job_id: str) -> list[int]:
    """Numbers in the trash of what left with a job."""
    found = scalar(db, "SELECT json_extract(result, '$.put_aside') FROM jobs WHERE job_id = ?", (job_id,))
    return [int(number) for number in json.loads(found)] if found else []


def _put_aside(db: Database, copy_id: int) -> list[Trashed]:
    entry = row(db, "SELECT * FROM copy_states WHERE copy_id = ?", (copy_id,))
    if entry is None:
        return []
    relative = from_blob(entry["path"])
    path = places.absolute(entry, relative)
    if path is None or not os.path.lexists(path):
        return []
    return trash.put_aside(db, trash.Preview((Ours(entry, relative, path),), (), ()))
