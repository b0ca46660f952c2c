"""Time and pace as arguments: what tests freeze."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Pace:
    """Clocks and periods of the screens.

    Attributes:
        now: the present moment, aware.
        monotonic: seconds of a clock that never goes back.
        poll_seconds: how often the database is looked at; None never does it by itself.
        blurred_seconds: the same while the terminal is not in front.
        header_seconds: how often the engine's state is looked at, whatever the database says.
        filter_seconds: how long typing may go on before a long list is filtered.
        guard: whether to watch that the terminal is still there.
    """

    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    poll_seconds: float | None = 0.25
    blurred_seconds: float = 1.0
    header_seconds: float = 2.0
    filter_seconds: float = 0.12
    guard: bool = True
