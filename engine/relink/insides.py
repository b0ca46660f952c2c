"""What is inside a file that was found: its length and codec, for whoever compares it with the lost one.

A file of the same bytes has what the lost one has. Any other is opened when
somebody compares it, and the answer is kept beside its picture.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

from engine.errors import RushesError
from engine.library import Library
from engine.media.probe import probe
from engine.media.tools import find_tools
from engine.names import display
from engine.relink import pictures
from engine.relink.candidates import Candidate, get
from engine.relink.likeness import base_name
from engine.relink.tree import hold, named


@dataclass(frozen=True)
class Inside:
    """Length (milliseconds) and codec (ffmpeg's name); None: it has none, or ``why`` says why not."""

    duration_ms: int | None = None
    codec: str | None = None
    why: str | None = None


def of_found(library: Library, candidate_id: int, *, make: bool = True) -> Inside | None:
    """What is inside the file that a candidate has found.

    Args:
        library: the library.
        candidate_id: the candidate.
        make: look into the file when nobody has yet: one short child, at low priority. False answers at
            once, and may be asked by a screen.

    Returns:
        None when the file would have to be looked into and ``make`` is False.

    Raises:
        NotFound: there is no such candidate.
    """
    candidate = get(library.db(), candidate_id)
    if candidate.evidence.get("blake3") is True:
        return Inside(candidate.duration_ms, candidate.codec)
    name = f"{pictures.key_of(candidate)}.inside"
    folder = str(library.thumbs / "found")
    kept = _kept(os.path.join(folder, name))
    if kept is not None or not make:
        return kept
    found, lasting = _look(library, candidate)
    if lasting:
        pictures.keep(folder, name, json.dumps(asdict(found)))
    return found


def _kept(path: str) -> Inside | None:
    try:
        with open(path, encoding="utf-8") as file:
            found = Inside(**json.load(file))
        os.utime(path)
    except (OSError, ValueError, TypeError):
        return None  # not looked at yet, or the library cannot be written
    return found


def _look(library: Library, candidate: Candidate) -> tuple[Inside, bool]:
    """What is inside, and whether that will be so the next time."""
    try:
        tools = find_tools()
        with (
            hold(library.db(), candidate.volume_id) as tree,
            pictures.opened(tree, candidate.path, (candidate.size, candidate.mtime_ns)) as (
                source,
                descriptor,
            ),
        ):
            try:
                facts = probe(tools, source, pictures.PROBE_SECONDS)
            except RushesError as error:
                return Inside(why=named(error, descriptor, display(base_name(candidate.path)))), True
            stream = facts.video or facts.audio
            return Inside(facts.duration_ms, stream.codec if stream else None), True
    except RushesError as error:
        return Inside(why=str(error)), False
