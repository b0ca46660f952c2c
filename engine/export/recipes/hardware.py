"""Encoders of graphics cards: which codec each makes, and how it is spoken to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hardware:
    """How an encoder of a graphics card is spoken to.

    Attributes:
        codec: name of its codec in :data:`engine.export.recipes.codecs.VIDEO`.
        maker: for people.
        quality: arguments for a constant quality; ``{q}`` stands for the preset's crf.
        before: arguments before the inputs.
        upload: end of the filter chain that brings pictures to the card.
    """

    codec: str
    maker: str
    quality: tuple[str, ...]
    before: tuple[str, ...] = ()
    upload: str = ""


_RENDER_NODE = "/dev/dri/renderD128"
_NVENC = ("-preset", "p5", "-rc", "vbr", "-cq", "{q}", "-b:v", "0")
_QSV = ("-global_quality", "{q}")
_VAAPI = ("-rc_mode", "CQP", "-qp", "{q}")
_TOOLBOX = ("-q:v", "{q100}")


def _vaapi(codec: str) -> Hardware:
    before, upload = ("-vaapi_device", _RENDER_NODE), "format=nv12,hwupload"
    return Hardware(codec, "VA-API (AMD, Intel)", _VAAPI, before, upload)


ENCODERS: dict[str, Hardware] = {
    "h264_nvenc": Hardware("libx264", "NVIDIA", _NVENC),
    "hevc_nvenc": Hardware("libx265", "NVIDIA", _NVENC),
    "av1_nvenc": Hardware("av1", "NVIDIA", _NVENC),
    "h264_qsv": Hardware("libx264", "Intel Quick Sync", _QSV),
    "hevc_qsv": Hardware("libx265", "Intel Quick Sync", _QSV),
    "av1_qsv": Hardware("av1", "Intel Quick Sync", _QSV),
    "h264_vaapi": _vaapi("libx264"),
    "hevc_vaapi": _vaapi("libx265"),
    "av1_vaapi": _vaapi("av1"),
    "h264_videotoolbox": Hardware("libx264", "Apple", _TOOLBOX),
    "hevc_videotoolbox": Hardware("libx265", "Apple", _TOOLBOX),
}
"""Encoders of graphics cards by ffmpeg's name. Their output is not known to be the same on every run."""


def arguments(encoder: str, video: Mapping[str, Any], pix_fmt: str, group: int) -> list[str]:
    """The arguments of one encode on a card; ``group`` is the distance of key frames in frames."""
    card = ENCODERS[encoder]
    args = ["-c:v", encoder]
    if video.get("bitrate"):
        args += ["-b:v", str(video["bitrate"])]
    else:
        crf = int(video["crf"]) if video.get("crf") is not None else 23
        args += [part.format(q=crf, q100=max(1, 100 - 2 * crf)) for part in card.quality]
    if video.get("profile") is not None:
        args += ["-profile:v", str(video["profile"])]
    if not card.upload:
        args += ["-pix_fmt", pix_fmt]
    return [*args, "-g", str(group)]
