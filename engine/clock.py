"""Time, in the one form that is stored: UTC, ISO 8601, with milliseconds and ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the current moment, e.g. ``2026-11-20T18:03:00.123Z``."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """Write an aware ``moment`` in the stored form."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Read a stored moment back as an aware datetime.

    Raises:
        ValueError: the text is not ISO 8601.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_between(start: str, end: str) -> float:
    """Seconds from ``start`` to ``end``, both in the stored form."""
    return (parse(end) - parse(start)).total_seconds()
