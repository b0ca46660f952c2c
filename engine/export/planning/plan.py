"""The plan of one finished file: everything that decides its bytes, and nothing else. Pure, and plain JSON.

A plan holds no path: sources are known by their content, so that a drive which
comes back elsewhere changes nothing. Every segment has a fingerprint over all
that it depends on; equal fingerprints mean equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

from engine.errors import WrongUse
from engine.export.planning.timeline import (
    Part,
    Piece,
    Policy,
    Shot,
    cut,
    samples_at,
    segments,
    total_frames,
    undivided,
)
from engine.export.recipes import codecs

VERSION = 5
"""Version of plan and graph. A change that gives other bytes raises it, and old segments are not found."""

AUDIO_CHUNK_SECONDS = 600
"""Longest stretch of programme sound that is rendered in one go."""

MOST_INPUTS = 30
"""Most sources in one ffmpeg call."""


@dataclass(frozen=True)
class Source:
    """One media file that the film takes frames from.

    Attributes:
        clip_id: the clip it belongs to.
        title: the clip's title, for people.
        asset_id: its content, in this library.
        identity: ``blake3:...`` with the size, or the best that is known.
        size: bytes.
        width, height: picture as shown (turned, pixels square); 0 for sound only.
        fps: own rate, as text; None when it has no picture.
        start: grid frame of its first picture, at the film's rate.
        tail: frames that may be missing at its end without it counting as damaged.
        interlaced: its frames are two fields.
        full_range: 0..255 instead of 16..235.
        matrix: colour matrix as ffmpeg names it, ``bt709`` and so on; guessed from the height when not told.
        channels: of the first sound track; 0 for none.
        tracks: number of sound tracks.
        even_tracks: all tracks have as many channels as the first.
        sound_shift: samples by which the sound, read alone, is ahead of the picture, read alone.
        deep_seek: seeks land on no exact frame in this container, so they start earlier.
        words: what stamps show of the clip, by stamp; only those that the film has.
        timecode: what its first picture has: ``start`` in frames since midnight, ``rate``, ``drop``;
            None when no stamp shows it.
        hdr: transfer of an HDR picture that is brought to the film's colours; None for all others.
        card: of a title card, drawn instead of read from a file: ``text``, ``size``, ``seconds``; else None.
        form: what the file is, as ffmpeg names containers: it is read as that or not at all.
        clock: microseconds by which the file's clock is set forward, or back, so that its first picture
            falls on the grid frame ``start``; its sound is read by the same clock.
    """

    clip_id: str
    title: str
    asset_id: int
    identity: str
    size: int
    width: int
    height: int
    fps: str | None
    start: int
    tail: int
    interlaced: bool
    full_range: bool
    matrix: str
    channels: int
    tracks: int
    sound_shift: int
    deep_seek: bool
    even_tracks: bool = True
    words: dict[str, str] = field(default_factory=dict)
    timecode: dict[str, Any] | None = None
    hdr: str | None = None
    card: dict[str, Any] | None = None
    form: str = ""
    clock: int = 0


@dataclass(frozen=True)
class Segment:
    """A checkpointed part of the film."""

    index: int
    at: int
    frames: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Chunk:
    """A part of the programme sound: ``samples`` from sample ``at`` on."""

    index: int
    at: int
    samples: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Plan:
    """How one file is made.

    Attributes:
        rate: frames per second, as text of a fraction.
        width, height: of the picture; 0 without one.
        sources: what it takes frames from.
        segments: the picture in order; empty without one.
        chunks: the programme sound in order; empty without one.
        frames_total: length in frames.
        samples_total: length in samples.
        channels: of the programme sound.
        preset: the preset's body, encoders resolved.
        look: what is done on the way: ``lut`` and ``font`` (hashes of files), ``loudness`` (target in LUFS),
            ``burn_in`` (stamps), ``recipe`` (its name, when a stamp shows it), ``filters`` of the preset.
        title: for the file's tag.
        timecode: of the first frame; None writes none.
        time_reference: samples from midnight to the first, at the finished sound's rate; None writes none.
        build: the ffmpeg that must make all of it.
    """

    rate: str
    width: int
    height: int
    sources: tuple[Source, ...]
    segments: tuple[Segment, ...]
    chunks: tuple[Chunk, ...]
    frames_total: int
    samples_total: int
    channels: int
    preset: dict[str, Any]
    look: dict[str, Any]
    title: str
    timecode: str | None
    build: str
    time_reference: int | None = None

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return Fraction(self.rate)

    @property
    def video(self) -> dict[str, Any] | None:
        """The preset's picture part."""
        video: dict[str, Any] | None = self.preset["video"]
        return video

    @property
    def audio(self) -> dict[str, Any] | None:
        """The preset's sound part; None also when this film has no sound."""
        audio: dict[str, Any] | None = self.preset["audio"]
        return audio if self.channels else None

    @property
    def container(self) -> str:
        """Container and file extension."""
        return str(self.preset["container"])

    @property
    def segment_format(self) -> str:
        """Muxer of the segments."""
        assert self.video is not None
        return codecs.VIDEO[self.video["codec"]].segment_format

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return round(self.frames_total * 1000 / self.fps)

    def source_indexes(self, part: Segment | Chunk) -> list[int]:
        """Indexes of the files that a segment or chunk reads, each once, in order of use."""
        return [index for index in self._used(part) if self.sources[index].card is None]

    def file_indexes(self) -> list[int]:
        """Indexes of all sources that are files: all but title cards."""
        return [index for index, source in enumerate(self.sources) if source.card is None]

    def _used(self, part: Segment | Chunk) -> list[int]:
        used = [where.source for piece in part.pieces for where in piece.parts]
        return list(dict.fromkeys(used))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"version": VERSION, **asdict(self)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Plan:
        """Read what :meth:`to_json` gave.

        Raises:
            WrongUse: it is of another version.
        """
        values = dict(data)
        if values.pop("version", None) != VERSION:
            raise WrongUse("This plan was made by another version of rushes; queue the export again.")
        values["sources"] = tuple(Source(**entry) for entry in values["sources"])
        values["segments"] = tuple(
            Segment(**{**entry, "pieces": _pieces(entry["pieces"])}) for entry in values["segments"]
        )
        values["chunks"] = tuple(
            Chunk(**{**entry, "pieces": _pieces(entry["pieces"])}) for entry in values["chunks"]
        )
        return Plan(**values)


