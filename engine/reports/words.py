"""Numbers and states as people read them; used by every format that is for people."""

from __future__ import annotations

from datetime import datetime, timedelta

from humanize import naturalsize

from engine import clock
from engine.reports.report import ClipRow, FileRow, Placed, Section, Target

FOOT = "Times are by this host's clock; hashes are of the whole file."
"""What every report says at its end."""


def size(count: float | None) -> str:
    """Bytes, 1024-based: ``1.4 GiB``; a dash while unknown."""
    return "-" if count is None else str(naturalsize(count, binary=True))


def duration(seconds: float | None) -> str:
    """A span of time: ``2m 34.5s``, ``1h 02m 03s``; a dash while unknown."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f}s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds, 1), 60)
        return f"{minutes:.0f}m {rest:04.1f}s"
    whole = round(seconds)
    return f"{whole // 3600}h {whole // 60 % 60:02d}m {whole % 60:02d}s"


def length(milliseconds: int | None) -> str:
    """Length of a clip: ``0:02.480``, ``1:02:03.000``; a dash while unknown."""
    if milliseconds is None:
        return "-"
    seconds, rest = divmod(milliseconds, 1000)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{seconds % 60:02d}.{rest:03d}"


def moment(text: str | None) -> str:
    """A stored moment to the second, by this host's clock and with its zone; a dash for none.

    ``2026-11-20 19:03:00 UTC+01:00``
    """
    if not text:
        return "-"
    when = clock.parse(text).astimezone()
    return f"{when:%Y-%m-%d %H:%M:%S} {zone(when)}"


def recorded(text: str | None) -> str:
    """When a clip was recorded: with the zone that its camera told, or said to be its clock; or a dash."""
    if not text:
        return "-"
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{when:%Y-%m-%d %H:%M:%S} {zone(when) if when.tzinfo else '(camera clock)'}"


def zone(when: datetime) -> str:
    """The offset of an aware moment: ``UTC``, ``UTC+02:00``."""
    minutes = round((when.utcoffset() or timedelta()).total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"


def kind(name: str) -> str:
    """The kind of a section as people say it: ``Sony XAVC`` for ``sony xavc``."""
    from engine.media.makers import MAKERS

    labels = {maker.kind: maker.label for maker in MAKERS if maker.kind}
    return labels.get(name.replace(" ", "_"), name)


def spoken(status: str) -> str:
    """A state as words: ``completed with warnings``."""
    return status.replace("_", " ")


def rate(section: Section) -> str:
    """Bytes a second of a section; a dash while unknown."""
    return "-" if section.rate is None else f"{size(section.rate)}/s"


def picture(clip: ClipRow) -> str:
    """Width, height, rate and codec: ``1920×1080 25 fps h264``; empty when nothing is known."""
    parts = []
    if clip.width and clip.height:
        parts.append(f"{clip.width}×{clip.height}")
    if clip.fps:
        parts.append(f"{clip.fps:.3f}".rstrip("0").rstrip(".") + " fps")
    if clip.codec:
        parts.append(clip.codec)
    return " ".join(parts)


def levels(target: Target) -> str:
    """``12 device re-read, 1 cached re-read``; a dash when nothing was proven."""
    return ", ".join(f"{files} {level}" for level, files in target.levels) or "-"


def place(placed: Placed) -> str:
    """Volume, state, level, time: ``NAS verified (device re-read) 2026-11-20 18:03:00 UTC``. Not escaped."""
    level = f" ({placed.level})" if placed.level else ""
    at = f" {moment(placed.verified_at)}" if placed.verified_at else ""
    return f"{placed.volume} {placed.status}{level}{at}"


def digests(file: FileRow) -> list[tuple[str, str]]:
    """Every digest that is known of a file, as (name, digest)."""
    known = (
        ("blake3", file.blake3),
        ("xxh128", file.xxh128),
        ("md5", file.md5),
        ("sha1", file.sha1),
        ("c4", file.c4),
    )
    return [(name, value) for name, value in known if value]


def copies(file: FileRow) -> str:
    """``2 copies on 2 devices``; empty when nothing is known about its content."""
    if file.enough is None:
        return ""
    return f"{plural(file.copies, 'copy', 'copies')} on {plural(file.devices, 'device')}"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
