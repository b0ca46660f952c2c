"""Footage of every awkward kind, and a film of it looked at frame by frame and sample by sample.

    python -m tests.long.export_sources [--only NAME,NAME] [--keep FOLDER]

Every picture of the footage bears its own number as stripes, and eight colours;
every sound clicks at known moments. A film (ProRes, PCM, 25 pictures a second,
segments of one second) of each source alone, of each with in and out points,
and of all of them one after the other must show exactly the pictures that
their time stamps ask for, in the colours that went in within a bound, with the
clicks where they were. Prints a line per source; exit code 1 when one is wrong.
"""

from __future__ import annotations

import argparse
import math
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from engine.export.recipes import recipes
from engine.export.runs import records
from engine.export.runs.orders import queue_runs
from engine.jobs import store
from engine.library import Library
from engine.media.child import environment
from engine.media.tools import Tools, find_tools
from engine.storage.database import rows
from engine.supervisor.runner import Runner
from tests.bench.export import catalogue

FILM_RATE = 25
FILM_SIZE = (640, 360)
BITS = 8
COLOURS = (
    (191, 191, 191), (191, 191, 16), (16, 191, 191), (16, 191, 16),
    (191, 16, 191), (191, 16, 16), (16, 16, 191), (16, 16, 16),
)  # fmt: skip
COLOUR_BOUND = 9
"""Largest difference of a colour, of 255: two conversions in 8 bits and a lossy codec lie between."""

CLICK_EVERY = Fraction(2, 5)
CLICK_BOUND = 0.003
"""Seconds that a click may be off: what a lossy codec smears. Films of PCM are off by no sample."""

FINE = "-c:v libx264 -preset ultrafast -crf 10 -pix_fmt"
X264 = f"{FINE} yuv420p"
GROUPS = "-c:v libx264 -preset medium -crf 10 -pix_fmt yuv420p -x264-params keyint=12:bframes=3"
PCM = "-c:a pcm_s16le"
AAC = "-c:a aac"
HD = "scale=out_color_matrix=bt709:out_range=tv"
TAGS = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"
B709 = f"-vf {HD} {TAGS}"
COPY = "-i IN -c copy"


@dataclass(frozen=True)
class Kind:
    """One kind of footage.

    Attributes:
        file: name of the file.
        how: ffmpeg's arguments between inputs and file.
        rate: pictures per second.
        size: as made, before ``how``.
        again: arguments of a second pass that copies the file, with ``IN`` for the first; or none.
        skips: pictures that the second pass hides at the beginning.
        times: moments of the pictures in seconds, when they are not even.
        sound: whether it has any.
        colours: whether they are to come out as they went in.
        click_bound: see :data:`CLICK_BOUND`.
        shape: of the picture as shown; None is that of ``size``.
    """

    file: str
    how: str
    rate: Fraction = Fraction(25)
    size: tuple[int, int] = (320, 180)
    again: str = ""
    skips: int = 0
    times: tuple[Fraction, ...] = ()
    sound: bool = True
    colours: bool = True
    click_bound: float = 0.0001
    shape: Fraction | None = None


NTSC = Fraction(30000, 1001)

UNEVEN = tuple(Fraction(n * 40 + (15 if n % 3 == 1 else 0) + (200 if n > 30 else 0), 1000) for n in range(50))

