"""What is new on a tracked volume, offered to be taken in.

An offer is a whole folder in which nothing is known (a card keeps its
structure), or the new files that lie beside known ones in one folder. Which
files of it still wait is asked of the catalogue, so that what was taken in by
any way is no longer offered.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from engine import clock
from engine.errors import NotFound
from engine.names import display, from_blob, to_blob
from engine.storage.database import Row, row, rows, scalar, write
from engine.volumes import places, store

KIND = "new files"
"""Kind of the volume's event: ``count`` media files were never taken in; ``folder`` (absolute) holds all."""

BATCH = 5000

_FROM = """
    FROM volume_offers AS offer
    JOIN volumes ON volumes.volume_id = offer.volume_id AND volumes.tracked_at IS NOT NULL
    JOIN {} AS found USING (offer_id)
"""
_COUNTS = _FROM.format("offer_counts")
"""SQL: offers and how many of their files nobody has taken in, by when they were found."""

_WAIT = "(offer.dismissed_at IS NULL OR found.found_at > offer.dismissed_at)"
"""SQL: of these, what nobody has waved aside."""

_ASIDE = "found.found_at <= offer.dismissed_at"
"""SQL: of these, what somebody has waved aside."""


@dataclass(frozen=True)
class Fresh:
    """A media file that the catalogue does not have: path relative to the volume's root, bytes, mtime."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Offer:
    """New footage on a tracked volume.

    Attributes:
        offer_id: its number.
        volume_id: where it lies.
        volume: that volume's name.
        path: the folder, relative to the volume's root; empty is the root.
        shown: absolute path now, or where it was last seen; for the eye.
        whole: the whole folder is new, and is taken in as it is; else only some files in it are.
        online: whether it can be taken in now.
        files: media files that wait.
        bytes: their size.
        found_at: when the first of them was found.
        dismissed_at: when it was waved aside; None for one that waits.
    """

    offer_id: int
    volume_id: str
    volume: str
    path: str
    shown: str
    whole: bool
    online: bool
    files: int
    bytes: int
    found_at: str
    dismissed_at: str | None = None


def units(fresh: Iterable[str], known: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Say for each new path to which offer it belongs: (folder, whether that is new as a whole). Pure.

    The highest folder in which nothing is known is one offer; in a folder with
    known files, or in the root, the files themselves are.
    """
    inhabited = {""}
    for path in known:
        folder = path.rpartition("/")[0]
        while folder not in inhabited:
            inhabited.add(folder)
            folder = folder.rpartition("/")[0]
    found: dict[str, tuple[str, bool]] = {}
    by_folder: dict[str, tuple[str, bool]] = {}
    for path in fresh:
        folder = path.rpartition("/")[0]
        unit = by_folder.get(folder)
        if unit is None:
            top = folder
            while top not in inhabited and top.rpartition("/")[0] not in inhabited:
                top = top.rpartition("/")[0]
            unit = by_folder[folder] = (top, top not in inhabited)
        found[path] = unit
    return found


def offer(
    db: Database, volume_id: str, fresh: Collection[Fresh], known: Collection[str], *, complete: bool
) -> None:
    """Write down what was found on a tracked volume; one event whenever the number that waits changes.

    Args:
        db: the library's database.
        volume_id: the volume, just looked through.
        fresh: media files that the catalogue does not have.
        known: paths of all copies on the volume.
        complete: every folder could be read; else what was not seen again goes on waiting.
    """
    if scalar(db, "SELECT tracked_at FROM volumes WHERE volume_id = ?", (volume_id,)) is None:
        return
    before = waiting(db, volume_id)[0]
    belongs = units((file.path for file in fresh), known)
    _forget(db, volume_id, {file.path: file for file in fresh}, belongs, complete=complete)
    numbers = _numbers(db, volume_id, set(belongs.values()))
    moment = clock.now()
    entries = [
        (volume_id, to_blob(file.path), file.size, file.mtime_ns, numbers[belongs[file.path]], moment)
        for file in fresh
    ]
    for start in range(0, len(entries), BATCH):
        with write(db):
            db.conn.executemany(
                "INSERT INTO offered_files (volume_id, path, size, mtime_ns, offer_id, found_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                entries[start : start + BATCH],
            )
    with write(db):
        db.execute(
            "DELETE FROM volume_offers WHERE volume_id = ? AND NOT EXISTS (SELECT 1 FROM offered_files"
            " WHERE offered_files.offer_id = volume_offers.offer_id)",
            (volume_id,),
        )
    count, folder = waiting(db, volume_id)
    if count != before:
        detail: dict[str, object] = {"count": count}
        if folder is not None:
            detail["folder"] = folder
        store.add_event(db, volume_id, KIND, detail)


def _forget(
    db: Database,
    volume_id: str,
    fresh: Mapping[str, Fresh],
    belongs: Mapping[str, tuple[str, bool]],
    *,
    complete: bool,
) -> None:
    """Drop files that are gone, were taken in, have changed, or belong to another offer by now."""
    held = rows(
        db,
        "SELECT file.path, file.size, mtime_ns, offer.path AS folder, whole FROM offered_files AS file"
        " JOIN volume_offers AS offer USING (offer_id) WHERE file.volume_id = ?",
        (volume_id,),
    )
    gone = [
        (volume_id, entry["path"])
        for entry in held
        if (
            complete
            if (file := fresh.get(path := from_blob(entry["path"]))) is None
            else (file.size, file.mtime_ns) != (entry["size"], entry["mtime_ns"])
            or belongs[path] != (from_blob(entry["folder"]), bool(entry["whole"]))
        )
    ]
    for start in range(0, len(gone), BATCH):
        with write(db):
            db.conn.executemany(
                "DELETE FROM offered_files WHERE volume_id = ? AND path = ?", gone[start : start + BATCH]
            )


