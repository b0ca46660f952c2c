"""Linking a transcode or proxy to the clip it was made from: a file of its own, never the original."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from engine import clock, names
from engine.errors import NotFound, Refused
from engine.media.hashing import FAST_SCHEME, FAST_WHOLE
from engine.relink.candidates import Candidate
from engine.relink.likeness import base_name
from engine.relink.look import read_fast
from engine.relink.tree import Tree
from engine.storage import audit
from engine.storage.database import execute, row, scalar, write


def link(db: Database, tree: Tree, candidate: Candidate, by: str) -> None:
    """Add the found file to the clip, in the role ``derivative``; the lost copy stays lost.

    Args:
        db: the library's database.
        tree: the volume of the found file.
        candidate: of match type ``derivative``, its file looked at just now.
        by: who says so.

    Raises:
        Refused: the clip is gone from the catalogue, or the file cannot be read.
    """
    if candidate.clip_id is None:
        raise Refused("This copy belongs to no clip, so nothing can be linked to it.")
    fast = read_fast(tree, candidate.path, tree.stat(candidate.path))
    if fast is None:
        raise Refused(f"{names.display(candidate.path)} cannot be read. Nothing was changed.")
    moment = clock.now()
    with write(db):
        known = row(
            db,
            "SELECT copy_id, asset_id FROM copies WHERE volume_id = ? AND path = ?",
            (candidate.volume_id, names.to_blob(candidate.path)),
        )
        made = {"asset": False, "copy": False}
        if known is not None:
            asset_id, copy_id = known["asset_id"], known["copy_id"]
        else:
            full = fast if candidate.size <= FAST_WHOLE else None
            asset_id = full and scalar(
                db, "SELECT asset_id FROM assets WHERE size = ? AND blake3 = ?", (candidate.size, full)
            )
            if asset_id is None:
                asset_id = db.conn.execute(
                    "INSERT INTO assets (size, blake3, fast_hash, fast_scheme, created_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (candidate.size, full, fast, FAST_SCHEME, moment),
                ).lastrowid
                made["asset"] = True
            copy_id = db.conn.execute(
                "INSERT INTO copies"
                " (asset_id, volume_id, path, role, size, mtime_ns, inode, seen_at, created_at)"
                " VALUES (?, ?, ?, 'reference', ?, ?, ?, ?, ?)",
                (
                    asset_id,
                    candidate.volume_id,
                    names.to_blob(candidate.path),
                    candidate.size,
                    candidate.mtime_ns,
                    candidate.inode,
                    moment,
                    moment,
                ),
            ).lastrowid
            made["copy"] = True
        position = scalar(
            db,
            "SELECT coalesce(max(position) + 1, 0) FROM clip_files WHERE clip_id = ? AND role = 'derivative'",
            (candidate.clip_id,),
        )
        db.execute(
            "INSERT INTO clip_files (clip_id, role, position, asset_id, name)"
            " VALUES (?, 'derivative', ?, ?, ?)",
            (candidate.clip_id, position, asset_id, names.to_blob(base_name(candidate.path))),
        )
        db.execute(
            "UPDATE candidates SET status = 'applied', decided_at = ?, decided_by = ? WHERE candidate_id = ?",
            (moment, by, candidate.candidate_id),
        )
        after = {"asset_id": asset_id, "copy_id": copy_id, "position": position, "made": made}
        db.execute(
            "INSERT INTO relinks (candidate_id, copy_id, before, after, at) VALUES (?, ?, ?, ?, ?)",
            (
                candidate.candidate_id,
                candidate.copy_id,
                json.dumps([candidate.status, candidate.decided_at, candidate.decided_by]),
                json.dumps({"derivative": after}),
                moment,
            ),
        )
        audit.record(
            db,
            "relink apply",
            target=f"{candidate.candidate_id}: {names.display(candidate.path)} linked as derivative",
            from_state=candidate.status,
            to_state="applied",
            by=by,
        )


def unlink(db: Database, candidate: Candidate) -> None:
    """Take such a link back: what it added goes, nothing else. Joins the open transaction.

    A file that was linked to other clips as well stays until the last of these links is taken back.

    Raises:
        NotFound: the candidate made no link that still stands.
    """
    entry = row(
        db,
        "SELECT * FROM relinks WHERE candidate_id = ? AND undone_at IS NULL ORDER BY relink_id DESC LIMIT 1",
        (candidate.candidate_id,),
    )
    if entry is None:
        raise NotFound(f"Candidate {candidate.candidate_id} has no link that could be undone.")
    added = json.loads(entry["after"])["derivative"]
    with write(db):
        db.execute(
            "DELETE FROM clip_files WHERE clip_id = ? AND role = 'derivative' AND position = ?",
            (candidate.clip_id, added["position"]),
        )
        made = {what for what, here in added["made"].items() if here}
        if made and _hand_over(db, entry["relink_id"], added):
            made.clear()
        if "copy" in made:
            # An ingest may have taken the file over since: then it is no longer only what was linked.
            db.execute(
                "DELETE FROM copies WHERE copy_id = ? AND role = 'reference' AND verified_at IS NULL",
                (added["copy_id"],),
            )
        if "asset" in made:
            db.execute(
                "DELETE FROM assets WHERE asset_id = ?"
                " AND NOT EXISTS (SELECT 1 FROM copies WHERE copies.asset_id = assets.asset_id)"
                " AND NOT EXISTS (SELECT 1 FROM clip_files WHERE clip_files.asset_id = assets.asset_id)",
                (added["asset_id"],),
            )
        execute(
            db,
            "UPDATE candidates SET status = ?, decided_at = ?, decided_by = ? WHERE candidate_id = ?",
            (*json.loads(entry["before"]), candidate.candidate_id),
        )
        db.execute("UPDATE relinks SET undone_at = ? WHERE relink_id = ?", (clock.now(), entry["relink_id"]))


def _hand_over(db: Database, relink_id: int, added: dict[str, Any]) -> bool:
    """Give what a link made to another one that stands on the same file; False when there is none."""
    heir = scalar(
        db,
        "SELECT relink_id FROM relinks WHERE undone_at IS NULL AND relink_id <> ?"
        " AND after ->> '$.derivative.copy_id' = ? ORDER BY relink_id LIMIT 1",
        (relink_id, added["copy_id"]),
    )
    if heir is None:
        return False
    db.execute(
        "UPDATE relinks SET after = json_set(after, '$.derivative.made', json(?)) WHERE relink_id = ?",
        (json.dumps(added["made"]), heir),
    )
    return True
