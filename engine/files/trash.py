"""Putting copies of ours aside, on their own volume, and bringing them back.

A file goes by a rename into the trash folder of its own file system, as the
desktop's file managers do it (freedesktop.org Trash specification 1.0:
``.Trash-<uid>/files`` and ``info`` with a ``.trashinfo`` each), so that it can
also be restored without rushes. The last verified copy of a content is refused.
The row is written before the rename and finished after it; what a kill cut off
in between is settled by the next call of :func:`settle`.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound, Refused, RushesError, VolumeGone
from engine.files import trash_folder
from engine.files.ours import Ours, recorded, why_not
from engine.names import display, from_blob, to_blob
from engine.storage import audit
from engine.storage.database import Row, execute, row, rows, write
from engine.volumes import places


@dataclass(frozen=True)
class Preview:
    """What putting aside would do.

    Attributes:
        going: copies that would go.
        refused: a sentence for each that would not.
        warnings: a sentence for each content that would be left with too few copies.
    """

    going: tuple[Ours, ...]
    refused: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of what would go. None of them is free again before the trash is emptied."""
        return sum(ours.size for ours in self.going)


@dataclass(frozen=True)
class Trashed:
    """One file in the trash.

    Attributes:
        trash_id: its number.
        volume: name of its volume.
        path: where it lay: absolute, now or last known.
        kept: where it lies now: absolute, now or last known.
        reachable: whether its volume is here.
    """

    trash_id: int
    volume: str
    path: str
    kept: str
    size: int
    trashed_at: str
    trashed_by: str
    reachable: bool


def preview(db: Database, paths: Sequence[str]) -> Preview:
    """Say what :func:`put_aside` would do, without doing it. Raises as :func:`engine.files.ours.recorded`."""
    wanted = recorded(db, paths)
    leaving = {ours.copy_id for ours in wanted}
    going: list[Ours] = []
    refused: list[str] = []
    warnings: list[str] = []
    for ours in wanted:
        sentence = why_not(ours)
        others = [] if sentence else _verified_elsewhere(db, ours, leaving)
        if sentence is None and not others:
            sentence = f"{display(ours.path)} is the last verified copy of its content. It stays."
        if sentence is not None:
            refused.append(sentence)
            leaving.discard(ours.copy_id)
            continue
        going.append(ours)
        if len(others) == 1:
            warnings.append(f"Of {display(ours.path)} one verified copy would be left: {display(others[0])}.")
    return Preview(tuple(going), tuple(refused), tuple(warnings))


def _verified_elsewhere(db: Database, ours: Ours, leaving: set[int]) -> list[str]:
    """Where else the content lies verified: ``volume:path``; a card does not count, nor what leaves too."""
    return [
        f"{entry['volume_name']}:{from_blob(entry['path'])}"
        for entry in _verified(db, ours.row["asset_id"])
        if entry["copy_id"] != ours.copy_id and entry["copy_id"] not in leaving
    ]


def _verified(db: Database, asset_id: int) -> list[Row]:
    """Verified copies of a content, as rows of ``copy_states``; a card does not count."""
    return rows(
        db,
        "SELECT * FROM copy_states WHERE asset_id = ? AND state = 'present'"
        " AND verified_at IS NOT NULL AND role != 'source' AND volume_state != 'conflict'",
        (asset_id,),
    )


def put_aside(db: Database, wanted: Preview) -> list[Trashed]:
    """Rename every file of a preview into the trash of its own file system.

    Each is looked at again just before it goes, and is its own transaction:
    an error leaves those before it in the trash and those after it in place.

    Raises:
        Refused: a file was changed, or its content is safe nowhere else any more, or the trash
            would lie on another file system.
        RushesError: the file system refused.
    """
    settle(db)
    done: list[Trashed] = []
    for ours in wanted.going:
        sentence = why_not(ours)
        if sentence is None and not _verified_elsewhere(db, ours, set()):
            sentence = f"{display(ours.path)} is the last verified copy of its content by now. It stays."
        if sentence is not None:
            raise Refused(f"{sentence} {_so_far(done)}")
        try:
            done.append(_put_aside(db, ours))
        except OSError as error:
            raise RushesError(
                f"{display(ours.path)} could not be put aside: {error.strerror}. {_so_far(done)}"
            ) from error
    return done


