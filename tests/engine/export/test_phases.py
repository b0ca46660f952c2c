"""Pause, cancel, stop and kill in every phase of an export; then on to the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.runs import runs
from engine.jobs import store
from engine.jobs.context import JobContext

SPEC = {"preset": "share", "segment_seconds": 1, "template": "film"}
PHASES = ["planning", "checking", "rendering", "audio", "joining", "verifying", "hashing"]

_whole: list[bytes] = []


@pytest.fixture
def whole(desk, clip):
    """The film that nobody disturbs; its parts are not lent to the run under test."""
    for number, picture in enumerate(("testsrc2", "testsrc")):
        desk.add(clip(f"{number}.mov", seconds="2", picture=picture), f"c{number}.mov")
    if not _whole:
        run = desk.export(**SPEC, destination=str(desk.library.root / "undisturbed"))
        assert run.status == "completed", run.error
        _whole.append(Path(run.output_path).read_bytes())
        desk.library.db().execute("UPDATE segments SET status = 'failed'")
    return _whole[0]


def at(phase: str, word: str, monkeypatch):
    """Arms a run: the word is given at the first report of a phase. Returns what to run it with."""

    def arm(context: JobContext) -> None:
        real = context.progress
        given = []

        def progress(**changes: object) -> None:
            real(**changes)
            if changes.get("stage") == phase and not given:
                given.append(phase)
                context.send(word)

        monkeypatch.setattr(context, "progress", progress)

    return arm


@pytest.mark.parametrize("phase", PHASES)
def test_a_pause_reaches_a_checkpoint_and_goes_on(desk, whole, monkeypatch, phase):
    queued = desk.order(**SPEC)
    run = desk.run(queued, at(phase, "pause", monkeypatch))
    # A join in hand is brought to its end: the film is then the checkpoint.
    expected = "completed" if phase in ("joining", "verifying", "hashing") else "paused"
    assert run.status == expected, run.error
    assert desk.leftovers() == []
    if run.status == "paused":
        runs.resume(desk.library, run.run_id)
        run = desk.run(queued)
    assert run.status == "completed", run.error
    assert Path(run.output_path).read_bytes() == whole
    assert desk.renders(run) == 4, "no part was rendered twice"


@pytest.mark.parametrize("phase", PHASES)
def test_a_cancel_is_at_once_and_leaves_no_temps(desk, whole, monkeypatch, phase):
    queued = desk.order(**SPEC)
    run = desk.run(queued, at(phase, "cancel", monkeypatch))
    assert run.status == "cancelled"
    assert desk.leftovers() == []
    exports = desk.library.cache_root / "exports"
    assert not exports.exists() or list(exports.iterdir()) == []
    done = desk.one(
        "SELECT count(*) FROM segments WHERE run_id = ? AND kind = 'video' AND status = 'completed'",
        run.run_id,
    )
    # The last part of the sound is made beside the last pictures.
    assert done in {"planning": (0,), "checking": (0,), "rendering": (0,), "audio": (2, 3)}.get(phase, (4,))
    again = desk.run(runs.resume(desk.library, run.run_id))
    assert again.status == "completed", again.error
    assert Path(again.output_path).read_bytes() == whole
    assert desk.renders(again) == 4 - done


@pytest.mark.parametrize("phase", ["planning", "rendering", "joining", "hashing"])
def test_an_engine_that_stops_leaves_an_interrupted_run(desk, whole, monkeypatch, phase):
    queued = desk.order(**SPEC)
    run = desk.run(queued, at(phase, "stop", monkeypatch))
    assert run.status == "interrupted"
    assert desk.leftovers() == []
    store.request(desk.library.db(), run.job_id, "resume")
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert Path(run.output_path).read_bytes() == whole
