"""Killed, stopped, cancelled, cut off: what is finished stays, what is made is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import IllegalTransition, Refused
from engine.export.rendering import crew
from engine.export.runs import ledger, parts, records, runs
from engine.jobs import store
from engine.storage import config
from engine.storage.database import execute, rows
from engine.supervisor.runner import Runner

SPEC = {"preset": "archive", "segment_seconds": 1, "template": "film"}

WORKER = """
import sys
from engine.jobs import store
from engine.library import open_library
from engine.supervisor.runner import Runner
library = open_library(sys.argv[1])
job = store.get(library.db(), sys.argv[2])
store.transition(library.db(), job.job_id, "running", by="engine")
Runner(library, job, lambda: None)._run_to_an_end()
"""


_undisturbed: list[bytes] = []


@pytest.fixture
def reference(desk, clip):
    """The bytes of a film of eight segments that was made, once, without any disturbance."""
    for number, picture in enumerate(("testsrc2", "testsrc", "smptebars", "rgbtestsrc")):
        desk.add(clip(f"{number}.mov", seconds="2", size="256x144", picture=picture), f"c{number}.mov")
    if not _undisturbed:
        run = desk.export(**SPEC, destination=str(desk.library.root / "undisturbed"))
        assert run.status == "completed", run.error
        _undisturbed.append(Path(run.output_path).read_bytes())
        # Its segments must not be lent to the run under test.
        execute(desk.library.db(), "UPDATE segments SET status = 'failed' WHERE run_id = ?", (run.run_id,))
    return _undisturbed[0]


def worker(desk, queued) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, str(desk.library.root), queued.job_id])


def finished_parts(desk, queued) -> int:
    """How many pictures' parts are finished; the sound is made beside the last of them."""
    count = "SELECT count(*) FROM segments WHERE run_id = ? AND status = 'completed' AND kind = 'video'"
    return int(desk.one(count, queued.run_id))


def attempt_is_writing(desk, queued) -> bool:
    folder = Path(runs.run_folder(desk.library, queued.run_id))
    return any(path.stat().st_size > 0 for path in folder.glob("*/*.part"))


@pytest.mark.parametrize("after", [0, 1, 3, 6])
def test_a_killed_process_loses_the_running_segment_only(desk, reference, wait_until, after):
    queued = desk.order(**SPEC)
    with worker(desk, queued) as process:
        wait_until(
            lambda: finished_parts(desk, queued) >= after and attempt_is_writing(desk, queued),
            30,
            "a segment",
        )
        process.send_signal(signal.SIGKILL)
    done = finished_parts(desk, queued)
    assert store.interrupt_running(desk.library.db()) == [queued.job_id]
    store.request(desk.library.db(), queued.job_id, "resume")
    before = desk.renders(desk.look(queued))
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert Path(run.output_path).read_bytes() == reference
    assert desk.renders(run) - before == 8 - done
    assert run.segments_reused == done
    assert desk.leftovers() == []
    assert len(os.listdir(desk.library.cache_root / "exports")) == 1


def test_a_kill_between_rename_and_row_makes_no_second_file(desk, reference, monkeypatch):
    queued = desk.order(**SPEC)

    class PowerCut(BaseException):
        pass

    def cut(*_args):
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr("engine.export.job._Work._finished", cut)
        with pytest.raises(PowerCut):
            desk.run(queued)
    assert len(os.listdir(desk.library.cache_root / "exports")) == 1
    store.interrupt_running(desk.library.db())
    store.request(desk.library.db(), queued.job_id, "resume")
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert os.listdir(desk.library.cache_root / "exports") == ["film.mov"]
    assert Path(run.output_path).read_bytes() == reference
    stored = desk.row("SELECT path FROM copies WHERE role = 'export' ORDER BY copy_id DESC")
    assert stored["path"].endswith(b"exports/film.mov")


def signal_after(desk, queued, signal_name: str, count: int):
    """Sends the job a signal as soon as ``count`` segments are finished and another one is being written."""

    def arm(context) -> None:
        def watch() -> None:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if finished_parts(desk, queued) >= count and attempt_is_writing(desk, queued):
                    context.send(signal_name)
                    break
                time.sleep(0.005)
            desk.library.close()

        threading.Thread(target=watch).start()

    return arm


