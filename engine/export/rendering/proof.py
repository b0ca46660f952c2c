"""What a rendered file really holds: its packets counted and hashed, its streams described.

A header's duration and frame count are promises of the moment when the file
was begun; a truncated file still makes them. Packets are what is there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.export.recipes import codecs, hardware
from engine.media import child, ffmpeg
from engine.media.courtesy import Courtesy
from engine.media.failures import SENTENCES
from engine.media.ffmpeg import FfmpegFailed
from engine.media.tools import Tools

HASH = "murmur3"
"""Hash of each packet: 128 bits, too fast to be noticed beside an encoder. The file itself gets BLAKE3."""

_DEADLINE_SECONDS = 60.0
_SLOWEST_READ = 5_000_000  # bytes per second that a share gives at least, for the deadline


@dataclass(frozen=True)
class Holds:
    """What one video stream holds.

    Attributes:
        codec: ffmpeg's name.
        width, height: stored size.
        pix_fmt: pixel format.
        time_base: unit of its time stamps, as text.
        rate: frames per second that the header tells, as text.
        extradata: hash of the decoder's set-up; segments that differ in it cannot be joined.
        packets: how many.
        digest: SHA-256 over the packets' hashes in order; of packets that are not hashed empty.
    """

    codec: str
    width: int
    height: int
    pix_fmt: str
    time_base: str
    rate: str
    extradata: str
    packets: int
    digest: str


_NAMES = {"libx264": "h264", "libx265": "hevc", "prores_ks": "prores"}
"""Codecs that ffmpeg calls otherwise in a file than in a preset."""


def codec_in_file(name: str) -> str:
    """What ffmpeg calls a preset's codec when it reads a file."""
    return _NAMES.get(name, name)


def read_as(video: Mapping[str, Any]) -> tuple[str, str | None]:
    """Codec and pixel format that ffmpeg reads from a picture made by this part of a preset.

    The format is None for a graphics card that takes its pictures in a format of its own.
    """
    codec = codec_in_file(str(video["codec"]))
    card = hardware.ENCODERS.get(codecs.encoder_of(video))
    if card is not None and card.upload:
        return codec, None
    pix_fmt = codecs.pix_fmt(video)
    # The 4444 profiles are given 10 bits and hold 12, as every decoder of them says.
    return codec, pix_fmt.replace("444p10", "444p12") if codec == "prores" else pix_fmt


def holds(tools: Tools, path: str, *, hashed: bool = True) -> Holds:
    """Look at the picture of a rendered file.

    Args:
        tools: the tools.
        path: the file.
        hashed: count and hash its packets; else only its header is looked at.

    Raises:
        FfmpegFailed: it cannot be read, or holds no picture.
    """
    ran = child.run(
        [
            tools.ffprobe,
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_data_hash",
            HASH,
            "-show_entries",
            "stream=codec_name,width,height,pix_fmt,time_base,avg_frame_rate,extradata_hash"
            + (":packet=data_hash" if hashed else ""),
            "-of",
            "compact",
            ffmpeg.file_url(path),
        ],
        seconds=_DEADLINE_SECONDS + os.path.getsize(path) / _SLOWEST_READ,
    )
    if ran.timed_out:
        raise FfmpegFailed("timeout", SENTENCES["timeout"], ran.err_text)
    if ran.code != 0:
        raise FfmpegFailed(
            "encoding_error", "A rendered part cannot be read back; it is thrown away.", ran.err_text
        )
    stream, hashes = read_compact(ran.out.decode("ascii", "replace").splitlines())
    if not stream:
        raise FfmpegFailed(
            "encoding_error", "A rendered part holds no picture; it is thrown away.", ran.err_text
        )
    return Holds(
        codec=stream.get("codec_name", ""),
        width=int(stream.get("width") or 0),
        height=int(stream.get("height") or 0),
        pix_fmt=stream.get("pix_fmt", ""),
        time_base=stream.get("time_base", ""),
        rate=stream.get("avg_frame_rate", ""),
        extradata=stream.get("extradata_hash", ""),
        packets=len(hashes),
        digest=digest_of(hashes) if hashed else "",
    )


