"""What every maker's rules have in common."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.media.grouping import Grouping
from engine.media.listing import Entry, Listing, Reader


@dataclass(frozen=True)
class Maker:
    """One card layout.

    Attributes:
        kind: name in the catalogue; ``""`` = rules for files that do not name a card.
        label: name for people.
        structured: whether the tree must be kept as it is.
        roots: folders (folded paths) in which the structure begins; empty = not here.
        group: makes clips below one root.
        check: sentences about what the structure lacks below one root, by the listing alone.
        model: the camera's model below one root, from the card's index.
    """

    kind: str
    label: str
    structured: bool
    roots: Callable[[Listing], list[str]]
    group: Callable[[Grouping, str], None]
    check: Callable[[Listing, str], Sequence[str]] | None = None
    model: Callable[[Listing, str, Reader | None], str | None] | None = None


def last(folder: str) -> str:
    """The last component of a folder path."""
    return folder.rpartition("/")[2]


def folders_named(listing: Listing, *names: str) -> list[str]:
    """Every folder whose last component is one of ``names`` (folded)."""
    return [folder for folder in listing.folders() if last(folder) in names]


def folders_like(listing: Listing, pattern: str) -> list[str]:
    """Every folder whose last component matches the whole ``pattern`` (folded)."""
    compiled = re.compile(pattern)
    return [folder for folder in listing.folders() if compiled.fullmatch(last(folder))]


def below(listing: Listing, folder: str) -> list[Entry]:
    """All files in a folder and the folders in it."""
    found = list(listing.files_in(folder))
    for inner in listing.folders_in(folder):
        found += below(listing, inner)
    return found


def by_stem(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The entries by folded stem, in order."""
    stems: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        stems[entry.stem].append(entry)
    return stems


def gaps(numbers: Iterable[int], first: int = 1) -> list[int]:
    """The numbers missing between ``first`` and the highest one there is."""
    present = set(numbers)
    return [n for n in range(first, max(present, default=first - 1)) if n not in present]
