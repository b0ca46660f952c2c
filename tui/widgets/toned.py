"""Painting text in tones: the one place where a tone's name becomes a style of the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.format import cells, fit, fit_path
from tui.looks import Cell, Piece

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "grey")
"""Colours of volumes: tones of their own, ``colour-red`` and so on."""

TONES = (
    "dim", "strong", "good", "warn", "bad", "busy", "rest", "head", "cursor", "tab", "key",
    *(f"colour-{name}" for name in COLOURS),
)  # fmt: skip


class Toned(Widget):
    """A widget that draws pieces of text by itself, line by line."""

    COMPONENT_CLASSES = {f"tone--{tone}" for tone in TONES}

    def tone(self, *names: str, over: Style | None = None) -> Style:
        """These tones, laid over the style of this widget or ``over``; ``#rrggbb,#rrggbb`` is one too."""
        style = self.rich_style if over is None else over
        for name in names:
            if name.startswith("#"):
                style += _colours(name)
            elif name:
                style += self.get_component_rich_style(f"tone--{name}", partial=True)
        return style

    def paint(self, pieces: Iterable[Piece], width: int, *under: str) -> Strip:
        """A line of exactly ``width`` cells; ``under`` are tones of the whole line.

        Neighbours of one style become one segment: each change of style costs
        some forty bytes on the wire.
        """
        base = self.tone(*under)
        # A reversed line has one colour: what is a colour elsewhere would be its background.
        plain = base.reverse and self.app.current_theme.ansi
        segments: list[Segment] = []
        used = 0
        for text, tone in (*pieces, ("", "")):
            style = self.tone(tone, over=base) if tone and not plain else base
            if not text:
                continue
            used += cells(text)
            before = segments[-1].style if segments else None
            # Blanks look the same in every tone of one background.
            blank = before is not None and not text.strip() and _backs(before) == _backs(style)
            if segments and (before == style or blank):
                segments[-1] = Segment(segments[-1].text + text, segments[-1].style)
            else:
                segments.append(Segment(text, style))
        strip = Strip(segments, used)
        return strip.adjust_cell_length(width, base)


@lru_cache(maxsize=4096)
def _colours(name: str) -> Style:
    """``#rrggbb,#rrggbb``: letters and background of a pixel pair, see :mod:`tui.pictures`."""
    letters, _, back = name.partition(",")
    return Style(color=letters, bgcolor=back or None)


def _backs(style: Style) -> tuple[object, ...]:
    """What a blank of this style looks like."""
    return style.bgcolor, style.reverse, style.underline


def fitted(cell: Cell, width: int, *, right: bool = False, middle: bool = False, ellipsis: str = "…") -> Cell:
    """``cell`` in exactly ``width`` cells: shortened at its end or in the middle, or filled with blanks."""
    used = sum(cells(text) for text, _ in cell)
    if used < width:
        blank = ((" " * (width - used), ""),)
        return (*blank, *cell) if right else (*cell, *blank)
    if used == width:
        return cell
    kept: list[Piece] = []
    left = width
    for text, tone in cell:
        wide = cells(text)
        if wide > left:
            text = (fit_path if middle else fit)(text, left, ellipsis)
            wide = cells(text)
            kept.append((text, tone))
            left -= wide
            break
        kept.append((text, tone))
        left -= wide
    if left:
        kept.append((" " * left, ""))
    return tuple(kept)


def wrapped(cell: Cell, width: int, indent: int = 0) -> list[Cell]:
    """``cell`` broken at blanks into lines of at most ``width`` cells, those after the first indented.

    An indent that would leave no room is made smaller.
    """
    width = max(1, width)
    indent = max(0, min(indent, width - 2))
    lines: list[list[Piece]] = [[]]
    used = 0
    for text, tone in cell:
        for index, word in enumerate(_words(text)):
            wide = cells(word)
            fits_alone = cells(word.rstrip()) <= width - indent
            begun = used > (indent if len(lines) > 1 else 0)
            if used + cells(word.rstrip()) > width and begun and (fits_alone or used >= width):
                lines.append([(" " * indent, "")] if indent else [])
                used = indent
                if index and not word.strip():
                    continue
            while used + cells(word.rstrip()) > width:  # one word longer than a line: a path, a hash
                room = max(1, width - used)
                head = _head(word, room)
                lines[-1].append((head, tone))
                word = word[len(head) :]
                lines.append([(" " * indent, "")] if indent else [])
                used = indent
                wide = cells(word)
            lines[-1].append((word, tone))
            used += wide
    return [tuple(line) for line in lines]


def _words(text: str) -> list[str]:
    """Words with the blanks that follow them."""
    found: list[str] = []
    start = 0
    for at in range(1, len(text)):
        if text[at - 1] == " " and text[at] != " ":
            found.append(text[start:at])
            start = at
    found.append(text[start:])
    return found


def _head(word: str, width: int) -> str:
    used = 0
    for at, char in enumerate(word):
        used += cells(char)
        if used > width:
            return word[: max(1, at)]
    return word
