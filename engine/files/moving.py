"""Moving copies of ours to another folder of the same volume: a rename, and the record goes along.

To another volume there is no moving: a verified copy is made, and the old file
is put aside when the new one is proven. The layer above does that in two steps.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from engine import renaming
from engine.errors import NotFound, Refused, RushesError
from engine.files.ours import Ours, place_named, recorded, why_not
from engine.ingest.ends import folders
from engine.names import display, to_blob
from engine.storage import audit
from engine.storage.database import execute, write
from engine.volumes import places, pools


@dataclass(frozen=True)
class Moved:
    """One file that has another place now; both paths absolute and exact."""

    old: str
    new: str
    size: int


@dataclass(frozen=True)
class Wanted:
    """What a move comes to.

    Attributes:
        moves: ``(copy, new absolute path)`` on the same volume.
        across: copies that would go to another volume.
    """

    moves: tuple[tuple[Ours, str], ...]
    across: tuple[Ours, ...]


def plan(db: Database, paths: Sequence[str], folder: str) -> Wanted:
    """Say where each file would go: a file into ``folder``, a folder with its name into ``folder``.

    Raises:
        NotFound: nothing is recorded at a path, or the folder does not exist.
        Refused: every file that cannot be moved, at once; or two would get one name, or a name is taken.
    """
    if not os.path.isdir(folder):
        raise NotFound(f"{display(folder)} is not a folder that exists.")
    target = places.place_of(db, folder)
    moves: list[tuple[Ours, str]] = []
    across: list[Ours] = []
    problems: list[str] = []
    taken: dict[str, str] = {}
    real = os.path.realpath(folder)
    for given in paths:
        name, (_, top) = os.path.basename(os.path.abspath(given)), place_named(db, given)
        for ours in recorded(db, [given]):
            sentence = why_not(ours)
            if sentence is not None:
                problems.append(sentence)
                continue
            if ours.row["volume_id"] != target.volume_id:
                overlap = pools.overlap(db, ours.row["volume_id"], target.volume_id)
                if overlap:
                    problems.append(f"{display(ours.path)}: {overlap}. Move it within one of them.")
                across.append(ours)
                continue
            # By its path on the volume: what was named may be shown at another mount than the file is.
            rest = ours.relative.removeprefix(top).strip("/")
            new = os.path.join(real, name, rest).rstrip("/")
            problems += _problems(ours, new, taken)
            taken[new.casefold()] = ours.path
            moves.append((ours, new))
    if problems:
        raise Refused("\n".join([*problems, "Nothing was moved."]))
    return Wanted(tuple(moves), tuple(across))


def _problems(ours: Ours, new: str, taken: dict[str, str]) -> list[str]:
    if os.path.lexists(new):
        return [f"{display(new)} exists already."]
    if new.casefold() in taken:
        return [
            f"{display(ours.path)} and {display(taken[new.casefold()])} would both become {display(new)}."
        ]
    return []


def rename_all(db: Database, wanted: Wanted) -> list[Moved]:
    """Rename each file of a plan without replacing anything; each is its own transaction.

    A kill between a rename and its row is healed by the next look at the
    volume, which recognises a moved file by inode, size and time.

    Raises:
        Refused: a name was taken or a file changed in the meantime; what was moved before stays moved.
        RushesError: the file system refused.
    """
    done: list[Moved] = []
    for ours, new in wanted.moves:
        sentence = why_not(ours)
        if sentence is not None:
            raise Refused(f"{sentence} {len(done)} files were moved before it.")
        try:
            _rename(db, ours, new)
        except OSError as error:
            words = "exists already" if error.errno == errno.EEXIST else str(error.strerror)
            raise RushesError(f"{display(new)}: {words}. {len(done)} files were moved before it.") from error
        done.append(Moved(ours.path, new, ours.size))
    return done


def _rename(db: Database, ours: Ours, new: str) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    os.makedirs(os.path.dirname(new), exist_ok=True)
    place = places.place_of(db, os.path.dirname(new))
    if place.volume_id != ours.row["volume_id"]:
        raise Refused(f"{display(new)} lies on another volume by now. It was not moved.")
    name = os.path.basename(new)
    source = os.open(os.path.dirname(ours.path), flags)
    target = os.open(os.path.dirname(new), flags)
    try:
        with write(db):
            execute(
                db,
                "UPDATE copies SET path = ? WHERE copy_id = ?",
                (to_blob(f"{place.path}/{name}".lstrip("/")), ours.copy_id),
            )
            audit.record(db, "files move", target=display(ours.path), why=f"to {display(new)}")
            # The row is taken back when the rename fails.
            renaming.rename(os.path.basename(ours.path), name, source, target)
        folders.sync_folder(target)
        folders.sync_folder(source)
    finally:
        os.close(source)
        os.close(target)
