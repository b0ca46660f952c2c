"""From a run's snapshot to the plans of its files: what every clip really is, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from engine.errors import RushesError
from engine.export.planning import plan, shape
from engine.export.planning.manner import PLAIN, Manner
from engine.export.planning.measure import Measured, begins_of, has_broken_clock
from engine.export.planning.plan import Plan, Source
from engine.export.planning.selection import Chosen, File
from engine.export.planning.timeline import DEFAULT_RATE, SAMPLE_RATE, Policy, Shot
from engine.export.recipes import codecs, naming, timecode
from engine.media.facts import MediaFacts
from engine.names import display

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


def problem_of(
    clip: Chosen, media: Sequence[MediaFacts], *, sound_only: bool, hdr: str = "flag"
) -> str | None:
    """Why a clip cannot be exported, as a sentence; None when it can. ``hdr`` is the recipe's word. Pure."""
    shown = f"Clip {display(clip.title)}"
    for facts in media:
        if hdr == "refuse" and not sound_only and facts.video is not None and shape.hdr_transfer(facts):
            return f"{shown} is HDR ({facts.video.color_transfer}), which this recipe refuses."
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


def source_of(clip: Chosen, file: File, found: Measured, rate: Fraction, manner: Manner = PLAIN) -> Source:
    """What the plan keeps of one file. Pure."""
    facts = found.media
    video, audio = facts.video, facts.audio
    varying = video is not None and bool(video.vfr)
    slack = _VARYING_TAIL_SECONDS if varying else _TAIL_SECONDS
    start, clock = _set(found, rate)
    return Source(
        clip_id=clip.clip_id,
        title=clip.title,
        asset_id=file.asset_id,
        identity=file.identity,
        size=file.size,
        width=(video.width or 0) if video else 0,
        height=(video.height or 0) if video else 0,
        fps=str(video.fps) if video and video.fps else None,
        start=start,
        tail=max(2, math.ceil(slack * rate)),
        interlaced=video is not None and video.interlaced,
        full_range=video is not None
        and (video.color_range in ("pc", "jpeg") or (video.pix_fmt or "").startswith("yuvj")),
        matrix=_MATRICES.get((video.color_space or "") if video else "", "bt709"),
        channels=(audio.channels or 0) if audio else 0,
        tracks=audio.tracks if audio else 0,
        sound_shift=found.sound_shift,
        deep_seek=has_broken_clock(facts),
        even_tracks=audio is None or (audio.channels or 0) * audio.tracks == audio.total_channels,
        words=manner.words_of(clip),
        timecode=manner.timecode_of(facts, rate),
        hdr=shape.hdr_transfer(facts) if manner.tonemap else None,
        form=facts.container,
        clock=clock,
    )


def _set(found: Measured, rate: Fraction) -> tuple[int, int]:
    """The grid frame of a file's first picture, and the microseconds that set its clock so.

    Pictures halfway between two frames would fall to either, by the rounding of
    their time stamps; and sound is cut at frames. So the first picture is laid on
    one. What has no time is taken by ffmpeg for the first moments of the file:
    the others come after them.
    """
    begins = begins_of(found.media)
    start = math.floor((begins + found.timeless) * rate + Fraction(1, 2))
    return start, round((start / rate - begins) * 1_000_000)


def length_of(facts: MediaFacts, rate: Fraction) -> int:
    """A file's length in frames of ``rate``: to the nearest, as the rate conversion gives; at least 1."""
    video = facts.video
    told = Fraction(facts.duration_ms or 0, 1000)
    seconds = told
    if video is not None and facts.frames and video.fps and not video.vfr:
        seconds = facts.frames / video.fps
        if told and seconds - told > Fraction(1, 2) / video.fps:
            seconds = told  # an edit list hides pictures that the file holds and counts
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
    manner: Manner | None = None,
) -> Output:
    """Plan one film of all clips. Pure.

    Args:
        clips: usable clips, in order; at least one.
        spec: a checked recipe spec.
        preset: a checked preset body, encoders resolved.
        tags: values of name tokens: ``recipe``, ``preset``, ``date``, ``time``; ``lut``, ``font`` are files'
            hashes.
        build: the ffmpeg that will be used.
        manner: what recipe and preset say about looks; None reads them.

    Raises:
        RushesError: no frame is left between the in and out points.
    """
    rate = shape.film_rate(spec, preset, clips[0].media[0])
    if spec["timecode"] is not None and preset["video"] is not None:
        problem = timecode.problem(spec["timecode"], rate)
        if problem is not None:  # clips of which nothing was known when the run was queued
            raise RushesError(problem)
    audio = preset["audio"]
    channels = (audio["channels"] or 2) if audio else 0
    made = _plan(clips, spec, preset, tags, build, rate, channels, spec["timecode"], manner)
    stem = _stem(
        spec["template"] or preset.get("template") or naming.JOINED_TEMPLATE, clips[0], made, tags, 1
    )
    return Output(None, stem, made, _warnings(clips, tonemap=spec["hdr"] == "tonemap"))


