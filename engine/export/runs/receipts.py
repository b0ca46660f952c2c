"""What a farm says of a segment that it rendered: a small file beside it, by which the engine takes it over.

A segment under its name was proven by whoever gave it that name; its receipt
holds size and hash of the bytes that were proven. Without one, or with other
bytes, the segment is rendered anew.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import asdict

from engine.export.rendering import placing
from engine.export.rendering.segment import PART_SUFFIX, Rendered, is_whole

SUFFIX = ".receipt"
"""Ending of a receipt, after the segment's whole name, which holds its fingerprint."""

_LONGEST = 64 * 1024


def write(folder: str, made: Rendered) -> None:
    """Leave the receipt of a segment that has its name already. Raises OSError when it cannot be written."""
    path = os.path.join(folder, made.file + SUFFIX)
    temp = f"{path}.{uuid.uuid4().hex[:8]}{PART_SUFFIX}"
    try:
        with open(temp, "x", encoding="utf-8") as file:
            json.dump(asdict(made), file)
        placing.sync_file(temp)
        os.rename(temp, path)
        placing.sync_folder(folder)
    finally:
        placing.remove(temp)


def taken(folder: str, name: str, check: Callable[[], None] | None = None) -> Rendered | None:
    """The segment called ``name`` when it lies there, has a receipt, and is what was proven; else None.

    ``check`` is called while it is read; raises to stop.
    """
    try:
        with open(os.path.join(folder, name + SUFFIX), encoding="utf-8") as file:
            said = json.loads(file.read(_LONGEST))
        made = Rendered(**said)
        if made.file != name or not is_whole(folder, name, made.size, made.blake3, check):
            return None
        return made
    except (OSError, ValueError, TypeError):
        return None  # none, or no receipt of this version
