"""How values look: bytes, rates, durations, bars, shortened names. Pure; widths are cells, never ``len``.

Sizes are 1024-based (1 GiB = 1,073,741,824 bytes), in the units that the command line prints.
Live values are quantised, so that a value that looks the same is not sent to
the terminal again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len, set_cell_size

from engine import clock
from engine.names import display, is_text

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: float | None) -> str:
    """``count`` bytes in three digits: ``0 B``, ``48.2 MiB``, ``1.86 TiB``; a dash when unknown."""
    if count is None:
        return "-"
    value = float(count)
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:
            if unit == "B":
                return f"{value:.0f} B"
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
        value /= 1024
    raise AssertionError


def rate(per_second: float | None) -> str:
    """Bytes per second in two to three digits: ``182 MiB/s``; empty when unknown."""
    if per_second is None or per_second < 0:
        return ""
    value = float(per_second)
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:
            return f"{value:.{1 if value < 9.95 and unit != 'B' else 0}f} {unit}/s"
        value /= 1024
    raise AssertionError


def percent(share: float | None) -> str:
    """A share 0..1 as ``42.1%``; never rounded up to 100; empty when unknown."""
    if share is None:
        return ""
    tenths = int(max(0.0, min(1.0, share)) * 1000 + 1e-9)
    return "100%" if tenths == 1000 else f"{tenths // 10}.{tenths % 10}%"


def eta(seconds: float | None) -> str:
    """Time left: ``8s``, ``50s``, ``4m10s``, ``1h05m``, ``2d04h``; empty when unknown.

    Steps of 1 s below 20 s, of 5 s below two minutes, of 10 s below ten, then of whole minutes.
    """
    if seconds is None or seconds < 0:
        return ""
    whole = int(seconds)
    if whole < 20:
        return f"{whole}s"
    if whole < 120:
        whole -= whole % 5
        return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60:02d}s"
    if whole < 600:
        whole -= whole % 10
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        hours, minutes = whole // 3600, whole % 3600 // 60
        return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def duration(milliseconds: int | None) -> str:
    """A running time as ``m:ss`` or ``h:mm:ss``; a dash when unknown."""
    if milliseconds is None:
        return "-"
    whole = round(milliseconds / 1000)
    hours, minutes, seconds = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def moment(text: str | None, now: datetime) -> str:
    """A stored time in local time: ``18:03`` today, ``19 Nov 18:03`` this year, ``19 Nov 2025`` else.

    Never "5 minutes ago": that would have to be sent again every minute.
    """
    if not text:
        return "-"
    local, today = clock.parse(text).astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def number(count: int | None) -> str:
    """A count with thin groups: ``50,000``; a dash when unknown."""
    return "-" if count is None else f"{count:,}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def bar(share: float | None, width: int, full: str, rest: str) -> tuple[str, str]:
    """The filled and the empty part of a bar of ``width`` cells; empty strings when the share is unknown."""
    if share is None or width < 1:
        return "", ""
    filled = int(max(0.0, min(1.0, share)) * width + 0.5)
    if 0 < share < 1:  # neither empty nor full before it is true
        filled = min(max(filled, 1), width - 1) if width > 1 else filled
    return full * filled, rest * (width - filled)


def cells(text: str) -> int:
    """Width of ``text`` in terminal cells."""
    return cell_len(text)


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """``text`` in at most ``width`` cells; what is too long loses its end."""
    if cell_len(text) <= width:
        return text
    mark = cell_len(ellipsis)
    if width <= mark:
        return set_cell_size(ellipsis, max(0, width)).rstrip()
    return set_cell_size(text, width - mark).rstrip() + ellipsis


def fit_path(text: str, width: int, ellipsis: str = "…") -> str:
    """``text`` in at most ``width`` cells; what is too long loses its middle, the end of the name stays."""
    if cell_len(text) <= width:
        return text
    mark = cell_len(ellipsis)
    if width <= mark + 4:
        return fit(text, width, ellipsis)
    name = text.rsplit("/", 1)[-1]
    tail = min(max(cell_len(name) + 1, (width - mark) * 2 // 3), width - mark)
    head = width - mark - tail
    return set_cell_size(text, head).rstrip() + ellipsis + _last_cells(text, tail)


def _last_cells(text: str, width: int) -> str:
    kept = ""
    used = 0
    for char in reversed(text):
        used += cell_len(char)
        if used > width:
            break
        kept = char + kept
    # A mark that belongs to a letter which was cut off would sit on the sign for what is left out.
    while kept and not cell_len(kept[0]):
        kept = kept[1:]
    return kept


def pad(text: str, width: int, *, right: bool = False) -> str:
    """``text`` filled with blanks to ``width`` cells."""
    missing = max(0, width - cell_len(text))
    return " " * missing + text if right else text + " " * missing


def path(name: str | None) -> str:
    """A name or path for the eye; a dash when there is none."""
    return "-" if name is None else display(name)


def one_line(text: str) -> str:
    """A sentence that may hold line breaks, on one line."""
    return re.sub(r"\s*\n\s*", "  ", text.strip())


def shell_word(name: str) -> str:
    r"""``name`` as one word of a POSIX shell; bytes that a clipboard cannot hold become ``$'\xff'``."""
    if is_text(name):
        if re.fullmatch(r"[\w@%+=:,./-]+", name, re.ASCII):
            return name
        return "'" + name.replace("'", "'\\''") + "'"
    raw = name.encode("utf-8", "surrogateescape")
    return "$'" + "".join(_ansi_c(byte) for byte in raw) + "'"


def _ansi_c(byte: int) -> str:
    if byte in b"'\\":
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


def strip_of(letters: str, width: int) -> str:
    """Squeeze one letter per segment into ``width`` letters, the worst of each group.

    The order of weight: failed, running, cancelled, queued, skipped, completed, taken over.
    """
    if len(letters) <= width:
        return letters
    weights = "frxqscu"
    return "".join(
        min(letters[i * len(letters) // width : (i + 1) * len(letters) // width], key=weights.index)
        for i in range(width)
    )


def counted(parts: Sequence[tuple[int, str]], joiner: str = " · ") -> str:
    """``2 failed · 1 skipped`` from the parts whose count is not zero."""
    return joiner.join(f"{count:,} {word}" for count, word in parts if count)
