"""Giving copies another place, and taking it back to the byte: the only module of the room that does.

Every placement leaves a row in ``relinks`` with the copy's row before and
after, and with the candidates that it closed, as they were. Undo puts exactly
that back.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import NotFound, Refused
from engine.storage import deciding, moving
from engine.storage.database import Row, parts, row, rows, write

_Values = tuple[Any, ...]
"""The columns of a copy that a placement changes, see :data:`engine.storage.moving.COLUMNS`."""

_STATE = moving.COLUMNS.index("state")
_VERIFIED = moving.COLUMNS.index("verified_at")

_to_json = json.JSONEncoder(separators=(",", ":")).encode

_VERDICT = ("status", "decided_at", "decided_by")
"""Columns of a candidate that a verdict changes."""


@dataclass(slots=True)
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


def place(db: Database, placements: Sequence[Placement], by: str, *, entered: bool = False) -> int:
    """Give the copies their new places, all or none, in one transaction (or the open one).

    The candidates become ``applied``; other open candidates of the same copies,
    and of other copies for the same files, become ``skipped``. Copies may
    exchange their places among each other.

    Args:
        db: the library's database.
        placements: one per copy.
        by: who says so.
        entered: the candidates were entered just now, as ``applied``: before that they count as ``pending``.

    Returns:
        How many other candidates were skipped.

    Raises:
        NotFound: a copy is no longer in the catalogue.
        Refused: a place is another copy's already, or two copies were given one place.
    """
    with write(db):
        before = _copies(db, [placement.copy_id for placement in placements])
        _refuse_taken(db, placements)
        moment = clock.now()
        closing = _closing(db, placements, entered=entered)
        moves: list[tuple[Any, ...]] = []
        records: list[tuple[Any, ...]] = []
        for placement in placements:
            old = before[placement.copy_id]
            new = _new(placement, old, moment)
            moves.append((placement.copy_id, *new))
            rivals = _to_json(closing[placement.candidate_id])
            told = f'{{"copy":{_encode(old)},"candidates":{rivals}}}'
            after = f'{{"copy":{_encode(new)}}}'
            left = old[0] if old[0] != new[0] and old[_STATE] != "damaged" else None
            records.append((placement.candidate_id, placement.copy_id, told, after, moment, left))
        moving.move(db, moves)
        db.conn.executemany(
            "INSERT INTO relinks (candidate_id, copy_id, before, after, at, left_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            records,
        )
        return _close(db, closing, by, moment, entered=entered)


def _new(placement: Placement, old: _Values, moment: str) -> _Values:
    """The columns of a copy at its new place."""
    verified = (placement.verified_at, placement.verify_level)
    if placement.keep_verified and old[_VERIFIED] is not None:
        verified = (old[_VERIFIED], old[_VERIFIED + 1])
    return (
        placement.volume_id, names.to_blob(placement.path), "present", placement.size, placement.mtime_ns,
        placement.inode, moment, *verified,
    )  # fmt: skip


def _refuse_taken(db: Database, placements: Sequence[Placement]) -> None:
    moving_ids = {placement.copy_id for placement in placements}
    targets: dict[tuple[str, bytes], Placement] = {}
    for placement in placements:
        target = (placement.volume_id, names.to_blob(placement.path))
        if target in targets:
            raise Refused(f"Two copies cannot both be {names.display(placement.path)}.")
        targets[target] = placement
    for volume_id, path, copy_id, asset_id in _at(db, "copies", "copy_id, asset_id", targets):
        if copy_id not in moving_ids:
            raise Refused(_taken_sentence(db, targets[volume_id, path], asset_id))


def _at(
    db: Database, table: str, columns: str, places: Iterable[tuple[str, bytes]], where: str = "1"
) -> Iterator[tuple[Any, ...]]:
    """(volume_id, path, ``columns``) of the rows of ``table`` at these places."""
    by_volume: dict[str, list[bytes]] = defaultdict(list)
    for volume_id, path in places:
        by_volume[volume_id].append(path)
    for volume_id, paths in by_volume.items():
        for part in parts(paths):
            yield from db.conn.execute(
                f"SELECT volume_id, path, {columns} FROM {table} WHERE volume_id = ?"
                f" AND path IN ({_marks(part)}) AND {where}",
                (volume_id, *part),
            ).fetchall()


def _taken_sentence(db: Database, placement: Placement, asset_id: int) -> str:
    own = row(db, "SELECT asset_id FROM copies WHERE copy_id = ?", (placement.copy_id,))
    shown = names.display(placement.path)
    if own is not None and own["asset_id"] == asset_id:
        return (
            f"{shown} is in the catalogue already, as another copy of the same content. "
            "One file cannot be two copies; nothing was changed."
        )
    return f"{shown} is in the catalogue already, as a copy of other content. Nothing was changed."


_OPEN = "status IN ('pending', 'later')"
_RIVAL = "candidate_id, status, decided_at, decided_by"


def _closing(
    db: Database, placements: Sequence[Placement], *, entered: bool
) -> dict[int, list[dict[str, Any]]]:
    """For each placement's candidate: all candidates that it settles, itself first, as they are now."""
    by_copy = {placement.copy_id: placement.candidate_id for placement in placements}
    by_place = {
        (placement.volume_id, names.to_blob(placement.path)): placement.candidate_id
        for placement in placements
    }
    own: dict[int, tuple[Any, ...]] = {}
    if entered:
        own = {candidate_id: (candidate_id, "pending", None, None) for candidate_id in by_copy.values()}
    rivals: list[tuple[int, tuple[Any, ...]]] = []
    for part in parts(list(by_copy)):
        found = db.conn.execute(
            f"SELECT copy_id, {_RIVAL} FROM candidates WHERE copy_id IN ({_marks(part)}) AND {_OPEN}", part
        )
        rivals += [(by_copy[copy_id], tuple(rival)) for copy_id, *rival in found.fetchall()]
    for volume_id, path, *other in _at(db, "candidates", _RIVAL, by_place, _OPEN):
        rivals.append((by_place[volume_id, path], tuple(other)))
    if not entered:
        for part in parts(list(by_copy.values())):
            found = db.conn.execute(
                f"SELECT {_RIVAL} FROM candidates WHERE candidate_id IN ({_marks(part)})", part
            )
            own |= {rival[0]: rival for rival in found.fetchall()}
    closing = {
        candidate_id: [_verdict(own[candidate_id])] if candidate_id in own else []
        for candidate_id in by_copy.values()
    }
    settled = set(closing)
    for candidate_id, rival in rivals:
        if rival[0] not in settled:
            settled.add(rival[0])
            closing[candidate_id].append(_verdict(rival))
    return closing


