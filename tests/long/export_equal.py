"""Joined equals one-shot with many segments, for every codec that a preset may name.

    python -m tests.long.export_equal [--segments 50] [--presets archive,dnxhr-hq,share,...]

One film of mixed clips (rates, sizes, a turned one, oblong pixels, full range,
no sound, six channels) with dissolves, rendered in one piece and in segments.
ProRes and DNxHR must come out as the same bytes, other intra codecs and fixed
quantizers as the same pixels as one ffmpeg command with forced key frames,
codecs by quality as the same frames and sound within an SSIM of 0.005 against
what went into the encoder. Prints a line per preset; exit code 1 when one differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from engine.export.planning import graph
from engine.export.planning.plan import Plan, Segment
from engine.export.recipes import codecs, presets, recipes
from engine.export.rendering import segment
from engine.export.runs import ledger, records
from engine.export.runs.orders import queue_runs
from engine.jobs import store
from engine.library import Library
from engine.media import ffmpeg
from engine.media.tools import Tools, find_tools
from engine.storage.config import open_config
from engine.storage.database import scalar
from engine.supervisor.runner import Runner
from tests.bench.export import catalogue

BOUND = 0.005
"""Largest difference in SSIM between one render and segments, for codecs by quality."""

OWN = {
    "h264-qp": {"video": {"codec": "libx264", "qp": 24}, "audio": {"codec": "aac"}, "container": "mp4"},
    "hevc-qp": {"video": {"codec": "libx265", "qp": 26}, "audio": {"codec": "aac"}, "container": "mp4"},
    "cineform": {"video": {"codec": "cfhd"}, "audio": {"codec": "pcm_s16le"}, "container": "mov"},
}
PRESETS = "archive,master,dnxhr-hq,dnxhr-hqx,dnxhr-444,ffv1,cineform,h264-qp,hevc-qp,share,hevc,vp9,av1"

TURNED = "c.mov"
"""The clip that players turn by 90 degrees."""

_SOUND = ("-f", "lavfi", "-i", "sine=f=440:r=48000")
_CLIPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("testsrc2=s=256x144:r=25", "a.mov", _SOUND),
    ("testsrc=s=160x90:r=30000/1001", "b.mov", _SOUND),
    ("testsrc2=s=256x144:r=24000/1001", TURNED, ()),
    ("testsrc2=s=180x144:r=50,setsar=16/11", "d.mkv", _SOUND),
    ("smptebars=s=256x144:r=60", "e.mov", (*_SOUND, "-pix_fmt", "yuvj420p", "-ac", "6", "-ar", "44100")),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=50, help="About so many; inter codecs get fewer.")
    parser.add_argument("--presets", default=PRESETS)
    given = parser.parse_args()
    tools, bad = find_tools(), 0
    with tempfile.TemporaryDirectory(prefix="rushes-equal-") as name:
        folder = Path(name)
        os.environ["RUSHES_CONFIG"] = str(folder / "config")
        config = open_config()
        for own, body in OWN.items():
            presets.create(config, own, body)
        config.close()
        library = catalogue(tools, folder / "library", clips(tools, folder, given.segments))
        for preset in given.presets.split(","):
            begun = time.monotonic()
            found = compare(library, tools, folder, preset)
            bad += not found.startswith("same")
            print(f"{preset:10} {found} ({time.monotonic() - begun:.0f} s)", flush=True)
    return 1 if bad else 0


def clips(tools: Tools, folder: Path, segments: int) -> list[Path]:
    """Five clips, together a little longer than ``segments`` seconds: their dissolves take some away."""
    seconds = (segments + 4 * 0.52 + 1) / len(_CLIPS)
    made = []
    for picture, name, more in _CLIPS:
        path = folder / name
        command = [tools.ffmpeg, "-v", "error", "-nostdin", "-f", "lavfi", "-i", picture, *more]
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-g", "12"]
        command += [] if "-pix_fmt" in more else ["-pix_fmt", "yuv420p"]
        command += ["-c:a", "pcm_s16le"] if "-i" in more else []
        subprocess.run([*command, "-t", f"{seconds:.3f}", str(path)], check=True)
        if name == TURNED:
            upright = path.rename(folder / f"upright-{name}")
            turn = ["-v", "error", "-nostdin", "-display_rotation:v", "90", "-i", str(upright), "-c", "copy"]
            subprocess.run([tools.ffmpeg, *turn, str(path)], check=True)
        made.append(path)
    return made


def compare(library: Library, tools: Tools, folder: Path, preset: str) -> str:
    """What came out, in words that begin with ``same`` when it is what is promised."""
    whole, _ = export(library, preset, single=True)
    parts, plan = export(library, preset, segment_seconds=1)
    count = len(plan.segments)
    assert plan.video is not None
    codec = codecs.VIDEO[plan.video["codec"]]
    if codec.byte_exact:
        same = Path(str(whole.output_path)).read_bytes() == Path(str(parts.output_path)).read_bytes()
        return f"same bytes, {count} segments" if same else "FAILED: other bytes"
    if sound(tools, whole) != sound(tools, parts):
        return "FAILED: other sound"
    if codec.intra or plan.video.get("qp") is not None:
        target = folder / f"{preset}-one.{plan.segment_format}"
        in_one_command(library, tools, plan, target)
        one, joined = frames(tools, str(target)), frames(tools, str(parts.output_path))
        if one == joined and len(joined) == plan.frames_total:
            return f"same pixels, {count} segments, {len(joined)} frames"
        return f"FAILED: {sum(a != b for a, b in zip(one, joined, strict=False))} frames differ"
    first, second = frames(tools, str(whole.output_path)), frames(tools, str(parts.output_path))
    if len(first) != len(second):
        return f"FAILED: {len(second)} frames instead of {len(first)}"
    one_score, score = (quality(library, run) for run in (whole, parts))
    sizes = (parts.output_size or 0) / max(1, whole.output_size or 0)
    words = f"SSIM {one_score:.4f} in one piece, {score:.4f} in {count} segments, size x{sizes:.3f}"
    return f"same frames and sound, {words}" if abs(one_score - score) < BOUND else f"FAILED: {words}"


def export(library: Library, preset: str, **spec: object) -> tuple[records.Run, Plan]:
    """Run one export in this thread."""
    db = library.db()
    wishes = {"width": 256, "height": 144, "fps": "25", "transition": "crossfade", "transition_ms": 520}
    if preset not in OWN and not codecs.VIDEO[_codec(preset)].intra:
        wishes |= {"verify": "quality", "quality_metric": "ssim"}
    # The recipe's name is the film's title: both must have the same.
    recipes.create(db, "film", {"preset": preset, **wishes, **spec})
    queued = queue_runs(library, ["film"])[0]
    recipes.delete(db, "film")
    store.transition(db, queued.job_id, "running", by="engine")
    Runner(library, store.get(db, queued.job_id), lambda: None)._run_to_an_end()
    run = records.get(db, queued.run_id)
    assert run.status == "completed", run.error
    (entry,) = ledger.load_plan(db, queued.run_id) or []
    assert entry.plan is not None
    return run, entry.plan


def _codec(preset: str) -> str:
    config = open_config()
    try:
        return str(presets.get(config, preset).body["video"]["codec"])
    finally:
        config.close()


def in_one_command(library: Library, tools: Tools, plan: Plan, target: Path) -> None:
    """The plan's pictures by one ffmpeg command, key frames forced where its segments begin."""
    whole = Segment(0, 0, plan.frames_total, tuple(piece for part in plan.segments for piece in part.pieces))
    single = replace(plan, segments=(whole,))
    paths = {index: "/" + scalar_path(library, plan.sources[index].asset_id) for index in plan.file_indexes()}
    opened = segment.inputs(single, whole, segment.Where(str(target.parent), paths))
    args = graph.segment_arguments(single, whole, opened, ffmpeg.file_url(str(target)))
    place = args.index("-map_metadata")
    forced = ["-force_key_frames", "expr:" + "+".join(f"eq(n,{part.at})" for part in plan.segments)]
    command = [tools.ffmpeg, "-v", "error", "-nostdin", *args[:place], *forced, *args[place:]]
    subprocess.run(command, check=True, cwd=target.parent)