def test_frames_that_were_taken_over_count_when_the_next_run_is_cancelled_too(desk, reference):
    first = desk.order(**SPEC)
    run = desk.run(first, signal_after(desk, first, "cancel", 3))
    again = runs.resume(desk.library, run.run_id)
    taken = finished_parts(desk, first)
    second = desk.run(again, signal_after(desk, again, "cancel", taken))
    assert second.status == "cancelled"
    made = "SELECT sum(frames) FROM segments WHERE run_id = ? AND status = 'completed' AND kind = 'video'"
    assert second.frames_done == desk.one(made, second.run_id) > 0


def test_a_pause_lets_the_segment_in_hand_finish(desk, reference):
    queued = desk.order(**SPEC)
    run = desk.run(queued, signal_after(desk, queued, "pause", 2))
    assert run.status == "paused"
    # Those in hand: what is encoded side by side, and one that is being proven.
    finished = finished_parts(desk, queued)
    assert 3 <= finished <= 2 + crew.hands_for_segments(intra=True) + 1
    assert desk.leftovers() == []
    assert desk.one("SELECT count(*) FROM segments WHERE run_id = ? AND status = 'running'", run.run_id) == 0
    runs.resume(desk.library, run.run_id)
    run = desk.run(queued)
    assert (run.status, run.segments_reused) == ("completed", finished)
    assert Path(run.output_path).read_bytes() == reference


def test_a_cancel_is_at_once_and_a_resume_takes_over_what_is_finished(desk, reference):
    queued = desk.order(**SPEC)
    run = desk.run(queued, signal_after(desk, queued, "cancel", 3))
    assert run.status == "cancelled"
    assert desk.leftovers() == []
    # One more than the third may have been proven by the time the cancel was seen.
    finished = finished_parts(desk, queued)
    assert 3 <= finished <= 3 + crew.hands_for_segments(intra=True)
    assert not (desk.library.cache_root / "exports" / "film.mov").exists()
    with pytest.raises(IllegalTransition):
        runs.cancel(desk.library, run.run_id)
    again = runs.resume(desk.library, run.run_id)
    assert again.run_id != run.run_id
    second = desk.run(again)
    assert (second.status, second.resumed_from) == ("completed", run.run_id)
    assert second.segments_reused == finished
    assert desk.renders(second) == 8 - finished
    assert Path(second.output_path).read_bytes() == reference
    # The old run can go without taking anything away.
    runs.delete(desk.library, run.run_id)
    third = desk.run(runs.rerun(desk.library, second.run_id))
    assert (third.status, third.segments_reused, desk.renders(third)) == ("completed", 8, 0)
    assert Path(third.output_path).read_bytes() == reference


def test_a_stopping_engine_leaves_a_run_that_goes_on(desk, reference):
    queued = desk.order(**SPEC)
    run = desk.run(queued, signal_after(desk, queued, "stop", 1))
    assert run.status == "interrupted"
    assert desk.leftovers() == []
    runs.resume(desk.library, run.run_id)
    assert Path(desk.run(queued).output_path).read_bytes() == reference


@pytest.mark.parametrize("harm", ["missing", "short", "empty", "flipped"])
def test_a_harmed_segment_is_made_anew_alone(desk, reference, harm):
    queued = desk.order(**SPEC)
    run = desk.run(queued, signal_after(desk, queued, "pause", 4))
    part = rows(
        desk.library.db(),
        "SELECT * FROM segments WHERE run_id = ? AND position = 1 AND kind = 'video'",
        (run.run_id,),
    )[0]
    folder = parts.output_folder(runs.run_folder(desk.library, run.run_id), 0)
    path = Path(folder) / os.fsdecode(part["file"])
    data = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        middle = len(data) // 2
        path.write_bytes(
            {"short": data[:middle], "empty": b"", "flipped": data[:middle] + b"\xff" + data[middle + 1 :]}[
                harm
            ]
        )
    finished = finished_parts(desk, queued)
    runs.resume(desk.library, run.run_id)
    before = desk.renders(run)
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert desk.renders(run) - before == 8 - finished + 1
    assert Path(run.output_path).read_bytes() == reference


def test_a_segment_harmed_during_the_run_is_caught_at_the_join(desk, reference, monkeypatch):
    queued = desk.order(**SPEC)
    real = records.Run

    def harm(*args, **kwargs):
        folder = Path(parts.output_folder(runs.run_folder(desk.library, queued.run_id), 0))
        path = min(folder.glob("00002-*.mov"))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
        return publish(*args, **kwargs)

    from engine.export.job import _Work

    publish = _Work._publish
    with monkeypatch.context() as patched:
        patched.setattr(_Work, "_publish", harm)
        run = desk.run(queued)
    assert isinstance(run, real)
    assert run.status == "failed"
    assert "Part 3" in run.error
    assert desk.leftovers() == []
    again = desk.run(runs.retry(desk.library, run.run_id))
    assert (again.status, again.segments_reused, desk.renders(again)) == ("completed", 7, 1)
    assert Path(again.output_path).read_bytes() == reference


