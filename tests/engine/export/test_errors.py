"""Every way an export can fail, by a real cause: category, a sentence that helps, the tool's own words."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.export.rendering import proof
from engine.export.runs import runs
from engine.media import ffmpeg
from engine.media.failures import SENTENCES, FfmpegFailed
from engine.storage import config
from engine.storage.database import execute


def wrapped(folder: Path, tools, name: str, text: str) -> None:
    """A folder with the real tools, but for one that is a script."""
    folder.mkdir(exist_ok=True)
    for tool in ("ffmpeg", "ffprobe"):
        path = folder / tool
        real = getattr(tools, tool)
        (folder / f"real-{tool}").symlink_to(real)
        if tool != name:
            path.symlink_to(real)
            continue
        path.write_text(f'#!/bin/sh\nREAL="$(dirname "$0")/real-{tool}"\n{text}\n')
        path.chmod(0o755)


def test_the_tool_is_missing_when_the_run_starts(desk, clip, tmp_path, tools, monkeypatch):
    desk.add(clip("a.mov"), "a.mov")
    wrapped(tmp_path / "bin", tools, "none", "")
    monkeypatch.setenv("RUSHES_FFMPEG", str(tmp_path / "bin" / "ffmpeg"))
    queued = desk.order()
    (tmp_path / "bin" / "ffmpeg").unlink()
    run = desk.run(queued)
    assert (run.status, run.error_category) == ("failed", "tool_missing")
    assert "RUSHES_FFMPEG" in run.error


def test_a_clip_is_gone_when_the_run_starts(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    queued = desk.order(unreadable="refuse")
    os.unlink(desk.path("a.mov"))
    run = desk.run(queued)
    assert (run.status, run.error_category) == ("failed", "input_not_found")
    assert "a.mov is missing from its drive: relink it" in run.error


def test_a_clip_goes_while_the_run_is_on(desk, clip, monkeypatch):
    for number in range(4):
        desk.add(clip("a.mov", picture="testsrc" if number < 3 else "testsrc2"), f"{number}.mov")
    from engine.export.runs import parts

    real = parts.finish
    db = config.open_config()
    config.put(db, "export.workers", "1")  # so that the last clip is begun after a part was finished
    db.close()

    def then_remove(*args):
        real(*args)
        if os.path.exists(desk.path("3.mov")):
            os.unlink(desk.path("3.mov"))

    monkeypatch.setattr(parts, "finish", then_remove)
    run = desk.export(preset="archive", segment_seconds=1)
    assert (run.status, run.error_category) == ("failed", "input_not_found")
    assert "3.mov is missing from its drive" in run.error


@pytest.mark.mount
def test_the_destination_may_not_be_written(desk, clip, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a tmpfs cannot be mounted without root: a destination turned read-only was not tried")
    desk.add(clip("a.mov"), "a.mov")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(out)], check=True)
    try:
        queued = desk.order(destination=str(out))
        subprocess.run(["mount", "-o", "remount,ro", str(out)], check=True)
        run = desk.run(queued)
        assert (run.status, run.error_category) == ("failed", "output_write_error"), run.error
        assert "Read-only file system" in run.error
        assert desk.leftovers() == []
        subprocess.run(["mount", "-o", "remount,rw", str(out)], check=True)
        again = desk.run(runs.resume(desk.library, run.run_id))
        assert (again.status, desk.renders(again)) == ("completed", 0), again.error
    finally:
        subprocess.run(["umount", "-l", str(out)], check=True)


@pytest.mark.parametrize(("preset", "said"), [("share", "no moving picture"), ("wav", "no sound")])
def test_no_such_stream(desk, clip, footage, preset, said):
    if preset == "share":
        sound = footage("s.wav", "-f", "lavfi", "-i", "sine=d=1:r=48000", "-c:a", "pcm_s16le")
        desk.add(sound, "s.wav")  # the catalogue takes it for a picture
    else:
        desk.add(clip("silent.mov", sound=False), "silent.mov")
    run = desk.export(preset=_preset(desk, preset), unreadable="refuse")
    assert (run.status, run.error_category) == ("failed", "no_stream"), run.error
    assert said in run.error


def _preset(desk, name: str) -> str:
    from engine.export.recipes import presets
    from engine.storage.config import open_config

    db = open_config()
    try:
        for preset in presets.list_presets(db):
            if name == "wav" and preset.body["video"] is None and preset.body["container"] == "wav":
                return preset.name
    finally:
        db.close()
    return name


def test_a_clip_that_cannot_be_opened(desk, clip):
    whole = Path(clip("a.mov")).read_bytes()
    desk.add(clip("a.mov"), "torn.mov")
    Path(desk.path("torn.mov")).write_bytes(whole[: len(whole) // 2])  # the index at its end is gone
    run = desk.export(unreadable="refuse")
    assert (run.status, run.error_category) == ("failed", "source_damaged"), run.error
    assert "torn.mov" in run.error


def test_damaged_pictures_are_never_silent(desk, clip):
    whole = Path(clip("long.mov", seconds="3", size="320x180")).read_bytes()
    desk.add(clip("long.mov", seconds="3", size="320x180"), "torn.mov")
    torn = bytearray(whole)
    for at in range(len(torn) // 8, len(torn) // 2, 997):
        torn[at] ^= 0x5A
    Path(desk.path("torn.mov")).write_bytes(torn)
    run = desk.export(preset="archive", segment_seconds=1)
    assert run.status == "completed_with_warnings", run.error
    assert "torn.mov) holds damaged pictures" in run.error
    again = desk.run(runs.rerun(desk.library, run.run_id))
    assert again.status == "completed_with_warnings", "what is reused is as damaged as it was"


def test_a_seek_into_an_open_group_is_no_damage(desk, footage):
    args = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=8", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    path = footage("open.mov", *args, "-x264-params", "open-gop=1:bframes=3:keyint=12:scenecut=0")
    desk.add(path, "open.mov")
    run = desk.export(preset="archive", segment_seconds=1)
    assert (run.status, run.error) == ("completed", None)


def test_the_encoder_is_missing(desk, clip, tools, monkeypatch):
    desk.add(clip("a.mov"), "a.mov")
    monkeypatch.setattr("engine.export.runs.orders.has_encoder", lambda _tools, name: name != "libx264")
    with pytest.raises(Refused, match="no encoder libx264"):
        desk.order(preset="share")


def test_a_read_back_that_hangs_is_a_timeout(desk, clip, tmp_path, tools, monkeypatch):
    desk.add(clip("a.mov"), "a.mov")
    wrapped(
        tmp_path / "bin",
        tools,
        "ffprobe",
        'case "$*" in *extradata_hash*) sleep 60;; esac; exec "$REAL" "$@"',
    )
    monkeypatch.setenv("RUSHES_FFMPEG", str(tmp_path / "bin" / "ffmpeg"))
    monkeypatch.setattr(proof, "_DEADLINE_SECONDS", 0.3)
    run = desk.export()
    assert (run.status, run.error_category) == ("failed", "timeout"), run.error
    assert "too slowly, or hangs" in run.error
    assert desk.leftovers() == []


def test_what_nobody_knows_keeps_the_tools_own_words(desk, clip, tmp_path, tools, monkeypatch):
    desk.add(clip("a.mov"), "a.mov")
    wrapped(
        tmp_path / "bin",
        tools,
        "ffmpeg",
        'case "$*" in *"[film]"*) echo "moon in the wrong house" >&2; exit 9;; esac; exec "$REAL" "$@"',
    )
    monkeypatch.setenv("RUSHES_FFMPEG", str(tmp_path / "bin" / "ffmpeg"))
    run = desk.export()
    assert (run.status, run.error_category) == ("failed", "encoding_error")
    assert run.error == SENTENCES["encoding_error"]
    assert "wrong house" in run.error_details
    log = Path(runs.log_path(desk.library, run.run_id)).read_text()
    assert "moon in the wrong house" in log


SOURCE = ["-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.2"]


@pytest.mark.parametrize(
    ("args", "category"),
    [
        ([*SOURCE, "-c:v", "nosuch", "x.mov"], "encoder_missing"),
        ([*SOURCE, "-vf", "nosuchfilter", "x.mov"], "encoder_missing"),
        ([*SOURCE, "-f", "nosuchformat", "x.mov"], "encoder_missing"),
        ([*SOURCE, "-map", "0:a", "x.mov"], "no_stream"),
        ([*SOURCE, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-s", "63x63", "x.mov"], "settings"),
        ([*SOURCE, "-c:v", "dnxhd", "-b:v", "1M", "x.mov"], "settings"),
        ([*SOURCE, "-init_hw_device", "vaapi=x:/dev/no", "x.mov"], "hardware"),
        ([*SOURCE, "-vf", "lut3d=file=nosuch.cube", "x.mov"], "lut"),
        (["-i", "gone.mov", "x.mov"], "input_not_found"),
        (["-i", "junk.mov", "x.mov"], "source_damaged"),
        ([*SOURCE, "-f", "mov", "no/such/folder/00001.mov.ab.part"], "output_write_error"),
        ([*SOURCE, "-c:v", "rawvideo", "-f", "rawvideo", "/dev/full"], "disk_full"),
    ],
)
def test_real_complaints_are_understood(tools, tmp_path, args, category):
    (tmp_path / "junk.mov").write_bytes(b"this is no film" * 100)
    finished = ffmpeg.run(tools, args, cwd=str(tmp_path))
    assert finished.spoiled
    failure = ffmpeg.failed(finished)
    assert failure.category == category, finished.stderr
    assert str(failure) == SENTENCES[category]


def test_every_category_has_a_sentence_that_says_what_to_do():
    wanted = {"tool_missing", "input_not_found", "output_write_error", "disk_full", "source_damaged",
              "no_stream", "encoder_missing", "cancelled", "stalled", "timeout",
              "encoding_error"}  # fmt: skip
    assert wanted <= set(SENTENCES)
    for category, sentence in SENTENCES.items():
        assert sentence.endswith("."), category
        assert FfmpegFailed(category, sentence).category == category


def test_a_failure_in_the_history_leads_to_its_log(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    queued = desk.order(unreadable="refuse")
    os.unlink(desk.path("a.mov"))
    run = desk.run(queued)
    assert any("missing from its drive" in line["message"] for line in runs.logs(desk.library, run.run_id))
    execute(desk.library.db(), "UPDATE jobs SET told = 1")
