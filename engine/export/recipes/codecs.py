"""Encoders, what each may be put into, and the arguments that make them repeatable. Pure.

Threads are part of an encoder's identity here: x264 and x265 give other
pictures with another number of threads, so the number is fixed, not taken
from the machine. That is what makes a resumed film equal to an uninterrupted
one, on this machine and on the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.export.recipes import dnxhd, hardware

THREADS = 4
"""Fixed number of threads per encoder whose output depends on it (x264, x265, VP9, SVT-AV1)."""

GOP_SECONDS = 2
"""Distance of key frames of inter codecs, in seconds."""

_YUV420 = ("yuv420p", "yuv420p10le")
_YUV422 = ("yuv422p", "yuv422p10le")
_YUV444 = ("yuv444p", "yuv444p10le")


@dataclass(frozen=True)
class VideoCodec:
    """A video codec that presets may name.

    Attributes:
        encoders: ffmpeg encoders that make it, the best first.
        containers: where it may go.
        pix_fmts: pixel formats it takes here; the first is the default.
        profiles: profile -> pixel formats it goes with; empty: has no profiles.
        intra: every frame is a key frame.
        byte_exact: segments joined are the same bytes as one render.
        segment_format: muxer of its segments. MOV keeps exact timestamps; AV1 and VP9 are refused there.
        quality: the quality option, ``-crf`` or ``-q:v``; None when it has none.
        tag: sample entry that players expect in MOV and MP4.
        least_size: smallest width and height that the encoder takes.
        joins: its segments fit together; False: a film is made in one piece, without checkpoints.
        hardware: encoders of graphics cards that make it too; taken only when a preset names one.
    """

    encoders: tuple[str, ...]
    containers: tuple[str, ...]
    pix_fmts: tuple[str, ...]
    profiles: Mapping[str, tuple[str, ...]]
    intra: bool
    byte_exact: bool = False
    segment_format: str = "mov"
    quality: str | None = None
    tag: str | None = None
    least_size: tuple[int, int] = (2, 2)
    joins: bool = True
    hardware: tuple[str, ...] = ()


_PRORES = {
    "0": ("yuv422p10le",),
    "1": ("yuv422p10le",),
    "2": ("yuv422p10le",),
    "3": ("yuv422p10le",),
    "4": ("yuv444p10le", "yuva444p10le"),
    "5": ("yuv444p10le", "yuva444p10le"),
}

_DNXHR = {
    "dnxhr_lb": ("yuv422p",),
    "dnxhr_sq": ("yuv422p",),
    "dnxhr_hq": ("yuv422p",),
    "dnxhr_hqx": ("yuv422p10le",),
    "dnxhr_444": ("yuv444p10le", "gbrp10le"),
    "dnxhd_lb": ("yuv422p",),
    "dnxhd_sq": ("yuv422p",),
    "dnxhd_hq": ("yuv422p",),
    "dnxhd_hqx": ("yuv422p10le",),
}

_H264 = {
    "baseline": ("yuv420p",),
    "main": ("yuv420p",),
    "high": ("yuv420p",),
    "high10": ("yuv420p10le", "yuv420p"),
    "high422": ("yuv422p10le", "yuv422p", *_YUV420),
    "high444": ("yuv444p", "yuv444p10le", *_YUV422, *_YUV420),
}

_HEVC = {
    "main": ("yuv420p",),
    "main10": ("yuv420p10le",),
    "main422-10": ("yuv422p10le",),
    "main444-8": ("yuv444p",),
}

VIDEO: dict[str, VideoCodec] = {
    "libx264": VideoCodec(
        ("libx264",),
        ("mp4", "mov", "mkv", "avi", "mxf"),
        (*_YUV420, *_YUV422, *_YUV444),
        _H264,
        intra=False,
        quality="-crf",
        tag="avc1",
        hardware=("h264_nvenc", "h264_qsv", "h264_vaapi", "h264_videotoolbox"),
    ),
    "libx265": VideoCodec(
        ("libx265",),
        ("mp4", "mov", "mkv"),
        (*_YUV420, *_YUV422, "yuv444p"),
        _HEVC,
        intra=False,
        quality="-crf",
        tag="hvc1",
        hardware=("hevc_nvenc", "hevc_qsv", "hevc_vaapi", "hevc_videotoolbox"),
    ),
    "prores_ks": VideoCodec(
        ("prores_ks",),
        ("mov", "mkv"),
        ("yuv422p10le", "yuv444p10le", "yuva444p10le"),
        _PRORES,
        intra=True,
        byte_exact=True,
    ),
    "dnxhd": VideoCodec(
        ("dnxhd",),
        ("mov", "mxf", "mkv"),
        ("yuv422p", "yuv422p10le", "yuv444p10le", "gbrp10le"),
        _DNXHR,
        intra=True,
        byte_exact=True,
        least_size=(256, 120),
    ),
    "cfhd": VideoCodec(("cfhd",), ("mov", "avi"), ("yuv422p10le",), {}, intra=True),
    "mjpeg": VideoCodec(
        ("mjpeg",), ("mov", "avi", "mkv"), ("yuvj420p", "yuvj422p"), {}, intra=True, quality="-q:v"
    ),
    "mpeg2video": VideoCodec(
        ("mpeg2video",),
        ("mxf", "mov", "mkv"),
        ("yuv422p", "yuv420p"),
        {"422": ("yuv422p",), "main": ("yuv420p",)},
        intra=False,
        quality="-q:v",
        joins=False,
    ),
    "ffv1": VideoCodec(
        ("ffv1",),
        ("mkv", "mov", "avi"),
        ("yuv422p10le", "yuv420p", "yuv420p10le", "yuv422p", "yuv444p10le", "gbrp10le"),
        {},
        intra=True,
    ),
    "vp9": VideoCodec(
        ("libvpx-vp9",),
        ("webm", "mkv", "mp4"),
        ("yuv420p",),
        {},
        intra=False,
        segment_format="mp4",
        quality="-crf",
    ),
    "av1": VideoCodec(
        ("libsvtav1", "libaom-av1"),
        ("mp4", "mkv", "webm"),
        _YUV420,
        {},
        intra=False,
        segment_format="mp4",
        quality="-crf",
        hardware=("av1_nvenc", "av1_qsv", "av1_vaapi"),
    ),
}
"""Video codecs by the name that a preset uses."""


@dataclass(frozen=True)
class AudioCodec:
    """An audio codec that presets may name: encoders, containers, whether it takes a bitrate, limits."""

    encoders: tuple[str, ...]
    containers: tuple[str, ...]
    has_bitrate: bool = False
    most_channels: int = 16
    sample_rates: tuple[int, ...] = (44100, 48000, 96000)


AUDIO: dict[str, AudioCodec] = {
    "aac": AudioCodec(("aac",), ("mp4", "mov", "mkv", "m4a"), has_bitrate=True, most_channels=8),
    "mp3": AudioCodec(
        ("libmp3lame",),
        ("mp4", "mov", "mkv", "avi", "mp3"),
        has_bitrate=True,
        most_channels=2,
        sample_rates=(44100, 48000),
    ),
    "pcm_s16le": AudioCodec(("pcm_s16le",), ("mov", "mkv", "avi", "mxf", "wav")),
    "pcm_s24le": AudioCodec(("pcm_s24le",), ("mov", "mkv", "mxf", "wav")),
    "pcm_s32le": AudioCodec(("pcm_s32le",), ("mov", "mkv", "wav")),
    "flac": AudioCodec(("flac",), ("mkv", "mp4", "flac"), most_channels=8),
    "opus": AudioCodec(
        ("libopus",), ("webm", "mkv", "mp4"), has_bitrate=True, most_channels=8, sample_rates=(48000,)
    ),
    "vorbis": AudioCodec(("libvorbis",), ("webm", "mkv"), has_bitrate=True, most_channels=8),
}
"""Audio codecs by the name that a preset uses."""

CONTAINERS: dict[str, str] = {
    "mp4": "mp4",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "webm",
    "avi": "avi",
    "mxf": "mxf",
    "wav": "wav",
    "m4a": "ipod",
    "mp3": "mp3",
    "flac": "flac",
}
"""Container (and file extension) -> ffmpeg muxer."""

AUDIO_ONLY_CONTAINERS = frozenset({"wav", "m4a", "mp3", "flac"})
"""Containers that hold no picture."""

SPEEDS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
)
"""Values of ``preset`` for x264 and x265."""

TUNES = ("film", "animation", "grain", "stillimage", "fastdecode", "zerolatency", "psnr", "ssim")
"""Values of ``tune`` for x264 (x265 knows fewer, and refuses the others itself)."""

_AV1_SPEED = "8"
_AOM_SPEED = "8"
_VP9_SPEED = "4"


def encoder_of(video: Mapping[str, Any]) -> str:
    """The ffmpeg encoder of a preset's picture."""
    return str(video.get("encoder") or VIDEO[video["codec"]].encoders[0])


