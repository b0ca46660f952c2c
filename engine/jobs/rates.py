"""Rate and time left over a sliding window. Time is an argument, so the numbers can be checked."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 10.0
"""Length of the window of a rate."""

LEFT_WINDOW_SECONDS = 120.0
"""Length of the window of a time left: writing and reading back take turns, and each has its own speed."""

STEP_SECONDS = 0.5
"""Moments closer together than this are one."""

SETTLING_SECONDS = 5.0
"""No time left is given before this much has been seen: the first seconds say little."""


class Rate:
    """Units per second over the last seconds, and the time left by the last minutes, of this session only."""

    def __init__(self, at: float, done: float = 0.0) -> None:
        """Begin at moment ``at`` (monotonic seconds) with ``done`` units that do not count."""
        self._started = at
        self._points: deque[tuple[float, float]] = deque([(at, done)])

    def add(self, at: float, done: float) -> None:
        """Note that ``done`` units are finished at ``at``."""
        if len(self._points) > 2 and at - self._points[-2][0] < STEP_SECONDS:
            self._points.pop()
        self._points.append((at, done))
        while len(self._points) > 2 and self._points[1][0] <= at - LEFT_WINDOW_SECONDS:
            self._points.popleft()

    def per_second(self) -> float | None:
        """Units per second over :data:`WINDOW_SECONDS`, or None before there are two moments to compare."""
        return self._over(WINDOW_SECONDS)

    def _over(self, seconds: float) -> float | None:
        last_at, last = self._points[-1]
        first_at, first = self._points[0]
        for at, done in reversed(self._points):
            first_at, first = at, done
            if at <= last_at - seconds:
                break
        if last_at <= first_at:
            return None
        return max(0.0, (last - first) / (last_at - first_at))

    def seconds_left(self, remaining: float) -> float | None:
        """Seconds until ``remaining`` units are done, by :data:`LEFT_WINDOW_SECONDS`; None while unknown.

        Also None while it stands still for all of :data:`WINDOW_SECONDS`.
        """
        rate = self._over(LEFT_WINDOW_SECONDS)
        if rate is None or rate <= 0 or self._points[-1][0] - self._started < SETTLING_SECONDS:
            return None
        if not self.per_second():
            return None
        return max(0.0, remaining / rate)
