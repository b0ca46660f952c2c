"""ffmpeg arguments for one segment or one chunk of sound. Pure: the same plan gives the same words.

Every part of a piece has an input of its own, opened a little before the wanted
frame. The chain puts its frames on the film's grid (``fps``), keeps exactly the
wanted ones by number (``trim``), and only then scales and converts, so that a
temporal filter sees its lead-in and no rounding can lose a frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.export.planning import drawing
from engine.export.planning.plan import Chunk, Plan, Segment, Source
from engine.export.planning.timeline import SAMPLE_RATE, Part, Piece, samples_at
from engine.export.recipes import codecs, hardware
from engine.media.reading import as_itself

PREROLL_SECONDS = 1
"""How long before its first frame, at least, a picture is sought: temporal filters need a run-up, and the
pictures that a key frame in the middle of an open group leads cannot be decoded from it."""

SOUND_PREROLL_SECONDS = 2
"""The same for sound, whose decoders need a run-up too."""

DEEP_PREROLL_SECONDS = 12
"""The same for containers whose seeks do not land on key frames (transport and programme streams)."""

SCALE_FLAGS = "bicubic+accurate_rnd+full_chroma_int+bitexact"
"""Scaler settings that give the same pixels on every processor."""

AUDIO_FORMAT = "f32le"
"""Raw samples of the programme sound: exact for 16 and 24 bit, and nothing clips before the last step."""

AUDIO_SAMPLE_BYTES = 4

LAYOUTS = {1: "mono", 2: "stereo", 4: "4.0", 6: "5.1", 8: "7.1", 16: "hexadecagonal"}
"""ffmpeg's usual layout of so many channels: what raw samples are taken for."""

_HDR_WHITE = 100  # cd/m2 that become white, as BT.1886 screens show it
_HDR_PEAK = 10  # brightest picture in multiples of white: masters for 1000 cd/m2

_MIXING_FORMAT = "yuv444p10le"  # the crossfade filter has no 4:2:0 or 4:2:2


@dataclass(frozen=True)
class Threads:
    """How many threads a render takes. They change no byte of it, only who waits for whom.

    Attributes:
        decode: of each decoder.
        work: of each filter, and of an encoder of :data:`engine.export.recipes.codecs.SHARING`.
    """

    decode: int
    work: int


def input_arguments(
    plan: Plan, part: Part, path: str, *, sound: bool = False, threads: Threads | None = None
) -> list[str]:
    """Open one source for one part. Only local files may be opened, whatever the file says.

    A title card is made on the spot; ``path`` means nothing for it. Pictures
    come from the key frame before the sought moment on, not from that moment:
    where a picture stands for seconds, the one that still stands lies before it.
    """
    source = plan.sources[part.source]
    card = source.card
    if card is not None:
        picture = f"color=c=black:s={plan.width}x{plan.height}:r={plan.rate}:d={card['seconds']}"
        return ["-f", "lavfi", "-i", picture]
    seek = _seek(plan, part, sound=sound)
    args = as_itself(source.form)
    if threads is not None:
        args += ["-threads", str(threads.decode)]
    if source.clock:
        args += ["-itsoffset", f"{source.clock / 1_000_000:.6f}"]
    if seek:
        args += ["-ss", str(seek)] if sound else ["-noaccurate_seek", "-ss", str(seek)]
    return [*args, "-i", path]


def _seek(plan: Plan, part: Part, *, sound: bool) -> int:
    """Whole seconds of the source's own clock at which to open it; 0 is its beginning."""
    source = plan.sources[part.source]
    preroll = SOUND_PREROLL_SECONDS if sound else PREROLL_SECONDS
    if source.deep_seek:
        preroll = DEEP_PREROLL_SECONDS
    return max(0, math.floor(part.start / plan.fps - Fraction(source.clock, 1_000_000)) - preroll)


def parts_of(pieces: Sequence[Piece]) -> list[Part]:
    """All parts in order: one ffmpeg input each."""
    return [part for piece in pieces for part in piece.parts]


