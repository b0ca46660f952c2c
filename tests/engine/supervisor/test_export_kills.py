"""A real engine, killed in the middle of an export. tests/long/export_kills.py does it at many instants."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.api import jobs as api
from engine.export.runs import records, runs
from engine.library import Library
from engine.media.tools import find_tools
from engine.supervisor import process
from tests.bench.export import footage
from tests.long.export_kills import Queued, order, strike, undisturbed


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], bytes]:
    """Two clips, and the bytes of their film."""
    folder = tmp_path_factory.mktemp("film")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RUSHES_CONFIG", str(folder / "config"))
        media = footage(find_tools(), folder, "clip", 2, 2, "320x180")
        whole, _ = undisturbed(folder / "whole", media, "archive")
    return media, whole


def finished(library: Library, queued: Queued) -> int:
    """Segments of the picture that are done; the sound is no segment."""
    parts = records.segments(library.db(), queued.run_id)
    return sum(part["status"] == "completed" for part in parts if part["kind"] == "video")


@pytest.mark.parametrize("who", ["engine", "both"])
def test_killed_and_resumed_it_is_the_same_film(
    film: tuple[list[Path], bytes], tmp_path: Path, wait_until: Callable[..., None], who: str
) -> None:
    media, whole = film
    library, queued = order(tmp_path / "library", media, "archive")
    pid = process.ensure(library).pid
    assert pid is not None
    try:
        wait_until(lambda: finished(library, queued) >= 1, 30, "the first segment")
        done = finished(library, queued)
        strike(pid, who)
        wait_until(lambda: not process.status(library).running, 10, "the end of the engine")
        assert process.ensure(library).pid != pid
        wait_until(lambda: api.show(library, queued.job_id)["status"] == "interrupted")
        api.request(library, queued.job_id, "resume")
        job = api.follow(library, queued.job_id)
        assert job.status == "completed", job.error
        run = records.get(library.db(), queued.run_id)
        assert Path(str(run.output_path)).read_bytes() == whole
        log = Path(runs.log_path(library, run.run_id)).read_text(errors="replace").splitlines()
        renders = sum(line.startswith("$ ") and "[film]" in line for line in log)
        assert renders <= 4 + 1, "at most the segment in hand is rendered twice"
        assert run.segments_reused >= done
        # In the logs the report of the run's end may just be written.
        left = [path for path in Path(library.cache_root).rglob("*.part") if path.parent.name != "logs"]
        assert left == []
        assert os.listdir(library.cache_root / "exports") == ["film.mov"]
    finally:
        if process.status(library).running:
            process.stop(library)


def test_a_resume_wastes_at_most_the_segment_in_hand_when_the_machine_goes(
    film: tuple[list[Path], bytes], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """The engine and all its children are stopped dead together, again and again, as by power cuts."""
    media, whole = film
    library, queued = order(tmp_path / "library", media, "archive")
    cuts = 0
    try:
        for wanted in (1, 2):
            pid = process.ensure(library).pid
            assert pid is not None
            if cuts:
                wait_until(lambda: api.show(library, queued.job_id)["status"] == "interrupted")
                api.request(library, queued.job_id, "resume")
            wait_until(lambda n=wanted: finished(library, queued) >= n, 30, f"segment {wanted}")  # type: ignore[misc]
            os.kill(pid, signal.SIGKILL)
            cuts += 1
            wait_until(lambda: not process.status(library).running, 10, "the end of the engine")
        process.ensure(library)
        wait_until(lambda: api.show(library, queued.job_id)["status"] == "interrupted")
        api.request(library, queued.job_id, "resume")
        assert api.follow(library, queued.job_id).status == "completed"
        run = records.get(library.db(), queued.run_id)
        assert Path(str(run.output_path)).read_bytes() == whole
        log = Path(runs.log_path(library, run.run_id)).read_text(errors="replace").splitlines()
        assert sum(line.startswith("$ ") and "[film]" in line for line in log) <= 4 + cuts
    finally:
        if process.status(library).running:
            process.stop(library)
