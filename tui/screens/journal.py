"""The journal of a file in words: its hashes, every step at every end, both readings in doubt, its log."""

from __future__ import annotations

from datetime import datetime

from engine.api.views.journal import Journal, Leg, Step
from engine.names import display
from tui import format as fmt
from tui.looks import TASK_LOOKS, Glyphs, look_of
from tui.screens.cells import sentence
from tui.screens.problem import LEVEL_TONES
from tui.widgets.line_view import BLANK, Line, fact, heading

STEP_SIGNS = {"done": ("good", "good"), "running": ("busy", "busy"), "failed": ("bad", "bad")}
"""Sign and tone of a step's state; others wait."""


def journal_lines(told: Journal, glyphs: Glyphs, now: datetime) -> list[Line]:
    """Everything recorded of one file."""
    lines = [
        fact("State", *look_of(TASK_LOOKS, told.status).cell(glyphs)[0]),
        fact("Size", f"{fmt.size(told.size_bytes)} ({fmt.number(told.size_bytes)})"),
    ]
    if told.started_at:
        until = f" to {fmt.moment(told.ended_at, now)}" if told.ended_at else ""
        lines.append(fact("When", f"{fmt.moment(told.started_at, now)}{until}"))
    if told.attempts > 1:
        lines.append(fact("Attempts", str(told.attempts), "warn"))
    if told.error:
        lines += sentence(told.error, "bad")
    if told.readings:
        first, second = told.readings
        lines += [
            BLANK,
            heading("Two readings of the source differ"),
            fact("First", first, "warn"),
            fact("Second", second, "warn"),
        ]
        lines += sentence(told.doubt or "", "bad")
    if told.hashes:
        lines += [BLANK, heading("Hashes, all from one read")]
        lines += [fact(name, digest) for name, digest in told.hashes]
    for leg in told.legs:
        lines += _leg(leg, glyphs, now)
    if told.log:
        lines += [BLANK, heading("Log")]
        lines += [
            Line(
                (
                    (f"{fmt.moment(line.at, now)}  ", "dim"),
                    (fmt.path(line.message), LEVEL_TONES.get(line.level, "")),
                ),
                indent=4,
            )
            for line in told.log
        ]
    return lines


def _leg(leg: Leg, glyphs: Glyphs, now: datetime) -> list[Line]:
    if leg.volume is None:
        lines = [BLANK, heading(f"From {display(leg.path)}" if leg.path else "Source")]
    else:
        stage = ", second stage, from the first verified copy" if leg.hop == 2 else ""
        lines = [BLANK, heading(f"To {display(leg.volume)}{stage}"), fact("Path", display(leg.path))]
    for step in leg.steps:
        lines.append(_step(step, glyphs))
    if leg.verified_at:
        level = f", {leg.level}" if leg.level else ""
        lines.append(fact("Proven", f"{fmt.moment(leg.verified_at, now)}{level}", "good"))
    elif leg.volume is not None and leg.verdict == "skipped":
        lines.append(fact("Skipped", "the same content is here, verified already", "dim"))
    if leg.error:
        lines += sentence(leg.error, "bad")
    return lines


def _step(step: Step, glyphs: Glyphs) -> Line:
    sign, tone = STEP_SIGNS.get(step.state, ("wait", "dim"))
    told = []
    if step.bytes is not None:
        told.append(fmt.size(step.bytes))
    if step.seconds is not None:
        told.append(f"{step.seconds:.2f} s")
        if step.bytes and step.seconds > 0:
            told.append(fmt.rate(step.bytes / step.seconds))
    if step.text:
        told.append(display(step.text))
    return Line(
        ((f"{getattr(glyphs, sign)} ", tone), (f"{step.what:<16}", ""), ("  ".join(told), "dim")), indent=18
    )