def test_a_changed_setting_renders_and_a_changed_sound_does_not(desk, clip):
    desk.add(clip("long.mov", seconds="2", size="320x180"), "c0.mov")
    first = desk.export(**SPEC)
    assert desk.renders(first) == 2
    other_sound = desk.export(**{**SPEC, "preset": "prores-hq"})
    assert (desk.renders(other_sound), other_sound.segments_reused) == (0, 2)
    other_size = desk.export(**SPEC, width=160, height=90)
    assert desk.renders(other_size) == 2
    fresh = desk.run(runs.rerun(desk.library, first.run_id, fresh=True))
    assert (desk.renders(fresh), fresh.segments_reused) == (2, 0)
    assert fresh.output_blake3 == first.output_blake3


def test_one_more_clip_renders_that_clip_only(desk, clip):
    for number in range(3):
        picture = ("testsrc2", "testsrc", "rgbtestsrc")[number]
        desk.add(clip(f"{number}.mov", seconds="1", picture=picture), f"c{number}.mov")
    first = desk.export(**SPEC)
    desk.add(clip("new.mov", seconds="1", picture="smptebars"), "c9.mov")
    second = desk.export(**SPEC)
    assert (desk.renders(first), desk.renders(second)) == (3, 1)


def _send(number: signal.Signals) -> list[int]:
    """Signal the encoders that are there; those that had just ended are left out."""
    reached = []
    for pid in _encoders():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        reached.append(pid)
    return reached


def test_a_killed_encoder_is_tried_again(desk, reference, wait_until):
    queued = desk.order(**SPEC)
    killed = []

    def arm(_context) -> None:
        def watch() -> None:
            wait_until(lambda: attempt_is_writing(desk, queued), 30)
            killed.extend(_send(signal.SIGKILL))
            desk.library.close()

        threading.Thread(target=watch).start()

    run = desk.run(queued, arm)
    assert killed
    assert run.status == "completed", run.error
    assert desk.renders(run) == 8 + len(killed)
    assert Path(run.output_path).read_bytes() == reference


def test_a_stopped_encoder_is_a_stalled_run(desk, reference, wait_until, monkeypatch):
    asked = config.values
    monkeypatch.setattr(config, "values", lambda *keys: {**asked(*keys), "export.stall_seconds": 1})
    queued = desk.order(**SPEC)
    stopped = []

    def arm(_context) -> None:
        def watch() -> None:
            wait_until(lambda: attempt_is_writing(desk, queued) and finished_parts(desk, queued) == 2, 30)
            while not stopped:  # those that were seen may have ended
                stopped.extend(_send(signal.SIGSTOP))
            desk.library.close()

        threading.Thread(target=watch).start()

    run = desk.run(queued, arm)
    assert stopped
    assert (run.status, run.error_category) == ("failed", "stalled")
    assert "no progress" in run.error
    assert not _encoders()
    assert desk.leftovers() == []
    again = desk.run(runs.resume(desk.library, run.run_id))
    assert (again.status, again.segments_reused) == ("completed", finished_parts(desk, queued))
    assert again.segments_reused >= 2
    assert Path(again.output_path).read_bytes() == reference


def test_a_join_that_stands_still_is_a_stalled_run(desk, reference, monkeypatch, tmp_path):
    asked = config.values
    # Long enough that no encoder of a busy machine is taken for one that stands still.
    monkeypatch.setattr(config, "values", lambda *keys: {**asked(*keys), "export.stall_seconds": 4})
    stopping = tmp_path / "ffmpeg"
    words = f"case \"$*\" in *'-f concat'*) echo $$ > '{tmp_path}/pid'; kill -STOP $$;; esac"
    stopping.write_text(f'#!/bin/sh\n{words}\nexec "{desk.tools.ffmpeg}" "$@"\n')
    stopping.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr("engine.export.job.find_tools", lambda: replace(desk.tools, ffmpeg=str(stopping)))
        run = desk.run(desk.order(**SPEC))
    assert (run.status, run.error_category) == ("failed", "stalled"), run.error
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()
    assert desk.leftovers() == []
    assert os.listdir(desk.library.cache_root / "exports") == []
    again = desk.run(runs.resume(desk.library, run.run_id))
    assert (again.status, again.segments_reused) == ("completed", 8), again.error
    assert Path(again.output_path).read_bytes() == reference


