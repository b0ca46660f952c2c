"""``rushes engine``: the process that does the work."""

from __future__ import annotations

import click

from tui.cli import options, output


@click.group()
def engine() -> None:
    """Start, stop and look at the library's engine."""


@engine.command()
@options.common
@click.option("--take-over", is_flag=True, help="Take a lock whose owner on another machine cannot be asked.")
@options.confirming
def start(library_path: str | None, as_json: bool, take_over: bool, yes: bool) -> int:
    """Start the engine, unless it runs."""
    from engine.api import engines

    library = options.open_library(library_path)
    if take_over and not output.ask(
        "Taking over while the other engine still works can damage the catalogue. Is it gone for good?",
        yes=yes,
    ):
        return 130
    found = engines.ensure(library, take_over=take_over)
    if as_json:
        output.document(found)
    else:
        output.say(f"The engine runs (process {found['pid']}, since {found['since']}).")
    return 0


@engine.command()
@options.common
def stop(library_path: str | None, as_json: bool) -> None:
    """Stop the engine at its checkpoints; returns when the process is gone."""
    from engine.api import engines

    left = engines.stop(options.open_library(library_path))
    if as_json:
        output.document(left)
        return
    output.say("The engine has stopped." if left["was_running"] else "No engine runs.")
    for job_id in left["interrupted"]:
        output.say(f"Interrupted, to be resumed with: rushes jobs resume {job_id[:8]}")


@engine.command()
@options.common
def status(library_path: str | None, as_json: bool) -> None:
    """Whether the engine runs, since when, and how much it does."""
    from engine.api import engines

    found = engines.status(options.open_library(library_path))
    if as_json:
        output.document(found)
    elif found["running"]:
        output.say(
            f"The engine runs on {output.shown(found['host'])} (process {found['pid']}, "
            f"since {found['since']}); {found['jobs_running']} job(s) running."
        )
    else:
        output.say("No engine runs. The next command that needs one starts it.")


@engine.command()
@options.common
@click.option("--take-over", is_flag=True, help="Take a lock whose owner on another machine cannot be asked.")
def run(library_path: str | None, as_json: bool, take_over: bool) -> None:
    """Be the engine, in this terminal, until stopped."""
    from engine.api import engines

    library = options.open_library(library_path)
    if not as_json:
        output.complain(f"Engine of {output.shown(library.name)}; stop it with Ctrl-C or: rushes engine stop")
    engines.run_here(library, take_over=take_over)
    if as_json:
        output.document({"stopped": True})


@engine.command()
@options.common
@click.option(
    "--folder", metavar="DIR", help="Where to write the unit; the user's systemd folder by default."
)
def install(library_path: str | None, as_json: bool, folder: str | None) -> None:
    """Write a systemd unit that keeps the engine running."""
    from engine.api import engines

    made = engines.install_unit(options.open_library(library_path), folder)
    if as_json:
        output.document(made)
    else:
        output.say(f"Unit written: {made['unit']}\nStart it with: {made['next']}")
