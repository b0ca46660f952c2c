"""The room that an export will take is estimated, promised, and refused up front when it is not there."""

from __future__ import annotations

import json
import os
from fractions import Fraction

import pytest

from engine.errors import Refused
from engine.export.planning import estimate
from engine.export.planning.planning import length_of
from engine.export.rendering import crew
from engine.export.runs import orders
from engine.jobs import room, store
from engine.media.probe import probe
from engine.storage import config
from engine.storage.database import execute

HD = (1920, 1080)


@pytest.mark.parametrize(
    ("video", "megabits"),
    [
        ({"codec": "prores_ks", "profile": "3"}, 220),
        ({"codec": "prores_ks", "profile": "0"}, 45),
        ({"codec": "dnxhd", "profile": "dnxhr_hq"}, 220),
        ({"codec": "libx264", "bitrate": "50M"}, 50),
        ({"codec": "libx264", "bitrate": "800k"}, 0.8),
    ],
)
def test_rates_are_those_of_the_codec(video, megabits):
    found = estimate.bits_per_second({"preset": None, **video}, HD, Fraction(30000, 1001)) / 1e6
    assert megabits <= found <= megabits * 1.17


def test_a_lower_quality_takes_less_and_lossless_never_more_than_the_picture():
    def bits(crf):
        return estimate.bits_per_second({"codec": "libx264", "crf": crf}, HD, Fraction(25))

    assert bits(14) == pytest.approx(2 * bits(20))
    assert bits(0) <= 12 * HD[0] * HD[1] * 25
    lossless = estimate.bits_per_second({"codec": "ffv1", "pix_fmt": "yuv422p10le"}, HD, Fraction(25))
    assert lossless == 20 * HD[0] * HD[1] * 25


NOISE = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1,noise=alls={}:allf=t", "-f", "lavfi", "-i",
         "sine=d=1:r=48000", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p",
         "-c:a", "pcm_s16le")  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "layout", "noise"),
    [("archive", "joined", 30), ("share", "joined", 3), ("dnxhr-hq", "per-clip", 30)],
)
def test_the_estimate_bounds_what_is_really_written(desk, footage, tools, preset, layout, noise):
    path = footage("noise.mov", *(word.format(noise) for word in NOISE))
    desk.add(path, "noise.mov")
    execute(desk.library.db(), "UPDATE assets SET media = ?", (json.dumps(probe(tools, path).to_json()),))
    run = desk.export(preset=preset, layout=layout)
    assert run.status == "completed", run.error
    said = run.snapshot["room"]
    assert run.output_size <= said["films"] <= run.output_size * 12
    parts = desk.one("SELECT sum(size) FROM segments WHERE run_id = ?", run.run_id)
    assert parts <= said["parts"] <= parts * 12


def test_in_and_out_points_count(desk, clip, tools):
    clip_id = desk.add(clip("a.mov", seconds="2"), "a.mov")
    media = probe(tools, desk.path("a.mov"))
    execute(desk.library.db(), "UPDATE assets SET media = ?", (json.dumps(media.to_json()),))
    assert length_of(media, Fraction(25)) == 50
    sizes = []
    for out in (50, 25):
        item = {"clip_id": clip_id, "in_frame": 0, "out_frame": out}
        queued = desk.order(mode="list", items=[item], preset="archive")
        sizes.append(desk.look(queued).snapshot["room"]["films"])
    assert sizes[1] < sizes[0] * 0.75


def test_queued_exports_keep_their_room_from_each_other(desk, clip, monkeypatch):
    desk.add(clip("a.mov", seconds="2"), "a.mov")
    first = desk.order(preset="archive")
    db = desk.library.db()
    job = store.get(db, first.job_id)
    volume_id = job.needs[0]["volume_id"]
    needed = room.promised(db, volume_id)
    assert needed == sum(entry["bytes"] for entry in job.needs) > 0
    monkeypatch.setattr(room, "size_bytes", lambda _path: 0)
    monkeypatch.setattr(room, "free_bytes", lambda _path: needed * 2 - 1)
    with pytest.raises(Refused, match="promised to other jobs") as refused:
        desk.queue("film")
    assert "Not enough room" in str(refused.value)
    monkeypatch.setattr(room, "free_bytes", lambda _path: needed * 2)
    second = desk.queue("film")
    store.request(db, second.job_id, "cancel")
    store.transition(db, second.job_id, "cancelled")
    assert room.promised(db, volume_id) == needed


def test_a_warning_is_enough_when_the_operator_says_so(desk, clip, monkeypatch):
    desk.add(clip("a.mov"), "a.mov")
    monkeypatch.setattr(room, "free_bytes", lambda _path: 1)
    with pytest.raises(Refused, match=r"export\.space"):
        desk.order()
    settings = config.open_config()
    config.put(settings, "export.space", "warn")
    settings.close()
    assert desk.queue("film").run_id


def test_what_is_rendered_need_not_be_there_twice(desk, clip, monkeypatch):
    desk.add(clip("a.mov"), "a.mov")
    run = desk.export(preset="archive")
    execute(desk.library.db(), "UPDATE jobs SET status = 'failed' WHERE job_id = ?", (run.job_id,))
    from engine.export.runs import runs

    again = runs.resume(desk.library, run.run_id)
    before, after = (
        sum(n["bytes"] for n in store.get(desk.library.db(), job_id).needs if n["when"] == room.ALONG)
        for job_id in (run.job_id, again.job_id)
    )
    done = desk.one("SELECT sum(size) FROM segments WHERE run_id = ?", run.run_id)
    assert after == max(0, before - done)


def test_a_hardware_encoder_is_a_queue_of_its_own():
    assert orders.encoder_of({"video": {"encoder": "h264_nvenc"}}) == "encoder:nvenc"
    assert orders.encoder_of({"video": {"encoder": "libx264"}}) == "encoder"
    assert orders.encoder_of({"video": None}) == "encoder"


def test_workers_share_the_processor(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))
    assert crew.hands_for_segments() == 4
    assert crew.hands_for_segments(2) == 2
    assert crew.hands_for_files() == 5
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    assert (crew.hands_for_segments(), crew.hands_for_files()) == (1, 3)


def test_encoders_that_wait_for_their_decoder_are_one_more_but_never_more_than_processors(monkeypatch):
    for processors, wanted in ((1, 1), (2, 2), (4, 2), (16, 5)):
        given = set(range(processors))
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, given=given: given)
        assert crew.hands_for_segments(intra=True) == wanted
    assert crew.hands_for_segments(1, intra=True) == 1
    assert crew.hands_for_segments(threads=1) == crew.MOST_HANDS
