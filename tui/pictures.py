"""Small pictures of text: two pixels in each cell, by the upper half block and two colours.

Only where the terminal has at least 256 colours and UTF-8; elsewhere a picture
would be a riddle, so there is none.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tui.looks import Cell, Piece

if TYPE_CHECKING:
    from tui.app import RushesApp

HALF = "▀"
"""The upper half of a cell: the letter's colour above, the background's below."""

COLOURS = 32
"""Colours of a picture: neighbours of one colour become one piece, and each piece costs some forty bytes."""

LARGEST_FILE = 8 << 20
"""Files above this are no thumbnails, in bytes."""

LARGEST_SIDE = 8192
"""Pictures wider or higher than this, in pixels, are not decoded."""

CELL_SHAPE = 2
"""A cell is about twice as high as it is wide, so the two pixels in it are square."""


def can_show(app: RushesApp) -> bool:
    """Whether this terminal shows pictures of half blocks: colours enough, and the signs for it."""
    if app.no_color or app.current_theme.ansi or app.glyphs.name != "unicode":
        return False
    return app.console.color_system in ("256", "truecolor")


def half_blocks(path: str, width: int, height: int) -> tuple[Cell, ...]:
    """The picture at ``path`` in at most ``width`` x ``height`` cells, its shape kept; one cell tuple a line.

    Empty when there is no such file, or it is no picture that can be read. Reads
    the file: call it outside the event loop. Any thread.
    """
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return ()
    if width < 1 or height < 1 or not 0 < facts.st_size <= LARGEST_FILE:
        return ()
    return _drawn(path, facts.st_mtime_ns, facts.st_size, width, height)


@lru_cache(maxsize=64)
def _drawn(path: str, mtime_ns: int, size: int, width: int, height: int) -> tuple[Cell, ...]:
    """The lines of a picture; ``mtime_ns`` and ``size`` tell one state of the file from the next."""
    del mtime_ns, size
    # A fifth of the time to the first screen, for screens that may never show a picture.
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            if max(opened.size) > LARGEST_SIDE or min(opened.size) < 1:
                return ()
            opened.draft("RGB", (width * 2, height * 2 * CELL_SHAPE))
            scale = min(width / opened.width, height * CELL_SHAPE / opened.height)
            wide = max(1, round(opened.width * scale))
            high = max(2, round(opened.height * scale / CELL_SHAPE) * CELL_SHAPE)
            shrunk = opened.convert("RGB").resize((wide, high), Image.Resampling.BOX)
            few = shrunk.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return ()  # a broken thumbnail is no news: the run itself says what is wrong with it
    return tuple(_line(few.load(), wide, y) for y in range(0, high, CELL_SHAPE))


def _line(pixels: Any, width: int, y: int) -> Cell:
    pieces: list[Piece] = []
    for x in range(width):
        tone = f"#{_hex(pixels[x, y])},#{_hex(pixels[x, y + 1])}"
        if pieces and pieces[-1][1] == tone:
            pieces[-1] = (pieces[-1][0] + HALF, tone)
        else:
            pieces.append((HALF, tone))
    return tuple(pieces)


def _hex(pixel: tuple[int, int, int]) -> str:
    return "".join(f"{value:02x}" for value in pixel)
