"""Files that a graph reads beside the clips: colour tables and fonts, kept by content.

A graph names them by their hash alone, in the folder that it runs in: no path
has to be escaped, and a rerun finds the same ones.
"""

from __future__ import annotations

import os
import shutil
import uuid

from engine.errors import RushesError
from engine.export.planning.plan import Plan
from engine.export.rendering import placing
from engine.library import Library
from engine.media.hashing import full_hash
from engine.names import display

_HASH_LETTERS = 32


_FOLDERS = {"cube": "luts", "ttf": "fonts"}


def folder_of(library: Library, ending: str) -> str:
    """Where files with this ending are kept."""
    return os.path.join(str(library.exports), _FOLDERS[ending])


def digest_of(path: str) -> str:
    """The hash by which graphs name a colour table or a font. Raises OSError when it cannot be read."""
    return full_hash(path)[:_HASH_LETTERS]


def keep(library: Library, path: str, ending: str) -> str:
    """Copy a file to its like, under its hash; returns the hash.

    Raises:
        RushesError: it cannot be read or kept.
    """
    try:
        digest = digest_of(path)
        folder = folder_of(library, ending)
        os.makedirs(folder, exist_ok=True)
        kept = os.path.join(folder, f"{digest}.{ending}")
        if not os.path.exists(kept):
            temp = f"{kept}.{uuid.uuid4().hex[:8]}.part"
            shutil.copyfile(path, temp)
            placing.sync_file(temp)
            os.rename(temp, kept)
    except OSError as error:
        raise RushesError(f"{display(path)} cannot be kept for the export: {error.strerror}.") from error
    return digest


def bring(library: Library, plan: Plan, folder: str) -> None:
    """Lay the files that a plan names beside its segments."""
    for name in names(plan):
        kept = os.path.join(folder_of(library, name.rpartition(".")[2]), name)
        try:
            os.symlink(kept, os.path.join(folder, name))
        except FileExistsError:
            pass


def names(plan: Plan) -> list[str]:
    """Names of the files that a plan's graphs read."""
    return [
        f"{plan.look[kind]}.{ending}"
        for kind, ending in (("lut", "cube"), ("font", "ttf"))
        if plan.look.get(kind)
    ]


def write_words(folder: str, words: dict[str, str]) -> None:
    """Write the text files that a segment's graph reads; those that are there have the same content."""
    for name, text in words.items():
        path = os.path.join(folder, name)
        if os.path.exists(path):
            continue
        temp = f"{path}.{uuid.uuid4().hex[:8]}.part"
        with open(temp, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.rename(temp, path)
