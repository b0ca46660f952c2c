"""What the command line prints: one JSON document, or tables and sentences for people."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

from engine.names import display as shown

__all__ = [
    "Progress",
    "age",
    "ask",
    "complain",
    "document",
    "duration",
    "failure",
    "say",
    "shown",
    "size",
    "span",
    "table",
]


def document(data: Any) -> None:
    """Print one JSON document on standard output; ASCII only, so that no terminal can be harmed."""
    click.echo(json.dumps(data, indent=2, default=str))


def say(text: str) -> None:
    """Print a line for people on standard output. Names in it are escaped already."""
    click.echo(text)


def complain(text: str) -> None:
    """Print a line for people on standard error."""
    click.echo(text, err=True)


def failure(message: str, exit_code: int, *, as_json: bool) -> int:
    """Report a failure on standard error, and with ``--json`` as a document too. Returns the code."""
    complain(message)
    if as_json:
        document({"error": message, "exit_code": exit_code})
    return exit_code


def picture(taken: dict[str, Any], *, as_json: bool) -> int:
    """Print where a picture lies, or why there is none. Returns the exit code."""
    if as_json:
        document(taken)
    elif taken["path"] is not None:
        say(taken["path"])
    else:
        complain(shown(taken["why"]))
    return 0 if taken["path"] is not None else 1


def ask(question: str, *, yes: bool) -> bool:
    """Ask before something that cannot be taken back; the default is no.

    Raises:
        Refused: there is no terminal to ask at, and ``--yes`` was not given.
    """
    from engine.errors import Refused

    if yes:
        return True
    if not sys.stdin.isatty():
        raise Refused(f"{question} Nobody can be asked here; say --yes. Nothing was changed.")
    return click.confirm(question, default=False, err=True)


def size(count: float | None) -> str:
    """Bytes for people, 1024-based: ``1.4 GiB``; a dash while unknown."""
    if count is None:
        return "-"
    import humanize

    return humanize.naturalsize(count, binary=True)


def duration(seconds: float | None) -> str:
    """Time span for people: ``41 s``, ``3m 20s``, ``1h 02m``; a dash while unknown."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def span(seconds: float | None) -> str:
    """A short time for people, to the millisecond below a second: ``12 ms``, ``1.4 s``; empty for None."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def clip_length(milliseconds: int | None) -> str:
    """Length of a clip: ``0:02.480``, ``1:02:03.000``; a dash for none."""
    if milliseconds is None:
        return "-"
    seconds, rest = divmod(milliseconds, 1000)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{seconds % 60:02d}.{rest:03d}"


def age(moment: str | None) -> str:
    """How long ago a stored moment was: ``3 minutes ago``; a dash for never."""
    if moment is None:
        return "-"
    import humanize

    from engine import clock

    return humanize.naturaltime(clock.parse(clock.now()) - clock.parse(moment))


def table(headings: Sequence[str], lines: Iterable[Sequence[Any]], empty: str) -> None:
    """Print aligned columns by display cells; ``empty`` is the sentence for no lines."""
    from rich.cells import cell_len

    body = [[("-" if cell is None else str(cell)) for cell in line] for line in lines]
    if not body:
        say(empty)
        return
    rows = [list(headings), *body]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(headings))]
    for row in rows:
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        say("  ".join(cells).rstrip())


class Progress:
    """Progress on standard error: one line that is rewritten on a terminal, else a line per stage."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""
        self._at = 0.0

    def __call__(self, job: Any) -> None:
        """Show the state of a job row."""
        share = f"{job.progress * 100:5.1f} %" if job.progress is not None else "      -"
        rate = f"{size(job.rate)}/s" if job.rate and job.bytes_total else ""
        left = f"{duration(job.eta_seconds)} left" if job.eta_seconds is not None else ""
        free = getattr(job, "free_eta_seconds", None)
        if free is not None:
            left = f"card free in {duration(free)}, all done in {duration(job.eta_seconds)}"
        words = [job.status.replace("_", " "), share, job.stage or "", job.message or "", rate, left]
        line = "  ".join(word for word in words if word)
        if self._terminal:
            click.echo(f"\r\x1b[2K{line[:110]}", nl=False, err=True)
        else:
            key = f"{job.status} {job.stage}"
            if key != self._last or time.monotonic() - self._at >= 5.0:
                self._last, self._at = key, time.monotonic()
                complain(line)

    def end(self) -> None:
        """Clear the line."""
        if self._terminal:
            click.echo("\r\x1b[2K", nl=False, err=True)
