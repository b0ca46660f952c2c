"""Levels of H.264 and H.265: how large and how fast a picture each one takes. Pure."""

from __future__ import annotations

H264: dict[str, tuple[int, int]] = {
    "1": (99, 1485),
    "1.1": (396, 3000),
    "1.2": (396, 6000),
    "1.3": (396, 11880),
    "2": (396, 11880),
    "2.1": (792, 19800),
    "2.2": (1620, 20250),
    "3": (1620, 40500),
    "3.1": (3600, 108000),
    "3.2": (5120, 216000),
    "4": (8192, 245760),
    "4.1": (8192, 245760),
    "4.2": (8704, 522240),
    "5": (22080, 589824),
    "5.1": (36864, 983040),
    "5.2": (36864, 2073600),
    "6": (139264, 4177920),
    "6.1": (139264, 8355840),
    "6.2": (139264, 16711680),
}
"""ITU-T H.264 table A-1: most macroblocks per picture, and per second."""

HEVC: dict[str, tuple[int, int]] = {
    "1": (36864, 552960),
    "2": (122880, 3686400),
    "2.1": (245760, 7372800),
    "3": (552960, 16588800),
    "3.1": (983040, 33177600),
    "4": (2228224, 66846720),
    "4.1": (2228224, 133693440),
    "5": (8912896, 267386880),
    "5.1": (8912896, 534773760),
    "5.2": (8912896, 1069547520),
    "6": (35651584, 1069547520),
    "6.1": (35651584, 2139095040),
    "6.2": (35651584, 4278190080),
}
"""ITU-T H.265 table A.8: most luma samples per picture, and per second."""


def of(codec: str) -> dict[str, tuple[int, int]]:
    """The levels of a preset's codec; empty where there are none."""
    return {"libx264": H264, "libx265": HEVC}.get(codec, {})


def plain(level: str) -> str:
    """A level as the tables spell it: ``4.0`` is ``4``."""
    return level.removesuffix(".0")
