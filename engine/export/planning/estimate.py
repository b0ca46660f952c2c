"""How much room an export will take, before it starts: an upper bound from settings and lengths. Pure.

Editing codecs have rates that hardly depend on the picture; a bitrate is what
it says. A constant quality has no bound but the picture itself: there the
numbers are what noisy footage comes to, so that a refusal is rather too early
than a disk full at night. The setting ``export.space`` turns it into a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.export.planning.graph import AUDIO_SAMPLE_BYTES
from engine.export.planning.planning import length_of
from engine.export.planning.selection import Chosen
from engine.export.planning.shape import film_rate, film_size
from engine.export.planning.timeline import SAMPLE_RATE
from engine.export.recipes import codecs

_PIXELS = 1920 * 1080

_FIXED: dict[str, dict[str, float]] = {
    # Measured at 1920x1080, 23.976: DNxHR frames have a fixed size.
    "dnxhd": {
        profile: rate * 1e6 / (_PIXELS * 24000 / 1001)
        for profile, rate in {
            "dnxhr_lb": 36, "dnxhr_sq": 116, "dnxhr_hq": 176, "dnxhr_hqx": 176, "dnxhr_444": 352,
        }.items()
    },
}  # fmt: skip
"""Bits per pixel of codecs that hold a rate, by profile."""

_BLOCK = 256
_PRORES_BLOCKS = (1620, 2700, 6075)
_PRORES: dict[str, tuple[int, int, int, int]] = {
    "0": (300, 242, 220, 194),
    "1": (720, 560, 490, 440),
    "2": (1050, 808, 710, 632),
    "3": (1566, 1216, 1070, 950),
    "4": (2350, 1828, 1600, 1425),
    "5": (3525, 2742, 2400, 2137),
}
"""Bits per block of 16x16 pixels that ffmpeg's prores_ks aims at, by profile, for pictures of up to
:data:`_PRORES_BLOCKS` blocks and larger ones. At 1920x1080 they are Apple's target rates."""

_QUALITY: dict[str, tuple[float, int, float]] = {
    "libx264": (0.35, 20, 6.0),
    "libx265": (0.25, 22, 6.0),
    "vp9": (0.25, 31, 9.0),
    "av1": (0.18, 32, 9.0),
    "mjpeg": (3.0, 3, 8.0),
    "mpeg2video": (1.2, 4, 6.0),
}
"""Bits per pixel at a quality value, that value, and by how much it must rise to halve them."""

_INTRA_BITS = 5.0
"""Bits per pixel of an intra codec without fixed rates (CineForm at its default quality)."""

_SLACK = 1.1
"""What rates are exceeded by at most, on difficult pictures."""

_CONTAINER = 1.01
_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class Estimate:
    """Bytes at most: rendered ``parts`` in the library's caches, finished ``films`` at the destination."""

    parts: int
    films: int

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.parts + other.parts, self.films + other.films)


def of_clips(clips: Sequence[Chosen], spec: Mapping[str, Any], preset: Mapping[str, Any]) -> Estimate:
    """What exporting these clips takes.

    Args:
        clips: as selected; of a file whose facts are not known, its own size is counted.
        spec: a checked recipe spec.
        preset: a checked preset body.
    """
    if spec["layout"] == "per-clip":
        return sum((_of([clip], spec, preset) for clip in clips), Estimate(0, 0))
    return _of(clips, spec, preset)


def _of(clips: Sequence[Chosen], spec: Mapping[str, Any], preset: Mapping[str, Any]) -> Estimate:
    first = next((file.media for clip in clips for file in clip.files if file.media is not None), None)
    rate = film_rate(spec, preset, first)
    seconds, unknown = Fraction(0), 0
    for clip in clips:
        own, blind = _seconds(clip, rate)
        seconds += own
        unknown += blind
    video = 0
    if preset["video"] is not None:
        size = film_size(spec, preset, first)
        video = round(bits_per_second(preset["video"], size, rate) * seconds / 8)
    sound, raw = 0, 0
    if preset["audio"] is not None:
        channels = preset["audio"]["channels"] or 2
        raw = round(seconds * SAMPLE_RATE * channels * AUDIO_SAMPLE_BYTES)
        sound = round(_sound_bits(preset["audio"], channels) * seconds / 8)
    return Estimate(
        round(video * _CONTAINER) + raw + unknown + _HEADER_BYTES,
        round((video + sound) * _CONTAINER) + unknown + _HEADER_BYTES,
    )


def _seconds(clip: Chosen, rate: Fraction) -> tuple[Fraction, int]:
    """Length of a clip between its points, and the bytes of files whose length is not known."""
    frames, unknown = 0, 0
    own = rate
    for file in clip.files:
        if file.media is None:
            unknown += file.size
            continue
        frames += length_of(file.media, rate)
        if file.media.video is not None and file.media.video.fps:
            own = file.media.video.fps
    total = frames / rate
    begin = Fraction(clip.in_frame or 0) / own
    end = total if clip.out_frame is None else min(total, Fraction(clip.out_frame) / own)
    return max(Fraction(0), end - begin), unknown


def bits_per_second(video: Mapping[str, Any], size: tuple[int, int], rate: Fraction) -> float:
    """Bits per second of a picture at most.

    Args:
        video: the ``video`` part of a checked preset.
        size: width and height in pixels.
        rate: frames per second.
    """
    if video.get("bitrate"):
        return _rate_of(video["bitrate"]) * _SLACK
    pixels = size[0] * size[1] * float(rate)
    codec = str(video["codec"])
    if codec == "prores_ks":
        return _prores(str(video.get("profile")), size) * pixels * _SLACK
    fixed = _FIXED.get(codec)
    if fixed is not None:
        return fixed.get(str(video.get("profile")), max(fixed.values())) * pixels * _SLACK
    if codec in _QUALITY:
        bits, at, half = _QUALITY[codec]
        quality = video.get("crf")
        return (
            min(raw_bits(video), bits * 2 ** ((at - (at if quality is None else float(quality))) / half))
            * pixels
        )
    if codec == "ffv1":
        return raw_bits(video) * pixels  # lossless: noise does not compress
    return _INTRA_BITS * pixels * _SLACK


def _prores(profile: str, size: tuple[int, int]) -> float:
    """Bits per pixel. Alpha is not part of the codec's target; an opaque one takes next to nothing."""
    blocks = -(-size[0] // 16) * -(-size[1] // 16)
    column = sum(blocks > limit for limit in _PRORES_BLOCKS)
    return _PRORES.get(profile, _PRORES["5"])[column] / _BLOCK


def raw_bits(video: Mapping[str, Any]) -> float:
    """Bits per pixel of a preset's pixel format, uncompressed."""
    name = codecs.pix_fmt(video)
    depth = 10 if "10" in name else 12 if "12" in name else 16 if "16" in name else 8
    planes = 1.5 if "420" in name else 2.0 if "422" in name else 4.0 if name.startswith("yuva") else 3.0
    return depth * planes


def _sound_bits(audio: Mapping[str, Any], channels: int) -> float:
    if audio.get("bitrate"):
        return _rate_of(audio["bitrate"]) * _SLACK
    depth = 24 if "24" in str(audio["codec"]) else 16
    return float((audio.get("sample_rate") or SAMPLE_RATE) * channels * depth)


def _rate_of(text: Any) -> float:
    """``50M`` or ``192k`` in bits per second."""
    word = str(text).strip()
    scale = {"k": 1e3, "m": 1e6, "g": 1e9}.get(word[-1:].lower())
    return float(word[:-1]) * scale if scale else float(word)
