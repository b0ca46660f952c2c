"""The README tells the truth: its keys, its commands, its pictures."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from tui import keys
from tui.cli.root import COMMANDS, cli

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_keys_is_that_of_the_registry() -> None:
    assert keys.markdown() in TEXT


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    found = [
        part.strip()
        for line in "".join(blocks).splitlines()
        for part in re.split(r"&&", line.split("#")[0])
        if re.match(r"\s*(\.venv/bin/)?rushes\b", part)
    ]
    inline = re.findall(r"`(rushes [a-z][^`]*)`", TEXT)
    return [*found, *inline]


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_every_command_in_it_exists(line: str) -> None:
    words = [word for word in line.split()[1:] if not word.startswith("-") and word.islower()]
    if not words or words[0] not in COMMANDS:
        assert not words or words[0] == "COMMAND", line
        return
    command = cli.get_command(click.Context(cli), words[0])
    if isinstance(command, click.Group) and len(words) > 1:
        assert words[1] in command.commands, line


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", TEXT))
def test_every_link_leads_to_a_file(target: str) -> None:
    assert (ROOT / unquote(target)).exists()


def test_its_test_command_is_the_one_that_ci_runs() -> None:
    assert TEXT.count("<!-- test command -->\n```sh\n") == 1
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
