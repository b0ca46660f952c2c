"""What this ffmpeg can really do with a preset, found out before anything is queued.

First what can be told by tables (levels, sizes, channels), in sentences of our
own; then the preset's own arguments are tried on two pictures of the film's size.
A listed encoder may still be missing its hardware, its library or its licence.
"""

from __future__ import annotations

import functools
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.export.planning import graph, shape
from engine.export.planning.selection import Chosen
from engine.export.recipes import codecs, dnxhd, hardware, levels
from engine.media import child, ffmpeg
from engine.media.tools import Tools, encoder_trouble, has_filter
from engine.names import display

_TRIAL_SECONDS = 60.0
"""AV1 at 8K takes seconds for its first picture; one that takes a minute is of no use here."""

_MOST_TRIALS = 3
"""Sizes of a run that are really tried, the largest ones; tables judge all of them."""


@dataclass(frozen=True)
class Card:
    """An encoder of a graphics card: whether it works here, and if not, why."""

    encoder: str
    codec: str
    maker: str
    works: bool
    why: str | None


def cards(tools: Tools) -> list[Card]:
    """All encoders of graphics cards that are known, each really tried on one picture. May take seconds."""
    found = []
    for name, card in hardware.ENCODERS.items():
        why = encoder_trouble(tools, name)
        found.append(Card(name, card.codec, card.maker, why is None, why))
    return found


def film_shapes(
    spec: Mapping[str, Any], body: Mapping[str, Any], clips: Sequence[Chosen]
) -> list[tuple[tuple[int, int], Fraction]]:
    """Sizes and rates of a recipe's pictures, each once, as far as its clips were looked at before."""
    if body["video"] is None:
        return []
    firsts = [clip.files[0].media for clip in clips if clip.files]
    looked = [facts for facts in firsts if facts is not None and facts.video is not None]
    if spec["layout"] != "per-clip":
        looked = looked[:1] if firsts and firsts[0] is not None else []
    shapes = [(shape.film_size(spec, body, facts), shape.film_rate(spec, body, facts)) for facts in looked]
    return list(dict.fromkeys(shapes))


def problems(
    tools: Tools,
    name: str,
    body: Mapping[str, Any],
    shapes: Sequence[tuple[tuple[int, int], Fraction]] = (),
) -> list[str]:
    """Why films with this preset cannot be made here, as sentences; none when they can.

    Args:
        tools: the tools.
        name: of the preset, for the sentences.
        body: checked, encoders resolved.
        shapes: sizes and rates that are wanted; without any the preset is tried on a size of its own.
    """
    found = [sentence for size, rate in shapes if (sentence := fitting_problem(body, size, rate))]
    if found:
        return list(dict.fromkeys(found))
    largest = sorted(shapes, reverse=True)[:_MOST_TRIALS] or [_usual(body)]
    for size, rate in largest:
        sentence = _tried(tools, json.dumps(body, sort_keys=True), size, rate)
        if sentence is not None:
            found.append(f"Preset {display(name)} does not work with this ffmpeg: {sentence}")
    return list(dict.fromkeys(found))


def looks_problems(tools: Tools, spec: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """What a recipe asks for beyond its preset and this ffmpeg lacks, as sentences."""
    wanted = []
    if body["video"] is not None:
        if spec["burn_in"] or spec["title"] or body.get("burn_in"):
            wanted.append(("drawtext", "words in the picture"))
        if spec["hdr"] == "tonemap":
            wanted += [("zscale", "tone mapping"), ("tonemap", "tone mapping")]
        if spec["lut"]:
            wanted.append(("lut3d", "a colour table"))
    if spec["verify"] == "quality":
        metric = "libvmaf" if spec["quality_metric"] == "vmaf" else str(spec["quality_metric"])
        wanted.append((metric, f"quality by {spec['quality_metric']}"))
    return [
        f"This ffmpeg ({tools.version}) lacks the filter {name}, so {what} is not possible. "
        "Take it out of the recipe, or install a fuller ffmpeg."
        for name, what in wanted
        if not has_filter(tools, name)
    ]


def fitting_problem(body: Mapping[str, Any], size: tuple[int, int], rate: Fraction) -> str | None:
    """Why a picture of this size and rate does not fit a preset, as a sentence; None when it does. Pure."""
    video = body["video"]
    if video is None:
        return None
    sentence = shape.size_problem(body, size, rate)
    if sentence is not None:
        return sentence
    level = video.get("level")
    if level is None:
        return None
    level = levels.plain(str(level))
    width, height = size
    if video["codec"] == "libx264":
        table, unit = levels.H264, -(-width // 16) * -(-height // 16)
    elif video["codec"] == "libx265":
        table, unit = levels.HEVC, width * height
    else:
        return None
    most, per_second = table.get(level, (0, 0))
    if unit <= most and unit * rate <= per_second:
        return None
    least = next((name for name, (a, b) in table.items() if unit <= a and unit * rate <= b), None)
    return (
        f"Level {level} is too low for {width}x{height} at {float(rate):.5g}: "
        + (f"it takes level {least}" if least else "no level holds that")
        + ". Leave the level out, or make the picture smaller."
    )


def _usual(body: Mapping[str, Any]) -> tuple[tuple[int, int], Fraction]:
    """A size that every codec takes."""
    if body["video"] is not None and dnxhd.asked_for(body["video"]):
        return (1920, 1080), Fraction(25)
    return (640, 360), Fraction(25)


@functools.lru_cache(maxsize=256)
def _tried(tools: Tools, text: str, size: tuple[int, int], rate: Fraction) -> str | None:
    """Encode two pictures and a little sound as the preset says. Returns what went wrong."""
    body = json.loads(text)
    video, audio = body["video"], body["audio"]
    args = [tools.ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-xerror"]
    outputs: list[str] = []
    if video is not None:
        card = hardware.ENCODERS.get(codecs.encoder_of(video))
        args += card.before if card else ()
        args += ["-f", "lavfi", "-i", f"color=size={size[0]}x{size[1]}:rate={rate}"]
        chain = [body["filters"]] if body.get("filters") else []
        chain += [f"format={codecs.pix_fmt(video)}"] if not (card and card.upload) else [card.upload]
        outputs += ["-vf", ",".join(chain), "-frames:v", "2", *codecs.video_arguments(video, rate, size)]
    if audio is not None:
        layout = graph.LAYOUTS[audio["channels"] or 2]
        args += ["-f", "lavfi", "-i", f"anullsrc=r=48000:cl={layout}"]
        outputs += ["-t", "0.1", *codecs.audio_arguments(audio)]
    tag = codecs.VIDEO[video["codec"]].tag if video else None
    muxer = codecs.muxer_arguments(body["container"], faststart=False, tag=tag)
    with tempfile.TemporaryDirectory(prefix="rushes-trial-") as folder:
        target = ffmpeg.file_url(os.path.join(folder, "trial"))
        ran = child.run([*args, *outputs, *muxer, "-y", target], seconds=_TRIAL_SECONDS)
    if ran.timed_out:
        return f"two pictures were not encoded in {_TRIAL_SECONDS:.0f} s."
    if ran.code == 0:
        return None
    return reason(ran.err_text)


def reason(text: str) -> str:
    """The first line of ffmpeg's messages that tells a cause; the last ones never do."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[0] if lines else "it fails without a word"
    # "[libx264 @ 0x5581] height not divisible by 2": the address means nothing to anybody.
    line = re.sub(r"\[([^\]@]+) @ 0x[0-9a-f]+\] ?", r"\1: ", line)
    return display(line.rstrip(".")) + "."