def video_arguments(
    video: Mapping[str, Any], fps: Fraction, size: tuple[int, int] = (1920, 1080)
) -> list[str]:
    """The arguments of one video encode.

    Args:
        video: the ``video`` part of a checked preset, with ``encoder`` set to the one that is used.
        fps: frames per second of the timeline, for the distance of key frames.
        size: of the picture, which decides the bitrate of DNxHD.
    """
    codec = VIDEO[video["codec"]]
    encoder = encoder_of(video)
    if encoder in hardware.ENCODERS:
        return hardware.arguments(encoder, video, pix_fmt(video), _group(fps))
    args = ["-c:v", encoder]
    if dnxhd.asked_for(video):
        megabits = dnxhd.megabits(video, size, fps) or 0
        return [*args, "-profile:v", "dnxhd", "-b:v", f"{megabits}M", "-pix_fmt", pix_fmt(video)]
    if codec.quality and video.get("crf") is not None:
        args += [codec.quality, str(video["crf"])]
    if video.get("qp") is not None:
        args += ["-qp", str(video["qp"])]
    if video.get("bitrate"):
        args += ["-b:v", str(video["bitrate"])]
    elif encoder in ("libvpx-vp9", "libaom-av1"):
        args += ["-b:v", "0"]  # constant quality; otherwise the encoder's default bitrate is a ceiling
    args += _speed(encoder, video)
    if video.get("tune"):
        args += ["-tune", str(video["tune"])]
    if video.get("profile") is not None and encoder != "mpeg2video":
        args += ["-profile:v", str(video["profile"])]
    if video.get("level") is not None:
        args += ["-level:v", str(video["level"])]
    args += ["-pix_fmt", pix_fmt(video)]
    if encoder == "mpeg2video":
        return [*args, *_xdcam(video, fps)]
    if not codec.intra:
        args += ["-g", str(_group(fps))]
    return args + _repeatable(encoder)


