"""Broadcast Wave: where the sound begins on the day's clock, read from the chunk itself."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engine.export.recipes import presets
from engine.storage.config import open_config

DAY = 24 * 3600 * 48000


def reference(path: str) -> int:
    """TimeReference of a Wave file's ``bext`` chunk (EBU Tech 3285): samples since midnight."""
    data = Path(path).read_bytes()
    at = data.index(b"bext") + 8
    low, high = struct.unpack_from("<II", data, at + 256 + 32 + 32 + 10 + 8)
    return int(high << 32 | low)


@pytest.mark.parametrize(
    ("rate", "timecode", "frames"),
    [
        ("25", "10:00:00:00", 36000 * 25),
        ("24000/1001", "01:00:00:12", 3600 * 24 + 12),
        ("30000/1001", "01:00:00;00", 3600 * 30 - 2 * 54),  # drop-frame leaves 54 pairs of numbers out
        ("50", "23:59:59:49", DAY // 960 - 1),
    ],
)
def test_the_sound_of_a_clip_begins_where_its_picture_did(desk, clip, rate, timecode, frames):
    number, under = (int(part) for part in (rate if "/" in rate else f"{rate}/1").split("/"))
    desk.add(clip("a.mov", rate=rate, more=("-timecode", timecode)), "a.mov")
    run = desk.export(preset="audio-wav", layout="per-clip")
    assert run.status == "completed", run.error
    made = desk.one("SELECT path FROM run_outputs WHERE run_id = ?", run.run_id).decode()
    assert reference(made) == round(frames * under * 48000 / number)


def test_an_in_point_and_another_sample_rate_are_counted(desk, clip):
    clip_id = desk.add(clip("a.mov", more=("-timecode", "10:00:00:00")), "a.mov")
    db = open_config()
    presets.create(db, "wav96", {"container": "wav", "audio": {"codec": "pcm_s24le", "sample_rate": 96000}})
    db.close()
    items = [{"clip_id": clip_id, "in_frame": 5, "out_frame": 20}]
    run = desk.export(preset="wav96", layout="per-clip", mode="list", items=items)
    made = desk.one("SELECT path FROM run_outputs WHERE run_id = ?", run.run_id).decode()
    assert reference(made) == 36000 * 96000 + 5 * 96000 // 25


def test_what_a_sound_recorder_wrote_stays(desk, footage):
    sound = ("-f", "lavfi", "-i", "sine=f=440:r=48000:d=2", "-write_bext", "1")
    desk.add(footage("t.wav", *sound, "-metadata", "time_reference=1728000123"), "t.wav", kind="audio")
    run = desk.export(preset="audio-wav", layout="per-clip")
    made = desk.one("SELECT path FROM run_outputs WHERE run_id = ?", run.run_id).decode()
    assert reference(made) == 1728000123


def test_a_film_of_sound_has_the_recipes_timecode_or_none(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(preset="audio-wav", timecode="00:00:10:05")
    assert (run.status, reference(run.output_path)) == ("completed", 489600)
    assert reference(desk.export(preset="audio-wav").output_path) == 0