def segment_arguments(
    plan: Plan, segment: Segment, paths: Sequence[str], target: str, threads: Threads | None = None
) -> list[str]:
    """The arguments that render a segment.

    Args:
        plan: the plan.
        segment: one of its segments.
        paths: for each part in order, what to open (see :func:`engine.media.ffmpeg.file_url`).
        target: the file to write.
        threads: None leaves them to ffmpeg, which takes the whole machine for each step.
    """
    assert plan.video is not None
    encoder = codecs.encoder_of(plan.video)
    card = hardware.ENCODERS.get(encoder)
    args = [*(card.before if card else ()), "-copyts", "-start_at_zero"]
    own: list[str] = []
    if threads is not None:
        args += ["-filter_complex_threads", str(threads.work)]
        own = ["-threads", str(threads.work)] if encoder in codecs.SHARING else []
    for part, path in zip(parts_of(segment.pieces), paths, strict=True):
        args += input_arguments(plan, part, path, threads=threads)
    return [
        *args,
        "-filter_complex",
        video_graph(plan, segment),
        "-map",
        "[film]",
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
        *codecs.video_arguments(plan.video, plan.fps, (plan.width, plan.height)),
        *own,
        "-f",
        plan.segment_format,
        target,
    ]


def video_graph(plan: Plan, segment: Segment, *, upload: bool = True) -> str:
    """The filter graph of a segment; its output is called ``film``.

    ``upload`` False leaves the pictures in memory when they would go to a graphics card.
    """
    chains: list[str] = []
    number = 0
    for index, piece in enumerate(segment.pieces):
        if piece.is_crossfade:
            for side, part in zip("ab", piece.parts, strict=True):
                chains.append(
                    f"[{number}:V:0]{_picture(plan, piece, part)},format={_MIXING_FORMAT}[{side}{index}]"
                )
                number += 1
            seconds = piece.frames / plan.fps
            fade = f"xfade=transition=fade:offset=0:duration={_microseconds(seconds)}us"
            chains.append(f"[a{index}][b{index}]{fade},{_finish(plan, piece)}[p{index}]")
        else:
            chains.append(
                f"[{number}:V:0]{_picture(plan, piece, piece.parts[0])},{_finish(plan, piece)}[p{index}]"
            )
            number += 1
    count = len(segment.pieces)
    joined = "".join(f"[p{index}]" for index in range(count))
    together = f"concat=n={count}:v=1:a=0," if count > 1 else ""
    # The join of pieces may count in microseconds; whole frames again, so that nothing is doubled or dropped.
    last = _upload(plan) if upload else ""
    chains.append(f"{joined}{together}settb={1 / plan.fps},setpts=N{last}[film]")
    return ";".join(chains)


def _upload(plan: Plan) -> str:
    assert plan.video is not None
    card = hardware.ENCODERS.get(codecs.encoder_of(plan.video))
    return f",{card.upload}" if card and card.upload else ""


def _microseconds(seconds: Fraction) -> int:
    return round(seconds * 1_000_000)


def _picture(plan: Plan, piece: Piece, part: Part) -> str:
    """From a decoded source to exactly the wanted frames, at the film's size."""
    source = plan.sources[part.source]
    filters = ["bwdif=mode=send_frame:deint=interlaced"] if source.interlaced else []
    fps = f"fps={plan.rate}"
    if part.start == source.start:
        # A first picture that comes a fraction late fills the film's first frame too.
        fps += f":start_time={_seconds(part.start / plan.fps)}"
    filters.append(fps)
    if source.tail:
        filters.append(f"tpad=stop_mode=clone:stop={source.tail}")
    filters += [
        f"trim=start_pts={part.start}:end_pts={part.start + piece.frames}",
        "setpts=PTS-STARTPTS",
        *_tonemap(source),
        *_resize(plan, source),
        *(word.filter for word in drawing.on_card(plan, source)),
    ]
    return ",".join(filters)


