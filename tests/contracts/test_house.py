"""The rules of the house that a linter cannot hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_engine_can_be_used_without_a_terminal_library() -> None:
    # click is looked for by the import contracts only: sqlite-utils brings it along.
    script = (
        "import engine.api.desk, engine.supervisor.service, sys\n"
        "print([m for m in ('textual', 'rich', 'tui') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert found.stdout.strip() == "[]"


def test_a_listing_loads_neither_the_screens_nor_the_engines_own_half() -> None:
    script = (
        "import sys; sys.argv = ['rushes', '--version']\n"
        "from tui.cli.root import main\n"
        "assert main(['--help']) == 0\n"
        "import engine.api.jobs\n"
        "print([m for m in ('textual', 'watchdog', 'engine.supervisor.supervisor') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert found.stdout.strip().splitlines()[-1] == "[]"


def modules() -> list[Path]:
    return sorted(path for part in ("engine", "tui") for path in (ROOT / part).rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "its first line says what it is for"
    assert len(text.splitlines()) <= 500, "one noun per module: time to split it"


def test_every_job_kind_has_a_handler_that_can_be_loaded() -> None:
    from engine.supervisor.handlers import KINDS, cleanup_of, handler_of

    for kind, known in KINDS.items():
        assert callable(handler_of(kind, known.version))
        assert (cleanup_of(kind) is None) == (known.cleanup is None)


def test_every_command_in_the_overview_can_be_loaded_and_has_a_line() -> None:
    import click

    from tui.cli.root import COMMANDS, SUMMARIES, cli

    assert set(COMMANDS) == set(SUMMARIES)
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None, name
        assert command.help, f"{name} has no help"


def test_every_command_takes_a_library_and_gives_json() -> None:
    """A script says both to whatever it calls; the completion script alone is no document."""
    import click

    from tui.cli.root import cli

    def below(command: click.Command, name: str) -> Iterator[tuple[str, set[str]]]:
        if not isinstance(command, click.Group):
            yield name, {word for parameter in command.params for word in parameter.opts}
            return
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from below(found, f"{name} {each}".strip())

    lacking = {name for name, words in below(cli, "") if not {"--library", "--json"} <= words}
    assert lacking == {"completion"}
