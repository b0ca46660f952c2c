"""What an export costs beside the plain ffmpeg command for the same film, in one run.

    python tests/bench/export.py [--seconds 4] [--clips 8] [--size 960x540] [--proxies 40]

Prints one line per measurement with the ratio to the plain command. Both are
run in turn, several times, and the best of each counts: the machine may have
other work. The plain command makes the same frames with the same encoder
arguments, writes one file and proves nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from engine import clock
from engine.export import recipes, records
from engine.export.orders import queue_runs
from engine.jobs import store
from engine.library import Library, create
from engine.media.child import environment
from engine.media.hashing import full_hash
from engine.media.probe import probe
from engine.media.tools import Tools, find_tools
from engine.names import to_blob
from engine.storage.database import write
from engine.supervisor.runner import Runner
from engine.volumes.places import place_of

ROUNDS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--proxies", type=int, default=40)
    parser.add_argument("--presets", default="share,archive,dnxhr-hq")
    given = parser.parse_args()
    tools = find_tools()
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as folder:
        os.environ["RUSHES_CONFIG"] = os.path.join(folder, "config")
        media = footage(tools, Path(folder), "film", given.clips, given.seconds, given.size)
        library = catalogue(tools, Path(folder) / "library", media)
        print(f"film: {given.clips} clips of {given.seconds} s, {given.size}, ffmpeg {tools.version}")
        for preset in given.presets.split(","):
            compare(
                f"joined, {preset}",
                lambda preset=preset: plain_film(tools, preset, media, Path(folder)),
                lambda preset=preset: export(library, preset, "joined"),
            )
        short = footage(tools, Path(folder), "short", given.proxies, 1, "640x360")
        proxies = catalogue(tools, Path(folder) / "proxies", short)
        compare(
            f"{given.proxies} proxies of 1 s",
            lambda: plain_proxies(tools, short, Path(folder)),
            lambda: export(proxies, "proxy-h264", "per-clip"),
        )
    return 0


def compare(name: str, plain: Callable[[], float], ours: Callable[[], float]) -> None:
    pairs = [(plain(), ours()) for _ in range(ROUNDS)]
    best = min(first for first, _ in pairs), min(second for _, second in pairs)
    print(f"{name:24} plain {best[0]:7.2f} s   export {best[1]:7.2f} s   ratio {best[1] / best[0]:.3f}")
    sys.stdout.flush()


def footage(tools: Tools, folder: Path, name: str, count: int, seconds: int, size: str) -> list[Path]:
    made = []
    for number in range(count):
        path = folder / f"{name}{number}.mov"
        picture = f"testsrc2=s={size}:r=25:d={seconds},noise=alls=8:allf=t,hue=h={number * 37}"
        sound = f"sine=f={220 + 40 * number}:r=48000:d={seconds}"
        command = [tools.ffmpeg, "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", picture]
        command += ["-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "veryfast", "-g", "25"]
        subprocess.run([*command, "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(path)], check=True)
        made.append(path)
    return made


def catalogue(tools: Tools, root: Path, media: list[Path]) -> Library:
    root.mkdir()
    library = create(str(root))
    db = library.db()
    for number, path in enumerate(media):
        place = place_of(db, str(path))
        moment, clip_id, size = clock.now(), str(uuid.uuid4()), path.stat().st_size
        facts = probe(tools, str(path))
        with write(db):
            asset_id = db.execute(
                "INSERT INTO assets (size, blake3, media, created_at) VALUES (?, ?, ?, ?)",
                (size, full_hash(str(path)), _json(facts.to_json()), moment),
            ).lastrowid
            db.execute(
                "INSERT INTO copies (asset_id, volume_id, path, role, size, mtime_ns, seen_at, created_at)"
                " VALUES (?, ?, ?, 'managed', ?, 0, ?, ?)",
                (asset_id, place.volume_id, to_blob(place.path), size, moment, moment),
            )
            db.execute(
                "INSERT INTO clips (clip_id, title, kind, asset_id, recorded_at, created_at)"
                " VALUES (?, ?, 'video', ?, ?, ?)",
                (clip_id, path.name, asset_id, f"2026-11-20T10:{number:02}:00", moment),
            )
            db.execute("INSERT INTO clip_files VALUES (?, 'essence', 0, ?, ?)", (clip_id, asset_id, b"x"))
    return library


def _json(value: object) -> str:
    import json

    return json.dumps(value)


def export(library: Library, preset: str, layout: str) -> float:
    name = uuid.uuid4().hex[:8]
    recipes.create(library.db(), name, {"preset": preset, "layout": layout})
    begun = time.perf_counter()
    queued = queue_runs(library, [name])[0]
    # Nothing is taken over from the round before.
    with write(library.db()) as db:
        db.execute("UPDATE jobs SET params = json_set(params, '$.fresh', json('true'))")
    job = store.get(library.db(), queued.job_id)
    store.transition(library.db(), job.job_id, "running", by="bench")
    Runner(library, job, lambda: None)._run_to_an_end()
    seconds = time.perf_counter() - begun
    run = records.get(library.db(), queued.run_id)
    assert run.status == "completed", run.error
    return seconds


ENCODERS = {
    "share": "-c:v libx264 -crf 20 -preset medium -profile:v high -pix_fmt yuv420p -g 50 -threads 4"
    " -c:a aac -b:a 160k -movflags +faststart",
    "archive": "-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le -vendor apl0 -c:a pcm_s16le",
    "dnxhr-hq": "-c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p -c:a pcm_s24le",
}


def plain_film(tools: Tools, preset: str, media: list[Path], folder: Path) -> float:
    inputs = [word for path in media for word in ("-i", str(path))]
    # The same scaler settings, so that the same pixels are made.
    flags = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact"
    pix_fmt = ENCODERS[preset].split("-pix_fmt ")[1].split()[0]
    chains = [f"[{n}:v]scale={flags},format={pix_fmt}[v{n}]" for n in range(len(media))]
    pairs = "".join(f"[v{n}][{n}:a]" for n in range(len(media)))
    graph = ";".join([*chains, f"{pairs}concat=n={len(media)}:v=1:a=1[v][a]"])
    target = folder / ("plain.mp4" if preset == "share" else "plain.mov")
    begun = time.perf_counter()
    subprocess.run(
        [
            tools.ffmpeg,
            "-v",
            "error",
            "-nostdin",
            "-y",
            *inputs,
            "-filter_complex",
            graph,
            "-map",
            "[v]",
            "-map",
            "[a]",
            *ENCODERS[preset].split(),
            "-ac",
            "2",
            str(target),
        ],
        check=True,
        env=environment(),
    )
    return time.perf_counter() - begun


def plain_proxies(tools: Tools, media: list[Path], folder: Path) -> float:
    options = (
        "-c:v libx264 -crf 23 -preset veryfast -profile:v high -pix_fmt yuv420p -g 50 -threads 4"
        " -c:a aac -b:a 128k -movflags +faststart"
    )
    begun = time.perf_counter()
    for path in media:
        command = [tools.ffmpeg, "-v", "error", "-nostdin", "-y", "-i", str(path), *options.split()]
        subprocess.run([*command, str(folder / f"{path.stem}.mp4")], check=True, env=environment())
    return time.perf_counter() - begun


if __name__ == "__main__":
    raise SystemExit(main())
