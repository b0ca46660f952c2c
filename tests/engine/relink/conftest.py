"""A library with real files on folders that stand in for volumes, or on real loop mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine import clock
from engine.jobs import store
from engine.jobs.context import JobContext, Outcome
from engine.library import Library
from engine.media.hashing import FAST_SCHEME, fast_hash, full_hash
from engine.names import to_blob
from engine.relink import job as relink_job
from engine.relink import sweep as relink_sweep
from engine.storage.database import row, rows, scalar, write
from engine.volumes import places, stand_ins
from engine.volumes.refresh import refresh


@dataclass
class World:
    """A library, and short ways to put files and copies into it."""

    library: Library
    root: Path

    @property
    def db(self) -> Any:
        return self.library.db()

    def volume(self, name: str) -> tuple[str, Path]:
        """A folder that stands in for a volume: its id and the folder."""
        folder = self.root / name
        folder.mkdir()
        return stand_ins.make_stand_in(self.db, str(folder), name), folder

    def volume_at(self, folder: Path) -> str:
        """The id of the volume that shows at ``folder``."""
        return places.place_of(self.db, str(folder)).volume_id

    def refresh(self) -> None:
        refresh(self.db)

    def file(self, folder: Path, name: str | bytes, content: bytes | None = None, size: int = 100_000) -> str:
        """A real file; random content unless given. Returns its path."""
        path = os.path.join(str(folder), os.fsdecode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(os.urandom(size) if content is None else content)
        return path

    def catalogue(
        self,
        path: str,
        *,
        role: str = "managed",
        clip: bool = True,
        hashes: str = "full",
        asset_id: int | None = None,
        media: str | None = None,
        duration_ms: int | None = None,
        verified: bool = True,
    ) -> int:
        """Enter an existing file as a copy, as an ingest would; return the copy's id."""
        place = places.place_of(self.db, path)
        facts = os.lstat(path)
        fast = fast_hash(path, facts.st_size) if hashes != "none" else None
        full = full_hash(path) if hashes == "full" else None
        moment = "2026-01-01T00:00:00.000Z"
        with write(self.db):
            if asset_id is None:
                known = full and scalar(
                    self.db,
                    "SELECT asset_id FROM assets WHERE size = ? AND blake3 = ?",
                    (facts.st_size, full),
                )
                asset_id = (
                    known
                    or self.db.execute(
                        "INSERT INTO assets (size, blake3, fast_hash, fast_scheme, media, created_at)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        (facts.st_size, full, fast, FAST_SCHEME if fast else None, media, moment),
                    ).lastrowid
                )
            copy_id = self.db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, inode, seen_at,"
                " verified_at, verify_level, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    asset_id, place.volume_id, to_blob(place.path), role, facts.st_size, facts.st_mtime_ns,
                    facts.st_ino, moment, moment if verified else None,
                    "device re-read" if verified else None, moment,
                ),
            ).lastrowid  # fmt: skip
            if clip and not row(self.db, "SELECT 1 FROM clip_files WHERE asset_id = ?", (asset_id,)):
                clip_id = str(uuid.uuid4())
                self.db.execute(
                    "INSERT INTO clips (clip_id, title, kind, asset_id, duration_ms, created_at)"
                    " VALUES (?, ?, 'video', ?, ?, ?)",
                    (
                        clip_id,
                        os.path.basename(place.path).encode("ascii", "replace").decode(),
                        asset_id,
                        duration_ms,
                        moment,
                    ),
                )
                self.db.execute(
                    "INSERT INTO clip_files VALUES (?, 'essence', 0, ?, ?)",
                    (clip_id, asset_id, to_blob(os.path.basename(place.path))),
                )
        return int(copy_id)

    def copy(self, copy_id: int) -> dict[str, Any]:
        found = row(self.db, "SELECT * FROM copies WHERE copy_id = ?", (copy_id,))
        assert found is not None
        return found

    def state(self, copy_id: int) -> str:
        return str(scalar(self.db, "SELECT seen_as FROM copy_states WHERE copy_id = ?", (copy_id,)))

    def unplug(self, folder: Path) -> Path:
        """Take a stand-in away: its folder moves out of sight. Returns where it is now."""
        hidden = self.root / "elsewhere"
        hidden.mkdir(exist_ok=True)
        away = hidden / folder.name
        folder.rename(away)
        self.refresh()
        return away

    def context(self, job_id: str) -> JobContext:
        store.transition(self.db, job_id, "running")
        return JobContext(self.library, store.get(self.db, job_id))

    def scan(self, path: Path | str, **options: Any) -> dict[str, Any]:
        _, job_id = relink_job.queue_scan(self.library, str(path), **options)
        outcome = relink_job.run_scan(self.context(job_id))
        assert outcome.status in ("completed", "completed_with_warnings"), outcome
        return outcome.result

    def sweep(self, volume_id: str, **options: Any) -> relink_sweep.Swept:
        return relink_sweep.sweep(self.library, volume_id, **options)

    def run_sweep(self, volume_id: str) -> Outcome:
        return relink_sweep.run_sweep(self.context(relink_sweep.queue_sweep(self.library, volume_id)))

    def dump(self, *tables: str) -> dict[str, list[dict[str, Any]]]:
        """All rows of the tables, for comparison to the byte."""
        return {table: rows(self.db, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}

    @staticmethod
    def same_but_for_times(first: dict[str, Any], second: dict[str, Any]) -> bool:
        """Whether two dumps are equal but for when something was seen or decided."""

        def timeless(dump: dict[str, Any]) -> dict[str, Any]:
            return {
                table: [
                    {key: value for key, value in row.items() if key not in ("seen_at", "decided_at")}
                    for row in found
                ]
                for table, found in dump.items()
            }

        return timeless(first) == timeless(second)


@pytest.fixture
def world(library: Library, tmp_path: Path) -> World:
    root = tmp_path / "drives"
    root.mkdir()
    return World(library, root)


def cannot_mount() -> str | None:
    if os.geteuid() != 0:
        return "mounting needs root: unmounting in the middle of a sweep was not tried"
    if not Path("/dev/loop-control").exists() or shutil.which("mkfs.ext4") is None:
        return "no loop devices or no mkfs.ext4: unmounting in the middle of a sweep was not tried"
    return None


class Disks:
    """Real file systems on loop devices; all are unmounted at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.points: list[Path] = []

    def image(self, name: str, megabytes: int = 32) -> Path:
        path = self.folder / f"{name}.img"
        with path.open("wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-L", name, str(path)], check=True, capture_output=True)
        return path

    def mount(self, image: Path, at: str) -> Path:
        point = self.folder / at
        point.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(point)], check=True, capture_output=True)
        self.points.append(point)
        return point

    def unmount(self, point: Path, *, lazy: bool = False) -> None:
        subprocess.run(["umount", *(["-l"] if lazy else []), str(point)], check=True, capture_output=True)
        self.points.remove(point)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    reason = cannot_mount()
    if reason:
        pytest.skip(reason)
    folder = tmp_path / "mnt"
    folder.mkdir()
    made = Disks(folder)
    yield made
    for point in reversed(made.points):
        subprocess.run(["umount", "-l", str(point)], check=False, capture_output=True)


Checker = Callable[[], None]
__all__ = ["Disks", "World", "clock"]
