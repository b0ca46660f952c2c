"""What an export costs beside the plain ffmpeg command for the same film, in one run.

    python tests/bench/export.py [--seconds 6] [--clips 10] [--size 1920x1080] [--proxies 40]
        [--presets share,archive,dnxhr-sq] [--rounds 3] [--noise 8] [--segments 200]
        [--columns limit,plain,quick,decode,full]

Everything is done in turn, several times; the medians of the rounds are
printed, elapsed and of processor time, ours and our children's. The columns:

=========  ====================================================================
limit      the same frames through the same encoder, thrown away (null muxer)
plain      the plain ffmpeg command: the same frames, the same encoder, one file
flushed    the same, and its file brought to the disk
read       the same, and its file read once for a BLAKE3
quick      an export whose finished file is compared packet by packet
decode     decoding that file once to its end, as the check after a render does
full       an export that also decodes its file to the end (the default)
=========  ====================================================================

``quick`` is held against ``plain``, which neither flushes nor proves anything,
and for information against ``flushed`` and ``read``; ``full`` against
``plain`` + ``decode``. Other work on the machine disturbs the ratio of
processor seconds less than the one of elapsed time: the line below a preset
says how much of the processors others took, at most, while one of the columns
was measured.

Then: short clips to proxies against a loop of plain commands; one thumbnail;
and the memory of this process, which does what an engine does (encoders are
children), while a film of very many segments is made.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median

from engine import clock
from engine.export.recipes import recipes
from engine.export.rendering.placing import sync_file
from engine.export.runs import records
from engine.export.runs.orders import queue_runs
from engine.jobs import store
from engine.library import Library, create
from engine.media.child import environment
from engine.media.hashing import full_hash
from engine.media.probe import probe
from engine.media.thumbs import thumbnail
from engine.media.tools import Tools, find_tools
from engine.names import to_blob
from engine.storage import config
from engine.storage.database import write
from engine.supervisor.runner import Runner
from engine.volumes.places import place_of

Took = tuple[float, float]
"""Seconds by the wall clock, and of processor time."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6, help="Of each clip of the film.")
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--proxies", type=int, default=40)
    parser.add_argument("--presets", default="share,archive,dnxhr-sq")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--noise", type=int, default=8, help="Grain of the pictures, 0 to 100.")
    parser.add_argument("--segments", type=int, default=200, help="Of the film that memory is measured with.")
    parser.add_argument("--columns", default=",".join(COLUMNS), help="Leave out to be done sooner.")
    parser.add_argument(
        "--footage", help="Keep the film's clips in this folder, and use those that are there."
    )
    given = parser.parse_args()
    tools = find_tools()
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as name:
        folder = Path(name)
        os.environ["RUSHES_CONFIG"] = os.path.join(folder, "config")
        # As for others: nothing is measured but the work itself.
        courteous("export.nice", "0")
        courteous("export.io", "normal")
        kept = Path(given.footage) if given.footage else folder
        kept.mkdir(parents=True, exist_ok=True)
        wanted = f"{given.size}-{given.seconds}s-{given.noise}-"
        media = footage(tools, kept, wanted, given.clips, given.seconds, given.size, given.noise)
        presets = [preset for preset in given.presets.split(",") if preset]
        if presets:
            library = catalogue(tools, folder / "library", media)
            print(f"{given.clips} clips of {given.seconds} s, {given.size}, ffmpeg {tools.version}", end=", ")
            print(f"{len(os.sched_getaffinity(0))} processors; medians of {given.rounds}", end=", ")
            print("elapsed (processor) seconds", flush=True)
        for preset in presets:
            film(tools, library, preset, media, folder, given.rounds, given.columns.split(","))
        if given.proxies:
            short = footage(tools, folder, "short", given.proxies, 1, "640x360", given.noise)
            proxies = catalogue(tools, folder / "proxies", short)
            per_clip(tools, proxies, short, folder, given.rounds)
        one_thumbnail(tools, media[0], folder)
        if given.segments:
            memory(tools, folder, given.segments)
    return 0


COLUMNS = ("limit", "plain", "decode", "quick", "full")


