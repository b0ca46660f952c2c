"""Commands and answers as a form compares and shows them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from engine.api.forms import Field, Values
from engine.names import display


def command_line(command: Sequence[str]) -> str:
    """A command as a shell reads it, escaped for the eye."""
    return display(shlex.join(command))


def answered(values: Values) -> dict[str, Any]:
    """The answers that say anything: what is left out, empty or off is the default."""
    return {key: value for key, value in values.items() if value not in (None, "", [], False)}


def in_words(field: Field, problems: Mapping[str, str]) -> str:
    """What is wrong with a field; a sentence that begins with its key begins with its label."""
    said = problems[field.key]
    for name in (field.key, field.key.rpartition(".")[2]):
        if said.startswith(tuple(f"{name} {word} " for word in ("is", "of", "cannot"))):
            return field.label + said.removeprefix(name)
    return said
