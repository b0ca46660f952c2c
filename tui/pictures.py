"""Small pictures: real ones where the terminal can, else text, by the upper half block and two colours.

Only where the terminal has at least 256 colours and UTF-8; elsewhere a picture
would be a riddle, so there is none. Which kind it is says
:func:`tui.looks.choose_pictures`; how a real one is sent, :mod:`tui.graphics`.
"""

from __future__ import annotations

import io
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tui import graphics
from tui.graphics import Drawn, Sheet
from tui.looks import Cell, Piece

if TYPE_CHECKING:
    from PIL.Image import Image

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


SHRINK = 0.8
"""How much smaller a real picture becomes, a side, at least, each time that it has too many bytes."""


def can_show(app: RushesApp) -> bool:
    """Whether this terminal shows pictures: colours enough, the signs for it, and nobody forbade them."""
    if app.no_color or app.current_theme.ansi or app.glyphs.name != "unicode" or app.picture_kind == "none":
        return False
    return app.console.color_system in ("256", "truecolor")


def drawn(path: str, width: int, height: int, kind: str) -> Drawn:
    """The picture at ``path`` in at most ``width`` x ``height`` cells, its shape kept.

    ``kind`` is ``kitty`` for a real one, anything else for half blocks. Empty
    when there is no such file, or it is no picture that can be read. Reads the
    file: call it outside the event loop. Any thread.
    """
    if kind != "kitty":
        return half_blocks(path, width, height)
    state = _state(path)
    if state is None or width < 1 or height < 1:
        return ()
    width, height = min(width, graphics.MOST_SIDE), min(height, graphics.MOST_SIDE)
    return _sheet(path, *state, width, height, graphics.cell_size()) or ()


def half_blocks(path: str, width: int, height: int) -> tuple[Cell, ...]:
    """The picture at ``path`` in at most ``width`` x ``height`` cells of text; one cell tuple a line.

    Like :func:`drawn`.
    """
    state = _state(path)
    if state is None or width < 1 or height < 1:
        return ()
    return _blocks(path, *state, width, height)


def _state(path: str) -> tuple[int, int] | None:
    """Time of change (ns) and size of a file that may be a thumbnail; they tell one state from the next."""
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return None
    return (facts.st_mtime_ns, facts.st_size) if 0 < facts.st_size <= LARGEST_FILE else None


def _read(path: str, width: int, height: int) -> Image | None:
    """The picture at ``path``, decoded for ``width`` x ``height`` pixels or more; None when it is broken."""
    # A fifth of the time to the first screen, for screens that may never show a picture.
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            if max(opened.size) > LARGEST_SIDE or min(opened.size) < 1:
                return None
            opened.draft("RGB", (width, height))
            return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return None  # a broken thumbnail is no news: the run itself says what is wrong with it


@lru_cache(maxsize=64)
def _blocks(path: str, mtime_ns: int, size: int, width: int, height: int) -> tuple[Cell, ...]:
    """The lines of a picture; ``mtime_ns`` and ``size`` tell one state of the file from the next."""
    del mtime_ns, size
    image = _read(path, width * 2, height * 2 * CELL_SHAPE)
    if image is None:
        return ()
    scale = min(width / image.width, height * CELL_SHAPE / image.height)
    wide = max(1, round(image.width * scale))
    high = max(2, round(image.height * scale / CELL_SHAPE) * CELL_SHAPE)
    few = _few(_resized(image, wide, high), COLOURS).convert("RGB")
    return tuple(_line(few.load(), wide, y) for y in range(0, high, CELL_SHAPE))


@lru_cache(maxsize=64)
def _sheet(
    path: str, mtime_ns: int, size: int, width: int, height: int, cell: tuple[int, int]
) -> Sheet | None:
    """A real picture as large as its cells are in pixels, never larger than the file's."""
    del mtime_ns, size
    image = _read(path, width * cell[0], height * cell[1])
    if image is None:
        return None
    scale = min(width * cell[0] / image.width, height * cell[1] / image.height)
    columns = max(1, round(image.width * scale / cell[0]))
    rows = max(1, round(image.height * scale / cell[1]))
    return Sheet(_png(image, min(scale, 1.0)), columns, rows)


def _png(image: Image, scale: float) -> bytes:
    """The picture as PNG of at most ``graphics.MOST_PNG`` bytes: fewer colours first, then smaller."""
    colours = 256
    while True:
        wide, high = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        made = io.BytesIO()
        _few(_resized(image, wide, high), colours).save(made, "PNG", optimize=True)
        if made.tell() <= graphics.MOST_PNG or wide == high == 1:
            return made.getvalue()
        if colours > 64:
            colours = 64
        else:  # bytes go with the area
            scale *= min(SHRINK, (graphics.MOST_PNG / made.tell()) ** 0.5)


def _resized(image: Image, wide: int, high: int) -> Image:
    from PIL.Image import Resampling

    return image.resize((wide, high), Resampling.BOX)


def _few(image: Image, colours: int) -> Image:
    from PIL.Image import Dither

    return image.quantize(colours, dither=Dither.NONE)


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