def _tonemap(source: Source) -> list[str]:
    """From HDR to BT.709: each picture for itself, with a fixed peak, so that no segment differs."""
    if source.hdr is None:
        return []
    given = f"tin={source.hdr}:min=2020_ncl:pin=2020:rin={'full' if source.full_range else 'limited'}"
    return [
        f"zscale={given}:t=linear:npl={_HDR_WHITE}",
        "format=gbrpf32le",
        "zscale=p=709",
        f"tonemap=tonemap=hable:desat=0:peak={_HDR_PEAK}",
        "zscale=t=709:m=709:r=limited",
        f"format={_MIXING_FORMAT}",
    ]


def _seconds(value: Fraction) -> str:
    return f"{float(value):.9f}"


def _resize(plan: Plan, source: Source) -> list[str]:
    """Scale to fit with bars, with the colours the film has."""
    width, height = fitted((source.width, source.height), (plan.width, plan.height))
    rgb, full = _is_rgb(plan), _is_full_range(plan)
    if source.card is not None:
        return ["setsar=1"]
    source_full = source.full_range and source.hdr is None
    scale = f"scale={width}:{height}:flags={SCALE_FLAGS}"
    if source_full != full and not rgb:
        scale += f":in_range={'pc' if source_full else 'tv'}:out_range={'pc' if full else 'tv'}"
    if source.matrix != "bt709" and source.hdr is None and not rgb:
        scale += f":in_color_matrix={source.matrix}:out_color_matrix=bt709"
    filters = [scale]
    if (width, height) != (plan.width, plan.height):
        left, top = (plan.width - width) // 4 * 2, (plan.height - height) // 4 * 2
        filters.append(f"pad={plan.width}:{plan.height}:{left}:{top}:black")
    filters.append("setsar=1")
    return filters


def _finish(plan: Plan, piece: Piece) -> str:
    assert plan.video is not None
    filters = []
    lut = plan.look.get("lut")
    if lut:
        filters.append(f"lut3d=file={lut}.cube:interp=tetrahedral")
    added = plan.look.get("filters")
    if added:
        filters.append(added)
    if lut or added or piece.is_crossfade:
        # Back from what the table or the crossfade works in; otherwise the first scaler does it on its way.
        filters.append(f"scale=flags={SCALE_FLAGS}")
    filters.append(f"format={codecs.pix_fmt(plan.video)}")
    if not _is_rgb(plan):
        spread = "pc" if _is_full_range(plan) else "tv"
        filters.append(f"setparams=range={spread}:color_primaries=bt709:color_trc=bt709:colorspace=bt709")
    filters += [word.filter for word in drawing.on_piece(plan, piece)]
    return ",".join(filters)


def _is_rgb(plan: Plan) -> bool:
    assert plan.video is not None
    return codecs.pix_fmt(plan.video).startswith("gbr")


def _is_full_range(plan: Plan) -> bool:
    assert plan.video is not None
    return codecs.pix_fmt(plan.video).startswith("yuvj")


