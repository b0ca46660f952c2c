"""Commands and answers as a form compares and shows them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from engine.api.forms import Values
from engine.names import display


def command_line(command: Sequence[str]) -> str:
    """A command as a shell reads it, escaped for the eye."""
    return display(shlex.join(command))


def answered(values: Values) -> dict[str, Any]:
    """The answers that say anything: what is left out, empty or off is the default."""
    return {key: value for key, value in values.items() if value not in (None, "", [], False)}
