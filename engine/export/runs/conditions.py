"""Words of a filter of runs that ask for a state, a size, a length or an age. Pure.

``is:failed``, ``size>1g``, ``length<30s``, ``age<2d``; ``!`` before one turns it round. What is no such
word is text that is looked for.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from engine import clock

STATES: dict[str, tuple[str, ...]] = {
    "done": ("completed", "completed_with_warnings"),
    "warnings": ("completed_with_warnings",),
    "failed": ("failed",),
    "cancelled": ("cancelled",),
    "waiting": ("pending",),
    "running": ("running",),
    "paused": ("paused",),
    "interrupted": ("interrupted",),
}
"""What may follow ``is:``, and the states it means."""

UNITS: dict[str, dict[str, float]] = {
    "size": {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40},
    "length": {"": 1_000, "s": 1_000, "m": 60_000, "h": 3_600_000},
    "age": {"": 86_400, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800},
}
"""Bytes, milliseconds and seconds in a unit; without one they are bytes, seconds and days."""

_WORD = re.compile(r"(!?)(size|length|age)([<>])([0-9]{1,12}(?:\.[0-9]{1,6})?)([a-z]{0,3})", re.IGNORECASE)

Condition = tuple[str, str | float]
"""A condition on ``runs`` and ``jobs`` with one ``?``, and its value."""


def parse(text: str, now: datetime) -> tuple[str, list[Condition]]:
    """Part a filter's text into what is looked for and conditions. A run without a size fits no size."""
    rest, found = [], []
    for word in text.split():
        condition = _state(word) or _measure(word, now)
        if condition is None:
            rest.append(word)
        else:
            found.append(condition)
    return (" ".join(rest) if found else text), found


def _state(word: str) -> Condition | None:
    negated, word = word.startswith("!"), word.removeprefix("!").lower()
    states = STATES.get(word.removeprefix("is:")) if word.startswith("is:") else None
    if states is None:
        return None
    # One value, so that every condition has the same form: the states with commas around each.
    held = "instr(?, ',' || jobs.status || ',')"
    return f"{held} {'=' if negated else '>'} 0", f",{','.join(states)},"


def _measure(word: str, now: datetime) -> Condition | None:
    match = _WORD.fullmatch(word)
    if match is None:
        return None
    negated, what, sign, number, unit = match.groups()
    what, unit = what.lower(), unit.lower()
    if what == "size" and unit.endswith("b"):
        unit = unit.removesuffix("b").removesuffix("i")
    factor = UNITS[what].get(unit)
    if factor is None:
        return None
    value = float(number) * factor
    if what == "age":
        # Older is an earlier moment. Nothing is older than a calendar can tell.
        try:
            moment = clock.stamp(now - timedelta(seconds=value))
        except OverflowError:
            moment = ""
        column, sign, value_of = "runs.created_at", {"<": ">", ">": "<"}[sign], moment
        return f"{'NOT ' if negated else ''}{column} {sign} ?", value_of
    column = {"size": "runs.output_size", "length": "runs.output_duration_ms"}[what]
    return f"{'NOT ' if negated else ''}{column} {sign} ?", value