def scalar_path(library: Library, asset_id: int) -> str:
    """Path of an asset's copy, relative to the root of all."""
    found = scalar(
        library.db(), "SELECT path FROM copies WHERE asset_id = ? AND role = 'managed'", (asset_id,)
    )
    return os.fsdecode(found)


def frames(tools: Tools, path: str) -> list[str]:
    """Hash of every decoded picture."""
    return _hashes(tools, path, ["-map", "0:v:0"])


def sound(tools: Tools, run: records.Run) -> list[str]:
    """Hash of every packet of the sound."""
    return _hashes(tools, str(run.output_path), ["-map", "0:a:0", "-c", "copy"])


def _hashes(tools: Tools, path: str, how: list[str]) -> list[str]:
    command = [tools.ffmpeg, "-v", "error", "-i", f"file:{path}", *how, "-f", "framemd5", "-"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.rpartition(",")[2].strip() for line in ran.stdout.splitlines() if line[:1].isdigit()]


def quality(library: Library, run: records.Run) -> float:
    """Mean SSIM that the verification measured."""
    text = scalar(library.db(), "SELECT verification FROM run_outputs WHERE run_id = ?", (run.run_id,))
    return float(json.loads(text)["quality"]["mean"])


if __name__ == "__main__":
    sys.exit(main())