def _verdict(rival: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(("candidate_id", *_VERDICT), rival, strict=True))


def _close(
    db: Database, closing: dict[int, list[dict[str, Any]]], by: str, moment: str, *, entered: bool
) -> int:
    """Settle the candidates and their rivals; return how many rivals were skipped."""
    skipped = 0
    verdicts: list[deciding.Verdict] = []
    for candidate_id, rivals in closing.items():
        for rival in rivals:
            applied = rival["candidate_id"] == candidate_id
            skipped += not applied
            if not (applied and entered):
                verdicts.append(("applied" if applied else "skipped", moment, by, rival["candidate_id"]))
    deciding.decide(db, verdicts)
    return skipped


def take_back(db: Database, candidate_ids: Sequence[int]) -> None:
    """Undo the placements that these candidates made: copies and verdicts as they were before, all or none.

    Raises:
        NotFound: a candidate made no placement that still stands.
        Refused: a copy was placed anew since (undo that first), or its old place is another copy's now.
    """
    with write(db):
        entries = _standing(db, candidate_ids)
        befores = {int(entry["relink_id"]): json.loads(entry["before"]) for entry in entries}
        old = {int(entry["copy_id"]): _decode(befores[int(entry["relink_id"])]["copy"]) for entry in entries}
        _refuse_stale(db, entries, old)
        moving.move(db, [(copy_id, *values) for copy_id, values in old.items()])
        deciding.decide(
            db,
            [
                (rival["status"], rival["decided_at"], rival["decided_by"], rival["candidate_id"])
                for before in befores.values()
                for rival in before["candidates"]
            ],
        )
        moment = clock.now()
        db.conn.executemany(
            "UPDATE relinks SET undone_at = ? WHERE relink_id = ?",
            [(moment, relink_id) for relink_id in befores],
        )


