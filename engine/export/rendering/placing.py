"""Putting a finished file under its name: whole, synced, and never over another."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable

from engine import renaming
from engine.errors import RushesError
from engine.names import NAME_MAX_BYTES, display

MOST_NUMBERS = 999
"""Names tried before giving up: ``film.mov``, ``film_001.mov`` ... ``film_999.mov``."""


def sync_file(path: str) -> None:
    """Make sure that a file's bytes are on its disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_synced(source: str, target: str) -> None:
    """Copy a file of our own to a name that is not taken, and make sure that it is on its disk."""
    with open(source, "rb") as data, open(target, "xb") as out:
        shutil.copyfileobj(data, out, 1 << 20)
    sync_file(target)


def sync_folder(folder: str) -> None:
    """Make sure that a folder's entries are on its disk; file systems that cannot say so are left alone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EINVAL):
            return
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def numbered(name: str, extension: str, number: int) -> str:
    """``name.extension``, or ``name_007.extension`` for number 7; the name is cut to fit a file system."""
    suffix = (f"_{number:03}" if number else "") + f".{extension}"
    room = NAME_MAX_BYTES - len(suffix)
    while len(os.fsencode(name)) > room:
        name = name[:-1]
    return name + suffix


def publish(
    temp: str,
    folder: str,
    name: str,
    extension: str,
    *,
    announce: Callable[[str], None],
    is_taken: Callable[[str], bool],
    replaces: Callable[[str], bool] | None = None,
) -> str:
    """Give a finished, synced temp file its name in the same folder; return the path it got.

    A name that is taken is never replaced: the next number is tried. Each path
    is announced before it is tried, so that a crash right after the rename
    leaves a record of the file that is there. ``is_taken`` may rule out paths
    at which nothing lies today. ``replaces`` says of what lies under the plain
    name whether the operator wants it replaced: in one step, so that at any
    instant the old file is there or the new one.

    Raises:
        RushesError: all numbers are taken.
        OSError: the folder cannot be written.
    """
    for number in range(MOST_NUMBERS + 1):
        target = os.path.join(folder, numbered(name, extension, number))
        if number == 0 and replaces is not None and not is_taken(target) and replaces(target):
            announce(target)
            os.replace(temp, target)
            sync_folder(folder)
            return target
        if os.path.lexists(target) or is_taken(target):
            continue
        announce(target)
        if rename_new(temp, target):
            sync_folder(folder)
            return target
    raise RushesError(
        f"{display(name)} and {MOST_NUMBERS} numbers after it are taken in {display(folder)}. "
        "Move some of them away, or give the recipe another name template."
    )


def rename_new(temp: str, target: str) -> bool:
    """Rename without replacing. False when the name is taken."""
    try:
        renaming.rename(temp, target)
    except FileExistsError:
        return False
    return True


def remove(path: str) -> None:
    """Remove a file of our own; it may be gone already."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
