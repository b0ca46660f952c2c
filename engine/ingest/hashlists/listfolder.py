"""The folder ``ascmhl/`` on disk: a generation appears in it whole or not at all, and no list ever changes.

The first generation is built as a folder beside and renamed. A further one is
written under a temporary name, synced, renamed, and then entered in the chain,
which is replaced by rename. Cut off before that, the history is what it was;
the next writing takes the list that lies there into the chain.
"""

from __future__ import annotations

import os
import shutil
import uuid

from engine.errors import RushesError
from engine.ingest.ends.folders import publish, sync_folder
from engine.media.mhl import writing
from engine.media.mhl.records import CHAIN, FOLDER, HashList, History
from engine.names import display

TEMP_START = ".ascmhl."
"""Beginning of the names of what is under construction; they end in ``.part``."""

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def append(root: str, history: History, hash_list: HashList) -> str:
    """Add a generation to the history of a folder; return the path of its list.

    Args:
        root: the folder that the list is about.
        history: what is there already, as :func:`engine.media.mhl.reading.load` gave it.
        hash_list: the new generation.

    Raises:
        RushesError: the history has been changed or is not whole: nothing is added to it.
        OSError: it cannot be written.
    """
    if history.problems:
        raise RushesError(
            f"The hash lists of {display(root)} are not whole, so nothing was added to them: "
            f"{history.problems[0]}"
        )
    number = history.latest + 1
    name = writing.manifest_name(number, os.path.basename(root), hash_list.creator.created)
    fd = os.open(root, _FLAGS)
    try:
        _remove_leavings(root)
        if not history.generations:
            _first(fd, name, number, hash_list)
        else:
            _further(fd, name, number, hash_list, history)
    finally:
        os.close(fd)
    return os.path.join(root, FOLDER, name)


def _first(root: int, name: str, number: int, hash_list: HashList) -> None:
    temp = f"{TEMP_START}{uuid.uuid4().hex[:8]}.part"
    os.mkdir(temp, dir_fd=root)
    folder = os.open(temp, _FLAGS, dir_fd=root)
    try:
        c4 = _put(folder, name, hash_list)
        _put_bytes(folder, CHAIN, writing.chain([(number, name, c4)]))
        sync_folder(folder)
    finally:
        os.close(folder)
    publish(root, temp, FOLDER)
    sync_folder(root)


def _further(root: int, name: str, number: int, hash_list: HashList, history: History) -> None:
    folder = os.open(FOLDER, _FLAGS, dir_fd=root)
    try:
        temp = f"{TEMP_START}{uuid.uuid4().hex[:8]}.part"
        c4 = _put(folder, temp, hash_list)
        publish(folder, temp, name)
        sync_folder(folder)
        entries = [(one.number, one.name, one.c4) for one in history.generations]
        chain = f"{TEMP_START}{uuid.uuid4().hex[:8]}.part"
        _put_bytes(folder, chain, writing.chain([*entries, (number, name, c4)]))
        os.rename(chain, CHAIN, src_dir_fd=folder, dst_dir_fd=folder)
        sync_folder(folder)
    finally:
        os.close(folder)


def _put(folder: int, name: str, hash_list: HashList) -> str:
    """Write a list, and return its C4."""
    import hashlib

    from engine.media.hashing import c4_text

    digest = hashlib.sha512()
    with os.fdopen(_new(folder, name), "wb") as file:
        for piece in writing.manifest(hash_list):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return c4_text(digest.digest())


def _put_bytes(folder: int, name: str, data: bytes) -> None:
    with os.fdopen(_new(folder, name), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _new(folder: int, name: str) -> int:
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)


def _remove_leavings(root: str) -> None:
    """Remove what a writing that was cut off left under our temporary names."""
    for place in (root, os.path.join(root, FOLDER)):
        if not os.path.isdir(place):
            continue
        for name in os.listdir(place):
            if not (name.startswith(TEMP_START) and name.endswith(".part")):
                continue
            path = os.path.join(place, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
