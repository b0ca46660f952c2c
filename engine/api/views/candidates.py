"""Relink candidates and the newest scan."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from typing import Any, ClassVar

from engine.api.candidates import CandidateDetail, CandidateRow, Scan, Side
from engine.api.rows import Id
from engine.api.views.base import Table, like
from engine.errors import NotFound
from engine.library import Library
from engine.names import display, from_blob
from engine.relink import insides
from engine.storage.database import Row, row, scalar

_PLACED = "undone_at IS NULL AND before ->> '$.copy' IS NOT NULL"
"""SQL: a relink that stands and gave a copy another place."""


class Candidates(Table):
    """Relink candidates, those of one copy together, the most certain of them first.

    Copies are in the order in which they were taken in, which is that of their card or folder.
    A file that several scans or mappings found for one copy is there once. ``active`` are those
    that want a verdict, ``failed`` those that have one.
    """

    orders = ("clip", "confidence", "newest")
    _key = "candidates.candidate_id"
    _from = "candidates"
    _text = like("CAST(candidates.words AS TEXT)")
    # The plus keeps SQLite from sorting what the index of the order holds sorted.
    _shows: ClassVar[dict[str, str]] = {
        "active": "+candidates.status IN ('pending', 'later')",
        "failed": "+candidates.status IN ('applied', 'rejected', 'skipped')",
    }
    _sorts: ClassVar[dict[str, str]] = {
        "clip": "candidates.copy_id, candidates.confidence DESC, candidates.candidate_id",
        "confidence": "candidates.confidence DESC, candidates.copy_id, candidates.candidate_id",
        "newest": "candidates.candidate_id DESC",
    }

    _ROWS = (
        "SELECT candidate_id AS the_id, candidates.*, clips.title,"
        " CASE clips.asset_id WHEN copies.asset_id THEN clips.duration_ms END AS duration_ms,"
        " CASE clips.asset_id WHEN copies.asset_id THEN clips.codec END AS codec,"
        " old.name AS old_volume, old.state AS old_state, new.name AS new_volume, new.state AS new_state,"
        " copies.path AS old_path, copies.size AS old_size, copies.mtime_ns AS old_mtime_ns, copies.asset_id,"
        " (SELECT count(*) FROM candidates AS rival WHERE rival.copy_id = candidates.copy_id"
        "  AND rival.status IN ('pending', 'later') AND NOT rival.shadowed) AS rivals,"
        # One that was set aside shows where the copy was, not where its rival has put it. A transcode that
        # was linked has put it nowhere: it stays lost where it was.
        " coalesce((SELECT before FROM relinks WHERE relinks.candidate_id = candidates.candidate_id"
        f"  AND {_PLACED} ORDER BY relink_id DESC LIMIT 1), CASE candidates.status WHEN 'skipped' THEN"
        "  (SELECT before FROM relinks WHERE relinks.copy_id = candidates.copy_id"
        f"   AND {_PLACED} ORDER BY relink_id DESC LIMIT 1) END) AS before"
        " FROM candidates LEFT JOIN clips USING (clip_id) JOIN copies USING (copy_id)"
        " JOIN volumes AS old ON old.volume_id = copies.volume_id"
        " JOIN volumes AS new ON new.volume_id = candidates.volume_id"
    )

    def _scope(self) -> tuple[str, dict[str, Any]]:
        return "NOT candidates.shadowed", {}

    def rows(self, ids: Sequence[Id]) -> list[CandidateRow]:
        """Candidates by id."""
        return [self._row(found) for found in self._found(ids)]

    def _found(self, ids: Sequence[Id]) -> list[Row]:
        """Rows of the query; one that was applied gets back the place where its copy was before."""
        found = self._by_id(self._ROWS, ids)
        for entry in found:
            if entry["before"] is not None:
                was = json.loads(entry["before"])["copy"]
                volume = row(
                    self._library.db(),
                    "SELECT name, state FROM volumes WHERE volume_id = ?",
                    (was["volume_id"],),
                )
                entry["old_path"] = base64.b64decode(was["path"])
                entry["old_size"], entry["old_mtime_ns"] = was["size"], was["mtime_ns"]
                if volume is not None:
                    entry["old_volume"], entry["old_state"] = volume["name"], volume["state"]
        return found

    def detail(self, row_id: Id) -> CandidateDetail:
        """A candidate with both sides of the comparison.

        Raises:
            NotFound: there is no such candidate.
        """
        found = self._found([row_id])
        if not found:
            raise NotFound("This candidate is no longer in the library.")
        entry = found[0]
        asset = row(
            self._library.db(),
            "SELECT blake3, fast_hash FROM assets WHERE asset_id = ?",
            (entry["asset_id"],),
        )
        evidence: dict[str, Any] = json.loads(entry["evidence"])
        inside = insides.of_found(self._library, int(row_id), make=False)
        candidate = self._row(entry)
        return CandidateDetail(
            row=candidate,
            known=Side(
                volume=entry["old_volume"],
                volume_state=entry["old_state"],
                path=candidate.old_path,
                size_bytes=entry["old_size"],
                mtime_ns=entry["old_mtime_ns"],
                blake3=asset["blake3"] if asset else None,
                fast_hash=asset["fast_hash"] if asset else None,
                duration_ms=entry["duration_ms"],
                codec=entry["codec"],
            ),
            found=Side(
                volume=entry["new_volume"],
                volume_state=entry["new_state"],
                path=candidate.new_path,
                size_bytes=entry["size"],
                mtime_ns=entry["mtime_ns"],
                blake3=_agreed(evidence.get("blake3"), asset["blake3"] if asset else None),
                fast_hash=_agreed(evidence.get("fast_hash"), asset["fast_hash"] if asset else None),
                duration_ms=(
                    inside.duration_ms
                    if inside
                    else entry["duration_ms"]
                    if evidence.get("duration") is True
                    else None
                ),
                codec=inside.codec if inside else None,
            ),
            looked_inside=inside is not None,
            why_not_inside=inside.why if inside else None,
            evidence=evidence,
            decided_at=entry["decided_at"],
            decided_by=entry["decided_by"],
        )

    def _row(self, found: Row) -> CandidateRow:
        return CandidateRow(
            candidate_id=found["candidate_id"],
            session_id=found["session_id"],
            copy_id=found["copy_id"],
            clip_id=found["clip_id"],
            title=found["title"] or display(os.path.basename(from_blob(found["old_path"]))),
            confidence=found["confidence"],
            certain=bool(found["certain"]),
            match_type=found["match_type"],
            status=found["status"],
            old_volume=found["old_volume"],
            old_path=from_blob(found["old_path"]),
            new_volume=found["new_volume"],
            new_path=from_blob(found["path"]),
            size_bytes=found["size"],
            rivals=found["rivals"],
        )


def last_scan(library: Library) -> Scan | None:
    """The newest relink scan, or None when there was none."""
    found = row(library.db(), "SELECT * FROM relink_sessions ORDER BY created_at DESC, rowid DESC LIMIT 1")
    if found is None:
        return None
    return Scan(
        session_id=found["session_id"],
        path=from_blob(found["scan_path"]),
        status=found["status"],
        files_scanned=found["files_scanned"],
        files_hashed=found["files_hashed"],
        offline=found["offline"],
        candidates=int(
            scalar(
                library.db(), "SELECT count(*) FROM candidates WHERE session_id = ?", (found["session_id"],)
            )
        ),
        error=found["error"],
    )


def _agreed(agrees: object, known: str | None) -> str | None:
    """What the found file has: what is known, something else, or None; hashes are not stored twice."""
    return known if agrees is True else "another" if agrees is False else None
