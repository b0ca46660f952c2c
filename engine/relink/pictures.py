"""Pictures for whoever decides: of a file that was found, and of the clip that lost it.

A clip's picture is the one that its ingest took, by content. That of a found
file is made on demand and kept for a while, by volume, path, size and time, in
a folder of its own; so is the sentence that says why there is none.
"""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.errors import Refused, RushesError
from engine.library import Library
from engine.media.probe import probe
from engine.media.thumbs import thumbnail, thumbnail_path
from engine.media.tools import find_tools
from engine.names import display, from_blob, to_blob
from engine.relink.candidates import Candidate, get
from engine.relink.likeness import base_name
from engine.relink.tree import Tree, hold, named
from engine.storage.database import row, rows

KEPT = 4000
"""Pictures, sentences and facts of found files that are kept; the ones least lately shown go."""

PROBE_SECONDS = 10.0
"""A file that is not understood in this time has no picture (seconds)."""


@dataclass(frozen=True)
class Picture:
    """A JPEG at ``path`` (absolute), or None and the sentence ``why`` there is none."""

    path: str | None
    why: str | None = None


def of_found(library: Library, candidate_id: int, *, make: bool = True) -> Picture | None:
    """The picture of the file that a candidate has found.

    Args:
        library: the library.
        candidate_id: the candidate.
        make: take it when it is not kept yet: one or two short children, at
            low priority. False answers at once, and may be asked by a screen.

    Returns:
        None when it would have to be made and ``make`` is False.

    Raises:
        NotFound: there is no such candidate.
    """
    candidate = get(library.db(), candidate_id)
    if candidate.evidence.get("blake3") is True and candidate.clip_id is not None:
        proven = _kept_clip(library, candidate.clip_id)
        if proven is not None:
            return proven
    key = key_of(candidate)
    kept = _kept(library, key)
    if kept is not None or not make:
        return kept
    try:
        with hold(library.db(), candidate.volume_id) as tree:
            return _take(library, tree, candidate.path, (candidate.size, candidate.mtime_ns), key)
    except RushesError as error:
        return Picture(None, str(error))


def of_clip(library: Library, clip_id: str, *, make: bool = True) -> Picture | None:
    """The picture of a clip, made from a copy that can be reached when its ingest took none.

    See :func:`of_found`; an unknown clip has no picture.
    """
    kept = _kept_clip(library, clip_id)
    if kept is not None:
        return kept
    found = rows(
        library.db(),
        "SELECT copy.volume_id, copy.path, copy.size, copy.mtime_ns, assets.blake3"
        " FROM clips JOIN copy_states AS copy USING (asset_id) JOIN assets USING (asset_id)"
        " WHERE clip_id = ? AND seen_as = 'online' ORDER BY copy.role = 'source', copy_id",
        (clip_id,),
    )
    if not found:
        return Picture(None, "No picture was taken of this clip while it could be reached.")
    first = found[0]
    key = first["blake3"] or _digest(first["volume_id"], first["path"], first["size"], first["mtime_ns"])
    kept = _kept(library, key)
    if kept is not None or not make:
        return kept
    target = thumbnail_path(str(library.thumbs), first["blake3"]) if first["blake3"] else None
    picture = Picture(None, "No copy of this clip can be read.")
    for copy in found:
        try:
            with hold(library.db(), copy["volume_id"]) as tree:
                facts = (copy["size"], copy["mtime_ns"])
                picture = _take(library, tree, from_blob(copy["path"]), facts, key, target)
        except RushesError as error:
            picture = Picture(None, str(error))
        if picture.path is not None:
            break
    return picture


def _kept_clip(library: Library, clip_id: str) -> Picture | None:
    """The picture of a clip's content, if its ingest or somebody since took it."""
    found = row(
        library.db(),
        "SELECT blake3 FROM clips JOIN assets USING (asset_id) WHERE clip_id = ?",
        (clip_id,),
    )
    if found is None or found["blake3"] is None:
        return None
    path = thumbnail_path(str(library.thumbs), found["blake3"])
    return Picture(path) if os.path.isfile(path) else None


