"""Drives that are away, leave, or are full; folders that vanish or cannot be written."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.api import preview
from engine.api.views.runs import Runs
from engine.errors import Refused
from engine.export.recipes import recipes
from engine.export.recipes import spec as specs
from engine.export.rendering import join
from engine.export.runs import records, runs
from engine.files import delivery
from engine.media.probe import probe
from engine.names import to_blob
from engine.storage.database import execute, write
from engine.supervisor.supervisor import Supervisor
from engine.volumes.refresh import refresh
from tests.engine.volumes.conftest import mounted

__all__ = ["mounted"]

SPEC = {"preset": "archive", "segment_seconds": 1}


class Image:
    """A small file system on a loop device."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.file, self.mount_point = folder / "disk.img", folder / "mnt"
        self.mount_point.mkdir()
        with open(self.file, "wb") as image:
            image.truncate(size_mb << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", str(self.file)], check=True)
        self.attach()

    def attach(self, where: Path | None = None) -> None:
        self.mount_point = where or self.mount_point
        self.mount_point.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", "loop", str(self.file), str(self.mount_point)], check=True)

    def detach(self) -> None:
        subprocess.run(["umount", "-l", str(self.mount_point)], check=False, capture_output=True)


@pytest.fixture
def image(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a loop device cannot be mounted without root: full and vanishing drives were not tried")
    made = []

    def make(size_mb: int = 24) -> Image:
        folder = tmp_path / f"image{len(made)}"
        folder.mkdir()
        try:
            made.append(Image(folder, size_mb))
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"a loop device cannot be mounted here ({error}): drives were not tried")
        return made[-1]

    yield make
    for disk in made:
        disk.detach()


def _goes_on(desk, queued) -> bool:
    """Whether the engine resumes a paused run by itself now."""
    Supervisor(desk.library)._let_go_on()
    return desk.one("SELECT intent FROM jobs WHERE job_id = ?", queued.job_id) == "resume"


def test_offline_clips_are_refused_with_all_their_names(desk, clip):
    for name in ("a.mov", "b.mov", "c.mov"):
        desk.add(clip("a.mov"), name)
    execute(desk.library.db(), "UPDATE volumes SET state = 'offline', name = 'RED A'")
    with pytest.raises(Refused) as refused:
        desk.order(**SPEC)
    assert len(refused.value.problems) == 3
    assert all(name in str(refused.value) for name in ("a.mov", "b.mov", "c.mov", "RED A"))
    assert desk.one("SELECT count(*) FROM jobs") == 0
    assert desk.one("SELECT count(*) FROM runs") == 0


@pytest.mark.mount
def test_a_full_disk_is_a_sentence_and_the_run_goes_on_later(desk, clip, image):
    disk = image(16)
    desk.add(clip("a.mov", seconds="6", size="320x180"), "a.mov")
    (disk.mount_point / "ballast").write_bytes(b"x" * (11 << 20))
    queued = desk.order(**SPEC, destination=str(disk.mount_point))
    run = desk.run(queued)
    assert run.status == "paused", run.error
    assert f"no space left on the disk of {disk.mount_point}" in run.message
    assert sorted(os.listdir(disk.mount_point)) == ["ballast", "lost+found"]
    row = Runs(desk.library).rows([run.run_id])[0]
    at = to_blob(str(disk.mount_point))
    assert row.waiting_for == f"space on {desk.one('SELECT name FROM volumes WHERE mount_point = ?', at)}"
    assert not _goes_on(desk, queued)  # nothing was freed
    (disk.mount_point / "ballast").unlink()
    refresh(desk.library.db())
    assert _goes_on(desk, queued)
    renders = desk.renders(run)
    again = desk.run(queued)
    assert again.status == "completed", again.error
    assert desk.renders(again) == renders
    assert os.listdir(disk.mount_point).count("film.mov") == 1


@pytest.mark.mount
def test_a_full_cache_stops_the_run_and_keeps_what_is_finished(library, desk, clip, image, monkeypatch):
    disk = image(32)
    desk.add(clip("a.mov", seconds="8", size="320x180"), "a.mov")
    monkeypatch.setattr(type(library), "exports", property(lambda _self: disk.mount_point / "exports"))
    (disk.mount_point / "ballast").write_bytes(b"x" * (24 << 20))
    queued = desk.order(**SPEC)
    run = desk.run(queued)
    assert run.status == "paused", run.error
    assert desk.one("SELECT count(*) FROM segments WHERE status IN ('running', 'failed')") == 0
    assert desk.one("SELECT status FROM run_outputs") == "queued"
    finished = desk.one("SELECT count(*) FROM segments WHERE status = 'completed'")
    assert 0 < finished < 8
    assert not list(disk.mount_point.rglob("*.part"))
    (disk.mount_point / "ballast").unlink()
    runs.resume(desk.library, run.run_id)
    again = desk.run(queued)
    assert again.status == "completed", again.error
    assert again.segments_reused == finished


@pytest.mark.mount
def test_a_drive_that_leaves_in_the_middle_is_waited_for(desk, clip, image, wait_until):
    disk = image()
    desk.media = disk.mount_point
    desk.add(clip("a.mov", seconds="8", size="320x180"), "a.mov")
    queued = desk.order(**SPEC)
    home = desk.one("SELECT volume_id FROM copies WHERE role = 'managed'")

    def arm(_context) -> None:
        def watch() -> None:
            wait_until(lambda: desk.one("SELECT count(*) FROM segments WHERE status = 'completed'") >= 2, 30)
            disk.detach()
            desk.library.close()

        threading.Thread(target=watch).start()

    run = desk.run(queued, arm)
    assert run.status == "paused", run.error
    assert desk.one("SELECT waiting_for FROM jobs WHERE job_id = ?", queued.job_id) == home
    assert "away" in run.message
    assert desk.one("SELECT count(*) FROM segments WHERE status IN ('running', 'failed')") == 0
    disk.attach(disk.file.parent / "elsewhere")
    refresh(desk.library.db())
    runs.resume(desk.library, run.run_id)
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert run.segments_reused >= 2
    assert len(desk.frames(run.output_path)) == 200


@pytest.mark.mount
def test_nothing_is_written_into_the_empty_folder_of_a_drive_that_left(desk, clip, image):
    disk = image()
    desk.add(clip("a.mov"), "a.mov")
    queued = desk.order(**SPEC, destination=str(disk.mount_point / "films"))
    home = desk.one("SELECT volume_id FROM volumes WHERE mount_point = ?", os.fsencode(str(disk.mount_point)))
    disk.detach()
    run = desk.run(queued)
    assert run.status == "paused", run.error
    assert desk.one("SELECT waiting_for FROM jobs WHERE job_id = ?", queued.job_id) == home
    assert os.listdir(disk.mount_point) == []
    disk.attach()
    runs.resume(desk.library, run.run_id)
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert run.output_path == str(disk.mount_point / "films" / "film.mov")


def test_a_second_copy_takes_over_when_the_first_goes(desk, clip, tmp_path):
    desk.add(clip("a.mov", seconds="4"), "a.mov")
    backup = desk.media.parent / "backup.mov"
    shutil.copyfile(desk.path("a.mov"), backup)
    db = desk.library.db()
    execute(
        db,
        "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
        " SELECT asset_id, volume_id, ?, 'backup', size, 0, seen_at, created_at FROM copies",
        (os.path.dirname(os.path.dirname(desk.row("SELECT path FROM copies")["path"])) + b"/backup.mov",),
    )
    queued = desk.order(**SPEC)
    os.unlink(desk.path("a.mov"))
    run = desk.run(queued)
    assert run.status == "completed", run.error
    assert len(desk.frames(run.output_path)) == 100


def test_a_clip_that_is_another_file_now_is_not_rendered(desk, clip):
    desk.add(clip("a.mov", seconds="2"), "a.mov")
    queued = desk.order(**SPEC)
    Path(desk.path("a.mov")).write_bytes(Path(clip("b.mov", picture="testsrc")).read_bytes())
    run = desk.run(queued)
    assert run.status == "failed"
    assert "another file" in run.error


@pytest.mark.parametrize("kind", ["file", "missing parent", "unwritable"])
def test_a_destination_that_cannot_be_is_refused(desk, clip, tmp_path, kind):
    desk.add(clip("a.mov"), "a.mov")
    target = tmp_path / "there"
    if kind == "file":
        target.write_text("x")
    elif kind == "missing parent":
        target = target / "deeper" / "still"
    else:
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere: an unwritable folder was not tried")
        target.mkdir(mode=0o500)
    with pytest.raises(Refused):
        desk.order(destination=str(target))
    assert desk.one("SELECT count(*) FROM jobs") == 0


def test_a_destination_that_vanishes_before_the_join_fails_and_keeps_the_segments(desk, clip, monkeypatch):
    desk.add(clip("a.mov", seconds="2"), "a.mov")
    target = desk.library.root / "out"
    queued = desk.order(**SPEC, destination=str(target))
    from engine.export.job import _Work

    publish = _Work._publish

    def vanish(*args, **kwargs):
        shutil.rmtree(target)
        target.write_text("in the way")
        return publish(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(_Work, "_publish", vanish)
        run = desk.run(queued)
    assert (run.status, run.error_category) == ("failed", "output_write_error"), run.error
    assert str(target) in run.error
    target.unlink()
    again = desk.run(runs.resume(desk.library, run.run_id))
    assert (again.status, again.segments_reused) == ("completed", 2)


def test_a_destination_that_vanishes_during_the_join_fails_and_keeps_the_segments(desk, clip, monkeypatch):
    """The film is whole, and hangs at an open file alone: no name is left to give it."""
    desk.add(clip("a.mov", seconds="2"), "a.mov")
    target = desk.library.root / "out"
    queued = desk.order(**SPEC, destination=str(target))
    joined = join.join

    def vanish(*args, **kwargs):
        made = joined(*args, **kwargs)
        shutil.rmtree(target)
        return made

    with monkeypatch.context() as patched:
        patched.setattr(join, "join", vanish)
        run = desk.run(queued)
    assert run.status == "failed", run.status
    assert run.error_category == "output_write_error", (run.error_category, run.error)
    assert not target.exists()
    again = desk.run(runs.resume(desk.library, run.run_id))
    assert (again.status, again.segments_reused) == ("completed", 2), again.error
    assert Path(again.output_path).parent == target


def test_the_library_whose_root_is_read_only_gets_its_films_in_its_cache(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export()
    assert Path(run.output_path).parent == desk.library.cache_root / "exports"


def test_what_can_be_known_to_fail_is_told_before_anything_is_queued(desk, clip, tmp_path):
    desk.add(clip(), "a.mov")
    facts = json.dumps(probe(desk.tools, desk.path("a.mov")).to_json())
    execute(desk.library.db(), "UPDATE assets SET media = ?", (facts,))
    for spec, said in (
        ({"timecode": "10:00:00;00"}, "no drop-frame timecode at 25"),
        ({"deliver": "copy", "deliver_to": str(tmp_path / "no" / "way")}, "does not exist"),
        ({"executor": "resolve", "preset": "archive"}, "DaVinci Resolve"),
        ({"mode": "list", "items": [{"clip_id": "gone"}]}, "gone of the recipe is not in this library"),
    ):
        with pytest.raises(Refused, match=said):
            desk.order(**spec)
        facts, _ = preview.of(desk.library, "film", recipes.get(desk.library.db(), "film").spec)
        assert [fact for fact in facts if fact.tone == "bad" and re.search(said, fact.text)], spec
    assert desk.one("SELECT count(*) FROM runs") == 0


def test_a_colour_table_that_is_none_is_refused_before_anything_is_queued(desk, clip, tmp_path):
    desk.add(clip(), "a.mov")
    table = tmp_path / "look.cube"
    table.write_text("nonsense")
    with pytest.raises(Refused, match=r"look\.cube is no colour table: it has no line LUT_3D_SIZE"):
        desk.order(lut=str(table))
    assert desk.one("SELECT count(*) FROM runs") == 0


def test_a_preview_says_that_a_name_is_taken_and_what_happens_then(desk, clip, tmp_path):
    desk.add(clip(), "a.mov")
    facts = json.dumps(probe(desk.tools, desk.path("a.mov")).to_json())
    execute(desk.library.db(), "UPDATE assets SET media = ?", (facts,))

    def makes(**more: object) -> str:
        spec = specs.checked({"destination": str(tmp_path), **more})
        return next(fact.text for fact in preview.of(desk.library, "film", spec)[0] if fact.label == "Makes")

    assert makes() == "film.mp4"
    (tmp_path / "film.mp4").symlink_to("nowhere")
    assert makes() == "film.mp4 is there already: it gets a number"
    assert makes(overwrite=True) == "film.mp4 is there already: replaced if an earlier run made it"


def test_a_preview_tells_of_crossfades_that_no_clip_is_long_enough_for(desk, clip):
    for name in ("a.mov", "b.mov", "c.mov"):
        desk.add(clip(name, seconds="2"), name)
        facts = json.dumps(probe(desk.tools, desk.path(name)).to_json())
        execute(desk.library.db(), "UPDATE assets SET media = ? WHERE media IS NULL", (facts,))

    def said(**more: object) -> list[str]:
        spec = specs.checked({"transition": "crossfade", **more})
        return [fact.text for fact in preview.of(desk.library, "film", spec)[0] if fact.tone == "warn"]

    assert said(transition_ms=1000) == []
    assert said(transition_ms=3000) == [
        "2 crossfades are shorter than 3 s, the shortest 1 s: at most half of a clip goes into each"
    ]


def test_a_preview_of_very_many_clips_counts_all_and_looks_at_the_first(desk, clip, monkeypatch):
    for name in ("a.mov", "b.mov", "c.mov"):
        desk.add(clip(name, seconds="2"), name)
        facts = json.dumps(probe(desk.tools, desk.path(name)).to_json())
        execute(desk.library.db(), "UPDATE assets SET media = ? WHERE media IS NULL", (facts,))

    def said(**more: object) -> list[tuple[str, str]]:
        spec = specs.checked(more)
        return [(fact.label, fact.text) for fact in preview.of(desk.library, "film", spec)[0]]

    whole = said()
    assert ("Clips", "3") in whole
    monkeypatch.setattr(preview, "LOOKED_AT", 2)
    part = said()
    assert part[:2] == [("Clips", "3"), ("", "the first 2 were looked at for what follows")]
    assert dict(part)["Length"].startswith("more than 0:00:04, ")
    assert dict(whole)["Length"].startswith("0:00:06, ")
    assert dict(part)["Size"].startswith("more than ")
    assert [text for label, text in said(layout="per-clip") if label == "Makes"]
    execute(desk.library.db(), "UPDATE volumes SET state = 'offline'")
    assert said()[0] == ("Clips", "3, 3 of them away: the export is refused")
    items = [{"clip_id": clip_id} for clip_id in desk.clips.values()]
    assert said(mode="list", items=items)[0] == ("Clips", "3, 3 of them away: the export is refused")


def test_listed_clips_that_cannot_be_used_are_refused_or_left_out_and_said_as_chosen(desk, clip, footage):
    sound = footage("s.wav", "-f", "lavfi", "-i", "sine=f=440:r=48000:d=1")
    desk.add(clip(), "a.mov")
    desk.add(sound, "s.wav", kind="audio")
    spec = {"mode": "list", "items": [{"clip_id": desk.clips[name]} for name in ("s.wav", "a.mov")]}
    spec["items"].append({"clip_id": "gone"})
    with pytest.raises(Refused) as refused:
        desk.order(**spec, unreadable="refuse")
    assert "s.wav has no video" in str(refused.value)
    assert "gone of the recipe is not in this library" in str(refused.value)
    for layout in ("joined", "per-clip"):
        run = desk.export(**spec, unreadable="skip", layout=layout)
        assert run.status == "completed_with_warnings"
        assert "s.wav has no video to export. It is left out." in run.error
        assert "gone of the recipe is not in this library. It is left out." in run.error
        assert len(records.outputs(desk.library.db(), run.run_id)) == 1
    said = {
        choice: [
            fact.tone
            for fact in preview.of(desk.library, "film", specs.checked({**spec, "unreadable": choice}))[0]
            if "no video" in fact.text or "not in this library" in fact.text
        ]
        for choice in ("refuse", "skip")
    }
    assert said == {"refuse": ["bad", "bad"], "skip": ["warn", "warn"]}


def test_a_container_without_timecode_is_told_as_a_warning(desk, clip):
    desk.add(clip(), "a.mov")
    run = desk.export(preset="ffv1", timecode="10:00:00:00")
    assert run.status == "completed_with_warnings"
    assert "10:00:00:00 is not in the file: a .mkv holds none" in run.error


def test_a_backup_on_the_shelf_is_not_waited_for_when_the_encoder_fails(desk, clip, monkeypatch):
    """The clip can be read where it is; that another copy of it lies on a drive that is away says nothing."""
    from engine.export.rendering import segment
    from engine.media.ffmpeg import FfmpegFailed

    desk.add(clip("a.mov"), "a.mov")
    db = desk.library.db()
    with write(db):
        db.execute(
            "INSERT INTO volumes (volume_id, name, state, first_seen_at, last_seen_at)"
            " VALUES ('shelf', 'Shelf', 'offline', '2026-01-01', '2026-01-01')"
        )
        db.execute(
            "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
            " SELECT asset_id, 'shelf', x'61', 'backup', size, 0, seen_at, created_at FROM copies"
        )

    def fail(*_args, **_more):
        raise FfmpegFailed("encoding_error", "The encoder gave up.")

    monkeypatch.setattr(segment, "run_segment", fail)
    run = desk.export(preset="archive")
    assert (run.status, run.error) == ("failed", "The encoder gave up.")


@pytest.mark.mount
def test_a_folder_that_should_show_a_drive_is_refused_until_it_does(desk, clip, image, tmp_path):
    """A film on the system disk, below a mount point, is hidden as soon as the drive is mounted."""
    drive = image(16)
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(destination=str(drive.mount_point / "films"))
    assert run.status == "completed", run.error
    drive.detach()
    refresh(desk.library.db())
    for spec in (
        {"destination": str(drive.mount_point / "films")},
        {"destination": str(drive.mount_point)},
        {"deliver": "copy", "deliver_to": str(drive.mount_point / "films")},
    ):
        with pytest.raises(Refused, match="is not mounted at"):
            desk.order(**spec)
    with pytest.raises(Refused, match="is not mounted at"):
        runs.rerun(desk.library, run.run_id)
    own = desk.export()
    with pytest.raises(Refused, match="is not mounted at"):
        delivery.queue(desk.library, own.run_id, str(drive.mount_point / "handed over"), move=False)
    assert os.listdir(drive.mount_point) == []
    drive.attach()
    refresh(desk.library.db())
    assert desk.run(runs.rerun(desk.library, run.run_id)).status == "completed"


@pytest.mark.mount
def test_a_destination_on_a_mount_that_hangs_is_refused_and_the_client_ends(desk, clip, mounted):
    """In a process of its own: one with a thread in a request that hangs can never exit."""
    point, server = mounted.hanging("share")
    desk.add(clip(), "a.mov")
    desk.recipe("film", preset="archive", destination=f"{point}/films")
    server.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-m", "tui", "export", "film", "--library", str(desk.library.root)],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert said.returncode == 3, said.stderr
    assert f"{point}/films lies on a mount that does not answer" in said.stderr
    assert time.monotonic() - began < 30


@pytest.mark.mount
def test_a_destination_that_hangs_when_the_run_begins_is_waited_for(desk, clip, mounted):
    point, server = mounted.hanging("share")
    desk.add(clip(), "a.mov")
    desk.recipe("film", preset="archive", destination=str(point))
    queued = desk.queue("film")
    server.send_signal(signal.SIGSTOP)
    run = desk.run(queued)
    assert run.status == "paused", run.error
    said = desk.one("SELECT message FROM jobs WHERE job_id = ?", run.job_id)
    assert "does not answer" in said
    assert desk.one("SELECT waiting_for FROM jobs WHERE job_id = ?", run.job_id) is not None
