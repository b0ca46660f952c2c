"""A library with real, tiny clips, and a way to run export jobs as the engine does."""

from __future__ import annotations

import hashlib
import os
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine import clock
from engine.export.recipes import recipes
from engine.export.runs import records
from engine.export.runs.runs import Queued, queue_runs
from engine.jobs import store
from engine.jobs.context import JobContext
from engine.library import Library
from engine.media.hashing import full_hash
from engine.media.tools import Tools, find_tools
from engine.names import to_blob
from engine.storage.database import row, scalar, write
from engine.supervisor.runner import Runner
from engine.volumes.places import place_of


@pytest.fixture(scope="session")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Callable[..., str]:
    """Makes a clip once per session: ``footage("a.mov", "-f", "lavfi", ...)``."""
    folder = tmp_path_factory.mktemp("footage")

    def make(name: str, *args: str) -> str:
        key = hashlib.sha256(repr(args).encode()).hexdigest()[:12]
        path = folder / f"{key}-{name}"
        if not path.exists():
            command = [tools.ffmpeg, "-v", "error", "-nostdin", "-y", *args, f"file:{path}"]
            subprocess.run(command, check=True)
        return str(path)

    return make


@pytest.fixture(scope="session")
def clip(footage: Callable[..., str]) -> Callable[..., str]:
    """A small clip with picture and sound."""

    def make(
        name: str = "a.mov",
        *,
        size: str = "160x90",
        rate: str = "25",
        seconds: str = "1",
        sound: bool = True,
        picture: str = "testsrc2",
        more: tuple[str, ...] = (),
    ) -> str:
        args = ["-f", "lavfi", "-i", f"{picture}=s={size}:r={rate}:d={seconds}"]
        if sound:
            args += ["-f", "lavfi", "-i", f"sine=f=440:r=48000:d={seconds}"]
        args += ["-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-pix_fmt", "yuv420p"]
        args += ["-c:a", "pcm_s16le"] if sound else []
        return footage(name, *args, *more)

    return make


@pytest.fixture(scope="session")
def turned(tools: Tools) -> Callable[[str, int], str]:
    """A copy of a clip that players turn clockwise: ``turned(path, 90)``."""

    def make(source: str, clockwise: int) -> str:
        target = Path(source).with_name(f"turned{clockwise}-{os.path.basename(source)}")
        # 6.0 turns by an option, the other way round; 5.1 writes the matrix from a tag.
        for before, after in (
            (["-display_rotation:v", str(-clockwise)], []),
            ([], ["-metadata:s:v", f"rotate={360 - clockwise}"]),
        ):
            command = [tools.ffmpeg, "-v", "error", "-nostdin", "-y", *before, "-i", f"file:{source}", *after]
            if subprocess.run([*command, "-c", "copy", f"file:{target}"], check=False).returncode == 0:
                return str(target)
        raise AssertionError("this ffmpeg cannot write a clip that is turned")

    return make


