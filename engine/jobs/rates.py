"""Rate and time left over a sliding window. Time is an argument, so the numbers can be checked."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 10.0
"""Length of the sliding window."""

SETTLING_SECONDS = 5.0
"""No time left is given before this much has been seen: the first seconds say little."""


class Rate:
    """Units per second over the last :data:`WINDOW_SECONDS`, from this session's own work only."""

    def __init__(self, at: float, done: float = 0.0) -> None:
        """Begin at moment ``at`` (monotonic seconds) with ``done`` units that do not count."""
        self._started = at
        self._points: deque[tuple[float, float]] = deque([(at, done)])

    def add(self, at: float, done: float) -> None:
        """Note that ``done`` units are finished at ``at``."""
        self._points.append((at, done))
        while len(self._points) > 2 and self._points[1][0] <= at - WINDOW_SECONDS:
            self._points.popleft()

    def per_second(self) -> float | None:
        """Units per second, or None before there are two moments to compare."""
        (first_at, first), (last_at, last) = self._points[0], self._points[-1]
        if last_at <= first_at:
            return None
        return max(0.0, (last - first) / (last_at - first_at))

    def seconds_left(self, remaining: float) -> float | None:
        """Seconds until ``remaining`` units are done; None while unknown or standing still."""
        rate = self.per_second()
        if rate is None or rate <= 0 or self._points[-1][0] - self._started < SETTLING_SECONDS:
            return None
        return max(0.0, remaining / rate)