def _pieces(given: Sequence[Mapping[str, Any]]) -> tuple[Piece, ...]:
    return tuple(
        Piece(entry["at"], entry["frames"], tuple(Part(**part) for part in entry["parts"])) for entry in given
    )


def make(
    sources: Sequence[Source],
    shots: Sequence[Shot],
    *,
    rate: Fraction,
    size: tuple[int, int],
    preset: Mapping[str, Any],
    build: str,
    channels: int,
    title: str = "",
    crossfade: int = 0,
    look: Mapping[str, Any] | None = None,
    timecode: str | None = None,
    time_reference: int | None = None,
    policy: Policy | None = None,
) -> Plan:
    """Plan one file.

    Args:
        sources: media files; shots name them by index.
        shots: in the order of the film; at least one.
        rate: frames per second.
        size: width and height of the picture; even numbers.
        preset: a checked body with the encoder resolved.
        build: the ffmpeg that will be used, see :class:`engine.media.tools.Tools`.
        channels: of the programme sound; 0 for none.
        title: tag of the file.
        crossfade: frames, see :func:`engine.export.planning.timeline.cut`.
        look: see :class:`Plan`.
        timecode: of the first frame.
        time_reference: see :class:`Plan`.
        policy: how to divide; None takes the default for the codec.
    """
    pieces = cut(shots, crossfade)
    frames = total_frames(pieces)
    video = preset["video"]
    if video is not None and policy is None:
        policy = policy_for(codecs.VIDEO[video["codec"]])
    groups = segments(pieces, rate, policy or Policy()) if video is not None else []
    parts = tuple(
        Segment(index, group[0].at, sum(piece.frames for piece in group), group)
        for index, group in enumerate(groups)
    )
    has_sound = channels > 0 and preset["audio"] is not None
    return Plan(
        rate=str(rate),
        width=size[0] if video is not None else 0,
        height=size[1] if video is not None else 0,
        sources=tuple(sources),
        segments=parts,
        chunks=_chunks(pieces, rate) if has_sound else (),
        frames_total=frames,
        samples_total=samples_at(frames, rate) if has_sound else 0,
        channels=channels if has_sound else 0,
        preset=dict(preset),
        look=dict(look or {}),
        title=title,
        timecode=timecode,
        build=build,
        time_reference=time_reference if has_sound else None,
    )


