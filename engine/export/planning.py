"""From a run's snapshot to the plans of its files: what every clip really is, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from engine.errors import RushesError
from engine.export import codecs, naming, plan
from engine.export.measure import Measured, has_broken_clock
from engine.export.plan import Plan, Source
from engine.export.selection import Chosen, File
from engine.export.timeline import DEFAULT_RATE, Policy, Shot
from engine.media.facts import MediaFacts
from engine.names import display

STANDARD_RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60", "100", "120")
)
"""Rates that a camera with varying rate probably meant."""

SOUND_RATE = Fraction(1000)
"""Grid of a film without picture: milliseconds."""

_RATE_SLACK = Fraction(2, 100)
_TAIL_SECONDS = Fraction(1, 10)
_VARYING_TAIL_SECONDS = Fraction(1, 2)

_MATRICES = {
    "bt470bg": "bt470",
    "smpte170m": "smpte170m",
    "smpte240m": "smpte240m",
    "fcc": "fcc",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}
"""Colour matrices that are converted. An untagged file is taken as BT.709 and left as it is."""

_HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})


@dataclass(frozen=True)
class Facts:
    """A clip with what its files tell: one record per file of the clip, in order."""

    clip: Chosen
    measured: tuple[Measured, ...]

    @property
    def media(self) -> tuple[MediaFacts, ...]:
        """The facts alone."""
        return tuple(entry.media for entry in self.measured)


@dataclass(frozen=True)
class Output:
    """One file that a run makes.

    Attributes:
        clip_id: the clip, when there is one file per clip.
        stem: file name without extension and number.
        plan: how it is made.
        warnings: sentences about its clips.
    """

    clip_id: str | None
    stem: str
    plan: Plan
    warnings: tuple[str, ...] = ()


def size_problem(preset: Mapping[str, Any], size: tuple[int, int]) -> str | None:
    """Why a picture of this size cannot be encoded, as a sentence; None when it can. Pure."""
    video = preset["video"]
    if video is None:
        return None
    least = codecs.VIDEO[video["codec"]].least_size
    if size[0] >= least[0] and size[1] >= least[1]:
        return None
    return (
        f"{video['codec']} needs a picture of at least {least[0]}x{least[1]}; this one has "
        f"{size[0]}x{size[1]}. Choose another preset, or give the recipe a larger size."
    )


def problem_of(clip: Chosen, media: Sequence[MediaFacts], *, sound_only: bool) -> str | None:
    """Why a clip cannot be exported, as a sentence; None when it can. Pure."""
    shown = f"Clip {display(clip.title)}"
    for facts in media:
        if sound_only:
            if facts.audio is None:
                return f"{shown} has no sound."
        elif facts.video is None or facts.kind == "image":
            return f"{shown} has no moving picture."
        elif not facts.video.width or not facts.video.height:
            return f"{shown} does not tell the size of its picture."
        if not facts.duration_ms and not facts.frames:
            return f"{shown} has a length of zero."
    return None


def film_rate(spec: Mapping[str, Any], preset: Mapping[str, Any], first: MediaFacts | None) -> Fraction:
    """Frames per second of a film: the recipe's, else the preset's, else its first clip's."""
    if preset["video"] is None:
        return SOUND_RATE
    for given in (spec["fps"], preset["fps"]):
        if given:
            return Fraction(given)
    if first is None or first.video is None or not first.video.fps:
        return DEFAULT_RATE
    rate = first.video.fps
    nearest = min(STANDARD_RATES, key=lambda known: abs(known - rate))
    if abs(nearest - rate) <= nearest * (_RATE_SLACK if first.video.vfr else Fraction(1, 10_000)):
        return nearest
    return rate.limit_denominator(1001)


def film_size(
    spec: Mapping[str, Any], preset: Mapping[str, Any], first: MediaFacts | None
) -> tuple[int, int]:
    """Width and height of a film: the recipe's, else its first clip's, then made as small as the preset asks.

    Never enlarged by ``fit``; always even, as most pixel formats need.
    """
    if spec["width"]:
        size = (int(spec["width"]), int(spec["height"]))
    elif first is not None and first.video is not None:
        size = (int(first.video.width or 0), int(first.video.height or 0))
    else:
        size = (1920, 1080)
    if preset["scale"]:
        size = _scaled(size, preset["scale"])
    limit = preset["fit"]
    if limit and max(size) > limit:
        shrink = Fraction(limit, max(size))
        size = (round(size[0] * shrink), round(size[1] * shrink))
    return _even(size[0]), _even(size[1])


def _scaled(size: tuple[int, int], text: str) -> tuple[int, int]:
    width, height = (int(part) for part in text.split(":"))
    if width == -2:
        width = round(Fraction(size[0] * height, size[1]))
    if height == -2:
        height = round(Fraction(size[1] * width, size[0]))
    return width, height


