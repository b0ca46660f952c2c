"""Where the files of one source go below every destination: its own folder, or what a template says."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from engine.errors import RushesError
from engine.ingest.planning import naming
from engine.ingest.planning.placing import choose_folder
from engine.ingest.records.known import join
from engine.media.beside import enrich
from engine.media.cards import Card, reader, recognise
from engine.media.clips import Clip, group_each
from engine.media.facts import MediaFacts
from engine.media.filelist import FileList, Shelf
from engine.media.probe import probe
from engine.media.tools import find_tools
from engine.names import display


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        template: see :mod:`engine.ingest.planning.naming`; None keeps the tree.
        project: name of the library.
    """

    template: str | None
    project: str


@dataclass(frozen=True)
class Arrangement:
    """Where the files of a source go.

    Attributes:
        folder: folder below each destination in which the tree is kept; ``''`` is the destination itself.
        names: path below the destination for each path on the source; None when the tree is kept.
        hashed: the names hold :data:`engine.ingest.planning.naming.HASH_MARK` until the file was read.
    """

    folder: str
    names: Shelf | None = None
    hashed: bool = False

    def target(self, path: str) -> str:
        """Path of a file below each destination."""
        return join(self.folder, path) if self.names is None else self.names[path]


def arrange(
    db: Database,
    wanted: Wanted,
    *,
    path: str,
    is_file: bool,
    label: str,
    files: FileList,
    destinations: Sequence[tuple[str, str, str]],
    taken: Collection[str] = (),
    item_id: int | None = None,
) -> Arrangement:
    """Decide where the files of one source go.

    Args:
        db: the library.
        wanted: what is asked for.
        path: the source, absolute.
        is_file: whether it is a single file.
        label: name of the card, ``''`` for a single file.
        files: what is on it.
        destinations: (volume id, path on the volume, absolute path) of each destination.
        taken: folders already given to other cards of the same batch.
        item_id: the batch item that asks; its own files do not count against it.

    Raises:
        RushesError: no folder is free.
    """
    if not destinations:
        return Arrangement("")
    template = wanted.template
    if template is not None:
        base = os.path.dirname(path) if is_file else path
        card = recognise(files, None if is_file else reader(base))
        known = _known(wanted, template, card, base, label, files)
        if is_file or not card.structured:
            return Arrangement("", naming.name_files(template, known, files), naming.hashed(template))
        label = naming.folder_above(template, known)
    elif is_file:
        return Arrangement("")
    return Arrangement(choose_folder(db, label, files, destinations, taken=taken, item_id=item_id))


def _known(wanted: Wanted, template: str, card: Card, base: str, label: str, files: FileList) -> naming.Known:
    name = naming.safe(display(label), "card")
    asked = naming.tokens(template) & {"camera", "reel"}
    facts = _first_facts(base, files, card) if asked else None
    return naming.Known(
        project=naming.safe(display(wanted.project), "project"),
        date=naming.day_of(min((file.mtime_ns for file in files), default=0)),
        camera=naming.safe((facts.model or facts.make) if facts else None, card.kind),
        reel=naming.safe(facts.reel if facts else None, name),
        card=name,
    )


def _first_facts(base: str, files: FileList, card: Card) -> MediaFacts | None:
    """What the first recording says of its camera; None when there is none, or it says nothing."""
    first: Clip | None = None

    def take(clip: Clip) -> None:
        nonlocal first
        if clip.kind == "video" and (first is None or clip.essence < first.essence):
            first = clip

    group_each(files, card, reader(base), take)
    if first is None:
        return None
    try:
        return enrich(probe(find_tools(), str(Path(base) / first.essence)), first, reader(base))
    except RushesError:
        return None  # the names do without; the clip itself is warned about when it is entered
