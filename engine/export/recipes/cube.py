"""Colour tables (``.cube``): whether ffmpeg's ``lut3d`` can take one, told before anything is queued."""

from __future__ import annotations

import functools
import os

from engine.names import display

LEAST, MOST = 2, 256
"""Steps of a side that lut3d takes (``MAX_LEVEL`` of vf_lut3d.c)."""

LARGEST = 1 << 30
"""Bytes; a table of 256 steps with long numbers is smaller."""

_WORDS = ("TITLE", "DOMAIN_MIN", "DOMAIN_MAX", "LUT_3D_INPUT_RANGE", "LUT_1D_INPUT_RANGE")


def problem(path: str) -> str | None:
    """Why a file cannot be used as a colour table, as a sentence; None when it can. Reads it once."""
    shown = display(path)
    if not path.lower().endswith(".cube"):
        return f"{shown} is no .cube file."
    try:
        found = os.stat(path)
        if not os.path.isfile(path):
            return f"{shown} is no file."
        if found.st_size > LARGEST:
            return f"{shown} is no colour table: it is larger than any."
        why = _wrong(path, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return f"{shown} does not exist."
    except OSError as error:
        return f"The colour table {shown} cannot be read: {error.strerror}."
    return None if why is None else f"{shown} is no colour table: {why}"


@functools.lru_cache(maxsize=64)
def _wrong(path: str, mtime_ns: int, size: int) -> str | None:
    """What is wrong with the text of a table; asked once for each state of the file."""
    del mtime_ns, size
    side = entries = 0
    with open(path, encoding="latin-1") as file:
        for number, line in enumerate(file, 1):
            words = line.split()
            if not words or words[0].startswith("#") or words[0] in _WORDS:
                continue
            if words[0] == "LUT_1D_SIZE":
                return "it has one dimension, and three are needed (LUT_3D_SIZE)."
            if words[0] == "LUT_3D_SIZE":
                side = int(words[1]) if len(words) > 1 and words[1].isascii() and words[1].isdigit() else 0
                if not LEAST <= side <= MOST:
                    return f"its LUT_3D_SIZE is no number from {LEAST} to {MOST}."
            elif side:
                if not _is_colour(words):
                    return f"line {number} is no colour."
                entries += 1
    if not side:
        return "it has no line LUT_3D_SIZE."
    if entries < side**3:
        return f"{side**3:,} colours are promised, and it holds {entries:,}."
    return None


def _is_colour(words: list[str]) -> bool:
    try:
        return len([float(word) for word in words[:3]]) == 3
    except ValueError:
        return False