def _so_far(done: list[Trashed]) -> str:
    return f"{len(done)} files were put aside before it." if done else "Nothing was put aside."


def _put_aside(db: Database, ours: Ours) -> Trashed:
    place = places.place_of(db, os.path.dirname(ours.path))
    if place.volume_id != ours.row["volume_id"]:
        raise Refused(f"{display(ours.path)} lies on another volume by now. It was not put aside.")
    top = place.mount_point
    base = trash_folder.make(top)
    if os.stat(trash_folder.files(base)).st_dev != os.lstat(ours.path).st_dev:
        raise Refused(
            f"{display(ours.path)} and the trash of its volume lie on two file systems; "
            "nothing is copied there."
        )
    kept = trash_folder.reserve(base, os.path.basename(ours.path), os.path.relpath(ours.path, top))
    kept_relative = os.path.join(place.mount_root.strip("/"), os.path.relpath(kept, top))
    columns = {key: ours.row[key] for key in _COPY if key != "path"}
    with write(db):
        trash_id = db.execute(
            "INSERT INTO trash (volume_id, asset_id, path, kept, size, copy, state, trashed_at, trashed_by)"
            " VALUES (?, ?, ?, ?, ?, ?, 'leaving', ?, ?)",
            (
                ours.row["volume_id"],
                ours.row["asset_id"],
                to_blob(ours.relative),
                to_blob(kept_relative),
                ours.size,
                json.dumps(columns),
                clock.now(),
                audit.who(),
            ),
        ).lastrowid
    assert trash_id is not None
    try:
        trash_folder.move(ours.path, kept)
    except OSError:
        execute(db, "DELETE FROM trash WHERE trash_id = ?", (trash_id,))
        trash_folder.remove(trash_folder.info_of(kept))
        raise
    _left(db, trash_id)
    return _trashed(_entry(db, trash_id))


_COPY = (
    "copy_id", "asset_id", "volume_id", "path", "role", "state", "size", "mtime_ns", "inode", "seen_at",
    "verified_at", "verify_level", "batch_id", "created_at",
)  # fmt: skip
"""The columns of ``copies``."""


def contents(db: Database, limit: int | None = None, offset: int = 0) -> list[Trashed]:
    """What is in the trash, the newest last: the ``limit`` newest (None is all) but ``offset`` of them."""
    settle(db)
    found = rows(
        db,
        f"{_ENTRY} WHERE trash.state = 'trashed' ORDER BY trash_id DESC LIMIT ? OFFSET ?",
        (-1 if limit is None else limit, offset),
    )
    return [_trashed(entry) for entry in reversed(found)]


def of(db: Database, numbers: Sequence[int | str]) -> list[Trashed]:
    """Entries by number, in this order; those that are gone are left out."""
    marks = ", ".join("?" * len(numbers))
    entries = rows(db, f"{_ENTRY} WHERE trash.state = 'trashed' AND trash_id IN ({marks})", tuple(numbers))
    found = {entry["trash_id"]: entry for entry in entries}
    return [_trashed(found[number]) for number in numbers if number in found]


def restore(db: Database, wanted: Sequence[str]) -> list[Trashed]:
    """Bring files back to where they lay, with the same record as before.

    Args:
        db: the library.
        wanted: numbers, or the paths where the files lay (a folder: all from below it).

    Raises:
        NotFound: no such file is in the trash.
        VolumeGone: its volume is away.
        Refused: something else has its name by now; both stay as they are.
        RushesError: the file system refused.
    """
    settle(db)
    done: list[Trashed] = []
    for entry in _chosen(db, wanted):
        trashed = _trashed(entry)
        if not trashed.reachable:
            raise VolumeGone(f"{display(trashed.volume)} is away. {trashed.path} waits in its trash.")
        execute(db, "UPDATE trash SET state = 'returning' WHERE trash_id = ?", (trashed.trash_id,))
        path, kept = _now(entry)
        if not _is_what_went(entry, kept):
            execute(db, "UPDATE trash SET state = 'trashed' WHERE trash_id = ?", (trashed.trash_id,))
            what = "is not the file any more that was put aside. It was left there."
            raise Refused(f"{display(kept)} {what if os.path.lexists(kept) else 'is gone from the trash.'}")
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            trash_folder.move(kept, path)
        except OSError as error:
            execute(db, "UPDATE trash SET state = 'trashed' WHERE trash_id = ?", (trashed.trash_id,))
            if error.errno == errno.EEXIST:
                raise Refused(
                    f"{display(path)} is taken by another file. Both stay; rename that one first."
                ) from error
            raise RushesError(f"{display(path)} could not be brought back: {error.strerror}.") from error
        _came_back(db, entry)
        done.append(trashed)
    return done