def _standing(db: Database, candidate_ids: Sequence[int]) -> list[Row]:
    """The placement of each candidate that was not taken back."""
    found: dict[int, Row] = {}
    for part in parts(list(candidate_ids)):
        for entry in rows(
            db,
            f"SELECT * FROM relinks WHERE candidate_id IN ({_marks(part)}) AND undone_at IS NULL"
            " ORDER BY relink_id",
            part,
        ):
            found[entry["candidate_id"]] = entry
    for candidate_id in candidate_ids:
        if candidate_id not in found:
            raise NotFound(f"Candidate {candidate_id} has no relink that could be undone.")
    return sorted(found.values(), key=lambda entry: -int(entry["relink_id"]))


def _refuse_stale(db: Database, entries: Sequence[Row], old: dict[int, _Values]) -> None:
    """Be sure that each copy is where its relink put it, and that its old place is free, or free it."""
    now = _copies(db, list(old))
    for entry in entries:
        after = _decode(json.loads(entry["after"])["copy"])
        here = now[entry["copy_id"]]
        if here[:2] != after[:2]:
            raise Refused(
                f"This copy has been given another place since ({names.display(names.from_blob(here[1]))}). "
                "Undo that first; nothing was changed."
            )
    returned = {entry["returned_id"] for entry in entries}
    held = _at(db, "copies", "copy_id", (values[:2] for values in old.values()))
    for _, path, copy_id in list(held):
        if copy_id in returned:  # the drive came back with it: see engine.relink.returning
            db.execute("DELETE FROM copies WHERE copy_id = ?", (copy_id,))
        elif copy_id not in old:
            raise Refused(
                f"The old place {names.display(names.from_blob(path))} belongs to another copy now. "
                "Nothing was changed."
            )


def places_of(entry: Row) -> tuple[tuple[str, str], tuple[str, str]]:
    """(volume_id, relative path) before and after, from a row of ``relinks``."""
    before = _decode(json.loads(entry["before"])["copy"])
    after = _decode(json.loads(entry["after"])["copy"])
    return (before[0], names.from_blob(before[1])), (after[0], names.from_blob(after[1]))


def was(entry: Row) -> dict[str, Any]:
    """The copy's columns before, from a row of ``relinks`` that is no link of a derivative."""
    return dict(zip(moving.COLUMNS, _decode(json.loads(entry["before"])["copy"]), strict=True))


def _copies(db: Database, copy_ids: Sequence[int]) -> dict[int, _Values]:
    """The columns of these copies that a placement changes.

    Raises:
        NotFound: one is no longer in the catalogue.
    """
    found: dict[int, _Values] = {}
    for part in parts(list(copy_ids)):
        for copy_id, *values in db.conn.execute(
            f"SELECT copy_id, {', '.join(moving.COLUMNS)} FROM copies WHERE copy_id IN ({_marks(part)})", part
        ).fetchall():
            found[copy_id] = tuple(values)
    for copy_id in copy_ids:
        if copy_id not in found:
            raise NotFound(f"Copy {copy_id} is no longer in the catalogue.")
    return found


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _encode(values: _Values) -> str:
    """The columns of a copy as a JSON object; the path, which may hold any bytes, as base 64.

    Written part by part: a mapping makes 200,000 of these, and a dictionary makes each twice as dear.
    """
    return _COPY.format(*map(_part, values))


def _part(value: str | int | bytes | None) -> str:
    if isinstance(value, str):
        return json.encoder.encode_basestring_ascii(value)
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else f'"{base64.b64encode(value).decode("ascii")}"'


_COPY = "{{" + ",".join(f'"{column}":{{}}' for column in moving.COLUMNS) + "}}"


def _decode(columns: dict[str, Any]) -> _Values:
    columns["path"] = base64.b64decode(columns["path"])
    picked: _Values = _picked(columns)
    return picked


_picked = itemgetter(*moving.COLUMNS)