# -- the folder of found files ----------------------------------------------------
def key_of(candidate: Candidate) -> str:
    """The name under which what was found out of a candidate's file is kept."""
    return _digest(candidate.volume_id, to_blob(candidate.path), candidate.size, candidate.mtime_ns)


def _digest(volume_id: str, path: bytes, size: int, mtime_ns: int) -> str:
    return hashlib.sha256(b"%s\0%d\0%d\0%s" % (volume_id.encode(), size, mtime_ns, path)).hexdigest()


def _kept(library: Library, key: str) -> Picture | None:
    stem = library.thumbs / "found" / key
    try:
        os.utime(f"{stem}.jpg")
        return Picture(f"{stem}.jpg")
    except OSError:
        pass  # not kept, or the library cannot be written: then nothing is kept
    try:
        return Picture(None, stem.with_suffix(".none").read_text("utf-8"))
    except OSError:
        return None


def _take(
    library: Library, tree: Tree, path: str, facts: tuple[int, int], key: str, target: str | None = None
) -> Picture:
    """Make the picture of one file; that there can be none is kept as well, what may pass is not."""
    folder = str(library.thumbs / "found")
    shown = display(base_name(path))
    try:
        os.makedirs(folder, exist_ok=True)
        if target is not None:
            os.makedirs(os.path.dirname(target), exist_ok=True)
    except OSError as error:
        return Picture(None, f"The picture of {shown} cannot be kept ({error.strerror}).")
    try:
        tools = find_tools()
        with opened(tree, path, facts) as (source, descriptor):
            try:
                made = target or os.path.join(folder, f"{key}.jpg")
                thumbnail(tools, source, made, probe(tools, source, PROBE_SECONDS))
                _trim(folder)
                return Picture(made)
            except RushesError as error:
                why = named(error, descriptor, shown)
                keep(folder, f"{key}.none", why)
                return Picture(None, why)
            except OSError as error:
                return Picture(None, f"The picture of {shown} cannot be kept ({error.strerror}).")
    except RushesError as error:
        return Picture(None, str(error))


@contextmanager
def opened(tree: Tree, path: str, facts: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """Open a file that was found: a path by which a child of ours may read it, and its descriptor.

    Args:
        tree: its volume.
        path: relative to that volume's root.
        facts: size and mtime_ns that it had when it was found.

    Raises:
        Refused: it cannot be read, or has changed since.
    """
    shown = display(base_name(path))
    try:
        descriptor = tree.open_file(path)
    except OSError as error:
        raise Refused(f"{shown} cannot be read ({error.strerror}).") from error
    try:
        now = os.fstat(descriptor)
        if not stat.S_ISREG(now.st_mode) or (now.st_size, now.st_mtime_ns) != facts:
            raise Refused(f"{shown} has changed since it was found.")
        # Through the descriptor: the path may show another file by now, and may be no text.
        yield f"/proc/{os.getpid()}/fd/{descriptor}", descriptor
    finally:
        os.close(descriptor)


def keep(folder: str, name: str, text: str) -> None:
    """Keep what was found out of a file in the folder of found files; a failure only costs time later."""
    temp = os.path.join(folder, f"{name}.{uuid.uuid4().hex[:12]}.part")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temp, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temp, os.path.join(folder, name))
        _trim(folder)
    except OSError:
        return  # it is found out anew next time


def _trim(folder: str) -> None:
    """Take the pictures least lately shown away, when there are more than :data:`KEPT`."""
    with os.scandir(folder) as listed:
        entries = [entry for entry in listed if not entry.name.endswith(".part")]
    if len(entries) <= KEPT:
        return
    for _, path in sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)[: len(entries) - KEPT]:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue  # another one trims as well