def read_compact(lines: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The stream's values and the packets' hashes from ffprobe's compact output."""
    stream: dict[str, str] = {}
    hashes: list[str] = []
    for line in lines:
        section, _, rest = line.partition("|")
        values = dict(pair.partition("=")[::2] for pair in rest.split("|") if "=" in pair)
        if section == "packet" and "data_hash" in values:
            hashes.append(values["data_hash"].rpartition(":")[2])
        elif section == "stream":
            stream.update(values)
    return stream, hashes


def digest_of(hashes: Iterable[str]) -> str:
    """One hash over the packets' hashes in order."""
    digest = hashlib.sha256()
    for value in hashes:
        digest.update(value.encode("ascii"))
    return digest.hexdigest()


HARMLESS = "Guessed Channel Layout"
"""MXF does not tell the places of its channels; nothing is wrong with that."""

DECODE = ("-map", "0:v?", "-map", "0:a?", "-fps_mode", "passthrough", "-f", "null", "-")
"""Output arguments that decode every picture and every sound of an input, and keep nothing."""


@dataclass(frozen=True)
class ReadBack:
    """What ffmpeg's reading of a finished file to its end gave.

    Attributes:
        hashes: of every picture packet, in order; None when they were not asked for.
        decoded: pictures that came out of the decoder without a single complaint about picture or sound;
            None when it was not asked for, or when something was wrong: then look closer.
    """

    hashes: list[str] | None = None
    decoded: int | None = None


def complaints(finished: ffmpeg.Finished) -> str:
    """What ffmpeg said that means something, by the line; empty for nothing."""
    return "\n".join(line for line in finished.stderr.splitlines() if line.strip() and HARMLESS not in line)


def read_back(
    tools: Tools,
    path: str,
    scratch: str,
    *,
    hashed: bool = True,
    decode: bool = False,
    check: Callable[[], None] | None = None,
    on_progress: Callable[[ffmpeg.Progress], None] | None = None,
    stall_seconds: float = ffmpeg.STALL_SECONDS,
    courtesy: Callable[[], Courtesy] = Courtesy,
    log: str | None = None,
) -> ReadBack:
    """Hash every picture packet of a finished file, decode all of it, or both, in one reading.

    Args:
        tools: the tools.
        path: the file.
        scratch: a file of our own that is written and removed.
        hashed: hash its picture's packets.
        decode: also decode it to its end.
        check: raises when the work must stop.
        on_progress: gets ffmpeg's progress.
        stall_seconds: longest time without an advance.
        courtesy: see :func:`engine.media.ffmpeg.run`.
        log: file for ffmpeg's messages.

    Raises:
        FfmpegFailed: it cannot be read to its end.
    """

    def run(*outputs: str) -> ffmpeg.Finished:
        return ffmpeg.run(
            tools,
            ["-v", "error", "-i", ffmpeg.file_url(path), *outputs],
            on_progress=on_progress,
            check=check,
            stall_seconds=stall_seconds,
            log=log,
            writes_count=True,
            courtesy=courtesy,
        )

    packets = ("-map", "0:v:0", "-c", "copy", "-f", "framehash", "-hash", HASH, ffmpeg.file_url(scratch))
    try:
        decoded = None
        # The frames that ffmpeg counts are those of its first output.
        finished = run(*(DECODE if decode else ()), *(packets if hashed else ()))
        if decode and finished.rc == 0 and finished.last.ended and not complaints(finished):
            decoded = finished.last.frame
        elif decode and hashed:
            finished = run(*packets)  # the packets alone: what does not decode may still be what was planned
        if not hashed:
            return ReadBack(None, decoded)
        if finished.rc != 0:
            raise ffmpeg.failed(finished)
        with open(scratch, encoding="ascii", errors="replace") as lines:
            hashes = [line.rpartition(",")[2].strip() for line in lines if line[:1].isdigit()]
        return ReadBack(hashes, decoded)
    finally:
        if os.path.exists(scratch):
            os.unlink(scratch)


@dataclass(frozen=True)
class Streams:
    """What a finished file says about itself: durations in seconds, None when it does not tell."""

    video: str | None
    rate: Fraction | None
    video_seconds: float | None
    audio: str | None
    audio_seconds: float | None
    channels: int
    seconds: float | None


def streams(tools: Tools, path: str) -> Streams:
    """Describe a finished file.

    Raises:
        FfmpegFailed: it cannot be opened.
    """
    ran = child.run(
        [
            tools.ffprobe,
            "-v",
            "error",
            "-show_entries",
            "stream=codec_type,codec_name,avg_frame_rate,duration,channels:format=duration",
            "-of",
            "compact",
            ffmpeg.file_url(path),
        ],
        seconds=_DEADLINE_SECONDS,
    )
    if ran.timed_out:
        raise FfmpegFailed("timeout", SENTENCES["timeout"], ran.err_text)
    if ran.code != 0:
        raise FfmpegFailed("encoding_error", "The finished file cannot be opened again.", ran.err_text)
    kinds: dict[str, dict[str, str]] = {}
    for line in ran.out.decode("utf-8", "replace").splitlines():
        section, _, rest = line.partition("|")
        values = dict(pair.partition("=")[::2] for pair in rest.split("|") if "=" in pair)
        kind = values.get("codec_type", section)
        kinds.setdefault(kind, values)
    video, audio, whole = kinds.get("video", {}), kinds.get("audio", {}), kinds.get("format", {})
    return Streams(
        video=video.get("codec_name"),
        rate=_fraction(video.get("avg_frame_rate")),
        video_seconds=_float(video.get("duration")),
        audio=audio.get("codec_name"),
        audio_seconds=_float(audio.get("duration")),
        channels=int(audio.get("channels") or 0),
        seconds=_float(whole.get("duration")),
    )


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:  # N/A
        return None


def _fraction(text: str | None) -> Fraction | None:
    try:
        return Fraction(text) if text else None
    except (ValueError, ZeroDivisionError):  # 0/0: not known
        return None
