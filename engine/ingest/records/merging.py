"""Content that was entered before it was read gets its identity; what turns out to be known is one with it.

Every function joins the open transaction.
"""

from __future__ import annotations

from sqlite_utils import Database

from engine import clock
from engine.ingest.records.catalogue import Content, record_asset
from engine.media.hashing import FAST_SCHEME


def enter_unread(db: Database, size: int) -> int:
    """A new asset of which only the size is known; return its id."""
    found = db.conn.execute(
        "INSERT INTO assets (size, created_at) VALUES (?, ?) RETURNING asset_id", (size, clock.now())
    ).fetchone()
    return int(found[0])


def identify(db: Database, asset_id: int, content: Content) -> int:
    """Give an asset the content that was read; return the id under which it is known from now on.

    An asset that has this content already takes over the copies, clips and
    files of this one, which then is gone. An asset that other copies share and
    that was read before keeps its identity: the content is another one then.
    """
    known = db.conn.execute("SELECT blake3 FROM assets WHERE asset_id = ?", (asset_id,)).fetchone()
    if known is None or known[0] is not None:
        return record_asset(db, content)
    twin = db.conn.execute(
        "SELECT asset_id FROM assets WHERE size = ? AND blake3 = ?", (content.size, content.blake3)
    ).fetchone()
    if twin is None:
        db.conn.execute(
            "UPDATE assets SET size = ?, blake3 = ?, fast_hash = ?, fast_scheme = ? WHERE asset_id = ?",
            (content.size, content.blake3, content.fast, FAST_SCHEME if content.fast else None, asset_id),
        )
        return record_asset(db, content)
    _take_over(db, asset_id, int(twin[0]))
    return record_asset(db, content)


def _take_over(db: Database, gone: int, stays: int) -> None:
    """Move all that refers to one asset to another, and drop the first."""
    db.conn.execute(
        "UPDATE assets SET media = COALESCE(media, (SELECT media FROM assets WHERE asset_id = :gone)),"
        " probed_at = COALESCE(probed_at, (SELECT probed_at FROM assets WHERE asset_id = :gone)),"
        " probe_tool = COALESCE(probe_tool, (SELECT probe_tool FROM assets WHERE asset_id = :gone))"
        " WHERE asset_id = :stays",
        {"gone": gone, "stays": stays},
    )
    shot = db.conn.execute(
        "SELECT clip_id FROM clips JOIN assets USING (asset_id) WHERE asset_id = ? AND size > 0", (stays,)
    ).fetchone()
    if shot is not None:
        for (clip_id,) in db.conn.execute("SELECT clip_id FROM clips WHERE asset_id = ?", (gone,)).fetchall():
            _join_clips(db, str(clip_id), str(shot[0]))
    for table in ("copies", "clips", "clip_files", "tasks"):
        db.conn.execute(f"UPDATE {table} SET asset_id = ? WHERE asset_id = ?", (stays, gone))
    db.conn.execute("DELETE FROM assets WHERE asset_id = ?", (gone,))


def _join_clips(db: Database, gone: str, stays: str) -> None:
    """One content is one shot: what hangs on the newer clip goes to the older one."""
    for table in ("candidates", "run_outputs"):
        db.conn.execute(f"UPDATE {table} SET clip_id = ? WHERE clip_id = ?", (stays, gone))
    for table in ("clip_tags", "clip_files"):  # what the older has already stays as it is
        db.conn.execute(f"UPDATE OR IGNORE {table} SET clip_id = ? WHERE clip_id = ?", (stays, gone))
    db.conn.execute(
        "UPDATE clips SET favourite = max(favourite, (SELECT favourite FROM clips WHERE clip_id = :gone)),"
        " notes = COALESCE(notes, (SELECT notes FROM clips WHERE clip_id = :gone)) WHERE clip_id = :stays",
        {"gone": gone, "stays": stays},
    )
    db.conn.execute("DELETE FROM clips WHERE clip_id = ?", (gone,))
