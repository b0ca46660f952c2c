"""Films of libaom's AV1 encoder, with the arguments that an export gives it, decoded by two decoders.

    python tests/long/av1.py [--films 100] [--seed 1] [--row-mt]

Small films of many kinds: flat, noisy, turning, cut in the middle; 8 and 10
bit; 5 to 75 pictures. Each must give all its pictures in dav1d and in libaom,
the same ones in both, without a message. ``--row-mt`` encodes rows in four threads
instead, which shows the fault of some builds that the arguments are chosen for.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

from engine.export.recipes import codecs
from engine.media.child import environment
from engine.media.tools import Tools, find_tools, has_encoder

SIZES = ("160x90", "320x180", "320x240", "192x108", "322x182", "480x270")
PICTURES = ("testsrc2", "smptebars", "mandelbrot", "rgbtestsrc", "testsrc")
CHANGES = ("", ",noise=alls=20:allf=t", ",hue=h=90*t", ",rotate=t")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--row-mt", action="store_true")
    given = parser.parse_args()
    tools, chance = find_tools(), random.Random(given.seed)
    if not has_encoder(tools, "libaom-av1"):
        print("this ffmpeg has no libaom-av1")
        return 0
    bad = 0
    with tempfile.TemporaryDirectory(prefix="rushes-av1-") as folder:
        for number in range(given.films):
            problem = film(tools, chance, Path(folder) / "film.mp4", rows=given.row_mt)
            bad += problem is not None
            if problem:
                print(f"film {number}: {problem}", flush=True)
    print(f"{bad} of {given.films} films are unsound")
    return 1 if bad else 0


def film(tools: Tools, chance: random.Random, target: Path, *, rows: bool) -> str | None:
    """Encode one film and decode it twice; says what is wrong with it."""
    frames, size = chance.choice((5, 12, 13, 25, 26, 30, 40, 50, 75)), chance.choice(SIZES)
    source = f"{chance.choice(PICTURES)}=s={size}:r=25{chance.choice(CHANGES)}"
    cut = chance.randrange(1, frames)
    even = "format=yuv420p,setsar=1"
    picture = (
        f"{source},trim=end_frame={cut},setpts=N/25/TB,{even}[a];"
        f"testsrc=s={size}:r=25,trim=end_frame={frames - cut},setpts=N/25/TB,{even}[b];[a][b]concat"
    )
    video = {
        "codec": "av1",
        "encoder": "libaom-av1",
        "crf": chance.choice((20, 32, 45)),
        "pix_fmt": chance.choice(("yuv420p10le", "yuv420p")),
    }
    args = codecs.video_arguments(video, Fraction(25))
    args += ["-threads", "4", "-row-mt", "1"] if rows else []
    run(tools, ["-y", "-f", "lavfi", "-i", picture, *args, "-f", "mp4", str(target)])
    seen = []
    for decoder in ("libdav1d", "libaom-av1"):
        made = run(
            tools, ["-c:v", decoder, "-i", str(target), "-fps_mode", "passthrough", "-f", "framemd5", "-"]
        )
        hashes = [line.rpartition(",")[2] for line in made.stdout.splitlines() if line[:1].isdigit()]
        if made.stderr or len(hashes) != frames:
            return f"{decoder} gives {len(hashes)} of {frames} pictures: {made.stderr.strip()[:200]}"
        seen.append(hashes)
    return None if seen[0] == seen[1] else "the two decoders give different pictures"


def run(tools: Tools, args: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tools.ffmpeg, "-v", "error", "-nostdin", *args],
        capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