@dataclass(frozen=True)
class Emptied:
    """What is deleted for good, and a sentence for each file that stays in the trash."""

    deleted: tuple[Trashed, ...]
    kept: tuple[str, ...]


def empty(db: Database, wanted: Sequence[str] | None = None) -> Emptied:
    """Delete what is in the trash for good. Files of volumes that are away stay.

    What was safe when it was put aside may be the last by now: a content that is verified nowhere else,
    by the records and by a look at the copies that can be reached, stays as well. So does what somebody
    else put there under the same name.

    Args:
        db: the library.
        wanted: numbers or paths as for :func:`restore`; None is all.

    Raises:
        NotFound: no such file is in the trash.
        RushesError: the file system refused.
    """
    settle(db)
    done: list[Trashed] = []
    stay: list[str] = []
    for entry in _entries(db) if wanted is None else _chosen(db, wanted):
        trashed = _trashed(entry)
        reason = _why_it_stays(db, entry, trashed)
        if reason is not None:
            stay.append(reason)
            continue
        execute(db, "UPDATE trash SET state = 'ending' WHERE trash_id = ?", (trashed.trash_id,))
        _end(db, entry)
        done.append(trashed)
    return Emptied(tuple(done), tuple(stay))


def _why_it_stays(db: Database, entry: Row, trashed: Trashed) -> str | None:
    if not trashed.reachable:
        return f"{display(trashed.volume)} is away. {trashed.path} waits in its trash."
    _, kept = _now(entry)
    if not os.path.lexists(kept):
        return None  # emptied by somebody else: only our note of it goes
    if not _is_what_went(entry, kept):
        return f"{display(kept)} is not the file any more that was put aside. It was left there."
    if not any(_may_be_there(copy) for copy in _verified(db, entry["asset_id"])):
        return (
            f"{trashed.path} is the last verified copy of its content by now. It stays in the trash: "
            "rushes files restore brings it back."
        )
    return None


def _may_be_there(copy: Row) -> bool:
    """Whether a recorded copy can be relied on: what can be reached is looked at, the rest is believed."""
    path = places.absolute(copy, from_blob(copy["path"]))
    if path is None:
        return True
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size == copy["size"]


def _is_what_went(entry: Row, kept: str) -> bool:
    """Whether the file in the trash still has the size and the time of the copy that was put aside."""
    copy = json.loads(entry["copy"])
    try:
        facts = os.lstat(kept)
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (copy["size"], copy["mtime_ns"])


_UNSETTLED = "SELECT trash_id FROM trash WHERE state <> 'trashed'"


def settle(db: Database) -> None:
    """Finish what a kill cut off between a row and its rename. Volumes that are away are left alone."""
    # Sorted here: for an order by number SQLite would walk through the whole trash.
    unsettled = sorted(int(found["trash_id"]) for found in rows(db, _UNSETTLED))
    for entry in [_entry(db, trash_id) for trash_id in unsettled]:
        if not _trashed(entry).reachable:
            continue
        path, kept = _now(entry)
        trash_id = int(entry["trash_id"])
        if entry["state"] == "ending":
            _end(db, entry)
        elif entry["state"] == "leaving" and os.path.lexists(kept):
            _left(db, trash_id)
        elif entry["state"] == "leaving":
            execute(db, "DELETE FROM trash WHERE trash_id = ?", (trash_id,))
            trash_folder.remove(trash_folder.info_of(kept))
        elif os.path.lexists(kept):
            execute(db, "UPDATE trash SET state = 'trashed' WHERE trash_id = ?", (trash_id,))
        elif os.path.lexists(path):
            _came_back(db, entry)


