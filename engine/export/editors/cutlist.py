"""The cut of a recipe as editing programs describe it: which stretch of which file plays when. Pure.

Editing programs put a dissolve over a cut: the clips are trimmed to the middle
of what they share, and the dissolve reaches into the rest of both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from engine.errors import RushesError
from engine.export.planning import planning, shape
from engine.export.planning.planning import Facts
from engine.export.planning.timeline import Shot
from engine.export.recipes import timecode
from engine.media.facts import MediaFacts
from engine.names import display

FIRST_TIMECODE = "01:00:00:00"
"""Timecode of a timeline whose recipe gives none: what editors expect."""


@dataclass(frozen=True)
class Media:
    """A file that is played.

    Attributes:
        name: the clip's title.
        reel: reel or tape name; empty when not known.
        path: where it is, or was last seen; None when that is not known.
        rate: its own frames per second.
        start: its first frame since midnight, by its timecode; 0 without one.
        drop: its timecode is drop-frame.
        frames: its length in own frames.
        width, height: of the picture as shown; 0 without one.
        channels: of the first sound track; 0 without sound.
        sound_rate: samples per second; 0 without sound.
    """

    name: str
    reel: str
    path: str | None
    rate: Fraction
    start: int
    drop: bool
    frames: int
    width: int
    height: int
    channels: int
    sound_rate: int

    @property
    def url(self) -> str:
        """``file:///...``, each odd byte of the name escaped; empty when the path is not known."""
        return f"file://{quote(os.fsencode(self.path))}" if self.path else ""


@dataclass(frozen=True)
class Event:
    """A stretch of the timeline, as long as it is seen between two cuts.

    Attributes:
        media: what plays; None for a title card, which has no file.
        name: of the clip, or the card's text.
        at: first frame in the film.
        frames: how many of the film's.
        first: the file's frame that plays first, in its own frames from its beginning.
        source_frames: how many of its own frames play.
        fade: frames that the dissolve into this event takes; 0 for a cut.
        fade_before: how many of them lie before this event begins.
    """

    media: Media | None
    name: str
    at: int
    frames: int
    first: int
    source_frames: int
    fade: int = 0
    fade_before: int = 0

    @property
    def fade_after(self) -> int:
        """How many frames of the dissolve lie in this event."""
        return self.fade - self.fade_before


@dataclass(frozen=True)
class CutList:
    """A timeline.

    Attributes:
        name: the recipe's.
        rate: frames per second.
        width, height: of the film.
        start: its first frame since midnight.
        drop: its timecode is drop-frame.
        events: in order, without a gap.
    """

    name: str
    rate: Fraction
    width: int
    height: int
    start: int
    drop: bool
    events: tuple[Event, ...]

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self.events[-1].at + self.events[-1].frames if self.events else 0


def make(
    name: str,
    clips: Sequence[Facts],
    paths: Mapping[int, str],
    spec: Mapping[str, Any],
    preset: Mapping[str, Any],
) -> CutList:
    """The timeline of clips laid end to end as the recipe says.

    Args:
        name: of the timeline.
        clips: in order; at least one.
        paths: where each asset is or was seen last.
        spec: a checked recipe.
        preset: a checked body; it may set size and rate.

    Raises:
        RushesError: no frame lies between the in and out points, or the preset has no picture.
    """
    if preset["video"] is None:
        raise RushesError(
            "A recipe of sound alone has no timeline for editors. Give it a preset with a picture."
        )
    rate = shape.film_rate(spec, preset, clips[0].media[0])
    width, height = shape.film_size(spec, preset, clips[0].media[0])
    media: list[Media | None] = []
    shots: list[Shot] = []
    starts: list[int] = []
    card = spec["title"]
    if card is not None:
        media.append(None)
        starts.append(0)
        shots.append(Shot(0, 0, max(1, round(Fraction(card["seconds"]) * rate))))
    for facts in clips:
        sources = [
            planning.source_of(facts.clip, file, found, rate)
            for file, found in zip(facts.clip.files, facts.measured, strict=True)
        ]
        shots += planning.shots_of(facts, sources, len(media), rate)
        starts += [source.start for source in sources]
        for file, found in zip(facts.clip.files, facts.media, strict=True):
            media.append(_media(facts, found, paths.get(file.asset_id), rate))
    if not any(media[shot.source] for shot in shots):
        raise RushesError("No frame is left between the in and out points of the recipe.")
    fade = round(Fraction(spec["transition_ms"], 1000) * rate) if spec["transition"] == "crossfade" else 0
    text = spec["timecode"] or FIRST_TIMECODE
    first = timecode.frames(text, rate) or 0
    drop = timecode.is_drop(text) and timecode.dropped(rate) > 0
    title = display(str(card["text"]).replace("\n", " ")) if card else ""
    return CutList(name, rate, width, height, first, drop, _events(media, shots, starts, rate, fade, title))


def _media(facts: Facts, found: MediaFacts, path: str | None, rate: Fraction) -> Media:
    video, audio = found.video, found.audio
    own = video.fps if video is not None and video.fps else rate
    text = found.timecode or ""
    first = timecode.frames(text, own)
    return Media(
        name=display(facts.clip.title),
        reel=facts.clip.reel,
        path=path,
        rate=own,
        start=first or 0,
        drop=first is not None and timecode.is_drop(text) and timecode.dropped(own) > 0,
        frames=found.frames or max(1, round(Fraction(found.duration_ms or 0, 1000) * own)),
        width=(video.width or 0) if video else 0,
        height=(video.height or 0) if video else 0,
        channels=(audio.channels or 0) if audio else 0,
        sound_rate=(audio.sample_rate or 0) if audio else 0,
    )


def _events(
    media: Sequence[Media | None],
    shots: Sequence[Shot],
    starts: Sequence[int],
    rate: Fraction,
    fade: int,
    title: str,
) -> tuple[Event, ...]:
    shared = [min(fade, before.frames // 2, after.frames // 2) for before, after in pairwise(shots)]
    events = []
    at = 0
    for index, shot in enumerate(shots):
        head = shared[index - 1] if index else 0
        tail = shared[index] if index < len(shared) else 0
        # What two shots share is cut in its middle; the half before it is the leaving shot's.
        cut_in, cut_out = head // 2, tail - tail // 2
        frames = shot.frames - cut_in - cut_out
        file = media[shot.source]
        own = file.rate if file is not None else rate
        begin = Fraction(shot.start - starts[shot.source] + cut_in)
        first = round(begin * own / rate)
        events.append(
            Event(
                media=file,
                name=file.name if file is not None else title,
                at=at,
                frames=frames,
                first=first,
                source_frames=max(1, round((begin + frames) * own / rate) - first),
                fade=head,
                fade_before=head // 2,
            )
        )
        at += frames
    return tuple(events)
