"""Which recorded copies a path names, and whether they are ours to move.

Managed, backup and export copies are ours. A source or a reference is
footage where somebody else put it: no function here changes such a file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from engine.errors import NotFound
from engine.names import display, from_blob, to_blob
from engine.storage.database import Row, rows
from engine.volumes import places

ROLES = frozenset({"managed", "backup", "export"})
"""Roles of copies that were written by us."""


@dataclass(frozen=True)
class Ours:
    """One recorded copy that can be reached.

    Attributes:
        row: of the view ``copy_states``.
        relative: path on its volume.
        path: where it is now, absolute.
    """

    row: Row
    relative: str
    path: str

    @property
    def copy_id(self) -> int:
        """Its row in ``copies``."""
        return int(self.row["copy_id"])

    @property
    def size(self) -> int:
        """Bytes, as recorded."""
        return int(self.row["size"])


def recorded(db: Database, paths: Sequence[str]) -> list[Ours]:
    """Return the recorded copies at these paths: files, and all that is recorded below folders.

    Args:
        db: the library.
        paths: of files or folders, absolute or relative to the working folder. The last
            component is not followed when it is a link.

    Raises:
        NotFound: nothing is recorded there, or the path cannot be reached.
        VolumeGone: its mount does not answer.
    """
    found: dict[int, Ours] = {}
    for given in paths:
        below = _at_or_below(db, *place_named(db, given))
        here = [
            Ours(entry, name, path)
            for entry in below
            if (path := places.absolute(entry, name := from_blob(entry["path"]))) is not None
        ]
        if not here:
            raise NotFound(f"Nothing is recorded at {display(given)}.")
        found.update({ours.copy_id: ours for ours in here})
    return list(found.values())


def place_named(db: Database, given: str) -> tuple[str, str]:
    """Volume and relative path of what is named, wherever its volume shows; raises as :func:`recorded`."""
    head, tail = os.path.split(os.path.abspath(given).rstrip("/"))
    if not tail or (os.path.isdir(given) and not os.path.islink(given)):
        # A volume may be mounted on this very folder.
        place = places.place_of(db, given)
        return place.volume_id, place.path
    place = places.place_of(db, head or "/")
    return place.volume_id, f"{place.path}/{tail}".lstrip("/")


def _at_or_below(db: Database, volume_id: str, relative: str) -> list[Row]:
    if not relative:
        return rows(db, "SELECT * FROM copy_states WHERE volume_id = ? ORDER BY path", (volume_id,))
    low = to_blob(relative)
    # "/" is followed by "0": between the two lie all names below the folder, by the index.
    return rows(
        db,
        "SELECT * FROM copy_states WHERE volume_id = ? AND (path = ? OR (path > ? AND path < ?))"
        " ORDER BY path",
        (volume_id, low, low + b"/", low + b"0"),
    )


def why_not(ours: Ours) -> str | None:
    """A sentence why this file is not to be moved, or None: it is ours and as it was recorded."""
    shown = display(ours.path)
    if ours.row["role"] not in ROLES:
        return f"{shown} is a {ours.row['role']}, not a copy of ours: rushes never moves or deletes it."
    try:
        facts = os.lstat(ours.path)
    except FileNotFoundError:
        return f"{shown} is not there."
    except OSError as error:
        return f"{shown} cannot be looked at: {error.strerror}."
    if not stat.S_ISREG(facts.st_mode):
        return f"{shown} is no plain file any more."
    if (facts.st_size, facts.st_mtime_ns) != (ours.row["size"], ours.row["mtime_ns"]):
        return (
            f"{shown} was changed since it was recorded. Look through its volume first: rushes volumes sweep."
        )
    return None