@dataclass
class Desk:
    """A library at work."""

    library: Library
    tools: Tools
    media: Path
    clips: dict[str, str] = field(default_factory=dict)

    def add(self, source: str, title: str | None = None, *, kind: str = "video", link: bool = True) -> str:
        """Enter a file into the catalogue as a managed clip; returns its clip id."""
        title = title or os.path.basename(source)
        target = os.fsencode(str(self.media)) + b"/" + os.fsencode(title.replace("/", "_"))
        if link and not os.path.lexists(target):
            Path(os.fsdecode(target)).write_bytes(Path(source).read_bytes())
        path = os.fsdecode(target)
        place = place_of(self.library.db(), path)
        moment, clip_id = clock.now(), str(uuid.uuid4())
        size, blake3 = os.path.getsize(path), full_hash(path)
        db = self.library.db()
        with write(db):
            known = scalar(db, "SELECT asset_id FROM assets WHERE size = ? AND blake3 = ?", (size, blake3))
            asset_id = (
                known
                or db.execute(
                    "INSERT INTO assets (size, blake3, created_at) VALUES (?, ?, ?)", (size, blake3, moment)
                ).lastrowid
            )
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
                " VALUES (?, ?, ?, 'managed', ?, 0, ?, ?)",
                (asset_id, place.volume_id, to_blob(place.path), size, moment, moment),
            )
            db.execute(
                "INSERT INTO clips (clip_id, title, kind, asset_id, recorded_at, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    clip_id,
                    os.fsencode(title).decode("utf-8", "replace"),
                    kind,
                    asset_id,
                    f"2026-11-20T10:{len(self.clips):02}:00.000Z",
                    moment,
                ),
            )
            db.execute(
                "INSERT INTO clip_files (clip_id, role, position, asset_id, name)"
                " VALUES (?, 'essence', 0, ?, ?)",
                (clip_id, asset_id, to_blob(os.path.basename(path))),
            )
        self.clips[title] = clip_id
        return clip_id

    def path(self, title: str) -> str:
        return str(self.media / title)

    def recipe(self, name: str = "film", **spec: Any) -> str:
        recipes.create(self.library.db(), name, spec)
        return name

    def queue(self, *names: str) -> Queued:
        return queue_runs(self.library, list(names) or ["film"])[0]

    def run(self, queued: Queued, before: Callable[[JobContext], None] | None = None) -> records.Run:
        """Run a queued job in this thread, to its end or pause, as the engine would."""
        job = store.get(self.library.db(), queued.job_id)
        store.transition(self.library.db(), job.job_id, "running", by="engine")
        runner = Runner(self.library, job, lambda: None)
        if before is not None:
            before(runner.context)
        runner._run_to_an_end()
        return self.look(queued)

    def look(self, queued: Queued) -> records.Run:
        return records.get(self.library.db(), queued.run_id)

    def export(self, **spec: Any) -> records.Run:
        """Make the recipe ``film`` (again), queue it, run it."""
        return self.run(self.order(**spec))

    def order(self, **spec: Any) -> Queued:
        """Make the recipe ``film`` (again) and queue it."""
        if row(self.library.db(), "SELECT 1 FROM recipes WHERE name = 'film'"):
            recipes.delete(self.library.db(), "film")
        self.recipe("film", **spec)
        return self.queue("film")

    def frames(self, path: str) -> list[str]:
        """Hash of every decoded picture of a file."""
        ran = subprocess.run(
            [self.tools.ffmpeg, "-v", "error", "-i", f"file:{path}", "-map", "0:v:0", "-f", "framemd5", "-"],
            check=True,
            capture_output=True,
            text=True,
        )
        return [line.rpartition(",")[2].strip() for line in ran.stdout.splitlines() if line[:1].isdigit()]

    def probe(self, path: str, entries: str, stream: str = "v:0") -> str:
        ran = subprocess.run(
            [
                self.tools.ffprobe,
                "-v",
                "error",
                "-select_streams",
                stream,
                "-show_entries",
                entries,
                "-of",
                "csv=p=0",
                f"file:{path}",
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        return ran.stdout.strip()

    def renders(self, run: records.Run) -> int:
        """How often an encoder was started for a picture part of this run."""
        log = Path(self.library.logs) / f"export-{run.run_id}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return sum(line.startswith("$ ") and "[film]" in line for line in lines)

    def leftovers(self) -> list[str]:
        """Temporary files of exports, anywhere."""
        found = []
        for root in (self.library.cache_root, self.media):
            for folder, _, names in os.walk(root):
                found += [os.path.join(folder, name) for name in names if name.endswith(".part")]
        return found

    def one(self, sql: str, *values: Any) -> Any:
        return scalar(self.library.db(), sql, values)

    def row(self, sql: str, *values: Any) -> Any:
        return row(self.library.db(), sql, values)


@pytest.fixture
def desk(library: Library, tools: Tools, tmp_path: Path) -> Desk:
    media = tmp_path / "library" / "media"
    media.mkdir()
    return Desk(library, tools, media)
