"""The trash folder of one file system, as the freedesktop.org Trash specification 1.0 has it.

``.Trash-<uid>/files`` holds the files, ``.Trash-<uid>/info`` a ``.trashinfo`` for
each that says where it lay; so a desktop's file manager can restore them too.
"""

from __future__ import annotations

import os
import urllib.parse
from datetime import datetime

from engine import renaming
from engine.errors import Refused
from engine.ingest.ends import folders
from engine.names import display

_NAMES = 10_000
"""So many trashed files of one name are told apart."""

_MOST, _SUFFIX_MOST = 200, 60
"""Bytes of a long name that are kept, and of its extension at most: a number and ``.trashinfo`` have room."""


def make(top: str) -> str:
    """Return the trash folder of the file system mounted at ``top``, made when it is not there.

    Raises:
        Refused: something else has its name.
        OSError: it cannot be made.
    """
    base = os.path.join(top, f".Trash-{os.getuid()}")
    for folder in (base, files(base), os.path.join(base, "info")):
        if os.path.islink(folder):
            raise Refused(f"{display(folder)} is a link; nothing is put aside there.")
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
    return base


def files(base: str) -> str:
    """The folder of the files themselves."""
    return os.path.join(base, "files")


def reserve(base: str, name: str, relative: str) -> str:
    """Find a free name in the trash by making its info file; return where the file is to be kept.

    Args:
        base: as :func:`make` returned it.
        name: the file's name.
        relative: where it lay, relative to the mount point.

    Raises:
        Refused: the trash is full of files of this name.
        OSError: the info file cannot be written.
    """
    text = (
        "[Trash Info]\n"
        f"Path={urllib.parse.quote(os.fsencode(relative))}\n"
        f"DeletionDate={datetime.now().strftime('%Y-%m-%dT%H:%M:%S')}\n"  # noqa: DTZ005 - local time by the format
    ).encode()
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(os.fsencode(suffix)) > _SUFFIX_MOST:
        stem, dot, suffix = name, "", ""
    for number in range(1, _NAMES):
        wanted = name if number == 1 else f"{stem}.{number}{dot}{suffix}"
        if len(os.fsencode(wanted)) + len(".trashinfo") > 255:
            stem = os.fsdecode(os.fsencode(stem)[: _MOST - len(os.fsencode(suffix))])
            wanted = f"{stem}.{number}{dot}{suffix}"
        info = os.path.join(base, "info", f"{wanted}.trashinfo")
        try:
            fd = os.open(info, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        try:
            os.write(fd, text)
            os.fsync(fd)
        except OSError:
            os.unlink(info)
            raise
        finally:
            os.close(fd)
        kept = os.path.join(files(base), wanted)
        if not os.path.lexists(kept):
            return kept
        os.unlink(info)
    raise Refused(f"The trash holds too many files called {display(name)}. Empty it first.")


def move(old: str, new: str) -> None:
    """Rename within one file system without replacing anything, and make it durable."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    source = os.open(os.path.dirname(old), flags)
    try:
        target = os.open(os.path.dirname(new), flags)
        try:
            renaming.rename(os.path.basename(old), os.path.basename(new), source, target)
            folders.sync_folder(target)
            folders.sync_folder(source)
        finally:
            os.close(target)
    finally:
        os.close(source)


def remove(path: str) -> None:
    """Delete a file; one that is gone already is well."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def info_of(kept: str) -> str:
    """The info file of what is kept at ``kept``."""
    base, name = os.path.split(kept)
    return os.path.join(os.path.dirname(base), "info", f"{name}.trashinfo")
