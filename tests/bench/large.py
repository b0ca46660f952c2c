"""A large library, filled with rows by SQL: what the benchmarks of lists and screens look at."""

from __future__ import annotations

import time
from pathlib import Path

from sqlite_utils import Database

from engine.api import recipes
from engine.library import Library, create, open_library
from engine.storage import packs, rolls
from engine.storage.database import write

MOMENT = "2026-01-01T00:00:00.000000Z"
DRIVES = 6


def made(root: Path, copies: int, clips: int, candidates: int, jobs: int, files: int) -> Library:
    """The library, filled when it is new: so many rows of each, ``files`` of them of one job."""
    if (root / ".rushes").exists():
        return open_library(str(root))
    root.mkdir(parents=True)
    library = create(str(root))
    begun = time.perf_counter()
    _fill(library.db(), copies, clips, candidates)
    _fill_work(library.db(), jobs, files)
    _fill_house(library, copies, clips)
    pack(library)
    print(f"filled in {time.perf_counter() - begun:.1f} s")
    return library


def _fill(db: Database, copies: int, clips: int, candidates: int) -> None:
    """Rows of volumes, clips, copies, and what was found for them."""
    assets = clips * 2
    with write(db):
        for number in range(DRIVES + 2):
            state = "offline" if number in (2, 3) else "online"
            db.execute(
                "INSERT INTO volumes (volume_id, name, class, fs_type, state, mount_point, size_bytes,"
                " free_bytes, first_seen_at, last_seen_at) VALUES (?, ?, ?, 'ext4', ?, ?, ?, ?, ?, ?)",
                (
                    f"volume-{number}", f"Drive {number}", "card" if number >= DRIVES else "removable",
                    state, f"/mnt/{number}".encode(), 8 << 40, 1 << 40, MOMENT, MOMENT,
                ),
            )  # fmt: skip
        # Hashes are random, as real ones are.
        series = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)"
        db.execute(
            "INSERT INTO assets (asset_id, size, blake3, fast_hash, fast_scheme, created_at)"
            f" {series} SELECT n, 1000000 + n * 37, lower(hex(randomblob(32))),"
            " lower(hex(randomblob(32))), 'fast1', ? FROM n",
            (assets, MOMENT),
        )
        db.execute(
            "INSERT INTO clips (clip_id, title, kind, asset_id, duration_ms, reel, camera_make, camera_model,"
            " recorded_at, created_at)"
            f" {series} SELECT lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(12))),"
            " 'A' || printf('%03d', n / 400) || 'C' || printf('%06d', n), 'video', n * 2 - 1, 12000,"
            " 'A' || printf('%03d', n / 400) || 'R' || (n % 7),"
            " CASE n % 3 WHEN 2 THEN 'GoPro' ELSE 'Sony' END,"
            " CASE n % 3 WHEN 0 THEN 'ILME-FX6V' WHEN 1 THEN 'ILCE-7SM3' ELSE 'HERO12 Black' END,"
            " strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + n * 60, 'unixepoch'), ? FROM n",
            (clips, MOMENT),
        )
        for role, shift in (("essence", 0), ("sidecar", 1)):
            db.execute(
                "INSERT INTO clip_files SELECT clip_id, ?, 0, asset_id + ?,"
                " CAST(title || ? AS BLOB) FROM clips",
                (role, shift, ".MXF" if not shift else ".XML"),
            )
        per_asset = copies / assets
        for turn in range(int(per_asset) + 1):
            share = min(1.0, per_asset - turn)
            numbers = series.replace("?", ":assets")
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, state, size, mtime_ns, inode, seen_at,"
                " verified_at, verify_level, created_at)"
                f" {numbers} SELECT n, 'volume-' || CASE WHEN :turn = 2 THEN 6 + n % 2"
                " ELSE ((n - 1) / 2 + :turn * (1 + (n - 1) / 2 % 2)) % 6 END,"
                " CAST('day' || (n / 2000) || '/card' || (n / 400) || '/' || printf('%08d', n) || '.MXF'"
                " AS BLOB), CASE WHEN :turn = 2 THEN 'source' WHEN :turn THEN 'backup' ELSE 'managed' END,"
                " CASE WHEN n % 997 = 0 THEN 'missing' WHEN n % 4999 = 0 THEN 'damaged' ELSE 'present' END,"
                " 1000000 + n * 37,"
                " 1700000000000000000 + n, n, :moment, CASE WHEN :turn < 2 THEN :moment END,"
                " CASE WHEN :turn < 2 THEN 'device re-read' END, :moment FROM n"
                " WHERE (n - 1) / 2 % 1000 < :share * 1000 AND NOT (:turn = 1 AND (n - 1) / 2 % 50 = 0)",
                {"assets": assets, "turn": turn, "share": share, "moment": MOMENT},
            )
        for session in range(20):
            db.execute(
                "INSERT INTO relink_sessions (session_id, scan_path, status, created_at)"
                " VALUES (?, ?, 'completed', ?)",
                (f"session-{session:08}", b"/mnt/0", MOMENT),
            )
        db.execute(
            "INSERT INTO candidates (session_id, clip_id, copy_id, volume_id, path, size, mtime_ns, inode,"
            " match_type, confidence, certain, evidence, status, created_at)"
            " SELECT 'session-' || printf('%08d', copy_id % 20), clip_id, copy_id, 'volume-0',"
            " CAST('found/' || copies.path AS BLOB), copies.size, mtime_ns, inode,"
            " 'fast_hash', CASE copy_id % 3 WHEN 0 THEN 0.95 WHEN 1 THEN 0.8 ELSE 0.5 END, 0, '{}',"
            " 'pending', ? FROM copies JOIN clip_files USING (asset_id) WHERE volume_id = 'volume-2' LIMIT ?",
            (MOMENT, candidates),
        )


