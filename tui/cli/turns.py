"""``move`` and ``priority``: the turn of what waits, the same for jobs and for runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import click

from tui.cli import options, output


class Door(Protocol):
    """A module of ``engine.api`` that moves its kind of thing in the queue."""

    def move(self, library: Any, given: str, where: str) -> dict[str, Any]:
        """Move what waits ``up``, ``down``, to the ``top`` or ``bottom``."""
        ...

    def set_priority(self, library: Any, given: str, word: str) -> dict[str, Any]:
        """Change the priority."""
        ...


def add_to(group: click.Group, noun: str, door: Callable[[], object]) -> None:
    """Give a group of commands ``move`` and ``priority``.

    Args:
        group: where they go.
        noun: what is moved, as a person says it; also the name of the argument.
        door: imports and returns the module that does it, see :class:`Door`; called when a command runs.
    """

    @group.command(help=f"Move a {noun} that waits for its turn.")
    @click.argument("which", metavar=noun.upper())
    @click.argument("where", metavar="up|down|top|bottom")
    @options.common
    def move(which: str, where: str, library_path: str | None, as_json: bool) -> None:
        found = cast("Door", door()).move(options.open_library(library_path), which, where)
        _told(found, f"place {found['queue_place']} in the line", as_json)

    @group.command(help=f"Change a {noun}'s priority in the queue.")
    @click.argument("which", metavar=noun.upper())
    @click.argument("word", metavar="low|normal|high|urgent")
    @options.common
    def priority(which: str, word: str, library_path: str | None, as_json: bool) -> None:
        found = cast("Door", door()).set_priority(options.open_library(library_path), which, word)
        _told(found, f"priority {word}", as_json)


def _told(found: dict[str, Any], what: str, as_json: bool) -> None:
    if as_json:
        output.document(found)
    else:
        output.say(f"{output.shown(found['title'])}: {what}.")