def _encoders() -> list[int]:
    """Children of this process that render a picture."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == os.getpid() and b"[film]" in words and b"ffmpeg" in words.split(b"\0")[0]:
            found.append(int(entry.name))
    return found


def test_what_cannot_be_resumed_says_why(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export()
    for action in (runs.resume, runs.retry):
        with pytest.raises(Refused, match="completed"):
            action(desk.library, run.run_id)


def test_a_retry_of_many_clips_does_the_failed_ones_only(desk, clip):
    desk.add(clip("a.mov"), "good.mov")
    desk.add(clip("b.mov", picture="testsrc"), "bad.mov")
    whole = Path(desk.path("bad.mov")).read_bytes()
    Path(desk.path("bad.mov")).write_bytes(whole[:1000])
    run = desk.export(preset="archive", layout="per-clip")
    assert run.status == "completed_with_warnings"
    assert "bad.mov" in run.error
    before = os.stat(records.outputs(desk.library.db(), run.run_id)[0]["path"]).st_mtime_ns
    Path(desk.path("bad.mov")).write_bytes(whole)
    queued = runs.retry(desk.library, run.run_id)
    assert queued.run_id == run.run_id
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert desk.renders(run) == 2
    assert os.stat(records.outputs(desk.library.db(), run.run_id)[0]["path"]).st_mtime_ns == before


def test_deleting_takes_the_file_along_unless_it_was_changed(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    first, second = desk.export(), desk.export()
    assert runs.goes_with(desk.library, first.run_id) == [first.output_path]
    gone = runs.delete(desk.library, first.run_id)
    assert gone.removed == (first.output_path,)
    assert not os.path.exists(first.output_path)
    assert not [name for name in os.listdir(desk.library.logs) if first.run_id in name]
    assert desk.one("SELECT count(*) FROM copies WHERE role = 'export'") == 1
    Path(second.output_path).write_bytes(b"somebody's own work")
    kept = runs.delete(desk.library, second.run_id)
    assert kept.removed == ()
    assert "left alone" in kept.kept[0]
    assert Path(second.output_path).read_bytes() == b"somebody's own work"
    assert desk.one("SELECT count(*) FROM runs") == 0


def test_a_rerun_keeps_the_snapshot_and_is_named_after_its_time(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(**SPEC)
    desk.add(clip("b.mov", picture="testsrc"), "b.mov")
    again = desk.run(runs.rerun(desk.library, run.run_id))
    assert again.frames_total == 25
    assert again.name.startswith("film (rerun 20")
    twice = runs.rerun(desk.library, again.run_id)
    assert desk.look(twice).name.count("rerun") == 1
    runner = Runner(desk.library, store.get(desk.library.db(), twice.job_id), lambda: None)
    assert runner.record.resources == ("encoder",)


def test_deleting_leaves_the_film_that_another_run_has_as_well(desk, clip):
    """Two runs made the same bytes and were delivered to one folder: there the second found the first's."""
    desk.add(clip(), "a.mov")
    first = desk.export()
    second = desk.run(runs.rerun(desk.library, first.run_id))
    ledger.set_output(desk.library.db(), second.run_id, 0, path=first.output_path)
    gone = runs.delete(desk.library, first.run_id)
    assert gone.removed == ()
    assert "is the film of run" in gone.kept[0]
    assert runs.delete(desk.library, second.run_id).removed == (first.output_path,)


def test_deleting_a_run_says_that_its_film_was_not_there(desk, clip):
    desk.add(clip(), "a.mov")
    run = desk.export()
    os.unlink(run.output_path)
    gone = runs.delete(desk.library, run.run_id)
    assert gone.removed == ()
    assert "is not there; if its drive is away, it stays on it" in gone.kept[0]


def test_a_rerun_into_a_folder_that_cannot_be_is_refused_whatever_the_recipe_leaves_out(desk, clip, tmp_path):
    desk.add(clip(), "a.mov")
    to = tmp_path / "films"
    to.mkdir()
    run = desk.export(offline="skip", destination=str(to))
    for path in to.iterdir():
        path.unlink()
    to.rmdir()
    to.write_bytes(b"a file has its name")
    with pytest.raises(Refused, match="is not a folder"):
        runs.rerun(desk.library, run.run_id)