def per_clip(
    facts: Facts,
    number: int,
    spec: Mapping[str, Any],
    preset: Mapping[str, Any],
    tags: Mapping[str, str],
    build: str,
    manner: Manner | None = None,
) -> Output:
    """Plan the file of one clip; ``number`` is its place in the run, from 1. As :func:`joined`.

    It has the clip's own size, rate, channels and timecode, and no sound when the clip has none.
    """
    media = facts.media[0]
    rate = shape.film_rate(spec, preset, media)
    sounds = [found.audio for found in facts.media if found.audio]
    channels = 0
    if preset["audio"] and sounds:
        own = 1 if sounds[0].channels == 1 and sounds[0].tracks == 1 else 2
        channels = preset["audio"]["channels"] or own
    same_rate = media.video is not None and media.video.fps == rate
    first = shape.later(media.timecode, facts.clip.in_frame or 0, rate) if same_rate else None
    made = _plan([facts], spec, preset, tags, build, rate, channels, first, manner)
    stem = _stem(
        spec["template"] or preset.get("template") or naming.PER_CLIP_TEMPLATE, facts, made, tags, number
    )
    return Output(facts.clip.clip_id, stem, made, _warnings([facts], tonemap=spec["hdr"] == "tonemap"))


def _plan(
    clips: Sequence[Facts],
    spec: Mapping[str, Any],
    preset: Mapping[str, Any],
    tags: Mapping[str, str],
    build: str,
    rate: Fraction,
    channels: int,
    first_timecode: str | None,
    manner: Manner | None,
) -> Plan:
    manner = manner or Manner.of(spec, preset)
    sources: list[Source] = []
    shots: list[Shot] = []
    for facts in clips:
        own = [
            source_of(facts.clip, file, found, rate, manner)
            for file, found in zip(facts.clip.files, facts.measured, strict=True)
        ]
        shots += shots_of(facts, own, len(sources), rate)
        sources += own
    if not shots:
        raise RushesError("No frame is left between the in and out points of the recipe.")
    video = preset["video"]
    size = shape.film_size(spec, preset, clips[0].media[0])
    problem = shape.size_problem(preset, size, rate)
    if problem is not None:
        raise RushesError(problem)
    crossfade = (
        round(Fraction(spec["transition_ms"], 1000) * rate) if spec["transition"] == "crossfade" else 0
    )
    if manner.card is not None and video is not None:
        sources.append(manner.card_source(size, rate))
        shots.insert(0, Shot(len(sources) - 1, 0, max(1, round(Fraction(manner.card["seconds"]) * rate))))
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
        look=manner.look(tags),
        timecode=shape.usable_timecode(first_timecode, rate, preset["container"]),
        time_reference=_time_reference(clips, spec, preset),
        policy=_policy(spec, video["codec"]) if video else None,
    )


def _time_reference(clips: Sequence[Facts], spec: Mapping[str, Any], preset: Mapping[str, Any]) -> int | None:
    """Where the sound of a Broadcast Wave begins on the day's clock, in samples; None when nothing tells it.

    A film has the recipe's timecode, a clip's own file the clip's.
    """
    if preset["container"] != "wav":
        return None
    first = clips[0].media[0]
    if spec["layout"] == "per-clip":
        moment = shape.moment_of(first, clips[0].clip.in_frame or 0)
    else:
        own = first.video.fps if first.video else None
        moment = shape.moment(spec["timecode"], Fraction(spec["fps"] or own or DEFAULT_RATE))
    rate = (preset["audio"] or {}).get("sample_rate") or SAMPLE_RATE
    return None if moment is None else round(moment * rate)


def _policy(spec: Mapping[str, Any], name: str) -> Policy:
    codec = codecs.VIDEO[name]
    policy = plan.policy_for(codec, single=spec["single"] or not codec.joins)
    return replace(policy, target_seconds=spec["segment_seconds"])


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


def _warnings(clips: Sequence[Facts], *, tonemap: bool) -> tuple[str, ...]:
    found: list[str] = []
    for facts in clips:
        for media in facts.media:
            # Other warnings of the probe were shown when the clip was taken in.
            found += [warning for warning in media.warnings if warning.startswith("Clip ")]
        video = facts.media[0].video
        if video is not None and not tonemap and shape.hdr_transfer(facts.media[0]):
            found.append(
                f"Clip {display(facts.clip.title)} is HDR ({video.color_transfer}); its colours are not "
                "converted to the film's. A recipe can ask for it: hdr tonemap."
            )
    return tuple(found)


def examine(
    clips: Sequence[Chosen],
    facts_of: Callable[[File, str], Measured],
    *,
    sound_only: bool,
    check: Callable[[], None],
    hdr: str = "flag",
) -> tuple[list[Facts], dict[str, str]]:
    """Find out what every clip is.

    Args:
        clips: in order.
        facts_of: gives the facts of a file (of the clip with that title), or raises a RushesError.
        sound_only: the preset has no picture.
        check: raises when the work must stop; called once per clip.
        hdr: the recipe's word about HDR clips.

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
        problem = problem_of(clip, facts.media, sound_only=sound_only, hdr=hdr)
        if problem is None:
            usable.append(facts)
        else:
            problems[clip.clip_id] = problem
    return usable, problems
