"""Recipes and presets as files that others give us: JSON with a schema version. Pure."""

from __future__ import annotations

import json
from typing import Any

from engine.errors import WrongUse
from engine.names import display

OTHERS = {"recipe": ("preset", "container"), "preset": ("recipe", "layout")}
"""For which file each may be taken, and a field that only that one has."""


def read(text: str, noun: str, schema: int) -> dict[str, Any]:
    """What such a file holds; ``name`` is a text, or is not there.

    Args:
        text: of the file.
        noun: ``recipe`` or ``preset``, for the sentences.
        schema: the version that is known.

    Raises:
        WrongUse: it is no JSON, no such file, or of another version.
    """
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise WrongUse(f"This is no {noun} file: it is nested too deeply.") from error
    except ValueError as error:
        raise WrongUse(f"This is no {noun} file: it is not JSON ({error}).") from error
    if not isinstance(found, dict) or "schema" not in found:
        raise WrongUse(f"This is no {noun} file: it has no schema version.")
    other, field = OTHERS[noun]
    if field in found:
        raise WrongUse(f"This is a {other} file, no {noun} file.")
    check_schema(found["schema"], noun, schema)
    if not isinstance(found.get("name", ""), str):
        raise WrongUse(f"The name in this {noun} file is no text.")
    return found


def check_schema(given: Any, noun: str, known: int) -> None:
    """See that a version is the one that is known.

    Raises:
        WrongUse: it is not; says what to do.
    """
    if given == known and not isinstance(given, bool):
        return
    said = f"This {noun} has schema {display(str(given))[:40]}; this rushes knows schema {known}."
    newer = isinstance(given, int) and given > known
    raise WrongUse(f"{said} A newer rushes wrote it: update this one." if newer else said)
