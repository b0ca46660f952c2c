"""One segment: rendered by an attempt of its own name, proven, synced, renamed. A unit that any farm can run.

The engine and ``rushes segment run`` use the same function. Two attempts at
one segment do not disturb each other: each writes its own file, and what they
rename into place has the same content.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.errors import RushesError
from engine.export.planning import drawing, graph
from engine.export.planning.plan import Chunk, Plan, Segment, chunk_fingerprint, segment_fingerprint
from engine.export.planning.timeline import SAMPLE_RATE, Part
from engine.export.rendering import materials, packets, placing, proof
from engine.export.rendering.kept import Kept
from engine.media import ffmpeg
from engine.media.courtesy import Courtesy
from engine.media.ffmpeg import FfmpegFailed, Finished, Progress
from engine.media.hashing import full_hash
from engine.media.tools import Tools
from engine.names import display

PART_SUFFIX = ".part"
"""Ending of files that are being written. Whatever ends so and is not ours now may be removed."""


@dataclass(frozen=True)
class Where:
    """Where a render reads and writes.

    Attributes:
        folder: absolute; gets the finished segments and the attempts' own files.
        paths: absolute path of each source that is needed, by its index in the plan.
        log: file for ffmpeg's messages; None keeps none.
    """

    folder: str
    paths: Mapping[int, str]
    log: str | None = None


@dataclass(frozen=True)
class Manner:
    """How a render behaves towards the machine and the operator.

    Attributes:
        check: called about ten times a second; raises when the work must stop at once.
        on_progress: gets the frames done of this part (samples for sound).
        stall_seconds: see :func:`engine.media.ffmpeg.run`.
        courtesy: see :func:`engine.media.ffmpeg.run`.
        rendered: called when the encoder has ended and only its file is to be proven.
        threads: asked once, when the encoder is started; see :class:`engine.export.planning.graph.Threads`.
    """

    check: Callable[[], None] | None = None
    on_progress: Callable[[int], None] | None = None
    stall_seconds: float = ffmpeg.STALL_SECONDS
    courtesy: Callable[[], Courtesy] = Courtesy
    rendered: Callable[[], None] | None = None
    threads: Callable[[], graph.Threads] | None = None


@dataclass(frozen=True)
class Rendered:
    """An accepted part.

    Attributes:
        file: name in the folder.
        size: bytes.
        blake3: of the file.
        extradata: hash of the decoder's set-up; empty for sound.
        digest: of the packets, see :class:`engine.export.rendering.packets.Read`; empty for sound.
        seconds: wall clock time of the encoder.
        warning: a sentence about damaged pictures that went into it; None when there were none.
    """

    file: str
    size: int
    blake3: str
    extradata: str
    digest: str
    seconds: float
    warning: str | None = None


def segment_name(plan: Plan, segment: Segment) -> str:
    """File name of a segment: its place and its content."""
    return f"{segment.index:05}-{segment_fingerprint(plan, segment)[:16]}.{plan.segment_format}"


def chunk_name(plan: Plan, chunk: Chunk) -> str:
    """File name of a part of the programme sound."""
    return f"{chunk.index:05}-{chunk_fingerprint(plan, chunk)[:16]}.{graph.AUDIO_FORMAT}"


def run_segment(
    tools: Tools, plan: Plan, index: int, attempt: str, where: Where, manner: Manner | None = None
) -> Rendered:
    """Render, prove and publish segment ``index``. Blocks; may be called in any thread.

    Args:
        tools: must be the build that the plan names.
        plan: the plan.
        index: of the segment.
        attempt: a name that no other attempt has, made of letters, digits and dashes.
        where: where to read and write.
        manner: None takes the defaults.

    Raises:
        FfmpegFailed: it could not be rendered, or is not what was planned; nothing of it is left.
    """
    manner = manner or Manner()
    segment = plan.segments[index]
    name = segment_name(plan, segment)
    _check_build(tools, plan)

    def render(temp: str) -> Finished:
        materials.write_words(where.folder, drawing.files(plan, segment))
        threads = manner.threads() if manner.threads is not None else None
        opened = inputs(plan, segment, where)
        args = graph.segment_arguments(plan, segment, opened, ffmpeg.file_url(temp), threads)
        finished = _ffmpeg(tools, args, where, manner, segment.frames, lambda block: block.frame)
        _complete(finished, segment, plan)
        return finished

    # Parts of a film that is proven by ffmpeg's hashes are proven by them, too.
    counts = () if plan.container in packets.HASHED_BY_FFMPEG else (segment.frames,)

    def prove(temp: str, _finished: Finished, kept: Kept) -> tuple[str, str]:
        found = proof.holds(tools, temp, hashed=not counts)
        if counts:
            found = _counted(tools, temp, found, kept.read(check=manner.check))
        _as_planned(found, plan, segment)
        return found.extradata, found.digest

    return _attempt(
        name, attempt, where, manner, render, prove, lambda it: _damage(it, segment, plan), counts
    )


def _counted(tools: Tools, temp: str, found: proof.Holds, read: packets.Read) -> proof.Holds:
    """What a part holds by its header, completed by what was read of it."""
    if read.packets is None:
        return proof.holds(tools, temp)
    return replace(found, packets=read.packets, digest="".join(read.digests))


def run_chunk(
    tools: Tools, plan: Plan, index: int, attempt: str, where: Where, manner: Manner | None = None
) -> Rendered:
    """Render, prove and publish part ``index`` of the programme sound. As :func:`run_segment`."""
    manner = manner or Manner()
    chunk = plan.chunks[index]
    _check_build(tools, plan)

    def samples(block: Progress) -> int | None:
        return None if block.out_time_us is None else block.out_time_us * SAMPLE_RATE // 1_000_000

    def render(temp: str) -> Finished:
        args = graph.chunk_arguments(
            plan, chunk, inputs(plan, chunk, where, sound=True), ffmpeg.file_url(temp)
        )
        finished = _ffmpeg(tools, args, where, manner, chunk.samples, samples)
        if finished.spoiled:
            raise ffmpeg.failed(finished)
        return finished

    def prove(temp: str, finished: Finished, _kept: Kept) -> tuple[str, str]:
        wanted = chunk.samples * plan.channels * graph.AUDIO_SAMPLE_BYTES
        found = os.path.getsize(temp)
        if found != wanted:
            raise FfmpegFailed(
                "encoding_error",
                f"The sound came out with {found} bytes of samples instead of {wanted}; it is thrown away.",
                finished.stderr,
            )
        return "", ""

    name = chunk_name(plan, chunk)
    return _attempt(name, attempt, where, manner, render, prove, lambda it: _damage(it, chunk, plan))


def is_whole(folder: str, name: str, size: int, blake3: str, check: Callable[[], None] | None = None) -> bool:
    """Whether an accepted part is still what it was when it was accepted: there, same size, same bytes."""
    path = os.path.join(folder, name)
    try:
        return os.path.getsize(path) == size and full_hash(path, check) == blake3
    except OSError:
        return False


def _attempt(
    name: str,
    attempt: str,
    where: Where,
    manner: Manner,
    render: Callable[[str], Finished],
    prove: Callable[[str, Finished, Kept], tuple[str, str]],
    damage_of: Callable[[Finished], str | None],
    counts: Sequence[int] = (),
) -> Rendered:
    temp = os.path.join(where.folder, f"{name}.{attempt}{PART_SUFFIX}")
    try:
        finished = render(temp)
        if manner.rendered is not None:
            manner.rendered()
        with Kept(temp, counts) as kept:
            extradata, digest = prove(temp, finished, kept)
            damage = damage_of(finished)
            size = os.path.getsize(temp)
            blake3 = kept.read(check=manner.check).blake3
            kept.synced(manner.check)
        os.rename(temp, os.path.join(where.folder, name))
        placing.sync_folder(where.folder)
    except OSError as error:
        raise _disk_error(error, where.folder) from error
    finally:
        placing.remove(temp)
    return Rendered(name, size, blake3, extradata, digest, finished.seconds, damage)


def _disk_error(error: OSError, folder: str) -> RushesError:
    category, sentence = ffmpeg.classify(error.strerror or "", 1)
    if category not in ("disk_full", "permission"):  # a part of our own was read or written, never a clip
        category = "output_write_error"
        sentence = f"The working folder {display(folder)} cannot be used: {error.strerror}."
    return FfmpegFailed(category, sentence, str(error))


def _ffmpeg(
    tools: Tools,
    args: list[str],
    where: Where,
    manner: Manner,
    total: int,
    measure: Callable[[Progress], int | None],
) -> Finished:
    def report(block: Progress) -> None:
        done = measure(block)
        if done is not None and manner.on_progress is not None:
            manner.on_progress(min(done, total))

    return ffmpeg.run(
        tools,
        args,
        cwd=where.folder,
        on_progress=report,
        check=manner.check,
        stall_seconds=manner.stall_seconds,
        log=where.log,
        courtesy=manner.courtesy,
    )


def inputs(plan: Plan, part: Segment | Chunk, where: Where, *, sound: bool = False) -> list[str]:
    """What to open for each part in order. The sources are looked at once more: they may have changed."""
    for index in plan.source_indexes(part):
        if sound and not plan.sources[index].channels:
            continue
        check_source(plan, index, where.paths[index])
    return [_input(plan, where, used) for used in graph.parts_of(part.pieces)]


def _input(plan: Plan, where: Where, part: Part) -> str:
    if plan.sources[part.source].card is not None:
        return ""  # made by the graph
    return ffmpeg.file_url(where.paths[part.source])


def check_source(plan: Plan, index: int, path: str) -> None:
    """See that a source is there and has the size that it was planned with.

    Raises:
        FfmpegFailed: it is gone, cannot be read, or is another file now.
    """
    source = plan.sources[index]
    shown = display(source.title)
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise FfmpegFailed(
            "input_not_found",
            f"Clip {shown} cannot be read: {error.strerror}. "
            "What is finished is kept: bring it back and resume.",
            display(path),
        ) from error
    if size != source.size:
        raise FfmpegFailed(
            "input_not_found",
            f"Clip {shown} is another file than when this run was planned: it has {size} bytes instead of "
            f"{source.size}. Verify the clip, then queue the export again.",
            display(path),
        )


def _check_build(tools: Tools, plan: Plan) -> None:
    if tools.build != plan.build:
        raise FfmpegFailed(
            "encoder_missing",
            "This run was begun with another build of ffmpeg; parts of two builds do not go together. "
            "Queue the export again: finished parts are made anew with this ffmpeg.",
            tools.build,
        )


def _complete(finished: Finished, segment: Segment, plan: Plan) -> None:
    """Judge what ffmpeg says about itself."""
    last = finished.last
    if finished.spoiled:
        raise ffmpeg.failed(finished)
    if last.frame != segment.frames:
        raise FfmpegFailed(
            "source_damaged",
            f"{_spoken(plan, segment)} gave {last.frame or 0} frames instead of {segment.frames}: "
            "a clip in it is shorter than its header says, or damaged. Verify its copy, or leave it out.",
            finished.stderr,
        )
    if last.dup or last.drop:
        raise FfmpegFailed(
            "encoding_error",
            f"{_spoken(plan, segment)} came out with {last.dup} doubled and {last.drop} dropped frames; "
            "it is thrown away.",
            finished.stderr,
        )


def _damage(finished: Finished, part: Segment | Chunk, plan: Plan) -> str | None:
    """What to say of damaged pictures or sound in a part that has all its frames all the same.

    Where a seek does not land on a key frame, complaints about the run-up mean nothing.
    """
    if not finished.damaged or any(plan.sources[index].deep_seek for index in plan.source_indexes(part)):
        return None
    return (
        f"{_spoken(plan, part)} holds damaged pictures or sound: the decoder complained "
        f"{finished.damaged:,} times. Look at it, and verify the clip's copy."
    )


def _as_planned(found: proof.Holds, plan: Plan, segment: Segment) -> None:
    """Judge what is in the file: its packets, their size, codec and pixel format."""
    assert plan.video is not None
    codec, pix_fmt = proof.read_as(plan.video)
    wanted = f"{segment.frames} packets of {plan.width}x{plan.height} {codec} {pix_fmt or found.pix_fmt}"
    got = f"{found.packets} packets of {found.width}x{found.height} {found.codec} {found.pix_fmt}"
    if got != wanted:
        raise FfmpegFailed(
            "encoding_error",
            f"{_spoken(plan, segment)} holds {got} instead of {wanted}; it is thrown away.",
        )


def _spoken(plan: Plan, segment: Segment | Chunk) -> str:
    titles = [display(plan.sources[index].title) for index in plan.source_indexes(segment)]
    listed = ", ".join(titles[:3]) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")
    return f"Part {segment.index + 1} ({listed})"