def _group(fps: Fraction) -> int:
    return max(1, round(fps * GOP_SECONDS))


def _xdcam(video: Mapping[str, Any], fps: Fraction) -> list[str]:
    """MPEG-2 as broadcasters take it: short groups, two reordered frames, a bitrate that never varies."""
    args = ["-g", str(12 if fps < 29 else 15), "-bf", "2", "-threads", "1"]
    if video.get("bitrate"):
        rate = str(video["bitrate"])
        args += ["-minrate", rate, "-maxrate", rate, "-bufsize", "17825792", "-dc", "10"]
        args += [
            "-intra_vlc",
            "1",
            "-non_linear_quant",
            "1",
            "-qmin",
            "1",
            "-qmax",
            "12",
            "-lmin",
            "1*QP2LAMBDA",
        ]
    return args


def pix_fmt(video: Mapping[str, Any]) -> str:
    """The pixel format of a preset's picture: its own, else what its profile or codec begins with."""
    codec = VIDEO[video["codec"]]
    fitting = codec.profiles.get(str(video.get("profile")), codec.pix_fmts)
    return str(video.get("pix_fmt") or fitting[0])


def _speed(encoder: str, video: Mapping[str, Any]) -> list[str]:
    given = video.get("preset")
    if encoder in ("libx264", "libx265"):
        return ["-preset", str(given or "medium")]
    if encoder == "libsvtav1":
        return ["-preset", str(given or _AV1_SPEED)]
    if encoder == "libaom-av1":
        return ["-cpu-used", str(given or _AOM_SPEED)]
    if encoder == "libvpx-vp9":
        return ["-deadline", "good", "-cpu-used", str(given or _VP9_SPEED)]
    return []


