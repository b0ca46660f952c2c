r"""Fonts at hand, and which letters each has: for words in pictures and for reports.

A font comes with the PDF library, so that a bare NAS has one; those of the
machine are asked for other scripts. What no font can draw is written as its
code point (``\u96ea``), so that no name is ever unreadable.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable
from functools import lru_cache

ON_THE_MACHINE = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/Library/Fonts/Arial Unicode.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
)
"""Fonts with TrueType outlines where systems keep them; the first that has a letter draws it."""

_PLAIN = frozenset(range(0x20, 0x7F)) | frozenset(range(0xA0, 0x100))
"""Letters that the font of the library is known to have: nothing needs to be read for them."""


def with_the_library(name: str = "Vera.ttf") -> str:
    """Path of a font that comes with the PDF library."""
    found = importlib.util.find_spec("reportlab")
    folders = (found.submodule_search_locations or []) if found is not None else []
    return os.path.join(folders[0] if folders else "", "fonts", name)


def best(texts: Iterable[str]) -> str:
    """Path of the font that has most of the letters of these texts; the library's when it has all."""
    wanted = {ord(char) for text in texts for char in text if char != "\n"}
    own = with_the_library()
    if wanted <= _PLAIN:
        return own
    at_hand = [own, *(path for path in ON_THE_MACHINE if os.path.isfile(path))]
    return min(at_hand, key=lambda path: len(wanted - letters_of(path)))


def speller(path: str) -> Callable[[str], str]:
    """A function that writes what the font cannot draw as code points. Line breaks stay."""

    def spell(text: str) -> str:
        if {ord(char) for char in text} <= _PLAIN | {10}:
            return text
        known = letters_of(path)
        return "".join(char if char == "\n" or ord(char) in known else code_point(char) for char in text)

    return spell


def code_point(char: str) -> str:
    r"""``\u96ea``."""
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@lru_cache(maxsize=16)
def letters_of(path: str) -> frozenset[int]:
    """Code points that a font has; none when it cannot be read."""
    from reportlab.pdfbase.ttfonts import TTFError, TTFontFile

    try:
        return frozenset(TTFontFile(path).charToGlyph)
    except (TTFError, OSError):
        return frozenset()  # a font of another make: the next one may do