KINDS = {
    "plain": Kind("plain.mov", f"{B709} {X264} {PCM}"),
    "uneven times": Kind("vfr.mp4", f"{B709} {X264} {AAC}", times=UNEVEN, click_bound=CLICK_BOUND),
    "turned 90": Kind(
        "r90.mov", f"{B709} {X264} {PCM}", again=f"-display_rotation:v -90 {COPY}", shape=Fraction(9, 16)
    ),
    "turned 180": Kind("r180.mov", f"{B709} {X264} {PCM}", again=f"-display_rotation:v -180 {COPY}"),
    "turned 270": Kind(
        "r270.mov", f"{B709} {X264} {PCM}", again=f"-display_rotation:v -270 {COPY}", shape=Fraction(9, 16)
    ),
    "oblong pixels": Kind(
        "sar.mov",
        f"-vf {HD},setsar=16/11 {TAGS} {X264} {PCM}",
        size=(720, 576),
        shape=Fraction(720 * 16, 576 * 11),
    ),
    "full range": Kind(
        "full.mov",
        "-vf scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p -colorspace bt709 -color_range pc"
        f" {FINE} yuvj420p {PCM}",
    ),
    "bt601": Kind(
        "601.mov",
        "-vf scale=out_color_matrix=smpte170m:out_range=tv -colorspace smpte170m"
        f" -color_primaries smpte170m -color_trc smpte170m {X264} {PCM}",
    ),
    "bt2020": Kind(
        "2020.mov",
        "-vf scale=out_color_matrix=bt2020:out_range=tv -colorspace bt2020nc -color_primaries bt709"
        f" -color_trc bt709 {FINE} yuv420p10le {PCM}",
    ),
    "hdr": Kind(
        "pq.mov",
        "-vf scale=out_color_matrix=bt2020:out_range=tv -colorspace bt2020nc -color_primaries bt2020"
        f" -color_trc smpte2084 {FINE} yuv420p10le {PCM}",
        colours=False,
    ),
    "motion jpeg": Kind("mj.avi", f"-c:v mjpeg -q:v 2 -pix_fmt yuvj422p {PCM}", colours=False),
    "six channels": Kind("51.mov", f"{B709} {X264} {PCM} -ac 6"),
    "one channel 44.1": Kind("mono.mov", f"{B709} {X264} {PCM} -ac 1 -ar 44100", click_bound=0.0005),
    "96 kHz": Kind("96.mov", f"{B709} {X264} -c:a pcm_s24le -ar 96000", click_bound=0.0005),
    "silent": Kind("silent.mov", f"{B709} {X264} -an", sound=False),
    "odd size": Kind(
        "odd.mkv", f"-vf {HD},format=yuv444p -c:v ffv1 -colorspace bt709 {PCM}", size=(321, 181)
    ),
    "interlaced": Kind(
        "tff.mov", f"-vf {HD},setfield=tff {TAGS} {X264} -flags +ildct+ilme {PCM}", size=(720, 576)
    ),
    "alpha": Kind(
        "4444.mov",
        f"-vf {HD},format=yuva444p10le -c:v prores_ks -profile:v 4444 -colorspace bt709 {PCM}",
    ),
    "23.976": Kind("23.mov", f"{B709} {X264} {PCM}", rate=Fraction(24000, 1001)),
    "29.97": Kind("29.mov", f"{B709} {X264} {PCM}", rate=NTSC),
    "59.94": Kind("59.mov", f"{B709} {X264} {PCM}", rate=2 * NTSC),
    "120": Kind("120.mov", f"{B709} {X264} {PCM}", rate=Fraction(120)),
    "open groups": Kind("open.mp4", f"{B709} {GROUPS}:open-gop=1 {AAC}", click_bound=CLICK_BOUND),
    "transport stream": Kind(
        "ts.ts", f"{B709} {GROUPS} {AAC} -muxdelay 0 -output_ts_offset 3600", click_bound=CLICK_BOUND
    ),
    "edit list": Kind("edit.mov", f"{B709} {X264} -g 10 {PCM}", again=f"-ss 0.48 {COPY}", skips=12),
    "begins below nought": Kind(
        "neg.mov",
        f"{B709} {X264} {PCM}",
        again=f"{COPY} -output_ts_offset -0.4 -avoid_negative_ts disabled",
        skips=10,
    ),
    "begins late": Kind("late.mov", f"{B709} {X264} {PCM}", again=f"{COPY} -output_ts_offset 7"),
    "vp9 and opus": Kind(
        "v.webm",
        f"{B709} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 12 -b:v 0 -pix_fmt yuv420p -c:a libopus",
        click_bound=CLICK_BOUND,
    ),
    "matroska below nought": Kind(
        "neg.mkv",
        f"{B709} {X264} {PCM}",
        again=f"{COPY} -output_ts_offset -0.4 -avoid_negative_ts disabled",
        skips=10,
    ),
    "matroska groups below nought": Kind(
        "negb.mkv",
        f"{B709} {GROUPS} {PCM}",
        again=f"{COPY} -output_ts_offset -0.4 -avoid_negative_ts disabled",
        skips=10,
    ),
    "silent matroska below nought": Kind(
        "negs.mkv",
        f"{B709} {X264} -an",
        again=f"{COPY} -output_ts_offset -0.4 -avoid_negative_ts disabled",
        skips=10,
        sound=False,
    ),
    "matroska a little below nought": Kind(
        "neg7.mkv",
        f"{B709} {X264} {PCM}",
        again=f"{COPY} -output_ts_offset -0.007 -avoid_negative_ts disabled",
        skips=1,
    ),
    "matroska groups a little below nought": Kind(
        "neg7b.mkv",
        f"{B709} {GROUPS} {PCM}",
        again=f"{COPY} -output_ts_offset -0.087 -avoid_negative_ts disabled",
        skips=3,
    ),
    "matroska silent groups below nought": Kind(
        "negbs.mkv",
        f"{B709} {GROUPS} -an",
        again=f"{COPY} -output_ts_offset -0.4 -avoid_negative_ts disabled",
        skips=10,
        sound=False,
    ),
    "matroska begins late": Kind("late.mkv", f"{B709} {X264} {PCM}", again=f"{COPY} -output_ts_offset 7"),
    "matroska and opus": Kind("opus.mkv", f"{B709} {X264} -c:a libopus", click_bound=CLICK_BOUND),
    "matroska and aac": Kind("aac.mkv", f"{B709} {GROUPS} {AAC}", click_bound=CLICK_BOUND),
    "matroska 29.97 and opus": Kind(
        "opus29.mkv", f"{B709} {GROUPS} -c:a libopus", rate=NTSC, click_bound=CLICK_BOUND
    ),
    "hevc 4:2:2": Kind(
        "hevc.mov",
        f"{B709} -c:v libx265 -preset ultrafast -x265-params log-level=none -crf 10 -pix_fmt yuv422p10le"
        f" -tag:v hvc1 {AAC}",
        click_bound=CLICK_BOUND,
    ),
    "xdcam": Kind(
        "x.mxf",
        f"-vf scale=1920:1080,{HD},setfield=tff -c:v mpeg2video -b:v 50M -pix_fmt yuv422p"
        f" -flags +ildct+ilme -g 12 -bf 2 {TAGS} {PCM}",
    ),
    "dnxhd": Kind(
        "d.mxf", f"-vf scale=1920:1080,{HD} -c:v dnxhd -b:v 120M -pix_fmt yuv422p -colorspace bt709 {PCM}"
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--keep")
    given = parser.parse_args()
    tools = find_tools()
    wanted = given.only.split(",") if given.only else list(KINDS)
    bad = 0
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(given.keep or temp)
        os.environ["RUSHES_CONFIG"] = os.path.join(temp, "config")
        media = folder / "media"
        media.mkdir(parents=True, exist_ok=True)
        files = [make(tools, media, KINDS[name]) for name in wanted]
        library = catalogue(tools, folder / "library", files)
        ids = {found["title"]: found["clip_id"] for found in rows(library.db(), "SELECT * FROM clips")}
        whole: list[dict[str, object]] = []
        for name, path in zip(wanted, files, strict=True):
            kind = KINDS[name]
            clip_id = ids[path.name]
            begin, end = 13, min(37, pictures(kind) - kind.skips)
            trials = [
                ("whole", [{"clip_id": clip_id}]),
                ("cut", [{"clip_id": clip_id, "in_frame": begin, "out_frame": end}]),
            ]
            for which, items in trials:
                problems = checked(tools, library, items, [(kind, items[0])])
                bad += bool(problems)
                print(f"{name:20} {which:6} {'; '.join(problems) or 'right'}", flush=True)
            whole += [{"clip_id": clip_id}, {"clip_id": clip_id, "in_frame": begin, "out_frame": end}]
        kinds = [kind for name in wanted for kind in (KINDS[name], KINDS[name])]
        problems = checked(tools, library, whole, list(zip(kinds, whole, strict=True)))
        bad += bool(problems)
        print(f"{'all together':20} {'':6} {'; '.join(problems[:12]) or 'right'}", flush=True)
        library.close()
    print("all right" if not bad else f"{bad} WRONG")
    return 1 if bad else 0


# -- footage -------------------------------------------------------------------


def pictures(kind: Kind) -> int:
    """Pictures that a source is made of: two seconds."""
    return len(kind.times) or math.ceil(2 * kind.rate)


def picture(number: int, size: tuple[int, int]) -> bytes:
    """One picture as packed RGB: its number as stripes above, the colours below."""
    width, height = size
    stripes = [(235, 235, 235) if number >> bit & 1 else (16, 16, 16) for bit in range(BITS)]
    above, below = (
        b"".join(bytes(marks[x * BITS // width]) for x in range(width)) for marks in (stripes, COLOURS)
    )
    return above * (height // 2) + below * (height - height // 2)


def clicks(seconds: float, rate: int = 48000) -> bytes:
    """Sound, 16 bit, two channels: a millisecond of noise at every multiple of :data:`CLICK_EVERY`, but 0."""
    samples = bytearray(math.ceil(seconds * rate) * 4)
    at = CLICK_EVERY
    while at < seconds - 0.01:
        first = round(at * rate)
        for n in range(48):
            value = 20000 if n % 8 < 4 else -20000
            samples[(first + n) * 4 : (first + n) * 4 + 4] = struct.pack("<hh", value, value)
        at += CLICK_EVERY
    return bytes(samples)


def make(tools: Tools, folder: Path, kind: Kind) -> Path:
    """Make the footage of a kind."""
    target, count = folder / kind.file, pictures(kind)
    first = target if not kind.again else folder / f"raw-{kind.file}"
    raw, sound = folder / "raw.rgb", folder / "raw.pcm"
    raw.write_bytes(b"".join(picture(number, kind.size) for number in range(count)))
    length = float(kind.times[-1]) + 0.04 if kind.times else count / float(kind.rate)
    sound.write_bytes(clicks(length))
    how = kind.how.split()
    if kind.times:
        moments = "+".join(f"eq(N,{n})*{float(at)}" for n, at in enumerate(kind.times) if at)
        how[1] += f",settb=1/1000,setpts='({moments})/TB'"
        how += ["-fps_mode", "vfr"]
    size = f"{kind.size[0]}x{kind.size[1]}"
    run(tools.ffmpeg, "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(kind.rate), "-i", str(raw),
        "-f", "s16le", "-ar", "48000", "-ac", "2", "-i", str(sound), *how, str(first))  # fmt: skip
    if kind.again:
        run(tools.ffmpeg, *(str(first) if word == "IN" else word for word in kind.again.split()), str(target))
    raw.unlink()
    sound.unlink()
    return target


def run(*command: str) -> bytes:
    """Run a tool; its output. Its last words are shown when it fails."""
    words = [command[0], "-v", "error", "-nostdin", "-y", *command[1:]]
    ran = subprocess.run(words, capture_output=True, check=False, env=environment())
    if ran.returncode:
        sys.exit(f"{' '.join(words)}\n{ran.stderr.decode(errors='replace')}")
    return ran.stdout


# -- the film ------------------------------------------------------------------


def checked(
    tools: Tools,
    library: Library,
    items: list[dict[str, object]],
    parts: Sequence[tuple[Kind, dict[str, object]]],
) -> list[str]:
    """Make a film of these items and say what is wrong with it."""
    db = library.db()
    name = f"film {len(recipes.list_recipes(db))}"
    spec = {"mode": "list", "items": items, "preset": "archive", "fps": str(FILM_RATE), "segment_seconds": 1,
            "width": FILM_SIZE[0], "height": FILM_SIZE[1]}  # fmt: skip
    recipes.create(db, name, spec)
    queued = queue_runs(library, [name])[0]
    job = store.get(db, queued.job_id)
    store.transition(db, job.job_id, "running", by="engine")
    Runner(library, job, lambda: None)._run_to_an_end()
    film = records.get(db, queued.run_id)
    if film.output_path is None:
        return [f"{film.status}: {film.error}"]
    problems = [] if film.status == "completed" or "hdr" in str(film.error) else [str(film.error)]
    path = str(film.output_path)
    shown = decoded(tools, path)
    heard = run(tools.ffmpeg, "-i", path, "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "s16le", "-")
    expected: list[tuple[Kind, int, int]] = []
    silences: list[tuple[Kind, int, int, int]] = []
    for kind, item in parts:
        numbers, first = wanted(kind, item)
        silences.append((kind, len(expected), len(numbers), first))
        expected += [(kind, number, at) for at, number in enumerate(numbers)]
    if len(shown) != len(expected):
        problems.append(f"{len(shown)} pictures instead of {len(expected)}")
    wrong = [
        (at, kind.file, number, seen)
        for at, ((kind, number, _), frame) in enumerate(zip(expected, shown, strict=False))
        if (seen := number_of(frame, kind)) != number
    ]
    if wrong:
        told = ", ".join(f"{at} ({file}): {seen} for {number}" for at, file, number, seen in wrong[:4])
        problems.append(f"{len(wrong)} other pictures: {told}")
    far = max(
        (
            (distance(frame, kind), kind.file)
            for (kind, _, _), frame in zip(expected, shown, strict=False)
            if kind.colours
        ),
        default=(0, ""),
    )
    if far[0] > COLOUR_BOUND:
        problems.append(f"colours off by {far[0]} ({far[1]})")
    if len(heard) // 2 != round(Fraction(len(shown) * 48000, FILM_RATE)):
        problems.append(f"{len(heard) // 2} samples for {len(shown)} pictures")
    for kind, begin, count, first in silences:
        problems += out_of_place(kind, heard, begin, count, first)
    return problems


def wanted(kind: Kind, item: dict[str, object]) -> tuple[list[int], int]:
    """Numbers of the pictures that a clip is to show, and the frame of its grid that is first."""
    count = pictures(kind)
    times = list(kind.times) or [Fraction(n) / kind.rate for n in range(count)]
    times = [at - times[kind.skips] for at in times[kind.skips :]]
    rate = Fraction(FILM_RATE)
    own = kind.rate if not kind.times else Fraction(len(times) - 1) / times[-1]
    length = math.floor((times[-1] + 1 / kind.rate) * rate + Fraction(1, 2))
    begin = item.get("in_frame")
    first = round(Fraction(int(str(begin))) / own * rate) if begin is not None else 0
    end = item.get("out_frame")
    last = min(length, round(Fraction(int(str(end))) / own * rate)) if end is not None else length
    grid = [math.floor(at * rate + Fraction(1, 2)) for at in times]
    numbers = [
        kind.skips + max((n for n, place in enumerate(grid) if place <= frame), default=0)
        for frame in range(first, last)
    ]
    return numbers, first


def decoded(tools: Tools, path: str) -> list[bytes]:
    """The film's pictures as packed RGB."""
    size = FILM_SIZE[0] * FILM_SIZE[1] * 3
    data = run(tools.ffmpeg, "-i", path, "-map", "0:v:0", "-vf", "scale=in_color_matrix=bt709:in_range=tv",
               "-f", "rawvideo", "-pix_fmt", "rgb24", "-")  # fmt: skip
    return [data[at : at + size] for at in range(0, len(data), size)]


def spot(frame: bytes, kind: Kind, mark: int, *, below: bool) -> tuple[int, int, int]:
    """The colour in the middle of a mark, where the picture lies in the film."""
    shape = kind.shape or Fraction(*kind.size)
    across, down = FILM_SIZE
    width, height = (across, across / shape) if shape >= Fraction(*FILM_SIZE) else (down * shape, down)
    x, y = (mark + 0.5) / BITS, 0.75 if below else 0.25
    turn = int(kind.file[1:-4]) if kind.file.startswith("r") and kind.file[1:-4].isdigit() else 0
    x, y = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[turn]
    column = round((across - float(width)) / 2 + x * float(width))
    line = round((down - float(height)) / 2 + y * float(height))
    at = (line * across + column) * 3
    return frame[at], frame[at + 1], frame[at + 2]


def number_of(frame: bytes, kind: Kind) -> int:
    """The number that a picture bears."""
    return sum((spot(frame, kind, bit, below=False)[1] > 128) << bit for bit in range(BITS))


def distance(frame: bytes, kind: Kind) -> int:
    """How far the colours of a picture are from those that went in, at most."""
    return max(
        abs(seen - meant)
        for mark, colour in enumerate(COLOURS)
        for seen, meant in zip(spot(frame, kind, mark, below=True), colour, strict=True)
    )


def out_of_place(kind: Kind, heard: bytes, begin: int, count: int, first: int) -> list[str]:
    """What is wrong with the clicks of one clip in a film's sound."""
    low, high = begin * 48000 // FILM_RATE, (begin + count) * 48000 // FILM_RATE
    part = heard[low * 2 : high * 2]
    values = struct.unpack(f"<{len(part) // 2}h", part)
    if not kind.sound:
        return [f"{kind.file}: sound where there is none"] if any(values) else []
    loud = max(map(abs, values), default=0)
    found: list[float] = []
    for at, value in enumerate(values):
        if abs(value) > loud * 0.4 and (not found or at / 48000 - found[-1] > 0.05):
            found.append(at / 48000)
    skipped = float(Fraction(kind.skips) / kind.rate + Fraction(first, FILM_RATE))
    meant = [
        at - skipped
        for n in range(1, 10)
        if skipped <= (at := float(CLICK_EVERY * n)) < skipped + count / FILM_RATE - 0.02
        and at < pictures(kind) / float(kind.rate) - 0.02
    ]
    found = [at for at in found if at < count / FILM_RATE - 0.02]
    if kind.times:
        meant = meant[: len(found)] if len(found) >= len(meant) else meant
        found = found[: len(meant)]
    if len(found) != len(meant):
        return [f"{kind.file}: {len(found)} clicks instead of {len(meant)}: {found} for {meant}"]
    off = max((abs(a - b) for a, b in zip(found, meant, strict=True)), default=0)
    return [f"{kind.file}: clicks off by {off * 1000:.2f} ms"] if off > kind.click_bound else []


if __name__ == "__main__":
    sys.exit(main())