def fitted(inner: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    """The largest even size with the shape of ``inner`` inside ``outer``.

    Bars of less than two pixels are not worth having: the side is filled then.
    """
    width, height = outer
    if inner[0] <= 0 or inner[1] <= 0:
        return outer
    shape = Fraction(inner[0], inner[1])
    if shape >= Fraction(width, height):
        height = min(height, max(2, round(width / shape / 2) * 2))
    else:
        width = min(width, max(2, round(height * shape / 2) * 2))
    return (
        outer[0] if outer[0] - width <= 2 else width,
        outer[1] if outer[1] - height <= 2 else height,
    )


# -- sound ---------------------------------------------------------------------


def chunk_arguments(plan: Plan, chunk: Chunk, paths: Sequence[str], target: str) -> list[str]:
    """The arguments that render a part of the programme sound as raw samples.

    ``paths`` as in :func:`segment_arguments`.
    """
    args = ["-copyts", "-start_at_zero"]
    for part, path in zip(parts_of(chunk.pieces), paths, strict=True):
        if plan.sources[part.source].channels:
            args += input_arguments(plan, part, path, sound=True)
    return [
        *args,
        "-filter_complex",
        audio_graph(plan, chunk),
        "-map",
        "[sound]",
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
        "-flags:a",
        "+bitexact",
        "-c:a",
        f"pcm_{AUDIO_FORMAT}",
        "-f",
        AUDIO_FORMAT,
        target,
    ]


def audio_graph(plan: Plan, chunk: Chunk) -> str:
    """The filter graph of a chunk; its output is called ``sound``. Lengths are exact in samples."""
    chains: list[str] = []
    number = 0
    for index, piece in enumerate(chunk.pieces):
        begin = samples_at(piece.at, plan.fps)
        samples = samples_at(piece.at + piece.frames, plan.fps) - begin
        ends = [f"p{index}"] if not piece.is_crossfade else [f"a{index}", f"b{index}"]
        for part, end in zip(piece.parts, ends, strict=True):
            chains += _sound(plan, part, samples, number, end)
            number += 1 if plan.sources[part.source].channels else 0
        if piece.is_crossfade:
            chains.append(
                f"[a{index}][b{index}]acrossfade=ns={samples}:c1=tri:c2=tri,"
                f"atrim=end_sample={samples},asetpts=N/SR/TB[p{index}]"
            )
    count = len(chunk.pieces)
    joined = "".join(f"[p{index}]" for index in range(count))
    together = f"concat=n={count}:v=0:a=1," if count > 1 else ""
    chains.append(f"{joined}{together}atrim=end_sample={chunk.samples},asetpts=N/SR/TB[sound]")
    return ";".join(chains)


def _sound(plan: Plan, part: Part, samples: int, number: int, end: str) -> list[str]:
    """Chains from a source's sound to exactly ``samples`` samples, called ``end``."""
    source = plan.sources[part.source]
    layout = LAYOUTS[plan.channels]
    shape = f"aformat=sample_fmts=flt:sample_rates={SAMPLE_RATE}:channel_layouts={layout}"
    if not source.channels:
        return [
            f"anullsrc=r={SAMPLE_RATE}:cl={layout},atrim=end_sample={samples},{shape},asetpts=N/SR/TB[{end}]"
        ]
    # Positions in the source are absolute; the sound is put on the same clock as the picture.
    begin = samples_at(part.start, plan.fps) + source.sound_shift
    first = min(_seek(plan, part, sound=True) * SAMPLE_RATE, begin)
    align = f"aresample={SAMPLE_RATE}:async=1:first_pts={first}"
    tail = (
        f"apad,atrim=start_pts={begin}:end_pts={begin + samples},"
        f"asetpts=PTS-STARTPTS,{shape},asetpts=N/SR/TB[{end}]"
    )
    if plan.channels > 2:
        return _many_channels(plan, source, number, align, tail)
    if source.channels == 1 and source.tracks > 1 and plan.channels == 2:
        return [
            f"[{number}:a:0]{align}[l{number}]",
            f"[{number}:a:1]{align}[r{number}]",
            f"[l{number}][r{number}]amerge=inputs=2,pan=stereo|c0=c0|c1=c1,{tail}",
        ]
    if source.channels == 1 and plan.channels == 2:
        return [f"[{number}:a:0]{align},pan=stereo|c0=c0|c1=c0,{tail}"]
    return [f"[{number}:a:0]{align},{tail}"]


def _many_channels(plan: Plan, source: Source, number: int, align: str, tail: str) -> list[str]:
    """The channels of all tracks one after the other, each where it comes; what is missing is silent."""
    layout, each = LAYOUTS[plan.channels], source.channels
    tracks = min(source.tracks, -(-plan.channels // each)) if source.even_tracks else 1
    chains = []
    for track in range(tracks):
        # Each track is laid into its own places of the whole, silent elsewhere: the sum changes no sample.
        places = {track * each + own: own for own in range(each)}
        if tracks == each == 1:
            places[1] = 0  # a single microphone is heard on both sides
        gains = (f"c{at}=c{places[at]}" if at in places else f"c{at}=0*c0" for at in range(plan.channels))
        chains.append(f"[{number}:a:{track}]{align},pan={layout}|{'|'.join(gains)}[t{number}x{track}]")
    ends = "".join(f"[t{number}x{track}]" for track in range(tracks))
    mixed = f"amix=inputs={tracks}:normalize=0," if tracks > 1 else "anull,"
    return [*chains, f"{ends}{mixed}{tail}"]
