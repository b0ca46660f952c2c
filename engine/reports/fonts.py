r"""Letters for the PDF: the fonts that come with its library, and those of this machine for other scripts.

A PDF must carry the shape of every letter. What no font at hand can draw is
written as its code point (``\u96ea``), so that no name is ever unreadable; the
other formats hold every name in full.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from engine.media import letters

REGULAR = "rushes-regular"
BOLD = "rushes-bold"

_WITH_THE_LIBRARY = ((REGULAR, "Vera.ttf"), (BOLD, "VeraBd.ttf"))


@lru_cache(maxsize=1)
def _loaded() -> dict[str, Any]:
    """Fonts by name, in the order in which they are asked."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    wanted = [(name, letters.with_the_library(file)) for name, file in _WITH_THE_LIBRARY]
    wanted += [(f"rushes-{number}", path) for number, path in enumerate(letters.ON_THE_MACHINE)]
    found: dict[str, Any] = {}
    for name, path in wanted:
        if not os.path.isfile(path):
            continue
        try:
            font = TTFont(name, path)
        except TTFError:
            continue  # a font of another make: the next one may do
        pdfmetrics.registerFont(font)
        found[name] = font
    return found


@lru_cache(maxsize=65536)
def _font_of(char: str, wanted: str) -> str | None:
    code = ord(char)
    fonts = _loaded()
    for name in (wanted, *(name for name in fonts if name not in (REGULAR, BOLD))):
        if code in fonts[name].face.charToGlyph:
            return name
    return None


def runs(text: str, wanted: str) -> list[tuple[str, str]]:
    """Cut a text into (font, part) so that each part can be drawn; what cannot be becomes its code point."""
    found: list[tuple[str, str]] = []
    for char in text:
        name = _font_of(char, wanted)
        part = char
        if name is None:
            name, part = wanted, letters.code_point(char)
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + part)
        else:
            found.append((name, part))
    return found


def width(text: str, wanted: str, size: float) -> float:
    """Width of a text in points."""
    fonts = _loaded()
    return sum(float(fonts[name].stringWidth(part, size)) for name, part in runs(text, wanted))


def wrap(text: str, wanted: str, size: float, room: float) -> list[str]:
    """Break a text into lines of at most ``room`` points, at blanks where there are any."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer, wanted, size) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        while width(word, wanted, size) > room:
            cut = _fitting(word, wanted, size, room)
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    lines.append(line)
    return lines


def _fitting(word: str, wanted: str, size: float, room: float) -> int:
    """How many characters of a word fit, at least one."""
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        if width(word[:middle], wanted, size) <= room:
            low = middle
        else:
            high = middle - 1
    return low
