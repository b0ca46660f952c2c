"""Completing a path that is being typed. Meant to run outside the event loop: a mount may be slow."""

from __future__ import annotations

import os
from collections.abc import Collection

from engine.names import display, is_text

MOST = 200
"""Names that are looked at in one folder; more are not worth choosing from."""


def split(typed: str) -> tuple[str, str]:
    """The folder that is meant, and the beginning of the name in it. ``~`` is the home folder."""
    expanded = os.path.expanduser(typed)
    folder, _, start = expanded.rpartition("/")
    if "/" not in expanded:
        return "", expanded
    return folder or "/", start


def complete(
    typed: str, places: Collection[str], avoid: Collection[str] = (), ending: str | None = None
) -> list[str]:
    """Folders that ``typed`` may become, each ending with ``/``; nothing typed offers ``places``.

    With ``ending`` files whose names end with it are offered too, whatever the letter case.

    Folders that begin with a dot are offered when a dot was typed. Names that
    cannot be typed (control characters, not UTF-8) are left out. Folders below
    ``avoid`` (mount points that do not answer) are never listed.
    """
    if not typed.strip():
        return [place.rstrip("/") + "/" for place in places]
    folder, start = split(typed)
    if not folder:
        return [place.rstrip("/") + "/" for place in places if start.lower() in display(place).lower()]
    if any(folder == dead or folder.startswith(dead.rstrip("/") + "/") for dead in avoid):
        return []
    found: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if not name.lower().startswith(start.lower()) or not is_text(name):
                    continue
                if name.startswith(".") and not start.startswith("."):
                    continue
                try:
                    if entry.is_dir():
                        found.append(os.path.join(folder, name) + "/")
                    elif ending is not None and name.lower().endswith(ending):
                        found.append(os.path.join(folder, name))
                except OSError:
                    continue  # a link that leads nowhere, a folder that cannot be looked at
                if len(found) >= MOST:
                    break
    except OSError:
        return []
    return sorted(found, key=str.lower)


def common(offers: Collection[str]) -> str:
    """The longest beginning that all offers share."""
    return os.path.commonprefix(list(offers)) if offers else ""  # noqa: RUF071 - letters, not components
