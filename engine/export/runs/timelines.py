"""The timeline of a recipe as text for an editing program, from what the library knows now."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from engine.errors import Refused, RushesError, WrongUse
from engine.export.editors import cutlist, edl, fcpxml, otio
from engine.export.planning.measure import Measured
from engine.export.planning.planning import Facts
from engine.export.planning.selection import Chosen, File, available, select
from engine.export.recipes import presets, recipes
from engine.export.rendering import placing
from engine.export.runs.planner import Reader
from engine.library import Library
from engine.media.tools import find_tools
from engine.names import display, from_blob
from engine.storage.config import open_config
from engine.storage.database import row
from engine.volumes import places

_MOST_EVENTS = 999

FORMATS = {"otio": otio.text, "edl": edl.text, "fcpxml": fcpxml.text}
"""Formats by the name that a person gives, which is the file's ending too."""


def text(library: Library, recipe: str, form: str) -> tuple[str, list[str]]:
    """The timeline of a recipe. Clips that are away are in it, as far as the library knows them.

    Args:
        library: the library.
        recipe: name or id.
        form: a key of :data:`FORMATS`.

    Returns:
        the file's content, and sentences about clips that could not be put in.

    Raises:
        WrongUse: an unknown format.
        NotFound: no such recipe or preset.
        Refused: no clip can be put in.
    """
    if form not in FORMATS:
        raise WrongUse(f"There is no format {display(form)}; known: {', '.join(FORMATS)}.")
    cuts, problems = cut_list(library, recipe)
    return FORMATS[form](cuts), problems


def write(library: Library, recipe: str, file: str) -> list[str]:
    """Write the timeline of a recipe to ``file``, whose ending says the format: whole or not at all.

    Returns:
        sentences: where it lies, what could not be put in, what the format does not carry.

    Raises:
        WrongUse: an ending of no known format.
        NotFound: no such recipe or preset.
        Refused: no clip can be put in, the file exists, or it cannot be written.
    """
    form = os.path.splitext(file)[1][1:].lower()
    if form not in FORMATS:
        endings = ", ".join(f".{name}" for name in FORMATS)
        raise WrongUse(f"{display(file)} ends in none of {endings}, which say the format.")
    cuts, problems = cut_list(library, recipe)
    folder, name = os.path.split(file)
    temp = os.path.join(folder, f".{name[:60]}.{uuid.uuid4().hex[:8]}.part")
    try:
        if os.path.lexists(file):
            raise Refused(f"{display(file)} exists already; nothing was written.")
        with open(temp, "x", encoding="utf-8", errors="replace", newline="") as out:
            out.write(FORMATS[form](cuts))
        placing.sync_file(temp)
        if not placing.rename_new(temp, file):
            raise Refused(f"{display(file)} exists already; nothing was written.")
        placing.sync_folder(folder)
    except OSError as error:
        raise Refused(f"{display(file)} cannot be written: {error.strerror}.") from error
    finally:
        placing.remove(temp)
    events = f"{len(cuts.events):,} event{'' if len(cuts.events) == 1 else 's'}"
    told = f"{display(file)}: {events}, {cuts.frames:,} frames at {float(cuts.rate):.5g} a second."
    return [told, *problems, *_left_behind(recipes.get(library.db(), recipe).spec, cuts, form)]


def _left_behind(spec: Mapping[str, Any], cuts: cutlist.CutList, form: str) -> list[str]:
    """What a timeline does not say, as sentences."""
    names = {"lut": "the colour table", "burn_in": "words in the picture", "loudness": "the loudness"}
    lost = [words for field, words in names.items() if spec[field]]
    if spec["title"]:
        lost.append("the title card (an empty stretch keeps its place)")
    found = [f"Not in the file: {', '.join(lost)}."] if lost else []
    if form == "edl" and len(cuts.events) > _MOST_EVENTS:
        found.append(f"More than {_MOST_EVENTS} events: some programs read no more from an EDL. Take .otio.")
    if form == "edl" and any(event.media and event.media.rate != cuts.rate for event in cuts.events):
        found.append("Clips of other frame rates carry a speed line (M2); check them in the program.")
    return found


def cut_list(library: Library, recipe: str) -> tuple[cutlist.CutList, list[str]]:
    """The timeline of a recipe as records, and sentences about clips left out. As :func:`text`."""
    db = library.db()
    found = recipes.get(db, recipe)
    config = open_config()
    try:
        preset = presets.get(config, found.spec["preset"])
    finally:
        config.close()
    clips, problems = select(db, found.spec, ("video",))
    usable: list[Facts] = []
    paths: dict[int, str] = {}
    for clip in clips:
        try:
            usable.append(_facts(db, clip))
        except RushesError as error:
            problems.append(str(error))
            continue
        for file in clip.files:
            path = _path(db, file)
            if path is not None:
                paths[file.asset_id] = path
    if not usable:
        raise Refused(*(problems or ["No clip fits this recipe, so there is no timeline."]))
    try:
        cuts = cutlist.make(found.name, usable, paths, found.spec, preset.body)
    except RushesError as error:
        raise Refused(str(error)) from error
    return cuts, problems


def _facts(db: Database, clip: Chosen) -> Facts:
    measured = []
    for file in clip.files:
        if file.media is not None:
            measured.append(Measured(file.media))
        elif available(db, file.asset_id) is None:
            raise RushesError(f"Clip {display(clip.title)} is away and was never looked at.")
        else:
            measured.append(Reader(db, find_tools()).facts(file, clip.title))
    if any(entry.media.video is None or entry.media.kind == "image" for entry in measured):
        raise RushesError(f"Clip {display(clip.title)} has no moving picture.")
    return Facts(clip, tuple(measured))


def _path(db: Database, file: File) -> str | None:
    """Where a file is, or was when its drive was last here."""
    here = available(db, file.asset_id)
    if here is not None:
        return here.path
    known = row(
        db,
        "SELECT * FROM copy_states WHERE asset_id = ? ORDER BY role = 'managed' DESC, copy_id",
        (file.asset_id,),
    )
    return places.last_known(known, from_blob(known["path"])) if known is not None else None
