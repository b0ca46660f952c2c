"""What a recipe would come to now: clips, length, size, disk need, names, and the command that will run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from engine.api.forms import Fact
from engine.errors import Refused, RushesError
from engine.export import codecs, graph, orders, planning, presets
from engine.export.measure import Measured
from engine.export.plan import Plan
from engine.export.planning import Facts
from engine.export.selection import Chosen, available, select
from engine.library import Library
from engine.media import ffmpeg
from engine.media.tools import Tools, find_tools
from engine.names import display
from engine.storage import config

NAMES_SHOWN = 3
"""File names that a preview lists."""

_RATES: dict[str, float] = {
    "libx264": 0.10,
    "libx265": 0.06,
    "vp9": 0.06,
    "av1": 0.05,
    "mjpeg": 0.9,
    "mpeg2video": 0.3,
    "cfhd": 2.5,
}
"""Bits per pixel and frame of codecs whose size depends on the picture, at the usual quality: a guess."""

_PRORES_RATES = {"0": 0.73, "1": 1.64, "2": 2.36, "3": 3.54, "4": 5.3, "5": 8.0}
_DNXHR_RATES = {"dnxhr_lb": 0.73, "dnxhr_sq": 2.33, "dnxhr_hq": 3.54, "dnxhr_hqx": 3.54, "dnxhr_444": 7.07}
"""Bits per pixel of profiles with a fixed rate: what the makers tell for 1920x1080 at 30."""

_SOUND_RATES = {"pcm_s16le": 768_000, "pcm_s24le": 1_152_000, "flac": 600_000}
"""Bits per second and channel at 48 kHz; other codecs take their bitrate."""

_CRF_HALVES = 6
"""Steps of crf that halve the size of x264 and x265, by their documentation."""

_CRF_USUAL = {"libx264": 20, "libx265": 22, "vp9": 32, "av1": 32}


def of(library: Library, name: str, spec: Mapping[str, Any]) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """What a checked spec comes to, line by line, and the ffmpeg command of its first part. Any thread.

    Raises:
        RushesError: the preset is gone, or there is no ffmpeg.
    """
    db, tools = library.db(), find_tools()
    store = config.open_config()
    try:
        preset = presets.get(store, spec["preset"])
    finally:
        store.close()
    body, _ = orders.resolved(tools, preset)
    kinds = ("video",) if body["video"] is not None else ("video", "audio")
    clips, missing = select(db, spec, kinds)
    here = [clip for clip in clips if orders.is_online(db, clip)]
    facts = [_count(spec, clips, here), *(Fact("", sentence, "warn") for sentence in missing)]
    known = [found for found in map(_known, here) if found is not None]
    if not known:
        return tuple(facts), ()
    tags = _tags(name, preset.name)
    try:
        plans = _plans(known, spec, body, tags, tools)
    except RushesError as error:
        return (*facts, Fact("", str(error), "warn")), ()
    frames = sum(plan.frames_total for _, plan in plans)
    milliseconds = sum(plan.duration_ms for _, plan in plans)
    size = sum(estimate(plan) for _, plan in plans)
    first = plans[0][1]
    shape = (
        f"{first.width}x{first.height}, {float(first.fps):.6g} frames per second"
        if first.video
        else "sound only"
    )
    facts += [
        Fact("Length", f"{_clock(milliseconds)}, {frames:,} frames" if first.video else _clock(milliseconds)),
        Fact("Shape", shape + ("" if len(plans) == 1 else ", each clip its own")),
        Fact("Size", f"about {_bytes(size)}"),
        *_room(library, spec, size),
        *(Fact("Makes" if at == 0 else "", f"{stem}.{plan.container}") for at, (stem, plan) in _first(plans)),
    ]
    if len(plans) > NAMES_SHOWN:
        facts.append(Fact("", f"and {len(plans) - NAMES_SHOWN:,} more files"))
    return tuple(facts), _command(library, tools, first)


def _first(plans: Sequence[tuple[str, Plan]]) -> list[tuple[int, tuple[str, Plan]]]:
    return list(enumerate(plans[:NAMES_SHOWN]))


def _count(spec: Mapping[str, Any], clips: Sequence[Chosen], here: Sequence[Chosen]) -> Fact:
    away = len(clips) - len(here)
    if not clips:
        return Fact("Clips", "none fits; there is nothing to export now", "warn")
    text = f"{len(clips):,}"
    if away:
        refused = spec["offline"] == "refuse"
        text += f", {away:,} of them away: " + ("the export is refused" if refused else "left out")
    return Fact("Clips", text, "warn" if away else "")


def _known(clip: Chosen) -> Facts | None:
    """A clip by what the catalogue knows of it; None when it was never looked at."""
    found = [file.media for file in clip.files]
    if not found or any(media is None for media in found):
        return None
    return Facts(clip, tuple(Measured(media) for media in found if media is not None))


def _tags(name: str, preset: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "recipe": name,
        "preset": preset,
        "date": now.strftime("%Y-%m-%d"),
        "time": now.strftime("%H%M%S"),
        "lut": "",
    }


def _plans(
    known: Sequence[Facts], spec: Mapping[str, Any], body: dict[str, Any], tags: dict[str, str], tools: Tools
) -> list[tuple[str, Plan]]:
    sound_only = body["video"] is None
    usable = [
        facts
        for facts in known
        if planning.problem_of(facts.clip, facts.media, sound_only=sound_only) is None
    ]
    if not usable:
        raise Refused("None of these clips has what the preset needs.")
    if spec["layout"] == "joined":
        made = planning.joined(usable, spec, body, tags, tools.build)
        return [(made.stem, made.plan)]
    outputs = [
        planning.per_clip(facts, number, spec, body, tags, tools.build)
        for number, facts in enumerate(usable, 1)
    ]
    return [(output.stem, output.plan) for output in outputs]


def estimate(plan: Plan) -> int:
    """About how many bytes a file will have; where the picture decides, a guess to a factor of two. Pure."""
    seconds = Fraction(plan.duration_ms, 1000)
    bits = float(seconds) * (_video_rate(plan) + _audio_rate(plan))
    return round(bits / 8)


def _video_rate(plan: Plan) -> float:
    video = plan.video
    if video is None:
        return 0.0
    if video.get("bitrate"):
        return _bits(str(video["bitrate"]))
    name, profile = video["codec"], str(video.get("profile"))
    per_pixel = _PRORES_RATES.get(profile) or _DNXHR_RATES.get(profile) or _RATES.get(name, 0.1)
    if video.get("crf") is not None and name in _CRF_USUAL:
        per_pixel *= 2 ** ((_CRF_USUAL[name] - int(video["crf"])) / _CRF_HALVES)
    return per_pixel * plan.width * plan.height * float(plan.fps)


def _audio_rate(plan: Plan) -> float:
    audio = plan.audio
    if audio is None or not plan.channels:
        return 0.0
    if audio.get("bitrate"):
        return _bits(str(audio["bitrate"]))
    return float(_SOUND_RATES.get(audio["codec"], 64_000) * plan.channels)


def _bits(text: str) -> float:
    factor = {"k": 1e3, "M": 1e6}.get(text[-1], 1.0)
    return float(text.rstrip("kM")) * factor


def _room(library: Library, spec: Mapping[str, Any], size: int) -> list[Fact]:
    """Where the bytes go, and whether there is room: segments beside the library, the film at its folder."""
    destination = spec["destination"] or str(library.cache_root / "exports")
    work = str(library.cache_root)
    lines = []
    for label, folder, need in (("Needs", destination, size), ("Segments", work, size)):
        free = _free(folder)
        if free is None:
            continue
        short = free < need
        text = f"about {_bytes(need)} of {_bytes(free)} free at {display(folder)}"
        lines.append(Fact(label, text, "bad" if short else ""))
    return lines


def _free(folder: str) -> int | None:
    while not os.path.isdir(folder) and folder != "/":
        folder = os.path.dirname(folder)
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _command(library: Library, tools: Tools, plan: Plan) -> tuple[str, ...]:
    """The command that renders the film's first segment, with the paths that it opens now."""
    if not plan.segments:
        return (
            tools.ffmpeg,
            "...",
            *(codecs.audio_arguments(plan.audio) if plan.audio else ()),
            *codecs.muxer_arguments(plan.container, faststart=False, tag=None),
        )
    segment = plan.segments[0]
    paths = []
    for part in graph.parts_of(segment.pieces):
        found = available(library.db(), plan.sources[part.source].asset_id)
        paths.append(ffmpeg.file_url(found.path) if found else "?")
    if plan.look.get("lut") == "":
        plan = replace(plan, look={})
    target = f"file:00000.{plan.segment_format}"
    return (tools.ffmpeg, *graph.segment_arguments(plan, segment, paths, target))


def _clock(milliseconds: int) -> str:
    whole = round(milliseconds / 1000)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _bytes(count: int) -> str:
    value, units = float(count), ("B", "KiB", "MiB", "GiB", "TiB")
    for unit in units:
        if value < 1000 or unit == units[-1]:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError
