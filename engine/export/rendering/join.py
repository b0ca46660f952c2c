"""From proven parts to one proven file: pictures copied, sound encoded once, everything read back."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.export.planning import graph
from engine.export.planning.loudness import measured_filter
from engine.export.planning.plan import Plan, film_fingerprint
from engine.export.planning.timeline import SAMPLE_RATE
from engine.export.recipes import codecs
from engine.export.rendering import packets, placing, proof
from engine.export.rendering.kept import Kept
from engine.media import ffmpeg
from engine.media.courtesy import Courtesy
from engine.media.ffmpeg import FfmpegFailed
from engine.media.tools import Tools

_SAME_PACKETS = packets.CONTAINERS | packets.HASHED_BY_FFMPEG
"""Containers that hold a packet as it is; others (MXF, AVI) may rewrite its head, so only counts compare."""

_SOUND_SLACK_SECONDS = 0.1
"""Encoded sound may be longer than planned by its codec's padding, at most this."""


STAGES = {
    "measuring": "Measuring the loudness of",
    "joining": "Joining",
    "faststart": "Moving the index to the front of",
    "verifying": "Verifying",
    "hashing": "Reading back",
}
"""What is done after the parts are rendered, in words in front of a name."""


@dataclass(frozen=True)
class Made:
    """A segment that is accepted: its file, its frames, and the digest of its packets."""

    file: str
    frames: int
    digest: str
    extradata: str


@dataclass(frozen=True)
class Joined:
    """A finished file that is still under its temp name, synced and proven.

    ``decoded`` is as in :class:`engine.export.rendering.proof.ReadBack`; ``streams`` is what the file says
    of itself, None when it was not asked.
    """

    size: int
    blake3: str
    duration_ms: int
    frames: int
    decoded: int | None = None
    streams: proof.Streams | None = None


@dataclass(frozen=True)
class Report:
    """What a join tells on its way: a key of :data:`STAGES`, and how far it is, in words."""

    check: Callable[[], None]
    on_stage: Callable[[str, str], None]


@dataclass(frozen=True)
class Manner:
    """How a join behaves towards the machine; see :func:`engine.media.ffmpeg.run`."""

    stall_seconds: float = ffmpeg.STALL_SECONDS
    courtesy: Callable[[], Courtesy] = Courtesy


def concat_list(plan: Plan, segments: Sequence[Made]) -> str:
    """The list of segments for ffmpeg, each with its exact duration.

    Durations are differences of rounded absolute moments, so that their sum
    never drifts by more than half a microsecond.
    """
    lines = ["ffconcat version 1.0"]
    at = 0
    for segment in segments:
        begin, end = (_microseconds(frame / plan.fps) for frame in (at, at + segment.frames))
        lines += [f"file '{segment.file}'", f"duration {(end - begin) / 1_000_000:.6f}"]
        at += segment.frames
    return "\n".join(lines) + "\n"


def _microseconds(seconds: Fraction) -> int:
    return round(seconds * 1_000_000)


def sound_input(plan: Plan, chunks: Sequence[str]) -> list[str]:
    """Open the programme sound: raw samples, one part after the other as if they were one file."""
    opened = f"file:{chunks[0]}" if len(chunks) == 1 else "concat:" + "|".join(chunks)
    return ["-f", graph.AUDIO_FORMAT, "-ar", str(SAMPLE_RATE), "-ac", str(plan.channels), "-i", opened]


def join_arguments(
    plan: Plan, list_name: str | None, chunks: Sequence[str], target: str, sound_filter: str | None = None
) -> list[str]:
    """The arguments that join a film in its run's folder.

    ``list_name`` is None for sound only; ``sound_filter`` is applied to the programme sound.
    """
    args: list[str] = []
    maps: list[str] = []
    if list_name is not None:
        # Packets as they are: the default rewrites H.264 and repeats its set-up in every key frame.
        args += ["-f", "concat", "-auto_convert", "0", "-i", list_name]
        maps += ["-map", "0:v:0", "-c:v", "copy"]
    if chunks:
        args += sound_input(plan, chunks)
        assert plan.audio is not None
        maps += ["-map", f"{1 if list_name else 0}:a:0", *codecs.audio_arguments(plan.audio)]
        maps += ["-af", sound_filter] if sound_filter else []
    tags = ["-map_metadata", "-1", "-metadata", f"comment=rushes {film_fingerprint(plan)[:16]}"]
    if plan.title:
        tags += ["-metadata", f"title={plan.title}"]
    if plan.timecode and list_name is not None:
        tags += ["-timecode", plan.timecode]
    if plan.time_reference is not None:
        tags += ["-metadata", f"time_reference={plan.time_reference}"]
    # Both count in frames; a clock finer than that makes AVI fill the time between with empty packets.
    rate = ["-r", plan.rate] if plan.container in ("mxf", "avi") and list_name is not None else []
    tag = codecs.VIDEO[plan.video["codec"]].tag if plan.video else None
    return [
        *args,
        *maps,
        *rate,
        *tags,
        "-fflags",
        "+bitexact",
        "-flags:a",
        "+bitexact",
        *codecs.muxer_arguments(plan.container, faststart=bool(plan.preset["faststart"]), tag=tag),
        target,
    ]


def join(
    tools: Tools,
    plan: Plan,
    segments: Sequence[Made],
    chunks: Sequence[str],
    *,
    folder: str,
    temp: str,
    report: Report,
    manner: Manner | None = None,
    log: str | None = None,
    decode: bool = False,
) -> Joined:
    """Join a film into ``temp``, prove it against its parts, sync it. ``temp`` is removed on any failure.

    Args:
        tools: the tools.
        plan: the plan.
        segments: all of them, in order.
        chunks: file names of the programme sound's parts, in order.
        folder: where the parts are.
        temp: absolute path of the file to write, in its destination's folder.
        report: gets the stage and the frames done; its check raises to stop at once.
        manner: None takes the defaults.
        log: file for ffmpeg's messages.
        decode: also decode the file while it is read back.

    Raises:
        FfmpegFailed: it could not be joined, or is not what was planned.
    """
    manner = manner or Manner()
    _fit_together(segments)
    list_name = f"join-{os.path.basename(temp)[-20:]}.txt" if segments else None
    try:
        if list_name is not None:
            with open(os.path.join(folder, list_name), "w", encoding="ascii") as file:
                file.write(concat_list(plan, segments))
        loudness = plan.look.get("loudness")
        sound_filter = None
        if loudness is not None and chunks:
            report.on_stage("measuring", "0 %")
            sound_filter = measured_filter(
                tools,
                sound_input(plan, chunks),
                plan.channels,
                float(loudness),
                folder,
                report.check,
                manner.stall_seconds,
                log,
            )
        finished = ffmpeg.run(
            tools,
            join_arguments(plan, list_name, chunks, ffmpeg.file_url(temp), sound_filter),
            cwd=folder,
            on_progress=lambda block: report.on_stage("joining", _share(plan, block)),
            check=report.check,
            stall_seconds=manner.stall_seconds,
            log=log,
            writes_count=True,
            on_written=_Rewrite(plan, report).written,
            courtesy=manner.courtesy,
        )
        if finished.spoiled:
            raise ffmpeg.failed(finished)
        if "non-monoton" in finished.stderr.lower() or "non monotonically" in finished.stderr.lower():
            raise FfmpegFailed(
                "join", "The rendered parts do not follow each other exactly in time.", finished.stderr
            )
        own = plan.container in packets.CONTAINERS
        counts = [segment.frames for segment in segments] if own else []
        with Kept(temp, counts, alone=not decode) as kept:
            found = proof.streams(tools, temp)
            _streams_as_planned(plan, segments, found)
            look = _Look(tools, plan, folder, temp, report, manner, log)
            decoded = look.prove(segments, kept, decode=decode) if segments else None
            blake3 = look.read(kept).blake3
            kept.synced(report.check)
        return Joined(os.path.getsize(temp), blake3, plan.duration_ms, plan.frames_total, decoded, found)
    except BaseException:
        placing.remove(temp)
        raise
    finally:
        if list_name is not None:
            placing.remove(os.path.join(folder, list_name))


def _share(plan: Plan, block: ffmpeg.Progress) -> str:
    """``1,234 of 5,678 frames``: it changes with every frame, and so shows that there is life."""
    return f"{_frames(plan, block):,} of {plan.frames_total:,} frames"


class _Rewrite:
    """Tells of the time after the last packet, when ffmpeg moves the index and says nothing."""

    def __init__(self, plan: Plan, report: Report) -> None:
        self._moves = bool(plan.preset["faststart"])
        self._report = report
        self._last = 0

    def written(self, count: int) -> None:
        if self._moves and count > self._last:
            self._last = count
            self._report.on_stage("faststart", f"{count / 1_000_000:,.0f} MB written")


def _frames(plan: Plan, block: ffmpeg.Progress) -> int:
    if block.frame is not None and plan.segments:
        return min(block.frame, plan.frames_total)
    return min(plan.frames_total, int((block.out_time_us or 0) * plan.fps / 1_000_000))


