"""Putting copies of ours aside, on their own volume, and bringing them back.

A file goes by a rename into the trash folder of its own file system, as the
desktop's file managers do it (freedesktop.org Trash specification 1.0:
``.Trash-<uid>/files`` and ``info`` with a ``.trashinfo`` each), so that it can
also be restored without rushes. The last verified copy of a content is refused.
The row is written before the rename and finished after it, in one's turn (:mod:`engine.files.turn`); what a
kill cut off in between is settled by the next call (:mod:`engine.files.ends`).
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
from engine.files import ends, entries, trash_folder, turn
from engine.files.entries import Trashed
from engine.files.ours import Ours, recorded, why_not
from engine.names import display, from_blob, to_blob
from engine.storage import audit, pools
from engine.storage.database import Row, rows, write
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
    """Where else the content lies verified: ``volume:path``; a card does not count, nor what leaves too.

    Neither does what may be this very file: a pool shows the files of its branches.
    """
    shadows = pools.shadows(db)
    others = [
        entry
        for entry in _verified(db, ours.row["asset_id"])
        if entry["copy_id"] != ours.copy_id
        and entry["copy_id"] not in leaving
        and not pools.may_be_one(entry["volume_id"], ours.row["volume_id"], shadows)
    ]
    further = set(pools.counted((entry["volume_id"] for entry in others), shadows))
    return [
        f"{entry['volume_name']}:{from_blob(entry['path'])}"
        for entry in others
        if entry["volume_id"] in further
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
    ends.settle(db)
    done: list[Trashed] = []
    for ours in wanted.going:
        sentence = why_not(ours)
        if sentence is None and not _verified_elsewhere(db, ours, set()):
            sentence = f"{display(ours.path)} is the last verified copy of its content by now. It stays."
        if sentence is not None:
            raise Refused(f"{sentence} {_so_far(done)}")
        try:
            with turn.taken(db):
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
    try:
        trash_id = _enter(db, ours, os.path.join(place.mount_root.strip("/"), os.path.relpath(kept, top)))
    except BaseException:
        trash_folder.remove(trash_folder.info_of(kept))
        raise
    try:
        trash_folder.move(ours.path, kept)
    except OSError as error:
        # The drive may have failed before the rename or after it: what is there decides.
        ends.finish(db, entries.entry_of(db, trash_id))
        if entries.of(db, [trash_id]):
            raise RushesError(
                f"{display(ours.path)} is in the trash, but its volume said: {error.strerror}."
            ) from error
        raise
    ends.left(db, trash_id)
    return entries.trashed(entries.entry_of(db, trash_id))


def _enter(db: Database, ours: Ours, kept: str) -> int:
    """Write down that a file is about to leave; ``kept`` is relative to its volume. Returns its number."""
    columns = {key: ours.row[key] for key in entries.COPY if key != "path"}
    with write(db):
        return int(
            db.conn.execute(
                "INSERT INTO trash (volume_id, asset_id, path, kept, size, copy, state, trashed_at,"
                " trashed_by) VALUES (?, ?, ?, ?, ?, ?, 'leaving', ?, ?) RETURNING trash_id",
                (
                    ours.row["volume_id"],
                    ours.row["asset_id"],
                    to_blob(ours.relative),
                    to_blob(kept),
                    ours.size,
                    json.dumps(columns),
                    clock.now(),
                    audit.who(),
                ),
            ).fetchone()[0]
        )


def contents(db: Database, limit: int | None = None, offset: int = 0) -> list[Trashed]:
    """What is in the trash, the newest last: the ``limit`` newest (None is all) but ``offset`` of them."""
    ends.settle(db, seconds=0)
    return entries.newest(db, limit, offset)


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
    ends.settle(db)
    done: list[Trashed] = []
    for entry in entries.chosen(db, wanted):
        with turn.taken(db):
            done.append(_restore(db, entry))
    return done


def _restore(db: Database, entry: Row) -> Trashed:
    trashed = entries.trashed(entry)
    if not entries.of(db, [trashed.trash_id]):
        raise NotFound(f"{trashed.path} is not in the trash any more.")
    if not entries.is_here(db, entry):
        raise VolumeGone(_away(trashed))
    path, kept = entries.now(entry)
    if path is None:
        raise Refused(f"The folder of {trashed.path} does not show at any mount now. It waits in the trash.")
    if not entries.is_what_went(entry, kept):
        what = "is not the file any more that was put aside. It was left there."
        raise Refused(f"{display(kept)} {what if os.path.lexists(kept) else 'is gone from the trash.'}")
    entries.set_state(db, entry, "returning")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        trash_folder.move(kept, path)
    except OSError as error:
        ends.finish(db, entries.entry_of(db, trashed.trash_id))
        if not entries.of(db, [trashed.trash_id]) and entries.is_here(db, entry):
            raise RushesError(f"{display(path)} is back, but its volume said: {error.strerror}.") from error
        if error.errno == errno.EEXIST:
            raise Refused(
                f"{display(path)} is taken by another file. Both stay; rename that one first."
            ) from error
        raise RushesError(f"{display(path)} could not be brought back: {error.strerror}.") from error
    ends.came_back(db, entry)
    return trashed


def _away(trashed: Trashed) -> str:
    return f"{display(trashed.volume)} is away. {trashed.path} waits in its trash."


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
    ends.settle(db)
    done: list[Trashed] = []
    stay: list[str] = []
    for entry in entries.every(db) if wanted is None else entries.chosen(db, wanted):
        trashed = entries.trashed(entry)
        with turn.taken(db):
            if not entries.of(db, [trashed.trash_id]):
                continue  # brought back, or deleted, by another meanwhile
            reason = _why_it_stays(db, entry, trashed)
            if reason is not None:
                stay.append(reason)
                continue
            entries.set_state(db, entry, "ending")
            ends.end(db, entry)
        done.append(trashed)
    return Emptied(tuple(done), tuple(stay))


def _why_it_stays(db: Database, entry: Row, trashed: Trashed) -> str | None:
    if not entries.is_here(db, entry):
        return _away(trashed)
    _, kept = entries.now(entry)
    if not os.path.lexists(kept):
        return None  # emptied by somebody else: only our note of it goes
    if not entries.is_what_went(entry, kept):
        return f"{display(kept)} is not the file any more that was put aside. It was left there."
    shadows = pools.shadows(db)
    if not any(
        _may_be_there(copy, believed=not pools.may_be_one(copy["volume_id"], entry["volume_id"], shadows))
        for copy in _verified(db, entry["asset_id"])
    ):
        return (
            f"{trashed.path} is the last verified copy of its content by now. It stays in the trash: "
            "rushes files restore brings it back."
        )
    return None


def _may_be_there(copy: Row, *, believed: bool) -> bool:
    """Whether a recorded copy can be relied on: what can be reached is looked at, others are ``believed``."""
    path = places.absolute(copy, from_blob(copy["path"]))
    if path is None:
        return believed
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size == copy["size"]