def policy_for(codec: codecs.VideoCodec, *, single: bool = False) -> Policy:
    """The default division for a codec; ``single`` keeps the film in one piece."""
    return Policy(shortest_seconds=Fraction(0) if codec.intra else Fraction(1), single=single)


def _chunks(pieces: Sequence[Piece], rate: Fraction) -> tuple[Chunk, ...]:
    policy = Policy(
        target_seconds=AUDIO_CHUNK_SECONDS,
        longest_seconds=AUDIO_CHUNK_SECONDS,
        most_pieces=MOST_INPUTS,
        crossfades_alone=False,
    )
    chunks = []
    for index, group in enumerate(segments(pieces, rate, policy)):
        begin, end = group[0].at, group[-1].at + group[-1].frames
        at = samples_at(begin, rate)
        chunks.append(Chunk(index, at, samples_at(end, rate) - at, group))
    return tuple(chunks)


def segment_fingerprint(plan: Plan, segment: Segment) -> str:
    """Name of a segment's bytes: equal for everything that gives the same picture, different else."""
    return _digest(
        {
            "what": "video",
            "rate": plan.rate,
            "size": [plan.width, plan.height],
            "video": plan.video,
            "format": plan.segment_format,
            "look": _picture_look(plan),
            **_place(plan, segment),
            **_content(plan, segment, picture=True),
        }
    )


def chunk_fingerprint(plan: Plan, chunk: Chunk) -> str:
    """Name of the bytes of a part of the programme sound."""
    # A chunk of the same pieces elsewhere in the film may be one sample longer or shorter.
    place = {"at": chunk.at, "samples": chunk.samples}
    return _digest(
        {
            "what": "audio",
            "rate": plan.rate,
            "channels": plan.channels,
            **place,
            **_content(plan, chunk, picture=False),
        }
    )


def film_fingerprint(plan: Plan) -> str:
    """Name of the finished film, written into it as a tag. How it was divided makes no difference."""
    parts = [piece for part in (plan.segments or plan.chunks) for piece in part.pieces]
    return _digest(
        {
            "rate": plan.rate,
            "size": [plan.width, plan.height],
            "preset": plan.preset,
            "look": plan.look,
            "channels": plan.channels,
            "build": plan.build,
            "sources": [[source.identity, source.words, source.card] for source in plan.sources],
            "timecode": [plan.timecode, plan.time_reference],
            "cut": [
                [piece.frames, [[part.source, part.start] for part in piece.parts]]
                for piece in undivided(parts)
            ],
        }
    )


def _picture_look(plan: Plan) -> dict[str, Any]:
    return {key: value for key, value in plan.look.items() if key != "loudness"}


def _place(plan: Plan, segment: Segment) -> dict[str, Any]:
    """Where a segment lies in the film, when its pictures show that."""
    shown = {stamp["what"] for stamp in plan.look.get("burn_in") or ()}
    if not shown & {"record_timecode", "frame"}:
        return {}
    return {"at": segment.at, "timecode": plan.timecode if "record_timecode" in shown else None}


def _content(plan: Plan, part: Segment | Chunk, *, picture: bool) -> dict[str, Any]:
    order = plan._used(part)
    described = []
    for index in order:
        facts = asdict(plan.sources[index])
        # What only this library knows does not change a picture.
        del facts["clip_id"], facts["asset_id"], facts["title"]
        if not picture:
            del facts["words"], facts["timecode"], facts["hdr"]
        described.append(facts)
    return {
        "version": VERSION,
        "build": plan.build,
        "sources": described,
        "pieces": [
            [piece.frames, [[order.index(where.source), where.start] for where in piece.parts]]
            for piece in part.pieces
        ],
    }


def _digest(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