def one_thumbnail(tools: Tools, path: Path, folder: Path) -> None:
    target = str(folder / "thumbnail.jpg")
    facts = probe(tools, str(path))
    took = [timed(lambda: thumbnail(tools, str(path), target, facts))[0] for _ in range(5)]
    print(f"one thumbnail of {facts.video.width if facts.video else 0} pixels in a row: ", end="")
    print(f"{median(took):.3f} s, at most {max(took):.3f} s", flush=True)


def memory(tools: Tools, folder: Path, segments: int) -> None:
    """Resident memory of this process while a film of many segments of one second is made."""
    clips = footage(tools, folder, "long", 1, segments, "64x36", 0)
    library = catalogue(tools, folder / "long", clips)
    stop, seen = threading.Event(), []

    def watch() -> None:
        while not stop.wait(0.05):
            seen.append(resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        took = timed(lambda: export(library, "archive", "joined", segment_seconds=1))
    finally:
        stop.set()
        watcher.join()
    tenth = max(1, len(seen) // 10)
    parts = [max(seen[at : at + tenth]) for at in (tenth, len(seen) // 2, len(seen) - tenth)]
    shown = ", ".join(f"{part / 2**20:.1f}" for part in parts)
    print(f"{segments} segments in {took[0]:.1f} s, {took[0] / segments:.3f} s each: resident MiB", end=" ")
    print(f"after a tenth, half and at the end {shown}; at its highest {max(seen) / 2**20:.1f}")


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def courteous(key: str, value: str) -> None:
    db = config.open_config()
    config.put(db, key, value)
    db.close()


def timed(do: Callable[[], object]) -> Took:
    begun, used = time.perf_counter(), processor()
    do()
    return time.perf_counter() - begun, processor() - used


def processor() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def middle(pairs: list[Took]) -> Took:
    return median(wall for wall, _ in pairs), median(used for _, used in pairs)


def ratio(ours: Took, theirs: Took) -> str:
    return f"{ours[0] / theirs[0]:.3f} ({ours[1] / theirs[1]:.3f})"


def film(
    tools: Tools,
    library: Library,
    preset: str,
    media: list[Path],
    folder: Path,
    rounds: int,
    columns: list[str],
) -> None:
    took: dict[str, list[Took]] = {}
    others: dict[str, float] = {}
    for _ in range(rounds):
        for name, do in {
            "limit": lambda: plain_film(tools, preset, media, folder, thrown_away=True),
            "plain": lambda: plain_film(tools, preset, media, folder),
            "flushed": lambda: sync_file(str(plain_target(preset, folder))),
            "read": lambda: full_hash(str(plain_target(preset, folder))),
            "decode": lambda: decode(tools, preset, folder),
            "quick": lambda: export(library, preset, "joined", verify="quick"),
            "full": lambda: export(library, preset, "joined", verify="decode"),
        }.items():
            if name not in columns and (name not in ("flushed", "read") or "plain" not in columns):
                continue
            busy = machine()
            took.setdefault(name, []).append(timed(do))
            wall, own = took[name][-1]
            share = (machine() - busy - own) / wall / len(os.sched_getaffinity(0))
            others[name] = max(others.get(name, 0.0), share)
            if name in ("limit", "read", "decode", "quick", "full"):
                settle(library)
    of = {name: middle(pairs) for name, pairs in took.items()}
    if "plain" in of:
        for name in ("flushed", "read"):
            before = took["plain" if name == "flushed" else "flushed"]
            took[name] = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(before, took[name], strict=True)]
            of[name] = middle(took[name])
    cells = [f"{name} {wall:.2f} ({used:.2f})" for name, (wall, used) in of.items()]
    print(f"{preset}: {', '.join(cells)}")
    held = [("quick", peer) for peer in ("plain", "flushed", "read")]
    ratios = [f"{a}/{b} {ratio(of[a], of[b])}" for a, b in held if a in of and b in of]
    if {"full", "plain", "decode"} <= of.keys():
        both = (of["plain"][0] + of["decode"][0], of["plain"][1] + of["decode"][1])
        ratios.append(f"full/plain+decode {ratio(of['full'], both)}")
    print(f"    {'  '.join(ratios)}")
    busiest = max((share, name) for name, share in others.items() if name not in ("flushed", "read"))
    print(
        f"    others took at most {max(0.0, busiest[0]):.0%} of the processors, in {busiest[1]}", flush=True
    )


def machine() -> float:
    """Seconds that all processors were busy since the machine was started."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _wait, irq, soft = (int(word) for word in file.readline().split()[1:8])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def settle(library: Library) -> None:
    """Drop what was exported and bring the rest to the disk: nobody pays for another."""
    shutil.rmtree(library.cache_root / "exports", ignore_errors=True)
    shutil.rmtree(library.exports, ignore_errors=True)
    os.sync()


def per_clip(tools: Tools, library: Library, media: list[Path], folder: Path, rounds: int) -> None:
    took: dict[str, list[Took]] = {}
    for _ in range(rounds):
        for name, do in {
            "loop": lambda: plain_proxies(tools, media, folder),
            "decode": lambda: decode_proxies(tools, media, folder),
            "quick": lambda: export(library, "proxy-h264", "per-clip", verify="quick"),
            "full": lambda: export(library, "proxy-h264", "per-clip", verify="decode"),
        }.items():
            took.setdefault(name, []).append(timed(do))
    of = {name: middle(pairs) for name, pairs in took.items()}
    both = (of["loop"][0] + of["decode"][0], of["loop"][1] + of["decode"][1])
    seconds = "  ".join(f"{name} {wall:.2f} s" for name, (wall, _) in of.items())
    print(f"{len(media)} proxies of 1 s: {seconds}")
    print(f"    quick to loop {ratio(of['quick'], of['loop'])}", end="  ")
    print(f"full to loop + decode {ratio(of['full'], both)}", flush=True)


def footage(
    tools: Tools, folder: Path, name: str, count: int, seconds: int, size: str, noise: int = 8
) -> list[Path]:
    made = []
    grain = f",noise=alls={noise}:allf=t" if noise else ""
    for number in range(count):
        path = folder / f"{name}{number}.mov"
        made.append(path)
        if path.exists():
            continue
        picture = f"testsrc2=s={size}:r=25:d={seconds}{grain},hue=h={number * 37}"
        sound = f"sine=f={220 + 40 * number}:r=48000:d={seconds}"
        command = [tools.ffmpeg, "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", picture]
        command += ["-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "veryfast", "-g", "25"]
        subprocess.run([*command, "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(path)], check=True)
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


def export(library: Library, preset: str, layout: str, **spec: object) -> float:
    name = uuid.uuid4().hex[:8]
    recipes.create(library.db(), name, {"preset": preset, "layout": layout, **spec})
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
    "prores-422": "-c:v prores_ks -profile:v 2 -pix_fmt yuv422p10le -vendor apl0 -c:a pcm_s16le",
    "dnxhr-sq": "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p -c:a pcm_s24le",
    "dnxhr-hq": "-c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p -c:a pcm_s24le",
}


def plain_target(preset: str, folder: Path) -> Path:
    return folder / ("plain.mp4" if preset == "share" else "plain.mov")


def decode(tools: Tools, preset: str, folder: Path) -> None:
    path = str(plain_target(preset, folder))
    subprocess.run([tools.ffmpeg, "-v", "error", "-nostdin", "-i", path, "-f", "null", "-"], check=True)


def decode_proxies(tools: Tools, media: list[Path], folder: Path) -> None:
    for path in media:
        made = str(folder / f"{path.stem}.mp4")
        subprocess.run([tools.ffmpeg, "-v", "error", "-nostdin", "-i", made, "-f", "null", "-"], check=True)


def plain_film(
    tools: Tools, preset: str, media: list[Path], folder: Path, *, thrown_away: bool = False
) -> float:
    inputs = [word for path in media for word in ("-i", str(path))]
    # The same scaler settings, so that the same pixels are made.
    flags = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact"
    pix_fmt = ENCODERS[preset].split("-pix_fmt ")[1].split()[0]
    chains = [f"[{n}:v]scale={flags},format={pix_fmt}[v{n}]" for n in range(len(media))]
    pairs = "".join(f"[v{n}][{n}:a]" for n in range(len(media)))
    graph = ";".join([*chains, f"{pairs}concat=n={len(media)}:v=1:a=1[v][a]"])
    target = ["-f", "null", "-"] if thrown_away else [str(plain_target(preset, folder))]
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
            *target,
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
