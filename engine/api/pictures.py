"""Pictures to look at while deciding: of a clip, and of the file that a relink candidate has found."""

from __future__ import annotations

from typing import Any, Literal

from engine.api import clips
from engine.library import Library
from engine.names import json_name
from engine.relink import candidates
from engine.relink import pictures as _pictures
from engine.relink.pictures import Picture

Side = Literal["known", "found"]

__all__ = ["Picture", "Side", "document", "of_candidate", "of_clip"]


def of_candidate(library: Library, candidate_id: int, side: Side, *, make: bool = True) -> Picture | None:
    """One side of a candidate: the clip that is looked for (``known``), or the file that was found.

    Args:
        library: the library.
        candidate_id: the candidate.
        side: which of the two.
        make: take the picture when there is none yet, in some tenths of a second
            (at most half a minute when the file resists): for a worker thread.
            False never opens the file; for the thread that draws.

    Returns:
        A path or a sentence why there is none; None when it would have to be made and ``make`` is False.

    Raises:
        NotFound: there is no such candidate.
    """
    if side == "found":
        return _pictures.of_found(library, candidate_id, make=make)
    clip_id = candidates.get(library.db(), candidate_id).clip_id
    if clip_id is None:
        return Picture(None, "This file belongs to no clip.")
    return _pictures.of_clip(library, clip_id, make=make)


def of_clip(library: Library, given: str, *, make: bool = True) -> Picture | None:
    """The picture of a clip, by id, beginning of an id, or title; see :func:`of_candidate`.

    Raises:
        NotFound: there is no such clip.
    """
    return _pictures.of_clip(library, clips.find(library, given), make=make)


def document(picture: Picture) -> dict[str, Any]:
    """The document of ``relink picture`` and ``clips picture``."""
    return {**json_name("path", picture.path), "why": picture.why}