SHARING = frozenset({"prores_ks", "dnxhd"})
"""Encoders whose bytes are the same for any number of threads, so that they may take what is free."""


def threads_of(encoder: str) -> int:
    """Threads of one encoder whose output depends on them, and so the processors that it keeps busy."""
    return 1 if encoder == "libaom-av1" else THREADS


def _repeatable(encoder: str) -> list[str]:
    """Arguments that make the output the same on every run and machine."""
    threads = ["-threads", str(THREADS)]
    match encoder:
        case "libx264":
            return threads
        case "ffv1":
            # Version 3 with a checksum per slice is what archives ask for.
            return ["-level", "3", "-slices", "16", "-slicecrc", "1", "-g", "1", *threads]
        case "libx265":
            return ["-x265-params", f"pools={THREADS}:frame-threads=2:info=0:open-gop=0:log-level=error"]
        case "prores_ks":
            # The frame header's vendor; players that look for Apple's accept it.
            return ["-vendor", "apl0"]
        case "libvpx-vp9":
            return [*threads, "-row-mt", "1"]
        case "libaom-av1":
            # With rows in several threads the libaom of ffmpeg 6.0 wrote films that no decoder takes, one
            # in ten, and another one every time. In one thread it is sound, and segments go side by side.
            return ["-threads", str(threads_of("libaom-av1")), "-row-mt", "0"]
        case "libsvtav1":
            return ["-svtav1-params", f"lp={THREADS}"]
    return []


def audio_arguments(audio: Mapping[str, Any]) -> list[str]:
    """The arguments of the audio encode at the join."""
    codec = AUDIO[audio["codec"]]
    args = ["-c:a", codec.encoders[0]]
    if codec.has_bitrate and audio.get("bitrate"):
        args += ["-b:a", str(audio["bitrate"])]
    if audio.get("sample_rate"):
        args += ["-ar", str(audio["sample_rate"])]
    if audio.get("channels"):
        args += ["-ac", str(audio["channels"])]
    if codec.encoders[0] == "flac":
        args += ["-sample_fmt", "s32"]  # 24 bit; the default would be 16
    return args


def muxer_arguments(container: str, *, faststart: bool, tag: str | None) -> list[str]:
    """The arguments that choose and set up the container of the finished file."""
    args = ["-f", CONTAINERS[container]]
    if container in ("mp4", "mov", "m4a"):
        flags = ["+faststart"] if faststart else []
        if container != "m4a" and tag:
            args += ["-tag:v", tag]
        # Timecode and colour belong into the file; `write_colr` is on by default since ffmpeg 4.3.
        args += ["-movflags", "".join(flags)] if flags else []
    if container == "wav":
        # A Broadcast Wave: where its sound begins on the day's clock is in it.
        args += ["-rf64", "auto", "-write_bext", "1"]
    return args
