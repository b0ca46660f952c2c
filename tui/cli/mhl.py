"""``rushes mhl``."""

from __future__ import annotations

import sys

import click

from tui.cli import options, output

SHOWN = 50
"""Findings that are printed for people; ``--json`` holds all."""


@click.group()
def mhl() -> None:
    """ASC MHL hash lists."""


@mhl.command()
@click.argument("path")
@click.option(
    "--queue",
    "queued",
    is_flag=True,
    help="Let the engine of a library do it, as a job that can be paused and outlives this terminal.",
)
@options.waiting
@options.common
def verify(path: str, queued: bool, wait: bool, library_path: str | None, as_json: bool) -> int:
    """Read every file below PATH and hold it against the hash lists there. Writes nothing there.

    Without --queue no library is needed. With it the job's id is printed at once, unless --wait is given.
    """
    from engine.api import hashlists

    if queued:
        library = options.open_library(library_path)
        job_id = hashlists.queue_verify(library, path)
        if not wait:
            if as_json:
                output.document({"job_id": job_id})
            else:
                output.say(f"Queued as job {job_id[:8]}. It goes on without this terminal: rushes jobs list")
            return 0
        shown = output.Progress()
        try:
            verdict = hashlists.follow(library, job_id, shown)
        finally:
            shown.end()
        if "sentence" not in verdict:
            said = verdict["error"] or verdict["message"] or verdict["status"]
            if as_json:
                output.document(verdict)
            output.complain(output.shown(said))
            return 1
    else:
        progress = _Files()
        try:
            verdict = hashlists.verify(path, progress)
        finally:
            progress.end()
    if as_json:
        output.document(verdict)
    else:
        for finding in verdict["findings"][:SHOWN]:
            output.say(f"  {finding['kind']}: {output.shown(finding['sentence'])}")
        if len(verdict["findings"]) > SHOWN:
            output.say(f"  and {len(verdict['findings']) - SHOWN} more")
        levels = ", ".join(f"{files} by {level}" for level, files in sorted(verdict["levels"].items()))
        output.say(output.shown(verdict["sentence"]))
        if levels:
            output.say(f"{verdict['generations']} hash lists; read: {levels}.")
    return 0 if verdict["good"] else 1


@mhl.command()
@click.argument("path")
@options.common
def create(path: str, library_path: str | None, as_json: bool) -> int:
    """Begin or continue the hash list of the folder PATH; what the catalogue knows is not read again."""
    from engine.api import hashlists

    progress = _Files()
    try:
        made = hashlists.create(options.open_library(library_path), path, progress)
    finally:
        progress.end()
    if as_json:
        output.document(made)
    else:
        if made["list"] is None:
            output.say("There is nothing that the hash lists do not say already.")
        else:
            output.say(f"{output.shown(made['list'])}: {made['files']} files, {made['read']} of them read.")
        for name in made["moved"][:SHOWN]:
            output.say(f"  {name['was']} is {name['path']} now; its bytes are as recorded.")
        for name in made["missing"][:SHOWN]:
            output.complain(f"{name['path']} is in an earlier list, but not here.")
        for name in made["differing"][:SHOWN]:
            output.complain(f"{name['path']} differs from what an earlier list says.")
        for name in made["left_out"][:SHOWN]:
            output.complain(
                f"{name['path']} is in no list: its name cannot be written there, or it is unreadable."
            )
    return 1 if made["differing"] or made["left_out"] or made["missing"] else 0


class _Files:
    """Which file is being read, on standard error; nothing when that is no terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()

    def __call__(self, number: int, total: int, path: str) -> None:
        """Show the file in hand."""
        if self._terminal:
            line = f"{number + 1} of {total}  {output.shown(path)}"
            click.echo(f"\r\x1b[2K{line[:100]}", nl=False, err=True)

    def end(self) -> None:
        """Clear the line."""
        if self._terminal:
            click.echo("\r\x1b[2K", nl=False, err=True)
