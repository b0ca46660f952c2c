"""Real pictures in cells: the kitty graphics protocol, by its Unicode placeholders.

A picture is sent once and put on no place of the screen (a virtual placement).
Where it is to be seen, cells hold U+10EEEE with two diacritics, for the row and
the column of the picture that they show, and the letter's colour is the number
of the picture. So the screen stays text: what scrolls, overlaps and is drawn
again is cells, and nothing is ever painted outside of them.

Source: kitty graphics protocol, "Unicode placeholders", "Remote client" (chunks
of at most 4096 bytes, ``m``) and "Deleting images"
(https://sw.kovidgoyal.net/kitty/graphics-protocol/). The protocol knows PNG and
raw pixels, no JPEG.
"""

from __future__ import annotations

import fcntl
import struct
import sys
import termios
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tui.looks import Cell

PLACEHOLDER = "\U0010eeee"
"""The sign of a cell that shows a part of a picture; one cell wide."""

DIACRITICS = (
    "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a\u034b\u034c\u0350\u0351\u0352\u0357"
    "\u035b\u0363\u0364\u0365\u0366\u0367\u0368\u0369\u036a\u036b\u036c\u036d\u036e\u036f\u0483\u0484"
    "\u0485\u0486\u0487\u0592\u0593\u0594\u0595\u0597\u0598\u0599\u059c\u059d\u059e\u059f\u05a0\u05a1"
)
"""Rows and columns 0 to 47: the first of the 297 in the protocol's ``rowcolumn-diacritics.txt``."""

MOST_SIDE = len(DIACRITICS)
"""Rows or columns of a picture, at most."""

CHUNK = 4096
"""Bytes of base64 in one control sequence, at most (the protocol's limit)."""

MOST_PNG = 14_700
"""Bytes of a picture as PNG: in base64 and with its frame below 20 KB on the wire."""

KEPT = 24
"""Pictures that the terminal keeps; together below 480 KB on the wire."""

LEVELS = (0, 95, 135, 175, 215, 255)
"""The six steps of each colour in the cube of 256 colours, from number 16 on."""

SLOTS = tuple(
    (16 + 36 * r + 6 * g + b, f"#{LEVELS[r]:02x}{LEVELS[g]:02x}{LEVELS[b]:02x}")
    for r in range(6)
    for g in range(6)
    for b in range(6)
    if 0 in (r, g, b) and 5 in (r, g, b)
)
"""Colours that stand for pictures, as number of 256 and as ``#rrggbb``.

Each has one part of 0 and one of 255: the tint of a dialog over the picture
takes it to a colour that is no number of another picture.
"""

DEFAULT_CELL = (10, 20)
"""Width and height of a cell where the terminal does not say, in pixels."""

LARGEST_CELL = (40, 80)
"""A terminal that claims larger cells is not believed."""


@dataclass(frozen=True)
class Sheet:
    """A picture ready to be sent: its PNG and the cells that it takes."""

    png: bytes = field(repr=False)
    columns: int
    rows: int


Drawn = tuple[Cell, ...] | Sheet
"""A picture as lines of text, or as one that has still to be placed by an :class:`Album`; ``()`` is none."""


