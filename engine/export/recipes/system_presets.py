"""The presets that are always there. They cannot be changed; copying one under another name can."""

from __future__ import annotations

from typing import Any

from engine.export.recipes import hardware
from engine.export.recipes.body import checked
from engine.export.recipes.presets import Preset

_AAC_160: dict[str, Any] = {"codec": "aac", "bitrate": "160k"}
_PCM_16: dict[str, Any] = {"codec": "pcm_s16le"}
_PCM_24: dict[str, Any] = {"codec": "pcm_s24le"}


def _h264(crf: int, speed: str = "medium", profile: str = "high", **more: Any) -> dict[str, Any]:
    return {
        "codec": "libx264",
        "crf": crf,
        "preset": speed,
        "profile": profile,
        "pix_fmt": "yuv420p",
        **more,
    }


def _prores(profile: int) -> dict[str, Any]:
    return {
        "codec": "prores_ks",
        "profile": str(profile),
        "pix_fmt": "yuv422p10le" if profile < 4 else "yuv444p10le",
    }


def _dnxhr(profile: str) -> dict[str, Any]:
    return {"codec": "dnxhd", "profile": f"dnxhr_{profile}"}


_ALL: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "share",
        "H.264 for people: plays everywhere, small files",
        {"category": "delivery", "video": _h264(20), "audio": _AAC_160, "container": "mp4"},
    ),
    (
        "archive",
        "ProRes 422 HQ, to keep and to edit",
        {"category": "archive", "video": _prores(3), "audio": _PCM_16, "container": "mov"},
    ),
    (
        "web",
        "H.264 for streaming, at most 1280 pixels on the longer side",
        {
            "category": "delivery",
            # Without a level: the encoder then states the true one, 3.1 up to 30 pictures a second.
            "video": _h264(26, "slow", "main"),
            "audio": {"codec": "aac", "bitrate": "128k"},
            "container": "mp4",
            "fit": 1280,
        },
    ),
    (
        "master",
        "ProRes 4444, for grading",
        {"category": "archive", "video": _prores(4), "audio": _PCM_24, "container": "mov"},
    ),
    (
        "prores-proxy",
        "ProRes 422 Proxy at full size",
        {"category": "editing", "video": _prores(0), "audio": _PCM_16, "container": "mov"},
    ),
    (
        "prores-lt",
        "ProRes 422 LT",
        {"category": "editing", "video": _prores(1), "audio": _PCM_16, "container": "mov"},
    ),
    (
        "prores-422",
        "ProRes 422",
        {"category": "editing", "video": _prores(2), "audio": _PCM_16, "container": "mov"},
    ),
    (
        "prores-hq",
        "ProRes 422 HQ with 24-bit sound",
        {"category": "editing", "video": _prores(3), "audio": _PCM_24, "container": "mov"},
    ),
    (
        "prores-4444",
        "ProRes 4444",
        {"category": "editing", "video": _prores(4), "audio": _PCM_24, "container": "mov"},
    ),
    (
        "prores-xq",
        "ProRes 4444 XQ",
        {"category": "editing", "video": _prores(5), "audio": _PCM_24, "container": "mov"},
    ),
    *(
        (
            f"dnxhr-{profile}",
            f"DNxHR {label}",
            {"category": "editing", "video": _dnxhr(profile), "audio": _PCM_24, "container": "mov"},
        )
        for profile, label in (
            ("lb", "LB, for offline editing"),
            ("sq", "SQ"),
            ("hq", "HQ, 8 bit"),
            ("hqx", "HQX, 10 bit"),
            ("444", "444, 10 bit"),
        )
    ),
    *(
        (
            f"dnxhd-{profile}",
            f"DNxHD {label} in MXF OP1a, for 1920x1080 and 1280x720 at the rates of television",
            {
                "category": "editing",
                "video": {"codec": "dnxhd", "profile": f"dnxhd_{profile}"},
                "audio": _PCM_24,
                "container": "mxf",
            },
        )
        for profile, label in (
            ("lb", "36 and its kin"),
            ("sq", "115, 120, 145 and their kin"),
            ("hq", "175, 185, 220 and their kin"),
            ("hqx", "175x, 185x and their kin, 10 bit"),
        )
    ),
    (
        "xdcam-hd422",
        "XDCAM HD422: MPEG-2 at 50 Mb/s in MXF OP1a, for broadcasters; no checkpoints",
        {
            "category": "delivery",
            "video": {"codec": "mpeg2video", "profile": "422", "bitrate": "50M"},
            "audio": _PCM_24,
            "container": "mxf",
        },
    ),
    (
        "ffv1",
        "FFV1 version 3 with FLAC in Matroska: lossless, 10 bit, checksums inside",
        {
            "category": "archive",
            "video": {"codec": "ffv1", "pix_fmt": "yuv422p10le"},
            "audio": {"codec": "flac"},
            "container": "mkv",
        },
    ),
    (
        "dnxhr-hq-mxf",
        "DNxHR HQ in MXF OP1a, for Avid",
        {"category": "editing", "video": _dnxhr("hq"), "audio": _PCM_24, "container": "mxf"},
    ),
    (
        "proxy-prores",
        "Editing proxy: ProRes Proxy, longer side 1280",
        {"category": "proxy", "video": _prores(0), "audio": _PCM_16, "container": "mov", "fit": 1280},
    ),
    (
        "proxy-dnxhr",
        "Editing proxy: DNxHR LB, longer side 1280",
        {"category": "proxy", "video": _dnxhr("lb"), "audio": _PCM_16, "container": "mov", "fit": 1280},
    ),
    (
        "proxy-h264",
        "Viewing proxy: H.264, longer side 1280, quick to make",
        {
            "category": "proxy",
            "video": _h264(23, "veryfast"),
            "audio": {"codec": "aac", "bitrate": "128k"},
            "container": "mp4",
            "fit": 1280,
        },
    ),
    *(
        (
            f"proxy-{part}",
            f"Editing proxy: ProRes Proxy at {part} size",
            {
                "category": "proxy",
                "video": _prores(0),
                "audio": _PCM_24,
                "container": "mov",
                "scale": scale,
            },
        )
        for part, scale in (("half", "1/2"), ("quarter", "1/4"))
    ),
    (
        "review",
        "For looking through: H.264, longer side 1280, clip name and timecode in the picture",
        {
            "category": "delivery",
            "video": _h264(23, "fast"),
            "audio": _AAC_160,
            "container": "mp4",
            "fit": 1280,
            "burn_in": "clip@top-left:4; timecode@bottom:5",
        },
    ),
    (
        "hevc",
        "H.265, 10 bit: half the size of H.264",
        {
            "category": "delivery",
            "video": {"codec": "libx265", "crf": 22, "preset": "medium", "profile": "main10"},
            "audio": _AAC_160,
            "container": "mp4",
        },
    ),
    (
        "proxy-hevc",
        "Viewing proxy: H.265, longer side 1280",
        {
            "category": "proxy",
            "video": {"codec": "libx265", "crf": 26, "preset": "fast", "profile": "main"},
            "audio": {"codec": "aac", "bitrate": "128k"},
            "container": "mp4",
            "fit": 1280,
        },
    ),
    (
        "av1",
        "AV1: the smallest files, slow to make",
        {
            "category": "delivery",
            "video": {"codec": "av1", "crf": 32, "pix_fmt": "yuv420p10le"},
            "audio": _AAC_160,
            "container": "mp4",
        },
    ),
    (
        "vp9",
        "VP9 with Opus in WebM",
        {
            "category": "delivery",
            "video": {"codec": "vp9", "crf": 31},
            "audio": {"codec": "opus", "bitrate": "128k"},
            "container": "webm",
        },
    ),
    (
        "audio-flac",
        "Sound only: FLAC, lossless, 24 bit",
        {"category": "audio", "video": None, "audio": {"codec": "flac"}, "container": "flac"},
    ),
    (
        "audio-wav",
        "Sound only: Broadcast WAV, 24 bit",
        {"category": "audio", "video": None, "audio": _PCM_24, "container": "wav"},
    ),
    (
        "audio-aac",
        "Sound only: AAC",
        {
            "category": "audio",
            "video": None,
            "audio": {"codec": "aac", "bitrate": "192k"},
            "container": "m4a",
        },
    ),
)

SYSTEM: dict[str, Preset] = {
    name: Preset(name, description, is_system=True, body=checked(body)) for name, description, body in _ALL
}
"""System presets by name, in the order in which they are listed."""


def _on_card(encoder: str) -> Preset:
    card = hardware.ENCODERS[encoder]
    video = {"codec": card.codec, "encoder": encoder, "crf": 30 if card.codec == "av1" else 22}
    body = {"category": "delivery", "video": video, "audio": _AAC_160, "container": "mp4"}
    name = encoder.replace("_", "-")
    return Preset(
        name, f"{name.split('-')[0].upper()} by the graphics card ({card.maker})", True, checked(body)
    )


HARDWARE: dict[str, Preset] = {preset.name: preset for preset in map(_on_card, hardware.ENCODERS)}
"""Presets for encoders of graphics cards: listed where a trial shows that they work, refused with the reason
elsewhere."""