def _fit_together(segments: Sequence[Made]) -> None:
    if len({segment.extradata for segment in segments}) > 1:
        # One set-up is written for the whole file; parts with another one would not decode.
        raise FfmpegFailed(
            "join", "The encoder set itself up differently for different parts, so they cannot be joined."
        )


def _streams_as_planned(plan: Plan, segments: Sequence[Made], found: proof.Streams) -> None:
    """Compare what a joined file says of itself with the plan."""
    if bool(segments) != (found.video is not None) or bool(plan.audio) != (found.audio is not None):
        raise FfmpegFailed("join", "The joined file lacks its picture or its sound; it is thrown away.")
    planned = plan.frames_total / plan.fps
    if plan.audio and found.audio_seconds is not None:
        off = found.audio_seconds - float(planned)
        if off < -1 / float(plan.fps) or off > _SOUND_SLACK_SECONDS + 1 / float(plan.fps):
            raise FfmpegFailed(
                "join",
                f"The sound of the joined file is {found.audio_seconds:.3f} s long instead of "
                f"{float(planned):.3f} s; it is thrown away.",
            )


@dataclass(frozen=True)
class _Look:
    """Compares the packets of a joined file, read back, with those of its segments."""

    tools: Tools
    plan: Plan
    folder: str
    temp: str
    report: Report
    manner: Manner
    log: str | None

    def read(self, kept: Kept) -> packets.Read:
        """What was read of the file, once all of it is."""
        return kept.read(lambda share: self.report.on_stage("hashing", f"{share} %"), self.report.check)

    def prove(self, segments: Sequence[Made], kept: Kept, *, decode: bool) -> int | None:
        """Compare; decode it beside that when asked.

        Returns:
            pictures that it decoded to, see :class:`engine.export.rendering.proof.ReadBack`.
        """
        own = self.plan.container in packets.CONTAINERS
        decoded = self._read_back(hashed=False, decode=True).decoded if own and decode else None
        if own:
            read = self.read(kept)
            if read.packets is not None:
                self._as_many(read.packets)
                self._same(segments, list(read.digests), own=True)
                return decoded
        back = self._read_back(hashed=True, decode=decode and not own)
        hashes = back.hashes or []
        self._as_many(len(hashes))
        if self.plan.container in _SAME_PACKETS:
            found, at = [], 0
            for segment in segments:
                found.append(proof.digest_of(hashes[at : at + segment.frames]))
                at += segment.frames
            self._same(segments, found, own=False)
        return decoded if own else back.decoded

    def _as_many(self, count: int) -> None:
        if count != self.plan.frames_total:
            raise FfmpegFailed(
                "join",
                f"The joined file holds {count} frames instead of {self.plan.frames_total}; "
                "it is thrown away.",
            )

    def _same(self, segments: Sequence[Made], found: Sequence[str], *, own: bool) -> None:
        for number, (segment, digest) in enumerate(zip(segments, found, strict=True)):
            if digest != self._digest(number, segment, own=own):
                raise SegmentChanged(number)

    def _digest(self, number: int, segment: Made, *, own: bool) -> str:
        """A segment's digest in the manner in which its film was read.

        A segment that was made for a film in another kind of container has the
        other one: it is proven by that, and gets this one from its file.
        """
        if packets.is_own(segment.digest) == own:
            return segment.digest
        path = os.path.join(self.folder, segment.file)
        ours = "".join(packets.read(path, (segment.frames,), self.report.check).digests)
        theirs = proof.holds(self.tools, path).digest
        if segment.digest not in (ours, theirs):
            raise SegmentChanged(number)
        return ours if own else theirs

    def _read_back(self, *, hashed: bool, decode: bool) -> proof.ReadBack:
        return proof.read_back(
            self.tools,
            self.temp,
            os.path.join(self.folder, f"hashes-{os.path.basename(self.temp)[-20:]}.txt"),
            hashed=hashed,
            decode=decode,
            check=self.report.check,
            on_progress=lambda block: self.report.on_stage("verifying", _share(self.plan, block)),
            stall_seconds=self.manner.stall_seconds,
            courtesy=self.manner.courtesy,
            log=self.log,
        )


class SegmentChanged(FfmpegFailed):
    """A finished segment is no longer what it was when it was accepted. It has to be rendered anew.

    Attributes:
        index: of the segment.
    """

    def __init__(self, index: int) -> None:
        super().__init__(
            "join",
            f"Part {index + 1} was changed on disk after it had been rendered, so the joined file is thrown "
            "away. Retry renders that part anew.",
        )
        self.index = index
