"""Watch folders: what arrives in them is taken in by itself once it has come to rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.library import Library
from engine.names import display, json_name
from engine.watch import folders
from engine.watch.folders import WatchFolder


def describe(folder: WatchFolder) -> dict[str, Any]:
    """One entry of the document of ``watch list``; see :class:`engine.watch.folders.WatchFolder`."""
    return {
        "watch_id": folder.watch_id,
        **json_name("path", folder.path),
        "destinations": [display(path) for path in folder.destinations],
        "mode": folder.mode,
        "enabled": folder.enabled,
        "files_taken": folder.taken,
        "looked_at": folder.looked_at,
        "error": folder.error,
        "created_at": folder.created_at,
    }


def add(
    library: Library, path: str, destinations: Sequence[str] = (), mode: str | None = None
) -> dict[str, Any]:
    """Watch a folder; see :func:`engine.watch.folders.add` for what is refused."""
    return describe(folders.add(library.db(), path, destinations, mode))


def list_watches(library: Library) -> list[dict[str, Any]]:
    """The document of ``watch list``."""
    return [describe(folder) for folder in folders.list_folders(library.db())]


def remove(library: Library, given: str) -> dict[str, Any]:
    """Watch a folder (its number or path) no longer; no file is touched."""
    return describe(folders.remove(library.db(), given))


def enable(library: Library, given: str, *, on: bool) -> dict[str, Any]:
    """Go on watching a folder, or rest."""
    return describe(folders.enable(library.db(), given, on=on))
