"""Which recipes name a preset, in every library that can be reached."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.errors import RushesError
from engine.library import Library, list_known, open_library
from engine.library.library import FOLDER
from engine.storage.database import rows


@dataclass(frozen=True)
class Use:
    """A recipe that names the preset: its name, and the root of its library."""

    recipe: str
    library: str


@dataclass(frozen=True)
class Uses:
    """Who uses a preset.

    Attributes:
        recipes: by library, then by name.
        unread: roots of libraries that could not be looked into: their recipes may name it, too.
    """

    recipes: tuple[Use, ...]
    unread: tuple[str, ...]


@contextmanager
def reached(cache_root: str) -> Iterator[Library | None]:
    """Open a library of the registry for a look at its recipes; None when it is away or cannot be read."""
    library = None
    if os.path.exists(os.path.join(cache_root, FOLDER, "library.db")):
        try:
            library = open_library(cache_root)
        except RushesError:
            library = None  # damaged, or of a newer version: it is told when somebody opens it
    try:
        yield library
    finally:
        if library is not None:
            library.close()


def of_preset(name: str) -> Uses:
    """The recipes of all known libraries that name a preset, letter case ignored. Any thread."""
    found: list[Use] = []
    unread: list[str] = []
    for entry in list_known():
        with reached(entry.cache_root) as library:
            if library is None:
                unread.append(entry.root)
                continue
            try:
                known = rows(library.db(), "SELECT name, spec FROM recipes ORDER BY name COLLATE NOCASE")
            except RushesError:
                unread.append(entry.root)
                continue
        found += [
            Use(recipe["name"], entry.root) for recipe in known if names(json.loads(recipe["spec"]), name)
        ]
    return Uses(tuple(found), tuple(unread))


def names(spec: object, preset: str) -> bool:
    """Whether a recipe's spec names this preset."""
    own = spec.get("preset") if isinstance(spec, dict) else None
    return isinstance(own, str) and own.strip().casefold() == preset.strip().casefold()
