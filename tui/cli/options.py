"""What every command takes, and how it reaches its library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from engine.api import Library

Function = Callable[..., Any]


JSON = "Print one JSON document."


def common(function: Function) -> Function:
    """Add ``--library`` and ``--json`` to a command (as ``library_path`` and ``as_json``)."""
    function = click.option("--json", "as_json", is_flag=True, help=JSON)(function)
    return click.option(
        "--library",
        "library_path",
        metavar="PATH",
        help="The library: its root, name or id.",
        callback=_or_from_root,
    )(function)


def without_library(help_text: str = JSON) -> Callable[[Function], Function]:
    """Add ``--json`` to a command that needs no library; a script may give it one as to every other."""

    def add(function: Function) -> Function:
        function = click.option("--json", "as_json", is_flag=True, help=help_text)(function)
        return click.option("--library", metavar="PATH", expose_value=False, hidden=True)(function)

    return add


def waiting(function: Function) -> Function:
    """Add ``--wait`` to a command that queues work."""
    return click.option("--wait", is_flag=True, help="Show progress and end with the job's verdict.")(
        function
    )


def confirming(function: Function) -> Function:
    """Add ``--yes`` to a command that asks."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


def open_library(path: str | None) -> Library:
    """Open the library that the command is for.

    Raises:
        NotFound, WrongUse, DatabaseRefused: see :func:`engine.library.locate`.
    """
    from engine.api import libraries

    return libraries.open_library(path)


def with_engine(path: str | None, *, needed: bool = True) -> Library:
    """Open the library and have its engine running.

    Args:
        path: the library, or None to look for it.
        needed: False for listings: when no engine can be had they show what
            was last recorded, and say so on standard error.
    """
    from engine.api import engines
    from engine.errors import RushesError
    from tui.cli.output import complain

    library = open_library(path)
    try:
        engines.ensure(library)
    except RushesError as error:
        if needed:
            raise
        complain(str(error))
    return library


def _or_from_root(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    found: str | None = value or ctx.find_root().obj
    return found
