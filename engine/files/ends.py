"""How a way into the trash, out of it, or to the end of a file is finished: also one that a kill cut off."""

from __future__ import annotations

import json
import os

from sqlite_utils import Database

from engine.errors import RushesError
from engine.files import entries, trash_folder, turn
from engine.names import display
from engine.storage import audit
from engine.storage.database import Row, execute, row, rows, write

_UNSETTLED = "SELECT trash_id FROM trash WHERE state <> 'trashed'"


def settle(db: Database, *, seconds: float = turn.PATIENCE_SECONDS) -> None:
    """Finish what a kill cut off between a row and its rename. Volumes that are away are left alone.

    ``seconds``: how long another that is at work is waited for; with 0 it is left to finish by itself.

    Raises:
        Refused: another was at work all that time.
    """
    if not rows(db, f"{_UNSETTLED} LIMIT 1"):
        return
    with turn.taken(db, seconds) as ours:
        if not ours:
            return
        # Sorted here: for an order by number SQLite would walk through the whole trash.
        for trash_id in sorted(int(found["trash_id"]) for found in rows(db, _UNSETTLED)):
            finish(db, entries.entry_of(db, trash_id))


def finish(db: Database, entry: Row) -> None:
    """Bring what was begun to an end, one way or the other, by what is there. In one's turn."""
    if not entries.is_here(db, entry):
        return
    path, kept = entries.now(entry)
    if path is not None and _is_one_file(path, kept):
        trash_folder.remove(kept)  # killed between its second name and the end of the first
    if entry["state"] == "ending":
        end(db, entry)
    elif entry["state"] == "leaving" and os.path.lexists(kept):
        left(db, int(entry["trash_id"]))
    elif entry["state"] == "leaving":
        execute(db, "DELETE FROM trash WHERE trash_id = ?", (entry["trash_id"],))
        trash_folder.remove(trash_folder.info_of(kept))
    elif path is not None and not os.path.lexists(kept) and entries.is_what_went(entry, path):
        came_back(db, entry)
    elif entry["state"] == "returning":
        entries.set_state(db, entry, "trashed")


def _is_one_file(path: str, kept: str) -> bool:
    """Whether both are names of one file, as where a file system renames by links."""
    try:
        return os.path.samestat(os.lstat(path), os.lstat(kept))
    except OSError:
        return False


def left(db: Database, trash_id: int) -> None:
    """The file lies in the trash: its copy's row goes, in one transaction with that word."""
    entry = entries.entry_of(db, trash_id)
    copy = json.loads(entry["copy"])
    with write(db):
        execute(db, "DELETE FROM copies WHERE copy_id = ?", (copy["copy_id"],))
        execute(db, "UPDATE trash SET state = 'trashed' WHERE trash_id = ?", (trash_id,))
        audit.record(
            db,
            "files trash",
            target=entries.trashed(entry).path,
            from_state=copy["state"],
            to_state="trashed",
        )


def came_back(db: Database, entry: Row) -> None:
    """The file lies where it lay: its copy's row is what it was, and the entry goes."""
    copy = {**json.loads(entry["copy"]), "path": entry["path"]}
    _, kept = entries.now(entry)
    with write(db):
        # A look at the volume may have entered the file under its name already.
        execute(
            db, "DELETE FROM copies WHERE volume_id = ? AND path = ?", (entry["volume_id"], entry["path"])
        )
        known = row(db, "SELECT 1 FROM copies WHERE copy_id = ?", (copy["copy_id"],)) is not None
        gone = (
            copy["batch_id"] is not None
            and row(db, "SELECT 1 FROM batches WHERE batch_id = ?", (copy["batch_id"],)) is None
        )
        copy.update({"copy_id": None if known else copy["copy_id"]}, **({"batch_id": None} if gone else {}))
        execute(
            db,
            f"INSERT INTO copies ({', '.join(entries.COPY)}) VALUES ({', '.join('?' * len(entries.COPY))})",
            tuple(copy[column] for column in entries.COPY),
        )
        execute(db, "DELETE FROM trash WHERE trash_id = ?", (entry["trash_id"],))
        audit.record(
            db,
            "files restore",
            target=entries.trashed(entry).path,
            from_state="trashed",
            to_state=copy["state"],
        )
    trash_folder.remove(trash_folder.info_of(kept))


def end(db: Database, entry: Row) -> None:
    """Delete the file for good, then the entry.

    Raises:
        RushesError: the file system refused; the entry stays as it is.
    """
    _, kept = entries.now(entry)
    try:
        trash_folder.remove(kept)
        trash_folder.remove(trash_folder.info_of(kept))
    except OSError as error:
        raise RushesError(f"{display(kept)} could not be deleted: {error.strerror}.") from error
    with write(db):
        execute(db, "DELETE FROM trash WHERE trash_id = ?", (entry["trash_id"],))
        audit.record(
            db,
            "files trash --empty",
            target=entries.trashed(entry).path,
            from_state="trashed",
            to_state="deleted",
        )
