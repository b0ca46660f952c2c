from __future__ import annotations

from pathlib import Path

from engine.export import records


def test_a_film_of_mixed_clips_has_every_frame_and_plays(desk, clip):
    desk.add(clip("a.mov"), "a.mov")
    desk.add(clip("b.mp4", size="90x160", rate="30000/1001", sound=False), "b.mp4")
    desk.add(clip("c.mkv", size="120x120", rate="24", picture="testsrc"), "c.mkv")
    run = desk.export(preset="archive")
    assert run.status == "completed", run.error
    assert run.output_path.endswith(".mov")
    assert len(desk.frames(run.output_path)) == 75
    assert desk.probe(run.output_path, "stream=codec_name,profile,width,height,pix_fmt") == (
        "prores,HQ,160,90,yuv422p10le"
    )
    assert desk.probe(run.output_path, "stream=codec_name,channels", "a:0") == "pcm_s16le,2"
    result = records.result_of(desk.library.db(), run.run_id)
    assert (result["frames"], result["segments"], result["status"]) == (75, 1, "completed")
    assert Path(run.output_path).stat().st_size == run.output_size
    assert run.thumbnail and Path(run.thumbnail).exists()
    assert desk.one("SELECT count(*) FROM copies WHERE role = 'export'") == 1
    assert desk.leftovers() == []
