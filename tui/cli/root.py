"""``rushes``: commands by name, loaded when used; the one place where an error becomes an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from engine import __version__
from engine.api import StorageError
from engine.errors import RushesError
from tui.cli import output

COMMANDS: dict[str, str] = {
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "init": "library:init",
    "engine": "engine:engine",
    "volumes": "volumes:volumes",
    "ingest": "ingest:ingest",
    "card": "ingest:card",
    "watch": "watch:watch",
    "clips": "clips:clips",
    "verify": "ingest:verify",
    "damaged": "damage:damaged",
    "notices": "damage:notices",
    "relink": "relink:relink",
    "recipe": "recipe:recipe",
    "export": "export:export",
    "exports": "export:exports",
    "segment": "segment:segment",
    "presets": "presets:presets",
    "jobs": "jobs:jobs",
    "report": "report:report",
    "mhl": "mhl:mhl",
    "files": "files:files",
    "library": "library:library",
    "settings": "library:settings",
    "monitor": "monitor:monitor",
    "audit": "library:audit",
    "completion": "completion:completion",
}
"""Command name -> ``module:attribute`` under ``tui.cli``."""

SUMMARIES: dict[str, str] = {
    "demo": "A whole day on set with generated footage.",
    "doctor": "Tools, codecs, permissions, mounts: what works, what to install.",
    "init": "Make a library.",
    "engine": "Start, stop and look at the library's engine.",
    "volumes": "Drives and cards: list, show, track, rename, eject.",
    "ingest": "Take cards and folders in, verified.",
    "card": "Is this card safe to format?",
    "watch": "Folders from which footage is taken in by itself.",
    "clips": "What the library holds, and where.",
    "verify": "Re-read the oldest verified copies and compare.",
    "damaged": "Damaged copies, and their repair from good ones.",
    "notices": "What should be known: drives, failures, damage, finds.",
    "relink": "Find clips again whose files moved.",
    "recipe": "What to export, and how.",
    "export": "Queue runs of recipes.",
    "exports": "Runs: list, show, cancel, resume, rerun, delete.",
    "segment": "Render one segment of a plan, as a render farm would.",
    "presets": "How to encode.",
    "jobs": "What the engine does: list, pause, resume, cancel, retry.",
    "report": "Hand over what was done and proven: PDF, HTML, CSV, JSON, TXT.",
    "mhl": "Hash lists (ASC MHL): verify an incoming drive, begin one.",
    "files": "Copy, move, trash and restore recorded files; duplicates.",
    "library": "Look at, check and back up the library.",
    "settings": "Show and change settings.",
    "monitor": "A read-only look over HTTP.",
    "audit": "Who did what, when, why.",
    "completion": "Print the completion script of a shell.",
}
"""One line per command, so that the overview loads none of them."""


class Overview(click.Group):
    """The root group: knows every command's name and line, loads a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table: the order of a day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the module that holds a command."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(f"tui.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their lines without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in COMMANDS])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown command by a sentence with the nearest names."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"There is no command {output.shown(name)}.{hint}")
        return super().resolve_command(ctx, args)


@click.command(
    cls=Overview, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--library", "library_path", metavar="PATH", help="The library: its root, name or id.")
@click.version_option(__version__, prog_name="rushes")
@click.pass_context
def cli(ctx: click.Context, library_path: str | None) -> None:
    """The footage desk of a NAS: ingest, export and relink.

    Without a command the terminal interface opens. Closing it stops nothing:
    the work is done by the library's engine.
    """
    ctx.obj = library_path
    if ctx.invoked_subcommand is None:
        from tui.cli.screen import open_screen

        open_screen(library_path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a traceback never reaches the user for bad input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        result: Any = cli.main(given, prog_name="rushes", standalone_mode=False)
        return int(result) if isinstance(result, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.complain("Interrupted. What was queued goes on in the engine: rushes jobs list")
        return 130
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f" See: {error.ctx.command_path} --help"
        return output.failure(output.shown(error.format_message()) + hint, 2, as_json=as_json)
    except RushesError as error:
        return output.failure(str(error), error.exit_code, as_json=as_json)
    except StorageError as error:
        reason = "the disk is full" if "full" in str(error) else output.shown(str(error))
        return output.failure(
            f"The catalogue could not be read or written: {reason}. What was verified stays verified.",
            1,
            as_json=as_json,
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: nothing to report
        return 0
    except UnicodeError as error:
        return output.failure(f"An argument cannot be read as a name: {error}.", 2, as_json=as_json)