_NUMBERS = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)"


_SNAPSHOT = (
    '{"preset": {"name": "H.264"}, "recipe": {"spec": {"layout": "joined", "mode": "all"}}, "clips": []}'
)
"""What the lists read of the settings that a run was queued with."""


def _fill_work(db: Database, jobs: int, files: int) -> None:
    """Rows of jobs and runs, of one job with very many files, and of what happened."""
    states = "CASE n % 50 WHEN 0 THEN 'failed' WHEN 1 THEN 'completed_with_warnings' ELSE 'completed' END"
    moment = "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + n * 600, 'unixepoch')"
    with write(db):
        db.execute(
            f"INSERT INTO batches {_NUMBERS} SELECT 'batch-' || n, 'ingest', 'card', {moment}, 'me' FROM n",
            (jobs,),
        )
        db.execute(
            "INSERT INTO batch_items (batch_id, position, source, status, files_found, files_ingested)"
            f" {_NUMBERS} SELECT 'batch-' || n, 0, CAST('/media/A' || n AS BLOB), 'completed', 400, 400"
            " FROM n",
            (jobs,),
        )
        for kind, name in (("ingest", "job"), ("export", "out")):
            batch = "'batch-' || n" if kind == "ingest" else "NULL"
            db.execute(
                "INSERT INTO jobs (job_id, kind, batch_id, title, params, status, error, created_by,"
                f" created_at, ended_at) {_NUMBERS} SELECT '{name}-' || n, '{kind}', {batch},"
                f" 'A' || printf('%05d', n) || ' to NAS', '{{}}', {states},"
                f" CASE WHEN n % 50 = 0 THEN 'No room.' END, 'me', {moment}, {moment} FROM n",
                (jobs,),
            )
        db.execute(
            "INSERT INTO runs (run_id, job_id, name, recipe_name, snapshot, output_size, created_at)"
            f" {_NUMBERS} SELECT 'run-' || n, 'out-' || n, 'Dailies ' || n, 'Dailies', '{_SNAPSHOT}',"
            f" n * 7919 % 10007, {moment} FROM n",
            (jobs,),
        )
        db.execute(
            "INSERT INTO segments (run_id, position, fingerprint, frames, status)"
            f" {_NUMBERS} SELECT 'run-' || (n % {jobs} + 1), n, 'f' || n, 250, 'completed' FROM n",
            (jobs * 4,),
        )
        db.execute(
            f"INSERT INTO volume_events (volume_id, at, kind, detail) {_NUMBERS}"
            f" SELECT 'volume-' || (n % {DRIVES}), {moment},"
            " CASE n % 2 WHEN 0 THEN 'online' ELSE 'offline' END, '{\"mount_point\": \"/mnt/x\"}' FROM n",
            (jobs,),
        )
        db.execute(
            "INSERT INTO job_log (job_id, at, level, message)"
            f" {_NUMBERS} SELECT 'job-1', {moment}, 'info', 'Something happened to file ' || n FROM n",
            (files // 10,),
        )
        db.execute(
            "INSERT INTO tasks (job_id, item_id, position, name, size, status, stage, attempts, read_seconds)"
            f" {_NUMBERS} SELECT 'job-1', 1, n, CAST('PRIVATE/M4ROOT/CLIP/A' || printf('%03d', n / 400) ||"
            " 'C' || printf('%06d', n * 7919 % 1000000) || '.MXF' AS BLOB), 1000000 + n * 7919 % 1000003,"
            " CASE WHEN n % 997 = 0 THEN 'failed' WHEN n % 991 = 0 THEN 'skipped' ELSE 'completed' END,"
            " 'finalize', 1, 0.1 FROM n",
            (files,),
        )
        db.execute(
            "INSERT INTO transfers (task_id, volume_id, path, status, written, write_seconds)"
            " SELECT task_id, 'volume-0', name, 'completed', size, 0.1 FROM tasks LIMIT ?",
            (files // 5,),
        )


def _fill_house(library: Library, copies: int, clips: int) -> None:
    """Tags and favourites, what lies twice on one drive, the trash, offers, watch folders, rules, recipes."""
    db = library.db()
    with write(db):
        db.execute("UPDATE volumes SET tracked_at = ? WHERE class <> 'card'", (MOMENT,))
        db.execute("UPDATE clips SET favourite = 1 WHERE rowid % 20 = 0")
        for number, name in enumerate(("night", "interview", "drone"), 1):
            db.execute("INSERT INTO tags (tag_id, name) VALUES (?, ?)", (number, name))
            db.execute(
                "INSERT INTO clip_tags SELECT clip_id, ?, ? FROM clips WHERE rowid % 30 = ?",
                (number, MOMENT, number),
            )
        db.execute(
            "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
            " SELECT asset_id, volume_id, CAST('again/' || path AS BLOB), role, size, mtime_ns, seen_at,"
            " created_at FROM copies WHERE role = 'managed' AND copy_id % 200 = 7",
        )
        db.execute(
            "INSERT INTO trash (volume_id, asset_id, path, kept, size, copy, state, trashed_at, trashed_by)"
            " SELECT volume_id, asset_id, CAST('old/' || path AS BLOB), CAST('.Trash/' || copy_id AS BLOB),"
            " size, '{}', 'trashed', ?, 'me' FROM copies LIMIT ?",
            (MOMENT, copies // 10),
        )
        db.execute(
            f"INSERT INTO volume_offers (offer_id, volume_id, path, whole, found_at) {_NUMBERS}"
            f" SELECT n, 'volume-' || (n % {DRIVES}), CAST('new/' || n AS BLOB), 0, ? FROM n",
            (200, MOMENT),
        )
        db.execute(
            f"INSERT INTO offered_files (volume_id, path, size, mtime_ns, offer_id, found_at) {_NUMBERS}"
            f" SELECT 'volume-' || ((1 + n % 200) % {DRIVES}),"
            " CAST('new/' || (1 + n % 200) || '/C' || n AS BLOB), 1000, 1, 1 + n % 200, ? FROM n",
            (clips // 3, MOMENT),
        )
        for number in range(30):
            folder = f"/mnt/0/incoming/{number}".encode()
            db.execute(
                "INSERT INTO watch_folders (path, params, created_at) VALUES (?, '{}', ?)", (folder, MOMENT)
            )
            db.execute(
                "INSERT INTO prefix_rules (old, new, created_at) VALUES (?, ?, ?)",
                (f"/old/{number}".encode(), f"/new/{number}".encode(), MOMENT),
            )
        db.execute(
            f"INSERT INTO watch_taken {_NUMBERS} SELECT 1 + n % 30, CAST('C' || n AS BLOB), n, n FROM n",
            (clips // 6,),
        )
        db.execute(
            f"INSERT INTO audit (at, who, command, outcome) {_NUMBERS}"
            " SELECT strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1700000000 + n * 600, 'unixepoch'), 'me', 'tag',"
            " 'done' FROM n",
            (clips // 3,),
        )
    for name in ("Everything", "Dailies", *(f"Recipe {number}" for number in range(30))):
        recipes.create_recipe(library, name, {"mode": "all"})
    db.execute("ANALYZE")


def pack(library: Library) -> None:
    """Pack the names as the engine does in the background."""
    while rolls.roll(library.db()):
        pass
    for kind in (packs.TASKS, packs.COPIES):
        packs.pack(library.db(), kind, packs.owed(library.db(), kind))
