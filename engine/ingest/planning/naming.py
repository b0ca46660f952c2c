"""Name templates: where a file goes when its tree is not simply kept.

Plain functions over plain data. Files of a structured card are never renamed:
the template makes the folder above the card, and the card's tree stays whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.errors import WrongUse
from engine.ingest.planning import layout
from engine.media.filelist import FileList, Shelf
from engine.media.kinds import kind_of
from engine.names import display

LAYOUTS = ("tree", "template", "content")
"""``tree`` keeps every tree below a folder named after its source; ``content`` is a template of its own."""

USUAL = "{project}/{date}/{camera}/{reel}/{card}/{original}"
"""The template of the layout ``template`` when none is given."""

CONTENT = "{project}/source/{kind}/{camera}/{blake3}"
"""The template of the layout ``content``: each file under its BLAKE3, so that one content has one name."""

OF_THE_SOURCE = frozenset({"project", "date", "camera", "reel", "card"})
OF_THE_FILE = frozenset({"counter", "original", "blake3", "kind"})

HASH_MARK = "{blake3}"
"""Stands in a name for the hash of a file that was not read yet."""

_TOKEN = re.compile(r"\{([^{}]*)\}")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


@dataclass(frozen=True)
class Known:
    """What is known of a source. Each is a name that any file system can hold; see :func:`safe`.

    Attributes:
        project: name of the library.
        date: the day of its oldest recording, ``2026-11-20``, in local time.
        camera, reel: from its first recording; the kind of card and the card's name when not known.
        card: name of the card.
    """

    project: str
    date: str
    camera: str
    reel: str
    card: str


def template_of(wanted: str, template: str | None) -> str | None:
    """The template that a layout comes to; None for ``tree``. A template alone means ``template``.

    Raises:
        WrongUse: an unknown layout, or a template that cannot be used.
    """
    if wanted not in LAYOUTS:
        raise WrongUse(f"The layout is one of: {', '.join(LAYOUTS)}.")
    if wanted != "template":
        if template is not None:
            raise WrongUse(f"A template belongs to the layout 'template', not to '{wanted}'.")
        return CONTENT if wanted == "content" else None
    return _checked(USUAL if template is None else template)


def _checked(template: str) -> str:
    shown = display(template)
    known = sorted(OF_THE_SOURCE | OF_THE_FILE)
    for token in _TOKEN.findall(template):
        if token not in known:
            raise WrongUse(
                f"{{{display(token)}}} in the template {shown} is unknown; there are {', '.join(known)}."
            )
    if re.search(r"[{}]", _TOKEN.sub("", template)):
        raise WrongUse(f"The template {shown} has a brace without its partner.")
    parts = template.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in template:
        raise WrongUse(f"The template {shown} must be a relative path without empty parts, '.' and '..'.")
    if not _tokens(parts[-1]) & {"original", "counter", "blake3"}:
        raise WrongUse(
            f"The last part of the template {shown} would be the same for every file; "
            "it needs {original}, {counter} or {blake3}."
        )
    return template


def _tokens(part: str) -> set[str]:
    return set(_TOKEN.findall(part))


def tokens(template: str) -> frozenset[str]:
    """The tokens that a template uses."""
    return frozenset(_tokens(template))


def safe(text: str | None, otherwise: str) -> str:
    """Make a part of a path of a text that came from a camera; ``otherwise`` when nothing is left of it."""
    clean = _UNSAFE.sub("_", text or "").strip().strip(".").strip()
    return clean[:100].strip().strip(".") or otherwise


def folder_above(template: str, known: Known) -> str:
    """The folder in which a structured card is kept: the template up to what differs from file to file.

    The card's own name comes last, unless the template put it there.
    """
    head = []
    for part in template.split("/"):
        if _tokens(part) & OF_THE_FILE:
            break
        head.append(part)
    if not head or head[-1] != "{card}":
        head.append("{card}")
    return "/".join(_fill(part, vars(known)) for part in head)


def name_files(template: str, known: Known, files: FileList) -> Shelf:
    """Give every loose file its path below the destination; the result lies beside the list.

    A sidecar gets the counter and the day of the film that it lies beside under
    the same name. Names that would be taken twice, whatever their letter case,
    are numbered. ``{blake3}`` stays as :data:`HASH_MARK` until the file was read.
    """
    stems = _stems(files)
    named, taken = files.shelf(), files.shelf()
    for file in files:
        stem, extension = os.path.splitext(file.path)
        counter, _, day = stems[stem].split()
        values = {
            **vars(known),
            "date": day,
            "counter": f"{int(counter):04d}",
            "original": os.path.basename(file.path),
            "kind": kind_of(file.path),
            "blake3": HASH_MARK,
        }
        path = "/".join(_fill(part, values) for part in template.split("/"))
        if "original" not in _tokens(template.rpartition("/")[2]):
            path += extension
        named[file.path] = path if hashed(template) else _free(path, taken)
    return named


def _stems(files: FileList) -> Shelf:
    """For each stem its number, whether a film gave it the day, and the day, with blanks in between."""
    stems = files.shelf()
    count = 0
    for file in files:
        stem = os.path.splitext(file.path)[0]
        media = kind_of(file.path) in ("video", "audio", "image")
        said = stems.get(stem)
        if said is None:
            count += 1
            stems[stem] = f"{count} {'film' if media else 'other'} {day_of(file.mtime_ns)}"
        elif media and said.split()[1] == "other":
            stems[stem] = f"{said.split()[0]} film {day_of(file.mtime_ns)}"
    return stems


def hashed(template: str) -> bool:
    """Whether names of this template hold the hash, which is known only when the file was read."""
    return "blake3" in tokens(template)


def with_hash(pattern: str, blake3: str) -> str:
    """Put the hash into a name that :func:`name_files` gave."""
    return pattern.replace(HASH_MARK, blake3)


def day_of(mtime_ns: int) -> str:
    """The day of a moment in local time, ``2026-11-20``."""
    return datetime.fromtimestamp(mtime_ns / 1e9, UTC).astimezone().strftime("%Y-%m-%d")


def _free(path: str, taken: Shelf) -> str:
    folder, _, name = path.rpartition("/")
    for number in range(layout.HIGHEST_NUMBER + 1):
        tried = name if number == 0 else layout.numbered(name, number)
        whole = f"{folder}/{tried}" if folder else tried
        if whole.casefold() not in taken:
            taken[whole.casefold()] = ""
            return whole
    return path  # the copying step refuses to overwrite and says so


def _fill(part: str, values: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda found: values[found[1]], part)
