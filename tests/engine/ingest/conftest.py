"""An engine in small: runs queued ingests of a test's library in the test's own thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RushesError
from engine.ingest.job import run
from engine.ingest.planning.plan import plan as ingest_plan
from engine.ingest.planning.queue import queue as ingest_queue
from engine.jobs import store
from engine.jobs.context import JobCancelled, JobContext, JobPaused, JobStopped, Outcome
from engine.library import Library, create
from engine.storage.database import row, rows


def start(
    library: Library,
    job_id: str,
    *,
    intent: str | None = None,
    watch: Callable[[JobContext], None] | None = None,
    handler: Callable[[JobContext], Outcome] = run,
) -> Outcome | None:
    """Run a job as the engine does, and store how it ended. None: paused, cancelled or stopped."""
    db = library.db()
    if intent is not None:
        store.request(db, job_id, intent)
    job = store.get(db, job_id)
    store.transition(db, job_id, "running")
    context = JobContext(library, job)
    if watch is not None:
        watch(context)
    try:
        outcome = handler(context)
    except JobPaused as signal:
        store.transition(db, job_id, "paused", why=signal.reason)
        return None
    except JobCancelled:
        store.transition(db, job_id, "cancelled")
        return None
    except JobStopped:
        store.transition(db, job_id, "interrupted")
        return None
    except RushesError as error:
        store.transition(db, job_id, "failed", error=str(error))
        raise
    context.flush()
    store.transition(db, job_id, outcome.status, result=outcome.result, error=outcome.error)
    return outcome


@dataclass
class Desk:
    """A library, and the shortest way to an ingest."""

    library: Library
    tmp: Path
    jobs: list[str] = field(default_factory=list)

    @property
    def db(self) -> Any:
        return self.library.db()

    def queue(self, *sources: Path | str, to: Sequence[Path | str] = (), **options: Any) -> str:
        plan = ingest_plan(
            self.library, [str(source) for source in sources], [str(place) for place in to], **options
        )
        queued = ingest_queue(self.library, plan)
        self.jobs.append(queued.job_id)
        return queued.job_id

    def ingest(self, *sources: Path | str, to: Sequence[Path | str] = (), **options: Any) -> dict[str, Any]:
        outcome = start(self.library, self.queue(*sources, to=to, **options))
        assert outcome is not None
        return outcome.result

    def start(self, job_id: str, **options: Any) -> Outcome | None:
        return start(self.library, job_id, **options)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return rows(self.db, sql, values)

    def row(self, sql: str, *values: Any) -> dict[str, Any]:
        found = row(self.db, sql, values)
        assert found is not None
        return found

    def log(self, job_id: str | None = None) -> str:
        return "\n".join(line["message"] for line in store.log_lines(self.db, job_id or self.jobs[-1]))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "library"
    root.mkdir()
    return Desk(create(str(root), name="Test"), tmp_path)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A plain folder of eight files: nested, one of 3 MiB, one empty, one with a name of any bytes."""
    folder = tmp_path / "A001"
    fill(folder)
    return folder


def fill(folder: Path, seed: int = 0) -> None:
    for number in range(5):
        write(folder / "DCIM" / f"shot{number}.dat", 1000 * (number + 1) + seed)
    write(folder / "DCIM" / "large.dat", (3 << 20) + 7 + seed)
    write(folder / "MISC" / "empty.dat", 0)
    write(folder / "MISC" / os.fsdecode(b"\x1b[2J \xff\n.dat"), 333 + seed)


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; our catalogue left out."""
    return {
        os.path.relpath(os.path.join(top, name), folder): (Path(top) / name).read_bytes()
        for top, _, names in os.walk(folder)
        for name in names
        if ".rushes" not in top
    }


def temps(folder: Path) -> list[str]:
    return [
        os.path.join(top, name)
        for top, _, names in os.walk(folder)
        for name in names
        if name.endswith(".part")
    ]