def _even(value: int) -> int:
    return max(2, value // 2 * 2)


def source_of(clip: Chosen, file: File, found: Measured, rate: Fraction) -> Source:
    """What the plan keeps of one file. Pure."""
    facts = found.media
    video, audio = facts.video, facts.audio
    varying = video is not None and bool(video.vfr)
    slack = _VARYING_TAIL_SECONDS if varying else _TAIL_SECONDS
    return Source(
        clip_id=clip.clip_id,
        title=clip.title,
        asset_id=file.asset_id,
        identity=file.identity,
        size=file.size,
        width=(video.width or 0) if video else 0,
        height=(video.height or 0) if video else 0,
        fps=str(video.fps) if video and video.fps else None,
        start=_start(facts, rate),
        tail=max(2, math.ceil(slack * rate)),
        interlaced=video is not None and video.interlaced,
        full_range=video is not None
        and (video.color_range in ("pc", "jpeg") or (video.pix_fmt or "").startswith("yuvj")),
        matrix=_MATRICES.get((video.color_space or "") if video else "", "bt709"),
        channels=(audio.channels or 0) if audio else 0,
        tracks=audio.tracks if audio else 0,
        sound_shift=found.sound_shift,
        deep_seek=has_broken_clock(facts),
    )


def _start(facts: MediaFacts, rate: Fraction) -> int:
    if not facts.start_frame or facts.video is None or not facts.video.fps:
        return 0
    return round(facts.start_frame / facts.video.fps * rate)


def length_of(facts: MediaFacts, rate: Fraction) -> int:
    """A file's length in frames of ``rate``: to the nearest, as the rate conversion gives; at least 1."""
    video = facts.video
    if video is not None and facts.frames and video.fps and not video.vfr:
        seconds = facts.frames / video.fps
    else:
        seconds = Fraction(facts.duration_ms or 0, 1000)
    return max(1, math.floor(seconds * rate + Fraction(1, 2)))


def shots_of(facts: Facts, sources: Sequence[Source], first: int, rate: Fraction) -> list[Shot]:
    """The shots of one clip, between its in and out point. Pure.

    Args:
        facts: the clip.
        sources: one per file of it.
        first: index of the first of them in the plan.
        rate: frames per second of the film.

    Returns:
        one shot per file that has frames in the range; none when the range is empty.
    """
    own = next((media.video.fps for media in facts.media if media.video and media.video.fps), rate)
    begin = round(Fraction(facts.clip.in_frame or 0) / own * rate)
    end = None if facts.clip.out_frame is None else round(Fraction(facts.clip.out_frame) / own * rate)
    shots = []
    at = 0
    for index, (source, media) in enumerate(zip(sources, facts.media, strict=True)):
        length = length_of(media, rate)
        low = max(begin, at) - at
        high = length if end is None else min(end - at, length)
        if high > low:
            shots.append(Shot(first + index, source.start + low, high - low))
        at += length
    return shots


def joined(
    clips: Sequence[Facts],
    spec: Mapping[str, Any],
    preset: Mapping[str, Any],
    tags: Mapping[str, str],
    build: str,
) -> Output:
    """Plan one film of all clips. Pure.

    Args:
        clips: usable clips, in order; at least one.
        spec: a checked recipe spec.
        preset: a checked preset body, encoders resolved.
        tags: values of name tokens: ``recipe``, ``preset``, ``date``, ``time``; ``lut`` is the table's hash.
        build: the ffmpeg that will be used.

    Raises:
        RushesError: no frame is left between the in and out points.
    """
    rate = film_rate(spec, preset, clips[0].media[0])
    audio = preset["audio"]
    channels = (audio["channels"] or 2) if audio else 0
    made = _plan(clips, spec, preset, tags, build, rate, channels, spec["timecode"])
    stem = _stem(spec["template"] or naming.JOINED_TEMPLATE, clips[0], made, tags, 1)
    return Output(None, stem, made, _warnings(clips))


def per_clip(
    facts: Facts,
    number: int,
    spec: Mapping[str, Any],
    preset: Mapping[str, Any],
    tags: Mapping[str, str],
    build: str,
) -> Output:
    """Plan the file of one clip; ``number`` is its place in the run, from 1. As :func:`joined`.

    It has the clip's own size, rate, channels and timecode, and no sound when the clip has none.
    """
    media = facts.media[0]
    rate = film_rate(spec, preset, media)
    sounds = [found.audio for found in facts.media if found.audio]
    channels = 0
    if preset["audio"] and sounds:
        own = 1 if sounds[0].channels == 1 and sounds[0].tracks == 1 else 2
        channels = preset["audio"]["channels"] or own
    same_rate = media.video is not None and media.video.fps == rate
    timecode = media.timecode if same_rate and not facts.clip.in_frame else None
    made = _plan([facts], spec, preset, tags, build, rate, channels, timecode)
    stem = _stem(spec["template"] or naming.PER_CLIP_TEMPLATE, facts, made, tags, number)
    return Output(facts.clip.clip_id, stem, made, _warnings([facts]))


def _plan(
    clips: Sequence[Facts],
    spec: Mapping[str, Any],
    preset: Mapping[str, Any],
    tags: Mapping[str, str],
    build: str,
    rate: Fraction,
    channels: int,
    timecode: str | None,
) -> Plan:
    sources: list[Source] = []
    shots: list[Shot] = []
    for facts in clips:
        own = [
            source_of(facts.clip, file, found, rate)
            for file, found in zip(facts.clip.files, facts.measured, strict=True)
        ]
        shots += shots_of(facts, own, len(sources), rate)
        sources += own
    if not shots:
        raise RushesError("No frame is left between the in and out points of the recipe.")
    video = preset["video"]
    size = film_size(spec, preset, clips[0].media[0])
    problem = size_problem(preset, size)
    if problem is not None:
        raise RushesError(problem)
    crossfade = (
        round(Fraction(spec["transition_ms"], 1000) * rate) if spec["transition"] == "crossfade" else 0
    )
    look: dict[str, Any] = {}
    if tags.get("lut"):
        look["lut"] = tags["lut"]
    if spec["loudness"] is not None:
        look["loudness"] = spec["loudness"]
    return plan.make(
        sources,
        shots,
        rate=rate,
        size=size,
        preset=preset,
        build=build,
        channels=channels,
        title=tags["recipe"] if len(clips) > 1 else clips[0].clip.title,
        crossfade=crossfade,
        look=look,
        timecode=usable_timecode(timecode, rate, preset["container"]),
        policy=_policy(spec, video["codec"]) if video else None,
    )


def _policy(spec: Mapping[str, Any], codec: str) -> Policy:
    policy = plan.policy_for(codecs.VIDEO[codec], single=spec["single"])
    return replace(policy, target_seconds=spec["segment_seconds"])


def usable_timecode(text: str | None, rate: Fraction, container: str) -> str | None:
    """``text`` when a file of this rate and container can carry it, else None. Pure."""
    if text is None or container not in ("mov", "mp4", "mxf"):
        return None
    if ";" in text and rate not in (Fraction(30000, 1001), Fraction(60000, 1001)):
        return None
    whole = math.ceil(rate)
    parts = text.replace(";", ":").split(":")
    if len(parts) != 4 or not all(part.isdigit() for part in parts) or int(parts[3]) >= whole:
        return None
    return text


def _stem(template: str, first: Facts, made: Plan, tags: Mapping[str, str], number: int) -> str:
    video = made.video
    rate = float(made.fps)
    return naming.fill(
        template,
        {
            **tags,
            "clip": naming.stem_of(first.clip.title),
            "reel": first.clip.reel,
            "camera": first.clip.camera,
            "recorded": first.clip.recorded_at[:10],
            "width": str(made.width),
            "height": str(made.height),
            "fps": f"{rate:.3f}".rstrip("0").rstrip("."),
            "codec": video["codec"] if video else str((made.audio or {}).get("codec", "")),
            "counter": f"{number:03}",
        },
    )


def _warnings(clips: Sequence[Facts]) -> tuple[str, ...]:
    found: list[str] = []
    for facts in clips:
        for media in facts.media:
            # Other warnings of the probe were shown when the clip was taken in.
            found += [warning for warning in media.warnings if warning.startswith("Clip ")]
        video = facts.media[0].video
        if video is not None and video.color_transfer in _HDR_TRANSFERS:
            found.append(
                f"Clip {display(facts.clip.title)} is HDR ({video.color_transfer}); its colours are not "
                "converted to the film's."
            )
    return tuple(found)


def examine(
    clips: Sequence[Chosen],
    facts_of: Callable[[File, str], Measured],
    *,
    sound_only: bool,
    check: Callable[[], None],
) -> tuple[list[Facts], dict[str, str]]:
    """Find out what every clip is.

    Args:
        clips: in order.
        facts_of: gives the facts of a file (of the clip with that title), or raises a RushesError.
        sound_only: the preset has no picture.
        check: raises when the work must stop; called once per clip.

    Returns:
        the usable clips, and for the others (by clip id) a sentence that says why not.
    """
    usable: list[Facts] = []
    problems: dict[str, str] = {}
    for clip in clips:
        check()
        try:
            found = tuple(facts_of(file, clip.title) for file in clip.files)
        except RushesError as error:
            problems[clip.clip_id] = str(error)
            continue
        facts = Facts(clip, found)
        problem = problem_of(clip, facts.media, sound_only=sound_only)
        if problem is None:
            usable.append(facts)
        else:
            problems[clip.clip_id] = problem
    return usable, problems
