"""What an ingest writes down: assets, copies, cards, clips. Each function joins the open transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlite_utils import Database

from engine import clock
from engine.media.cards import Card
from engine.media.clips import Clip
from engine.media.facts import MediaFacts
from engine.media.hashing import FAST_SCHEME
from engine.names import to_blob
from engine.storage.database import scalar, write
from engine.storage.moving import entering

_KEPT = "('managed', 'backup', 'reference', 'export')"
"""Roles that a file keeps when it later serves as the source of another ingest."""


class Content(NamedTuple):
    """One sequence of bytes, as it was read.

    Attributes:
        size: bytes.
        blake3: its identity.
        xxh128: second digest of the same read, None when only the identity was taken.
        fast: fast hash (:data:`engine.media.hashing.FAST_SCHEME`), None when it was not taken.
        extras: further digests by name (``md5 sha1 c4``).
    """

    size: int
    blake3: str
    xxh128: str | None = None
    fast: str | None = None
    extras: Mapping[str, str] | None = None


_ASSET = (
    "INSERT INTO assets (size, blake3, fast_hash, fast_scheme, xxh128, md5, sha1, c4, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (size, blake3) WHERE blake3 IS NOT NULL DO UPDATE SET"
    " fast_hash = COALESCE(excluded.fast_hash, fast_hash),"
    " fast_scheme = COALESCE(excluded.fast_scheme, fast_scheme),"
    " xxh128 = COALESCE(xxh128, excluded.xxh128), md5 = COALESCE(md5, excluded.md5),"
    " sha1 = COALESCE(sha1, excluded.sha1), c4 = COALESCE(c4, excluded.c4)"
)


def record_asset(db: Database, content: Content) -> int:
    """Return the id of the asset with this content; digests that were unknown are added."""
    return int(_run(db, f"{_ASSET} RETURNING asset_id", _asset_values(content, clock.now()))[0])


def record_assets(db: Database, contents: Sequence[Content]) -> list[int]:
    """The same for many, within the open transaction; the ids are in the order given."""
    if not contents:
        return []
    moment = clock.now()
    db.conn.executemany(_ASSET, [_asset_values(content, moment) for content in contents])
    found: dict[tuple[int, str], int] = {}
    for first in range(0, len(contents), _ASKED):
        part = contents[first : first + _ASKED]
        values = ", ".join(["(?, ?)"] * len(part))
        for asset_id, size, blake3 in db.conn.execute(
            f"WITH wanted (size, blake3) AS (VALUES {values}) SELECT asset_id, size, blake3"
            " FROM wanted CROSS JOIN assets USING (size, blake3)",
            [value for content in part for value in (content.size, content.blake3)],
        ):
            found[size, blake3] = int(asset_id)
    return [found[content.size, content.blake3] for content in contents]


_ASKED = 400
"""Contents per question; SQLite allows two values for each without any limit being near."""


def _asset_values(content: Content, moment: str) -> tuple[Any, ...]:
    extras = content.extras or {}
    return (
        content.size,
        content.blake3,
        content.fast,
        FAST_SCHEME if content.fast else None,
        content.xxh128,
        extras.get("md5"),
        extras.get("sha1"),
        extras.get("c4"),
        moment,
    )


_COPY = (
    "INSERT INTO copies (asset_id, volume_id, path, role, state, size, mtime_ns, inode, seen_at,"
    " verified_at, verify_level, batch_id, created_at)"
    " VALUES (?, ?, ?, ?, 'present', ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (volume_id, path) DO UPDATE SET"
    f" role = CASE WHEN excluded.role = 'source' AND role IN {_KEPT} THEN role ELSE excluded.role END,"
    " state = 'present', size = excluded.size, mtime_ns = excluded.mtime_ns, inode = excluded.inode,"
    " seen_at = excluded.seen_at,"
    " verified_at = CASE WHEN excluded.verify_level IS NOT NULL THEN excluded.verified_at"
    "  WHEN asset_id = excluded.asset_id THEN verified_at END,"
    " verify_level = CASE WHEN excluded.verify_level IS NOT NULL THEN excluded.verify_level"
    "  WHEN asset_id = excluded.asset_id THEN verify_level END,"
    " batch_id = CASE WHEN asset_id = excluded.asset_id THEN COALESCE(batch_id, excluded.batch_id)"
    "  ELSE excluded.batch_id END,"
    " asset_id = excluded.asset_id"
)


_NEW_COPY = _COPY.replace("(asset_id,", "(copy_id, asset_id,", 1).replace("VALUES (", "VALUES (?, ", 1)
"""The same with an id that was set aside for it; a place that is known keeps its own."""


class Place(NamedTuple):
    """One file with known content at one place: see :func:`record_copy`."""

    asset_id: int
    volume_id: str
    path: str
    role: str
    size: int
    mtime_ns: int
    inode: int | None
    level: str | None

    def values(self, batch_id: str | None, moment: str) -> tuple[Any, ...]:
        """The row of ``copies``."""
        return (
            self.asset_id,
            self.volume_id,
            to_blob(self.path),
            self.role,
            self.size,
            self.mtime_ns,
            self.inode,
            moment,
            moment if self.level else None,
            self.level,
            batch_id,
            moment,
        )


def record_copies(db: Database, copies: Iterable[Place], batch_id: str | None) -> None:
    """Note that files with known content lie at these places, within the open transaction."""
    moment = clock.now()
    values = [copy.values(batch_id, moment) for copy in copies]
    if not values:
        return
    with entering(db, len(values)) as ids:
        db.conn.executemany(_NEW_COPY, [(copy_id, *row) for copy_id, row in zip(ids, values, strict=True)])


def record_copy(
    db: Database,
    asset_id: int,
    volume_id: str,
    path: str,
    role: str,
    *,
    size: int,
    mtime_ns: int,
    inode: int | None,
    level: str | None,
    batch_id: str | None,
) -> None:
    """Note that a file with this content lies here.

    Args:
        db: the library.
        asset_id: its content.
        volume_id: where.
        path: where on the volume, relative to its root.
        role: as in the table ``copies``. A file that is already more than a source stays what it is.
        size: bytes, as ``stat`` gives it now.
        mtime_ns: the same.
        inode: the same; None when the file system has no lasting ones.
        level: how its bytes were proven just now; None when they were only read. A proof that
            was recorded before is kept as long as the content is the same.
        batch_id: the batch that brought it.
    """
    copy = Place(asset_id, volume_id, path, role, size, mtime_ns, inode, level)
    _run(db, _COPY, copy.values(batch_id, clock.now()))


def _run(db: Database, sql: str, values: Sequence[Any]) -> Any:
    """Run one statement in the open transaction (no savepoint: there are many), or in one of its own."""
    if db.conn.in_transaction:
        return db.conn.execute(sql, values).fetchone()
    with write(db):
        return db.conn.execute(sql, values).fetchone()


def record_card(db: Database, card: Card, volume_id: str, files: int, size: int) -> str:
    """Return the id of the card with this listing; it is the same card each time it comes back."""
    moment = clock.now()
    with write(db):
        return str(
            scalar(
                db,
                "INSERT INTO cards (card_id, kind, label, listing_hash, files, bytes, volume_id,"
                " first_seen_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (listing_hash) DO UPDATE SET volume_id = excluded.volume_id,"
                " last_seen_at = excluded.last_seen_at RETURNING card_id",
                (
                    str(uuid.uuid4()),
                    card.kind,
                    card.label,
                    card.listing_hash,
                    files,
                    size,
                    volume_id,
                    moment,
                    moment,
                ),
            )
        )


def known_clip(db: Database, asset_id: int, size: int, card_id: str, title: str) -> str | None:
    """The clip that this essence is already, or None.

    One content is one shot, whichever card it came from. All empty files have
    the same content, so they are told apart by card and title.
    """
    if size:
        found = scalar(db, "SELECT clip_id FROM clips WHERE asset_id = ?", (asset_id,))
    else:
        found = scalar(
            db,
            "SELECT clip_id FROM clips WHERE asset_id = ? AND card_id = ? AND title = ?",
            (asset_id, card_id, title),
        )
    return None if found is None else str(found)


def record_clip(
    db: Database,
    clip: Clip,
    assets: Mapping[str, int],
    *,
    facts: MediaFacts | None,
    warnings: Sequence[str],
    card_id: str,
    batch_id: str,
) -> str:
    """Add a clip, or complete the parts of one that is known; return its id.

    Args:
        db: the library.
        clip: essence, sidecars, proxies, span parts, by path on the card.
        assets: asset id of every part that was taken in, by path. The first part must be there.
        facts: what the probe said; None when the file could not be understood.
        warnings: sentences to be shown with the clip.
        card_id: the card it was on.
        batch_id: the batch that brought it.
    """
    essence = assets[clip.parts[0].path]
    video = facts.video if facts else None
    audio = facts.audio if facts else None
    with write(db):
        size = int(scalar(db, "SELECT size FROM assets WHERE asset_id = ?", (essence,)))
        clip_id = known_clip(db, essence, size, card_id, clip.title)
        if clip_id is None:
            clip_id = str(uuid.uuid4())
            db.execute(
                "INSERT INTO clips (clip_id, title, kind, asset_id, card_id, batch_id, duration_ms, width,"
                " height, fps, codec, timecode, reel, camera_make, camera_model, camera_serial, recorded_at,"
                " recorded_at_source, warnings, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    clip_id,
                    clip.title,
                    kind_of_clip(clip.kind, facts),
                    essence,
                    card_id,
                    batch_id,
                    facts.duration_ms if facts else None,
                    video.width if video else None,
                    video.height if video else None,
                    float(video.fps) if video and video.fps is not None else None,
                    video.codec if video else audio.codec if audio else None,
                    facts.timecode if facts else None,
                    facts.reel if facts else None,
                    facts.make if facts else None,
                    facts.model if facts else None,
                    facts.serial if facts else None,
                    facts.recorded_at if facts else None,
                    facts.recorded_at_source if facts else None,
                    json.dumps(list(warnings)) if warnings else None,
                    clock.now(),
                ),
            )
        _record_parts(db, clip_id, clip, assets)
    return clip_id


def kind_of_clip(kind: str, facts: MediaFacts | None) -> str:
    """The kind stored with a clip: what the probe found, else what the name says."""
    if facts is not None and facts.kind in ("video", "audio", "image"):
        return facts.kind
    return kind if kind in ("video", "audio", "image") else "other"


def _record_parts(db: Database, clip_id: str, clip: Clip, assets: Mapping[str, int]) -> None:
    position: dict[str, int] = {}
    for part in clip.parts:
        number = position.get(part.role, 0)
        position[part.role] = number + 1
        if part.path not in assets:
            continue  # that file failed; a retry adds it
        db.execute(
            "INSERT OR IGNORE INTO clip_files (clip_id, role, position, asset_id, name)"
            " VALUES (?, ?, ?, ?, ?)",
            (clip_id, part.role, number, assets[part.path], to_blob(part.path.rpartition("/")[2])),
        )
