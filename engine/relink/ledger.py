"""Giving copies another place, and taking it back to the byte. The only module that moves a copy's row.

Every placement leaves a row in ``relinks`` with the copy's row before and
after, and with the candidates that it closed, as they were. Undo puts exactly
that back.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import NotFound, Refused
from engine.storage.database import Row, row, rows, write

_PLACE = (
    "volume_id", "path", "state", "size", "mtime_ns", "inode", "seen_at", "verified_at", "verify_level",
)  # fmt: skip
"""Columns of a copy that a placement changes."""

_VERDICT = ("status", "decided_at", "decided_by")
"""Columns of a candidate that a verdict changes."""


@dataclass(frozen=True)
class Placement:
    """One copy's new place.

    Attributes:
        candidate_id: the candidate that is applied by it.
        copy_id: the copy.
        volume_id: the volume it is on now.
        path: relative to that volume's root.
        size: bytes.
        mtime_ns: modification time.
        inode: None when unknown.
        verified_at: when the file at the new place was last read in full and
            found equal; None when it was not, then the copy counts as unverified.
        verify_level: of that reading.
        keep_verified: the file is the very same one, renamed: what was verified stays so, and on that level.
    """

    candidate_id: int
    copy_id: int
    volume_id: str
    path: str
    size: int
    mtime_ns: int
    inode: int | None
    verified_at: str | None = None
    verify_level: str | None = None
    keep_verified: bool = False


def place(db: Database, placements: Sequence[Placement], by: str) -> int:
    """Give the copies their new places, all or none, in one transaction (or the open one).

    The candidates become ``applied``; other open candidates of the same copies,
    and of other copies for the same files, become ``skipped``. Copies may
    exchange their places among each other.

    Returns:
        How many other candidates were skipped.

    Raises:
        NotFound: a copy is no longer in the catalogue.
        Refused: a place is another copy's already, or two copies were given one place.
    """
    with write(db):
        before = [_copy(db, placement.copy_id) for placement in placements]
        _refuse_taken(db, placements)
        moment = clock.now()
        if len(placements) > 1:
            # The place that one leaves may be the place that another takes.
            for placement in placements:
                parked = b"\x00moving/%d" % placement.copy_id
                db.execute("UPDATE copies SET path = ? WHERE copy_id = ?", (parked, placement.copy_id))
        skipped = 0
        for placement, old in zip(placements, before, strict=True):
            kept = placement.keep_verified and old["verified_at"] is not None
            new = {
                "volume_id": placement.volume_id,
                "path": names.to_blob(placement.path),
                "state": "present",
                "size": placement.size,
                "mtime_ns": placement.mtime_ns,
                "inode": placement.inode,
                "seen_at": moment,
                "verified_at": old["verified_at"] if kept else placement.verified_at,
                "verify_level": old["verify_level"] if kept else placement.verify_level,
            }
            _put(db, "copies", "copy_id", placement.copy_id, new)
            closed = _close(db, placement, by, moment)
            skipped += len(closed) - 1
            db.execute(
                "INSERT INTO relinks (candidate_id, copy_id, before, after, at) VALUES (?, ?, ?, ?, ?)",
                (
                    placement.candidate_id,
                    placement.copy_id,
                    json.dumps({"copy": _encode(old), "candidates": closed}),
                    json.dumps({"copy": _encode(new)}),
                    moment,
                ),
            )
        return skipped


def _refuse_taken(db: Database, placements: Sequence[Placement]) -> None:
    moving = {placement.copy_id for placement in placements}
    targets: set[tuple[str, str]] = set()
    for placement in placements:
        target = (placement.volume_id, placement.path)
        if target in targets:
            raise Refused(f"Two copies cannot both be {names.display(placement.path)}.")
        targets.add(target)
        taken = row(
            db,
            "SELECT copy_id, asset_id, role, state FROM copies WHERE volume_id = ? AND path = ?",
            (placement.volume_id, names.to_blob(placement.path)),
        )
        if taken is not None and taken["copy_id"] not in moving:
            raise Refused(_taken_sentence(db, placement, taken))


def _taken_sentence(db: Database, placement: Placement, taken: Row) -> str:
    own = row(db, "SELECT asset_id FROM copies WHERE copy_id = ?", (placement.copy_id,))
    shown = names.display(placement.path)
    if own is not None and own["asset_id"] == taken["asset_id"]:
        return (
            f"{shown} is in the catalogue already, as another copy of the same content. "
            "One file cannot be two copies; nothing was changed."
        )
    return f"{shown} is in the catalogue already, as a copy of other content. Nothing was changed."


def _close(db: Database, placement: Placement, by: str, moment: str) -> list[dict[str, Any]]:
    """Settle the candidate and its rivals; return each as it was before."""
    rivals = rows(
        db,
        # Three look-ups, each by its own index; one condition with OR would read the whole table.
        "SELECT candidate_id, status, decided_at, decided_by FROM candidates WHERE candidate_id = ?"
        " UNION SELECT candidate_id, status, decided_at, decided_by FROM candidates"
        " WHERE copy_id = ? AND status IN ('pending', 'later')"
        " UNION SELECT candidate_id, status, decided_at, decided_by FROM candidates"
        " WHERE volume_id = ? AND path = ? AND status IN ('pending', 'later')",
        (
            placement.candidate_id,
            placement.copy_id,
            placement.volume_id,
            names.to_blob(placement.path),
        ),
    )
    for rival in rivals:
        status = "applied" if rival["candidate_id"] == placement.candidate_id else "skipped"
        verdict = {"status": status, "decided_at": moment, "decided_by": by}
        _put(db, "candidates", "candidate_id", rival["candidate_id"], verdict)
    return rivals


def take_back(db: Database, candidate_ids: Sequence[int]) -> None:
    """Undo the placements that these candidates made: copies and verdicts as they were before, all or none.

    Raises:
        NotFound: a candidate made no placement that still stands.
        Refused: a copy was placed anew since (undo that first), or its old place is another copy's now.
    """
    with write(db):
        entries = [_standing(db, candidate_id) for candidate_id in candidate_ids]
        entries.sort(key=lambda entry: -int(entry["relink_id"]))
        moving = {entry["copy_id"] for entry in entries}
        for entry in entries:
            _refuse_stale(db, entry, moving)
        for copy_id in moving if len(moving) > 1 else ():
            db.execute("UPDATE copies SET path = ? WHERE copy_id = ?", (b"\x00moving/%d" % copy_id, copy_id))
        for entry in entries:
            before = json.loads(entry["before"])
            _put(db, "copies", "copy_id", entry["copy_id"], _decode(before["copy"]))
            for rival in before["candidates"]:
                verdict = {key: rival[key] for key in _VERDICT}
                _put(db, "candidates", "candidate_id", rival["candidate_id"], verdict)
            db.execute(
                "UPDATE relinks SET undone_at = ? WHERE relink_id = ?", (clock.now(), entry["relink_id"])
            )


def _standing(db: Database, candidate_id: int) -> Row:
    entry = row(
        db,
        "SELECT * FROM relinks WHERE candidate_id = ? AND undone_at IS NULL ORDER BY relink_id DESC LIMIT 1",
        (candidate_id,),
    )
    if entry is None:
        raise NotFound(f"Candidate {candidate_id} has no relink that could be undone.")
    return entry


def _refuse_stale(db: Database, entry: Row, moving: set[int]) -> None:
    after = _decode(json.loads(entry["after"])["copy"])
    old = _decode(json.loads(entry["before"])["copy"])
    now = _copy(db, entry["copy_id"])
    if (now["volume_id"], now["path"]) != (after["volume_id"], after["path"]):
        raise Refused(
            f"This copy has been given another place since ({names.display(now['path'])}). "
            "Undo that first; nothing was changed."
        )
    taken = row(
        db, "SELECT copy_id FROM copies WHERE volume_id = ? AND path = ?", (old["volume_id"], old["path"])
    )
    if taken is not None and taken["copy_id"] not in moving:
        raise Refused(
            f"The old place {names.display(old['path'])} belongs to another copy now. Nothing was changed."
        )


def places_of(entry: Row) -> tuple[tuple[str, str], tuple[str, str]]:
    """(volume_id, relative path) before and after, from a row of ``relinks``."""
    before = _decode(json.loads(entry["before"])["copy"])
    after = _decode(json.loads(entry["after"])["copy"])
    return (
        (before["volume_id"], names.from_blob(before["path"])),
        (after["volume_id"], names.from_blob(after["path"])),
    )


def _copy(db: Database, copy_id: int) -> Row:
    found = row(db, f"SELECT {', '.join(_PLACE)} FROM copies WHERE copy_id = ?", (copy_id,))
    if found is None:
        raise NotFound(f"Copy {copy_id} is no longer in the catalogue.")
    return found


def _put(db: Database, table: str, key: str, value: int, columns: Row) -> None:
    sets = ", ".join(f"{column} = ?" for column in columns)
    db.execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", (*columns.values(), value))


def _encode(columns: Row) -> dict[str, Any]:
    return {**columns, "path": base64.b64encode(columns["path"]).decode("ascii")}


def _decode(columns: dict[str, Any]) -> Row:
    return {**columns, "path": base64.b64decode(columns["path"])}
