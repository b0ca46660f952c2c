"""Exports stand back while footage is taken in."""

from __future__ import annotations

import os

import pytest

from engine.api import engines
from engine.export.runs import runs
from engine.jobs import store
from engine.media import ffmpeg
from engine.media.courtesy import Courtesy, lower
from engine.storage import config
from engine.volumes.places import place_of

ENDLESS = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "null", "-"]


def put(key: str, value: str) -> None:
    db = config.open_config()
    config.put(db, key, value)
    db.close()


def ingest_on(desk, path: str) -> str:
    """An ingest that is at work on the device of ``path``."""
    device = place_of(desk.library.db(), path).device
    job_id = store.create(desk.library.db(), "ingest", "card A001", {}, resources=(f"device:{device}",))
    store.transition(desk.library.db(), job_id, "running")
    return job_id


def threads_of(pid: int) -> list[int]:
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def test_an_encoder_starts_with_its_manners_and_is_lowered_while_it_runs(tools, desk):
    seen: dict[str, list[object]] = {"first": [], "later": []}
    wanted = [Courtesy(3, "low")]

    class Enough(Exception):
        pass

    def look(_block) -> None:
        import psutil

        child = next(entry for entry in psutil.Process().children() if entry.name().startswith("ffmpeg"))
        inside = [
            (os.getpriority(os.PRIO_PROCESS, tid), psutil.Process(tid).ionice())
            for tid in threads_of(child.pid)
        ]
        if wanted[0].nice == 3:
            seen["first"] = inside
            wanted[0] = Courtesy(10, "idle")
        elif any(nice != 3 for nice, _ in inside):
            seen["later"] = inside
            raise Enough

    base = os.getpriority(os.PRIO_PROCESS, 0)
    with pytest.raises(Enough):
        ffmpeg.run(tools, ENDLESS, on_progress=look, courtesy=lambda: wanted[0])
    assert {nice for nice, _ in seen["first"]} == {base + 3}
    # A thread that is just ending has given its class back: (0, 0).
    assert {(int(io.ioclass), io.value) for _, io in seen["first"]} - {(0, 0)} == {(2, 7)}
    assert len(seen["later"]) > 2, "an encoder has several threads"
    assert {nice for nice, _ in seen["later"]} == {base + 10}
    assert {int(io.ioclass) for _, io in seen["later"]} - {0} == {3}


def test_lowering_what_is_gone_is_no_error():
    lower(2**22 - 1, Courtesy(10, "idle"))


def test_encoders_are_lowered_while_an_ingest_works(desk, clip, monkeypatch):
    desk.add(clip("a.mov"), "a.mov")
    asked = []
    real = ffmpeg._start
    monkeypatch.setattr(
        ffmpeg, "_start", lambda command, cwd, how: asked.append(how) or real(command, cwd, how)
    )
    assert desk.export().status == "completed"
    assert set(asked) <= {Courtesy(5, "low"), Courtesy()}
    assert Courtesy(5, "low") in asked
    ingest_on(desk, "/")
    asked.clear()
    queued = desk.queue("film")
    store.execute(desk.library.db(), "UPDATE jobs SET params = json_set(params, '$.fresh', json('true'))")
    assert desk.run(queued).status == "completed"
    assert Courtesy(10, "idle") in asked
    assert Courtesy(5, "low") not in asked


def test_a_run_rests_for_an_ingest_on_the_same_device_and_goes_on_after_it(desk, clip, wait_until):
    put("export.yield", "pause")
    for number in range(2):
        desk.add(clip(f"{number}.mov", picture=("testsrc2", "testsrc")[number]), f"c{number}.mov")
    ingest = ingest_on(desk, desk.path("c0.mov"))
    run = desk.run(desk.order(preset="archive", segment_seconds=1))
    assert run.status == "paused"
    job = store.get(desk.library.db(), run.job_id)
    assert job.waiting_for == f"job:{ingest}"
    assert "card A001" in job.message
    engines.ensure(desk.library)  # the ingest was cut off with its engine: the film need not wait for it
    try:
        wait_until(lambda: desk.look(_queued(run)).status == "completed", 30, "the export")
    finally:
        engines.stop(desk.library)


def test_a_run_does_not_rest_for_an_ingest_elsewhere(desk, clip):
    put("export.yield", "pause")
    desk.add(clip("a.mov"), "a.mov")
    job_id = store.create(desk.library.db(), "ingest", "card", {}, resources=("device:elsewhere",))
    store.transition(desk.library.db(), job_id, "running")
    assert desk.export().status == "completed"


def _queued(run):
    return runs.Queued(run.run_id, run.job_id, run.recipe_name)
