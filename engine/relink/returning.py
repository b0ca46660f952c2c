"""A drive that comes back with files that were linked elsewhere while it was away: it still holds them.

The link stays where it is, and what lies on the drive is entered again as one
more copy: whoever asks where a clip is, or on how many devices, is told of
both. Taking the link back takes that copy's row along.
"""

from __future__ import annotations

import stat
from collections.abc import Callable

from sqlite_utils import Database

from engine import clock
from engine.names import from_blob
from engine.relink import ledger
from engine.relink.look import same_time
from engine.relink.tree import Tree, hold
from engine.storage.database import Row, rows, scalar, write

BATCH = 1000
"""Copies entered per transaction."""


_LEFT = "left_id = ? AND undone_at IS NULL AND returned_id IS NULL"
"""SQL: relinks that gave a copy of a volume, which was not damaged there, a place on another one."""


def awaited(db: Database, volume_id: str) -> bool:
    """Whether rows of this volume were given a place on another one, so that it may hold more."""
    return scalar(db, f"SELECT 1 FROM relinks WHERE {_LEFT} LIMIT 1", (volume_id,)) is not None


def enter(db: Database, volume_id: str, check: Callable[[], None]) -> int:
    """Enter what a volume holds of copies whose rows were given a place on another volume.

    A file counts as the one on record when its size and its time are, as in a sweep; what was
    verified there stays verified.

    Args:
        db: the library's database.
        volume_id: a volume that is here.
        check: called before every file; may raise to give up between transactions.

    Returns:
        How many copies were entered.

    Raises:
        NotFound: there is no such volume.
        VolumeGone: it is away, or went away.
    """
    left = rows(
        db,
        "SELECT relink_id, before, asset_id, role FROM relinks JOIN copies USING (copy_id)"
        f" WHERE {_LEFT} ORDER BY relink_id DESC",
        (volume_id,),
    )
    entered = 0
    if left:
        with hold(db, volume_id) as tree:
            for start in range(0, len(left), BATCH):
                entered += _enter(db, tree, left[start : start + BATCH], check)
    return entered


def _enter(db: Database, tree: Tree, entries: list[Row], check: Callable[[], None]) -> int:
    here = []
    for entry in entries:
        check()
        values = ledger.was(entry)
        try:
            facts = tree.stat(from_blob(values["path"]))
        except OSError:
            continue  # gone, or not to be looked at: nothing is known of it
        if (
            stat.S_ISREG(facts.st_mode)
            and facts.st_size == values["size"]
            and same_time(facts.st_mtime_ns, values["mtime_ns"], tree.place.fs_type)
        ):
            here.append((entry, values, facts))
    entered = 0
    with write(db):
        moment = clock.now()
        for entry, values, facts in here:
            made = db.conn.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, inode, seen_at,"
                " verified_at, verify_level, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (volume_id, path) DO NOTHING RETURNING copy_id",
                (
                    entry["asset_id"], tree.volume_id, values["path"], entry["role"], facts.st_size,
                    facts.st_mtime_ns, facts.st_ino, moment, values["verified_at"], values["verify_level"],
                    moment,
                ),
            ).fetchone()  # fmt: skip
            if made is not None:
                entered += 1
                db.execute(
                    "UPDATE relinks SET returned_id = ? WHERE relink_id = ?", (made[0], entry["relink_id"])
                )
    return entered
