"""``rushes completion``: the script that makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tui.cli import output


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    For bash: eval "$(rushes completion bash)"
    """
    from tui.cli.root import cli

    found = get_completion_class(shell)
    assert found is not None
    output.say(found(cli, {}, "rushes", "_RUSHES_COMPLETE").source())