def _numbers(
    db: Database, volume_id: str, wanted: Collection[tuple[str, bool]]
) -> dict[tuple[str, bool], int]:
    moment = clock.now()
    with write(db):
        db.conn.executemany(
            "INSERT INTO volume_offers (volume_id, path, whole, found_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [(volume_id, to_blob(folder), int(whole), moment) for folder, whole in sorted(wanted)],
        )
    held = rows(db, "SELECT offer_id, path, whole FROM volume_offers WHERE volume_id = ?", (volume_id,))
    return {(from_blob(entry["path"]), bool(entry["whole"])): int(entry["offer_id"]) for entry in held}


def waiting(db: Database, volume_id: str) -> tuple[int, str | None]:
    """How many new files wait on a volume, and the folder (absolute, for the eye) that holds them all."""
    found = rows(
        db,
        f"SELECT offer.path, sum(files) AS files {_COUNTS} WHERE {_WAIT} AND offer.volume_id = ?"
        " GROUP BY offer.offer_id",
        (volume_id,),
    )
    count = sum(int(entry["files"]) for entry in found)
    if not count:
        return 0, None
    volume = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (volume_id,))
    assert volume is not None
    common = os.path.commonpath(["/" + from_blob(entry["path"]) for entry in found]).strip("/")
    shown = places.last_known(volume, common)
    return count, None if shown is None else display(shown)


def list_offers(db: Database, volume_id: str | None = None) -> list[Offer]:
    """What waits to be taken in, of one volume or of all: the newest first."""
    return _listed(db, _WAIT, volume_id)


def list_aside(db: Database, volume_id: str | None = None) -> list[Offer]:
    """What was waved aside and could be offered again, of one volume or of all: the last first."""
    found = _listed(db, _ASIDE, volume_id)
    return sorted(found, key=lambda offer: (offer.dismissed_at or "", offer.offer_id), reverse=True)


def _listed(db: Database, which: str, volume_id: str | None) -> list[Offer]:
    """One entry per offer, with its files that are ``which``."""
    found = rows(
        db,
        "SELECT offer.offer_id, offer.path AS folder, whole, volumes.*, sum(files) AS files,"
        " sum(bytes) AS bytes, min(found.found_at) AS at,"
        " CASE WHEN found.found_at <= offer.dismissed_at THEN offer.dismissed_at END AS aside_at"
        f" {_COUNTS} WHERE {which} AND (:given IS NULL OR offer.volume_id = :given)"
        " GROUP BY offer.offer_id ORDER BY at DESC, offer.offer_id DESC",
        {"given": volume_id},
    )
    return [_described(entry) for entry in found]


def _described(entry: Row) -> Offer:
    path = from_blob(entry["folder"])
    return Offer(
        entry["offer_id"],
        entry["volume_id"],
        entry["name"],
        path,
        places.last_known(entry, path) or path,
        bool(entry["whole"]),
        entry["state"] == "online" and places.absolute(entry, path) is not None,
        entry["files"],
        entry["bytes"],
        entry["at"],
        entry["aside_at"],
    )


def get(db: Database, offer_id: int) -> Offer:
    """One offer that waits.

    Raises:
        NotFound: there is none with this number, or all of it was taken in.
    """
    found = next((held for held in list_offers(db) if held.offer_id == offer_id), None)
    if found is None:
        raise NotFound(f"There is no offer {offer_id}, or all of it was taken in. See: rushes volumes offers")
    return found


def sources(db: Database, found: Offer) -> list[str]:
    """What an ingest of an offer is given: its folder, or its files that wait; absolute paths."""
    volume = row(db, "SELECT * FROM volumes WHERE volume_id = ?", (found.volume_id,))
    assert volume is not None
    paths = [found.path]
    if not found.whole:
        held = rows(
            db,
            f"SELECT found.path {_FROM.format('offered_files')} WHERE {_WAIT} AND NOT found.taken"
            " AND offer.offer_id = ? ORDER BY found.path",
            (found.offer_id,),
        )
        paths = [from_blob(entry["path"]) for entry in held]
    return [shown for path in paths if (shown := places.absolute(volume, path)) is not None]


def dismiss(db: Database, offer_id: int) -> Offer:
    """Wave an offer aside: it comes back only when something newer lies there.

    Raises:
        NotFound: see :func:`get`.
    """
    with write(db):
        found = get(db, offer_id)
        db.execute(
            "UPDATE volume_offers SET dismissed_at = :now, dismissed_before ="
            " CASE WHEN dismissed_at IS NULL THEN dismissed_before"
            " ELSE json_insert(dismissed_before, '$[#]', dismissed_at) END WHERE offer_id = :given",
            {"now": clock.now(), "given": found.offer_id},
        )
    return found


def restore(db: Database, offer_id: int) -> Offer:
    """Offer again what was waved aside last of an offer; what was waved aside earlier comes back after it.

    Raises:
        NotFound: nothing of this number was waved aside, or all of it is gone or was taken in.
    """
    with write(db):
        aside = left = _aside(db, offer_id)
        if aside is None:
            raise NotFound(
                f"There is no offer {offer_id} that was waved aside. See: rushes volumes offers --all"
            )
        # What was waved aside last may be gone since: then the time before is taken back as well.
        while left is not None and left.files == aside.files:
            db.execute(
                "UPDATE volume_offers SET dismissed_at = dismissed_before ->> '$[#-1]',"
                " dismissed_before = json_remove(dismissed_before, '$[#-1]') WHERE offer_id = ?",
                (offer_id,),
            )
            left = _aside(db, offer_id)
        return get(db, offer_id)


def _aside(db: Database, offer_id: int) -> Offer | None:
    return next((held for held in list_aside(db) if held.offer_id == offer_id), None)