def cell_size(descriptor: int | None = None) -> tuple[int, int]:
    """Width and height of a cell in pixels, as the terminal says (TIOCGWINSZ; it travels over SSH).

    ``descriptor`` is the terminal's; None takes that of standard error, on which the screens draw.
    """
    try:
        number = sys.__stderr__.fileno() if descriptor is None and sys.__stderr__ else descriptor or 0
        answer = fcntl.ioctl(number, termios.TIOCGWINSZ, b"\0" * 8)
    except (OSError, ValueError):
        return DEFAULT_CELL
    rows, columns, wide, high = struct.unpack("HHHH", answer)
    if not (rows and columns and wide and high):
        return DEFAULT_CELL
    cell = (wide // columns, high // rows)
    fits = 2 <= cell[0] <= LARGEST_CELL[0] and 2 <= cell[1] <= LARGEST_CELL[1]
    return cell if fits else DEFAULT_CELL


def transmission(sheet: Sheet, number: int) -> str:
    """The control sequences that give the terminal a picture under ``number``, silently and on no place."""
    data = b64encode(sheet.png).decode("ascii")
    parts = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)] or [""]
    sequences = []
    for index, part in enumerate(parts):
        head = (
            f"a=T,U=1,q=2,f=100,i={number},c={sheet.columns},r={sheet.rows},"
            if index == 0
            else "q=2,"  # of the keys only these may be repeated
        )
        sequences.append(f"\x1b_G{head}m={int(index + 1 < len(parts))};{part}\x1b\\")
    return "".join(sequences)


def deletion(number: int) -> str:
    """The control sequence that takes a picture and its data from the terminal, silently."""
    return f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\"


def placeholders(columns: int, rows: int, colour: str) -> tuple[Cell, ...]:
    """The cells that show a picture, one cell tuple a line; ``colour`` (``#rrggbb``) is its number.

    Every cell says its row and its column, so that any part of a line may be drawn alone.
    """
    return tuple(
        (("".join(PLACEHOLDER + DIACRITICS[row] + DIACRITICS[column] for column in range(columns)), colour),)
        for row in range(rows)
    )


class Album:
    """The pictures that the terminal has. Belongs to the event loop's thread.

    At most :data:`KEPT` are there; the one that was not shown for longest makes
    room. One that is shown stays.
    """

    def __init__(self, write: Callable[[str], object], truecolor: Callable[[], bool]) -> None:
        """``write`` sends to the terminal; ``truecolor`` says whether colours leave as 24 bits or as 8."""
        self._write = write
        self._truecolor = truecolor
        self._slots: OrderedDict[Sheet, int] = OrderedDict()
        self._shown: WeakKeyDictionary[object, Sheet] = WeakKeyDictionary()

    def place(self, owner: object, drawn: Drawn) -> tuple[Cell, ...]:
        """The lines that show ``drawn`` for ``owner``, which shows one at a time; it is sent if need be.

        Lines of text come back as they are. Empty when there is no room for one picture more.
        """
        if not isinstance(drawn, Sheet):
            self._shown.pop(owner, None)
            return drawn
        self._shown[owner] = drawn
        if drawn in self._slots:
            self._slots.move_to_end(drawn)
        elif not self._send(drawn):
            del self._shown[owner]
            return ()
        return placeholders(drawn.columns, drawn.rows, SLOTS[self._slots[drawn]][1])

    def leave(self) -> None:
        """Take all pictures from the terminal: the screen is left, or rests."""
        if self._slots:
            self._write("".join(deletion(self._number(slot)) for slot in self._slots.values()))

    def come_back(self) -> None:
        """Send what is shown once more, under the same numbers: the terminal has forgotten it."""
        shown = set(self._shown.values())
        for sheet in list(self._slots):
            if sheet in shown:
                self._write(transmission(sheet, self._number(self._slots[sheet])))
            else:
                del self._slots[sheet]

    def _send(self, sheet: Sheet) -> bool:
        shown = set(self._shown.values())
        while len(self._slots) >= KEPT:
            oldest = next((one for one in self._slots if one not in shown), None)
            if oldest is None:
                return False
            self._write(deletion(self._number(self._slots.pop(oldest))))
        taken = set(self._slots.values())
        slot = next(slot for slot in range(len(SLOTS)) if slot not in taken)
        self._slots[sheet] = slot
        self._write(transmission(sheet, self._number(slot)))
        return True

    def _number(self, slot: int) -> int:
        """What the terminal reads from the colour of the cells."""
        number, colour = SLOTS[slot]
        return int(colour[1:], 16) if self._truecolor() else number
