"""Cells that several screens share."""

from __future__ import annotations

from engine.api.rows import JobRow, RunRow
from engine.names import display
from tui import format as fmt
from tui.looks import Cell, Piece, job_cell
from tui.widgets.columns import Context
from tui.widgets.line_view import Line


def bar_cell(share: float | None, context: Context, tone: str = "busy") -> Cell:
    """A bar as wide as the column."""
    full, rest = fmt.bar(share, context.width, context.glyphs.full, context.glyphs.rest)
    return ((full, tone), (rest, "rest")) if full or rest else ()


def job_bar(row: JobRow | RunRow, context: Context) -> Cell:
    """The bar of a job, in the tone of its state."""
    tone = {"running": "busy", "completed": "good", "failed": "bad", "cancelled": "dim"}.get(
        row.status, "warn"
    )
    if row.status == "pending" and not row.progress:
        return ()
    return bar_cell(row.progress, context, tone)


def job_state(row: JobRow | RunRow, context: Context) -> Cell:
    """The state of a job; what it was asked for while the engine has not obeyed yet."""
    return job_cell(row.status, row.intent, context.glyphs, waiting=row.waiting_for is not None)


def job_percent(row: JobRow | RunRow, context: Context) -> Cell:
    """Percent, while there is something to wait for."""
    del context
    done = row.status == "completed" or (row.status == "completed_with_warnings" and row.progress == 1)
    if done or row.progress is None or (row.status == "pending" and not row.progress):
        return ()
    return ((fmt.percent(row.progress), ""),)


def job_eta(row: JobRow | RunRow, context: Context) -> Cell:
    """Time left."""
    del context
    return ((fmt.eta(row.eta_seconds), ""),) if row.status == "running" else ()


def is_held(row: JobRow | RunRow) -> bool:
    """Whether a job that waits for its turn was told not to begin."""
    return row.status == "pending" and row.intent == "pause"


def says(row: JobRow | RunRow) -> Piece:
    """What a job says for itself: why it waits, its error, what it does, or its place in the line."""
    if row.waiting_for:
        return f"waiting for {fmt.path(row.waiting_for)}", "warn"
    if row.error:
        return fmt.path(fmt.one_line(row.error)), "bad" if row.status == "failed" else "warn"
    if row.status == "running":
        return fmt.path(row.message or row.stage or ""), ""
    if is_held(row):
        return "r lets it go", "dim"
    if row.queue_place is not None:
        urgency = f", {row.priority}" if row.priority != "normal" else ""
        return f"place {row.queue_place}{urgency}", "dim"
    return "", ""


def named(name: str, said: Piece, live: bool, width: int) -> Cell:
    """A name, and what its job says where there is room for more than a few letters of it."""
    shown = (display(name), "strong" if live else "")
    room = width - fmt.cells(shown[0]) - 2
    text, tone = said
    if not text or room < min(12, fmt.cells(text)):
        return (shown,)
    return shown, ("  ", ""), (text, tone or "dim")


def sentence(text: str, tone: str) -> list[Line]:
    """A sentence, or several, each on lines of its own."""
    return [Line(((fmt.path(part), tone),)) for part in text.split("\n")]


def no_row(noun: str) -> str:
    """Why a verb cannot act on nothing."""
    return f"There is no {noun} here."


IS = {
    "pending": "is waiting",
    "running": "is running",
    "paused": "is paused",
    "interrupted": "was interrupted",
    "completed": "is done",
    "completed_with_warnings": "is done, with warnings",
    "failed": "has failed",
    "cancelled": "was cancelled",
}
"""A job's state in a sentence."""


def why_not_job(verb: str, status: str, kind: str, intent: str | None = None) -> str | None:
    """Why a job of this state cannot be paused, resumed or cancelled; None when it can.

    ``intent`` is what it was told and has not done yet: a pause can be taken back by ``resume``.
    """
    if verb == "resume" and intent == "pause":
        return None
    if intent == "cancel":
        return "This job is being cancelled."
    if verb == "pause" and intent == "pause":
        return "This job is held already." if status == "pending" else "This job is pausing already."
    able = {
        "pause": status in ("running", "pending"),
        "cancel": status in ("pending", "running", "paused", "interrupted"),
        "resume": status in ("paused", "interrupted", "failed", "completed_with_warnings")
        or (status == "cancelled" and kind == "ingest"),
    }[verb]
    if able:
        return None
    if verb == "resume" and status in ("running", "pending"):
        return f"This job {IS[status]} already."
    if verb == "resume" and status == "cancelled":
        return "This job was cancelled; that is final. Queue a new one."
    done = {"pause": "paused", "cancel": "cancelled", "resume": "resumed"}[verb]
    return f"This job {IS.get(status, status)}; it cannot be {done}."


def go_on_verb(status: str) -> str:
    """Whether going on means ``retry`` or ``resume`` in this state."""
    return "retry" if status in ("failed", "completed_with_warnings") else "resume"


ADVICE = {
    "stalled": "r tries again from the finished segments; the full log tells what ffmpeg did last.",
    "timeout": "Look after the disk or share, then press r: what is finished is kept.",
    "killed": "r goes on from the finished segments; fewer workers (export.workers) need less memory.",
    "disk_full": "Free space at the destination, then press r: what is finished is kept.",
    "tool_missing": "Run rushes doctor in a shell: it names the command that installs it.",
    "input_not_found": "Bring the drive back, or find the files on screen 4, then press r.",
    "output_write_error": "Bring the folder back, or its disk, then press r: what is finished is kept.",
    "permission": "Give this user the right to read or write there, then press r.",
    "source_damaged": "Copy that clip in again, or let the recipe leave it out; then export anew.",
    "no_stream": "Take that clip out of the recipe, or choose another preset; then export anew.",
    "encoder_missing": "Choose another preset in the recipe (e, enter), then export anew.",
    "hardware": "Choose a preset without a graphics card in the recipe (e, enter), then export anew.",
    "settings": "Change the preset (e, P, enter): c there shows its command; then export anew.",
    "lut": "Choose another colour table in the recipe (e, enter), then export anew.",
    "quality": "Ask for less, or choose a better preset, in the recipe (e, enter); then export anew.",
    "encoding_error": "The full log (L, then f) has ffmpeg's own words; r tries again.",
    "join": "r checks every finished part again and renders those that do not fit.",
}
"""What to do next about a failed run, by category; r continues the settings of the run, a recipe's new ones
need a new run."""


def advice(row: JobRow | RunRow) -> str | None:
    """What to do about a job that stands still; None when there is nothing to do."""
    status = row.status
    ingest = isinstance(row, JobRow) and row.kind == "ingest"
    category = row.error_category if isinstance(row, RunRow) else None
    if row.waiting_for:
        return "It goes on by itself when that is back."
    if is_held(row):
        return "It was paused before its turn came: r lets it take its turn."
    if status == "failed":
        return ADVICE.get(category or "", "Mend the cause, then press r: only what failed is done again.")
    if isinstance(row, RunRow) and row.is_whole:
        return "It is finished without that. Once that is mended, n exports the recipe anew."
    if status == "completed_with_warnings":
        return "Look below for what was left out; r does only that again."
    if status in ("paused", "interrupted") and row.intent == "resume":
        return "It goes on as soon as it is its turn."
    if status == "interrupted":
        return "The engine ended in the middle of it. Nothing proven is lost: r goes on from there."
    if status == "paused":
        return "r goes on."
    if status == "cancelled" and ingest:
        return "r takes it up again; proven files are not copied twice."
    if status == "cancelled" and isinstance(row, RunRow):
        return "r goes on as a new run that takes over the finished segments."
    return None