def _left(db: Database, trash_id: int) -> None:
    entry = _entry(db, trash_id)
    copy = json.loads(entry["copy"])
    with write(db):
        execute(db, "DELETE FROM copies WHERE copy_id = ?", (copy["copy_id"],))
        execute(db, "UPDATE trash SET state = 'trashed' WHERE trash_id = ?", (trash_id,))
        audit.record(
            db, "files trash", target=_trashed(entry).path, from_state=copy["state"], to_state="trashed"
        )


def _came_back(db: Database, entry: Row) -> None:
    copy = {**json.loads(entry["copy"]), "path": entry["path"]}
    _, kept = _now(entry)
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
            f"INSERT INTO copies ({', '.join(_COPY)}) VALUES ({', '.join('?' * len(_COPY))})",
            tuple(copy[column] for column in _COPY),
        )
        execute(db, "DELETE FROM trash WHERE trash_id = ?", (entry["trash_id"],))
        audit.record(
            db, "files restore", target=_trashed(entry).path, from_state="trashed", to_state=copy["state"]
        )
    trash_folder.remove(trash_folder.info_of(kept))


def _end(db: Database, entry: Row) -> None:
    _, kept = _now(entry)
    try:
        trash_folder.remove(kept)
        trash_folder.remove(trash_folder.info_of(kept))
    except OSError as error:
        raise RushesError(f"{display(kept)} could not be deleted: {error.strerror}.") from error
    with write(db):
        execute(db, "DELETE FROM trash WHERE trash_id = ?", (entry["trash_id"],))
        audit.record(
            db, "files trash --empty", target=_trashed(entry).path, from_state="trashed", to_state="deleted"
        )


_ENTRY = (
    "SELECT trash.*, volumes.name AS volume_name, volumes.state AS volume_state, volumes.mount_point,"
    " volumes.mount_root, volumes.mounts FROM trash JOIN volumes USING (volume_id)"
)


def _entries(db: Database, where: str = "state = 'trashed'") -> list[Row]:
    return rows(db, f"{_ENTRY} WHERE trash.{where} ORDER BY trash_id")


def _entry(db: Database, trash_id: int) -> Row:
    found = row(db, f"{_ENTRY} WHERE trash_id = ?", (trash_id,))
    assert found is not None
    return found


def _now(entry: Row) -> tuple[str, str]:
    """Where the file lay and where it is kept; its volume must be here."""
    path = places.absolute(_volume(entry), from_blob(entry["path"]))
    kept = places.absolute(_volume(entry), from_blob(entry["kept"]))
    assert path is not None
    assert kept is not None
    return path, kept


def _volume(entry: Row) -> Row:
    """Only the columns of the volume: ``state`` of the trash row means something else."""
    return {key: entry[key] for key in ("volume_state", "mount_point", "mount_root", "mounts")}


def _trashed(entry: Row) -> Trashed:
    volume = _volume(entry)
    kept = from_blob(entry["kept"])
    return Trashed(
        trash_id=int(entry["trash_id"]),
        volume=str(entry["volume_name"]),
        path=display(places.last_known(volume, from_blob(entry["path"])) or from_blob(entry["path"])),
        kept=display(places.last_known(volume, kept) or kept),
        size=int(entry["size"]),
        trashed_at=str(entry["trashed_at"]),
        trashed_by=str(entry["trashed_by"]),
        reachable=places.absolute(volume, kept) is not None,
    )


def _chosen(db: Database, wanted: Sequence[str]) -> list[Row]:
    everything = _entries(db)
    chosen: dict[int, Row] = {}
    for given in wanted:
        path = os.path.abspath(given)
        found = [
            entry
            for entry in everything
            if str(entry["trash_id"]) == given
            or (raw := places.last_known(_volume(entry), from_blob(entry["path"]))) == path
            or (raw is not None and raw.startswith(path + "/"))
        ]
        if not found:
            raise NotFound(f"{display(given)} is not in the trash. rushes files trash --list shows what is.")
        chosen.update({int(entry["trash_id"]): entry for entry in found})
    return list(chosen.values())
