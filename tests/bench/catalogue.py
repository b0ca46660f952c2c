"""How fast lists and counts are when the catalogue is large.

    python tests/bench/catalogue.py [--copies 1000000] [--clips 300000] [--candidates 50000] [--keep FOLDER]

A library is filled with rows by SQL: six drives, two of them away, and cards;
every clip has its essence and a sidecar, verified copies on two drives (one in
fifty on one only), some of them missing. Every query that a screen or a listing
command makes is timed warm, best of three. With --keep the library stays in
FOLDER and is used again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from engine.api.rows import Filter
from engine.library import Library, create, open_library
from engine.storage.database import scalar, write

MOMENT = "2026-01-01T00:00:00.000000Z"
DRIVES = 6
LIMIT_MS = 50.0


def fill(db: Database, copies: int, clips: int, candidates: int) -> None:
    """Rows for everything that lists and counts look at."""
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
            "INSERT INTO clips (clip_id, title, kind, asset_id, duration_ms, recorded_at, created_at)"
            f" {series} SELECT lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(12))),"
            " 'A' || printf('%03d', n / 400) || 'C' || printf('%06d', n), 'video', n * 2 - 1, 12000,"
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
                " CASE WHEN n % 997 = 0 THEN 'missing' ELSE 'present' END, 1000000 + n * 37,"
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
    db.execute("ANALYZE")


Query = Callable[[], object]


def queries(library: Library) -> dict[str, Query]:
    """Everything that screens and listing commands ask for."""
    return {**_screens(library), **_clips(library), **_commands(library)}


def _page(table: Any, wanted: Filter) -> object:
    """What a list costs when it is opened: the ids of all, and a screenful of rows in their middle."""
    found = list(table.ids(wanted))
    return table.rows(found[len(found) // 2 :][:60])


def _screens(library: Library) -> dict[str, Query]:
    from engine.api import views
    from engine.api.views.asides import session_source
    from engine.api.views.candidates import last_scan
    from engine.api.views.totals import counts

    drives, found, damaged = views.Volumes(library), views.Candidates(library), views.Damaged(library)
    candidate = int(scalar(library.db(), "SELECT max(candidate_id) FROM candidates"))
    asked: dict[str, Query] = {
        "screen head": lambda: counts(library),
        "screen last scan": lambda: last_scan(library),
        "screen volumes detail": lambda: drives.detail("volume-0"),
        "screen relink detail": lambda: found.detail(candidate),
        "screen sessions": lambda: _page(session_source(library), Filter()),
    }
    for name, table, text in (
        ("volumes", drives, "3"),
        ("relink", found, "0123"),
        ("damaged", damaged, "42"),
    ):
        for order in table.orders:
            asked[f"screen {name} by {order}"] = lambda table=table, order=order: _page(
                table, Filter(order=order)
            )
        for show in ("active", "failed"):
            asked[f"screen {name} {show}"] = lambda table=table, show=show: _page(table, Filter(show=show))
        for term in (text, f"!{text}"):
            asked[f"screen {name} /{term}"] = lambda table=table, term=term: _page(table, Filter(text=term))
    return asked


def _clips(library: Library) -> dict[str, Query]:
    from engine.api import views
    from engine.api.facts import ClipScope
    from engine.api.views.clips import STATES

    every = views.Clips(library)
    one = every.ids(Filter(text="C000401"))[0]
    asked: dict[str, Query] = {"screen clips detail": lambda: every.detail(one)}
    for order in every.orders:
        asked[f"screen clips by {order}"] = lambda order=order: _page(every, Filter(order=order))
    for show in ("active", "failed"):
        asked[f"screen clips {show}"] = lambda show=show: _page(every, Filter(show=show))
    for term in ("0401", "a00", "zz", "!a00"):
        asked[f"screen clips /{term}"] = lambda term=term: _page(every, Filter(text=term))
    scopes = {state: ClipScope(state=state) for state in STATES}
    scopes |= {"volume": ClipScope(volume_id="volume-0"), "only": ClipScope(volume_id="volume-0", only=True)}
    for name, scope in scopes.items():
        asked[f"screen clips {name}"] = lambda scope=scope: _page(views.Clips(library, scope), Filter())
    return asked


def _commands(library: Library) -> dict[str, Query]:
    from engine.api import clips, relinks, volumes, whereabouts

    def listed(**filters: Any) -> Query:
        return lambda: clips.list_clips(library, clips.Filters(**filters), limit=100)

    return {
        "volumes list": lambda: volumes.list_volumes(library),
        "volumes list --all": lambda: volumes.list_volumes(library, everything=True),
        "volumes show": lambda: volumes.show(library, "volume-0"),
        "volumes only": lambda: whereabouts.only_on(library, "volume-1", 1000),
        "relink list": lambda: relinks.list_candidates(library),
        "relink sessions": lambda: relinks.list_sessions(library),
        "relink propose": lambda: relinks.propose(library),
        "clips risk": lambda: whereabouts.at_risk(library, 1000),
        "clips whereis": lambda: whereabouts.where_is(library, "A001C000401"),
        "clips list --limit 100": listed(),
        "clips list --text": listed(text="A001C000401"),
        "clips list --since": listed(since="2024-01-01"),
        "clips list --volume": listed(volume="volume-0"),
        **{
            f"clips list --{state}": listed(state=state)
            for state in ("online", "offline", "missing", "damaged")
        },
    }


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, default=1_000_000)
    parser.add_argument("--clips", type=int, default=300_000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument("--keep", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = wanted.keep or Path(folder)
        os.environ["RUSHES_CONFIG"] = str(base / "config")
        root = base / "library"
        if root.exists():
            library = open_library(str(root))
        else:
            root.mkdir(parents=True)
            library = create(str(root))
            begun = time.perf_counter()
            fill(library.db(), wanted.copies, wanted.clips, wanted.candidates)
            print(f"filled in {time.perf_counter() - begun:.1f} s")
        for table in ("copies", "clips", "candidates"):
            print(f"{scalar(library.db(), f'SELECT count(*) FROM {table}'):>10,} {table}")
        for name, query in queries(library).items():
            took = min(timed(query) for _ in range(3)) * 1000
            print(f"{name:<30}{took:10.1f} ms{'   above the limit' if took > LIMIT_MS else ''}", flush=True)
        library.close()


def timed(query: Callable[[], object]) -> float:
    """Seconds of one call, by the clock on the wall: run it on a quiet machine."""
    begun = time.perf_counter()
    query()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
